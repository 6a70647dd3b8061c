"""An index embedded anew: the passages and vectors of a sibling take the place of its own.

The sibling is an index of the same documents in a folder of its own. Its vectors file gets a second name here, that
of the next epoch; then one transaction takes over its passages, its settings and its axes. Before the commit the old
state is whole, after it the new one; a file that neither names is removed by whoever writes next.
After an interruption a sibling may share its vectors file with an index: before it is written to, it gets its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from embedsearch.errors import StoreError, reason
from embedsearch.store.database import DATABASE
from embedsearch.store.store import Store
from embedsearch.store.vectors_file import sync_folder, vectors_name

_MADE_WITH = ("encoder", "dimension", "chunk_words", "overlap")


class FittedRecord(NamedTuple):
    """An axis to be kept: JSON values that `axes` understands."""

    name: str
    definition: Mapping[str, Any]
    fitted: Mapping[str, Any]


def adopt(store: Store, sibling: Store, axes: Sequence[FittedRecord]) -> None:
    """Give *store* the passages, vectors and settings of *sibling*, and *axes* as new versions; inside `locked`.

    Raises:
        StoreError: the two do not hold the same documents, or the disk is full; nothing is changed then.
    """
    epoch = store.epoch + 1
    found, stamp = sibling.neighbors()
    _give_name(sibling.vectors_file, store.path / vectors_name(epoch))
    if found:
        _give_name(found, store.path / found.name)
    sync_folder(store.path)
    with _attached(store, sibling.path), store.writing():
        _require_same_documents(store)
        _take_passages(store)
        for name in _MADE_WITH:
            store.set_setting(name, sibling.setting(name))
        store.set_setting("engines", sibling.setting("engines", {}))
        store.set_setting("probe", sibling.setting("probe", None))
        store.set_setting("epoch", epoch)
        store.set_setting("neighbors", stamp if found else None)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for axis in axes:
            store.axes.put(axis.name, axis.definition, axis.fitted, now)
        store.changed(sibling.rows)
    store.sweep()


@contextmanager
def _attached(store: Store, sibling: Path) -> Iterator[None]:
    store.database.execute("ATTACH DATABASE ? AS sibling", (f"{(sibling / DATABASE).absolute().as_uri()}?mode=rw",))
    try:
        yield
    finally:
        store.database.execute("DETACH DATABASE sibling")


def _require_same_documents(store: Store) -> None:
    same = "SELECT count(*) FROM sibling.documents s JOIN main.documents d ON d.id = s.id AND d.digest = s.digest"
    counts = [same, "SELECT count(*) FROM sibling.documents", "SELECT count(*) FROM main.documents"]
    if len({store.database.query(statement)[0][0] for statement in counts}) > 1:
        raise StoreError(f"the documents of {store.path} have changed meanwhile; run the command again to go on")


def _take_passages(store: Store) -> None:
    for statement in (
        "DELETE FROM main.passages",
        "DELETE FROM main.dead",  # a trigger has put the rows there that were just removed
        "INSERT INTO main.passages SELECT p.row, d.number, p.position, p.start, p.end, p.seal, p.key, p.checksum "
        "FROM sibling.passages p JOIN sibling.documents s ON s.number = p.document "
        "JOIN main.documents d ON d.id = s.id",
        "INSERT INTO main.dead SELECT row, key, checksum FROM sibling.dead",
    ):
        store.database.execute(statement)
    store.rebuild()


def unshare(path: Path) -> None:
    """See to it that no other index has the vectors file of the sibling in *path*, which is about to be written to.

    Raises:
        StoreError: another process is writing, or the disk is full.
    """
    with closing(Store.open(path)) as sibling, sibling.locked():
        file = sibling.vectors_file
        if file.stat().st_nlink > 1:
            own = file.with_name(f"{file.name}.new")
            _copy(file, own)
            own.replace(file)
            sync_folder(path)


def discard(path: Path) -> None:
    """Remove the sibling in *path*, its database last: an interruption leaves what is still known for what it is.

    Raises:
        StoreError: it cannot be removed.
    """
    try:
        for file in sorted(path.iterdir(), key=lambda file: file.name == DATABASE):
            file.unlink()
        path.rmdir()
    except OSError as error:
        raise StoreError(
            f"{path} is no longer needed and cannot be removed: {reason(error)}. Remove that folder"
        ) from error


def _give_name(file: Path, name: Path) -> None:
    """Let *file* be found under another name too; a copy where the file system has no second names."""
    name.unlink(missing_ok=True)
    try:
        os.link(file, name)
    except OSError:
        _copy(file, name)


def _copy(file: Path, name: Path) -> None:
    try:
        shutil.copyfile(file, name)
        with open(name, "rb+") as stream:
            os.fsync(stream.fileno())
    except OSError as error:
        with suppress(OSError):
            name.unlink()
        raise StoreError(f"{name} cannot be written: {reason(error)}. Nothing was changed") from error
