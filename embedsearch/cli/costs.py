"""What goes to a remote encoder and what it costs, told before and after."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from embedsearch.cli.output import note

if TYPE_CHECKING:
    from embedsearch import Index
    from embedsearch.encoders.remote import RemoteEncoder
    from embedsearch.index import Plan

_PACKED = (".parquet", ".pdf", ".gz", ".zip")  # their size does not tell how much text is in them
_BYTES_A_TOKEN = 4


def remote_encoder(index: Index, name: str | None = None) -> RemoteEncoder | None:
    """Return the encoder called *name*, the index's own if None, if it is a remote one; no other is loaded for that."""
    from embedsearch.encoders import is_remote, load_encoder
    from embedsearch.encoders.remote import RemoteEncoder

    if not is_remote(name or index.identity.name):
        return None
    encoder = load_encoder(name) if name else index.encoder
    return encoder if isinstance(encoder, RemoteEncoder) else None


def announce(encoder: RemoteEncoder | None, tokens: int | None) -> None:
    """Say where texts are going to be sent, and about what that costs.

    Args:
        encoder: nothing is said if None.
        tokens: about how many there are, if that is known.
    """
    if encoder is not None:
        about = "" if tokens is None else f": about {priced(encoder, tokens)} where all is new"
        note(f"Texts go to {encoder.settings.shown}{about}.")


def charged(encoder: RemoteEncoder | None) -> None:
    """Say how many tokens an encoder has read in this process, as its endpoint counts them."""
    if encoder is not None and encoder.tokens_used:
        note(f"{encoder.settings.host} has counted {priced(encoder, encoder.tokens_used)}.")


def planned(index: Index, plan: Plan) -> float | None:
    """Say what an ingest would do; return its price, if there is one."""
    encoder = remote_encoder(index)
    tokens = f"about {priced(encoder, plan.tokens)}" if encoder else f"{plan.tokens:,} tokens"
    note(
        f"Dry run: {plan.added:,} documents would be added, {plan.updated:,} updated, {plan.unchanged:,} stay as they "
        f"are; {plan.embedded:,} of {plan.passages:,} passages would be embedded, {tokens}. Nothing was written."
    )
    return encoder.price_of(plan.tokens) if encoder else None


def priced(encoder: RemoteEncoder, tokens: int) -> str:
    """Return so many tokens in words, with what they cost if that is known."""
    price = encoder.price_of(tokens)
    cost = "" if price is None else f" ({price:,.4f} at {encoder.settings.price:g} a million)"
    return f"{tokens:,} tokens{cost}"


def tokens_of(sources: Iterable[str]) -> int | None:
    """Return about how many tokens the files in *sources* hold, by their sizes; None where these do not tell."""
    total = 0
    for source in sources:
        path = Path(source)
        files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        if any(not file.is_file() or file.suffix.lower() in _PACKED for file in files):
            return None
        total += sum(file.stat().st_size for file in files)
    return total // _BYTES_A_TOKEN


def tokens_in(encoder: RemoteEncoder | None, index: Index) -> int | None:
    """Return about how many tokens the documents of an index hold; they are read only if there is an encoder."""
    if encoder is None:
        return None
    return sum(sum(encoder.count_tokens([document.title, document.text])) for document in index.documents())
