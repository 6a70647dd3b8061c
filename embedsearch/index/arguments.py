"""Checks of what users pass as arguments; whatever is of the wrong kind is refused here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import index
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from embedsearch.axes import Axis
from embedsearch.documents import Document
from embedsearch.errors import AxisError, QueryError, SourceError, did_you_mean
from embedsearch.given import require_texts, require_utf8, several
from embedsearch.names import normal
from embedsearch.store import Store
from embedsearch.vectors import Rows, Vectors, as_rows
from embedsearch.wording import shown

OVERLAP = 25  # words that passages repeat unless told otherwise

_T = TypeVar("_T", bound=str)
text, texts = require_utf8, require_texts
_COMPARED = 100_000  # at most so many ids are searched for the one that was likely meant


def one_of(what: str, given: _T, known: Sequence[_T]) -> _T:
    """Return *given* if it is one of the known names.

    Raises:
        QueryError: it is not.
    """
    if not isinstance(given, str) or given not in known:
        raise QueryError(f"there is no {what} {shown(given)}.{did_you_mean(str(given), map(str, known))}")
    return given


def checked_overlap(overlap: int | None, chunk_words: int | None, usual: int = OVERLAP) -> int:
    """Return the most words that passages repeat; if *overlap* is None, the usual number, or half a passage if less.

    Raises:
        QueryError: *overlap* is not a whole number, is negative, or is more than half of *chunk_words*, which no
            passage repeats.
    """
    half = None if chunk_words is None else chunk_words // 2
    if overlap is None:
        return usual if half is None else min(usual, half)
    words = require_count(overlap, "overlap", least=0)
    if half is not None and words > half:
        raise QueryError(
            f"passages of {chunk_words} words can repeat at most {half} of them (half a passage), not {words}; "
            f"ask for an overlap of {half} or less, or for longer passages"
        )
    return words


def require_count(count: int, what: str = "k", *, least: int = 1) -> int:
    """Return a number of things to ask for.

    Raises:
        QueryError: *count* is not a whole number, or is below *least*.
    """
    try:
        whole = index(count)
    except TypeError as error:
        raise QueryError(f"{what} is {shown(count)}; wanted a whole number, at least {least}") from error
    if whole < least:
        raise QueryError(f"{what} is {count}; at least {least} must be asked for")
    return whole


def axis_names(given: str | Iterable[str]) -> list[str]:
    """Return the name of one axis or of several as a list, each once, in normal form.

    Raises:
        QueryError: as for `text`.
    """
    return list(dict.fromkeys(map(axis_name, several(given))))


def axis_name(given: str) -> str:
    """Return the name of an axis in normal form.

    Raises:
        QueryError: as for `text`.
    """
    return normal(text("an axis", given))


def numbers_of(ids: Sequence[str], store: Store, more: str = "") -> dict[str, int]:
    """Return the numbers of documents of an index by their ids, which are texts.

    Raises:
        QueryError: one of them is not in the index; see `no_document`.
    """
    held = store.numbers_of(ids)
    for id in ids:
        if id not in held:
            raise no_document(id, store, more)
    return held


def no_document(id: str, store: Store, more: str = "") -> QueryError:
    """Return the error for an id that no document of an index has; *more* stands behind the id."""
    return QueryError(f"there is no document {id!r}{more}.{did_you_mean(id, store.ids(_COMPARED))}")


def paths(what: str, given: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[str]:
    """Return one path or several as a list of texts.

    Raises:
        QueryError: one is not a path.
    """
    found = several(given)
    for one in found:
        if not isinstance(one, str | bytes | os.PathLike):
            raise QueryError(f"{what} is {shown(one)} ({type(one).__name__}), wanted a path")
    return [os.fsdecode(one) for one in found]


def paths_later(what: str, given: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> Callable[[], list[str]]:
    """Return a function that returns paths, to which others may be added until it is called.

    Raises:
        QueryError: one is not a path, or they can be iterated over only once.
    """
    if isinstance(given, Iterator):
        raise QueryError(f"{what} is {shown(given)}, wanted a path, or a list of them that is looked at later")
    paths(what, given)
    return lambda: paths(what, given)


def documents(given: Document | Iterable[Document]) -> Iterator[Document]:
    """Yield one document or a stream of them, each as it is asked for.

    Raises:
        SourceError: one is not a `Document`, or holds text that is not UTF-8.
    """
    if not isinstance(given, Iterable):
        given = [given]
    for one in given:
        if not isinstance(one, Document):
            raise SourceError(
                f"{shown(one)} ({type(one).__name__}) is not a document; make one with embedsearch.Document(id, text)"
            )
        for name, value in (("text", one.text), ("title", one.title)):
            text(f"{one.source or one.id}: the {name}", value, error=SourceError)
        yield one


def definition(given: Axis) -> Axis:
    """Return the definition of an axis.

    Raises:
        AxisError: it is not an `Axis`.
    """
    if not isinstance(given, Axis):
        raise AxisError(
            f"{shown(given)} ({type(given).__name__}) is no definition of an axis; make one with "
            "embedsearch.Axis(name, low=[…], high=[…])"
        )
    return given


def definitions(given: Axis | Iterable[Axis]) -> list[Axis]:
    """Return the definition of one axis or of several as a list.

    Raises:
        AxisError: one is not an `Axis`.
    """
    return [definition(one) for one in several(given)]


def coordinates(what: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by axis; each axis decides which values it takes.

    Args:
        what: what the values are, with its article, for messages.
        given: the user's argument.

    Raises:
        QueryError: it is not a mapping, or names no axis.
    """
    if not isinstance(given, Mapping) or not given:
        raise QueryError(f'{what} needs at least one axis with a value, such as {{"size": -1}}, not {shown(given)}')
    return {axis_name(name): value for name, value in given.items()}


def vector(given: ArrayLike, dimension: int) -> Vectors:
    """Return one vector of any length above 0, float32 of shape (dimension,).

    Args:
        given: the user's argument, shape (dimension,) or (1, dimension).
        dimension: the encoder's dimension.

    Raises:
        QueryError: it has another shape, or values that are not finite real numbers.
    """
    rows = as_rows(given, dimension=dimension)
    if len(rows) != 1:
        raise QueryError(f"there are {len(rows)} vectors where one is wanted; ask for each by itself")
    only: Vectors = rows[0]
    return only


def row_numbers(given: ArrayLike) -> Rows:
    """Return row numbers, int64 of shape (n,), in their order.

    Raises:
        QueryError: they are not whole numbers.
    """
    rows = np.asarray(given)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise QueryError(f"rows are {shown(given)}, wanted whole numbers, as index.draw(…).rows has them")
    return rows.astype(np.int64)


def live_rows(given: ArrayLike, store: Store) -> Rows:
    """Return row numbers of existing passages, int64 of shape (n,), in their order.

    Raises:
        QueryError: they are not whole numbers, or one no longer belongs to a passage.
    """
    rows = row_numbers(given)
    store.require_live(rows)
    return rows
