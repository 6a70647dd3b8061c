"""Sources that are one document each: Markdown, HTML and PDF."""

import io
import logging
import re
import warnings

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedsearch.documents import read_stream
from embedsearch.documents.texts import sensible_title
from embedsearch.errors import SourceError


def read_one(content, format, **options):
    raw = content if isinstance(content, bytes) else content.encode()
    (document,) = read_stream(io.BytesIO(raw), name=f"a.{format}", format=format, **options)
    return document


class TestText:
    def test_the_text_stays_as_it_is(self):
        """White space and line ends are kept, so that ranges hold; NUL becomes a space of the same length."""
        assert read_one("\r\n The wolf\0\thunts. \n", "txt").text == "\r\n The wolf \thunts. \n"


class TestMarkdown:
    @pytest.mark.parametrize(
        ("text", "title"),
        [
            ("# On wolves\n\nText", "On wolves"),
            ("Intro\r\n\r\n## Part\r\n# On wolves ##\r\n", "On wolves"),
            ("   #\tC# and wolves#\n", "C# and wolves#"),
            ("```sh\n# a comment\n```\n# On wolves", "On wolves"),
            ("~~~~\n```\n# a comment\n~~~\n~~~~~\n# On wolves", "On wolves"),
            ("#hashtag\n    # code\n####### seven\n", ""),
            ("#\n# \n# On wolves", ""),
        ],
    )
    def test_the_title_is_the_first_heading(self, text, title):
        """The first heading of level 1 outside of code is the title; the text stays as it is, heading included."""
        document = read_one(text, "md")
        assert (document.title, document.text) == (title, text)

    @pytest.mark.parametrize(
        ("written", "title"),
        [("3.10", "3.10"), ("true", "true"), ("1984 # a year", "1984"), ("~", "Heading"), ("'2.0'", "2.0")],
    )
    def test_a_title_in_front_matter_is_a_text(self, written, title):
        """As it stands, where other values would become numbers."""
        document = read_one(f"---\ntitle: {written}\nversion: 3.10\n---\n# Heading\n", "md")
        assert (document.title, document.metadata) == (title, {"version": 3.1})

    def test_front_matter_becomes_metadata(self):
        """Plain values get their types, lists and nested values are left out, and the text begins behind them."""
        document = read_one(
            "---\r\ntitle: 'On: wolves'  # comment\r\nyear: 2001\r\nshare: -0.5\r\ndraft: true\r\nnone: null\r\n"
            'code: 007\r\nday: 2001-02-03\r\nurl: "https://a.b/#c"\r\nplain: some words # comment\r\ntags: [a, b]\r\n'
            "authors:\r\n  - name: A\r\n# comment: 1\r\nempty:\r\n---\r\n# Heading\r\nText",
            "md",
        )
        assert document.title == "On: wolves"
        assert document.metadata == {
            "year": 2001,
            "share": -0.5,
            "draft": True,
            "none": None,
            "code": "007",
            "day": "2001-02-03",
            "url": "https://a.b/#c",
            "plain": "some words",
        }
        assert document.text == "# Heading\r\nText"

    @pytest.mark.parametrize(
        ("value", "read_as"),
        [
            ("'The wolf''s den' # it's", "The wolf's den"),
            (r'"He said \"no\" \\ \x41\u00f6\U0001F43A\tb"', 'He said "no" \\ Aö🐺\tb'),
            ("A plain value\n  that goes on # no more", "A plain value that goes on"),
            ("'two\n\n  paragraphs'", "two\nparagraphs"),
            ('"one \\\n  word, \\\n  \\  two"', "one word,   two"),
            ('"Wolf" and "Sheep"', '"Wolf" and "Sheep"'),
            (r'"\q \uD800 \UFFFFFFFF"', "\\q \ufffd \\UFFFFFFFF"),
            ("''", ""),
        ],
    )
    def test_quoted_and_continued_values(self, value, read_as):
        """Quotes are undone, indented lines go on, and what is no YAML stays as it stands."""
        document = read_one(f"---\nsource: {value}\nyear: 1\n---\nThe rest.\n", "md")
        assert document.metadata == {"source": read_as, "year": 1}

    @given(
        text=st.text(
            st.characters(exclude_categories=["Cs", "Zl", "Zp"], exclude_characters="\x85")
            | st.sampled_from("'\"\\ \n#:"),
            max_size=80,
        ),
        style=st.sampled_from([None, "'", '"']),
        is_unicode=st.booleans(),
    )
    def test_texts_are_read_as_yaml_writes_them(self, text, style, is_unicode):
        """Whatever YAML's own writer makes of a text, quoted, escaped and folded at 20 columns, gives the text."""
        yaml = pytest.importorskip("yaml")
        written = yaml.dump({"source": text}, default_style=style, width=20, allow_unicode=is_unicode)
        front = re.sub("""^["']source["']:""", "source:", written)
        assert read_one(f"---\n{front}---\nThe rest.\n", "md").metadata == {"source": text}

    def test_a_rule_across_the_page_is_no_front_matter(self):
        """Text between two rules is text, and so is everything behind a front matter that never ends."""
        for text in ("---\nThe wolf.\n\n---\nhunts", "---\ntitle: never closed\nText"):
            document = read_one(text, "md")
            assert (document.text, document.metadata) == (text, {})

    @pytest.mark.parametrize(
        "between",
        [
            "\nIntro paragraph that matters.\n\n",
            "\ntitle: A\n\nIntro paragraph that matters.\n",
            "# Heading\n\n",
            "- an item\n- another\n",
            "https://a.b/c\n",
            "12:30 lunch\n",
        ],
    )
    def test_only_front_matter_is_taken_out_of_the_text(self, between):
        """Paragraphs, headings, lists and links between two rules stay in the text, whatever stands with them."""
        text = f"---\n{between}---\n\nThe rest.\n"
        document = read_one(text, "md")
        assert (document.text, document.metadata) == (text, {})

    @pytest.mark.parametrize(
        ("between", "metadata"),
        [
            ("", {}),
            ("\r\n", {}),
            ('\n# comment\n"og:title": x\n\ntags: [\n  a,\n]\nlist:\n- a\n-\n', {}),
            ("a.b: 1\ntext: |\n  Several\n\n  lines.\nyear : 2001\n", {"a.b": 1, "year": 2001}),
        ],
    )
    def test_front_matter_of_any_shape_is_taken_out(self, between, metadata):
        """Comments, lists, texts of several lines and blank lines are front matter beside names; so is nothing."""
        document = read_one(f"---\n{between}---\nThe rest.\n", "md")
        assert (document.text, document.metadata) == ("The rest.\n", metadata)

    def test_long_files_take_linear_time(self):
        """Megabytes of a pattern that invites backtracking are read at once."""
        text = "---\na: b\n" + "# " + " " * 2_000_000 + "#x\n" + "-" * 2_000_000 + "\n" * 500_000
        assert read_one(text, "md").title == "#x"
        text = "---\na" + " :" * 1_000_000 + "a\n" + "b: c\n" * 200_000 + "---\n# x"
        assert read_one(text, "md").title == "x"


class TestHtml:
    def test_blocks_become_lines(self):
        """White space is folded, blocks and line breaks end a line, inline elements and cells do not."""
        document = read_one(
            "<!DOCTYPE html><html><head><title> On\n wolves </title></head><body><h1>The <b>w</b>olf</h1>"
            "<p>It\n  hunts&nbsp;&amp; <a href=x>roams</a>.<br>At night.</p><ul><li>one<li>two</ul>"
            "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table><!-- no -->tail</body></html>",
            "html",
        )
        assert document.title == "On wolves"
        assert document.text == "The wolf\nIt hunts & roams.\nAt night.\none\ntwo\na b\nc\ntail"

    def test_page_furniture_is_dropped(self):
        """Scripts, styles, navigation, headers, footers and asides are no text, nor what stands in them."""
        document = read_one(
            "<header><h1>Site</h1></header><nav><ul><li>Home</ul></nav><script>if (a < b) x('</p>')</script>"
            "<main>The wo<style>p {}</style>lf</main><aside>Ad</aside><noscript>No</noscript><footer>(c)</footer>",
            "html",
        )
        assert document.text == "The wolf"

    @pytest.mark.parametrize(
        "marked",
        [
            'div class="top cookie-banner wide"', "div id=CybotCookiebotDialog", 'section class="cookieConsent"',
            "div role=dialog", "div role=navigation", "ul role=menu", "div hidden", "span hidden",
            'form role="search"', 'div id="sp_message_container_4711"',
        ],
    )  # fmt: skip
    def test_furniture_that_is_marked_so_is_dropped(self, marked):
        """By its role, as hidden, or by the names that consent to cookies goes by, with what stands in it."""
        tag = marked.split()[0]
        page = f"<{marked}><div>We value your privacy.</div> Accept</{tag}><p>The wolf</p>"
        assert read_one(page, "html").text == "The wolf"

    def test_a_hidden_paragraph_ends_where_the_next_block_begins(self):
        """As in browsers; what is hidden and ends nobody knows where, such as an item of a list, is read."""
        page = "<p>A<p hidden>Nil <b>to<br>see<p>wolf <div><p hidden>No</p>runs</div><ul><li hidden>far<li>away</ul>"
        assert read_one(page, "html").text == "A\nwolf\nruns\nfar\naway"

    @pytest.mark.parametrize(
        "marked",
        [
            'class="page has-cookie-banner"',
            'class="cookie-consent-given"',
            "role=main",
            'class="cookies"',
            "id=consent",
        ],
    )
    def test_what_only_sounds_like_furniture_is_kept(self, marked):
        """A page that has a banner is none, nor is an article on cookies."""
        assert read_one(f"<div {marked}><p>The wolf</div>", "html").text == "The wolf"

    @pytest.mark.parametrize("around", ["article", "main"])
    def test_the_header_of_an_article_is_its_headline(self, around):
        """Title and lede stand in it; what is dropped within it stays dropped, and the page's own header does."""
        document = read_one(
            f"<header>Site</header><{around}><header><h1>On wolves</h1><nav>Share</nav><p>They roam.</header>"
            f"<p>Text</{around}><header>Site again</header><nav><{around}><header>Next</header></{around}></nav>End",
            "html",
        )
        assert document.text == "On wolves\nThey roam.\nText\nEnd"

    def test_tags_that_are_left_open_end_with_their_parent(self):
        """An unclosed <nav> ends where the element around it does, and a stray end tag is ignored."""
        assert read_one("<div><nav>Home</div></nav></p>The wolf", "html").text == "The wolf"

    @pytest.mark.parametrize("mark", ["<![wolf pack]>", "<![]>", "<![ %x; [>", "<![if !IE]>", "<![CDATA[ x ]]>"])
    def test_what_looks_like_a_declaration_is_passed_over(self, mark):
        """As browsers do, whatever word stands in it."""
        assert read_one(f"<p>The wolf {mark}hunts.</p>", "html").text == "The wolf hunts."

    @given(st.text(st.sampled_from("<![]>-/?&#;='\" apCDATA\n")))
    def test_any_markup_ends_and_is_ours(self, markup):
        """Whatever stands in a page, what is text of it is read and nothing foreign is raised."""
        assert read_one(f"wolf<p>{markup}", "html").text.startswith("wolf")

    def test_a_title_in_a_drawing_is_not_the_pages(self):
        """The first title is the page's; those of drawings are neither title nor text."""
        document = read_one("<title>Page</title><p>The <svg><title>Icon</title></svg> wolf", "html")
        assert (document.title, document.text) == ("Page", "The wolf")
        document = read_one("<svg><title>Icon</title></svg><p>The wolf<svg><title>I</title></svg>", "html")
        assert (document.title, document.text) == ("", "The wolf")
        document = read_one("<svg><title>Icon</title></svg><title>Page</title><p>The wolf", "html")
        assert (document.title, document.text) == ("Page", "The wolf")

    @pytest.mark.parametrize(
        ("page", "encoding"),
        [
            ('<meta charset="iso-8859-1"><p>Wölfe “roam”', "cp1252"),
            ("<META http-equiv=Content-Type content='text/html; charset=Shift_JIS'><p>狼", "shift_jis"),
            ('<?xml version="1.0" encoding="iso-8859-2"?><html><p>Wölfe łą</p></html>', "iso-8859-2"),
            ("<meta charset=gb2312><p>朱镕基", "gb18030"),
            ("<meta charset=x-sjis><p>①髙", "cp932"),
            ("<meta charset=euc-kr><p>펲", "cp949"),
            ("<meta charset=ISO-8859-9><p>“İ”", "cp1254"),
            ("<p>Wölfe", "utf-8"),
            ('<meta charset="latin-1"><p>Wölfe', "utf-8-sig"),
            ('<meta charset="utf-16"><p>Wölfe', "utf-8"),
            ('<meta charset="no-such"><p>Wölfe', "utf-8"),
            ('<meta charset="undefined"><p>Wölfe', "utf-8"),
            ("<p>Wölfe", "utf-16"),
        ],
    )
    def test_a_page_may_declare_its_encoding(self, page, encoding):
        """A byte order mark wins, then what the page says, as browsers take it, then UTF-8."""
        assert read_one(page.encode(encoding), "html").text == page.rpartition("<p>")[2].partition("<")[0]

    def test_a_named_encoding_wins_over_a_declared_one(self):
        """Pages are often wrong about themselves; --encoding is the last word."""
        assert read_one('<meta charset="utf-8"><p>Wölfe'.encode("latin-1"), "html", encoding="latin-1").text == "Wölfe"

    def test_pages_with_open_paragraphs_take_linear_time(self):
        """Hundreds of thousands of tags that are never closed, or never opened, are read in seconds."""
        document = read_one("<p>wolf <li>sheep" * 100_000 + "</x>" * 100_000, "html")
        assert document.text.count("\n") == 199_999

    def test_what_a_page_says_of_itself_are_fields(self):
        """Who wrote it, when, where and in which language, in the words of news pages and of journals."""
        head = (
            '<html lang="en-GB"><head><meta name="viewport" content="x"><meta name="date" content="2024-05-01">'
            '<meta property="article:published_time" content="2024-03-05T08:00:00Z">'
            '<meta name="Author" content=" J.\nDoe ">'
            '<meta property="article:author" content="https://example.org/jdoe"><meta name=author content="">'
            '<meta property="og:site_name" content="The &quot;Daily&quot; Post"><link rel="stylesheet" href="a.css">'
            '<link rel="Canonical" href="https://example.org/1"></head><body lang="de"><p>The wolf</body></html>'
        )
        document = read_one(head, "html")
        assert document.text == "The wolf"
        assert document.metadata == {
            "date": "2024-03-05T08:00:00Z", "author": "J. Doe", "site": 'The "Daily" Post',
            "url": "https://example.org/1", "language": "en-GB",
        }  # fmt: skip
        paper = '<meta name="citation_author" content="Ulf, A."><meta name="citation_author" content="Bo, B."><p>Wolves'
        assert read_one(paper, "html").metadata == {"author": ["Ulf, A.", "Bo, B."]}
        silent = (
            '<meta property="article:author" content="https://example.org/jdoe"><meta name><meta content="x"><p>Wolf'
        )
        assert read_one(silent, "html").metadata == {}

    def test_a_page_without_text_is_told(self):
        """Nothing but furniture is nothing to embed."""
        told = []
        stream = io.BytesIO(b"<nav>Home</nav>")
        assert list(read_stream(stream, name="a.html", format="html", report=told.append)) == []
        assert told == ["skipped a.html: it holds no text"]


def pdf(*pages, title="", password=None):
    """Return a PDF of these pages, each a list of lines, written by hand so that its text is known."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for lines in pages:
        drawn = b"".join(b"(%s) Tj T*\n" % line.encode("latin-1") for line in lines)
        content = b"BT /F1 12 Tf 14 TL 72 720 Td\n" + drawn + b"ET"
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(kids))
    objects.append(b"<< /Title (%s) >>" % title.encode("latin-1"))
    out, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        size,
        size - 1,
        out.index(b"xref\n0 "),
    )
    return out if password is None else encrypted(out, password)


def encrypted(plain, password):
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(plain))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # RC4 is outdated, and needs no further package
        writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


class TestPdf:
    def test_pages_are_joined_and_broken_words_mended(self):
        """A blank line stands between pages; a hyphen at a line's end goes, except before a capital or a number."""
        document = read_one(
            pdf(
                ["Wolves are preda-", "tors, says Jean-", "Paul in 2000-", "2001."],
                [],
                ["They hunt."],
                title="On wolves",
            ),
            "pdf",
        )
        assert document.title == "On wolves"
        assert document.text == "Wolves are predators, says Jean-Paul in 2000-\n2001.\n\nThey hunt."

    def test_a_pdf_from_a_pipe_is_spooled(self):
        """PDF must be read out of order; a stream that cannot be seeked is copied first."""

        class Pipe(io.BytesIO):
            def seekable(self):
                return False

            def seek(self, *_):
                raise io.UnsupportedOperation

        (document,) = read_stream(Pipe(pdf(["The wolf"])), format="pdf")
        assert (document.text, document.id) == ("The wolf", "stdin")

    def test_remarks_are_unheard_by_one_handler(self):
        """However many files are read: each would hear every remark about those that follow."""
        read_one(pdf("wolf"), "pdf")
        before = list(logging.getLogger("pypdf").handlers)
        read_one(pdf("sheep"), "pdf")
        assert logging.getLogger("pypdf").handlers == before

    @pytest.mark.parametrize(
        ("title", "kept"),
        [
            ("On  wolves\0", "On wolves"),
            ("Untitled", ""),
            ("untitled-3", ""),
            ("Microsoft Word - paper.doc", ""),
            ("paper_final.tex", ""),
            ("12345", ""),
            ("x" * 301, ""),
            ("", ""),
            ("Microsoft and the wolf",) * 2,
        ],
    )
    def test_titles_that_a_program_left_are_no_titles(self, title, kept):
        """File names, numbers and defaults are not taken for titles."""
        assert sensible_title(title) == kept

    def test_a_scanned_pdf_is_an_error_with_a_remedy(self):
        """A PDF of pictures has pages and no text."""
        with pytest.raises(SourceError, match=r"a\.pdf: a PDF of 2 pages without text, perhaps scanned.*ocrmypdf"):
            read_one(pdf([], []), "pdf")

    def test_an_encrypted_pdf_is_an_error_with_a_remedy(self):
        """A password is wanted that we do not have."""
        with pytest.raises(SourceError, match=r"a\.pdf: a PDF that is encrypted with a password.*qpdf --decrypt"):
            read_one(pdf(["The wolf"], password="secret"), "pdf")

    def test_a_pdf_that_forbids_only_printing_is_read(self):
        """An empty password opens it in every viewer, and here."""
        assert read_one(pdf(["The wolf"], password=""), "pdf").text == "The wolf"

    @pytest.mark.parametrize("content", [b"", b"no PDF", b"%PDF-1.4\n%%EOF", pdf(["The wolf"])[:200]])
    def test_a_damaged_pdf_is_an_error_of_ours(self, content):
        """Whatever pypdf stumbles over is told as damage, with the file's name."""
        with pytest.raises(SourceError, match=r"a\.pdf: (a damaged PDF|a PDF of 0 pages)"):
            read_one(content, "pdf")

    def test_no_remark_of_pypdf_reaches_the_terminal(self, capfd):
        """Small flaws that pypdf mends are not the user's business."""
        broken = pdf(["The wolf"]).replace(b"startxref\n", b"startxref\n1")
        assert read_one(broken, "pdf").text == "The wolf"
        assert capfd.readouterr() == ("", "")
