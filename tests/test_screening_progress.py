"""How far a screening has come: what was read in which order, and every number that is said of it."""

import contextlib
import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from screening_pile import is_relevant, read

import embedsearch as es
from embedsearch.index.label import Decision, Label
from embedsearch.index.labels import IndexLabels
from embedsearch.screening import History, Screening, ScreeningSettings, StoppingRule, audit_estimate, ranking_estimate
from embedsearch.screening.progress import is_met, progress_of
from embedsearch.screening.reading import Draw, places_of
from embedsearch.screening.report import as_markdown, report
from embedsearch.store import Event
from embedsearch.testing import HashEncoder


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
        """Return each for its own number."""
        return dict(zip(ids, ids, strict=True))

    def documents(self, numbers):
        """Return a document for each."""
        return [es.Document(id, "a text") for id in numbers]

    def upgrade(self):
        """Need none."""

    @contextlib.contextmanager
    def locked(self, wait=0):
        """Be alone."""
        yield

    def writing(self):
        """Be alone."""
        return self.locked()


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
    assert found["stop"] == {
        "recall": 0.95, "confidence": 0.95, "method": "ranking", "met": False,
        "advice": "read on, or decide the 1 undecided, which count as missed",
    }  # fmt: skip


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
    assert "1 record shown at random was passed over" in as_markdown(report(screening))
    (again,) = Screening(pile).next(by="random")
    assert again.id == over.id
    pile.labels.add(over.id, "not relevant")
    progress = screening.progress()
    assert (progress.passed_over, int(progress.history.random.sum())) == (0, 7)
    assert progress.history.left.tolist() == list(range(40, 33, -1))
    seven = audit_estimate(History(40, np.zeros(7, dtype=bool), np.ones(7, dtype=bool)))
    assert progress.estimates[0].missed_at_most == seven.missed_at_most < three.missed_at_most


def test_what_a_ranking_has_shown_is_drawn_no_sooner(pile):
    """Five that were shown and not read are as likely to be drawn as others, and were not passed over by a draw."""
    ranked, plain = Screening(pile), Screening(pile, "other")
    for screening in (ranked, plain):
        screening.labels.add("d00", "relevant")
    ranked.next(5)
    first, second = ([one.id for one in screening.propose(39, "random")[0]] for screening in (ranked, plain))
    assert first == second
    read(ranked, 3, by="random")
    assert ranked.progress().passed_over == 0


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
