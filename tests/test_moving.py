"""Moving along axes: arithmetic on squared paper, and warnings about empty space."""

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import run

import embedsearch as es
from embedsearch.index import moving
from embedsearch.index.moving import displacement
from embedsearch.testing import TableEncoder


def test_a_shift_lands_where_arithmetic_says(index):
    """Wolf (.8, 0, .6) moved by y = +1 in raw units lies at (.8, 1, .6), read back to 1e-6."""
    axis = index.axes["size"]
    vector = index.encoder.encode(["wolf"])[0]
    by = 1.0 / axis.scale.deviation
    assert (vector + displacement([axis], vector, [by])).tolist() == pytest.approx([0.8, 1.0, 0.6], abs=1e-6)
    move = index.shift("wolf", {"size": by}, k=3)
    length = np.sqrt(0.64 + 1 + 0.36)
    assert move.wanted["size"] - move.start["size"] == pytest.approx(by)
    reached = (1 / length - axis.scale.mean) / axis.scale.deviation
    assert move.reached["size"] == pytest.approx(reached, abs=1e-5)
    # (.8, 1, .6)/√2: sheep (0, .6, .8) has cosine (.6 + .48)/√2, whale 1/√2, politician (.48 + .48)/√2.
    assert [hit.text for hit in move.hits] == ["sheep", "whale", "politician"]
    assert move.hits[0].score == pytest.approx(1.08 / 2**0.5, abs=1e-6)


def test_moving_on_one_axis_keeps_the_others_named(tmp_path):
    """On oblique axes a move by (1, 0) changes the first by one deviation and leaves the second where it was."""
    table = {"a": [-1, 0, 0], "b": [0.8, 0.6, 0], "c": [0, -1, 0], "d": [0, 1, 0], "p": [0, 0, 1], "q": [0.6, 0, 0.8]}
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        index.add(es.Document(name, name) for name in table)
        index.axes.save_all([es.Axis("one", ["a"], ["b"]), es.Axis("two", ["c"], ["d"])])
        axes = list(index.axes.scaled(["one", "two"]).values())
    vector = np.array([0, 0, 1.0])
    moved = vector + displacement(axes, vector, [1.0, 0.0])
    change = [float(axis.gradient @ (moved - vector)) / axis.scale.deviation for axis in axes]
    assert change == pytest.approx([1, 0], abs=1e-6)


def test_like_a_phrase_but_elsewhere(index):
    """Like wolf but at whale's size is wolf shifted by the difference of their sizes; wolf itself is no answer."""
    places = {p.text: p.coordinates["size"] for p in index.place(["wolf", "whale"], ["size"])}
    like = index.locate_like("wolf", {"size": places["whale"]}, k=4)
    shifted = index.shift("wolf", {"size": places["whale"] - places["wolf"]}, k=4)
    assert [hit.text for hit in like.hits] == [hit.text for hit in shifted.hits]
    assert "wolf" not in [hit.text for hit in like.hits]
    assert like.wanted["size"] == pytest.approx(places["whale"])
    assert [hit.rank for hit in like.hits] == [1, 2, 3, 4]


def test_a_curve_carries_a_phrase_along(tmp_path):
    """On groups along a quarter circle the phrase at its beginning, moved by the whole length, lies at its end."""
    table = {"a": [1, 0, 0], "b": [0.6, 0.8, 0], "c": [0, 1, 0], "z": [0, 0, 1]}
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        index.add(es.Document(name, name) for name in table)
        index.axes.save(es.Axis("age", groups=[["a"], ["b"], ["c"]]))
        axis = index.axes["age"]
        whole = axis.fitted.curve.values[-1] / axis.scale.deviation
        vector = np.array([1.0, 0, 0])
        assert (vector + displacement([axis], vector, [whole])).tolist() == pytest.approx([0, 1, 0], abs=1e-6)
        assert index.shift("a", {"age": whole}, k=1).hits[0].text == "c"


def test_a_curve_beside_a_straight_axis_moves_that_as_wanted(tmp_path):
    """What the curve moves along the other axis is made up for: that changes by half a deviation, and no more."""
    table = {"a": [1, 0, 0], "b": [0.6, 0.8, 0], "c": [0, 1, 0], "z": [0, 0, 1]}
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        index.add(es.Document(name, name) for name in table)
        index.axes.save_all([es.Axis("age", groups=[["a"], ["b"], ["c"]]), es.Axis("tall", ["z"], ["c"])])
        age, tall = index.axes.scaled(["age", "tall"]).values()
    for axes, by in (([age, tall], [1.0, 0.5]), ([tall, age], [0.5, 1.0])):
        moved = displacement(axes, np.array([1.0, 0, 0]), by)
        assert tall.gradient @ moved == pytest.approx(0.5 * tall.scale.deviation, abs=1e-6)


def test_a_formula_is_moved_along_its_slope(index):
    """Moving on predatoriness - size by one deviation changes the formula by that."""
    index.axes.save(es.Axis("menace", formula="predatoriness - size", formula_unit="raw"))
    axis = index.axes["menace"]
    vector = np.array([0, 0.6, 0.8])
    moved = vector + displacement([axis], vector, [1.0])
    assert axis.gradient @ (moved - vector) == pytest.approx(axis.scale.deviation, abs=1e-5)


def test_axes_that_point_the_same_way_are_refused(index):
    """No move changes one of two equal axes and not the other."""
    index.axes.save(es.Axis("bulk", ["small"], ["large"]))
    with pytest.raises(es.AxisError, match="no move changes size, bulk one by one"):
        index.shift("wolf", {"size": 1, "bulk": 0})


def test_a_point_far_from_everything_is_said_to_be(tmp_path):
    """Where real passages have a neighbour at cosine .99, a point with nothing nearer than that is far."""
    angles = np.linspace(0, 0.5, 40)
    table = {f"p{n}": [np.cos(t), np.sin(t), 0] for n, t in enumerate(angles)} | {"lo": [0, 0, -1], "hi": [0, 0, 1]}
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        index.add(es.Document(f"p{n}", f"p{n}") for n in range(40))
        index.axes.save_all([es.Axis("along", ["p0"], ["p39"]), es.Axis("up", ["lo"], ["hi", "p0"])])
        near = index.shift("p5", {"along": 0.5}, k=1)
        assert near.note == ""
        far = index.shift("p5", {"up": 400.0}, k=1)
    assert far.is_far
    assert f"cosine {far.nearest:.2f}, while 95 %" in far.note
    assert far.usual[1] == pytest.approx(np.cos(angles[1]), abs=1e-3)


@pytest.mark.parametrize(
    ("by", "message"),
    [({}, "at least one axis"), ({"size": "x"}, "wanted a number"), ({"siez": 1}, "Did you mean 'size'")],
)
def test_wrong_moves_are_refused(index, by, message):
    """Nothing to move by, no number, and an unknown axis each get one line."""
    with pytest.raises(es.EmbedSearchError, match=message):
        index.shift("wolf", by)
    with pytest.raises(es.QueryError, match="k is 0"):
        index.shift("wolf", {"size": 1}, k=0)


def test_the_commands_move(index, monkeypatch):
    """shift and locate --like print a table for people and the same hits as JSON lines."""
    monkeypatch.setattr("embedsearch.cli.placing_commands.open_index", lambda *_: index)
    shown = run("shift", "wolf", "size=+1", "-f", "table")
    assert shown.exit_code == 0
    assert "on the sphere" in shown.output
    lines = run("locate", "size=-1", "--like", "wolf", "-k", "2", "-f", "jsonl").stdout.splitlines()
    assert len(lines) == 2
    whole = json.loads(run("shift", "wolf", "size=-1.5", "-f", "json").stdout)
    assert whole["wanted"]["size"] == pytest.approx(whole["start"]["size"] - 1.5)
    assert run("shift", "wolf", "size").exit_code == 2
    assert run("shift", "wolf", "size=1", "size=2").exit_code == 2


def test_what_is_not_known_is_null(tmp_path):
    """Two passages say nothing about what is near; JSON has null there and not NaN."""
    table = {"a": [1, 0, 0], "b": [0, 1, 0]}
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        index.add(es.Document(name, name) for name in table)
        index.axes.save(es.Axis("along", ["a"], ["b"]))
        found = index.shift("a", {"along": 1}, k=1).to_dict()
    assert found["usual"] == [None, None]
    assert json.loads(json.dumps(found, allow_nan=False))["far"] is False


def test_the_table_of_a_move_shows_scores(predation):
    """What lies where a phrase was moved to is shown with its cosine, and with where it is from."""
    table = run("shift", "wolf", "size=+3", "-k", 2, "-f", "table", "-i", predation).stdout
    lines = [line for line in run("shift", "wolf", "size=+3", "-k", 2, "-i", predation).stdout.splitlines() if line]
    first = json.loads(lines[0])
    assert "score" in table
    assert f"{first['score']:.3f}" in table


def test_a_phrase_that_stands_several_times_costs_no_answers(tmp_path):
    """All passages that are the moved phrase itself are left out, and k others come nevertheless."""
    table = {"wolf": [1, 0, 0], "fox": [0.8, 0.6, 0], "cow": [0, 1, 0], "small": [0, 0, -1], "large": [0, 0, 1]}
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        texts = ["wolf", "wolf", "wolf", "fox", "cow", "small", "large"]
        index.add(es.Document(str(number), text) for number, text in enumerate(texts))
        index.axes.save(es.Axis("size", ["small"], ["large"]))
        assert [hit.text for hit in index.shift("wolf", {"size": 0.01}, k=2).hits] == ["fox", "large"]


def test_a_point_that_was_not_reached_is_said_to_be(index, monkeypatch):
    """A product, taken as straight at the mean, ends elsewhere, and says where; a straight axis and a sum do not."""
    both = es.Axis("both", formula="(size + 1) * (predatoriness + 1)")
    index.axes.save_all([both, es.Axis("sum", formula="size + predatoriness")])
    assert index.locate_like("wolf", {"size": 0.4}).missed == ()
    assert index.locate_like("wolf", {"sum": 1.2}).missed == ()
    move = index.locate_like("spider", {"both": 2.5}, k=2)
    off = abs(move.reached["both"] - 2.5)
    assert off > 0.5
    assert (move.missed, move.to_dict()["missed"]) == (("both",), ["both"])
    assert [replace(move, reached={"both": at}).missed for at in (1.99, 2.01, 2.99, 3.01)] == [
        ("both",),
        (),
        (),
        ("both",),
    ]
    assert f"has both {move.reached['both']:.2f} instead of 2.50: phrases are moved as if" in move.note
    monkeypatch.setattr("embedsearch.cli.placing_commands.open_index", lambda *_: index)
    assert move.note in run("locate", "both=2.5", "--like", "spider", "-f", "json").stderr


@pytest.mark.parametrize(
    ("where", "asked", "step"), [(None, np.arange(20) * 39 // 20, 1), ("odd == 0", np.arange(20) * 2, 2)]
)
def test_what_is_usual_is_asked_of_passages_from_all_of_the_index(tmp_path, monkeypatch, where, asked, step):
    """Of 39 passages, farther and farther apart, 20 are asked, not the first; with a condition, of those it allows."""
    angles = np.cumsum(np.linspace(0.01, 0.05, 39))
    table = {f"p{n}": [np.cos(t), np.sin(t), 0] for n, t in enumerate(angles)} | {"lo": [0, 0, -1], "hi": [0, 0, 1]}
    monkeypatch.setattr(moving, "_SAMPLE", 20)
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        index.add(es.Document(f"p{n}", f"p{n}", metadata={"odd": n % 2}) for n in range(39))
        index.axes.save(es.Axis("along", ["p0"], ["p38"]))
        move = index.shift("p5", {"along": 0.5}, k=1, where=where)
    vectors = np.array([[np.cos(t), np.sin(t)] for t in angles])
    cosines = (vectors @ vectors.T - 2 * np.eye(39))[:, ::step]
    low, middle = np.percentile(cosines.max(axis=1)[asked], [5, 50])
    assert move.usual == pytest.approx((low, middle), abs=1e-6)
    assert [replace(move, nearest=at).is_far for at in (low - 1e-5, low + 1e-5)] == [True, False]


def test_an_axis_that_rises_nowhere_at_the_mean_is_not_moved_along(index):
    """The square of a coordinate is flat where that is 0: no step along it is known, alone or beside another."""
    index.axes.save(es.Axis("extreme", formula="size**2"))
    for by in ({"extreme": 1}, {"predatoriness": 1, "extreme": 1}):
        with pytest.raises(es.AxisError, match="axis 'extreme' rises in no direction at the mean of the index"):
            index.shift("wolf", by)
