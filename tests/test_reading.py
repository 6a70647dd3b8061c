"""Sources: paths, folders, streams, encodings, options and estimates."""

import codecs
import gzip
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import python

from embedsearch.documents import Document, formats, read, read_stream, register_reader
from embedsearch.documents.reading import estimate
from embedsearch.errors import SourceError


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working folder of a test, so that messages hold short paths."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, content):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def ids(*sources, **options):
    return [document.id for document in read(*sources, **options)]


class TestPaths:
    def test_a_file_is_read_by_its_suffix_whatever_the_case(self, here):
        """`.TXT` is read as `.txt`; a text's id is its name and its source the path given."""
        write("notes/Wolf.TXT", "The wolf hunts.\n")
        (document,) = read("notes/Wolf.TXT")
        assert document == Document(id="Wolf.TXT", text="The wolf hunts.\n", source="notes/Wolf.TXT")

    def test_path_objects_are_sources_too(self, here):
        """A source may be any path-like object."""
        assert [document.text for document in read(write(here / "a.txt", "a"))] == ["a"]

    def test_sources_are_read_in_the_order_given(self, here):
        """The order of the arguments is the order of the documents."""
        for name in "abc":
            write(f"{name}.txt", name)
        assert ids("c.txt", "a.txt", "b.txt") == ["c.txt", "a.txt", "b.txt"]

    def test_a_list_of_paths_is_no_path(self, here):
        """Several are given one by one; the message says how."""
        for strange, kind in (([here / "a.txt"], "list"), (None, "NoneType"), (3, "int")):
            with pytest.raises(SourceError, match=rf"of the type {kind}, wanted a path; .* read\(\*paths\)"):
                read(strange)

    def test_a_missing_file_is_found_at_once_and_names_its_neighbour(self, here):
        """A mistyped path fails in the call, before any document is read, and the nearest name is offered."""
        write("corpus/wolves.jsonl", '{"text": "a"}\n')
        with pytest.raises(SourceError, match=r"corpus/wolfes\.jsonl.*no such file.*Did you mean 'wolves\.jsonl'\?"):
            read("corpus/wolves.jsonl", "corpus/wolfes.jsonl")

    def test_a_missing_folder_is_named(self, here):
        """Where the folder is missing too, the message says so."""
        with pytest.raises(SourceError, match="nor the folder 'nowhere'"):
            read("nowhere/a.txt")

    def test_a_file_of_unknown_kind_lists_the_formats(self, here):
        """A file that is named directly and has no reader is an error that names all formats and the way out."""
        write("a.xyz", "x")
        with pytest.raises(SourceError, match=r"a\.xyz: no reader for '\.xyz'.*csv.*jsonl.*parquet.*--as"):
            read("a.xyz")
        write("plain", "x")
        with pytest.raises(SourceError, match="no reader for a name without a suffix"):
            read("plain")

    @pytest.mark.parametrize(
        ("name", "help"),
        [
            (
                "a.gz",
                r"compressed by gzip\. Call it by what is in it, as papers\.csv\.gz, or .*: zcat FILE \| embedsearch",
            ),
            (
                "a.csv.zst",
                r"compressed by Zstandard\. Unpack it first, or .*: zstdcat FILE \| embedsearch ingest - --as csv",
            ),
            ("a.ZIP", r"an archive\. Unpack it"),
            ("a.xls", r"a spreadsheet\. Save it as \.xlsx or CSV UTF-8"),
            ("a.doc", r"a file of a word processor\. Save it there as \.docx"),
            ("a.msg", r"mail in a form of one program\. Save it as eml or mbox"),
            ("a.mhtml", r"a page and its pictures in one file\. Save the page as HTML"),
            ("a.tiff", r"a picture\. If it shows text: ocrmypdf FILE OUT\.pdf"),
            ("a.pptx", r"slides or a book\. Save it as PDF or HTML"),
            ("a.json", r"jq -c '\.\[\]' FILE .*--as jsonl"),
        ],
    )
    def test_a_file_of_another_program_is_told_what_helps(self, here, name, help):
        """What is packed, or of an office program, is not to be read by --as; in a folder of nothing else likewise."""
        write(f"folder/{name}", "x")
        for source, begin in ((f"folder/{name}", "no reader for"), ("folder", "no file in this folder can be read")):
            with pytest.raises(SourceError, match=rf"{begin}.*; {name} is .*{help}"):
                read(source)

    @pytest.mark.parametrize("form", ["csv", "txt", "html", "jsonl", "ris"])
    def test_what_is_packed_is_known_by_its_bytes(self, here, form):
        """A compressed file under another name, or read by --as, is no matter of its encoding."""
        write("gzipped.csv", gzip.compress(b"text\nwolf\n"))
        write("a.csv", b"PK\x03\x04rest")
        write("a.txt", b"%PDF-1.7\n\xe2\xe3")
        with pytest.raises(SourceError, match=r"gzipped\.csv: by its first bytes not text, but compressed by gzip"):
            list(read("gzipped.csv", format=form))
        with pytest.raises(SourceError, match=r"stdin: .*compressed by gzip.*zcat FILE"):
            list(read_stream(io.BytesIO((here / "gzipped.csv").read_bytes()), format=form))
        with pytest.raises(SourceError, match=r"a\.csv: .*an archive, or a file of Excel or Word"):
            list(read("a.csv", format=form))
        with pytest.raises(SourceError, match=r"a\.txt: .*--as pdf"):
            list(read("a.txt", format=form))

    def test_an_empty_name_is_not_the_working_folder(self, here):
        """An unset shell variable must not read everything that lies about."""
        write("a.txt", "a")
        with pytest.raises(SourceError, match="the name of a source is empty"):
            read("")

    def test_skipping_passes_over_missing_and_unknown_files(self, here):
        """With on_error="skip", what cannot be opened is reported in the same words, and the rest is read."""
        write("a.txt", "a")
        write("b.xyz", "b")
        told = []
        assert ids("gone.txt", "b.xyz", "a.txt", on_error="skip", report=told.append) == ["a.txt"]
        assert [sentence.split(":")[0] for sentence in told] == ["gone.txt", "b.xyz"]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_file_without_permission_is_an_error_of_ours(self, here):
        """Errors of the file system become SourceErrors that name the file."""
        write("a.txt", "a").chmod(0)
        with pytest.raises(SourceError, match=r"a\.txt: cannot be read: Permission denied"):
            list(read("a.txt"))

    def test_a_file_that_vanishes_between_plan_and_reading_is_an_error_of_ours(self, here):
        """What is deleted while others are read is named when its turn comes."""
        documents = read(write("a.txt", "a"), write("b.txt", "b"))
        next(documents)
        Path("b.txt").unlink()
        with pytest.raises(SourceError, match=r"b\.txt: cannot be read: No such file"):
            next(documents)

    def test_format_overrides_the_suffix(self, here):
        """format= is for all sources, and an unknown one is refused with the nearest."""
        write("phrases.dat", "wolf\n\nsheep\n")
        assert [document.text for document in read("phrases.dat", format="lines")] == ["wolf", "sheep"]
        with pytest.raises(SourceError, match=r"unknown format 'jsonls'\. Did you mean 'jsonl'"):
            read("phrases.dat", format="jsonls")

    def test_a_text_in_the_place_of_a_path_is_one_line(self, here):
        """A name that no file can have is refused as any that cannot be read, and the others are read."""
        with pytest.raises(SourceError, match=r"wolf wolf .*: cannot be read: File name too long"):
            read("wolf " * 100)
        write("a.txt", "a")
        assert ids("wolf " * 100, "a.txt", on_error="skip") == ["a.txt"]

    def test_field_options_without_fields_are_refused(self, here):
        """--text has no meaning for plain text, and is not quietly ignored."""
        write("a.txt", "a")
        with pytest.raises(SourceError, match=r"a\.txt: txt has no fields.*name the format with --as"):
            read("a.txt", text="abstract")
        with pytest.raises(SourceError, match="stdin: txt has no fields"):
            list(read_stream(io.BytesIO(b"plain"), id="key"))

    def test_a_wrong_on_error_is_refused(self, here):
        """There are two ways to go on, and no third."""
        with pytest.raises(SourceError, match="'stop' or 'skip', not 'ignore'"):
            read(on_error="ignore")


class TestFolders:
    @pytest.fixture
    def corpus(self, here):
        write("corpus/b/wolf.md", "# Wolf\nhunts")
        write("corpus/b/records.jsonl", '{"text": "one"}\n')
        write("corpus/a.txt", "first")
        write("corpus/b.txt", "second")
        write("corpus/notes.xyz", "?")
        write("corpus/README.md", "about")
        write("corpus/b/licence.txt", "a licence spelt otherwise is a text")
        write("corpus/LICENSE", "about")
        write("corpus/axes.toml", "")
        write("corpus/.hidden.txt", "no")
        write("corpus/~$papers.xlsx", "no")
        write("corpus/.git/config.txt", "no")
        return here / "corpus"

    def test_a_folder_is_read_in_the_order_of_its_paths(self, corpus):
        """Ids of whole files are their paths below the folder, those of records begin with them."""
        assert ids("corpus") == ["a.txt", "b/licence.txt", "b/records.jsonl#1", "b/wolf.md", "b.txt"]
        assert [document.source for document in read("corpus/")][2] == "corpus/b/records.jsonl:1"

    def test_each_skipped_file_is_told_once(self, corpus):
        """Hidden files are passed over in silence, all others are named."""
        told = []
        list(read("corpus", report=told.append))
        assert told == [
            "skipped corpus/LICENSE: not a text of the corpus, by its name",
            "skipped corpus/README.md: not a text of the corpus, by its name",
            "skipped corpus/notes.xyz: no reader for '.xyz'",
        ]

    def test_many_files_of_a_suffix_are_told_on_one_line(self, here):
        """Beside a saved page lie hundreds, in which nobody would find what could not be read."""
        write("saved/page.html", "<p>wolf")
        for number in range(4):
            write(f"saved/page_files/{number}.JS" if number else "saved/page_files/0.js", "x")
        for number in range(2):
            write(f"saved/{number}.rtf", "x")
        told = []
        assert [document.text for document in read("saved", report=told.append)] == ["wolf"]
        assert told == [
            "skipped saved/0.rtf: no reader for '.rtf'; it is a file of a word processor. "
            "Save it there as .docx, text or PDF",
            "skipped saved/1.rtf: no reader for '.rtf'",
            "skipped 4 files, the first saved/page_files/0.js: no reader for '.js'",
        ]

    def test_a_readme_that_is_named_is_read(self, corpus):
        """Only the walk through a folder passes over files by name."""
        assert ids("corpus/README.md") == ["README.md"]

    def test_a_format_makes_all_files_readable(self, corpus):
        """With format=, files of unknown suffixes in a folder are read too."""
        assert "notes.xyz#1" in ids("corpus", format="lines")

    def test_a_folder_without_texts_is_an_error(self, here):
        """Nothing to read is most likely a mistake, and a sync with nothing would empty an index."""
        write("empty/a.xyz", "")
        with pytest.raises(SourceError, match="empty: no file in this folder can be read"):
            read("empty")

    def test_a_link_to_a_folder_is_not_followed(self, corpus):
        """A link that leads back up would never end; it is told."""
        (corpus / "round").symlink_to(corpus)
        told = []
        assert len(ids("corpus", report=told.append)) == 5
        assert "skipped corpus/round: a link to a folder; name it as a source of its own" in told

    def test_a_pipe_in_a_folder_is_not_waited_for(self, corpus):
        """Reading a named pipe would hang; it is told and passed over."""
        os.mkfifo(corpus / "pipe.txt")
        told = []
        list(read("corpus", report=told.append))
        assert "skipped corpus/pipe.txt: neither a file nor a folder" in told

    def test_a_blank_file_is_told(self, here):
        """There is nothing to embed in a blank file."""
        write("a.txt", " \n")
        told = []
        assert ids("a.txt", report=told.append) == []
        assert told == ["skipped a.txt: it holds no text"]

    def test_a_name_that_is_not_utf8_gives_an_id_that_can_be_written(self, here):
        """Linux file names are bytes; ids are text that every encoding of Unicode can hold."""
        path = os.fsencode(here) + b"/w\xf6lf.txt"
        try:
            with open(path, "wb") as stream:
                stream.write(b"a")
        except OSError:
            pytest.skip("file names are Unicode on this system")
        assert ids(here) == [r"w\xf6lf.txt"]


class TestStreams:
    def test_json_lines_are_known_by_their_first_brace(self):
        """Blank lines and a byte order mark before the brace do not matter."""
        for head in (b"", b"\n \r\n", codecs.BOM_UTF8, codecs.BOM_UTF8 + b"\n"):
            documents = list(read_stream(io.BytesIO(head + b'{"text": "wolf"}\n{"text": "sheep"}\n')))
            assert [document.text for document in documents] == ["wolf", "sheep"]
        utf16 = io.BytesIO('{"text": "wölf"}\n'.encode("utf-16"))
        assert [document.text for document in read_stream(utf16)] == ["wölf"]

    def test_anything_else_is_one_text(self):
        """A stream without a brace is one document, whose id is the stream's name."""
        (document,) = read_stream(io.BytesIO(b"The wolf\nhunts {alone}.\n"))
        assert document == Document(id="stdin", text="The wolf\nhunts {alone}.\n", source="stdin")

    def test_an_empty_stream_holds_nothing(self):
        """No bytes, no documents, and no error."""
        assert list(read_stream(io.BytesIO(b""))) == []

    def test_lines_on_request(self):
        """format="lines" makes each line a document."""
        (first, second) = read_stream(io.BytesIO(b"wolf\r\nsheep"), format="lines", name="phrases")
        assert (first.id, first.text, first.record, first.source) == ("phrases#1", "wolf", "wolf\r\n", "phrases:1")
        assert (second.id, second.text, second.record) == ("phrases#2", "sheep", "sheep")

    def test_the_stream_stays_open(self):
        """Whoever opened a stream closes it."""
        for content in (b'{"text": "a"}', codecs.BOM_UTF8 + b"plain"):
            stream = io.BytesIO(content)
            list(read_stream(stream))
            assert not stream.closed

    def test_a_stream_of_text_is_refused(self):
        """sys.stdin instead of sys.stdin.buffer is a likely slip."""
        with pytest.raises(SourceError, match=r"sys\.stdin\.buffer"):
            read_stream(io.StringIO("a"))

    def test_a_dash_is_the_standard_input(self, tmp_path):
        """`-` works on a real pipe, which can be neither seeked nor peeked at."""
        program = "from embedsearch.documents import read\nprint([(d.id, d.text) for d in read('-', 'a.txt')])"
        write(tmp_path / "a.txt", "file")
        root = Path(__file__).parents[1]
        done = subprocess.run(
            [sys.executable, "-c", program],
            input='\n{"text": "wölf", "id": 7}\n'.encode(),
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"},
            check=True,
        )
        assert done.stdout.decode().strip() == "[('7', 'wölf'), ('a.txt', 'file')]"

    def test_a_named_pipe_is_read_like_a_file(self, here):
        """What the shell's <(...) makes is no regular file, and is read all the same."""
        os.mkfifo("pipe")
        writer = subprocess.Popen([sys.executable, "-c", "open('pipe', 'w').write('wolf\\nsheep\\n')"])
        assert ids("pipe", format="lines") == ["pipe#1", "pipe#2"]
        assert writer.wait() == 0


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
    @pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv"])
    def test_byte_order_marks_tell_the_encoding(self, here, encoding, name):
        """UTF-8 with or without a mark, UTF-16 and UTF-32 with one need no option; no mark stays in the text."""
        content = {"a.txt": "Wölfe 🐺", "a.jsonl": '{"text": "Wölfe 🐺"}\n', "a.csv": "text\r\nWölfe 🐺\r\n"}[name]
        write(name, content.encode(encoding))
        (document,) = read(name)
        assert document.text == "Wölfe 🐺"
        assert document.header + document.record == ("" if name == "a.txt" else content)

    @pytest.mark.parametrize("mark", [codecs.BOM_UTF16_BE + b"\0a\0b", codecs.BOM_UTF32_BE + b"\0\0\0a\0\0\0b"])
    def test_big_endian_marks_are_known(self, here, mark):
        """The byte order mark also tells the order of the bytes."""
        write("a.txt", mark)
        assert [document.text for document in read("a.txt")] == ["ab"]

    def test_lines_of_utf16_are_split_between_characters(self, here):
        """U+0A0A and U+010A hold the byte of a line end; many lines cross the blocks that are decoded."""
        lines = [f"{number} \u0a0a\u010a " + "wolf " * (number % 50) for number in range(3000)]
        write("a.txt", "\r\n".join(lines).encode("utf-16"))
        assert [document.text for document in read("a.txt", format="lines")] == lines

    def test_an_encoding_is_taken_where_there_is_no_mark(self, here):
        """encoding= is honoured, and a byte order mark overrules it."""
        write("a.txt", "Wölfe".encode("latin-1"))
        write("b.txt", "Wölfe".encode("utf-8-sig"))
        assert [document.text for document in read("a.txt", "b.txt", encoding="latin-1")] == ["Wölfe", "Wölfe"]
        write("c.csv", "text\nW\u00f6lfe\n".encode("utf-16-le"))
        assert [document.text for document in read("c.csv", encoding="utf-16-le")] == ["Wölfe"]

    @pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.md", "a.html"])
    def test_undecodable_bytes_are_named_by_line(self, here, name):
        """The third line's Latin-1 byte is told with its file, line, value and the way out; never replaced."""
        lines = ['{"text": "a"}', '{"text": "b"}', '{"text": "Wölfe"}'] if name == "a.jsonl" else ["text", "b", "Wölfe"]
        write(name, "\n".join(lines).encode("latin-1"))
        with pytest.raises(SourceError, match=rf"{name}:3: byte 0xf6 is not utf-8 .*--encoding cp1252"):
            list(read(name))

    @pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.md", "a.html"])
    @pytest.mark.parametrize("word", ["Wölfe", "wolf"])
    def test_utf_16_without_its_mark_is_told(self, here, name, word):
        """Not with an encoding in which it would be read as text, with a blank behind each letter."""
        text = f'{{"text": "{word}"}}' if name == "a.jsonl" else f"text\n{word}" if name == "a.csv" else word
        write(name, text.encode("utf-16-le"))
        with pytest.raises(SourceError, match=rf"{name}.*--encoding utf-16-le"):
            list(read(name))
        assert [document.text for document in read(name, encoding="utf-16-le")] == [word]

    def test_what_windows_writes_is_read_as_it_is_told(self, here):
        """The encoding that is named for example has Windows' quotes and its euro sign."""
        write("a.txt", "„Wolf“ – 5 €".encode("cp1252"))
        with pytest.raises(SourceError, match="for example --encoding cp1252"):
            list(read("a.txt"))
        assert [document.text for document in read("a.txt", encoding="cp1252")] == ["„Wolf“ – 5 €"]
        write("a.txt", b"\x81")
        with pytest.raises(SourceError, match="for example --encoding latin-1"):
            list(read("a.txt", encoding="cp1252"))

    def test_undecodable_lines_can_be_skipped(self, here):
        """With on_error="skip" only the lines that cannot be decoded are left out."""
        write("a.jsonl", b'{"text": "a"}\n{"text": "\xf6"}\n{"text": "c"}\n')
        told = []
        documents = list(read("a.jsonl", on_error="skip", report=told.append))
        assert [document.text for document in documents] == ["a", "c"]
        assert len(told) == 1
        assert told[0].startswith("a.jsonl:2: byte 0xf6")

    def test_cut_off_utf16_is_an_error(self, here):
        """Half a character at the end of a file means that the file is damaged."""
        write("a.jsonl", '{"text": "a"}\n'.encode("utf-16") + b"x")
        with pytest.raises(SourceError, match=r"a\.jsonl: reading stopped at line 1: .*damaged"):
            list(read("a.jsonl"))

    @pytest.mark.parametrize("encoding", ["utf-99", "hex", "", "undefined"])
    def test_an_unknown_encoding_is_refused_at_once(self, here, encoding):
        """Names that Python does not know, or that are no text encodings, fail in the call."""
        with pytest.raises(SourceError, match="unknown encoding"):
            read(encoding=encoding)


class TestRegisterReader:
    @pytest.fixture(autouse=True)
    def readers(self, monkeypatch):
        for name in ("READERS", "WITHOUT_FIELDS", "WITHOUT_RECORDS"):
            monkeypatch.setattr(formats, name, getattr(formats, name).copy())

    def test_a_reader_is_called_for_its_suffix(self, here):
        """A plug-in gets the opened source with its name, key, bytes and path, and the options."""

        def read_upper(source, options):
            yield Document(id=source.key, text=source.stream.read().decode().upper(), title=options.title or "")

        register_reader(".Xyz", read_upper)
        write("folder/a.XYZ", "wolf")
        assert [(document.id, document.text) for document in read("folder")] == [("a.XYZ", "WOLF")]
        assert [document.title for document in read("folder/a.XYZ", title="t")] == ["t"]
        assert [document.text for document in read_stream(io.BytesIO(b"sheep"), format="xyz")] == ["SHEEP"]

    def test_errors_of_a_reader_can_be_skipped(self, here):
        """SourceErrors and file errors of a plug-in are treated like those of the readers here."""

        def broken(source, options):
            yield Document(id="1", text="a")
            raise OSError(5, "Input/output error")

        register_reader(".xyz", broken)
        write("a.xyz", "")
        write("b.txt", "b")
        told = []
        assert ids("a.xyz", "b.txt", on_error="skip", report=told.append) == ["1", "b.txt"]
        assert told == ["a.xyz: cannot be read: Input/output error"]

    @pytest.mark.parametrize("suffix", ["xyz", ".", ".tar.gz", "", "./a"])
    def test_a_suffix_is_one_dot_and_a_name(self, suffix):
        """Suffixes that could never match are refused."""
        with pytest.raises(SourceError, match="one dot and a name"):
            register_reader(suffix, lambda source, options: iter(()))

    def test_a_reader_is_a_function(self):
        """What cannot be called is refused when it is registered, and not at the first file."""
        with pytest.raises(SourceError, match=r"the reader of \.pipes is 'x'; wanted is a function"):
            register_reader(".pipes", "x")


class TestEstimate:
    def test_lines_are_counted_and_whole_files_are_one(self, here):
        """Line-based files count their lines, without the header; the rest counts 1."""
        write("c/a.jsonl", '{"text": "a"}\n{"text": "b"}')
        write("c/b.csv", "text\na\nb\nc\n")
        write("c/c.txt", "a\nb\nc\n")
        assert estimate("c/a.jsonl") == 2
        assert estimate("c/b.csv") == 3
        assert estimate("c") == 2 + 3 + 1
        assert estimate("c/c.txt", format="lines") == 3

    def test_large_files_are_sampled(self, here, monkeypatch):
        """Of a large file only the beginning is counted; lines of equal length give the exact number."""
        monkeypatch.setattr("embedsearch.documents.estimating._SAMPLE_BYTES", 1000)
        monkeypatch.setattr("embedsearch.documents.estimating._CHUNK_BYTES", 1000)
        write("a.jsonl", '{"text": "abcdefg"}\n' * 5000)
        assert estimate("a.jsonl") == 5000

    def test_parquet_tells_its_rows(self, here):
        """The footer of a Parquet file holds the number of its rows."""
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.table({"text": ["a"] * 7}), "a.parquet")
        assert estimate("a.parquet") == 7
        write("b.parquet", "no")
        assert estimate("b.parquet") is None

    def test_what_cannot_be_known_is_none(self, here):
        """The standard input and missing files have no estimate, and asking is no error."""
        write("a.txt", "a")
        assert estimate("a.txt", "-") is None
        assert estimate("gone.txt") is None
        assert estimate() == 0


def test_reading_imports_nothing_heavy():
    """pyarrow and pypdf are loaded by the first file that needs them, not before."""
    program = (
        "import sys, embedsearch.documents\n"
        "print([name for name in ('pyarrow', 'pypdf', 'bs4', 'numpy') if name in sys.modules])"
    )
    assert python(program).strip() == "[]"


class TestFilesThatChange:
    """A file that somebody writes to while it is read."""

    RECORDS = (
        ("csv", "id,text\n", "{0},wolf {0}\n"),
        ("ris", "", "TY  - JOUR\nID  - {0}\nAB  - wolf {0}\nER  - \n\n"),
    )

    @pytest.fixture(params=RECORDS, ids=lambda given: given[0])
    def changing(self, here, request):
        """Return a file of 40,000 records, so many more as text, and its documents, of which the first is read."""
        suffix, head, record = request.param
        path = Path(f"x.{suffix}")
        path.write_text(head + "".join(record.format(number) for number in range(40_000)))
        self.told = []
        documents = read(path, report=self.told.append)
        next(documents)
        return path, record.format(40_000), documents

    def test_one_that_becomes_shorter_is_an_error(self, changing):
        """What is left of it is not taken for the whole."""
        path, _, documents = changing
        size = path.stat().st_size
        os.truncate(path, 10)
        with pytest.raises(SourceError, match=f"became shorter while it was read, from {size:,} to 10 bytes; read it"):
            list(documents)

    def test_what_is_written_behind_its_end_is_read(self, changing):
        """That there may be more by now is told."""
        path, record, documents = changing
        with path.open("a") as stream:
            stream.write(record)
        assert len(list(documents)) == 40_000
        assert self.told == [f"{path}: was written to while it was read; read it again to have it as it is now"]

    def test_one_that_is_replaced_is_read_to_its_end(self, changing):
        """As it was when it was opened."""
        path, record, documents = changing
        path.rename("old")
        path.write_text(record)
        assert (len(list(documents)), self.told) == (39_999, [])

    def test_one_that_was_read_already_may_change(self, here):
        """A small one is read at once, and what becomes of it then is no error."""
        Path("x.txt").write_text("wolf and sheep")
        documents = read("x.txt")
        next(documents)
        os.truncate("x.txt", 1)
        assert list(documents) == []


def test_a_link_that_leads_nowhere_is_told_to_be_one(here):
    """It stands there, so that no other name is meant."""
    Path("broken.txt").symlink_to("gone.txt")
    with pytest.raises(SourceError, match=r"broken\.txt: a broken link, to 'gone\.txt'$"):
        list(read("broken.txt"))
