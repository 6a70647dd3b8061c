"""``screen``: rank, label, and know when to stop."""

from __future__ import annotations

import click

from embedsearch.cli import simulation_commands
from embedsearch.cli.main import Commands, examples


@click.group(
    cls=Commands,
    epilog=examples("embedsearch screen simulate review.csv --text title --text abstract --label included"),
)
def screen() -> None:
    """Find the relevant records of a pile without reading all, and know when to stop."""


for module in (simulation_commands,):
    for command in module.COMMANDS:
        screen.add_command(command)

COMMANDS = (screen,)
