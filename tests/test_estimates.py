"""About how many tokens a text has: against a model that is here, and against what was published of others."""

import numpy as np
import pytest
from conftest import CORPUS
from hypothesis import given
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.encoders.estimates import about_tokens


def test_the_estimate_is_a_third_above_what_a_model_counts():
    """On the shipped articles: between 1.2 and 1.5 times the tokens of the default model in all, hardly ever fewer."""
    texts = [document.text for document in es.read(CORPUS / "articles.jsonl")]
    counted = np.array(es.load_encoder().count_tokens(texts))
    estimated = np.array([about_tokens(text) for text in texts])
    assert 1.2 < estimated.sum() / counted.sum() < 1.5
    assert (estimated / counted).min() > 0.95


# Letters that are not ASCII in FLORES-200, and the tokens that cl100k_base makes of the whole: see `estimates`.
# Signs and digits, a few in a hundred, are left out.
FLORES = {
    "Russian": ("и", 232_442, 131_496),
    "Ukrainian": ("ї", 218_071, 158_296),
    "Kazakh": ("қ", 222_903, 200_493),
    "Greek": ("λ", 252_827, 271_846),
    "Hebrew": ("א", 157_990, 193_616),
    "Arabic": ("ب", 184_958, 160_485),
    "Urdu": ("ے", 198_969, 231_974),
    "Hindi": ("क", 201_451, 253_270),
    "Bengali": ("ক", 210_968, 308_325),
    "Tamil": ("க", 260_090, 404_265),
    "Thai": ("ก", 232_491, 231_995),
    "Chinese, simplified": ("狼", 76_315, 101_138),
    "Chinese, traditional": ("狼", 73_915, 114_977),
    "Japanese": ("の狼", 107_778, 121_627),
    "Korean": ("늑", 89_870, 125_737),
    "Georgian": ("ა", 240_183, 520_316),
    "Telugu": ("క", 216_423, 440_831),
    "Burmese": ("က", 295_215, 618_268),
}


@pytest.mark.parametrize(("letters", "count", "tokens"), FLORES.values(), ids=FLORES)
def test_the_estimate_is_near_what_was_published_of_each_script(letters, count, tokens):
    """From .85 to 1.45 times the tokens that OpenAI's vocabulary makes of the same sentences in 18 languages."""
    assert 0.85 < about_tokens(letters * (count // len(letters))) / tokens < 1.45


def test_scripts_that_are_hardly_known_are_underestimated():
    """In Armenian, Odia and Ethiopic nearly each byte is a token; two thirds of them are told."""
    for letter, count, tokens in (("բ", 241_860, 527_113), ("କ", 221_707, 659_440), ("አ", 135_793, 405_644)):
        assert 0.6 < about_tokens(letter * count) / tokens < 0.75


@pytest.mark.parametrize(
    "text",
    [
        "Зимой волки охотятся стаей, летом каждый ищет добычу сам. Ростовщик даёт в долг тем, кому негде взять.",
        "הזאב צד בלהקה בחורף. המלווה בריבית נותן למי שאין לו ברירה אחרת.",
        "冬天狼群一起捕猎。夏天各自觅食。放高利贷的人把钱借给走投无路的人。",
        "الذئب يصطاد مع القطيع في الشتاء. المرابي يقرض من لا يجد غيره.",
    ],
)
def test_the_estimate_serves_vocabularies_that_know_no_script_but_one(text):
    """A vocabulary made for English has about a token a letter of others: .75 to 1.6 times as many are told."""
    (counted,) = es.load_encoder().count_tokens([text])
    assert 0.75 < about_tokens(text) / counted < 1.6


@given(st.text(), st.text())
def test_the_estimate_adds_up(first, second):
    """Two texts on two lines have the tokens of both, but for rounding; no text has none but white space."""
    both = about_tokens(f"{first}\n{second}")
    assert both <= about_tokens(first) + about_tokens(second) <= both + 1
    assert (about_tokens(first) == 0) == (not first.strip())
