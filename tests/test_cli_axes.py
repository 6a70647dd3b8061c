"""axes list, show and fit."""

import json

from conftest import CORPUS, run

import embedsearch as es
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
    assert asked.exit_code == 1
    assert "'big' is no number; once more" in asked.output
    assert "2 answered; 3 more are needed" in asked.output
    lines = (tmp_path / "to-rate-1.csv").read_text().splitlines()
    assert [line.rsplit(",", 1)[1] for line in lines] == ["rating", "7.0", "9.0", "", "", "", ""]
    filled = [line + ("" if not line.endswith(",") else str(n)) for n, line in enumerate(lines)]
    (tmp_path / "to-rate-1.csv").write_text("\n".join(filled) + "\n")
    taken = run("axes", "rate", "size", "--take", "to-rate-1.csv")
    assert "size: version 2, 6 ratings" in taken.output


def test_what_cannot_be_rated_is_refused_before_anything_is_asked(index, monkeypatch, tmp_path):
    """A formula has no place for ratings; nothing is proposed or written."""
    index.axes.save(es.Axis("sum", formula="size + predatoriness"))
    monkeypatch.setattr("embedsearch.cli.axes_commands.open_index", lambda *_: index)
    refused = run("axes", "rate", "sum", "--csv", tmp_path / "file.csv")
    assert refused.exit_code == 2
    assert "defined by formula, which ratings do not go with" in refused.output
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
