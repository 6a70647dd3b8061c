"""Documents in letters that an encoder does not know: told once, and never of English."""

# ruff: noqa: RUF001 - other letters than Latin ones are what this is about

import logging
import re

import pytest
from conftest import CORPUS
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import BPE

import embedsearch as es
from embedsearch.encoders.letters import sample, unknown_share
from embedsearch.testing import HashEncoder

FOREIGN = {
    "ru": "Волк охотится ночью в стае, а овцы пасутся на лугу возле деревни.",
    "el": "Ο λύκος κυνηγά τη νύχτα σε αγέλη και τα πρόβατα βόσκουν στο λιβάδι.",
    "ar": "الذئب يصطاد في الليل مع القطيع والخراف ترعى في المرج قرب القرية.",
    "he": "הזאב צד בלילה בלהקה והכבשים רועות באחו ליד הכפר.",
    "ja": "オオカミは夜に群れで狩りをし、羊は村の近くの草原で草を食べています。",
    "zh": "狼在夜间成群狩猎，羊在村庄附近的草地上吃草。",
    "ko": "늑대는 밤에 무리를 지어 사냥하고 양은 마을 근처의 초원에서 풀을 뜯는다.",
    "hi": "भेड़िया रात में झुंड में शिकार करता है और भेड़ें गाँव के पास चरती हैं।",
    "th": "หมาป่าล่าเหยื่อในเวลากลางคืนเป็นฝูง และแกะกินหญ้าในทุ่งหญ้าใกล้หมู่บ้าน",
    "am": "ተኩላ በሌሊት በመንጋ ያድናል።",
}
FAMILIAR = [
    "The wolf hunts at night.",
    "Łódź, Dvořák, Þórr, Nguyễn Thị Định and Øresund are names; so is Đặng.",
    "Con sói săn mồi vào ban đêm theo bầy đàn.",
    "∮ E·da = Q, n → ∞, ∑ f(i) = ∏ g(i), ∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β = ¬(¬α ∨ β)",
    "𝒜 ⊂ ℬ and 𝔘𝔫𝔦𝔠𝔬𝔡𝔢, ʍoʃɪŋ ðə ˈwʊlf",
    "🐺🐑🕷️🦈 🐺🐑🕷️🦈",
    "β",
    "The angle α between μ and ψ is Δφ.",
    "The Russian for wolf is волк, and a title is Волк охотится ночью в стае, а овцы пасутся на лугу возле деревни; "
    "in English: the wolf hunts at night in its pack, and the sheep graze on the meadow beside the village, unaware.",
    "1234 5678 90.12 % ½ ² №",
    "",
]


@pytest.fixture(scope="module")
def minilm():
    """Return the default encoder, of which no more than the vocabulary is loaded."""
    return es.load_encoder("all-MiniLM-L6-v2")


@pytest.mark.parametrize("language", FOREIGN)
def test_letters_that_the_default_encoder_does_not_know(minilm, language):
    """They come to it one by one, in pieces, or not at all."""
    part = sample(FOREIGN[language])
    assert part
    assert minilm.is_unknown(part)


@pytest.mark.parametrize("text", FAMILIAR)
def test_what_has_latin_letters_is_not_looked_at(text):
    """Nor names, formulas, emoji, phonetics, quotations in English, and a letter alone."""
    assert sample(text) == ""


def test_the_shipped_corpus_is_familiar():
    """Every document of it."""
    assert [one.id for one in es.read(CORPUS) if sample(one.text)] == []


class Encoded:
    """Tokens that are given as the pieces of a text."""

    def __init__(self, *pieces):
        self.tokens, self.offsets, end = [], [], 0
        for piece in pieces:
            token, length = piece if isinstance(piece, tuple) else (piece, len(piece))
            self.tokens.append(token)
            self.offsets.append((end, end + length) if length else self.offsets[-1])
            end += length


@pytest.mark.parametrize(
    ("text", "pieces", "share"),
    [
        ("волк", ["во", "лк"], 0.0),
        ("волк", ["в", "олк"], 0.25),
        ("волк", [("[UNK]", 4)], 1.0),
        ("狼在", ["狼", ("[UNK]", 1)], 0.5),  # a letter that is a word
        ("늑대", ["늑", "대", ("ᅢ", 0)], 0.5),  # a syllable in two pieces
        ("в лес", ["в", " ", "лес"], 0.25),
    ],
)
def test_shares_by_hand(text, pieces, share):
    """A letter is known within a longer piece, or where it is a word or syllable of its own."""
    assert unknown_share(text, Encoded(*pieces), "[UNK]") == share


@given(st.text())
def test_any_text_has_a_sample_or_none(minilm, text):
    """It is a part of the text, and can be judged."""
    part = sample(text)
    assert part in text
    assert not part or minilm.is_unknown(part) in (True, False)


class Knowing(HashEncoder):
    """An encoder that knows Greek, and counts how often it is asked."""

    asked = 0

    def is_unknown(self, text):
        self.asked += 1
        return not re.match("[Α-ω]", text)


def ingested(folder, texts, encoder, caplog):
    """Return what is told when texts are ingested."""
    with es.Index.create(folder, encoder) as index, caplog.at_level(logging.WARNING, "embedsearch"):
        index.add(es.Document(f"d{number}", text) for number, text in enumerate(texts))
        index.add(es.Document(f"d{number}", text) for number, text in enumerate(texts))  # what stays is not told again
    return [record.getMessage() for record in caplog.records]


def test_they_are_told_once_with_what_helps(tmp_path, caplog):
    """How many, which, and where to read on."""
    texts = [FOREIGN["ru"], "The wolf hunts.", *(f"{FOREIGN['ja']} {number}" for number in range(3)), FOREIGN["el"]]
    (told,) = ingested(tmp_path / "index", texts, Knowing(), caplog)
    assert "index: 4 documents are in letters of which hash knows hardly any words: 'd0', 'd2', 'd3', …." in told
    assert "docs/encoders.md#other-languages-than-english" in told


def test_an_encoder_that_does_not_tell_is_not_asked(tmp_path, caplog):
    """As remote ones, whose tokens nobody sees."""
    assert ingested(tmp_path / "index", FOREIGN.values(), HashEncoder(), caplog) == []


def test_a_script_that_is_known_is_not_asked_for_again(tmp_path, caplog):
    """Nor one that is unknown: the letters tell."""
    encoder = Knowing()
    texts = [f"{FOREIGN[language]} {number}" for number in range(50) for language in ("ru", "el")]
    (told,) = ingested(tmp_path / "index", texts, encoder, caplog)
    assert "50 documents are in letters" in told
    assert encoder.asked == 32


def test_other_vocabularies_are_not_judged(minilm, monkeypatch):
    """Those of bytes make sense of single letters."""
    monkeypatch.setattr(minilm, "_tokenizer", Tokenizer(BPE(unk_token="[UNK]")))
    assert not minilm.is_unknown(FOREIGN["ru"])
