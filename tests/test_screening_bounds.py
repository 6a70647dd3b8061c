"""The bounds of a whole screening hold, whatever is imported, ingested, deleted or taken back after a draw."""

import dataclasses
import json

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

import embedsearch as es
from embedsearch.cli import main
from embedsearch.index.label import Decision
from embedsearch.screening import History, Screening, StoppingRule, audit_estimate, ranking_estimate
from embedsearch.screening.piles import PILE
from embedsearch.screening.report import as_markdown, report
from embedsearch.screening.tails import binomial_tail
from embedsearch.testing import HashEncoder


def documents(count, letter="d"):
    """Return so many documents."""
    return [es.Document(f"{letter}{number}", f"text {letter} {number}") for number in range(count)]


@pytest.fixture
def make(tmp_path):
    """Return what makes an index of so many records; all are closed at the end."""
    made = []

    def index(count):
        made.append(es.Index.create(tmp_path / f"i{len(made)}", HashEncoder(8)))
        made[-1].add(documents(count))
        return made[-1]

    yield index
    for one in made:
        one.close()


class Review:
    """A review whose truth is known: which records are relevant."""

    def __init__(self, index, name, seed, relevant, *, method="audit", recall=0.8):
        """Draw so many relevant records at random."""
        self.index, self.draws = index, np.random.default_rng(seed)
        self.screening = Screening(index, name)
        self.screening.configure(topic="x", seed=seed, method=method, recall=recall)
        self.relevant = set(self.draws.choice(self.screening.pile.ids, relevant, replace=False).tolist())

    def opened_again(self):
        """See the records as they are now."""
        self.screening = Screening(self.index, self.screening.name)

    @property
    def unread(self):
        """The ids that have no label."""
        labels = self.screening.labels.standing()
        return [id for id in self.screening.pile.ids if id not in labels]

    def label(self, ids, by=None):
        """Label records as they are, one after the other."""
        decisions = [Decision(id, int(id in self.relevant), by=by) for id in ids]
        self.screening.labels.add_all(decisions)

    def audit(self, size):
        """Draw a sample and read it."""
        self.label(self.screening.draw_audit(size), by="audit")

    def read(self, count):
        """Read so many by a ranking that is no better than chance."""
        self.label(self.draws.permutation(self.unread)[:count].tolist(), by="likely")

    def irrelevant(self, count):
        """Return so many of the unread that are not relevant."""
        return [id for id in self.unread if id not in self.relevant][:count]

    def at_most(self):
        """Return the bounds by the audit and by the ranking."""
        return [one.missed_at_most for one in self.screening.progress().estimates]

    def held(self):
        """Return whether these hold."""
        missed = sum(id in self.relevant for id in self.unread)
        return [missed <= bound for bound in self.at_most()]


def least_held(runs, share=0.95):
    """Return how many of so many bounds hold at least, but for one in a thousand times."""
    return stats.binom.ppf(0.001, runs, share)


# -- imports ------------------------------------------------------------------------------------------------


def test_an_import_of_what_is_irrelevant_lowers_no_bound(make):
    """60 of 300 drawn, three relevant: at most 33 missed, and still so when 180 others are known to be irrelevant.

    Before, today's 120 unread were taken for those of the draw: the bounds fell to a third and held in .23 of runs.
    """
    index, held = make(300), []
    for seed in range(40):
        review = Review(index, f"s{seed}", seed, 30)
        review.audit(60)
        before = review.at_most()
        review.label(review.irrelevant(180), by="import")
        after = review.at_most()
        assert after == [min(bound, len(review.unread)) for bound in before]
        held.append(review.held())
    assert (np.sum(held, axis=0) >= least_held(40)).all()


def test_the_bound_of_one_audit_after_an_import_worked_by_hand(make):
    """3 of 60 relevant from 300: by the binomials of K/300 … K/241, 33 missed have a tail above .05, 34 have not."""
    review = Review(make(300), "main", 1, 0)
    ids = review.screening.draw_audit(60)
    review.relevant = set(ids[:3])
    review.label(ids)
    rates = np.array([33, 34]) / np.arange(300, 240, -1)[:, None]
    assert (binomial_tail(rates, 3) > 0.05).tolist() == [True, False]
    assert review.at_most()[0] == 33
    review.label(review.unread[:200])
    assert (review.at_most()[0], len(review.unread)) == (33, 40)
    # Five more that are found relevant were unread at the draws as well: as many fewer are left.
    review.relevant |= set(review.unread[:5])
    review.label(review.unread[:5], by="import")
    assert review.at_most()[0] == 28
    # What is unread bounds it too.
    review.label(review.unread[:20], by="import")
    assert (review.at_most()[0], len(review.unread)) == (15, 15)


def test_an_import_lowers_a_bound_by_what_was_found_in_it_and_no_more(make):
    """Whatever is imported between and after draws and reading, each bound falls by the relevant ones at most."""
    index = make(200)
    for seed in range(20):
        review = Review(index, f"s{seed}", seed, 25)
        review.audit(20)
        review.label(review.draws.permutation(review.unread)[:20].tolist(), by="import")
        review.read(20)
        review.audit(20)
        before = review.at_most()
        imported = review.draws.permutation(review.unread)[:60].tolist()
        review.label(imported, by="import")
        found = len(review.relevant & set(imported))
        for now, then in zip(review.at_most(), before, strict=True):
            assert min(then - found, len(review.unread)) <= now <= then


def test_no_stop_by_an_import(make):
    """20 of some 30 found and 100 of 980 drawn: 800 irrelevant records imported do not meet the rule, as they did."""
    index = make(1_000)
    for seed in range(8):
        review = Review(index, f"s{seed}", seed, 30)
        review.label(sorted(review.relevant)[:20], by="likely")
        review.audit(100)
        assert not review.screening.progress().is_met
        review.label(review.irrelevant(800), by="import")
        progress = review.screening.progress()
        missed = sum(id in review.relevant for id in review.unread)
        assert not progress.is_met or progress.found >= 0.8 * (progress.found + missed)


def test_a_bound_that_more_was_found_than_it_allowed_is_not_lowered_by_that(make):
    """A sample without a hit that was refuted afterwards does not say that nothing is left."""
    review = Review(make(200), "main", 1, 0)
    review.audit(60)
    (before, _) = review.at_most()
    assert before == 8
    ids = review.unread[:20]
    review.relevant = set(ids)
    for count, wanted in ((8, 0), (20, 8)):
        review.label(ids[:count], by="import")
        assert review.at_most()[0] == wanted


def test_the_ranking_after_an_import(make):
    """50 of 100 read in vain, then 40 irrelevant ones imported: the windows were samples of all that was unread then.

    All bets together come to 11.5 against 6 missed, to 20.3 > 1/.05 against 7.
    """
    review = Review(make(100), "main", 1, 0, method="ranking")
    review.read(50)
    assert review.at_most()[1] == 6
    review.label(review.unread[:40], by="import")
    assert review.at_most()[1] == 6
    # Records known beforehand were in no urn: 10 imported, then 45 of the 90 read.
    other = Review(make(100), "main", 1, 0)
    other.label(other.unread[:10], by="import")
    other.read(45)
    plain = ranking_estimate(History(90, np.zeros(45, dtype=bool), np.zeros(45, dtype=bool)))
    assert other.at_most()[1] == plain.missed_at_most


# -- records that join or leave -----------------------------------------------------------------------------


def test_what_joined_after_a_draw_counts_as_missed(make):
    """200 read, 100 of 200 drawn in vain, four missed at most: of 1,000 that join afterwards nothing is known."""
    index = make(400)
    review = Review(index, "main", 1, 0)
    review.relevant = set(review.unread[:200])
    review.label(sorted(review.relevant), by="likely")
    review.audit(100)
    progress = review.screening.progress()
    assert (progress.estimates[0].missed_at_most, progress.is_met, progress.joined) == (4, True, 0)
    index.add(documents(1_000, "n"))
    review.opened_again()
    progress = review.screening.progress()
    assert (progress.unread, progress.joined, progress.samples[0].joined) == (1_100, 1_000, 1_000)
    assert (progress.estimates[0].missed_at_most, progress.is_met) == (1_004, False)
    assert progress.estimates[1].missed_at_most == 1_009
    assert not StoppingRule(0.8, method="audit").met(progress.history)
    status = CliRunner().invoke(main, ["screen", "status", "-i", str(index.path), "-f", "table"]).stdout
    assert "1,000 unread records joined after the sample was drawn; each counts as possibly missed." in status
    text = as_markdown(report(review.screening))
    assert "1,000 unread records joined later and could not be drawn." in text
    # A sample of all that is unread now takes them in.
    review.audit(550)
    progress = review.screening.progress()
    still = sum(id.startswith("n") for id in review.unread)
    assert ([one.joined for one in progress.samples], progress.joined) == ([still, 0], 0)
    assert progress.estimates[0].missed_at_most <= 5
    assert progress.is_met


def test_what_leaves_was_there_at_the_draw(make):
    """Records deleted afterwards, read or not, are as an import: the draw and its hits stay what they were."""
    index = make(300)
    review = Review(index, "main", 1, 0)
    ids = review.screening.draw_audit(60)
    review.relevant = set(ids[:3])
    review.label(ids)
    index.delete(review.unread[:200])
    review.opened_again()
    assert (review.at_most()[0], len(review.unread)) == (33, 40)
    index.delete(ids[:3])
    review.opened_again()
    progress = review.screening.progress()
    assert (review.at_most()[0], progress.found, progress.outside) == (33, 0, 3)
    assert (progress.samples[0].size, progress.samples[0].read, progress.samples[0].found) == (60, 60, 3)


def test_a_wider_condition_is_as_an_ingest(make):
    """Records that a new condition lets in could not be drawn under the old one."""
    index = make(0)
    index.add(es.Document(f"d{number}", f"text {number}", metadata={"year": number}) for number in range(200))
    review = Review(index, "main", 1, 0)
    review.screening.configure(where="year < 100")
    review.relevant = set(review.unread[:20])
    review.label(sorted(review.relevant), by="likely")
    review.audit(60)
    narrow = review.at_most()
    review.screening.configure(where="year < 130")
    assert review.at_most() == [bound + 30 for bound in narrow]
    # Those that left and came back were in the urn.
    review.screening.configure(where="year < 100")
    assert review.at_most() == narrow


def test_the_reading_of_what_joined_is_counted(make):
    """Reading by rank on after an ingest: the windows of the old records and those of all are both looked at."""
    index = make(200)
    review = Review(index, "main", 1, 0, method="ranking")
    review.read(150)
    before = review.screening.progress().estimates[1]
    index.add(documents(10, "n"))
    review.opened_again()
    joined = review.screening.progress().estimates[1]
    assert (joined.missed, joined.missed_at_most) == (before.missed + 10, before.missed_at_most + 10)
    for proposal in review.screening.next(60):
        if proposal.id.startswith("n"):
            review.label([proposal.id])
    assert review.screening.progress().joined == 0
    assert review.screening.progress().estimates[1] == before


def test_a_label_that_is_taken_back_after_a_draw_was_not_in_its_urn(make):
    """It counts as possibly missed; one that is taken back at once makes no difference."""
    review = Review(make(100), "main", 1, 0)
    (first, last) = review.unread[:2]
    review.label([first], by="likely")
    review.audit(50)
    (before, _) = review.at_most()
    number = review.screening.labels[first].number
    review.screening.labels.undo(number)
    assert review.at_most()[0] == before + 1
    # Given again, it was unread for no draw: it lowers nothing.
    review.relevant = {first}
    review.label([first], by="import")
    assert review.at_most()[0] == before
    if last in review.unread:
        review.label([last], by="import")
        review.screening.labels.undo()
        assert review.at_most()[0] == before


@pytest.mark.parametrize("relevant", [0, 6])
def test_estimates_are_as_if_an_import_that_is_taken_back_had_not_been(make, tmp_path, relevant):
    """What it labelled, overruled, and what was labelled over it count as if there had been none."""
    numbers = []
    for is_imported in (False, True):
        review = Review(make(60), "main", 1, relevant)
        review.read(5)
        review.label(review.screening.draw_audit(6)[:4], by="audit")
        if is_imported:
            ids = [*list(review.screening.labels)[:3], *review.unread[:20]]  # of those read, of the sample, of the rest
            file = tmp_path / "wrong.csv"
            file.write_text("id,label\n" + "".join(f"{id},{place % 2}\n" for place, id in enumerate(ids)), "utf-8")
            review.screening.labels.take(file)
            review.label(ids[5:7])
            review.screening.labels.undo_import()
        else:
            review.label(review.unread[2:4])
        review.read(8)
        record = review.screening.progress().to_dict()
        numbers.append({name: value for name, value in record.items() if name != "samples"})
    assert numbers[0] == numbers[1]


def test_bounds_hold_through_all_of_it(make):
    """Draws, imports, reading, ingests, deletions, one after the other: both bounds hold as often as they say."""
    held = []
    for part in range(2):
        index = make(240)
        for seed in range(12):
            review = Review(index, f"s{seed}", 100 * part + seed, 25)
            review.audit(30)
            review.label(review.draws.permutation(review.unread)[:40].tolist(), by="import")
            review.read(30)
            review.label(review.irrelevant(30), by="import")
            review.audit(30)
            index.add(documents(40, f"n{seed}-"))
            review.opened_again()
            review.relevant |= {f"n{seed}-{number}" for number in range(4)}
            held.append(review.held())
            review.audit(40)
            review.label(review.irrelevant(20), by="import")
            held.append(review.held())
            index.delete(f"n{seed}-{number}" for number in range(40))
            review.opened_again()
            held.append(review.held())
    assert (np.sum(held, axis=0) >= least_held(len(held))).all()


# -- undecided records --------------------------------------------------------------------------------------


def test_an_undecided_record_of_a_sample_counts_as_a_hit(make):
    """Before, it broke the sample off: the first of twenty left no sample at all."""
    review = Review(make(60), "main", 1, 0)
    ids = review.screening.draw_audit(20)
    review.label(ids[1:])
    assert review.at_most()[0] == 41
    review.screening.labels.add(ids[0], "undecided")
    # One hit of nineteen: tails above and below .05, by the binomials of K/59 … K/41.
    places = np.arange(1, 20)
    rates = np.array([11, 12]) / (60 - places)[:, None]
    assert (binomial_tail(rates, 1) > 0.05).tolist() == [True, False]
    progress = review.screening.progress()
    assert progress.estimates[0].missed_at_most == 11
    assert (progress.samples[0].read, progress.samples[0].found, progress.samples[0].undecided) == (20, 0, 1)
    review.label([ids[0]])
    plain = audit_estimate(History(60, np.zeros(20, dtype=bool), np.ones(20, dtype=bool)))
    assert review.at_most()[0] == plain.missed_at_most < 11


def test_relevant_records_that_are_left_undecided_hide_nothing(make):
    """Who cannot decide any relevant record has found none; the bound holds all the same."""
    index, held = make(200), []
    for seed in range(40):
        review = Review(index, f"s{seed}", seed, 30)
        ids = review.screening.draw_audit(60)
        review.screening.labels.add_all(
            [Decision(id, "undecided" if id in review.relevant else 0, by="audit") for id in ids]
        )
        held.append(review.held()[0])
    assert sum(held) >= least_held(40)


# -- what is kept -------------------------------------------------------------------------------------------


def test_what_the_journal_holds_first_was_there_from_the_beginning(make):
    """Labels that came with what had proposed them, before anything was shown here, were given among those records."""
    index = make(20)
    index.labels.add_all([Decision(f"d{number}", 0, by="likely") for number in range(5)])
    before = Screening(index).progress()
    assert (before.history.left.tolist(), before.joined) == ([20, 19, 18, 17, 16], 0)
    screening = Screening(index)
    screening.next(1, by="random")
    assert screening.progress().history.left.tolist() == before.history.left.tolist()
    index.add(documents(3, "n"))
    Screening(index).next(1, by="random")
    after = Screening(index).progress()
    assert (after.history.left.tolist(), after.joined) == (before.history.left.tolist(), 3)
    bounds = [one.missed_at_most for one in before.estimates]
    assert [one.missed_at_most for one in after.estimates] == [bound + 3 for bound in bounds]


def test_the_records_are_kept_once_and_not_reported(make):
    """The journal holds them where they change; the report leaves the marks out."""
    index = make(20)
    screening = Screening(index)
    screening.configure(topic="x", seed=1)
    screening.next(2)
    screening.next(2)
    screening.next(2, by="random")
    screening.draw_audit(3)
    assert [PILE in event.details for event in screening.labels.history()] == [True, False, False, False]
    index.add(documents(3, "n"))
    Screening(index).next(2)
    Screening(index).next(2)
    assert [PILE in event.details for event in screening.labels.history()] == [True, False, False, False, True]
    made = report(Screening(index))
    assert PILE not in json.dumps(made)
    assert as_markdown(made)


def test_histories_of_odd_lengths_are_refused():
    """Each of the counts is one for each label."""
    plain = History(10, np.zeros(3, dtype=bool), np.zeros(3, dtype=bool))
    with pytest.raises(es.QueryError, match=r"2 numbers of records \(left\) for 3 labels"):
        dataclasses.replace(plain, left=np.array([10, 9]))
