"""What axes are fitted from: an encoder, other axes and, where there is an index, its documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from embedsearch.encoders import Encoder, encode, identify
from embedsearch.errors import AxisError, did_you_mean
from embedsearch.vectors import Vectors

if TYPE_CHECKING:
    from embedsearch.axes.fitted import FittedAxis


class Material(Protocol):
    """What fitting may ask for."""

    @property
    def key(self) -> str:
        """The key of the encoder's identity."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the unit vectors of phrases, shape (n, d)."""

    def axis(self, name: str) -> FittedAxis:
        """Return another axis, fitted with the same encoder."""

    def documents(self, ids: Sequence[str]) -> Vectors:
        """Return the mean vectors of documents, scaled to length 1, shape (n, d)."""

    def field(self, name: str) -> tuple[Vectors, list[Any]]:
        """Return the mean vectors of the documents that have a field, scaled to length 1, and its values."""

    def passages(self, where: str | None) -> Vectors:
        """Return the vectors of the passages that satisfy a condition, shape (n, d)."""


class EncoderMaterial:
    """An encoder and other axes, without an index."""

    def __init__(self, encoder: Encoder, axes: Mapping[str, FittedAxis]) -> None:
        """Keep them."""
        self._encoder = encoder
        self._axes = axes

    @property
    def key(self) -> str:
        """The key of the encoder's identity."""
        return identify(self._encoder).key

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the unit vectors of phrases, shape (n, d)."""
        return encode(self._encoder, texts)

    def axis(self, name: str) -> FittedAxis:
        """Return one of the axes given.

        Raises:
            AxisError: there is none of that name.
        """
        if name not in self._axes:
            raise AxisError(
                f"there is no axis {name!r} to derive from; give it to fit.{did_you_mean(name, self._axes)}"
            )
        return self._axes[name]

    def documents(self, ids: Sequence[str]) -> Vectors:
        """Refuse: documents are in an index."""
        self._refuse(f"document {ids[0]!r}")

    def field(self, name: str) -> tuple[Vectors, list[Any]]:
        """Refuse: fields are in an index."""
        self._refuse(f"field {name!r}")

    def passages(self, where: str | None) -> Vectors:
        """Refuse: passages are in an index."""
        self._refuse(f"passages {where!r}" if where else "passages")

    def _refuse(self, what: str) -> NoReturn:
        raise AxisError(f"the axis needs the {what} of an index; fit it there, with index.axes.save(axis)")
