"""An index embedded anew: whole or not at all, from the texts it holds."""

# ruff: noqa: T201 - what a test prints is shown when it fails: the seed that brings the failure back
import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import CORPUS, run
from disks import make_room, small_disk
from stored_texts import check_holds
from test_durability import (
    FIRST_SEED,
    KILLS,
    corpus,
    duration,
    ingest,
    kill_at,
    small_transactions,
)

import embedsearch as es
from embedsearch.index import reindexing, upkeep
from embedsearch.testing import HashEncoder, TableEncoder

OTHER = HashEncoder(24)


@pytest.fixture
def folder(tmp_path):
    """Return the folder of an index of 100 documents, one of them deleted, with an axis."""
    with es.Index.create(tmp_path / "index", HashEncoder(16), chunk_words=8, overlap=2) as index:
        index.add(corpus())
        index.delete(["d7"])
        index.axes.save(es.Axis("size", ["small"], ["large"]))
    return tmp_path / "index"


def held() -> dict[str, es.Document]:
    """Return what the index of `folder` holds."""
    return {document.id: document for document in corpus() if document.id != "d7"}


def anew(folder: Path) -> None:
    """Embed an index anew, with vectors of another dimension; in small transactions."""
    with small_transactions():
        es.reindex(folder, HashEncoder(24))


def test_every_document_is_embedded_with_the_other_encoder(folder):
    """Documents stay as they are, with all their fields; each vector is the new encoder's, and nothing is left over."""
    done = es.reindex(folder, OTHER)
    assert (done.encoder, done.documents, done.embedded, done.axes) == ("hash", 99, done.passages, ("size",))
    with es.open(folder, HashEncoder(24)) as index:
        check_holds(index, held())
        assert index.info()["dimension"] == 24
        assert index.search(corpus()[3].text[:30], mode="lexical")[0].document == "d3"
        text = index.get("d9").text
        assert index.search(like="d9", k=98, by="document")[0].document != "d9"
        assert index.search(text.split(" ", 8)[0], k=1, mode="dense")[0].score <= 1
        names = {index._store.vectors_file.name, index._store.neighbors_file.name, "index.db", "lock"}
    assert {file.name for file in folder.iterdir()} == names
    assert [file.name for file in folder.parent.iterdir()] == ["index"]
    assert upkeep.verify(folder).is_sound


def test_searches_are_what_a_new_index_would_give(folder, tmp_path):
    """Every search gives the same hits and scores as in an index that was made with the encoder from the start."""
    es.reindex(folder, OTHER)
    with es.Index.create(tmp_path / "made", HashEncoder(24), chunk_words=8, overlap=2) as made:
        made.add(held().values())
        with es.open(folder, HashEncoder(24)) as index:
            for text in ("w1 w2", corpus()[5].text[:20], "large"):
                for mode in ("dense", "lexical", "hybrid"):
                    assert index.search(text, k=20, mode=mode) == made.search(text, k=20, mode=mode)


def test_axes_are_fitted_anew_as_new_versions(folder):
    """An axis reads with the new encoder's vectors, and says that it is another version."""
    es.reindex(folder, OTHER)
    with es.open(folder, HashEncoder(24)) as index:
        axis = index.axes["size"]
        assert axis.version == 2
        low, high = OTHER.encode(["small", "large"])
        assert np.allclose(axis.directions[0], (high - low) / np.linalg.norm(high - low), atol=1e-6)
        assert index.place(["d3"], ["size"])[0].versions == {"size": 2}


def test_other_passages_with_the_same_encoder(folder):
    """With --chunk-words alone the texts are divided anew; what stays the same is still embedded with one call each."""
    es.reindex(folder, HashEncoder(16), chunk_words=4, overlap=0)
    with es.open(folder, HashEncoder(16)) as index:
        assert (index.info()["chunk_words"], index.info()["overlap"]) == (4, 0)
        check_holds(index, held())
        assert max(len(passage.text.split()) for passage in index._store.passages(index._store.live_rows())) == 4
        index.add([es.Document("new", "one two three four five")])
        assert len(index._store.rows_of_document("new")) == 2


def test_nothing_to_do_is_refused(folder):
    """The same encoder and the same passages: one line that says what may be meant."""
    with pytest.raises(es.StoreError, match="is embedded with 'hash' and divided like that already"):
        es.reindex(folder, HashEncoder(16))
    with pytest.raises(es.StoreError, match="there is no index"):
        es.reindex(folder.parent / "none", OTHER)


def test_an_overlap_follows_passages_that_become_shorter(folder):
    """What is not said stays, but for the half of a passage; more than that is refused and changes nothing."""
    with pytest.raises(
        es.QueryError, match=r"passages of 3 words can repeat at most 1 of them \(half a passage\), not 2"
    ):
        es.reindex(folder, HashEncoder(16), chunk_words=3, overlap=2)
    with pytest.raises(
        es.QueryError, match=r"passages of 8 words can repeat at most 4 of them \(half a passage\), not 5"
    ):
        es.reindex(folder, HashEncoder(16), overlap=5)
    es.reindex(folder, HashEncoder(16), chunk_words=3)
    with es.open(folder, HashEncoder(16)) as index:
        assert (index.info()["chunk_words"], index.info()["overlap"]) == (3, 1)


def test_an_interruption_is_gone_on_from(folder):
    """What was embedded before the interruption is not embedded again; the index serves as it was meanwhile."""

    class Breaking(HashEncoder):
        def encode(self, texts):
            if len(self.encoded) > 200:
                raise KeyboardInterrupt
            return super().encode(texts)

    breaking = Breaking(24)
    import embedsearch.index.ingest as module

    size, module.BATCH_PASSAGES = module.BATCH_PASSAGES, 32
    try:
        with pytest.raises(KeyboardInterrupt):
            es.reindex(folder, breaking)
    finally:
        module.BATCH_PASSAGES = size
    with es.open(folder, HashEncoder(16)) as index:
        check_holds(index, held())
        index.add([es.Document("later", "added while it was interrupted")])
        index.delete(["d11"])
    with pytest.raises(es.StoreError, match="was begun with encoder 'hash', 8 words a passage, overlap 2"):
        es.reindex(folder, HashEncoder(24), chunk_words=5)
    done = es.reindex(folder, HashEncoder(24))
    assert 0 < done.embedded < done.passages - 50
    with es.open(folder, HashEncoder(24)) as index:
        later = {"later": es.Document("later", "added while it was interrupted")}
        check_holds(index, {id: document for id, document in (held() | later).items() if id != "d11"})


def interrupted_at_its_end(folder, encoder, monkeypatch):
    """Embed an index anew, interrupted when it has the new state and the folder beside it is still there."""

    def interrupt(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(reindexing, "discard", interrupt)
        with pytest.raises(KeyboardInterrupt):
            es.reindex(folder, encoder)
    assert (folder.parent / "index.reindexing" / "index.db").exists()


@pytest.mark.parametrize("left", [("index.db", "lock", "vectors.f32"), ("index.db", "vectors.f32"), ("index.db",)])
def test_what_finished_work_leaves_is_removed_by_the_next(folder, monkeypatch, caplog, left):
    """Interrupted after the new state took its place, even while the rest was being removed, it stands in no way."""
    interrupted_at_its_end(folder, HashEncoder(24), monkeypatch)
    sibling = folder.parent / "index.reindexing"
    for file in sibling.iterdir():
        if file.name not in left:
            file.unlink()
    with pytest.raises(es.StoreError, match="divided like that already"):
        es.reindex(folder, HashEncoder(24))
    assert caplog.messages == [f"{sibling} is removed: {folder} already has what was embedded there"]
    assert not sibling.exists()
    interrupted_at_its_end(folder, HashEncoder(16), monkeypatch)
    es.reindex(folder, HashEncoder(24), chunk_words=3)
    assert not sibling.exists()
    with es.open(folder, HashEncoder(24)) as index:
        check_holds(index, held())
    assert upkeep.verify(folder).is_sound


def test_an_index_that_was_moved_away_is_not_written_to(folder, monkeypatch):
    """What is begun again from the folder that an interruption left has vectors of its own."""
    shutil.copytree(folder, folder.parent / "backup")
    interrupted_at_its_end(folder, HashEncoder(24), monkeypatch)
    with es.open(folder, HashEncoder(24)) as index:
        index.add([es.Document("new", "came after the interruption")])
    moved = folder.rename(folder.parent / "moved")
    shutil.copytree(folder.parent / "backup", folder)
    with es.open(folder, HashEncoder(16)) as index:
        index.add([es.Document("other", "came to the backup")])
    before = (moved / "vectors.1.f32").read_bytes()
    assert es.reindex(folder, HashEncoder(24)).embedded == 1
    assert (moved / "vectors.1.f32").read_bytes() == before
    assert upkeep.verify(moved).is_sound
    with es.open(folder, HashEncoder(24)) as index:
        check_holds(index, held() | {"other": es.Document("other", "came to the backup")})


def test_what_is_changed_meanwhile_is_taken_over(folder):
    """Documents that another process adds, changes and removes while it works are in the new state."""

    class Writing(HashEncoder):
        def encode(self, texts):
            if not self.encoded:
                with es.open(folder, HashEncoder(16)) as other:
                    other.add([es.Document("more", "came meanwhile"), es.Document("d1", "another text")])
                    other.delete(["d2"])
            return super().encode(texts)

    es.reindex(folder, Writing(24))
    wanted = held() | {"more": es.Document("more", "came meanwhile"), "d1": es.Document("d1", "another text")}
    del wanted["d2"]
    with es.open(folder, HashEncoder(24)) as index:
        check_holds(index, wanted)


def test_an_open_reader_is_told(folder):
    """A process that has the index open is told to open it again, and answers nothing from vectors of another kind."""
    with es.open(folder, HashEncoder(16)) as index:
        assert index.search("w1 w2", k=1, mode="dense")
        es.reindex(folder, OTHER)
        for question in (
            lambda: index.search("w1 w2", k=1, mode="dense"),
            lambda: index.place(["w1"], ["size"]),
            lambda: index.add([es.Document("x", "another")]),
        ):
            with pytest.raises(es.StoreError, match="reindexed since it was opened; open it again"):
                question()


def test_an_axis_that_cannot_be_fitted_changes_nothing(tmp_path):
    """The index stays as it was, and the message says which axis and what to do."""
    table = {"a": [1, 0], "b": [0, 1], "low": [1, 1], "high": [1, -1]}
    with es.Index.create(tmp_path / "index", TableEncoder(table)) as index:
        index.add([es.Document("a", "a"), es.Document("b", "b")])
        index.axes.save(es.Axis("height", ["low"], ["high"]))
    same = {text: [1, 0, 0] if text in ("low", "high") else [0, 1, 0] for text in table}
    with pytest.raises(es.AxisError, match=r"height.*is unchanged: correct or delete that axis"):
        es.reindex(tmp_path / "index", TableEncoder(same, name="other"))
    with es.open(tmp_path / "index", TableEncoder(table)) as index:
        assert index.place(["a"], ["height"])[0].versions == {"height": 1}


def test_an_empty_index_gets_another_encoder(tmp_path):
    """Where there is no document there is nothing to embed."""
    es.Index.create(tmp_path / "index", HashEncoder(16)).close()
    assert es.reindex(tmp_path / "index", OTHER).passages == 0
    with es.open(tmp_path / "index", HashEncoder(24)) as index:
        index.add([es.Document("a", "first")])
        assert index.search("first", k=1)[0].score == pytest.approx(1, abs=1e-6)


def test_what_computed_the_vectors_is_counted_from_the_first(tmp_path):
    """Where nothing was embedded when the index got its encoder, nothing is counted yet."""

    class Engined(HashEncoder):
        engine = "by hand"

    es.Index.create(tmp_path / "index", HashEncoder(16)).close()
    es.reindex(tmp_path / "index", Engined(24))
    with es.open(tmp_path / "index", Engined(24)) as index:
        assert index.info()["engines"] == {}
        index.add([es.Document("a", "first")])
        assert index.info()["engines"] == {"by hand": 1}


@pytest.mark.parametrize("chunk_words", ["8", 2.5, -3])
def test_a_number_of_words_is_whole(folder, chunk_words):
    """As when an index is made."""
    with pytest.raises(es.QueryError, match=r"chunk_words is .*at least 1"):
        es.reindex(folder, OTHER, chunk_words=chunk_words)


def test_killed_at_any_moment_it_leaves_one_whole_state(tmp_path):
    """A reindex killed at any moment leaves the old index or the new one, whole; the next one completes."""
    ingest(tmp_path / "made")
    with es.open(tmp_path / "made", HashEncoder(16)) as index:
        index.axes.save(es.Axis("size", ["small"], ["large"]))
    shutil.copytree(tmp_path / "made", tmp_path / "first")
    duration(anew, tmp_path / "first")
    shutil.copytree(tmp_path / "made", tmp_path / "undisturbed")
    usual = duration(anew, tmp_path / "undisturbed")
    wanted = {document.id: document for document in corpus()}
    dimensions = []
    for seed in range(FIRST_SEED, FIRST_SEED + KILLS):
        folder = shutil.copytree(tmp_path / "made", tmp_path / "index")
        moment = random.Random(seed).uniform(0, usual)
        print(f"seed {seed}: killed after {moment:.4f} of {usual:.4f} s")
        kill_at(moment, anew, folder)
        assert upkeep.verify(folder).is_sound
        with es.open(folder) as index:
            dimensions.append(index._embedding.identity.dimension)
            index._embedding.encoder = HashEncoder(dimensions[-1])
            check_holds(index, wanted)
            assert index.place(["w1"], ["size"])[0].versions == {"size": 1 if dimensions[-1] == 16 else 2}
        if dimensions[-1] == 16:
            anew(folder)
            with es.open(folder, HashEncoder(24)) as index:
                check_holds(index, wanted)
        shutil.rmtree(folder)
        shutil.rmtree(f"{folder}.reindexing", ignore_errors=True)
    print(f"{dimensions.count(16)} as they were, {dimensions.count(24)} embedded again")
    assert dimensions.count(16) > KILLS // 4


def test_a_full_disk_keeps_an_index_as_it_was(folder, tmp_path):
    """Without room for the new vectors nothing is changed; with room the same call completes."""
    with small_disk(tmp_path / "disk", 400):
        own = shutil.copytree(folder, tmp_path / "disk" / "index")
        with pytest.raises(es.StoreError) as caught:
            es.reindex(own, OTHER)
        assert "\n" not in str(caught.value)
        with es.open(own, HashEncoder(16)) as index:
            check_holds(index, held())
        make_room(tmp_path / "disk")
        es.reindex(own, OTHER)
        with es.open(own, HashEncoder(24)) as index:
            check_holds(index, held())


def test_labels_survive(folder):
    """What was labelled and its history are those of before, after a compaction and with another encoder."""
    with es.open(folder, HashEncoder(16)) as index:
        index.labels.add("d3", "relevant", note="a wolf", author="me")
        index.labels.add("d4", "not relevant")
        index.labels.add("d5", 0.5)
        index.labels.undo()
        before = index.labels.history()
        index.compact()
    es.reindex(folder, OTHER)
    with es.open(folder, HashEncoder(24)) as index:
        assert index.labels.history() == before
        assert {id: label.value for id, label in index.labels.items()} == {"d3": 1.0, "d4": 0.0}
        index.labels.add("d6", "relevant")
    assert upkeep.verify(folder).is_sound


def test_a_file_system_without_second_names(folder, monkeypatch):
    """Where a file cannot have two names it is copied."""

    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    es.reindex(folder, OTHER)
    with es.open(folder, HashEncoder(24)) as index:
        check_holds(index, held())


def test_the_command(tmp_path):
    """On the real model: other passages, the counts as JSON, and the words a user reads."""
    index = tmp_path / "index"
    run("ingest", CORPUS / "phrases.csv", "--axes", CORPUS / "axes.toml", "-i", index)
    done = run("reindex", "--chunk-words", "2", "-i", index, "-f", "json")
    assert done.exit_code == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["documents"] == 701
    assert counts["passages"] == 751
    assert "701 documents in" in done.stderr
    assert "axes fitted again: predatoriness, size" in done.stderr
    again = run("reindex", "--chunk-words", "2", "-i", index)
    assert again.exit_code == 2
    assert "divided like that already" in again.stderr
    missing = run("reindex", "--encoder", "no-such-model", "-i", index)
    assert missing.exit_code == 2
    assert missing.stderr.count("\n") == 1
