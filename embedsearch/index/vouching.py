"""Is it still the model that made the vectors? Asked of encoders that are known by no more than their name."""

from __future__ import annotations

import base64
from typing import Protocol, runtime_checkable

import numpy as np

from embedsearch.errors import StoreError
from embedsearch.store import Store, VectorCache
from embedsearch.vectors import Vectors

# Measured: a model's vectors in int8 are .978 near those in float32 at worst; another model's are at about 0.
LEAST_COSINE = 0.95
_SETTING = "probe"


@runtime_checkable
class Probed(Protocol):
    """An encoder that is known by its name alone; see `embedsearch.encoders.base`."""

    def probe(self) -> Vectors:
        """Return the vector of a text that is always the same, shape (d,)."""


def vouch(encoder: Probed, store: Store, cache: VectorCache | None, key: bytes) -> None:
    """Compare the vector that *encoder* gives its probe with those that an index and a cache remember of it.

    Args:
        encoder: its probe is asked for.
        store: of the index.
        cache: of vectors; remembers the probe if it does not yet.
        key: what the probe's vector is known by in the cache.

    Raises:
        StoreError: another model answers to the encoder's name.
    """
    found = encoder.probe()
    if (made := _remembered(store)) is not None:
        _compare(found, made, str(store.path), "embedsearch reindex --encoder NAME")
    if cache is None:
        return
    if (kept := cache.get([key]).get(key)) is not None:
        _compare(found, kept, f"the cache {cache.file}", "remove the cache")
    else:
        cache.put({key: found})


def remember(encoder: Probed, store: Store, cache: VectorCache | None, key: bytes) -> None:
    """Have an index remember the probe of its encoder, unless it does. The caller is writing."""
    if _remembered(store) is None:
        # If all vectors came from the cache, they are of the model that the cache knows.
        kept = cache.get([key]).get(key) if cache else None
        vector = encoder.probe() if kept is None else kept
        store.set_setting(_SETTING, base64.b64encode(vector.astype("<f2").tobytes()).decode())


def _remembered(store: Store) -> Vectors | None:
    text = store.setting(_SETTING, None)
    return None if text is None else np.frombuffer(base64.b64decode(text), dtype="<f2").astype(np.float32)


def _compare(found: Vectors, wanted: Vectors, what: str, remedy: str) -> None:
    cosine = float(found @ wanted / np.linalg.norm(wanted)) if found.shape == wanted.shape else 0.0
    if cosine < LEAST_COSINE:
        raise StoreError(
            f"{what} holds vectors of another model than the one that now answers to its name: the cosine of their "
            f"vectors for the same text is {cosine:.2f}, wanted at least {LEAST_COSINE}. "
            f"Set OPENAI_BASE_URL to where the first model is, or: {remedy}"
        )
