"""Folders of models: which engine runs what lies in them, with which limit, and what is wrong with some."""

import json
import shutil

import numpy as np
import pytest
from tiny_models import TEXTS, entries, load, make_model

import embedsearch as es
from embedsearch.encoders import choosing, encode
from embedsearch.encoders.choosing import Wish, choose, pooling_mode
from embedsearch.encoders.weights import ModelFolder, packaged_folder

pytestmark = pytest.mark.usefixtures("shared_cache")


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


@pytest.mark.parametrize("half", ["bfloat16", "float16"])
def test_weights_saved_in_half_precision_compute_in_f32(models, tiny, half):
    """What is called f32 computes in it, whatever the weights were saved in; vectors have the length 1."""
    import torch
    from safetensors import torch as safetensors

    folder = shutil.copytree(tiny, models / half)
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
def test_the_limit_of_tokens_is_found_without_torch(models, tiny, noted, tokenizer, wanted):
    """The note of sentence-transformers counts, else the lower limit of tokenizer and positions."""
    from sentence_transformers import SentenceTransformer

    folder = shutil.copytree(tiny, models / f"limit-{noted}-{tokenizer}")
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": noted} if noted else {}))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": tokenizer}))
    encoder = load(folder)
    assert encoder._noted_limit == wanted == SentenceTransformer(str(folder), device="cpu").max_seq_length
    assert encoder.max_tokens == wanted - 2 - 2  # special tokens, and "query" and ":"
    assert "_original" not in encoder.__dict__


@pytest.mark.parametrize(
    ("kind", "noted", "usable"),
    [
        ("roberta", None, 139),
        ("roberta", 512, 139),
        ("xlm-roberta", 512, 139),
        ("mpnet", None, 138),
        ("bert", 512, 140),
    ],
)
def test_a_text_of_as_many_tokens_as_there_are_positions_is_read(models, kind, noted, usable):
    """Models of the RoBERTa kind number positions from behind padding (0 here, 1 in MPNet); no note goes beyond."""
    folder = make_model(models / f"long-{kind}-{noted}", kind)
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
def test_weights_that_were_cut_off_are_one_line(models, tiny, fresh_cache, engine):
    """A download that ended early cannot be loaded; that is no refusal to compile, which would be remembered."""
    folder = shutil.copytree(tiny, models / f"cut-{engine}")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    with pytest.raises(es.EncoderError, match=rf"the model in .*cut-{engine} cannot be loaded: "):
        encode(load(folder, engine=engine), ["a wolf"])
    assert not (fresh_cache / "compiled").exists() or entries(fresh_cache) == []


def test_what_torch_cannot_do_is_one_line(models, tiny):
    """A model whose tokenizer knows more tokens than it has vectors of is an error of ours, with the folder."""
    from safetensors import torch as safetensors

    folder = shutil.copytree(tiny, models / "few-words")
    weights = safetensors.load_file(folder / "model.safetensors")
    (name,) = (name for name in weights if name.endswith("word_embeddings.weight"))
    safetensors.save_file(weights | {name: weights[name][:1000].clone()}, folder / "model.safetensors")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | {"vocab_size": 1000}))
    with pytest.raises(es.EncoderError, match=r"the model in .*few-words failed: index out of range"):
        encode(load(folder, engine="torch", device="cpu"), ["a wolf"])


def test_vectors_of_joined_poolings_and_cut_ones_have_their_length(models, tiny):
    """Several poolings stand one behind the other, and a model may keep the first dimensions alone; torch runs both."""
    joined, cut = (shutil.copytree(tiny, models / name) for name in ("joined", "cut"))
    (joined / "1_Pooling" / "config.json").write_text('{"embedding_dimension": 32, "pooling_mode": ["cls", "mean"]}')
    settings = json.loads((cut / "config_sentence_transformers.json").read_text())
    (cut / "config_sentence_transformers.json").write_text(json.dumps(settings | {"truncate_dim": 16}))
    for folder, dimension in ((joined, 64), (cut, 16)):
        encoder = load(folder)
        assert encoder.dimension == dimension
        assert "_original" not in encoder.__dict__
        assert encode(encoder, TEXTS[:2]).shape == (2, dimension)
        assert encoder.engine.startswith("torch")


def test_a_model_of_word_vectors_has_no_limit(models):
    """A static embedding reads texts of any length."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    words = StaticEmbedding(Tokenizer.from_file(str(packaged_folder() / "tokenizer.json")), embedding_dim=8)
    SentenceTransformer(modules=[words], device="cpu").save(str(models / "static"), create_model_card=False)
    encoder = load(models / "static")
    assert (encoder.dimension, encoder.max_tokens) == (8, None)
    assert encode(encoder, ["wolf", "sea " * 500]).shape == (2, 8)
