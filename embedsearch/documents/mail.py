"""Readers of mail: files of one message (eml), and mailboxes (mbox)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from embedsearch.documents.document import Document, Encoding
from embedsearch.documents.fields import Count, RawRecord, documents_of
from embedsearch.documents.mailboxes import Mail, messages
from embedsearch.documents.message import Mailed
from embedsearch.documents.sources import ReadOptions, Source, open_marked
from embedsearch.errors import SourceError
from embedsearch.wording import count_of

# Each message says for itself how its letters are written; the bytes as they stood are kept as this, which has all 256.
_BYTES = Encoding("latin-1")
# The sender is no field "from", since that is a word of the language of conditions.
_FIELDS = (
    "subject",
    "date",
    "sender",
    "to",
    "cc",
    "bcc",
    "names",
    "message_id",
    "in_reply_to",
    "attachments",
    "quoted",
)


def read_mbox(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each message of a mailbox."""
    return _documents(_mails(source, options), source, options)


def read_eml(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield the document that one message is."""
    return _documents(_mail(source, options), source, options)


def _documents(records: Iterator[RawRecord], source: Source, options: ReadOptions) -> Iterator[Document]:
    return documents_of(records, source, replace(options, title=options.title or "subject"), (*_FIELDS, "text"))


@dataclass(slots=True)
class _Noticed:
    """What is wrong with messages that are read all the same: how many they are, and the first."""

    misread: Count = field(default_factory=Count)
    unclosed: Count = field(default_factory=Count)

    def look_at(self, mailed: Mailed, place: str) -> None:
        if mailed.content.is_misread:
            self.misread.take(place)
        if mailed.is_unclosed:
            self.unclosed.take(place)

    def tell(self, source: Source, options: ReadOptions) -> None:
        for count, what in (
            (self.misread, "with bytes that are not in the encoding that it names, nor in UTF-8"),
            (self.unclosed, "of which the last part has no end, as where it is cut off"),
        ):
            if count.number:
                said = f"{count_of(count.number, 'message')} {what}"
                options.tell(f"{source.name}: {said}, the first at {count.first}; what is there is read")


def _mails(source: Source, options: ReadOptions) -> Iterator[RawRecord]:
    noticed, number = _Noticed(), 0
    _, stream = open_marked(source)
    for number, mail in enumerate(messages(stream, source.name), start=1):
        place = f"{source.name}:{mail.number}"
        try:
            if mail.fault:
                raise SourceError(f"{place}: {mail.fault}")
            mailed = _mailed(mail.message, place, options)
        except SourceError as error:
            options.broken(error)
            continue
        noticed.look_at(mailed, place)
        yield RawRecord(number, place, _record(mail), mailed.fields(), encoding=_BYTES)
    if not number:
        options.tell_empty(source)
    noticed.tell(source, options)


def _mail(source: Source, options: ReadOptions) -> Iterator[RawRecord]:
    noticed = _Noticed()
    _, stream = open_marked(source)
    mailed = _mailed(stream.read().lstrip(b"\r\n"), source.name, options)
    if not mailed.has_headers:
        raise SourceError(
            f"{source.name}: not a mail message: it does not begin with headers, such as 'From: …' and 'Date: …'"
        )
    noticed.look_at(mailed, source.name)
    yield RawRecord(0, source.name, "", mailed.fields())
    noticed.tell(source, options)


def _mailed(raw: bytes, place: str, options: ReadOptions) -> Mailed:
    try:
        return Mailed(raw, options.encoding)
    except RecursionError:
        raise SourceError(f"{place}: a message with parts within parts, nested too deeply") from None


def _record(mail: Mail) -> str:
    """Return a message as it stood, with the blank line behind it that the next one needs before it."""
    text = mail.raw.decode(_BYTES.name)
    end = "\r\n" if text.endswith("\r\n") else "\n"
    blanks = 0 if text.endswith(2 * end) else 1 if text.endswith(end) else 2
    return text + blanks * end
