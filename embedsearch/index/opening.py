"""How an index folder is opened."""

from __future__ import annotations

import os

from embedsearch.encoders import Encoder, load_encoder
from embedsearch.errors import QueryError
from embedsearch.index.index import Index
from embedsearch.store import Store
from embedsearch.wording import shown


def require_index(given: Index) -> Index:
    """Return an index that is open.

    Raises:
        QueryError: it is none, such as the path of one.
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
    """Open an index folder; neither vectors nor the encoder are loaded.

    Args:
        path: the folder.
        encoder: an encoder, or the name of one, that must be the index's own; the one that the index names if None.
        cache: a folder of vectors shared with other indexes; see `Index.create`.

    Raises:
        StoreError: there is no index, it is damaged, or another encoder made it.
    """
    store = Store.open(path)
    try:
        return Index(store, load_encoder(encoder) if isinstance(encoder, str) else encoder, cache=cache)
    except BaseException:
        store.close()
        raise
