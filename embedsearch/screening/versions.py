"""The versions that a screening was run with."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import embedsearch
from embedsearch.index import Index

_LIBRARIES = ("scikit-learn", "scipy", "numpy")


def versions(index: Index, axes: Sequence[str] = ()) -> dict[str, Any]:
    """Return the versions of this package, of the libraries it ranks with, of the encoder and of *axes*."""
    known = index.axes.versions()
    return {
        "embedsearch": embedsearch.__version__,
        **{library: version(library) for library in _LIBRARIES},
        "encoder": index.identity.name,
        "weights": index.identity.weights,
        "axes": {name: known.get(name) for name in axes},
    }
