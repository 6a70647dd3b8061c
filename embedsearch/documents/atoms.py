"""The smallest parts of a text that are not divided when it is packed into passages, and their sizes."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from embedsearch.documents.sentences import sentences

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
_IN_RUN = rf"[^\s{_PUNCTUATION}{_IDEOGRAPHS}]"
_LONG_RUN = re.compile(rf"(?<!{_IN_RUN}){_IN_RUN}{{{LONGEST_RUN + 1},}}")
# Scripts written without spaces: there each character counts as a word.
_UNSPACED = f"\u3040-\u30ff{_IDEOGRAPHS}"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_SPACED = re.compile(r"\S+")


class _Stretch(NamedTuple):
    """Characters to measure: from *start* to *end*, with *before* where the stretch before it ended."""

    before: int
    start: int
    end: int


class Atom(NamedTuple):
    """What packing does not divide: a sentence, or a word or less of a sentence that is too long."""

    start: int
    end: int
    tokens: int
    words: int


class Ruler:
    """The limits of a passage, and one text divided and measured by them."""

    def __init__(self, text: str, count_tokens: CountTokens, *, limit: int, words: int | None, overlap: int) -> None:
        self.text = text
        self.count_tokens = count_tokens
        self.limit = limit
        self.words = words
        self.overlap = overlap
        # A passage must not reach across these: the places where a run that is too long is cut.
        self.cuts = [
            cut for run in _long_runs(text) for cut in range(run.start() + LONGEST_RUN, run.end(), LONGEST_RUN)
        ]

    def allows(self, tokens: int, words: int) -> bool:
        """Return whether a passage may have so many tokens and words."""
        return tokens <= self.limit and (self.words is None or words <= self.words)

    def fits_whole(self, start: int, end: int) -> bool:
        """Return whether the text from *start* to *end* may be one passage; tokens are counted if need be."""
        text = self.text[start:end]
        if self.cuts or (self.words is not None and count_words(text) > self.words):
            return False
        if most_tokens(text) <= self.limit:
            return True
        return not self._surely_long(len(text)) and self.counts([text])[0] <= self.limit

    def _surely_long(self, length: int) -> bool:
        # No tokenizer takes 20 characters into each token of a whole passage; what is longer need not be
        # counted to know that it must be cut, and counting 10 MB as one text costs some of them gigabytes.
        return length > 1000 + 20 * self.limit

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        counts: list[int] = []
        for first in range(0, len(texts), BATCH):
            counts += self.count_tokens(texts[first : first + BATCH])
        return counts

    def atoms(self) -> list[Atom]:
        """Return the sentences of the text, in order; those too big for a passage in parts that are not.

        Only a single character may remain too big.
        """
        return self._atoms(_stretches(0, sentences(self.text)), 0)

    def _atoms(self, stretches: Sequence[_Stretch], level: int) -> list[Atom]:
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

    def _measured(self, stretches: Sequence[_Stretch]) -> list[Atom]:
        # Up to two characters of the white space before are counted with it, as within a passage: to many
        # tokenizers " word" is one token and "word" is two.
        whole = [not self._surely_long(stretch.end - stretch.start) for stretch in stretches]
        texts = [
            self.text[max(before, start - 2) : end]
            for (before, start, end), countable in zip(stretches, whole, strict=True)
            if countable
        ]
        counts = iter(self.counts(texts))
        tokens_of_each = (next(counts) if countable else self.limit + 1 for countable in whole)
        return [
            Atom(start, end, tokens, count_words(self.text[start:end]))
            for (_, start, end), tokens in zip(stretches, tokens_of_each, strict=True)
        ]

    def _too_big(self, atom: Atom) -> bool:
        if atom.end - atom.start == 1:
            return False
        if not self.allows(atom.tokens, atom.words):
            return True
        return bisect_right(self.cuts, atom.start) < bisect_left(self.cuts, atom.end)

    def _divided_into_phrases(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return a few words at a time, fewer where passages or overlaps are short.

        Ten megabytes without a full stop are 2 million words; by eights they take a third of the time.
        """
        room = min(self.limit, self.words or self.limit) // 16
        step = max(1, min(8, room, (self.overlap or 24) // 3))
        phrase = re.compile(rf"\S++(?:\s++\S++){{0,{step - 1}}}")
        return [match.span() for match in phrase.finditer(self.text, start, end)]

    def _divided_at_spaces(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the words of a phrase."""
        return [match.span() for match in _SPACED.finditer(self.text, start, end)]

    def _divided_at_cuts(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the parts of a word between the cuts of a run that is too long."""
        inner = self.cuts[bisect_right(self.cuts, start) : bisect_left(self.cuts, end)]
        return list(zip([start, *inner], [*inner, end], strict=True))

    def _divided_at_characters(self, start: int, end: int) -> list[tuple[int, int]]:
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


_DIVIDERS = (
    Ruler._divided_into_phrases,
    Ruler._divided_at_spaces,
    Ruler._divided_at_cuts,
    Ruler._divided_at_characters,
)


def _long_runs(text: str) -> Iterable[re.Match[str]]:
    """Return the runs that are too long; most texts need not be searched, since no word of theirs is that long."""
    if len(text) <= LONGEST_RUN or max(map(len, text.split()), default=0) <= LONGEST_RUN:
        return ()
    return _LONG_RUN.finditer(text)


def _stretches(before: int, spans: Iterable[tuple[int, int]]) -> list[_Stretch]:
    stretches = []
    for start, end in spans:
        stretches.append(_Stretch(before, start, end))
        before = end
    return stretches


def count_words(text: str) -> int:
    """Return the number of words of *text*; each character of Chinese and Japanese is one."""
    return len(text.split()) if text.isascii() else len(_WORD.findall(text))


def most_tokens(text: str) -> int:
    """Return a number that the tokens of *text* cannot exceed, without counting them.

    Every token covers at least one byte, and SentencePiece puts one mark before a text. Normalisation comes
    first and can lengthen a text (U+FDFA becomes 18 letters), so that the longer of the two forms counts.
    """
    if text.isascii():
        return len(text) + 1
    forms = (text, unicodedata.normalize("NFKD", text))
    return 1 + max(len(form.encode(errors="surrogatepass")) for form in forms)
