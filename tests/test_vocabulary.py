"""Words: which lie furthest out on an axis, and which are characteristic of groups of documents."""

import json
import math

import numpy as np
import pytest
from conftest import run
from scipy import stats
from scipy.sparse import csr_matrix

import embedsearch as es
from embedsearch.index import vocabulary
from embedsearch.terms import Terms, characteristic, find_terms, first_unlike, highest_by_chance, pull
from embedsearch.testing import HashEncoder, TableEncoder


def scores(texts, coordinates):
    """Return mean and score of each word."""
    terms = find_terms(texts)
    means, found = pull(terms, np.array(coordinates, dtype=float))
    return {name: (means[place], found[place]) for place, name in enumerate(terms.names)}


def test_the_score_of_a_word_by_hand():
    """Six texts at 0 to 5: those with `shark` are 4 and 5, whose mean, 4.5, is 2 above that of all.

    Two of six drawn by lot have a mean that varies by s²/2 · (1 - 2/6), s² = 3.5 being that of the six.
    """
    found = scores(["tree", "tree", "tree whale", "whale", "shark", "shark"], range(6))
    assert found["shark"] == pytest.approx((4.5, 2 / math.sqrt(3.5 / 2 * 2 / 3)))
    assert found["tree"][0] == pytest.approx(1)
    assert found["tree"][1] < 0
    assert found["whale"] == pytest.approx((2.5, 0))


def test_a_word_of_all_texts_and_texts_alike_say_nothing():
    """Their scores are 0, and no division by nothing is met."""
    assert scores(["sea shark", "sea", "sea"], [1, 2, 3])["sea"] == pytest.approx((2, 0))
    assert scores(["shark", "sea"], [1, 1])["sea"] == pytest.approx((1, 0))
    assert find_terms(["12 34", "a b", ""]) is None
    assert find_terms(["loan sharks", "the loan"], pairs=True).names == ["loan", "loan sharks", "sharks"]


def test_scores_are_those_of_chance_where_words_are_drawn_by_lot():
    """Of 1,000 words strewn by lot the scores vary by 1."""
    random = np.random.default_rng(3)
    letters = [f"w{'abcdefghij'[n // 100 % 10]}{'abcdefghij'[n // 10 % 10]}{'abcdefghij'[n % 10]}" for n in range(1000)]
    texts = [" ".join(random.choice(letters, 20)) for _ in range(1500)]
    found = np.array([score for _, score in scores(texts, random.standard_normal(1500)).values()])
    assert found.std() == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("shape", [None, 0.5])
def test_what_chance_gives_is_what_lots_give(shape):
    """Normal coordinates give what a normal curve says; skewed ones, of which three may all be high, far more."""
    random = np.random.default_rng(4)
    coordinates = random.standard_normal(400) if shape is None else random.gamma(shape, size=400)
    has = np.zeros((400, 300), dtype=np.int64)
    for column in has.T:
        column[random.choice(400, random.integers(3, 9), replace=False)] = 1
    terms = Terms([], csr_matrix(has))
    told = highest_by_chance(terms, coordinates, np.ones(300, dtype=bool))
    lots = [abs(pull(terms, random.permutation(coordinates))[1]).max() for _ in range(60)]
    assert told == pytest.approx(np.mean(lots), abs=0.25 if shape is None else 0.6)
    normal = stats.norm.ppf(1 - 1 / (2 * 300))
    assert (abs(told - normal) < 0.3) if shape is None else (told > normal + 0.6)
    assert highest_by_chance(terms, coordinates, np.zeros(300, dtype=bool)) == 0


def test_how_characteristic_a_word_is_counts_the_texts_that_lack_it_too():
    """Woolf's log-odds ratio in standard errors, but for a small prior: a word that most texts have says little."""
    often, seldom = characteristic(np.array([[87, 27], [1048, 55]]), np.array([100, 1747]))[0]
    for score, (one, other) in ((often, (87, 1048)), (seldom, (27, 55))):
        cells = np.array([one, 100 - one, other, 1747 - other])
        ratio = np.log(cells[0] * cells[3] / (cells[1] * cells[2]))
        assert score == pytest.approx(ratio / np.sqrt((1 / cells).sum()), rel=0.03)
    assert 4 < often < 6 < seldom


def test_terms_that_share_a_word_are_told_once():
    """Plural and singular count as one; what weighs nothing is left out."""
    names = ["sharks", "shark", "whale", "none"]
    weights = np.array([5.0, 4.0, 9.0, 0.0])
    assert first_unlike(names, weights, 5) == [2, 0]
    assert first_unlike(names, weights, 1) == [2]


@pytest.fixture
def pile(tmp_path):
    """Return an index in which texts with `shark` lie high on an axis, those with `tree` low."""
    table = {f"shark number{'abc'[n]}": [1.0, 0.0] for n in range(3)}
    table |= {f"tree number{'abc'[n]}": [-1.0, 0.0] for n in range(3)} | {"a bank": [0.0, 1.0]}
    encoder = TableEncoder(table | {"low": [-1.0, 0.0], "high": [1.0, 0.0]})
    with es.Index.create(tmp_path / "pile", encoder) as made:
        made.add(es.Document(text, text, metadata={"kind": text.split()[0]}) for text in table)
        made.axes.save(es.Axis("x", ["low"], ["high"]))
        yield made


def test_words_of_an_axis(pile):
    """Each end has its own, with where they lie; a word of fewer than three passages is not compared."""
    found = pile.words("x")
    assert [(one.end, one.word, one.passages) for one in found.words] == [("low", "tree", 3), ("high", "shark", 3)]
    high = found.words[1]
    population = pile.population("x").coordinates
    assert high.mean == pytest.approx(population[:3].mean())
    assert high.score == pytest.approx(high.mean / math.sqrt(population.var(ddof=1) / 3 * 4 / 7))
    assert (found.compared, found.passages, found.of) == (2, 7, 7)
    assert [one.word for one in pile.words("x", where='kind != "tree"').words] == ["shark"]
    assert len(pile.words("x", k=1).words) == 2
    assert list(pile.words("x").words.to_pandas().columns) == [
        "axis", "end", "word", "passages", "mean", "score", "version",
    ]  # fmt: skip


def test_words_of_groups(pile):
    """They are those that a group has and the others do not; none where all have them or too few."""
    found = pile.compare("kind", least=1, words=2)
    assert found.words == {"shark": ("shark",), "a": (), "tree": ("tree",)}
    assert pile.compare("kind", least=1).words == {}
    with pytest.raises(es.QueryError, match="words is -1"):
        pile.compare("kind", words=-1)


def test_words_of_passages_are_those_that_others_lack(pile):
    """Of all passages there are none, nor of two; rows that are no passage's are refused."""
    rows = pile.rows('kind == "shark"')
    assert pile.words_of(rows) == ("shark",)
    assert pile.words_of(rows[:2]) == ()
    assert pile.words_of(pile.rows()) == pile.words_of([]) == ()
    with pytest.raises(es.QueryError, match="99"):
        pile.words_of([99])


def test_of_very_many_passages_a_sample_is_read(tmp_path, monkeypatch):
    """It is told how many; groups are told from the same sample."""
    monkeypatch.setattr(vocabulary, "MOST_READ", 40)
    with es.Index.create(tmp_path / "many", HashEncoder(4)) as index:
        index.add(
            es.Document(f"d{n}", f"{'shark' if n % 3 else 'tree'} {n}", metadata={"k": "odd" if n % 3 else "even"})
            for n in range(200)
        )
        index.axes.save(es.Axis("x", ["low"], ["high"]))
        found = index.words("x")
        assert (found.passages, found.of, found.compared) == (40, 200, 2)
        assert {one.word: one.passages for one in found.words} == {"shark": 26, "tree": 14}
        assert index.compare("k", words=3).words == {"odd": ("shark",), "even": ("tree",)}


def test_the_command_shows_both_ends(predation):
    """On the corpus giants are large and predators predatory; what chance gives is told."""
    done = run("axes", "words", "size", "-k", 3, "-i", predation, "-f", "jsonl")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["end"] for row in rows] == ["low"] * 3 + ["high"] * 3
    assert rows[3]["word"] == "giant"
    assert rows[3]["passages"] == 15
    assert rows[3]["score"] == pytest.approx(8.85, abs=0.1)
    shown = run("axes", "words", "predatoriness", "-i", predation, "-f", "table")
    assert {"predator", "prey"} <= set(shown.stdout.split("highest")[1].split())
    assert "Of 2,022 words in 1,010 passages: chance alone gives scores up to about 3.5." in shown.stderr
    nothing = run("axes", "words", "size", "--where", "year > 3000", "-i", predation)
    assert nothing.exit_code == 1
    assert "no word is in three passages or more" in nothing.stderr


def test_words_of_groups_have_no_column(predation):
    """A row is of a group and an axis: words go into the table, and into JSON's one object."""
    done = run("compare", "domain", "-a", "size", "--words", 4, "-i", predation, "-f", "json")
    assert "birds" in json.loads(done.stdout)["words"]["nature"]
    done = run("compare", "domain", "--words", 4, "-i", predation, "-f", "csv")
    assert done.exit_code == 2
    assert "--words goes with -f table and -f json" in done.stderr
    shown = run("compare", "domain", "-a", "size", "--words", 4, "-i", predation, "-f", "table").stdout
    assert "domain    words" in shown
