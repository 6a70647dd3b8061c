"""Where remote encoders are and how they are used, as the environment says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from embedsearch.errors import EncoderError

REMOTE = "openai:"  # how the name of a remote encoder begins
BASE_URL, KEY = "OPENAI_BASE_URL", "OPENAI_API_KEY"
DEFAULT_URL = "https://api.openai.com/v1"
_PREFIX = "EMBEDSEARCH_REMOTE_"
PASSAGE_TOKENS = f"{_PREFIX}PASSAGE_TOKENS"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """How an endpoint is used.

    Attributes:
        url: the base URL, to which ``/embeddings`` is added.
        key: sent as bearer token; nothing is sent if it is empty. Never shown.
        batch: the most texts in a request.
        concurrency: the most requests under way.
        timeout: how long to wait for the next part of a response, and for all of its parts together, in seconds.
        passage_tokens: about how many tokens the passages of documents have at most.
        price: what a million tokens cost, in any currency; None if not known.
    """

    url: str = DEFAULT_URL
    key: str = field(default="", repr=False)
    batch: int = 64
    concurrency: int = 4
    timeout: float = 60.0
    passage_tokens: int = 512
    price: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be sent.

        Raises:
            EncoderError: the URL is none, or the key cannot stand in a header. The key is not shown.
        """
        parts = _split(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise EncoderError(f"{BASE_URL} is {self.shown[:60]!r}; wanted a URL such as {DEFAULT_URL}")
        if not (self.key.isascii() and self.key.isprintable()):
            raise EncoderError(f"{KEY} holds characters that no key has (not shown); copy it again")
        if not self.key and parts.hostname == urlsplit(DEFAULT_URL).hostname:
            raise EncoderError(f"{KEY} is not set: export {KEY}=…, or set {BASE_URL} to a server that needs no key")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> RemoteSettings:
        """Return the settings in the environment, and the defaults for what it does not set.

        Raises:
            EncoderError: a variable has a value that cannot be used; its name is in the message.
        """
        numbers = {
            name: _number(environment, name.upper(), least=least, whole=name != "timeout")
            for name, least in (("batch", 1), ("concurrency", 1), ("timeout", 0.1), ("passage_tokens", 16))
        }
        given = {name: value for name, value in numbers.items() if value is not None}
        url = environment.get(BASE_URL, "").strip() or DEFAULT_URL
        price = _number(environment, "PRICE", least=0, whole=False)
        return cls(url, environment.get(KEY, "").strip(), price=price, **given)  # type: ignore[arg-type]

    @property
    def shown(self) -> str:
        """The URL for messages: without a password or a query, which may hold secrets."""
        return without_secrets(self.url)

    @property
    def host(self) -> str:
        """The host, and the port if one is named."""
        return _host(_split(self.url))

    @property
    def sends_key_in_the_open(self) -> bool:
        """Whether others on the way could read the key."""
        parts = _split(self.url)
        return bool(self.key) and parts.scheme == "http" and parts.hostname not in LOOPBACK


def without_secrets(url: str) -> str:
    """Return a URL as messages show it: without a password, a query, or a slash at its end."""
    parts = _split(url)
    return f"{parts.scheme}://{_host(parts)}{parts.path}".rstrip("/") if parts.hostname else url.rpartition("@")[2]


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # such as one bracket of the two around an IPv6 address
        return urlsplit("")


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _number(environment: Mapping[str, str], name: str, *, least: float, whole: bool) -> float | None:
    text = environment.get(_PREFIX + name, "").strip()
    if not text:
        return None
    try:
        number = int(text) if whole else float(text)
    except ValueError:
        number = float("nan")
    if not least <= number < float("inf"):
        kind = "a whole number" if whole else "a number"
        raise EncoderError(f"{_PREFIX}{name} is {text!r}; wanted {kind} of at least {least:g}")
    return number
