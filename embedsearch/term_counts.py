"""How often texts have words and pairs of neighbouring words, each term identified by a hash of its letters.

By these hashes, the counts of some texts can be joined to those of others, so that nothing is counted twice. The words
are those of scikit-learn: at least two letters, digits or underscores, in lower case.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

_WORD = re.compile(r"\b\w\w+\b")
_AT_ONCE = 2_000  # texts: sorted at once, their terms take the memory of one batch
_FIRST, _SECOND = (np.array(odd, np.uint64) for odd in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9))  # of splitmix64
_HALF = np.uint64(32)  # of the bits of a number
_PARTS = ("data", "indices", "indptr")  # of a matrix of scipy


class TermCounts(NamedTuple):
    """How often n texts have each of t terms.

    Attributes:
        keys: one for each term, shape (t,), ascending: 64 bits of a hash. Among ten million terms, two have the same
            key with a probability of 3e-6.
        counts: scipy CSR matrix of shape (n, t), int32; no zero is stored in it.
    """

    keys: Keys
    counts: Any

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Count the terms of texts, which are read once."""
        numbers = _Numbers()
        return cls.joined([cls._of_few(batch, numbers) for batch in _batches(texts)])

    @classmethod
    def _of_few(cls, texts: Sequence[str], numbers: _Numbers) -> Self:
        from scipy.sparse import csr_matrix

        words = [[numbers[word] for word in _WORD.findall(text.lower())] for text in texts]
        lengths = np.array([len(found) for found in words])
        found = np.fromiter((number for own in words for number in own), np.uint64, int(lengths.sum()))
        places = np.repeat(np.arange(len(texts)), lengths)
        together = places[:-1] == places[1:]
        pairs = _mixed(found[:-1], found[1:])[together]
        keys, columns = np.unique(np.concatenate([found, pairs]), return_inverse=True)
        rows = np.concatenate([places, places[:-1][together]])
        once = np.ones(len(rows), np.int32)
        return cls(keys, csr_matrix((once, (rows, columns)), shape=(len(texts), len(keys))))  # which adds them up

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the counts of the texts of all parts, one part after the other."""
        from scipy.sparse import csr_matrix, vstack

        if not parts:
            return cls(np.empty(0, np.uint64), csr_matrix((0, 0), dtype=np.int32))
        keys, columns = np.unique(np.concatenate([part.keys for part in parts]), return_inverse=True)
        ends = np.cumsum([len(part.keys) for part in parts])[:-1]
        laid = [
            # Both are ascending, so that the columns of a row stay so.
            csr_matrix(
                (part.counts.data, own[part.counts.indices].astype(np.int32), part.counts.indptr),
                shape=(part.counts.shape[0], len(keys)),
            )
            for part, own in zip(parts, np.split(columns, ends), strict=True)
        ]
        return cls(keys, vstack(laid, format="csr"))

    def take(self, places: Sequence[int] | NDArray[np.int64]) -> Self:
        """Return the counts of some of the texts, in the order of *places*, and of the terms that these have."""
        counts = self.counts[places]
        used = np.bincount(counts.indices, minlength=len(self.keys)) > 0
        return type(self)(self.keys[used], counts[:, used])

    def to_arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Return the counts as arrays with names that begin with *name*; `from_arrays` reads them back."""
        return {f"{name}-keys": self.keys} | {f"{name}-{part}": getattr(self.counts, part) for part in _PARTS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> Self:
        """Return the counts that `to_arrays` wrote."""
        from scipy.sparse import csr_matrix

        keys = arrays[f"{name}-keys"]
        values, columns, starts = (arrays[f"{name}-{part}"] for part in _PARTS)
        return cls(keys, csr_matrix((values, columns, starts), shape=(len(starts) - 1, len(keys))))


class _Numbers(dict[str, int]):
    """The number of each word, made when it is first asked for."""

    def __missing__(self, word: str) -> int:
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return self.setdefault(word, int.from_bytes(digest, "little"))


def _mixed(first: Keys, second: Keys) -> Keys:
    """Return the numbers of pairs of words; that of two words the other way round is another."""
    spread: Keys = second ^ (second >> _HALF)
    mixed: Keys = first * _FIRST + spread * _SECOND  # modulo 2^64
    return mixed ^ (mixed >> _HALF)


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(texts)
    while batch := list(islice(remaining, _AT_ONCE)):
        yield batch
