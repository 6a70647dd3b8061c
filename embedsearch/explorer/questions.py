"""What the page asks of an index, one function for each path: from the fields of a request to JSON values."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from embedsearch.axes import Axis
from embedsearch.axes.writing import axes_toml
from embedsearch.conditions import Axis as AxisNamed
from embedsearch.conditions import operand_written
from embedsearch.errors import QueryError
from embedsearch.explorer.comparing import compare
from embedsearch.explorer.desk import TRIED, Desk, of_one_state
from embedsearch.explorer.fields import Fields
from embedsearch.explorer.points import common, numbers
from embedsearch.plots.ends import pole_names
from embedsearch.results import Hits
from embedsearch.web.refusals import Refusal

SAMPLE = 20_000  # points that are drawn at first
_MOST_HITS, _MOST_PASSAGES, _MOST_VALUES = 200, 200, 30
_MOST_CHOSEN, _MOST_WORDS = 1_000_000, 10

Answer = dict[str, Any]


def about(desk: Desk, _asked: Fields) -> Answer:
    """Return what the index holds, its axes and the names of its fields."""
    info = desk.index.info()
    fitted = desk.index.axes.fitted()
    names = [name for name in fitted if name != TRIED or desk.tried is None]
    wanted = ("documents", "passages", "encoder", "dimension", "fields")
    return {
        "name": desk.index.path.name,
        **{name: info[name] for name in wanted},
        "axes": described(desk, names),
        "tried": described(desk, [TRIED])[0] if desk.tried else None,
        "screenings": desk.index.labels.names(),
        "sample": SAMPLE,
        "generation": desk.index.generation,
        "state": desk.state,
    }


def described(desk: Desk, names: Sequence[str]) -> list[Answer]:
    """Return axes as the page shows them."""
    fitted, versions = desk.index.axes.fitted(), desk.index.axes.versions()
    return [
        {
            "name": name,
            "condition": operand_written(AxisNamed(name)),
            "version": versions[name],
            "kinds": list(fitted[name].axis.kinds),
            "ends": list(pole_names(fitted[name])),
            "low": list(fitted[name].axis.low),
            "high": list(fitted[name].axis.high),
            "ratings": dict(fitted[name].axis.ratings),
        }
        for name in names
    ]


def field(desk: Desk, asked: Fields) -> Answer:
    """Return the kind of a field and its commonest values."""
    values = desk.plane.field(asked.text("field"))
    if (found := numbers(values)) is not None:
        return {"kind": "number", "low": float(np.nanmin(found)), "high": float(np.nanmax(found))}
    return {"kind": "text", "values": [{"value": name, "count": count} for name, count in common(values, _MOST_VALUES)]}


def search(desk: Desk, asked: Fields) -> Answer:
    """Return the passages that answer a text, or are like a document."""
    began = time.perf_counter()
    text, like = asked.optional("text"), asked.optional("like")
    found = desk.index.search(
        text,
        like=like,
        k=_count(asked),
        where=asked.optional("where"),
        mode=asked.optional("mode"),  # type: ignore[arg-type]  # checked there
    )
    axes = asked.texts("axes", [])
    snippets = desk.index.snippets(found, text, like=like)
    hits = shown(desk, found, axes)
    for hit, snippet in zip(hits, snippets, strict=True):
        hit["snippet"] = {"text": snippet.text, "marks": [list(span) for span in snippet.matches]}
    at = _placed(desk, [text], axes)[0] if text and axes else None
    return {"hits": hits, "at": at, "milliseconds": _since(began)}


def calc(desk: Desk, asked: Fields) -> Answer:
    """Return both answers to an expression: nearest in meaning and, if there are axes, nearest on them."""
    began = time.perf_counter()
    expression, axes = asked.text("expression"), asked.texts("axes", [])
    given: dict[str, Any] = {
        "k": _count(asked),
        "where": asked.optional("where"),
        "keep_inputs": asked.flag("keep_inputs"),
    }
    meaning = desk.index.calc(expression, **given)
    plane = desk.index.calc(expression, on=axes, **given) if axes else None
    places = [dict(place.coordinates) for place in plane.terms] if plane else [{} for _ in meaning.expression.terms]
    terms = [
        {"text": term.text, "weight": term.weight, "coordinates": place}
        for term, place in zip(meaning.expression.terms, places, strict=True)
    ]
    return {
        "meaning": {"hits": shown(desk, meaning.hits, axes)},
        "plane": {"hits": shown(desk, plane.hits, axes)} if plane else None,
        "terms": terms,
        "sum": dict(plane.point) if plane else {},
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
    point, like, count = asked.point("point"), asked.optional("like"), _count(asked)
    where, axes = asked.optional("where"), asked.texts("axes", [])
    if not like:
        return {"hits": shown(desk, desk.index.locate(point, k=count, where=where), axes)}
    return _moved(desk, desk.index.locate_like(like, point, k=count, where=where), axes)


def shift(desk: Desk, asked: Fields) -> Answer:
    """Return what lies where a phrase arrives when it is moved along axes."""
    moved = desk.index.shift(asked.text("text"), asked.numbers("by"), k=_count(asked), where=asked.optional("where"))
    return _moved(desk, moved, asked.texts("axes", []))


def points(desk: Desk, asked: Fields) -> Answer:
    """Return the points of a plane; see `Plane.points`."""
    return desk.plane.points(
        asked.text("x"),
        asked.optional("y"),
        where=asked.optional("where"),
        field=asked.optional("field"),
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


def words(desk: Desk, asked: Fields) -> Answer:
    """Return the words that set passages apart from all others."""
    return {"words": list(desk.index.words_of(desk.chosen(asked, most=_MOST_CHOSEN), k=_MOST_WORDS))}


def condition(desk: Desk, asked: Fields) -> Answer:
    """Return how many passages satisfy a condition, and each of its parts."""
    where = asked.text("where")
    found = desk.index.count(where)
    parts = [{"part": one.part, "seen": one.seen, "held": one.held, "left": one.left} for one in found.parts]
    return {"passages": len(desk.index.rows(where)), "documents": found.documents, "total": len(desk.plane.rows()),
            "parts": parts}  # fmt: skip


def histogram(desk: Desk, asked: Fields) -> Answer:
    """Return how passages are spread along an axis; see `Plane.histogram`."""
    return desk.plane.histogram(asked.text("axis"), asked.whole("bins", 60, most=500), asked.optional("where"))


def try_axis(desk: Desk, asked: Fields) -> Answer:
    """Fit an axis without saving it; it is called ``tried`` from now on. Return its report, and what saves it."""
    given = {key: asked.texts(key, []) for key in ("low", "high", "frames")} | {"ratings": asked.numbers("ratings", {})}
    asked.finish()
    axis = Axis.from_dict(TRIED, {key: value for key, value in given.items() if value})
    if TRIED in desk.index.axes and desk.tried is None:
        raise QueryError(f"the index has an axis called {TRIED!r}, a name that the page needs for unsaved axes")
    desk.index.axes.lend([axis])
    desk.keep_tried(axis)
    return {**report(desk, TRIED), "trial": desk.trial}


def save_axis(desk: Desk, asked: Fields) -> Answer:
    """Save the axis that is being tried under a name of its own.

    Raises:
        Refusal: the request names a trial, and another axis has been tried since, for example by somebody else.
    """
    name, trial = asked.text("name").strip(), asked.optional("trial")
    asked.finish()
    if desk.tried is None:
        raise QueryError("there is no axis to save yet; define one and look at it first")
    if trial not in (None, desk.trial):
        raise Refusal(
            409, "another axis has been tried since then, here or by somebody else; try yours again", "changed"
        )
    if name == TRIED:
        raise QueryError(f"{TRIED!r} is what the page calls an unsaved axis; choose another name")
    desk.index.axes.save(Axis.from_dict(name, desk.tried.to_dict()))
    return {"axis": described(desk, [name])[0]}


def report_axis(desk: Desk, asked: Fields) -> Answer:
    """Return the report on an axis."""
    return report(desk, asked.text("name"))


def report(desk: Desk, name: str) -> Answer:
    """Return an axis, and what `axes check` says of it, as JSON values and as lines to read."""
    found = desk.index.axes.check([name])
    axis = described(desk, [name])[0]
    return {"axis": axis, "report": found.axes[0].to_dict(), "lines": str(found).splitlines()}


def toml(desk: Desk, asked: Fields) -> Answer:
    """Return the definitions of axes, of those named or of all that are saved, as a file that `axes fit` takes."""
    definitions = desk.index.axes.definitions()
    if desk.tried is not None:
        del definitions[TRIED]
    names = asked.texts("names", list(definitions))
    axes = [definitions.get(name) or desk.index.axes[name].fitted.axis for name in names]  # or why there is none
    return {"toml": axes_toml(axes)}


def propose(desk: Desk, asked: Fields) -> Answer:
    """Return the phrases whose rating would help an axis most."""
    name, count = asked.text("name"), asked.whole("count", 5, most=50)
    return {"phrases": desk.index.explorer.propose(name, count, asked.optional("where"))}


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


_READING: Mapping[str, Callable[[Desk, Fields], Answer]] = {
    "index": about,
    "field": field,
    "search": search,
    "calc": calc,
    "place": place,
    "locate": locate,
    "shift": shift,
    "points": points,
    "passages": passages,
    "words": words,
    "condition": condition,
    "histogram": histogram,
    "compare": compare,
    "axes/report": report_axis,
    "axes/toml": toml,
    "axes/propose": propose,
}
QUESTIONS: Mapping[str, Callable[[Desk, Fields], Answer]] = {
    **{name: of_one_state(question) for name, question in _READING.items()},
    "axes/try": try_axis,
    "axes/save": save_axis,
}
