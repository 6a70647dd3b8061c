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
@click.option("--where", metavar="CONDITION", help="The condition that a document must satisfy to pass.")
@click.option("--invert", is_flag=True, help="Pass the documents that do not satisfy it.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Of those that pass, only the best N, best first.")
@click.option("--by", metavar="MEASURE",
              help='With --top: rank by an axis or near("..."), highest first; -AXIS for lowest first. If not given, '
                   "by the first measure in the condition.")  # fmt: skip
@click.option("--sample", type=click.IntRange(min=1), metavar="N",
              help="Write N of the rejected documents, drawn at random, instead of those that pass.")  # fmt: skip
@click.option("--sample-to", metavar="FILE", type=click.Path(dir_okay=False),
              help="With --sample: write the sample to this file, and what passes as usual.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="The seed of random draws.")
@axes_option("Add coordinates on these axes to each document.")
@click.option("--explain", is_flag=True, help="Add what decided, with the sentence; say how long each step took.")
@click.option("--check", metavar="FIELD", help="Compare the outcome with a yes/no field: precision and recall.")
@click.option("-o", "--output", "output", metavar="FILE", type=click.Path(),
              help="Write to this file; after an interruption, the same command goes on.")  # fmt: skip
@click.option(
    "--axes", "axes_file", metavar="FILE", help="Measure with the axes in this file; no index is needed then."
)
@click.option("--population", type=click.IntRange(min=2), default=2000, show_default=True, metavar="N",
              help="Without an index: scale the axes on N of the documents.")  # fmt: skip
@click.option("--profile", "profile_file", metavar="FILE", help="Run the condition saved in this file.")
@click.option("--save-profile", "save_file", metavar="FILE", help="Save the condition and its axes to this file.")
@reading_options
@index_option
@encoder_option
@click.option("-f", "--format", "format", type=click.Choice(("same", *FORMATS)),
              help="If not given: a table on a terminal, else the records of SOURCEs unchanged (same). Where there are "
                   "none (Parquet, spreadsheets, texts, no SOURCEs), and with -a or --explain: by the suffix of -o "
                   "(.csv, .tsv, .json), else JSON lines.")  # fmt: skip
def filter_command(**given: Any) -> None:
    """Pass on the documents that satisfy a condition.

    Documents come from SOURCEs, in any form that `ingest` reads; without SOURCEs they are those of the index. Those
    that pass are written unchanged and in order.

    A condition compares axes (predatoriness > p80: above the 80th percentile of the index; size < 0: below its mean),
    fields (year >= 2000, kind in ["animal", "plant"], "wolf" in title) and nearness to a phrase
    (near("hunting in packs") > 0.4), joined by and, or, not. Parts about fields alone are checked first, and only what
    satisfies them is embedded.

    With -o, an interruption loses nothing: run the same command again, and no text is embedded twice. A profile keeps
    a condition with its axes and their scale, so that it means the same on other documents.

    With --axes FILE and no -i, no index is needed, and EMBEDSEARCH_INDEX is ignored. Percentiles and standard
    deviations are then those of --population documents drawn from the SOURCEs, or of the first ones of stdin or a pipe.
    """
    from embedsearch.cli.filter_run import Asked, run

    run(Asked(**given))


COMMANDS = (filter_command,)
