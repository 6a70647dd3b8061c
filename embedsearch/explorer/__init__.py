"""A local page to work with an index, and the HTTP interface behind it; needs the extra ``explore``."""

from embedsearch.explorer.running import explore, exploring

__all__ = ["explore", "exploring"]
