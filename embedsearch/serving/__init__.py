"""A warm local model behind an OpenAI-compatible HTTP endpoint; needs the extra ``serve``."""

from embedsearch.serving.running import serve
from embedsearch.web import Address

__all__ = ["Address", "serve"]
