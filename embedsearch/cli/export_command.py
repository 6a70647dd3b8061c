"""``export``: what an index holds, for other programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO, Literal

import click

from embedsearch.cli.main import examples
from embedsearch.cli.options import axes_option, encoder_option, index_option, nothing_found, open_index, where_option
from embedsearch.cli.output import FORMATS_BY_SUFFIX, note, write_into
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch.exporting import Export

_FORMATS = ("jsonl", "json", "csv", "tsv", "parquet", "ids")
_BY_SUFFIX = {**FORMATS_BY_SUFFIX, ".parquet": "parquet"}


@click.command(
    epilog=examples(
        "embedsearch export -o documents.jsonl",
        "embedsearch export --by passage --vectors -o vectors.parquet -i indexes/papers",
        "embedsearch export -a predatoriness,size --where 'year >= 2000' -o placed.csv",
        "embedsearch export --where 'missing(doi)' -f ids -i indexes/papers",
    )
)
@click.option(
    "--by",
    type=click.Choice(("document", "passage")),
    default="document",
    show_default=True,
    help="Write one record per document, or per passage.",
)
@axes_option("Add coordinates on these axes; those of a document are the mean of its passages.")
@click.option(
    "--vectors", is_flag=True, help="Add vectors, of length 1; that of a document is the mean of its passages."
)
@where_option
@click.option(
    "-o", "--output", "file", metavar="FILE", help="The file to write: .jsonl, .json, .csv, .tsv or .parquet."
)
@click.option(
    "-f", "--format", "format", type=click.Choice(_FORMATS), help="By the suffix of FILE if not given, else JSON lines."
)
@index_option
@encoder_option
def export(
    by: Literal["document", "passage"], axes: list[str], vectors: bool, where: str | None, file: str | None,
    format: str | None, path: str, encoder: str | None,
) -> None:  # fmt: skip
    """Export the documents of an index, or their passages.

    Records have all their fields, with coordinates and vectors if you ask for them, and come in the order in which the
    documents were ingested. In CSV, a value with parts of its own is written as JSON. In Parquet, vectors are lists of
    float32. FILE is written whole, or not at all.
    """
    kind = _kind(file, format)
    if kind == "ids" and (axes or vectors):
        raise click.UsageError("-f ids gives ids alone; leave it out, or leave out --axis and --vectors")
    from embedsearch.exporting import Export
    from embedsearch.whole import WholeFile

    output = WholeFile(file) if file else None  # what cannot be written is told before anything is read
    index = open_index(path, encoder)
    wanted = Export(index, by, tuple(axes), where, vectors)
    if output:
        with output:
            count = _write(wanted, kind, output.stream)
            output.commit()
    else:
        count = _write(wanted, kind, None)
    if not count:
        nothing_found(f"no {by} satisfies the condition", index)
    note(f"{path}: {count_of(count, by)} written{f' to {file}' if file else ''}.")


def _kind(file: str | None, format: str | None) -> str:
    from embedsearch.compressed import packed_parquet, suffix_of

    by_name = _BY_SUFFIX.get(suffix_of(file or ""))
    if file and not by_name and not format:
        raise click.UsageError(
            f"the name of {file} does not tell its format; end it in one of {', '.join(_BY_SUFFIX)}, or add -f"
        )
    if format and by_name and format != by_name:
        raise click.UsageError(f"-f {format} does not go with {file}; rename the file, or leave -f out")
    kind = format or by_name or "jsonl"
    if kind == "parquet" and (refused := packed_parquet(file or "")):
        raise click.UsageError(refused)
    return kind


def _write(wanted: Export, kind: str, stream: BinaryIO | None) -> int:
    """Write the records into the stream of a file, or to stdout; return how many there are."""
    if kind == "parquet":
        count = wanted.write_parquet(stream or sys.stdout.buffer)
        sys.stdout.flush()
        return count
    return write_into(stream, wanted.records(), kind, columns=list(wanted.own_columns()))


COMMANDS = (export,)
