"""Files that are compressed as a whole: read as what is in them, and written where an output is called so."""

import bz2
import gzip
import io
import lzma
import random
import tracemalloc
from contextlib import ExitStack

import docx
import pyarrow as pa
import pytest
from conftest import run
from disks import small_disk
from pyarrow import parquet

import embedsearch as es
from embedsearch.axes import read_ratings, write_to_rate
from embedsearch.documents import estimate
from embedsearch.filtering import Profile
from embedsearch.index.label_files import read_labels
from embedsearch.whole import WholeFile, commit_all, write_whole

COMPRESS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
UNPACK = {"gz": gzip.decompress, "bz2": bz2.decompress, "xz": lzma.decompress}
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
    """To stdout they are not compressed again; with records from elsewhere they stand in one file."""
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(LINES))
    first, _, record, *_ = LINES.splitlines(keepends=True)
    (tmp_path / "b.jsonl").write_bytes(first)
    result = run("filter", tmp_path / "a.jsonl.gz", "--where", "id == '2'")
    assert result.stdout.encode() == record
    result = run("filter", tmp_path / "b.jsonl", tmp_path / "a.jsonl.gz", "--where", "id in ['0', '2']")
    assert result.stdout.encode() == first + first + record


# -- written ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", COMPRESS)
def test_an_output_is_compressed_as_it_is_called(tmp_path, suffix):
    """Several at once and in pieces, the same content as the same bytes, and nothing else beside them."""
    files = [tmp_path / f"{name}.{suffix.upper()}" for name in "ab"]
    with ExitStack() as stack:
        outputs = [stack.enter_context(WholeFile(file)) for file in files]
        for output in outputs:
            output.stream.write(LINES[:1000])
            output.stream.flush()
            output.stream.write(LINES[1000:])
        commit_all(outputs)
    assert UNPACK[suffix](files[0].read_bytes()) == LINES
    assert files[0].read_bytes() == files[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == files


def test_what_is_not_committed_leaves_nothing(tmp_path):
    """Neither what was given up nor what found no room for its last bytes."""
    with pytest.raises(ZeroDivisionError), WholeFile(tmp_path / "a.gz") as output:
        output.stream.write(b"half" * (1 // 0))
    small = tmp_path / "small"
    with small_disk(small, 4):
        for suffix in COMPRESS:
            (small / f"a.{suffix}").write_bytes(b"old")
            with pytest.raises(es.StoreError, match=rf"a\.{suffix} cannot be written: No space left on device"):
                write_whole(small / f"a.{suffix}", random.Random(0).randbytes(50_000))
            assert [file.read_bytes() for file in small.iterdir()] == [b"old"]
            (small / f"a.{suffix}").unlink()
    assert list(tmp_path.iterdir()) == [small]


@pytest.mark.parametrize("suffix", COMPRESS)
def test_filter_and_export_compress_and_read_again(tmp_path, predation, suffix):
    """As they stood, as rows and as lines; what comes out goes in again."""
    source, out, again, rows = (tmp_path / f"{name}.{suffix}" for name in ("a.jsonl", "o.jsonl", "p.jsonl", "r.csv"))
    source.write_bytes(COMPRESS[suffix](LINES))
    assert run("filter", source, "--where", "id > '7'", "-o", out).exit_code == 0
    assert run("filter", out, "--where", "id == '77'", "-o", again).exit_code == 0
    assert UNPACK[suffix](again.read_bytes()) == LINES.splitlines(keepends=True)[77]
    assert run("export", "--where", "id == 'p-wolf'", "-o", rows, "-i", predation).exit_code == 0
    assert [document.text for document in es.read(rows)] == ["wolf"]
    for words in (["filter", source, "--where", "id == '1'"], ["export", "-i", predation]):
        refused = run(*words, "-o", tmp_path / f"o.parquet.{suffix}")
        assert (refused.exit_code, len(refused.stderr.splitlines())) == (2, 1)
        assert "Parquet is compressed inside; name the file o.parquet" in refused.stderr
    assert sorted(tmp_path.iterdir()) == sorted([source, out, again, rows])


@pytest.mark.parametrize("suffix", COMPRESS)
def test_labels_ratings_and_profiles_are_read_too(tmp_path, suffix):
    """What is no corpus is unpacked as well; a damaged file of labels is named."""
    file = tmp_path / f"labels.csv.{suffix}"
    file.write_bytes(COMPRESS[suffix](b"id,label\nwolf,relevant\nlamb,not relevant\n"))
    assert {key: entry.value for key, entry in read_labels(file).entries.items()} == {"wolf": 1.0, "lamb": 0.0}
    file.write_bytes(file.read_bytes()[:-12])
    with pytest.raises(es.SourceError, match=rf"labels\.csv\.{suffix}: damaged, or cut off"):
        read_labels(file)
    to_rate = tmp_path / f"to-rate.csv.{suffix}"
    write_to_rate(to_rate, ["wolf", "lamb"], {"wolf": 0.9})
    assert read_ratings(to_rate) == ({"wolf": 0.9}, {})
    profile = tmp_path / f"p.json.{suffix}"
    (tmp_path / "a.jsonl").write_bytes(LINES[: 10 * 32])
    words = ("--where", 'near("record 3") > -1')
    assert run("filter", tmp_path / "a.jsonl", *words, "--save-profile", profile).exit_code == 0
    assert Profile.load(profile).condition == words[1]
