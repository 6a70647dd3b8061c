"""From sources to Documents: files by suffix, folders of them, and streams."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from embedsearch.compressed import is_compressed, unpacked
from embedsearch.documents import estimating, foreign, formats
from embedsearch.documents.document import Document
from embedsearch.documents.formats import format_of, known_format
from embedsearch.documents.sources import OnError, ReadOptions, Source, check_encoding, name_of, rejoin
from embedsearch.errors import SourceError, did_you_mean
from embedsearch.given import require_callables, require_text
from embedsearch.wording import shown

# Files about a corpus rather than of it; a file that is named directly is read whatever its name.
_HIDDEN = (".", "~$")  # what begins with the second lies beside a file that is open in Word or Excel
_NAMED_AT_MOST = 3  # files of a suffix that is not read
_ABOUT = ("readme", "license", "changelog")


class Reading(Iterator[Document]):
    """Documents, one by one as they are read.

    Attributes:
        unread: the names of the files and folders in which something could not be read and was skipped so far.
    """

    def __init__(self, documents: Iterator[Document], options: ReadOptions) -> None:
        """Yield *documents*, which are read with *options*."""
        self.unread = options.unread.keys()
        self._documents = documents

    def __next__(self) -> Document:
        return next(self._documents)


@dataclass(frozen=True, slots=True)
class Planned:
    """A source that will be read.

    Attributes:
        name: the name that messages give it.
        key: what ids are made from.
        format: the format that it is read as; empty for the standard input, if its first byte decides.
        path: its path; None for the standard input.
    """

    name: str
    key: str
    format: str
    path: Path | None

    @property
    def has_records(self) -> bool:
        """Whether its documents come with the text that they were read from."""
        return self.format not in formats.WITHOUT_RECORDS

    @property
    def is_compressed(self) -> bool:
        """Whether it is a file that is unpacked as it is read."""
        return self.path is not None and is_compressed(self.path.name)

    @property
    def is_file(self) -> bool:
        """Whether it can be read more than once; a pipe cannot."""
        return self.path is not None and self.path.is_file()


def read(
    *sources: str | os.PathLike[str],
    text: str | Sequence[str] | None = None,
    title: str | None = None,
    id: str | None = None,
    format: str | None = None,
    encoding: str | None = None,
    on_error: OnError = "stop",
    report: Callable[[str], None] | None = None,
) -> Reading:
    """Read the documents of files, folders and ``-``, the standard input, in the order given, one by one.

    All sources are looked up at once, so that a mistyped path is found before the first document is read. They are
    opened one after another, as you ask for documents.

    Args:
        sources: paths. A folder is searched for all files with a known suffix, in the order of their paths.
        text: the field that holds the text of a record, or several fields, which are joined by a blank line; if None,
            it is found by its name. So are *title* and *id*. Whole-file formats have no fields.
        title: the field of the title.
        id: the field of the id; without one, ids are ``<file>#<record number>``, or the path for whole files.
        format: the format of all sources, whatever their suffixes: csv, tsv, xlsx, jsonl, parquet, ris, nbib, bib, txt,
            md, html, pdf, docx, odt, epub, eml, mbox, or lines for one document a line.
        encoding: the encoding of sources without a byte order mark; if None, UTF-8.
        on_error: ``stop`` at a broken record or file, or ``skip`` it and report it.
        report: called with one sentence for each file or record that is skipped.

    Raises:
        SourceError: a source is missing, of no known format, or broken; the message names file and line.
    """
    options = _options(text=text, title=title, id=id, encoding=encoding, on_error=on_error, report=report)
    planned = _plan(sources, known_format(format), options)
    _check_fields_wanted(planned, options)
    return Reading(_read_all(planned, options), options)


def read_stream(
    stream: BinaryIO,
    *,
    name: str = "stdin",
    text: str | Sequence[str] | None = None,
    title: str | None = None,
    id: str | None = None,
    format: str | None = None,
    encoding: str | None = None,
    on_error: OnError = "stop",
    report: Callable[[str], None] | None = None,
) -> Reading:
    """Read the documents of a binary stream, one by one; the stream is left open.

    Without *format*, it is read as JSON lines if it begins with ``{``, else as one text document.

    Args:
        stream: need not be seekable.
        name: the name that messages give it; ids begin with it.
        text: as for `read`.
        title: as for `read`.
        id: as for `read`.
        format: as for `read`.
        encoding: as for `read`.
        on_error: as for `read`.
        report: as for `read`.

    Raises:
        SourceError: as for `read`.
    """
    require_text("the name of a stream", name, error=SourceError)
    if isinstance(stream, io.TextIOBase):
        raise SourceError(f"{name}: a stream of text where one of bytes is wanted, such as sys.stdin.buffer")
    if not (hasattr(stream, "read") and hasattr(stream, "readline")):
        raise SourceError(f"{name}: {shown(stream)} is not a stream of bytes such as open(path, 'rb') returns")
    options = _options(text=text, title=title, id=id, encoding=encoding, on_error=on_error, report=report)
    planned = Planned(name, name, known_format(format) or "", None)
    _check_fields_wanted([planned], options)
    return Reading(_read_opened(stream, planned, options.at(name)), options)


def _options(
    *,
    text: str | Sequence[str] | None,
    title: str | None,
    id: str | None,
    encoding: str | None,
    on_error: OnError,
    report: Callable[[str], None] | None,
) -> ReadOptions:
    if not isinstance(on_error, str) or on_error not in ("stop", "skip"):
        raise SourceError(f"on_error is 'stop' or 'skip', not {shown(on_error)}")
    require_callables(report=report)
    check_encoding(encoding)
    for name, given in (("title", title), ("id", id)):
        if given is not None:
            require_text(f"the field of the {name}", given, error=SourceError)
    fields = () if text is None else (text,) if isinstance(text, str) else _fields(text)
    return ReadOptions(fields, title, id, encoding, on_error, report)


def _fields(given: Iterable[str]) -> tuple[str, ...]:
    if not isinstance(given, Iterable):
        given = [given]
    return tuple(require_text("a field of the text", name, error=SourceError) for name in given)


def _plan(sources: Sequence[str | os.PathLike[str]], format: str | None, options: ReadOptions) -> list[Planned]:
    planned: list[Planned] = []
    for source in sources:
        if not isinstance(source, str | bytes | os.PathLike):
            kind = type(source).__name__
            raise SourceError(f"a source is of the type {kind}, wanted a path; give several one by one: read(*paths)")
        name = name_of(source)
        try:
            planned += _plan_one(os.fsdecode(source), format, options.at(name))
        except SourceError as error:
            options.at(name).broken(error)
        except OSError as error:  # a name that is too long, a folder that is closed to us
            options.at(name).broken(_unreadable(name, error))
    return planned


def _plan_one(source: str, format: str | None, options: ReadOptions) -> list[Planned]:
    if source == "-":
        return [Planned("stdin", "stdin", format or "", None)]
    if not source:
        raise SourceError("the name of a source is empty; give a file, a folder or - for the standard input")
    path = Path(source)
    if path.is_dir():
        return _plan_folder(path, format, options)
    if not path.exists():
        raise _missing(path)
    format = format or format_of(path)
    if format not in formats.READERS:
        raise SourceError(f"{source}: no reader for {_suffix_of(path)}{_instead_of(path)}")
    return [Planned(name_of(source), name_of(path.name), format, path)]


def _suffix_of(path: Path) -> str:
    return repr(path.suffix) if path.suffix else "a name without a suffix"


def _instead_of(path: Path) -> str:
    """Return what a file is that no reader is for, and what helps; else the formats that there are."""
    if known := foreign.by_suffix(path.name):
        return f"; {path.name} is {known}"
    known_formats = ", ".join(sorted(formats.READERS))
    return f". Known formats: {known_formats}. If it is one of these, name that with --as (in Python: format)"


def _missing(path: Path) -> SourceError:
    if path.is_symlink():
        return SourceError(f"{path}: a broken link, to {str(path.readlink())!r}")
    try:
        beside = sorted(entry.name for entry in path.parent.iterdir() if not entry.name.startswith("."))
    except OSError:
        return SourceError(f"{path}: there is no such file, nor the folder {str(path.parent)!r}")
    return SourceError(f"{path}: there is no such file or folder.{did_you_mean(path.name, beside)}")


def _plan_folder(folder: Path, format: str | None, options: ReadOptions) -> list[Planned]:
    planned = []
    unread: dict[str, list[Path]] = {}  # by suffix
    for path in sorted(_files_below(folder, options), key=lambda path: path.parts):
        own = format or format_of(path)
        if path.name.lower() == "axes.toml":
            continue
        if path.name.lower().startswith(_ABOUT):
            options.tell(f"skipped {path}: not a text of the corpus, by its name")
        elif own not in formats.READERS:
            unread.setdefault(_suffix_of(path).lower(), []).append(path)
        elif not path.is_file():
            options.tell(f"skipped {path}: neither a file nor a folder")
        else:
            planned.append(Planned(name_of(path), name_of(path.relative_to(folder).as_posix()), own, path))
    for suffix, paths in unread.items():
        _tell_unread(suffix, paths, options)
    if not planned:
        every = (path for paths in unread.values() for path in paths)
        known = next((path for path in every if foreign.by_suffix(path.name)), folder)
        raise SourceError(f"{folder}: no file in this folder can be read{_instead_of(known)}")
    return planned


def _tell_unread(suffix: str, paths: Sequence[Path], options: ReadOptions) -> None:
    """Name the files that have no reader, or count them where they are many: a saved page has hundreds beside it."""
    kind = foreign.by_suffix(paths[0].name)
    helps = f"; it is {kind}" if kind else ""
    if len(paths) > _NAMED_AT_MOST:
        options.tell(f"skipped {len(paths):,} files, the first {paths[0]}: no reader for {suffix}{helps}")
        return
    for place, path in enumerate(paths):
        options.tell(f"skipped {path}: no reader for {suffix}{'' if place else helps}")


def _files_below(folder: Path, options: ReadOptions) -> Iterator[Path]:
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(_HIDDEN)]
    except OSError as error:
        options.at(name_of(folder)).broken(_unreadable(name_of(folder), error))
        return
    for entry in entries:
        if not entry.is_dir():
            yield entry
        elif entry.is_symlink():
            # Following links could go round in circles, or read a file twice.
            options.tell(f"skipped {entry}: a link to a folder; name it as a source of its own")
        else:
            yield from _files_below(entry, options)


def _unreadable(name: str, error: OSError) -> SourceError:
    return SourceError(f"{name}: cannot be read: {error.strerror or error}")


def _check_fields_wanted(planned: Sequence[Planned], options: ReadOptions) -> None:
    """Refuse field options that no source could honour."""
    named = options.text or options.title or options.id
    if named and planned and all(one.format in formats.WITHOUT_FIELDS for one in planned):
        raise SourceError(
            f"{planned[0].name}: {planned[0].format} has no fields, so --text, --title and --id have no meaning. "
            "Leave them out, or name the format with --as (in Python: format)"
        )


def _read_all(planned: Sequence[Planned], options: ReadOptions) -> Iterator[Document]:
    for one in planned:
        options = options.at(one.name)
        try:
            stream = one.path.open("rb") if one.path else _stdin()
        except OSError as error:
            options.broken(_unreadable(one.name, error))
            continue
        with stream as opened:
            before = os.fstat(opened.fileno()) if one.is_file else None
            yield from _read_opened(opened, one, options)
            if before and not opened.closed:
                _compare(opened, before, one.name, options)


def _compare(stream: BinaryIO, before: os.stat_result, name: str, options: ReadOptions) -> None:
    """Report a file that was written to while it was read; one that became shorter before its end is broken."""
    after = os.fstat(stream.fileno())
    if max(after.st_size, stream.tell()) < before.st_size:
        what = f"became shorter while it was read, from {before.st_size:,} to {after.st_size:,} bytes"
        options.broken(SourceError(f"{name}: {what}; read it again once it is whole"))
    elif after.st_mtime_ns != before.st_mtime_ns:
        options.tell(f"{name}: was written to while it was read; read it again to have it as it is now")


def _stdin() -> AbstractContextManager[BinaryIO]:
    if sys.stdin is None:
        raise OSError("this program was started without a standard input")
    try:
        # With a buffer of its own: a thread may wait in it as the program ends, and Python could not close sys.stdin's.
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except io.UnsupportedOperation:  # it is no file
        return nullcontext(sys.stdin.buffer)


def _read_opened(stream: BinaryIO, one: Planned, options: ReadOptions) -> Iterator[Document]:
    try:
        if not one.format:
            format, stream = _sniff(stream)
            one = replace(one, format=format)
            _check_fields_wanted([one], options)
        source = Source(one.name, one.key, stream, one.path)
        if one.is_compressed:
            source = Source(one.name, one.key, unpacked(stream, one.name))
        yield from formats.READERS[one.format](source, options)
    except SourceError as error:
        options.broken(error)
    except OSError as error:
        options.broken(_unreadable(one.name, error))


def _sniff(stream: BinaryIO) -> tuple[str, BinaryIO]:
    """Return ``jsonl`` if the first byte of the stream that is not blank is ``{``, else ``txt``."""
    head = b""
    while True:
        line = stream.readline(1024)
        head += line
        # UTF-16 and byte order marks are looked through.
        seen = head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")
        if seen or not line:
            return ("jsonl" if seen[:1] == b"{" else "txt"), rejoin(head, stream)


def plan(*sources: str | os.PathLike[str], format: str | None = None) -> list[Planned]:
    """Return what `read` would open for *sources*, in its order; what cannot be read is left out."""
    return _plan(sources, known_format(format), ReadOptions(on_error="skip"))


def estimate(*sources: str | os.PathLike[str], format: str | None = None) -> int | None:
    """Return about how many documents *sources* hold, for a progress bar.

    Line-based files count their line ends (large files by a sample of them), Parquet files their rows, other files 1.

    Returns:
        The estimate; None if the standard input is among the sources, or one of them cannot be read.
    """
    try:
        planned = _plan(sources, known_format(format), ReadOptions())
        return sum(estimating.documents_in(None if one.is_compressed else one.path, one.format) for one in planned)
    except (SourceError, OSError):
        return None
