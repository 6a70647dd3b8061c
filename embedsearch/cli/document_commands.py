"""``ingest``, ``info``: documents in, and what is there."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli import costs
from embedsearch.cli.main import examples
from embedsearch.cli.options import (
    encoder_option,
    format_option,
    index_option,
    json_option,
    open_index,
    running_options,
)
from embedsearch.cli.output import OBJECT_FORMATS, facts, ingesting, note, note_line, write_counts, write_object
from embedsearch.errors import SourceError, StoreError
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch import Document, Index
    from embedsearch.index import AddReport

PassedOver = Callable[[SourceError], None]

READ_FORMATS = ("csv", "tsv", "xlsx", "jsonl", "parquet", "ris", "nbib", "bib", "txt", "md", "html", "pdf", "docx",
                "odt", "epub", "eml", "mbox", "lines")  # fmt: skip


def reading_options(command: Any) -> Any:
    """Add the options that say how sources are read; the command is given all of them in one, *reading*."""

    @functools.wraps(command)
    def gathering(**given: Any) -> Any:
        reading = {name: given.pop(name) for name in ("text", "title", "id", "read_as", "encoding", "on_error")}
        return command(reading=reading, **given)

    options = (
        click.option("--text", "text", multiple=True, metavar="FIELD",
                     help="The field with the text; repeat it to join several."),
        click.option("--title", metavar="FIELD", help="The field with the title."),
        click.option("--id", "id", metavar="FIELD", help="The field with the id."),
        click.option("--as", "read_as", type=click.Choice(READ_FORMATS),
                     help="Read sources in this format; lines: each line is a document."),
        click.option("--encoding", metavar="NAME", help="The encoding of text files; UTF-8 if not given."),
        click.option("--on-error", type=click.Choice(("stop", "skip")), default="stop", show_default=True,
                     help="At a record that cannot be read: stop, or report it and go on."),
    )  # fmt: skip
    for option in reversed(options):
        option(gathering)
    return gathering


@click.command(
    epilog=examples(
        "embedsearch ingest corpus/",
        "embedsearch ingest papers.csv --text abstract --title title --id pmid -i indexes/papers",
        "embedsearch ingest export.ris --on-error skip -i indexes/review",
        "cat notes.jsonl | embedsearch ingest - -i indexes/notes",
        "embedsearch ingest thesis.pdf --chunk-words 120 --overlap 20 -i indexes/thesis",
        "embedsearch ingest articles/ --sync -i indexes/articles",
        "embedsearch ingest articles/ --encoder openai:text-embedding-3-small --dry-run -i indexes/articles",
    )
)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@reading_options
@click.option(
    "--axes",
    "axes_file",
    metavar="FILE",
    help="Fit the axes in this file and keep them. If not given, those in the axes.toml of a SOURCE folder, except "
    "axes changed by hand since.",
)
@click.option(
    "--chunk-words",
    type=click.IntRange(min=1),
    metavar="N",
    help="The most words in a passage; as many as the encoder can read if not given.",
)
@click.option(
    "--overlap",
    type=click.IntRange(min=0),
    metavar="N",
    help="The most words that a passage repeats from the one before, in whole sentences and never more than half the "
    "passage; 25 if not given, or half of --chunk-words if that is less.",
)
@click.option(
    "--recall",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    help="The share of the 10 nearest passages that searches must find; 0.99 if not given.",
)
@click.option(
    "--sync", is_flag=True, help="Also remove documents that came from the SOURCEs and are no longer in them."
)
@click.option("--dry-run", is_flag=True, help="Count what would be new, its tokens and their price; write nothing.")
@encoder_option
@index_option
@json_option("the counts")
def ingest(
    sources: tuple[str, ...], axes_file: str | None, chunk_words: int | None, overlap: int | None,
    recall: float | None, sync: bool, dry_run: bool, encoder: str | None, path: str, format: str | None,
    reading: dict[str, Any],
) -> None:  # fmt: skip
    """Read SOURCEs into the index; embed only what is new.

    A SOURCE is a file, a folder of files, or - for stdin. Files may be CSV, TSV, spreadsheets, JSONL, Parquet, RIS,
    PubMed (nbib), BibTeX, TXT, Markdown, HTML, PDF, Word, OpenDocument text (odt), EPUB, mail (eml) or mailboxes
    (mbox). The index is made if it does not exist.

    The fields with the text, the title and the id are found by their usual names, which docs/reading.md lists, or
    named with --text, --title and --id. All other fields are kept as metadata.

    With --sync the index follows the SOURCEs: a document that was ingested from one of them (the same file, or any
    file below the same folder, however it is named) and is no longer there is removed. Documents from elsewhere stay.
    Nothing is removed when reading stops at an error, or when the SOURCEs hold no document. With --on-error skip,
    nothing is removed that came from a file that could not be read in full.
    """
    if sync and dry_run:
        raise click.UsageError("--dry-run does not count what --sync would remove; leave one of them out")
    from embedsearch.documents import estimate

    started = time.perf_counter()
    documents = read_sources(sources, reading)  # finds out at once about paths and formats that cannot be read
    axes_files = _axes_files(sources, axes_file)
    repeated = passed_over(reading)
    if dry_run:
        _plan(path, encoder, chunk_words, overlap, documents, repeated, format)
        return
    index = _open_or_create(path, encoder, chunk_words, overlap)
    if recall is not None:
        index.tune(recall)
    remote = costs.remote_encoder(index.identity.name)
    with costs.told(remote, costs.tokens_of(sources, reading["read_as"]) if remote else None):
        # The sources are counted for the bar alone, which shows on a terminal only.
        total = estimate(*sources, format=reading["read_as"]) if sys.stderr.isatty() else None
        report = _add(index, documents, total, sync=sources if sync else None, repeated=repeated)
        _tell(report, len(index), path, time.perf_counter() - started)
        for file in axes_files:
            _take_axes(index, file, path, changed_too=axes_file is not None)
    if format:
        write_counts(report)


def _open_or_create(path: str, encoder: str | None, chunk_words: int | None, overlap: int | None) -> Index:
    import embedsearch as es
    from embedsearch.encoders import DEFAULT_ENCODER

    if not (Path(path) / "index.db").exists():
        index = es.Index.create(path, encoder or DEFAULT_ENCODER, chunk_words=chunk_words, overlap=overlap)
        click.get_current_context().call_on_close(index.close)
        return index
    index = open_index(path, encoder)
    asked = {"chunk_words": chunk_words, "overlap": overlap}
    # info() looks at every document for the names of its fields, which takes seconds where there are millions.
    held = index.info() if any(given is not None for given in asked.values()) else {}
    for option, given in asked.items():
        if given is not None and given != held[option]:
            flag = f"--{option.replace('_', '-')}"
            made = f"without {flag}" if held[option] is None else f"with {flag} {held[option]}"
            raise StoreError(
                f"{path} was made {made}, not with {given}; leave {flag} out, or divide its documents again first: "
                f"embedsearch reindex {flag} {given} -i {path}"
            )
    return index


def _plan(
    path: str, encoder: str | None, chunk_words: int | None, overlap: int | None, documents: Iterator[Document],
    repeated: PassedOver | None, format: str | None,
) -> None:  # fmt: skip
    """Say what an ingest would do, into the index or into a new one."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        is_there = (Path(path) / "index.db").exists()
        index = _open_or_create(path if is_there else folder, encoder, chunk_words, overlap)
        plan = index.plan(documents, repeated=repeated)
        price = costs.planned(index, plan)
        index.close()
    if format:
        write_counts(plan, **({} if price is None else {"price": price}))


def _axes_files(sources: Iterable[str], axes_file: str | None) -> list[Path]:
    """Return the file of axes that was named, or those of folders; what is wrong in one is told at once.

    Axes are fitted when the documents are there: fields, ratings by id and extended poles speak of them.
    """
    from embedsearch.axes import read_axes

    named = [Path(axes_file)] if axes_file else [Path(source) / "axes.toml" for source in sources]
    files = [file for file in named if axes_file or file.is_file()]
    for file in files:
        read_axes(file)
    return files


def _take_axes(index: Index, file: Path, path: str, *, changed_too: bool) -> None:
    """Fit the axes of a file, those that were changed in the index since only if *changed_too*; say which those are."""
    fitted, kept = (index.axes.save_file(file), []) if changed_too else index.axes.follow_file(file)
    if fitted:
        note(f"Axes: {', '.join(fitted)}.")
    if kept:
        note(
            f"Kept, because they were changed in the index: {', '.join(kept)}. To take them from the file instead: "
            f"embedsearch axes fit {file} -i {path}"
        )


def _add(
    index: Index,
    documents: Iterator[Document],
    total: int | None,
    *,
    sync: Iterable[str] | None,
    repeated: PassedOver | None,
) -> AddReport:
    with ingesting(total, "Ingesting") as (tell, tell_indexing):
        if sync is not None:
            return index.sync(documents, sync, progress=tell, indexing=tell_indexing, repeated=repeated)
        return index.add(documents, progress=tell, indexing=tell_indexing, repeated=repeated)


def read_sources(
    sources: tuple[str, ...], reading: dict[str, Any], report: Callable[[str], None] | None = note_line
) -> Iterator[Document]:
    """Read sources as the reading options say."""
    import embedsearch as es

    return es.read(
        *sources,
        text=reading["text"] or None,
        title=reading["title"],
        id=reading["id"],
        format=reading["read_as"],
        encoding=reading["encoding"],
        on_error=reading["on_error"],
        report=report,
    )


def passed_over(reading: dict[str, Any]) -> PassedOver | None:
    """Return what tells of a document that is left out, where the reading options say so; None where it is an error."""
    return (lambda error: note_line(str(error))) if reading["on_error"] == "skip" else None


def _tell(report: AddReport, passages: int, path: str, seconds: float) -> None:
    unchanged, embedded = count_of(report.unchanged, "document"), count_of(report.embedded, "passage")
    if not report.documents:
        note(f"{path}: no document was read; the index has {count_of(passages, 'passage')}.")
    elif not report.added and not report.updated and not report.removed:
        note(f"{path}: nothing new; {unchanged} unchanged, {embedded} embedded ({seconds:.1f} s).")
    else:
        removed = f", {report.removed:,} removed" if report.removed else ""
        note(
            f"{path}: {count_of(report.added, 'document')} added, {report.updated:,} updated, {report.unchanged:,} "
            f"unchanged{removed}; {embedded} embedded, {report.reused:,} reused; {passages:,} in all ({seconds:.1f} s)."
        )
    if report.kept:
        note(
            f"{count_of(report.kept, 'document not found again was', 'documents not found again were')} kept, because "
            f"{'its file' if report.kept == 1 else 'their files'} could not be read in full. Correct the errors "
            "reported above; then run the same command again to remove what is gone."
        )
    if report.replaced:
        note(
            f"{count_of(report.replaced, 'document')} replaced a document with the same id from another file. "
            "To keep both, as with exports of two databases, name a field whose ids differ between the "
            "files: --id FIELD"
        )


@click.command(
    epilog=examples("embedsearch info", "embedsearch info -i indexes/papers -f json", "embedsearch info --encoder")
)
@click.option("--encoder", "of_encoder", is_flag=True, help="Show what runs its encoder on this machine, and why.")
@running_options
@index_option
@format_option(*OBJECT_FORMATS)
def info(of_encoder: bool, path: str, format: str) -> None:
    """Show what an index holds.

    This covers its documents, passages, encoder, axes, fields and size.
    """
    from embedsearch.encoders import describe

    index = open_index(path)
    held = describe(index.encoder) if of_encoder else index.info()
    if format == "table":
        facts({name: _spelled(value) for name, value in held.items()})
    else:
        write_object(held, format)


def _spelled(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_spelled(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)


COMMANDS = (ingest, info)
