"""How counts, and what was given, are written in messages."""

_SHOWN = 60  # characters of what was given


def count_of(count: int, noun: str, several: str = "") -> str:
    """Return a count with what was counted: 1 document, 2,000 documents.

    Args:
        count: how many.
        noun: what one of them is called, with a verb if that is to agree: ``record was``.
        several: what others are called, such as ``records were``; the noun with an s if empty.
    """
    return f"{count:,} {noun if count == 1 else several or f'{noun}s'}"


def shown(given: object) -> str:
    """Return *given* as it is written, on one line and no longer than is good in a message."""
    written = " ".join(repr(given).split())
    return written if len(written) <= _SHOWN else written[:_SHOWN] + "…"
