"""Opening an index folder."""

from __future__ import annotations

import os

from embedsearch.encoders import Encoder, load_encoder
from embedsearch.errors import QueryError
from embedsearch.index.index import Index
from embedsearch.store import Store
from embedsearch.wording import shown


def require_index(given: Index) -> Index:
    """Return *given* if it is an `Index`.

    Raises:
        QueryError: it is something else, such as the path of an index.
    """
    if not isinstance(given, Index):
        raise QueryError(
            f"{shown(given)} ({type(given).__name__}) is not an index; open one with embedsearch.open(path)"
        )
    return given


def open_index(
    path: str | os.PathLike[str],
    encoder: str | Encoder | None = None,
    *,
    cache: str | os.PathLike[str] | None = None,
) -> Index:
    """Open an index folder; neither vectors nor the encoder are loaded yet.

    Args:
        path: the folder.
        encoder: an encoder or the name of one, which must be the index's own; if None, the one that the index names.
        cache: a folder of vectors that is shared with other indexes; see `Index.create`.

    Raises:
        EncoderError: *encoder* is a name, and no encoder of that name can be found.
        StoreError: there is no index in the folder, the index is damaged, or another encoder made it.
    """
    store = Store.open(path)
    try:
        return Index(store, load_encoder(encoder) if isinstance(encoder, str) else encoder, cache=cache)
    except BaseException:
        store.close()
        raise
