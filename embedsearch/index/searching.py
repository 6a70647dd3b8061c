"""Finding the nearest passages: in meaning, to a sum of meanings, to a point on axes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from embedsearch.axes import ScaledAxis
from embedsearch.columns import Schema
from embedsearch.documents import Document
from embedsearch.errors import QueryError
from embedsearch.expressions import Expression
from embedsearch.index import arguments, ranking
from embedsearch.index.arguments import one_of, require_count
from embedsearch.index.embedding import Embedding
from embedsearch.index.excerpts import excerpts
from embedsearch.index.means import mean_vectors
from embedsearch.index.nearby import Nearby
from embedsearch.index.placing import Placer
from embedsearch.index.tracing import Trace
from embedsearch.mapped import gather
from embedsearch.neighbors import Neighbors, Progress
from embedsearch.results import Calculation, Hit, Hits
from embedsearch.snippets import Snippet
from embedsearch.store import Store, StoredPassage
from embedsearch.vectors import Rows, Vectors, top, unit
from embedsearch.wording import count_of, shown

RowRanking = Callable[[int], Rows]  # returns that many rows, best first


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What is searched for.

    Attributes:
        mode: what the answers are ranked by.
        text: the text whose words are looked up; needed unless the mode is dense.
        vector: the unit query vector, shape (d,); None if the mode is lexical.
        without: rows that are no answers: those of the documents that were searched with.
    """

    mode: ranking.Mode
    text: str = ""
    vector: Vectors | None = None
    without: Rows | None = None


class Searcher:
    """Answers queries from one index."""

    def __init__(self, store: Store, embedding: Embedding, trace: Trace | None = None) -> None:
        """Read nothing yet."""
        self._store = store
        self._embedding = embedding
        self._trace = trace or Trace()
        self._placer = Placer(embedding)
        self._nearby = Nearby(store)

    @property
    def neighbors(self) -> Neighbors:
        """The nearest-row search over what the index holds now."""
        return self._nearby.neighbors

    def refresh_neighbors(self, progress: Progress | None = None) -> None:
        """Bring the faiss file up to date if many rows are newer than it. The caller holds the lock."""
        self._nearby.refresh(progress)

    def question(
        self,
        text: str | None,
        *,
        like: str | Iterable[str] | None,
        vector: ArrayLike | None,
        mode: ranking.Mode | None,
    ) -> Question:
        """Return the question that the arguments of `Index.search` ask, with its query vector."""
        if sum(given is not None for given in (text, like, vector)) != 1:
            raise QueryError("give exactly one of a text, ids of documents (like) and a vector")
        asked = "" if text is None else arguments.text("the text", text)
        chosen = _mode_of(text, mode)
        if text is None and chosen != "dense":
            raise QueryError(f"mode {chosen} looks words up and needs a text; leave the mode out, or give a text")
        with self._trace.step("query vector") as step:
            ids = [] if like is None else self._documents_like(like)
            query = None if chosen == "lexical" else self._query_vector(text, ids, vector)
            step.plan = "none: words alone" if query is None else "looked up in the index, or encoded"
        without = np.concatenate([self._store.rows_of_document(id) for id in ids]) if ids else None
        return Question(chosen, asked, query, without)

    def _documents_like(self, given: str | Iterable[str]) -> list[str]:
        """Return the ids of the documents that are searched with, each once."""
        ids = [self.document(id).id for id in dict.fromkeys(arguments.texts("the id of a document", given))]
        if not ids:
            raise QueryError("there is no document to search with; name one or more")
        return ids

    def _query_vector(self, text: str | None, ids: Sequence[str], vector: ArrayLike | None = None) -> Vectors:
        if text is not None:
            asked: Vectors = self._embedding.vectors_of([text], queries=True)[0]
            return asked
        if ids:
            return unit(mean_vectors(self._store, ids).mean(axis=0))
        assert vector is not None  # one of the three is given
        return unit(arguments.vector(vector, self._store.dimension))

    def document(self, id: str) -> Document:
        """Return the document with this id.

        Raises:
            QueryError: there is none, or *id* is not a text.
        """
        document = self._store.document(arguments.text("the id of a document", id))
        if document is None:
            raise arguments.no_document(id, self._store)
        return document

    def search(self, question: Question, k: int, rows: Rows | None, by: ranking.By = "passage") -> Hits:
        """Return the *k* best answers among *rows*, all live rows if None."""
        k, by_passage = require_count(k), _is_by_passage(by)
        if question.without is not None:
            rows = np.setdiff1d(self._store.live_rows() if rows is None else rows, question.without)
        with self._trace.step(f"ranking, {question.mode}") as step:
            nearest = None if question.vector is None else ranking.nearest_to(self.neighbors, question.vector, rows)
            best = self._best(question, nearest, k, rows, by_passage=by_passage)
            step.plan = self._plan(question)
        with self._trace.step("passages") as step:
            step.plan = f"{len(best):,} read and checked"
            return self._hits(best)

    def search_many(
        self, texts: Sequence[str], k: int, rows: Rows | None, by: ranking.By, mode: ranking.Mode | None
    ) -> list[Hits]:
        """Return for each text what `search` returns for it; encoding and comparing them together is faster."""
        k, by_passage = require_count(k), _is_by_passage(by)
        modes = [_mode_of(text, mode) for text in texts]
        with self._trace.step("query vectors") as step:
            measured = [place for place, chosen in enumerate(modes) if chosen != "lexical"]
            vectors = self._embedding.vectors_of([texts[place] for place in measured], queries=True)
            step.plan = f"{count_of(len(measured), 'text')}, looked up in the index, or encoded"
        with self._trace.step("nearest") as step:
            found = ranking.nearest_to_each(self.neighbors, vectors, rows, k) if measured else []
            nearest = dict(zip(measured, zip(vectors, found, strict=True), strict=True))
            step.plan = "for all together"
        with self._trace.step("ranking, and passages") as step:
            answers = []
            for place, (text, chosen) in enumerate(zip(texts, modes, strict=True)):
                vector, near = nearest.get(place, (None, None))
                best = self._best(Question(chosen, text, vector), near, k, rows, by_passage=by_passage)
                answers.append(self._hits(best))
            step.plan = f"{sum(map(len, answers)):,} read and checked"
        return answers

    def _plan(self, question: Question) -> str:
        words = [] if question.mode == "dense" else ["full text"]
        return ", ".join([str(self.neighbors.latest)] * (question.vector is not None) + words)

    def snippets(self, hits: Sequence[Hit], text: str | None, *, like: str | Iterable[str] | None) -> list[Snippet]:
        """Return the part of each hit that answers the query; see `Index.snippets`."""
        asked = "" if text is None else arguments.text("the text", text)
        if not isinstance(hits, Iterable) or not all(isinstance(hit, Hit) for hit in hits):
            raise QueryError(f"snippets need hits, as index.search gives them, not {shown(hits)}")
        # Hits without a cosine come from words alone; no encoder is loaded for them.
        measured = bool(hits) and all(hit.score is not None for hit in hits)
        ids = [] if like is None else self._documents_like(like)
        query = self._query_vector(text, ids) if measured and (text or ids) else None
        return excerpts(hits, asked, embedding=self._embedding, query=query)

    def _best(
        self, question: Question, nearest: ranking.Nearest | None, k: int, rows: Rows | None, *, by_passage: bool
    ) -> ranking.Ranked:
        if question.vector is None or nearest is None:
            ranked = ranking.lexical(self._store, question.text, rows)
        elif question.mode == "dense":
            ranked = ranking.dense(nearest)
        else:
            ranked = ranking.hybrid(self._store, nearest, question.text, question.vector, rows)
        return ranked(k) if by_passage else ranking.best_documents(ranked, k, self._store)

    def nearest_but(self, query: Vectors, k: int, rows: Rows | None, without: Collection[str]) -> Hits:
        """Return the passages among *rows* nearest to a unit vector, without those whose text is in *without*."""
        with self._trace.step("ranking, dense") as step:
            passages = self._ranked(self._row_ranking(query, rows), k, without)
            step.plan = str(self.neighbors.latest)
        scores = gather(self._store.vectors(), [passage.row for passage in passages]) @ query
        pairs = zip(passages, scores, strict=True)
        return Hits(_hit(rank, float(score), passage) for rank, (passage, score) in enumerate(pairs, 1))

    def vectors(self, rows: Rows | None) -> tuple[Vectors, Rows]:
        """Return all vectors, and the rows allowed."""
        return self._store.vectors(), self._store.live_rows() if rows is None else rows

    def add_meanings(
        self, expression: Expression, vectors: Vectors, k: int, rows: Rows | None, *, keep_inputs: bool
    ) -> Calculation:
        """Return what lies nearest to the weighted sum of the terms' unit vectors.

        Args:
            expression: the terms.
            vectors: their unit vectors, shape (terms, d).
            k: how many answers.
            rows: the rows that may be answers.
            keep_inputs: whether passages that are a term's text may be among the hits.
        """
        total = np.asarray(expression.weights) @ vectors.astype(np.float64)
        query = _direction(total, expression)
        without = [] if keep_inputs else expression.texts
        taken = self._ranked(self._row_ranking(query, rows), k, without)
        alone = self._alone(expression, vectors, k, rows, without)
        return Calculation(expression, self._explained(taken, expression, vectors, total, alone), alone)

    def add_coordinates(
        self,
        expression: Expression,
        vectors: Vectors,
        axes: Mapping[str, ScaledAxis],
        k: int,
        rows: Rows | None,
        *,
        keep_inputs: bool,
    ) -> Calculation:
        """Return what lies nearest to the weighted sum of the terms' coordinates on axes."""
        stands = self._placer.phrases(expression.texts, vectors, list(axes.values()))
        point = dict(zip(axes, map(float, np.asarray(expression.weights) @ stands.coordinates), strict=True))
        terms = stands.of_phrases(expression.texts, "sd")
        rows, places, distances = self._distances(point, axes, rows)
        without = [] if keep_inputs else expression.texts
        taken = self._ranked(lambda count: rows[top(-distances, count)], k, without)
        alone = self._alone(expression, vectors, k, rows, without)
        total = np.asarray(expression.weights) @ vectors.astype(np.float64)
        hits = self._explained(taken, expression, vectors, total, alone, on=_Measured(rows, places, distances, axes))
        return Calculation(expression, hits, alone, point, terms)

    def nearest_point(
        self,
        point: Mapping[str, float],
        axes: Mapping[str, ScaledAxis],
        k: int,
        rows: Rows | None,
        without: Collection[str] = (),
    ) -> Hits:
        """Return the passages among *rows* nearest to a point on axes, without those whose text is in *without*."""
        with self._trace.step("distances") as step:
            rows, places, distances = self._distances(point, axes, rows)
            step.plan = f"{count_of(len(axes), 'axis', 'axes')}, by a scan of {count_of(len(rows), 'vector')}"
        passages = self._ranked(lambda count: rows[top(-distances, count)], k, without)
        measured = _Measured(rows, places, distances, axes)
        hits = (_hit(rank, None, passage, **measured.of(passage.row)) for rank, passage in enumerate(passages, 1))
        return Hits(hits, asked=measured.columns)

    def _distances(
        self, point: Mapping[str, float], axes: Mapping[str, ScaledAxis], rows: Rows | None
    ) -> tuple[Rows, Any, Any]:
        """Return rows, their coordinates (n, axes), and their distances from *point* in standard deviations."""
        live = self._store.live_rows() if rows is None else rows
        places = self._placer.passages(live, list(axes.values())).coordinates
        return live, places, np.linalg.norm(places - np.array(list(point.values())), axis=1)

    def _row_ranking(self, query: Vectors, rows: Rows | None) -> RowRanking:
        return lambda count: self.neighbors.search(query, count, rows)[0]

    def _ranked(self, ranking: RowRanking, k: int, without: Collection[str]) -> list[StoredPassage]:
        """Return the *k* best passages of a ranking, without those whose text is in *without*."""
        k = require_count(k)
        inputs = {_folded(text) for text in without}
        count = k + 2 * len(inputs)
        while True:
            rows = ranking(count)
            kept = self._kept(rows, k, inputs)
            if len(kept) == k or len(rows) < count:
                return kept
            count *= 2

    def _kept(self, rows: Rows, k: int, inputs: Collection[str]) -> list[StoredPassage]:
        """Return the first *k* passages in *rows* that are none of some texts; few more are read than that takes."""
        kept: list[StoredPassage] = []
        start, size = 0, k + 1
        while len(kept) < k and start < len(rows):
            part = self._store.passages(rows[start : start + size])
            kept += [passage for passage in part if _folded(passage.text) not in inputs]
            start, size = start + size, 2 * size
        return kept[:k]

    def _alone(
        self, expression: Expression, vectors: Vectors, k: int, rows: Rows | None, without: Collection[str]
    ) -> dict[str, Hits]:
        """Return the plain neighbours of each term, the terms themselves left out as from the sum's."""
        pairs = zip(expression.texts, vectors, strict=True)
        return {text: self.nearest_but(vector, k, rows, without) for text, vector in pairs}

    def _explained(
        self,
        passages: Sequence[StoredPassage],
        expression: Expression,
        vectors: Vectors,
        total: Any,
        alone: Mapping[str, Hits],
        on: _Measured | None = None,
    ) -> Hits:
        """Return hits with what each term adds to the cosine: weight · (term · hit) / |sum|."""
        length = float(np.linalg.norm(total))
        own = gather(self._store.vectors(), [passage.row for passage in passages]).astype(np.float64)
        shares = (own @ vectors.T.astype(np.float64)) * np.asarray(expression.weights) / (length or np.inf)
        found = {text: {(hit.document, hit.position) for hit in hits} for text, hits in alone.items()}
        hits = []
        for rank, (passage, share) in enumerate(zip(passages, shares, strict=True), 1):
            more = on.of(passage.row) if on else {}
            contributions = dict(zip(expression.texts, map(float, share), strict=True))
            hit = _hit(rank, float(share.sum()), passage, contributions=contributions, **more)
            own_place = hit.document, hit.position  # ids of passages may be alike
            hits.append(replace(hit, near_alone=tuple(text for text, places in found.items() if own_place in places)))
        own_columns: Schema = {"contributions": dict.fromkeys(expression.texts, "number"), "near_alone": "texts"}
        return Hits(hits, asked={**(on.columns if on else {}), **own_columns})

    def _hits(self, best: ranking.Ranked) -> Hits:
        columns = {"score": best.cosines, "bm25": best.bm25, "fused": best.fused}
        scores = [
            {name: None if column is None else float(column[place]) for name, column in columns.items()}
            for place in range(len(best))
        ]
        pairs = zip(self._store.passages(best.rows), scores, strict=True)
        hits = (_hit(rank, own.pop("score"), passage, **own) for rank, (passage, own) in enumerate(pairs, 1))
        return Hits(hits, asked={name: "number" for name in ("bm25", "fused") if columns[name] is not None})


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """The coordinates of rows, and their distances from a point.

    Attributes:
        rows: ascending, shape (n,).
        places: shape (n, axes), in standard deviations.
        distances: shape (n,).
        axes: by name.
    """

    rows: Rows
    places: NDArray[np.float64]
    distances: NDArray[np.float64]
    axes: Mapping[str, ScaledAxis]

    @property
    def columns(self) -> Schema:
        """What `of` says, with the types of columns."""
        return {
            "distance": "number",
            "coordinates": dict.fromkeys(self.axes, "number"),
            "versions": dict.fromkeys(self.axes, "whole"),
        }

    def of(self, row: int) -> dict[str, Any]:
        """Return what a hit in *row* says of itself."""
        place = int(np.searchsorted(self.rows, row))
        coordinates = dict(zip(self.axes, map(float, self.places[place]), strict=True))
        versions = {name: axis.version for name, axis in self.axes.items()}
        return {"distance": float(self.distances[place]), "coordinates": coordinates, "versions": versions}


def _hit(rank: int, score: float | None, passage: StoredPassage, **more: Any) -> Hit:
    return Hit(
        rank=rank,
        score=score,
        document=passage.document,
        position=passage.position,
        text=passage.text,
        title=passage.title,
        start=passage.start,
        end=passage.end,
        source=passage.source,
        metadata=passage.metadata,
        **more,
    )


def _mode_of(text: str | None, mode: ranking.Mode | None) -> ranking.Mode:
    return one_of("mode", ranking.default_mode(text) if mode is None else mode, ranking.MODES)


def _is_by_passage(by: ranking.By) -> bool:
    return one_of("unit of answers", by, ranking.BYS) == "passage"


def _direction(total: NDArray[np.float64], expression: Expression) -> Vectors:
    if np.linalg.norm(total) < 1e-6:
        raise QueryError(f"the terms of {expression.source!r} cancel out: their sum points nowhere")
    return unit(total)


def _folded(text: str) -> str:
    """Return *text* without what does not make it another phrase: case, outer punctuation, extra spaces."""
    return " ".join(text.casefold().split()).strip(" .,;:!?\"'“”‘’()")
