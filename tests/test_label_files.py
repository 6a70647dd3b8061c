"""Labels from files: every spelling in use, ASReview's columns, and broken records named by their place."""

import json
import re

import click
import pytest
from click.testing import CliRunner
from conftest import run
from labelled_papers import write

import embedsearch as es
from embedsearch.cli.output import write as write_records
from embedsearch.index.label_files import parsed_label, read_labels
from embedsearch.screening import Screening
from embedsearch.screening.exporting import PARTS, asreview_records, label_records, ris_records
from embedsearch.testing import HashEncoder


def entries(file, **options):
    """Return what a file of labels holds, as (key, value)."""
    return [(entry.key, entry.value) for entry in read_labels(file, **options).entries.values()]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0), ("1.0", 1.0), ("yes", 1.0), ("TRUE", 1.0), ("Included", 1.0), ("relevant", 1.0),
        ("ASReview_relevant", 1.0), ("0", 0.0), ("no", 0.0), ("Irrelevant", 0.0), ("not relevant", 0.0),
        ("not_relevant", 0.0), ("ASReview_irrelevant", 0.0), ("undecided", None), ("maybe", None), ("?", None),
        ("0.7", 0.7), (".25", 0.25),
    ],
)  # fmt: skip
def test_labels_are_read_as_people_write_them(text, value):
    """Yes and no in the words of several tools, undecided, and grades."""
    assert parsed_label(text, "here") == (value, True)


@pytest.mark.parametrize("text", ["", "-1", "nan", "not seen", "ASReview_not_seen", "unlabelled"])
def test_what_is_not_labelled_is_no_label(text):
    """An empty cell and the words for not seen leave a record unlabelled."""
    assert parsed_label(text, "here") == (None, False)


@pytest.mark.parametrize("text", ["perhaps", "2", "-0.5", "inf", "1e9"])
def test_a_label_that_is_neither_yes_nor_no_is_named(text):
    """Anything else is an error that says what was seen, and what was wanted."""
    with pytest.raises(es.SourceError, match=rf"labels.csv:3: the label is '{text}'; wanted 1 or 0, yes or no"):
        parsed_label(text, "labels.csv:3")


def test_columns_are_found_by_their_usual_names(tmp_path):
    """ASReview's order of names decides where several columns could be the label."""
    file = write(
        tmp_path, "id,included,asreview_label,asreview_note,asreview_time,author\na,0,1,why,2026-01-01,Smith\n"
    )
    (entry,) = read_labels(file).entries.values()
    assert (entry.place, entry.key, entry.value) == (f"{file}:2", "a", 1.0)
    assert (entry.note, entry.time, entry.author) == (
        "why",
        "2026-01-01",
        None,
    )  # the author of a paper is not who labels
    assert entries(file, label="included") == [("a", 0.0)]
    tabs = write(tmp_path, "doi\tlabel_included\n10.1/x\t1\n", "labels.tsv")
    assert entries(tabs) == [("10.1/x", 1.0)]
    told = write(tmp_path, "sep=;\nid;included\na;1\n", "told.csv")
    assert [(entry.place, entry.key, entry.value) for entry in read_labels(told).entries.values()] == [
        (f"{told}:3", "a", 1.0)
    ]
    lines = write(tmp_path, '{"id": 7, "label": 0.5}\n{"id": 8, "label": true}\n{"id": 9, "label": null}\n', "l.jsonl")
    assert entries(lines) == [("7", 0.5), ("8", 1.0)]
    assert read_labels(lines).unlabelled == 1


def test_records_without_ids_are_known_as_when_they_were_ingested(tmp_path):
    """The file that was ingested holds its own labels: record 2 of papers.csv is papers.csv#2."""
    file = write(tmp_path, "abstract,included\nabout wolves,1\nabout sheep,0\nabout grass,\n", "papers.csv")
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(es.read(file))
        taken = index.labels.take(file)
        assert (taken.labelled, taken.unchanged, taken.unlabelled, taken.unknown) == (2, 0, 1, 0)
        assert {id: label.value for id, label in index.labels.items()} == {"papers.csv#1": 1.0, "papers.csv#2": 0.0}
        assert index.labels.take(file).unchanged == 2
        assert len(index.labels.history()) == 3


def test_spaces_around_an_id_lose_no_label(papers, tmp_path):
    """An id is looked for as it stands, then without the spaces; the file that was ingested holds its own labels."""
    file = write(tmp_path, "id,text,included\n a1,about wolves,1\nb2 ,about sheep,0\n", "papers.csv")
    papers.add(es.read(file))
    assert papers.labels.take(file).labelled == 2
    assert {id: label.value for id, label in papers.labels.items()} == {" a1": 1.0, "b2 ": 0.0}
    papers.add([es.Document("a1", "another")])
    padded = write(tmp_path, "id,included\n p1 ,1\na1,0\n a1,1\n")
    taken = papers.labels.take(padded)
    assert (taken.labelled, taken.unchanged) == (2, 1)
    assert {id: papers.labels[id].value for id in ("p1", "a1", " a1")} == {"p1": 1.0, "a1": 0.0, " a1": 1.0}


def test_one_document_named_in_two_ways_has_one_label(papers, tmp_path):
    """Spaces and case hide no contradiction, and what is said twice is one label."""
    file = write(tmp_path, "id,included\np1,1\n p1,0\np2,1\np2 ,1\n")
    with pytest.raises(es.SourceError, match=r":3: ' p1' is labelled 1 \(.*:2\) and 0 \(.*:3\)"):
        papers.labels.take(file)
    told = []
    assert papers.labels.take(file, reading={"on_error": "skip", "report": told.append}).labelled == 1
    assert (len(told), list(papers.labels)) == (1, ["p2"])
    titles = write(tmp_path, "title,included\npaper 3,1\nPAPER 3,0\n", "titles.csv")
    with pytest.raises(es.SourceError, match="leave one of the two out"):
        papers.labels.take(titles, match="title")


def test_a_broken_record_moves_no_other_label(tmp_path):
    """Records without ids are known by their number in the file; broken ones count, so that no label moves."""
    for name, text in (
        ("papers.csv", "abstract,included\nwolves,1\nbroken,1,1\nsheep,0\n"),
        ("papers.jsonl", '{"abstract": "wolves", "included": 1}\nbroken\n\n{"abstract": "sheep", "included": 0}\n'),
    ):
        file = write(tmp_path, text, name)
        with es.Index.create(tmp_path / f"index-{name}", HashEncoder()) as index:
            index.add(es.read(file, on_error="skip"))
            index.labels.take(file, reading={"on_error": "skip"})
            assert {index.get(id).text: label.value for id, label in index.labels.items()} == {
                "wolves": 1.0,
                "sheep": 0.0,
            }


def test_times_in_seconds_are_told_in_iso(tmp_path):
    """ASReview counts seconds since 1970; any other time stays as it stands, a day or a year of digits alone too."""
    rows = "a,1,1700000000.5\nb,1,2026-01-02\nc,1,\nd,1,nan\ne,1,20260102\nf,1,2026\ng,1,1e300\n"
    file = write(tmp_path, f"id,label,asreview_time\n{rows}")
    assert [entry.time for entry in read_labels(file).entries.values()] == [
        "2023-11-14T22:13:20+00:00", "2026-01-02", "", "nan", "20260102", "2026", "1e300",
    ]  # fmt: skip


def test_times_that_are_no_dates_are_kept_and_told_once(papers, tmp_path):
    """The first that cannot be put in order is named, with how many others there are; a day is a date."""
    told = []
    file = write(tmp_path, "id,label,labelled_at\np1,1,yesterday\np2,0,2026-01-02\np3,0,\np4,1,28.11.2026\n")
    papers.labels.take(file, reading={"report": told.append})
    assert {id: label.time for id, label in papers.labels.items() if id != "p3"} == {
        "p1": "yesterday", "p2": "2026-01-02", "p4": "28.11.2026",
    }  # fmt: skip
    (sentence,) = told
    assert sentence.startswith(f"{file}:2: the time 'yesterday' is not a date such as 2026-11-28")
    assert "in ISO 8601 (1 other is not either); kept as written" in sentence


BROKEN = [
    ("id,label\np1,1\np2,perhaps\np3,0\n", r":3: the label is 'perhaps'"),
    ("id,label\np1,1\n,0\np3,0\n", r":3: the field 'id' is empty"),
    ("id,label\np1,1\np9,0\np3,0\n", r":3: there is no document whose id is 'p9'. There are: p1, p2, p3, p4"),
    ("id,label\np1,1\np2,0,0\np3,0\n", r":3: 3 fields where the header names 2"),
    ("id,label\np1,1\np2,1\np3,0\np2,0\n", r":5: 'p2' is labelled 1 \(.*:3\) and 0 \(.*:5\)"),
    ('id,label\np1,1\np2,"1\np3,0\n', r":3: a quote opens in this record and is never closed"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_a_broken_record_is_named_and_nothing_is_imported(papers, tmp_path, text, message):
    """A missing field, an unknown id, a contradiction, bad quoting: one line with its place, and no label at all."""
    with pytest.raises(es.SourceError, match=message):
        papers.labels.take(write(tmp_path, text))
    assert papers.labels.history() == []


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_a_broken_record_can_be_passed_over(papers, tmp_path, text, message):
    """With skip each broken record is reported on one line, and every other is imported."""
    told = []
    papers.labels.take(write(tmp_path, text), reading={"on_error": "skip", "report": told.append})
    assert len(told) == 1
    assert re.search(message, told[0])
    assert {id: label.value for id, label in papers.labels.items()} == {"p1": 1.0, "p3": 0.0}


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("id,verdict\np1,1\n", {}, "no field is named asreview_label, included, .*Fields seen: id, verdict.*--label"),
        ("id,verdict\np1,1\n", {"label": "verdct"}, "no field 'verdct' with the label. Did you mean 'verdict'"),
        ("id,label\np1,1\n", {"key": "doi"}, "no field 'doi' to find the document by.*--id"),
    ],
)
def test_a_field_that_is_not_there_is_named(tmp_path, text, options, message):
    """The file's own fields are told, or the one that was likely meant."""
    with pytest.raises(es.SourceError, match=message):
        read_labels(write(tmp_path, text), **options)


def test_a_file_of_another_kind_is_refused(tmp_path):
    """What labels cannot be read from, and a file that is not there."""
    with pytest.raises(es.SourceError, match=r"labels are read from .csv, .tsv, .xlsx, .jsonl and .ris, not '.pdf'"):
        read_labels(write(tmp_path, "", "labels.pdf"))
    with pytest.raises(es.SourceError, match="cannot be read: No such file"):
        read_labels(tmp_path / "none.csv")


def test_labels_can_be_matched_by_another_field(papers, tmp_path):
    """By DOI or title, whatever their case and spaces; every document that has it is labelled."""
    papers.add([es.Document("twin", "another text", title="paper 1", metadata={"doi": "10.1/abc.1"})])
    file = write(tmp_path, "doi,title,included\n10.1/Abc.1,Paper 1,1\n10.1/abc.3,PAPER   3,0\n")
    assert papers.labels.take(file, match="doi").labelled == 3
    assert {id: label.value for id, label in papers.labels.items()} == {"p1": 1.0, "twin": 1.0, "p3": 0.0}
    assert papers.labels.take(file, match="title").unchanged == 3
    with pytest.raises(es.QueryError, match=r"no document has a field 'doy' to match by. Did you mean 'doi'"):
        papers.labels.take(write(tmp_path, "doy,label\n1,1\n", "other.csv"), match="doy")


def test_what_is_contradicted_twice_is_told_once(papers, tmp_path):
    """However many records say otherwise than the first, one line names the document, and it has no label."""
    file, told = write(tmp_path, "id,label\np1,1\np2,1\np2,0\np2,0\n"), []
    papers.labels.take(file, reading={"on_error": "skip", "report": told.append})
    assert (len(told), list(papers.labels)) == (1, ["p1"])


def labelled(papers):
    """Return a screening of the papers with a label of each kind but for the fourth paper."""
    papers.labels.add("p1", "relevant", note='a note, with "quotes"\nand lines', author="ada")
    papers.labels.add("p2", "undecided", author="bob")
    papers.labels.add("p3", 0.25, author="bob")
    return Screening(papers)


def csv_of(records, file):
    """Write records as the command does, and return the file."""
    command = click.Command("x", callback=lambda: write_records(records, "csv") and None)
    file.write_text(CliRunner().invoke(command).stdout, "utf-8")
    return file


def test_an_export_imported_elsewhere_gives_the_same_labels(papers, tmp_path):
    """CSV keeps value, note, author and time of each label: another index of the papers then has the same."""
    screening = labelled(papers)
    file = csv_of(label_records(screening), tmp_path / "labels.csv")
    second = papers.labels.named("second")
    assert second.take(file).labelled == 3
    held = [(label.document, label.value, label.note, label.author, label.time) for label in papers.labels.values()]
    assert [(label.document, label.value, label.note, label.author, label.time) for label in second.values()] == held
    assert {label.by for label in second.values()} == {"import"}


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "ris"])
@pytest.mark.parametrize(
    "note",
    ["", "  lead and end ", "line1\r\nline2\n\n line4", "=1+1", "quote \" , comma; \ttab", "0", "nan", "\x1b[31mred",
     "first round said ASReview_irrelevant", "ASReview_relevant, said the first team", "日本 ü'"],
)  # fmt: skip
def test_an_export_brought_back_changes_nothing(papers, tmp_path, kind, note):
    """Into the same screening it is what is held; another has the same notes, and nobody where nobody is named."""
    papers.labels.add("p1", "relevant", note=note, author="")
    papers.labels.add("p2", 0, note=note, author="ada")
    file = tmp_path / f"labels.{kind}"
    shown = run("screen", "export", "-i", papers.path, "--only", "labelled", "-f", kind)
    file.write_bytes(shown.stdout_bytes)
    assert papers.labels.take(file).unchanged == 2
    second = papers.labels.named("second")
    assert second.take(file).labelled == 2
    for id, label in papers.labels.items():
        if kind == "ris":
            assert (second[id].value, second[id].note.split()) == (label.value, label.note.split())
        else:
            kept = (label.value, label.note, label.author, label.time)
            assert (second[id].value, second[id].note, second[id].author, second[id].time) == kept


def test_who_fills_in_a_list_is_who_labelled(papers, tmp_path, monkeypatch):
    """A row of the export without a time was not labelled by nobody: it was filled in by who imports it."""
    monkeypatch.setenv("EMBEDSEARCH_AUTHOR", "eve")
    papers.labels.add("p1", "relevant", author="")
    file = csv_of(label_records(Screening(papers)), tmp_path / "labels.csv")
    file.write_text(file.read_text("utf-8").replace("p2,,", "p2,0,"), "utf-8")
    second = papers.labels.named("second")
    assert second.take(file).labelled == 2
    assert (second["p1"].author, second["p2"].author) == ("", "eve")


def test_parts_of_an_export(papers):
    """Each part has the records that it names; labels of documents that are gone come last."""
    screening = labelled(papers)
    ids = {part: [record["id"] for record in label_records(screening, part)] for part in (None, *PARTS)}
    assert ids == {
        None: ["p1", "p2", "p3", "p4"],
        "relevant": ["p1"],
        "not-relevant": ["p3"],
        "undecided": ["p2"],
        "labelled": ["p1", "p2", "p3"],
        "unread": ["p4"],
    }
    papers.delete(["p1"])
    left = list(label_records(Screening(papers)))
    assert [record["id"] for record in left] == ["p2", "p3", "p4", "p1"]
    assert (left[-1]["label"], left[-1]["title"]) == ("relevant", "")


def test_asreview_columns(papers, tmp_path):
    """The columns that ASReview reads: yes, no or nothing, a ranking from 1, priors, note and time; and back again."""
    screening = labelled(papers)
    papers.labels.add("p4", "relevant", by="import", author="eve")
    papers.labels.undo()
    papers.labels.add("p4", 0, by="import", author="eve")
    records = list(asreview_records(screening))
    columns = ("id", "included", "asreview_label", "asreview_ranking", "asreview_prior")
    assert [tuple(record[name] for name in columns) for record in records] == [
        ("p1", 1, 1, 1, 0),
        ("p2", "", "", 2, 0),
        ("p3", 0, 0, 3, 0),
        ("p4", 0, 0, 4, 1),
    ]
    assert (records[0]["abstract"], records[0]["authors"], records[0]["year"]) == (
        "The abstract of paper 1.\nIts second line.", "Ada A.; Bob B.", 2001,
    )  # fmt: skip
    file = csv_of(iter(records), tmp_path / "asreview.csv")
    second = papers.labels.named("second")
    taken = second.take(file)
    assert (taken.labelled, taken.unlabelled) == (3, 1)
    assert {id: label.value for id, label in second.items()} == {"p1": 1.0, "p3": 0.0, "p4": 0.0}
    assert second["p1"].note == papers.labels["p1"].note


def test_the_ranking_of_asreview_has_no_gaps(papers):
    """Labels of documents that are not among the records take no place in it."""
    papers.labels.add(["p1", "p3"], "relevant")
    papers.labels.add("p4", "not relevant")
    screening = Screening(papers)
    screening.configure(where="year > 2001")
    records = [(one["id"], one["asreview_ranking"]) for one in asreview_records(screening)]
    assert records == [("p3", 1), ("p2", 2), ("p4", 3)]


def test_a_mark_of_zotero_and_of_several(papers, tmp_path):
    """A paragraph that holds nothing but marks is a mark, and a word in another note is then none."""
    text = "TY  - JOUR\nID  - p1\nN1  - <p>ASReview_relevant</p>\nN1  - was ASReview_irrelevant in May\nER  - \n"
    assert papers.labels.take(write(tmp_path, text, "zotero.ris")).labelled == 1
    assert (papers.labels["p1"].value, papers.labels["p1"].note) == (1.0, "was ASReview_irrelevant in May")


def test_ris_has_the_label_as_a_note(papers):
    """Each record is whole RIS: a type, an id, one line a field, ASReview's mark, an end."""
    first, second, third, fourth = ris_records(labelled(papers))
    assert first == (
        "TY  - JOUR\nID  - p1\nTI  - Paper 1\nAU  - Ada A.\nAU  - Bob B.\nPY  - 2001\nDO  - 10.1/ABC.1\n"
        "AB  - The abstract of paper 1. Its second line.\nN1  - ASReview_relevant\n"
        'N1  - a note, with "quotes" and lines\nER  - \n\n'
    )
    marks = ("ASReview_not_seen", "ASReview_irrelevant", "ASReview_not_seen")
    for record, mark in zip((second, third, fourth), marks, strict=True):
        assert f"N1  - {mark}\n" in record


def test_ris_exported_and_imported_gives_yes_and_no_again(papers, tmp_path):
    """What RIS can hold comes back: relevant, not relevant, and the note without ASReview's mark."""
    file = tmp_path / "all.ris"
    file.write_text("".join(ris_records(labelled(papers))), "utf-8")
    second = papers.labels.named("second")
    taken = second.take(file)
    assert (taken.labelled, taken.unlabelled) == (2, 2)
    assert {id: (label.value, label.note) for id, label in second.items()} == {
        "p1": (1.0, 'a note, with "quotes" and lines'),
        "p3": (0.0, ""),
    }
    third = papers.labels.named("third")
    assert third.take(file, match="doi").labelled == 2
    assert papers.labels.named("fourth").take(file, match="title").labelled == 2


@pytest.mark.parametrize("note", ["ASReview_irrelevant", "ASReview_relevant", "ASReview_not_seen; ASReview_relevant"])
def test_a_note_that_is_a_mark_goes_out_and_comes_back(papers, tmp_path, note):
    """A person's note is told from the label, which ASReview writes as a note too."""
    papers.labels.add("p1", "relevant", note=note)
    file = write(tmp_path, "".join(ris_records(Screening(papers))), "all.ris")
    second = papers.labels.named("second")
    assert second.take(file).labelled == 1
    assert (second["p1"].value, second["p1"].note) == (1.0, note)


RIS = (
    "TY  - JOUR\nID  - p1\nN1  - ASReview_relevant\nER  - \n\n{}"
    "TY  - JOUR\nID  - p3\nN1  - ASReview_irrelevant\nER  -\n"
)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("TY  - JOUR\nID  - p2\nN1  - ASReview_relevant\n", r"\.ris:6: the reference that begins here has no end"),
        ("TY  - JOUR\nID  - p2\nN1  - ASReview_relevant\nN1  - ASReview_irrelevant\nER  - \n", r":6: labelled both"),
        ("AB  - lost\n", r":6: a line outside of a reference"),
        ("TY  - JOUR\nID  - p9\nN1  - ASReview_relevant\nER  - \n", r":6: there is no document whose id is 'p9'"),
    ],
)
def test_a_broken_record_of_ris_is_named(papers, tmp_path, broken, message):
    """A record cut off, labelled both ways, a line outside, an unknown id: one line, and with skip all others."""
    file = write(tmp_path, RIS.format(broken), "labels.ris")
    with pytest.raises(es.SourceError, match=message):
        papers.labels.take(file)
    told = []
    papers.labels.take(file, reading={"on_error": "skip", "report": told.append})
    assert len(told) == 1
    assert re.search(message, told[0])
    assert {id: label.value for id, label in papers.labels.items()} == {"p1": 1.0, "p3": 0.0}


def test_ris_as_others_write_it(papers, tmp_path):
    """A byte order mark, carriage returns, other tags for the title, a mark among other words, no end."""
    first = "\ufeffTY  - JOUR\r\nT1  - Paper 1\r\nAB  - text\r\nN1  - read twice ASReview_relevant\r\nER  - \r\n"
    text = f"{first}TY  - JOUR\r\nT1  - Paper 2\r\n"
    file = write(tmp_path, text, "other.ris")
    told = []
    papers.labels.take(file, match="title", reading={"on_error": "skip", "report": told.append})
    assert {id: (label.value, label.note) for id, label in papers.labels.items()} == {"p1": (1.0, "read twice")}
    assert len(told) == 1
    assert "other.ris:6: the reference that begins here is cut off" in told[0]


def test_what_an_import_passes_over_is_told_on_one_line(papers, tmp_path):
    """Whatever the file is called and holds, as every other command tells it."""
    file = write(tmp_path, "id,label\np1,1\np2,maybee\n", "a\n\x1b[31mb.csv")
    done = run("screen", "import", file, "--on-error", "skip", "-i", papers.path)
    assert done.exit_code == 0
    passed_over, summary = done.stderr.splitlines()
    assert "b.csv:3: the label is 'maybee'; wanted 1 or 0" in passed_over
    assert "\x1b" not in passed_over
    assert "1 document labelled, 0 unchanged" in summary


def test_the_commands_import_and_export(papers, tmp_path):
    """import says what became of each record, export gives what import reads; a broken file leaves with 2."""
    folder = papers.path
    file = write(tmp_path, "id,label,note\np1,1,good\np2,0,\np3,,\n")
    done = run("screen", "import", file, "-i", folder, "-f", "json")
    assert json.loads(done.stdout) == {
        "labelled": 2, "unchanged": 0, "unlabelled": 1, "unknown": 0, "overruled": 0,
    }  # fmt: skip
    assert "2 documents labelled, 0 unchanged; 1 record without a label." in done.stderr
    shown = run("screen", "export", "-i", folder, "--only", "labelled", "-f", "csv")
    assert [line.split(",")[:3] for line in shown.stdout.splitlines()] == [
        ["id", "label", "note"], ["p1", "relevant", "good"], ["p2", "not relevant", ""],
    ]  # fmt: skip
    assert run("screen", "export", "-i", folder, "-f", "ris").stdout.count("ER  - ") == 4
    assert run("screen", "export", "-i", folder, "-f", "asreview").stdout.startswith("id,title,abstract,doi,")
    assert run("screen", "export", "-i", folder, "--only", "undecided", "-f", "csv").exit_code == 1
    broken = run("screen", "import", write(tmp_path, "id,label\np1,maybee\n", "b.csv"), "-i", folder)
    assert broken.exit_code == 2
    assert broken.stderr.count("\n") == 1
    assert "b.csv:2: the label is 'maybee'" in broken.stderr
    named = tmp_path / "c.csv"
    named.write_text("paper;said\np1;no\n\u00e4;no\n", "latin-1")
    fields = ["--id", "paper", "--label", "said", "--encoding", "latin-1", "--on-error", "skip"]
    assert "1 document labelled, 1 of them" in run("screen", "import", named, *fields, "-i", folder).stderr
    titled = write(tmp_path, "heading,label\nPAPER 2,1\n", "d.csv")
    assert "1 of them" in run("screen", "import", titled, "--match", "title", "--id", "heading", "-i", folder).stderr


def test_titles_that_match_the_same_document_cannot_contradict_one_another(papers, tmp_path):
    """By title case and blanks do not count: of two labels neither is taken, of two alike the first; again nothing."""
    text = "title,included,note\nPaper 1,1,\nPAPER  1,0,\npaper 1,0,\nPaper 2,1,one\npaper 2,1,two\nPaper 3,0,\n"
    file = write(tmp_path, text)
    place = ("--match", "title", "-i", tmp_path / "papers", "-f", "json")
    stopped = run("screen", "import", file, *place)
    assert stopped.exit_code == 2
    assert "'PAPER 1' is labelled 1 (" in stopped.stderr
    assert "and 0 (" in stopped.stderr
    for labelled, unchanged in ((2, 0), (0, 2)):
        taken = run("screen", "import", file, "--on-error", "skip", *place)
        assert (taken.exit_code, taken.stderr.count("leave one of the two out")) == (0, 1)
        counts = json.loads(taken.stdout)
        assert (counts["labelled"], counts["unchanged"], counts["unknown"]) == (labelled, unchanged, 0)
    with es.open(tmp_path / "papers") as index:
        labels = Screening(index, "main").labels
        held = {f"p{number}": labels.get(f"p{number}") for number in range(1, 5)}
    assert {id: label and (label.value, label.note) for id, label in held.items()} == {
        "p1": None, "p2": (1.0, "one"), "p3": (0.0, ""), "p4": None,
    }  # fmt: skip


def test_what_an_import_overrules_is_told(papers, tmp_path):
    """Each label that another one takes the place of is named with both; a note alone overrules nothing."""
    papers.labels.add("p1", "relevant", author="ada")
    papers.labels.add("p2", 0.7, author="")
    papers.labels.add("p3", "not relevant", author="ada")
    file = write(tmp_path, "id,label,note,labelled_by\np1,0,,ben\np2,undecided,,ben\np3,0,too old,ben\n")
    done = run("screen", "import", file, "-i", papers.path)
    assert done.stderr == (
        f"{file}:2: 'p1' was labelled relevant by ada; overruled by not relevant\n"
        f"{file}:3: 'p2' was labelled 0.7; overruled by undecided\n"
        f"{papers.path}: 3 documents labelled, 2 of them labelled differently before, 0 unchanged; "
        "0 records without a label.\n"
    )
    assert papers.labels.take(file).overruled == 0
    told = []
    assert papers.labels.named("apart").take(file, reading={"report": told.append}).overruled == 0
    assert told == []


def test_labels_without_a_suffix_are_refused(papers, tmp_path):
    """The line names what is read, and what was seen."""
    done = run("screen", "import", "-", "-i", papers.path)
    known = ".csv, .tsv, .xlsx, .jsonl and .ris"
    assert done.stderr == f"Error: -: labels are read from {known}, not a name without a suffix\n"


def test_references_of_several_databases_go_out_with_what_they_came_with(tmp_path):
    """However a database spells its fields; the title is kept without an abstract, and the DOI where it is the id."""
    scopus = "Authors,Title,Year,Source title,DOI,Link,Abstract,Author Keywords\n"
    scopus += '"Ulf, A.; Bo, B.",Wolves of the lake,2019,J. Wolves,10.1/W,https://w.org,They hunt.,wolf; lake\n'
    write(tmp_path, scopus, "scopus.csv")
    write(tmp_path, "TY  - JOUR\nTI  - Deer of the lake\nDO  - 10.1/D\nPY  - 2020\nER  - \n", "wos.ris")
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(es.read(tmp_path / "scopus.csv", tmp_path / "wos.ris"))
        wolves, deer = ris_records(Screening(index))
        assert [record["title"] for record in label_records(Screening(index))] == [
            "Wolves of the lake",
            "Deer of the lake",
        ]
        file = write(tmp_path, "DOI,included\n10.1/w,1\n10.1/d,0\n")
        assert index.labels.take(file, match="doi").labelled == 2
        titles = write(tmp_path, "title,included\ndeer of the  lake,0\nwolves of the lake,1\n", "titles.csv")
        assert index.labels.take(titles, match="title").unchanged == 2
        assert len(list(index.filter('doi == "10.1/D"'))) == 1
    assert wolves.splitlines()[1:-3] == [
        "ID  - 10.1/W", "TI  - Wolves of the lake", "AU  - Ulf, A.", "AU  - Bo, B.", "PY  - 2019", "JO  - J. Wolves",
        "DO  - 10.1/W", "UR  - https://w.org", "KW  - wolf", "KW  - lake", "AB  - They hunt.",
    ]  # fmt: skip
    assert deer.splitlines()[1:-3] == ["ID  - 10.1/D", "TI  - Deer of the lake", "PY  - 2020", "DO  - 10.1/D"]
