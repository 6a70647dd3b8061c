"""filter: documents in, relevant ones out, unchanged and in order."""

import csv
import json
import os
import subprocess
import sys
import threading

import pyarrow as pa
import pytest
from conftest import CORPUS, ROOT, run
from pyarrow import parquet

import embedsearch as es
from embedsearch.filtering import Profile

ARTICLES = CORPUS / "articles.jsonl"


def test_what_passes_is_unchanged_and_in_order(predation):
    """The output of a filter is a subsequence of the input's own lines, byte for byte."""
    result = run("filter", ARTICLES, "--where", "predatoriness > p60", "-i", predation)
    assert result.exit_code == 0
    kept, all_lines = result.stdout.splitlines(), ARTICLES.read_text("utf-8").splitlines()
    assert 20 < len(kept) < 120
    assert kept == [line for line in all_lines if line in set(kept)]
    assert f"{len(kept)} of {len(all_lines)} documents passed." in result.stderr.splitlines()


def test_a_filter_and_its_contrary_divide_the_input(predation):
    """Every document passes exactly one of a condition and its negation."""
    both = [
        run("filter", ARTICLES, "--where", where, "-i", predation).stdout.splitlines()
        for where in ("predatoriness > p60", "not predatoriness > p60")
    ]
    assert sorted(both[0] + both[1]) == sorted(ARTICLES.read_text("utf-8").splitlines())


def test_csv_keeps_its_header_and_its_records(tmp_path, predation):
    """CSV comes out as CSV: the header once, records with their quotes and line ends as they stood."""
    file = tmp_path / "a.csv"
    file.write_bytes(b'id,text,note\r\n1,wolf,"a, b"\r\n2,charity,"line\r\nbreak"\r\n3,shark,""\r\n')
    result = run("filter", file, "--where", "predatoriness > 0", "-i", predation)
    assert result.stdout_bytes == b'id,text,note\r\n1,wolf,"a, b"\r\n3,shark,""\r\n'


def test_coordinates_come_on_request(predation):
    """-a adds coordinates; they are those of the mean of the passages, and decide."""
    result = run("filter", ARTICLES, "--where", "predatoriness > 0.5", "-a", "predatoriness,size", "-i", predation)
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert all(list(record["coordinates"]) == ["predatoriness", "size"] for record in records)
    assert min(record["coordinates"]["predatoriness"] for record in records) > 0.5
    assert records[0]["metadata"]["relevant"] in (True, False)
    table = run("filter", ARTICLES, "--where", "predatoriness > 1", "-a", "size", "-f", "table", "-i", predation).stdout
    assert "size" in table.splitlines()[0]


def test_the_documents_of_the_index_can_be_filtered(predation):
    """Without a source the index's own documents are filtered; fields and axes join in one condition."""
    where = 'kind in ["animal", "plant"] and size > p90 and not predatoriness > 0'
    result = run("filter", "--where", where, "-i", predation)
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert found
    assert {record["metadata"]["kind"] for record in found} <= {"animal", "plant"}
    with es.open(predation) as index:
        assert [record["id"] for record in found] == [document.id for document in index.filter(where)]


def test_precision_and_recall_are_counted(tmp_path, predation):
    """Against a yes/no field: of wolf, charity, shark and librarian two pass, one rightly; one wanted is missed."""
    file = tmp_path / "a.csv"
    file.write_text("id,text,wanted\n1,wolf,yes\n2,charity,yes\n3,shark,no\n4,librarian,no\n")
    result = run("filter", file, "--where", "predatoriness > 0", "--check", "wanted", "-i", predation)
    assert "2 of 4 documents passed." in result.stderr.splitlines()
    assert "precision 0.500, recall 0.500, F1 0.500 (1 right, 1 too many, 1 missed)" in result.stderr
    best = run("filter", file, "--top", "1", "--by", "predatoriness", "--check", "wanted", "-i", predation)
    assert "4 of 4 documents passed; these are the best 1 of them." in best.stderr
    assert "(2 documents): precision 1.000, recall 0.500, F1 0.667 (1 right, 0 too many, 1 missed)" in best.stderr
    least = ("--top", "3", "--by", "-predatoriness", "--check", "wanted", "-f", "ids")
    best = run("filter", file, *least, "-i", predation)
    assert sorted(best.stdout.split()) == ["2", "3", "4"]
    assert "precision 0.333, recall 0.500, F1 0.400 (1 right, 2 too many, 1 missed)" in best.stderr
    file.write_text("id,text,wanted\n1,wolf,perhaps\n")
    wrong = run("filter", file, "--where", "predatoriness > 0", "--check", "wanted", "-i", predation)
    assert wrong.exit_code == 2
    assert "'perhaps'" in wrong.stderr


def test_a_share_of_nothing_is_none(tmp_path, predation):
    """Of nothing that passed no part is right: that is no number."""
    (tmp_path / "a.csv").write_text("id,text,keep\n1,wolf,1\n2,grass,0\n")
    done = run("filter", tmp_path / "a.csv", "--check", "keep", "--where", 'id == "3"', "-i", predation)
    said = "Against 'keep' (1 document): precision none, recall 0.000, F1 0.000 (0 right, 0 too many, 1 missed)."
    assert said in done.stderr


def test_new_texts_are_embedded_and_divided(tmp_path, predation):
    """Texts that the index does not hold are embedded on the way; nothing is added to the index."""
    file = tmp_path / "new.jsonl"
    file.write_text(
        json.dumps({"text": "The lioness crept up on the zebra, sprang, and killed it at the water hole."})
        + "\n"
        + json.dumps({"text": "The committee approved the minutes of its last meeting and adjourned for tea."})
        + "\n"
    )
    with es.open(predation) as index:
        before = index.info()["documents"]
    result = run("filter", file, "--where", 'near("a lion hunting its prey") > 0.4', "-i", predation)
    assert len(result.stdout.splitlines()) == 1
    assert "lioness" in result.stdout
    with es.open(predation) as index:
        assert index.info()["documents"] == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--where", "predatorines > 1"), "Did you mean 'predatoriness'?"),
        (("--where", "yaer > 1"), "Did you mean 'year'?"),
        (("--where", "__import__('os').system('x')"), "there is no function"),
        (("--where", "size > 'x'"), "is a number"),
        (("--where", "year > p80"), "only be compared with an axis"),
        (("--where", "size > 1", "-f", "same", "-a", "size"), "-a and --explain need another format"),
        (("--where", "size > 1", "--check", "missing"), "--check missing"),
        (
            ("--where", "size > 1", "--check", "relevance"),
            "articles.jsonl:1 has no field of that name. Did you mean 'relevant'?",
        ),
        (("--where", "size > 1", "--check", "domain"), "there; wanted true or false, yes or no, 1 or 0"),
        ((), "--where"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, tuple) else "",
)
def test_wrong_conditions_are_one_clear_line(words, message, predation):
    """A condition that cannot be evaluated is told before anything is written."""
    result = run("filter", ARTICLES, *words, "-i", predation)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())


def test_a_wrong_condition_over_the_index_itself_is_one_line_too(predation):
    """Without a source, too, the error is one line, and nothing is said after it."""
    command = [sys.executable, "-c", "from embedsearch.cli import main; main()", "filter", "--where", "size"]
    done = subprocess.run([*command, "-i", str(predation)], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_nothing_that_passes_leaves_with_1(predation):
    """No document under the condition: no output, exit code 1."""
    result = run("filter", ARTICLES, "--where", "size > 99", "-i", predation)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "0 of 172 documents passed." in result.stderr


def test_the_parts_of_a_condition_are_counted(predation):
    """The parts on fields come first; what is left in the end is what passed."""
    result = run("filter", ARTICLES, "--where", "predatoriness > p80 and year >= 2024", "-f", "ids", "-i", predation)
    rows = [line.split(maxsplit=3) for line in result.stderr.splitlines() if line.startswith("  ")]
    records = [json.loads(line) for line in ARTICLES.read_text("utf-8").splitlines()]
    recent = sum(record["year"] >= 2024 for record in records if "year" in record)
    assert rows[0] == ["172", str(recent), str(recent), "year >= 2024"]
    assert rows[1][0] == str(recent)
    assert int(rows[1][2]) == len(result.stdout.splitlines())


def test_the_best_come_first(predation):
    """--top gives the N with the highest coordinates, or the lowest, best first."""
    placed = run("filter", ARTICLES, "--where", "size > -99", "-a", "size", "-i", predation).stdout.splitlines()
    sizes = {record["id"]: record["coordinates"]["size"] for record in map(json.loads, placed)}
    order = sorted(sizes, key=sizes.__getitem__)
    for by, wanted in (("size", order[::-1][:5]), ("-size", order[:5])):
        result = run("filter", ARTICLES, "--top", "5", "--by", by, "-f", "ids", "-i", predation)
        assert result.stdout.splitlines() == wanted
    lowest = run("filter", ARTICLES, "--where", "size < p50", "--top", "5", "-f", "ids", "-i", predation)
    assert lowest.stdout.splitlines() == order[:5]
    assert "these are the best 5 of them" in lowest.stderr


def test_a_sample_of_the_rejected_can_be_read(tmp_path, predation):
    """Without a file it comes instead of what passes; with one, beside it; the same seed draws the same."""
    words = ("filter", ARTICLES, "--where", "predatoriness > p60", "-i", predation, "--sample", "5")
    passed = set(run(*words[:5], predation).stdout.splitlines())
    sample = run(*words).stdout.splitlines()
    assert len(sample) == 5
    assert not passed & set(sample)
    both = run(*words, "--sample-to", tmp_path / "rejected.jsonl")
    assert set(both.stdout.splitlines()) == passed
    assert (tmp_path / "rejected.jsonl").read_text("utf-8").splitlines() == sample
    assert run(*words, "--seed", "1").stdout.splitlines() != sample


def test_inverting_gives_the_others(predation):
    """What passes and what passes inverted are all of them, each once."""
    words = ("filter", ARTICLES, "--where", "predatoriness > p60 and year > 2000", "-i", predation)
    both = run(*words).stdout.splitlines() + run(*words, "--invert").stdout.splitlines()
    assert sorted(both) == sorted(ARTICLES.read_text("utf-8").splitlines())


def test_an_output_file_has_the_bytes_of_stdout(tmp_path, predation):
    """-o writes what would be printed, and leaves nothing beside it."""
    words = ("filter", ARTICLES, "--where", "predatoriness > p60", "-i", predation)
    for more in ((), ("-f", "csv"), ("-f", "json"), ("-a", "size")):
        assert run(*words, *more, "-o", tmp_path / "out").stdout == ""
        assert (tmp_path / "out").read_text("utf-8") == run(*words, *more).stdout
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_no_output_takes_the_place_of_a_file_that_is_read(tmp_path, predation):
    """A file of a folder that is filtered, and a link to one, are refused as outputs; nothing of them is lost."""
    corpus = tmp_path / "corpus"
    (corpus / "deep").mkdir(parents=True)
    records = '{"id": "a", "text": "wolf", "year": 1999}\n{"id": "b", "text": "shark", "year": 2001}\n'
    for file in (corpus / "a.jsonl", corpus / "deep" / "b.jsonl", tmp_path / "plain"):
        file.write_text(records)
    (tmp_path / "soft").symlink_to(corpus / "a.jsonl")
    (tmp_path / "hard").hardlink_to(corpus / "deep" / "b.jsonl")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    words = ("filter", corpus, "--where", "year > 2000", "-i", predation)
    for output in (corpus / "a.jsonl", corpus / "deep" / "b.jsonl", tmp_path / "soft", tmp_path / "hard"):
        for option in (("-o",), ("--sample", "1", "--sample-to"), ("--save-profile",)):
            refused = run(*words, *option, output)
            assert (refused.exit_code, refused.stdout) == (2, "")
            assert "the output would overwrite a file that is read" in " ".join(refused.stderr.split())
    assert (
        "the output would overwrite a file that is read"
        in run("filter", tmp_path / "plain", "--as", "jsonl", *words[2:], "-o", tmp_path / "plain").stderr
    )
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
    # An output beside the sources, made by an earlier run, is not one of them.
    for _ in range(2):
        assert run(*words, "-o", tmp_path / "passed.jsonl").exit_code == 0
        assert len((tmp_path / "passed.jsonl").read_text().splitlines()) == 2


def test_the_file_that_the_standard_input_is_stays(tmp_path, predation):
    """`filter - -o FILE < FILE` is refused like a source that is named."""
    file = tmp_path / "a.jsonl"
    file.write_bytes(ARTICLES.read_bytes())
    command = [sys.executable, "-c", "from embedsearch.cli import main; main()", "filter", "-", "--where", "size > p80"]
    command += ["-o", file, "-i", predation]
    with file.open("rb") as stream:
        done = subprocess.run(command, stdin=stream, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, file.read_bytes()) == (2, ARTICLES.read_bytes())
    assert "the output would overwrite a file that is read" in " ".join(done.stderr.split())


def test_a_profile_in_a_file_whose_name_is_no_utf8_is_saved_and_runs(tmp_path, predation):
    """Its name stands in it with U+FFFD for each such byte; the file has the name that was given."""
    file, source = os.fsdecode(os.fsencode(tmp_path) + b"/p\xff.json"), tmp_path / "a.csv"
    source.write_text("id,text\n1,shark\n2,charity\n")
    saved = run("filter", source, "--where", "predatoriness > p50", "--save-profile", file, "-i", predation)
    assert (saved.exit_code, Profile.load(file).name) == (0, "p\ufffd")
    assert run("filter", source, "--profile", file).stdout == saved.stdout == "id,text\n1,shark\n"


def test_profiles_and_files_of_axes_need_no_index(tmp_path, predation, monkeypatch):
    """A saved condition passes the same records elsewhere; a file of axes is scaled on the records themselves."""
    monkeypatch.chdir(tmp_path)
    words = ("animal", "plant", "wolf", "shark", "charity", "librarian", "grass", "spider")
    (tmp_path / "a.csv").write_text("id,text\n" + "".join(f"{n},{word}\n" for n, word in enumerate(words)))
    where = ("--where", "predatoriness > p50")
    saved = run("filter", "a.csv", *where, "--save-profile", "p.json", "-i", predation)
    assert "Profile 'p' saved in p.json: predatoriness." in saved.stderr
    again = run("filter", "a.csv", "--profile", "p.json")
    assert again.stdout == saved.stdout
    alone = run("filter", "a.csv", *where, "--axes", CORPUS / "axes.toml", "--population", "8")
    assert "axes are scaled on 8 of the 8 documents" in alone.stderr
    assert len(alone.stdout.splitlines()) == 1 + 4
    piped = run(
        "filter", "-", "--as", "csv", *where, "--axes", CORPUS / "axes.toml", input=(tmp_path / "a.csv").read_bytes()
    )
    assert "the first 8 documents of the stream" in piped.stderr
    assert piped.stdout == alone.stdout
    # An index that the environment names is not looked at, be it there or not.
    for there in (tmp_path / "none", predation):
        monkeypatch.setenv("EMBEDSEARCH_INDEX", str(there))
        assert run("filter", "a.csv", "--profile", "p.json").stdout == saved.stdout
        same = run("filter", "a.csv", *where, "--axes", CORPUS / "axes.toml", "--population", "8")
        assert (same.stdout, same.stderr) == (alone.stdout, alone.stderr)
    given = run("filter", "a.csv", "--profile", "p.json", "-i", predation)
    assert (given.exit_code, given.stdout) == (2, "")
    own = run("filter", *where, "--axes", CORPUS / "axes.toml", "-f", "ids")  # without SOURCEs it is the environment's
    assert len(own.stdout.splitlines()) > 100
    assert "there is no index" in run("filter", "a.csv", *where, "-i", tmp_path / "none").stderr


def test_an_axis_of_a_file_is_found_however_its_letters_are_written(tmp_path):
    """A population is drawn for it, and its percentiles are those of the documents."""
    (tmp_path / "axes.toml").write_text('["gro\u0308ße"]\nlow = ["small"]\nhigh = ["large"]\n', "utf-8")
    (tmp_path / "a.csv").write_text("id,text\n1,small\n2,large\n3,tiny\n4,huge\n")
    words = ("filter", tmp_path / "a.csv", "--axes", tmp_path / "axes.toml", "--where", "größe > p50", "-f", "ids")
    done = run(*words, "--top", "2")
    assert (done.exit_code, sorted(done.stdout.split())) == (0, ["2", "4"])
    assert "axes are scaled on 4 of the 4 documents" in done.stderr


def test_a_field_is_found_however_its_letters_are_written(tmp_path):
    """By --check, an axis that is learned from it, and whoever asks for its values: as in conditions."""
    (tmp_path / "a.csv").write_text("id,text,gu\u0308ltig\n1,small,yes\n2,large,no\n", "utf-8")
    run("ingest", tmp_path / "a.csv", "-i", tmp_path / "index")
    done = run("filter", tmp_path / "a.csv", "--where", "gültig", "--check", "gültig", "-i", tmp_path / "index")
    assert (done.exit_code, done.stdout_bytes.splitlines()[1:]) == (0, [b"1,small,yes"])
    assert "Against 'gültig' (1 document): precision 1.000, recall 1.000, F1 1.000" in done.stderr
    with es.open(tmp_path / "index") as index:
        assert index.field_of_passages("gültig", index.rows()) == ["yes", "no"]
        assert index.axes.material().field("gültig")[1] == ["yes", "no"]


def test_axes_that_nothing_asks_for_are_named(tmp_path):
    """Without an index, so that who has misspelled one sees what it is called."""
    (tmp_path / "a.csv").write_text("id,text\n1,small\n2,large\n")
    done = run("filter", tmp_path / "a.csv", "--axes", CORPUS / "axes.toml", "--where", "predatorines > p50")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "No axis of" in done.stderr
    assert "is used; it has: predatoriness, size, " in done.stderr
    assert "society. Did you mean 'predatoriness'?\n" in done.stderr
    plain = run("filter", tmp_path / "a.csv", "--axes", CORPUS / "axes.toml", "--where", "id > 0", "-f", "ids")
    assert (plain.stdout, "Did you mean" in plain.stderr) == ("1\n2\n", False)


def test_an_axis_to_add_that_is_not_there_is_told_before_anything_is_read(tmp_path, monkeypatch):
    """Without an index: where axes come from, or which of the file's is meant; --by says where they come from too."""
    monkeypatch.chdir(tmp_path)  # where there is no indexes/predation
    (tmp_path / "a.csv").write_text("id,text\n1,small\n")
    asked = ("filter", tmp_path / "a.csv", "--where", "id > 0")
    for more, said in (
        (("-a", "size"), "there is no axis 'size'. Without an index, axes come from a file: --axes FILE"),
        (("-a", "sizze", "--axes", CORPUS / "axes.toml"), "there is no axis 'sizze'. Did you mean 'size'?"),
        (("--top", "1", "--by", "size"), "and `filter` those of --axes FILE that are asked for."),
    ):
        done = run(*asked, *more)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.strip().endswith(said)


def test_what_is_added_goes_out_in_the_form_that_the_file_is_called_by(tmp_path, predation, monkeypatch):
    """-a, --explain and the index's documents: CSV into .csv, an array into .json; -f says otherwise; else refused."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("id,text\n1,wolf\n2,charity\n3,shark\n")
    where = ("--where", "predatoriness > 0", "-i", predation)
    assert run("filter", "a.csv", *where, "-a", "size", "-o", "out.csv").exit_code == 0
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text("utf-8").splitlines()))
    assert [(row["id"], abs(float(row["coordinates.size"])) < 5) for row in rows] == [("1", True), ("3", True)]
    run("filter", "a.csv", *where, "--explain", "--sample", "1", "--sample-to", "rest.csv", "-o", "out.json")
    explained = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert [record["reasons"][0]["part"] for record in explained] == ["predatoriness > 0"] * 2
    (rest,) = csv.DictReader((tmp_path / "rest.csv").read_text("utf-8").splitlines())
    assert rest["id"] == "2"
    assert json.loads(rest["reasons"])[0]["holds"] is False
    run("filter", "a.csv", *where, "-a", "size", "-f", "jsonl", "-o", "lines.csv")
    assert len([json.loads(line) for line in (tmp_path / "lines.csv").read_text("utf-8").splitlines()]) == 2
    run("filter", "--where", "size > p99", "-o", "own.tsv", "-i", predation)
    assert (tmp_path / "own.tsv").read_text("utf-8").startswith("id\ttitle\ttext\t")
    refused = run("filter", "a.csv", *where, "-a", "size", "-o", "out.parquet")
    assert (refused.exit_code, (tmp_path / "out.parquet").exists()) == (2, False)
    assert "only unchanged records can go to out.parquet" in refused.stderr
    (tmp_path / "b.jsonl").write_text('{"text": "wolf"}\n')
    mixed = run("filter", "a.csv", "b.jsonl", *where, "-o", "mix")
    assert (mixed.exit_code, (tmp_path / "mix").exists()) == (2, False)
    assert "b.jsonl:1 is of another format than a.csv:2" in mixed.stderr


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Work in a folder with a wolf and a sheep in several formats."""
    monkeypatch.chdir(tmp_path)
    rows = [{"id": "a", "text": "wolf", "year": 2001}, {"id": "b", "text": "sheep", "year": 1990}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    for name in ("s.jsonl", "s.dat", "s.json"):
        (tmp_path / name).write_text(lines)
    (tmp_path / "s.csv").write_text("id,text,year\na,wolf,2001\nb,sheep,1990\n")
    (tmp_path / "s.ris").write_text("TY  - JOUR\nID  - a\nTI  - wolf\nPY  - 2001\nER  - \n\n")
    (tmp_path / "s.txt").write_text("wolf")
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "s.parquet")
    (tmp_path / "rows").mkdir()
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "rows" / "s.parquet")
    return tmp_path


def as_csv(text):
    return [row["id"] for row in csv.DictReader(text.splitlines())]


def as_lines(text):
    return [json.loads(line)["id"] for line in text.splitlines()]


def as_array(text):
    return [one["id"] for one in json.loads(text)]


@pytest.mark.parametrize(
    ("words", "output", "wanted"),
    [
        (["s.parquet"], "out.csv", as_csv),
        (["s.parquet"], "out.json", as_array),
        (["s.parquet"], "out.jsonl", as_lines),
        (["s.parquet"], "out", as_lines),
        (["s.csv"], "out.csv", as_csv),
        (["s.csv"], "out.tsv", as_csv),
        (["s.csv", "-f", "jsonl"], "out.csv", as_lines),
        (["s.jsonl", "-f", "csv"], "out.csv", as_csv),
        (["s.csv"], "out.txt", as_csv),
        (["s.jsonl"], "out.ndjson", as_lines),
        (["s.json", "--as", "jsonl"], "out.json", as_lines),
        (["s.dat", "--as", "jsonl"], "out.dat", as_lines),
        (["s.jsonl"], "out.csv", "the records of s.jsonl are written unchanged, which does not go with out.csv"),
        (["s.jsonl"], "out.json", "s.jsonl are written unchanged"),
        (["s.csv"], "out.jsonl", "s.csv are written unchanged"),
        (["s.csv"], "out.parquet", "s.csv are written unchanged"),
        (["s.jsonl", "-f", "same"], "out.csv", "s.jsonl are written unchanged"),
        (["s.csv", "s.parquet"], "out.csv", "s.parquet are written unchanged"),
        (["s.parquet", "s.jsonl"], "out.parquet", "s.jsonl are written unchanged"),
        (["s.txt"], "out.html", "only unchanged records can go to out.html"),
        (["s.parquet"], "out.ris", "only unchanged records can go to out.ris"),
        (["s.parquet", "-a", "size"], "out.parquet", "only unchanged records can go to out.parquet"),
        (["s.parquet", "-f", "same"], "out.csv", "-f same writes records unchanged, and s.parquet has none"),
        (["s.txt", "-f", "same"], "out", "-f same writes records unchanged, and s.txt has none"),
        (["-f", "same"], "out", "-f same writes records unchanged, and the index has none"),
        (["-"], "out.csv", "stdin are written unchanged"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value if isinstance(value, str) else "",
)
def test_a_file_holds_what_its_name_promises_or_is_refused_before_reading(sources, predation, words, output, wanted):
    """What has records goes out as it stood, all else in the form that the file is called by."""
    for option in (["-o", output], ["--sample", "1", "--sample-to", output]):
        where = ["--where", "year > 2000" if "-o" in option else "year < 2000", "-i", predation]
        done = run("filter", *words, *where, *option, input="no document is read")
        if isinstance(wanted, str):
            assert (done.exit_code, (sources / output).exists(), done.stdout) == (2, False, "")
            assert wanted in " ".join(done.stderr.split())
        else:
            assert wanted((sources / output).read_text("utf-8")) == ["a"]


@pytest.mark.parametrize("words", [["s.parquet"], ["rows"], ["s.parquet", "rows", "-f", "same"]])
@pytest.mark.parametrize("count", [0, 1])
def test_rows_of_parquet_go_to_parquet(sources, predation, words, count):
    """Also those of a folder, and where none passes: then it is a table of the same columns without a row."""
    done = run("filter", *words, "--where", f"year > {2000 + 100 * (not count)}", "-i", predation, "-o", "out.parquet")
    assert done.exit_code == (0 if count else 1)
    table = parquet.read_table(sources / "out.parquet")
    assert table.column_names == ["id", "text", "year"]
    assert set(table["id"].to_pylist()) == ({"a"} if count else set())


def test_outputs_that_are_one_file_are_refused(sources, predation):
    """By name, by another way to it, by a link that leads there; two that go nowhere may be one."""
    (sources / "link").symlink_to("out")
    words = ("filter", "s.jsonl", "--where", "year > 2000", "--sample", "1", "-i", predation)
    for more in (
        ("-o", "out", "--sample-to", "out"),
        ("-o", "out", "--sample-to", "rows/../out"),
        ("-o", "link", "--save-profile", "out"),
        ("--sample-to", sources / "out", "--save-profile", "out"),
    ):
        refused = run(*words, *more)
        assert (refused.exit_code, refused.stdout, (sources / "out").exists()) == (2, "", False)
        assert "name the same file" in refused.stderr


def test_outputs_that_cannot_be_written_are_refused_before_reading(sources, predation):
    """Each of the three, and no other of them is there then."""
    words = ("filter", "s.jsonl", "--where", "year > 2000", "--sample", "1", "-i", predation)
    options = ("-o", "--sample-to", "--save-profile")
    before = sorted(sources.rglob("*"))
    for option in options:
        others = [word for other in options if other != option for word in (other, other.strip("-"))]
        for place, said in (
            ("no/file", "there is no folder 'no'"),
            ("rows", "is a folder"),
            (predation / "index.db", "lies in the folder of an index"),
            (predation / "new", "lies in the folder of an index"),
        ):
            refused = run(*words, *others, option, place)
            assert (refused.exit_code, refused.stdout, sorted(sources.rglob("*"))) == (2, "", before)
            assert said in refused.stderr or (option, said) == ("--sample-to", "is a folder")
            assert "Traceback" not in refused.stderr
    with es.open(predation) as index:
        assert len(index) > 100


def test_a_sample_is_given_up_with_the_run(sources, predation):
    """A run that stops leaves the old sample as it was, and nothing beside it."""
    (sources / "sample").write_text("old")
    (sources / "s.jsonl").write_text('{"id": "a", "text": "wolf", "year": 1}\n{"id": "b", "te')
    words = ("filter", "s.jsonl", "--where", "year > 2000", "--sample", "1", "-i", predation)
    before = sorted(sources.rglob("*"))
    stopped = run(*words, "-o", "out", "--sample-to", "sample", "--save-profile", "profile")
    assert (stopped.exit_code, (sources / "sample").read_text()) == (2, "old")
    assert sorted(sources.rglob("*")) == before


def test_a_pipe_without_an_index_is_read_once(sources):
    """Axes are scaled on its first documents, as on those of stdin, and the same documents pass."""
    os.mkfifo(sources / "pipe")
    thread = threading.Thread(target=lambda: (sources / "pipe").write_bytes((sources / "s.jsonl").read_bytes()))
    thread.start()
    words = ("--as", "jsonl", "--axes", CORPUS / "axes.toml", "--where", "predatoriness > p50", "-f", "ids")
    piped = run("filter", "pipe", *words)
    thread.join()
    assert (piped.exit_code, piped.stdout) == (0, "a\n")
    assert "No index: axes are scaled on the first 2 documents of the stream." in piped.stderr
    assert run("filter", "s.jsonl", *words).stdout == "a\n"


def test_nothing_found_without_an_index_speaks_of_none(sources):
    """Where documents were given and none passes, no index is opened anew nor said to be empty."""
    (sources / "none.jsonl").write_text("")
    for name, why in (("s.jsonl", "no document satisfies the condition"), ("none.jsonl", "no document was read")):
        done = run("filter", name, "--axes", CORPUS / "axes.toml", "--where", "year > 3000", "--save-profile", "p")
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.endswith(f"Nothing found: {why}\n")
    assert "No document was read, so no profile was saved in p." in done.stderr


def test_it_is_said_why_nothing_comes_out_and_what_does(sources, predation):
    """Where all pass none is rejected, and none fails; of a sample, how many of what was drawn how."""
    words = ("filter", "s.jsonl", "-i", predation, "--where")
    for more, why in ((["--sample", "2"], "no document was rejected"), (["--invert"], "every document satisfies the")):
        done = run(*words, "year < 3000", *more)
        assert (done.exit_code, done.stdout) == (1, "")
        assert f"Nothing found: {why}" in done.stderr
    done = run(*words, "year > 3000", "--sample", "1", "--seed", "7")
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 1)
    assert "1 of the rejected, drawn at random (seed 7), come out.\n0 of 2 documents passed." in done.stderr


def test_a_header_stands_also_above_no_record(tmp_path, predation):
    """As it stood, byte order mark and line end among it, so that CSV stays CSV; JSON lines have none."""
    files = {
        "a.csv": "\ufeffid;text\r\n1;wolf\r\n".encode(),
        "b.tsv": "id\ttext\n1\twölf\n".encode("utf-16"),
        "c.jsonl": b'{"text": "wolf"}\n',
        "d.bib": b'@string{n = "Nature"}\n@article{a, title = {wolf}, abstract = {wolf}, journal = n}\n',
    }
    headers = {"a.csv": files["a.csv"][:12], "b.tsv": "id\ttext\n".encode("utf-16")}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        words = ("filter", tmp_path / name, "-i", predation)
        done = run(*words, "--where", "predatoriness > 99", "-o", tmp_path / f"out-{name}")
        assert (done.exit_code, (tmp_path / f"out-{name}").read_bytes()) == (1, headers.get(name, b""))
        assert run(*words, "--where", "predatoriness > -99").stdout_bytes == content


def test_a_profile_says_what_it_does_not_keep(sources, predation):
    """--invert is refused, the number of the best is said to be given anew, and a rank alone lets nothing through."""
    words = ("filter", "s.jsonl", "-i", predation, "--save-profile", "p.json")
    refused = run(*words, "--where", "size > 0", "--invert")
    assert (refused.exit_code, (sources / "p.json").exists()) == (2, False)
    assert "a profile does not keep --invert; write --where 'not (CONDITION)'" in refused.stderr
    best = run(*words, "--top", "1", "--by", "predatoriness", "-f", "ids")
    assert best.stdout == "a\n"
    assert "Profile 'p' saved in p.json: predatoriness. It does not keep --top; give that again." in best.stderr
    assert run("filter", "s.jsonl", "--profile", "p.json", "--top", "1", "-f", "ids").stdout == "a\n"
    without = run("filter", "s.jsonl", "--profile", "p.json", "-f", "ids")
    assert (without.exit_code, without.stdout) == (2, "")
    assert "the profile 'p' ranks by predatoriness, and has no condition; add --top N" in without.stderr


def test_bibliographies_keep_their_bytes_and_broken_ones_lose_nothing_else(tmp_path, predation):
    """A RIS file through a filter that passes all is the same file; a reference cut off is named, the rest comes."""
    whole = "TY  - JOUR\r\nTI  - W\r\nAB  - wolf\r\nER  - \r\n\r\nTY  - JOUR\r\nTI  - S\r\nAB  - sheep\r\nER  - \r\n"
    (tmp_path / "a.ris").write_bytes(whole.encode())
    same = run("filter", tmp_path / "a.ris", "--where", "not missing(text)", "-i", predation)
    assert same.stdout_bytes == whole.encode()
    (tmp_path / "b.ris").write_bytes(whole.encode() + b"TY  - JOUR\r\nTI  - cut")
    stopped = run("filter", tmp_path / "b.ris", "--where", "not missing(text)", "-i", predation)
    assert stopped.exit_code == 2
    assert "b.ris:10" in stopped.stderr
    skipped = run("filter", tmp_path / "b.ris", "--where", "not missing(text)", "--on-error", "skip", "-i", predation)
    assert (skipped.exit_code, skipped.stdout_bytes) == (0, whole.encode())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--top", "3", "--by", "year"), "is a field"),
        (("--where", "year > 1", "--top", "3"), "nothing to rank by"),
        (("--where", "size > 1", "--by", "size"), "--by goes with --top"),
        (("--where", "size > 1", "--sample-to", "x"), "--sample-to goes with --sample"),
        (("--where", "size > 1", "--profile", "p.json"), "a profile has its own condition"),
        (("--where", "size > 1", "-o", str(ARTICLES)), "the output would overwrite a file that is read"),
        (("--where", "size > 1", "-o", "no/such/folder"), "there is no folder 'no/such'"),
        (("--where", "size > 1", "--axes", "none.toml"), "there is no file none.toml"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, tuple) else "",
)
def test_options_that_cannot_be_honoured_are_refused(words, message, predation):
    """One line, exit code 2, nothing written."""
    result = run("filter", ARTICLES, *words, "-i", predation)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())
