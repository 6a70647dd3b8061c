"""The cache that indexes share, and the index as a dictionary that survives everything done to it."""

import logging
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from disks import read_only
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from processes import PROCESSES
from stored_texts import check_holds, flip

import embedsearch as es
from embedsearch.index import upkeep
from embedsearch.store import VectorCache, keys
from embedsearch.testing import HashEncoder

DOCUMENTS = [es.Document(f"d{number}", f"text {number}") for number in range(10)]


@pytest.fixture
def cache(tmp_path):
    """Return a folder for a cache that has the vectors of ten documents."""
    with es.Index.create(tmp_path / "first", HashEncoder(), cache=tmp_path / "cache") as index:
        index.add(DOCUMENTS)
    return tmp_path / "cache"


def embedded(folder: Path, encoder: HashEncoder, **options) -> tuple[list[str], np.ndarray]:
    """Return the texts that a new index had to encode, and its vectors."""
    with es.Index.create(folder, encoder, **options) as index:
        report = index.add([*DOCUMENTS, es.Document("new", "new"), es.Document("same", "text 1")])
        assert report.embedded == len(encoder.encoded)
        return encoder.encoded, np.array(index._store.vectors())


def test_another_index_does_not_embed_again(tmp_path, cache):
    """An index with the same cache embeds only what no index has embedded, and gets the very same vectors."""
    alone = embedded(tmp_path / "alone", HashEncoder())
    shared = embedded(tmp_path / "shared", HashEncoder(), cache=cache)
    assert len(alone[0]) == 11
    assert shared[0] == ["new"]
    assert np.array_equal(alone[1], shared[1])


def test_the_cache_can_come_from_the_environment(tmp_path, cache, monkeypatch):
    """EMBEDSEARCH_CACHE names the cache where no argument does."""
    monkeypatch.setenv("EMBEDSEARCH_CACHE", str(cache))
    assert embedded(tmp_path / "second", HashEncoder())[0] == ["new"]
    with es.open(tmp_path / "second", HashEncoder(), cache=tmp_path / "other") as index:
        assert index.add([es.Document("more", "text 11")]).embedded == 1
    assert (tmp_path / "other" / "vectors.db").exists()


def test_another_encoder_has_other_keys(tmp_path, cache):
    """The vectors of one encoder are not taken for another's of the same dimension."""
    assert len(embedded(tmp_path / "second", HashEncoder(name="another"), cache=cache)[0]) == 11


def test_a_damaged_vector_in_the_cache_is_embedded_again(tmp_path, cache):
    """A flipped byte in a cached vector costs one embedding and is never used."""
    raw = (cache / "vectors.db").read_bytes()
    flip(cache / "vectors.db", raw.index(HashEncoder().encode(["text 3"]).tobytes()[4:12]))
    texts, vectors = embedded(tmp_path / "second", HashEncoder(), cache=cache)
    assert sorted(texts) == ["new", "text 3"]
    assert np.allclose(vectors[:10], HashEncoder().encode([document.text for document in DOCUMENTS]))


def test_a_cache_that_is_none_is_refused_when_it_is_needed(tmp_path):
    """A file in the cache's place is named with what to do; the index is not touched."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "vectors.db").write_text("no database " * 100)
    with (
        es.Index.create(tmp_path / "index", HashEncoder(), cache=tmp_path / "cache") as index,
        pytest.raises(es.StoreError, match=r"cache .*vectors\.db cannot be used: .*Remove it, or name another"),
    ):
        index.add(DOCUMENTS)


def test_a_cache_that_may_not_be_written_is_not_to_be_removed(tmp_path, cache):
    """It may be a colleague's, and whole: the advice is to name another one."""
    with (
        read_only(tmp_path / "ground", cache) as folder,
        es.Index.create(tmp_path / "index", HashEncoder(), cache=folder) as index,
        pytest.raises(es.StoreError, match=r"cannot be used: (?!.*Remove).*\. Name another folder"),
    ):
        index.add(DOCUMENTS)


def test_a_cache_that_fails_later_only_costs_time(tmp_path, caplog):
    """What cannot be read or written is warned of, not raised."""
    cache = VectorCache(tmp_path, 8)
    cache.put({b"k": np.ones(8, np.float32)})
    assert np.array_equal(cache.get([b"k", b"l"])[b"k"], np.ones(8, np.float32))
    cache._connection.execute("DROP TABLE vectors")
    with caplog.at_level(logging.WARNING, logger="embedsearch"):
        assert cache.get([b"k"]) == {}
        cache.put({b"k": np.ones(8, np.float32)})
    assert "cannot be read" in caplog.text
    assert "cannot be written" in caplog.text
    cache.close()


def fill(folder: Path, name: str) -> None:
    """Ingest documents of its own and some that all have, with a shared cache."""
    with es.Index.create(folder / name, HashEncoder(), cache=folder / "cache") as index:
        index.add([es.Document(f"{number}", f"shared {number}") for number in range(300)])
        index.add([es.Document(f"own {number}", f"{name} {number}") for number in range(300)])


def test_several_processes_fill_one_cache(tmp_path):
    """Indexes that are filled at the same time share a cache without losing anything."""
    processes = [PROCESSES.Process(target=fill, args=(tmp_path, f"index-{number}")) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    encoder = HashEncoder()
    with es.Index.create(tmp_path / "last", encoder, cache=tmp_path / "cache") as index:
        index.add(
            es.Document(f"{name} {n}", f"{name} {n}") for name in ("shared", "index-0", "index-2") for n in range(300)
        )
    assert encoder.encoded == []


# -- an index is a dictionary ---------------------------------------------------------------------------------

IDS = st.sampled_from([f"id-{number}" for number in range(8)])
WORDS = st.lists(st.sampled_from(["wolf", "sheep", "grass", "ambush", "狼", "a.b"]), min_size=1, max_size=12).map(
    " ".join
)
CONTENTS = st.dictionaries(IDS, st.tuples(WORDS, st.sampled_from(["", "title"]), st.integers(0, 3)), max_size=5)


class IndexAsDictionary(RuleBasedStateMachine):
    """Whatever is done in whatever order, an index holds what a dictionary would hold."""

    @initialize()
    def create(self):
        """Begin with an empty index and an empty dictionary."""
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "index"
        self.encoder = HashEncoder(4)
        self.small = mock.patch.object(keys, "_AT_ONCE", 4)  # keys move from table to table now and then
        self.small.start()
        self.index = es.Index.create(self.path, self.encoder, chunk_words=3, overlap=1)
        self.wanted: dict[str, es.Document] = {}

    def documents(self, contents) -> list[es.Document]:
        return [
            es.Document(id, text, title=title, metadata={"n": n}, source=f"made/{id}.txt")
            for id, (text, title, n) in contents.items()
        ]

    @rule(contents=CONTENTS)
    def add(self, contents):
        """Add or update documents, and count them right."""
        given = self.documents(contents)
        report = self.index.add(given)
        before = [self.wanted.get(document.id) for document in given]
        assert report.added == before.count(None)
        assert report.unchanged == sum(old == new for old, new in zip(before, given, strict=True))
        assert report.documents == len(given)
        self.wanted |= {document.id: document for document in given}

    @rule(ids=st.lists(IDS, max_size=3))
    def delete(self, ids):
        """Delete documents, all or none."""
        if set(ids) <= set(self.wanted):
            assert self.index.delete(ids) == len(set(ids))
            self.wanted = {id: document for id, document in self.wanted.items() if id not in ids}
        else:
            with pytest.raises(es.QueryError):
                self.index.delete(ids)

    @rule(contents=CONTENTS)
    def sync(self, contents):
        """Make the index equal to what there is now."""
        if not contents:
            return
        given = {document.id: document for document in self.documents(contents)}
        report = self.index.sync(given.values(), ["made"])
        assert report.removed == len(set(self.wanted) - set(given))
        self.wanted = given

    @rule()
    def reopen(self):
        """Close the index and open it anew."""
        self.index.close()
        self.index = es.open(self.path, self.encoder)

    @rule()
    def compact(self):
        """Take out the dead rows."""
        dead = self.index._store.rows - len(self.index)
        assert self.index.compact().rows == dead
        assert self.index._store.rows == len(self.index)

    @rule()
    def lose_derived_files(self):
        """Remove the faiss file, which may be done at any time."""
        self.index._store.neighbors_file.unlink(missing_ok=True)

    @invariant()
    def holds_what_the_dictionary_holds(self):
        """All documents are there, whole, with their own vectors, and each is found by its own text."""
        check_holds(self.index, self.wanted)
        for document in list(self.wanted.values())[:2]:
            text = self.index._embedding.passages_of(document)[1][0]
            hits = self.index.search(text, k=len(self.index), mode="dense")
            assert len(hits) == len(self.index)
            assert hits[0].score == pytest.approx(1.0, abs=1e-5)
            assert document.id in {hit.document for hit in hits if hit.score > 1 - 1e-5}

    def teardown(self):
        """Check everything once more from outside."""
        if hasattr(self, "index"):
            self.small.stop()
            self.index.close()
            findings = [str(one) for one in upkeep.verify(self.path).findings]
            assert [one for one in findings if not one.startswith("neighbors")] == []
            self.folder.cleanup()


TestIndexAsDictionary = IndexAsDictionary.TestCase
TestIndexAsDictionary.settings = settings(max_examples=12, stateful_step_count=15, deadline=None)
