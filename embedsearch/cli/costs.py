"""What goes to a remote encoder and what it costs, told before and after."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from embedsearch.cli.output import note
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch import Index
    from embedsearch.encoders.remote import RemoteEncoder
    from embedsearch.index import Plan

# The bytes of these do not tell how much text is in them.
_PACKED = ("parquet", "pdf", "eml", "mbox", "xlsx", "xlsm", "docx", "docm", "odt", "epub", "zip")
_BEGINNING = 1 << 16  # bytes of each file that are looked at
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")  # as JSON may have letters beyond ASCII


def remote_encoder(name: str) -> RemoteEncoder | None:
    """Return the encoder called *name* if it is a remote one; no other is loaded for that."""
    from embedsearch.encoders import is_remote, load_encoder
    from embedsearch.encoders.remote import RemoteEncoder

    encoder = load_encoder(name) if is_remote(name) else None
    return encoder if isinstance(encoder, RemoteEncoder) else None


@contextmanager
def told(encoder: RemoteEncoder | None, tokens: int | None) -> Iterator[None]:
    """Say where texts are sent within the block, and about what that costs; and what has been counted at its end.

    That is said after a failure too: what was answered before it has been paid for.

    Args:
        encoder: nothing is said if None.
        tokens: about how many there are, if that is known.
    """
    if encoder is None:
        yield
        return
    about = "" if tokens is None else f": about {priced(encoder, tokens)} where all is new"
    note(f"Texts go to {encoder.settings.shown}{about}.")
    try:
        yield
    finally:
        if encoder.tokens_used:
            note(f"{encoder.settings.host} has counted {priced(encoder, encoder.tokens_used)}.")


def planned(index: Index, plan: Plan) -> float | None:
    """Say what an ingest would do; return its price, if there is one."""
    encoder = remote_encoder(index.identity.name)
    tokens = f"about {priced(encoder, plan.tokens)}" if encoder else count_of(plan.tokens, "token")
    note(
        f"Dry run: {count_of(plan.added, 'document')} would be added, {plan.updated:,} updated, {plan.unchanged:,} "
        f"stay as they are; {plan.embedded:,} of {count_of(plan.passages, 'passage')} would be embedded, {tokens}. "
        "Nothing was written."
    )
    return encoder.price_of(plan.tokens) if encoder else None


def priced(encoder: RemoteEncoder, tokens: int) -> str:
    """Return so many tokens in words, with what they cost if that is known."""
    price = encoder.price_of(tokens)
    cost = "" if price is None else f" ({price:,.4f} at {encoder.settings.price:g} a million)"
    return count_of(tokens, "token") + cost


def tokens_of(sources: Iterable[str], format: str | None) -> int | None:
    """Return about how many tokens the files in *sources* hold, by their beginnings and sizes; None if nobody can tell.

    Args:
        sources: files and folders.
        format: as `embedsearch.read` takes it.
    """
    from embedsearch.documents import plan
    from embedsearch.encoders.estimates import about_tokens

    total = 0.0
    for planned in plan(*sources, format=format):
        if planned.path is None or not planned.path.is_file() or planned.is_compressed or planned.format in _PACKED:
            return None
        try:
            size = planned.path.stat().st_size
            with planned.path.open("rb") as stream:
                beginning = stream.read(_BEGINNING)
        except OSError:
            return None
        text = _ESCAPED.sub(lambda escaped: chr(int(escaped[1], 16)), beginning.decode("utf-8", "replace"))
        total += about_tokens(text) * size / max(1, len(beginning))
    return round(total)


def tokens_in(encoder: RemoteEncoder | None, index: Index) -> int | None:
    """Return about how many tokens the documents of an index hold; they are read only if there is an encoder."""
    if encoder is None:
        return None
    return sum(sum(encoder.count_tokens([document.title, document.text])) for document in index.documents())
