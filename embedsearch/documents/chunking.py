"""Documents to Passages: whole sentences packed into pieces that an encoder reads to the end."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from embedsearch.documents.document import Document, Passage
from embedsearch.documents.sentences import sentences
from embedsearch.errors import EncoderError, QueryError, SourceError

CountTokens = Callable[[Sequence[str]], list[int]]

# BERT's tokenizers give up on a run of more than 100 characters without white space, punctuation or an
# ideograph between them: it becomes one [UNK], and what it said is lost.
LONGEST_RUN = 100
# Texts in one call of `count_tokens`: enough to keep a tokenizer's threads busy, few enough to hold.
BATCH = 1024

_IDEOGRAPHS = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_PUNCTUATION = (
    "!-/:-@[-`{-~\u00a1\u00a7\u00ab\u00b6\u00b7\u00bb\u00bf"
    "\u2010-\u2027\u2030-\u205e\u3001-\u3003\u3008-\u3011\u3014-\u301f\uff01-\uff0f\uff61-\uff65"
)
_LONG_RUN = re.compile(rf"[^\s{_PUNCTUATION}{_IDEOGRAPHS}]{{{LONGEST_RUN + 1},}}")
# Scripts written without spaces: there each character counts as a word.
_UNSPACED = f"\u3040-\u30ff{_IDEOGRAPHS}"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_SPACED = re.compile(r"\S+")


class _Stretch(NamedTuple):
    """Characters to measure: from *start* to *end*, with *before* where the stretch before it ended."""

    before: int
    start: int
    end: int


class _Atom(NamedTuple):
    """What packing does not divide: a sentence, or a word or less of a sentence that is too long."""

    start: int
    end: int
    tokens: int
    words: int


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
    """Divide *document* into passages of whole sentences, in order; a text that fits is one passage.

    Args:
        document: its text is divided; a blank one gives no passages.
        count_tokens: the number of tokens of each text, special tokens not counted.
        limit: the most tokens of a passage, at least 1.
        words: the most words of a passage; None for no such limit. A Chinese or Japanese character is a word.
        overlap: the most words that a passage repeats from the end of the one before, in whole sentences
            (whole words where a sentence had to be cut), and never more than half a passage; 0 for none.

    Returns:
        Passages without white space around them. Together they hold every other character of the text.

    Raises:
        EncoderError: *limit* leaves no room for a text.
        QueryError: *words* or *overlap* makes no sense.
        SourceError: a single character has more than *limit* tokens.
    """
    _check(limit, words, overlap)
    spans = _Chunker(document, count_tokens, limit, words, overlap).spans()
    return [
        Passage(document.id, position, start, end, document.text[start:end])
        for position, (start, end) in enumerate(spans)
    ]


def _check(limit: int, words: int | None, overlap: int) -> None:
    if limit < 1:
        raise EncoderError(
            f"{limit} tokens are left for a passage where at least 1 is wanted; "
            "shorten the prompt or the title, or take an encoder that reads longer texts"
        )
    if words is not None and words < 1:
        raise QueryError(f"a passage must be allowed at least 1 word, not {words}")
    if overlap < 0:
        raise QueryError(f"the overlap must be 0 words or more, not {overlap}")


def count_words(text: str) -> int:
    """Return the number of words of *text*; each character of Chinese and Japanese is one."""
    return len(text.split()) if text.isascii() else len(_WORD.findall(text))


class _Chunker:
    """One document on its way to passages."""

    def __init__(
        self, document: Document, count_tokens: CountTokens, limit: int, words: int | None, overlap: int
    ) -> None:
        self.document = document
        self.text = document.text
        self.count_tokens = count_tokens
        self.limit = limit
        self.words = words
        self.overlap = overlap
        # A passage must not reach across these: the places where a run that is too long is cut.
        self.cuts = [
            cut
            for run in _LONG_RUN.finditer(self.text)
            for cut in range(run.start() + LONGEST_RUN, run.end(), LONGEST_RUN)
        ]

    def spans(self) -> list[tuple[int, int]]:
        """Return the (start, end) of each passage."""
        start, end = _trim(self.text, 0, len(self.text))
        if start == end:
            return []
        if self._fits_whole(self.text[start:end]):
            return [(start, end)]
        atoms = self._atoms(_stretches(0, sentences(self.text)), 0)
        return [(span.start, span.end) for span in self._verified(list(self._packed(atoms)), atoms)]

    def _fits_whole(self, text: str) -> bool:
        if self.cuts or (self.words is not None and count_words(text) > self.words):
            return False
        if most_tokens(text) <= self.limit:
            return True
        return not self._surely_long(len(text)) and self._counts([text])[0] <= self.limit

    def _surely_long(self, length: int) -> bool:
        # No tokenizer takes 20 characters into each token of a whole passage; what is longer need not be
        # counted to know that it must be cut, and counting 10 MB as one text costs some of them gigabytes.
        return length > 1000 + 20 * self.limit

    def _counts(self, texts: Sequence[str]) -> list[int]:
        counts: list[int] = []
        for first in range(0, len(texts), BATCH):
            counts += self.count_tokens(texts[first : first + BATCH])
        return counts

    def _atoms(self, stretches: Sequence[_Stretch], level: int) -> list[_Atom]:
        """Return *stretches* measured, those that are too big for a passage divided as often as it takes."""
        atoms = self._measured(stretches)
        big = [self._too_big(atom) for atom in atoms]
        if not any(big):
            return atoms
        divide = _DIVIDERS[min(level, len(_DIVIDERS) - 1)]
        parts = [
            part
            for stretch, is_big in zip(stretches, big, strict=True)
            if is_big
            for part in _stretches(stretch.before, divide(self, stretch.start, stretch.end))
        ]
        kept = (atom for atom, is_big in zip(atoms, big, strict=True) if not is_big)
        return sorted([*kept, *self._atoms(parts, level + 1)])

    def _measured(self, stretches: Sequence[_Stretch]) -> list[_Atom]:
        # Up to two characters of the white space before are counted with it, as within a passage: to many
        # tokenizers " word" is one token and "word" is two.
        whole = [not self._surely_long(stretch.end - stretch.start) for stretch in stretches]
        texts = [
            self.text[max(before, start - 2) : end]
            for (before, start, end), countable in zip(stretches, whole, strict=True)
            if countable
        ]
        counts = iter(self._counts(texts))
        tokens_of_each = (next(counts) if countable else self.limit + 1 for countable in whole)
        return [
            _Atom(start, end, tokens, count_words(self.text[start:end]))
            for (_, start, end), tokens in zip(stretches, tokens_of_each, strict=True)
        ]

    def _too_big(self, atom: _Atom) -> bool:
        if atom.end - atom.start == 1:
            return False
        if atom.tokens > self.limit or (self.words is not None and atom.words > self.words):
            return True
        return bisect_right(self.cuts, atom.start) < bisect_left(self.cuts, atom.end)

    def divided_into_phrases(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return a few words at a time, fewer where passages or overlaps are short.

        Ten megabytes without a full stop are 2 million words; measured by eights they take a fifth of the time.
        """
        room = min(self.limit, self.words or self.limit) // 16
        step = max(1, min(8, room, (self.overlap or 24) // 3))
        phrase = re.compile(rf"\S++(?:\s++\S++){{0,{step - 1}}}")
        return [match.span() for match in phrase.finditer(self.text, start, end)]

    def divided_at_spaces(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the words of a phrase."""
        return [match.span() for match in _SPACED.finditer(self.text, start, end)]

    def divided_at_cuts(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the parts of a word between the cuts of a run that is too long."""
        inner = self.cuts[bisect_right(self.cuts, start) : bisect_left(self.cuts, end)]
        return list(zip([start, *inner], [*inner, end], strict=True))

    def divided_at_characters(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return pieces of 16 characters, or halves of what is not longer; marks stay with their letter."""
        step = min(16, (end - start + 1) // 2)
        pieces = []
        while start < end:
            stop = min(start + step, end)
            while stop < end and step > 1 and unicodedata.category(self.text[stop])[0] == "M":
                stop += 1
            pieces.append((start, stop))
            start = stop
        if len(pieces) == 1:  # one letter with all its marks
            start, stop = pieces[0]
            return [(start, start + 1), (start + 1, stop)]
        return pieces

    def _packed(self, atoms: Sequence[_Atom]) -> Iterator[_Span]:
        """Yield as many atoms at a time as fit, after those repeated from the passage before."""
        cuts = set(self.cuts)
        begin = fresh = tokens = words = 0
        for index, atom in enumerate(atoms):
            tokens += atom.tokens
            words += atom.words
            apart = atom.start in cuts
            full = tokens > self.limit or (self.words is not None and words > self.words)
            if index > begin and (apart or full):
                yield _Span(atoms[begin].start, atoms[fresh].start, atoms[index - 1].end)
                begin, fresh = index if apart else self._repeated(atoms, begin, index, cuts), index
                tokens = sum(atom.tokens for atom in atoms[begin : index + 1])
                words = sum(atom.words for atom in atoms[begin : index + 1])
        yield _Span(atoms[begin].start, atoms[fresh].start, atoms[-1].end)

    def _repeated(self, atoms: Sequence[_Atom], begin: int, index: int, cuts: set[int]) -> int:
        """Return the first of the atoms from *begin* to *index* that the next passage repeats, or *index*."""
        # Half a passage at most, so that the passages of a text never hold more than about twice the text.
        tokens = min(self.limit // 2, self.limit - atoms[index].tokens)
        words = self.overlap
        if self.words is not None:
            words = min(words, self.words // 2, self.words - atoms[index].words)
        first = index
        while first - 1 > begin and atoms[first].start not in cuts:
            tokens -= atoms[first - 1].tokens
            words -= atoms[first - 1].words
            if tokens < 0 or words < 0:
                break
            first -= 1
        return first

    def _verified(self, spans: list[_Span], atoms: Sequence[_Atom]) -> Iterable[_Span]:
        """Return *spans* with those divided whose real text has too many tokens.

        The tokens of a passage can differ from the sum over its sentences, for what stands side by side can
        be tokenized together.
        """
        starts = [atom.start for atom in atoms]
        known: dict[_Span, int] = {}
        while True:
            unknown = [span for span in spans if span not in known]
            counts = self._counts([self.text[span.start : span.end] for span in unknown])
            known.update(zip(unknown, counts, strict=True))
            if all(known[span] <= self.limit for span in spans):
                return spans
            spans = list(self._shrunk(spans, known, starts))

    def _shrunk(
        self, spans: Sequence[_Span], known: dict[_Span, int], starts: Sequence[int]
    ) -> Iterator[_Span]:
        changed = False
        for span in spans:
            too_long = known[span] > self.limit
            if too_long and span.start == span.fresh:
                yield from self._halves(span, starts, known[span])
            elif too_long or changed:
                # What the passage before lost may be what this one repeats.
                yield span._replace(start=span.fresh)
            else:
                yield span
            changed = too_long

    def _halves(self, span: _Span, starts: Sequence[int], tokens: int) -> Iterator[_Span]:
        start, _, end = span
        if end - start == 1:
            raise SourceError(
                f"{self.document.source or self.document.id}: the character {self.text[start]!r} alone has "
                f"{tokens} tokens where a passage may have {self.limit}; "
                "shorten the prompt or the title, or take an encoder that reads longer texts"
            )
        middle = (start + end) // 2
        between = starts[bisect_right(starts, start) : bisect_left(starts, end)]
        space = self.text.rfind(" ", start, middle) + 1
        cut = min(between, key=lambda place: abs(place - middle)) if between else space or middle
        for part in (_trim(self.text, start, cut), _trim(self.text, cut, end)):
            yield _Span(part[0], part[0], part[1])


_DIVIDERS = (
    _Chunker.divided_into_phrases,
    _Chunker.divided_at_spaces,
    _Chunker.divided_at_cuts,
    _Chunker.divided_at_characters,
)


def _stretches(before: int, spans: Iterable[tuple[int, int]]) -> list[_Stretch]:
    stretches = []
    for start, end in spans:
        stretches.append(_Stretch(before, start, end))
        before = end
    return stretches


def most_tokens(text: str) -> int:
    """Return a number that the tokens of *text* cannot exceed, without counting them.

    Every token covers at least one byte, and SentencePiece puts one mark before a text. Normalisation comes
    first and can lengthen a text (U+FDFA becomes 18 letters), so that the longer of the two forms counts.
    """
    if text.isascii():
        return len(text) + 1
    forms = (text, unicodedata.normalize("NFKD", text))
    return 1 + max(len(form.encode(errors="surrogatepass")) for form in forms)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Return *start* and *end* moved inwards past white space; two equal numbers if there is nothing else."""
    part = text[start:end]
    inner = part.strip()
    start += len(part) - len(part.lstrip())
    return start, start + len(inner)
