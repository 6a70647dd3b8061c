"""Names that people give to axes and fields: their normal form."""

import unicodedata


def normal(name: str) -> str:
    """Return a name in the normal form NFC: an accent typed behind its letter makes no other name."""
    return unicodedata.normalize("NFC", name)
