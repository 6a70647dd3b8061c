"""``screen label|undo|import|export|agreement``: labels given, taken back, brought in, handed on, and compared."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli.main import examples
from embedsearch.cli.options import (
    encoder_option,
    format_option,
    index_option,
    json_option,
    open_index,
    with_stdin,
)
from embedsearch.cli.output import note, note_line, table, write, write_counts, write_object, write_results
from embedsearch.cli.screening_options import author_option, open_screening, screening_options
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch.index.taking import TakenBack
    from embedsearch.screening import Agreement


@click.command(
    epilog=examples(
        "embedsearch screen label wolf-1 wolf-2 --relevant",
        'embedsearch screen label wolf-3 --not-relevant --note "about sheep" --author ada',
        "embedsearch screen label wolf-4 --grade 0.7",
        "embedsearch search --like wolf-1 -f jsonl -k 3 | jq -r .document | embedsearch screen label - --undecided",
    )
)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--relevant", is_flag=True, help="Label them relevant: what is looked for.")
@click.option("--not-relevant", is_flag=True, help="Label them not relevant.")
@click.option("--undecided", is_flag=True, help="Label them undecided: read, but not judged yet.")
@click.option("--grade", type=float, metavar="0-1", help="Label them with a grade; from 0.5 on it counts as relevant.")
@click.option("--note", "text", default="", metavar="TEXT", help="A note to keep with the label.")
@author_option
@screening_options
def label(
    ids: tuple[str, ...], relevant: bool, not_relevant: bool, undecided: bool, grade: float | None, text: str,
    author: str | None, path: str, name: str,
) -> None:  # fmt: skip
    """Label documents by their ids.

    ID may be - to read ids from stdin, one per line. If one of them is not in the index, none is labelled. An earlier
    label stays in the history, and holds again when the new one is undone.
    """
    words = {"relevant": relevant, "not relevant": not_relevant, "undecided": undecided}
    said: list[str | float] = [word for word, is_given in words.items() if is_given]
    said += [] if grade is None else [grade]
    if len(said) != 1:
        raise click.UsageError("give one label: --relevant, --not-relevant, --undecided, or --grade 0.7")
    screening = open_screening(path, name)
    wanted = list(with_stdin(ids))
    given = screening.labels.add(wanted, said[0], note=text, author=author)
    note(f"{path}: {len(given):,} labelled {given[0].name}." if given else f"{path}: no id was given.")


@click.command(
    epilog=examples(
        "embedsearch screen undo", "embedsearch screen undo 17 --author ada", "embedsearch screen undo --import"
    )
)
@click.argument("number", type=click.IntRange(min=1), required=False)
@click.option("--import", "is_import", is_flag=True, help="Take back all labels of an import.")
@author_option
@screening_options
def undo(number: int | None, is_import: bool, author: str | None, path: str, name: str) -> None:
    """Take back a label, or all labels of an import.

    Without NUMBER it is the last one; NUMBER is that of its event, as `screen report -f json` numbers them. An earlier
    label holds again; what was labelled since an import keeps that label.
    """
    screening = open_screening(path, name)
    if is_import:
        _tell_taken_back(path, screening.labels.undo_import(number, author=author))
        return
    taken = screening.labels.undo(number, author=author)
    now = screening.labels.get(taken.document)
    note(f"{path}: {taken.document} was {taken.name}; now it is {now.name if now else 'not labelled'}.")


def _tell_taken_back(path: str, back: TakenBack) -> None:
    unlabelled = back.labels - back.restored - back.kept
    counts = {"not labelled now": unlabelled, "labelled as before": back.restored, "labelled since, left so": back.kept}
    said = "; ".join(f"{what}: {count:,}" for what, count in counts.items() if count)
    labels = count_of(back.labels, "label")
    note(f"{path}: {labels} of {back.file}, imported {back.time}, taken back. Documents {said}.")


@click.command(
    "import",
    epilog=examples(
        "embedsearch screen import labels.csv",
        "embedsearch screen import asreview-export.csv --match doi",
        "embedsearch screen import papers.csv --label included --on-error skip",
        "embedsearch screen import zotero.ris --match title",
    ),
)
@click.argument("file", type=click.Path())
@click.option(
    "--label", "field", metavar="FIELD", help="The field with the label; one of the usual names if not given."
)
@click.option(
    "--id", "key", metavar="FIELD", help="The field that names the document; one of the usual names if not given."
)
@click.option(
    "--match",
    default="id",
    show_default=True,
    metavar="FIELD",
    help="The field of the documents to compare that with: id, title, or a metadata field such as doi.",
)
@click.option("--encoding", metavar="NAME", help="The encoding of the file; UTF-8 if not given.")
@click.option(
    "--on-error",
    type=click.Choice(("stop", "skip")),
    default="stop",
    show_default=True,
    help="At a record that cannot be used: import nothing, or report it and import the rest.",
)
@author_option
@screening_options
@json_option("the counts")
def import_command(
    file: str, field: str | None, key: str | None, match: str, encoding: str | None, on_error: str,
    author: str | None, path: str, name: str, format: str | None,
) -> None:  # fmt: skip
    """Import labels from a file.

    FILE is CSV, TSV, a spreadsheet, JSON lines or RIS. A label is 1 or 0, yes or no, relevant or not relevant,
    undecided, or a grade from 0 to 1; an empty one is none. A document that has the same label already stays as it is;
    where it had another, a line says that this is overruled.

    ASReview's exports are read as they are: the columns asreview_label or included, asreview_note and asreview_time,
    and in RIS the notes ASReview_relevant and ASReview_irrelevant.
    """
    reading = {"label": field, "key": key, "encoding": encoding, "on_error": on_error, "report": note_line}
    wanted = {option: value for option, value in reading.items() if value is not None}
    taken = open_screening(path, name).labels.take(file, match=match, reading=wanted, author=author)
    overruled = f", {taken.overruled:,} of them labelled differently before" if taken.overruled else ""
    unknown = f", {taken.unknown:,} of unknown documents" if taken.unknown else ""
    note(
        f"{path}: {count_of(taken.labelled, 'document')} labelled{overruled}, {taken.unchanged:,} unchanged; "
        f"{count_of(taken.unlabelled, 'record')} without a label{unknown}."
    )
    if format:
        write_counts(taken)


@click.command(
    "export",
    epilog=examples(
        "embedsearch screen export -f csv > labels.csv",
        "embedsearch screen export --only relevant -f ris > relevant.ris",
        "embedsearch screen export -f asreview > for-asreview.csv",
    ),
)
@click.option(
    "--only",
    type=click.Choice(("relevant", "not-relevant", "undecided", "labelled", "unread")),
    help="Only the records labelled like this; all records of the screening if not given.",
)
@screening_options
@encoder_option
@format_option("table", "csv", "tsv", "jsonl", "json", "ids", "asreview", "ris")
def export_command(only: Any, path: str, name: str, encoder: str | None, format: str) -> None:
    """Print the records with their labels.

    They are for a spreadsheet, a reference manager, or ASReview. asreview is CSV in ASReview's columns, with the
    documents' own fields; ris has the label as a note (N1). Both know only yes and no: grades from 0.5 on are relevant
    there, and what is undecided has no label.
    """
    from embedsearch.screening import exporting

    screening = open_screening(path, name, encoder=encoder, shown=True)
    if format == "ris":
        count = _write_texts(exporting.ris_records(screening, only))
    elif format == "asreview":
        count = write(exporting.asreview_records(screening, only), "csv")
    elif format == "table":
        rows = [list(record.values()) for record in exporting.label_records(screening, only)]
        count = len(rows)
        if rows:
            table(["id", "label", "note", "by", "at", "proposed by", "title"], rows, wide="title")
    else:
        count = write(exporting.label_records(screening, only), format)
    sys.stdout.flush()
    note(f"{count_of(count, 'record')}.")
    if not count:
        click.get_current_context().exit(1)


@click.command(
    "agreement",
    epilog=examples(
        "embedsearch screen agreement ada ben",
        "embedsearch screen agreement ada ben -f csv > conflicts.csv",
        "embedsearch screen import conflicts.csv --name both",
    ),
)
@click.argument("first")
@click.argument("second")
@index_option
@format_option()
def agreement_command(first: str, second: str, path: str, format: str) -> None:
    """Compare the labels of two screenings.

    FIRST and SECOND are their names. The records that they label differently are printed, with an empty label to be
    filled in and imported. How far they agree is reported: Cohen's kappa is over the records that both have decided,
    and grades from 0.5 on are relevant. -f json prints the figures too.
    """
    from embedsearch.screening import agreement

    found = agreement(open_index(path), first, second)
    if format == "json":
        write_object(found.to_dict())
    elif format != "table":
        write_results(found.conflicts, format)
    elif found.conflicts:
        rows = [[one.id, one.first.name, one.second.name, one.title] for one in found.conflicts]
        table(["id", first, second, "title"], rows, wide="title")
    _tell_agreement(found)
    if not found.decided and not found.undecided:
        click.get_current_context().exit(1)


def _tell_agreement(found: Agreement) -> None:
    if found.share is not None:
        both, either = found.counts[True, True], found.decided - found.counts[False, False]
        note(
            f"{count_of(found.decided, 'record')} decided by both, alike {found.share:.1%}; relevant by either "
            f"{either:,}, by both {both:,}."
        )
    elif not found.undecided:
        note("No record is labelled by both.")
    if (interval := found.interval()) is not None:
        note(f"Cohen's kappa {found.kappa:.2f} ({interval[0]:.2f} to {interval[1]:.2f} with 95% confidence).")
    if found.undecided:
        note(f"Undecided by one or both: {found.undecided:,}.")
    if any(found.alone):
        note(f"Labelled by {found.first} alone: {found.alone[0]:,}; by {found.second} alone: {found.alone[1]:,}.")


def _write_texts(texts: Iterable[str]) -> int:
    count = 0
    for text in texts:
        click.echo(text, nl=False)
        count += 1
    return count


COMMANDS = (label, undo, import_command, export_command, agreement_command)
