"""The options of ``filter`` as they were given, and which of them cannot go together."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli.document_commands import read_sources
from embedsearch.cli.output import note

if TYPE_CHECKING:
    from embedsearch import Document


@dataclass(slots=True)
class Asked:
    """The options of a command line."""

    sources: tuple[str, ...]
    format: str | None
    where: str | None
    invert: bool
    top: int | None
    by: str | None
    sample: int | None
    sample_to: str | None
    seed: int
    axes: list[str]
    explain: bool
    check: str | None
    output: str | None
    axes_file: str | None
    population: int
    profile_file: str | None
    save_file: str | None
    path: str
    encoder: str | None
    reading: dict[str, Any]

    def check_options(self) -> None:
        """Refuse options that cannot be honoured together.

        Raises:
            click.UsageError: the message says which to leave out, or what is missing.
        """
        for refused, why in self._refusals():
            if refused:
                raise click.UsageError(why)

    def _refusals(self) -> Iterator[tuple[object, str]]:
        added = self.axes or self.explain
        yield (
            not (self.where or self.profile_file or (self.top and self.by)),
            "give --where CONDITION, --profile FILE, or --top N with --by MEASURE",
        )
        yield (
            self.format == "same" and added,
            "-f same gives records as they stood; coordinates need another format, such as -f jsonl",
        )
        yield (
            self.profile_file and (self.where or self.by or self.axes_file or self.index_is_named or self.encoder),
            "a profile has its own condition, axes and encoder; leave --where, --by, --axes, -i and --encoder out",
        )
        yield self.profile_file and not self.sources, "a profile filters SOURCEs; name at least one"
        yield self.profile_file and self.save_file, "the profile is saved already; copy its file"
        yield self.by and not self.top, "--by goes with --top N"
        yield self.sample_to and not self.sample, "--sample-to goes with --sample N"
        yield self.sample and self.top and not self.sample_to, "--sample with --top needs --sample-to FILE"
        yield self.output and self.format == "table", "a table is for a terminal; leave -f table out, or -o"
        yield self._overwrites(), "the output would take the place of a source; name another file for it"
        if self.axes_file and not self.index_is_named:
            yield not self.sources, "--axes without -i measures SOURCEs; name at least one, or an index"

    def _overwrites(self) -> bool:
        outputs = [Path(name) for name in (self.output, self.sample_to) if name]
        read = [Path(name) for name in (*self.sources, self.axes_file or "", self.profile_file or "") if name]
        return any(one.exists() and other.is_file() and one.samefile(other) for one in outputs for other in read)

    @property
    def index_is_named(self) -> bool:
        """Was an index named, on the command line or in the environment?"""
        source = click.get_current_context().get_parameter_source("path")
        return source is not None and source.name != "DEFAULT"

    @property
    def kind(self) -> str:
        """The format of the output."""
        if self.format:
            return self.format
        if sys.stdout.isatty() and not self.output:
            return "table"
        return "jsonl" if self.axes or self.explain or not self.sources else "same"

    def documents(self, *, quiet: bool = False) -> Iterator[Document] | None:
        """Return the documents of the sources; None for those of the index."""
        return read_sources(self.sources, self.reading, None if quiet else note) if self.sources else None
