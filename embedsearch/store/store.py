"""What is in an index folder: documents and their passages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import count
from typing import Any

import numpy as np

from embedsearch.conditions import Node
from embedsearch.documents import Document
from embedsearch.errors import StoreError
from embedsearch.store.checksums import checksum, is_intact, seal
from embedsearch.store.fields_sql import Translation
from embedsearch.store.folder import REMEDY
from embedsearch.store.live_rows import LiveRows
from embedsearch.store.records import DocumentRecord, Entry, HeldDocument, StoredPassage
from embedsearch.vectors import Rows, Vectors

_READ_AT_ONCE = 256
_COLUMNS = "d.digest, d.id, d.title, d.source, d.metadata, d.text"


class Store(LiveRows):
    """The documents of an open index folder, and their passages."""

    # -- reading ----------------------------------------------------------------------------------------

    def count_documents(self) -> int:
        """Return the number of documents."""
        return int(self._database.query("SELECT count(*) FROM documents")[0][0])

    def rows_of_keys(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """Return, for those of *keys* whose vector is in the file, live or dead, a row that holds it intact."""
        with self.reading():
            leads = self.keys.first(keys)
            rows = self._intact(leads.keys(), leads.values())
            missed = leads.keys() - rows.keys()
            return rows | self._intact(missed, self.keys.rows(missed)) if missed else rows

    def _intact(self, keys: Set[bytes], rows: Iterable[int]) -> dict[bytes, int]:
        """Return for those of *keys* that one of *rows* holds intact, live or dead, that row."""
        vectors, candidates = self.vectors(), sorted(set(rows))
        found: dict[bytes, int] = {}
        for table in ("passages", "dead"):
            statement = f"SELECT key, row, checksum FROM {table} WHERE row IN (?)"
            for key, row, written in self._database.query_in(statement, candidates):
                if key in keys and key not in found and is_intact(vectors, row, key, written):
                    found[key] = row
        return found

    def short_texts(self, longest: int) -> Iterator[tuple[int, str]]:
        """Yield the row and the text of every passage of at most *longest* characters; inside `reading`.

        Passages that hold a NUL, or lie behind one, are left out: there SQLite's texts end.
        """
        statement = (
            "SELECT p.row, substr(d.text, p.start + 1, p.end - p.start), p.end - p.start FROM passages p "
            "JOIN documents d ON d.number = p.document WHERE p.end - p.start <= ?"
        )
        for part in self._database.iterate(statement, (longest,), size=_READ_AT_ONCE):
            yield from ((row, text) for row, text, length in part if len(text) == length)

    def passages(self, rows: Iterable[int]) -> list[StoredPassage]:
        """Return the passages in *rows*, in that order, each checked against its checksums.

        A document is read once, however many of its passages are wanted.

        Raises:
            QueryError: a row is not, or no longer, that of a passage.
            StoreError: a vector or a record on disk is not the one that was written.
        """
        wanted = [int(row) for row in rows]
        with self.reading():
            found = {passage.row: passage for passage in self._passages(sorted(set(wanted)))}
        for row in wanted:
            if row not in found:
                self.require_live(np.array([row]))
                raise self._database.damaged(f"the passage of row {row} is missing")
        return [found[row] for row in wanted]

    def _passages(self, rows: Sequence[int]) -> Iterator[StoredPassage]:
        """Yield the passages in ascending *rows*, document by document."""
        vectors = self.vectors()
        for columns, passages in self._by_document(rows):
            document = self._document(columns)
            for row, position, start, end, sealed, key, written in passages:
                if not is_intact(vectors, row, key, written):
                    raise StoreError(
                        f"{self.path} is damaged: row {row} of {self.vectors_file.name} is not what was written. "
                        f"{REMEDY}"
                    )
                if seal(document.id, position, start, end) != sealed:
                    raise self._database.damaged(f"the record of the passage of row {row} is not what was written")
                yield StoredPassage(
                    row, document.id, position, start, end, document.text[start:end],
                    document.title, document.source, document.metadata,
                )  # fmt: skip

    def whole_passages(self, rows: Sequence[int]) -> Iterator[tuple[int, bytes, Document, int, int]]:
        """Yield the row, key, document, start and end of those passages in *rows* that are what was written.

        Their vectors need not be.
        """
        for (digest, *columns), passages in self._by_document(rows):
            record = DocumentRecord(*columns)
            if record.digest != digest:
                continue
            document = record.document()
            for row, position, start, end, sealed, key, _ in passages:
                if seal(record.id, position, start, end) == sealed:
                    yield row, key, document, start, end

    def _by_document(self, rows: Sequence[int]) -> Iterator[tuple[Sequence[Any], list[Sequence[Any]]]]:
        """Yield the columns of each document that has passages in *rows*, and the records of these: it is read once."""
        statement = "SELECT document, row, position, start, end, seal, key, checksum FROM passages WHERE row IN (?)"
        passages: dict[int, list[Sequence[Any]]] = {}
        for number, *record in self._database.query_in(statement, rows):
            passages.setdefault(number, []).append(record)
        statement = f"SELECT d.number, {_COLUMNS} FROM documents d WHERE d.number IN (?)"
        numbers = list(passages)
        for start in range(0, len(numbers), _READ_AT_ONCE):  # of texts no more are held
            for number, *columns in self._database.query_in(statement, numbers[start : start + _READ_AT_ONCE]):
                yield columns, passages.get(number, [])  # a flipped bit can make a text of a number

    def _document(self, columns: Sequence[Any]) -> Document:
        record = DocumentRecord(*columns[1:])
        if record.digest != columns[0]:
            raise self._database.damaged(f"the document {record.id!r} is not what was written")
        return record.document()

    def document(self, id: str) -> Document | None:
        """Return the document with this id, or None.

        Raises:
            StoreError: it is not what was written.
        """
        found = self._database.query(f"SELECT {_COLUMNS} FROM documents d WHERE id = ?", (id,))
        return self._document(found[0]) if found else None

    def documents(self, numbers: Iterable[int]) -> Iterator[Document]:
        """Yield the documents with these numbers, in the order of their numbers.

        Raises:
            StoreError: one is not what was written.
        """
        statement = f"SELECT {_COLUMNS} FROM documents d WHERE number IN (?) ORDER BY number"
        for record in self._database.query_in(statement, sorted(int(number) for number in numbers)):
            yield self._document(record)

    def all_documents(self) -> Iterator[Document]:
        """Yield all documents in the order in which they were added; only a batch is held in memory.

        Raises:
            StoreError: one is not what was written.
        """
        numbers = self.numbers().tolist()
        for start in range(0, len(numbers), _READ_AT_ONCE):
            yield from list(self.documents(numbers[start : start + _READ_AT_ONCE]))

    def held(self, ids: Sequence[str]) -> dict[str, HeldDocument]:
        """Return what the index holds of the documents with these ids, by id."""
        held = {}
        statement = f"SELECT d.run, {_COLUMNS} FROM documents d WHERE d.id IN (?)"
        for run, digest, *columns in self._database.query_in(statement, ids):
            record = DocumentRecord(*columns)
            held[record.id] = HeldDocument(record.document() if record.digest == digest else None, run)
        return held

    def numbers(self) -> Rows:
        """Return the numbers of all documents, ascending: the order in which they were added."""
        found = self._database.query("SELECT number FROM documents ORDER BY number")
        return np.array([number for (number,) in found], dtype=np.int64)

    def rows_by_document(self, numbers: Sequence[int]) -> dict[int, list[int]]:
        """Return the rows of the passages of those documents that are in the index, by number, ascending.

        Raises:
            StoreError: the passages of one are not found: what leads to them is damaged.
        """
        # The index of passages by document says all that is wanted; the passages themselves say whether it is true.
        statement = (
            "SELECT i.document, i.row, p.document, p.position FROM passages i LEFT JOIN passages p ON p.row = i.row "
            "WHERE i.document IN (?) ORDER BY i.document, i.position"
        )
        rows: dict[int, list[int]] = {}
        lost: list[Any] = []
        for number, row, *place in self._database.query_in(statement, sorted(numbers)):
            own = rows.setdefault(number, [])
            if place != [number, len(own)]:
                lost.append(number)
            own.append(row)
        lost += self._database.query_in(
            "SELECT number FROM documents WHERE number IN (?)", [number for number in numbers if number not in rows]
        )
        if lost:
            raise self._database.damaged("what leads from documents to their passages is not what was written")
        return rows

    def numbers_of(self, ids: Sequence[str]) -> dict[str, int]:
        """Return the numbers of those of *ids* that are in the index."""
        return dict(self._database.query_in("SELECT id, number FROM documents WHERE id IN (?)", ids))

    def sources_before(self, run: int) -> list[tuple[str, str, int]]:
        """Return the id, the source and the last ingest of every document that ingest number *run* has not met."""
        # The types are those that were written, whatever a flipped bit has made of them.
        columns = "id, CAST(source AS TEXT), CAST(run AS INTEGER)"
        return self._database.query(f"SELECT {columns} FROM documents WHERE run <> ? ORDER BY number", (run,))

    def rows_of_document(self, id: str) -> Rows:
        """Return the rows of a document's passages in their order; none if there is no such document."""
        found = self._database.query(
            "SELECT p.row FROM passages p JOIN documents d ON d.number = p.document WHERE d.id = ? ORDER BY p.position",
            (id,),
        )
        return np.array([row for (row,) in found], dtype=np.int64)

    def ids(self, limit: int) -> list[str]:
        """Return the ids of the first *limit* documents; of all if it is negative."""
        found = self._database.query("SELECT id FROM documents ORDER BY number LIMIT ?", (limit,))
        return [id for (id,) in found]

    def digests(self) -> list[tuple[str, bytes]]:
        """Return the id of each document with the digest of its whole content, in the order of `numbers`."""
        return self._database.query("SELECT id, digest FROM documents ORDER BY number")

    def field_names(self) -> list[str]:
        """Return the names of the metadata fields that any document has, sorted."""
        found = self._database.query(
            "SELECT DISTINCT fields.key FROM documents, json_each(documents.metadata) AS fields"
        )
        return sorted(str(name) for (name,) in found)

    def field(self, name: str) -> list[Any]:
        """Return one field of every document, in the order of `numbers`; None for a document that lacks it.

        Args:
            name: ``id``, ``title``, ``text``, or a metadata field.
        """
        if name in ("id", "title", "text"):
            found = self._database.query(f"SELECT {name} FROM documents ORDER BY number")
            return [value for (value,) in found]
        # Parsed here and not by a JSON path in SQL, since any text can be the name of a field.
        found = self._database.query("SELECT metadata FROM documents ORDER BY number")
        return [json.loads(metadata).get(name) for (metadata,) in found]

    def rows_where(self, condition: Node) -> Rows:
        """Return the live rows of the documents that satisfy a condition over fields, ascending, int64.

        Args:
            condition: resolved, and translatable to SQL; see `embedsearch.store.fields_sql`.
        """
        translation = Translation()
        sql, values = translation.node(condition)
        self._database.set_function(translation.test_value, 2)
        self._database.set_function(translation.test_field, 2)
        found = self._database.query(
            f"SELECT p.row FROM passages p WHERE p.document IN (SELECT d.number FROM documents d WHERE {sql})",
            values,
        )
        return np.sort(np.array([row for (row,) in found], dtype=np.int64))

    # -- writing ----------------------------------------------------------------------------------------

    def next_run(self) -> int:
        """Return the number of a new ingest; inside `writing`."""
        run = int(self.setting("run")) + 1
        self.set_setting("run", run)
        return run

    def put(self, entries: Sequence[Entry], vectors: Vectors, run: int) -> None:
        """Add or replace documents with their passages; inside `writing`.

        Args:
            entries: documents, each another one, with their passages and keys.
            vectors: of the passages of all entries, one row each, in their order.
            run: the ingest that they belong to.
        """
        rows = np.ascontiguousarray(vectors, dtype="<f4").reshape(-1, self.dimension)
        with self.appending(self.rows, rows):
            self._put(entries, rows, run)

    def _put(self, entries: Sequence[Entry], rows: Vectors, run: int) -> None:
        first = row = self.rows
        documents = [entry.document for entry in entries]
        held = self.numbers_of([document.id for document in documents])
        self._remove_passages(list(held.values()))
        ((free,),) = self._database.query("SELECT coalesce(max(number), 0) + 1 FROM documents")
        added = dict(zip((one.id for one in documents if one.id not in held), count(free), strict=False))
        self._put_documents(documents, run, added)
        numbers = held | added
        records, words, vector = [], [], iter(rows)
        for entry in entries:
            id, title = entry.document.id, entry.document.title
            for passage, key in zip(entry.passages, entry.keys, strict=True):
                place = passage.position, passage.start, passage.end
                records.append((row, numbers[id], *place, seal(id, *place), key, checksum(key, next(vector))))
                words.append((row, title, passage.text))
                row += 1
        self._database.execute_many("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?)", records)
        self.keys.add(first, [key for entry in entries for key in entry.keys])
        self.fulltext.add(words)
        self.changed(row)

    def describe(self, documents: Sequence[Document], run: int) -> None:
        """Replace the metadata and the source of documents whose texts stay; inside `writing`."""
        self._put_documents(documents, run, {})

    def remove(self, ids: Sequence[str]) -> None:
        """Remove documents from the index with their passages; inside `writing`. Ids that are not there are ignored."""
        numbers = list(self.numbers_of(ids).values())
        self._remove_passages(numbers)
        self._database.execute_many("DELETE FROM documents WHERE number = ?", [(number,) for number in numbers])
        self.changed(self.rows)

    def _remove_passages(self, numbers: Sequence[int]) -> None:
        """Take out the passages of documents, before these are replaced or removed; their rows are dead then."""
        damaged = self._any_damaged(numbers)
        if not damaged:
            self.fulltext.remove(numbers)
        self._database.execute_many("DELETE FROM passages WHERE document = ?", [(number,) for number in numbers])
        if damaged:
            # What their words were can no longer be said; what all others' are can.
            self.fulltext.rebuild()

    def _any_damaged(self, numbers: Sequence[int]) -> bool:
        """Is anything that their words were made of, or where these stand, not what was written?"""
        places = (
            "SELECT d.id, p.position, p.start, p.end, p.seal FROM passages p JOIN documents d ON d.number = p.document "
            "WHERE p.document IN (?)"
        )
        try:
            if sum(1 for _ in self.documents(numbers)) != len(numbers):
                return True
        except StoreError:
            return True
        return any(seal(*place) != sealed for *place, sealed in self._database.query_in(places, numbers))

    def _put_documents(self, documents: Sequence[Document], run: int, added: Mapping[str, int]) -> None:
        """Write documents, those that are *added* under their new numbers, the others over what they were."""
        records = [DocumentRecord.sealed(document) for document in documents]
        self._database.execute_many(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET run = excluded.run, digest = excluded.digest, title = excluded.title, "
            "source = excluded.source, metadata = excluded.metadata, text = excluded.text",
            [(added.get(record.id), run, digest, *record) for digest, record in records],
        )

    def replace_vectors(self, rows: Sequence[int], keys: Sequence[bytes], vectors: Vectors) -> None:
        """Give passages of whole documents other vectors, in new rows; `keys.rebuild` is due then; inside `writing`.

        Args:
            rows: of the passages.
            keys: of the passages.
            vectors: shape (len(rows), dimension).
        """
        first, numbers = self.rows, np.unique(self.document_numbers(np.array(rows))).tolist()
        self.fulltext.remove(numbers)
        with self.appending(first, vectors):
            moved = zip(count(first), map(checksum, keys, vectors), rows, strict=False)
            self._database.execute_many("UPDATE passages SET row = ?, checksum = ? WHERE row = ?", moved)
            self.fulltext.restore(numbers)
            # Their checksums fit no vector, so that nobody takes one from there.
            self._database.execute_many("INSERT INTO dead VALUES (?, x'', -1)", [(row,) for row in rows])
            self.changed(first + len(rows))

    def renumber(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Give passages other rows, one after the other, and find them there; inside `writing`.

        Args:
            pairs: the new row, which no passage has by then, and the old one.
        """
        self._database.execute_many("UPDATE passages SET row = ? WHERE row = ?", pairs)
        self.rebuild()

    def forget_dead(self) -> None:
        """Forget which rows are dead; inside `writing`, when the vectors file is replaced by one without them."""
        self._database.execute("DELETE FROM dead")

    def changed(self, rows: int) -> None:
        """Note how many rows there are now, and that documents or passages have changed; inside `writing`."""
        self.set_setting("rows", rows)
        self.set_setting("generation", self.generation + 1)
