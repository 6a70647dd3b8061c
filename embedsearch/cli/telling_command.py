"""``screen words``: the words that tell relevant records from others."""

from __future__ import annotations

import click

from embedsearch.cli.main import examples
from embedsearch.cli.options import format_option, nothing_found
from embedsearch.cli.output import table, write_results
from embedsearch.cli.screening_options import open_screening, screening_options


@click.command(epilog=examples("embedsearch screen words", "embedsearch screen words -k 50 -f csv > words.csv"))
@click.option(
    "-k", "k", type=click.IntRange(min=1), default=15, show_default=True, metavar="N", help="How many on either side."
)
@screening_options
@format_option("table", "jsonl", "json", "csv", "tsv")
def words(k: int, path: str, name: str, format: str) -> None:
    """Show the words that tell relevant records from others.

    These are single words and pairs, for what was labelled relevant and for what was labelled not relevant, by how many
    records of either side have them. They show what the labels have in common, and serve the next search of a database.
    """
    found = open_screening(path, name).words(k)
    if format != "table":
        write_results(found, format)
    for place, label in enumerate(dict.fromkeys(one.label for one in found) if format == "table" else ()):
        click.echo(nl=place > 0)
        rows = [[one.word, one.relevant, one.not_relevant, one.score] for one in found if one.label == label]
        table([f"for {label}", "relevant", "not relevant", "score"], rows)
    if not found:
        nothing_found("no word is in three records of a side more often than in the others")


COMMANDS = (words,)
