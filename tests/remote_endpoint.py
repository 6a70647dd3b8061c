"""An endpoint for embeddings, and encoders that ask it with a clock that does not sleep."""

import pytest

from embedsearch.encoders.patience import Patience
from embedsearch.encoders.remote import RemoteEncoder
from embedsearch.encoders.settings import RemoteSettings
from embedsearch.testing import EmbeddingServer, HashEncoder

KEY = "sk-very-secret-0123456789"
TEXTS = [f"text number {number}" for number in range(10)]


class Clock:
    """A time that goes on only when somebody waits."""

    def __init__(self):
        self.seconds = 1_000_000.0
        self.waited = []

    def now(self):
        return self.seconds

    def wait(self, stop, seconds):
        self.waited.append(round(seconds, 3))
        self.seconds += seconds
        return stop.is_set()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """Keep what is known of endpoints apart, and the user's own endpoint out."""
    monkeypatch.setenv("EMBEDSEARCH_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "EMBEDSEARCH_CACHE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def remote(server, clock=None, name="openai:hash", draw=0.5, **settings):
    """Return an encoder on a fake endpoint, with a clock that does not sleep."""
    clock = clock or Clock()
    patience = Patience(wait=clock.wait, now=clock.now, draw=lambda: draw)
    return RemoteEncoder(name, RemoteSettings(url=server.url, **settings), patience=patience)


@pytest.fixture
def endpoint(monkeypatch):
    """Give an endpoint that the environment names."""
    with EmbeddingServer(HashEncoder(8)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        yield server
