"""Parquet: its rows as documents, with values of JSON."""

import datetime
import decimal
import io

import pytest

from embedsearch.documents import Document, read_stream
from embedsearch.errors import SourceError


def read_rows(raw, **options):
    return list(read_stream(io.BytesIO(raw), name="a.parquet", format="parquet", **options))


@pytest.fixture
def write(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    def write(columns, **options):
        parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet", **options)
        return (tmp_path / "a.parquet").read_bytes()

    return write


def test_rows_become_documents_with_json_values(write):
    """Numbers and lists stay; dates become ISO texts, Decimals numbers, NaN null, null texts are passed over."""
    told = []
    raw = write(
        {
            "ID": [31, 32],
            "abstract": ["wolf", None],
            "title": ["T", None],
            "day": [datetime.date(2001, 2, 3)] * 2,
            "at": [datetime.datetime(2001, 2, 3, 4, 5, 6)] * 2,
            "price": [decimal.Decimal("1.50")] * 2,
            "share": [float("nan"), 0.5],
            "tags": [["a", "b"], None],
            "took": [datetime.timedelta(seconds=1.5)] * 2,
        }
    )
    (document,) = read_rows(raw, report=told.append)
    assert document == Document(
        id="31",
        text="wolf",
        title="T",
        source="a.parquet:1",
        metadata={
            "day": "2001-02-03",
            "at": "2001-02-03T04:05:06",
            "price": 1.5,
            "share": None,
            "tags": ["a", "b"],
            "took": 1.5,
        },
    )
    assert told == ["a.parquet: skipped 1 record without text, the first at a.parquet:2"]


def test_decimals_that_are_whole_stay_exact(write):
    """Numbers that no float tells apart are ids of their own; a whole amount is a whole number."""
    import pyarrow

    keys = [2**53, 2**53 + 1, 10**37 + 1, -7]
    numbers = pyarrow.array(map(decimal.Decimal, keys), pyarrow.decimal128(38))
    prices = [decimal.Decimal(price) for price in ("2.00", "2.50", "0.00", "-3.25")]
    documents = read_rows(write({"id": numbers, "n": numbers, "text": ["wolf"] * 4, "price": prices}))
    assert [document.id for document in documents] == [str(key) for key in keys]
    assert [document.metadata["n"] for document in documents] == keys
    assert [repr(document.metadata["price"]) for document in documents] == ["2", "2.5", "0", "-3.25"]


def test_whole_ids_beside_missing_ones(write):
    """pandas makes floats of whole ids where one is missing; they are written as whole numbers."""
    documents = read_rows(write({"id": [31234567.0, None, 0.5], "text": ["a", "b", "c"]}))
    assert [document.id for document in documents] == ["31234567", "a.parquet#2", "0.5"]


def test_nanoseconds_are_cut(write):
    """Python's dates, times and spans know microseconds; what is finer is cut and not refused."""
    import pyarrow

    moments = pyarrow.array([1_000_000_123_456_789], pyarrow.timestamp("ns", "UTC"))
    spans = pyarrow.array([1_500_000_001], pyarrow.duration("ns"))
    times = pyarrow.array([3_600_000_000_001], pyarrow.time64("ns"))
    (document,) = read_rows(write({"text": ["a"], "at": moments, "took": spans, "time": times}))
    assert document.metadata == {
        "at": "1970-01-12T13:46:40.123456+00:00", "took": 1.5, "time": "01:00:00",
    }  # fmt: skip


def test_batches_follow_one_another(write):
    """Rows of many batches and row groups keep their order and numbers; dictionaries are texts."""
    import pyarrow

    texts = [f"wolf {number}" for number in range(5000)]
    raw = write({"text": pyarrow.array(texts).dictionary_encode()}, row_group_size=700)
    documents = read_rows(raw)
    assert [document.text for document in documents] == texts
    assert documents[-1].id == "a.parquet#5000"


def test_bytes_are_refused(write):
    """A column of bytes is named with what to do; bytes within lists as well."""
    with pytest.raises(SourceError, match=r"a\.parquet: the column 'image' holds bytes.*cast it to string"):
        read_rows(write({"text": ["a"], "image": [b"\0"]}))
    with pytest.raises(SourceError, match=r"a\.parquet:1: the field 'images' holds a value of the type bytes"):
        read_rows(write({"text": ["a"], "images": [[b"\0"]]}))


def test_infinite_numbers_are_refused(write):
    """JSON has no infinite numbers; the row is named and can be skipped."""
    raw = write({"text": ["a", "b"], "x": [float("inf"), 1.0]})
    with pytest.raises(SourceError, match=r"a\.parquet:1: the field 'x' holds an infinite number"):
        read_rows(raw)
    told = []
    documents = read_rows(raw, on_error="skip", report=told.append)
    assert [document.text for document in documents] == ["b"]
    assert len(told) == 1


def test_damaged_files_are_errors_of_ours(write):
    """Files that are cut off or no Parquet at all are named; nothing of pyarrow leaks out."""
    raw = write({"text": ["wolf"] * 1000})
    flipped = bytearray(raw)
    flipped[20:60] = b"\xff" * 40
    for broken in (raw[:100], b"text,a\n", b"", bytes(flipped)):
        with pytest.raises(SourceError, match=r"a\.parquet: not a Parquet file that can be read"):
            read_rows(broken)


def test_fields_are_found_as_elsewhere(write):
    """Missing fields are told in the words of the other formats."""
    with pytest.raises(SourceError, match=r"no field 'body' for --text\. Fields seen: 'nr', 'summary'$"):
        read_rows(write({"nr": [1], "summary": ["a"]}), text="body")
    with pytest.raises(SourceError, match=r"no field is named text, .*Fields seen: 'nr', 'summary'"):
        read_rows(write({"nr": [], "summary": []}))


def test_pipes_are_spooled(write):
    """Parquet must be read out of order; what cannot be seeked is copied to a temporary file first."""

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise io.UnsupportedOperation

    raw = write({"text": ["wolf"]})
    assert [document.text for document in read_stream(Pipe(raw), format="parquet")] == ["wolf"]


def test_a_missing_pyarrow_names_the_extra(monkeypatch):
    """Who has not installed pyarrow is told what to type."""
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(SourceError, match=r'pip install "embedsearch\[parquet\]"'):
        read_rows(b"")
