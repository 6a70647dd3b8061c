"""Writing figures to files: PNG, SVG or PDF, the same bytes for the same figure, whole or not at all."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

from embedsearch.errors import QueryError, did_you_mean
from embedsearch.plots.style import require_matplotlib, styled
from embedsearch.whole import place_of, write_whole

FORMATS = ("png", "svg", "pdf")
# What says when, or by which version of matplotlib, a file was made would make two files of one figure differ.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": "embedsearch"},
    "svg": {"Date": None, "Creator": "embedsearch"},
    "pdf": {"CreationDate": None, "Creator": "embedsearch", "Producer": "embedsearch"},
}
_SUBJECT = {"png": "Description", "svg": "Description", "pdf": "Subject"}


def check_file(path: str | os.PathLike[str]) -> str:
    """Check, before the work, whether a figure can be written there; return its format, from the suffix.

    Raises:
        QueryError: the suffix is not one of ours, the path is a folder, its folder is missing or is an index.
        EmbedSearchError: the drawing library is not installed.
    """
    file = Path(path)
    format = file.suffix.lower().removeprefix(".")
    if format not in FORMATS:
        advice = did_you_mean(format, FORMATS) if format else ""
        raise QueryError(f"{file.name!r} names no format that can be drawn; end it in .png, .svg or .pdf.{advice}")
    place_of(file)
    require_matplotlib()
    return format


def to_bytes(figure: Any, format: str, *, subject: str = "") -> bytes:
    """Return a matplotlib figure as the content of a file.

    Args:
        figure: drawn inside `styled`.
        format: ``png``, ``svg`` or ``pdf``.
        subject: one line that is kept in the file's metadata.
    """
    stream = BytesIO()
    with styled():
        metadata = _METADATA[format] | ({_SUBJECT[format]: subject} if subject else {})
        figure.savefig(stream, format=format, metadata=metadata)
    return stream.getvalue()


def save(figure: Any, path: str | os.PathLike[str], *, subject: str = "") -> None:
    """Write a matplotlib figure; an existing file is replaced when the new one is whole.

    Raises:
        QueryError: as for `check_file`.
        EmbedSearchError: as for `check_file`, or the disk is full or read-only; a file that was there is unchanged.
    """
    write_whole(path, to_bytes(figure, check_file(path), subject=subject))


class Figure:
    """What all figures have in common, whatever they show."""

    __slots__ = ()

    figure: Any

    @property
    def subject(self) -> str:
        """One line about the figure, kept in the file's metadata."""
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the figure as PNG, SVG or PDF, by the suffix; the same figure gives the same bytes.

        Raises:
            QueryError: the suffix is another one, or the folder does not exist.
            EmbedSearchError: the file cannot be written.
        """
        save(self.figure, path, subject=self.subject)

    def _repr_png_(self) -> bytes:
        """Show the figure in a notebook."""
        return to_bytes(self.figure, "png")
