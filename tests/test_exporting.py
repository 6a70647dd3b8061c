"""Exports: all that an index holds, for other programs, with coordinates and vectors as they are elsewhere."""

import csv
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from conftest import run
from hypothesis import example, given
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.exporting import Export
from embedsearch.testing import HashEncoder

LONG = "A wolf waits in the grass. The sheep have not seen it. A dog barks behind the wall."
FIELDS = {
    "wolf": {"year": 2001, "kind": "animal", "tags": ["pack", "grey"]},
    "loan": {"year": 2003.5, "kind": "person", "rate": 340},
    "tale": {"year": None, "seen": True, "odd": {"deep": [1]}},
}


@pytest.fixture
def small(tmp_path):
    """Return an index of three documents, one of which has several passages."""
    texts = {"wolf": "wolf", "loan": "loan shark", "tale": LONG}
    with es.Index.create(tmp_path / "small", HashEncoder(8), chunk_words=6, overlap=0) as made:
        made.add(
            es.Document(id, text, title=id.title(), metadata=FIELDS[id], source=f"{id}.txt")
            for id, text in texts.items()
        )
        yield made


def test_documents_come_whole_and_in_order(small):
    """A record has all that the document says of itself, and nothing else."""
    records = list(Export(small).records())
    assert [record["id"] for record in records] == ["wolf", "loan", "tale"]
    assert records[2] == {"id": "tale", "title": "Tale", "text": LONG, "source": "tale.txt", "metadata": FIELDS["tale"]}


def test_passages_say_where_they_stand(small):
    """Each is the part of its document from start to end; ids are those of hits."""
    records = [one for one in Export(small, "passage").records() if one["document"] == "tale"]
    assert [one["id"] for one in records] == ["tale", "tale#1", "tale#2"]
    assert "".join(LONG[one["start"] : one["end"]] for one in records) == LONG.replace(". ", ".")
    assert all(one["text"] == LONG[one["start"] : one["end"]] for one in records)


def test_vectors_are_those_of_the_index(small):
    """Of a passage its own, of a document the unit mean, to nine digits behind the point."""
    passages = list(Export(small, "passage", vectors=True).records())
    vectors = small.passage_vectors(small.rows())
    np.testing.assert_allclose([one["vector"] for one in passages], vectors, atol=1e-9)
    documents = list(Export(small, vectors=True).records())
    np.testing.assert_allclose([one["vector"] for one in documents], small.document_vectors(small.ids()), atol=1e-9)
    assert np.linalg.norm([one["vector"] for one in documents], axis=1) == pytest.approx(1, abs=1e-6)


def test_coordinates_are_those_of_place_and_filter(index):
    """Of passages as `place_all` gives them, of documents as a filter does; with the versions of the axes."""
    passages = list(Export(index, "passage", ("size", "predatoriness")).records())
    placed = {one.id: dict(one.coordinates) for one in index.place_all(["size", "predatoriness"])}
    assert {one["id"]: one["coordinates"] for one in passages} == {id: pytest.approx(at) for id, at in placed.items()}
    documents = list(Export(index, "document", ("size",)).records())
    judged = {one.document.id: dict(one.coordinates) for one in index.judge(None, axes=["size"])}
    assert {one["id"]: one["coordinates"] for one in documents} == judged
    assert {tuple(one["versions"].items()) for one in documents} == {(("size", 1),)}


@pytest.mark.parametrize("by", ["document", "passage"])
@pytest.mark.parametrize("where", ['kind == "person"', "size > 0", 'kind == "plant" or size < -1 or year != year'])
def test_only_what_satisfies_a_condition_is_exported(by, where, index):
    """Of documents as in `filter`, of passages as in `search`; each with its own coordinates."""
    found = {one["id"]: one["coordinates"] for one in Export(index, by, ("size",), where=where).records()}
    placed = {one.id: dict(one.coordinates) for one in index.place_all(["size"])}
    wanted = [document.id for document in index.filter(where)]
    assert list(found) == wanted
    assert found == {id: pytest.approx(placed[id]) for id in wanted}
    assert 0 < len(found) < len(index.ids())


def test_a_unit_that_there_is_not_is_refused(small):
    """The message says what there is."""
    with pytest.raises(es.QueryError, match="no unit of records 'sentence'"):
        next(Export(small, "sentence").records())


# -- the command -----------------------------------------------------------------------------------------


def test_the_command_writes_json_lines(small):
    """They are what `Export` gives; a line on stderr tells how many."""
    result = run("export", "--by", "passage", "--vectors", "-i", small.path)
    assert [json.loads(line) for line in result.stdout.splitlines()] == list(
        Export(small, "passage", vectors=True).records()
    )
    assert result.stderr == f"{small.path}: 5 passages written.\n"


def test_csv_has_a_column_for_each_field(small, tmp_path):
    """What has parts is JSON; the file says the same as stdout."""
    file = tmp_path / "out.csv"
    result = run("export", "-o", file, "-i", small.path)
    assert (result.stdout, result.stderr) == ("", f"{small.path}: 3 documents written to {file}.\n")
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8"))))
    assert rows[0]["metadata.tags"] == '["pack", "grey"]'
    assert [row["metadata.year"] for row in rows] == ["2001", "2003.5", ""]
    assert list(rows[0])[:4] == ["id", "title", "text", "source"]
    assert run("export", "-f", "csv", "-i", small.path).stdout == file.read_text("utf-8")


def test_parquet_has_types(small, tmp_path):
    """Numbers are numbers, vectors lists of float32, exactly those of the index; what is mixed is text."""
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "out.parquet"
    assert run("export", "--by", "passage", "--vectors", "-o", file, "-i", small.path).exit_code == 0
    table = parquet.read_table(file)
    types = {name: str(table.schema.field(name).type) for name in table.column_names}
    assert types["start"] == "int64"
    assert types["metadata.year"] == "double"
    assert types["metadata.seen"] == "bool"
    assert types["metadata.odd"] == "string"
    assert types["vector"].startswith("list<element: float>")
    vectors = np.array(table.column("vector").to_pylist(), dtype=np.float32)
    np.testing.assert_array_equal(vectors, small.passage_vectors(small.rows()))
    assert table.column("metadata.odd").to_pylist()[-1] == '{"deep": [1]}'


def test_ids_go_to_other_commands(small):
    """One a line."""
    assert run("export", "-f", "ids", "--where", "year > 2000", "-i", small.path).stdout == "wolf\nloan\n"


def test_nothing_found_leaves_with_1(small):
    """CSV has its header all the same."""
    result = run("export", "-f", "csv", "--where", "year > 3000", "-i", small.path)
    assert (result.exit_code, result.stdout) == (1, "id,title,text,source\n")
    assert "Nothing found: no document satisfies the condition" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "out.txt"], "the name of out.txt does not tell its format; end it in one of .jsonl,"),
        (["-o", "out.csv", "-f", "json"], "-f json does not go with out.csv"),
        (["-f", "ids", "--vectors"], "-f ids gives ids alone"),
        (["-o", "nowhere/out.csv"], "there is no folder 'nowhere'"),
        (["-a", "size"], "there is no axis 'size'"),
        (["--where", "size > 0"], "size"),
    ],
)
def test_what_cannot_be_exported_is_told_in_one_line(words, message, small, tmp_path, monkeypatch):
    """Exit code 2, and no file."""
    monkeypatch.chdir(tmp_path)
    result = run("export", *words, "-i", small.path)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small"]


def test_a_file_in_the_index_is_refused(small):
    """An index holds nothing else."""
    before = sorted(path.name for path in small.path.iterdir())
    assert "lies in the folder of an index" in run("export", "-o", small.path / "out.csv", "-i", small.path).stderr
    assert sorted(path.name for path in small.path.iterdir()) == before


# -- taken in again -----------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(TEXT, VALUES, max_size=4), min_size=1, max_size=4))
@example([{"id": 1, "title": "t", "text": "", "metadata.id": 2, "source": "mine"}])
@example([{"metadata": {"year": 1}}, {"metadata": ""}, {}])
def test_json_lines_of_an_export_are_the_same_documents(fields):
    """Ids, titles, texts and every value come back; a name that a document has already stands behind ``metadata.``."""
    documents = [
        es.Document(f"d {place}", f"text {place}\n", title="A title" * place, metadata=own, source=f"old.csv:{place}")
        for place, own in enumerate(fields)
    ]
    with tempfile.TemporaryDirectory() as folder:
        with es.Index.create(Path(folder) / "index", HashEncoder(8)) as index:
            index.add(documents)
            lines = "".join(f"{json.dumps(record)}\n" for record in Export(index).records())
        file = Path(folder) / "export.jsonl"
        file.write_text(lines, "utf-8")
        found = list(es.read(file))
    assert [(one.id, one.title, one.text) for one in found] == [(one.id, one.title, one.text) for one in documents]
    for one, before in zip(found, documents, strict=True):
        wanted = {"source": before.source} | {
            kept_as(name, before.metadata): before.metadata[name] for name in before.metadata
        }
        assert dict(one.metadata) == wanted


def kept_as(name, fields):
    """Return what a field is called once it is taken in again."""
    kept = name if name not in ("id", "title", "text") else f"metadata.{name}"
    return kept if kept == name or kept not in fields else f"metadata.{kept}"


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "jsonl"])
def test_an_export_is_ingested_with_its_fields(small, tmp_path, suffix):
    """Conditions ask for the fields of an index that was taken elsewhere by the names that they have always had."""
    small.close()
    file, other = tmp_path / f"out.{suffix}", tmp_path / "other"
    assert run("export", "-i", small.path, "-o", file).exit_code == 0
    with es.Index.create(other, HashEncoder(8)) as index:
        index.add(es.read(file))
        assert index.info()["fields"] == ["kind", "odd", "rate", "seen", "source", "tags", "year"]
        assert [one.id for one in index.filter('year > 2000 and kind == "animal" and "pack" in tags')] == ["wolf"]
        assert [one.id for one in index.filter("rate == 340")] == ["loan"]
        assert [index.get(id).metadata["source"] for id in index.ids()] == ["wolf.txt", "loan.txt", "tale.txt"]
    assert run("filter", file, "-i", small.path, "--where", "year > 2002", "-f", "ids").stdout == "loan\n"


def test_passages_of_an_export_are_ingested_with_the_fields_of_their_documents(small, tmp_path):
    """Each becomes a document."""
    file = tmp_path / "out.jsonl"
    file.write_text("".join(f"{json.dumps(one)}\n" for one in Export(small, "passage").records()), "utf-8")
    (one, *_) = (one for one in es.read(file) if one.id == "tale#1")
    assert one.metadata == FIELDS["tale"] | {"document": "tale", "start": 27, "end": 54, "source": "tale.txt"}


def test_what_is_no_record_of_ours_stays_as_it_is(tmp_path):
    """An object called metadata is one field where a record is not what embedsearch writes."""
    file = tmp_path / "theirs.jsonl"
    file.write_text('{"id": "a", "text": "t", "metadata": {"year": 1}}\n', "utf-8")
    (one,) = es.read(file)
    assert one.metadata == {"metadata": {"year": 1}}
