"""embedsearch map: what it writes, says and refuses; and the same from Python."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import run

import embedsearch as es
from embedsearch.maps.clusters import Cluster
from embedsearch.maps.content import Content, Wanted, gather
from embedsearch.testing import HashEncoder


def content(file) -> dict:
    """Return the JSON inside a map."""
    text = file.read_text("utf-8")
    return json.loads(re.search(r'<script type="application/json" id="content">(.*?)</script>', text)[1])


def floats(text: str) -> np.ndarray:
    """Return packed numbers."""
    return np.frombuffer(base64.b64decode(text), "<f4")


def test_a_map_on_axes_has_each_passage_where_it_lies(index, tmp_path):
    """Coordinates are those of `place`, to the last digit of float32; colours are counted; the command says so."""
    file = tmp_path / "map.html"
    result = run("map", "-i", index.path, "-a", "predatoriness,size", "--color", "kind", "-o", file, "-f", "json")
    assert result.exit_code == 0
    assert re.fullmatch(rf"{re.escape(str(file))}: 8 passages, \d\.\d MB\n", result.stderr)
    counts = json.loads(result.stdout)
    assert (counts["shown"], counts["passages"], counts["of"]) == (8, 8, 8)
    assert counts["categories"] == {"animal": 6, "person": 1, "plant": 1}
    inside = content(file)
    placed = {one.id: one.coordinates for one in index.place_all(["predatoriness", "size"])}
    for id, x, y in zip(inside["ids"], floats(inside["x"]), floats(inside["y"]), strict=True):
        assert (x, y) == (np.float32(placed[id]["predatoriness"]), np.float32(placed[id]["size"]))
    kinds = [inside["categories"][code]["name"] for code in inside["codes"]]
    assert dict(zip(inside["ids"], kinds, strict=True))["id-politician"] == "person"
    assert [axis["ends"] for axis in inside["axes"]] == [["prey", "predator"], ["small", "large"]]


def test_of_many_some_are_shown_and_it_says_how_many(index, tmp_path):
    """The page and stderr name both numbers; the same command gives the same bytes."""
    files = [tmp_path / name for name in ("one.html", "two.html")]
    for file in files:
        result = run("map", "-i", index.path, "-a", "predatoriness,size", "--sample", 3, "-o", file)
        assert "3 of 8 passages shown" in result.stderr
    assert content(files[0])["about"] == "3 of 8 passages shown; encoder table"
    assert len(content(files[0])["ids"]) == 3
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_condition_holds_and_is_named(index, tmp_path):
    """Only what satisfies it is there; where nothing does, nothing is written."""
    file = tmp_path / "map.html"
    run("map", "-i", index.path, "-a", "predatoriness,size", "--where", "year < 2003", "-o", file)
    assert content(file)["ids"] == ["id-sheep", "id-wolf", "id-spider"]
    assert content(file)["about"].startswith("3 passages of 8 where year < 2003;")
    result = run("map", "-i", index.path, "--where", "year < 1", "-o", tmp_path / "none.html")
    assert result.exit_code == 1
    assert result.stderr.startswith("Nothing found: no passage satisfies the condition; ")
    assert result.stderr.endswith("none.html is not written\n")
    assert not (tmp_path / "none.html").exists()


def test_scripts_run_by_their_hashes_alone(index, tmp_path):
    """Each script has its hash in the policy, nothing may be fetched, and no address of a server is asked for."""
    run("map", "-i", index.path, "-a", "predatoriness,size", "-o", tmp_path / "map.html")
    text = (tmp_path / "map.html").read_text("utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    assert len(scripts) == 3
    assert policy == (
        f"default-src 'none'; script-src {hashes} 'unsafe-eval'; "
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r'<(script|link|img|iframe)[^>]+(src|href)="?https?:', text)


def test_long_texts_are_cut_and_ranges_have_the_colours_of_steps(tmp_path):
    """A text is 300 characters at most, a title 120; ten years become five ranges in the shades 10 to 14."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add(
            es.Document(str(i), f"{i} wolf" * 200, title="t" * 200, metadata={"year": 2000 + i}) for i in range(10)
        )
        made = es.map_index(index, layout="pca", color="year")
    made.save(tmp_path / "map.html")
    inside = content(tmp_path / "map.html")
    assert {len(text) for text in inside["texts"]} == {300}
    assert set(inside["titles"]) == {"t" * 119 + "…"}
    assert [one["shade"] for one in inside["categories"]] == [10, 11, 12, 13, 14]
    assert inside["categories"][0]["name"] == "2000 to 2001"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-a", "size", "-o", "m.html"], "a map has two axes, not 1: size"),
        (["-a", "size,predatoriness", "--layout", "pca", "-o", "m.html"], "a map has axes or a layout"),
        (["-a", "size,sise", "-o", "m.html"], "there is no axis 'sise'"),
        (["-o", "m.png"], "a map is an HTML file; 'm.png' should end in .html"),
        (["-o", "no/such/m.html"], "there is no folder 'no/such' to put 'm.html' in; make it first"),
        (
            ["--layout", "pca", "--color", "kin", "-o", "m.html"],
            "no document of the index has the field 'kin'. Did",
        ),
        (["--layout", "pca", "--where", "kind ==", "-o", "m.html"], "condition"),
    ],
)
def test_what_cannot_be_is_refused_on_one_line(index, tmp_path, monkeypatch, arguments, message):
    """Exit code 2, a line that names what was wrong, and no file."""
    monkeypatch.chdir(tmp_path)
    result = run("map", "-i", index.path, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert [path.name for path in tmp_path.iterdir() if path.suffix in (".html", ".png")] == []


def test_python_refuses_the_same(index, tmp_path, monkeypatch):
    """Axes with a layout, one axis, no passage to show, no plotly: each is an error of ours."""
    with pytest.raises(es.QueryError, match="a map has axes or a layout; both were given: size and pca"):
        es.map_index(index, "size", layout="pca")
    with pytest.raises(es.AxisError, match="a map has two different axes, or a layout; given are size, size"):
        index.map("size", "size")
    with pytest.raises(es.QueryError, match="sample is 0; at least 1 must be asked for"):
        es.map_index(index, "predatoriness", "size", sample=0)
    made = index.map("predatoriness", "size")
    regions = tuple(Cluster("wolf", (place, 0.0), count) for place, count in enumerate((5, 3)))
    assert replace(made, content=replace(made.content, clusters=regions)).to_dict()["clusters"] == {"wolf": 8}
    assert repr(made) == "Map('index': 8 passages)"
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(es.QueryError, match="is a folder; give the name of a file"):
        made.save(tmp_path / "folder.html")
    monkeypatch.setattr("embedsearch.maps.writing.find_spec", lambda name: None)
    with pytest.raises(es.EmbedSearchError, match="plotly is not installed; maps need it: pip install"):
        index.map("predatoriness", "size")


def test_no_text_is_read_but_of_what_is_shown(index, monkeypatch):
    """With a sample of two, two passages are read."""
    asked = []
    read = index.passages
    monkeypatch.setattr(index, "passages", lambda rows: asked.extend(rows) or read(rows))
    found = gather(index, Wanted(("predatoriness", "size"), sample=2))
    assert isinstance(found, Content)
    assert len(asked) == len(found.passages) == 2
