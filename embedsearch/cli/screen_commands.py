"""``screen``: rank, label, and know when to stop."""

from __future__ import annotations

import click

from embedsearch.cli import label_commands, reading_commands, simulation_commands, telling_command
from embedsearch.cli.main import Commands, examples


@click.group(
    cls=Commands,
    epilog=examples(
        'embedsearch screen start --topic "predation on pests by insects" -i indexes/papers',
        "embedsearch screen read -i indexes/papers",
        "embedsearch screen status -i indexes/papers",
        "embedsearch screen report -i indexes/papers > appendix.md",
        "embedsearch screen simulate review.csv --text title --text abstract --label included",
    ),
)
def screen() -> None:
    """Find the relevant records, and know when to stop reading.

    Start from a topic, an axis or labelled examples. Read what is most likely relevant and label it; the order is
    learned anew from every label. An audit sample and the stopping rule say what may have been missed, so that you
    need not read all records. Labels are kept in the index and never change: a mistake is undone.
    """


for module in (reading_commands, label_commands, simulation_commands, telling_command):
    for command in module.COMMANDS:
        screen.add_command(command)

COMMANDS = (screen,)
