"""``axes``: the axes of an index."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import count as counted
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli.main import Commands, examples
from embedsearch.cli.options import (
    axis_argument,
    encoder_option,
    format_option,
    index_option,
    nothing_found,
    open_index,
    said,
    where_option,
)
from embedsearch.cli.output import FORMATS, OBJECT_FORMATS, facts, note, table, write, write_object
from embedsearch.errors import AxisError, EmbedSearchError
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch import Axis, Index
    from embedsearch.index.exploring import Component

_SHOWN = 24
_LISTED = 20  # phrases, ratings or groups in a cell
_NO_AXES = "the index has no axes; add some with: embedsearch axes fit FILE"


@click.group(
    cls=Commands,
    epilog=examples("embedsearch axes list", "embedsearch axes show size", "embedsearch axes fit corpus/axes.toml"),
)
def axes() -> None:
    """List, fit, check and rate the axes of an index."""


@axes.command("list", epilog=examples("embedsearch axes list", "embedsearch axes list -f toml > my-axes.toml"))
@index_option
@format_option(*FORMATS, "toml")
def list_axes(path: str, format: str) -> None:
    """List the axes with their poles. -f toml writes their definitions, which `axes fit` reads."""
    index = open_index(path)
    versions, definitions = index.axes.versions(), index.axes.definitions()
    if format == "toml":
        from embedsearch.axes.writing import axes_toml

        click.echo(axes_toml(definitions.values()), nl=False)
    elif format != "table":
        write(({"id": name, "version": versions[name], **axis.to_dict()} for name, axis in definitions.items()), format)
    elif definitions:
        rows = [
            [name, versions[name], " and ".join(axis.kinds), _shortened(axis.low), _shortened(axis.high),
             axis.description]
            for name, axis in definitions.items()
        ]  # fmt: skip
        table(["axis", "version", "by", "low", "high", "description"], rows, wide="description")
    if not definitions:
        nothing_found(_NO_AXES)


@axes.command(
    "show", epilog=examples("embedsearch axes show predatoriness", "embedsearch axes show size -f toml >> my-axes.toml")
)
@axis_argument("name")
@index_option
@format_option(*OBJECT_FORMATS, "toml")
def show_axis(name: str, path: str, format: str) -> None:
    """Show the poles and scale of an axis, and what lies at its ends. -f toml writes what `axes fit` reads."""
    index = open_index(path)
    axis = index.axes.definitions().get(name) or index.axes[name].fitted.axis  # which says why there is none
    if format == "toml":
        click.echo(axis.to_toml(), nl=False)
        return
    shown = _described(index, name, axis)
    if format != "table":
        write_object(shown, format)
        return
    ends = ("lowest", "highest")
    facts({key: _joined(value) for key, value in shown.items() if key not in ends}, title=f"Axis {name}")
    for end in ends:
        click.echo()
        table([end, "coordinate"], [[entry["text"], entry[name]] for entry in shown[end]], wide=end)


@axes.command(
    "fit",
    epilog=examples("embedsearch axes fit corpus/axes.toml", "embedsearch axes fit my-axes.toml -i indexes/papers"),
)
@click.argument("file", type=click.Path())
@index_option
@encoder_option
def fit_axes(file: str, path: str, encoder: str | None) -> None:
    """Fit the axes that FILE defines and keep them in the index.

    FILE is TOML with one table per axis: low and high (lists of phrases), frames (texts with {} where the phrase goes),
    description; ratings, or a CSV of them; a prior; or another kind of definition, which docs/axes.md lists. An axis
    whose definition has changed gets a new version, which replaces the old one.
    """
    index = open_index(path, encoder)
    before = index.axes.versions()
    names = index.axes.save_file(file)
    after = index.axes.versions()
    for name in names:
        what = "unchanged" if before.get(name) == after[name] else "new" if name not in before else "changed"
        note(f"{name}: version {after[name]}, {what}")


@axes.command("check", epilog=examples("embedsearch axes check", "embedsearch axes check size predatoriness -f json"))
@axis_argument("names", nargs=-1)
@index_option
@encoder_option
@format_option(*OBJECT_FORMATS)
def check_axes(names: tuple[str, ...], path: str, encoder: str | None, format: str) -> None:
    """Report how far axes can be trusted.

    NAMES are the axes to check; all if none is given.

    Poles: each phrase is left out in turn, and should still lie on its own side of the others. Its margin is 1 at its
    own pole and 0 in the middle.

    Ratings and fields: what was rated, or has the field, is judged by fits that have not seen it. 'Pairs ordered
    right' is how often, of two left out, the one rated higher lies higher: .5 is chance, and p is how often ratings
    dealt out at random do as well. Spearman is the correlation of ranks. R² is the share of the variance of the
    ratings that is explained; it is below 0 where their mean would explain more.

    Pairs of axes are compared over the passages of the index. Where two correlate above .7, they measure nearly the
    same there.
    """
    report = open_index(path, encoder).axes.check(names or None)
    if format != "table":
        write_object(report.to_dict(), format)
    elif report.axes:
        click.echo(str(report))
    if not report.axes:
        nothing_found(_NO_AXES)


@axes.command("refit", epilog=examples("embedsearch axes refit size", "embedsearch axes refit year -i indexes/papers"))
@axis_argument("names", nargs=-1, required=True)
@index_option
@encoder_option
def refit_axes(names: tuple[str, ...], path: str, encoder: str | None) -> None:
    """Fit axes anew from their definitions. Do so when the encoder, or the documents behind a field, have changed."""
    index = open_index(path, encoder)
    index.axes.refit(names)
    for name, version in index.axes.versions().items():
        if name in names:
            note(f"{name}: version {version}")


@axes.command(
    "delete", epilog=examples("embedsearch axes delete size", "embedsearch axes delete year -i indexes/papers")
)
@axis_argument("name")
@index_option
def delete_axis(name: str, path: str) -> None:
    """Delete an axis.

    An axis that others are derived from is refused. An axis that gets the name later has the next version, so that no
    version names two axes.
    """
    open_index(path).axes.delete(name)
    note(f"{name}: deleted")


@axes.command(
    "discover",
    epilog=examples(
        "embedsearch axes discover", "embedsearch axes discover -k 3 --where 'kind == \"person\"' --keep 1"
    ),
)
@click.option("-k", "k", type=click.IntRange(min=1), default=5, show_default=True, metavar="N",
              help="How many components.")  # fmt: skip
@click.option("--keep", metavar="NUMBER", type=click.IntRange(min=1), help="Keep that component as an axis.")
@click.option("--name", help="With --keep: the name of the axis; its two ends if not given.")
@where_option
@index_option
@encoder_option
@format_option()
def discover_axes(
    k: int, keep: int | None, name: str | None, where: str | None, path: str, encoder: str | None, format: str
) -> None:
    """Show the widest principal components of the index. They are named by the texts at their ends."""
    if name is not None and keep is None:
        raise click.UsageError("--name is the name of the component that is kept; it goes with --keep NUMBER")
    index = open_index(path, encoder)
    _require_free(index, name)
    found = index.explorer.discover(max(k, keep or 0), where, 5)
    axis = _to_keep(index, found, keep, name) if keep is not None else None
    if format == "table":
        rows = [[part.number, f"{part.share:.1%}", "; ".join(part.low), "; ".join(part.high)] for part in found]
        table(["#", "variance", "low end", "high end"], rows, wide="high end")
    else:
        write((part.to_dict() for part in found), format)
    if axis is not None:
        index.axes.save(axis)
        note(f"kept as {axis.name!r}")


@axes.command(
    "rate",
    epilog=examples(
        "embedsearch axes rate size",
        "embedsearch axes rate size --csv to-rate.csv",
        "embedsearch axes rate size --take to-rate.csv",
    ),
)
@axis_argument("name")
@click.option("-k", "k", type=click.IntRange(min=1), default=10, show_default=True, metavar="N",
              help="How many phrases to propose.")  # fmt: skip
@click.option("--csv", "file", type=click.Path(dir_okay=False), help="Write the phrases to a CSV to fill in instead.")
@click.option("--take", type=click.Path(dir_okay=False), help="Take the ratings from a filled-in table.")
@where_option
@index_option
@encoder_option
def rate_axis(
    name: str, k: int, file: str | None, take: str | None, where: str | None, path: str, encoder: str | None
) -> None:
    """Ask for the ratings that would help an axis most.

    An empty answer skips a phrase; q ends the questions. Your ratings are kept in a new version of the axis. Those that
    cannot be, as when they are too few to learn from, are written to a CSV. Then you see the learning curve, and what
    five more ratings would add.
    """
    from embedsearch.axes import read_ratings, write_to_rate

    if take is not None and (other := said(k="-k", file="--csv", where="--where")):
        raise click.UsageError(f"{other} does not go with --take, which takes ratings and proposes no phrases")
    index = open_index(path, encoder)
    documents: dict[str, float] = {}
    if take is not None:
        ratings, documents = read_ratings(take)
    else:
        texts = index.explorer.propose(name, k, where)
        if file is not None:
            write_to_rate(file, texts)
            to_rate = count_of(len(texts), "phrase")
            note(f"{to_rate} to rate in {file}; then: embedsearch axes rate {name} --take {file}")
            return
        ratings = _asked(texts, index.axes.definitions()[name])
    if not ratings and not documents:
        note("Nothing was rated; the axis is unchanged.")
        click.get_current_context().exit(1)
    try:
        axis = index.explorer.rate(name, ratings, documents)
    except BaseException:  # an interrupt while it is fitted loses no answer either
        if take is None:
            _write_down(name, texts, ratings)
        raise
    count = len(axis.ratings) + len(axis.rated_documents)
    note(f"{name}: version {index.axes.versions()[name]}, {count_of(count, 'rating')}")
    _print_curve(index, name)


@axes.command("compare", epilog=examples("embedsearch axes compare size --with all-mpnet-base-v2"))
@axis_argument("name")
@click.option("--with", "other", required=True, metavar="ENCODER", help="The other encoder: a model name or folder.")
@where_option
@index_option
@encoder_option
@format_option(*OBJECT_FORMATS)
def compare_axis(name: str, other: str, where: str | None, path: str, encoder: str | None, format: str) -> None:
    """Compare an axis under two encoders.

    They are the index's own and that of --with. The figures say how alike they order the texts of the index.
    """
    import embedsearch as es

    found = open_index(path, encoder).explorer.compare(name, es.load_encoder(other), where)
    if format != "table":
        write_object(found.to_dict(), format)
        return
    click.echo(f"{name}: Spearman {found.spearman:.3f} between {found.first} and {found.second}, {found.texts} texts")
    rows = [[text, f"{first:.0f}", f"{second:.0f}"] for text, first, second in found.apart]
    table(["placed most differently", f"percentile, {found.first}", f"percentile, {found.second}"], rows)


COMMANDS = (axes,)


def _to_keep(index: Index, found: Sequence[Component], number: int, name: str | None) -> Axis:
    """Return the axis of a component, under a name that no axis has."""
    from dataclasses import replace

    if number > len(found):
        raise AxisError(
            f"there is no component {number} to keep; {count_of(len(found), 'component was', 'components were')} found"
        )
    axis = replace(found[number - 1].axis, name=name) if name is not None else found[number - 1].axis
    _require_free(index, axis.name)
    return axis


def _require_free(index: Index, name: str | None) -> None:
    """Refuse a name that an axis has already: keeping a component would replace it."""
    if name in index.axes:
        raise AxisError(f"there is an axis {name!r} already; choose another name with --name (nothing was kept)")


def _described(index: Index, name: str, axis: Axis) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": name, "version": index.axes.versions()[name], **axis.to_dict()}
    if len(index) < 2:
        return shown | {"population": len(index), "lowest": [], "highest": []}
    scale = index.axes[name].scale
    shown |= {"population": scale.count, "mean": scale.mean, "deviation": scale.deviation}
    shown |= {f"p{percent}": scale.at_percentile(percent) for percent in (5, 25, 50, 75, 95)}
    for end, sort in (("lowest", f"-{name}"), ("highest", name)):
        shown[end] = index.place_all([name], sort=sort, k=5).to_dicts()
    return shown


def _asked(texts: Sequence[str], axis: Axis) -> dict[str, float]:
    """Return the ratings that were given at the terminal; the end of the input ends the asking."""
    known = [*axis.ratings.values(), *axis.rated_documents.values()]
    so_far = f"; so far {min(known):g} … {max(known):g}" if known else ", in any unit, higher for the high end"
    note(f"Rate each{f' in {axis.unit}' if axis.unit else ''}{so_far}. An empty answer skips it, q ends.")
    ratings: dict[str, float] = {}
    for text in texts:
        try:
            answer = _number_asked(text)
        except (EOFError, click.Abort):
            break
        if answer is None:
            continue
        if answer == "q":
            break
        ratings[text] = float(answer)
    return ratings


def _number_asked(text: str) -> str | None:
    """Return a number as it was typed, ``q``, or None for a phrase that is passed over."""
    while True:
        answer = str(click.prompt(text, default="", show_default=False, err=True)).strip()
        if answer in ("", "q"):
            return answer or None
        try:
            if math.isfinite(float(answer)):
                return answer
        except ValueError:
            pass
        note(f"{answer!r} is not a number; try again:")


def _write_down(name: str, texts: Sequence[str], ratings: Mapping[str, float]) -> None:
    """Write answers that the index did not take to a CSV, or else to stderr, so that none is lost."""
    from embedsearch.axes import write_to_rate

    files = (f"to-rate-{number}.csv" for number in counted(1))
    file = next(file for file in files if not Path(file).exists())
    try:
        write_to_rate(file, texts, ratings)
    except EmbedSearchError as error:
        note("\n".join([f"{error}. What was answered:", *(f"{rating!r}  {text}" for text, rating in ratings.items())]))
        return
    note(
        f"{count_of(len(ratings), 'answer')} kept in {file} only: fill in more, or correct what is wrong, then: "
        f"embedsearch axes rate {name} --take {file}"
    )


def _print_curve(index: Index, name: str) -> None:
    from embedsearch.axes.learning import FEWEST_FOR_CURVE, FEWEST_FOR_GAIN, MORE

    validation = index.axes.check([name]).axes[0].validation
    if validation is None or not validation.curve:
        note(f"the learning curve is shown from {FEWEST_FOR_CURVE} ratings on")
        return
    points = ", ".join(f"{count}: {share:.3f}" for count, share in validation.curve.items())
    note(f"pairs ordered right, by number of ratings used: {points}")
    if (gain := validation.more) is None:
        note(f"what {MORE} more would add is shown from {FEWEST_FOR_GAIN} ratings on")
        return
    unsure = "; it cannot be told yet whether they would add anything" if gain.low <= 0 else ""
    note(f"{MORE} more would be expected to add {gain.value:+.3f} ({gain.low:+.3f} … {gain.high:+.3f}){unsure}")


def _shortened(phrases: Any) -> str:
    if not phrases:
        return ""
    more = f" (+{len(phrases) - 1})" if len(phrases) > 1 else ""
    first = str(phrases[0])
    return (first if len(first) <= _SHOWN else first[: _SHOWN - 1] + "…") + more


def _joined(value: Any) -> Any:
    if isinstance(value, dict):
        value = [f"{key} = {part}" for key, part in value.items()]
    if not isinstance(value, list):
        return value
    more = f", … ({len(value)} in all)" if len(value) > _LISTED else ""
    return ", ".join(map(str, value[:_LISTED])) + more
