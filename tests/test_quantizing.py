"""Models in eight bits: how near they stay, that they are another encoder, and what is refused."""

import numpy as np
import pytest
from conftest import ROOT, run
from tiny_models import MODES, TEXTS, cosines, load, make_model

import embedsearch as es
from embedsearch.encoders import cache, choosing, conversion, encode, preferring
from embedsearch.encoders.choosing import Wish, choose
from embedsearch.encoders.quantizing import channel_factors


@pytest.fixture(autouse=True)
def kept_cache(monkeypatch):
    """Keep compiled models between runs, apart from the user's."""
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(ROOT / ".pytest_cache" / "embedsearch"))


@pytest.fixture
def index(tmp_path):
    """Return the path of an index made in int8."""
    path, texts = tmp_path / "index", ["a wolf hunts", "a bank lends", "reeds"]
    with es.Index.create(path, es.load_encoder(precision="int8")) as made:
        made.add([es.Document(str(place), text) for place, text in enumerate(texts)])
    return path


def test_the_default_model_stays_near_in_int8():
    """Over the texts of the conversion and others the vectors are near those of f32, but are not the same."""
    ours, exact = (encode(es.load_encoder(precision=name), TEXTS) for name in ("int8", "f32"))
    found = cosines(ours, exact)
    assert 0.985 < found.min() < 0.9999
    told = es.load_encoder(precision="int8").describe()
    assert 0.98 < told["lowest cosine"] < 0.995  # .987 on a processor with AVX2 alone
    assert (told["engine"], told["precision"]) == ("openvino", "int8")
    assert told["why"].startswith("int8 was asked for")  # and more, where the processor has no instructions for it


@pytest.mark.parametrize(("kind", "mode"), MODES.items())
def test_every_kind_has_an_int8(tmp_path, kind, mode):
    """Each kind of transformer is put into eight bits and computes in them."""
    folder = make_model(tmp_path / kind, kind, mode)
    ours = load(folder, precision="int8")
    assert cosines(encode(ours, TEXTS), encode(load(folder, engine="torch", device="cpu"), TEXTS)).min() > 0.98
    assert ours.engine == "openvino int8"


def test_a_model_too_far_off_is_refused_and_torch_does_not_serve(tmp_path, monkeypatch):
    """What is asked for in int8 and cannot be had is an error: torch would give vectors of another encoder."""
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(conversion, "LEAST_INT8_COSINE", 1.1)
    encoder = load(make_model(tmp_path / "tiny"), precision="int8")
    with pytest.raises(es.EncoderError, match=r"OpenVINO cannot run .* lowest cosine .*, wanted 1\.1\. Leave --pre"):
        encoder.encode(["wolf"])
    with pytest.raises(es.EncoderError, match="torch computes in bf16 and f32"):
        choose(encoder.folder, Wish(engine="torch", precision="int8"))


def test_it_is_told_where_int8_brings_nothing(monkeypatch):
    """Without instructions for eight bits int8 is slower than f32, which `describe` says."""
    for flags, wanted in (({"avx2"}, True), ({"avx2", "avx_vnni"}, False), (set(), False)):
        monkeypatch.setattr(choosing, "_processor_flags", lambda flags=flags: frozenset(flags))
        why = es.load_encoder(precision="int8").describe()["why"]
        assert why.startswith("int8 was asked for")
        assert ("is faster in f32" in why) is wanted


def test_it_is_another_encoder(index):
    """An index in int8 is opened in int8 without being told; neither it nor one in f32 takes the other's vectors."""
    with es.open(index) as opened:
        assert opened.encoder.wish.precision == "int8"
        assert opened.search("wolves", k=1)[0].text == "a wolf hunts"
    refused = pytest.raises(es.StoreError, match=r"in int8 \(384 .*whose vectors differ. Use --precision int8,")
    with preferring(precision="f32"), es.open(index) as opened, refused:
        opened.search("wolves")


def test_an_index_in_f32_refuses_int8(tmp_path):
    """At the command line: one line, exit code 2, and the index is as it was."""
    path, phrases = tmp_path / "plain", tmp_path / "phrases.txt"
    phrases.write_text("a wolf\na sheep\n", "utf-8")
    assert run("ingest", phrases, "-i", path).exit_code == 0
    result = run("search", "a bear", "-i", path, "--precision", "int8")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "cannot be used with 'all-MiniLM-L6-v2' in int8" in result.stderr
    assert "Leave --precision int8 out" in result.stderr
    assert run("search", "a wolf", "-i", path, "-k", "1").exit_code == 0


def test_reindexing_stays_in_int8_or_leaves_it(index):
    """Other passages are embedded as the index was; a precision that is asked for makes it another encoder's."""
    es.reindex(index, chunk_words=2)
    with es.open(index) as opened:
        assert (len(opened), opened.encoder.engine) == (5, "openvino int8")
        before = opened.identity.key
    with preferring(precision="f32"):
        es.reindex(index)
    with es.open(index) as opened:
        assert opened.identity.key != before
        assert opened.identity.precision == ""
        assert opened.search("wolves", k=1)[0].text.startswith("a wolf")


def test_factors_by_hand():
    """Each channel's factor is its largest input to .65 over its largest weight to .35, with geometric mean 1."""
    found = channel_factors(np.array([16.0, 1.0, 1.0]), np.array([[1.0, -1.0, 0.5], [0.5, 0.25, -1.0]]))
    raw = np.array([16**0.65, 1.0, 1.0])
    assert np.allclose(found, raw / np.prod(raw) ** (1 / 3), rtol=1e-6)


def test_a_channel_that_held_nothing_is_not_blown_up():
    """A channel without values in the texts seen counts as a quarter of the median one."""
    weights = np.ones((2, 3))
    assert np.allclose(
        channel_factors(np.array([4.0, 4.0, 0.0]), weights), channel_factors(np.array([4.0, 4.0, 1.0]), weights)
    )
