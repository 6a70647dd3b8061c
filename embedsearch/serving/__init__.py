"""A warm local model behind an OpenAI-compatible HTTP endpoint; needs the extra ``serve``."""

from embedsearch.serving.guarding import is_loopback
from embedsearch.serving.running import Address, serve

__all__ = ["Address", "is_loopback", "serve"]
