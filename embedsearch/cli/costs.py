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


def remote_encoder(index: Index) -> RemoteEncoder | None:
    """Return the encoder of an index if it is a remote one; another one is not loaded for that."""
    from embedsearch.encoders import is_remote
    from embedsearch.encoders.remote import RemoteEncoder

    encoder = index.encoder if is_remote(index.identity.name) else None
    return encoder if isinstance(encoder, RemoteEncoder) else None


def announce(index: Index, size: int | None) -> None:
    """Say where texts are going to be sent, and about what that costs.

    Args:
        index: nothing is said unless its encoder is a remote one.
        size: of the sources in bytes, if that is known.
    """
    encoder = remote_encoder(index)
    if encoder is None:
        return
    about = "; ingest --dry-run counts what is new"
    if size is not None:
        about = f": about {priced(encoder, size // _BYTES_A_TOKEN)} where all is new; --dry-run counts what is"
    note(f"Texts go to {encoder.settings.shown}{about}.")


def charged(index: Index) -> None:
    """Say how many tokens a remote encoder has read in this process, as it counts them."""
    encoder = remote_encoder(index)
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


def size_of(sources: Iterable[str]) -> int | None:
    """Return the bytes of the files in *sources*; None where they do not tell how much text there is."""
    total = 0
    for source in sources:
        path = Path(source)
        files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        if any(not file.is_file() or file.suffix.lower() in _PACKED for file in files):
            return None
        total += sum(file.stat().st_size for file in files)
    return total
