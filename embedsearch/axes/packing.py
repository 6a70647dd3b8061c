"""Arrays as JSON texts: base64 of their little-endian bytes."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pack(values: NDArray[Any]) -> str:
    """Return the bytes of an array, in C order, as text; `unpack` reads it back."""
    little = values.astype(values.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode("ascii")


def unpack(text: str, dtype: str = "<f4") -> NDArray[Any]:
    """Return the one-dimensional array that `pack` wrote, read-only."""
    return np.frombuffer(base64.b64decode(text), dtype=dtype)
