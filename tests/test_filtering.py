"""The filtering room: samples, the best, records as they stood, and profiles."""

import io
import os
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from conftest import ANIMALS
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

import embedsearch as es
from embedsearch.documents import read_stream
from embedsearch.filtering import Best, ParquetWriter, Profile, RecordWriter, Reservoir, draw, first, measuring_index
from embedsearch.filtering.sieve import counted
from embedsearch.index import Verdict, Wanted
from embedsearch.testing import HashEncoder


@given(st.lists(st.integers()), st.integers(0, 20), st.integers())
def test_a_reservoir_is_a_sample_in_order(stream, size, seed):
    """It keeps min(size, n) of the stream, in its order, and the same ones for the same seed."""
    sample = Reservoir(size, seed)
    again = Reservoir(size, seed)
    for place, one in enumerate(stream):
        sample.offer((place, one), place)
        again.offer((place, one), place)
    kept = sample.kept()
    assert len(kept) == min(size, len(stream))
    assert kept == sorted(kept)
    assert kept == again.kept()
    assert all(stream[place] == one for place, one in kept)


def test_every_part_of_a_stream_is_as_likely_in_a_sample():
    """Over 2,000 seeds each of 20 places is drawn 5 of 20 times: 500 ± 4 standard deviations."""
    counts = np.zeros(20)
    for seed in range(2000):
        sample = Reservoir(5, seed)
        for place in range(20):
            sample.offer(place, place)
        counts[sample.kept()] += 1
    assert abs(counts - 500).max() < 4 * np.sqrt(2000 * 0.25 * 0.75)


@given(st.lists(st.floats(allow_infinity=False) | st.sampled_from([0.0, 1.0])), st.integers(1, 10), st.booleans())
def test_the_best_are_those_that_sorting_gives(scores, size, lowest):
    """Best first, the earlier of equals before the later; NaN is never among them."""
    best = Best(size, lowest=lowest)
    for place, score in enumerate(scores):
        best.offer(place, score, place)
    known = [place for place, score in enumerate(scores) if not np.isnan(score)]
    wanted = sorted(known, key=lambda place: scores[place] if lowest else -scores[place])[:size]
    assert best.kept() == wanted


def test_parts_on_fields_are_asked_first_and_save_embedding(index, encoder):
    """Of three documents only the one of the right kind is embedded; the parts count 3, 1 and 1, 1."""
    documents = [es.Document(f"d{place}", text, metadata={"kind": kind}) for place, (text, kind) in
                 enumerate([("wolf", "animal"), ("prey", "x"), ("predator", "y")])]  # fmt: skip
    encoder.encoded.clear()
    verdicts = index.sift('predatoriness > 0.5 and kind == "y"', documents, Wanted(rejected=False, all_measured=False))
    assert [verdict.document.id for verdict in verdicts if verdict.passed] == ["d2"]
    assert encoder.encoded == ["predator"]
    assert [(count.part, count.seen, count.held, count.left) for count in verdicts.counts] == [
        ('kind == "y"', 3, 1, 1),
        ("predatoriness > 0.5", 1, 1, 1),
    ]
    assert counted(verdicts.counts)[-1].split("  ")[-1] == "predatoriness > 0.5"


def test_a_part_counts_alone_and_with_those_before_it(index):
    """Of five animals three are predators and two are large, and none is both."""
    documents = [index.get(f"id-{name}") for name in ("wolf", "spider", "shark", "whale", "sheep")]
    verdicts = index.sift("predatoriness > 0 and size > 0.5", documents)
    passed = [verdict.document.id for verdict in verdicts if verdict.passed]
    assert passed == []
    assert [(count.seen, count.held, count.left) for count in verdicts.counts] == [(5, 3, 3), (5, 2, 0)]


def test_sql_rules_documents_of_the_index_out_before_they_are_read(index):
    """A condition on a field and an axis reads only what the field allows, and finds the same as reading all."""
    where = 'year >= 2004 and not predatoriness > 0 and kind == "animal"'
    some = index.sift(where, None, Wanted(rejected=False, all_measured=False))
    found = [verdict.document.id for verdict in some if verdict.passed]
    every = [verdict.document.id for verdict in index.judge(where) if verdict.passed]
    assert found == every == ["id-mouse"]
    assert some.counts[0].part == 'year >= 2004 and kind == "animal"'
    assert (some.counts[0].seen, some.counts[0].left) == (8, 2)
    assert (some.total, some.counts[1].seen) == (8, 2)
    assert [step.name for step in some.steps] == ["condition on fields", "read and measure"]


def test_parts_count_on_where_the_index_changes_meanwhile(tmp_path, monkeypatch):
    """What SQL ruled in is asked again, and counted as it is now; all parts count all documents, in their order."""
    monkeypatch.setattr("embedsearch.index.selecting._OWN_DOCUMENTS", 2)
    with es.Index.create(tmp_path / "i", HashEncoder(16)) as index:
        index.add(
            es.Document(f"d{number}", f"text {number}", metadata={"kind": "a" if number else "b"})
            for number in range(8)
        )
        verdicts = index.sift(
            'kind == "a" and near("text 3") > -1 and text != "text 6"', None, Wanted(rejected=False, all_measured=False)
        )
        assert next(verdicts).document.id == "d1"
        index.add([es.Document("d4", "text 4", metadata={"kind": "b"})])
        index.delete(["d5"])
        assert [verdict.document.id for verdict in verdicts if verdict.passed] == ["d2", "d3", "d7"]
        assert [(count.part, count.seen, count.held, count.left) for count in verdicts.counts] == [
            ('kind == "a" and text != "text 6"', 7, 4, 4), ('near("text 3") > -1', 4, 4, 4),
        ]  # fmt: skip
        assert verdicts.total == 7


COUNTED = [
    ('kind != "plant" and not size > 0', 0),
    ('year >= 2001 and missing(kind) or near("shark") > 0.5', 0),
    ("size < p60 and predatoriness > size", 0),
    ('text != id and size > 0.5 and field("kind") in ["pair", "animal"]', 0),
    ('danger > p40 and near("grass") > 0.2', 10),  # each says a word that was rated
    ("not danger > 0", 10),
]


@pytest.mark.parametrize(("where", "read"), COUNTED)
def test_documents_are_counted_without_being_read(long_and_short, monkeypatch, where, read):
    """What is counted from columns is what verdicts on all count, whatever was deleted, updated or rated."""
    index, store = long_and_short, long_and_short._store
    index.add([es.Document("id-mouse", "mouse grass"), es.Document("z", "sheep", metadata={"year": 2003})])
    index.delete(["id-whale"])
    verdicts = index.judge(where)
    passed = sum(verdict.passed for verdict in verdicts)
    documents, seen = store.documents, []
    monkeypatch.setattr(store, "documents", lambda numbers: seen.extend(numbers) or documents(numbers))
    found = index.count(where)
    assert 0 < found.documents == passed < verdicts.total == 10
    assert found.parts == verdicts.counts
    assert len(seen) <= read


def test_an_empty_index_counts_none(tmp_path, encoder):
    """Of no documents none satisfies a condition; an axis without passages has no scale, as elsewhere."""
    with es.Index.create(tmp_path / "i", encoder) as index:
        assert index.count('id == "x" and near("wolf") > 0').documents == 0
        with pytest.raises(es.QueryError, match="no axis or field 'size'"):
            index.count("size > 0")


@pytest.fixture
def long_and_short(tmp_path, encoder, animals, axes):
    """Return an index of the animals with documents of two and three passages among them, and a rated axis."""
    pair, three = es.Document("w", "wolf grass", metadata={"kind": "pair"}), es.Document("s", "shark whale mouse")
    danger = es.Axis("danger", ratings=dict(zip(ANIMALS, [1, 9, 6, 2, 2, 10, 1, 7], strict=True)))
    with es.Index.create(tmp_path / "long", encoder, chunk_words=1, overlap=0) as made:
        made.add([*animals, pair, three])
        for axis in (*axes, danger):
            made.axes.save(axis)
        yield made


@pytest.mark.parametrize(
    ("where", "read", "parts"),
    [
        ("predatoriness > 0.5", "passing", ["predatoriness > 0.5"]),
        ("size < p60 and predatoriness > size", "passing", ["size < p60", "predatoriness > size"]),
        ('near("shark") > 0.5 or size > 0.5', "passing", ['near("shark") > 0.5 or size > 0.5']),
        ('kind != "plant" and not size > 0', "passing", ['kind != "plant"', "not size > 0"]),
        # A rated text stands where it was rated, so that its text is asked for; so is what a field says.
        ("danger > 0", "all", ["danger > 0"]),
        ("danger > 0 and size > 0", "large", ["size > 0", "danger > 0"]),
        ('size > 0.5 or kind == "pair"', "all", ['size > 0.5 or kind == "pair"']),
    ],
)
def test_documents_that_fail_by_their_vectors_alone_are_not_read(long_and_short, monkeypatch, where, read, parts):
    """The same documents pass as when a verdict is asked of each, and the parts count the same; fewer are read."""
    index, store = long_and_short, long_and_short._store
    every = list(index.judge(where))
    passing = [verdict.document.id for verdict in every if verdict.passed]
    assert 0 < len(passing) < len(every) == 10
    large = [verdict.document.id for verdict in index.judge("size > 0") if verdict.passed]
    wanted = {"passing": passing, "all": [verdict.document.id for verdict in every], "large": large}
    documents, seen = store.documents, []

    def noted(numbers):
        for document in documents(numbers):
            seen.append(document.id)
            yield document

    monkeypatch.setattr(store, "documents", noted)
    verdicts = index.sift(where, None, Wanted(rejected=False, all_measured=False))
    assert [verdict.document.id for verdict in verdicts if verdict.passed] == passing
    assert seen == wanted[read]
    assert [count.part for count in verdicts.counts] == parts
    assert (verdicts.total, verdicts.counts[-1].left) == (10, len(passing))


def test_reasons_name_the_sentence_that_is_missed_most(tmp_path):
    """Without its sentence on sharks the passage loses all its predatoriness: 1 of 2 against 0."""
    from embedsearch.testing import TableEncoder

    table = {
        "Grass grows. A shark bites.": [1.0, 0.0, 1.0], "A shark bites.": [1.0, 0.0, 0.0],
        "Grass grows.": [0.0, 0.0, 1.0],
        "low": [-1.0, 0.0, 0.0], "high": [1.0, 0.0, 0.0], "other": [0.0, 1.0, 0.0], "shark": [1.0, 0.0, 0.0],
    }  # fmt: skip
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        index.add([es.Document(text, text) for text in ("low", "high", "other")])
        index.axes.save(es.Axis("bite", ["low"], ["high"]))
        document = es.Document("d", "Grass grows. A shark bites.")
        (verdict,) = index.sift('bite > 0 and near("shark") > 0.9', [document], Wanted(explained=True, inverted=True))
        axis, near = verdict.reasons
        assert (axis.sentence, axis.start, axis.end, axis.holds) == ("A shark bites.", 13, 27, True)
        # The population lies at -1, 1 and 0 on x, its deviation is the root of 2/3; the passage at the root of 1/2.
        assert axis.value == pytest.approx(np.sqrt(0.5) / np.sqrt(2 / 3), abs=1e-6)
        assert (near.value, near.limit, near.holds) == (pytest.approx(np.sqrt(0.5), abs=1e-6), 0.9, False)
        assert verdict.to_dict()["reasons"][1]["part"] == 'near("shark") > 0.9'


def test_reasons_are_of_the_passage_that_lies_furthest_on_the_side_asked_for(tmp_path):
    """Of two passages, each embedded with the title: the higher for what rises or is near, the lower for what falls."""
    from embedsearch.testing import TableEncoder

    text = "Grass grows. A shark bites. Moss rots. A wolf waits."
    vectors = {
        text[:27]: [0.8, 0.0, 0.6], "A shark bites.": [1.0, 0.0, 0.0], "Grass grows.": [0.0, 0.0, 1.0],
        text[28:]: [-0.8, 0.0, 0.6], "A wolf waits.": [0.0, 0.0, 1.0], "Moss rots.": [-0.6, 0.0, 0.8],
    }  # fmt: skip
    table = {f"Life\n{key}": vector for key, vector in vectors.items()}
    table |= {"low": [-1.0, 0.0, 0.0], "high": [1.0, 0.0, 0.0], "shark": [1.0, 0.0, 0.0]}
    with es.Index.create(tmp_path / "i", TableEncoder(table), chunk_words=5, overlap=0) as index:
        index.add([es.Document("low", "low"), es.Document("high", "high")])
        index.axes.save(es.Axis("bite", ["low"], ["high"]))
        where = 'bite > -9 and bite < p90 and near("shark") > 0.5'
        (verdict,) = index.sift(where, [es.Document("d", text, title="Life")], Wanted(explained=True))
        assert [(one.sentence, text[one.start : one.end]) for one in verdict.reasons] == [
            ("A shark bites.",) * 2, ("Moss rots.",) * 2, ("A shark bites.",) * 2
        ]  # fmt: skip
        # Of the document the mean of its passages counts, and of nearness the nearest one; p90 is a coordinate.
        assert [one.value for one in verdict.reasons] == pytest.approx([0.0, 0.0, 0.8], abs=1e-6)
        assert verdict.reasons[1].limit == pytest.approx(index.axes["bite"].scale.at_percentile(90))
        assert [one.holds for one in verdict.reasons] == [True, True, True]


def test_a_denied_comparison_asks_for_the_other_side(tmp_path):
    """Reasons and the order of the best are the same for ``not bite > 0`` as for ``bite <= 0``."""
    from embedsearch.testing import TableEncoder

    whole, grass, shark = "Grass grows. A shark bites.", "Grass grows.", "A shark bites."
    table = {whole: [-0.2, 0.0, 1.0], shark: [1.0, 0.0, 0.0], grass: [-1.0, 0.0, 1.0],
             "low": [-1.0, 0.0, 0.0], "high": [1.0, 0.0, 0.0], "other": [0.0, 1.0, 0.0]}  # fmt: skip
    with es.Index.create(tmp_path / "i", TableEncoder(table)) as index:
        index.add([es.Document(text, text) for text in ("low", "high", "other")])
        index.axes.save(es.Axis("bite", ["low"], ["high"]))
        for where in ("bite <= 0", "not bite > 0", "not (not bite <= 0)"):
            (verdict,) = index.sift(where, [es.Document("d", whole)], Wanted(explained=True))
            assert (verdict.passed, verdict.reasons[0].sentence) == (True, grass)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (0, 2, 1), (1, 1, 1)])
def test_documents_of_a_stream_without_text_lie_nowhere(tmp_path, order):
    """They pass by their fields, compare with no coordinate, and shift nothing to their neighbours."""
    given = [es.Document("a", "wolf", metadata={"y": 1}), es.Document("b", " \n", metadata={"y": 1}),
             es.Document("c", "grass", metadata={"y": 2})]  # fmt: skip
    stream = [given[place] for place in order]
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add([given[0], given[2]])
        index.axes.save(es.Axis("size", ["small"], ["large"]))
        assert [one.id for one in index.filter("y == 1", stream)] == [one.id for one in stream if one.id != "c"]
        near = index.sift('near("wolf") > 0.99', stream, Wanted(explained=True, axes=("size",), inverted=True))
        found = [(one.document.id, one.passed, bool(one.reasons)) for one in near]
        assert found == [(one.id, one.id == "a", one.id == "c") for one in stream]
        assert [one.id for one in index.filter("size > -99", stream)] == [one.id for one in stream if one.id != "b"]
        assert list(index.filter("size > size", stream)) == []


def test_one_and_true_are_two_questions(tmp_path):
    """Python takes 1 for True; what was found for one is not the answer to the other, in either order."""
    flags = {"a": "yes", "b": 1, "c": "1.0", "d": "no"}
    answers = {"flag == true": ["a", "b", "c"], "flag == 1": ["b", "c"], "flag in [true]": ["a", "b", "c"]}
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add(es.Document(id, f"wolf {id}", metadata={"flag": flag}) for id, flag in flags.items())
    for order in (list(answers), list(answers)[::-1]):
        with es.open(tmp_path / "i", encoder=HashEncoder()) as index:
            assert [[one.id for one in index.filter(where)] for where in order] == [answers[where] for where in order]
            assert [one.id for one in index.filter("flag == 1 and flag == true")] == ["b", "c"]


def test_who_iterates_may_write_and_gets_nothing_that_fails(tmp_path):
    """What changed since the question was asked is judged as it is now: an update, a new text under an old number."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add(es.Document(f"d{n}", f"wolf {n}", metadata={"year": 2000}) for n in range(600))
        passed = []
        for document in index.filter('year >= 2000 and near("wolf") > -2'):
            if not passed:
                index.delete(["d599"])
                index.add([es.Document(id, "late", metadata={"year": 1900}) for id in ("late", "d500")])
                index.add([es.Document("new", "late", metadata={"year": 2001})])
            passed.append(document.id)
    assert {"d500", "late", "d599"}.isdisjoint(passed)
    assert {f"d{n}" for n in range(599) if n != 500} <= set(passed)


def test_records_keep_their_bytes_marks_and_encodings(tmp_path):
    """All records of a file through a writer give the file: CRLF, UTF-16 with its mark, no line end at the end."""
    texts = {"a.csv": ("id,text\r\n1,wölf\r\n2,\"a\r\nb\"", "utf-16"), "b.csv": ("id;text\n1;wölf\n", "latin-1"),
             "c.jsonl": ('{"text": "wolf"}\n{"text": "狼"}', "utf-8-sig"),
             "d.csv": ("sep=;\r\nid;text\r\n1;wölf\r\n", "utf-16")}  # fmt: skip
    for name, (text, encoding) in texts.items():
        file = tmp_path / name
        file.write_bytes(text.encode(encoding))
        given_encoding = encoding if encoding == "latin-1" else None
        with (tmp_path / "out").open("wb") as stream:
            writer = RecordWriter(stream, given_encoding)
            writer.write(verdicts_on(es.read(file, encoding=given_encoding)))
        assert (tmp_path / "out").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_records_of_a_stream_keep_their_mark_and_encoding(encoding):
    """What comes from a stream goes out in its bytes, as what comes from a file does."""
    content = "id,text\r\n1,wölf\r\n2,sheep\r\n".encode(encoding)
    out = io.BytesIO()
    RecordWriter(out).write(verdicts_on(read_stream(io.BytesIO(content), format="csv")))
    assert out.getvalue() == content


def test_a_pipe_is_opened_once():
    """All that is written into a pipe comes out, though much of it still waits there when the first record does."""
    reading, writing = os.pipe()
    content = "".join(f'{{"id": "{n}", "text": "{"x" * 80}"}}\n' for n in range(5000)).encode()
    with open(writing, "wb") as pipe:
        thread = threading.Thread(target=lambda: (pipe.write(content), pipe.close()))
        thread.start()
        out = io.BytesIO()
        documents = es.read(f"/dev/fd/{reading}", format="jsonl")
        RecordWriter(out).write(Verdict(document, True) for document in documents)
        thread.join()
    os.close(reading)
    assert out.getvalue() == content


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-be", "cp1252"])
def test_no_mark_is_written_that_the_source_does_not_have(tmp_path, encoding):
    """An encoding that puts a byte order mark before every text gives a source without one back as it is."""
    header, records, end = (
        text.encode(encoding).removeprefix("".encode(encoding)) for text in ("id,text\n", "1,wölf\n2,sheep", "\n")
    )
    file = tmp_path / "a.csv"
    file.write_bytes(header + records)
    out = io.BytesIO()
    writer = RecordWriter(out, encoding)
    writer.write(verdicts_on(es.read(file, encoding=encoding)))
    assert out.getvalue() == header + records
    writer.write(verdicts_on(es.read(file, encoding=encoding)))
    assert out.getvalue() == header + records + end + records


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (("a.csv", "id,text\n1,wolf\n"), ("b.jsonl", '{"text": "wolf"}\n'), "of another format"),
        (("a.csv", "id,text\n1,wolf\n"), ("b.csv", "text,id\nwolf,1\n"), "under another header"),
        (("a.jsonl", '{"text": "wolf"}\n'), ("b.csv", "id,text\n1,wolf\n"), "of another format"),
        (("a.csv", "id,text\n1,wolf\n"), ("b.txt", "A wolf."), "of another format"),
        (("a.csv", "id,text\n1,wolf\n"), ("b.csv", "\ufeffid,text\n1,wolf\n"), None),
        (("a.csv", "id,text\n1,wolf\n"), ("b.csv", "id,text\r\n2,fox\r\n"), None),
        (("a.jsonl", '{"text": "wolf"}\n'), ("b.txt", "A wolf."), None),
    ],
)
def test_records_that_make_no_file_together_are_refused(tmp_path, first, second, said):
    """Several formats or headers cannot stand in one file as they are; what can be read back is written."""
    for name, text in (first, second):
        (tmp_path / name).write_bytes(text.encode())
    documents = list(es.read(tmp_path / first[0], tmp_path / second[0]))
    stream = io.BytesIO()
    writer = RecordWriter(stream)
    if said is None:
        writer.write(verdicts_on(documents))
        (tmp_path / first[0]).write_bytes(stream.getvalue())
        assert [one.text for one in es.read(tmp_path / first[0])] == [one.text for one in documents]
        return
    with pytest.raises(es.QueryError, match=rf"{second[0]}.* is {said} than .*{first[0]}.*such as -f jsonl"):
        writer.write(verdicts_on(documents))
    (tmp_path / "c.csv").write_bytes("id,text\n1,wölf\n".encode("utf-16"))
    mixed = [next(es.read(tmp_path / name)) for name in (first[0], "c.csv")]
    with pytest.raises(es.QueryError, match=r"in another encoding|of another format"):
        RecordWriter(io.BytesIO()).write(verdicts_on(mixed))


def test_abbreviations_stand_where_they_stood(tmp_path):
    """Each is written once, before the entry that it stood before; a second value is none for entries before it."""
    text = '@string{j = "A"}\n@article{a, title=j}\n\n@string{k = "B"}\n@article{b, title=k}\n\n@string{j = "C"}\n'
    (tmp_path / "a.bib").write_text(f"{text}@article{{c, title=j}}\n")
    documents = list(es.read(tmp_path / "a.bib"))
    stream = io.BytesIO()
    RecordWriter(stream).write(verdicts_on(documents))
    assert stream.getvalue().decode() == f"{text}@article{{c, title=j}}\n"
    with pytest.raises(es.QueryError, match=r"a\.bib:5 defines the abbreviation 'j' differently"):
        RecordWriter(io.BytesIO()).write(verdicts_on(documents[::-1]))


STRINGS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["One", "Two {x}"]), st.integers(0, 2), st.booleans()), max_size=6
)


@given(st.lists(STRINGS, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_abbreviations_hold_for_every_entry_and_are_written_once(tmp_path_factory, files, random):
    """Entries of BibTeX files, in any order, say the same afterwards; what would change their meaning is refused."""
    folder = tmp_path_factory.mktemp("bib")
    for number, parts in enumerate(files):
        text, known = "", set()
        for place, (name, value, entries, parted) in enumerate(parts):
            known.add(name)
            text += f'@string{{{name} = "{value}"}}' + ("\n" if parted else " ")
            for each in range(entries):
                own = random.choice(sorted(known))
                text += f"@article{{k{number}x{place}x{each}, title={{T}}, journal={own}}}\n\n"
        (folder / f"{number}.bib").write_text(text)
    documents = [one for file in sorted(folder.iterdir()) for one in es.read(file)]
    random.shuffle(documents)
    values = {(name, value) for parts in files for name, value, *_ in parts}
    are_clear = len({name for name, _ in values}) == len(values)
    stream = io.BytesIO()
    try:
        RecordWriter(stream).write(verdicts_on(documents))
    except es.QueryError:
        assert not are_clear
        return
    (folder / "out.bib").write_bytes(stream.getvalue())
    assert [one.metadata for one in es.read(folder / "out.bib")] == [one.metadata for one in documents]
    strings = [line.strip() for line in stream.getvalue().decode().splitlines() if line.startswith("@string")]
    assert len(strings) == len(set(strings)) or not are_clear


def verdicts_on(documents):
    """Return verdicts that let everything through."""
    return [Verdict(document, True) for document in documents]


def test_parquet_rows_keep_their_types_and_order(tmp_path):
    """Rows come out with their column types, in the order asked for, over row groups and batches."""
    rows = pa.table({"text": [f"t{n}" for n in range(10_000)], "n": pa.array(range(10_000), pa.int16()),
                     "day": pa.array([n % 300 for n in range(10_000)], pa.date32())})  # fmt: skip
    parquet.write_table(rows, tmp_path / "a.parquet", row_group_size=3000)
    documents = list(es.read(tmp_path / "a.parquet"))
    wanted = [0, 1, 2999, 3000, 5000, 9999]
    for order in (wanted, wanted[::-1]):
        with (tmp_path / "out.parquet").open("wb") as stream:
            ParquetWriter(stream).write(verdicts_on(documents[place] for place in order), at_once=2)
        assert parquet.read_table(tmp_path / "out.parquet").equals(rows.take(order))
    with (tmp_path / "none.parquet").open("wb") as stream:
        ParquetWriter(stream, [str(tmp_path / "a.parquet")]).write([])
    assert parquet.read_table(tmp_path / "none.parquet").schema.equals(rows.schema)
    with pytest.raises(es.QueryError, match=r"not a row of a \.parquet file"), (tmp_path / "x").open("wb") as stream:
        ParquetWriter(stream).write(verdicts_on([es.Document("a", "b", source="a.csv:2")]))


def test_of_many_parquet_files_one_is_open_at_a_time(tmp_path):
    """Rows of any number of files come out in their order, however the files are called."""
    names = [tmp_path / f"{number}.parquet" for number in (*range(9, -1, -1), *range(10, 50))]
    for place, name in enumerate(names):
        parquet.write_table(pa.table({"text": [f"{place} a", f"{place} b", f"{place} c"]}), name)
    most = 0

    def watched(verdicts):
        nonlocal most
        for verdict in verdicts:
            most = max(most, sum(".parquet" in link_of(entry) for entry in Path("/proc/self/fd").iterdir()))
            yield verdict

    documents = list(es.read(*names))
    with (tmp_path / "out").open("wb") as stream:
        ParquetWriter(stream).write(watched(verdicts_on(documents)), at_once=4)
    assert parquet.read_table(tmp_path / "out")["text"].to_pylist() == [document.text for document in documents]
    assert most == 1


def link_of(entry):
    """Return what a file descriptor is of; nothing where it is closed by now."""
    try:
        return str(entry.readlink())
    except OSError:
        return ""


def test_a_population_is_drawn_from_a_stream_and_scales_the_axes(tmp_path):
    """Without an index axes are scaled on the documents given; ids that come twice are no obstacle."""
    documents = [es.Document("same", f"text {number}", record=f"{number}\n") for number in range(50)]
    sample, total = draw(documents, 20, seed=3)
    assert (len(sample), total) == (20, 50)
    head, whole = first(iter(documents), 5)
    assert (len(head), list(whole)) == (5, documents)
    axis = es.Axis("x", ["low"], ["high"])
    with measuring_index(tmp_path / "i", HashEncoder(), axes=[axis], population=documents) as index:
        coordinates = [verdict.coordinates["x"] for verdict in index.judge("x > -99", documents, axes=["x"])]
        assert np.mean(coordinates) == pytest.approx(0, abs=1e-5)
        assert np.std(coordinates) == pytest.approx(1, abs=1e-5)
        assert len(list(index.filter("x > p80", documents))) == 10


@pytest.mark.parametrize("ids", [["a", "a", "a#1"], ["a#1", "a", "a"], ["a", "a#2", "a", "a", "a#2", "a#2#4"]])
def test_ids_of_a_population_are_told_apart_whatever_they_are(tmp_path, ids):
    """The first of an id keeps it, by which it may be rated, also where another is told apart by such a name."""
    documents = [es.Document(id, f"text {place}") for place, id in enumerate(ids)]
    with measuring_index(tmp_path / "i", HashEncoder(), population=documents) as index:
        assert [document.text for document in index.documents()] == [document.text for document in documents]
        assert all(index.get(id).text == f"text {ids.index(id)}" for id in ids)


def test_a_profile_gives_the_same_coordinates_on_other_documents(tmp_path):
    """What is measured by a profile is what the index measured that it was made on, formulas among it."""
    documents = [es.Document(f"d{number}", f"text {number}") for number in range(40)]
    axes = [es.Axis("x", ["low"], ["high"]), es.Axis("y", ["a"], ["b"]), es.Axis("z", formula="x - 2*y")]
    new = [es.Document(f"n{number}", f"new {number}") for number in range(10)]
    with measuring_index(tmp_path / "i", HashEncoder(), axes=axes, population=documents) as index:
        first_run = index.judge("z > p50", new, axes=["z", "x"])
        wanted = [(verdict.passed, dict(verdict.coordinates)) for verdict in first_run]
        kept = Profile.of("z", index, first_run.judge.means.axes, condition="z > p50", rank=None, population="forty")
    (tmp_path / "p.json").write_text(kept.to_json(), "utf-8")
    loaded = Profile.load(tmp_path / "p.json")
    assert (loaded.name, loaded.condition, loaded.population, list(loaded.axes)) == (
        "z",
        "z > p50",
        "forty",
        ["x", "y", "z"],
    )
    with loaded.index(tmp_path / "j", HashEncoder()) as index:
        found = [
            (verdict.passed, dict(verdict.coordinates)) for verdict in index.judge("z > p50", new, axes=["z", "x"])
        ]
    assert found == wanted
    with pytest.raises(es.QueryError, match="save it again"):
        loaded.index(tmp_path / "k", HashEncoder(name="another"))


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "cannot be read: Expecting value"), ("[]", "is not a profile of format 1"),
     ('{"format": 2}', "is not a profile of format 1"), ('{"format": 1}', "is damaged: KeyError"),
     ('{"format": 1, "condition": null, "rank": "size", "axes": 3}', "is damaged: AttributeError"),
     ('{"format": 1, "condition": 5, "rank": null, "axes": {}}', "is damaged: .*'condition' is 5, not a text")],
)  # fmt: skip
def test_a_file_that_is_no_profile_is_one_line(tmp_path, content, said):
    """Whatever stands in it."""
    (tmp_path / "p.json").write_text(content)
    with pytest.raises(es.QueryError, match=rf"p\.json {said}"):
        Profile.load(tmp_path / "p.json")
    with pytest.raises(es.QueryError, match="there is no profile"):
        Profile.load(tmp_path / "q.json")


def test_a_hundred_thousand_identical_records_are_embedded_once(tmp_path):
    """Where vectors are kept, the same text is encoded once, and all records come out."""
    encoder = HashEncoder()
    documents = (es.Document("same", "a wolf", record="x\n") for _ in range(100_000))
    with measuring_index(tmp_path / "i", encoder, cache=tmp_path / "c") as index:
        count = sum(verdict.passed for verdict in index.judge('near("a wolf") > 0.9', documents))
    assert count == 100_000
    assert encoder.encoded.count("a wolf") == 2  # as the phrase, and as the text


def test_a_coordinate_is_the_same_to_the_last_bit_however_it_is_asked_for(tmp_path):
    """Placed with many axes or alone, filtered, or given again: who is at or above p100 is one and the same passage."""
    axes = [es.Axis(f"a{number}", [f"low {number}"], [f"high {number}"]) for number in range(12)]
    axes += [es.Axis("g", groups=[["one"], ["two"], ["three"]]), es.Axis("f", formula="a0 * a1 + g")]
    with es.Index.create(tmp_path / "i", HashEncoder(100)) as index:
        documents = [es.Document(f"d{number}", f"text {number}") for number in range(61)]
        index.add(documents)
        index.axes.save_all(axes)
        together = {place.id: place.coordinates for place in index.place_all()}
        again = index.judge(None, documents, axes=[axis.name for axis in axes])
        assert {verdict.document.id: dict(verdict.coordinates) for verdict in again} == together
        for axis in axes:
            alone = {place.id: place.coordinates[axis.name] for place in index.place_all([axis.name])}
            assert alone == {id: places[axis.name] for id, places in together.items()}
            (highest,) = (id for id, place in alone.items() if place == max(alone.values()))
            for where in (f"{axis.name} >= p100", f"{axis.name} >= {alone[highest]!r}"):
                assert [document.id for document in index.filter(where)] == [highest]
                assert [document.id for document in index.filter(where, documents)] == [highest]
                assert [place.id for place in index.place_all([axis.name], where=where)] == [highest]
            assert not list(index.filter(f"{axis.name} > p100"))
