"""Texts of like length in one batch: each once, padded and masked, in rows of whole tiles."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedsearch.encoders.packing import pack, pad, padded_length


@given(st.lists(st.integers(0, 300), max_size=60), st.integers(1, 500))
@settings(deadline=None)
def test_packing_takes_each_text_once(lengths, room):
    """Each place comes once; lengths do not grow; a batch with its padding fits, or is one text."""
    batches = list(pack(lengths, room))
    places = [int(place) for batch in batches for place in batch]
    assert sorted(places) == list(range(len(lengths)))
    packed = [lengths[place] for place in places]
    assert packed == sorted(lengths, reverse=True)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(1, lengths[batch[0]]) <= room


@pytest.mark.parametrize(
    ("room", "streams", "least", "sizes"),
    [
        (100, 1, 1, [8]),
        (30, 1, 1, [3, 3, 2]),
        (100, 2, 1, [4, 2, 1, 1]),
        (100, 2, 30, [4, 3, 1]),
        (30, 2, 50, [3, 3, 2]),
    ],
)
def test_streams_end_at_about_the_same_time(room, streams, least, sizes):
    """Of eight texts of ten tokens a batch takes its stream's share of what is left, from *least* up to the room."""
    assert [len(batch) for batch in pack([10] * 8, room, streams=streams, least=least)] == sizes


def test_padding_is_masked():
    """A padded batch holds its tokens, the filler behind them, and a mask that tells the two apart."""
    tokens, mask = pad([[5, 6, 7], [8], []], 9, 4)
    assert tokens.tolist() == [[5, 6, 7, 9], [8, 9, 9, 9], [9, 9, 9, 9]]
    assert mask.tolist() == [[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert pad([[]], 9, 0)[0].shape == (1, 1)


@pytest.mark.parametrize(
    ("longest", "wanted"),
    [(0, 0), (5, 5), (15, 15), (17, 18), (33, 36), (100, 104), (129, 144), (225, 240), (257, 288), (301, 302)],
)
def test_long_rows_are_made_of_whole_tiles(longest, wanted):
    """Rows are lengthened by an eighth at most, in steps of a power of two, and never beyond what the model takes."""
    assert padded_length(longest, 302) == wanted


def test_no_step_is_longer_than_32():
    """An eighth of 600 would be one of 64, which would make 640 of it."""
    assert padded_length(600, 1000) == 608


@given(st.integers(0, 600), st.integers(0, 600))
def test_rows_are_never_shorter_than_their_texts(longest, limit):
    """Whatever the limit, a row has room for its text, and a limit that the text keeps to is kept to."""
    length = padded_length(longest, limit)
    assert longest <= length <= max(longest, min(limit, longest + longest // 8))
