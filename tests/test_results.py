"""Answers as sequences, and as they leave for pandas, polars, Arrow and Parquet."""

from collections.abc import Hashable

import pytest
from pyarrow import parquet

import embedsearch as es
from embedsearch.testing import HashEncoder


def test_results_leave_for_other_tools(index):
    """Hits and placements become dicts, pandas, polars and Arrow tables, and an escaped table in a notebook."""
    hits = index.search("sheep", k=2)
    assert list(hits.to_dicts()[0]) == [
        "rank", "score", "id", "document", "text", "title", "start", "end", "source", "metadata",
    ]  # fmt: skip
    assert hits.to_pandas()["text"].tolist() == ["sheep", "grass"]
    assert hits.to_polars()["rank"].to_list() == [1, 2]
    assert hits.to_arrow().num_rows == 2
    assert type(hits[:1]) is es.Hits
    placed = index.place(["wolf"])
    assert placed.to_pandas().columns.tolist() == ["text", "predatoriness", "size", "versions"]
    index.add([es.Document("<img src=x onerror=alert(1)>", "wolf")])
    shown = index.search("wolf", k=3)._repr_html_()
    assert "<img" not in shown
    assert "&lt;img src=x" in shown


def test_tables_have_the_same_columns_and_types_whatever_was_found(index):
    """Nothing is dropped, changed or refused: not what the first record lacks, not mixed fields, not no hits at all."""
    mixed = [{"year": "1999"}, {"year": 2001, "tags": ["x"], "big": 2**53 + 1}, {"tags": "y", "big": 1, "half": 0.5}]
    index.add(es.Document(f"m{place}", "sheep", metadata=one) for place, one in enumerate(mixed))
    hits = index.search("sheep", k=4, mode="lexical")
    found = {hit.document: hit for hit in hits}
    for frame in (hits.to_arrow().to_pylist(), hits.to_polars().to_dicts()):
        rows = {row["document"]: row["metadata"] for row in frame}
        assert [rows[f"m{place}"]["year"] for place in range(3)] == ["1999", "2001", None]
        assert [rows[f"m{place}"]["tags"] for place in range(3)] == [None, '["x"]', "y"]
        assert [rows[f"m{place}"]["big"] for place in range(3)] == [None, 2**53 + 1, 1]
        assert rows["m2"]["half"] == 0.5
    pandas = hits.to_pandas()
    assert {row.document: row.metadata for row in pandas.itertuples()} == {
        id: hit.metadata for id, hit in found.items()
    }
    assert pandas["score"].dtype == hits.to_arrow().to_pandas()["score"].dtype == "float64"
    none = index.search("zebra", mode="lexical")
    fixed = list(index.search("sheep", k=1, mode="lexical").to_dicts()[0])
    for empty, columns in (
        (none.to_pandas(), "columns"),
        (none.to_polars(), "columns"),
        (none.to_arrow(), "column_names"),
    ):
        assert list(getattr(empty, columns)) == fixed
    assert fixed[-1] == "bm25"
    assert none.to_arrow().schema.field("rank").type == hits.to_arrow().schema.field("rank").type
    index.axes.save(
        es.Axis("bulk", ["mouse"], ["whale"], ratings={"mouse": 1, "sheep": 2, "wolf": 3, "shark": 4, "whale": 5})
    )
    placed = index.place(["grass", "wolf"], ["bulk"], unit="rating")
    assert [bool(one.rated) for one in placed] == [False, True]
    columns = ["text", "id", "bulk", "rated", "intervals", "versions"]
    assert set(placed.to_arrow().column_names) == set(placed.to_polars().columns) == set(placed.to_pandas().columns)
    assert [name for name in columns if name in placed.to_arrow().column_names] == placed.to_arrow().column_names
    assert placed.to_arrow()["rated"].to_pylist() == [None, ["bulk"]]
    assert placed.to_polars()["intervals"].to_list()[0]["bulk"] == list(placed[0].intervals["bulk"])


@pytest.mark.parametrize(
    "ask",
    [
        lambda index, where: index.search("sheep", where=where, mode="hybrid"),
        lambda index, where: index.search("sheep", where=where, mode="lexical"),
        lambda index, where: index.locate({"size": 1, "predatoriness": 0}, where=where),
        lambda index, where: index.calc("sheep + wolf", where=where).hits,
        lambda index, where: index.calc("sheep + wolf", on=["size"], where=where).hits,
        lambda index, where: index.place_all(["size", "predatoriness"], where=where),
        lambda index, where: index.place_all(where=where)[:0],
        lambda index, where: index.place([] if "robot" in where else ["wolf"], ["size"]),
    ],
    ids=["search", "lexical", "locate", "calc", "calc on", "place all", "slice", "place"],
)
def test_an_empty_answer_has_the_columns_that_were_asked_for(index, ask):
    """Scores, distances, axes and terms have their columns, in their order and types, also where nothing was found."""
    found, none = ask(index, 'kind == "animal"'), ask(index, 'kind == "robot"')
    assert len(none) == 0
    for empty, full in ((none.to_pandas(), found.to_pandas()), (none.to_polars(), found.to_polars())):
        assert list(empty.columns) == list(full.columns)
    for name in set(none.to_polars().columns) - {"metadata"}:  # whose fields are those of what was found
        assert none.to_polars().schema[name] == found.to_polars().schema[name]
        assert none.to_arrow().schema.field(name) == found.to_arrow().schema.field(name)
    assert none.to_pandas().dtypes.to_dict() == found.to_pandas().dtypes.to_dict()


def test_answers_without_fields_can_be_kept_as_parquet(tmp_path):
    """Parquet has no struct without fields: metadata is null there, and whatever is read back is what was found."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add([es.Document("a", "wolf"), es.Document("b", "sheep")])
        hits = index.search("wolf", k=2)
    for place, answer in enumerate((hits, hits[:0])):
        parquet.write_table(answer.to_arrow(), tmp_path / f"arrow{place}.parquet")
        answer.to_polars().write_parquet(tmp_path / f"polars{place}.parquet")
        for kind in ("arrow", "polars"):
            back = parquet.read_table(tmp_path / f"{kind}{place}.parquet").to_pylist()
            assert back == [{**hit.to_dict(), "metadata": None} for hit in answer]


def test_results_are_equal_to_their_kind_and_have_no_hash(index):
    """Hits are no Placements, be they empty; what holds mappings says that it cannot be hashed."""
    hits, placements = index.search("sheep", k=2), index.place(["sheep"])
    assert hits == index.search("sheep", k=2) != placements
    assert hits[:0] != placements[:0]
    assert hits[:0] == es.Hits()
    for record in (hits, placements, hits[0], placements[0]):
        assert not isinstance(record, Hashable)
        with pytest.raises(TypeError, match=f"unhashable type: '{type(record).__name__}'"):
            hash(record)
