"""How far two who screened apart agree: counts, kappa with its interval, conflicts that are filled in and imported."""

import csv
import io
import json

import numpy as np
import pytest
from conftest import run
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

import embedsearch as es
from embedsearch.screening import Agreement, agreement
from embedsearch.testing import HashEncoder

PAIRS = [(True, True), (True, False), (False, True), (False, False)]
SAID = {
    "a": ("relevant", "relevant"),
    "b": ("relevant", "not relevant"),
    "c": (0.4, 0.1),
    "d": (0.5, 0.4),
    "e": ("undecided", "relevant"),
    "f": ("undecided", "undecided"),
    "g": ("not relevant", None),
    "h": (None, "relevant"),
    "i": (None, "not relevant"),
    "j": (None, None),
}


@pytest.fixture
def path(tmp_path):
    """Return an index whose records ada and Ben have labelled as they said, and one that was deleted since."""
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add([*(es.Document(id, f"record {id}") for id in SAID), es.Document("gone", "a record")])
        for place, name in enumerate(("ada", "Ben")):
            labels = index.labels.named(name)
            for id, both in SAID.items():
                if both[place] is not None:
                    labels.add(id, both[place], note=f"{name} on {id}", author=name)
            labels.add("gone", ("relevant", "not relevant")[place])
        index.delete("gone")
    return tmp_path / "index"


def counted(*counts):
    return Agreement("one", "other", dict(zip(PAIRS, counts, strict=True)), 0, (0, 0))


def test_counts_and_conflicts(path):
    """Grades count from 0.5 on; what one has not decided is a conflict and no part of kappa; what is gone is none."""
    with es.open(path, HashEncoder()) as index:
        found = agreement(index, "ada", "Ben")
        assert [found.counts[pair] for pair in PAIRS] == [1, 2, 0, 1]
        assert (found.decided, found.undecided, found.alone) == (4, 2, (1, 2))
        assert found.share == 0.5
        assert found.kappa == pytest.approx(0.2)  # (.5 - .375) / (1 - .375), where .375 = .75 * .25 + .25 * .75
        assert [(one.id, one.first.name, one.second.name) for one in found.conflicts] == [
            ("b", "relevant", "not relevant"), ("d", "0.5", "0.4"), ("e", "undecided", "relevant"),
        ]  # fmt: skip
        assert found.conflicts[0].title == "record b"
        with pytest.raises(es.QueryError, match=r"no screening 'ben'\. Did you mean 'Ben'\?"):
            agreement(index, "ada", "ben")
        with pytest.raises(es.QueryError, match="name two screenings"):
            agreement(index, "ada", "ada")


@given(st.tuples(*[st.integers(0, 60)] * 4))
def test_kappa_is_that_of_others_and_its_error_that_of_the_delta_method(counts):
    """Against scikit-learn, and against the slope of kappa by each share, with the covariance of a multinomial."""
    found, total = counted(*counts), sum(counts)
    first = np.repeat([one for one, _ in PAIRS], counts)
    second = np.repeat([other for _, other in PAIRS], counts)
    if found.kappa is None:
        assert total == 0 or len(set(first) | set(second)) == 1
        assert found.interval() is None
        return
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    low, high = found.interval()
    assert -1 <= low <= found.kappa <= high <= 1

    def kappa(shares):
        yes, either, other, no = shares
        expected = (yes + either) * (yes + other) + (other + no) * (either + no)
        return (yes + no - expected) / (1 - expected)

    shares, step = (np.array(counts) + 1) / (total + 4), 1e-6  # one record more in each cell
    slopes = np.array([(kappa(shares + step * one) - kappa(shares - step * one)) / (2 * step) for one in np.eye(4)])
    reach = 1.959964 * np.sqrt((slopes**2 @ shares - (slopes @ shares) ** 2) / (total + 4))
    assert low == pytest.approx(max(min(found.kappa, kappa(shares) - reach), -1), abs=1e-4)
    assert high == pytest.approx(min(max(found.kappa, kappa(shares) + reach), 1), abs=1e-4)


@pytest.mark.parametrize("true", [0.0, 0.4, 0.8, 0.95])
@pytest.mark.parametrize(("size", "relevant"), [(10, 0.5), (20, 0.1), (50, 0.1), (200, 0.1), (200, 0.5)])
def test_the_interval_of_kappa_holds_for_few_records_too(size, relevant, true):
    """At least 91% of 1,000 tables have the true kappa inside; by the error of the counts as they stand, 7 to 95%."""
    both = relevant**2 + true * relevant * (1 - relevant)
    chances = [both, relevant - both, relevant - both, 1 - 2 * relevant + both]
    tables, times = np.unique(np.random.default_rng(5).multinomial(size, chances, 1000), axis=0, return_counts=True)
    ends = [counted(*row).interval() for row in tables.tolist()]
    held = [(one[0] <= true <= one[1], count) for one, count in zip(ends, times, strict=True) if one is not None]
    inside, weights = zip(*held, strict=True)
    assert np.average(inside, weights=weights) > 0.91


def test_two_who_agree_on_four_records_may_not_on_the_fifth():
    """The interval is as wide as four records are few, also where one of the two says the same of all."""
    assert counted(2, 0, 0, 2).kappa == 1
    assert counted(2, 0, 0, 2).interval() == pytest.approx((-0.100, 1), abs=1e-3)
    assert counted(2, 2, 0, 0).kappa == 0
    assert counted(2, 2, 0, 0).interval() == pytest.approx((-0.60, 0.60), abs=0.01)


def test_the_command_prints_conflicts_that_are_filled_in_and_imported(path):
    """The figures stand on stderr; what both agree on goes into a third screening, by whom is said."""
    asked = run("screen", "agreement", "ada", "Ben", "-i", path, "-f", "csv")
    assert asked.exit_code == 0
    assert asked.stderr.splitlines() == [
        "4 records decided by both, alike 50.0%; relevant by either 3, by both 1.",
        "Cohen's kappa 0.20 (-0.55 to 0.66 with 95% confidence).",
        "Undecided by one or both: 2.",
        "Labelled by ada alone: 1; by Ben alone: 2.",
    ]
    rows = list(csv.DictReader(io.StringIO(asked.stdout)))
    assert [(row["id"], row["label"], row["first"], row["second_by"]) for row in rows] == [
        ("b", "", "relevant", "Ben"), ("d", "", "0.5", "Ben"), ("e", "", "undecided", "Ben"),
    ]  # fmt: skip
    filled = asked.stdout.replace("b,,", "b,excluded,").replace("e,,", "e,included,")
    (path.parent / "agreed.csv").write_text(filled, "utf-8")
    brought = run("screen", "import", path.parent / "agreed.csv", "--name", "both", "--author", "ada & Ben", "-i", path)
    assert brought.stderr == f"{path}: 2 documents labelled, 0 unchanged; 1 record without a label.\n"
    with es.open(path, HashEncoder()) as index:
        labels = index.labels.named("both").standing()
        assert {id: (one.name, one.author) for id, one in labels.items()} == {
            "b": ("not relevant", "ada & Ben"), "e": ("relevant", "ada & Ben"),
        }  # fmt: skip


def test_all_figures_are_there_for_programs(path):
    """As one object; a table names the screenings."""
    figures = json.loads(run("screen", "agreement", "ada", "Ben", "-i", path, "-f", "json").stdout)
    counts = {name: figures[name] for name in figures if isinstance(figures[name], int)}
    assert counts == {
        "decided": 4, "both_relevant": 1, "only_first_relevant": 2, "only_second_relevant": 0, "neither_relevant": 1,
        "undecided": 2, "only_first_labelled": 1, "only_second_labelled": 2,
    }  # fmt: skip
    assert figures["agreement"] == 0.5
    assert figures["kappa_interval"] == pytest.approx([-0.55, 0.66], abs=0.005)
    assert figures["kappa"] == pytest.approx(0.2)
    assert [one["id"] for one in figures["conflicts"]] == ["b", "d", "e"]
    table = run("screen", "agreement", "ada", "Ben", "-i", path, "-f", "table").stdout
    assert table.splitlines()[0].split() == ["id", "ada", "Ben", "title"]


def test_nothing_in_common_is_nothing_found(path):
    """Exit code 1, and CSV with its header."""
    with es.open(path, HashEncoder()) as index:
        index.labels.named("new").add("j", "relevant")
    asked = run("screen", "agreement", "new", "ada", "-i", path, "-f", "csv")
    assert asked.exit_code == 1
    assert asked.stderr.startswith("No record is labelled by both.\nLabelled by new alone: 1; by ada alone: 7.\n")
    assert asked.stdout.startswith("id,label,note,first,")


def test_an_import_says_who_labelled_where_the_file_does_not(path):
    """A file that names them keeps them; a row that was filled in since is by whoever is named."""
    (path.parent / "labels.csv").write_text("id,label,labelled_by,labelled_at\na,1,cy,2020-01-01\nb,0,,\n", "utf-8")
    assert run("screen", "import", path.parent / "labels.csv", "--author", "dee", "-i", path).exit_code == 0
    with es.open(path, HashEncoder()) as index:
        assert {id: one.author for id, one in index.labels.standing().items()} == {"a": "cy", "b": "dee"}
