"""What a definition may hold: each check returns the value in its normal form, or raises an error that says why not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.axes.rated import folded
from embedsearch.documents.fields import encodable
from embedsearch.errors import AxisError, did_you_mean
from embedsearch.names import normal
from embedsearch.wording import shown

FEWEST_RATINGS = 5
_SIGNS_OF_COMMANDS = ",="


def check_name(name: Any) -> str:
    """Return the name of an axis in its `normal` form.

    Raises:
        AxisError: it is not a text, is empty, or has characters that commands would split it at.
    """
    if not isinstance(name, str) or not name.strip():
        raise AxisError("an axis needs a name")
    if encodable(name) != name:
        raise AxisError(f"an axis cannot be called {name!r}: it holds bytes that are not UTF-8 (lone surrogates)")
    if name != " ".join(name.split()) or name.startswith("-") or set(name) & set(_SIGNS_OF_COMMANDS):
        raise AxisError(
            f"an axis cannot be called {name!r}: commands use ',' between names, '=' before values, and '-' to reverse "
            "an axis; leave these out, and put one space between words"
        )
    return normal(name)


def as_name(text: str) -> str:
    """Return a text as a name that an axis can have; empty if nothing is left of it."""
    parted = text.translate(dict.fromkeys(map(ord, _SIGNS_OF_COMMANDS), " "))
    return " ".join(parted.split()).lstrip("- ")


def check_list(name: str, key: str, given: Any, *, of: str) -> Sequence[Any]:
    """Return a list as it is; an array, or a column of a data frame, becomes a list.

    Raises:
        AxisError: it is anything else, such as a single text.
    """
    if getattr(given, "ndim", None) == 1 and hasattr(given, "tolist"):
        given = given.tolist()
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise AxisError(f"axis {name!r}: {key!r} must be a list of {of}, not {shown(given)}")
    return given


def check_texts(name: str, key: str, given: Any) -> tuple[str, ...]:
    """Return the texts of a list, stripped, each once, without empty ones.

    Raises:
        AxisError: it is not a list of texts, or nothing is left of a list that had texts.
    """
    listed = check_list(name, key, given, of="texts")
    if not all(isinstance(text, str) for text in listed):
        raise AxisError(f"axis {name!r}: {key!r} must be a list of texts, not {shown(given)}")
    return tuple(dict.fromkeys(text.strip() for text in listed if text.strip()))


def check_frames(name: str, frames: Sequence[str]) -> None:
    """Raise AxisError for frames that are missing or lack their one ``{}``."""
    if not frames:
        raise AxisError(f"axis {name!r} has nothing in 'frames'; give at least one, or leave the key out")
    for frame in frames:
        if frame.count("{}") != 1:
            raise AxisError(f"axis {name!r}: the frame {frame!r} must hold {{}} once, where the phrase goes")


def check_poles(name: str, low: Sequence[str], high: Sequence[str]) -> None:
    """Raise AxisError for a pole that is empty while the other is not, or a phrase on both sides."""
    for key, side in (("low", low), ("high", high)):
        if not side:
            raise AxisError(f"axis {name!r} has nothing in {key!r}; give at least one phrase")
    if shared := set(map(folded, low)) & set(map(folded, high)):
        raise AxisError(f"axis {name!r} has {sorted(shared)[0]!r} on both sides; a phrase can be on one only")


def check_number(name: str, what: str, value: Any) -> float:
    """Return a finite number.

    Raises:
        AxisError: it is anything else.
    """
    if isinstance(value, np.number) and np.isrealobj(value):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AxisError(f"axis {name!r}: {what} must be a number, not {shown(value)}")
    if (number := finite(value)) is None:
        given = "one beyond 1e308" if isinstance(value, int) else shown(value)
        raise AxisError(f"axis {name!r}: {what} must be a number, not {given}")
    return number


def finite(value: float) -> float | None:
    """Return a number as a float; None if it is infinite, NaN, or a whole number too large for a float."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def check_ratings(name: str, key: str, given: Any) -> dict[str, float]:
    """Return a mapping of texts to numbers; a column of a data frame is one by its index.

    Letter case and white space are ignored in phrases. Ids of documents, under the key ``rated_documents``, must match
    in every character.

    Raises:
        AxisError: it is not a mapping, something rated is not a text, is empty or is rated twice, or a rating is not a
            number.
    """
    is_column = getattr(given, "ndim", None) == 1 and hasattr(given, "items")
    example = 'as in frame.set_index("text")["rating"]'
    if hasattr(given, "columns") and hasattr(given, "dtypes"):
        advice = f"give one column, with what is rated as its index, {example}"
        raise AxisError(f"axis {name!r}: {key!r} is a data frame; {advice}")
    if not is_column and not isinstance(given, Mapping):
        raise AxisError(f"axis {name!r}: {key!r} must be a table of texts with numbers, not {shown(given)}")
    ratings: dict[str, float] = {}
    spelled: dict[str, str] = {}
    for text, value in given.items():
        if not isinstance(text, str):
            texts = f"; make them the column's index, {example}" * is_column
            raise AxisError(f"axis {name!r}: {key!r} rates {shown(text)}, which is no text{texts}")
        phrase = text.strip()
        if not phrase:
            raise AxisError(f"axis {name!r}: {key!r} rates an empty text")
        twin = spelled.setdefault(phrase if key == "rated_documents" else folded(phrase), phrase)
        if twin != phrase or phrase in ratings:
            raise AxisError(f"axis {name!r}: {key!r} rates {phrase!r} twice (as {twin!r}); keep one")
        ratings[phrase] = check_number(name, f"the rating of {phrase!r}", value)
    return ratings


def check_enough_ratings(name: str, values: Sequence[float], *, what: str = "ratings") -> None:
    """Raise AxisError for ratings that a direction cannot be learned from."""
    if len(values) < FEWEST_RATINGS:
        raise AxisError(
            f"axis {name!r} has {len(values)} {what}; below {FEWEST_RATINGS} a fit follows chance more than meaning. "
            f"Rate {FEWEST_RATINGS - len(values)} more, or use poles alone"
        )
    if are_equal(values):
        raise AxisError(f"axis {name!r}: all {len(values)} ratings are {values[0]:g}; rate phrases that differ")


def are_equal(values: Sequence[float]) -> bool:
    """Return whether values, at least one, are all the same apart from rounding."""
    return max(values) - min(values) <= 1e-12 * max(1.0, abs(max(values)))


def check_table(
    name: str, key: str, given: Any, *, wanted: Mapping[str, type], needed: Sequence[str]
) -> dict[str, Any]:
    """Return a table whose keys are among *wanted* and of the types there, those in *needed* present.

    Raises:
        AxisError: a key is unknown, missing or of another type, or a number is not finite.
    """
    if not isinstance(given, Mapping):
        raise AxisError(f"axis {name!r}: {key!r} must be a table with {', '.join(wanted)}, not {shown(given)}")
    for inner, value in given.items():
        if inner not in wanted:
            raise AxisError(f"axis {name!r}: {key!r} has an unknown key {shown(inner)}.{did_you_mean(inner, wanted)}")
        if wanted[inner] is float:
            check_number(name, f"{inner!r} in {key!r}", value)
        elif isinstance(value, bool) or not isinstance(value, wanted[inner]):
            raise AxisError(f"axis {name!r}: {inner!r} in {key!r} must be {_NAMES[wanted[inner]]}, not {shown(value)}")
    for inner in needed:
        if inner not in given:
            raise AxisError(f"axis {name!r}: {key!r} lacks {inner!r}")
    return dict(given)


_NAMES = {str: "a text", int: "a whole number"}


def as_floats(given: ArrayLike, what: str = "coordinates") -> NDArray[np.float64]:
    """Return numbers as float64, in the shape that they have.

    Raises:
        AxisError: they are not numbers.
    """
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise AxisError(f"{what} are {shown(given)} ({type(given).__name__}), wanted numbers") from None


def as_products(given: ArrayLike, count: int) -> NDArray[np.float64]:
    """Return dot products with *count* directions as float64 of shape (n, count); for one direction (n,) will do.

    Raises:
        AxisError: they are not numbers, or have another shape.
    """
    products = as_floats(given, "dot products")
    columns = products[:, None] if products.ndim == 1 else products
    if columns.ndim != 2 or columns.shape[1] != count:
        raise AxisError(f"dot products have the shape {products.shape}, wanted (n, {count}), a column a direction")
    return columns
