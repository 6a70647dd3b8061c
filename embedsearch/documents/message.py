"""What a message of mail says: its headers, its text, and the names of what is attached to it."""

from __future__ import annotations

import binascii
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from email.errors import CloseBoundaryNotFoundDefect, InvalidBase64LengthDefect
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any

from embedsearch.documents import hypertext
from embedsearch.documents.fields import clean
from embedsearch.documents.quoting import parted

# The newer policies of the standard library raise IndexError at addresses that are none, and take 20 times as long.
_PARSER = BytesParser(policy=compat32)
_ENCODED_WORD = re.compile(r"=\?([^?*\s]+)(?:\*[^?]*)?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)\s+(?==\?[^?\s]+\?[bBqQ]\?)")
_ADDRESSES = ("from", "to", "cc", "bcc")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_UNDECLARED = ("", "us-ascii", "ascii", "unknown-8bit")
_DEEPEST = 50  # of parts within parts
_LENIENT: dict[str, Any] = {"strict": False}  # of several addresses those that can be read


@dataclass(slots=True)
class Content:
    """What was found in a message.

    Attributes:
        texts: of its parts, in their order.
        attachments: names of what is attached.
        is_misread: are there bytes that are no text in the encoding that they are said to be in?
    """

    texts: list[str] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)
    is_misread: bool = False


class Mailed:
    """A message of mail.

    Attributes:
        content: its texts and attachments.
    """

    def __init__(self, raw: bytes, encoding: str | None) -> None:
        """Read a message.

        Args:
            raw: from its first header on.
            encoding: of texts that do not say theirs; UTF-8 if None, or Windows's where they are not UTF-8.

        Raises:
            RecursionError: its parts are nested too deeply.
        """
        self._message = _PARSER.parsebytes(raw)
        self._encoding = encoding
        self.content = Content()
        self._gather(self._message, 0)

    @property
    def has_headers(self) -> bool:
        """Has it any header? A file of something else has none."""
        return bool(self._message.keys())

    @property
    def is_unclosed(self) -> bool:
        """Does its last part have no end, as where a file is cut off?"""
        parts = self._message.walk()
        return any(isinstance(defect, CloseBoundaryNotFoundDefect) for part in parts for defect in part.defects)

    def fields(self) -> dict[str, Any]:
        """Return what it says as fields of a record; what it does not say is not among them."""
        addressed = {name: _addresses(self._headers(self._message, name)) for name in _ADDRESSES}
        subject = self._subject(self._message)
        both = [parted(text, subject) for text in self.content.texts]
        text, repeated = ("\n\n".join(filter(None, pieces)) for pieces in zip(*both, strict=True)) if both else ("", "")
        found: dict[str, Any] = {
            "subject": subject,
            "date": self._date(),
            "sender": next((address for _, address in addressed["from"]), ""),
            **{name: [address for _, address in addressed[name]] for name in _ADDRESSES[1:]},
            "names": list(dict.fromkeys(name for name in _names(addressed) if name)),
            "message_id": self._one("message-id"),
            "in_reply_to": self._one("in-reply-to"),
            "attachments": self.content.attachments,
            "quoted": repeated,
        }
        return {name: value for name, value in found.items() if value} | {"text": text}

    def _headers(self, part: Message, name: str) -> list[str]:
        """Return the values of a header as texts on one line each, encoded words as they stand."""
        return [" ".join(_raw_text(str(value)).split()) for key, value in part.raw_items() if key.lower() == name]

    def _one(self, name: str) -> str:
        return clean(next(iter(self._headers(self._message, name)), "")).strip().removeprefix("<").removesuffix(">")

    def _subject(self, part: Message) -> str:
        return " ".join(clean(_decoded_words(next(iter(self._headers(part, "subject")), ""))).split())

    def _date(self) -> str:
        """Return when it was sent, or else when it came, in UTC."""
        came = [value.rpartition(";")[2] for value in self._headers(self._message, "received")]
        for said in (*self._headers(self._message, "date"), *came[:1]):
            try:
                time = parsedate_to_datetime(said)
                known = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
            except (ValueError, TypeError, IndexError, OverflowError):
                continue
            return known.isoformat(timespec="seconds")
        return ""

    def _gather(self, part: Message, depth: int, *, is_told: bool = False) -> None:
        """Take the texts of a part and of those within it, unless they are told already, and the names of the rest."""
        if depth > _DEEPEST:
            raise RecursionError("parts within parts")
        kind, inner = part.get_content_type(), part.get_payload() if part.is_multipart() else []
        parts = [one for one in inner if isinstance(one, Message)]
        if kind == "multipart/alternative":
            held = len(self.content.texts)
            for one in sorted(parts, key=lambda one: one.get_content_type() != "text/plain"):
                self._gather(one, depth + 1, is_told=is_told or len(self.content.texts) > held)
        elif parts:
            if kind == "message/rfc822" and not is_told:
                self._take(self._subject(parts[0]))
            is_related = kind == "multipart/related"
            for one in parts:
                # Pictures of the text itself are nothing that was attached; there may be one of each logo.
                if not (is_related and one.get_content_maintype() == "image" and "content-id" in one):
                    self._gather(one, depth + 1, is_told=is_told)
        elif kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            self._attach(part)
            if not is_told:
                self._take(self._text(part))
        else:
            self._attach(part)

    def _take(self, text: str) -> None:
        if text.strip():
            self.content.texts.append(text.strip("\n"))

    def _attach(self, part: Message) -> None:
        try:
            name = part.get_filename() or ""
        except (LookupError, ValueError):  # said to be in an encoding that is none
            name = ""
        name = " ".join(clean(_decoded_words(_raw_text(name))).split())
        if name:
            self.content.attachments.append(name)

    def _text(self, part: Message) -> str:
        raw = _payload(part)
        said = str(part.get_content_charset("") or "").lower()
        is_html = part.get_content_type() == "text/html"
        if not said and is_html:
            said = hypertext.declared_encoding(raw) or ""
        text, is_sure = decoded(raw, said, self._encoding)
        self.content.is_misread |= not is_sure
        text = clean(text.replace("\r\n", "\n").replace("\r", "\n"))
        return hypertext.text_of(text) if is_html else text


def _names(addressed: dict[str, list[tuple[str, str]]]) -> Iterator[str]:
    """Yield the names beside the addresses, the sender's first."""
    for pairs in addressed.values():
        for name, address in pairs:
            yield "" if name.lower() == address else name


def _addresses(values: list[str]) -> list[tuple[str, str]]:
    """Return name and address of each; the address is in small letters, and is the name where there is none."""
    found = []
    for name, address in (pair for value in values for pair in _parsed(value)):
        shown = " ".join(clean(_decoded_words(name)).split())
        known = clean(_decoded_words(address)).strip().lower() or shown
        if known:
            found.append((shown, known))
    return found


def _parsed(value: str) -> list[tuple[str, str]]:
    """Return name and address of each; names without addresses, as Exchange writes them, are parted by semicolons."""
    if "@" not in value:
        names = (name.replace("<>", "").strip(' "<') for name in value.split(";"))
        return [(name, "") for name in names if not name.endswith(":")]
    try:
        return getaddresses([value], **_LENIENT)
    except TypeError:  # Python before 3.11.10
        return getaddresses([value])


def _raw_text(value: str) -> str:
    """Return a header with the bytes beyond ASCII, which it may not have, as the letters that they likely are."""
    if value.isascii():
        return value
    return decoded(value.encode("utf-8", "surrogateescape"), "", None)[0]


def _decoded_words(text: str) -> str:
    """Return *text* with its encoded words (RFC 2047) written out; a letter may be parted between two of them."""
    if "=?" not in text:
        return text
    pieces: list[str] = []
    pending, charset, end = b"", "", 0
    text = _BETWEEN_WORDS.sub("", text)
    for word in _ENCODED_WORD.finditer(text):
        if word.start() > end or word[1].lower() != charset:
            pieces += (decoded(pending, charset, None)[0], text[end : word.start()])
            pending, charset = b"", word[1].lower()
        raw = word[3].encode("utf-8", "replace")
        pending += _from_base64(raw) if word[2] in "bB" else binascii.a2b_qp(raw, header=True)
        end = word.end()
    return "".join((*pieces, decoded(pending, charset, None)[0], text[end:]))


def _payload(part: Message) -> bytes:
    """Return the bytes of a part, as far as they can be decoded."""
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return b""
    is_cut_off = any(isinstance(defect, InvalidBase64LengthDefect) for defect in part.defects)
    return _from_base64(raw) if is_cut_off else raw  # it is given back as it stands then


def _from_base64(given: bytes) -> bytes:
    """Return what base64 stands for; what is no letter of it is passed over, and what is cut off at the end too."""
    letters = _NO_BASE64.sub(b"", given)
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"==")


def decoded(raw: bytes, said: str, encoding: str | None) -> tuple[str, bool]:
    """Return bytes as text, and whether they are in the encoding that they are said to be in.

    What says nothing, or says ASCII, is in *encoding* or UTF-8, else in Windows's, as mail programs take it.

    Args:
        raw: the bytes.
        said: the encoding; may be empty, or none that there is.
        encoding: of what says nothing.
    """
    known = "" if said in _UNDECLARED else hypertext.as_browsers_do(said)
    wanted = known or encoding or "utf-8"
    for name in (wanted, "utf-8"):
        with contextlib.suppress(UnicodeError):
            return raw.decode(name), name == wanted
    return raw.decode(known or "cp1252", "replace"), False
