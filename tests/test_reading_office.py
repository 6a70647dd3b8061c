"""Files of office programs: spreadsheets, and the tables that reviewers fill in."""

import builtins
import datetime
import io
import random
import zipfile

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
            "what you want of these, put first, or save as CSV"
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
        stream = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(raw)) as packed, zipfile.ZipFile(stream, "w") as other:
            for name in packed.namelist():
                text = packed.read(name).replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>")
                text = text.replace(b'<c r="C2"><f>1/0</f><v />', b'<c r="C2" t="e"><f>1/0</f><v>#DIV/0!</v>')
                other.writestr(name, text)
        assert read(stream.getvalue())[0].metadata == {"sum": 2, "bad": None}

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
        with pytest.raises(es.SourceError, match=r"in row 1,048,576 and .* in column 16,384.*save the table as CSV"):
            read(stream.getvalue())
        monkeypatch.setattr(extents, "_MOST_CELLS", 3)
        monkeypatch.setattr(extents, "_CHUNK_BYTES", 7)  # tags that are parted are found
        with pytest.raises(es.SourceError, match="row 2 and something in column 2"):
            read(workbook([["id", "text"], [1, "a wolf"]]))

    @pytest.mark.parametrize(
        ("raw", "said"),
        [
            (b"", "no workbook of Excel that can be read: File is not a zip file"),
            (b"id,text\n", "no workbook of Excel that can be read: File is not a zip file"),
            (b"%PDF-1.7", "by its first bytes a PDF. Name it so: --as pdf"),
            (b"PK\x03\x04rest", "no workbook of Excel that can be read: "),
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
        with pytest.raises(es.SourceError, match="no workbook of Excel, but another archive"):
            read(stream.getvalue())
        with pytest.raises(es.SourceError, match="no workbook of Excel that can be read"):
            read(workbook([["text"], ["a wolf"]])[:2000])
        with zipfile.ZipFile(stream, "w") as packed:
            packed.writestr("xl/workbook.xml", "<workbook/>")
        with pytest.raises(es.SourceError, match=r"a damaged workbook: .* save it anew"):
            read(stream.getvalue())

    def test_any_mess_ends_and_is_ours(self):
        """Bytes of any of its parts are changed."""
        chance = random.Random(1)
        whole = workbook([["id", "text"], [1, "a wolf"]], [["x"]], merged=["A2:A3"])
        with zipfile.ZipFile(io.BytesIO(whole)) as packed:
            parts = {name: packed.read(name) for name in packed.namelist()}
        for _ in range(300):
            victim, changed = chance.choice(list(parts)), io.BytesIO()
            with zipfile.ZipFile(changed, "w") as other:
                for name, content in parts.items():
                    letters = bytearray(content)
                    for _ in range(3 * (name == victim)):
                        letters[chance.randrange(len(letters))] = chance.choice(b'<>/"=0129A\xff ')
                    other.writestr(name, bytes(letters))
            told = []
            read(changed.getvalue(), on_error="skip", report=told.append)
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
    with pytest.raises(es.AxisError, match=r"ratings\.xlsx:2: the rating 'high' is no number"):
        read_ratings(path)
    path.write_bytes(b"no")
    with pytest.raises(es.AxisError, match="no workbook of Excel that can be read"):
        read_ratings(path)
