"""RIS, PubMed's format and BibTeX: every field arrives, records stand as they stood, broken ones are named."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from conftest import run
from hypothesis import given, settings
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.documents import read_stream

RIS = """TY  - JOUR
ID  - 12
T1  - Ambush from below
AU  - Müller, A.
AU  - Smith, B.
N2  - The shark waits
 under the seal.
PY  - 2019/03/01
DO  - 10.1/x
KW  - shark
N1  - first note
N1  - second note
XX  - odd
ER  -

TY  - BOOK
TI  - Of wolves and lenders
Y1  - 2004
ER  -
"""
NBIB = """PMID- 101
OWN - NLM
TI  - Ambush hunting in jumping spiders: what a lamp
      reveals of the last leap.
AB  - They wait. Then they
      leap.
FAU - Müller, Anna
AU  - Müller A
AU  - Smith B
DP  - 2019 Mar 1
JT  - Journal of small hunters
MH  - Spiders
MH  - Predatory Behavior
LID - 10.1/abc [doi]

PMID- 102
TI  - No abstract here.
DP  - 2001

"""
BIB = r"""A comment between entries.
@string{jsh = "Journal of Small Hunters"}
@article{muller2019,
  author = {M{\"u}ller, Anna and Smith, B.},
  title = "The {W}olf and the lamb",
  abstract = {Prey {nested {braces}} \& more, caf\'e.},
  year = 2019, month = mar, journal = jsh,
  Keywords = {wolf, lamb}
}

@comment{nothing}
@book{lender, title = {Of lenders}, year = {2004}}
"""
SOURCES = {"ris": RIS, "nbib": NBIB, "bib": BIB}


def read(given: str | bytes, format: str, **options) -> list[es.Document]:
    """Return the documents of a text."""
    raw = given.encode("utf-8") if isinstance(given, str) else given
    return list(read_stream(io.BytesIO(raw), name=f"refs.{format}", format=format, **options))


def test_ris_fields():
    """Names are those of rispy; title, abstract and year are found under whatever tag; lists stay lists."""
    first, second = read(RIS, "ris")
    assert (first.id, first.title, first.text) == ("12", "Ambush from below", "The shark waits under the seal.")
    assert first.metadata == {
        "type_of_reference": "JOUR", "authors": ["Müller, A.", "Smith, B."], "year": 2019, "date": "2019/03/01",
        "doi": "10.1/x", "keywords": ["shark"], "notes": ["first note", "second note"], "XX": "odd",
    }  # fmt: skip
    assert (second.id, second.title, second.text) == ("refs.ris#2", "", "Of wolves and lenders")
    assert second.metadata["year"] == 2004
    assert (first.source, second.source) == ("refs.ris:1", "refs.ris:16")


def test_nbib_fields():
    """Continued lines are joined, tags have names, repeated ones are lists, the doi is found."""
    first, second = read(NBIB, "nbib")
    assert first.id == "101"
    assert first.title == "Ambush hunting in jumping spiders: what a lamp reveals of the last leap."
    assert first.text == "They wait. Then they leap."
    assert first.metadata == {
        "OWN": "NLM", "full_authors": ["Müller, Anna"], "authors": ["Müller A", "Smith B"], "year": 2019,
        "date": "2019 Mar 1", "journal": "Journal of small hunters", "mesh_terms": ["Spiders", "Predatory Behavior"],
        "LID": "10.1/abc [doi]", "doi": "10.1/abc",
    }  # fmt: skip
    assert (second.id, second.text, second.metadata["year"]) == ("102", "No abstract here.", 2001)


def test_bibtex_fields():
    """Accents become letters, abbreviations are written out, authors are a list, the month a number."""
    first, second = read(BIB, "bib")
    assert (first.id, first.title) == ("muller2019", "The Wolf and the lamb")
    assert first.text == "Prey nested braces & more, café."
    assert first.metadata == {
        "entry_type": "article", "authors": ["Müller, Anna", "Smith, B."], "year": 2019, "month": 3,
        "journal": "Journal of Small Hunters", "keywords": ["wolf", "lamb"],
    }  # fmt: skip
    assert (second.id, second.text, second.metadata["year"]) == ("lender", "Of lenders", 2004)
    assert (first.source, second.source) == ("refs.bib:3", "refs.bib:12")


@pytest.mark.parametrize("format", ["ris", "nbib"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_records_stand_as_they_stood(format, end):
    """Put together the records are the file, whatever its line ends."""
    text = SOURCES[format].replace("\n", end)
    assert "".join(document.record for document in read(text, format)) == text
    marked = b"\xef\xbb\xbf" + text.encode("utf-8")
    assert [one.text for one in read(marked, format)] == [one.text for one in read(SOURCES[format], format)]


def test_bibtex_records_carry_the_abbreviations_they_need():
    """An entry is its own lines; what they abbreviate is the header."""
    first, second = read(BIB, "bib")
    assert first.record == BIB[BIB.index("@article") : BIB.index("@comment")]
    assert second.record == BIB[BIB.index("@book") :]
    assert first.header == '@string{jsh = "Journal of Small Hunters"}\n'
    assert read(first.header + first.record, "bib")[0].metadata["journal"] == "Journal of Small Hunters"


@pytest.mark.parametrize("format", SOURCES)
def test_a_filter_passes_records_as_they_stood(tmp_path, predation, format):
    """What a filter passes is a file of the same format, its records byte for byte those of the source."""
    file = tmp_path / f"refs.{format}"
    file.write_text(SOURCES[format], "utf-8", newline="")
    done = run("filter", file, "--where", "year >= 2010", "-i", predation)
    assert done.exit_code == 0, done.stderr
    first = read(SOURCES[format], format)[0]
    assert done.stdout == first.header + first.record
    assert "1 of 2 documents passed" in done.stderr


@pytest.mark.parametrize(
    ("format", "text", "kept", "said"),
    [
        ("ris", RIS + "TY  - JOUR\nTI  - cut\n", 2, "refs.ris:20: the reference that begins here is cut off"),
        ("ris", RIS.replace("XX  - odd\nER  -\n", ""), 1, "refs.ris:1: the reference that begins here has no end"),
        ("ris", "hello\nworld\n" + RIS, 2, "refs.ris:1: a line outside of a reference"),
        ("ris", RIS.replace("\n\nTY", "\n\nhello\nworld\n\nTY"), 2, "refs.ris:16: a line outside of a reference"),
        ("nbib", "TI  - lost\n" + NBIB, 2, "refs.nbib:1: a line outside of a citation"),
        ("bib", BIB.replace("lamb}\n}", "lamb\n}"), 1, "refs.bib:3: the entry that begins here is not closed before"),
        ("bib", BIB + "@misc{x, title = {never closed\n", 2, "refs.bib:13: the entry that begins here is never closed"),
        ("bib", BIB + "@misc{\n title = {no key}}\n", 2, "refs.bib:13: not an entry of BibTeX"),
        ("bib", BIB + "@article{wolf title = {Wolves}}\n", 2,
         "refs.bib:13: not an entry of BibTeX: '@article{wolf title = {Wolves}}'; wanted is @type{key, field"),
        ("bib", BIB + "@misc{x, title={a}, title={b}}\n", 2, "refs.bib:13: not an entry of BibTeX: Duplicate field"),
        ("bib", BIB + "@misc{x, title={a}, Title={b}}\n", 2,
         "refs.bib:13: not an entry of BibTeX: the field 'Title' stands in it twice"),
        ("bib", BIB + "@misc{x,\n title={a}\n year={2000}\n}\n", 2,
         "refs.bib:13: the field 'title' goes on behind its end, at 'year={2000}'; a comma is missing"),
        ("bib", BIB + "@comment{never closed\n", 2, "refs.bib:13: the entry that begins here is never closed"),
        ("ris", "TY  - JOUR\nstray\nTI  - x\nER  - \n" + RIS, 2, "refs.ris:2: a line that belongs to no field"),
        ("nbib", NBIB.replace("DP  - 2001", "hello"), 1, "refs.nbib:18: a line that belongs to no field"),
        ("nbib", NBIB + "PMID- \nTI  - no number\n", 2, "refs.nbib:20: a citation without a number behind 'PMID-'"),
    ],
)  # fmt: skip
def test_broken_records_are_named_and_lose_nothing_else(format, text, kept, said):
    """A broken record stops the reading, or is reported with its place; all others are read."""
    with pytest.raises(es.SourceError) as caught:
        read(text, format)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    reported: list[str] = []
    assert len(read(text, format, on_error="skip", report=reported.append)) == kept
    assert [line for line in reported if line.startswith(said)]
    assert len(reported) == 1


@pytest.mark.parametrize("format", SOURCES)
def test_bytes_that_are_no_text_are_named(format):
    """A record in another encoding is named with its line, and the one behind it is read."""
    raw = SOURCES[format].encode("utf-8").replace(b"lender", b"l\xffnder").replace(b"They wait", b"They\xff wait")
    reported: list[str] = []
    assert len(read(raw, format, on_error="skip", report=reported.append)) == 1
    assert "is not utf-8" in reported[0]
    assert (
        read(SOURCES[format].encode("latin-1"), format, encoding="latin-1")[0].text
        == read(SOURCES[format], format)[0].text
    )


@pytest.mark.parametrize("place", ["before", "between"])
def test_bytes_that_are_no_text_are_named_outside_of_references_too(place):
    """A line that cannot be read may have been the beginning of one: it is named, and all others are read."""
    stray = b"\xff\n"
    raw = RIS.encode() + stray * (place == "between") + RIS.encode().replace(b"\nID  - ", b"\nID  - 2")
    reported: list[str] = []
    found = read(stray * (place == "before") + raw, "ris", on_error="skip", report=reported.append)
    assert len(found) == 2 * len(read(RIS, "ris"))
    assert [("is not utf-8" in line) for line in reported] == [True]


def test_fields_can_be_named():
    """--text and --id take any field; a missing one is refused with those there are."""
    first = read(RIS, "ris", text=["title", "abstract"], id="doi")[0]
    assert (first.id, first.title) == ("10.1/x", "")
    assert first.text == "Ambush from below\n\nThe shark waits under the seal."
    with pytest.raises(es.SourceError, match=r"no field 'abstrct' for --text\. Did you mean 'abstract'"):
        read(RIS, "ris", text="abstrct")


def test_the_same_id_twice_is_refused_with_its_place(tmp_path):
    """Two references with one id: one line that says where the second stands."""
    file = tmp_path / "twice.ris"
    file.write_text(RIS + RIS, "utf-8")
    done = run("ingest", file, "-i", tmp_path / "index")
    assert done.exit_code == 2
    assert "twice.ris:20: the id '12' occurred before in this run" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_library_is_named(monkeypatch):
    """Without the extra the message says how to get it."""
    import sys

    monkeypatch.setitem(sys.modules, "rispy", None)
    with pytest.raises(es.SourceError, match=r'needs rispy; install it with: pip install "embedsearch\[references\]"'):
        read(RIS, "ris")


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        ({"T2": "Annals of Ice"}, {"journal": "Annals of Ice"}),
        ({"T2": "Annals of Ice", "JO": "Ann Ice"}, {"journal": "Ann Ice", "secondary_title": "Annals of Ice"}),
        ({"T2": "Annals of Ice", "JA": "A.I."}, {"journal": "Annals of Ice", "alternate_title2": "A.I."}),
        ({"T2": "", "JA": "A.I."}, {"journal": "A.I.", "secondary_title": ""}),
        (
            {"T2": "Series B", "JA": "A.I.", "JO": "Ann Ice", "JF": "Annals of Ice"},
            {"journal": "Annals of Ice", "journal_name": "Ann Ice", "secondary_title": "Series B",
             "alternate_title2": "A.I."},
        ),
    ],
)  # fmt: skip
def test_every_name_of_a_journal_is_kept(names, fields):
    """The first of JF, JO, T2 and JA is the journal; the others keep their own names."""
    lines = "".join(f"{tag}  - {name}\n" for tag, name in names.items())
    (document,) = read(f"TY  - JOUR\nTI  - Wolves\n{lines}ER  - \n", "ris")
    assert document.metadata == {"type_of_reference": "JOUR"} | fields


def test_a_tag_that_has_one_value_may_be_repeated():
    """The first identifier and the first journal are taken, and one that says nothing is passed over."""
    text = "TY  - JOUR\nTI  - Wolves\nDO  - \nDO  - 10.1/x\nDO  - 10.1/y\nT2  - Ice\nT2  - Snow\nER  - \n"
    (document,) = read(text, "ris")
    assert document.id == "10.1/x"
    assert document.metadata["journal"] == "Ice"
    (document,) = read(text.replace("TI", "ID  - 7\nID  - 8\nTI"), "ris")
    assert (document.id, document.metadata["doi"]) == ("7", "10.1/x")


def test_keywords_below_one_tag():
    """A line below KW is one more keyword, an indented one the rest of the keyword above."""
    text = "TY  - JOUR\nTI  - Wolves\nKW  - Animals\nHumans\n\nhunting\n in packs\nKW  - snow\nER  - \n"
    assert read(text, "ris")[0].metadata["keywords"] == ["Animals", "Humans", "hunting in packs", "snow"]


def test_ris_as_other_programs_write_it():
    """Older tags, repeated and continued fields, addresses with semicolons and a missing blank behind the hyphen."""
    text = """TY  - JOUR
A1  - Wolf, A.
TI  - First title
AB  - one
AB  - two
goes on
KW  - pack
 hunting
KW  - snow
UR  - http://x.org/a(SICI)1;2-R
JF  - Journal of Snow
JO  - J Snow
XX  - odd
 end
ER  -
TY  -JOUR
T1  -Second title
T2  - Annals of Ice
AB  -
ER  -
TY  - CHAP
TI  - Third title
T2  - The book around it
ER  -
"""
    first, second, third = read(text, "ris")
    assert (first.title, first.text) == ("First title", "one\n\ntwo goes on")
    assert first.metadata == {
        "type_of_reference": "JOUR", "authors": ["Wolf, A."], "keywords": ["pack hunting", "snow"],
        "urls": ["http://x.org/a(SICI)1;2-R"], "journal": "Journal of Snow", "journal_name": "J Snow", "XX": "odd end",
    }  # fmt: skip
    assert (second.text, second.metadata["journal"]) == ("Second title", "Annals of Ice")
    assert third.metadata["secondary_title"] == "The book around it"
    assert "journal" not in third.metadata


def test_a_line_of_blanks_does_not_end_a_citation():
    """Only an empty line does; a field may go on behind blanks."""
    (document,) = read("PMID- 1\nTI  - wolf\nAB  - It waits.\n      \n      It leaps.\nDP  - 2001\n", "nbib")
    assert (document.text, document.metadata["year"]) == ("It waits. It leaps.", 2001)


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0c"])
@pytest.mark.parametrize("format", ["ris", "nbib"])
def test_only_a_line_feed_ends_a_line(format, separator):
    """What other programs break lines at is part of a title, though a tag seems to follow."""
    begun = {"ris": "TY  - JOUR\n", "nbib": "PMID- 1\n"}[format]
    (document,) = read(f"{begun}TI  - snow{separator}AU  - wolf\nER  - \n", format)
    assert document.text == f"snow{separator}AU  - wolf"


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        (r"{M{\"u}ller, \"o {\'e} {\ss} \c{c} \v{s} {\aa}}", "Müller, ö é ß ç š å"),
        ("{A 50% decline of wolves}", "A 50% decline of wolves"),
        (r"{A 50\% decline}", "A 50% decline"),
        (r'"a {"}quoted{"} {W}olf"', 'a "quoted" Wolf'),
        ("{pages~1--2\n   of   two}", "pages 1–2 of two"),
        ('js # " and " # {more} # 7', "Journal of Snow and more7"),
        ("long", "Journal of Snow, Series B"),
        ("unknown", "unknown"),
        (r"{$\alpha$ wolves}", r"$\alpha$ wolves"),
        (r"{\emph{Canis lupus} \& kin}", "Canis lupus & kin"),
        (
            r"{AT&T's {R}&D, 5% of $\begin{pmatrix}a & b\end{pmatrix}$}",
            r"AT&T's R&D, 5% of $\begin{pmatrix}a & b\end{pmatrix}$",
        ),
        (
            r"{See \url{http://a.org/~b?c=1&d\_e} and \href{http://f.org/%20}{G{\"o}}}",
            "See http://a.org/~b?c=1&d_e and Gö <http://f.org/%20>",
        ),
        ("{" * 500 + "deep" + "}" * 500, "deep"),
    ],
)
def test_values_of_bibtex(value, read_as):
    """Braces, quotes, joins, abbreviations of abbreviations and accents; a bare per cent is no comment."""
    strings = '@string{js = "Journal of Snow"}\n@string(long = js # ", Series B")\n'
    (document,) = read(f"{strings}@article{{k,\n note = {value},\n title = {{t}}}}\n", "bib")
    assert document.metadata["note"].strip("{}") == read_as


@pytest.mark.parametrize(
    ("name", "value", "read_as"),
    [
        ("url", "{http://a.org/~smith/p.pdf?a=1&b=2#c%20d}", "http://a.org/~smith/p.pdf?a=1&b=2#c%20d"),
        ("url", r"{\url{http://a.org/{\textasciitilde}b{\_}c\%20?d\&e\#f}}", "http://a.org/~b_c%20?d&e#f"),
        ("doi", "{{10.1002/1097~x--y}}", "10.1002/1097~x--y"),
        ("DOI", r'"10.1007/978-3\_4"', "10.1007/978-3_4"),
        ("file", r"{C:\Users\me\$a`b'.pdf}", r"C:\Users\me\$a`b'.pdf"),
        ("eprint", "{{a}/{b}}", "{a}/{b}"),
        ("isbn", "{978--0}", "978--0"),
        ("issn", "{}", ""),
    ],
)  # fmt: skip
def test_addresses_numbers_and_paths_of_bibtex_stand_as_they_are(name, value, read_as):
    """LaTeX's signs are characters in them, escaped or not; braces around all of it go."""
    (document,) = read(f"@misc{{k, title={{t}}, {name}={value}}}", "bib")
    assert document.metadata[name.lower()] == read_as


@pytest.mark.parametrize(
    ("value", "month"), [("mar", 3), ("{March}", 3), ("03", "03"), ("{12}", 12), ('"10~" # dec', "10 12")]
)
def test_months_are_numbers_where_they_are_months(value, month):
    """Abbreviations, names and numbers of months; anything else stays a text."""
    assert read(f"@misc{{k, title={{t}}, month={value}}}", "bib")[0].metadata["month"] == month


def test_bibtex_names_and_keys():
    """A name in braces is one name; the key cites the entry, whatever the fields are called."""
    text = "@PhdThesis{wolf99, title={t}, author={{Wolf and Sons} and Fox, B.}, key={sorted}, type={PhD}, Year={1999}}"
    (document,) = read(text, "bib")
    assert document.id == "wolf99"
    assert document.metadata == {
        "entry_type": "phdthesis", "authors": ["Wolf and Sons", "Fox, B."], "sort_key": "sorted", "type": "PhD",
        "year": 1999,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("@misc{a, title={t}, author={Fox, B. and Wolf, A. and others}, editor={Hen, C. AND others}}", "bib"),
        ("TY  - JOUR\nTI  - t\nAU  - Fox, B.\nAU  - Wolf, A.\nAU  - et al.\nED  - Hen, C.\nER  -\n", "ris"),
        ("PMID- 1\nTI  - t\nFAU - Fox, B.\nAU  - Fox, B.\nAU  - Wolf, A.\nAU  - et al\n", "nbib"),
    ],
)
def test_authors_that_are_not_named_are_none(text, format):
    """BibTeX's "and others" and PubMed's "et al" are nobody, behind a name; alone they stay."""
    (document,) = read(text, format)
    assert document.metadata["authors"] == ["Fox, B.", "Wolf, A."]
    assert document.metadata.get("editors", ["Hen, C."]) == ["Hen, C."]
    assert document.metadata.get("full_authors", ["Fox, B."]) == ["Fox, B."]
    assert read("@misc{a, title={t}, author={others}}", "bib")[0].metadata["authors"] == ["others"]


def test_bibtex_entries_on_one_line_and_in_parentheses():
    """Each entry is a record of its own, wherever its line ends; together they are the file."""
    text = "@misc{a, title={x}} @misc{b,\n title={y (z)}}@misc(c, title={(w)},\n year=2000)\n@misc{d,title={v}}"
    documents = read(text, "bib")
    assert [(one.id, one.text, one.source) for one in documents] == [
        ("a", "x", "refs.bib:1"), ("b", "y (z)", "refs.bib:1"), ("c", "(w)", "refs.bib:2"), ("d", "v", "refs.bib:4"),
    ]  # fmt: skip
    assert "".join(one.record for one in documents) == text


def test_entries_in_a_comment_are_no_entries():
    """What stands in the braces of @comment is not read."""
    text = "@comment{\n@article{a,\n title={x}\n}\n}\n@misc{b, title={y}}\n"
    assert [one.id for one in read(text, "bib")] == ["b"]


@pytest.mark.parametrize("format", SOURCES)
def test_a_file_without_records_is_named(format):
    """An empty file is no error, but it is said."""
    reported: list[str] = []
    assert read("\n", format, report=reported.append) == []
    assert reported == [f"refs.{format}: holds no record of its format"]


def test_each_stretch_of_stray_lines_is_named():
    """Two citations without a number are two sentences."""
    reported: list[str] = []
    text = "OWN - NLM\nTI  - a\n\nOWN - NLM\nTI  - b\n\n" + NBIB
    assert len(read(text, "nbib", on_error="skip", report=reported.append)) == 2
    assert [line.split(": ")[0] for line in reported] == ["refs.nbib:1", "refs.nbib:4"]


def test_the_title_can_be_named_where_nothing_has_an_abstract():
    """--title title holds although the titles are the texts."""
    (document,) = read("TY  - JOUR\nTI  - Wolves\nER  - \n", "ris", title="title")
    assert (document.title, document.text) == ("Wolves", "Wolves")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([
    "TY  - JOUR\n", "TI  - a\n", "ER  - \n", "ER  -", "\n", "x\n", "  y\n", "AB  -\n", "PMID- 1\n", "PMID-",
    "AU  - b; c\n",    "@misc{k,", "@misc(k,", "@string{s=", "@comment{", "title={", "title=", "}",
    "{", '"', "#", ",", "\\", "%", "$", "@",
    "year", "\r\n", "\u2028", "author={a and b}", "month=jan", ")",
])), st.sampled_from(sorted(SOURCES)))  # fmt: skip
def test_any_mess_ends_and_is_ours(pieces, format):
    """Whatever stands in a file, it is read or refused in our words, and nothing is read twice."""
    text = "".join(pieces)
    reported: list[str] = []
    documents = read(text, format, on_error="skip", report=reported.append)
    assert sum(len(one.record) for one in documents) <= len(text)
    assert all(one.startswith(f"refs.{format}") and "\n" not in one for one in reported)


@pytest.mark.parametrize(
    ("format", "begin", "kind"), [("ris", "TY  - JOUR", "reference"), ("nbib", "PMID- 1", "citation")]
)
def test_a_record_without_an_end_is_given_up(monkeypatch, format, begin, kind):
    """It does not take all memory, and is told by what is wrong with it: no other record begins there."""
    monkeypatch.setattr("embedsearch.documents.records._RECORD_CHARACTERS", 1000)
    told: list[str] = []
    text = f"{begin}\n" + "TI  - wolf\n" * 200
    assert read(text, format, on_error="skip", report=told.append) == []
    assert told[0] == f"refs.{format}:1: the {kind} that begins here has no end within 1,000 characters"


@pytest.mark.parametrize("format", SOURCES)
def test_a_long_file_is_never_held_whole(tmp_path, format):
    """6 MB of references are read within 2 MB."""
    wolf = "wolf" * 1500  # few words: what a text is split into is traced too, and slow
    record = {
        "ris": f"TY  - JOUR\nTI  - {wolf}\nER  - \n\n",
        "nbib": f"PMID- 1\nTI  - {wolf}\n\n",
        "bib": f"@misc{{k,\n title = {{{wolf}}}\n}}\n",
    }[format]
    file = tmp_path / f"long.{format}"
    file.write_text(record * 1000, "utf-8", newline="")
    read(record, format)  # loads the library
    tracemalloc.start()
    try:
        count = sum(1 for _ in es.read(file))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 1000
    assert peak < 2 << 20


WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
SENTENCES = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
REFERENCES = st.lists(st.tuples(SENTENCES, SENTENCES, st.lists(SENTENCES, max_size=3)), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(references=REFERENCES, blanks=st.integers(0, 2), format=st.sampled_from(["ris", "nbib", "bib"]))
def test_what_is_written_is_read(references, blanks, format):
    """Titles, abstracts and keywords come back, one document a reference, with its own lines as the record."""
    texts = []
    for number, (title, abstract, keywords) in enumerate(references):
        if format == "bib":
            text = f"@article{{k{number},\n title = {{{title}}},\n abstract = {{{abstract}}}\n}}\n"
        elif format == "ris":
            tags = [f"ID  - k{number}", f"TI  - {title}", f"AB  - {abstract}", *(f"KW  - {word}" for word in keywords)]
            text = "\n".join(["TY  - JOUR", *tags, "ER  - "]) + "\n"
        else:
            tags = [f"TI  - {title}", f"AB  - {abstract}", *(f"OT  - {word}" for word in keywords)]
            text = "\n".join([f"PMID- k{number}", *tags]) + "\n"
        texts.append(text + "\n" * (blanks or (format == "nbib")))
    documents = read("".join(texts), format)
    assert [document.record for document in documents] == texts
    assert [(one.id, one.title, one.text) for one in documents] == [
        (f"k{number}", title, abstract) for number, (title, abstract, _) in enumerate(references)
    ]
    if format != "bib":
        assert [one.metadata.get("keywords", []) for one in documents] == [words for _, _, words in references]
