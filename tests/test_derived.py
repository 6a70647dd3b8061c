"""What is made from an index and kept beside it: used while it fits, made anew when it does not, never in the way."""

import numpy as np
import pytest
from disks import read_only
from hypothesis import given, settings
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.index import counting
from embedsearch.index.counting import RecordTerms, record_text
from embedsearch.maps.layouts import lay_out, read_ground
from embedsearch.screening import LabelledRecords, Screening
from embedsearch.screening.features import term_weights
from embedsearch.store import DerivedFiles
from embedsearch.testing import HashEncoder

WORDS = ["wolf", "sheep", "spider", "loan", "shark", "trap", "web", "prey"]


def documents(count=40):
    chance = np.random.default_rng(0)
    return [
        es.Document(
            f"d{place}",
            " ".join(chance.choice(WORDS, 12)),
            title=f"About {chance.choice(WORDS)}",
            metadata={"n": place},
        )
        for place in range(count)
    ]


@pytest.fixture
def index(tmp_path):
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(documents())
        yield index


@pytest.fixture
def made(monkeypatch):
    """Return a list that grows with each time that words are counted, by the number of documents."""
    times, count = [], RecordTerms.of

    def counted(texts):
        texts = list(texts)
        times.extend([len(texts)] if texts else [])
        return count(texts)

    monkeypatch.setattr(RecordTerms, "of", counted)
    return times


def weighed(documents):
    """Return the two matrices of documents that are counted all at once, as arrays."""
    texts = [record_text(document) for document in documents]
    counted = counting.TermCounts.of(texts), counting.TermCounts.of(text.partition("\n")[0] for text in texts)
    return [term_weights(terms).toarray() for terms in counted]


def words(index):
    """Return the two matrices of a screening of *index*, as arrays, and its ranking."""
    screening = Screening(index)
    found = screening.pile.features
    return found.lexical.toarray(), found.titles.toarray()


def expected(index):
    return weighed(index.documents())


def same(found, wanted):
    return all(np.array_equal(one, other) for one, other in zip(found, wanted, strict=True))


def test_words_are_weighed_once_and_read_back_the_same(index, made):
    """A second process finds the matrices beside the index, equal to the last bit."""
    first, second = words(index), words(index)
    assert made == [40]
    assert same(first, expected(index))
    assert same(second, first)


@pytest.mark.parametrize(
    ("change", "new"),
    [
        (lambda index: index.add([es.Document("new", "a wolf in a trap")]), [1]),
        (lambda index: index.delete(["d3"]), []),
        (lambda index: index.add([es.Document("d3", "another text of a spider", title="About")]), [1]),
        (lambda index: index.add([es.Document("d3", index.get("d3").text, title="Other")]), [1]),
        (lambda index: index.delete(index.ids()) and index.add([es.Document("new", "a wolf in a trap")]), [1]),
    ],
    ids=["one more", "one less", "another text", "another title", "all others"],
)
def test_what_has_changed_is_counted_and_nothing_else(index, made, change, new):
    """The matrices are those of the present documents, to the last bit, of which the new ones alone are counted."""
    words(index)
    change(index)
    assert same(words(index), expected(index))
    assert same(words(index), expected(index))
    assert made == [40, *new]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8), st.lists(st.sampled_from(WORDS))), max_size=6))
@settings(max_examples=30, deadline=None)
def test_after_any_changes_the_words_are_those_of_the_documents(tmp_path_factory, changes):
    """Documents come, change and go, and are asked for in part: never are other words weighed than theirs."""
    with es.Index.create(tmp_path_factory.mktemp("changing") / "index", HashEncoder()) as index:
        index.add(documents(4))
        for goes, place, text in changes:
            id = f"d{place}"
            if goes:
                index.delete({id} & set(index.ids()))
            else:
                index.add([es.Document(id, " ".join(text) or "none")])
            asked = [document for document in index.documents() if document.id != "d1"]
            terms = index.term_counts([document.id for document in asked])
            assert same([term_weights(one).toarray() for one in terms], weighed(asked))


def test_a_review_and_its_replay_weigh_the_same_words(tmp_path):
    """Without a title the first line of a text stands for it, in an index as in a file; texts are gone through once."""
    texts = [f"{WORDS[place % 8]} {WORDS[place % 5]}\n{WORDS[place % 7]} runs {place}" for place in range(30)]
    found = [es.Document(f"d{place}", text, metadata={"kept": place % 2}) for place, text in enumerate(texts)]
    with es.Index.create(tmp_path / "review", HashEncoder()) as index:
        index.add(found)
        features = Screening(index).pile.features
    replayed = RecordTerms.of(iter(LabelledRecords.of(found, "kept").texts))
    assert same(
        (features.lexical.toarray(), features.titles.toarray()), [term_weights(one).toarray() for one in replayed]
    )
    heads = weighed([es.Document("d", text.partition("\n")[0]) for text in texts])[0]
    assert np.array_equal(features.titles.toarray(), heads)
    assert features.titles.shape[1] > 8


def test_compaction_leaves_them_in_use(index, made):
    """Compacting changes no document; the words stay as they are."""
    index.delete(["d1"])
    words(index)
    index.compact()
    assert same(words(index), expected(index))
    assert made == [39]


def test_another_condition_is_another_pile(index, made):
    """The words of a pile are weighed within that pile; they have been counted, and stay so for the others."""
    words(index)
    Screening(index).configure(where="n < 20", topic="a wolf")
    assert same(words(index), weighed(list(index.documents())[:20]))
    Screening(index).configure(where="n >= 0")
    assert same(words(index), expected(index))
    assert made == [40]


@pytest.mark.parametrize("at", [0.02, 0.3, 0.6, 0.97, 0.99])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_file_is_as_good_as_none(index, made, damage, at):
    """Flipped bytes, a file cut short or empty: made anew, and whole afterwards."""
    words(index)
    file = next(index._store.path.glob("derived-*.npz"))
    content = bytearray(file.read_bytes())
    place = int(at * len(content))
    if damage == "flip":
        content[place] ^= 0xFF
    file.write_bytes(content if damage == "flip" else content[:place] if damage == "cut" else b"")
    assert same(words(index), expected(index))
    assert same(words(index), expected(index))
    assert len(made) <= 2  # a flipped byte may be one that means nothing, such as a date


def test_a_folder_that_cannot_be_written_is_no_hindrance(index, made, monkeypatch):
    """Where nothing can be kept the words are weighed every time, and nothing is left behind."""

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert same(words(index), expected(index))
    assert same(words(index), expected(index))
    assert made == [40, 40]
    assert not list(index._store.path.glob("derived*"))


def test_words_are_counted_of_what_their_stamp_says(index, monkeypatch):
    """What goes while they are counted is counted still, and is not there the next time."""

    def delayed(document):
        with es.open(index.path, HashEncoder()) as other:
            other.delete(set(other.ids()) & {"d0"})
        return record_text(document)

    monkeypatch.setattr(counting, "record_text", delayed)
    assert index.term_counts(index.ids()).texts.counts.shape[0] == 40
    assert same(words(index), weighed(documents()[1:]))


def test_read_only_ground_is_no_hindrance(index, made, tmp_path):
    """An index that can only be read is ranked and mapped all the same, as often as one likes."""
    index.close()
    with read_only(tmp_path / "ground", index.path) as folder, es.open(folder, HashEncoder()) as held:
        for _ in range(2):
            assert same(words(held), expected(held))
            assert "the layout is not kept" in " ".join(lay_out(read_ground(held, held.draw(), "pca")).notes)
        assert made == [40, 40]
        assert not list(folder.glob("derived*"))


def test_what_a_killed_process_left_is_swept(index):
    """A half-written file is never read, and the next writer removes it."""
    left = index._store.path / "derived-words.npz.123.new"
    left.write_bytes(b"half")
    index.derived.keep("words", {"a": np.arange(3)}, {"state": 1})
    index.add([es.Document("new", "text")])
    assert not left.exists()
    assert index.derived.read("words").arrays["a"].tolist() == [0, 1, 2]


def test_arrays_come_back_with_their_stamp(tmp_path):
    """Types and shapes are those that were kept; another name, no file: None; no objects are ever unpickled."""
    arrays = {"x": np.arange(4, dtype=np.int32), "y": np.zeros((2, 0), np.float64)}
    files = DerivedFiles(tmp_path)
    files.keep("layout", arrays, {"made of": ["a", 1]})
    found = files.read("layout")
    assert found.stamp == {"made of": ["a", 1]}
    assert {name: (one.dtype, one.shape) for name, one in found.arrays.items()} == {
        name: (one.dtype, one.shape) for name, one in arrays.items()
    }
    assert files.read("other") is None
    with open(tmp_path / "derived-evil.npz", "wb") as stream:
        np.savez(stream, stamp=np.frombuffer(b"{}", np.uint8), x=np.array([{}], dtype=object))
    assert files.read("evil") is None
