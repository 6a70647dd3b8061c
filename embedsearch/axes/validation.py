"""How far an axis of ratings can be trusted: cross-validation, against chance and against poles alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsearch.axes.blending import Blend, Design
from embedsearch.axes.calibration import left_out_residuals
from embedsearch.axes.learning import learning_curve
from embedsearch.axes.statistics import Estimate, Pairs, bootstrap, determination, spearman

_FEW = 12  # up to so many ratings every pair is left out in turn
_MANY = 300  # above so many ratings a sample of that size is judged, by fits to all the others
_FOLDS = 5
_REPEATS = 10
_PERMUTATIONS = 199


@dataclass(frozen=True, slots=True)
class Validation:
    """Agreement with ratings that the fit did not see.

    Attributes:
        count: the number of ratings.
        ordered: the share of pairs ordered right, both texts left out; chance is .5.
        poles: the same share without any rating, by poles and prior alone; None without either.
        gain: *ordered* minus *poles*; None without either.
        spearman: the rank correlation of ratings with coordinates, each text left out.
        determination: R² of the expected ratings, each text left out; below 0 is worse than the mean rating of the
            others. None for an axis that others are taken out of, because its coordinates are not in the unit of the
            ratings.
        p: how often randomly dealt ratings are ordered as well, of 199 deals and the true one.
        curve: the share of pairs ordered right by the number of ratings used, with 10 ratings or more; numbers at which
            no pair could be compared are left out.
        more: how much that share would grow with five more ratings, with 12 ratings or more; else None. See `learning`.
    """

    count: int
    ordered: Estimate
    poles: Estimate | None
    gain: Estimate | None
    spearman: Estimate
    determination: Estimate | None
    p: float
    curve: dict[int, float]
    more: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as a dict of JSON values."""
        return asdict(self)


def validate(
    vectors: NDArray[np.float64],
    ratings: NDArray[np.float64],
    beliefs: NDArray[np.float64] | None,
    found: Blend,
    read: NDArray[np.float64] | None = None,
) -> Validation:
    """Return how well ratings are ordered by fits that have not seen them. The same input gives the same figures.

    Args:
        vectors: the vectors of what is rated, shape (n, d), n at least 5.
        ratings: shape (n,).
        beliefs: the directions believed before any rating, shape (k, d) or (d,), the last of them the one that is used
            then; None for none.
        found: the fit, with the coordinates of each text left out.
        read: the vectors whose coordinates are read, shape (n, d), if these are not the ones fitted to: other
            axes are taken out of them. R² is left out then, since no rating is expected of what is left.
    """
    shown = vectors if read is None else read
    count = len(ratings)
    judged = np.arange(count) if count <= _MANY else _spread(ratings, _MANY)
    splits = list(splits_of(len(judged), _REPEATS if count <= _MANY else 1))
    designs = [design_without(vectors, judged[split], beliefs) for split in splits]
    ordered = ordered_by_fits(shown, ratings, judged, splits, designs)
    alone = None if beliefs is None else ordered_by(shown[judged] @ np.atleast_2d(beliefs)[-1], ratings[judged], splits)
    learned = learning_curve(vectors, ratings, beliefs, shown, judged)
    once = slice(None) if count <= _FEW else slice(_FOLDS)
    return Validation(
        count,
        bootstrap(ordered.share, len(judged)),
        None if alone is None else bootstrap(alone.share, len(judged)),
        None if alone is None else bootstrap(lambda places: ordered.share(places) - alone.share(places), len(judged)),
        bootstrap(lambda places: spearman(ratings[places], found.left_out[places]), count),
        determination(ratings, left_out_residuals(ratings, found.left_out)) if read is None else None,
        _permuted(shown, ratings, judged, splits[once], designs[once]),
        learned.points,
        learned.more,
    )


def _spread(ratings: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return the places of *count* ratings, evenly spaced from lowest to highest, so that a rare value is among them.

    Among equal ratings, the choice is random.
    """
    dealt = np.random.default_rng(3).permutation(len(ratings))
    ascending = dealt[np.argsort(ratings[dealt], kind="stable")]
    spread: NDArray[np.int64] = ascending[np.linspace(0, len(ratings) - 1, count).round().astype(np.int64)]
    return spread


def splits_of(count: int, repeats: int) -> Iterator[NDArray[np.int64]]:
    """Yield which texts are left out together: every pair if there are few, else fifths, several times."""
    if count <= _FEW:
        yield from (np.array(pair) for pair in combinations(range(count), 2))
        return
    random = np.random.default_rng(0)
    for _ in range(repeats):
        yield from np.array_split(random.permutation(count), _FOLDS)


def design_without(
    vectors: NDArray[np.float64], left_out: NDArray[np.int64], beliefs: NDArray[np.float64] | None
) -> tuple[NDArray[np.int64], Design]:
    """Return the places that remain, and what is fitted to them."""
    rest = np.delete(np.arange(len(vectors)), left_out)
    return rest, Design(vectors[rest], beliefs)


def ordered_by_fits(
    vectors: NDArray[np.float64],
    ratings: NDArray[np.float64],
    judged: NDArray[np.int64],
    splits: Sequence[NDArray[np.int64]],
    designs: Sequence[tuple[NDArray[np.int64], Design]],
) -> Pairs:
    """Return how pairs of judged texts are ordered by fits to what remains when a split is left out."""
    pairs = Pairs.none(len(judged))
    for split, (rest, design) in zip(splits, designs, strict=True):
        left_out = judged[split]
        pairs.count(split, vectors[left_out] @ design.weights(ratings[rest]), ratings[left_out])
    return pairs


def ordered_by(
    coordinates: NDArray[np.float64], ratings: NDArray[np.float64], splits: Sequence[NDArray[np.int64]]
) -> Pairs:
    """Return how the same pairs are ordered by coordinates that no rating went into."""
    pairs = Pairs.none(len(ratings))
    for left_out in splits:
        pairs.count(left_out, coordinates[left_out], ratings[left_out])
    return pairs


def _permuted(
    vectors: NDArray[np.float64],
    ratings: NDArray[np.float64],
    judged: NDArray[np.int64],
    splits: Sequence[NDArray[np.int64]],
    designs: Sequence[tuple[NDArray[np.int64], Design]],
) -> float:
    """Return the p of a permutation test: (1 + deals ordered as well) / (1 + deals).

    A deal counts as ordered as well if it, or the ratings, left nothing to compare.
    """
    reached = ordered_by_fits(vectors, ratings, judged, splits, designs).share()
    random = np.random.default_rng(1)
    dealt = (random.permutation(ratings) for _ in range(_PERMUTATIONS))
    as_well = sum(
        not ordered_by_fits(vectors, deal, judged, splits, designs).share() < reached - 1e-12 for deal in dealt
    )
    return (1 + as_well) / (1 + _PERMUTATIONS)
