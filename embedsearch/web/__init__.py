"""What local servers have in common: who may ask, how a refusal is answered, the process."""

from embedsearch.web.guarding import is_loopback
from embedsearch.web.process import Address

__all__ = ["Address", "is_loopback"]
