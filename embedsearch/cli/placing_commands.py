"""``place``, ``locate``, ``shift``: where things lie on axes, and what lies where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli.main import examples
from embedsearch.cli.options import (
    axes_option,
    count_option,
    encoder_option,
    explain_option,
    explained,
    format_option,
    index_option,
    nothing_found,
    open_index,
    phrases_from,
    said,
    text_from,
    where_option,
)
from embedsearch.cli.output import note, table, write, write_object, write_results
from embedsearch.cli.placing_output import print_documents, print_hits, print_remainders
from embedsearch.names import normal

if TYPE_CHECKING:
    from embedsearch import Index, Placement, Placements
    from embedsearch.index.moving import Move


@click.command(
    epilog=examples(
        'embedsearch place wolf politician "loan shark"',
        "embedsearch place wolf -a predatoriness,size --unit percentile",
        "embedsearch place --all -a predatoriness,size --sort predatoriness -k 20",
        "embedsearch place - < phrases.txt",
    )
)
@click.argument("phrases", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Place the passages of the index instead of phrases.")
@axes_option("The axes, separated by commas; all of the index if not given.")
@click.option("--unit", type=click.Choice(("sd", "percentile", "raw", "rating")), default="sd", show_default=True,
              help="Standard deviations of the index, its percentiles, raw, or the unit of the ratings.")  # fmt: skip
@click.option(
    "--document", "documents", multiple=True, metavar="ID", help="Place a document of the index, by its passages."
)
@click.option(
    "--evidence", is_flag=True, help="With --document: show the sentences that carry its place, and how much, in sd."
)
@click.option(
    "--above",
    default="1",
    show_default=True,
    metavar="VALUE",
    help="With --document: count the passages above this value, in sd or as a percentile (p90).",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Show how much of the meaning of PHRASES the axes hold; with --all, how it was answered and how long it took.",
)
@click.option("--predicted", is_flag=True, help="Measure what was rated too, instead of showing its rating.")
@click.option("--sort", metavar="AXIS", help="Sort by an axis, highest first; -AXIS for lowest first.")
@click.option("-k", "k", type=click.IntRange(min=1), metavar="N", help="How many results; all if not given.")
@where_option
@index_option
@encoder_option
@format_option()
def place(
    phrases: tuple[str, ...], everything: bool, documents: tuple[str, ...], evidence: bool, above: str, explain: bool,
    axes: list[str], unit: Any, predicted: bool, sort: str | None, k: int | None,
    where: str | None, path: str, encoder: str | None, format: str,
) -> None:  # fmt: skip
    """Show where phrases, passages or documents lie on axes.

    Give PHRASES, --all for the passages of the index, or --document. PHRASES may be - to read them from stdin, one per
    line. What has a rating is shown at that rating, marked with a star.

    Only --axis, --unit, --above and --evidence go with --document.
    """
    _refuse_what_is_ignored()
    if not documents and everything == bool(phrases):
        raise click.UsageError("give either phrases, as in embedsearch place wolf politician, or --all")
    if where and not everything:
        raise click.UsageError("--where chooses among the passages of the index; it goes with --all")
    index, names = open_index(path, encoder), axes or None
    if documents:
        places = index.place_documents(documents, names, threshold=above, evidence=evidence, unit=unit)
        print_documents(places, format)
        return
    if explain and phrases:
        print_remainders(index.explain(phrases_from(phrases), names), format)
        return
    if everything:
        with explained(index, explain):
            each = index.place_each(names, where=where, sort=sort, k=k, unit=unit, predicted=predicted)
            count = _print_placements(each, format, names or list(index.axes))
    else:
        placements = index.place(phrases_from(phrases), names, unit=unit, predicted=predicted)
        count = _print_placements(_sorted(placements, sort)[:k], format)
    if not count:
        nothing_found("no passage satisfies the condition", index)


@click.command(
    epilog=examples(
        "embedsearch locate predatoriness=2 size=-0.5",
        "embedsearch locate predatoriness=p95 size=p5 --where 'domain == \"society\"'",
        "embedsearch locate size=-2 --like wolf",
    )
)
@click.argument("point", nargs=-1, required=True, metavar="AXIS=VALUE...")
@click.option("--like", metavar="PHRASE", help="Find what is like PHRASE in all else: like wolf, but small.")
@count_option
@where_option
@explain_option
@index_option
@encoder_option
@format_option()
def locate(
    point: tuple[str, ...], like: str | None, k: int, where: str | None, explain: bool, path: str,
    encoder: str | None, format: str,
) -> None:  # fmt: skip
    """Show what lies at a point on axes.

    A VALUE is a number of standard deviations, or a percentile such as p90. Without --like, no encoder is needed.
    """
    wanted = _axis_values(point)
    index = open_index(path, encoder)
    if like is not None:
        with explained(index, explain):
            move = index.locate_like(like, wanted, k=k, where=where)
        _print_move(index, move, format)
        return
    with explained(index, explain):
        hits = index.locate(wanted, k=k, where=where)
    print_hits(hits, format)
    if not hits:
        nothing_found("no passage satisfies the condition", index)


@click.command(
    epilog=examples(
        "embedsearch shift wolf size=-2",
        'embedsearch shift "loan shark" predatoriness=-2 size=+1 --where \'kind == "person"\'',
    )
)
@click.argument("phrase")
@click.argument("by", nargs=-1, required=True, metavar="AXIS=VALUE...")
@count_option
@where_option
@index_option
@encoder_option
@format_option()
def shift(
    phrase: str, by: tuple[str, ...], k: int, where: str | None, path: str, encoder: str | None, format: str
) -> None:
    """Move a phrase along axes, and show what lies there.

    A VALUE is the number of standard deviations to move by. PHRASE may be - for stdin. Answers are ranked by their
    cosine to the point reached. A note says when that point is far from all passages.
    """
    wanted = _axis_values(by)
    index = open_index(path, encoder)
    _print_move(index, index.shift(text_from(phrase), wanted, k=k, where=where), format)


COMMANDS = (place, locate, shift)


def _refuse_what_is_ignored() -> None:
    """Refuse options of `place` that the kind of question does not know, instead of passing them over.

    Raises:
        click.UsageError: it names the first of them.
    """
    ranked = {"sort": "--sort", "k": "-k", "predicted": "--predicted"}
    if said(documents="--document"):
        if other := said(phrases="PHRASES", everything="--all", where="--where", explain="--explain", **ranked):
            raise click.UsageError(f"{other} does not go with --document, which places documents as they are measured")
        if said(evidence="--evidence") and click.get_current_context().params["unit"] != "sd":
            raise click.UsageError("--evidence is in standard deviations; leave it out, or --unit")
    elif other := said(evidence="--evidence", above="--above"):
        raise click.UsageError(f"{other} is about the passages of a document; it goes with --document ID")
    if said(explain="--explain") and said(phrases="PHRASES") and (other := said(unit="--unit", **ranked)):
        raise click.UsageError(f"{other} does not go with --explain of PHRASES, which shows what the axes hold of them")


def _axis_values(texts: Sequence[str]) -> dict[str, Any]:
    """Return the names and values of AXIS=VALUE arguments."""
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = normal(name.strip())
        if not equals or not name:
            raise click.UsageError(f"{text!r} is not AXIS=VALUE; write it as in predatoriness=1.5 or size=p10")
        if name in values:
            raise click.UsageError(f"{name!r} is given twice; an axis can have one value only")
        values[name] = value
    return values


def _print_move(index: Index, move: Move, format: str) -> None:
    """Print where a phrase went and what lies there."""
    if format == "json":
        write_object(move.to_dict())
    elif format == "table":
        rows = [[name, move.start[name], move.wanted[name], move.reached[name]] for name in move.start]
        table(["axis", "from", "to", "on the sphere"], rows)
        click.echo()
        print_hits(move.hits, format)
    else:
        write_results(move.hits, format)
    if move.note:
        note(f"Note: {move.note}")
    if not move.hits:
        nothing_found("no other passage satisfies the condition", index)


def _print_placements(placements: Iterable[Placement], format: str, names: Sequence[str] = ()) -> int:
    """Print placements on the axes with these *names*, all in a table or one after another; return how many."""
    from embedsearch.columns import flatten
    from embedsearch.index.placing import asked_columns

    if format != "table":
        columns = ["text", *flatten(asked_columns(names))]
        return write((placement.to_export() for placement in placements), format, columns=columns)
    every = list(placements)
    if every:
        columns = ["text", *every[0].coordinates, *(f"off {name}" for name in every[0].distances)]
        table(columns, [[one.text, *_marked(one), *one.distances.values()] for one in every], wide="text")
    if any(one.rated for one in every):
        note("* as it was rated; --predicted measures it instead")
    return len(every)


def _marked(placement: Placement) -> list[str]:
    """Return coordinates as text: a star where the phrase stands as rated, the interval where there is one."""
    cells = []
    for name, value in placement.coordinates.items():
        low, high = placement.intervals.get(name, (None, None))
        between = f" ({low:.3f} … {high:.3f})" if low is not None else ""
        cells.append(f"{value:.3f}{'*' if name in placement.rated else ''}{between}")
    return cells


def _sorted(placements: Placements, sort: str | None) -> Placements:
    from embedsearch import Placements
    from embedsearch.index.placing import sorting_axis

    if sort is None:
        return placements
    by = sorting_axis(sort, list(placements[0].coordinates))
    return Placements(sorted(placements, key=lambda place: place.coordinates[by], reverse=not sort.startswith("-")))
