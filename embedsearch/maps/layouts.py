"""The layout of an index: computed once, kept in its folder, and left as it is when documents come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from embedsearch.errors import QueryError, StoreError
from embedsearch.index import Index
from embedsearch.index.drawing import Draw
from embedsearch.maps.fitting import FEWEST, Points, fit_pca, fit_umap, place_among, project_pca
from embedsearch.maps.quality import MOST, trust
from embedsearch.store import Kept, Keys
from embedsearch.vectors import Rows

Kind = Literal["umap", "pca"]
KINDS: tuple[Kind, ...] = ("umap", "pca")
FITTED_MOST = 20_000  # texts that a layout is fitted to: half a minute of UMAP on two cores; the rest is placed
_STALE = 0.5  # a layout more than half of whose texts have gone is made anew
_SEED = 0


@dataclass(frozen=True, slots=True)
class LayoutReport:
    """How a layout was come by, and how far it can be trusted.

    Attributes:
        kind: ``umap`` or ``pca``.
        fitted: how many different texts it was fitted to.
        placed: how many of the passages shown are not among those, and were placed in it later.
        nearness: the mean cosine of the latter to the texts they were placed by; None if there are none, or by PCA.
        trust: trustworthiness of the passages shown that it was fitted to, 0…1; see `embedsearch.maps.quality`.
        trust_placed: of those placed later.
        is_new: it was made now, and not before.
        is_kept: it is in the index's folder.
    """

    kind: Kind
    fitted: int
    placed: int
    nearness: float | None
    trust: float | None
    trust_placed: float | None
    is_new: bool
    is_kept: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        how = "" if self.trust is None else f", trustworthiness {self.trust:.3f}"
        line = f"{self.kind.upper()} of {self.fitted:,} texts{how}"
        if not self.placed:
            return line
        near = "" if self.nearness is None else f" at a mean cosine of {self.nearness:.3f} to their neighbours"
        later = "" if self.trust_placed is None else f", trustworthiness {self.trust_placed:.3f}"
        return f"{line}; {self.placed:,} passages placed in it{near}{later}"


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where passages lie.

    Attributes:
        points: shape (n, 2).
        report: how they came there.
        notes: what a user should know.
    """

    points: Points
    report: LayoutReport
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Laid:
    """A layout at work: the texts it was fitted to, those placed later, and for PCA the components."""

    kind: Kind
    seed: int
    arrays: dict[str, NDArray[Any]]

    @property
    def keys(self) -> Keys:
        """Of the texts it was fitted to, ascending."""
        return self.arrays["keys"]

    def kept(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "seed": self.seed, "fitted": len(self.keys)}


def lay_out(index: Index, draw: Draw, kind: Kind, *, seed: int | None = None, anew: bool = False) -> Layout:
    """Return where drawn passages lie in the layout of their index, which is made and kept if there is none.

    Args:
        index: an open one.
        draw: the passages, at least one.
        kind: ``umap``; ``pca`` takes its place where there are fewer than `FEWEST` different texts.
        seed: of UMAP; that of the layout that is kept, or 0, if None.
        anew: make it anew even if one is kept.

    Raises:
        QueryError: there is no such kind.
        EmbedSearchError: umap-learn is not installed.
    """
    if kind not in KINDS:
        raise QueryError(f"there is no layout {kind!r}; wanted is {' or '.join(KINDS)}")
    everything = index.draw()
    notes: list[str] = []
    if kind == "umap" and len(np.unique(everything.keys)) < FEWEST:
        kind = "pca"
        notes.append(f"fewer than {FEWEST} different texts have no neighbourhoods for UMAP; they are laid out by PCA")
    laid = None if anew else _read(index, kind, seed, everything.keys, notes)
    is_new = laid is None
    if laid is None:
        laid = _fit(index, kind, _SEED if seed is None else seed)
    points, is_changed = _points(index, laid, draw, everything)
    is_kept = _keep(index, laid, notes) if is_new or is_changed else True
    report = _report(index, laid, draw, points, is_new=is_new, is_kept=is_kept)
    return Layout(points, report, tuple(notes))


def _name(kind: Kind) -> str:
    return f"layout-{kind}"


def _read(index: Index, kind: Kind, seed: int | None, keys: Keys, notes: list[str]) -> _Laid | None:
    """Return the layout that is kept, unless it is another one or stale."""
    kept: Kept | None = index.derived.read(_name(kind))
    if kept is None or (kind == "umap" and seed not in (None, kept.stamp["seed"])):
        return None
    laid = _Laid(kind, kept.stamp["seed"], dict(kept.arrays))
    there = float(np.isin(laid.keys, keys).mean())
    if there <= _STALE:
        notes.append(
            f"the index holds {there:.0%} of the texts that the kept layout was made from; it is laid out anew"
        )
        return None
    return laid


def _fit(index: Index, kind: Kind, seed: int) -> _Laid:
    """Make a layout of an index, or of as many of its texts as is quick."""
    draw = index.draw(FITTED_MOST)
    keys, first = np.unique(draw.keys, return_index=True)
    vectors = index.passage_vectors(draw.rows[first])
    if kind == "pca":
        mean, directions = fit_pca(vectors)
        return _Laid(kind, seed, {"keys": keys, "mean": mean, "directions": directions})
    arrays: dict[str, NDArray[Any]] = {"keys": keys, "points": fit_umap(vectors, seed)}
    arrays |= {"placed_keys": keys[:0], "placed_points": np.empty((0, 2), np.float32)}
    arrays["placed_nearness"] = np.empty(0, np.float32)
    return _Laid(kind, seed, arrays)


def _points(index: Index, laid: _Laid, draw: Draw, everything: Draw) -> tuple[Points, bool]:
    """Return where passages lie, and whether any were placed only now."""
    if laid.kind == "pca":
        vectors = index.passage_vectors(draw.rows)
        return project_pca(vectors, laid.arrays["mean"], laid.arrays["directions"]), False
    known = np.concatenate([laid.keys, laid.arrays["placed_keys"]])
    wanted, first = np.unique(draw.keys, return_index=True)
    is_missing = ~np.isin(wanted, known)
    if is_missing.any():
        _place(index, laid, wanted[is_missing], draw.rows[first[is_missing]], everything)
    return _look_up(laid, draw.keys), bool(is_missing.any())


def _place(index: Index, laid: _Laid, keys: Keys, rows: Rows, everything: Draw) -> None:
    """Place texts in a layout, by those that it was fitted to and the index still holds."""
    anchors, first = np.unique(everything.keys, return_index=True)
    is_anchor = np.isin(anchors, laid.keys)
    vectors = index.passage_vectors(everything.rows[first[is_anchor]])
    points = laid.arrays["points"][np.searchsorted(laid.keys, anchors[is_anchor])]
    placed, nearness = place_among(index.passage_vectors(rows), vectors, points)
    for name, more in (("placed_keys", keys), ("placed_points", placed), ("placed_nearness", nearness)):
        laid.arrays[name] = np.concatenate([laid.arrays[name], more])


def _look_up(laid: _Laid, wanted: Keys) -> Points:
    keys = np.concatenate([laid.keys, laid.arrays["placed_keys"]])
    points = np.concatenate([laid.arrays["points"], laid.arrays["placed_points"]])
    order = np.argsort(keys, kind="stable")
    found: Points = points[order[np.searchsorted(keys[order], wanted)]]
    return found


def _keep(index: Index, laid: _Laid, notes: list[str]) -> bool:
    try:
        index.derived.keep(_name(laid.kind), laid.arrays, laid.kept())
    except StoreError as error:
        notes.append(f"the layout is not kept, so that the next map is laid out anew: {error}")
        return False
    return True


def _report(index: Index, laid: _Laid, draw: Draw, points: Points, *, is_new: bool, is_kept: bool) -> LayoutReport:
    is_fitted = np.isin(draw.keys, laid.keys)
    _, first = np.unique(draw.keys, return_index=True)
    looked_at = np.sort(np.concatenate([_some(first[is_fitted[first]]), _some(first[~is_fitted[first]])]))
    trusted = trust(index.passage_vectors(draw.rows[looked_at]), points[looked_at])
    fitted, placed = trusted[is_fitted[looked_at]], trusted[~is_fitted[looked_at]]
    return LayoutReport(
        laid.kind, len(laid.keys), int((~is_fitted).sum()), _nearness(laid, draw.keys[~is_fitted]),
        float(fitted.mean()) if len(fitted) else None, float(placed.mean()) if len(placed) else None,
        is_new, is_kept,
    )  # fmt: skip


def _nearness(laid: _Laid, keys: Keys) -> float | None:
    """Return the mean cosine of texts placed later to those that they were placed by."""
    if laid.kind == "pca" or not len(keys):
        return None
    order = np.argsort(laid.arrays["placed_keys"], kind="stable")
    places = order[np.searchsorted(laid.arrays["placed_keys"][order], keys)]
    return float(laid.arrays["placed_nearness"][places].mean())


def _some(places: Rows) -> Rows:
    """Return every so many of *places*, up to half of `MOST`."""
    return places[:: max(1, -(-len(places) * 2 // MOST))]
