"""Documents that are in an index more than once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from embedsearch.duplicates import BOTH_LABELLED, Copy, Finder, Fingerprints, Record, compare, ranks
from embedsearch.errors import QueryError
from embedsearch.index import arguments
from embedsearch.index.labels import IndexLabels
from embedsearch.index.origins import file_of
from embedsearch.results import Duplicate, Duplicates
from embedsearch.store import Store
from embedsearch.vectors import Rows

Tell = Callable[[int, int], None]

_DELETED = "deleted_duplicates"  # by id what was kept, and the file that it came from
_READ_AT_ONCE = 256
_NEVER = 2.0  # no share of words is as large


def find_copies(
    store: Store,
    labels: IndexLabels,
    rows: Rows | None,
    same: float,
    progress: Tell | None = None,
    comparing: Tell | None = None,
) -> Duplicates:
    """Return which documents are copies of which; inside `reading`.

    Args:
        store: an open store.
        labels: the labels of any screening; a document with a label in one is kept rather than one without.
        rows: the passages whose documents are compared; if None, all.
        same: see `embedsearch.duplicates.compare`.
        progress: called with the documents read so far and the documents in all.
        comparing: called with the pairs of documents compared so far and the pairs in all, after that.
    """
    numbers = store.numbers() if rows is None else np.unique(store.document_numbers(rows))
    screened = labels.everywhere()
    fingerprints, sizes, labelled = Fingerprints(), [], set()
    for start in range(0, len(numbers), _READ_AT_ONCE):
        for document in store.documents(numbers[start : start + _READ_AT_ONCE]):
            record = Record.of(document)
            if record.id in screened:
                labelled.add(len(fingerprints))
            fingerprints.add(record)
            sizes.append(record.size)
        if progress:
            progress(len(fingerprints), len(numbers))

    def lookup(places: Sequence[int]) -> Mapping[int, Record]:
        return dict(zip(places, map(Record.of, store.documents(numbers[places])), strict=True))

    copies = Finder(lookup, ranks(sizes, labelled), labelled, same).copies(fingerprints.pairs(), comparing)
    named = sorted({place for copy in copies for place in (copy.place, copy.kept)})
    called = {
        place: (document.id, document.title or document.text)
        for place, document in zip(named, store.documents(numbers[named]), strict=True)
    }
    return Duplicates(_duplicate(copy, called) for copy in copies)


def delete_copies(store: Store, labels: IndexLabels, found: Duplicates) -> None:
    """Delete duplicates, and remember for each what was kept and where it came from; inside `locked`.

    Raises:
        QueryError: one of them is not in the index, or not what it was when it was found; nothing is deleted.
    """
    kept = {one.id: one.kept for one in found}
    numbers = arguments.numbers_of(list(kept), store, "; nothing was deleted")
    _require_as_found(store, labels, found)
    sources = {document.id: file_of(document.source) for document in store.documents(numbers.values())}
    with store.writing():
        store.remove(list(kept))
        gone = {id: [kept[id], source] for id, source in sources.items()}
        store.set_setting(_DELETED, {**store.setting(_DELETED, {}), **gone})


def _require_as_found(store: Store, labels: IndexLabels, found: Duplicates) -> None:
    """Refuse duplicates if more would be lost than when they were found: others may have worked on the index since.

    Raises:
        QueryError: a document to be kept is gone, or is to be deleted in favour of its own duplicate; one of the two
            has changed; or the one to be deleted has been labelled.
    """
    leads, screened = {one.id: one.kept for one in found}, labels.everywhere()
    for start in range(0, len(found), _READ_AT_ONCE):
        part = list(found)[start : start + _READ_AT_ONCE]
        numbers = store.numbers_of(list({id for one in part for id in (one.id, one.kept)}))
        records = {document.id: Record.of(document) for document in store.documents(numbers.values())}
        for one in part:
            if one.kept not in records:
                why = f"{one.kept!r}, kept in the place of {one.id!r}, is not in the index any more"
            elif not _is_something_kept(one.id, leads):
                why = f"{one.id!r} and {one.kept!r} are each to be kept in the place of the other"
            elif one.id in screened and BOTH_LABELLED not in one.against:
                why = f"{one.id!r} was labelled since it was found to be the same as {one.kept!r}"
            elif _compared_again(records[one.id], records[one.kept], one) != one:
                why = f"{one.id!r} or {one.kept!r} has changed since they were found to be the same"
            else:
                continue
            raise QueryError(f"{why}; nothing was deleted. Find the duplicates again")


def _is_something_kept(id: str, leads: Mapping[str, str]) -> bool:
    """Does something stay in the place of a duplicate, where what is kept may be a doubtful one itself?"""
    met: set[str] = set()
    while id in leads and id not in met:
        met.add(id)
        id = leads[id]
    return id not in met


def _compared_again(record: Record, kept: Record, one: Duplicate) -> Duplicate:
    """Return a duplicate as it is found now."""
    match = compare(record, kept, one.same if "text" in one.by else _NEVER)
    if match is None:
        return replace(one, by=())
    labelled = tuple(why for why in one.against if why == BOTH_LABELLED)
    return replace(one, by=match.by, same=match.same, against=(*match.against, *labelled))


def deleted_copies(store: Store) -> dict[str, str]:
    """Return the source file of each document that was deleted as a duplicate and is not back, by id."""
    noted = store.setting(_DELETED, {})
    back = store.numbers_of(list(noted))
    return {id: source for id, (_, source) in noted.items() if id not in back}


def _duplicate(copy: Copy, called: Mapping[int, tuple[str, str]]) -> Duplicate:
    (id, title), (kept, kept_title) = called[copy.place], called[copy.kept]
    return Duplicate(id, kept, copy.match.by, copy.match.same, copy.match.against, title, kept_title)
