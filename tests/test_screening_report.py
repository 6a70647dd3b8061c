"""The record of a screening, for an appendix."""

import json

import pytest
from markdown_it import MarkdownIt

import embedsearch as es
from embedsearch.index.label import Decision
from embedsearch.screening import Screening
from embedsearch.screening.report import as_markdown, report
from embedsearch.testing import HashEncoder


def test_the_report_has_what_an_appendix_needs(pile):
    """Settings with seed and versions, the flow, who labelled what when, the evidence, and every event."""
    screening = Screening(pile)
    screening.configure(where="year < 2030", seed=5)
    pile.labels.add("d00", "relevant", author="ada", by="likely")
    pile.labels.add("d01", "not relevant", author="ada", by="likely")
    pile.labels.add(["d02", "d03"], "undecided", author="bob", by="import")
    pile.labels.undo(author="ada")
    ids = screening.draw_audit(4)
    pile.labels.add(ids, "not relevant", author="ada")
    record = json.loads(json.dumps(report(screening)))
    assert record["settings"]["seed"] == 5
    assert record["versions"]["embedsearch"] == es.__version__
    assert record["versions"]["encoder"] == "hash"
    assert record["flow"] == {
        "identified": 40, "identified_by_source": {"old.csv": 10, "new.csv": 30}, "duplicates_removed": 0,
        "removed_before_screening": 10, "records": 30, "screened": 7, "included": 1, "excluded": 5, "undecided": 1,
        "not_screened": 23,
    }  # fmt: skip
    assert [(one["author"], one["records"], one["imported"], one["given"]) for one in record["labellers"]] == [
        ("ada", 6, 0, 6),
        ("bob", 1, 1, 1),
    ]
    assert record["proposed_by"] == {"likely": 2, "import": 1, "audit": 4}
    assert [event["kind"] for event in record["events"]] == [
        "settings",
        *["label"] * 4,
        "undo",
        "audit",
        *["label"] * 4,
    ]
    assert [event["undone"] for event in record["events"] if event["kind"] == "label"][:4] == [False] * 3 + [True]
    assert record["events"][-1]["id"] == ids[-1]
    assert record["progress"]["samples"][0] == {
        "event": 7, "size": 4, "read": 4, "found": 0, "undecided": 0, "unread": 27, "joined": 0, "by": "audit",
    }  # fmt: skip
    assert [(one["id"], one["label"], one["author"]) for one in record["labels"]][:3] == [
        ("d00", "relevant", "ada"), ("d01", "not relevant", "ada"), ("d02", "undecided", "bob"),
    ]  # fmt: skip
    text = as_markdown(record)
    assert f"| d00 | relevant | ada | {record['labels'][0]['time']} | likely |  |" in text
    for line in (
        "| seed | 5 |", "| where | year < 2030 |",
            "| records identified (in the index, or deleted as duplicates) | 40 |", "| duplicate records removed | 0 |",
        "| … from old.csv | 10 |", "| records screened | 7 |", "| … relevant | 1 |",
        "| records not screened (left unread) | 23 |", "| 1 to 6 | 1 |",
        "Audit sample (event 7): 4 records drawn at random from 27 not read; 4 read, 0 of these relevant.",
    ):  # fmt: skip
        assert line in text
    for estimate in record["progress"]["estimates"]:
        assert f"at least {estimate['recall_at_least']:.1%} with 95% confidence" in text


def test_who_labelled_adds_up_to_what_was_screened(pile):
    """Each record counts once, for who gave the label that stands; what lies outside of the records counts nowhere."""
    screening = Screening(pile)
    screening.configure(where="year < 2010", seed=20_240_101)
    for author, id, value in (
        ("ada", "d00", 1), ("ada", "d00", 0), ("ben", "d00", 1), ("ada", "d01", 0), ("ada", "d20", 1), ("", "d02", 0.5),
    ):  # fmt: skip
        pile.labels.add(id, value, author=author, by="likely")
    record = report(screening)
    assert [(one["author"], one["records"], one["given"]) for one in record["labellers"]] == [
        ("ada", 1, 4), ("ben", 1, 1), ("", 1, 1),
    ]  # fmt: skip
    assert record["flow"]["screened"] == sum(one["records"] for one in record["labellers"]) == 3
    assert record["proposed_by"] == {"likely": 3}
    text = as_markdown(record)
    assert "| who | records | of these imported | labels given in total | first | last |" in text
    assert "| seed | 20240101 |" in text


@pytest.mark.parametrize(
    ("times", "first", "last"),
    [
        (["2024-03-01T23:30:00-05:00", "2024-03-02T04:00:00+00:00", "2024-03-02T05:00"], 1, 2),
        (["2024-03-02T09:00:00+09:00", "2024-03-01T23:00:00Z", "1 March"], 1, 0),
        (["on Friday", "1 March"], 1, 0),
        (["0001-01-01T00:00:00+05:00", "2024-03-01"], 1, 1),
    ],
)
def test_first_and_last_are_told_across_time_zones(pile, times, first, last):
    """Labels of other programs come with their own zone, without any, or in words."""
    pile.labels.add_all([Decision(f"d{place:02d}", 1, author="ada", time=time) for place, time in enumerate(times)])
    (one,) = report(Screening(pile))["labellers"]
    assert (one["first"], one["last"]) == (times[first], times[last])


def test_whatever_people_write_is_shown_as_text_in_the_report(tmp_path):
    """Line ends, pipes, markup and HTML in ids, notes and names stand in the cells of the table as they were given."""
    ids = ["<img src=x onerror=alert(1)>", "a_b__c_ *d*", "[x](http://y) ![z](u)", "&lt;b&gt; & `code` ~~old~~", "e"]
    notes = ["x\r\n# head | y", "a\\|b \\", "<!-- \u2028 -->", "\\\\| |", "__init__"]
    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add(es.Document(id, f"text {number}") for number, id in enumerate(ids))
        screening = Screening(index, "<b>|")
        for id, note in zip(ids, notes, strict=True):
            screening.labels.add(id, "relevant", note=note, author="<i>ada</i>", by="*x*")
        text = as_markdown(report(screening))
    shown = MarkdownIt("commonmark").enable("table").parse(text)
    kinds = {token.type for line in shown for token in line.children or ()}
    assert kinds <= {"text", "text_special", "strong_open", "strong_close", "softbreak"}
    assert not any(token.type == "html_block" for token in shown)
    said = ["".join(token.content for token in line.children or ()) for line in shown if line.type == "inline"]
    assert said[0] == "Screening '<b>|'"
    assert [text for text in said if text in ids] == ids
    assert [text for text in said if text in [" ".join(note.splitlines()) for note in notes]] == [
        "x # head | y", "a\\|b \\", "<!--   -->", "\\\\| |", "__init__",
    ]  # fmt: skip
    assert said.count("<i>ada</i>") == 6
    assert "Records were proposed by: *x* 5." in said


def test_a_report_of_a_screening_that_has_not_begun(pile):
    """It says so in each of its tables."""
    text = as_markdown(report(Screening(pile, "new")))
    assert text.startswith("# Screening 'new'")
    assert text.count("None yet.") == 4
    assert "| records screened | 0 |" in text
