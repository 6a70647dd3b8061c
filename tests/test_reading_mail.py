"""Mail: messages, mailboxes, what somebody wrote himself and what he repeated."""

import contextlib
import io
import mailbox
import tracemalloc
from collections import Counter
from email.message import EmailMessage

import pytest
from conftest import run
from hypothesis import given, settings
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.documents import estimating, mailboxes, read_stream
from embedsearch.documents.quoting import parted

PLAIN = "From: Ada <ada@x.org>\nSubject: Wolves\nDate: Mon, 14 May 2001 16:39:00 -0700\n\nThe wolf hunts.\n"


def read(given, format="eml", **options):
    raw = given.encode("utf-8") if isinstance(given, str) else given
    return list(read_stream(io.BytesIO(raw), name=f"a.{format}", format=format, **options))


def read_one(given, **options):
    (document,) = read(given, **options)
    return document


def envelope(text, sender="ada@x.org"):
    """Return a message as it stands in a mailbox."""
    return f"From {sender} Mon May 14 16:39:00 2001\n{text}\n"


class TestHeaders:
    def test_a_message_has_a_title_and_fields(self):
        """The subject is the title; times are UTC, addresses in small letters, with the names beside them."""
        document = read_one(
            'From: =?utf-8?q?M=C3=BCller=2C_Anna?= <Anna@X.org>\nTo: Bob <bob@y.org>,\n "Smith, Carl" <carl@z.org>\n'
            "Cc: dora@w.org\nBcc: eve@w.org\nSubject: =?utf-8?b?V8O2bGZl?= and\n more\nX-Other: no\n"
            "Date: Mon, 14 May 2001 16:39:00 -0700 (PDT)\nMessage-ID: <abc@x>\nIn-Reply-To: <a@b>\n\nThe wolf hunts.\n"
        )
        assert (document.id, document.title, document.text) == ("a.eml", "Wölfe and more", "The wolf hunts.")
        assert document.metadata == {
            "date": "2001-05-14T23:39:00+00:00", "sender": "anna@x.org", "to": ["bob@y.org", "carl@z.org"],
            "cc": ["dora@w.org"], "bcc": ["eve@w.org"], "names": ["Müller, Anna", "Bob", "Smith, Carl"],
            "message_id": "abc@x", "in_reply_to": "a@b",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("written", "subject"),
        [
            (b"=?utf-8?b?V8M=?= =?utf-8?b?tmxmZQ==?=", "Wölfe"),  # a letter parted between two words
            (b"=?koi8-r?B?98/Myw==?=: =?KOI8-R?Q?=D7=CF=CC=CB?=", "Волк: волк"),
            (b"=?gb2312?B?1uyh80I=?=", "朱◇B"),
            (b"=?x-none?q?W=C3=B6lfe?=", "Wölfe"),
            (b"=?utf-8*de?q?a_b?= =?", "a b =?"),
            (b"W\xc3\xb6lfe", "Wölfe"),
            (b"W\xf6lfe", "Wölfe"),
            (b"=?utf-8?b?V8O2bGZ?=", "Wölf"),  # cut off
            (rb"\u0041 =?utf-8?q?=C3=B6?=", "\\u0041 ö"),
        ],
    )
    def test_subjects(self, written, subject):
        """Encoded words and bytes that may not stand there are read as what they are meant to be."""
        assert read_one(b"From: a@b\nSubject: " + written + b"\n\nText\n").title == subject

    @pytest.mark.parametrize(
        ("headers", "date"),
        [
            ("Date: Mon, 14 May 2001 16:39:00 -0700", "2001-05-14T23:39:00+00:00"),
            ("Date: 14 May 01 16:39", "2001-05-14T16:39:00+00:00"),
            ("Date: soon", None),
            ("Date: Mon, 99 May 20012 99:99", None),
            (
                "Received: by x; Tue, 15 May 2001 01:02:03 +0200\nReceived: by y; 1 Jan 2001",
                "2001-05-14T23:02:03+00:00",
            ),
            ("Date: Fri, 31 Dec 9999 23:00:00 -1400", None),
        ],
    )
    def test_dates(self, headers, date):
        """A date that is none is left out; where there is none, the message has the one when it came."""
        assert read_one(f"From: a@b\n{headers}\n\nText\n").metadata.get("date") == date

    @pytest.mark.parametrize(
        ("written", "addresses"),
        [
            ("a@b, C D <c@d>,, ", ["a@b", "c@d"]), ("undisclosed-recipients:;", []),
            ("Lay, Kenneth; Bob", ["Lay, Kenneth", "Bob"]),
            ("<", []), ("a@[", ["a@[]"]), ('"', []), ("=?utf-8?q?M=2C_x?= <M@x>", ["m@x"]),
        ],
    )  # fmt: skip
    def test_addresses_that_are_none(self, written, addresses):
        """What can be read of them is; the standard library's newer policies raise IndexError."""
        assert read_one(f"From: a@b\nTo: {written}\n\nText\n").metadata.get("to", []) == addresses

    def test_what_is_no_message_is_refused(self):
        """A text without headers is none."""
        with pytest.raises(es.SourceError, match=r"a\.eml: not a mail message: it does not begin with headers"):
            read("\n\nThe wolf hunts.\n")
        with pytest.raises(es.SourceError, match="compressed by gzip"):
            read(b"\x1f\x8b\x08rest")


class TestTexts:
    @pytest.mark.parametrize(
        ("type", "coding", "raw", "text"),
        [
            ("text/plain; charset=koi8-r", "8bit", "волк".encode("koi8-r"), "волк"),
            ("text/plain; charset=gb2312", "base64", b"1uyh80I=", "朱◇B"),
            ("text/plain; charset=iso-8859-1", "quoted-printable", b"=93W=F6lfe=94 =\nroam", "“Wölfe” roam"),
            ("text/html; charset=utf-8", "8bit", "<p>W&ouml;lfe<p>“roam”<script>x</script>".encode(), "Wölfe\n“roam”"),
            ("text/html", "8bit", "<meta charset=koi8-r><p>волк".encode("koi8-r"), "волк"),
            ("text/plain; charset=us-ascii", "8bit", "Wölfe".encode(), "Wölfe"),
            ("text/plain; charset=x-none", "8bit", "Wölfe".encode(), "Wölfe"),
            ("nonsense", "x-none", b"The wolf", "The wolf"),
            ("text/plain; charset*=us-ascii''%ff", "8bit", "Wölfe".encode(), "Wölfe"),
            ("text/plain; charset=utf-8", "base64", b"V8O2bGZl", "Wölfe"),
            ("text/plain; charset=utf-8", "base64", b"V8O2bGZlI", "Wölfe"),
            ("text/plain; charset=utf-8", "base64", b"V8O2b!GZlI", "Wölfe"),  # cut off, and something in between
        ],
    )
    def test_encodings(self, type, coding, raw, text):
        """Charsets and transfer encodings are undone; where none is named or known it is UTF-8."""
        told = []
        headers = f"From: a@b\nContent-Type: {type}\nContent-Transfer-Encoding: {coding}\n\n".encode()
        assert read_one(headers + raw, report=told.append).text == text
        assert told == []

    @pytest.mark.parametrize(
        ("charset", "raw", "text"),
        [
            ("utf-8", b"W\xf6lfe", "W\ufffdlfe"),
            ("us-ascii", b"W\xf6lfe", "Wölfe"),
            ("iso-2022-jp", "Wölfe".encode(), "Wölfe"),
        ],
    )
    def test_bytes_that_are_not_in_their_encoding_are_told(self, charset, raw, text):
        """They stop nobody: what they likely are is read, and how many messages have them is said."""
        told = []
        mail = envelope(f"From: a@b\nContent-Type: text/plain; charset={charset}\n\n").encode() + raw + b"\n\n"
        assert [one.text for one in read(2 * mail, "mbox", report=told.append)] == [text, text]
        assert told == [
            "a.mbox: 2 messages with bytes that are not in the encoding that it names, nor in UTF-8, "
            "the first at a.mbox:1; what is there is read"
        ]

    def test_the_encoding_that_is_named_is_of_what_says_nothing(self):
        """--encoding is asked where a message does not tell."""
        assert read_one(b"From: a@b\n\n" + "волк".encode("koi8-r"), encoding="koi8-r").text == "волк"

    def test_parts(self):
        """The plain form is the text, attachments are named, pictures of the HTML are not; attached mails are read."""
        message, inner = EmailMessage(), EmailMessage()
        inner["Subject"] = "An older one"
        inner.set_content("Sheep graze.")
        message["From"] = "a@b"
        message.set_content("The wolf hunts.\n")
        message.add_alternative("<p>The <b>wolf</b> hunts, in HTML.<img src=cid:1>", subtype="html")
        message.get_payload()[1].add_related(b"x", "image", "png", cid="<1>", filename="logo.png")
        message.add_attachment(b"x", "application", "pdf", filename="Bericht Müller.pdf")
        message.add_attachment("not the text", filename="notes.txt")
        message.add_attachment(inner)
        document = read_one(bytes(message))
        assert document.text == "The wolf hunts.\n\nAn older one\n\nSheep graze."
        assert document.metadata["attachments"] == ["Bericht Müller.pdf", "notes.txt"]

    def test_a_blank_plain_part_gives_way(self):
        """The HTML is read where the plain form says nothing, and what is attached within either form is named."""
        message = EmailMessage()
        message["From"] = "a@b"
        message.set_content(" \n")
        message.add_alternative("<p>The wolf hunts.", subtype="html")
        message.get_payload()[1].make_mixed()
        message.get_payload()[1].add_attachment(b"x", "application", "pdf", filename="a.pdf")
        document = read_one(bytes(message))
        assert (document.text, document.metadata["attachments"]) == ("The wolf hunts.", ["a.pdf"])

    def test_without_a_text_the_subject_is_read(self):
        """As of other records."""
        told = []
        document = read_one("From: a@b\nSubject: Wolves\n\n", report=told.append)
        assert (document.title, document.text) == ("", "Wolves")
        assert told == ["a.eml: 1 record without text is read by the title, the first at a.eml"]

    def test_fields_can_be_named(self):
        """What is repeated joins the text again where that is wanted; the id may be the message's own."""
        document = read_one(
            PLAIN.replace("\n\n", "\nMessage-ID: <1@x>\n\n", 1) + "> Sheep?\n", text=["text", "quoted"], id="message_id"
        )
        assert (document.id, document.text) == ("1@x", "The wolf hunts.\n\n> Sheep?")

    def test_parts_within_parts_within_parts(self):
        """What is nested beyond all measure is an error of ours."""
        begin = "".join(f"Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n" for level in range(2000))
        with pytest.raises(es.SourceError, match=r"a\.eml: .*nested too deeply"):
            read(begin)


class TestQuoting:
    @pytest.mark.parametrize(
        ("text", "own", "repeated"),
        [
            ("Yes.\n\nOn Mon, May 14, 2001 at 4:39 PM, Bob <bob@y.org>\nwrote:\n\n> Sheep?\n>\n>> Wolves?\n",
             "Yes.", "On Mon, May 14, 2001 at 4:39 PM, Bob <bob@y.org>\nwrote:\n\n> Sheep?\n>\n>> Wolves?"),
            ("> Sheep?\nYes.\n\n> Wolves?\nNo.\n-- \nAda", "Yes.\n\nNo.\n-- \nAda", "> Sheep?\n\n> Wolves?"),
            ("Ja.\n\nAm 14.05.01 um 16:39 schrieb Bob:\n> Schafe?", "Ja.",
             "Am 14.05.01 um 16:39 schrieb Bob:\n> Schafe?"),
            ("I know two kinds:\n> wolves", "I know two kinds:", "> wolves"),
            ("Yes.\n\n-----Original Message-----\nFrom: Bob\nSent: Monday\n\nSheep?", "Yes.",
             "-----Original Message-----\nFrom: Bob\nSent: Monday\n\nSheep?"),
            ("Ja.\n\nVon: Bob\nGesendet: Montag\nAn: Ada\nBetreff: Schafe\n\nSchafe?", "Ja.",
             "Von: Bob\nGesendet: Montag\nAn: Ada\nBetreff: Schafe\n\nSchafe?"),
            ("Yes.\n\n*From:* Bob\n*Sent:* Monday\n*To:* Ada\n\nSheep?", "Yes.",
             "*From:* Bob\n*Sent:* Monday\n*To:* Ada\n\nSheep?"),
            ("See below.\nBob@ENRON\nTo: Ada\ncc: Carl\nSubject: Sheep\n\nSheep?", "See below.\nBob@ENRON",
             "To: Ada\ncc: Carl\nSubject: Sheep\n\nSheep?"),
        ],
    )  # fmt: skip
    def test_what_is_repeated_is_kept_apart(self, text, own, repeated):
        """Quoted lines with the words before them, and all behind the headers of the mail that is answered."""
        assert parted(text, "Re: Sheep") == (own, repeated)

    @pytest.mark.parametrize(
        ("text", "subject"),
        [
            ("The wolf hunts.\nTo: whom it may concern\n", "Wolves"),
            ("FYI\n\n-----Original Message-----\nFrom: Bob\n\nSheep?", "FW: Sheep"),
            ("Zur Kenntnis\n\nVon: Bob\nAn: Ada\nBetreff: Schafe\n\nSchafe?", "WG: Schafe"),
            ("FYI\n---------- Forwarded message ---------\nFrom: Bob\nDate: Monday\nTo: Ada\n\nSheep?", "Sheep"),
            ("--------------- Forwarded by Bob on 05/14/2001 ---------\nTo: Ada\ncc: C\nSubject: S\n\nSheep?", "Sheep"),
            ("> all of it\n> is quoted\n", "Re: Wolves"),
            ("From: a\nTo: b\nSubject: c\n\nnothing of his own", "Re: Wolves"),
        ],
    )
    def test_what_is_no_repetition_stays(self, text, subject):
        """What is forwarded is why the mail was sent, and where nothing else stands it is the text."""
        assert parted(text, subject) == (text, "")

    @given(
        st.lists(
            st.sampled_from([
                "", " ", "> q", ">> q", "wolf", "He said 2001:", "On Monday a@b wrote:", "From: a", "To: b",
                "Subject: c", "-----Original Message-----", "-- Forwarded", "> ",
            ])
        ),
        st.sampled_from(["Re: a", "Fwd: a"]),
    )  # fmt: skip
    def test_nothing_is_lost(self, lines, subject):
        """Every line that says something stands in one of both, once; and something is always its own."""
        text = "\n".join(lines)
        own, repeated = parted(text, subject)
        said = Counter(line for line in lines if line.strip())
        assert Counter(line for line in f"{own}\n{repeated}".splitlines() if line.strip()) == said
        assert own.strip() or not said


class TestMailboxes:
    def test_each_message_is_a_document(self):
        """By file and number, with the line that each begins at."""
        documents = read(envelope(PLAIN) + envelope(PLAIN.replace("wolf", "sheep")), "mbox")
        assert [(one.id, one.source, one.text) for one in documents] == [
            ("a.mbox#1", "a.mbox:1", "The wolf hunts."), ("a.mbox#2", "a.mbox:8", "The sheep hunts."),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "line",
        [
            "From 1234@xxx Mon May 14 16:39:00 +0000 2001", "From - Mon May 14 16:39:00 2001", "From nobody",
            "From bob at y.org  Mon May 14 16:39:00 2001", "From b@y Mon, 14 May 2001 16:39:00 +0200",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_what_begins_a_message(self, line, end):
        """Envelopes as programs write them, with either line end."""
        text = f"{envelope(PLAIN)}{line}\n{PLAIN}".replace("\n", end)
        assert [one.text for one in read(text, "mbox")] == 2 * ["The wolf hunts."]

    @pytest.mark.parametrize(
        "body",
        [
            "I came.\n\nFrom there I went on.\n", "I came.\n\nFrom 10:30 to 11:00 we met.\nAgenda: wolves\n",
            "\nFrom Monday on:\n\nwolves\n", "From bob Mon May 14 16:39:00 2001\nhe was there\n",
        ],
    )  # fmt: skip
    def test_a_line_of_the_text_that_begins_so_is_text(self, body):
        """Where no date and no header tell that a message begins."""
        documents = read(envelope(PLAIN.replace("The wolf hunts.\n", body)) + envelope(PLAIN), "mbox")
        assert [one.text for one in documents] == [body.strip("\n"), "The wolf hunts."]

    def test_lines_that_were_marked_are_as_they_were(self):
        """``>From`` was ``From`` before it came into the mailbox; no quotation of another."""
        text = envelope(PLAIN.replace("The wolf", ">From the wolf\n>>From a sheep\nThe wolf"))
        document = read(text, "mbox")[0]
        assert document.text == "From the wolf\n\nThe wolf hunts."
        assert document.metadata["quoted"] == ">From a sheep"

    @settings(max_examples=40)
    @given(
        st.lists(
            st.lists(
                st.sampled_from(["wolf", "From here", "", "é", "From a Mon May 14 16:39:00 2001", "x: y"]), max_size=6
            ),
            min_size=1,
            max_size=4,
        )
    )
    def test_what_the_standard_library_writes_is_read(self, tmp_path_factory, bodies):
        """The texts of all messages come back, and the records are the file."""
        path = tmp_path_factory.mktemp("box") / "a.mbox"
        box = mailbox.mbox(path)
        for number, lines in enumerate(bodies):
            message = EmailMessage()
            message["Subject"] = f"s{number}"
            message.set_content("\n".join(["begin", *lines]))
            box.add(message)
        box.close()
        documents = list(es.read(path))
        assert [(one.title, one.text) for one in documents] == [
            (f"s{number}", "\n".join(["begin", *lines]).rstrip("\n")) for number, lines in enumerate(bodies)
        ]
        assert "".join(one.record for one in documents).encode("latin-1") == path.read_bytes()

    def test_a_mailbox_that_is_cut_off_is_read_as_far_as_it_goes(self):
        """Wherever it ends, the messages before are whole; a part without its end is told."""
        message = EmailMessage()
        message["From"] = "a@b"
        message.set_content("The wolf hunts.\n")
        message.add_attachment(b"x" * 300, "application", "pdf", filename="a.pdf")
        raw = envelope(bytes(message).decode()).encode()
        for end in range(len(raw), 2 * len(raw) - 3, 7):
            told = []
            documents = read((raw + raw)[:end], "mbox", report=told.append)
            assert documents[0].text == "The wolf hunts."
            assert len(documents) in (1, 2)
        assert any("1 message of which the last part has no end" in line and "a.mbox:" in line for line in told)

    def test_what_is_no_mailbox_is_refused(self):
        """With the line, and what reads a single message; an empty one is told."""
        with pytest.raises(es.SourceError, match=r"a\.mbox:2: not a mailbox: .*--as eml"):
            read(f"\n{PLAIN}", "mbox")
        told = []
        assert read("\n", "mbox", report=told.append) == []
        assert told == ["a.mbox: holds no record of its format"]

    def test_a_message_beyond_all_measure_is_passed_over(self, monkeypatch):
        """It does not take all memory; the next one is read."""
        monkeypatch.setattr(mailboxes, "_MESSAGE_BYTES", 1000)
        told = []
        text = envelope(PLAIN + "wolf\n" * 1000) + envelope(PLAIN)
        assert [one.id for one in read(text, "mbox", on_error="skip", report=told.append)] == ["a.mbox#2"]
        assert told == ["a.mbox:1: the message that begins here is longer than 1,000 bytes"]

    def test_a_long_mailbox_is_never_held_whole(self, tmp_path):
        """6 MB of mail are read within 2 MB, though nothing ends its lines."""
        path = tmp_path / "long.mbox"
        path.write_text(envelope(PLAIN + "wolf" * 1500) * 1000)
        tracemalloc.start()
        try:
            assert sum(1 for _ in es.read(path)) == 1000
            assert tracemalloc.get_traced_memory()[1] < 2 << 20
        finally:
            tracemalloc.stop()
        assert estimating.documents_in(path, "mbox") in (999, 1000)

    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(
            st.sampled_from([
                b"From a Mon May 14 16:39:00 2001\n", b"From: a@b\n", b"\n", b"\r\n", b"Content-Type: multipart/mixed;",
                b" boundary=x\n", b"--x\n", b"--x--\n", b"Content-Type: message/rfc822\n", b"Date: x", b"=?utf-8?b?",
                b"Content-Transfer-Encoding: base64\n", b"V8O", b"\xff", b"To: <,:;\n", b"Subject: =?a?q?=?= =?",
                b"Content-Type: text/html; charset=utf-7\n", b"<p>", b">", b"Content-Type: multipart/alternative\n",
                b"filename*0*=x''%", b"Content-Disposition: attachment;",
            ])
        ),
        st.sampled_from(["eml", "mbox"]),
    )  # fmt: skip
    def test_any_mess_ends_and_is_ours(self, pieces, format):
        """Whatever stands in a file, it is read or refused in our words."""
        told = []
        read(b"".join(pieces), format, on_error="skip", report=told.append)
        assert all(line.startswith(f"a.{format}") or line.startswith(f"skipped a.{format}") for line in told)


def test_a_mailbox_that_apple_exports_is_read(tmp_path):
    """It is a folder with a file called mbox, which has no suffix."""
    folder = tmp_path / "Inbox.mbox"
    folder.mkdir()
    (folder / "mbox").write_text(envelope(PLAIN))
    assert [one.id for one in es.read(folder)] == ["mbox#1"]


def test_a_filter_passes_messages_as_they_stood(tmp_path, predation):
    """Into a mailbox that mail programs read; single files have no record, and out.csv is refused."""
    pdf = "Content-Type: text/plain; charset=koi8-r\n\n"
    first = envelope(PLAIN.replace("\n\n", f"\n{pdf}", 1)).encode() + "волк\n".encode("koi8-r")
    (tmp_path / "a.mbox").write_bytes(first + envelope(PLAIN.replace("Ada", "Bob")).encode())
    where = ("--where", '"Ada" in names', "-i", predation)
    result = run("filter", tmp_path / "a.mbox", *where, "-o", tmp_path / "out.mbox")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "out.mbox").read_bytes() == first + b"\n"
    with contextlib.closing(mailbox.mbox(tmp_path / "out.mbox")) as box:
        assert [message["from"] for message in box] == ["Ada <ada@x.org>"]
    refused = run("filter", tmp_path / "a.mbox", *where, "-o", tmp_path / "out.csv")
    assert refused.exit_code == 2
    assert "are written unchanged" in refused.stderr
