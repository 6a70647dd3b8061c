"""``axes words``: the words whose passages lie furthest out on an axis."""

from __future__ import annotations

import click

from embedsearch.cli.axes_commands import axes
from embedsearch.cli.main import examples
from embedsearch.cli.options import axis_argument, format_option, index_option, nothing_found, open_index, where_option
from embedsearch.cli.output import note, table, write_results
from embedsearch.wording import count_of


@axes.command(
    "words", epilog=examples("embedsearch axes words size", "embedsearch axes words size -k 50 -f csv > words.csv")
)
@axis_argument("name")
@click.option(
    "-k", "k", type=click.IntRange(min=1), default=15, show_default=True, metavar="N", help="How many at each end."
)
@where_option
@index_option
@format_option("table", "jsonl", "json", "csv", "tsv")
def axis_words(name: str, k: int, where: str | None, path: str, format: str) -> None:
    """Show the words whose passages lie furthest out on an axis.

    They tell whether an axis measures in your documents what its name says. The score is how far the mean of the
    passages with a word is from the mean of all, in standard errors.
    """
    index = open_index(path)
    found = index.words(name, k=k, where=where)
    if format == "table":
        for end, heading in (("low", "lowest"), ("high", "highest")):
            rows = [[one.word, one.passages, one.mean, one.score] for one in found.words if one.end == end]
            if rows:
                click.echo(nl=end == "high")
                table([heading, "passages", "mean", "score"], rows)
    else:
        write_results(found.words, format)
    if not found.words:
        nothing_found("no word is in three passages or more", index)
    read = count_of(found.passages, "passage") + (
        f", evenly spaced among {found.of:,}" if found.of > found.passages else ""
    )
    note(f"Of {count_of(found.compared, 'word')} in {read}: chance alone gives scores up to about {found.chance:.1f}.")


COMMANDS = ()
