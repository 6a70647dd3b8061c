"""The user's cache directory: what takes long to work out about a model and can be worked out again at any time.

Nothing in it is ever the only copy. It may be deleted while nothing runs, and everything works without it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

CACHE_VARIABLE = "EMBEDSEARCH_CACHE_DIR"
UNUSEDDAYS = 60  # what nothing has used for so long is taken out when something new is made
DAY = 86_400.0  # seconds
_SETTLED_NS = 2_000_000_000  # a file changed later than this before now may change again within one tick of its clock

Stamp = tuple[str, int, int, int]  # path, size in bytes, times of the last change of content and of the entry in ns


def cache_folder() -> Path:
    """Return the folder; it need not exist. ``EMBEDSEARCH_CACHE_DIR``, else the platform's own place."""
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "embedsearch"


def make_once(folder: Path, make: Callable[[Path], None], *, anew: bool = False) -> None:
    """Have *make* fill *folder*, unless it is there; whole or not at all, and once if several processes want it.

    Args:
        folder: in an existing or a new folder of the cache.
        make: called with an empty folder of another name, which is moved into place when it returns.
        anew: also where it is there; it stays as it is if *make* raises.

    Raises:
        OSError: nothing can be written there.
    """
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if folder.is_dir() and not anew:
            return
        # Only a process that was killed leaves these behind: we hold the lock.
        for left in folder.parent.glob(f"{folder.name}.*.part"):
            shutil.rmtree(left, ignore_errors=True)
        part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".part", dir=folder.parent))
        try:
            make(part)
            if folder.is_dir():
                old = folder.with_name(f"{folder.name}.old.part")
                folder.rename(old)
                shutil.rmtree(old, ignore_errors=True)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def require_writable(parent: Path) -> None:
    """Raise OSError unless something can be made in *parent*, which is made if it is not there."""
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(suffix=".part", dir=parent):
        pass


def discard(folder: Path, *, unused: float = float("-inf")) -> None:
    """Take a folder out of the cache, if it is there and can be taken.

    Args:
        folder: in the cache.
        unused: only if it has not been used for so many seconds, as is seen once it is locked.
    """
    from filelock import FileLock

    with contextlib.suppress(OSError), FileLock(folder.with_name(f"{folder.name}.lock")):
        if idle(folder) <= unused:
            return
        left = folder.with_name(f"{folder.name}.{os.getpid()}.part")
        folder.rename(left)
        shutil.rmtree(left, ignore_errors=True)


def note_use(folder: Path) -> None:
    """Note in a folder's time of change that it is used, once a day, where the cache can be written."""
    with contextlib.suppress(OSError):
        if idle(folder) > DAY:
            os.utime(folder)


def prune(parent: Path) -> int:
    """Take out the folders in *parent* that nothing has used for `UNUSEDDAYS`; return how many.

    That is the only rule: entries of other versions of the libraries may serve another environment of the user, and
    two environments that cleared away each other's would compile at every turn. Each is taken under its own lock and
    whole, so that a process that wants it finds it as it was, or makes it again. What a killed process left goes too.
    """
    taken = 0
    for folder in parent.glob("*/"):
        with contextlib.suppress(OSError):
            if idle(folder) <= UNUSEDDAYS * DAY:
                continue
            if folder.suffix == ".part":
                shutil.rmtree(folder, ignore_errors=True)
            else:
                discard(folder, unused=UNUSEDDAYS * DAY)
            taken += not folder.exists()
    return taken


def bytes_held(folder: Path) -> int:
    """Return the size of all files in a folder, 0 if it is not there; what vanishes meanwhile is not counted."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def idle(folder: Path) -> float:
    """Return the seconds since a folder was made or last noted as used."""
    return time.time() - folder.stat().st_mtime


def stamp(file: Path) -> Stamp:
    """Return what changes when a file changes, without reading it."""
    status = file.stat()
    return str(file), status.st_size, status.st_mtime_ns, status.st_ctime_ns


def digest(stamps: tuple[Stamp, ...]) -> str:
    """Return one SHA-256 over the content of files, in hexadecimal; remembered on disk while their stamps hold."""
    return remembered("sha256", stamps, lambda: _sha256(stamps))


def remembered(what: str, stamps: tuple[Stamp, ...], read: Callable[[], str]) -> str:
    """Return what *read* makes of files; it is asked once, while their stamps hold.

    Args:
        what: the name of what is made of them.
        stamps: of the files, at least one.
        read: reads them.
    """
    place = hashlib.blake2b(f"{what}\0{stamps[0][0]}".encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    note = cache_folder() / "digests" / place
    known = json.loads(json.dumps(stamps))
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        held = json.loads(note.read_text("utf-8"))
        if held["stamps"] == known:
            return str(held[what])
    made = read()
    if time.time_ns() - max(max(changed, entered) for _, _, changed, entered in stamps) > _SETTLED_NS:
        with contextlib.suppress(OSError):
            replace_text(note, json.dumps({"stamps": stamps, what: made}))
    return made


def _sha256(stamps: tuple[Stamp, ...]) -> str:
    content = hashlib.sha256()
    for path, *_ in stamps:
        with open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                content.update(block)
    return content.hexdigest()


def replace_text(file: Path, text: str) -> None:
    """Write a file of the cache whole or not at all; only its owner may read it.

    Raises:
        OSError: it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=file.name, suffix=".part", dir=file.parent)
    try:
        with open(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)
