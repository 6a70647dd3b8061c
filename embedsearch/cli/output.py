"""Printing: data to stdout in the format asked for, words to stderr."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple

import click

from embedsearch.errors import QueryError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from rich.console import Console
    from rich.progress import Progress
    from rich.text import Text

    from embedsearch.results import Records

FORMATS = ("table", "jsonl", "json", "csv", "tsv", "ids")
OBJECT_FORMATS = ("table", "jsonl", "json")  # of what is one object, and no sequence of records
# Of a file, by what its name ends in.
FORMATS_BY_SUFFIX = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
}
_WIDTH_WITHOUT_TERMINAL = 120
_WIDE_AT_LEAST, _NARROW_AT_MOST = 24, 40
_GAP = 3  # between columns
# A number as it stands in tables, with a star, a percent sign or an interval behind it; so is what is empty.
_NUMBER = re.compile(r"([-+]?(\d[\d,]*(\.\d+)?(e[-+]?\d+)?|nan|inf)[*%]?( \(\S+ … \S+\))?)?")


def default_format() -> str:
    """Return the format where none is asked for: a table on a terminal, JSON lines elsewhere."""
    return "table" if sys.stdout.isatty() else "jsonl"


def note(text: str) -> None:
    """Say something to the person, on stderr; where that cannot be written, what is done still counts."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def note_line(text: str) -> None:
    """Say something on one line, whatever names of files and texts are in it; see `one_line`."""
    note(one_line(text))


def write(
    records: Iterable[Mapping[str, Any]], format: str, stream: IO[str] | None = None, *, columns: Sequence[str] = ()
) -> int:
    """Print records as they come in one of the formats for programs; return how many there were.

    Args:
        records: in any number; they are held neither here nor by what is printed.
        format: jsonl, json, csv, tsv or ids.
        stream: where to; stdout if None.
        columns: the header of CSV and TSV where there is no record; nothing at all is written if empty.
    """
    from embedsearch.columns import delimited_by_need, json_text

    if format == "json":
        return _write_array(records, stream)
    if format in ("csv", "tsv"):
        return delimited_by_need(records, stream or sys.stdout, "," if format == "csv" else "\t", columns=columns)
    count = 0
    for record in records:
        count += 1
        click.echo(_id(record) if format == "ids" else json_text(record), file=stream)
    return count


def write_into(
    stream: BinaryIO | None, records: Iterable[Mapping[str, Any]], format: str, *, columns: Sequence[str] = ()
) -> int:
    """Do as `write` does, into the stream of a file, or to stdout if None; the stream stays open."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="") if stream else None
    count = write(records, format, text, columns=columns)
    if text:
        text.flush()
        text.detach()
    sys.stdout.flush()
    return count


def write_results(results: Records[Any], format: str) -> None:
    """Print results in one of the formats for programs; CSV and TSV have their header also where nothing was found."""
    from embedsearch.columns import flatten

    write(results.exports(), format, columns=() if results else list(flatten(results.columns())))


def write_object(record: Mapping[str, Any], format: str = "json") -> None:
    """Print one object: JSON on one line for jsonl, else in several, for people to read."""
    from embedsearch.columns import json_text

    click.echo(json_text(record, indent=None if format == "jsonl" else 2))


def write_counts(report: DataclassInstance, **more: Any) -> None:
    """Print what a report counts, and more, as one object of JSON."""
    from dataclasses import asdict

    write_object(asdict(report) | more)


def _id(record: Mapping[str, Any]) -> str:
    from embedsearch.documents.document import LINE_BREAKS

    id = str(record.get("id", record.get("text", "")))
    if any(letter in id for letter in LINE_BREAKS):
        raise QueryError(
            f"{id!r} holds a line break and would be read as several ids; -f jsonl writes it whole, and "
            "embedsearch delete takes it as an argument"
        )
    return id


def _write_array(records: Iterable[Mapping[str, Any]], stream: IO[str] | None) -> int:
    from embedsearch.columns import json_text

    count = 0
    for count, record in enumerate(records, start=1):
        shown = json_text(record, indent=2).replace("\n", "\n  ")
        click.echo(("[" if count == 1 else ",") + f"\n  {shown}", nl=False, file=stream)
    click.echo("\n]" if count else "[]", file=stream)
    return count


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", wide: str | tuple[str, ...] = ()
) -> None:
    """Print a table for people; numbers stand to the right, texts are cleaned of control characters.

    No number is cut: what does not fit beside the rest stands in a further block below, behind the first column again.

    Args:
        columns: the headings.
        rows: cells; numbers are shown to three decimals, None as nothing, a snippet with its matches in bold.
        title: a line above it.
        wide: the column that takes the room that is left, and may run over several lines; or several such.
    """
    from rich.text import Text

    cells = [[_marked(Text(clean(cell)), cell) for cell in row] for row in rows]
    _print_columns(columns, cells, title, (wide,) if isinstance(wide, str) else wide)


def facts(values: Mapping[str, Any], *, title: str = "") -> None:
    """Print names and what they stand for, a line each; texts are whole, and run over several lines."""
    from rich.text import Text

    from embedsearch.notebooks import show

    shown = {name: value if isinstance(value, str) else show(value) for name, value in values.items()}
    _print_columns(["", ""], [[Text(name), Text(printable(text))] for name, text in shown.items()], title, ())


class _Column(NamedTuple):
    """A column of a table: the widths that it wants and must have, in letters, and how it looks."""

    name: str
    least: int
    uncut: int
    is_number: bool
    wraps: bool


def stdout_console(width: int | None = None) -> Console:
    """Return what prints to stdout for people; a pipe that closes is an OSError of it, as of all else that prints."""
    from rich.console import Console

    class StdoutConsole(Console):
        def on_broken_pipe(self) -> None:  # rich would leave with 1, which says that nothing was found
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    return StdoutConsole(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def _print_columns(names: Sequence[str], rows: Sequence[Sequence[Text]], title: str, wide: tuple[str, ...]) -> None:
    console = stdout_console(None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL)
    first, *others = [_column(name, [row[place] for row in rows], may_wrap=name in wide or len(names) <= 2)
                      for place, name in enumerate(names)]  # fmt: skip
    # The longest number is whole beside the first column; where it is wider than a terminal, that breaks the line.
    uncut = max((column.uncut for column in others), default=0)
    console.width = max(console.width, uncut + _GAP + 1)
    least = min(first.least, max(console.width // 2, 1), console.width - _GAP - uncut)
    room = console.width - _GAP - least
    columns = [first._replace(least=least), *(one._replace(least=min(one.least, room)) for one in others)]
    for number, block in enumerate(_blocks([column.least for column in columns], console.width)):
        if number:
            console.print()
        lines = [[row[place] for place in block] for row in rows]
        _print_block(console, [columns[place] for place in block], lines, "" if number else title)


def _column(name: str, cells: Sequence[Text], *, may_wrap: bool) -> _Column:
    is_number = bool(cells) and all(_NUMBER.fullmatch(cell.plain) for cell in cells)
    wraps = may_wrap and not is_number
    longest = max((cell.cell_len for cell in cells), default=0)
    least = longest if is_number else min(longest, _WIDE_AT_LEAST if wraps else _NARROW_AT_MOST)
    return _Column(name, max(least, min(len(name), _NARROW_AT_MOST)), longest if is_number else 0, is_number, wraps)


def _blocks(widths: Sequence[int], room: int) -> list[list[int]]:
    """Return which columns stand beside one another, the first in each block, so that each has its width."""
    blocks = [[0]]
    for place in range(1, len(widths)):
        beside = [*blocks[-1], place]
        if len(beside) > 2 and sum(widths[one] for one in beside) + _GAP * (len(beside) - 1) > room:
            blocks.append([0])
        blocks[-1].append(place)
    return blocks


def _print_block(console: Console, columns: Sequence[_Column], rows: Sequence[Sequence[Text]], title: str) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        show_header=any(column.name for column in columns),
        pad_edge=False,
        title_justify="left",
        title=Text(title) if title else None,
    )
    for column in columns:
        shown.add_column(
            Text(column.name),
            justify="right" if column.is_number else "left",
            min_width=column.least,
            max_width=None if column.wraps else max(column.least, 1),
            no_wrap=not column.wraps,
            overflow="fold" if column.wraps else "ellipsis",
        )
    for row in rows:
        if any(cell.plain for cell in row):
            shown.add_row(*row)
    console.print(shown)


def _marked(text: Text, cell: Any) -> Text:
    """Return *text* with what a snippet says matches in bold."""
    for start, end in getattr(cell, "matches", ()):
        text.stylize("bold", start, end)
    return text


def clean(value: Any) -> str:
    """Return a cell as text: no control characters, which could take over a terminal."""
    from embedsearch.notebooks import show
    from embedsearch.snippets import Snippet

    return printable(value.text if isinstance(value, Snippet) else show(value))


def printable(text: str) -> str:
    """Return a text with spaces for control characters."""
    return "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)


def one_line(text: str) -> str:
    """Return a text on one line, without control characters."""
    return " ".join(printable(text).split())


@contextmanager
def progress(total: int | None, what: str) -> Iterator[Progress | None]:
    """Show a bar with rate and remaining time on stderr; None where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        bar.add_task(what, total=total, rate="")
        yield bar


Tell = Callable[[int, int], None]
TellIngest = Callable[[int, int, int], None]


@contextmanager
def ingesting(total: int | None, what: str) -> Iterator[tuple[TellIngest, Tell]]:
    """Show a bar for documents, and one for the faiss file; give what is to be told of each."""
    started = time.perf_counter()
    with progress(total, what) as bar:

        def tell(documents: int, passages: int, tokens: int) -> None:
            if bar:
                # What is known already passes without a token.
                what, done = ("tokens", tokens) if tokens else ("passages", passages)
                rate = done / max(1e-9, time.perf_counter() - started)
                bar.update(bar.task_ids[0], completed=documents, rate=f"{rate:,.0f} {what}/s")

        yield tell, _below(bar, "Indexing")


@contextmanager
def comparing() -> Iterator[tuple[Tell, Tell]]:
    """Show a bar for documents read, and one for pairs of them compared; give what is to be told of each."""
    with progress(None, "Reading") as bar:

        def tell_reading(done: int, total: int) -> None:
            if bar:
                bar.update(bar.task_ids[0], completed=done, total=total)

        yield tell_reading, _below(bar, "Comparing")


def _below(bar: Progress | None, what: str) -> Tell:
    """Return what is told of work that follows: it has a bar of its own below the first, once it begins."""

    def tell(done: int, total: int) -> None:
        if bar:
            if len(bar.task_ids) == 1:
                bar.add_task(what, total=total, rate="")
            bar.update(bar.task_ids[1], completed=done)

    return tell
