"""``duplicates``: documents that are in the index more than once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from embedsearch.cli.main import examples
from embedsearch.cli.options import format_option, index_option, nothing_found, open_index, where_option
from embedsearch.cli.output import comparing, note, table, write_results
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch.results import Duplicate, Duplicates


@click.command(
    epilog=examples(
        "embedsearch duplicates -i indexes/papers",
        "embedsearch duplicates --doubtful -f csv -i indexes/papers > look-through.csv",
        "embedsearch duplicates --delete -i indexes/papers > deleted.jsonl",
        "embedsearch duplicates --same 0.95 --where 'year >= 2020'",
    )
)
@click.option(
    "--same",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    help="The share of three-word sequences in the shorter text that the longer one must have; 0.8 if not given.",
)
@click.option("--doubtful", is_flag=True, help="Also show those that something speaks against, and what that is.")
@click.option("--delete", is_flag=True, help="Delete the duplicates that nothing speaks against.")
@where_option
@index_option
@format_option()
def duplicates(
    same: float | None, doubtful: bool, delete: bool, where: str | None, path: str, format: str
) -> None:  # fmt: skip
    """Find documents that are in the index more than once.

    These are records that came from several databases, recognised by their DOI, PubMed number or title, and texts in
    several versions, recognised by their words. Where something speaks against a match, such as different years,
    authors or titles, the decision is yours: --doubtful shows these too.

    Of each group one document is kept: the one that has a label in a screening, else more words, else more fields,
    else came first. --delete deletes the others, and `screen report` counts them.
    """
    if delete and doubtful:
        raise click.UsageError(
            "--delete deletes only what nothing speaks against; leave --doubtful out, and delete doubtful documents by "
            "their ids: embedsearch delete ID"
        )
    from embedsearch.duplicates import SAME

    index = open_index(path)
    with comparing() as (tell_reading, tell_comparing):
        found = index.duplicates(
            same=SAME if same is None else same, where=where, progress=tell_reading, comparing=tell_comparing
        )
    shown = found if doubtful else found.sure
    if format != "table":
        write_results(shown, format)
    elif shown:
        _print(shown)
    if not found:
        nothing_found("no document is the same as another", index)
    if delete and shown:
        index.delete_duplicates(shown)
    note(f"{path}: {_said(found, is_deleted=delete)}{_rest(found, path, is_shown=doubtful)}")
    if not shown:
        click.get_current_context().exit(1)


def _said(found: Duplicates, *, is_deleted: bool) -> str:
    count = len(found.sure)
    if is_deleted:
        return f"{count_of(count, 'document was', 'documents were')} the same as another and deleted"
    return f"{count_of(count, 'document is', 'documents are')} the same as another"


def _rest(found: Duplicates, path: str, *, is_shown: bool) -> str:
    left = len(found) - len(found.sure)
    if not left:
        return "."
    return f"; {left:,} more may be" + ("." if is_shown else f": embedsearch duplicates --doubtful -i {path}")


def _print(found: Duplicates) -> None:
    columns = ["id", "kept", "by", "same", "against", "title"]
    rows = [[one.id, one.kept, ", ".join(one.by), one.same, ", ".join(one.against), _titles(one)] for one in found]
    table(columns, rows, wide=("against", "title"))


def _titles(one: Duplicate) -> str:
    return f"{one.title} | kept: {one.kept_title}" if "titles differ" in one.against else one.title


COMMANDS = (duplicates,)
