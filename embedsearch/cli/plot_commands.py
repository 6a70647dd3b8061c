"""``plot``: a picture of an index on its axes, for a paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli.main import examples
from embedsearch.cli.options import (
    axes_option,
    encoder_option,
    index_option,
    json_option,
    nothing_found,
    open_index,
    phrases_from,
    tell_joined,
    where_option,
)
from embedsearch.cli.output import note, write_object
from embedsearch.errors import AxisError
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch import Index, Plot

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*[x×]\s*(\d+(?:\.\d+)?)$")
_ON_A_PLANE, _ALONG_AN_AXIS = "goes with two axes, as in -a predatoriness,size", "goes with one axis, as in -a size"


def _size(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[float, float] | None:
    if value is None:
        return None
    if (match := _SIZE.match(value.strip())) is None:
        raise click.BadParameter(f"{value!r} is not a width and height in inches, such as 7x5")
    return float(match[1]), float(match[2])


@click.command(
    epilog=examples(
        'embedsearch plot wolf sheep politician "loan shark" -a predatoriness,size -o plane.png',
        'embedsearch plot --calc "sheep + spider" --where \'kind == "person"\' -a predatoriness,size -o sum.svg',
        "embedsearch plot -a predatoriness,size --color kind -o kinds.pdf",
        "embedsearch plot -a predatoriness --threshold p90 -o cut.png",
        "embedsearch plot - -a size,stealth --size 12x9 -o phrases.pdf < phrases.txt",
    )
)
@click.argument("phrases", nargs=-1)
@click.option("-o", "--output", "file", required=True, metavar="FILE", help="The file to write: .png, .svg or .pdf.")
@axes_option("Two axes for a plane, one for a histogram; the first two of the index if not given.")
@click.option("--calc", metavar="EXPRESSION", help="Draw the terms of a sum as arrows, with a star where they lead.")
@click.option(
    "-k", "k", type=click.IntRange(min=1), metavar="N", help="With --calc: how many answers to label; 5 if not given."
)
@click.option(
    "--threshold", metavar="VALUE", help="With one axis: draw a line at a number or percentile; say how many lie above."
)
@click.option("--label", "documents", multiple=True, metavar="ID", help="Label a document of the index.")
@click.option(
    "--extremes",
    type=click.IntRange(min=0),
    metavar="N",
    help="Label N passages at each end of each axis; if not given, 3 where nothing else is labelled.",
)
@click.option("--color", metavar="FIELD", help="Choose colour and marker by this field.")
@click.option("--size", metavar="WxH", callback=_size, help="Width and height in inches; 7.2x5.4 if not given.")
@click.option("--font", metavar="NAME", help="A font installed on this machine; DejaVu Sans if not given.")
@where_option
@index_option
@encoder_option
@json_option("the counts")
def plot(
    phrases: tuple[str, ...], file: str, axes: list[str], calc: str | None, k: int | None, threshold: str | None,
    documents: tuple[str, ...], extremes: int | None, color: str | None, size: tuple[float, float] | None,
    font: str | None, where: str | None, path: str, encoder: str | None, format: str | None,
) -> None:  # fmt: skip
    """Draw the index on one or two axes, with PHRASES labelled.

    The passages of the index form a quiet background. PHRASES may be - to read them from stdin, one per line. The same
    input gives the same bytes.
    """
    from embedsearch.plots import Look, plot_axis, plot_plane
    from embedsearch.plots.files import check_file
    from embedsearch.plots.style import FONT, SIZE

    check_file(file)
    if calc is not None:
        _check_sum(calc, phrases)
    index = open_index(path, encoder)
    names = axes or list(index.axes)[:2]
    _check(names, calc=calc, k=k, threshold=threshold)
    shown: dict[str, Any] = {
        "phrases": phrases_from(phrases) if phrases else (), "documents": documents, "color": color, "where": where,
        "extremes": extremes, "look": Look(size or SIZE, font or FONT),
    }  # fmt: skip
    if len(names) == 2:
        made = plot_plane(index, *names, calc=calc, k=k or 5, **shown)
    else:
        made = plot_axis(index, *names, threshold=threshold, **shown)
    _finish(index, made, file, format)


COMMANDS = (plot,)


def _check_sum(calc: str, phrases: Sequence[str]) -> None:
    """Refuse a sum whose operators have become phrases, since the shell took it apart."""
    if lone := [phrase for phrase in phrases if phrase in ("+", "*")]:
        raise click.UsageError(f'{lone[0]!r} is not a phrase; put a sum in quotes, as in --calc "sheep + spider"')
    tell_joined(calc)


def _check(names: Sequence[str], *, calc: str | None, k: int | None, threshold: str | None) -> None:
    """Refuse options that the number of axes leaves without a meaning."""
    if not names:
        raise AxisError("the index has no axes yet; add some with: embedsearch axes fit FILE")
    if len(names) > 2:
        raise click.UsageError(f"a figure has one axis or two, not {len(names)}: {', '.join(names)}")
    if len(names) == 1 and calc is not None:
        raise click.UsageError(f"--calc {_ON_A_PLANE}")
    if len(names) == 2 and threshold is not None:
        raise click.UsageError(f"--threshold {_ALONG_AN_AXIS}")
    if k is not None and calc is None:
        raise click.UsageError("-k is how many answers to --calc are labelled; add --calc, or leave -k out")


def _finish(index: Index, made: Plot, file: str, format: str | None) -> None:
    """Write the file, and say what is in it."""
    count = len(made.scene.population)
    if not count:
        nothing_found(f"no passage satisfies the condition; {file} is not written", index)
    made.save(file)
    axes = " and ".join(axis.name for axis in made.scene.axes)
    passing = "" if made.threshold is None else f", {made.threshold.passed:,} of them above {made.threshold.given}"
    note(f"{file}: {count_of(count, 'passage')} on {axes}{passing}, {count_of(len(made.labels), 'label')}")
    for line in made.notes:
        note(f"Note: {line}")
    if format is not None:
        write_object({"file": file} | made.to_dict())
