"""Texts of like length into batches of about the same number of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from embedsearch.vectors import Rows

Tokens = NDArray[np.int64]


def pack(lengths: Sequence[int], room: int, *, streams: int = 1, least: int = 1) -> Iterator[Rows]:
    """Yield the places of texts batch by batch, longest first, so that padding is short.

    Where several streams take batches side by side, the last ones become smaller, so that all streams end at about
    the same time: each batch takes its stream's share of what is left (guided self-scheduling: Polychronopoulos and
    Kuck, IEEE Transactions on Computers 36, 1987).

    Args:
        lengths: tokens of each text.
        room: the most tokens of a batch, padding counted; a longer text makes a batch of its own.
        streams: how many take batches side by side.
        least: tokens below which no batch is made smaller for an even end.

    Yields:
        Places in *lengths*; each place comes once.
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    start, left = 0, sum(lengths)
    while start < len(order):
        widest = max(1, int(lengths[order[start]]))
        share = min(room, max(least, -(-left // streams)))
        places = order[start : start + max(1, share // widest)]
        yield places
        start += len(places)
        left -= sum(lengths[place] for place in places)


def padded_length(longest: int, limit: int) -> int:
    """Return how long the rows of a batch are made, by its longest text: in steps of an eighth of that, at most 32.

    Attention computes in tiles, and whole ones gain more than the padding costs (8% on AMX); there are also fewer
    lengths for which something must be prepared.

    Args:
        longest: tokens of the longest text.
        limit: the most tokens that the model takes.
    """
    step = min(32, 1 << max(0, (longest // 8).bit_length() - 1))
    return max(longest, min(limit, -(-longest // step) * step))


def pad(texts: Sequence[Sequence[int]], filler: int, longest: int) -> tuple[Tokens, Tokens]:
    """Return the tokens of a batch in one array, shape (texts, longest), and its mask: 1 for tokens, 0 behind them."""
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    mask = np.arange(max(1, longest)) < lengths[:, None]
    tokens = np.full(mask.shape, filler, dtype=np.int64)
    tokens[mask] = np.concatenate([np.asarray(text, dtype=np.int64) for text in texts])
    return tokens, mask.astype(np.int64)
