"""What the page asks of an index, one function a path: from the fields of a request to JSON values."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from embedsearch.axes import Axis
from embedsearch.errors import QueryError
from embedsearch.explorer.desk import TRIED, Desk
from embedsearch.explorer.fields import Fields
from embedsearch.explorer.points import as_number, common, is_numeric
from embedsearch.plots.ends import pole_names
from embedsearch.results import Hits

SAMPLE = 20_000  # points that are drawn at first
_MOST_HITS, _MOST_PASSAGES, _MOST_VALUES = 200, 200, 30

Answer = dict[str, Any]


def about(desk: Desk, _asked: Fields) -> Answer:
    """Return what the index holds, its axes and the names of its fields."""
    info = desk.index.info()
    fitted = desk.index.axes.fitted()
    names = [name for name in fitted if name != TRIED or desk.tried is None]
    wanted = ("documents", "passages", "encoder", "dimension", "fields")
    return {
        "name": info["path"].rstrip("/").rpartition("/")[2],
        **{name: info[name] for name in wanted},
        "axes": [described(desk, name) for name in names],
        "screenings": desk.index.labels.names(),
        "sample": SAMPLE,
    }


def described(desk: Desk, name: str) -> Answer:
    """Return an axis as the page shows it."""
    fitted = desk.index.axes.fitted()[name]
    low, high = pole_names(fitted)
    definition = fitted.axis
    return {
        "name": name,
        "version": desk.index.axes.versions()[name],
        "kinds": list(definition.kinds),
        "ends": [low, high],
        "low": list(definition.low),
        "high": list(definition.high),
        "ratings": dict(definition.ratings),
    }


def field(desk: Desk, asked: Fields) -> Answer:
    """Return the kind of a field and its commonest values."""
    values = desk.plane.field(asked.text("field"))
    if is_numeric(values):
        numbers = [value for value in values if math.isfinite(as_number(value))]
        return {"kind": "number", "low": min(numbers, default=None), "high": max(numbers, default=None)}
    return {"kind": "text", "values": [{"value": name, "count": count} for name, count in common(values, _MOST_VALUES)]}


def search(desk: Desk, asked: Fields) -> Answer:
    """Return the passages that answer a text, or are like a document."""
    began = time.perf_counter()
    text, like = asked.text("text", ""), asked.text("like", "")
    found = desk.index.search(
        text or None,
        like=like or None,
        k=_count(asked),
        where=asked.text("where", "") or None,
        mode=asked.text("mode", "") or None,  # type: ignore[arg-type]  # checked there
    )
    axes = asked.texts("axes", [])
    snippets = desk.index.snippets(found, text or None, like=like or None)
    hits = shown(desk, found, axes)
    for hit, snippet in zip(hits, snippets, strict=True):
        hit["snippet"] = {"text": snippet.text, "marks": [list(span) for span in snippet.matches]}
    at = _placed(desk, [text], axes)[0] if text and axes else None
    return {"hits": hits, "at": at, "milliseconds": _since(began)}


def calc(desk: Desk, asked: Fields) -> Answer:
    """Return both answers to an expression: nearest in meaning, and nearest on the axes."""
    began = time.perf_counter()
    expression, axes = asked.text("expression"), asked.texts("axes", least=1)
    given: dict[str, Any] = {
        "k": _count(asked),
        "where": asked.text("where", "") or None,
        "keep_inputs": asked.flag("keep_inputs"),
    }
    meaning = desk.index.calc(expression, **given)
    plane = desk.index.calc(expression, on=axes, **given)
    terms = [
        {"text": term.text, "weight": term.weight, "coordinates": dict(place.coordinates)}
        for term, place in zip(plane.expression.terms, plane.terms, strict=True)
    ]
    return {
        "meaning": {"hits": shown(desk, meaning.hits, axes)},
        "plane": {"hits": shown(desk, plane.hits, axes)},
        "terms": terms,
        "sum": dict(plane.point),
        "milliseconds": _since(began),
    }


def place(desk: Desk, asked: Fields) -> Answer:
    """Return where phrases lie, in standard deviations and as percentiles."""
    texts, axes = asked.texts("texts"), asked.texts("axes")
    scaled = desk.index.axes.scaled(axes)
    placements = []
    for text, coordinates in zip(texts, _placed(desk, texts, axes), strict=True):
        percentiles = {name: float(scaled[name].scale.percentile_of(at)) for name, at in coordinates.items()}
        placements.append({"text": text, "coordinates": coordinates, "percentiles": percentiles})
    return {"placements": placements}


def locate(desk: Desk, asked: Fields) -> Answer:
    """Return what lies at a point, or what is like a phrase there."""
    point, like, count = asked.point("point"), asked.text("like", ""), _count(asked)
    where, axes = asked.text("where", "") or None, asked.texts("axes", [])
    if not like:
        return {"hits": shown(desk, desk.index.locate(point, k=count, where=where), axes)}
    return _moved(desk, desk.index.locate_like(like, point, k=count, where=where), axes)


def shift(desk: Desk, asked: Fields) -> Answer:
    """Return what lies where a phrase comes to lie when it is moved along axes."""
    moved = desk.index.shift(
        asked.text("text"), asked.numbers("by"), k=_count(asked), where=asked.text("where", "") or None
    )
    return _moved(desk, moved, asked.texts("axes", []))


def points(desk: Desk, asked: Fields) -> Answer:
    """Return the points of a plane; see `Plane.points`."""
    return desk.plane.points(
        asked.text("x"),
        asked.text("y"),
        where=asked.text("where", "") or None,
        field=asked.text("field", "") or None,
        box=asked.box("box"),
        limit=asked.whole("limit", SAMPLE, most=200_000),
    )


def passages(desk: Desk, asked: Fields) -> Answer:
    """Return the texts of passages."""
    rows = desk.chosen(asked, most=_MOST_PASSAGES)
    return {
        "passages": [
            {"row": one.row, "id": one.id, "document": one.document, "title": one.title, "text": one.text,
             "source": one.source, "metadata": dict(one.metadata)}
            for one in desk.index.passages(rows)
        ]
    }  # fmt: skip


def condition(desk: Desk, asked: Fields) -> Answer:
    """Return how many passages satisfy a condition, and each of its parts."""
    where = asked.text("where")
    verdicts = desk.index.judge(where)
    documents = sum(1 for verdict in verdicts if verdict.passed)
    counts = [{"part": one.part, "seen": one.seen, "held": one.held, "left": one.left} for one in verdicts.counts]
    return {"passages": len(desk.index.rows(where)), "documents": documents, "total": len(desk.plane.rows()),
            "parts": counts}  # fmt: skip


def histogram(desk: Desk, asked: Fields) -> Answer:
    """Return how passages are spread along an axis; see `Plane.histogram`."""
    return desk.plane.histogram(asked.text("axis"), asked.whole("bins", 60, most=500), asked.text("where", "") or None)


def try_axis(desk: Desk, asked: Fields) -> Answer:
    """Fit an axis without saving it; it is called ``tried`` from now on. Return its report."""
    given = {key: asked.texts(key, []) for key in ("low", "high", "frames")} | {"ratings": asked.numbers("ratings", {})}
    asked.finish()
    axis = Axis.from_dict(TRIED, {key: value for key, value in given.items() if value})
    if TRIED in desk.index.axes and desk.tried is None:
        raise QueryError(f"the index has an axis called {TRIED!r}, which the page needs for axes that are not saved")
    desk.index.axes.lend([axis])
    desk.tried = axis
    desk.plane.forget(TRIED)
    return {"axis": described(desk, TRIED), **report(desk, TRIED)}


def save_axis(desk: Desk, asked: Fields) -> Answer:
    """Save the axis that is tried under a name of its own."""
    name = asked.text("name").strip()
    asked.finish()
    if desk.tried is None:
        raise QueryError("there is no axis to save yet; define one and look at it first")
    if name == TRIED:
        raise QueryError(f"{TRIED!r} is what the page calls an axis that is not saved; choose another name")
    desk.index.axes.save(Axis.from_dict(name, desk.tried.to_dict()))
    return {"axis": described(desk, name)}


def report_axis(desk: Desk, asked: Fields) -> Answer:
    """Return the report on an axis."""
    name = asked.text("name")
    return {"axis": described(desk, name), **report(desk, name)}


def report(desk: Desk, name: str) -> Answer:
    """Return what `axes check` says of one axis, as JSON values and as lines to read."""
    found = desk.index.axes.check([name])
    return {"report": found.axes[0].to_dict(), "lines": str(found).splitlines()}


def propose(desk: Desk, asked: Fields) -> Answer:
    """Return the phrases whose rating would help an axis most."""
    name, count = asked.text("name"), asked.whole("count", 5, most=50)
    return {"phrases": desk.index.explorer.propose(name, count, asked.text("where", "") or None)}


def shown(desk: Desk, hits: Hits, axes: Sequence[str]) -> list[Answer]:
    """Return hits as the page shows them: with their rows, and where they lie on axes."""
    rows = desk.index.rows_of(hits)
    columns = {name: desk.plane.column(name) for name in axes}
    places = [int(row) for row in desk.plane.places(rows)] if axes else []
    found = []
    for number, (hit, row) in enumerate(zip(hits, rows, strict=True)):
        coordinates = {name: float(column[places[number]]) for name, column in columns.items()}
        found.append(hit.to_dict() | {"row": int(row), "coordinates": coordinates})
    return found


def _moved(desk: Desk, move: Any, axes: Sequence[str]) -> Answer:
    names = [name for name in axes if name in move.start]
    return {
        "hits": shown(desk, move.hits, axes),
        "start": {name: move.start[name] for name in names},
        "reached": {name: move.reached[name] for name in names},
        "note": move.note,
    }


def _placed(desk: Desk, texts: Sequence[str], axes: Sequence[str]) -> list[dict[str, float]]:
    return [dict(one.coordinates) for one in desk.index.place(texts, axes)]


def _count(asked: Fields) -> int:
    return asked.whole("k", 20, most=_MOST_HITS)


def _since(began: float) -> float:
    return round(1000 * (time.perf_counter() - began), 1)


QUESTIONS: Mapping[str, Callable[[Desk, Fields], Answer]] = {
    "index": about,
    "field": field,
    "search": search,
    "calc": calc,
    "place": place,
    "locate": locate,
    "shift": shift,
    "points": points,
    "passages": passages,
    "condition": condition,
    "histogram": histogram,
    "axes/try": try_axis,
    "axes/save": save_axis,
    "axes/report": report_axis,
    "axes/propose": propose,
}
