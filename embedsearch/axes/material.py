"""What axes are fitted from: an encoder, other axes and, if there is an index, its documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import numpy as np

from embedsearch.encoders import Encoder, encode, identify, require_encoder
from embedsearch.errors import AxisError, did_you_mean
from embedsearch.given import require_kind
from embedsearch.vectors import Vectors

if TYPE_CHECKING:
    from embedsearch.axes.fitted import FittedAxis


class Material(Protocol):
    """What fitting may ask for (a protocol)."""

    @property
    def key(self) -> str:
        """The key of the encoder's identity."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the unit vectors of phrases, shape (n, d)."""

    def axis(self, name: str) -> FittedAxis:
        """Return another axis, fitted with the same encoder."""

    def documents(self, ids: Sequence[str]) -> tuple[Vectors, list[str]]:
        """Return the mean vectors of documents, scaled to length 1, shape (n, d), and their texts below the titles."""

    def field(self, name: str) -> tuple[Vectors, list[Any]]:
        """Return the mean vectors of the documents that have a field, scaled to length 1, and the field's values."""

    @property
    def passage_count(self) -> int:
        """The number of passages; 0 without an index."""

    def passages(self, where: str | None) -> Vectors:
        """Return the vectors of the passages that satisfy a condition, shape (n, d); of very many, a sample."""


class Encoded:
    """The vectors of phrases, each encoded once: fitting and checking an axis ask for its poles several times."""

    def __init__(self, encode: Callable[[Sequence[str]], Vectors]) -> None:
        """Take what encodes."""
        self._encode = encode
        self._known: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Return the unit vectors of phrases, shape (n, d), n at least 1."""
        if new := [text for text in dict.fromkeys(texts) if text not in self._known]:
            self._known.update(zip(new, self._encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])


class EncoderMaterial:
    """An encoder and other axes, without an index."""

    def __init__(self, encoder: Encoder, axes: Mapping[str, FittedAxis]) -> None:
        """Keep the encoder and the axes.

        Raises:
            EncoderError: *encoder* is not an encoder.
            AxisError: *axes* is not a mapping from names.
        """
        require_encoder(encoder)
        require_kind("what an axis is derived from", axes, Mapping, "fitted axes by their names", error=AxisError)
        self._encoder = encoder
        self._encoded = Encoded(lambda texts: encode(encoder, texts))
        self._axes = axes

    @property
    def key(self) -> str:
        """The key of the encoder's identity."""
        return identify(self._encoder).key

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the unit vectors of phrases, shape (n, d)."""
        return self._encoded(texts)

    def axis(self, name: str) -> FittedAxis:
        """Return one of the axes given.

        Raises:
            AxisError: there is none with that name.
        """
        if name not in self._axes:
            raise AxisError(
                f"there is no axis {name!r} to derive from; give it to fit.{did_you_mean(name, self._axes)}"
            )
        return self._axes[name]

    def documents(self, ids: Sequence[str]) -> tuple[Vectors, list[str]]:
        """Raise an AxisError: documents are in an index."""
        self._refuse(f"document {ids[0]!r}")

    def field(self, name: str) -> tuple[Vectors, list[Any]]:
        """Raise an AxisError: fields are in an index."""
        self._refuse(f"field {name!r}")

    @property
    def passage_count(self) -> int:
        """Always 0: passages are in an index."""
        return 0

    def passages(self, where: str | None) -> Vectors:
        """Raise an AxisError: passages are in an index."""
        self._refuse(f"passages {where!r}" if where else "passages")

    def _refuse(self, what: str) -> NoReturn:
        raise AxisError(f"the axis needs the {what} of an index; fit it there, with index.axes.save(axis)")
