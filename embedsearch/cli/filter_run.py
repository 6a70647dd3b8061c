"""What ``filter`` does with its options."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli import costs
from embedsearch.cli.document_commands import read_sources
from embedsearch.cli.filter_output import emit, tell, why_nothing
from embedsearch.cli.options import nothing_found, open_index
from embedsearch.cli.output import FORMATS_BY_SUFFIX, note, note_line, progress
from embedsearch.compressed import packed_parquet, suffix_of
from embedsearch.errors import AxisError, QueryError, did_you_mean
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch import Document, Index
    from embedsearch.documents.reading import Planned
    from embedsearch.filtering import Profile, Resumable, Sieve
    from embedsearch.index import Verdict

# What a file holds that is called so, and what formats are when they are written; all other names promise nothing.
_KINDS = {"csv": "rows", "tsv": "rows", "tab": "rows", "jsonl": "lines", "ndjson": "lines", "json": "json",
          "parquet": "parquet", "ris": "ris", "nbib": "nbib", "bib": "bib", "html": "html", "htm": "html",
          "pdf": "pdf", "eml": "eml", "mbox": "mbox", "xlsx": "xlsx", "xlsm": "xlsx", "docx": "docx",
          "odt": "odt", "epub": "epub"}  # fmt: skip


def run(asked: Asked) -> None:
    """Filter as a command line says."""
    asked.check_options()
    from embedsearch.documents.arriving import Arriving
    from embedsearch.filtering import Resumable
    from embedsearch.whole import WholeFile, commit_all

    with ExitStack() as stack:
        output = stack.enter_context(Resumable(asked.output)) if asked.output else None
        sample, saved = (
            stack.enter_context(WholeFile(name)) if name else None for name in (asked.sample_to, asked.save_file)
        )
        measured = _measuring(asked, output, stack)
        if asked.may_pause and measured.documents is not None:
            arriving = Arriving(measured.documents, waiting=sys.stdout.flush)
            measured.documents = stack.enter_context(arriving)
        sieve = measured.sieve()
        with _told(sieve, asked) as told:
            written = emit(told, asked, output.stream if output else None, sample.stream if sample else None)
        profile = measured.to_save(sieve)
        if saved and profile:
            saved.stream.write(profile.to_json().encode())
        commit_all([one for one in (saved if profile else None, sample, output) if one])
    tell(sieve, asked, written, profile)
    if not written:
        nothing_found(why_nothing(sieve, asked), None if asked.sources else measured.index)


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
    planned: list[Planned] = field(init=False)

    def __post_init__(self) -> None:
        """Find out what the sources are; one that is missing is told of where they are read."""
        from embedsearch.documents import plan

        self.planned = plan(*self.sources, format=self.reading["read_as"])

    def check_options(self) -> None:
        """Refuse options that cannot be honoured together.

        Raises:
            click.UsageError: the message says which to leave out, or what is missing.
            QueryError: there is no place for an output.
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
            "-f same writes records unchanged; -a and --explain need another format, such as -f jsonl",
        )
        yield (
            self.profile_file and (self.where or self.by or self.axes_file or self.index_is_given or self.encoder),
            "a profile has its own condition, axes and encoder; leave --where, --by, --axes, -i and --encoder out",
        )
        yield self.profile_file and not self.sources, "a profile filters SOURCEs; name at least one"
        yield (
            self.profile_file and self.save_file,
            "--save-profile does not go with --profile; copy the file of the profile instead",
        )
        yield (
            self.save_file and self.invert,
            "a profile does not keep --invert; write --where 'not (CONDITION)' instead",
        )
        yield self.by and not self.top, "--by goes with --top N"
        yield self.sample_to and not self.sample, "--sample-to goes with --sample N"
        yield self.sample and self.top and not self.sample_to, "--sample with --top needs --sample-to FILE"
        yield self.output and self.format == "table", "a table is for a terminal; leave out either -f table or -o"
        for file in (self.output, *([self.sample_to] if self.sample_to else [])):
            misfit = self._misfit(file)
            yield misfit, misfit
        yield (
            self._coincide(),
            "two of -o, --sample-to and --save-profile name the same file; give each a file of its own",
        )
        yield self._overwrites(), "the output would overwrite a file that is read; name another file for it"
        if self.axes_file and self._index_from == "DEFAULT":
            yield not self.sources, "--axes without -i measures SOURCEs; name at least one, or an index"

    @property
    def _outputs(self) -> list[str]:
        return [name for name in (self.output, self.sample_to, self.save_file) if name]

    def _coincide(self) -> bool:
        from embedsearch.whole import is_special, place_of

        places = [place_of(name) for name in self._outputs if not is_special(name)]
        return len(set(places)) < len(places)

    def _overwrites(self) -> bool:
        outputs = [path for path in map(Path, self._outputs) if path.exists()]
        read = [one.path for one in self.planned if one.path]
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
        from embedsearch.store import is_index

        if self.index_is_given or not self.sources:
            return True
        return not self.axes_file and (self._index_from == "ENVIRONMENT" or is_index(self.path))

    @property
    def may_pause(self) -> bool:
        """Does a source come through a pipe? Then it can be read only once, and may go on for as long as we run."""
        return not all(one.is_file for one in self.planned)

    def kind_of(self, file: str | None) -> str:
        """Return the format of what goes into a file, or to stdout where it is None."""
        if self.format and not (file and self.format == "table"):
            return self.format
        if sys.stdout.isatty() and not file:
            return "table"
        if self._stand_in(file):
            return "same"
        return FORMATS_BY_SUFFIX.get(suffix_of(file or ""), "jsonl")

    def _stand_in(self, file: str | None) -> bool:
        """Do some documents at least go out as they stood: as records, or as rows of Parquet to such a file?"""
        if self.axes or self.explain:
            return False
        return any(one.has_records or (_is_parquet(file) and _has_rows(one)) for one in self.planned)

    def _misfit(self, file: str | None) -> str:
        """Say what a file cannot hold by its name, or what cannot go out as it stood; nothing where all is well."""
        if self.format == "same" and not self._stand_in(file) and (self.planned or not self.sources):
            what = self.sources[0] if self.sources else "the index"
            return f"-f same writes records unchanged, and {what} has none; name another format, such as -f jsonl"
        suffix = suffix_of(file or "")
        wanted = _KINDS.get(suffix[1:])
        if _is_parquet(file) and (refused := packed_parquet(file or "")):
            return refused
        if not wanted or self.format not in (None, "same"):
            return ""
        kind = self.kind_of(file)
        if kind != "same" and _KINDS[kind] != wanted:
            return f"only unchanged records can go to {file}; name a .csv, .tsv, .json or .jsonl file, or add -f"
        for one in self.planned if kind == "same" else ():
            if _written_as(one, file) != wanted and not (one.has_records and suffix_of(one.name) == suffix):
                return (
                    f"the records of {one.name} are written unchanged, which does not go with {file}; rename the file, "
                    "or name a format, such as -f jsonl"
                )
        return ""

    def documents(self, *, quiet: bool = False) -> Iterator[Document] | None:
        """Return the documents of the sources; None for those of the index."""
        return read_sources(self.sources, self.reading, None if quiet else note_line) if self.sources else None


def _is_parquet(file: str | None) -> bool:
    return suffix_of(file or "") == ".parquet"


def _has_rows(one: Planned) -> bool:
    """Can its rows be read once more, to be written with their types?"""
    return one.format == "parquet" and _is_parquet(one.name) and one.is_file


def _written_as(one: Planned, file: str | None) -> str:
    """Return what the documents of a source are in a file of what stood; those without a record are JSON lines."""
    if _is_parquet(file) and _has_rows(one):
        return "parquet"
    return _KINDS.get(one.format or "jsonl", one.format) if one.has_records else "lines"


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

    def to_save(self, sieve: Sieve) -> Profile | None:
        """Return the profile, if that was asked for; None where no document was measured."""
        file, judge = self.asked.save_file, sieve.verdicts.judge
        if not file or judge is None:
            return None
        from embedsearch.filtering import Profile

        return Profile.of(
            Path(file).stem, self.index, judge.means.axes,
            condition=self.where, rank=self.asked.by, population=self.population,
        )  # fmt: skip


def _measuring(asked: Asked, output: Resumable | None, stack: ExitStack) -> _Measured:
    if output and output.goes_on:
        note(f"Going on where a run was interrupted: what it embedded is in {output.folder}.")
    cache = output.cache if output else None
    if asked.profile_file:
        return _by_profile(asked, cache, stack)
    if asked.needs_index:
        index = open_index(asked.path, asked.encoder, cache=cache)
        if asked.axes_file:
            from embedsearch.axes import read_axes

            index.axes.lend(read_axes(asked.axes_file))
        _tell_costs(asked, index.identity.name, asked.where, list(index.axes), stack)
        return _Measured(asked, index, asked.documents(), f"the passages of {asked.path}")
    return _without_index(asked, cache, stack)


def _by_profile(asked: Asked, cache: Path | None, stack: ExitStack) -> _Measured:
    from embedsearch.filtering import Profile

    profile = Profile.load(asked.profile_file or "")
    if profile.condition is None and not asked.top:
        raise QueryError(f"the profile {profile.name!r} ranks by {profile.rank}, and has no condition; add --top N")
    documents = asked.documents()
    _tell_costs(asked, profile.encoder.name, profile.condition, list(profile.axes), stack)
    index = profile.index(stack.enter_context(tempfile.TemporaryDirectory()), cache=cache)
    stack.callback(index.close)
    note(f"Profile {profile.name!r}: {profile.condition or profile.rank}; scaled on {profile.population or 'nothing'}.")
    return _Measured(asked, index, documents, profile.population, profile)


def _without_index(asked: Asked, cache: Path | None, stack: ExitStack) -> _Measured:
    from embedsearch.axes import read_axes
    from embedsearch.conditions import axes_in, axis_meant
    from embedsearch.encoders import DEFAULT_ENCODER
    from embedsearch.filtering import draw, first, measuring_index

    axes = read_axes(asked.axes_file) if asked.axes_file else []
    names = [axis.name for axis in axes]
    for unknown in [name for name in asked.axes if name not in names]:
        advice = did_you_mean(unknown, names) or " Without an index, axes come from a file: --axes FILE"
        raise AxisError(f"there is no axis {unknown!r}.{advice}")
    named = {*axes_in(asked.where, names, asked.by and asked.by.removeprefix("-")), *asked.axes}
    encoder = asked.encoder or DEFAULT_ENCODER
    documents: Iterable[Document] | None = asked.documents()
    _tell_costs(asked, encoder, asked.where, names, stack)
    sample: list[Document] = []
    scaled_on = ""
    if named.intersection(names) and documents is not None:
        if asked.may_pause:
            sample, documents = first(iter(documents), asked.population)
            scaled_on = f"the first {count_of(len(sample), 'document')} of the stream"
        else:
            sample, total = draw(asked.documents(quiet=True) or (), asked.population, asked.seed)
            scaled_on = f"{len(sample):,} of the {count_of(total, 'document')}, drawn at random (seed {asked.seed})"
        note(f"No index: axes are scaled on {scaled_on}.")
    elif axes:
        meant = axis_meant(asked.where, names)
        note(f"No axis of {asked.axes_file} is used; it has: {', '.join(names)}.{meant}")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "index"
    index = measuring_index(folder, encoder, axes=axes if sample else (), population=sample, cache=cache)
    stack.callback(index.close)
    return _Measured(asked, index, documents, scaled_on)


def _tell_costs(asked: Asked, encoder: str, where: str | None, axes: Sequence[str], stack: ExitStack) -> None:
    """Say where the texts of the sources are sent, and about what that costs, where any of them is measured elsewhere.

    Raises:
        QueryError: the condition cannot be read.
    """
    from embedsearch.conditions import axes_in, parse_condition

    measured = axes_in(where, axes) or (where and parse_condition(where).phrases)
    if asked.sources and (measured or asked.axes or asked.explain or asked.top):
        remote = costs.remote_encoder(encoder)
        tokens = costs.tokens_of(asked.sources, asked.reading["read_as"]) if remote else None
        stack.enter_context(costs.told(remote, tokens))


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
