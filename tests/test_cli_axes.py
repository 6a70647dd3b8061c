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
