"""Arrays made from what an index holds, kept beside it so that they need not be made again.

They may be deleted at any time. Each file carries a stamp that says what it was made from; one with another stamp, or
one that is damaged (numpy's files are zip archives with a CRC-32 of each array), is as good as none.
"""

from __future__ import annotations

import logging
import os
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_log = logging.getLogger("embedsearch")
_NAME = re.compile(r"[a-z0-9-]+")
_STAMP = "stamp"

Arrays = Mapping[str, Any]


def read_derived(folder: Path, name: str, stamp: str) -> dict[str, Any] | None:
    """Return the arrays kept under *name*, if they were made from what *stamp* says and are whole; else None."""
    try:
        # Opened here: numpy leaves a file open that turns out to be no archive.
        with open(_file(folder, name), "rb") as stream, np.load(stream, allow_pickle=False) as held:
            if held[_STAMP].tobytes() != stamp.encode():
                return None
            return {key: held[key] for key in held.files if key != _STAMP}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def keep_derived(folder: Path, name: str, stamp: str, arrays: Arrays) -> bool:
    """Put arrays in the place of those under *name*, whole or not at all; return whether that was possible.

    No lock is needed: what two processes make of the same state is the same. Nothing is lost where a folder cannot
    be written, or a disk is full.

    Args:
        folder: of the index.
        name: of lower-case letters, digits and hyphens.
        stamp: what tells this state of the index, and this way of making the arrays, from all others.
        arrays: numeric, by name.
    """
    file = _file(folder, name)
    built = file.with_name(f"{file.name}.{os.getpid()}.new")
    stamped: dict[str, Any] = {_STAMP: np.frombuffer(stamp.encode(), np.uint8), **arrays}
    try:
        with open(built, "wb") as stream:
            np.savez(stream, **stamped)
        built.replace(file)
    except OSError as error:
        _log.debug("%s is not kept: %s", file, error)
        built.unlink(missing_ok=True)
        return False
    return True


def _file(folder: Path, name: str) -> Path:
    assert _NAME.fullmatch(name), name
    return folder / f"derived-{name}.npz"
