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

import embedsearch as es
from embedsearch.encoders import cache, choosing, compiled, conversion, describe, encode, preferring
from embedsearch.encoders.choosing import Wish, choose, compiled_folder, held, pooling_mode
from embedsearch.encoders.graphs import linear_products, quicken
from embedsearch.encoders.weights import ModelFolder, packaged_folder
from embedsearch.testing import HashEncoder, check_encoder

TEXTS = ["a wolf", "Sheep graze.", "", "  LOAN sharks\tcharge 340 %  ", "狼 🐺", "the pike lies in wait " * 30, "?"]
MODES = {"bert": "mean", "roberta": "cls", "xlm-roberta": "max", "mpnet": "mean", "distilbert": "mean"}


def make_model(folder: Path, kind: str = "bert", mode: str = "mean", *, seed: int = 0, prompts=None) -> Path:
    """Write a tiny sentence-transformers model with random weights and the packaged model's tokenizer."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import CONFIG_MAPPING, AutoModel, PreTrainedTokenizerFast

    torch.manual_seed(seed)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    if kind == "distilbert":
        sizes = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}
    settings = CONFIG_MAPPING[kind](vocab_size=30522, max_position_embeddings=140, pad_token_id=0, **sizes)
    bare = folder.with_name(f"{folder.name}-bare")
    AutoModel.from_config(settings).save_pretrained(bare)
    source = packaged_folder() / "tokenizer.json"
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if kind == "bert" else [])]
    PreTrainedTokenizerFast(tokenizer_file=str(source), model_input_names=names, **special).save_pretrained(bare)
    transformer = Transformer(str(bare), max_seq_length=64)
    made = SentenceTransformer(modules=[transformer, Pooling(32, mode)], device="cpu", prompts=prompts)
    made.save(str(folder), create_model_card=False)
    shutil.rmtree(bare)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder for models."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def tiny(made):
    """Return a tiny BERT model with prompts. Read only."""
    return make_model(made / "tiny", prompts={"query": "query: ", "document": "text: "})


@pytest.fixture(autouse=True)
def shared_cache(made, monkeypatch):
    """Keep the models of these tests apart from all others."""
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(made / "cache"))


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch, shared_cache):
    """Keep the models of one test apart."""
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def load(folder: Path, **wish: str) -> es.SentenceEncoder:
    """Return an encoder that shares nothing with others of this process."""
    return es.SentenceEncoder(folder.name, ModelFolder(folder, "folder"), Wish(**wish))


def cosines(first, second):
    """Return the cosine of each row of one array with the same row of the other."""
    return np.einsum("ij,ij->i", np.float64(first), np.float64(second))


def entries(folder: Path) -> list[Path]:
    """Return the compiled models in a cache."""
    return [path for path in (folder / "compiled").iterdir() if path.is_dir()]


@pytest.mark.parametrize(("kind", "mode"), MODES.items())
def test_every_kind_gives_the_vectors_of_sentence_transformers(made, fresh_cache, monkeypatch, kind, mode):
    """Each kind of transformer, with each pooling, is compiled and agrees with torch to cosine .9999.

    All norms before layers are folded in its graph, and the keys of both layers lie in rows.
    """
    seen = []

    def watched(graph) -> None:
        quicken(graph)
        seen.append(graph)

    monkeypatch.setattr(conversion, "quicken", watched)
    folder = make_model(made / kind, kind, mode)
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
    """Where the cache cannot be written torch serves, one note says so; asked for by name, it is an error."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "file" / "below"))
    encoder = load(tiny)
    assert encode(encoder, ["wolf"]).shape == (1, 32)
    assert encoder.engine == "torch f32"
    assert [record.message for record in caplog.records if "cannot be written" in record.message] != []
    with pytest.raises(es.EncoderError, match="set EMBEDSEARCH_CACHE_DIR to a folder"):
        encode(load(tiny, engine="openvino"), ["wolf"])


def test_a_read_only_cache_that_holds_the_model_is_used(tiny, monkeypatch):
    """What the cache holds is used without writing to it."""
    encode(load(tiny), ["wolf"])
    monkeypatch.setattr(choosing, "make_once", None)
    assert load(tiny).engine.startswith("openvino")


def test_changed_weights_are_compiled_anew(made, fresh_cache):
    """Other weights in the same folder are another model; the old compiled one is not used for them."""
    folder = make_model(made / "changing", seed=1)
    before = encode(load(folder), ["wolf"])
    shutil.rmtree(folder)
    make_model(folder, seed=2)
    after = load(folder)
    assert cosines(before, encode(after, ["wolf"])) < 0.99
    assert cosines(encode(load(folder, engine="torch", device="cpu"), ["wolf"]), encode(after, ["wolf"])) > 0.9999
    assert len(entries(fresh_cache)) == 2


def test_changed_settings_are_compiled_anew(made, tiny):
    """The same weights with another limit of tokens are another compiled model."""
    folder = shutil.copytree(tiny, made / "shorter")
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
def entry(made, tiny, fresh_cache):
    """Return a compiled model of `tiny` in a cache of its own."""
    with pytest.MonkeyPatch.context() as shared:
        shared.setenv(cache.CACHE_VARIABLE, str(made / "cache"))
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


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("modules.json", [{"type": "sentence_transformers.models.StaticEmbedding"}], "its modules are StaticEmbedding"),
        ("config.json", {"model_type": "t5"}, "its type is 't5'"),
        ("1_Pooling/config.json", {"pooling_mode_lasttoken": True}, "its pooling is lasttoken"),
        ("1_Pooling/config.json", {"pooling_mode": "mean", "include_prompt": False}, "leaves the prompt out"),
    ],
)
def test_other_models_stay_with_torch(tmp_path, file, content, why):
    """What is beyond transformer, pooling and normalisation of known kinds goes through torch, and says why."""
    source = packaged_folder()
    folder = tmp_path / "model"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "model.safetensors").symlink_to(source / "model.safetensors")
    (folder / file).write_text(json.dumps(content))
    choice = choose(ModelFolder(folder, "folder"), Wish())
    assert choice.engine == "torch"
    assert why in choice.why
    with pytest.raises(es.EncoderError, match="OpenVINO cannot run"):
        es.load_encoder(str(folder), engine="openvino")


def test_the_choice_follows_the_machine(tiny, monkeypatch):
    """Another device, a GPU or a missing package mean torch; the precision follows the processor."""
    folder = ModelFolder(tiny, "folder")
    monkeypatch.setattr(choosing, "_processor_flags", lambda: frozenset({"avx512_bf16"}))
    assert str(choose(folder, Wish())) == "openvino bf16"
    assert str(choose(folder, Wish(precision="f32"))) == "openvino f32"
    monkeypatch.setattr(choosing, "_processor_flags", frozenset)
    assert str(choose(folder, Wish())) == "openvino f32"
    assert choose(folder, Wish(precision="bf16")).why == "this processor has no instructions for bf16"
    assert choose(folder, Wish(device="cuda")).why == "the device cuda was asked for"
    monkeypatch.setattr(choosing, "_accelerator", lambda: "a GPU (CUDA)")
    assert choose(folder, Wish()).why == "this machine has a GPU (CUDA)"
    assert choose(folder, Wish(device="cpu")).engine == "openvino"
    monkeypatch.setattr(choosing.importlib.util, "find_spec", lambda _: None)
    assert "embedsearch[fast]" in choose(folder, Wish(device="cpu")).why


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        ({"pooling_mode": "cls"}, "cls"),
        ({"pooling_mode": ["mean", "max"]}, "mean+max"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": True}, "max+mean"),
        ({}, "mean"),
    ],
)
def test_pooling_modes_are_read_in_both_forms(config, mode):
    """The older and the newer form of the pooling configuration give the same names."""
    assert pooling_mode(config) == mode


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


@pytest.mark.parametrize("half", ["bfloat16", "float16"])
def test_weights_saved_in_half_precision_compute_in_f32(made, tiny, half):
    """What is called f32 computes in it, whatever the weights were saved in; vectors have the length 1."""
    import torch
    from safetensors import torch as safetensors

    folder = shutil.copytree(tiny, made / half)
    weights = safetensors.load_file(folder / "model.safetensors")
    halved = {name: part.to(getattr(torch, half)) for name, part in weights.items()}
    vectors = []
    for dtype in (half, "float32"):
        as_saved = {name: part.to(getattr(torch, dtype)) for name, part in halved.items()}
        safetensors.save_file(as_saved, folder / "model.safetensors", metadata={"format": "pt"})
        settings = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(settings | {"dtype": dtype}))
        vectors.append(load(folder, engine="torch", device="cpu", precision="f32").encode(TEXTS))
    assert np.allclose(*vectors, atol=1e-6)
    assert np.allclose(np.linalg.norm(vectors[0], axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("noted", "tokenizer", "wanted"), [(64, 32, 64), (None, 32, 32), (None, 10**30, 140)])
def test_the_limit_of_tokens_is_found_without_torch(made, tiny, noted, tokenizer, wanted):
    """The note of sentence-transformers counts, else the lower limit of tokenizer and positions."""
    from sentence_transformers import SentenceTransformer

    folder = shutil.copytree(tiny, made / f"limit-{noted}-{tokenizer}")
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": noted} if noted else {}))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": tokenizer}))
    encoder = load(folder)
    assert encoder._noted_limit == wanted == SentenceTransformer(str(folder), device="cpu").max_seq_length
    assert encoder.max_tokens == wanted - 2 - 2  # special tokens, and "query" and ":"
    assert "_original" not in encoder.__dict__


@pytest.mark.parametrize(("kind", "usable"), [("roberta", 139), ("xlm-roberta", 139), ("mpnet", 138), ("bert", 140)])
@pytest.mark.parametrize("noted", [None, 512])
def test_a_text_of_as_many_tokens_as_there_are_positions_is_read(made, kind, usable, noted):
    """Models of the RoBERTa kind number positions from behind padding (0 here, 1 in MPNet); no note goes beyond."""
    folder = make_model(made / f"long-{kind}-{noted}", kind)
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": noted} if noted else {}))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": 10**30}))
    for engine in ("torch", "openvino"):
        encoder = load(folder, engine=engine, device="cpu")
        assert encoder.max_tokens == usable - 2
        assert "_original" not in encoder.__dict__
        full = "sea " * (usable - 3)
        wolf, lamb, cut, also_cut = encode(
            encoder, [f"{full}wolf", f"{full}lamb", f"{full}sea wolf", f"{full}sea lamb"]
        )
        assert not np.allclose(wolf, lamb, atol=1e-5)
        assert np.allclose(cut, also_cut, atol=1e-5)


def test_a_model_is_loaded_once(tiny):
    """What has loaded the model to know its dimension or limit computes with it, where that is the device to use."""
    from sentence_transformers.util import get_device_name

    encoder = load(tiny, engine="torch")
    assert encoder.engine == "torch f32"
    assert (encoder._engine[1] is encoder._original) == (get_device_name() == "cpu")


@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_weights_that_were_cut_off_are_one_line(made, tiny, fresh_cache, engine):
    """A download that ended early cannot be loaded; that is no refusal to compile, which would be remembered."""
    folder = shutil.copytree(tiny, made / f"cut-{engine}")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    with pytest.raises(es.EncoderError, match=rf"the model in .*cut-{engine} cannot be loaded: "):
        encode(load(folder, engine=engine), ["a wolf"])
    assert not (fresh_cache / "compiled").exists() or entries(fresh_cache) == []


def test_what_torch_cannot_do_is_one_line(made, tiny):
    """A model whose tokenizer knows more tokens than it has vectors of is an error of ours, with the folder."""
    from safetensors import torch as safetensors

    folder = shutil.copytree(tiny, made / "few-words")
    weights = safetensors.load_file(folder / "model.safetensors")
    (name,) = (name for name in weights if name.endswith("word_embeddings.weight"))
    safetensors.save_file(weights | {name: weights[name][:1000].clone()}, folder / "model.safetensors")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | {"vocab_size": 1000}))
    with pytest.raises(es.EncoderError, match=r"the model in .*few-words failed: index out of range"):
        encode(load(folder, engine="torch", device="cpu"), ["a wolf"])


def test_vectors_of_joined_poolings_and_cut_ones_have_their_length(made, tiny):
    """Several poolings stand one behind the other, and a model may keep the first dimensions alone; torch runs both."""
    joined, cut = (shutil.copytree(tiny, made / name) for name in ("joined", "cut"))
    (joined / "1_Pooling" / "config.json").write_text('{"embedding_dimension": 32, "pooling_mode": ["cls", "mean"]}')
    settings = json.loads((cut / "config_sentence_transformers.json").read_text())
    (cut / "config_sentence_transformers.json").write_text(json.dumps(settings | {"truncate_dim": 16}))
    for folder, dimension in ((joined, 64), (cut, 16)):
        encoder = load(folder)
        assert encoder.dimension == dimension
        assert "_original" not in encoder.__dict__
        assert encode(encoder, TEXTS[:2]).shape == (2, dimension)
        assert encoder.engine.startswith("torch")


def test_a_model_of_word_vectors_has_no_limit(made):
    """A static embedding reads texts of any length."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    words = StaticEmbedding(Tokenizer.from_file(str(packaged_folder() / "tokenizer.json")), embedding_dim=8)
    SentenceTransformer(modules=[words], device="cpu").save(str(made / "static"), create_model_card=False)
    encoder = load(made / "static")
    assert (encoder.dimension, encoder.max_tokens) == (8, None)
    assert encode(encoder, ["wolf", "sea " * 500]).shape == (2, 8)
