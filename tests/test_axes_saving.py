"""Axes that an index keeps: saved by two processes at once, their versions, axes over others, axes without a scale."""

import json
import logging
import sqlite3
import unicodedata
from contextlib import closing

import numpy as np
import pytest
from conftest import run

import embedsearch as es
from embedsearch.index import scaling, upkeep
from embedsearch.screening.report import _version
from embedsearch.testing import HashEncoder
from embedsearch.vectors import project

SIZE, WEIGHT = es.Axis("size", ["s"], ["l"]), es.Axis("weight", ["p"], ["r"])


class MeanwhileEncoder(HashEncoder):
    """Does something else, once, while it encodes."""

    meanwhile = None

    def encode(self, texts):
        """Return the vectors of texts."""
        if self.meanwhile is not None:
            done, self.meanwhile = self.meanwhile, None
            done()
        return super().encode(texts)


@pytest.fixture
def made(tmp_path):
    """Return an index of forty words with two axes, their difference, and an encoder that can be interrupted."""
    with es.Index.create(tmp_path / "i", MeanwhileEncoder(12)) as index:
        index.add([es.Document(f"d{number}", f"word{number}") for number in range(40)])
        index.axes.save_all([SIZE, WEIGHT, es.Axis("gap", difference=["weight", "size"])])
        yield index


def meanwhile(made, change):
    """Let *change* be done to the same index by another process, the next time that the index encodes something."""

    def done():
        with es.open(made.path, HashEncoder(12)) as other:
            change(other)

    made.encoder.meanwhile = done


def named_direction(index, name):
    """Return the unit direction that an axis reads with, wide."""
    return index.axes[name].fitted.direction.astype(np.float64)


def test_ratings_of_two_raters_are_both_kept(made):
    """Whoever fits while another saves begins again with what the other saved."""
    one, two = ({f"{letter}{number}": float(number) for number in range(6)} for letter in "ab")
    meanwhile(made, lambda other: other.explorer.rate("size", two))
    rated = made.explorer.rate("size", one)
    assert rated.ratings == {**two, **one}
    assert made.axes.definitions()["size"] == rated
    assert made.axes.versions() == {"size": 3, "weight": 1, "gap": 3}
    found = named_direction(made, "size")
    assert made.axes.refit(["size"])["size"].direction == pytest.approx(found, abs=1e-6)


@pytest.mark.parametrize("encodes", ["weight", "gap"])
def test_derived_axes_are_fitted_on_what_is_saved_in_the_end(made, encodes):
    """The difference is that of both axes as they stand, whichever of them another process saved meanwhile."""
    meanwhile(made, lambda other: other.axes.save(es.Axis("size", ["ss"], ["ll"])))
    if encodes == "weight":
        made.axes.save(es.Axis("weight", ["pp"], ["rr"]))
    else:
        made.axes.save(es.Axis("gap", ["q"], ["k"], orthogonal_to=["size"]))
    size, weight, gap = (named_direction(made, name) for name in ("size", "weight", "gap"))
    if encodes == "weight":
        assert gap == pytest.approx((weight - size) / np.linalg.norm(weight - size), abs=1e-6)
    assert encodes == "weight" or abs(gap @ size) < 1e-6
    assert made.axes.versions()["gap"] == 3


def test_a_followed_file_does_not_overwrite_what_is_rated_meanwhile(made, tmp_path):
    """An axis that another process changes while the file is fitted stays as it was changed."""
    file = tmp_path / "axes.toml"
    file.write_text('[size]\nlow = ["s"]\nhigh = ["l"]\n[width]\nlow = ["n"]\nhigh = ["b"]\n')
    assert made.axes.follow_file(file) == (["size", "width"], [])
    ratings = {f"b{number}": float(number) for number in range(6)}
    file.write_text('[size]\nlow = ["s1"]\nhigh = ["l1"]\n[width]\nlow = ["n1"]\nhigh = ["b1"]\n')
    meanwhile(made, lambda other: other.explorer.rate("size", ratings))
    assert made.axes.follow_file(file) == (["width"], ["size"])
    assert made.axes.definitions()["size"].ratings == ratings
    assert made.axes.follow_file(file) == (["width"], ["size"])


def test_what_is_scaled_already_is_not_read_again(made, monkeypatch):
    """Of axes that are asked for together only those without a scale take a dot product with each passage."""
    asked = []

    def noted(vectors, directions, rows, **more):
        asked.append(len(directions))
        return project(vectors, directions, rows, **more)

    monkeypatch.setattr(scaling, "project", noted)
    wanted = [made.axes[name].scale for name in ("size", "weight")]
    both = made.axes.scaled(["size", "weight", "gap"])
    assert asked == [1, 1, 1]
    assert [both[name].scale.mean for name in ("size", "weight")] == [scale.mean for scale in wanted]


def test_no_axis_is_deleted_under_one_that_another_process_saves(made, monkeypatch):
    """What is derived from an axis is looked for once nobody else can write."""
    made.axes.delete("gap")
    lock = made._store.locked

    def late():
        with es.open(made.path, HashEncoder(12)) as other:
            other.axes.save(es.Axis("turned", formula="-size"))
        return lock()

    monkeypatch.setattr(made._store, "locked", late)
    with pytest.raises(es.AxisError, match="'turned' is derived from 'size'; delete 'turned' first"):
        made.axes.delete("size")


PART = es.Axis("part", component={"number": 1, "where": "size > 0"})


def widest(index, rows):
    """Return the first principal component of some rows, by numpy."""
    vectors = index._store.vectors()[rows].astype(np.float64)
    return np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)[2][0]


def test_a_component_over_an_axis_is_derived_from_it(made):
    """It is fitted after that axis, anew when the axis changes, and the axis cannot be deleted under it."""
    made.axes.save(PART)
    for version, axis in ((1, SIZE), (2, es.Axis("size", ["x"], ["y"]))):
        made.axes.save(axis)
        coordinates = made.population(["size"]).coordinates[:, 0]
        wanted = widest(made, np.flatnonzero(coordinates > 0))
        assert abs(named_direction(made, "part") @ wanted) == pytest.approx(1, abs=1e-6)
        assert made.axes.versions()["part"] == version
    made.axes.delete("gap")
    with pytest.raises(es.AxisError, match="'part' is derived from 'size'; delete 'part' first"):
        made.axes.delete("size")


def test_a_component_is_fitted_with_the_axis_that_comes_with_it(made, tmp_path):
    """One file may define both, in any order, and an index with both is embedded anew."""
    both = [PART, es.Axis("size", ["x"], ["y"])]
    made.axes.save_all(both)
    with es.Index.create(tmp_path / "fresh", HashEncoder(12)) as fresh:
        fresh.add([es.Document(f"d{number}", f"word{number}") for number in range(40)])
        fresh.axes.save_all(both)
        assert named_direction(fresh, "part") == pytest.approx(named_direction(made, "part"), abs=1e-6)
    made.close()
    es.reindex(made.path, HashEncoder(16, name="other"))
    with es.open(made.path, HashEncoder(16, name="other")) as anew:
        wanted = widest(anew, np.flatnonzero(anew.population(["size"]).coordinates[:, 0] > 0))
        assert abs(named_direction(anew, "part") @ wanted) == pytest.approx(1, abs=1e-6)
        assert anew.axes.versions()["part"] == 2


def test_names_in_the_condition_of_a_component_are_axes_where_there_are_such(tmp_path):
    """A field, even one called like the component, is none; circles and conditions that cannot be read are refused."""
    with es.Index.create(tmp_path / "i", HashEncoder(8)) as index:
        index.add([es.Document(f"d{n}", f"t{n}", metadata={"part": n}) for n in range(20)])
        own = es.Axis("part", component={"number": 1, "where": 'part > 4 or axis("part") > 0 or field("size") == 1'})
        assert own.derived_from(["part", "size"]) == ()
        apart, together = "cafe\u0301", "caf\u00e9"  # one name in two normal forms; Python reads the second
        for spelled in (apart, together):
            assert es.Axis("c", component={"number": 1, "where": f"{apart} > 0"}).derived_from([spelled]) == (spelled,)
        index.axes.save(es.Axis("part", component={"number": 1, "where": "part > 4"}))
        index.axes.refit(["part"])
        assert abs(named_direction(index, "part") @ widest(index, np.arange(5, 20))) == pytest.approx(1, abs=1e-6)
        circle = es.Axis("size", difference=["part", "other"])
        other = es.Axis("other", component={"number": 1, "where": "size > 0"})
        with pytest.raises(es.AxisError, match="in a circle"):
            index.axes.save_all([circle, other])
        with pytest.raises(es.AxisError, match="axis 'c': there is no axis or field 'sise'"):
            index.axes.save(es.Axis("c", component={"number": 1, "where": "sise > 0"}))
    with pytest.raises(es.AxisError, match=r"axis 'c': .*size >"):
        es.Axis("c", component={"number": 1, "where": "size >"})


def test_a_version_names_one_axis(made):
    """A lent axis has none, and one under the name of a deleted one goes on counting."""
    other = es.Axis("size", ["x"], ["y"])
    assert made.place(["q"])[0].versions == {"size": 1, "weight": 1, "gap": 1}
    made.axes.lend([other])
    assert made.place(["q"])[0].versions == {"size": 0, "weight": 1, "gap": 0}
    for name in ("gap", "size"):
        made.axes.delete(name)
    made.axes.save(other)
    assert made.place(["q"])[0].versions == {"weight": 1, "size": 2}
    made.axes.delete("size")
    made.close()
    es.reindex(made.path, HashEncoder(16, name="other"))
    with es.open(made.path, HashEncoder(16, name="other")) as anew:
        anew.axes.save(other)
        assert anew.axes.versions() == {"weight": 2, "size": 3}
    assert [_version(number) for number in (None, 0, 3)] == ["deleted", "not saved", "version 3"]


def test_what_is_saved_stands_on_what_is_saved(made):
    """An axis that is lent is no base for one that is saved; saved itself, it is written, and others stay lent."""
    tried = es.Axis("tried", ["t"], ["u"])
    made.axes.lend([tried, es.Axis("size", ["x"], ["y"])])
    with pytest.raises(es.AxisError, match="'turned' is derived from 'tried', which is not there"):
        made.axes.save(es.Axis("turned", formula="-tried"))
    made.axes.save(tried)
    assert made.axes.versions() == {"size": 0, "weight": 1, "gap": 0, "tried": 1}
    made.axes.save(es.Axis("weight", ["pp"], ["rr"]))
    assert made.axes.versions() == {"size": 0, "weight": 2, "gap": 0, "tried": 1}
    size, weight, gap = (named_direction(made, name) for name in ("size", "weight", "gap"))
    assert gap == pytest.approx((weight - size) / np.linalg.norm(weight - size), abs=1e-6)
    assert list(made.axes) == ["size", "weight", "gap", "tried"]
    with es.open(made.path, HashEncoder(12)) as other:
        assert other.axes.versions() == {"size": 1, "weight": 2, "gap": 2, "tried": 1}
        size, weight, gap = (named_direction(other, name) for name in ("size", "weight", "gap"))
        assert gap == pytest.approx((weight - size) / np.linalg.norm(weight - size), abs=1e-6)
    made.axes.save(SIZE)  # as it is saved already: what was lent under its name is given back
    assert made.axes.versions() == {"size": 1, "weight": 2, "gap": 2, "tried": 1}
    made.axes.lend([es.Axis(name, ["x"], ["y"]) for name in "edcba"])
    assert list(made.axes)[4:] == list("edcba")


@pytest.mark.parametrize("formula", ["size ** 0.5", "log(size)", "size - size", "0 * size + 3"])
def test_a_formula_without_numbers_is_not_saved(made, formula):
    """It would be an axis that nothing can be placed on."""
    with pytest.raises(es.AxisError, match="axis 'wrong'"):
        made.axes.save(es.Axis("wrong", formula=formula))
    assert list(made.axes) == ["size", "weight", "gap"]


def test_an_axis_that_lost_its_scale_is_left_out_with_a_note(made, caplog):
    """Questions about all axes are answered without it, others say what is wrong, and nothing is in its way."""
    lowest = made.population(["size"]).coordinates.min()
    safe = es.Axis("safe", formula=f"log(size + {1e-9 - lowest})")
    made.axes.save(safe)
    made.axes.save(es.Axis("double", formula="2 * safe"))
    assert set(made.place(["word1"])[0].coordinates) == {"size", "weight", "gap", "safe", "double"}
    words = [f"other{number}" for number in range(2000)]
    low = words[int(np.argmin([place.coordinates["size"] for place in made.place(words, ["size"])]))]
    made.add([es.Document("low", low)])
    for ask in (made.place_all, lambda: made.place(["word1"]), lambda: made.place_documents(["d1"])):
        assert ask()
    assert [axis.name for axis in made.population().axes] == ["size", "weight", "gap"]
    assert [axis.name for axis in made.axes.check().axes] == ["size", "weight", "gap"]
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == 2
    assert all("axis 'safe': the formula" in line and line.endswith("It is left out") for line in told)
    with pytest.raises(es.AxisError, match="axis 'safe': the formula"):
        made.place(["word1"], ["double"])
    made.axes.save(es.Axis("size", ["l"], ["s"]))
    made.axes.refit(["safe"])
    made.close()
    assert "safe" in es.reindex(made.path, HashEncoder(16, name="other")).axes


def test_questions_about_all_axes_need_one_that_can_be_read(tmp_path):
    """An axis on which all passages lie at one place is kept until there are others, and none is read before."""
    with es.Index.create(tmp_path / "i", HashEncoder(12)) as index:
        assert index.axes.check().axes == ()
        with pytest.raises(es.AxisError, match="the index has no axes yet"):
            index.place(["q"])
        index.add([es.Document("a", "same"), es.Document("b", "same")])
        index.axes.save_all([SIZE, WEIGHT])
        with pytest.raises(es.AxisError, match="axis 'size' needs at least two different passages"):
            index.place(["q"])
        index.add([es.Document("c", "another")])
        assert set(index.place(["q"])[0].coordinates) == {"size", "weight"}


def test_axes_are_deleted_by_command(made):
    """What others are derived from is refused; what is deleted is gone."""
    refused = run("axes", "delete", "size", "-i", made.path)
    assert (refused.exit_code, refused.stderr) == (2, "Error: axis 'gap' is derived from 'size'; delete 'gap' first\n")
    assert "Did you mean 'size'?" in run("axes", "delete", "sise", "-i", made.path).stderr
    assert run("axes", "delete", "gap", "-i", made.path).stderr == "gap: deleted\n"
    assert run("axes", "delete", "size", "-i", made.path).exit_code == 0
    assert [json.loads(line)["id"] for line in run("axes", "list", "-i", made.path).stdout.splitlines()] == ["weight"]


def test_what_a_mapping_does_not_have_is_a_key_error_too(made):
    """So `get` gives its default; the message stands as it is written."""
    assert made.axes.get("sise", 5) == 5
    assert made.axes.get("size").name == "size"
    assert made.labels.get("d1") is None
    for ask, error, message in (
        (lambda: made.axes["sise"], es.AxisError, "there is no axis 'sise'. Did you mean 'size'?"),
        (lambda: made.labels["d1"], es.QueryError, "document 'd1' has no label in the screening 'main'"),
    ):
        with pytest.raises(error) as raised:
            ask()
        assert isinstance(raised.value, KeyError)
        assert str(raised.value).startswith(message)


def test_nothing_is_derived_from_an_axis_of_another_encoder(made):
    """Neither fitted nor reported on, but refused with what mends it; other axes are read and saved."""
    other = made.axes["size"].fitted.to_dict() | {"encoder": "another"}
    with made._store.locked(), made._store.writing():
        made._store.axes.put("size", SIZE.to_dict(), other, "2026-01-01T00:00:00+00:00")
    for axis in (
        es.Axis("turned", formula="-size"), es.Axis("clear", ["a"], ["b"], orthogonal_to=["size"]), PART,
        es.Axis("gap", difference=["size", "weight"]),
    ):  # fmt: skip
        with pytest.raises(es.AxisError, match="'size' was fitted with another encoder; fit it again"):
            made.axes.save(axis)
    made.axes.save(es.Axis("weight2", ["a"], ["b"]))
    assert set(made.place(["q"])[0].coordinates) == {"weight", "gap", "weight2"}
    made.axes.refit(["size"])
    made.axes.save(PART)
    assert made.axes.versions() == {"size": 3, "weight": 1, "gap": 2, "weight2": 1, "part": 1}


def damage(made, column):
    """Make bytes of a column of the axis size, as one flipped bit does."""
    with closing(sqlite3.connect(made.path / "index.db", isolation_level=None)) as connection:
        connection.execute(f"UPDATE axes SET {column} = CAST({column} AS BLOB) WHERE name = 'size'")


@pytest.mark.parametrize("column", ["name", "version", "saved", "definition", "fitted"])
def test_a_damaged_axis_is_fitted_again(made, column, caplog):
    """It is named, it and what is derived from it are not answered from, others are; saving it mends both."""
    damage(made, column)
    (finding,) = upkeep.verify(made.path).findings
    assert str(finding) == (
        "index.db: the axis 'size' is not what was written "
        "(embedsearch axes fit FILE with its definition, or embedsearch axes delete 'size')"
    )
    assert set(made.place(["q"])[0].coordinates) == {"weight"}
    assert sorted(caplog.messages)[1].startswith("axis 'size' cannot be read: it is not what was written. Fit it again")
    assert len(caplog.messages) == 2
    for name, why in (("size", "it is not what was written"), ("gap", "is derived from 'size', which is not there or")):
        for ask in (lambda name=name: made.axes[name], lambda name=name: made.rows(f"{name} > 0")):
            with pytest.raises(es.AxisError, match=f"axis {name!r} .*{why}"):
                ask()
    assert (list(made.axes.definitions()), sorted(made.axes)) == (["weight"], ["gap", "size", "weight"])
    for change in (lambda: made.axes.refit(["size"]), lambda: made.axes.save(es.Axis("turned", formula="-size"))):
        with pytest.raises(es.AxisError, match=r"not what was written|is not there or cannot be read"):
            change()
    made.axes.save(es.Axis("other", ["a"], ["b"]))
    made.axes.save(SIZE)
    assert made.axes.versions() == {"size": 2, "weight": 1, "gap": 2, "other": 1}
    size, weight, gap = (named_direction(made, name) for name in ("size", "weight", "gap"))
    assert gap == pytest.approx((weight - size) / np.linalg.norm(weight - size), abs=1e-6)
    assert upkeep.verify(made.path).is_sound


@pytest.mark.parametrize("column", ["name", "definition"])
def test_a_damaged_axis_is_deleted(made, column):
    """By command; what was derived from it can be deleted too, or waits until it is there again."""
    damage(made, column)
    shown = run("axes", "show", "size", "-i", made.path)
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert "axis 'size' cannot be read: it is not what was written." in shown.stderr.splitlines()[-1]
    deleted = run("axes", "delete", "size", "-i", made.path)
    assert (deleted.exit_code, deleted.stderr.splitlines()[-1]) == (0, "size: deleted")
    assert upkeep.verify(made.path).is_sound
    assert set(made.place(["q"])[0].coordinates) == {"weight"}
    made.axes.save(SIZE)
    assert made.axes.versions() == {"weight": 1, "gap": 2, "size": 2}
    damage(made, column)
    for name in ("size", "gap"):
        made.axes.delete(name)
    assert made.axes.versions() == {"weight": 1}


def test_an_axis_whose_name_is_refused_by_now_can_be_deleted(made):
    """No other axis is kept from being listed, read or saved."""
    fitted = made.axes["size"].fitted.to_dict()
    with made._store.locked(), made._store.writing():
        made._store.axes.put("a,b", SIZE.to_dict(), fitted, "2026-01-01T00:00:00+00:00")
    assert list(made.axes.definitions()) == ["size", "weight", "gap"]
    with pytest.raises(es.AxisError, match="axis 'a,b' cannot be read: an axis cannot be called 'a,b'"):
        made.place(["q"], ["a,b"])
    made.axes.save(es.Axis("size", ["x"], ["y"]))
    made.axes.delete("a,b")
    assert made.axes.versions() == {"size": 2, "weight": 1, "gap": 2}


def test_reindexing_leaves_a_damaged_axis_as_it_is(made, caplog):
    """What can be read is fitted anew; the others are named, and mended as before."""
    damage(made, "fitted")
    made.close()
    assert es.reindex(made.path, HashEncoder(16, name="other")).axes == ("weight",)
    assert "axis 'size' cannot be read" in caplog.text
    with es.open(made.path, HashEncoder(16, name="other")) as anew:
        assert set(anew.place(["q"])[0].coordinates) == {"weight"}
        anew.axes.save(SIZE)
        assert anew.axes.versions() == {"size": 2, "weight": 2, "gap": 2}
        assert set(anew.place(["q"])[0].coordinates) == {"size", "weight", "gap"}


def test_a_name_is_the_same_in_any_normal_form(made, tmp_path):
    """Whether an accent stands with its letter or behind it, in a definition, a formula, a question or an old index."""
    one, two = (unicodedata.normalize(form, "größe") for form in ("NFC", "NFD"))
    assert one != two
    definition, fitted = SIZE.to_dict(), made.axes["size"].fitted.to_dict()
    with made._store.locked(), made._store.writing():  # as it could be saved once
        made._store.axes.put(two, definition, fitted, "2026-01-01T00:00:00+00:00")
    assert [name for name in made.axes.versions() if name.startswith("gr")] == [one]
    derived = es.Axis("sum", formula=f"{two} + weight"), es.Axis("turned", difference=[two, "weight"])
    made.axes.save_all([*derived, es.Axis("same", formula="size + weight")])
    assert made.axes.definitions()["sum"].depends_on == (one, "weight")
    (expected,) = made.place("word1", ["size", "same"])
    for name in (one, two):
        assert name in made.axes
        (placed,) = made.place("word1", [name, "sum"])
        assert placed.coordinates[one] == pytest.approx(expected.coordinates["size"])
        assert placed.coordinates["sum"] == pytest.approx(expected.coordinates["same"])
        assert [hit.id for hit in made.locate({name: 1}, k=3)] == [hit.id for hit in made.locate({"size": 1}, k=3)]
        assert made.place_all(name, sort=f"-{name}", k=1)[0].coordinates.keys() == {one}
        found = run("filter", "-i", made.path, "--where", f"{name} > p50", "-a", name, "-f", "jsonl")
        assert len(found.stdout.splitlines()) == 20
        assert json.loads(found.stdout.splitlines()[0])["coordinates"].keys() == {one}
        shown = run("axes", "show", name, "-i", made.path, "-f", "json")
        assert json.loads(shown.stdout)["name"] == one
    made.axes.save(es.Axis(two, ["ss"], ["ll"]))
    assert made.axes.versions()[one] == 2
    assert upkeep.verify(made.path).is_sound
    with pytest.raises(es.AxisError, match="is derived from"):
        made.axes.delete(two)
    for name in ("sum", "turned", "same", two):
        assert run("axes", "delete", name, "-i", made.path).exit_code == 0
    assert list(made.axes) == ["size", "weight", "gap"]
