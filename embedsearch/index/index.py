"""The index that users hold."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.documents import Document
from embedsearch.encoders import DEFAULT_ENCODER, Encoder, load_encoder
from embedsearch.errors import AxisError, QueryError, SourceError, StoreError, did_you_mean
from embedsearch.expressions import parse_expression
from embedsearch.index.embedding import Embedding, encoder_settings
from embedsearch.index.ingest import AddReport, Ingest
from embedsearch.index.saved_axes import IndexAxes
from embedsearch.index.searching import Searcher
from embedsearch.index.selecting import Selector, Verdict
from embedsearch.results import Calculation, Hits, Placement, Placements
from embedsearch.store import Compaction, Store, compact
from embedsearch.vectors import Rows, project, top, unit

Unit = Literal["sd", "percentile", "raw"]
UNITS: tuple[Unit, ...] = ("sd", "percentile", "raw")
_PERCENTILE = re.compile(r"p(\d+(?:\.\d+)?)$")


class Index:
    """Documents, their vectors and the axes that they are measured on, in one folder.

    Make one with `Index.create`, open one with `open_index`; use it in a ``with`` block or call `close`.
    """

    def __init__(self, store: Store, encoder: Encoder | None = None) -> None:
        """Wrap an open store; use `Index.create` or `open_index`."""
        self._store = store
        self._embedding = Embedding(store, encoder)
        self.axes = IndexAxes(self._embedding)
        self._searcher = Searcher(store, self._embedding)
        self._selector = Selector(store, self._embedding, self.axes)

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        encoder: str | Encoder = DEFAULT_ENCODER,
        *,
        chunk_words: int | None = None,
        overlap: int = 25,
    ) -> Self:
        """Make a new, empty index in a folder.

        Args:
            path: a folder that does not exist or is empty.
            encoder: a model name, a model folder, or an encoder; the index remembers it.
            chunk_words: the most words of a passage; as many as the encoder reads whole if None.
            overlap: the most words that a passage repeats from the one before.

        Raises:
            EncoderError: the encoder cannot be found.
            StoreError: the folder is in use, or cannot be written.
        """
        if chunk_words is not None and chunk_words < 1:
            raise StoreError(f"a passage must have room for at least 1 word, not {chunk_words}")
        if overlap < 0:
            raise StoreError(f"the overlap of passages cannot be {overlap} words; 0 is none")
        found = load_encoder(encoder) if isinstance(encoder, str) else encoder
        load = encoder if isinstance(encoder, str) else encoder.name
        settings = encoder_settings(found, load) | {"chunk_words": chunk_words, "overlap": overlap}
        return cls(Store.create(path, settings), found)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """Return the number of passages."""
        return self._store.count_passages()

    def __repr__(self) -> str:
        info = self.info()
        return (
            f"Index({str(self._store.path)!r}: {info['documents']} documents, {info['passages']} passages, "
            f"encoder {info['encoder']!r}, axes {', '.join(self.axes) or 'none'})"
        )

    def close(self) -> None:
        """Release the files; the index cannot be used after that."""
        self._store.close()

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded when it is first asked for."""
        return self._embedding.encoder

    def info(self) -> dict[str, Any]:
        """Return what the index holds: at least documents, passages, encoder, dimension, bytes, format."""
        identity = self._embedding.identity
        return {
            "path": str(self._store.path),
            "documents": self._store.count_documents(),
            "passages": self._store.count_passages(),
            "encoder": identity.name,
            "engines": self._store.setting("engines", {}),
            "weights": identity.weights,
            "dimension": identity.dimension,
            "max_tokens": identity.max_tokens,
            "chunk_words": self._store.setting("chunk_words", None),
            "overlap": self._store.setting("overlap", None),
            "axes": list(self.axes),
            "fields": self._store.field_names(),
            "neighbors": self._store.setting("neighbors", None),
            "bytes": self._store.size(),
            "format": self._store.setting("format", None),
        }

    # -- documents --------------------------------------------------------------------------------------

    def add(self, documents: Iterable[Document], *, progress: Callable[[int, int], None] | None = None) -> AddReport:
        """Add documents, or update those whose id is there already; embed only what is new.

        Args:
            documents: any iterable, such as `embedsearch.read` gives; only a batch of it is held in memory.
            progress: told how many documents, and how many passages, are done.

        Raises:
            SourceError: a document cannot be read, or two have the same id. What came before is kept.
            StoreError: another process is writing, or the disk is full. What was committed is kept.
        """
        with self._store.locked():
            report = Ingest(self._store, self._embedding, progress).add(documents)
            self._searcher.refresh_neighbors()
        return report

    def sync(
        self,
        documents: Iterable[Document],
        sources: Iterable[str | os.PathLike[str]],
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> AddReport:
        """Make the index equal to *sources*: add, update, and remove what they no longer hold.

        A document is removed if it came from one of the sources and is not among *documents*; documents that came
        from elsewhere stay. Nothing is removed if a document cannot be read, or if there are none at all.

        Args:
            documents: all that the sources hold now.
            sources: the files and folders that they were read from, for example those given to `embedsearch.read`.
            progress: as for `add`.

        Raises:
            SourceError: as `add`, or no document was read.
            StoreError: as `add`.
        """
        with self._store.locked():
            ingest = Ingest(self._store, self._embedding, progress)
            report = ingest.add(documents)
            if not report.documents:
                raise SourceError(
                    "no document was read from the sources, so that none was removed from the index; "
                    "delete documents by their ids if that is what you want"
                )
            report += AddReport(removed=ingest.remove_unmet(sources))
            self._searcher.refresh_neighbors()
        return report

    def delete(self, ids: Iterable[str]) -> int:
        """Take documents out of the index; return how many.

        Their texts leave the files when the index is compacted.

        Raises:
            QueryError: one of them is not in the index; nothing is deleted.
            StoreError: another process is writing.
        """
        wanted = list(dict.fromkeys([ids] if isinstance(ids, str) else ids))
        with self._store.locked():
            held = self._store.numbers_of(wanted)
            for id in wanted:
                if id not in held:
                    advice = did_you_mean(id, self._store.ids(100_000))
                    raise QueryError(f"there is no document {id!r}; nothing was deleted.{advice}")
            with self._store.writing():
                self._store.remove(wanted)
        return len(wanted)

    def compact(self) -> Compaction:
        """Give the room of deleted and replaced documents back to the disk.

        Other processes go on reading meanwhile; an interruption at any moment leaves the index whole.

        Raises:
            StoreError: another process is writing, or the disk has no room for a second copy.
        """
        with self._store.locked():
            compaction = compact(self._store)
            self._searcher.refresh_neighbors()
        return replace(compaction, after=self._store.size())

    def get(self, id: str) -> Document:
        """Return the document called *id*.

        Raises:
            QueryError: there is none.
        """
        document = self._store.document(id)
        if document is None:
            raise QueryError(f"there is no document {id!r}.{did_you_mean(id, self._store.ids(100_000))}")
        return document

    # -- queries ----------------------------------------------------------------------------------------

    def search(
        self,
        text: str | None = None,
        *,
        like: str | None = None,
        vector: ArrayLike | None = None,
        k: int = 10,
        where: str | None = None,
    ) -> Hits:
        """Return the passages nearest in meaning to a text, to a document of the index, or to a vector.

        Args:
            text: what is looked for.
            like: the id of a document; its own passages are left out.
            vector: any vector of the encoder's dimension.
            k: how many; fewer come only where fewer exist.
            where: a condition that the passages must satisfy.

        Raises:
            QueryError: not exactly one of text, like and vector; an empty text; no such document; a wrong condition.
        """
        if sum(given is not None for given in (text, like, vector)) != 1:
            raise QueryError("give exactly one of a text, the id of a document (like) and a vector")
        with self._store.reading():
            rows = self._rows(where)
            if like is not None:
                return self._search_like(like, k, rows)
            if text is not None:
                query = self._embedding.vectors_of([text], queries=True)[0]
            else:
                query = unit(np.asarray(vector, dtype=np.float32).reshape(-1))
            return self._searcher.nearest(query, k, rows)

    def _search_like(self, id: str, k: int, rows: Rows | None) -> Hits:
        own = self._store.rows_of_document(self.get(id).id)
        query = unit(self._store.vectors()[own].mean(axis=0))
        return self._searcher.nearest(query, k, np.setdiff1d(self._store.live_rows() if rows is None else rows, own))

    def calc(
        self,
        expression: str,
        *,
        k: int = 10,
        on: Sequence[str] | None = None,
        where: str | None = None,
        keep_inputs: bool = False,
    ) -> Calculation:
        """Add and subtract meanings: what lies at ``sheep + spider``?

        Without *on* the unit vectors of the terms are added and the passages nearest to the sum are returned.
        With *on* the coordinates of the terms on those axes are added, as charges add, and the passages nearest
        to that point of the plane (of the space) of the axes are returned.

        Args:
            expression: see `embedsearch.expressions`.
            k: how many answers.
            on: names of axes.
            where: a condition that the answers must satisfy.
            keep_inputs: may the terms themselves be answers?

        Raises:
            QueryError: the expression or the condition cannot be read.
            AxisError: an axis does not exist.
        """
        parsed = parse_expression(expression)
        with self._store.reading():
            rows = self._rows(where)
            vectors = self._embedding.vectors_of(parsed.texts)
            if not on:
                return self._searcher.add_meanings(parsed, vectors, k, rows, keep_inputs=keep_inputs)
            axes = self.axes.scaled(list(on))
            return self._searcher.add_coordinates(parsed, vectors, axes, k, rows, keep_inputs=keep_inputs)

    def locate(self, point: Mapping[str, float | str], *, k: int = 10, where: str | None = None) -> Hits:
        """Return the passages nearest to a point on axes, by Euclidean distance in standard deviations.

        Args:
            point: coordinates by axis, in standard deviations, or percentiles as ``"p90"``.
            k: how many.
            where: a condition that the passages must satisfy.

        Raises:
            QueryError: the point names no axis, or a value is no number.
            AxisError: an axis does not exist.
        """
        if not point:
            raise QueryError('a point needs at least one axis with a value, such as {"size": -1}')
        with self._store.reading():
            axes = self.axes.scaled(list(point))
            wanted = {name: _coordinate(name, value, axes[name].scale.at_percentile) for name, value in point.items()}
            return self._searcher.nearest_point(wanted, axes, k, self._rows(where))

    def place(self, texts: Sequence[str], axes: Sequence[str] | None = None, *, unit: Unit = "sd") -> Placements:
        """Return where phrases lie on axes.

        Args:
            texts: phrases, in the index or not.
            axes: names; all axes of the index if None.
            unit: ``sd`` (standard deviations of the index's passages), ``percentile`` or ``raw``.

        Raises:
            AxisError: an axis does not exist, or the index has none.
        """
        if isinstance(texts, str):
            raise QueryError(f"texts must be a list of phrases, not the single text {texts!r}")
        with self._store.reading():
            names = self._axis_names(axes)
            vectors = self._embedding.vectors_of(list(texts))
            products = vectors @ self._directions(names).T
            columns = self._columns(names, products, unit)
        return Placements(
            Placement(text, {name: float(columns[name][place]) for name in names}) for place, text in enumerate(texts)
        )

    def place_all(
        self,
        axes: Sequence[str] | None = None,
        *,
        where: str | None = None,
        sort: str | None = None,
        k: int | None = None,
        unit: Unit = "sd",
    ) -> Placements:
        """Return where the passages of the index lie on axes; no encoder is needed.

        Args:
            axes: names; all axes of the index if None.
            where: a condition that the passages must satisfy.
            sort: an axis, highest first; with ``-`` before it lowest first; in the order of the index if None.
            k: how many; all if None.
            unit: ``sd``, ``percentile`` or ``raw``.

        Raises:
            AxisError: an axis does not exist, or the index has none.
            QueryError: a wrong condition.
        """
        with self._store.reading():
            names = self._axis_names(axes)
            by = sort.removeprefix("-") if sort else None
            if by is not None and by not in names:
                raise AxisError(
                    f"the result is sorted by {by!r}, which is not among its axes.{did_you_mean(by, names)}"
                )
            rows = self._rows(where)
            rows = self._store.live_rows() if rows is None else rows
            columns = self._columns(names, project(self._store.vectors(), self._directions(names), rows), unit)
            order = np.arange(len(rows))
            if sort and by is not None:
                order = top(-columns[by] if sort.startswith("-") else columns[by], len(rows))
            order = order[:k]
            passages = self._store.passages(rows[order])
        return Placements(
            Placement(
                passage.text,
                {name: float(columns[name][place]) for name in names},
                passage.document if passage.position == 0 else f"{passage.document}#{passage.position}",
            )
            for place, passage in zip(order, passages, strict=True)
        )

    def filter(self, condition: str, documents: Iterable[Document] | None = None) -> Iterator[Document]:
        """Yield the documents that satisfy a condition, unchanged and in order.

        Args:
            condition: see `embedsearch.conditions`.
            documents: any documents, in the index or not; those of the index if None.

        Raises:
            QueryError: the condition cannot be read, or names what is not there.
        """
        return (verdict.document for verdict in self.judge(condition, documents) if verdict.passed)

    def judge(
        self, condition: str, documents: Iterable[Document] | None = None, *, axes: Sequence[str] = ()
    ) -> Iterator[Verdict]:
        """Yield a verdict on each document, passed or not, with its coordinates on *axes*; in order.

        Raises:
            QueryError, AxisError: as `filter`.
        """
        return self._selector.judge(condition, documents, axes)

    # -- parts ------------------------------------------------------------------------------------------

    def _rows(self, where: str | None) -> Rows | None:
        return None if where is None else self._selector.rows(where)

    def _axis_names(self, axes: Sequence[str] | None) -> list[str]:
        names = list(dict.fromkeys(axes if axes is not None else self.axes))
        if not names:
            raise AxisError("the index has no axes yet; add some with: embedsearch axes fit FILE")
        return names

    def _directions(self, names: Sequence[str]) -> NDArray[np.float32]:
        axes = self.axes.scaled(list(names))
        return np.stack([axes[name].fitted.direction for name in names])

    def _columns(self, names: Sequence[str], products: NDArray[Any], unit: Unit) -> dict[str, NDArray[np.float64]]:
        """Return the coordinates by axis from dot products of shape (n, axes)."""
        if unit not in UNITS:
            raise QueryError(f"there is no unit {unit!r}.{did_you_mean(unit, UNITS)}")
        axes = self.axes.scaled(list(names))
        columns = {}
        for name, column in zip(names, np.asarray(products, dtype=np.float64).T, strict=True):
            axis = axes[name]
            coordinates = axis.from_products(column)
            if unit == "percentile":
                coordinates = axis.scale.percentile_of(coordinates)
            columns[name] = column - axis.fitted.origin if unit == "raw" else coordinates
        return columns


def open_index(path: str | os.PathLike[str], encoder: str | Encoder | None = None) -> Index:
    """Open an index folder; neither vectors nor the encoder are loaded.

    Args:
        path: the folder.
        encoder: an encoder, or the name of one, that must be the index's own; the one that the index names if None.

    Raises:
        StoreError: there is no index, it is damaged, or another encoder made it.
    """
    store = Store.open(path)
    try:
        return Index(store, load_encoder(encoder) if isinstance(encoder, str) else encoder)
    except BaseException:
        store.close()
        raise


def _coordinate(name: str, value: float | str, at_percentile: Callable[[float], float]) -> float:
    """Return a coordinate in standard deviations from a number, or from a percentile such as ``p90``."""
    text = str(value).strip()
    match = _PERCENTILE.match(text)
    if match and float(match[1]) <= 100:
        return at_percentile(float(match[1]))
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise QueryError(
            f"{name}={text}: wanted a number of standard deviations, such as 1.5, or a percentile, such as p90"
        )
    return number
