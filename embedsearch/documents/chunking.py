"""From Documents to Passages: whole sentences packed into pieces that an encoder reads to the end."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import NamedTuple

from embedsearch.documents.atoms import Atom, CountTokens, Ruler
from embedsearch.documents.document import Document, Passage
from embedsearch.errors import EncoderError, QueryError, SourceError
from embedsearch.given import require_kind


class _Span(NamedTuple):
    """A passage to be; *fresh* is the first of its characters that is not repeated from the one before."""

    start: int
    fresh: int
    end: int


def chunk(
    document: Document,
    count_tokens: CountTokens,
    *,
    limit: int,
    words: int | None = None,
    overlap: int = 25,
) -> list[Passage]:
    """Divide a document into passages of whole sentences, in order; a text that fits is one passage.

    A sentence that does not fit is cut between words, and a word that does not fit between characters.

    Args:
        document: the document to divide; one with a blank text gives no passages.
        count_tokens: returns the number of tokens of each text, without special tokens.
        limit: the most tokens in a passage, at least 1.
        words: the most words in a passage; None for no such limit. A Chinese or Japanese character is a word.
        overlap: the most words that a passage repeats from the end of the one before, in whole sentences
            (whole words where a sentence had to be cut), and never more than half a passage; 0 for none.

    Returns:
        Passages without white space around them, in order. Every other character is in at least one.

    Raises:
        EncoderError: *limit* leaves no room for a text.
        QueryError: *document* is not a `Document`; or *limit*, *words* or *overlap* is not a whole number or makes no
            sense.
        SourceError: a single character has more than *limit* tokens.
    """
    _check(document, limit, words, overlap)
    text = document.text
    return [
        Passage(document.id, position, start, end, text[start:end])
        for position, (start, end) in enumerate(
            _ranges(Ruler(text, count_tokens, limit=limit, words=words, overlap=overlap), document)
        )
    ]


def _check(document: Document, limit: int, words: int | None, overlap: int) -> None:
    require_kind("what is divided", document, Document, "a Document")
    for what, given in (("the limit", limit), ("words", 1 if words is None else words), ("the overlap", overlap)):
        require_kind(what, given, Integral, "a whole number")
    if limit < 1:
        raise EncoderError(
            f"{limit} tokens are left for a passage where at least 1 is wanted; "
            "shorten the prompt or the title, or take an encoder that reads longer texts"
        )
    if words is not None and words < 1:
        raise QueryError(f"a passage must be allowed at least 1 word, not {words}")
    if overlap < 0:
        raise QueryError(f"the overlap must be 0 words or more, not {overlap}")


def _ranges(ruler: Ruler, document: Document) -> list[tuple[int, int]]:
    start, end = _trim(document.text, 0, len(document.text))
    if start == end:
        return []
    if ruler.fits_whole(start, end):
        return [(start, end)]
    atoms = ruler.atoms()
    starts = [atom.start for atom in atoms]
    spans = list(_packed(atoms, ruler))
    # The tokens of a passage can differ from the sum over its sentences, for what stands side by side may be
    # tokenized together: each passage is counted as it stands, and those that are too long are divided.
    known: dict[_Span, int] = {}
    while True:
        unknown = [span for span in spans if span not in known]
        counts = ruler.counts([document.text[span.start : span.end] for span in unknown])
        known.update(zip(unknown, counts, strict=True))
        if all(known[span] <= ruler.limit for span in spans):
            return [(span.start, span.end) for span in spans]
        _refuse_characters(known, ruler, document)
        spans = list(_shrunk(spans, [known[span] > ruler.limit for span in spans], starts, document.text))


def _packed(atoms: Sequence[Atom], ruler: Ruler) -> Iterator[_Span]:
    """Yield as many atoms at a time as fit, after those repeated from the passage before."""
    cuts = set(ruler.cuts)
    begin = fresh = tokens = words = 0
    for index, atom in enumerate(atoms):
        tokens += atom.tokens
        words += atom.words
        if index > begin and (atom.start in cuts or not ruler.allows(tokens, words)):
            yield _Span(atoms[begin].start, atoms[fresh].start, atoms[index - 1].end)
            begin, fresh = _repeated(atoms, begin, index, ruler, cuts), index
            tokens = sum(atom.tokens for atom in atoms[begin : index + 1])
            words = sum(atom.words for atom in atoms[begin : index + 1])
    yield _Span(atoms[begin].start, atoms[fresh].start, atoms[-1].end)


def _repeated(atoms: Sequence[Atom], begin: int, index: int, ruler: Ruler, cuts: set[int]) -> int:
    """Return the first of the atoms from *begin* to *index* that the next passage repeats, or *index*."""
    # Half a passage at most, so that the passages of a text never hold more than about twice the text.
    tokens = min(ruler.limit // 2, ruler.limit - atoms[index].tokens)
    words = ruler.overlap
    if ruler.words is not None:
        words = min(words, ruler.words // 2, ruler.words - atoms[index].words)
    first = index
    while first - 1 > begin and atoms[first].start not in cuts:
        tokens -= atoms[first - 1].tokens
        words -= atoms[first - 1].words
        if tokens < 0 or words < 0:
            break
        first -= 1
    return first


def _refuse_characters(known: dict[_Span, int], ruler: Ruler, document: Document) -> None:
    for span, tokens in known.items():
        if tokens > ruler.limit and span.end - span.start == 1:
            raise SourceError(
                f"{document.source or document.id}: the character {document.text[span.start]!r} alone has "
                f"{tokens} tokens where a passage may have {ruler.limit}; "
                "shorten the prompt or the title, or take an encoder that reads longer texts"
            )


def _shrunk(spans: Sequence[_Span], too_long: Sequence[bool], starts: list[int], text: str) -> Iterator[_Span]:
    """Yield *spans*, those that are too long without what they repeat or, if they repeat nothing, halved."""
    last = -1
    for span, is_long in zip(spans, too_long, strict=True):
        if is_long and span.start == span.fresh:
            parts = _halves(span, starts, text)
        # Or the passage before has become so short that this one would repeat all of it.
        elif is_long or span.start <= last:
            parts = [span._replace(start=span.fresh)]
        else:
            parts = [span]
        yield from parts
        last = parts[-1].start


def _halves(span: _Span, starts: list[int], text: str) -> list[_Span]:
    """Return *span* cut at the atom, else the space, else the character nearest to its middle."""
    start, _, end = span
    middle = (start + end) // 2
    between = starts[bisect_right(starts, start) : bisect_left(starts, end)]
    space = text.rfind(" ", start, middle) + 1
    cut = min(between, key=lambda place: abs(place - middle)) if between else space or middle
    halves = (_trim(text, start, cut), _trim(text, cut, end))
    return [_Span(first, first, last) for first, last in halves]


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Return *start* and *end* moved inwards past white space; two equal numbers if there is nothing else."""
    part = text[start:end]
    inner = part.strip()
    start += len(part) - len(part.lstrip())
    return start, start + len(inner)
