"""``filter``: documents in, relevant ones out, unchanged and in order."""

from __future__ import annotations

from typing import Any

import click

from embedsearch.cli.document_commands import reading_options
from embedsearch.cli.main import examples
from embedsearch.cli.options import axes_option, encoder_option, index_option
from embedsearch.cli.output import FORMATS


@click.command(
    "filter",
    epilog=examples(
        "embedsearch filter corpus/articles.jsonl --where 'predatoriness > p70' > relevant.jsonl",
        "embedsearch filter --where 'near(\"taking advantage of the poor\") > 0.3 and year >= 2000' -f table",
        "embedsearch filter corpus/articles.jsonl --where 'predatoriness > p70' --check relevant -a size -f csv",
        "cat new.jsonl | embedsearch filter - --where 'predatoriness > 1 and not kind == \"plant\"'",
        "embedsearch filter big.csv --axes corpus/axes.toml --where 'predatoriness > p90' -o out.csv",
        "embedsearch filter big.csv --where 'size > p50' --sample 50 --sample-to check.csv -o out.csv",
        "embedsearch filter corpus/articles.jsonl --top 20 --by 'near(\"ambush\")' --explain",
        "embedsearch filter corpus/articles.jsonl --where 'size > p80' --save-profile large.json > large.jsonl",
        "embedsearch filter next-month.jsonl --profile large.json > large.jsonl",
    ),
)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--where", metavar="CONDITION", help="What a document must satisfy to pass.")
@click.option("--invert", is_flag=True, help="Let those through that do not satisfy it.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Of those that pass only the best N, best first.")
@click.option("--by", metavar="MEASURE", help='What is best: an axis or near("..."), highest first; -AXIS: lowest.')
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Give N of the rejected, drawn at random.")
@click.option("--sample-to", metavar="FILE", type=click.Path(dir_okay=False),
              help="Write that sample here, and what passes as always.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of all that is drawn at random.")
@axes_option("Add coordinates on these axes to what passes.")
@click.option("--explain", is_flag=True, help="Add what decided, with the sentence; say what took how long.")
@click.option("--check", metavar="FIELD", help="Compare with a yes/no field of the documents: precision and recall.")
@click.option("-o", "--output", "output", metavar="FILE", type=click.Path(),
              help="Write here; after an interruption the same command goes on.")  # fmt: skip
@click.option("--axes", "axes_file", metavar="FILE", help="Axes to measure with; no index is needed then.")
@click.option("--population", type=click.IntRange(min=2), default=2000, show_default=True, metavar="N",
              help="Without an index, scale axes on N of the documents.")  # fmt: skip
@click.option("--profile", "profile_file", metavar="FILE", help="Run the condition that was saved here.")
@click.option("--save-profile", "save_file", metavar="FILE", help="Save the condition and its axes here.")
@reading_options
@index_option
@encoder_option
@click.option("-f", "--format", "format", type=click.Choice(("same", *FORMATS)),
              help="If not given: on a terminal a table; records of SOURCEs as they stood (same); for what has none "
                   "(Parquet, spreadsheets, texts), with -a, --explain or without SOURCEs by the suffix of -o (.csv, "
                   ".tsv, .json), or JSON lines.")  # fmt: skip
def filter_command(**given: Any) -> None:
    """Let documents through that satisfy a condition, unchanged and in order.

    Documents come from SOURCEs, in any form that `ingest` reads, or are those of the index. A condition compares
    axes (predatoriness > p80: above the 80th percentile of the index; size < 0: below its mean), fields
    (year >= 2000, kind in ["animal", "plant"], "wolf" in title) and nearness to a phrase
    (near("hunting in packs") > 0.4), joined by and, or, not. Parts that speak of fields alone are asked first, and
    only what satisfies them is embedded.

    With --axes FILE and no -i no index is needed, and EMBEDSEARCH_INDEX is not looked at: percentiles and standard
    deviations are those of --population documents drawn from the SOURCEs, or of the first ones of stdin or a pipe. A
    profile keeps a condition with its axes and their scale, so that it means the same on other documents.

    With -o nothing is lost by an interruption: run the same command again, and no text is embedded twice.
    """
    from embedsearch.cli.filter_run import Asked, run

    run(Asked(**given))


COMMANDS = (filter_command,)
