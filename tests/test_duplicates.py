"""Duplicates: what is the same, what speaks against it, and that deleting what is given loses nothing."""

import json
import random
from itertools import combinations

import pytest
from conftest import run
from hypothesis import given
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.duplicates import Finder, Fingerprints, Record, compare, ranks
from embedsearch.duplicates.record import words
from embedsearch.screening import Screening
from embedsearch.testing import HashEncoder

WOLVES = (
    "We followed nine packs of wolves over four winters and recorded each hunt. Packs of five to seven took the most "
    "prey for each animal, while larger ones had to share what they killed with those that had only looked on."
)
SHEEP = (
    "Six flocks were watched from a hide through two summers. None of the sheep that lay at the edge was taken more "
    "often than those in the middle, which speaks against the old account of why they crowd when a dog appears."
)
LONG_TITLE = "How many wolves of the north hunt in the winter"


def document(id: str, text: str = WOLVES, title: str = "Wolves of the north", **fields: object) -> es.Document:
    """Return a document with fields."""
    return es.Document(id, text, title=title, metadata=fields)


def between(one: es.Document, other: es.Document, same: float = 0.8):
    """Return what comparing two documents gives, whichever comes first."""
    first, second = Record.of(one), Record.of(other)
    assert compare(first, second, same) == compare(second, first, same)
    return compare(first, second, same)


@pytest.fixture
def make(tmp_path):
    """Return what makes an index of documents; it is closed in the end."""
    made = []

    def index_of(*documents: es.Document) -> es.Index:
        made.append(es.Index.create(tmp_path / f"i{len(made)}", HashEncoder(8)))
        made[-1].add(documents)
        return made[-1]

    yield index_of
    for one in made:
        one.close()


# -- two records -----------------------------------------------------------------------------------------


def test_the_same_record_from_two_databases():
    """Another spelling of title and DOI, and a publisher's line, leave it the same."""
    match = between(
        document("p", doi="10.1000/N.1", year=2019, authors=["Ulf, A."]),
        document("s", f"{WOLVES} (C) 2019 Elsevier Ltd.", "WOLVES OF THE NORTH.", DOI="https://doi.org/10.1000/n.1",
                 Year="2020", Authors="Ulf, Anna"),
    )  # fmt: skip
    assert match.by == ("doi", "title", "text")
    assert match.same == 1.0
    assert match.against == ()


def test_same_is_the_share_of_the_shorter_ones_runs_of_three_words():
    """Counted by hand: of a b c, b c d, c d e the other one has the first two."""
    match = between(document("x", "a b c d e", ""), document("y", "a b c d f g", ""), same=0.6)
    assert match.same == pytest.approx(2 / 3)
    assert match.by == ("text",)
    assert between(document("x", "a b c d e", ""), document("y", "a b c d f g", ""), same=0.7) is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"doi": "10.1000/1"}, {"doi": "10.1000/2"}, ("doi differs",)),
        ({"pmid": 1}, {"pmid": 2}, ("pmid differs",)),
        ({"year": 1998}, {"year": "2000"}, ("years 1998 and 2000",)),
        ({"year": 1998}, {"year": "1999"}, ()),
        ({"authors": "Ulf, Anna"}, {"authors": ["Bo, B."]}, ("authors differ",)),
        ({"authors": "Ulf A, Bo B, Kim C"}, {"authors": "Kim D, Lee E, Park F"}, ("authors differ",)),
        ({"authors": "Ulf, Anna; Bo, Berta"}, {"authors": "Ulf A"}, ()),
        ({"authors": "Ulf A, Bo B"}, {"authors": "Ulf A, Kim C"}, ()),
        ({"title": "Wolves of the north, part 1"}, {"title": "Wolves of the north, part 2"}, ("titles differ",)),
        ({"title": f"{LONG_TITLE}: part A"}, {"title": f"{LONG_TITLE}: part B"}, ("titles differ",)),
        ({"title": "Wolves of the north"}, {"title": "Hunting in packs through the winter"}, ("titles differ",)),
        ({"title": "Wolves of the north: nine packs in 1999"}, {"title": "Wolves of the north"}, ()),
        ({"title": "Wolves go north: nine packs in 1999"}, {"title": "Wolves go north"}, ("titles differ",)),
        ({"doi": "10.1000/1", "year": 1990}, {"doi": "10.1000/1", "year": 2001}, ()),
        ({"doi": "10.1000/1", "title": "Wolves"}, {"doi": "10.1000/1", "title": "Of packs"}, ()),
    ],
)
def test_what_speaks_against_records_of_one_text(one, other, expected):
    """Each of these is said; one DOI settles years and titles."""
    assert between(document("x", **one), document("y", **other)).against == expected


def test_one_title_over_two_texts_is_doubtful():
    """A title alone does not make texts the same that share nothing."""
    match = between(document("x"), document("y", SHEEP))
    assert (match.by, match.against) == (("title",), ("texts differ",))
    assert match.same < 0.2


def test_one_doi_over_two_texts_is_doubtful():
    """Chapters may have the DOI of their book."""
    match = between(document("x", doi="10.1/1"), document("y", SHEEP, "Flocks in summer", doi="10.1/1"))
    assert match is None  # 10.1 is no DOI: registrants have four digits or more
    match = between(document("x", doi="10.1000/1"), document("y", SHEEP, "Flocks in summer", doi="10.1000/1"))
    assert (match.by, match.against) == (("doi",), ("texts differ", "titles differ"))


def test_texts_differ_that_have_less_than_half_in_common():
    """Counted by hand: two of four runs of three words are half, two of five are less."""
    half, less = (
        between(
            document("x", f"a b c d {one}", "", doi="10.1000/1"), document("y", f"a b c d {other}", "", doi="10.1000/1")
        )
        for one, other in (("e f", "g h"), ("e f g", "h i j"))
    )
    assert (half.same, "texts differ" in half.against) == (0.5, False)
    assert (less.same, "texts differ" in less.against) == (0.4, True)


def test_eight_words_settle_a_title_alone():
    """Where neither authors nor a year are known, seven are still a short title."""
    for title, against in (("Of wolves that hunt in winter alone", ("only a short title",)), (LONG_TITLE[9:], ())):
        assert between(document("x", title, "", pages=1), document("y", WOLVES, title)).against == against


def test_a_reference_without_an_abstract_is_known_by_its_title():
    """Its text is its title, as references are read."""
    title = "Wolves of the north and how they share what they kill"
    assert between(document("x", title, "", year=2019), document("y", WOLVES, title, year=2019)).against == ()
    most = WOLVES.split()[:40]
    assert len(Record.of(document("x", " ".join(most), "")).title) == 40
    assert Record.of(document("x", " ".join([*most, "on"]), "")).title == ()


@pytest.mark.parametrize("fields", [{"year": 2019}, {"authors": "Ulf A"}, {}])
def test_a_short_title_alone_is_doubtful_or_nothing(fields):
    """Many are called Reply to Ulf; what is called Reply is not told by that at all."""
    match = between(document("x", "Reply to Ulf", "", **fields), document("y", WOLVES, "Reply to Ulf", year=2019))
    assert match.against == ("only a short title",)
    assert between(document("x", "A reply", "", **fields), document("y", WOLVES, "A reply", year=2019)) is None


def test_the_same_authors_settle_a_short_title():
    """So does, from five words on, the year."""
    one, other = (
        document("x", "Reply to Ulf", "", authors="Bo B"),
        document("y", WOLVES, "Reply to Ulf", authors="Bo, B."),
    )
    assert between(one, other).against == ()
    title = "Reply to Ulf on wolves"
    assert between(document("x", title, "", year=1), document("y", WOLVES, title, year=1)).against
    four = "Reply to Ulf again"
    assert between(document("x", four, "", year=2001), document("y", WOLVES, four, year=2001)).against
    assert not between(document("x", title, "", year=2001), document("y", WOLVES, title, year=2001)).against


def test_phrases_are_the_same_unless_a_field_differs():
    """Phrases have no title: shark the animal is not shark the person."""
    animal = document("x", "shark", "", kind="animal", weight=80)
    assert between(animal, document("y", "Shark", "", kind="animal")).against == ()
    assert between(animal, document("y", "Shark", "", kind="person")).against == ("kind differs",)
    assert between(animal, document("y", "sharks", "")) is None


def test_a_part_is_no_copy():
    """A text with less than half of the words of another is not the same by its words."""
    half = " ".join(WOLVES.split()[:21])
    assert len(WOLVES.split()) == 41
    assert between(document("x", half, ""), document("y", WOLVES, "")).by == ("text",)
    assert between(document("x", " ".join(WOLVES.split()[:20]), ""), document("y", WOLVES, "")) is None


# -- many records ----------------------------------------------------------------------------------------


def copies_of(documents, labelled=()):
    """Return the copies among documents, as (id, kept, is it sure)."""
    records = [Record.of(one) for one in documents]
    fingerprints = Fingerprints()
    for record in records:
        fingerprints.add(record)
    order = ranks([record.size for record in records], set(labelled))

    def lookup(places):
        assert list(places) == sorted(set(places))
        return {place: records[place] for place in places}

    found = Finder(lookup, order, set(labelled), 0.8).copies(fingerprints.pairs())
    return [(records[copy.place].id, records[copy.kept].id, not copy.match.against) for copy in found]


def sentences(lot: random.Random, count: int) -> str:
    """Return made-up sentences of ten words each."""
    syllables = ["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "wu"]
    return ". ".join(" ".join("".join(lot.choices(syllables, k=3)) for _ in range(10)) for _ in range(count))


def respelled(text: str, lot: random.Random) -> str:
    """Return a text with one of its words changed and a line behind it."""
    split = text.split(" ")
    split[lot.randrange(len(split))] = "changed"
    return " ".join(split).upper() + " All rights reserved."


def test_the_pairs_compared_are_those_that_comparing_all_would_find():
    """Nothing that is the same is missed by looking at fingerprints alone, among 300 texts of one to nine sentences."""
    lot = random.Random(0)
    documents = []
    for number in range(200):
        text = sentences(lot, 1 + number % 9)
        documents.append(es.Document(f"{number}", text))
        if number % 2:
            documents.append(es.Document(f"{number} again", respelled(text, lot)))
    records = [Record.of(one) for one in documents]
    fingerprints = Fingerprints()
    for record in records:
        fingerprints.add(record)
    compared = set(map(tuple, fingerprints.pairs().tolist()))
    same = {
        (one, other) for one, other in combinations(range(len(records)), 2) if compare(records[one], records[other])
    }
    assert len(same) > 80
    assert same <= compared
    assert len(compared) < 2 * len(same)


@given(st.lists(st.lists(st.sampled_from(["wolf", "sheep", "spider", "web"]), min_size=1, max_size=6), max_size=25))
def test_what_is_given_can_be_deleted(texts):
    """No sure copy is kept elsewhere, each was compared with what is kept, and equal texts leave one.

    Doubtful ones are about what is left then, and none is kept for another.
    """
    documents = [es.Document(str(number), " ".join(text)) for number, text in enumerate(texts)]
    found = copies_of(documents)
    sure = {id for id, _, is_sure in found if is_sure}
    doubtful = {id for id, _, is_sure in found if not is_sure}
    assert not sure & {kept for _, kept, _ in found}
    assert not doubtful & {kept for _, kept, is_sure in found if not is_sure}
    assert len(found) == len(sure) + len(doubtful)
    by_id = {one.id: one for one in documents}
    for id, other, is_sure in found:
        match = between(by_id[id], by_id[other])
        assert bool(match.against) != is_sure
    left = [tuple(words(one.text)) for one in documents if one.id not in sure]
    assert len(left) == len(set(left))


def test_very_many_copies_of_one_text_cost_as_many_comparisons():
    """Of 5,000 identical texts all are compared with the first, or the one before, not each with each."""
    records = [Record.of(es.Document(str(number), WOLVES)) for number in range(5_000)]
    fingerprints = Fingerprints()
    for record in records:
        fingerprints.add(record)
    pairs = fingerprints.pairs()
    assert len(pairs) < 2 * len(records)
    order = ranks([record.size for record in records], ())
    found = Finder(lambda places: {place: records[place] for place in places}, order, (), 0.8).copies(pairs)
    assert [copy.kept for copy in found] == [0] * 4_999


def test_a_family_of_versions_leaves_one():
    """Thirty versions, of which each differs from each, are all copies of the longest."""
    lot = random.Random(1)
    text = sentences(lot, 12)
    versions = [es.Document(f"v{number}", respelled(text, lot)) for number in range(30)]
    longest = es.Document("longest", f"{text}. And one more sentence at the end of it")
    found = copies_of([*versions[:15], longest, *versions[15:]])
    assert sorted(id for id, _, _ in found) == sorted(one.id for one in versions)
    assert {(kept, is_sure) for _, kept, is_sure in found} == {("longest", True)}


def test_a_chain_of_versions_keeps_what_nothing_kept_says():
    """The last of a chain shares too little with the first; it stays, though one between is like both."""
    text = sentences(random.Random(2), 20).split(" ")
    first, second, third = (" ".join(text[start : start + 140]) for start in (0, 25, 50))
    documents = [es.Document("first", first), es.Document("second", second), es.Document("third", third)]
    assert between(documents[0], documents[1])
    assert between(documents[1], documents[2])
    assert between(documents[0], documents[2]) is None
    assert copies_of(documents) == [("second", "first", True)]


def test_a_long_chain_of_versions_has_copies_to_its_end():
    """Each version is like the one before and the one behind alone: every second one is a copy, to the last."""
    text = sentences(random.Random(2), 60).replace(".", "").split()
    versions = [es.Document(f"v{number}", " ".join(text[6 * number :][:60])) for number in range(90)]
    assert between(versions[88], versions[89])
    assert between(versions[87], versions[89]) is None
    assert copies_of(versions) == [(f"v{number}", f"v{number - 1}", True) for number in range(1, 90, 2)]


def test_what_is_kept_has_a_label_else_says_more_else_came_first():
    """Of three the longest is kept, of equal ones the one with more fields; a label comes before both."""
    documents = [document("a"), document("b", f"{WOLVES} (C) 2019."), document("c"), document("d", volume=3)]
    assert [kept for _, kept, _ in copies_of(documents)] == ["b", "b", "b"]
    assert [kept for _, kept, _ in copies_of([documents[0], documents[2], documents[3]])] == ["d", "d"]
    assert copies_of([documents[0], documents[2]]) == [("c", "a", True)]
    assert [kept for _, kept, _ in copies_of(documents, labelled=[2])] == ["c", "c", "c"]


# -- an index --------------------------------------------------------------------------------------------


def test_an_index_gives_its_duplicates(make):
    """Ids, reasons, numbers and titles; what leaves for pandas has these columns, also where nothing was found."""
    index = make(document("p", year=2019), document("q", SHEEP, "Flocks"), document("s", f"{WOLVES} (C) 2019."))
    (one,) = index.duplicates()
    assert one == es.Duplicate("p", "s", ("title", "text"), 1.0, (), "Wolves of the north", "Wolves of the north")
    assert one.to_dict()["by"] == ["title", "text"]
    columns = ["id", "kept", "by", "same", "against", "title", "kept_title"]
    assert list(index.duplicates().to_pandas().columns) == columns
    assert list(index.duplicates(where="year > 3000").columns()) == columns
    assert index.delete_duplicates(index.duplicates().sure) == 1
    assert len(index.duplicates()) == 0


def test_a_family_in_an_index_leaves_one(make):
    """Its records are looked up by their places, in whatever order the family is met."""
    lot = random.Random(3)
    text = sentences(lot, 12)
    versions = [es.Document(f"v{number}", respelled(text, lot)) for number in range(30)]
    index = make(*versions[:9], es.Document("longest", f"{text}. And one more sentence at the end"), *versions[9:])
    found = index.duplicates()
    assert {(one.kept, one.against) for one in found} == {("longest", ())}
    assert [one.id for one in found] == [one.id for one in versions]


def test_labels_of_any_screening_keep_a_document(make):
    """One that is labelled is kept; two that are labelled are doubtful."""
    index = make(document("p"), document("s", f"{WOLVES} (C) 2019."))
    index.labels.named("hunters").add("p", "relevant")
    assert [(one.id, one.kept, one.against) for one in index.duplicates()] == [("s", "p", ())]
    index.labels.add("s", "not relevant")
    found = index.duplicates()
    assert [one.against for one in found] == [("both are labelled",)]
    assert len(found.sure) == 0
    index.labels.undo()
    assert [(one.id, one.kept, one.against) for one in index.duplicates()] == [("s", "p", ())]


def test_only_what_satisfies_a_condition_is_compared(make):
    """A document outside of the condition is neither given nor kept."""
    index = make(document("p", year=2019), document("s", year=2019), document("t", year=2020))
    assert [(one.id, one.kept) for one in index.duplicates(where="year == 2019")] == [("s", "p")]
    assert len(index.duplicates(where="year == 2020")) == 0


def test_progress_is_told(make):
    """All documents are read, then all pairs compared."""
    told, compared = [], []
    index = make(*(document(str(number)) for number in range(300)))
    index.duplicates(progress=lambda *done: told.append(done), comparing=lambda *done: compared.append(done))
    assert told == [(256, 300), (300, 300)]
    assert compared[-1][0] == compared[-1][1] > 0


def test_duplicates_that_are_gone_are_refused(make):
    """Nothing is deleted where one of them is there no more."""
    index = make(document("p"), document("s"), document("q", SHEEP, ""), document("r", SHEEP, ""))
    found = index.duplicates().sure
    assert [one.id for one in found] == ["s", "r"]
    index.delete("s")
    with pytest.raises(es.QueryError, match="no document 's'; nothing was deleted"):
        index.delete_duplicates(found)
    assert index.ids() == ["p", "q", "r"]


def relabelled(index):
    index.labels.named("second").add("p", "relevant")


OTHERS = [
    (lambda index: index.delete("s"), "'s', kept in the place of 'p', is not in the index any more"),
    (relabelled, "'p' was labelled since"),
    (lambda index: index.add(document("s", SHEEP)), "'p' or 's' has changed since"),
    (lambda index: index.add(document("s", f"{WOLVES} (C) 2019.", doi="10.1000/n.2")), "'p' or 's' has changed since"),
    (lambda index: index.add(document("p", f"{WOLVES} {SHEEP}")), "'p' or 's' has changed since"),
]


@pytest.mark.parametrize(("others", "message"), OTHERS)
def test_what_others_do_meanwhile_loses_no_record(others, message, make):
    """Between finding and deleting a colleague labels, an ingest changes, a delete takes: then nothing is deleted."""
    index = make(document("p", doi="10.1000/n.1"), document("s", f"{WOLVES} (C) 2019.", doi="10.1000/n.1", year=2019))
    found = index.duplicates().sure
    assert [(one.id, one.kept) for one in found] == [("p", "s")]
    others(index)
    before = index.ids()
    with pytest.raises(es.QueryError, match=f"{message}.*; nothing was deleted. Find the duplicates again"):
        index.delete_duplicates(found)
    assert index.ids() == before
    assert not index.deleted_duplicates()


def test_two_lists_do_not_delete_both_of_a_pair(make):
    """Which is kept depends on the labels: of lists that were found before and after one, each deletes the other's."""
    index = make(document("p"), document("s"))
    before = index.duplicates()
    index.labels.add("s", "relevant")
    after = index.duplicates()
    assert [(one.id, one.kept) for one in [*before, *after]] == [("s", "p"), ("p", "s")]
    with pytest.raises(es.QueryError, match="are each to be kept in the place of the other"):
        index.delete_duplicates(es.Duplicates([*before, *after]))
    assert index.delete_duplicates(after) == 1
    assert index.ids() == ["s"]


def test_what_is_doubtful_can_be_deleted_by_who_has_seen_it(make):
    """Also of two that are both labelled, and what sure copies are kept in: something is left of each."""
    index = make(
        document("p", year=2019), document("s", f"{WOLVES} (C) 2019.", year=2019),
        document("t", SHEEP, "Of wolves and sheep", year=2001), document("u", "Of wolves and sheep", "", year=2002),
        document("v", SHEEP, "Wolves of the north", year=2010), document("w", SHEEP, "Wolves of the north", year=2010),
    )  # fmt: skip
    for id in ("p", "s"):
        index.labels.add(id, "relevant")
    found = index.duplicates()
    assert {one.against for one in found} > {("both are labelled",), ()}
    assert {one.id for one in found} & {one.kept for one in found} == {"v"}
    assert index.delete_duplicates(found) == len(found) == 4


@pytest.mark.parametrize("same", [0, -1, 1.5, "0.8", None, float("nan")])
def test_the_share_is_a_number_above_0_and_at_most_1(same, make):
    """Anything else is refused with what is wanted."""
    with pytest.raises(es.QueryError, match="wanted a number above 0 and at most 1"):
        make(document("p")).duplicates(same=same)


# -- the command -----------------------------------------------------------------------------------------


@pytest.fixture
def papers(make):
    """Return the folder of an index with one duplicate and two doubtful ones."""
    index = make(
        document("p1", doi="10.1000/N.1", year=2019),
        document("p2", SHEEP, "Flocks\nin summer", year=2020),
        document("s1", f"{WOLVES} (C) 2019.", "WOLVES OF THE NORTH", doi="https://doi.org/10.1000/n.1", year="2019"),
        document("s2", "Wolves of the north", "", year=2014),
        document("s3", f"{SHEEP} (C) 2020.", "Herds and what they are afraid of", year=2020),
    )
    return index.path


def test_the_command_shows_why(papers):
    """Sure ones alone, a line on stderr with how many more may be; with --doubtful what speaks against each."""
    result = run("duplicates", "-f", "table", "-i", papers)
    assert result.exit_code == 0
    assert "p1   s1     doi, title, text   1.000" in result.stdout
    assert "s2" not in result.stdout
    advice = (
        f"{papers}: 1 document is the same as another; 2 more may be: embedsearch duplicates --doubtful -i {papers}"
    )
    assert result.stderr.strip() == advice
    result = run("duplicates", "--doubtful", "-f", "table", "-i", papers)
    assert "years 2014 and 2019" in result.stdout
    assert "Flocks in summer | kept: Herds" in " ".join(result.stdout.split())
    assert result.stderr.strip() == f"{papers}: 1 document is the same as another; 2 more may be."


def test_programs_get_the_same(papers):
    """JSON lines and CSV have one record a duplicate; ids are those that need not be read."""
    records = [json.loads(line) for line in run("duplicates", "--doubtful", "-i", papers).stdout.splitlines()]
    assert [(one["id"], one["kept"], one["by"]) for one in records] == [
        ("p1", "s1", ["doi", "title", "text"]), ("p2", "s3", ["text"]), ("s2", "s1", ["title"])
    ]  # fmt: skip
    assert run("duplicates", "-f", "ids", "-i", papers).stdout == "p1\n"
    assert (
        run("duplicates", "-f", "csv", "-i", papers).stdout.splitlines()[0]
        == "id,kept,by,same,against,title,kept_title"
    )


def test_they_are_deleted_where_that_is_asked(papers):
    """What nothing speaks against is deleted and printed; the same again finds nothing to do."""
    result = run("duplicates", "--delete", "-f", "ids", "-i", papers)
    assert (result.exit_code, result.stdout) == (0, "p1\n")
    assert f"{papers}: 1 document was the same as another and deleted; 2 more may be: " in result.stderr
    with es.open(papers) as index:
        assert index.ids() == ["p2", "s1", "s2", "s3"]
    result = run("duplicates", "--delete", "-f", "ids", "-i", papers)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "0 documents were the same as another and deleted; 2 more may be" in result.stderr


def test_what_is_doubtful_is_not_deleted_unseen(papers):
    """Both options together are refused, and nothing is deleted."""
    result = run("duplicates", "--delete", "--doubtful", "-i", papers)
    assert result.exit_code == 2
    assert "leave --doubtful out, and delete doubtful documents by their ids: embedsearch delete ID" in result.stderr
    with es.open(papers) as index:
        assert len(index.ids()) == 5


def test_the_record_of_a_screening_counts_deleted_duplicates(papers):
    """They were identified, and removed; one that is ingested again is no removed one any more."""
    with es.open(papers) as index:
        Screening(index).configure(where="year >= 2019")
    run("duplicates", "--delete", "-i", papers)
    flow = json.loads(run("screen", "report", "-f", "json", "-i", papers).stdout)["flow"]
    counts = {name: flow[name] for name in ("identified", "duplicates_removed", "removed_before_screening", "records")}
    assert counts == {"identified": 5, "duplicates_removed": 1, "removed_before_screening": 1, "records": 3}
    assert sum(flow["identified_by_source"].values()) == 5
    assert "| duplicate records removed | 1 |" in run("screen", "report", "-i", papers).stdout
    with es.open(papers, HashEncoder(8)) as index:
        index.compact()
        assert list(index.deleted_duplicates()) == ["p1"]
        index.add(document("p1"))
        assert index.deleted_duplicates() == {}


def test_nothing_found_is_said(papers, make):
    """Where nothing is the same, and where nothing is in the index."""
    result = run("duplicates", "--where", "year == 2014", "-i", papers)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Nothing found: no document is the same as another" in result.stderr
    assert "the index is empty" in run("duplicates", "-i", make().path).stderr


@pytest.mark.parametrize("share", ["0", "1.1", "much", "nan"])
def test_a_wrong_share_is_refused(share, papers):
    """One line, exit code 2."""
    result = run("duplicates", "--same", share, "-i", papers)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "same" in result.stderr
