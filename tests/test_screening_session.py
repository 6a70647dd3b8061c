"""A screening of an index: what is proposed, what was read, and every number that is said of it."""

import contextlib
import dataclasses
import json
import shutil

import numpy as np
import pytest
from conftest import ANIMALS, POLES
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import embedsearch as es
from embedsearch.index.label import Decision, Label
from embedsearch.index.labels import IndexLabels
from embedsearch.screening import (
    History,
    Screening,
    ScreeningSettings,
    StoppingRule,
    audit_estimate,
    ranking_estimate,
)
from embedsearch.screening.piles import PILE
from embedsearch.screening.progress import is_met, progress_of
from embedsearch.screening.reading import Draw, places_of
from embedsearch.screening.report import as_markdown, report
from embedsearch.store import Event
from embedsearch.testing import HashEncoder, TableEncoder

WOLVES = "wolves hunt deer in the forest at night"
TRADE = "prices of grain fell on the market today"


@pytest.fixture
def pile(tmp_path):
    """Return an index of forty records: every fourth is about wolves, the others about trade."""
    with es.Index.create(tmp_path / "pile", HashEncoder(16)) as index:
        index.add(
            es.Document(
                f"d{number:02}",
                f"{WOLVES if number % 4 == 0 else TRADE} w{number}",
                title="A hunt" if number % 4 == 0 else "A market",
                metadata={"year": 2000 + number},
                source=f"{'old' if number < 10 else 'new'}.csv:{number + 1}",
            )
            for number in range(40)
        )
        yield index


class Journal:
    """What `IndexLabels` asks of a store, in memory: every document is there."""

    def __init__(self):
        self.labels, self.kept = self, []

    def events(self, after=0):
        """Return the events behind a number."""
        return self.kept[after:]

    def append(self, events):
        """Keep events under the next numbers."""
        first = len(self.kept) + 1
        self.kept += [dataclasses.replace(event, number=number) for number, event in enumerate(events, start=first)]
        return self.kept[first - 1 :]

    def numbers_of(self, ids):
        """Return a number for each."""
        return dict.fromkeys(ids, 1)

    def upgrade(self):
        """Need none."""

    @contextlib.contextmanager
    def locked(self, wait=0):
        """Be alone."""
        yield

    def writing(self):
        """Be alone."""
        return self.locked()


def is_relevant(id):
    """The truth about a record of the pile."""
    return int(id[1:]) % 4 == 0


def read(screening, count, by=None):
    """Read so many records one after the other and label each as it is; return their ids."""
    ids = []
    for _ in range(count):
        (proposal,) = screening.next(by=by)
        screening.labels.add(proposal.id, int(is_relevant(proposal.id)))
        ids.append(proposal.id)
    return ids


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


# -- how far it has come ------------------------------------------------------------------------------------


def journal(*entries):
    """Return events, numbered from 1: a label by the id, a proposal by its ids; their kind is told before the ids."""
    events = []
    kinds = {"random": "shown", "likely": "shown"}
    for number, (kind, *ids) in enumerate(entries, start=1):
        document, details = (ids[0], {}) if kind == "label" else ("", {"ids": ids, "random": kind == "random"})
        events.append(Event(number, "main", kinds.get(kind, kind), document, 0.0, "", "", details))
    return events


def reading_of(*entries):
    """Return what was read in its order, and of it what is random with the number of its draw."""
    events = journal(*entries)
    shown = {id for event in events for id in event.details.get("ids", ())}
    first = {}
    for event in events:
        if event.kind == "label":
            rank = 1 if event.document in shown else None
            first.setdefault(event.document, dataclasses.replace(Label.of(event), rank=rank))
    drawn = [event for event in events if event.kind == "audit" or event.details.get("random")]
    places, random = places_of(first, events, [Draw(event, event.details["ids"]) for event in drawn])
    return "".join(sorted(places, key=places.get)), {id: one.event.number for id, one in random.items()}


def labels(ids):
    """Return the entries of a journal that label these, in this order."""
    return [("label", id) for id in ids]


def test_reading_in_order_with_a_random_sample_worked_by_hand():
    """What was drawn counts as read at the draw, as far as it was read from its beginning without a gap."""
    # Drawn as event 2: x, b, then y, which nobody read, so that z is not random, though it was drawn.
    assert reading_of(*labels("a"), ("audit", "x", "b", "y", "z"), *labels("cxbz")) == ("axbzc", {"x": 2, "b": 2})
    # A second draw takes what the first has not.
    assert reading_of(*labels("a"), ("audit", "b"), ("audit", "b", "c"), *labels("cxb")) == ("abcx", {"b": 2, "c": 3})
    assert reading_of() == ("", {})


def test_what_was_shown_at_random_is_one_sample():
    """A record that is passed over ends it, until it is read; an audit beside it is judged alone."""
    shown = [("random", "a"), *labels("a"), ("random", "b"), ("audit", "m", "n"), ("random", "c"), *labels("cm")]
    assert reading_of(*shown) == ("amc", {"a": 1, "m": 4})
    assert reading_of(*shown, *labels("b")) == ("abmc", {"a": 1, "b": 3, "m": 4, "c": 5})


def test_a_list_is_read_in_the_order_in_which_it_was_shown():
    """In whatever order it is filled in; what another proposal showed later counts from there on."""
    for order in ("abcd", "dcba", "bdca"):
        assert reading_of(("likely", *"abcd"), *labels(order))[0] == "abcd"
    assert reading_of(("likely", *"abcd"), ("likely", "c"), *labels("cxabd"))[0] == "abdcx"


@given(st.permutations(range(30)), st.sets(st.integers(0, 29)), st.integers(0, 30))
def test_no_number_follows_the_order_of_rows_in_a_list_that_was_filled_in(order, relevant, unread):
    """Estimates, yields and what was read since the last relevant one: those of the order that was shown."""
    ids = [f"d{number}" for number in range(30 + unread)]

    def progress(order):
        held = IndexLabels(Journal())
        held.record("shown", {"by": "likely", "ids": ids[:30], "random": False})
        held.add_all([Decision(ids[place], int(place in relevant)) for place in order])
        return progress_of(held, ids, ScreeningSettings()).to_dict()

    found = progress(order)
    assert found == progress(range(30))
    assert found["since_last_relevant"] == 29 - max(relevant, default=-1)


def test_progress_worked_by_hand(pile):
    """Every count of a small screening: read, found, undecided, graded, imported, outside, yields, since the last."""
    pile.add([es.Document("gone", "a text that will be deleted")])
    pile.labels.add("gone", "relevant")
    pile.delete(["gone"])
    pile.labels.add("d00", "relevant", by="import")
    pile.labels.add("d01", 0.5, by="likely")
    pile.labels.add("d02", 0.4, by="likely")
    pile.labels.add("d05", 0, by="uncertain")
    pile.labels.add("d03", "undecided")
    pile.labels.add("d04", "relevant")
    pile.labels.undo()
    found = Screening(pile).progress().to_dict()
    counts = {name: value for name, value in found.items() if isinstance(value, int)}
    assert counts == {
        "records": 40, "read": 4, "found": 2, "not_relevant": 2, "undecided": 1, "unread": 35, "graded": 2,
        "unasked": 1, "outside": 1, "joined": 0, "passed_over": 0, "drawn_at_random": 0,
        "since_last_relevant": 2,
    }  # fmt: skip
    assert found["yield"] == [{"first": 1, "last": 3, "found": 1}]
    assert [one["method"] for one in found["estimates"]] == ["audit", "ranking"]
    for one in found["estimates"]:
        assert one["found"] == 2
        assert one["recall_at_least"] == pytest.approx(2 / (2 + one["missed_at_most"]))
        assert one["assumption"]
        assert one["source"]
    assert found["stop"] == {"recall": 0.95, "confidence": 0.95, "method": found["stop"]["method"], "met": False}


def test_the_audit_bound_of_a_screening_worked_by_hand(pile):
    """Nineteen of forty drawn, none relevant: four missed have a probability of .065 not to be hit, five of .031.

    21·20·19·18 / (40·39·38·37) = .0655, and 17/36 of it for the fifth. One alone is missed by 21/40 of all draws, two
    by 21·20 / (40·39) = .27: what is as likely as not is one.
    """
    screening = Screening(pile)
    pile.labels.add(screening.draw_audit(19), "not relevant")
    found = screening.progress().estimates[0]
    assert (found.method, found.missed, found.missed_at_most) == ("audit", 1, 4)


def test_what_is_undecided_counts_as_missed_when_it_is_time_to_stop():
    """All is read: one undecided record beside twenty relevant ones leaves a recall of 20/21, beside ten of 10/11."""
    for found, met in ((20, True), (10, False)):
        relevant = np.array([True] * found + [False] * 5)
        estimate = ranking_estimate(History(found + 5, relevant, np.zeros(found + 5, dtype=bool)))
        assert is_met(estimate, 0.95, undecided=0, unread=0)
        assert is_met(estimate, 0.95, undecided=1, unread=0) is met


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 60), st.floats(0.5, 1), st.floats(0.5, 0.99))
def test_the_verdict_is_that_of_the_stopping_rule(relevant, unread, recall, confidence):
    """Where nothing is undecided and nothing was known beforehand, two ways of asking agree."""
    history = History(len(relevant) + unread, np.array(relevant, dtype=bool), np.zeros(len(relevant), dtype=bool))
    estimate = ranking_estimate(history, confidence=confidence)
    rule = StoppingRule(recall, confidence)
    assert is_met(estimate, recall, undecided=0, unread=unread) == rule.met(history)


def test_what_was_not_proposed_is_no_evidence(pile):
    """A hundred irrelevant records that somebody picked say nothing of the rest; the relevant ones count as found."""
    pile.labels.add([f"d{number:02}" for number in range(40) if number % 4][:25], "not relevant")
    pile.labels.add("d00", "relevant", by="import")
    found = Screening(pile).progress()
    assert (found.read, found.found, found.unasked, found.unread) == (26, 1, 26, 14)
    assert (found.history.records, found.history.read) == (14, 0)
    assert [(one.found, one.missed_at_most) for one in found.estimates] == [(1, 14), (1, 14)]
    assert not found.is_met


def test_who_passes_over_has_no_random_sample_until_it_is_read(pile):
    """Three read, one passed over, three read: three count; it is shown first the next time, and all seven count."""
    screening = Screening(pile)
    for _ in range(3):
        (proposal,) = screening.next(by="random")
        pile.labels.add(proposal.id, "not relevant")
    (over,) = screening.next(by="random")
    for _ in range(3):
        (proposal,) = screening.next(by="random", passed={over.id})
        assert proposal.id != over.id
        pile.labels.add(proposal.id, "not relevant")
    progress = screening.progress()
    assert (progress.passed_over, int(progress.history.random.sum()), progress.history.read) == (1, 3, 6)
    three = audit_estimate(History(40, np.zeros(3, dtype=bool), np.ones(3, dtype=bool)))
    assert progress.estimates[0].missed_at_most == three.missed_at_most
    assert "1 records shown at random were passed over" in as_markdown(report(screening))
    (again,) = Screening(pile).next(by="random")
    assert again.id == over.id
    pile.labels.add(over.id, "not relevant")
    progress = screening.progress()
    assert (progress.passed_over, int(progress.history.random.sum())) == (0, 7)
    assert progress.history.left.tolist() == list(range(40, 33, -1))
    seven = audit_estimate(History(40, np.zeros(7, dtype=bool), np.ones(7, dtype=bool)))
    assert progress.estimates[0].missed_at_most == seven.missed_at_most < three.missed_at_most


def test_what_another_has_labelled_meanwhile_was_not_drawn():
    """A record whose label came between the draw and its event is no part of the sample."""
    held = IndexLabels(Journal())
    held.add("d1", "relevant", by="likely")
    held.record("shown", {"by": "random", "ids": ["d1", "d2"], "random": True, "unread": 10})
    held.add("d2", "not relevant")
    history = progress_of(held, [f"d{number}" for number in range(10)], ScreeningSettings()).history
    assert (history.relevant.tolist(), history.random.tolist()) == ([True, False], [False, True])


@pytest.mark.parametrize("by", ["random", "uncertain"])
def test_passing_over_keeps_each_record_once(pile, by):
    """Thirty passed over, one after another, are thirty records in the journal; then there is nothing left."""
    screening = Screening(pile)
    pile.labels.add("d00", "relevant")
    passed = set()
    for _ in range(39):
        (proposal,) = screening.next(by=by, passed=passed)
        passed.add(proposal.id)
    assert len(passed) == 39
    assert len(screening.next(by=by, passed=passed)) == 0
    kept = [id for event in pile.labels.history() if event.kind == "shown" for id in event.details["ids"]]
    assert sorted(kept) == sorted(passed)
    assert screening.progress().passed_over == 0
    # All of it was drawn, also what is passed over for another reason.
    (shown,) = Screening(pile, "other").next(by="random", passed={"d05"})
    ids = pile.labels.named("other").history()[-1].details["ids"]
    assert ids == (["d05", shown.id] if "d05" in ids else [shown.id])


def test_a_list_of_what_was_shown_filled_in_elsewhere_is_evidence(pile, tmp_path):
    """Labels that are imported for records that `next` has shown were proposed by it."""
    screening = Screening(pile)
    pile.labels.add("d00", "relevant")
    ids = [one.id for one in screening.next(5)]
    file = tmp_path / "read.csv"
    file.write_text("id,label\n" + "".join(f"{id},{int(is_relevant(id))}\n" for id in ids) + "d39,0\n", "utf-8")
    pile.labels.take(file)
    assert [pile.labels[id].by for id in (*ids, "d39")] == ["likely"] * 5 + ["import"]
    assert screening.progress().history.read == 5 + (39 in ids)


def test_yields_are_counted_by_fifties(tmp_path):
    """120 records read are two whole fifties and one of twenty."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add(es.Document(f"d{number:03}", f"text {number}") for number in range(130))
        index.labels.add([f"d{number:03}" for number in range(60)], "relevant", by="likely")
        index.labels.add([f"d{number:03}" for number in range(60, 120)], "not relevant", by="likely")
        found = Screening(index).progress()
    assert [(one.first, one.last, one.found) for one in found.yields] == [(1, 50, 50), (51, 100, 10), (101, 120, 0)]
    assert found.since_last == 60


def test_labelling_again_does_not_change_when_a_record_was_read(pile):
    """A record that is labelled anew keeps its place in the order of reading, with its new value."""
    pile.labels.add("d00", "relevant", by="likely")
    pile.labels.add("d01", "not relevant", by="likely")
    pile.labels.add("d00", "not relevant")
    pile.labels.add("d01", "relevant")
    assert Screening(pile).progress().history.relevant.tolist() == [False, True]


def test_an_audit_sample_is_drawn_read_and_counted(pile):
    """It is drawn from what was not read, proposed in its order without scores, and one at a time."""
    screening = Screening(pile)
    with pytest.raises(es.QueryError, match="no audit sample was drawn yet"):
        screening.next(by="audit")
    pile.labels.add("d00", "relevant")
    for size in (0, 40):
        with pytest.raises(es.QueryError, match=f"a sample of {size} cannot be drawn from 39 records"):
            screening.draw_audit(size)
    ids = screening.draw_audit(8)
    assert len(set(ids)) == 8
    assert "d00" not in ids
    assert [(one.id, one.score, one.by) for one in screening.next(3, by="audit")] == [
        (id, None, "audit") for id in ids[:3]
    ]
    with pytest.raises(es.QueryError, match="8 records of the sample drawn last are not read yet"):
        screening.draw_audit(2)
    assert read(screening, 5, by="audit") == ids[:5]
    (sample,) = screening.progress().samples
    assert (sample.size, sample.read, sample.found, sample.unread) == (8, 5, sum(map(is_relevant, ids[:5])), 39)
    pile.labels.add(ids[5], "undecided")
    read(screening, 2, by="audit")
    (sample,) = screening.progress().samples
    assert (sample.read, sample.found, sample.undecided) == (8, sum(map(is_relevant, [*ids[:5], *ids[6:]])), 1)
    assert len(screening.next(by="audit")) == 0
    assert len(screening.draw_audit(3)) == 3


# -- the record ---------------------------------------------------------------------------------------------


def test_the_report_has_what_an_appendix_needs(pile):
    """Settings with seed and versions, the flow, who labelled what when, the evidence, and every event."""
    screening = Screening(pile)
    screening.configure(where="year < 2030", seed=5)
    pile.labels.add("d00", "relevant", author="ada", by="likely")
    pile.labels.add("d01", "not relevant", author="ada", by="likely")
    pile.labels.add(["d02", "d03"], "undecided", author="bob", by="import")
    pile.labels.undo(author="ada")
    ids = screening.draw_audit(4)
    pile.labels.add(ids, "not relevant", author="ada")
    record = json.loads(json.dumps(report(screening)))
    assert record["settings"]["seed"] == 5
    assert record["versions"]["embedsearch"] == es.__version__
    assert record["versions"]["encoder"] == "hash"
    assert record["flow"] == {
        "identified": 40, "identified_by_source": {"old.csv": 10, "new.csv": 30}, "removed_before_screening": 10,
        "records": 30, "screened": 7, "included": 1, "excluded": 5, "undecided": 1, "not_screened": 23,
    }  # fmt: skip
    assert [(one["author"], one["records"], one["imported"], one["given"]) for one in record["labellers"]] == [
        ("ada", 6, 0, 6),
        ("bob", 1, 1, 1),
    ]
    assert record["proposed_by"] == {"likely": 2, "import": 1, "audit": 4}
    assert [event["kind"] for event in record["events"]] == [
        "settings",
        *["label"] * 4,
        "undo",
        "audit",
        *["label"] * 4,
    ]
    assert [event["undone"] for event in record["events"] if event["kind"] == "label"][:4] == [False] * 3 + [True]
    assert record["events"][-1]["id"] == ids[-1]
    assert record["progress"]["samples"][0] == {
        "event": 7, "size": 4, "read": 4, "found": 0, "undecided": 0, "unread": 27, "joined": 0, "by": "audit",
    }  # fmt: skip
    assert [(one["id"], one["label"], one["author"]) for one in record["labels"]][:3] == [
        ("d00", "relevant", "ada"), ("d01", "not relevant", "ada"), ("d02", "undecided", "bob"),
    ]  # fmt: skip
    text = as_markdown(record)
    assert f"| d00 | relevant | ada | {record['labels'][0]['time']} | likely |  |" in text
    for line in (
        "| seed | 5 |", "| where | year < 2030 |", "| records identified (in the index) | 40 |",
        "| … from old.csv | 10 |", "| records screened | 7 |", "| … relevant | 1 |",
        "| records not screened (left unread) | 23 |", "| 1 to 6 | 1 |",
        "Audit sample (event 7): 4 records drawn at random from 27 not read; 4 read, 0 of these relevant.",
    ):  # fmt: skip
        assert line in text
    for estimate in record["progress"]["estimates"]:
        assert f"at least {estimate['recall_at_least']:.1%} with 95% confidence" in text


def test_who_labelled_adds_up_to_what_was_screened(pile):
    """Each record counts once, for who gave the label that stands; what lies outside of the records counts nowhere."""
    screening = Screening(pile)
    screening.configure(where="year < 2010", seed=20_240_101)
    for author, id, value in (
        ("ada", "d00", 1), ("ada", "d00", 0), ("ben", "d00", 1), ("ada", "d01", 0), ("ada", "d20", 1), ("", "d02", 0.5),
    ):  # fmt: skip
        pile.labels.add(id, value, author=author, by="likely")
    record = report(screening)
    assert [(one["author"], one["records"], one["given"]) for one in record["labellers"]] == [
        ("ada", 1, 4), ("ben", 1, 1), ("", 1, 1),
    ]  # fmt: skip
    assert record["flow"]["screened"] == sum(one["records"] for one in record["labellers"]) == 3
    assert record["proposed_by"] == {"likely": 3}
    text = as_markdown(record)
    assert "| who | records | of these imported | labels given in all | first | last |" in text
    assert "| seed | 20240101 |" in text


def test_whatever_people_write_is_shown_as_text_in_the_report(tmp_path):
    """Line ends, pipes, markup and HTML in ids, notes and names stand in the cells of the table as they were given."""
    ids = ["<img src=x onerror=alert(1)>", "a_b__c_ *d*", "[x](http://y) ![z](u)", "&lt;b&gt; & `code` ~~old~~", "e"]
    notes = ["x\r\n# head | y", "a\\|b \\", "<!-- \u2028 -->", "\\\\| |", "__init__"]
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(es.Document(id, f"text {number}") for number, id in enumerate(ids))
        screening = Screening(index, "<b>|")
        for id, note in zip(ids, notes, strict=True):
            screening.labels.add(id, "relevant", note=note, author="<i>ada</i>", by="*x*")
        text = as_markdown(report(screening))
    shown = MarkdownIt("commonmark").enable("table").parse(text)
    kinds = {token.type for line in shown for token in line.children or ()}
    assert kinds <= {"text", "text_special", "strong_open", "strong_close", "softbreak"}
    assert not any(token.type == "html_block" for token in shown)
    said = ["".join(token.content for token in line.children or ()) for line in shown if line.type == "inline"]
    assert said[0] == "Screening '<b>|'"
    assert [text for text in said if text in ids] == ids
    assert [text for text in said if text in [" ".join(note.splitlines()) for note in notes]] == [
        "x # head | y", "a\\|b \\", "<!--   -->", "\\\\| |", "__init__",
    ]  # fmt: skip
    assert said.count("<i>ada</i>") == 6
    assert "Records were proposed by: *x* 5." in said


def test_a_report_of_a_screening_that_has_not_begun(pile):
    """It says so in each of its tables."""
    text = as_markdown(report(Screening(pile, "new")))
    assert text.startswith("# Screening 'new'")
    assert text.count("None yet.") == 4
    assert "| records screened | 0 |" in text


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
