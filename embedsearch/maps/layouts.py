"""The layout of an index: computed once, kept in its folder, and left as it is when documents are added."""

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
from embedsearch.store import DerivedFiles, Kept, Keys
from embedsearch.vectors import Rows, Vectors
from embedsearch.wording import count_of, shown

Kind = Literal["umap", "pca"]
KINDS: tuple[Kind, ...] = ("umap", "pca")
FITTED_MOST = 20_000  # texts that a layout is fitted to: half a minute of UMAP on two cores; the rest is placed
_STALE = 0.5  # a layout more than half of whose texts have gone is made anew
_SEED = 0


@dataclass(frozen=True, slots=True)
class LayoutReport:
    """How a layout was made, and how far it can be trusted.

    Attributes:
        kind: ``umap`` or ``pca``.
        fitted: how many different texts it was fitted to.
        placed: how many of the passages shown are not among those, and were placed in it later.
        nearness: the mean cosine of these later passages to the texts they were placed by; None if there are none, or
            by PCA.
        trust: the trustworthiness of the passages shown that it was fitted to, 0…1; see `embedsearch.maps.quality`.
        trust_placed: the trustworthiness of those placed later.
        is_new: whether it was made just now.
        is_kept: whether it is in the index's folder.
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
        """Return the report as a dict of JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        how = "" if self.trust is None else f", trustworthiness {self.trust:.3f}"
        line = f"{self.kind.upper()} of {count_of(self.fitted, 'text')}{how}"
        if not self.placed:
            return line
        near = "" if self.nearness is None else f" at a mean cosine of {self.nearness:.3f} to their neighbours"
        later = "" if self.trust_placed is None else f", trustworthiness {self.trust_placed:.3f}"
        return f"{line}; {count_of(self.placed, 'passage')} placed in it{near}{later}"


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where passages lie.

    Attributes:
        points: shape (n, 2).
        report: how the layout was made.
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

    def missing(self, keys: Keys) -> Keys:
        """Return those of *keys* whose texts it has no point for; by PCA each has one."""
        if self.kind == "pca":
            return keys[:0]
        return keys[~np.isin(keys, np.concatenate([self.keys, self.arrays["placed_keys"]]))]

    def kept(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "seed": self.seed, "fitted": len(self.keys)}


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What a layout is made from: all of it from one state of an index, and none of it by row.

    Rows cannot be used: once somebody has compacted the index, a row is another text's, and a layout may take half a
    minute.

    Attributes:
        kind: ``umap`` or ``pca``.
        seed: the seed of a layout that is to be made.
        laid: the layout that is kept; None if one is to be made.
        passages: the key of the text of each passage shown, shape (n,).
        keys: the same keys, each once, ascending, shape (m,).
        vectors: the vectors of the texts of *keys*, shape (m, d).
        base: the keys of the texts that the layout is to be fitted to, or that texts new to it are placed by;
            ascending, shape (b,), b = 0 if nothing is to be fitted or placed.
        base_vectors: the vectors of the texts of *base*, shape (b, d).
        derived: where the layout is kept.
        notes: what a user should know.
    """

    kind: Kind
    seed: int
    laid: _Laid | None
    passages: Keys
    keys: Keys
    vectors: Vectors
    base: Keys
    base_vectors: Vectors
    derived: DerivedFiles
    notes: tuple[str, ...]


def read_ground(index: Index, draw: Draw, kind: Kind, *, seed: int | None = None, anew: bool = False) -> Ground:
    """Read what the layout of drawn passages is made from; inside the `Index.reading` that they were drawn in.

    Args:
        index: an open index.
        draw: the passages, at least one.
        kind: ``umap`` or ``pca``; if there are fewer than `FEWEST` different texts, ``pca`` takes the place of
            ``umap``.
        seed: the seed of UMAP, 0 to 2³² - 1; if None, that of the layout that is kept, or 0.
        anew: make the layout anew even if one is kept.

    Raises:
        QueryError: there is no such kind, or the seed is out of range.
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise QueryError(f"there is no layout {shown(kind)}; wanted is {' or '.join(KINDS)}")
    if seed is not None and not 0 <= seed < 2**32:
        raise QueryError(f"a seed must be between 0 and {2**32 - 1}, not {seed}")
    everything = index.draw()
    notes: list[str] = []
    if kind == "umap" and len(np.unique(everything.keys)) < FEWEST:
        kind = "pca"
        notes.append(f"fewer than {FEWEST} different texts have no neighbourhoods for UMAP; they are laid out by PCA")
    laid = None if anew else _read(index, kind, seed, everything.keys, notes)
    keys, first = np.unique(draw.keys, return_index=True)
    base, base_rows = _base(index, laid, keys, everything)
    return Ground(
        kind, _SEED if seed is None else seed, laid, draw.keys, keys, index.passage_vectors(draw.rows[first]),
        base, index.passage_vectors(base_rows), index.derived, tuple(notes),
    )  # fmt: skip


def _base(index: Index, laid: _Laid | None, keys: Keys, everything: Draw) -> tuple[Keys, Rows]:
    """Return which texts to fit a layout to, or to place those of *keys* by that it lacks; and a row of each."""
    if laid is None:
        draw = index.draw(FITTED_MOST)  # of all texts, or of as many as is quick
        base, first = np.unique(draw.keys, return_index=True)
        return base, draw.rows[first]
    base, first = np.unique(everything.keys, return_index=True)
    is_base = np.isin(base, laid.keys) & bool(len(laid.missing(keys)))
    return base[is_base], everything.rows[first[is_base]]


def lay_out(ground: Ground) -> Layout:
    """Return where passages lie in the layout of their index; it is made and kept if there is none.

    Raises:
        EmbedSearchError: umap-learn is not installed.
    """
    laid = _fit(ground) if ground.laid is None else ground.laid
    missing = laid.missing(ground.keys)
    if len(missing):
        _place(laid, ground, missing)
    notes = list(ground.notes)
    is_new = ground.laid is None
    is_kept = _keep(ground.derived, laid, notes) if is_new or len(missing) else True
    points = _look_up(laid, ground)
    report = _report(laid, ground, points, is_new=is_new, is_kept=is_kept)
    return Layout(points[np.searchsorted(ground.keys, ground.passages)], report, tuple(notes))


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
            f"the index holds {there:.0%} of the texts that the kept layout was made from; a new layout is made"
        )
        return None
    return laid


def _fit(ground: Ground) -> _Laid:
    keys = ground.base
    if ground.kind == "pca":
        mean, directions = fit_pca(ground.base_vectors)
        return _Laid(ground.kind, ground.seed, {"keys": keys, "mean": mean, "directions": directions})
    arrays: dict[str, NDArray[Any]] = {"keys": keys, "points": fit_umap(ground.base_vectors, ground.seed)}
    arrays |= {"placed_keys": keys[:0], "placed_points": np.empty((0, 2), np.float32)}
    arrays["placed_nearness"] = np.empty(0, np.float32)
    return _Laid(ground.kind, ground.seed, arrays)


def _place(laid: _Laid, ground: Ground, missing: Keys) -> None:
    """Place texts in a layout, by those that it was fitted to and the index holds."""
    points = laid.arrays["points"][np.searchsorted(laid.keys, ground.base)]
    vectors = ground.vectors[np.searchsorted(ground.keys, missing)]
    placed, nearness = place_among(vectors, ground.base_vectors, points)
    for name, more in (("placed_keys", missing), ("placed_points", placed), ("placed_nearness", nearness)):
        laid.arrays[name] = np.concatenate([laid.arrays[name], more])


def _look_up(laid: _Laid, ground: Ground) -> Points:
    """Return where the texts shown lie, shape (m, 2)."""
    if laid.kind == "pca":
        return project_pca(ground.vectors, laid.arrays["mean"], laid.arrays["directions"])
    keys = np.concatenate([laid.keys, laid.arrays["placed_keys"]])
    points = np.concatenate([laid.arrays["points"], laid.arrays["placed_points"]])
    order = np.argsort(keys, kind="stable")
    found: Points = points[order[np.searchsorted(keys[order], ground.keys)]]
    return found


def _keep(derived: DerivedFiles, laid: _Laid, notes: list[str]) -> bool:
    try:
        derived.keep(_name(laid.kind), laid.arrays, laid.kept())
    except StoreError as error:
        notes.append(f"the layout is not kept, so the next map needs a new one: {error}")
        return False
    return True


def _report(laid: _Laid, ground: Ground, points: Points, *, is_new: bool, is_kept: bool) -> LayoutReport:
    is_fitted = np.isin(ground.keys, laid.keys)
    looked_at = np.sort(np.concatenate([_some(np.flatnonzero(is_fitted)), _some(np.flatnonzero(~is_fitted))]))
    trusted = trust(ground.vectors[looked_at], points[looked_at])
    fitted, placed = trusted[is_fitted[looked_at]], trusted[~is_fitted[looked_at]]
    later = ground.passages[~np.isin(ground.passages, laid.keys)]
    return LayoutReport(
        laid.kind, len(laid.keys), len(later), _nearness(laid, later),
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
