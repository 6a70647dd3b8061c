"""The model that `embedsearch serve` keeps loaded: found by what decides its vectors, asked for a few texts."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from embedsearch.encoders.answers import plain, vectors_in
from embedsearch.encoders.cache import cache_folder, replace_text
from embedsearch.errors import EncoderError
from embedsearch.vectors import Vectors

FEW = 32  # more texts than these are worth loading the model for, which then uses all cores of this process's own
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class WarmModel:
    """A model that another process of this user has loaded.

    Attributes:
        host: where it listens.
        port: the same.
        pid: of the process.
        model: what it calls the model.
        engine: what computes its vectors, such as ``openvino bf16``.
        token: what it wants to be sent; nothing if empty. Never shown.
    """

    host: str
    port: int
    pid: int
    model: str
    engine: str
    token: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """The base URL of its endpoint."""
        return base_url(self.host, self.port)

    def encode(self, texts: Sequence[str], role: str) -> Vectors:
        """Return the vectors of a few texts, float32 of shape (len(texts), d).

        Args:
            texts: not too long for the model.
            role: ``query`` or ``document``.

        Raises:
            EncoderError: it does not answer, or not as wanted.
        """
        request = {"model": self.model, "input": list(texts), "input_type": role, "encoding_format": "base64"}
        answer = self._post(json.dumps(request).encode())
        try:
            return vectors_in(answer, len(texts))
        except EncoderError as error:
            raise EncoderError(plain(f"the server at {self.url} {error}", secret=self.token)) from None

    def _post(self, body: bytes) -> Any:
        # The standard library's client: httpx2 takes three times as long to import (.14 s of processor time, measured).
        from http.client import HTTPConnection, HTTPException

        connection = HTTPConnection(self.host, self.port, timeout=_SECONDS)
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.token}"} if self.token else {}
        )
        try:
            connection.request("POST", "/v1/embeddings", body, headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200:
                raise EncoderError(f"the server at {self.url} answers {response.status}")
            return json.loads(answer)
        except (OSError, HTTPException, ValueError) as error:
            raise EncoderError(f"the server at {self.url} does not answer ({error})") from None
        finally:
            connection.close()


def base_url(host: str, port: int) -> str:
    """Return the base URL of an endpoint, with brackets around an IPv6 address."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"


def find(key: str) -> WarmModel | None:
    """Return the loaded model whose identity has this key, if a process of this user has one."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        note = json.loads(_note(key).read_text("utf-8"))
        started, found = note.pop("started"), WarmModel(**note)
        if _runs(found.pid) and _started(found.pid) == started:
            return found
    return None


@contextmanager
def announced(key: str, model: WarmModel) -> Iterator[None]:
    """Let other processes of this user find a model within the block.

    Raises:
        OSError: the cache cannot be written.
    """
    note = _note(key)
    replace_text(note, json.dumps(asdict(model) | {"started": _started(model.pid)}))
    try:
        yield
    finally:
        # Another server with the same model may have come later; its note stays.
        with suppress(OSError, ValueError, KeyError):
            if json.loads(note.read_text("utf-8"))["pid"] == model.pid:
                note.unlink()


def _note(key: str) -> Path:
    return cache_folder() / "served" / f"{key}.json"


def _started(pid: int) -> str:
    """Return when a process was started, in ticks since the system was; empty on other systems than Linux.

    Another process may have the number of one that was killed, all the more after the system was started anew.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _runs(pid: int) -> bool:
    """Does this user have such a process? A killed server leaves its note, and others may take its port."""
    if sys.platform == "win32":
        return True  # os.kill would end the process there
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):
        return False
    return True
