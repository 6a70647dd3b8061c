"""axes list, show and fit."""

import json

import pytest
from conftest import CORPUS, run

import embedsearch as es
from embedsearch.axes import read_ratings
from embedsearch.testing import HashEncoder


def test_axes_are_listed_with_their_poles(predation):
    """The list names every axis with version, poles and frames; ids gives the names."""
    listed = [json.loads(line) for line in run("axes", "list", "-i", predation).stdout.splitlines()]
    assert [axis["id"] for axis in listed] == [axis.name for axis in es.read_axes(CORPUS / "axes.toml")]
    assert listed[1]["high"][0] == "large"
    assert run("axes", "list", "-f", "ids", "-i", predation).stdout.split()[:2] == ["predatoriness", "size"]
    assert "description" in run("axes", "list", "-f", "table", "-i", predation).stdout


def test_an_axis_is_shown_with_its_scale_and_ends(predation):
    """Showing an axis gives its definition, its population, and what lies at its ends."""
    shown = json.loads(run("axes", "show", "size", "-f", "json", "-i", predation).stdout)
    with es.open(predation) as index:
        assert shown["population"] == len(index)
        assert shown["highest"] == index.place_all(["size"], sort="size", k=5).to_dicts()
    assert shown["p5"] < shown["p50"] < shown["p95"]
    table = run("axes", "show", "size", "-f", "table", "-i", predation).stdout
    assert shown["highest"][0]["text"] in table
    result = run("axes", "show", "sizes", "-i", predation)
    assert result.exit_code == 2
    assert "Did you mean 'size'?" in result.stderr


def test_definitions_are_printed_as_the_file_that_fits_them(predation, tmp_path):
    """One axis or all of them, in their order; an index without axes prints none."""
    file, shipped = tmp_path / "axes.toml", es.read_axes(CORPUS / "axes.toml")
    for arguments, wanted in ((["list"], shipped), (["show", "size"], shipped[1:2])):
        file.write_text(run("axes", *arguments, "-f", "toml", "-i", predation).stdout, "utf-8")
        assert es.read_axes(file) == wanted
    es.Index.create(tmp_path / "i", HashEncoder()).close()
    result = run("axes", "list", "-f", "toml", "-i", tmp_path / "i")
    assert (result.exit_code, result.stdout) == (1, "")


def test_fitting_tells_what_is_new(tmp_path):
    """Fitting says for each axis whether it is new, changed or unchanged; the wrong file changes nothing."""
    folder, file = tmp_path / "i", tmp_path / "axes.toml"
    file.write_text('[size]\nlow = ["small"]\nhigh = ["large"]\n')
    with es.Index.create(folder) as index:
        index.add([es.Document("a", "wolf"), es.Document("b", "whale")])
    assert run("axes", "list", "-i", folder).exit_code == 1
    assert run("axes", "fit", file, "-i", folder).stderr == "size: version 1, new\n"
    assert run("axes", "fit", file, "-i", folder).stderr == "size: version 1, unchanged\n"
    file.write_text('[size]\nlow = ["tiny"]\nhigh = ["large"]\n[b]\nlow = ["x"]\nhigh = ["y"]\n')
    assert run("axes", "fit", file, "-i", folder).stderr == "size: version 2, changed\nb: version 1, new\n"
    file.write_text('[c]\nlow = ["tiny"]\nhigh = ["large"]\n[d]\nlow = []\nhigh = ["y"]\n')
    result = run("axes", "fit", file, "-i", folder)
    assert result.exit_code == 2
    assert "'d' has nothing in 'low'" in result.stderr
    assert run("axes", "list", "-f", "ids", "-i", folder).stdout.split() == ["size", "b"]


def test_an_axis_of_an_empty_index_can_be_shown(tmp_path):
    """Before there are documents an axis has a definition and no scale."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.axes.save(es.Axis("size", ["small"], ["large"]))
    shown = json.loads(run("axes", "show", "size", "-f", "json", "-i", tmp_path / "i").stdout)
    assert (shown["population"], shown["highest"]) == (0, [])


def test_an_axis_that_is_not_there_is_not_shown(tmp_path):
    """An index without axes says how to get some."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add([es.Document("a", "wolf")])
    shown = run("axes", "show", "size", "-i", tmp_path / "i")
    assert shown.exit_code == 2
    assert "there is no axis 'size'. The index has none yet; add some with: embedsearch axes fit FILE" in shown.stderr


@pytest.mark.parametrize("given", [("-k", "5"), ("--csv", "other.csv"), ("--where", "x > 1")])
def test_what_taking_ratings_would_ignore_is_refused(tmp_path, given):
    """Phrases are proposed or ratings taken; an option of the one has no meaning beside the other."""
    result = run("axes", "rate", "size", "--take", "ratings.csv", *given, "-i", tmp_path / "none")
    assert result.exit_code == 2
    assert f"{given[0]} does not go with --take" in result.stderr


def test_axes_of_every_kind_are_listed(index, monkeypatch):
    """An axis without poles is listed with what it is defined by."""
    index.axes.save(es.Axis("sum", formula="size + predatoriness"))
    monkeypatch.setattr("embedsearch.cli.axes_commands.open_index", lambda *_: index)
    listed = run("axes", "list", "-f", "table")
    assert listed.exit_code == 0
    assert "formula" in listed.output
    assert "poles" in listed.output


def test_ratings_are_not_lost_when_they_are_too_few(index, monkeypatch, tmp_path):
    """Two answers are too few to learn from: they are written down, and taken back when more have come."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("embedsearch.cli.axes_commands.open_index", lambda *_: index)
    asked = run("axes", "rate", "size", "-k", "6", input="7\nbig\n9\n")  # the input ends: so does the asking
    assert asked.exit_code == 2
    assert "'big' is not a number; try again" in asked.output
    assert "2 answers kept in to-rate-1.csv only" in asked.output
    assert "axis 'size' has 2 ratings; below 5" in asked.output
    lines = (tmp_path / "to-rate-1.csv").read_text().splitlines()
    assert [line.rsplit(",", 1)[1] for line in lines] == ["rating", "7.0", "9.0", "", "", "", ""]
    filled = [line + ("" if not line.endswith(",") else str(n)) for n, line in enumerate(lines)]
    (tmp_path / "to-rate-1.csv").write_text("\n".join(filled) + "\n")
    taken = run("axes", "rate", "size", "--take", "to-rate-1.csv")
    assert "size: version 2, 6 ratings" in taken.output


def test_answers_that_no_file_can_hold_are_said(index, monkeypatch):
    """Nothing is written into the folder of an index: who asks from there reads the answers, and why none was taken."""
    monkeypatch.chdir(index.path)
    monkeypatch.setattr("embedsearch.cli.axes_commands.open_index", lambda *_: index)
    first, second = index.explorer.propose("size", 2, None)
    asked = run("axes", "rate", "size", "-k", "2", input="7\n1234567\n")
    assert asked.exit_code == 2
    assert "lies in the folder of an index" in asked.stderr
    assert f"What was answered:\n7.0  {first}\n1234567.0  {second}\n" in asked.stderr
    assert "axis 'size' has 2 ratings; below 5" in asked.stderr
    assert not list(index.path.glob("*.csv"))


@pytest.mark.parametrize("error", [KeyboardInterrupt, es.StoreError("another process is writing")])
def test_answers_survive_whatever_goes_wrong(index, monkeypatch, tmp_path, error):
    """Answers all alike, a lock, an interrupt while the axis is fitted: all are in a CSV, and nothing is saved."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("embedsearch.cli.axes_commands.open_index", lambda *_: index)
    alike = run("axes", "rate", "size", "-k", "5", input="3\n" * 5)
    assert alike.exit_code == 2
    assert "all 5 ratings are 3" in alike.output
    assert [*read_ratings("to-rate-1.csv")[0].values()] == [3.0] * 5

    def fails(_name, _change):
        raise error

    monkeypatch.setattr(index.axes, "change", fails)
    broken = run("axes", "rate", "size", "-k", "5", input="1\n2\n3\n4\n5\n")
    assert broken.exit_code in (2, 130)
    assert [*read_ratings("to-rate-2.csv")[0].values()] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert index.axes.versions()["size"] == 1


def test_ratings_by_id_are_taken_and_counted(tmp_path, monkeypatch):
    """A CSV may rate documents, or both; a phrase in another case is rated anew; an id that is not there is refused."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add([es.Document(f"id-{name}", name) for name in (*"abcde", "wolf", "sheep")])
        index.axes.save(es.Axis("size", ["small"], ["large"]))
        monkeypatch.setattr("embedsearch.cli.axes_commands.open_index", lambda *_: index)

        def taken(text):
            (tmp_path / "r.csv").write_text(text)
            return run("axes", "rate", "size", "--take", tmp_path / "r.csv")

        ids = ("id-wolf", "id-a", "id-b", "id-c", "id-d")
        assert (
            "version 2, 5 ratings" in taken("id,rating\n" + "".join(f"{id},{n}\n" for n, id in enumerate(ids))).output
        )
        assert "version 3, 7 ratings" in taken("id,text,rating\nid-wolf,,9\n,loan shark,3\n,politician,4\n").output
        assert "version 4, 7 ratings" in taken("text,rating\nLoan  Shark,5\n").output
        axis = index.axes.definitions()["size"]
        assert axis.ratings == {"politician": 4, "Loan  Shark": 5}
        assert axis.rated_documents == dict(zip(ids, (9, 1, 2, 3, 4), strict=True))
        asked = run("axes", "rate", "size", "-k", "1", input="6\n")
        assert "so far 1 … 9" in asked.output
        refused = taken("id,rating\nid-wlf,1\n")
        assert refused.exit_code == 2
        assert "no document 'id-wlf' in the index. Did you mean 'id-wolf'?" in refused.output


def test_an_index_without_axes_has_nothing_to_check(tmp_path):
    """Neither as a table nor as JSON; in Python the report is empty."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add([es.Document("a", "wolf")])
        assert index.axes.check().to_dict() == {"axes": [], "overlaps": []}
    for format in ("table", "json"):
        checked = run("axes", "check", "-f", format, "-i", tmp_path / "i")
        assert checked.exit_code == 1
        assert "the index has no axes; add some with: embedsearch axes fit FILE" in checked.stderr
    assert json.loads(checked.stdout) == {"axes": [], "overlaps": []}


def test_what_cannot_be_rated_is_refused_before_anything_is_asked(index, monkeypatch, tmp_path):
    """A formula has no place for ratings; nothing is proposed or written."""
    index.axes.save(es.Axis("sum", formula="size + predatoriness"))
    monkeypatch.setattr("embedsearch.cli.axes_commands.open_index", lambda *_: index)
    refused = run("axes", "rate", "sum", "--csv", tmp_path / "file.csv")
    assert refused.exit_code == 2
    assert "defined by formula and cannot have ratings; rate an axis of poles\n" in refused.output
    assert not (tmp_path / "file.csv").exists()


def test_keeping_a_component_replaces_no_axis(tmp_path):
    """A name that is taken, or one without --keep, is refused before anything is printed or kept."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add([es.Document(name, f"{name} {name}") for name in ("wolf", "sheep", "whale", "mouse")])
        index.axes.save(es.Axis("size", ["small"], ["large"]))
    place = ("-i", tmp_path / "i")
    taken = run("axes", "discover", "--keep", "1", "--name", "size", *place)
    assert (taken.exit_code, taken.stdout) == (2, "")
    assert "there is an axis 'size' already; choose another name with --name" in taken.stderr
    alone = run("axes", "discover", "--name", "width", *place)
    assert (alone.exit_code, alone.stdout) == (2, "")
    assert "it goes with --keep NUMBER" in alone.stderr
    assert run("axes", "discover", "--keep", "1", "--name", "width", *place).exit_code == 0
    assert run("axes", "discover", "--keep", "1", *place).exit_code == 0
    again = run("axes", "discover", "--keep", "1", *place)  # called by its two ends, as before
    assert (again.exit_code, again.stdout) == (2, "")
    with es.open(tmp_path / "i") as index:
        versions = index.axes.versions()
        assert {"size", "width"} < set(versions)
        assert set(versions.values()) == {1}
        assert index.axes.definitions()["size"].low == ("small",)


def test_options_without_a_meaning_are_refused(index, tmp_path):
    """What was rated already needs no phrases to rate, and no file for them."""
    for more in (("--csv", tmp_path / "new.csv"), ("--where", "year > 2000")):
        refused = run("axes", "rate", "size", "--take", tmp_path / "rated.csv", *more, "-i", index.path)
        assert refused.exit_code == 2
        assert f"{more[0]} does not go with --take" in refused.stderr
