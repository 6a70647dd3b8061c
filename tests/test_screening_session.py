"""A screening of an index: what is proposed, and its settings."""

import shutil

import numpy as np
import pytest
from conftest import ANIMALS, POLES
from screening_pile import TRADE, is_relevant, read

import embedsearch as es
from embedsearch.screening import Screening, ScreeningSettings
from embedsearch.screening.piles import PILE
from embedsearch.testing import HashEncoder, TableEncoder

# -- what comes next ----------------------------------------------------------------------------------------


def test_there_must_be_something_to_start_from(pile):
    """Without topic, axis or example there is no order; reading at random needs none."""
    screening = Screening(pile)
    for ask in (screening.next, screening.rank):
        with pytest.raises(es.QueryError, match="nothing to start from: say what is looked for with --topic"):
            ask()
    pile.labels.add("d01", "not relevant")
    with pytest.raises(es.QueryError, match="nothing to start from"):
        screening.next()
    (proposal,) = screening.next(by="random")
    assert proposal.by == "random"
    pile.labels.add("d00", 0.6)
    assert len(screening.rank()) == 38


def test_a_labelled_example_finds_its_kind(pile):
    """From one wolf and one market the nine other wolves come first, in nine readings."""
    screening = Screening(pile)
    pile.labels.add("d00", "relevant")
    pile.labels.add("d01", "not relevant")
    assert {id for id, _ in screening.rank()[:9]} == {f"d{number:02}" for number in range(4, 40, 4)}
    assert all(map(is_relevant, read(screening, 9)))
    assert not is_relevant(screening.next()[0].id)


def test_a_topic_and_axes_are_a_start(tmp_path):
    """Nearest to the topic comes first; an axis orders by its high end, with a minus by its low end."""
    table = ANIMALS | POLES | {"ambush": [1.0, 0.0, 0.0]}
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        index.add(es.Document(name, name) for name in ANIMALS)
        index.axes.save(es.Axis("size", ["small"], ["large"]))
        topic = Screening(index, "topic")
        topic.configure(topic="ambush")
        assert [one.id for one in topic.next(2)] == ["shark", "wolf"]
        small = Screening(index, "small")
        small.configure(axes=["-size"])
        assert [id for id, _ in small.rank()[:2]] == ["mouse", "spider"]
        large = Screening(index, "large")
        large.configure(axes=["size"])
        assert large.next()[0].id == "whale"
        with pytest.raises(es.AxisError, match="no axis 'sice'"):
            large.configure(axes=["sice"])
        assert large.settings.axes == ("size",)


def test_what_was_read_is_not_proposed_again(pile):
    """Neither labelled nor undecided records come back, until their label is undone."""
    screening = Screening(pile)
    pile.labels.add("d00", "relevant")
    first = screening.next()[0].id
    pile.labels.add(first, "undecided")
    assert first not in [id for id, _ in screening.rank()]
    assert screening.next()[0].id != first
    pile.labels.undo()
    assert screening.next()[0].id == first
    assert len(screening.next(100)) == 39


def test_what_was_shown_is_kept_once(pile):
    """Asking twice shows the same record and notes it once; its label says what proposed it, and at which place."""
    screening = Screening(pile)
    pile.labels.add("d00", "relevant")
    shown = screening.next(3)
    assert [one.id for one in screening.next(3)] == [one.id for one in shown]
    assert [event.kind for event in pile.labels.history()] == ["label", "shown"]
    pile.labels.add(shown[1].id, "relevant")
    assert (pile.labels[shown[1].id].by, pile.labels[shown[1].id].rank) == ("likely", 2)
    assert (shown[0].title, shown[0].text) == (pile.get(shown[0].id).title, pile.get(shown[0].id).text)


def test_what_is_shown_again_is_kept_again_where_a_record_has_joined(pile):
    """Among which records it was chosen is another answer than before."""
    pile.labels.add("d00", "relevant")
    (shown,) = Screening(pile).next()
    for _ in range(2):
        pile.add([es.Document("joined", f"{TRADE} that joined")])
        (again,) = Screening(pile).next()
        assert again.id == shown.id
    events = pile.labels.history()
    assert [(event.kind, PILE in event.details) for event in events] == [
        ("label", False),
        ("shown", True),
        ("shown", True),
    ]


@pytest.mark.parametrize("by", ["likely", "random", "audit"])
def test_a_record_that_is_gone_is_not_proposed(pile, by):
    """What is deleted while a screening is open ends no sitting: the next record that is there comes."""
    screening = Screening(pile)
    screening.configure(topic=TRADE)
    if by == "audit":
        screening.draw_audit(10)
    first, second, third = (one.id for one in screening.next(3, by))
    pile.delete([first, second])
    assert screening.next(by=by)[0].id == third
    read(screening, 2, by)
    drawn = screening.draw_audit(5) if by != "audit" else []
    assert not {first, second} & {*drawn, *screening.pile.ids}
    progress = screening.progress()
    assert (progress.records, progress.read, progress.outside) == (38, 2, 0)


def test_words_are_those_of_their_records(pile):
    """A record that is taken out and comes back is the last of the index then; each has its own words all the same."""
    early, gone = Screening(pile), pile.get("d03")
    early.configure(topic=TRADE)
    assert early.pile.ids[3] == "d03"
    pile.delete("d03")
    pile.add([gone])
    early.next()
    assert early.pile.ids == pile.ids()
    late = Screening(pile)
    for name in ("lexical", "titles"):
        found, wanted = (getattr(one.ranker.features, name).toarray() for one in (early, late))
        np.testing.assert_array_equal(found, wanted)


def test_a_sentence_is_found_where_a_record_has_gone(pile):
    """Who reads a sample without a topic sees what speaks for each, though somebody deletes a record meanwhile."""
    screening = Screening(pile)
    screening.configure(by="random")
    screening.labels.add("d00", "relevant")
    screening.draw_audit(5)
    (shown,) = screening.next(by="audit")
    pile.delete(next(id for id in screening.pile.ids if id not in ("d00", shown.id)))
    pile.add([es.Document(shown.id, f"{TRADE}. Wolves hunt at night.")])
    assert screening.telling_sentence(shown.id)


def test_a_question_that_is_wrong_takes_no_records_anew(pile):
    """Only where a record is gone are they others; what is asked wrongly is refused as ever."""
    screening = Screening(pile)
    before = screening.pile
    with pytest.raises(es.QueryError, match="there is nothing to start from"):
        screening.next()
    assert screening.pile is before


def test_a_seed_makes_a_screening_repeatable(pile, tmp_path):
    """The same seed and labels give the same records in a copy of the index; another seed gives others."""
    orders = []
    for number, seed in enumerate((3, 3, 4)):
        folder = shutil.copytree(pile.path, tmp_path / f"copy{number}")
        with es.open(folder, HashEncoder(16)) as index:
            screening = Screening(index)
            screening.configure(seed=seed)
            index.labels.add("d00", "relevant")
            orders.append([*read(screening, 4, by="random"), *read(screening, 4), *screening.draw_audit(5)])
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


def test_a_seed_may_be_any_number(pile):
    """Also one larger than the ranker's library takes: such as a time in nanoseconds."""
    screening = Screening(pile)
    screening.configure(seed=1_764_288_000_000_000_000)
    for id, verdict in (("d00", "relevant"), ("d01", "not relevant")):
        pile.labels.add(id, verdict)
    assert len({*read(screening, 4)}) == 4


def test_the_sentence_that_speaks_for_a_record(tmp_path):
    """Nearest to the topic, else furthest towards what was labelled relevant; none in a text of one sentence."""
    three = "Sheep graze. Wolves hunt. Whales sing."
    vectors = {"Sheep graze.": [0, 0, 1], "Wolves hunt.": [1, 0, 0], "Whales sing.": [0, 1, 0]}
    table = {**vectors, three: [0.5, 0.5, 0.7], "hunter": [0.9, 0.1, 0], "singer": [0, 1, 0.1], "one": [1, 0, 0]}
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        index.add([es.Document("three", three), es.Document("yes", "singer"), es.Document("no", "one")])
        screening = Screening(index)
        assert screening.telling_sentence("three") == ""
        index.labels.add("yes", "relevant")
        index.labels.add("no", "not relevant")
        assert screening.telling_sentence("three") == "Whales sing."
        assert screening.telling_sentence("yes") == ""
        screening.configure(topic="hunter")
        assert screening.telling_sentence("three") == "Wolves hunt."


# -- settings -----------------------------------------------------------------------------------------------


def test_settings_are_kept_with_their_changes(pile):
    """A screening opened again has the settings it was left with; each change stands in the history, once."""
    Screening(pile).configure(where="year < 2020", seed=7)
    screening = Screening(pile)
    assert screening.settings == ScreeningSettings(where="year < 2020", seed=7)
    screening.configure(recall=0.9, where=None)
    screening.configure(recall=0.9)
    kept = [dict(event.details) for event in pile.labels.history()]
    assert [(one["where"], one["recall"], one["records"], one["documents"]) for one in kept] == [
        ("year < 2020", 0.95, 20, 40),
        ("year < 2020", 0.9, 20, 40),
    ]
    assert kept[0]["versions"]["encoder"] == "hash"
    assert len(screening.pile) == 20
    assert Screening(pile, "second").settings == ScreeningSettings()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"by": "likly"}, "no way to choose records called 'likly'. Did you mean 'likely'"),
        ({"recall": 1.5}, "recall must be above 0 and at most 1, not 1.5"),
        ({"confidence": 1.0}, "confidence must be above 0 and below 1, not 1"),
        ({"seed": -1}, "a seed must be 0 or more"),
        ({"where": "year > 3000"}, "no document of the index satisfies 'year > 3000'"),
        ({"where": "yaer > 3000"}, "Did you mean 'year'"),
    ],
)
def test_wrong_settings_are_refused_and_nothing_is_kept(pile, given, message):
    """Each has its message, and the settings stay what they were."""
    screening = Screening(pile)
    with pytest.raises(es.QueryError, match=message):
        screening.configure(**given)
    assert screening.settings == ScreeningSettings()
    assert pile.labels.history() == []


def test_a_topic_is_not_taken_back_where_nothing_would_be_left_to_start_from(pile):
    """Asked with what comes next, settings that leave nothing to start from are refused, and nothing is kept."""
    screening = Screening(pile)
    screening.configure(topic="wolves")
    for by in ("likely", "", "audit"):
        with pytest.raises(es.QueryError, match=r"nothing to start from|no audit sample"):
            screening.configure(by, topic="")
    assert (screening.settings.topic, Screening(pile).settings.topic) == ("wolves", "wolves")
    assert len(screening.labels.history()) == 1
    assert screening.configure("random", topic="").topic == ""


def test_a_topic_that_cannot_be_read_whole_is_refused_and_not_kept(tmp_path):
    """One that is longer than the encoder reads, or is nothing but spaces."""
    with es.Index.create(tmp_path / "i", HashEncoder(max_tokens=5)) as index:
        index.add([es.Document("a", "a text")])
        for topic, message in (("one two three four five six seven", "reads 5"), (" ", "nothing but spaces")):
            with pytest.raises(es.QueryError, match=message):
                Screening(index).configure(topic=topic)
        assert index.labels.history() == []


def test_an_empty_index_has_nothing_to_screen(tmp_path):
    """It says how to fill it."""
    message = "the index is empty; add documents with: embedsearch ingest"
    with es.Index.create(tmp_path / "i", HashEncoder()) as index, pytest.raises(es.QueryError, match=message):
        Screening(index).progress()


def test_settings_changed_by_two_at_once_are_both_kept(pile, monkeypatch):
    """What another process sets while one looks whether its own can be kept is not taken back by it."""
    with es.open(pile.path, HashEncoder(16)) as other:
        first, second = Screening(pile), Screening(other)
        monkeypatch.setattr(pile.axes, "scaled", lambda names: second.configure(recall=0.8))
        first.configure(topic="wolves")
        assert first.settings == Screening(pile).settings == ScreeningSettings(topic="wolves", recall=0.8)
        # A value that is the old one for who opened it before is a change all the same.
        assert second.configure(recall=0.95) == ScreeningSettings(topic="wolves")
        monkeypatch.undo()
        events = len(pile.labels.history())
        assert first.configure(seed=0).recall == 0.95
        assert (first.settings, len(pile.labels.history())) == (Screening(pile).settings, events)


def test_one_audit_is_drawn_where_two_draw_at_once(pile):
    """The second sees the first, though it looked before: no record is in two open samples."""
    with es.open(pile.path, HashEncoder(16)) as other:
        first, second = Screening(pile), Screening(other)
        first.labels.history()
        second.labels.history()
        first.draw_audit(10)
        with pytest.raises(es.QueryError, match="10 records of the sample drawn last are not read yet"):
            second.draw_audit(10)
        # Looking and keeping are one step: nobody writes between them.
        pile.labels.add(first.labels.history()[-1].details["ids"], "not relevant")
        with first.labels.alone(), pytest.raises(es.StoreError, match="another process is writing"):
            second.draw_audit(10)
        assert len(second.draw_audit(10)) == 10


def test_a_sample_is_that_of_its_seed_whatever_other_screenings_hold(pile):
    """The labels of another screening draw no other records."""
    drawn = []
    for name in ("one", "two"):
        Screening(pile, "other").labels.add("d00", "relevant")
        drawn.append(Screening(pile, name).draw_audit(10))
    assert drawn[0] == drawn[1]


def test_a_whole_screening_finds_what_is_there(pile):
    """From one example, by the ranking alone: the ten wolves are the first ten read, and the labels say so."""
    screening = Screening(pile)
    pile.labels.add("d20", "relevant")
    pile.labels.add("d21", "not relevant")
    read(screening, 38)
    history = screening.progress().history
    assert history.relevant.tolist() == [True] * 9 + [False] * 29
    assert screening.progress().found == 10
    assert screening.rank() == []
    assert not np.isnan(screening.scores()).any()
    assert all(one.recall == 1.0 for one in screening.progress().estimates)
    assert screening.progress().is_met
