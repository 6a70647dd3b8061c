"""The questions of the explorer's page: answers are what the Python interface says, refusals are one line."""

import csv
import io
import json
import math
import re

import numpy as np
import pytest
from conftest import ROOT
from explorer_server import exploring, numbers

import embedsearch as es
from embedsearch.axes.writing import axes_toml
from embedsearch.explorer.application import ASKED
from embedsearch.explorer.points import colours, sampled
from embedsearch.plots.histogram import bin_edges

BOTH = ["predatoriness", "size"]


@pytest.fixture
def index(path, encoder):
    with es.open(path, encoder) as index:
        yield index


def test_every_question_is_documented():
    """docs/api.md has a heading for each path, and for no other."""
    documented = set(re.findall(r"^### `/api/([a-z/]+)`", (ROOT / "docs" / "api.md").read_text("utf-8"), re.MULTILINE))
    assert documented == {*ASKED, "export"}


def test_about_says_what_the_index_holds(client, index):
    """Counts, axes with the names of their ends, and fields."""
    about = client.ask("index")
    assert (about["name"], about["documents"], about["passages"], about["dimension"]) == ("index", 8, 8, 3)
    assert {axis["name"]: axis["ends"] for axis in about["axes"]} == {
        "predatoriness": ["prey", "predator"], "size": ["small", "large"]}  # fmt: skip
    assert about["fields"] == ["kind", "year"]
    assert client.ask("field", field="kind") == {
        "kind": "text",
        "values": [{"value": "animal", "count": 6}, {"value": "person", "count": 1}, {"value": "plant", "count": 1}],
    }
    assert client.ask("field", field="year") == {"kind": "number", "low": 2000, "high": 2007}


def test_search_gives_the_hits_of_the_index_with_their_places(client, index):
    """Ranks, scores, rows and coordinates are those of the Python interface; the query lies where place says."""
    answer = client.ask("search", text="wolf", k=3, axes=BOTH)
    expected = index.search("wolf", k=3)
    assert [(hit["id"], hit["score"]) for hit in answer["hits"]] == [(hit.id, hit.score) for hit in expected]
    assert [hit["row"] for hit in answer["hits"]] == index.rows_of(expected).tolist()
    for hit, placed in zip(answer["hits"], index.place([hit.text for hit in expected], BOTH), strict=True):
        assert hit["coordinates"] == pytest.approx(dict(placed.coordinates), abs=1e-6)
    assert answer["at"] == pytest.approx(dict(index.place(["wolf"], BOTH)[0].coordinates))
    like = client.ask("search", like="id-wolf", k=2)
    assert [hit["id"] for hit in like["hits"]] == [hit.id for hit in index.search(like="id-wolf", k=2)]
    assert client.ask("search", text="wolf", where='kind == "person"')["hits"][0]["id"] == "id-politician"


def test_a_sum_has_both_answers(client, index):
    """Nearest in meaning and nearest on the axes stand side by side, with the terms and where their sum lies."""
    answer = client.ask("calc", expression="sheep + 2*spider", axes=BOTH, k=3)
    on = index.calc("sheep + 2*spider", on=BOTH, k=3)
    assert [hit["id"] for hit in answer["plane"]["hits"]] == [hit.id for hit in on.hits]
    assert [hit["distance"] for hit in answer["plane"]["hits"]] == [hit.distance for hit in on.hits]
    alone = index.calc("sheep + 2*spider", k=3)
    assert [(hit["id"], hit["score"]) for hit in answer["meaning"]["hits"]] == [
        (hit.id, hit.score) for hit in alone.hits
    ]
    assert answer["sum"] == dict(on.point)
    for axis in BOTH:
        assert sum(term["weight"] * term["coordinates"][axis] for term in answer["terms"]) == pytest.approx(
            answer["sum"][axis]
        )
    kept = client.ask("calc", expression="sheep + spider", axes=BOTH, keep_inputs=True)
    assert {"sheep", "spider"} <= {hit["text"] for hit in kept["plane"]["hits"]}
    without = client.ask("calc", expression="sheep + 2*spider", k=3)
    assert without["meaning"]["hits"] == [hit | {"coordinates": {}} for hit in answer["meaning"]["hits"]]
    assert (without["plane"], without["sum"]) == (None, {})
    assert [(term["text"], term["weight"]) for term in without["terms"]] == [("sheep", 1), ("spider", 2)]


def test_places_and_moves(client, index):
    """place, locate and shift answer as the index does, in standard deviations and percentiles."""
    placed = client.ask("place", texts=["wolf", "mouse"], axes=BOTH)["placements"]
    assert [one["coordinates"] for one in placed] == [
        dict(one.coordinates) for one in index.place(["wolf", "mouse"], BOTH)
    ]
    percentiles = index.place(["wolf", "mouse"], BOTH, unit="percentile")
    assert [one["percentiles"] for one in placed] == [dict(one.coordinates) for one in percentiles]
    located = client.ask("locate", point={"size": "p90", "predatoriness": 0}, k=2)["hits"]
    assert [hit["id"] for hit in located] == [hit.id for hit in index.locate({"size": "p90", "predatoriness": 0}, k=2)]
    like, expected = (
        client.ask("locate", point={"size": 1}, like="wolf", k=2, axes=BOTH),
        index.locate_like("wolf", {"size": 1}, k=2),
    )
    assert like["reached"] == {"size": expected.reached["size"]}
    assert like["note"] == expected.note
    moved = client.ask("shift", text="wolf", by={"size": -2}, k=2)
    assert [hit["id"] for hit in moved["hits"]] == [hit.id for hit in index.shift("wolf", {"size": -2}, k=2).hits]


def test_points_are_the_population(client, index):
    """Rows, coordinates and colours of all points; a box and a condition leave out the others."""
    answer = client.ask("points", x="predatoriness", y="size", field="kind")
    population = index.population(BOTH)
    assert numbers(answer["rows"], "<i4").tolist() == population.rows.tolist()
    assert np.allclose(numbers(answer["x"], "<f4"), population.coordinates[:, 0])
    assert np.allclose(numbers(answer["y"], "<f4"), population.coordinates[:, 1])
    assert answer["field"]["names"] == ["animal", "person", "plant"]
    assert numbers(answer["field"]["codes"], "<i4").tolist() == [0, 0, 0, 0, 0, 0, 2, 1]
    few = client.ask("points", x="predatoriness", y="size", where="size > 0", box=[-9, 9, 0.5, 9])
    assert (few["total"], few["inside"]) == (
        int((population.coordinates[:, 1] > 0).sum()), int((population.coordinates[:, 1] >= 0.5).sum()))  # fmt: skip
    assert answer["range"]["x"] == pytest.approx(
        [population.coordinates[:, 0].min(), population.coordinates[:, 0].max()]
    )
    edges = [*answer["range"]["x"], *answer["range"]["y"]]
    assert client.ask("points", x="predatoriness", y="size", box=edges)["inside"] == 8  # those on the edges too
    above = population.coordinates[population.coordinates[:, 1] > 0]
    assert few["range"]["x"] == pytest.approx([above[:, 0].min(), above[:, 0].max()])  # in the box or not
    years = client.ask("points", x="size", y="size", field="year")["field"]  # so few that each is a group
    assert numbers(years["codes"], "<i4").tolist() == list(range(8))


def test_on_one_axis_points_are_piled_as_a_histogram(client, index):
    """Each bin's passages lie .5, 1.5, … high, those that satisfy the condition alone; a box and a sample leave all
    where they lie."""
    across = index.population(["size"]).coordinates[:, 0]
    counts, _ = np.histogram(across, bin_edges(across))
    whole = client.ask("points", x="size")
    heights = dict(zip(numbers(whole["rows"], "<i4").tolist(), numbers(whole["y"], "<f4").tolist(), strict=True))
    assert np.allclose(numbers(whole["x"], "<f4"), across)
    assert sorted(heights.values()) == sorted(place + 0.5 for count in counts for place in range(count))
    assert whole["range"]["y"] == [0, counts.max()]
    assert counts.max() > 1
    part = client.ask("points", x="size", box=[-9, 9, 1, 9], limit=1)
    assert part["inside"] == sum(height > 1 for height in heights.values())
    (row,), (height,) = numbers(part["rows"], "<i4").tolist(), numbers(part["y"], "<f4").tolist()
    assert heights[row] == height > 1
    person = client.ask("points", x="size", where='kind == "person"')
    assert numbers(person["y"], "<f4").tolist() == [0.5]
    none = client.ask("points", x="size", where="year > 3000")
    assert (none["total"], none["range"]["y"]) == (0, [0, 1])


def test_a_sample_stays_when_the_view_becomes_smaller():
    """What is drawn of a large view is drawn of a part of it too, so that points do not flicker."""
    places = np.arange(100_000)
    large = sampled(places, 1000)
    part = places[20_000:60_000]
    small = sampled(part, 1000)
    assert len(large) == len(small) == 1000
    assert set(large[(large >= 20_000) & (large < 60_000)]) <= set(small)
    assert np.histogram(large, bins=10, range=(0, 100_000))[0].min() > 70
    assert sampled(places[:5], 10).tolist() == [0, 1, 2, 3, 4]


def test_rare_values_share_one_colour():
    """Nine values have colours of their own, the commonest first; the others, and none at all, are -1."""
    values = [f"v{place}" for place in range(12) for _ in range(12 - place)] + [None]
    names, codes = colours(values)
    assert names == [f"v{place}" for place in range(9)]
    assert [codes[values.index(value)] for value in ("v0", "v8", "v9", None)] == [0, 8, -1, -1]
    names, codes = colours(["None", None, "", [], math.nan])
    assert (names, codes.tolist()) == (["None"], [0, -1, -1, -1, -1])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([*range(9)], [*range(9)]),
        ([str(number) for number in range(9)], [*range(9)]),  # as CSV has them
        ([*range(9), "", None, [], math.nan, 9.5, "1e3", 1e300], [*range(9), *[math.nan] * 4, 9.5, 1000, math.nan]),
        ([f"20{year:02}-07-02" for year in range(9)], [2000 + year + 182.5 / 365.25 for year in range(9)]),
        ([*range(8)], None),  # each is a group, as where groups are compared
        ([*range(9), "many"], None),
        ([*range(9), True], None),
        ([*range(9), [9]], None),
        ([*range(9), 10**400], None),
        ([None, ""], None),
    ],
)
def test_numbers_are_those_that_groups_and_conditions_take_for_numbers(values, expected):
    """Whatever type they have, dates too; what is missing has no colour, whatever a field calls missing."""
    names, found = colours(values)
    if expected is None:
        assert names is not None
    else:
        assert names is None
        np.testing.assert_allclose(found, expected, atol=2e-3)


def test_conditions_and_histograms_count(client, index):
    """How many satisfy each part, how many lie in each bin, and where each percent of them ends."""
    found = client.ask("condition", where='kind == "animal" and size > 0')
    verdicts = index.judge('kind == "animal" and size > 0')
    passed = sum(one.passed for one in verdicts)
    assert (found["documents"], found["passages"], found["total"]) == (passed, passed, 8)
    assert found["parts"][0] == {"part": 'kind == "animal"', "seen": 8, "held": 6, "left": 6}
    histogram = client.ask("histogram", axis="size", bins=4, where="size > 0")
    column = index.population(["size"]).coordinates[:, 0].astype(np.float32)
    assert sum(histogram["counts"]) == 8
    passing, _ = np.histogram(column[column > 0], histogram["edges"])
    assert histogram["passing"] == passing.tolist()
    assert histogram["percentiles"][50] == pytest.approx(float(np.median(column)))


def test_how_many_lie_above_a_percentile_is_what_its_condition_holds_for(tmp_path, encoder, animals, axes):
    """Where a text stands six times among thirteen, one passage lies above the median."""
    with es.Index.create(tmp_path / "index", encoder) as index:
        index.add([*animals, *(es.Document(f"again-{place}", "sheep") for place in range(5))])
        index.axes.save(axes[1])
        held = [len(index.rows(f"size > p{percent}")) for percent in range(101)]
    with exploring(tmp_path / "index", encoder=encoder) as client:
        above = client.ask("histogram", axis="size")["above"]
    assert above == held
    assert [above[percent] for percent in (0, 40, 50, 90, 100)] == [12, 7, 1, 1, 0]


def test_an_axis_is_tried_before_it_is_saved(client, path, encoder):
    """A trial changes nothing on the disk; saved, it is there for everyone, and reads as it did when tried."""
    assert client.refusal("axes/save", name="mine")[0] == 400
    tried = client.ask("axes/try", low=["mouse"], high=["shark"])
    assert tried["axis"]["ends"] == ["mouse", "shark"]
    assert tried["report"]["population"]["passages"] == 8
    first = client.ask("points", x="tried", y="size")
    client.ask("axes/try", low=["shark"], high=["mouse"])
    second = client.ask("points", x="tried", y="size")
    assert np.allclose(numbers(first["x"], "<f4"), -numbers(second["x"], "<f4"), atol=1e-6)
    with es.open(path, encoder) as index:
        assert sorted(index.axes) == BOTH
    saved = client.ask("axes/save", name="mine")
    assert (saved["axis"]["name"], saved["axis"]["version"]) == ("mine", 1)
    third = client.ask("points", x="mine", y="size")
    assert np.allclose(numbers(third["x"], "<f4"), numbers(second["x"], "<f4"), atol=1e-6)
    assert "mine" in [axis["name"] for axis in client.ask("index")["axes"]]
    assert "tried" not in [axis["name"] for axis in client.ask("index")["axes"]]
    with es.open(path, encoder) as index:
        assert sorted(index.axes) == ["mine", *BOTH]
    proposed = client.ask("axes/propose", name="tried", count=3)["phrases"]
    assert len(set(proposed)) == 3
    rated = {text: place for place, text in enumerate(["wolf", "sheep", "spider", "whale", "shark"])}
    assert "ratings" in client.ask("axes/try", low=["mouse"], high=["shark"], ratings=rated)["axis"]["kinds"]
    assert "below 5" in client.refusal("axes/try", ratings={"wolf": 1, "sheep": 2})[1]
    with es.open(path, encoder) as index:
        saved = index.axes.definitions()
        assert client.ask("axes/toml")["toml"] == axes_toml(saved.values())
        assert client.ask("axes/toml", names=["mine"])["toml"] == saved["mine"].to_toml()
    assert "Did you mean 'mine'?" in client.refusal("axes/toml", names=["mina"])[1]


def test_passages_that_are_chosen_become_a_file(client, index):
    """CSV, JSON lines and Parquet hold the same passages with their places, in the order asked for."""
    import pandas

    kinds = {}
    for kind in ("csv", "jsonl", "parquet"):
        body = json.dumps({"format": kind, "rows": [3, 1], "axes": ["size"]})
        status, headers, content = client.send("POST", "/api/export", body, {"Content-Type": "application/json"})
        assert status == 200
        assert headers["content-disposition"] == f'attachment; filename="passages.{kind}"'
        kinds[kind] = content
    lines = [json.loads(line) for line in kinds["jsonl"].splitlines()]
    places = index.population(["size"]).coordinates[:, 0]
    assert [(one["id"], one["coordinates"]["size"]) for one in lines] == [
        (f"id-{name}", pytest.approx(places[row], abs=1e-6)) for name, row in (("whale", 3), ("wolf", 1))]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(kinds["csv"].decode())))
    assert [(row["id"], row["metadata.kind"], float(row["coordinates.size"])) for row in rows] == [
        (one["id"], one["metadata"]["kind"], one["coordinates"]["size"]) for one in lines]  # fmt: skip
    frame = pandas.read_parquet(io.BytesIO(kinds["parquet"]))
    assert frame["metadata.year"].tolist() == [one["metadata"]["year"] for one in lines]
    where = json.dumps({"format": "jsonl", "where": 'kind == "person"'})
    _, _, content = client.send("POST", "/api/export", where, {"Content-Type": "application/json"})
    assert [json.loads(line)["id"] for line in content.splitlines()] == ["id-politician"]
    assert client.refusal("export", format="xls", rows=[1])[0] == 400


def test_numbers_that_no_float_holds_are_told_as_they_stand(tmp_path, encoder, animals, axes):
    """A whole number of 400 digits is there, among numbers and alone; a box may be larger than float32."""
    with es.Index.create(tmp_path / "index", encoder) as index:
        index.add(
            es.Document(one.id, one.text, metadata={"count": [place, 10**400][place == 3], "large": 1e300, "note": ""})
            for place, one in enumerate(animals)
        )
        index.axes.save(axes[1])
    with exploring(tmp_path / "index", encoder=encoder) as client:
        assert {"value": str(10**400), "count": 1} in client.ask("field", field="count")["values"]
        assert str(10**400) in client.ask("points", x="size", y="size", field="count")["field"]["names"]
        assert client.ask("field", field="large") == {"kind": "number", "low": 1e300, "high": 1e300}
        assert client.ask("field", field="note") == {"kind": "text", "values": []}  # no value, and so no number
        assert client.ask("points", x="size", y="size", box=[-1e300, 1e300, -1e300, 1e300])["inside"] == 8


def test_what_a_start_does_not_name_stays(client, index, path, encoder):
    """Axes that a screening reads outlive another topic; a topic that is given as empty is taken away."""
    client.ask("screen/start", topic="shark", axes=["size"], where="size > -9", seed=7)
    assert client.ask("screen/start", topic="whale")["where"] == "size > -9"
    assert client.ask("screen/start", topic="", where=None)["topic"] == ""
    with es.open(path, encoder) as opened:
        kept = opened.labels.named("main").settings()
    assert (kept["topic"], kept["axes"], kept["where"], kept["seed"]) == ("", ["size"], "size > -9", 7)


def test_a_file_has_each_value_as_it_is_whatever_axes_and_fields_are_called(client, index):
    """Axes called as columns of ours, whole numbers beyond a float and beyond 64 bits, lists, and what is mixed."""
    from pyarrow import parquet

    for name in ("source", "document", "metadata"):
        index.axes.save(es.Axis(name, low=["mouse"], high=["whale"]))
    metadata = [
        {"big": 2**53 + 1, "huge": 10**400, "mixed": "1999", "half": 1, "tags": ["a, b", "c"], "fine": True},
        {"big": -(2**63), "huge": 1, "mixed": [1, "x"], "half": 0.5, "tags": ["a", "b, c"], "x": "old\rMac"},
    ]
    index.add(es.Document(f"n{place}", "wolf", metadata=one) for place, one in enumerate(metadata))
    rows = [passage.row for passage in index.passages(index.rows()) if passage.document in ("n0", "n1")]
    found = {}
    for kind in ("csv", "jsonl", "parquet"):
        body = json.dumps({"format": kind, "rows": rows, "axes": ["source", "document", "metadata", "size"]})
        status, _, found[kind] = client.send("POST", "/api/export", body, {"Content-Type": "application/json"})
        assert status == 200
    names = ["source", "document", "metadata", "size"]
    places = index.population(names, drawn=np.array(rows)).coordinates
    for place, line in enumerate(found["jsonl"].splitlines()):
        record = json.loads(line)
        assert (record["document"], record["source"], record["metadata"]) == (f"n{place}", "", metadata[place])
        assert list(record["coordinates"]) == names
        assert list(record["coordinates"].values()) == pytest.approx(places[place].tolist(), abs=1e-6)
    frame = parquet.read_table(io.BytesIO(found["parquet"]))
    assert frame["document"].to_pylist() == ["n0", "n1"]
    assert frame["coordinates.document"].to_pylist() == pytest.approx(places[:, 1].tolist(), abs=1e-6)
    assert frame["metadata.big"].to_pylist() == [2**53 + 1, -(2**63)]
    assert frame["metadata.huge"].to_pylist() == [str(10**400), "1"]
    assert frame["metadata.mixed"].to_pylist() == ["1999", '[1, "x"]']
    assert frame["metadata.half"].to_pylist() == [1.0, 0.5]
    assert frame["metadata.tags"].to_pylist() == [["a, b", "c"], ["a", "b, c"]]
    assert frame["metadata.fine"].to_pylist() == [True, None]
    table = list(csv.DictReader(io.StringIO(found["csv"].decode(), newline="")))
    assert [json.loads(row["metadata.tags"]) for row in table] == [one["tags"] for one in metadata]
    assert table[1]["metadata.x"] == "old\rMac"
    assert [row["document"] for row in table] == ["n0", "n1"]


def test_screening_from_the_page(client, path, encoder):
    """The next record, a label, an undo: each is in the store when it is answered."""
    assert client.ask("screen/status")["has_begun"] is False
    started = client.ask("screen/start", topic="shark", where='kind == "animal"')
    assert (started["progress"]["records"], started["topic"]) == (6, "shark")
    first = client.ask("screen/next")["record"]
    assert first["id"] == "id-shark"
    assert client.ask("screen/next", after=["id-shark"])["record"]["id"] != "id-shark"
    done = client.ask("screen/label", id="id-shark", label="relevant", note="teeth")
    assert (done["progress"]["found"], done["progress"]["read"]) == (1, 1)
    assert done["recent"] == [{"id": "id-shark", "label": "relevant", "note": "teeth"}]
    with es.open(path, encoder) as index:
        assert index.labels["id-shark"].name == "relevant"
    status, message = client.refusal("screen/label", id="id-shark", label="not relevant")
    assert (status, "'id-shark' was labelled relevant by" in message) == (400, True)
    assert client.refusal("screen/undo") == (400, "'number' is missing")
    undone = client.ask("screen/undo", number=done["number"])["undone"]
    assert undone == {"id": "id-shark", "label": "relevant"}
    with es.open(path, encoder) as index:
        assert len(index.labels) == 0
    assert client.refusal("screen/label", id="nobody", label="relevant")[0] == 400
    assert client.refusal("screen/label", id="id-wolf", label="perhaps")[0] == 400
    assert client.refusal("screen/label", id="id-wolf", label=7)[0] == 400
    assert client.refusal("screen/label", id="id-wolf", label=[1]) == (400, "'label' is [1]; wanted a text or a number")
    assert client.ask("screen/label", id="id-wolf", label=0.7)["progress"]["graded"] == 1
    with es.open(path, encoder) as index:
        assert index.labels["id-wolf"].value == 0.7


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("search", {"text": "wolf", "kk": 3}, "there is no field 'kk'. Did you mean 'k'?"),
        ("search", {"text": 3}, "'text' is 3; wanted a text"),
        ("search", {"text": "wolf", "k": 0}, "'k' is 0; wanted a whole number from 1 to 200"),
        ("search", {}, "give exactly one of a text, ids of documents (like) and a vector"),
        ("search", {"text": "wolf", "where": "size >"}, "the condition"),
        ("search", {"text": "\ud800"}, "half of a character"),
        ("calc", {"axes": ["size"]}, "'expression' is missing"),
        ("points", {"x": "sise", "y": "size"}, "there is no axis 'sise'. Did you mean 'size'?"),
        ("points", {"x": "size", "y": "size", "box": [1, 2, 3]}, "four numbers"),
        ("points", {"x": "size", "y": "size", "field": "knd"}, "no document of the index has the field 'knd'"),
        ("passages", {"rows": list(range(300))}, "at most 200 are taken at once"),
        ("passages", {"rows": [99]}, "the index has changed since these passages were drawn; ask for the points again"),
        ("export", {"rows": [99], "format": "csv"}, "the index has changed since these passages were drawn"),
        ("passages", {"rows": [-1]}, "wanted a list of passage numbers"),
        ("axes/try", {"low": ["mouse"]}, "high"),
        ("axes/try", {"low": ["mouse"], "high": ["shark"], "ratings": {"wolf": "big"}}, "an object of numbers"),
        ("locate", {"point": {}}, "a point needs at least one axis"),
        ("locate", {"point": {"size": 10**400}}, "an object of numbers and percentiles"),
        ("locate", {"point": {"\ud800": 1}}, "half of a character"),
        ("shift", {"text": "wolf", "by": {"size": -(10**400)}}, "an object of numbers"),
        ("points", {"x": "size", "y": "size", "box": [10**400, 1, 1, 1]}, "four numbers"),
        ("passages", {"rows": [10**30]}, "wanted a list of passage numbers"),
        ("export", {"rows": [1 << 63], "format": "csv"}, "wanted a list of passage numbers"),
        ("place", {"texts": ["\ud800"], "axes": ["size"]}, "half of a character"),
        (
            "calc",
            {"expression": "sheep + spider", "axes": "size"},
            "'axes' is \"size\"; wanted a list of at most 1,000 texts",
        ),
        ("histogram", {"axis": "size", "bins": 10**6}, "'bins' is 1000000"),
    ],
)
def test_wrong_questions_are_one_line(client, name, fields, said):
    """What was seen and what is wanted; nothing is done."""
    status, message = client.refusal(name, **fields)
    assert status in (400, 409, 500)
    assert said in message
    assert "\n" not in message


def test_screenings_by_name_are_apart(client, path, encoder):
    """Settings, records, labels and undos of one screening are not those of another; one not begun is empty."""
    client.ask("screen/start", topic="shark")
    client.ask("screen/start", name="hunters", topic="whale", where='kind == "animal"')
    assert client.ask("screen/next", name="hunters")["record"]["id"] == "id-whale"
    done = client.ask("screen/label", name="hunters", id="id-whale", label="relevant")
    assert (done["name"], done["progress"]["read"], done["progress"]["records"]) == ("hunters", 1, 6)
    main = client.ask("screen/status")
    assert (main["name"], main["topic"], main["progress"]["read"], main["recent"]) == ("main", "shark", 0, [])
    status, message = client.refusal("screen/undo", number=done["number"])
    assert (status, message) == (400, f"there is no label number {done['number']} to undo in the screening 'main'")
    assert client.ask("screen/undo", name="hunters", number=done["number"])["undone"]["id"] == "id-whale"
    assert client.ask("screen/status", name="huntrs")["has_begun"] is False
    assert client.ask("index")["screenings"] == ["main", "hunters"]
    assert client.refusal("screen/status", name="\n") == (
        400, "a screening cannot be called '\\n'; wanted is a short name, such as tumours"
    )  # fmt: skip


def test_what_was_shown_in_one_screening_is_not_overtaken_in_another(client, path, encoder):
    """While another process writes both are shown a record; each keeps that with its own label that follows."""
    for name in ("main", "hunters"):
        client.ask("screen/start", name=name, topic="shark")
    with es.open(path, encoder) as other, other._store.locked():
        for name in ("main", "hunters"):
            client.ask("screen/next", name=name)
    for name in ("main", "hunters"):
        client.ask("screen/label", name=name, id="id-shark", label="relevant")
    with es.open(path, encoder) as index:
        for name in ("main", "hunters"):
            assert [event.kind for event in index.labels.named(name).history()] == ["settings", "shown", "label"]


@pytest.mark.parametrize("name", ["size of it", "p80", "not", "missing", 'a "quoted" one', "größe"])
def test_conditions_can_name_every_axis(client, index, name):
    """What an axis is called in a condition is read as that axis, whatever its name."""
    index.axes.save(es.Axis(name, low=["mouse"], high=["whale"]))
    written = {axis["name"]: axis["condition"] for axis in client.ask("index")["axes"]}
    assert written["size"] == "size"
    assert client.ask("condition", where=f"{written[name]} > p50")["passages"] == len(index.rows("size > p50"))
