"""Compiled models, on tiny models of every kind made here; torch as sentence-transformers runs it is the oracle."""

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, run
from processes import python
from tiny_models import MODES, TEXTS, cosines, entries, load, make_model

import embedsearch as es
from embedsearch.encoders import cache, choosing, compiled, conversion, describe, encode, preferring
from embedsearch.encoders.choosing import Wish, choose, compiled_folder, held
from embedsearch.encoders.graphs import linear_products, quicken
from embedsearch.encoders.weights import ModelFolder
from embedsearch.testing import HashEncoder, check_encoder

pytestmark = pytest.mark.usefixtures("shared_cache")


@pytest.mark.parametrize(("kind", "mode"), MODES.items())
def test_every_kind_gives_the_vectors_of_sentence_transformers(models, fresh_cache, monkeypatch, kind, mode):
    """Each kind of transformer, with each pooling, is compiled and agrees with torch to cosine .9999.

    All norms before layers are folded in its graph, and the keys of both layers lie in rows.
    """
    seen = []

    def watched(graph) -> None:
        quicken(graph)
        seen.append(graph)

    monkeypatch.setattr(conversion, "quicken", watched)
    folder = make_model(models / kind, kind, mode)
    ours = load(folder)
    vectors = encode(ours, TEXTS)
    (graph,) = seen
    folded = [product for product in linear_products(graph)
              if product.input_value(0).get_node().get_type_name() == "MVN"]  # fmt: skip
    assert len(folded) == 8  # in both layers the query, the key, the value, and what widens
    turned = [node for node in graph.get_ordered_ops() if node.get_type_name() == "MatMul"
              and node.get_attributes()["transpose_b"] and node not in linear_products(graph)]  # fmt: skip
    assert len(turned) == 2
    assert ours.engine.startswith("openvino")
    assert cosines(vectors, encode(load(folder, engine="torch", device="cpu"), TEXTS)).min() > 0.9999
    check_encoder(ours)


def test_the_default_model_agrees_and_needs_no_torch(monkeypatch):
    """The packaged model is compiled once; a later process gives the same vectors without importing torch."""
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(ROOT / ".pytest_cache" / "embedsearch"))
    texts = [*TEXTS[:2], *TEXTS[3:], "wolf " * 300]
    ours = encode(es.load_encoder(), texts)
    assert cosines(ours, encode(es.load_encoder(engine="torch", device="cpu"), texts)).min() > 0.9999
    code = (
        "import sys, json, embedsearch as es\nencoder = es.load_encoder()\n"
        f"print(json.dumps([encoder.encode({texts!r}).tolist(), encoder.engine, 'torch' in sys.modules,"
        " 'huggingface_hub' in sys.modules]))"
    )
    vectors, engine, torch, hub = json.loads(python(code))
    assert np.allclose(vectors, ours, atol=1e-3)
    assert engine.startswith("openvino")
    assert (torch, hub) == (False, False)


def test_f32_is_the_same_to_the_sixth_digit(tiny):
    """In f32 the compiled model and torch differ by rounding alone, for documents and for queries."""
    ours, torch = load(tiny, precision="f32"), load(tiny, engine="torch", device="cpu")
    for queries in (False, True):
        assert np.allclose(encode(ours, TEXTS, queries=queries), encode(torch, TEXTS, queries=queries), atol=1e-5)
    assert not np.allclose(encode(ours, ["wolf"]), encode(ours, ["wolf"], queries=True), atol=1e-3)
    assert ours.engine == "openvino f32"


def test_torch_in_bf16_is_the_same_model(tiny):
    """Torch computes in bf16 where that is asked for, with vectors that differ, but not in direction."""
    half, full = (load(tiny, engine="torch", device="cpu", precision=name) for name in ("bf16", "f32"))
    assert half.engine == "torch bf16"
    assert 0.999 < cosines(encode(half, TEXTS), encode(full, TEXTS)).min() < 0.9999999


def test_rows_stand_in_the_order_of_the_texts(tiny, monkeypatch):
    """However texts are divided into windows and batches, each vector stands where its text stood."""
    encoder = load(tiny)
    texts = [f"{'wolf ' * (place * 7 % 40)}{place}" for place in range(200)]
    whole = encode(encoder, texts)
    monkeypatch.setattr(compiled, "_WINDOW", 16)
    monkeypatch.setattr(compiled, "_BATCH_TOKENS", 100)
    assert cosines(encode(encoder, texts), whole).min() > 0.9999
    nearest = (encode(encoder, texts[::10]) @ whole.T).argmax(axis=1)
    assert nearest.tolist() == list(range(0, 200, 10))


def test_nothing_is_reported_over_the_network(tiny, fresh_cache, tmp_path):
    """Converting and encoding open no connection and leave nothing at home, as OpenVINO's telemetry would."""
    code = (
        "import sys, embedsearch as es\n"
        "def refuse(event, _):\n"
        "    assert event not in ('socket.connect', 'socket.getaddrinfo'), event\n"
        "sys.addaudithook(refuse)\n"
        f"encoder = es.load_encoder({str(tiny)!r}); encoder.encode(['wolf'])\n"
        "print(encoder.engine, 'openvino_telemetry' in sys.modules)"
    )
    home = tmp_path / "home"
    home.mkdir()
    done = python(code, HOME=str(home), USERPROFILE=str(home))
    assert done.split()[::2] == ["openvino", "False"]
    assert [path.name for path in home.iterdir() if path.name == "intel"] == []


def test_a_model_that_disagrees_is_refused_once(tiny, monkeypatch, caplog, fresh_cache):
    """Below the cosine that is wanted torch serves, with a note; the next start does not try again."""
    monkeypatch.setattr(conversion, "LEAST_COSINE", 1.1)
    encoder = load(tiny, precision="f32")
    assert encoder.engine == "torch f32"
    assert "its vectors differ from those of sentence-transformers: lowest cosine" in caplog.text
    assert [sorted(path.name for path in entry.iterdir()) for entry in entries(fresh_cache)] == [["manifest.json"]]
    monkeypatch.setattr(conversion, "convert", None)
    assert load(tiny, precision="f32").engine == "torch f32"
    with pytest.raises(es.EncoderError, match=r"OpenVINO cannot run the model .* lowest cosine"):
        choose(encoder.folder, Wish(engine="openvino", precision="f32"))


def test_what_fails_for_the_moment_is_tried_again(tiny, monkeypatch, caplog, fresh_cache):
    """Too little memory once is no reason to be slow for ever: the next start compiles, and says so."""

    def fail(*_arguments, **_options):
        raise RuntimeError("no memory\nat all")

    with monkeypatch.context() as failing:
        failing.setattr(conversion, "_compiled", fail)
        encoder = load(tiny, precision="f32")
        assert encoder.engine == "torch f32"
    assert "it could not be compiled: RuntimeError: no memory; torch is used" in caplog.text
    (entry,) = entries(fresh_cache)
    assert held(entry)["compiled"].endswith("a first failure: it could not be compiled: RuntimeError: no memory")
    caplog.clear()
    assert load(tiny, precision="f32").engine == "openvino f32"
    assert "once…" in caplog.text
    assert load(tiny, precision="f32").engine == "openvino f32"


def test_what_fails_at_each_start_is_tried_three_times_and_then_once_a_day(tiny, monkeypatch, fresh_cache):
    """A model that cannot be traced costs that long three times."""
    tried = []

    def fail(*_arguments, **_options):
        tried.append(1)
        raise TypeError("cannot be traced")

    monkeypatch.setattr(conversion, "_compiled", fail)
    for _ in range(5):
        assert load(tiny, precision="f32").engine == "torch f32"
    assert len(tried) == 3 * 2  # with the changed graph, and with the graph as it is
    (entry,) = entries(fresh_cache)
    yesterday = time.time() - 1.1 * cache.DAY
    os.utime(entry, (yesterday, yesterday))
    for _ in range(2):
        assert load(tiny, precision="f32").engine == "torch f32"
    assert len(tried) == 4 * 2


def test_a_compiled_model_that_cannot_be_loaded_stays_where_another_cannot_be_made(tiny, monkeypatch, caplog, entry):
    """A process with too little memory leaves the others what they have."""

    def fail(*_arguments, **_options):
        raise RuntimeError("no memory")

    before = {file.name: file.read_bytes() for file in entry.iterdir()}
    with monkeypatch.context() as failing:
        failing.setattr(conversion, "_compiled", fail)
        failing.setattr(compiled.CompiledModel, "encode", fail)
        assert load(tiny).engine.startswith("torch")
    assert "it is made again" in caplog.text
    assert {file.name: file.read_bytes() for file in entry.iterdir()} == before
    assert load(tiny).engine.startswith("openvino")


def test_a_cache_that_cannot_be_written_costs_a_note(tiny, monkeypatch, caplog, tmp_path):
    """Where the cache cannot be written torch serves, and one note alone says so; asked for by name, it is an error."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "file" / "below"))
    encoder = load(tiny)
    assert encode(encoder, ["wolf"]).shape == (1, 32)
    assert encoder.engine == "torch f32"
    (told,) = (record.message for record in caplog.records)
    assert "so no compiled model can be kept there; set EMBEDSEARCH_CACHE_DIR" in told
    assert told.endswith("; torch is used")
    with pytest.raises(es.EncoderError, match="set EMBEDSEARCH_CACHE_DIR to a folder"):
        encode(load(tiny, engine="openvino"), ["wolf"])


def test_a_read_only_cache_that_holds_the_model_is_used(tiny, monkeypatch):
    """What the cache holds is used without writing to it."""
    encode(load(tiny), ["wolf"])
    monkeypatch.setattr(choosing, "make_once", None)
    assert load(tiny).engine.startswith("openvino")


def test_changed_weights_are_compiled_anew(models, fresh_cache):
    """Other weights in the same folder are another model; the old compiled one is not used for them."""
    folder = make_model(models / "changing", seed=1)
    before = encode(load(folder), ["wolf"])
    shutil.rmtree(folder)
    make_model(folder, seed=2)
    after = load(folder)
    assert cosines(before, encode(after, ["wolf"])) < 0.99
    assert cosines(encode(load(folder, engine="torch", device="cpu"), ["wolf"]), encode(after, ["wolf"])) > 0.9999
    assert len(entries(fresh_cache)) == 2


def test_changed_settings_are_compiled_anew(models, tiny):
    """The same weights with another limit of tokens are another compiled model."""
    folder = shutil.copytree(tiny, models / "shorter")
    before = compiled_folder(ModelFolder(folder, "folder"), "f32")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 8}')
    assert compiled_folder(ModelFolder(folder, "folder"), "f32") != before


def damage_entry(entry: Path, damage: str) -> None:
    """Damage a compiled model as a full disk, a flipped bit or a cleaner of caches does."""
    blob = entry / "model.blob"
    content = bytearray(blob.read_bytes())
    middle = len(content) // 2
    match damage:
        case "short":
            blob.write_bytes(content[:middle])
        case "flipped":
            blob.write_bytes(content[:middle] + b"\x55" * (len(content) - middle))
        case "gone":
            blob.unlink()
        case "one byte":  # of a weight that the probe does not use
            content[len(content) // 4] ^= 64
            blob.write_bytes(content)
        case "tokenizer":
            (entry / "tokenizer.json").write_text("{")
        case "no tokenizer":
            (entry / "tokenizer.json").unlink()
        case "manifest":
            (entry / "manifest.json").write_text("{}")


@pytest.fixture
def entry(models, tiny, fresh_cache):
    """Return a compiled model of `tiny` in a cache of its own."""
    with pytest.MonkeyPatch.context() as shared:
        shared.setenv(cache.CACHE_VARIABLE, str(models / "cache"))
        encoder = load(tiny)
        encode(encoder, ["wolf"])
        whole = compiled_folder(encoder.folder, encoder.engine.split()[1])
    return shutil.copytree(whole, fresh_cache / "compiled" / whole.name)


@pytest.mark.parametrize("damage", ["short", "flipped", "gone", "one byte", "tokenizer", "no tokenizer", "manifest"])
def test_a_damaged_compiled_model_is_found_out(entry, damage):
    """One that was cut off, overwritten or lost is an error of the kind that has it made again."""
    compiled.CompiledModel(entry).check()
    damage_entry(entry, damage)
    with pytest.raises((es.EncoderError, OSError)):
        compiled.CompiledModel(entry).check()


@pytest.mark.parametrize("damage", ["flipped", "manifest"])
def test_a_damaged_compiled_model_is_made_again(tiny, caplog, entry, damage):
    """It is replaced, also where what would tell that it was refused cannot be read, and gives the right vectors."""
    damage_entry(entry, damage)
    again = load(tiny)
    wanted = encode(load(tiny, engine="torch", device="cpu"), TEXTS)
    assert cosines(encode(again, TEXTS), wanted).min() > 0.9999
    assert again.engine.startswith("openvino")
    assert "it is made again" in caplog.text
    compiled.CompiledModel(entry).check()


def test_two_at_once_and_one_killed(tiny, fresh_cache):
    """Of two processes that convert at once one waits; if the other is killed midway it converts by itself."""
    code = f"import embedsearch as es; print(es.load_encoder({str(tiny)!r}).encode(['wolf']).tolist())"
    command = [sys.executable, "-c", code]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) for _ in range(2)]
    until = time.monotonic() + 120
    while not list((fresh_cache / "compiled").glob("*.part")) and time.monotonic() < until:
        time.sleep(0.01)
    both[0].kill()
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert both[0].returncode != 0
    wanted = encode(load(tiny, engine="torch", device="cpu"), ["wolf"])
    assert cosines(json.loads(outputs[1]), wanted) > 0.9999
    assert len(entries(fresh_cache)) == 1
    assert list((fresh_cache / "compiled").glob("*.part")) == []


def test_make_once_is_whole_or_not_at_all(tmp_path):
    """A maker that fails leaves nothing, and what a killed one left behind is cleared by the next."""
    folder = tmp_path / "new" / "entry"

    def fail(part: Path) -> None:
        (part / "half").write_text("")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        cache.make_once(folder, fail)
    assert [path.name for path in folder.parent.iterdir()] == ["entry.lock"]
    (folder.parent / "entry.killed.part").mkdir()
    cache.make_once(folder, lambda part: (part / "whole").touch())
    cache.make_once(folder, fail)  # it is there: nothing is made
    assert sorted(path.name for path in folder.parent.iterdir()) == ["entry", "entry.lock"]
    cache.discard(folder)
    assert not folder.exists()


def test_digests_are_remembered_while_a_file_stays(tmp_path, fresh_cache):
    """The hash of a file is read from the cache until the file changes; a damaged note is no obstacle."""
    import hashlib

    file = tmp_path / "weights"

    def write(content: bytes) -> str:
        file.write_bytes(content)
        return hashlib.sha256(content).hexdigest()

    def asked() -> str:
        return cache.digest((cache.stamp(file),))

    first = write(b"one")
    assert asked() == first
    assert not (fresh_cache / "digests").exists()  # it has just changed, and may again within one tick
    monkey = cache._SETTLED_NS
    cache._SETTLED_NS = -1
    try:
        assert asked() == first
        note = next((fresh_cache / "digests").iterdir())
        note.write_text(note.read_text().replace(first, "0" * 64))
        assert asked() == "0" * 64  # so the note was read
        assert asked() != write(b"two")[::-1]
        assert asked() == hashlib.sha256(b"two").hexdigest()
        note.write_text("{")
        assert asked() == hashlib.sha256(b"two").hexdigest()
    finally:
        cache._SETTLED_NS = monkey


def test_engine_and_precision_are_named_rightly():
    """An engine or a precision that does not exist is refused with what there is."""
    with pytest.raises(es.EncoderError, match=r"no engine 'opnvino'. Did you mean 'openvino'"):
        es.load_encoder(engine="opnvino")
    with pytest.raises(es.EncoderError, match=r"no precision 'double'. There are: bf16, f32, int8"):
        es.load_encoder(precision="double")


def test_preferences_hold_within_their_block(tiny):
    """What is preferred holds for encoders loaded within the block, and no longer."""
    with preferring(engine="torch", device="cpu"), preferring(precision="bf16"):
        assert es.load_encoder(str(tiny)).wish == Wish("torch", "bf16", "cpu")
        assert es.load_encoder(str(tiny), precision="f32").wish == Wish("torch", "f32", "cpu")
    assert es.load_encoder(str(tiny)).wish == Wish()


def test_engines_share_an_index_which_remembers_them(tiny, tmp_path):
    """Both engines are the same encoder to an index; it remembers which computed how many vectors."""
    path = tmp_path / "index"
    with preferring(engine="torch", device="cpu"), es.Index.create(path, str(tiny)) as index:
        index.add([es.Document("one", "a wolf"), es.Document("two", "a sheep")])
    with preferring(precision="f32"), es.open(path) as index:
        index.add([es.Document("three", "a spider"), es.Document("four", "a wolf")])
        assert index.info()["engines"] == {"torch f32": 2, "openvino f32": 1}


def test_info_says_what_runs_the_encoder(index, predation):
    """`info --encoder` names the engine, its precision and the reason, and loads nothing for it."""
    told = json.loads(run("info", "--encoder", "--engine", "torch", "-i", predation, "-f", "json").stdout)
    assert (told["engine"], told["precision"], told["why"]) == ("torch", "f32", "torch was asked for")
    told = json.loads(run("info", "--encoder", "--device", "cpu", "-i", predation, "-f", "json").stdout)
    assert told["engine"] == "openvino"
    wrong = run("search", "a wolf in winter", "--engine", "openvino", "--device", "cuda", "-i", predation)
    assert wrong.exit_code == 2
    assert "the device cuda was asked for" in wrong.stderr
    assert describe(HashEncoder(3)) == {"encoder": "hash", "dimension": 3}


def test_the_cache_lies_where_the_platform_keeps_caches(monkeypatch):
    """The variable of ours goes before that of the desktop, which goes before the home folder."""
    assert os.environ[cache.CACHE_VARIABLE] == str(cache.cache_folder())
    monkeypatch.delenv(cache.CACHE_VARIABLE)
    monkeypatch.setattr(cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache.cache_folder() == Path("/x/embedsearch")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_folder() == Path.home() / ".cache" / "embedsearch"


@pytest.fixture(autouse=True)
def notes(caplog):
    """Catch the notes of the package."""
    caplog.set_level(logging.INFO, logger="embedsearch")
