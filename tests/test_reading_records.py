"""Sources of many records as text: JSON lines, plain lines, CSV and TSV, and the fields of their records."""

import csv
import io
import json
import threading
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedsearch.documents import Document, estimate, read, read_stream, separated
from embedsearch.errors import SourceError


def read_text(content, format, **options):
    raw = content if isinstance(content, bytes) else content.encode()
    return list(read_stream(io.BytesIO(raw), name=f"a.{format}", format=format, **options))


def jsonl(*records, **options):
    return read_text("".join(json.dumps(record) + "\n" for record in records), "jsonl", **options)


def skipping(content, format, **options):
    """Return the documents, and the sentences that were told about the rest."""
    told = []
    return read_text(content, format, on_error="skip", report=told.append, **options), told


class TestFields:
    @pytest.mark.parametrize(
        "name", ["text", "abstract", "body", "content", "passage", "sentence", "phrase", "document", "Abstract", "TEXT"]
    )
    def test_the_text_is_found_by_its_name(self, name):
        """The usual names of texts are known, whatever their case."""
        (document,) = jsonl({"year": 2001, name: "wolf"})
        assert (document.text, document.metadata) == ("wolf", {"year": 2001})

    @pytest.mark.parametrize("name", ["title", "headline", "name", "primary_title", "Title"])
    def test_the_title_is_found_by_its_name(self, name):
        """A title that was found is not metadata too."""
        (document,) = jsonl({name: "On wolves", "text": "wolf"})
        assert (document.title, document.metadata) == ("On wolves", {})

    @pytest.mark.parametrize("name", ["id", "_id", "doc_id", "docid", "record_id", "key", "pmid", "doi", "PMID"])
    def test_the_id_is_found_by_its_name(self, name):
        """Ids are texts; whole numbers are written as such."""
        assert [document.id for document in jsonl({name: 31, "text": "a"}, {name: "x1", "text": "b"})] == ["31", "x1"]

    def test_earlier_names_win_and_the_rest_is_metadata(self):
        """`text` goes before `abstract`, whatever the order of the fields, and `abstract` then is metadata."""
        (document,) = jsonl({"abstract": "A", "text": "T", "name": "N", "title": "I", "key": 1, "id": 2})
        assert document == Document(
            id="2",
            text="T",
            title="I",
            metadata={"abstract": "A", "name": "N", "key": 1},
            source="a.jsonl:1",
            record=document.record,
        )

    def test_named_fields_win(self):
        """Fields that the options name are taken even if there are others of the usual names."""
        (document,) = jsonl(
            {"text": "T", "Summary": "S", "title": "I", "label": "L", "id": 1, "code": "c"},
            text="summary",
            title="label",
            id="code",
        )
        assert (document.text, document.title, document.id) == ("S", "L", "c")
        assert document.metadata == {"text": "T", "title": "I", "id": 1}

    def test_an_exact_name_goes_before_one_in_another_case(self):
        """`Text` and `text` may stand side by side."""
        (document,) = jsonl({"Text": "upper", "text": "lower"})
        assert (document.text, document.metadata) == ("lower", {"Text": "upper"})

    def test_a_field_is_found_however_its_letters_are_written(self):
        """An accent that stands behind its letter in the file is the letter that was typed, in whatever case."""
        (document,) = jsonl({"Re\u0301sume\u0301": "wolf", "cle\u0301": "x"}, text="résumé", id="clé")
        assert (document.text, document.id, document.metadata) == ("wolf", "x", {})

    def test_several_fields_make_one_text(self):
        """They are joined by a blank line in the order named; empty ones are left out; a title so used is no title."""
        first, second = jsonl(
            {"title": "I", "abstract": "A", "body": "B"},
            {"title": "J", "abstract": " ", "body": None},
            text=["title", "abstract", "body"],
        )
        assert (first.text, first.title, first.metadata) == ("I\n\nA\n\nB", "", {})
        assert second.text == "J"

    def test_the_only_field_is_the_text_and_told(self):
        """A list of phrases under any heading needs no option, but one is told what was taken."""
        told = []
        assert [document.text for document in read_text("animal\nwolf\n", "csv", report=told.append)] == ["wolf"]
        assert told == ["a.csv: the only field, 'animal', is read as the text"]

    def test_no_text_field_is_an_error_with_the_fields_seen(self):
        """The message shows what there is and names the option."""
        with pytest.raises(SourceError, match=r"a\.csv: no field is named text, .*'nr', 'summary'\. .*--text NAME"):
            read_text("nr,summary\n1,a\n", "csv")

    def test_a_header_alone_is_asked_for_the_text_too(self):
        """Where no record follows, the line is that of a full file; a header that has a text is an empty source."""
        with pytest.raises(SourceError, match=r"a\.csv: no field is named text, .*'nr', 'summary'\. .*--text NAME"):
            read_text("nr,summary\n", "csv")
        with pytest.raises(SourceError, match=r"a\.tsv: no field 'txt' for --text\. Did you mean 'text'\?"):
            read_text("nr\ttext\n", "tsv", text="txt")
        assert read_text("nr,summary\n", "csv", text="summary") == []

    @pytest.mark.parametrize("option", ["text", "title", "id"])
    def test_a_named_field_that_is_missing_is_an_error(self, option):
        """The message names the option, offers the nearest field and shows all."""
        with pytest.raises(
            SourceError,
            match=rf"no field 'sumary' for --{option}\. Did you mean 'summary'\? Fields seen: 'nr', 'summary'",
        ):
            read_text("nr,summary\n1,a\n", "csv", **{option: "sumary"})

    def test_without_an_id_records_are_numbered(self):
        """Null and empty ids are none; the number counts the records, not the lines."""
        documents = read_text('{"text": "a"}\n\n{"text": "b", "id": null}\n{"text": "c", "id": " "}\n', "jsonl")
        assert [document.id for document in documents] == ["a.jsonl#1", "a.jsonl#2", "a.jsonl#3"]
        assert [document.source for document in documents] == ["a.jsonl:1", "a.jsonl:3", "a.jsonl:4"]

    def test_records_without_text_are_counted_and_told_once(self):
        """Missing, null, empty and blank texts are passed over; the numbers of the others stay."""
        told = []
        content = '{"text": "a"}\n{"id": 2}\n{"text": null}\n{"text": ""}\n{"text": " \\n"}\n{"text": "b"}\n'
        documents = read_text(content, "jsonl", report=told.append)
        assert [document.id for document in documents] == ["a.jsonl#1", "a.jsonl#6"]
        assert told == ["a.jsonl: skipped 4 records without text, the first at a.jsonl:2"]

    def test_a_title_is_the_text_of_a_record_that_has_no_other(self):
        """As of a reference without an abstract, in every form; Scopus writes that there is none. It is counted."""
        told = []
        content = "title,abstract\nWolves,a\nSheep,\n,\nSpiders,[No abstract available]\n"
        for options in ({}, {"text": "abstract", "title": "title"}):
            documents = read_text(content, "csv", report=told.append, **options)
            assert [(document.title, document.text) for document in documents] == [
                ("Wolves", "a"), ("", "Sheep"), ("", "Spiders"),
            ]  # fmt: skip
        assert told[:2] == told[2:] == [
            "a.csv: 2 records without text are read by the title, the first at a.csv:3",
            "a.csv: skipped 1 record without text, the first at a.csv:4",
        ]  # fmt: skip
        reference = "TY  - JOUR\nTI  - Spiders\nAB  - [No abstract available]\nER  - \n"
        assert [document.text for document in read_text(reference, "ris")] == ["Spiders"]
        joined = read_text(content, "csv", text=("title", "abstract"))
        assert [document.text for document in joined] == ["Wolves\n\na", "Sheep", "Spiders"]

    def test_a_name_is_no_text_unless_it_is_asked_for(self):
        """It may be that of whoever wrote what is empty."""
        told = []
        assert read_text("name,text\nAda,\n", "csv", report=told.append) == []
        assert told == ["a.csv: skipped 1 record without text, the first at a.csv:2"]
        assert [one.text for one in read_text("name,text\nAda,\n", "csv", title="name")] == ["Ada"]

    def test_fields_may_appear_later_in_the_file(self):
        """The first record need not have a text: the following ones are looked at before giving up."""
        documents = jsonl({"id": 1, "year": 2}, {"id": 2, "year": 3, "abstract": "A"})
        assert [(document.id, document.text) for document in documents] == [("2", "A")]

    def test_the_text_field_is_one_for_the_whole_file(self):
        """A record that lacks the field of the others is not embedded by another field of its own."""
        told = []
        documents = jsonl({"text": "a"}, {"document": "file-17.pdf"}, report=told.append)
        assert [document.text for document in documents] == ["a"]
        assert told == ["a.jsonl: skipped 1 record without text, the first at a.jsonl:2"]

    def test_lists_of_texts_are_joined(self):
        """Titles that come in lists, as in Crossref's records, and texts in paragraphs are taken."""
        (document,) = jsonl({"title": ["On", "wolves"], "text": ["One.", "Two."]})
        assert (document.title, document.text) == ("On wolves", "One.\n\nTwo.")

    @pytest.mark.parametrize(
        ("record", "message"),
        [
            ({"text": {"a": 1}}, r"a\.jsonl:1: the field 'text' holds a JSON object; wanted a text"),
            ({"text": True}, "the field 'text' holds a boolean"),
            ({"text": "a", "title": [1]}, "the field 'title' holds a list"),
            ({"text": "a", "id": [1]}, "the id is a list; wanted a text or a number"),
            ({"text": "a", "id": True}, "the id is a boolean"),
        ],
    )
    def test_values_that_are_no_texts_are_errors(self, record, message):
        """What cannot be a text, title or id is told with file, line, field and kind."""
        with pytest.raises(SourceError, match=message):
            jsonl(record)


class TestJsonLines:
    def test_values_keep_their_types(self):
        """Metadata are the JSON values themselves, nested ones too."""
        values = {"year": 2001, "share": 0.5, "open": True, "none": None, "authors": [{"name": "A"}], "text": "t"}
        (document,) = jsonl(values)
        assert {**document.metadata, "text": document.text} == values

    def test_the_record_is_the_line_as_it_stood(self):
        """Spaces, the order of the fields, escapes and line ends are kept; only line feeds end a line."""
        lines = ['{"b":1 , "text":"w\\u00f6lf\u2028\x85"}\r\n', ' {"text": "b"}\n', '{"text":"c"}']
        assert [document.record for document in read_text("".join(lines), "jsonl")] == lines

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ('{"text": "a"', r"a\.jsonl:2: not a JSON object on one line: .* at character 14"),
            ('{"text": "a"} {"text": "b"}', "Extra data at character 15"),
            ('{"text": "a", "x": NaN}', "NaN is not JSON; write null"),
            ('{"text": "a", "x": -Infinity}', "-Infinity is not JSON"),
            ('{"text": "a", "x": 1e999}', "the number 1e999 is too large"),
            ('{"text": "a", "x": ' + "9" * 5000 + "}", "a whole number of more than 4,300 digits; write it as a text"),
            ('{"text": ' + "[" * 200_000, "nested too deeply"),
            (r'{"text": "\u00f6", "x": ' + "[" * 600 + "]" * 600 + "}", "nested too deeply"),
            ('{"text": "a", "x": ' + '{"x":' * 200 + "1" + "}" * 200 + "}", "nested too deeply"),
            ('["a"]', r'a JSON list where an object such as \{"text": "…"\} is wanted'),
            ('[{"text": "a"},', r"jq -c '\.\[\]' FILE"),
            ("wolf", "Expecting value at character 1"),
        ],
    )
    def test_broken_lines_are_named(self, line, message):
        """The message holds file, line and cause; with on_error="skip" the others are read."""
        content = '{"text": "first"}\n' + line + '\n{"text": "last"}\n'
        with pytest.raises(SourceError, match=message):
            read_text(content, "jsonl")
        documents, told = skipping(content, "jsonl")
        assert [document.id for document in documents] == ["a.jsonl#1", "a.jsonl#3"]
        assert len(told) == 1

    def test_nesting_that_is_not_deep_is_kept(self):
        """An object may hold lists 199 deep, and any number of them beside one another."""
        deep, wide = "[" * 199 + "]" * 199, f"[{', '.join(['[]'] * 1000)}]"
        (document,) = read_text(f'{{"text": "\\u00f6", "x": {deep}, "y": {wide}}}', "jsonl")
        assert json.loads(json.dumps(document.metadata)) == {"x": json.loads(deep), "y": [[]] * 1000}

    def test_documents_before_a_broken_line_are_yielded(self):
        """What was read before the error is good."""
        documents = read_stream(io.BytesIO(b'{"text": "a"}\nbroken\n'), format="jsonl")
        assert next(documents).text == "a"
        with pytest.raises(SourceError, match="stdin:2"):
            next(documents)

    def test_surrogates_and_nul_characters_cannot_do_harm(self):
        """Lone surrogates become U+FFFD everywhere; NUL becomes a space of the same length; pairs are characters."""
        line = (
            r'{"text": "a\ud800b\u0000c \ud83d\udc3a", "id": "\udfff", "title": "\u0000t", "\ud800": ["\ud800"]}' + "\n"
        )
        (document,) = read_text(line, "jsonl")
        assert (document.text, document.id, document.title) == ("a\ufffdb c 🐺", "\ufffd", " t")
        assert document.metadata == {"\ufffd": ["\ufffd"]}
        assert document.record == line

    def test_a_line_of_ten_megabytes_is_read(self):
        """There is no limit to a line."""
        text = "wolf " * 2_000_000
        assert [document.text for document in jsonl({"text": text})] == [text]

    @given(st.lists(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.booleans()))))
    def test_records_written_one_after_another_are_the_file(self, records):
        """Any JSON objects come back as they are, and their records reproduce the file byte for byte."""
        lines = [json.dumps({**record, "text": "t", "id": "1", "title": ""}, ensure_ascii=False) for record in records]
        content = "".join(line + "\n" for line in lines).encode("utf-8", "replace")
        documents = read_text(content, "jsonl")
        assert "".join(document.record for document in documents).encode() == content
        for document, line in zip(documents, content.decode().split("\n"), strict=False):
            found = json.loads(line)
            assert dict(document.metadata) == {k: v for k, v in found.items() if k not in ("text", "id", "title")}


class TestCsv:
    def test_values_stay_texts(self):
        """A CSV value is the text that stood there; empty ones are empty texts."""
        (document,) = read_text("id,text,year,note\n007,wolf,2001,\n", "csv")
        assert document == Document(
            id="007",
            text="wolf",
            metadata={"year": "2001", "note": ""},
            source="a.csv:2",
            record="007,wolf,2001,\n",
            header="id,text,year,note\n",
        )

    def test_quoted_fields_may_hold_anything(self):
        """Delimiters, doubled quotes and line ends in quotes belong to the field; lines are counted as in an editor."""
        content = 'text,"a\nb"\r\n"one, ""two""\r\nthree",x\r\n\r\nlast,y'
        first, last = read_text(content, "csv")
        assert (first.text, first.metadata, first.source) == ('one, "two"\r\nthree', {"a\nb": "x"}, "a.csv:3")
        assert (last.source, last.id) == ("a.csv:6", "a.csv#2")
        assert first.header + first.record + "\r\n" + last.record == content

    def test_tabs_separate_tsv(self):
        """TSV is CSV with tabs; commas are text."""
        (document,) = read_text("text\tyear\nwolf, grey\t2001\n", "tsv")
        assert (document.text, document.metadata) == ("wolf, grey", {"year": "2001"})

    def test_a_file_of_tabs_may_be_called_tab(self, tmp_path):
        """Excel's other suffix for it is read in folders too, and its records are counted for a progress bar."""
        (tmp_path / "a.tab").write_text("text\tyear\nwolf, grey\t2001\nfox\t2002\n")
        assert [document.text for document in read(tmp_path)] == ["wolf, grey", "fox"]
        assert estimate(tmp_path) == 2

    def test_a_tab_may_end_each_record(self):
        """Web of Science writes it so: it is no field, and what is passed on keeps it; all records have it or none."""
        first, second = read_text("PT\tAB\tUT\nJ\twolf\t1\t\r\nJ\tfox\t\t\r\n", "tsv", text="AB", id="UT")
        assert (first.id, first.text, first.metadata, first.record) == ("1", "wolf", {"PT": "J"}, "J\twolf\t1\t\r\n")
        assert (second.id, second.text) == ("a.tsv#2", "fox")
        for content, format in (
            ("text\ta\nx\t1\t\ny\t\n", "tsv"),
            ("text\ta\nx\t1\ny\t2\t\n", "tsv"),
            ("text,a\nx,1,\n", "csv"),
        ):
            with pytest.raises(SourceError, match=r"fields? where the header names 2"):
                read_text(content, format)

    def test_semicolons_are_known_by_the_header(self):
        """Spreadsheets of many countries write semicolons; a header with a comma is a header with commas."""
        (document,) = read_text("text;share\nwolf;0,5\n", "csv")
        assert (document.text, document.metadata) == ("wolf", {"share": "0,5"})
        (document,) = read_text("text,a;b\nwolf,1\n", "csv")
        assert document.metadata == {"a;b": "1"}
        (document,) = read_text('"text";"place, day"\n"wolf; grey";"Bonn, 1 May"\n', "csv")
        assert (document.text, document.metadata) == ("wolf; grey", {"place, day": "Bonn, 1 May"})
        (document,) = read_text('"text; title","a"\nwolf,1\n', "csv", text="text; title")
        assert document.metadata == {"a": "1"}
        with pytest.raises(SourceError, match=r"a\.csv:2: 3 fields where the header names 2\. .* that holds ';' must"):
            read_text("text;share\nwolf;0;5\n", "csv")

    def test_tabs_in_a_file_that_is_called_csv_are_known_by_the_header(self):
        """A header with tabs and neither commas nor semicolons has fields; beside a comma, the tabs are told."""
        (document,) = read_text("id\ttext\tyear\n1\twolf, grey; old\t2001\n", "csv")
        assert (document.id, document.text, document.metadata) == ("1", "wolf, grey; old", {"year": "2001"})
        with pytest.raises(SourceError, match=r"a\.csv:2: 2 fields .* that holds a tab must"):
            read_text("id\ttext\tyear\n1\twolf\n", "csv")
        (document,) = read_text('"a\tb",text\t\n1,wolf\n', "csv", text="text")
        assert document.metadata == {"a\tb": "1"}
        assert read_text("text\t\nwolf\n", "csv")[0].text == "wolf"
        with pytest.raises(SourceError, match=r"a\.csv:2: 1 field .* 2\. The header holds tabs: .* end in \.tsv$"):
            read_text("id\ttext\tplace, day\n1\twolf\tBonn\n", "csv")

    @pytest.mark.parametrize("told", ["sep=;\r\n", "sep=|\n", '"SEP=,"\n', "sep=\t\n"])
    @pytest.mark.parametrize("format", ["csv", "tsv"])
    def test_a_first_line_may_tell_the_separator(self, told, format):
        """Excel is told so what separates the fields: it is no record, and goes on with the header."""
        by = told.strip('"\r\n')[-1]
        wolf, fox = read_text(f'{told}id{by}text\n1{by}"wolf{by}gray"\n2{by}fox\n', format)
        assert (wolf.id, wolf.text, wolf.source) == ("1", f"wolf{by}gray", f"a.{format}:3")
        assert (fox.id, fox.text, fox.header) == ("2", "fox", f"{told}id{by}text\n")

    @pytest.mark.parametrize("content", ["sep=x,text\n1,wolf\n", "sep=,text\n1,wolf\n", "text\nwolf\nsep=;\n"])
    def test_a_field_or_a_text_may_look_like_it(self, content):
        """Only one character alone on the first line tells the separator."""
        assert read_text(content, "csv")[0].text == "wolf"

    def test_names_of_columns_are_trimmed_and_unnamed_ones_numbered(self):
        """`id, text` names `text`; the index column that pandas writes without a name gets one."""
        (document,) = read_text(", text\n0,wolf\n", "csv")
        assert (document.text, document.metadata) == ("wolf", {"column 1": "0"})

    @pytest.mark.parametrize(
        ("records", "message", "kept"),
        [
            ("a,1\nb,2,3\nc,4\n", r"a\.csv:3: 3 fields where the header names 2.*holds ',' must stand in", "ac"),
            ("a,1\nb\nc,4\n", r"a\.csv:3: 1 field where the header names 2", "ac"),
            ('a,1\n"b,2\nc,4\n', r"a\.csv:3: a quote opens in this record and is never closed", "ac"),
            ('a,1\n"b" x,2\nc,4\n', r'a\.csv:3: text behind a closing quote; .* twice: ""', "ac"),
            ("a,1\nb\0,2\nc,4\n", r"a\.csv:3: a NUL byte", "ac"),
            ("a,1\nb\rb,2\nc,4\n", r"a\.csv:3: a carriage return outside of quotes", "ac"),
            ('a,1\n"b\n\0",2\nc,4\n', r"a\.csv:4: a NUL byte.* \(in the record that begins at line 3\)", "ac"),
            ('a,1\n"b,2\nc,"4"\nd,5\n', r"a\.csv:3: text behind a closing quote", "acd"),
        ],
    )
    def test_broken_records_are_named(self, records, message, kept):
        """Each flaw is told with file, line and cause; a stray quote costs its own record and not the next."""
        with pytest.raises(SourceError, match=message):
            read_text("text,n\n" + records, "csv")
        documents, told = skipping("text,n\n" + records, "csv")
        assert "".join(document.text for document in documents) == kept
        assert told

    @pytest.mark.parametrize(
        ("header", "message"),
        [("text,a, a", "a.csv:1: two columns are named 'a'"), ('text,"a', "never closed"), ("te\0xt", "NUL")],
    )
    def test_a_broken_header_ends_the_source(self, header, message):
        """Without its names no record can be understood."""
        with pytest.raises(SourceError, match=message):
            read_text(header + "\n1,2,3\n", "csv")
        documents, told = skipping(header + "\n1,2,3\n", "csv")
        assert documents == []
        assert len(told) == 1

    def test_nothing_in_nothing_out(self):
        """Empty files, and headers without records, hold no documents."""
        assert read_text("", "csv") == read_text("\n", "csv") == read_text("text,a\n", "csv") == []

    def test_long_fields_are_read_and_the_limit_of_csv_is_as_before(self):
        """csv's limit for all of the process is lifted for the long record only, also if the record is broken."""
        before = csv.field_size_limit(4321)
        try:
            text = "wolf\n" * 2_000_000
            documents = read_text(f'text\n"{text}"\nlast\n', "csv")
            assert [len(document.text) for document in documents] == [10_000_000, 4]
            assert csv.field_size_limit() == 4321
            skipping(f'text,n\n"{text[:500_000]}\n', "csv")
            assert csv.field_size_limit() == 4321
        finally:
            csv.field_size_limit(before)

    def test_threads_do_not_take_the_limit_from_each_other(self):
        """Several readers in threads read long fields, and the limit is as before in the end."""
        before = csv.field_size_limit()
        content = "text\n" + ('"' + "wolf\n" * 40_000 + '"\n') * 5
        counts = []
        threads = [threading.Thread(target=lambda: counts.append(len(read_text(content, "csv")))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts == [5] * 8
        assert csv.field_size_limit() == before

    def test_an_unclosed_quote_does_not_take_all_memory(self, monkeypatch):
        """The rest of the file is not gathered beyond a bound, and the lines behind the quote are read."""
        monkeypatch.setattr(separated, "_RECORD_CHARACTERS", 1000)
        documents, told = skipping('text,n\n"a,1\n' + "b,2\n" * 10_000, "csv")
        assert len(documents) == 10_000
        assert told == ["a.csv:2: a quote opens in this record and is never closed"]

    @given(
        st.lists(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=2, max_size=2)),
        st.sampled_from(["\n", "\r\n"]),
        st.sampled_from([("csv", ","), ("tsv", "\t")]),
    )
    def test_what_csv_writes_is_read_and_reproduced(self, rows, end, kind):
        """Any values come back, and header and records together are the file byte for byte."""
        format, delimiter = kind
        written = io.StringIO()
        writer = csv.writer(written, lineterminator=end, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([["text", "a", "b"], *(["t", *row] for row in rows)])
        documents = read_text(written.getvalue(), format)
        assert [[document.metadata["a"], document.metadata["b"]] for document in documents] == rows
        if documents:
            assert documents[0].header + "".join(document.record for document in documents) == written.getvalue()

    @given(st.text(st.sampled_from('"ab,\n\r\0 ;')))
    def test_any_mess_ends_and_is_ours(self, content):
        """Whatever the file holds, reading ends, skips what is broken, and raises no foreign error."""
        documents, _ = skipping("text,n\n" + content, "csv")
        for document in documents:
            assert document.record in content
            assert document.text


class TestMemory:
    @pytest.mark.parametrize("format", ["jsonl", "csv", "tsv", "lines"])
    def test_a_long_file_is_never_held_whole(self, tmp_path, format):
        """20 MB of records are read within 2 MB."""
        line = {"jsonl": '{"text": "%s"}\n', "csv": "%s,1\n", "tsv": "%s\t1\n", "lines": "%s\n"}[format] % (
            "wolf " * 200
        )
        header = {"csv": "text,n\n", "tsv": "text\tn\n"}.get(format, "")
        with open(tmp_path / "a", "w") as stream:
            stream.write(header)
            stream.writelines(line for _ in range(20_000))
        with open(tmp_path / "a", "rb") as stream:
            tracemalloc.start()
            try:
                count = sum(1 for _ in read_stream(stream, format=format))
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        assert count == 20_000
        assert peak < 2 << 20
