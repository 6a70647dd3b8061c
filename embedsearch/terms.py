"""Terms of texts, and which of them are characteristic: of a group compared with others, or of the ends of an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

OFTEN = 3  # texts that a term must occur in to say something of an axis or a group
_PRIOR = 0.5  # texts, spread over all terms as they are spread over the whole
_LOOKED_AT = 200
_DEALS = 20
_WORDS = r"(?u)\b[^\W\d_]{3,}\b"


class Terms(NamedTuple):
    """Which terms n texts have.

    Attributes:
        names: the t terms, ascending; each is in at least one text.
        found: 1 where a text has a term, scipy CSR matrix of shape (n, t), int64.
    """

    names: list[str]
    found: Any

    def counts(self, places: slice | NDArray[np.int64] = slice(None)) -> NDArray[np.int64]:
        """Return how many of the texts at some places, or of all, have each term, shape (t,)."""
        counts: NDArray[np.int64] = np.asarray(self.found[places].sum(axis=0)).ravel()
        return counts


def find_terms(texts: Sequence[str], *, pairs: bool = False) -> Terms | None:
    """Return the words of at least three letters that texts have, without the most frequent words of English.

    Args:
        texts: n texts.
        pairs: take pairs of neighbouring words too.

    Returns:
        The terms; None if no text has a word.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(
        ngram_range=(1, 2 if pairs else 1), stop_words="english", binary=True, token_pattern=_WORDS
    )
    try:
        found = vectorizer.fit_transform(texts)
    except ValueError:  # no text has a word in it
        return None
    return Terms(vectorizer.get_feature_names_out().tolist(), found)


def characteristic(counts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how characteristic terms are of groups: the log-odds ratio to all others, in standard errors.

    The ratio is that of Monroe, Colaresi and Quinn, "Fightin' Words" (Political Analysis 2008), with a prior
    proportional to how the terms are spread over all groups. The variance is Woolf's, of all four counts, since texts
    are counted here: a term that most texts have is told by those that lack it. On the demo it read better than
    class-based TF-IDF, which prefers words that are frequent everywhere.

    Args:
        counts: how many texts of each of g groups have each of t terms, each term in at least one; shape (g, t).
        sizes: how many texts each group has, shape (g,).

    Returns:
        Shape (g, t), higher is more characteristic.
    """
    total = sizes.sum()
    everywhere = counts.sum(axis=0)
    prior = _PRIOR * everywhere / total
    inside, outside = counts + prior, everywhere - counts + prior
    without, without_outside = sizes[:, None] + _PRIOR - inside, (total - sizes)[:, None] + _PRIOR - outside
    # A term of all texts has all of the prior, and nothing is left of those without it.
    without, without_outside = (np.maximum(one, 1e-3) for one in (without, without_outside))
    odds = np.log(inside / without) - np.log(outside / without_outside)
    weights: NDArray[np.float64] = odds / np.sqrt(1 / inside + 1 / outside + 1 / without + 1 / without_outside)
    return weights


def pull(terms: Terms, coordinates: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean coordinate of the texts with each term, and how far that is from what chance gives.

    The second is the difference from the mean of all texts, in standard errors of the mean of as many texts drawn from
    them by lot, without replacement; 0 for a term that all texts have.

    Args:
        terms: the terms of n texts.
        coordinates: the coordinates of the texts on an axis, shape (n,).

    Returns:
        Two arrays of shape (t,).
    """
    total, deviation = len(coordinates), float(coordinates.std(ddof=1)) if len(coordinates) > 1 else 0.0
    counts = terms.counts()
    apart = terms.found.T @ (coordinates - coordinates.mean()) / counts
    errors = deviation * np.sqrt((1 - counts / total) / counts)
    scores = np.divide(apart, errors, out=np.zeros_like(apart), where=errors > 0)
    return coordinates.mean() + apart, scores


def highest_by_chance(terms: Terms, coordinates: NDArray[np.float64], compared: NDArray[np.bool_]) -> float:
    """Return about how far from 0 the furthest score of `pull` would be if coordinates were dealt to texts by lot.

    It is the mean of twenty deals, the same each time. A normal curve would not do: a mean of few coordinates is as
    skewed as they are, and words that share texts count for fewer.

    Args:
        terms: the terms of n texts.
        coordinates: shape (n,).
        compared: which terms are compared, shape (t,).
    """
    if not compared.any():
        return 0.0
    random, some = np.random.default_rng(0), Terms([], terms.found[:, np.flatnonzero(compared)])
    deals = (random.permutation(coordinates) for _ in range(_DEALS))
    return float(np.mean([np.abs(pull(some, deal)[1]).max() for deal in deals]))


def first_unlike(terms: Sequence[str], weights: NDArray[np.float64], most: int) -> list[int]:
    """Return the places of the heaviest terms, each sharing no word with one before it.

    Args:
        terms: t terms.
        weights: shape (t,); terms with weights of 0 and less are left out.
        most: how many.
    """
    chosen: list[int] = []
    taken: set[str] = set()
    allowed = np.flatnonzero(weights > 0)
    for place in allowed[np.argsort(-weights[allowed], kind="stable")][: max(_LOOKED_AT, 4 * most)].tolist():
        words = {word.removesuffix("s") for word in terms[place].split()}
        if words & taken:
            continue
        taken |= words
        chosen.append(place)
        if len(chosen) == most:
            break
    return chosen
