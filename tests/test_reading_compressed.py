"""Files that are compressed as a whole are read as what is in them."""

import bz2
import gzip
import io
import lzma
import tracemalloc

import docx
import pyarrow as pa
import pytest
from conftest import run
from pyarrow import parquet

import embedsearch as es
from embedsearch.documents import estimate

COMPRESS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
LINES = b"".join(b'{"id": "%d", "text": "record %d"}\n' % (number, number) for number in range(20_000))


def a_docx() -> bytes:
    """Return a file of Word."""
    document, stream = docx.Document(), io.BytesIO()
    document.add_paragraph("wolf")
    document.save(stream)
    return stream.getvalue()


def a_parquet() -> bytes:
    """Return a file of Parquet."""
    stream = io.BytesIO()
    parquet.write_table(pa.table({"text": ["wolf", "lamb"]}), stream)
    return stream.getvalue()


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("a.csv", b"text\nwolf\nlamb\n", ["wolf", "lamb"]),
        ("a.txt", "Bär".encode("utf-16"), ["Bär"]),
        ("a.docx", a_docx(), ["wolf"]),
        ("a.parquet", a_parquet(), ["wolf", "lamb"]),
        ("mbox", b"From ada Mon May 14 16:39:00 2001\nFrom: ada@x.org\n\nwolf\n", ["wolf"]),
    ],
)
def test_what_is_in_it_is_read(tmp_path, suffix, name, content, texts):
    """By the suffix within, of a file and in a folder, also where that is read out of order; ids are the file's."""
    file = tmp_path / f"{name}.{suffix.upper()}"
    file.write_bytes(COMPRESS[suffix](content))
    found = list(es.read(file))
    assert [document.text.strip() for document in found] == texts
    assert [document.text for document in es.read(tmp_path)] == [document.text for document in found]
    assert all(document.id.startswith(file.name) for document in found)
    assert estimate(file) is None


def test_a_file_without_a_suffix_within_is_named(tmp_path):
    """``--as`` says what is in it."""
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"wolf\nlamb\n"))
    assert [document.text for document in es.read(tmp_path / "a.gz", format="lines")] == ["wolf", "lamb"]


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize(
    "damage", [lambda packed: packed[:-200], lambda packed: packed[:200] + b"x" * 99 + packed[299:]]
)
def test_a_damaged_one_is_one_line(tmp_path, suffix, damage):
    """Cut off or overwritten: it is named, and nothing of it stands for the whole."""
    file = tmp_path / f"a.jsonl.{suffix}"
    file.write_bytes(damage(COMPRESS[suffix](LINES)))
    with pytest.raises(
        es.SourceError, match=rf"a\.jsonl\.{suffix}: damaged, or cut off, where it is unpacked: \w"
    ) as caught:
        list(es.read(file))
    assert "\n" not in str(caught.value)
    reading = es.read(file, on_error="skip")
    assert len(list(reading)) < 20_000
    assert len(reading.unread) == 1


def test_it_is_unpacked_as_it_is_read(tmp_path):
    """However large what is in it is, little of it is in memory."""
    (tmp_path / "a.lines.gz").write_bytes(gzip.compress(b"wolf\n" * 4_000_000))
    tracemalloc.start()
    documents = es.read(tmp_path / "a.lines.gz")
    assert next(documents).text == "wolf"
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_filter_passes_its_records_as_they_stood(tmp_path):
    """What passes is not compressed again."""
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(LINES))
    result = run("filter", tmp_path / "a.jsonl.gz", "--where", "id == '2'")
    assert result.stdout.encode() == LINES.splitlines(keepends=True)[2]
