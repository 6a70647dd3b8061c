"""screen simulate: one object of numbers for a labelled file, and one clear line for a file that cannot be."""

import csv
import io
import json
import re

import pytest
from conftest import run

from embedsearch.testing import HashEncoder

TOPICS = {
    1: ["A spider waits in its web for prey", "Wolves hunt elk in winter", "How an octopus stalks crabs"],
    0: ["Wheat yields after a dry spring", "The tides of an estuary", "Bridges of the old town", "On grammar schools"],
}


@pytest.fixture(autouse=True)
def small_encoder(monkeypatch):
    """Encode without a model: what is measured is the command, not the vectors."""
    monkeypatch.setattr("embedsearch.encoders.load_encoder", lambda *_: HashEncoder(16))
    monkeypatch.setattr("embedsearch.index.collection.load_encoder", lambda *_: HashEncoder(16))


@pytest.fixture
def review(tmp_path):
    """Return a file of 40 records, 10 of them relevant, in a made-up review on hunting."""
    rows = [
        {
            "id": number,
            "title": f"{TOPICS[hit][number % len(TOPICS[hit])]}",
            "abstract": f"Study {number}.",
            "keep": hit,
        }
        for number, hit in enumerate([1, 0, 0, 0] * 10)
    ]
    return write(tmp_path / "review.csv", rows)


def write(file, rows):
    """Write rows as CSV and return the file."""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def labelled(**label):
    """Return a record with a label."""
    return {"title": "a", "abstract": "b", **label}


def simulate(file, *options):
    """Run the command with the fields of the fixture."""
    return run("screen", "simulate", file, "--text", "title", "--text", "abstract", "--label", "keep", *options)


def test_records_without_a_label_can_be_left_out(review):
    """An unfinished export stops at its first record without one; with skip each is named and the others are taken."""
    text = review.read_text("utf-8")
    review.write_text(text + "x,t,u,\ny,v,w,perhaps\n", "utf-8")
    assert "review.csv:42: the label 'keep' is ''" in simulate(review, "--repeats", "1").stderr
    done = simulate(review, "--repeats", "1", "--on-error", "skip", "--label", "Keep", "-f", "json")
    assert done.stderr.count("the label 'Keep' is") == 2
    found = json.loads(done.stdout)
    assert (found["records"], found["relevant"]) == (40, 10)


def test_a_label_that_no_record_has_is_refused_once(review, tmp_path):
    """A wrong name is no fault of each record; of lines of JSON some may lack the field."""
    refused = simulate(review, "--on-error", "skip", "--label", "kept")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "review.csv:2: there is no field 'kept' with a label. Did you mean 'keep'?" in refused.stderr
    lines = tmp_path / "a.jsonl"
    records = [{"title": f"hunting {number}", "abstract": "b", "keep": number % 2} for number in range(6)]
    lines.write_text("".join(f"{json.dumps(record)}\n" for record in [{"title": "a", "abstract": "b"}, *records]))
    done = simulate(lines, "--on-error", "skip", "--repeats", 1, "-f", "json")
    assert json.loads(done.stdout)["records"] == 6
    assert done.stderr.count("there is no field 'keep' with a label") == 1


def test_json_is_one_object_with_intervals(review):
    """Each metric has mean, low and high; the stop says how often, where and with what recall."""
    done = simulate(review, "--repeats", 3, "--seed", 0, "-f", "json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["records"], found["relevant"], found["repeats"], found["seed"]) == (40, 10, 3, 0)
    for name in ("wss95", "wss100", "recall5", "recall10", "atd"):
        assert set(found[name]) == {"mean", "low", "high"}
        assert found[name]["low"] <= found[name]["mean"] <= found[name]["high"]
    assert set(found["stop"]) >= {"target", "confidence", "method", "fired", "met", "recall", "read"}
    assert len(found["curve"]["mean"]) == 101
    assert found["time_to_discovery"][0]["mean"] >= found["time_to_discovery"][-1]["mean"]
    # The words of the titles tell the ten apart: nine are left besides the prior, of 38 records.
    assert found["wss100"]["mean"] > 0.6


def test_a_seed_gives_the_same_bytes(review):
    """Twice the same, another seed another."""
    outputs = [simulate(review, "--repeats", 2, "--seed", seed).stdout for seed in (5, 5, 6)]
    assert outputs[0] == outputs[1] != outputs[2]
    assert outputs[0].count("\n") == 1


def test_csv_has_a_row_a_metric(review):
    """Metrics and the figures of the stop, with their intervals."""
    rows = list(csv.DictReader(io.StringIO(simulate(review, "--repeats", 2, "-f", "csv").stdout)))
    assert [row["metric"] for row in rows] == [
        "wss95", "wss100", "recall5", "recall10", "atd", "stop_fired", "stop_met", "stop_recall", "stop_read",
    ]  # fmt: skip
    assert all(float(row["low"]) <= float(row["mean"]) <= float(row["high"]) for row in rows)


def test_table_names_the_metrics(review):
    """For people."""
    shown = simulate(review, "--repeats", 2, "-f", "table").stdout
    assert "40 records, 10 relevant, 2 repeats" in shown
    assert "WSS@95" in shown
    assert "reached the target" in shown


@pytest.mark.parametrize(("suffix", "begin"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_plot_and_curve_are_written(review, tmp_path, suffix, begin):
    """The plot is the same each time; the curve has a line a percent."""
    plots = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for plot in plots:
        done = simulate(review, "--repeats", 1, "--plot", plot, "--curve", tmp_path / "curve.csv")
        assert done.exit_code == 0, done.stderr
    assert plots[0].read_bytes().startswith(begin)
    assert plots[0].read_bytes() == plots[1].read_bytes()
    assert plots[0].stat().st_size > 5_000
    lines = (tmp_path / "curve.csv").read_text("utf-8").splitlines()
    assert (lines[0], len(lines)) == ("read,mean,low,high", 102)
    assert lines[-1].startswith("1,1,")


def test_a_topic_can_stand_in_for_priors(review):
    """No record is known beforehand: all 40 are read."""
    done = simulate(review, "--repeats", 2, "--priors", 0, 0, "--topic", "animals that hunt", "-f", "json")
    found = json.loads(done.stdout)
    assert found["priors"] == {"relevant": 0, "other": 0}
    assert len(found["time_to_discovery"]) == 10


def test_an_audit_stops_where_records_are_drawn_at_random(review):
    """With mixed reading it may stop; with certainty sampling it cannot, which is said."""
    assert (
        json.loads(simulate(review, "--repeats", 1, "--by", "mixed", "--stop-by", "audit").stdout)["stop"]["method"]
        == "audit"
    )
    done = simulate(review, "--stop-by", "audit")
    assert done.exit_code == 2
    assert "none is drawn at random" in done.stderr


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([labelled(kept=1)] * 2, r"review.csv:2: there is no field 'keep' .* Did you mean 'kept'\?"),
        ([labelled(keep="maybe")] * 2, r"review.csv:2: the label 'keep' is 'maybe'; wanted 1 or 0"),
        ([labelled(keep="")] * 2, r"review.csv:2: the label 'keep' is ''; wanted 1 or 0"),
        ([labelled(keep=0)] * 3, r"0 of 3 records are relevant; wanted at least 2 relevant and 1"),
        ([labelled(keep=1)] * 3, r"3 of 3 records are relevant"),
        ([labelled(keep=1)], r"1 of 1 record is relevant"),
        ([{"title": "", "abstract": " ", "keep": 1}], r"there is no record with a text"),
    ],
)
def test_files_that_cannot_be_replayed_get_one_line(tmp_path, rows, message):
    """Exit code 2 and a line that says what was seen, where, and what was wanted."""
    done = simulate(write(tmp_path / "review.csv", rows))
    assert done.exit_code == 2
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert re.search(message, line), line


def test_the_same_text_throughout_is_replayed(tmp_path):
    """Nothing tells the records apart: the order is random, and nothing breaks."""
    rows = [{"title": "a", "abstract": "the same", "keep": int(number < 5)} for number in range(30)]
    done = simulate(write(tmp_path / "review.csv", rows), "--repeats", 2)
    assert done.exit_code == 0, done.stderr
    assert 0.2 < json.loads(done.stdout)["atd"]["mean"] < 0.8


@pytest.mark.parametrize(
    ("plot", "message"),
    [
        ("recall.bmp", "'recall.bmp' names no format that can be drawn; end it in .png, .svg or .pdf"),
        ("no/r.png", "there is no folder 'no' to put 'r.png' in; make it first"),
    ],
)
def test_a_plot_that_cannot_be_written_is_refused_at_once(review, plot, message, monkeypatch):
    """Before anything is embedded."""
    monkeypatch.setattr("embedsearch.screening.record_vectors", None)
    done = simulate(review, "--plot", plot)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_curve_that_cannot_be_written_is_refused_at_once(review, tmp_path, monkeypatch):
    """A folder in its place, or a file of an index, say; before anything is embedded."""
    monkeypatch.setattr("embedsearch.screening.record_vectors", None)
    (tmp_path / "index.db").write_bytes(b"an index")
    for curve, said in ((tmp_path, "is a folder"), (tmp_path / "index.db", "lies in the folder of an index")):
        done = simulate(review, "--repeats", 1, "--curve", curve)
        assert done.exit_code == 2
        assert said in done.stderr


def test_too_few_relevant_records_are_refused_before_the_embedding(tmp_path, monkeypatch):
    """The labels are looked at first."""
    monkeypatch.setattr("embedsearch.screening.record_vectors", None)
    done = simulate(write(tmp_path / "review.csv", [labelled(keep=0)] * 3))
    assert "0 of 3 records are relevant" in done.stderr


def test_the_file_is_read_as_the_options_say(review, tmp_path):
    """As `ingest` reads it: in another encoding, broken records passed over where that is asked for."""
    file = tmp_path / "latin.csv"
    text = review.read_text("utf-8").replace("Study", "Étude")
    file.write_bytes((text + "broken\n").encode("latin-1"))
    refused = simulate(file, "--repeats", 1)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "for example --encoding cp1252" in refused.stderr
    done = simulate(file, "--repeats", 1, "--encoding", "latin-1", "--on-error", "skip", "-f", "json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["records"] == 40
    assert "latin.csv:42" in done.stderr
