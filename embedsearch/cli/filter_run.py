"""What ``filter`` does with its options."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli.document_commands import read_sources
from embedsearch.cli.filter_output import emit, tell
from embedsearch.cli.options import nothing_found, open_index
from embedsearch.cli.output import note, progress

if TYPE_CHECKING:
    from embedsearch import Document, Index
    from embedsearch.filtering import Profile, Resumable, Sieve
    from embedsearch.index import Verdict

_FORMATS_BY_SUFFIX = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".json": "json"}  # all others: JSON lines
_OTHER_SUFFIXES = (".parquet", ".ris", ".nbib", ".bib", ".html", ".htm", ".pdf")
_READING = ("text", "title", "id", "read_as", "encoding", "on_error")


def run(sources: tuple[str, ...], format: str | None, given: dict[str, Any]) -> None:
    """Filter as a command line says.

    Args:
        sources: as they were named.
        format: of the output, if one was named.
        given: all other options, those about reading among them.
    """
    asked = Asked(sources, format, **_own(given), reading=given)
    asked.check_options()
    with ExitStack() as stack:
        output = stack.enter_context(_output(asked)) if asked.output else None
        measured = _measuring(asked, output, stack)
        sieve = measured.sieve()
        with _told(sieve, asked) as told:
            written = emit(told, asked, output.stream if output else None)
        if output:
            output.commit()
        measured.save(sieve)
    tell(sieve, asked, written)
    if not written:
        nothing_found(measured.index, "no document satisfies the condition")


def _own(given: dict[str, Any]) -> dict[str, Any]:
    """Take the options that are not about reading out of those given."""
    return {name: given.pop(name) for name in list(given) if name not in _READING}


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
            self.profile_file and (self.where or self.by or self.axes_file or self.index_is_given or self.encoder),
            "a profile has its own condition, axes and encoder; leave --where, --by, --axes, -i and --encoder out",
        )
        yield self.profile_file and not self.sources, "a profile filters SOURCEs; name at least one"
        yield self.profile_file and self.save_file, "the profile is saved already; copy its file"
        yield self.by and not self.top, "--by goes with --top N"
        yield self.sample_to and not self.sample, "--sample-to goes with --sample N"
        yield self.sample and self.top and not self.sample_to, "--sample with --top needs --sample-to FILE"
        yield self.output and self.format == "table", "a table is for a terminal; leave -f table out, or -o"
        for file in (self.output, self.sample_to):
            yield (
                not self.format and self._cannot_hold(file),
                f"only records as they stood can go to {file}; name a .csv, .tsv, .json or .jsonl file, or -f",
            )
        yield self._overwrites(), "the output would take the place of a source; name another file for it"
        if self.axes_file and self._index_from == "DEFAULT":
            yield not self.sources, "--axes without -i measures SOURCEs; name at least one, or an index"

    def _overwrites(self) -> bool:
        from embedsearch.documents import files_of

        named = (Path(name) for name in (self.output, self.sample_to, self.save_file) if name)
        outputs = [path for path in named if path.exists()]
        if not outputs:
            return False
        read = files_of(*self.sources, format=self.reading["read_as"])
        read += [Path(name) for name in (self.axes_file, self.profile_file) if name]
        read += [Path("/dev/stdin")] * ("-" in self.sources)  # the shell may have opened a file for it
        return any(other.is_file() and one.samefile(other) for one in outputs for other in read)

    @property
    def _index_from(self) -> str:
        """Where the index was named: COMMANDLINE, ENVIRONMENT, or nowhere: DEFAULT."""
        source = click.get_current_context().get_parameter_source("path")
        return source.name if source is not None else "DEFAULT"

    @property
    def index_is_given(self) -> bool:
        """Was an index named on the command line?"""
        return self._index_from == "COMMANDLINE"

    @property
    def needs_index(self) -> bool:
        """Is it measured with an index? With --axes and sources only with one that the command line names."""
        if self.index_is_given or not self.sources:
            return True
        return not self.axes_file and (self._index_from == "ENVIRONMENT" or _is_index(self.path))

    def kind_of(self, file: str | None) -> str:
        """Return the format of what goes into a file, or to stdout where it is None."""
        if self.format and not (file and self.format == "table"):
            return self.format
        if sys.stdout.isatty() and not file:
            return "table"
        if self.sources and not (self.axes or self.explain):
            return "same"
        return _FORMATS_BY_SUFFIX.get(Path(file or "").suffix.lower(), "jsonl")

    def _cannot_hold(self, file: str | None) -> bool:
        """Would JSON lines go into a file whose suffix promises rows or references?"""
        return bool(file) and self.kind_of(file) == "jsonl" and Path(file or "").suffix.lower() in _OTHER_SUFFIXES

    def documents(self, *, quiet: bool = False) -> Iterator[Document] | None:
        """Return the documents of the sources; None for those of the index."""
        return read_sources(self.sources, self.reading, None if quiet else note) if self.sources else None


def _output(asked: Asked) -> Resumable:
    from embedsearch.filtering import Resumable

    return Resumable(asked.output or "")


@dataclass(slots=True)
class _Measured:
    """What documents are measured with."""

    asked: Asked
    index: Index
    documents: Iterable[Document] | None
    population: str
    profile: Profile | None = None

    @property
    def where(self) -> str | None:
        return self.profile.condition if self.profile else self.asked.where

    @property
    def rank(self) -> str | None:
        """What documents are ranked by: what was asked for, or the first thing that the condition measures."""
        given = self.profile.rank if self.profile else self.asked.by
        if not self.asked.top or given:
            return given if self.asked.top else None
        from embedsearch.conditions import first_measure

        return first_measure(self.where or "", list(self.index.axes))

    def sieve(self) -> Sieve:
        from embedsearch.filtering import Best, Reservoir, Sieve
        from embedsearch.index import Wanted

        asked, rank = self.asked, self.rank
        every = bool(asked.invert or asked.sample)
        wanted = Wanted(
            axes=tuple(asked.axes), explained=asked.explain, inverted=asked.invert,
            rejected=every or bool(asked.check), all_measured=every,
        )  # fmt: skip
        lowest = bool(rank and rank.startswith("-"))
        verdicts = self.index.sift(self.where, self.documents, wanted, rank=rank.removeprefix("-") if rank else None)
        best: Best[Verdict] | None = Best(asked.top, lowest=lowest) if asked.top else None
        rejected: Reservoir[Verdict] | None = Reservoir(asked.sample, asked.seed) if asked.sample else None
        return Sieve(verdicts, invert=asked.invert, best=best, rejected=rejected, check=asked.check)

    def save(self, sieve: Sieve) -> None:
        """Save the profile, if that was asked for."""
        file, judge = self.asked.save_file, sieve.verdicts.judge
        if not file or judge is None:
            return
        from embedsearch.filtering import Profile

        profile = Profile.of(
            Path(file).stem, self.index, judge.means.axes,
            condition=self.where, rank=self.asked.by, population=self.population,
        )  # fmt: skip
        profile.save(file)
        note(f"Profile {profile.name!r} saved in {file}: {', '.join(profile.axes) or 'no axes'}.")


def _measuring(asked: Asked, output: Resumable | None, stack: ExitStack) -> _Measured:
    if output and output.goes_on:
        note(f"Going on: what an interrupted run embedded is in {output.folder}.")
    cache = output.cache if output else None
    if asked.profile_file:
        return _by_profile(asked, cache, stack)
    if asked.needs_index:
        index = open_index(asked.path, asked.encoder, cache=cache)
        if asked.axes_file:
            from embedsearch.axes import read_axes

            index.axes.lend(read_axes(asked.axes_file))
        return _Measured(asked, index, asked.documents(), f"the passages of {asked.path}")
    return _without_index(asked, cache, stack)


def _is_index(path: str) -> bool:
    return (Path(path) / "index.db").exists()


def _by_profile(asked: Asked, cache: Path | None, stack: ExitStack) -> _Measured:
    from embedsearch.filtering import Profile

    profile = Profile.load(asked.profile_file or "")
    documents = asked.documents()
    index = profile.index(stack.enter_context(tempfile.TemporaryDirectory()), cache=cache)
    stack.callback(index.close)
    note(f"Profile {profile.name!r}: {profile.condition or profile.rank}; scaled on {profile.population or 'nothing'}.")
    return _Measured(asked, index, documents, profile.population, profile)


def _without_index(asked: Asked, cache: Path | None, stack: ExitStack) -> _Measured:
    from embedsearch.axes import read_axes
    from embedsearch.conditions import names_in
    from embedsearch.encoders import DEFAULT_ENCODER
    from embedsearch.filtering import draw, first, measuring_index

    axes = read_axes(asked.axes_file) if asked.axes_file else []
    named = {*names_in(asked.where, asked.by), *asked.axes}
    documents: Iterable[Document] | None = asked.documents()
    sample: list[Document] = []
    scaled_on = ""
    if named & {axis.name for axis in axes} and documents is not None:
        if "-" in asked.sources:
            sample, documents = first(iter(documents), asked.population)
            scaled_on = f"the first {len(sample):,} documents of the stream"
        else:
            sample, total = draw(asked.documents(quiet=True) or (), asked.population, asked.seed)
            scaled_on = f"{len(sample):,} of the {total:,} documents, drawn at random (seed {asked.seed})"
        note(f"No index: axes are scaled on {scaled_on}.")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "index"
    index = measuring_index(
        folder, asked.encoder or DEFAULT_ENCODER, axes=axes if sample else (), population=sample, cache=cache
    )
    stack.callback(index.close)
    return _Measured(asked, index, documents, scaled_on)


@contextmanager
def _told(sieve: Sieve, asked: Asked) -> Iterator[Sieve]:
    """Show a bar for the documents, on a terminal that is not taken by what passes."""
    from embedsearch.documents import estimate

    if not sys.stderr.isatty() or (sys.stdout.isatty() and not asked.output):
        yield sieve
        return
    total = estimate(*asked.sources, format=asked.reading["read_as"]) if asked.sources else None
    with progress(total, "Filtering") as bar:
        if bar:
            sieve.verdicts.progress = lambda done: bar.update(bar.task_ids[0], completed=done)
        yield sieve
