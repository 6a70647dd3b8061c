"""Words that tell relevant records from others."""

import json

import pytest
from conftest import run
from screening_pile import read

import embedsearch as es
from embedsearch.screening import Screening


def test_each_side_has_the_words_that_the_other_lacks(pile):
    """Ten records about wolves, thirty about trade: pairs count as well, no word is told twice, nor what both have."""
    screening = Screening(pile)
    for id in pile.ids():
        screening.labels.add(id, int(int(id[1:]) % 4 == 0))
    found = screening.words(3)
    assert {one.label for one in found} == {"relevant", "not relevant"}
    for label, own, others in (("relevant", "relevant", "not_relevant"), ("not relevant", "not_relevant", "relevant")):
        side = [one for one in found if one.label == label]
        assert len(side) == 3
        for one in side:
            assert getattr(one, own) == (10 if own == "relevant" else 30)
            assert getattr(one, others) == 0
            assert one.score > 1
    words = {one.word for one in found}
    assert words & {"wolves", "deer", "hunt", "forest", "night", "hunt deer", "wolves hunt", "hunt wolves"}
    assert not any(word.startswith("w1") for word in words)
    assert list(found.to_pandas().columns) == ["label", "word", "relevant", "not_relevant", "score"]


def test_what_is_undecided_or_gone_is_on_neither_side(pile):
    """Grades count as labels do; of a deleted record nothing is known any more."""
    screening = Screening(pile)
    read(screening, 12, by="random")
    before = screening.words()
    assert max(one.relevant + one.not_relevant for one in before) <= 12
    for id in list(screening.labels):
        if int(id[1:]) % 4:
            screening.labels.add(id, None)
    with pytest.raises(es.QueryError, match="and 0 labelled not relevant are in the index; read on first"):
        screening.words()
    with pytest.raises(es.QueryError, match="k is 0"):
        screening.words(0)


def test_the_command_shows_both_sides(pile):
    """A table for each, a row each for programs; without labels it says what is wanted."""
    empty = run("screen", "words", "-i", pile.path)
    assert empty.exit_code == 2
    assert "words are told from records of both kinds: 0 labelled relevant and 0" in empty.stderr
    screening = Screening(pile)
    for id in pile.ids():
        screening.labels.add(id, int(int(id[1:]) % 4 == 0))
    rows = [json.loads(line) for line in run("screen", "words", "-k", 2, "-i", pile.path).stdout.splitlines()]
    assert [row["label"] for row in rows] == ["relevant"] * 2 + ["not relevant"] * 2
    shown = run("screen", "words", "-k", 2, "-i", pile.path, "-f", "table").stdout
    assert "for relevant" in shown
    assert "for not relevant" in shown
