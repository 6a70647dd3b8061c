"""``axes``: the axes of an index."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli.main import Commands, examples
from embedsearch.cli.options import format_option, index_option, open_index
from embedsearch.cli.output import chosen, note, table, write
from embedsearch.errors import AxisError, did_you_mean

if TYPE_CHECKING:
    from embedsearch import Axis, Index

_SHOWN = 24


@click.group(
    cls=Commands,
    epilog=examples("embedsearch axes list", "embedsearch axes show size", "embedsearch axes fit corpus/axes.toml"),
)
def axes() -> None:
    """List, show and fit the axes of an index."""


@axes.command("list", epilog=examples("embedsearch axes list", "embedsearch axes list -f json"))
@index_option
@format_option("table", "jsonl", "json", "csv", "tsv", "ids")
def list_axes(path: str, format: str | None) -> None:
    """List the axes with their poles."""
    index = open_index(path)
    versions, definitions = index.axes.versions(), index.axes.definitions()
    kind = chosen(format)
    if kind == "table":
        rows = [
            [name, versions[name], _shortened(axis.low), _shortened(axis.high), axis.description]
            for name, axis in definitions.items()
        ]
        if rows:
            table(["axis", "version", "low", "high", "description"], rows, wide="description")
    else:
        write(({"id": name, "version": versions[name], **axis.to_dict()} for name, axis in definitions.items()), kind)
    if not definitions:
        note("Nothing found: the index has no axes; add some with: embedsearch axes fit FILE")
        click.get_current_context().exit(1)


@axes.command("show", epilog=examples("embedsearch axes show predatoriness", "embedsearch axes show size -f json"))
@click.argument("name")
@index_option
@format_option("table", "json")
def show_axis(name: str, path: str, format: str | None) -> None:
    """Show an axis: its poles, its scale, and what lies at its ends."""
    index = open_index(path)
    definitions = index.axes.definitions()
    if name not in definitions:
        raise AxisError(f"there is no axis {name!r}.{did_you_mean(name, definitions)}")
    shown = _described(index, name, definitions[name])
    if chosen(format) == "json":
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    ends = ("lowest", "highest")
    table(
        ["", ""],
        [[key, _joined(value)] for key, value in shown.items() if key not in ends],
        title=f"Axis {name}",
        wide="",
    )
    for end in ends:
        click.echo()
        table([end, "coordinate"], [[entry["text"], entry[name]] for entry in shown[end]], wide=end)


@axes.command(
    "fit",
    epilog=examples("embedsearch axes fit corpus/axes.toml", "embedsearch axes fit my-axes.toml -i indexes/papers"),
)
@click.argument("file", type=click.Path())
@index_option
def fit_axes(file: str, path: str) -> None:
    """Fit the axes that FILE defines and keep them in the index.

    FILE is TOML with one table an axis: low and high (lists of phrases), frames (texts with {} where the phrase
    goes), description. An axis of the same name is replaced by a new version if its definition has changed.
    """
    index = open_index(path)
    before = index.axes.versions()
    names = index.axes.save_file(file)
    after = index.axes.versions()
    for name in names:
        what = "unchanged" if before.get(name) == after[name] else "new" if name not in before else "changed"
        note(f"{name}: version {after[name]}, {what}")


@axes.command("check", epilog=examples("embedsearch axes check", "embedsearch axes check size predatoriness -f json"))
@click.argument("names", nargs=-1)
@index_option
@format_option("table", "json")
def check_axes(names: tuple[str, ...], path: str, format: str | None) -> None:
    """Report how far axes can be trusted: NAMES, or all.

    Poles are left out in turn; ratings are cross-validated against chance and against poles alone; every two axes
    are compared over the passages of the index.
    """
    report = open_index(path).axes.check(names or None)
    as_json = chosen(format) != "table"
    click.echo(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) if as_json else str(report))


@axes.command("refit", epilog=examples("embedsearch axes refit size", "embedsearch axes refit year -i indexes/papers"))
@click.argument("names", nargs=-1, required=True)
@index_option
def refit_axes(names: tuple[str, ...], path: str) -> None:
    """Fit axes anew from their definitions, as when the encoder or the documents behind a field have changed."""
    index = open_index(path)
    index.axes.refit(names)
    for name, version in index.axes.versions().items():
        if name in names:
            note(f"{name}: version {version}")


COMMANDS = (axes,)


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


def _shortened(phrases: Any) -> str:
    more = f" (+{len(phrases) - 1})" if len(phrases) > 1 else ""
    first = str(phrases[0])
    return (first if len(first) <= _SHOWN else first[: _SHOWN - 1] + "…") + more


def _joined(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, list) else value
