"""``compare``: where groups of documents lie on axes, and how far apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli.main import examples
from embedsearch.cli.options import axes_option, format_option, index_option, open_index, where_option
from embedsearch.cli.output import note, note_line, table, write_object, write_results
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch.groups import Group, GroupComparison


@click.command(
    epilog=examples(
        "embedsearch compare kind -a predatoriness,size",
        "embedsearch compare year --step 10 --plot decades.png",
        "embedsearch compare kind --against plant -f csv > kinds.csv",
        "embedsearch compare topic --where 'year >= 2000' --words 8",
        "embedsearch compare --group 'wolves=\"wolf\" in text' --group 'sharks=\"shark\" in text'",
    )
)
@click.argument("field", required=False)
@click.option("--group", "groups", multiple=True, metavar="NAME=CONDITION",
              help="Instead of FIELD: the documents with a passage that satisfies CONDITION; repeat it for each "
                   "group.")  # fmt: skip
@axes_option("The axes, separated by commas; all of the index if not given.")
@click.option("--against", metavar="VALUE", help="Compare with this group instead of with all others.")
@click.option("--step", type=float, metavar="WIDTH", help="The width of groups of numbers; of dates, in years.")
@click.option("--least", type=click.IntRange(min=1), default=5, show_default=True, metavar="N",
              help="Leave out groups with fewer documents.")  # fmt: skip
@click.option("--confidence", type=float, default=0.95, show_default=True, metavar="SHARE",
              help="The confidence of each interval, between 0 and 1.")  # fmt: skip
@click.option(
    "--words", type=click.IntRange(min=1), metavar="N", help="Also print the N words most characteristic of each."
)
@click.option("--plot", "file", metavar="FILE", help="Also draw it: a .png, .svg or .pdf file.")
@where_option
@index_option
@format_option("table", "jsonl", "json", "csv", "tsv")
def compare(
    field: str | None, groups: tuple[str, ...], axes: list[str], against: str | None, step: float | None,
    least: int, confidence: float, words: int | None, file: str | None, where: str | None, path: str, format: str,
) -> None:  # fmt: skip
    """Compare groups of documents on axes.

    There is a group for each value of FIELD, or for each --group. Numbers and dates of many values are put into steps,
    and the trend is reported.

    A document lies at the mean of its passages, in standard deviations of the index. Each group is shown with its mean
    and the interval of that, how far its mean is from that of all others, and how often one of its documents lies above
    one of the others (superiority; .5 where they are alike).
    """
    by = _groups(field, groups)
    if groups and step is not None:
        raise click.UsageError("--step goes with a FIELD of numbers or dates; --group says what a group is")
    if words and format not in ("table", "json"):
        raise click.UsageError(f"--words goes with -f table and -f json; {format} has a row for each group and axis")
    if file:
        from embedsearch.plots.files import check_file

        check_file(file)
    from embedsearch.groups.telling import told

    index = open_index(path)
    found = index.compare(
        by, axes or None, where=where, against=against, step=step, least=least, confidence=confidence,
        words=words or 0,
    )  # fmt: skip
    if format == "table":
        _print(found)
    elif format == "json":
        write_object(found.to_dict())
    else:
        write_results(found.groups, format)
    for line in told(found, by_options=True):
        note_line(line)
    if file:
        from embedsearch.plots import plot_groups

        made = plot_groups(found)
        made.save(file)
        note(f"{file}: {count_of(len(found.members), 'group')}.")
        if made.note:
            note(f"Note: {made.note}")


def _groups(field: str | None, groups: Sequence[str]) -> str | dict[str, str]:
    """Return what makes the groups: a field, or conditions by name."""
    if (field is None) == (not groups):
        raise click.UsageError("give either a FIELD, as in embedsearch compare kind, or --group NAME=CONDITION")
    if field is not None:
        return field
    conditions: dict[str, str] = {}
    for given in groups:
        name, equals, condition = (part.strip() for part in given.partition("="))
        if not (equals and name and condition) or condition.startswith("="):
            raise click.UsageError(f"{given!r} is not NAME=CONDITION; write it as in 'old=year < 2000'")
        if name in conditions:
            raise click.UsageError(f"there are two groups {name!r}; give each a name of its own")
        conditions[name] = condition
    return conditions


def _print(found: GroupComparison) -> None:
    between = f"{100 * found.confidence:g}%"
    beside = found.against or "others"
    columns = ["axis", found.field, "documents", f"mean ({between})", "sd", f"above {beside} by ({between})",
               "superiority"]  # fmt: skip
    table(columns, [_cells(one) for one in found.groups])
    if found.words:
        click.echo()
        table([found.field, "words"], [[name, ", ".join(own)] for name, own in found.words.items()], wide="words")


def _cells(one: Group) -> list[Any]:
    apart = _interval(one.difference, one.difference_low, one.difference_high)
    return [one.axis, one.group, one.documents, _interval(one.mean, one.low, one.high), one.sd, apart, one.superiority]


def _interval(value: float | None, low: float | None, high: float | None) -> str | None:
    if value is None or low is None or high is None:
        return None
    return f"{value:.3f}" + (f" ({low:.3f} … {high:.3f})" if math.isfinite(low) else "")


COMMANDS = (compare,)
