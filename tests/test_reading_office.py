"""Files of office programs: spreadsheets, the tables that reviewers fill in, texts, and books."""

import builtins
import datetime
import io
import random
import re
import zipfile
from functools import partial

import docx
import openpyxl
import pytest
from conftest import run

import embedsearch as es
from embedsearch.axes import read_ratings
from embedsearch.documents import estimate, extents, read_stream


def workbook(*sheets, hidden=(), merged=()):
    """Return a workbook of sheets, given as lists of rows; the second is called Sheet2."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Sheet{number}")
        for row in rows:
            sheet.append(row)
        if number in hidden:
            sheet.sheet_state = "hidden"
    for cells in merged:
        book.worksheets[0].merge_cells(cells)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def read(raw, format="xlsx", **options):
    return list(read_stream(io.BytesIO(raw), name=f"a.{format}", format=format, **options))


def spoilt(chance, _name, content):
    """Return the content of a part, of which some bytes are changed once in a while."""
    letters = bytearray(content)
    for _ in range(chance.choice([0, 0, 0, 3])):
        letters[chance.randrange(len(letters))] = chance.choice(b'<>/"=0129A\xff ')
    return bytes(letters)


def repacked(raw, change):
    """Return an archive in which *change* was made of each part, given its name and content; None leaves a part out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as packed, zipfile.ZipFile(stream, "w") as other:
        for name in packed.namelist():
            content = change(name, packed.read(name))
            if content is not None:
                other.writestr(name, content)
    return stream.getvalue()


def document(*paragraphs, **properties):
    """Return a file of Word with paragraphs, each with its style."""
    made = docx.Document()
    for text, style in paragraphs:
        made.add_paragraph(text, style=style)
    for name, value in properties.items():
        setattr(made.core_properties, name, value)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def opendocument(body, meta=""):
    """Return a text of OpenDocument."""
    stream = io.BytesIO()
    spaces = "".join(
        f' xmlns:{name}="urn:{name}"' for name in ("office", "text", "table", "style", "svg", "dc", "meta")
    )
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("content.xml", f"<office:document-content{spaces}>{body}</office:document-content>")
        packed.writestr("meta.xml", f"<office:document-meta{spaces}>{meta}</office:document-meta>")
    return stream.getvalue()


class TestSpreadsheets:
    def test_rows_are_documents(self):
        """The first row names the fields; numbers that count are whole, dates are ISO 8601, what is empty is null."""
        raw = workbook([
            ["id", "abstract", "year", "date", "seen", "share", "when", "at", None],
            [1, "a wolf", 1999.0, datetime.datetime(2020, 1, 2), True, 0.5,
             datetime.datetime(2020, 1, 2, 3, 4), datetime.time(1, 2)],
            [None, None, None],
            ["002", "a sheep", None, "2020", False, 1e20, None, datetime.timedelta(hours=30), "?"],
        ])  # fmt: skip
        first, second = read(raw)
        assert (first.id, first.text, first.source) == ("1", "a wolf", "a.xlsx:2")
        assert first.metadata == {"year": 1999, "date": "2020-01-02", "seen": True, "share": 0.5,
                                  "when": "2020-01-02T03:04:00", "at": "01:02:00"}  # fmt: skip
        assert (second.id, second.text, second.source) == ("002", "a sheep", "a.xlsx:4")
        assert second.metadata == {"year": None, "date": "2020", "seen": False, "share": 1e20, "when": None,
                                   "at": 108000, "column 9": "?"}  # fmt: skip
        assert type(first.metadata["year"]) is int

    def test_names_below_a_title_are_asked_for(self):
        """A line above them is no names, and is not quietly taken for such; blank rows and columns are nothing."""
        with pytest.raises(es.SourceError, match=r"a\.xlsx:1: the first row names 1 of 3 columns \('Papers', …\)"):
            read(workbook([["Papers"], [], ["id", "text", "year"], [1, "a wolf", 1999]]))
        (document,) = read(workbook([[], [None, "id", "text"], [None, 1, "a wolf"]]))
        assert (document.id, document.text, document.source) == ("1", "a wolf", "a.xlsx:3")
        with pytest.raises(es.SourceError, match=r"a\.xlsx:1: two columns are named 'year'"):
            read(workbook([["text", "year", "year"], ["a wolf", 1, 2]]))

    def test_one_sheet_is_read_and_the_others_are_told(self):
        """The first that is neither empty nor hidden."""
        told = []
        raw = workbook([], [["text"], ["no"]], [["text"], ["yes"]], [["text"], ["other"]], hidden=[2])
        assert [one.text for one in read(raw, report=told.append)] == ["yes"]
        assert told == [
            "a.xlsx: the sheet 'Sheet3' is read, and not 'Sheet2' (hidden), 'Sheet4'; "
            "to read another one, move it to the front, or save it as CSV"
        ]
        assert read(workbook([]), report=told.append) == []
        assert told[1] == "a.xlsx: holds no record of its format"

    def test_merged_cells_stand_in_each_of_their_rows(self):
        """Below each other; beside each other the first has the value, as Excel keeps it."""
        rows = [["kind", "text", "note"], ["animal", "a wolf", "x"], [None, "a sheep", None], ["plant", "grass", None]]
        documents = read(workbook(rows, merged=["A2:A3", "B4:C4"]))
        assert [one.metadata["kind"] for one in documents] == ["animal", "animal", "plant"]
        assert documents[2].metadata["note"] is None

    def test_formulas_have_the_values_that_were_computed(self):
        """What is an error in Excel is nothing."""
        raw = workbook([["text", "sum", "bad"], ["a wolf", "=1+1", "=1/0"]])

        def computed(_name, content):
            text = re.sub(rb"<f>1\+1</f><v(?: ?/>|></v>)", b"<f>1+1</f><v>2</v>", content)
            return re.sub(rb'<c r="C2"><f>1/0</f><v(?: ?/>|></v>)', b'<c r="C2" t="e"><f>1/0</f><v>#DIV/0!</v>', text)

        assert read(repacked(raw, computed))[0].metadata == {"sum": 2, "bad": None}

    def test_a_cell_far_out_is_refused_before_it_is_read(self, monkeypatch):
        """It would take 550 GB, and end the process; colours of empty cells reach as far and do not matter."""
        book = openpyxl.Workbook()
        book.active["A1"], book.active["A2"] = "text", "a wolf"
        book.active["XFD1048576"].font = openpyxl.styles.Font(bold=True)
        stream = io.BytesIO()
        book.save(stream)
        assert len(read(stream.getvalue())) == 1
        book.active["XFD1048576"] = "far"
        book.save(stream)
        with pytest.raises(es.SourceError, match=r"to row 1,048,576 and column 16,384.*save the table as CSV"):
            read(stream.getvalue())
        monkeypatch.setattr(extents, "_MOST_CELLS", 3)
        monkeypatch.setattr(extents, "_CHUNK_BYTES", 7)  # tags that are parted are found
        with pytest.raises(es.SourceError, match="reaches to row 2 and column 2"):
            read(workbook([["id", "text"], [1, "a wolf"]]))

    @pytest.mark.parametrize(
        ("raw", "said"),
        [
            (b"", "not an Excel workbook that can be read: File is not a zip file"),
            (b"id,text\n", "not an Excel workbook that can be read: File is not a zip file"),
            (b"%PDF-1.7", "by its first bytes a PDF. Read it as one: --as pdf"),
            (b"PK\x03\x04rest", "not an Excel workbook that can be read: "),
            (b"\xd0\xcf\x11\xe0rest", r"an old file of Excel \(\.xls\), or one with a password; save it as \.xlsx"),
        ],
    )
    def test_what_is_no_workbook_is_refused(self, raw, said):
        """With what it is, where that can be told; the library, which may hang or abort, is not given it."""
        with pytest.raises(es.SourceError, match=rf"^a\.xlsx: .*{said}"):
            read(raw)

    def test_other_archives_and_damaged_workbooks_are_refused(self):
        """Of OpenDocument, cut off, or without their sheets."""
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as packed:
            packed.writestr("content.xml", "<office:document-content>")
        with pytest.raises(es.SourceError, match="not an Excel workbook, but another archive"):
            read(stream.getvalue())
        with pytest.raises(es.SourceError, match="not an Excel workbook that can be read"):
            read(workbook([["text"], ["a wolf"]])[:2000])
        with zipfile.ZipFile(stream, "w") as packed:
            packed.writestr("xl/workbook.xml", "<workbook/>")
        with pytest.raises(es.SourceError, match=r"a damaged workbook: .* save it again"):
            read(stream.getvalue())

    def test_any_mess_ends_and_is_ours(self):
        """Bytes of any of its parts are changed."""
        chance = random.Random(1)
        whole = workbook([["id", "text"], [1, "a wolf"]], [["x"]], merged=["A2:A3"])
        for _ in range(300):
            changed = repacked(whole, partial(spoilt, chance))
            told = []
            read(changed, on_error="skip", report=told.append)
            assert all(line.startswith("a.xlsx") and "\n" not in line for line in told)

    def test_a_missing_library_is_named(self, monkeypatch):
        """With the extra that brings it."""
        real = builtins.__import__

        def without(name, *arguments, **named):
            if name == "python_calamine":
                raise ImportError(name)
            return real(name, *arguments, **named)

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(
            es.SourceError, match=r'python-calamine; install it with: pip install "embedsearch\[office\]"'
        ):
            read(b"x")

    def test_rows_are_counted_for_the_bar(self, tmp_path):
        """Those of the sheet that is read."""
        (tmp_path / "a.xlsx").write_bytes(workbook([["text"]] + [["a wolf"]] * 7, [["x"]] * 20))
        assert estimate(tmp_path / "a.xlsx") == 7


def test_labels_come_from_a_spreadsheet(tmp_path, index):
    """As reviewers fill it in: numbers, words, TRUE; a document's number is its id."""
    index.add([es.Document("7", "sheep")])
    (tmp_path / "labels.xlsx").write_bytes(
        workbook(
            [
                ["id", "label", "note"],
                ["id-wolf", 1, "seen"],
                [7, "no", None],
                ["id-whale", True, None],
                ["id-spider", None, None],
            ]
        )
    )
    index.close()
    result = run("screen", "import", tmp_path / "labels.xlsx", "-i", index.path)
    assert result.exit_code == 0, result.stderr
    with es.open(index.path) as opened:
        labels = opened.labels
        assert {id: (label.value, label.note) for id, label in labels.items()} == {
            "id-wolf": (1, "seen"), "7": (0, ""), "id-whale": (1, ""),
        }  # fmt: skip


def test_ratings_come_from_a_spreadsheet(tmp_path):
    """Of phrases and documents; cells that are empty are still to be rated."""
    path = tmp_path / "ratings.xlsx"
    path.write_bytes(workbook([["Word", "id", "Rating"], ["wolf", None, 7], ["sheep", None, None], [None, "x", 2.5]]))
    assert read_ratings(path) == ({"wolf": 7.0}, {"x": 2.5})
    path.write_bytes(workbook([["word", "rating"], ["wolf", "high"]]))
    with pytest.raises(es.AxisError, match=r"ratings\.xlsx:2: the rating 'high' is not a number"):
        read_ratings(path)
    path.write_bytes(b"no")
    with pytest.raises(es.AxisError, match="not an Excel workbook that can be read"):
        read_ratings(path)


class TestWord:
    def test_paragraphs_and_tables_are_the_text(self):
        """In their order, footnotes behind them; rows of a table are lines. Title, author and dates are the file's."""
        made = docx.Document()
        made.add_heading("On wolves", 0)
        made.add_heading("Hunting", 1)
        made.add_paragraph("The wolf\thunts\nat night.")
        table = made.add_table(2, 2)
        for place, text in enumerate(("animal", "prey", "wolf", "sheep")):
            table.cell(place // 2, place % 2).text = text
        made.add_paragraph("  ")
        made.add_paragraph("After it", style="List Bullet")
        made.sections[0].header.paragraphs[0].text = "On every page"
        properties = made.core_properties
        properties.title, properties.author = "Old title", "Ada"
        properties.created = properties.modified = datetime.datetime(2020, 1, 2, 3, 4, 5)
        stream = io.BytesIO()
        made.save(stream)
        (found,) = read(stream.getvalue(), "docx")
        assert found.text == "On wolves\n\nHunting\n\nThe wolf\thunts\nat night.\n\nanimal prey\nwolf sheep\n\nAfter it"
        assert (found.id, found.title) == ("a.docx", "On wolves")
        when = "2020-01-02T03:04:05+00:00"
        assert found.metadata == {"author": "Ada", "date": when, "modified": when}

    @pytest.mark.parametrize(
        ("paragraphs", "said", "title"),
        [
            ([("On wolves", "Title"), ("One", "Heading 1")], "Said", "On wolves"),
            ([("One", "Heading 1")], "Said", "Said"),
            ([("Text", None), ("One", "Heading 1"), ("Two", "Heading 1")], "Microsoft Word - a.docx", "One"),
            ([("Text", None)], "", ""),
        ],
    )
    def test_the_title(self, paragraphs, said, title):
        """What is styled as one, what the properties say, or the first heading; styles have English names within."""
        raw = document(*paragraphs, title=said)
        assert read(raw, "docx")[0].title == title

        def german(_name, content):
            for english, other in ((b"Title", b"Titel"), (b"Heading1", b"berschrift1")):
                for attribute in (b"w:styleId", b"w:pStyle w:val"):
                    content = content.replace(attribute + b'="' + english, attribute + b'="' + other)
            return content

        assert read(repacked(raw, german), "docx")[0].title == title

    @pytest.mark.parametrize(
        ("written", "text"),
        [
            ("<w:p><w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>",
             "new"),
            ("<w:p><w:moveFrom><w:r><w:t>old</w:t></w:r></w:moveFrom><w:r><w:t>new</w:t></w:r></w:p>", "new"),
            ("<w:p><w:r><w:instrText>PAGE</w:instrText><w:t>a</w:t><w:noBreakHyphen/><w:t>b</w:t></w:r></w:p>", "a-b"),
            ("<w:p><w:pPr><w:tabs><w:tab w:val='left' w:pos='9'/></w:tabs></w:pPr><w:r><w:t>a</w:t></w:r></w:p>", "a"),
            ("<w:p><w:r><w:t>out</w:t><mc:Choice xmlns:mc='x'><w:txbxContent><w:p><w:r><w:t>box</w:t></w:r></w:p>"
             "</w:txbxContent></mc:Choice><mc:Fallback xmlns:mc='x'><w:p><w:r><w:t>box</w:t></w:r></w:p></mc:Fallback>"
             "</w:r></w:p>", "out\nbox"),
            ("<w:p><w:pPr><w:pStyle w:val='TOC1'/></w:pPr><w:r><w:t>One 7</w:t></w:r></w:p>"
             "<w:p><w:r><w:t>x</w:t></w:r></w:p>", "x"),
        ],
    )  # fmt: skip
    def test_what_is_text(self, written, text):
        """What was deleted or moved, fields, tab stops, second forms and tables of contents are not."""

        def change(name, content):
            if name == "word/styles.xml":
                style = b"<w:style w:styleId='TOC1'><w:name w:val='toc 1'/></w:style></w:styles>"
                return content.replace(b"</w:styles>", style)
            return (
                content.replace(b"<w:body>", b"<w:body>" + written.encode()) if name == "word/document.xml" else content
            )

        assert read(repacked(document(), change), "docx")[0].text == text

    def test_footnotes_come_behind(self):
        """In the order in which they stand."""
        spaces = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
        note = "<w:footnote><w:p><w:r><w:t>See {}.</w:t></w:r></w:p></w:footnote>"
        stream = io.BytesIO(document(("The wolf hunts.", None)))
        with zipfile.ZipFile(stream, "a") as packed:
            packed.writestr(
                "word/footnotes.xml", f"<w:footnotes {spaces}>{note.format('A')}{note.format('B')}</w:footnotes>"
            )
        assert read(stream.getvalue(), "docx")[0].text == "The wolf hunts.\n\nSee A.\n\nSee B."

    def test_texts_of_opendocument(self):
        """White space is as its elements say; comments, deletions and descriptions of pictures are no text."""
        raw = opendocument(
            "<style:style style:name='P1' style:parent-style-name='Title'/><text:tracked-changes><text:p>gone</text:p>"
            "</text:tracked-changes><text:p text:style-name='P1'>On wolves</text:p>"
            "<text:h text:outline-level='1'>One</text:h><text:p>The\n wolf<text:s text:c='2'/><text:span>hunts"
            "</text:span><text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>See A.</text:p>"
            "</text:note-body></text:note>"
            "<svg:desc>x</svg:desc><office:annotation><text:p>why?</text:p></office:annotation> at<text:line-break/>"
            "night.<text:tab/>!</text:p>"
            "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell>"
            "<text:p>b</text:p><text:p>c</text:p></table:table-cell></table:table-row></table:table>",
            "<meta:initial-creator>Ada</meta:initial-creator><meta:creation-date>2020-01-02T03:04:05.123</meta:creation-date>",
        )
        (found,) = read(raw, "odt")
        assert found.text == "On wolves\n\nOne\n\nThe wolf  hunts at\nnight.\t!\n\na b c\n\nSee A."
        assert (found.title, found.metadata) == ("On wolves", {"author": "Ada", "date": "2020-01-02T03:04:05"})

    def test_blanks_beyond_all_measure_are_few(self):
        """One element may stand for as many as it likes."""
        (found,) = read(opendocument("<text:p>a<text:s text:c='99999999999'/>b</text:p>"), "odt")
        assert len(found.text) == 1002

    @pytest.mark.parametrize(
        ("raw", "said"),
        [
            (b"text", "no file of Word that can be read: File is not a zip file"),
            (b"%PDF-1.7", "by its first bytes a PDF. Read it as one: --as pdf"),
            (b"\xd0\xcf\x11\xe0rest", r"an old file of Word \(\.doc\), or one with a password; save it as \.docx"),
            (opendocument(""), "a damaged file of Word: There is no item named 'word/document.xml'"),
            (repacked(document(), lambda name, content: content[:-9]), "a damaged file of Word: .* save it again"),
            (repacked(document(), lambda name, content: content.replace(b"?>", b"?><!DOCTYPE a [<!ENTITY b 'c'>]>", 1)),
             "declares a document type, 'a'"),
            (repacked(document(), lambda name, content: content.replace(b"UTF-8", b"U-8", 1)), "unknown encoding: U-8"),
        ],
    )  # fmt: skip
    def test_what_is_no_file_of_word_is_refused(self, raw, said):
        """With what it is, or what is wrong with it."""
        with pytest.raises(es.SourceError, match=rf"^a\.docx: .*{said}"):
            read(raw, "docx")

    def test_a_file_without_text_is_told(self):
        """As others are."""
        told = []
        assert read(document(), "docx", report=told.append) == []
        assert told == ["skipped a.docx: it holds no text"]

    def test_any_mess_ends_and_is_ours(self):
        """Bytes of its parts are changed."""
        chance = random.Random(1)
        files = {
            "docx": document(("On wolves", "Title"), ("They hunt.", None)),
            "odt": opendocument("<text:p>a</text:p>"),
        }
        for format, whole in files.items():
            for _ in range(150):
                told = []
                read(repacked(whole, partial(spoilt, chance)), format, on_error="skip", report=told.append)
                assert all(f"a.{format}" in line and "\n" not in line for line in told)


def book(*chapters, said="", others=()):
    """Return an electronic book whose chapters are given as the bytes of their pages."""
    stream = io.BytesIO()
    items = "".join(f"<item id='c{number}' href='text/c%20{number}.xhtml'/>" for number in range(len(chapters)))
    order = "".join(f"<itemref idref='c{number}'/>" for number in reversed(range(len(chapters))))
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("META-INF/container.xml", "<container><rootfile full-path='OPS/book.opf'/></container>")
        packed.writestr("OPS/book.opf", f"<package xmlns:dc='x'><metadata>{said}</metadata><manifest>{items}"
                        "<item id='toc' href='nav.xhtml' properties='nav'/></manifest>"
                        f"<spine><itemref idref='toc'/>{order}<itemref idref='gone'/></spine></package>")  # fmt: skip
        packed.writestr("OPS/nav.xhtml", "<p>Contents</p>")
        for number, chapter in enumerate(chapters):
            packed.writestr(f"OPS/text/c {number}.xhtml", chapter)
        for name in others:
            packed.writestr(name, "<x/>")
    return stream.getvalue()


class TestBooks:
    def test_chapters_are_read_in_the_order_of_the_book(self):
        """Which is not that of the files; headings and notes are text, and the table of contents is none."""
        last = "<?xml version='1.0' encoding='iso-8859-1'?><head><title>x</title></head><body><p>Wölfe</p></body>"
        first = "<body><section><header><h1>One</h1></header><p>They<br/>hunt.<script src='a'/></p><aside>Note</aside>"
        said = "<dc:title>On wolves</dc:title><dc:title>2</dc:title><dc:creator>Ada</dc:creator><dc:date>2020</dc:date>"
        (found,) = read(book(last.encode("latin-1"), first.encode("utf-16"), said=said), "epub")
        assert found.text == "One\nThey\nhunt.\nNote\n\nWölfe"
        assert (found.id, found.title, found.metadata) == ("a.epub", "On wolves", {"author": "Ada", "date": "2020"})

    @pytest.mark.parametrize(
        ("raw", "said"),
        [
            (b"text", "no file of EPUB that can be read: File is not a zip file"),
            (document(), "a damaged file of EPUB: There is no item named 'META-INF/container.xml'"),
            (book(b"\x93\x01<p>", others=["META-INF/encryption.xml"]), r"this book is locked \(DRM\)"),
            (book(b"<p>\xff"), "a damaged file of EPUB: 'utf-8' codec can't decode byte 0xff"),
        ],
    )
    def test_what_is_no_book_is_refused(self, raw, said):
        """With what it is, or what is wrong with it."""
        with pytest.raises(es.SourceError, match=rf"^a\.epub: {said}"):
            read(raw, "epub")

    def test_fonts_may_be_locked(self):
        """A book whose chapters can be read is read."""
        assert read(book(b"<p>Wolves", others=["META-INF/encryption.xml"]), "epub")[0].text == "Wolves"
