"""Files that users name for an output: whole or not at all, and nothing else than a file is ever replaced."""

import errno
import os
import stat
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from disks import small_disk

import embedsearch as es
from embedsearch.axes import read_ratings, write_to_rate
from embedsearch.filtering import Resumable
from embedsearch.whole import WholeFile, commit_all, place_of, write_whole


def resumable(path, content):
    """Write as a long run does."""
    with Resumable(path) as output:
        output.stream.write(content)
        output.commit()


WRITERS = pytest.mark.parametrize("write", [write_whole, resumable])


def written(read):
    """Return a thread that appends what a pipe gives to the list of its results."""
    found = []
    thread = threading.Thread(target=lambda: found.append(read()))
    thread.start()
    return thread, found


@WRITERS
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o666, 0o000])
def test_a_file_that_is_there_keeps_its_mode(tmp_path, write, mode):
    """Whatever the umask: what was kept from others stays so, at no moment otherwise, and what was shared is."""
    file = tmp_path / "out"
    file.write_bytes(b"old")
    file.chmod(mode)
    write(file, b"new")
    assert (stat.S_IMODE(file.stat().st_mode), file.read_bytes()) == (mode, b"new")
    assert list(tmp_path.iterdir()) == [file]
    with WholeFile(file) as output:
        assert stat.S_IMODE(output.part.stat().st_mode) == mode


@WRITERS
def test_a_new_file_has_the_mode_of_any_other(tmp_path, write):
    """What open() gives is what the output gets."""
    write(tmp_path / "out", b"new")
    (tmp_path / "other").write_bytes(b"")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "other").stat().st_mode


@WRITERS
def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path, write):
    """Through two links, into another folder, and where nothing lies yet; nothing is left beside either."""
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "real").write_bytes(b"old")
    (tmp_path / "second").symlink_to("far/real")
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "dangling").symlink_to("far/later")
    write(tmp_path / "first", b"new")
    write(tmp_path / "dangling", b"new")
    assert {file.name: file.read_bytes() for file in (tmp_path / "far").iterdir()} == {"real": b"new", "later": b"new"}
    assert {file.name: file.is_symlink() for file in tmp_path.iterdir()} == {
        "far": False,
        "first": True,
        "second": True,
        "dangling": True,
    }


@WRITERS
def test_a_pipe_is_written_into(tmp_path, write):
    """Who reads the pipe gets the bytes; it stays a pipe, and nothing is made beside it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    thread, found = written(pipe.read_bytes)
    write(pipe, b"new")
    thread.join()
    assert found == [b"new"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


@WRITERS
def test_a_device_is_written_into(tmp_path, write):
    """A node of our own that swallows all, where one can be made: only root may."""
    device = tmp_path / "null"
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        device.write_bytes(b"")
    except OSError as error:
        pytest.skip(f"no device can be made here: {error}")
    write(device, b"new")
    assert stat.S_ISCHR(device.stat().st_mode)
    assert list(tmp_path.iterdir()) == [device]


def test_no_vectors_are_kept_beside_a_pipe(tmp_path):
    """A run into a pipe cannot go on, and leaves no folder."""
    os.mkfifo(tmp_path / "pipe")
    assert Resumable(tmp_path / "pipe").cache is None
    assert Resumable(tmp_path / "file").cache == tmp_path / ".file.part" / "vectors"


def test_there_is_no_place_in_an_index_nor_in_a_missing_folder(tmp_path, index):
    """Every writer refuses a file of an index, also through a link, and what cannot be a file."""
    savers = (es.plot_axis(index, "size").save, index.map("predatoriness", "size").save)
    before = {file.name: file.read_bytes() for file in (tmp_path / "index").iterdir()}
    (tmp_path / "link").symlink_to(tmp_path / "index" / "index.db")
    (tmp_path / "astray").symlink_to(tmp_path / "no" / "file")
    for path, said in (
        (tmp_path / "index" / "index.db", "lies in the folder of an index"),
        (tmp_path / "index" / "new.csv", "lies in the folder of an index"),
        (tmp_path / "link", "lies in the folder of an index"),
        (tmp_path / "no" / "file", "there is no folder"),
        (tmp_path / "astray", "there is no folder"),
        (tmp_path, "is a folder"),
        ("-", "'-' is not a file to write to; leave it out"),
    ):
        for refuse in (place_of, WholeFile, Resumable, lambda path: write_whole(path, b""),
                       lambda path: write_to_rate(path, ["wolf"])):  # fmt: skip
            with pytest.raises(es.QueryError, match=said):
                refuse(path)
    for save, name in zip(savers, ("a.png", "a.html"), strict=True):
        with pytest.raises(es.QueryError, match="lies in the folder of an index"):
            save(tmp_path / "index" / name)
    assert {file.name: file.read_bytes() for file in (tmp_path / "index").iterdir()} == before


def test_what_is_to_be_rated_is_there_whole_or_not_at_all(tmp_path):
    """No half of it where the disk is full; a file that is there stays, and a pipe takes it."""
    small = tmp_path / "small"
    with small_disk(small, 4):
        with pytest.raises(es.StoreError, match=r"to-rate\.csv cannot be written: No space left on device"):
            write_to_rate(small / "to-rate.csv", [f"phrase number {number}" for number in range(2000)])
        assert not list(small.iterdir())
    file = tmp_path / "to-rate.csv"
    write_to_rate(file, ["wolf", "a, b", "two\rlines"], {"wolf": 0.9})
    assert file.read_bytes() == b'text,rating\nwolf,0.9\n"a, b",\n"two\rlines",\n'
    assert read_ratings(file) == ({"wolf": 0.9}, {})
    with pytest.raises(es.AxisError, match="exists; it may hold ratings"):
        write_to_rate(file, ["sheep"])
    write_to_rate(tmp_path / "to-rate.tsv", ["a, b"], {"a, b": 0.9})
    assert (tmp_path / "to-rate.tsv").read_bytes() == b"text\trating\na, b\t0.9\n"
    assert read_ratings(tmp_path / "to-rate.tsv") == ({"a, b": 0.9}, {})
    with pytest.raises(es.AxisError, match=r"to-rate\.xlsx has the name of a spreadsheet; name a \.csv file"):
        write_to_rate(tmp_path / "to-rate.xlsx", ["wolf"])
    os.mkfifo(tmp_path / "pipe")
    thread, found = written((tmp_path / "pipe").read_bytes)
    write_to_rate(tmp_path / "pipe", ["wolf"])
    thread.join(10)
    assert found == [b"text,rating\nwolf,\n"]


def test_outputs_are_put_in_place_together(tmp_path, monkeypatch):
    """Where there is no room for the second, the first is not there either, and what was there is as it was."""
    (tmp_path / "a").write_bytes(b"old")

    def fill(descriptor):
        if descriptor == outputs[1].stream.fileno():
            raise OSError(errno.ENOSPC, "No space left on device")

    with ExitStack() as stack:
        outputs = [stack.enter_context(WholeFile(tmp_path / name)) for name in "ab"]
        for output in outputs:
            output.stream.write(b"new")
        monkeypatch.setattr("os.fsync", fill)
        with pytest.raises(es.StoreError, match=r"b cannot be written: No space left on device"):
            commit_all(outputs)
        assert (tmp_path / "a").read_bytes() == b"old"
        assert not (tmp_path / "b").exists()
        monkeypatch.undo()
        commit_all(outputs)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"a": b"new", "b": b"new"}


def test_what_is_not_committed_leaves_nothing(tmp_path):
    """An output that is given up is gone, and one of a long name is written all the same."""
    for name in ("out", "ö" * 120, "n" * 255):
        with pytest.raises(ZeroDivisionError), WholeFile(tmp_path / name) as output:
            output.stream.write(b"half" * (1 // 0))
        assert list(tmp_path.iterdir()) == []
        write_whole(tmp_path / name, b"all")
        assert (tmp_path / name).read_bytes() == b"all"
        Path(tmp_path / name).unlink()
