"""Finding and improving axes: extension, components, proposals, comparison, evidence, what remains."""

import json
import math

import numpy as np
import pytest
from conftest import run

import embedsearch as es
from embedsearch.axes.blending import fit_weights
from embedsearch.axes.extending import extended
from embedsearch.axes.learning import _gain, learning_curve
from embedsearch.axes.proposing import propose
from embedsearch.axes.statistics import Pairs
from embedsearch.index import axis_material
from embedsearch.index.remaining import shares_held
from embedsearch.testing import HashEncoder, TableEncoder


def test_extension_by_hand():
    """Poles along x; the highest third lies towards y as well: the direction is unit(x + .6·unit(difference))."""
    rows = np.array([[0.8, 0.6, 0]] * 10 + [[0, 0, 1.0]] * 10 + [[-0.8, 0.6, 0]] * 5 + [[-1.0, 0, 0]] * 5)
    found = extended(np.array([1.0, 0, 0], dtype=np.float32), rows.astype(np.float32), name="a")
    difference = np.array([0.8 + 0.9, 0.6 - 0.3, 0])
    wanted = np.array([1.0, 0, 0]) + 0.6 * difference / np.linalg.norm(difference)
    assert found.tolist() == pytest.approx((wanted / np.linalg.norm(wanted)).tolist(), abs=1e-6)
    with pytest.raises(es.AxisError, match="needs at least 30 passages; there are 5"):
        extended(np.array([1.0, 0, 0], dtype=np.float32), rows[:5].astype(np.float32), name="a")


def test_an_extended_axis_is_fitted_in_an_index(tmp_path):
    """The origin stays half-way between the poles, the step stays theirs; without an index it is refused."""
    axis = es.Axis("size", ["small"], ["large"], extend=True)
    with pytest.raises(es.AxisError, match="of an index; fit it there"):
        axis.fit(HashEncoder())
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add(es.Document(f"d{n}", f"d{n}") for n in range(40))
        fitted, plain = index.axes.save(axis), es.Axis("size", ["small"], ["large"]).fit(HashEncoder())
        assert index.axes.definitions()["size"] == axis
        ends = HashEncoder().encode(["small", "large"])
        assert fitted.read(ends).sum() == pytest.approx(0, abs=1e-6)
        assert fitted.step.tolist() == plain.step.tolist()
        assert 0.8 < fitted.direction @ plain.direction < 0.9999
    with pytest.raises(es.AxisError, match="goes with poles"):
        es.Axis("a", expression="x + y", extend=True)


RATINGS = {"d1": 1.0, "d2": 5.0, "d3": 3.0, "d4": 2.0, "d5": 4.0, "d6": 1.5}


def rated_size(**definition):
    """Return an axis of two poles and six ratings."""
    return es.Axis("size", ["small"], ["large"], ratings=RATINGS, **definition)


def test_ratings_weigh_the_poles_extended_as_well(tmp_path):
    """With ratings both are believed, by default where there are 30 passages; without ratings the poles alone."""
    encoder = HashEncoder()
    poles, plain = es.Axis("size", ["small"], ["large"]), rated_size().fit(encoder).direction
    with es.Index.create(tmp_path / "few", encoder) as index:
        index.add(es.Document(f"d{n}", f"d{n}") for n in range(29))
        assert index.axes.save(rated_size()).direction.tolist() == plain.tolist()
    with es.Index.create(tmp_path / "enough", encoder) as index:
        index.add(es.Document(f"d{n}", f"d{n}") for n in range(30))
        default = index.axes.save(rated_size()).direction
        pole = poles.fit(encoder).direction
        both = np.stack([pole, extended(pole, index.axes.material().passages(None), name="size")])
        wanted = fit_weights(*(np.array(part, dtype=float) for part in rated(encoder)), both)
        assert default.tolist() == pytest.approx((wanted / np.linalg.norm(wanted)).tolist(), abs=1e-5)
        assert default.tolist() == index.axes.save(rated_size(extend=True)).direction.tolist()
        assert index.axes.save(rated_size(extend=False)).direction.tolist() == plain.tolist()
        assert float(plain @ default) < 0.9999
        assert index.axes.save(poles).direction.tolist() == pole.tolist()


def rated(encoder):
    """Return the vectors and the values of what is rated."""
    return encoder.encode(list(RATINGS)), list(RATINGS.values())


@pytest.mark.parametrize("extend", [None, True, False])
def test_a_definition_keeps_what_it_says_of_extension(extend):
    """Yes, no and nothing are three answers, and each comes back from a file."""
    axis = rated_size(extend=extend)
    assert es.Axis.from_dict("size", axis.to_dict()) == axis
    assert axis.to_dict().get("extend") is extend


def test_of_very_many_passages_an_even_sample_is_taken(tmp_path, monkeypatch):
    """Means of thirds and components do not need all vectors at once; few passages are taken as they are."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add(es.Document(f"d{n}", f"d{n}") for n in range(40))
        material, all_of_them = index.axes.material(), HashEncoder().encode([f"d{n}" for n in range(40)])
        assert material.passages(None).tolist() == all_of_them.tolist()
        monkeypatch.setattr(axis_material, "_SAMPLE", 15)
        even = [0, 2, 5, 8, 10, 13, 16, 18, 21, 24, 26, 29, 32, 34, 37]
        assert material.passages(None).tolist() == all_of_them[even].tolist()
        assert material.passages("id == 'nothing'").shape == (0, HashEncoder().dimension)
        sampled = index.explorer.discover(2, None, 3)
        monkeypatch.setattr(axis_material, "_SAMPLE", 40)
        whole = index.explorer.discover(2, None, 3)
        assert [one.share for one in sampled] != [one.share for one in whole]
        assert {len(one.low) for one in sampled} == {3}


def test_of_very_many_documents_with_a_field_an_even_sample_is_taken(tmp_path, monkeypatch):
    """Each by the mean of its passages and its own value; a document without a value is none of them."""
    with es.Index.create(tmp_path / "i", HashEncoder(max_tokens=2), overlap=0) as index:
        texts = [f"One {n}. Two {n}." for n in range(20)]
        index.add(
            es.Document(f"d{n}", text, metadata={"year": n} if n % 5 else {"year": ""}) for n, text in enumerate(texts)
        )
        vectors, years = index.axes.material().field("year")
        assert years == [n for n in range(20) if n % 5]
        assert vectors.tolist() == index.document_vectors([f"d{n}" for n in years]).tolist()
        both = index.encoder.encode(["One 7.", "Two 7."]).astype(float).sum(axis=0)
        assert vectors[years.index(7)] == pytest.approx(both / np.linalg.norm(both), abs=1e-6)
        monkeypatch.setattr(axis_material, "_SAMPLE", 4)
        few, of = index.axes.material().field("year")
        assert of == [1, 6, 11, 16]
        assert few == pytest.approx(vectors[[years.index(year) for year in of]], abs=1e-6)


def circle(tmp_path):
    angles = np.linspace(-1, 1, 41)
    table = {f"d{n}": [0, math.sin(t), math.cos(t)] for n, t in enumerate(angles)} | {"lo": [0, -1, 0], "hi": [0, 1, 0]}
    index = es.Index.create(tmp_path / "i", TableEncoder(table))
    index.add(es.Document(name, name) for name in table)
    return index


def test_components_are_named_by_their_ends_and_kept(tmp_path, monkeypatch):
    """On an arc the widest component runs from one end to the other; kept, it is an axis of the index."""
    with circle(tmp_path) as index:
        first, second = index.explorer.discover(2, None, 1)
        assert {first.low[0], first.high[0]} == {"lo", "hi"}
        assert first.share + second.share == pytest.approx(1, abs=1e-6)
        with pytest.raises(es.QueryError, match="ends is 0; at least 1 must be asked for"):
            index.explorer.discover(2, None, 0)
        monkeypatch.setattr("embedsearch.cli.axes_commands.open_index", lambda *_: index)
        shown = run("axes", "discover", "-k", "1", "--keep", "1", "--name", "arc", "-f", "jsonl")
        assert json.loads(shown.stdout)["number"] == 1
        assert abs(index.axes["arc"].fitted.direction[1]) == pytest.approx(1, abs=1e-6)


def test_proposals_are_spread_and_not_redundant():
    """Of clusters along a line each is visited before any twice, the ends first; copies come last."""
    random = np.random.default_rng(0)
    centers = np.eye(5)
    vectors = np.repeat(centers, 4, axis=0).astype(np.float32)
    coordinates = np.repeat(np.arange(5.0), 4) + 0.01 * random.standard_normal(20)
    chosen = propose(vectors, coordinates, vectors[:0], 5)
    assert (chosen // 4).tolist() == [0, 4, 2, 1, 3]
    assert len(set(propose(vectors, coordinates, vectors[:0], 30).tolist())) == 20
    # An outlier is uncertain but tells nothing about the others.
    lone = np.concatenate([np.tile(np.eye(2, 4), (9, 1)), [[0, 0, 3, 0]]]).astype(np.float32)
    assert propose(lone, np.zeros(19), lone[:0], 5, lone[:18]).max() < 18
    # What was rated already is not asked for again in the same stratum: its cluster's twin is certain.
    mixed = np.tile(np.eye(3), (5, 1)).astype(np.float32)
    assert propose(mixed, np.arange(15.0), mixed[[0, 0, 0]], 1)[0] in (1, 2)


def test_proposals_lower_the_variance_of_the_population_most():
    """Of all candidates of a stratum the first and the second are those after which the posterior variance is least."""
    random = np.random.default_rng(1)
    vectors, population = random.standard_normal((40, 6)), random.standard_normal((90, 6)) * [3, 2, 1, 1, 0.5, 0.5]
    rows, measured = vectors - population.mean(axis=0), population - population.mean(axis=0)
    noise = (measured**2).sum(axis=1).mean()

    def variance(rated):
        weights = np.linalg.inv(np.eye(6) + rows[rated].T @ rows[rated] / noise)
        return np.trace(measured @ weights @ measured.T)

    lowest, highest = range(8), range(32, 40)
    first = min(lowest, key=lambda place: variance([39, place]))
    second = min((place for place in highest), key=lambda place: variance([39, first, place]))
    chosen = propose(vectors, np.arange(40.0), vectors[[39]], 2, population)
    assert chosen.tolist() == [first, second]


def test_nothing_that_was_rated_is_proposed(tmp_path):
    """Neither a phrase nor a document's text in any spelling, nor two spellings of one text."""
    texts = ["Wolf", "wolf", "Blue whale", "blue \n WHALE", "flea", "a mouse", "horse", "sheep"]
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add([es.Document(f"d{n}", text) for n, text in enumerate(texts)])
        index.axes.save(es.Axis("size", ["small"], ["large"]))
        first = index.explorer.propose("size", 20, None)
        assert {" ".join(text.casefold().split()) for text in first} == {
            "wolf", "blue whale", "flea", "a mouse", "horse", "sheep"
        }  # fmt: skip
        assert len(first) == 6
        phrases, documents = {"FLEA": 1, "x": 2, "y": 3, "z": 4}, {"d0": 5, "d3": 6}
        index.axes.save(es.Axis("size", ["small"], ["large"], ratings=phrases, rated_documents=documents))
        assert set(index.explorer.propose("size", 20, None)) == {"a mouse", "horse", "sheep"}
        index.explorer.rate("size", {"A  mouse": 7, "sheep": 8}, {"d6": 9})
        with pytest.raises(es.AxisError, match="no passage of 80 characters or fewer is left to be rated on 'size'"):
            index.explorer.propose("size", 20, None)


def test_discovered_names_can_be_asked_for(tmp_path):
    """Of the texts at the ends only what a name can hold is kept."""
    texts = ["-, wolf = grey,\nand old", "=,-", "a horse", "a sheep"]
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add([es.Document(f"d{n}", text) for n, text in enumerate(texts)])
        names = [component.axis.name for component in index.explorer.discover(3, None, 1)]
        ends = {end for name in names for end in name.split(" - ")}
        assert ends <= {"wolf grey and old", "…", "a horse", "a sheep"}
        assert {"wolf grey and old", "…"} <= ends


def pairs_of(right, counted):
    """Return a record of two texts whose one pair was compared *counted* times."""
    one = np.array([[0.0, 1], [1, 0]])
    return Pairs(right * one, counted * one)


def test_the_learning_curve_is_continued():
    """Shares of .8 - .5/√n are continued exactly, whatever the points weigh: from 25 to 30 by .5·(1/5 - 1/√30)."""
    compared = {n: pairs_of((0.8 - 0.5 / math.sqrt(n)) * 10 * n, 10 * n) for n in (5, 10, 15, 20)}
    assert _gain(compared, 25, np.array([0, 1])) == pytest.approx(0.5 * (0.2 - 1 / math.sqrt(30)))
    # A point of few pairs turns it little; the weighted fit is numpy's with the square roots of the pairs.
    compared[20] = pairs_of(0.0, 1)
    shares, counted = [pairs.share() for pairs in compared.values()], [pairs.tally()[1] for pairs in compared.values()]
    slope = np.polyfit(1 / np.sqrt([5, 10, 15, 20]), shares, 1, w=np.sqrt(counted))[0]
    assert _gain(compared, 25, np.array([0, 1])) == pytest.approx(slope * (1 / math.sqrt(30) - 0.2))
    assert np.isnan(_gain(compared, 25, np.array([0, 0])))


def test_what_more_ratings_would_add_is_not_overstated():
    """Over many sets of twelve ratings of noise it is 0 on average, below it as often, and the interval holds 0."""
    found = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        vectors, ratings = random.standard_normal((12, 20)), random.standard_normal(12)
        found.append(learning_curve(vectors, ratings, None, vectors, np.arange(12)).more)
    values = np.array([more.value for more in found])
    assert abs(values.mean()) < 3 * values.std() / math.sqrt(40)
    assert 0.3 < (values < 0).mean() < 0.7
    assert np.mean([more.low <= 0 <= more.high for more in found]) >= 0.85


def test_rating_goes_through_a_file_or_the_terminal(tmp_path, monkeypatch):
    """Proposals are written to fill in, taken back as a new version, or asked for; what is no number is passed over."""
    with circle(tmp_path) as index:
        index.axes.save(es.Axis("height", ["lo"], ["hi"]))
        monkeypatch.setattr("embedsearch.cli.axes_commands.open_index", lambda *_: index)
        file = tmp_path / "rate.csv"
        assert run("axes", "rate", "height", "-k", "6", "--csv", file).exit_code == 0
        lines = file.read_text().splitlines()
        assert (lines[0], len(lines)) == ("text,rating", 7)
        assert run("axes", "rate", "height", "--csv", file).exit_code == 2
        texts = [line.removesuffix(",") for line in lines[1:]]
        file.write_text("text,rating\n" + "".join(f"{text},{n}\n" for n, text in enumerate(texts)))
        taken = run("axes", "rate", "height", "--take", file)
        assert "version 2, 6 ratings" in taken.output
        asked = run("axes", "rate", "height", "-k", "3", input="7\nbig\nq\n")
        assert "version 3, 7 ratings" in asked.output
        assert "'big' is not a number" in asked.output
        assert "shown from 10 ratings on" in asked.output
        assert not set(index.explorer.propose("height", 5, None)) & set(index.axes.definitions()["height"].ratings)
        assert run("axes", "rate", "heigth").exit_code == 2


def test_one_definition_under_two_encoders(tmp_path):
    """Against itself the rank correlation is 1; against a mirror image of the poles -1."""
    with circle(tmp_path) as index:
        index.axes.save(es.Axis("height", ["lo"], ["hi"]))
        assert index.explorer.compare("height", index.encoder, None).spearman == pytest.approx(1)
        table = {name: [vector[0], -vector[1], vector[2]] for name, vector in index.encoder.table.items()}
        table |= {"lo": [0, -1, 0], "hi": [0, 1, 0]}
        mirrored = index.explorer.compare("height", TableEncoder(table, name="mirror"), 'id != "lo" and id != "hi"')
        assert mirrored.spearman == pytest.approx(-1)
        assert mirrored.second == "mirror"
        assert mirrored.apart[0][1:] in ((0.0, 100.0), (100.0, 0.0))


def test_axes_that_lean_on_others_or_on_passages_are_compared(tmp_path):
    """Priors are fitted with the other encoder as well, and poles extended over the texts as it sees them."""
    with circle(tmp_path) as index:
        index.axes.save(es.Axis("norm", ["lo"], ["hi"]))
        index.axes.save(es.Axis("height", ["lo"], ["hi"], extend=True, prior="norm"))
        index.axes.save(es.Axis("sum", formula="norm + height"))
        index.axes.save(es.Axis("wide", component={"number": 1, "where": 'id != "lo"'}))
        assert index.explorer.compare("height", index.encoder, None).spearman == pytest.approx(1)
        with pytest.raises(es.AxisError, match="'sum' is a formula; compare norm, height"):
            index.explorer.compare("sum", index.encoder, None)
        said = "made from the passages 'id != \"lo\"' of the index, which the other encoder has not embedded"
        with pytest.raises(es.AxisError, match=said):
            index.explorer.compare("wide", index.encoder, None)


def test_encoders_are_compared_on_texts_from_all_of_the_index_each_once(tmp_path):
    """Of 43 passages 30 evenly spaced are taken; of copies one; one text alone is not compared."""
    with circle(tmp_path) as index:
        index.axes.save(es.Axis("height", ["lo"], ["hi"]))
        found = index.explorer.compare("height", HashEncoder(), None, count=30)
        assert found.texts == 30
        assert {text for text, _, _ in found.apart} <= {*(f"d{n}" for n in range(41)), "lo", "hi"}
        index.add(es.Document(f"copy{n}", "lo") for n in range(20))
        again = index.explorer.compare("height", index.encoder, 'id != "hi"')
        assert (again.texts, again.spearman) == (42, pytest.approx(1))
        assert all(first == second for _, first, second in again.apart)
        for where, count in (('id == "hi"', 1), ('id == "nothing"', 0), ('id == "lo" or id == "copy1"', 1)):
            with pytest.raises(es.AxisError, match=f"on at least 2 different texts; there are {count}"):
                index.explorer.compare("height", index.encoder, where)


def test_the_shares_that_axes_hold_are_those_of_pythagoras(index):
    """With the mean taken out, x and y hold (x² + y²) of (x² + y² + z²), for a phrase and for all."""
    vectors = index.encoder.encode(["wolf", "sheep"])
    sample = index.encoder.encode([p.text for p in index.place_all()])
    shares, population = shares_held([index.axes["predatoriness"], index.axes["size"]], vectors, sample)
    offsets = vectors - sample.mean(axis=0)
    assert shares == pytest.approx(((offsets[:, :2] ** 2).sum(axis=1) / (offsets**2).sum(axis=1)).tolist(), abs=1e-6)
    assert population == pytest.approx(sample.var(axis=0)[:2].sum() / sample.var(axis=0).sum(), abs=1e-6)
    found = index.explain(["wolf"], ["predatoriness"], k=2)[0]
    assert found.nearest[0] in ("spider", "politician")
    assert found.whole[0] == "politician"


def test_a_phrase_that_stands_several_times_costs_no_answers(index):
    """All passages that are the phrase itself are left out of what is nearest, on the axes as in all."""
    index.add(es.Document(f"again{n}", text) for n, text in enumerate(["wolf"] * 3))
    (found,) = index.explain(["wolf"], ["predatoriness"], k=3)
    assert (len(found.nearest), len(found.whole)) == (3, 3)
    assert "wolf" not in {*found.nearest, *found.whole}


def test_an_axis_that_rises_nowhere_at_the_mean_holds_nothing(index):
    """The square of a coordinate leaves the share as it is without it, and alone holds none."""
    index.axes.save(es.Axis("extreme", formula="size**2"))
    alone, both = (index.explain(["wolf"], names)[0] for names in (["size"], ["size", "extreme"]))
    assert (both.share, both.population) == (alone.share, alone.population)
    assert alone.share > 0
    (none,) = index.explain(["wolf"], ["extreme"])
    assert (none.share, none.population) == (0, 0)


def records(result):
    """Return what was printed as JSON lines."""
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_documents_are_placed_by_their_passages(tmp_path, monkeypatch):
    """Mean, maximum and share above come from the passages; a sentence's share is what is lost without it."""
    words = {"calm": [0, -1, 0], "wild": [0, 1, 0], "low": [0, -1, 0], "high": [0, 1, 0]}
    table = words | {"Log\nCalm sea far out.": [0, -0.6, 0.8], "Log\nWild wind. Grey sky.": [0, 0.8, 0.6]}
    table |= {"Log\nGrey sky.": [0, 0, 1], "Log\nWild wind.": [0, 1, 0]}  # with the title, as passages are embedded
    with es.Index.create(tmp_path / "i", TableEncoder(table, max_tokens=6), overlap=0) as index:
        index.add(
            [
                es.Document("log", "Calm sea far out. Wild wind. Grey sky.", title="Log"),
                es.Document("x", "calm"),
                es.Document("y", "wild"),
            ]
        )
        index.axes.save(es.Axis("storm", ["low"], ["high"]))
        axis = index.axes["storm"]
        (place,) = index.place_documents(["log"], threshold=0.5, evidence=True)
        values = axis.coordinates([[0, -0.6, 0.8], [0, 0.8, 0.6]])
        assert (place.mean, place.maximum) == (pytest.approx(values.mean()), pytest.approx(values.max()))
        assert (place.passages, place.above, place.passage) == (2, 0.5, "Wild wind. Grey sky.")
        wild, grey = place.sentences
        assert wild.share == pytest.approx((0.8 - 0) / axis.scale.deviation, abs=1e-5)
        assert grey.share == pytest.approx((0.8 - 1) / axis.scale.deviation, abs=1e-5)
        assert "Calm sea far out. Wild wind. Grey sky."[wild.start : wild.end] == "Wild wind."
        monkeypatch.setattr("embedsearch.cli.placing_commands.open_index", lambda *_: index)
        shown = run("place", "--document", "log", "--evidence", "-f", "table").output
        assert "Wild wind." in shown
        assert "50% of 2" in run("place", "--document", "log", "--above", "0.5", "-f", "table").output
        assert "held" in run("place", "calm", "--explain", "-f", "table").output
        assert run("place", "--document", "lgo").exit_code == 2
        (raw,) = records(run("place", "--document", "log", "--unit", "raw", "--above", "0.5", "-f", "jsonl"))
        assert (raw["mean"], raw["maximum"]) == (pytest.approx(0.1, abs=1e-5), pytest.approx(0.8, abs=1e-5))
        assert raw["threshold"] == pytest.approx(axis.scale.mean + 0.5 * axis.scale.deviation)
        (percent,) = records(run("place", "--document", "log", "--unit", "percentile", "--above", "p90", "-f", "jsonl"))
        assert percent["maximum"] == pytest.approx(axis.scale.percentile_of([place.maximum])[0])
        assert percent["threshold"] == pytest.approx(90, abs=0.5)
        assert "storm' has no ratings" in run("place", "--document", "log", "--unit", "rating").stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--document", "a", "--sort", "size"), "--sort does not go with --document"),
        (("--document", "a", "-k", "1"), "-k does not go with --document"),
        (("--document", "a", "--where", "x > 1"), "--where does not go with --document"),
        (("--document", "a", "--predicted"), "--predicted does not go with --document"),
        (("--document", "a", "--explain"), "--explain does not go with --document"),
        (("--document", "a", "--all"), "--all does not go with --document"),
        (("--document", "a", "wolf"), "PHRASES does not go with --document"),
        (("--document", "a", "--evidence", "--unit", "raw"), "--evidence is in standard deviations"),
        (("wolf", "--evidence"), "--evidence is about the passages of a document; it goes with --document ID"),
        (("--all", "--above", "1"), "--above is about the passages of a document; it goes with --document ID"),
        (("wolf", "--explain", "--unit", "raw"), "--unit does not go with --explain of PHRASES"),
    ],
)
def test_what_place_would_ignore_is_refused(tmp_path, given, said):
    """An option without a meaning for the kind of question is named in one line, before an index is looked for."""
    result = run("place", *given, "-i", tmp_path / "none")
    assert result.exit_code == 2
    assert said in result.stderr
