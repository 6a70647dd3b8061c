"""Indexes of a remote encoder: what is kept when it fails, which model it is, what commands say of it."""

import gzip
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from conftest import ROOT, run
from remote_endpoint import KEY, TEXTS, Clock, remote

import embedsearch as es
from embedsearch.cli.costs import tokens_of
from embedsearch.encoders import encode_parts, loading
from embedsearch.encoders.estimates import about_tokens
from embedsearch.encoders.patience import Patience
from embedsearch.encoders.remote import PROBE, RemoteEncoder
from embedsearch.encoders.settings import RemoteSettings
from embedsearch.testing import Answer, EmbeddingServer, HashEncoder, TableEncoder, in_turn

pytestmark = pytest.mark.usefixtures("own_cache")


def documents(count=10):
    return [es.Document(f"id-{number}", TEXTS[number]) for number in range(count)]


def test_a_failure_loses_nothing(tmp_path, endpoint):
    """When the fourth request fails for good, what the others brought is not asked for again."""
    patience = Patience(wait=Clock().wait)

    def make():
        return RemoteEncoder("openai:hash", RemoteSettings(url=endpoint.url, batch=2, concurrency=1), patience=patience)

    endpoint.answering = in_turn(None, None, None, Answer(405, {"error": {"message": "no more"}}))
    with (
        es.Index.create(tmp_path / "index", make()) as index,
        pytest.raises(es.EncoderError, match=r"refuses the request \(405, no more\)"),
    ):
        index.add(documents())
    before = list(endpoint.embedded)
    assert len(before) > 3
    endpoint.embedded.clear()
    with es.open(tmp_path / "index", make()) as index:
        report = index.add(documents())
        assert len(index) == 10
    assert sorted({*before, *endpoint.embedded} - {PROBE}) == sorted(TEXTS)
    assert not {*before} & {*endpoint.embedded} - {PROBE}
    assert report.embedded == len(set(endpoint.embedded) - {PROBE})


def test_what_is_under_way_is_kept_when_another_request_fails(endpoint):
    """With four requests at once, the answers that come after the failure are still yielded."""
    failed = threading.Event()

    def answering(request):
        if "text number 1" in request["input"]:
            failed.set()
            return Answer(400, {"error": "no"})
        if request["input"] != [PROBE]:
            failed.wait(20)
        return None

    endpoint.answering = answering
    encoder = remote(endpoint, batch=1, concurrency=2)
    encoder.probe()
    parts = []
    with pytest.raises(es.EncoderError, match=r"\(400, no\)"):
        parts += encode_parts(encoder, TEXTS)  # a list takes what comes before the error
    # The third is asked where the first is answered before the failure is.
    assert [places for places, _ in parts] in ([[0]], [[0], [2]])


def kept_vectors(folder):
    """Return how many vectors the encoders' own caches in a folder hold."""
    count = 0
    for file in folder.rglob("vectors.db"):
        with closing(sqlite3.connect(file)) as connection:
            count += connection.execute("SELECT count(*) FROM vectors").fetchone()[0]
    return count


def test_an_interrupted_ingest_goes_on(tmp_path, endpoint, monkeypatch):
    """Ctrl-C ends an ingest with exit code 130; what was answered before is not asked for again."""
    third, release = threading.Event(), threading.Event()

    def answering(request):
        if len(endpoint.requests) == 4:
            third.set()
            release.wait(30)
            return Answer(500)
        return None

    endpoint.answering = answering
    source = tmp_path / "notes.csv"
    source.write_text("id,text\n" + "".join(f"{number},{text}\n" for number, text in enumerate(TEXTS)))
    settings = {"EMBEDSEARCH_REMOTE_BATCH": "2", "EMBEDSEARCH_REMOTE_CONCURRENCY": "1"}
    code = "from embedsearch.cli import main; main()"
    arguments = ["ingest", str(source), "--encoder", "openai:hash", "-i", str(tmp_path / "index")]
    process = subprocess.Popen([sys.executable, "-W", "error", "-c", code, *arguments], cwd=ROOT,
                               env=os.environ | settings, stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert third.wait(60)
    # The next request is sent as soon as this one is answered: what came with it takes a moment to be written down.
    answered, waited = set(endpoint.embedded) - {PROBE}, time.monotonic() + 30
    while kept_vectors(tmp_path / "cache") < len(answered) and time.monotonic() < waited:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    release.set()
    _, words = process.communicate(timeout=60)
    assert process.returncode == 130, words
    assert "Traceback" not in words
    before = set(endpoint.embedded)
    endpoint.embedded.clear()
    done = run("ingest", source, "-i", tmp_path / "index", "--encoder", "openai:hash")
    assert done.exit_code == 0, done.stderr
    assert len(before) >= 3
    assert before & set(endpoint.embedded) <= {PROBE}
    assert before | set(endpoint.embedded) == {PROBE, *TEXTS}


def test_a_cache_that_cannot_be_written_costs_no_more_than_itself(tmp_path, endpoint, monkeypatch, caplog):
    """Where the user's cache is no folder, the index is made all the same, with a word."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMBEDSEARCH_CACHE_DIR", str(tmp_path / "file"))
    with es.Index.create(tmp_path / "index", "openai:hash") as index:
        assert index.add(documents(3)).embedded == 3
        assert len(index.search("wolf", k=3, mode="dense")) == 3
    assert "vectors of openai:hash are kept in the index alone" in caplog.text


def test_a_phrase_is_paid_for_once(tmp_path, endpoint):
    """A query that was asked before needs no request, in another process either."""
    with es.Index.create(tmp_path / "index", "openai:hash") as index:
        index.add(documents(3))
        index.search("wolf", k=1)
    sent = len(endpoint.requests)
    with es.open(tmp_path / "index") as index:
        assert len(index.search("wolf", k=1)) == 1
    assert len(endpoint.requests) == sent


def test_another_model_under_the_same_name_is_found_out(tmp_path, endpoint, monkeypatch):
    """An index refuses vectors of a model that took over the name, wherever it is served; the right one may move."""
    with es.Index.create(tmp_path / "index", "openai:hash") as index:
        index.add(documents(3))
    with EmbeddingServer(HashEncoder(8)) as moved:
        monkeypatch.setenv("OPENAI_BASE_URL", moved.url)
        with es.open(tmp_path / "index") as index:
            assert len(index.search("wolf", k=3, mode="dense")) == 3

    class Other(HashEncoder):
        def encode(self, texts):
            return super().encode([f"other {text}" for text in texts])

    with EmbeddingServer(Other(8)) as other:
        monkeypatch.setenv("OPENAI_BASE_URL", other.url)
        with es.open(tmp_path / "index") as index, pytest.raises(es.StoreError, match="another model than the one"):
            index.search("wolf", k=3)
        with es.open(tmp_path / "index") as index, pytest.raises(es.StoreError, match="another model than the one"):
            index.add(documents())


def test_an_index_embedded_anew_knows_its_new_model(tmp_path, endpoint, monkeypatch):
    """After `reindex` from one remote model to another the new one answers, and the old one is refused."""

    class Other(HashEncoder):
        def encode(self, texts):
            return super().encode([f"other {text}" for text in texts])

    with es.Index.create(tmp_path / "index", "openai:hash") as index:
        index.add(documents(3))
    old = os.environ["OPENAI_BASE_URL"]
    with EmbeddingServer(Other(8)) as other:
        monkeypatch.setenv("OPENAI_BASE_URL", other.url)
        assert es.reindex(tmp_path / "index", "openai:other").documents == 3
        with es.open(tmp_path / "index") as index:
            assert len(index.search("wolf", k=3, mode="dense")) == 3
            assert index.add([es.Document("new", "something new")]).added == 1
        monkeypatch.setenv("OPENAI_BASE_URL", old)
        with es.open(tmp_path / "index") as index, pytest.raises(es.StoreError, match="another model than the one"):
            index.search("sheep", k=3)


def test_axes_and_repairs_ask_the_same_model(tmp_path, endpoint):
    """What axes are fitted from, and what a repair embeds, is refused from another model too."""
    axis = es.Axis("size", ["small"], ["large"])
    with es.Index.create(tmp_path / "index", "openai:hash") as index:
        index.add(documents(3))
        index.axes.save(axis)
        sent = len(endpoint.requests)
        index.axes.save(axis)
        assert len(endpoint.requests) == sent  # phrases of axes are paid for once

    class Other(HashEncoder):
        def encode(self, texts):
            return super().encode([f"other {text}" for text in texts])

    endpoint.encoder = Other(8)
    loading._remote.cache_clear()  # as another process would have it
    with (
        es.open(tmp_path / "index") as index,
        pytest.raises(es.StoreError, match="another model than the one"),
    ):
        index.axes.save(es.Axis("age", ["young"], ["old"]))
    vectors = tmp_path / "index" / "vectors.f32"
    content = bytearray(vectors.read_bytes())
    content[5] ^= 1
    vectors.write_bytes(content)
    shutil.rmtree(tmp_path / "cache")
    failed = run("verify", "--repair", "-i", tmp_path / "index")
    assert failed.exit_code == 2
    assert "another model than the one" in failed.stderr
    endpoint.encoder = HashEncoder(8)
    loading._remote.cache_clear()
    assert run("verify", "--repair", "-i", tmp_path / "index").exit_code == 0
    still_open = [file.readlink().name for file in Path("/proc/self/fd").iterdir() if file.exists()]
    assert "vectors.db" not in still_open


def test_a_model_that_changes_behind_its_address_does_not_mix_in_the_cache(tmp_path, endpoint):
    """A new index that finds vectors of another model in the cache refuses them."""
    table = {PROBE: [1, 0], "wolf": [0, 1]}
    endpoint.encoder = TableEncoder(table)
    with es.Index.create(tmp_path / "one", remote(endpoint), cache=tmp_path / "vectors") as index:
        index.add([es.Document("a", "wolf")])
    endpoint.encoder = TableEncoder(table | {PROBE: [-1, 0], "sheep": [1, 1]})
    with (
        es.Index.create(tmp_path / "two", remote(endpoint), cache=tmp_path / "vectors") as index,
        pytest.raises(es.StoreError, match=r"the cache .* cosine .* is -1.00, wanted at least 0.95"),
    ):
        index.add([es.Document("b", "sheep")])


# -- the command line -----------------------------------------------------------------------------------


def test_the_commands_work_with_a_remote_encoder(tmp_path, endpoint, monkeypatch):
    """Ingest tells what is sent and what it costs; search and info need no more than the name."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("EMBEDSEARCH_REMOTE_PRICE", "0.5")
    source = tmp_path / "notes.csv"
    source.write_text("id,text\n" + "".join(f"{number},wolf pack {number}\n" for number in range(20)))
    made = run("ingest", source, "--encoder", "openai:hash", "-i", tmp_path / "index")
    assert made.exit_code == 0, made.stderr
    assert f"Texts go to {endpoint.url}" in made.stderr
    used = 4 + 20 * 3  # the probe and the texts, as the endpoint counts words
    assert f"has counted {used} tokens (0.0000 at 0.5 a million)" in made.stderr
    again = run("ingest", source, "-i", tmp_path / "index")
    assert "nothing new" in again.stderr
    found = run("search", "wolf pack 3", "-i", tmp_path / "index", "-k", "1", "-f", "ids")
    assert found.stdout == "3\n"
    told = json.loads(run("info", "--encoder", "-i", tmp_path / "index", "-f", "json").stdout)
    assert (told["engine"], told["endpoint"], told["key"]) == ("remote", endpoint.url, "set")
    assert told["why"] == "its name begins with openai:"
    everything = made.output + again.output + found.output + json.dumps(told)
    assert KEY not in everything
    for file in (tmp_path / "index").iterdir():
        assert KEY.encode() not in file.read_bytes()


def test_a_dry_run_counts_and_sends_nothing(tmp_path, endpoint, monkeypatch):
    """What would be embedded is counted, with its tokens and price; no document is sent and no index is made."""
    monkeypatch.setenv("EMBEDSEARCH_REMOTE_PRICE", "1000")
    source = tmp_path / "notes.csv"
    source.write_text("id,text\n1,wolf\n2,wolf\n3,sheep and wolf\n")
    shown = run("ingest", source, "--dry-run", "--encoder", "openai:hash", "-i", tmp_path / "index", "-f", "json")
    assert shown.exit_code == 0, shown.stderr
    counts = json.loads(shown.stdout)
    assert {counts[name] for name in ("updated", "unchanged")} == {0}
    assert [counts[name] for name in ("added", "passages", "embedded", "tokens", "price")] == [3, 3, 2, 5, 0.005]
    assert not (tmp_path / "index").exists()
    assert endpoint.embedded == [PROBE]  # its dimension
    run("ingest", source, "--encoder", "openai:hash", "-i", tmp_path / "index")
    source.write_text("id,text\n1,wolf\n2,wolf\n3,a sheep and a wolf\n")
    state = sorted((file.name, file.read_bytes()) for file in (tmp_path / "index").iterdir())
    shown = run("ingest", source, "--dry-run", "-i", tmp_path / "index", "-f", "json")
    counts = json.loads(shown.stdout)
    assert (counts["unchanged"], counts["updated"], counts["embedded"], counts["tokens"]) == (2, 1, 1, 6)
    assert state == sorted((file.name, file.read_bytes()) for file in (tmp_path / "index").iterdir())


def test_reindexing_tells_its_price(tmp_path, endpoint, monkeypatch):
    """Trying a remote model on an index that is there: the texts are counted before, the tokens after."""
    monkeypatch.setenv("EMBEDSEARCH_REMOTE_PRICE", "2000")
    with es.Index.create(tmp_path / "index", "openai:hash@8") as index:
        index.add([es.Document("a", "wolf and lamb"), es.Document("b", "shark", title="at sea")])
    done = run("reindex", "--encoder", "openai:hash", "-i", tmp_path / "index")
    assert done.exit_code == 0, done.stderr
    assert f"Texts go to {endpoint.url}: about 7 tokens (0.0140 at 2000 a million) where all is new." in done.stderr
    assert f"has counted {4 + 3 + 3} tokens (0.0200 at 2000 a million)." in done.stderr


def test_a_filter_tells_where_texts_are_sent(tmp_path, endpoint, monkeypatch):
    """With an index, without one and by a profile; nothing is said where no text of a source is measured."""
    monkeypatch.setenv("EMBEDSEARCH_REMOTE_PRICE", "2000")
    source, profile = tmp_path / "notes.csv", tmp_path / "near.json"
    source.write_text("id,text\n1,wolf and lamb\n2,shark\n")
    with es.Index.create(tmp_path / "index", "openai:hash@8") as index:
        index.add([es.Document("a", "wolf")])
    near = ["--where", 'near("wolf") > -1']
    sent = f"Texts go to {endpoint.url}: about 12 tokens (0.0240 at 2000 a million) where all is new."
    asked = run("filter", source, *near, "-i", tmp_path / "index")
    assert (asked.stdout, asked.exit_code) == (source.read_text(), 0)
    assert asked.stderr.splitlines()[0] == sent
    assert "has counted" in asked.stderr
    shutil.rmtree(tmp_path / "cache")
    axes = tmp_path / "axes.toml"
    axes.write_text('[size]\nlow = ["small"]\nhigh = ["large"]\n')
    given = ["--axes", axes, "--where", "size > -9", "--encoder", "openai:hash", "--save-profile", profile]
    assert run("filter", source, *given).stderr.splitlines()[0] == sent
    assert sent in run("filter", source, "--profile", profile).stderr
    for own in ([source, "--where", "id > 1", "-i", tmp_path / "index"], [*near, "-i", tmp_path / "index"]):
        assert "Texts go" not in run("filter", *own).stderr


@pytest.mark.parametrize("command", ["ingest", "reindex"])
def test_what_was_counted_before_a_failure_is_told(command, tmp_path, endpoint, monkeypatch):
    """A command that fails midway says what has been paid for until then, and then what failed."""
    monkeypatch.setenv("EMBEDSEARCH_REMOTE_PRICE", "1000")
    monkeypatch.setenv("EMBEDSEARCH_REMOTE_BATCH", "2")
    monkeypatch.setenv("EMBEDSEARCH_REMOTE_CONCURRENCY", "1")
    source = tmp_path / "notes.csv"
    source.write_text("id,text\n" + "".join(f"{number},{text}\n" for number, text in enumerate(TEXTS)))
    given = [source, "--encoder", "openai:hash"]
    if command == "reindex":
        with es.Index.create(tmp_path / "index", HashEncoder(8)) as index:
            index.add(documents())
        given = ["--encoder", "openai:hash"]
    endpoint.answering = in_turn(None, None, None, Answer(405, {"error": {"message": "no more"}}))
    failed = run(command, *given, "-i", tmp_path / "index")
    assert failed.exit_code == 2
    used = sum(len(text.split()) for text in endpoint.embedded)
    assert used > 4  # more than the probe
    counted, error = failed.stderr.splitlines()[-2:]
    assert counted.endswith(f"has counted {used} tokens ({used / 1000:.4f} at 1000 a million).")
    assert error.startswith("Error: 'hash' at ")


def test_tokens_of_files_are_told_by_what_they_hold(tmp_path):
    """Only files that are read count, each by its own script; escaped letters are letters; packed ones tell nothing."""
    (tmp_path / "picture.png").write_bytes(bytes(100_000))
    assert tokens_of([str(tmp_path)], None) == 0
    (tmp_path / "english.txt").write_text("wolf " * 100_000)
    assert tokens_of([str(tmp_path)], None) == pytest.approx(100_000, rel=0.001)
    (tmp_path / "russian.txt").write_text("волк " * 1000, "utf-8")
    assert tokens_of([str(tmp_path / "russian.txt")], None) == 3200
    line = {"id": "1", "text": "волк"}
    plain, escaped = tmp_path / "plain.jsonl", tmp_path / "escaped.jsonl"
    plain.write_text(json.dumps(line, ensure_ascii=False), "utf-8")
    escaped.write_text(json.dumps(line), "utf-8")
    assert tokens_of([str(plain)], None) == tokens_of([str(escaped)], None) == about_tokens(plain.read_text("utf-8"))
    (tmp_path / "packed.parquet").write_bytes(bytes(9))
    assert tokens_of([str(tmp_path)], None) is None
    (tmp_path / "english.txt.gz").write_bytes(gzip.compress(b"wolf " * 100_000))
    assert tokens_of([str(tmp_path / "english.txt.gz")], None) is None
    assert tokens_of(["-"], "txt") is None


def test_a_refused_key_is_one_line_and_exit_2(tmp_path, endpoint, monkeypatch):
    """No traceback, no index left half made."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    endpoint.answering = lambda request: Answer(401, {"error": {"message": f"bad {KEY}"}})
    source = tmp_path / "a.txt"
    source.write_text("wolf")
    failed = run("ingest", source, "--encoder", "openai:hash", "-i", tmp_path / "index")
    assert (failed.exit_code, failed.stdout) == (2, "")
    assert failed.stderr.startswith("Error: 'hash' at http://127.0.0.1:")
    assert KEY not in failed.output
    assert not (tmp_path / "index").exists()
