"""filter: documents in, relevant ones out, unchanged and in order."""

import json
import subprocess
import sys

import pytest
from conftest import CORPUS, ROOT, run

import embedsearch as es

ARTICLES = CORPUS / "articles.jsonl"


def test_what_passes_is_unchanged_and_in_order(predation):
    """The output of a filter is a subsequence of the input's own lines, byte for byte."""
    result = run("filter", ARTICLES, "--where", "predatoriness > p60", "-i", predation)
    assert result.exit_code == 0
    kept, all_lines = result.stdout.splitlines(), ARTICLES.read_text("utf-8").splitlines()
    assert 20 < len(kept) < 120
    assert kept == [line for line in all_lines if line in set(kept)]
    assert f"{len(kept)} of {len(all_lines)} documents passed." in result.stderr


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
    assert "2 of 4 documents passed." in result.stderr
    assert "precision 0.500, recall 0.500, F1 0.500 (1 right, 1 too many, 1 missed)" in result.stderr
    file.write_text("id,text,wanted\n1,wolf,perhaps\n")
    wrong = run("filter", file, "--where", "predatoriness > 0", "--check", "wanted", "-i", predation)
    assert wrong.exit_code == 2
    assert "'perhaps'" in wrong.stderr


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
        (("--where", "size > 1", "-f", "same", "-a", "size"), "coordinates need another format"),
        (("--where", "size > 1", "--check", "missing"), "--check missing"),
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
