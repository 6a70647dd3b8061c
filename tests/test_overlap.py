"""Reading, embedding and writing at the same time: nothing is embedded twice, nothing is lost, and it does overlap."""

import gc
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.encoders import encode
from embedsearch.index import ingest
from embedsearch.index.ahead import Ahead
from embedsearch.testing import HashEncoder

BATCH = 4


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """Make batches of four passages, so that a few documents are several."""
    monkeypatch.setattr(ingest, "BATCH_PASSAGES", BATCH)
    monkeypatch.setattr(ingest, "BATCH_GROWTH", 1)


def of(*texts):
    return [es.Document(f"d{number}", text) for number, text in enumerate(texts)]


def held(index):
    """Return the texts of an index by id, having seen that each has its own vector."""
    rows = index._store.live_rows()
    passages = index.passages(rows)
    assert np.array_equal(index._store.vectors()[rows], encode(HashEncoder(), [one.text for one in passages]))
    return {one.document: one.text for one in passages}


def test_the_next_batch_is_read_while_one_is_embedded(tmp_path, monkeypatch):
    """The encoder of the first batch may wait for a document of the second to be read."""
    group = ingest._GROUP_DOCUMENTS
    monkeypatch.setattr(ingest, "BATCH_PASSAGES", group)
    read = threading.Event()

    class Waiting(HashEncoder):
        def encode(self, texts):
            assert read.wait(10), "nothing was read meanwhile"
            return super().encode(texts)

    def documents():
        for place, document in enumerate(of(*(f"text {number}" for number in range(2 * group + 1)))):
            if place == group:
                read.set()
            yield document

    with es.Index.create(tmp_path / "index", Waiting()) as index:
        assert index.add(documents()).added == 2 * group + 1
        assert len(held(index)) == 2 * group + 1


def test_a_text_of_two_batches_in_a_row_is_embedded_once(tmp_path):
    """What is under way counts as known: its vectors are taken over, and the report says so."""
    encoder = HashEncoder()
    texts = ["a wolf"] * 6 + ["a sheep", "a wolf", "a sheep"]
    with es.Index.create(tmp_path / "index", encoder) as index:
        report = index.add(of(*texts))
        assert sorted(encoder.encoded) == ["a sheep", "a wolf"]
        assert (report.added, report.embedded, report.reused) == (9, 2, 7)
        assert held(index) == {f"d{number}": text for number, text in enumerate(texts)}


@pytest.mark.parametrize("distance", range(1, 3 * BATCH))
def test_an_id_is_met_once_however_far_apart(tmp_path, distance):
    """A repeated id is refused whether its first is in the same batch, under way, or committed."""
    documents = [es.Document(f"d{number % distance}", f"text {number}") for number in range(distance + 1)]
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        with pytest.raises(es.SourceError, match="the id 'd0' occurred before"):
            index.add(documents)
        assert held(index) == {f"d{number}": f"text {number}" for number in range(distance)}
        left_out = []
        index.add([*of("one", "two"), *of("three")], repeated=left_out.append)
        assert len(left_out) == 1
        assert held(index)["d0"] == "one"


def test_what_was_read_before_a_broken_record_is_kept(tmp_path):
    """An error of a reader loses nothing that was read before it, under way or not."""

    def documents():
        yield from of(*(f"text {number}" for number in range(BATCH + 2)))
        raise es.SourceError("line 7 is broken")

    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        with pytest.raises(es.SourceError, match="line 7"):
            index.add(documents())
        assert len(held(index)) == BATCH + 2


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_encoder_that_fails_loses_its_own_batch_only(tmp_path, failing):
    """Batches before the one that cannot be embedded are committed, and a second run goes on from there."""

    class Failing(HashEncoder):
        broken = True

        def encode(self, texts):
            if self.broken and f"text {failing * BATCH}" in texts:
                raise es.EncoderError("out of order")
            return super().encode(texts)

    encoder = Failing()
    documents = of(*(f"text {number}" for number in range(3 * BATCH)))
    with es.Index.create(tmp_path / "index", encoder) as index:
        with pytest.raises(es.EncoderError, match="out of order"):
            index.add(documents)
        assert len(held(index)) == failing * BATCH
        encoder.broken = False
        assert index.add(documents).unchanged == failing * BATCH
        assert len(held(index)) == 3 * BATCH
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("embedsearch-ahead")]


def test_collections_of_cycles_are_put_back(tmp_path):
    """Python looks for cycles as often as before once documents are added, also after an error."""
    before = gc.get_threshold()
    seen = []

    class Looking(HashEncoder):
        def encode(self, texts):
            seen.append(gc.get_threshold())
            raise es.EncoderError("no")

    with es.Index.create(tmp_path / "index", Looking()) as index, pytest.raises(es.EncoderError):
        index.add(of("a"))
    assert seen[0][0] > before[0]
    assert gc.get_threshold() == before


def test_ahead_yields_everything_in_order_and_then_the_error():
    """Parts come in order, of one iterator after the other; an error comes behind the parts before it."""

    def parts(first, broken=False):
        yield from range(first, first + 3)
        if broken:
            raise es.EncoderError("no more")

    with Ahead() as ahead:
        one, two = ahead.run(parts(0)), ahead.run(parts(10, broken=True))
        assert list(one) == [0, 1, 2]
        taken = []
        with pytest.raises(es.EncoderError, match="no more"):
            taken.extend(two)
    assert taken == [10, 11, 12]


def test_ahead_gives_up_what_nobody_takes():
    """At the end of the block an iterator without an end stops, and one that has not begun never begins."""
    closed, begun = threading.Event(), []

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    with Ahead() as ahead:
        next(ahead.run(endless()))
        ahead.run(begun.append(place) for place in range(3))
    assert closed.wait(5)
    assert begun == []


@given(st.lists(st.integers(0, 9), max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_repetition_gives_each_its_own_vector(tmp_path_factory, numbers):
    """Whatever texts repeat in whatever batches, each passage has the vector of its text, encoded once."""
    encoder = HashEncoder()
    with es.Index.create(tmp_path_factory.mktemp("index") / "index", encoder) as index:
        report = index.add(of(*(f"text {number}" for number in numbers)))
        assert held(index) == {f"d{place}": f"text {number}" for place, number in enumerate(numbers)}
    assert len(encoder.encoded) == len(set(encoder.encoded)) == len(set(numbers)) == report.embedded
