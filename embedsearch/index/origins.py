"""Where documents came from: sources as places that can be compared, from wherever and however they were named.

A document keeps its source as it was named, and what a relative name means depends on the working folder. The index
therefore remembers from which folder each ingest named its sources.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from embedsearch.documents import Document
from embedsearch.documents.sources import name_of
from embedsearch.store import Store

_SETTING = "named_from"  # the first ingest, its working folder, the same as seen from the index; and so on
_STDIN = "stdin"
_LINE = re.compile(r":\d+$")


def remember_folder(store: Store, run: int) -> None:
    """Remember from which folder ingest number *run* names its sources; inside `writing`."""
    folder = seen = ""
    with suppress(FileNotFoundError):  # a working folder that was removed has no name
        folder = str(Path.cwd())
        seen = os.path.relpath(folder, store.path.resolve())
    known = store.setting(_SETTING, [])
    if not known or known[-1][1:] != [folder, seen]:
        store.set_setting(_SETTING, [*known, [run, folder, seen]])


def ids_from(sources: Sequence[str], store: Store, *, before: int) -> list[str]:
    """Return the ids of the documents that came from *sources* and that ingest number *before* has not met.

    Args:
        sources: files and folders, as they were given to `embedsearch.read`.
        store: of the index.
        before: the number of the ingest.
    """
    origins = _Origins(sources)
    folder_of = _folders(store)
    found = store.sources_before(before)
    return [id for id, source, run in found if origins.hold(source, folder_of(run))]


def file_of(source: str) -> str:
    """Return a document's source without the number of the record behind the name of the file."""
    return _LINE.sub("", source)


def finds_namesakes(store: Store) -> Callable[[Document, str, int], str]:
    """Return a function that tells whether a document would replace one from another file of the same name.

    If records have no ids, ids are made from the names of files: ``notes.txt``, ``papers.csv#3``. Two folders may hold
    files of the same name. The function takes a new document, and the source and ingest of the document that is held
    under its id. It returns the file of the held document, if that file still exists and is not the one being read now;
    else an empty text.
    """
    folder_of = _folders(store)

    def other_file(document: Document, source: str, run: int) -> str:
        before, now = file_of(source), file_of(document.source)
        names = (document.id, document.id.rpartition("#")[0])
        if not all(any(_ends_with(file, name) for name in names) for file in (before, now)):
            return ""
        place = Path(folder_of(run), before)
        return str(place) if place.is_file() and Path(now).is_file() and not place.samefile(now) else ""

    return other_file


def _ends_with(file: str, name: str) -> bool:
    return bool(name) and f"{os.sep}{file}".endswith(f"{os.sep}{name}")


class _Origins:
    """Sources as files, folders, and names without a place: the standard input, and documents made without files."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._files: set[str] = set()
        self._names: set[str] = set()
        self._beginnings: tuple[str, ...] = ()
        self._real = cache(os.path.realpath)
        folders = []
        for source in filter(None, sources):
            if source == "-":
                self._names.add(_STDIN)
            elif Path(source).is_dir():
                folders.append(name_of(os.path.realpath(source)).rstrip(os.sep) + os.sep)
            elif os.path.lexists(source):
                self._files.add(self._place(source))
            else:  # a file or folder that is gone, or a name
                place = self._place(source.rstrip(os.sep))
                self._files.add(place)
                folders.append(place + os.sep)
                self._names.add(source)
        # After the name of the file, a document's source names the record: "corpus/articles.jsonl:12".
        self._named = tuple(f"{name}:" for name in self._names)
        self._beginnings = (*folders, *(f"{file}:" for file in self._files))

    def hold(self, source: str, folder: str) -> bool:
        """Return whether a document came from here whose source was named from *folder*."""
        if source in self._names or source.startswith(self._named):
            return True
        if not source or source == _STDIN or source.startswith(f"{_STDIN}:"):
            return False
        place = self._place(os.path.join(folder, source))  # noqa: PTH118 - a text may be no path
        return place in self._files or place.startswith(self._beginnings)

    def _place(self, source: str) -> str:
        """Return the place of a file: links are followed to its folder, but the file itself may be a link."""
        folder, name = os.path.split(source)
        return name_of(f"{self._real(folder).rstrip(os.sep)}{os.sep}{name}")


def _folders(store: Store) -> Callable[[int], str]:
    """Return a function that tells from which folder an ingest named its sources.

    For ingests of which it was not remembered, that is the present working folder. A folder that no longer exists may
    have moved together with the index.
    """
    known = store.setting(_SETTING, [])
    firsts = [run for run, _, _ in known]
    folders = [""]
    for _, folder, seen in known:
        moved = store.path.resolve() / seen
        folders.append(str(moved) if folder and not Path(folder).is_dir() and moved.is_dir() else folder)
    return lambda run: folders[bisect_right(firsts, run)]
