"""Tiny models of every kind that can be compiled, made for tests, and a cache of their own."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import embedsearch as es
from embedsearch.encoders import cache
from embedsearch.encoders.choosing import Wish
from embedsearch.encoders.weights import ModelFolder, packaged_folder

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
def models(tmp_path_factory):
    """Return a folder for models."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def tiny(models):
    """Return a tiny BERT model with prompts. Read only."""
    return make_model(models / "tiny", prompts={"query": "query: ", "document": "text: "})


@pytest.fixture
def shared_cache(models, monkeypatch):
    """Keep the models of these tests apart from all others."""
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(models / "cache"))


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
