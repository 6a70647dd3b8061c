"""What somebody has written in a mail himself, and what he repeats of the mails before it."""

from __future__ import annotations

import re
from itertools import groupby

_QUOTED = re.compile(r" ?>")
_ATTRIBUTION_LINES, _ATTRIBUTION_CHARACTERS = 3, 300
# "On Mon, 14 May 2001 at 16:39, Ada wrote:" in whatever language: it names a time, an address, or the writing.
_ATTRIBUTION = re.compile(
    r"@|\d{1,2}[:.]\d\d|\b(?:19|20)\d\d\b"
    r"|\b(?:wrote|writes|said|schrieb|écrit|escribió|escribi|scritto|escreveu|schreef|skrev|kirjoitti|napisał|napsal)\b"
    r"|(?:написал|пишет|写道|書きました)"
)
_ENDS = re.compile(r"[:\uff1a]\s*$")
_ORIGINAL = re.compile(
    r"\s*-{2,}\s*(?:original message|original appointment|reply message|ursprüngliche nachricht|original-?nachricht"
    r"|message d['\u2019]origine|mensaje original|messaggio originale|mensagem original|oorspronkelijk bericht"
    r"|ursprungligt meddelande)\s*-{2,}\s*",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"\s*(?:-{2,}\s*(?:forwarded|weitergeleitete|message transféré|mensaje reenviado|messaggio inoltrato"
    r"|mensagem encaminhada|doorgestuurd).*|begin forwarded message:\s*|anfang der weitergeleiteten .*)",
    re.IGNORECASE,
)
_FORWARDING = re.compile(r"\s*(?:re:\s*)?(?:fwd?|wg|tr|rv|enc|vs|doorst|转发|轉寄)\s*[:\uff1a]", re.IGNORECASE)
# The headers that Outlook and Notes write above a mail that is answered, by what they say.
_HEADERS = {
    "from": "from|von|de|da|van|från|fra|от",
    "sent": "sent|date|gesendet|datum|envoyé|enviado|fecha|data|inviato|verzonden|skickat|дата|отправлено",
    "to": "to|an|à|para|a|aan|till|til|кому",
    "cc": "cc|kopie|copie",
    "subject": "subject|betreff|objet|asunto|oggetto|assunto|onderwerp|ämne|emne|тема",
}
_HEADER = re.compile(
    r"\s*\*?(?:" + "|".join(f"(?P<{what}>{words})" for what, words in _HEADERS.items()) + r")\s?:\*?(?:\s|$)",
    re.IGNORECASE,
)
_BLOCK_LINES = 6


def parted(text: str, subject: str) -> tuple[str, str]:
    """Return what is written in a mail, and what is repeated in it: quoted by ``>``, or all behind the old headers.

    What is forwarded is not taken for a repetition, and a mail in which nothing else stands is all its own.

    Args:
        text: of the mail.
        subject: of the mail, which may say that it forwards another.
    """
    lines = text.splitlines()
    end = _end_of_own(lines, is_forwarding=bool(_FORWARDING.match(subject)))
    own: list[str] = []
    repeated: list[str] = []
    for is_quoted, group in groupby(lines[:end], key=lambda line: bool(_QUOTED.match(line))):
        if not is_quoted:
            own += group
            continue
        begin = _attribution(own)
        repeated += [*own[begin:], *group, ""]
        own[begin:] = [""]
    repeated += lines[end:]
    if not repeated or not any(line.strip() for line in own):
        return text, ""
    return _joined(own), _joined(repeated)


def _end_of_own(lines: list[str], *, is_forwarding: bool) -> int:
    """Return the first line of the mail that is answered above it; the number of lines if there is none."""
    for place, line in enumerate(lines):
        if _FORWARDED.fullmatch(line):
            break
        if _ORIGINAL.fullmatch(line) or _is_block(lines[place : place + _BLOCK_LINES]):
            return len(lines) if is_forwarding else place
    return len(lines)


def _is_block(lines: list[str]) -> bool:
    """Do old headers begin here: three of them, of which one says who wrote or was written to?"""
    first = _HEADER.match(lines[0])
    if not first:
        return False
    found = {match.lastgroup for match in map(_HEADER.match, lines) if match}
    return len(found) >= 3 and bool(found & {"from", "to"})


def _attribution(own: list[str]) -> int:
    """Return where the words begin that say whose lines follow; the end where there are none."""
    end = len(own)
    while end and not own[end - 1].strip():
        end -= 1
    begin = end
    while begin and own[begin - 1].strip():
        begin -= 1
    if end - begin > _ATTRIBUTION_LINES:
        begin = end - 1
    said = " ".join(own[begin:end])
    is_one = bool(_ENDS.search(said)) and len(said) <= _ATTRIBUTION_CHARACTERS and bool(_ATTRIBUTION.search(said))
    return begin if is_one else len(own)


def _joined(lines: list[str]) -> str:
    """Return lines as a text, with one blank line where several come together."""
    return re.sub(r"\n\s*\n(?:\s*\n)+", "\n\n", "\n".join(lines)).strip("\n")
