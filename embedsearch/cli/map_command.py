"""``map``: an index to look around in, as one file for a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from embedsearch.cli.main import examples
from embedsearch.cli.options import (
    axes_option,
    encoder_option,
    index_option,
    json_option,
    nothing_found,
    open_index,
    where_option,
)
from embedsearch.cli.output import note, write_object

if TYPE_CHECKING:
    from embedsearch import Map


@click.command(
    name="map",
    epilog=examples(
        "embedsearch map -a predatoriness,size --color kind -o plane.html",
        "embedsearch map -o map.html",
        "embedsearch map --where 'kind == \"person\"' --color kind -o persons.html",
        "embedsearch map --layout pca --sample 5000 -o components.html",
    ),
)
@click.option("-o", "--output", "file", required=True, metavar="FILE", help="The file to write: .html.")
@axes_option("Two axes, separated by a comma; a layout if not given.")
@click.option(
    "--layout",
    type=click.Choice(("umap", "pca")),
    help="How to lay out the vectors, instead of axes; umap if not given.",
)
@click.option("--color", metavar="FIELD", help="Colour by this field.")
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help="The most passages to show; 20,000 if not given."
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    metavar="N",
    help="The seed of UMAP; another one gives another layout. pca draws nothing at random, and is the same with any.",
)
@click.option("--relayout", is_flag=True, help="Make a new layout, even if one is kept.")
@where_option
@index_option
@encoder_option
@json_option("the counts")
def map_(
    file: str, axes: list[str], layout: Literal["umap", "pca"] | None, color: str | None, sample: int | None,
    seed: int | None, relayout: bool, where: str | None, path: str, encoder: str | None, format: str | None,
) -> None:  # fmt: skip
    """Write a map of the index as one HTML file.

    The map shows passages on two axes, or by a layout of their vectors. It opens from the disk, without a network:
    zoom, hover, search, isolate, select and export. A layout is computed once and kept in the index; documents added
    later are placed in it.
    """
    from embedsearch.maps.content import SHOWN
    from embedsearch.maps.mapping import check_file, map_index

    if len(axes) not in (0, 2):
        raise click.UsageError(f"a map has two axes, not {len(axes)}: {', '.join(axes)}")
    if axes and (layout or relayout or seed is not None):
        raise click.UsageError("--layout, --seed and --relayout do not go with -a: a map has axes or a layout")
    check_file(file)
    index = open_index(path, encoder)
    if not len(index):
        nothing_found("there is nothing to show", index)
    if where is not None and not len(index.draw(1, where=where)):
        nothing_found(f"no passage satisfies the condition; {file} is not written", index)
    x, y = axes or (None, None)
    made = map_index(
        index, x, y, layout=layout, color=color, where=where, sample=sample or SHOWN, seed=seed, relayout=relayout
    )
    made.save(file)
    _say(made, file, format)


COMMANDS = (map_,)


def _say(made: Map, file: str, format: str | None) -> None:
    """Say what is in the file."""
    content = made.content
    note(f"{file}: {content.count}, {len(made.html.encode()) / 1e6:.1f} MB")
    if content.layout is not None:
        made_when = "laid out now" if content.layout.is_new else "as laid out before"
        note(f"Layout ({made_when}): {content.layout}")
    for line in content.notes:
        note(f"Note: {line}")
    if format is not None:
        write_object({"file": file} | made.to_dict())
