"""One `/v1/embeddings` endpoint: a request sent until it is answered, and what goes wrong in one clear line."""

from __future__ import annotations

import json
import logging
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from embedsearch.encoders.answers import plain
from embedsearch.encoders.patience import Patience
from embedsearch.encoders.settings import BASE_URL, KEY, RemoteSettings, without_secrets
from embedsearch.errors import EncoderError, did_you_mean

if TYPE_CHECKING:
    import httpx2

_log = logging.getLogger("embedsearch")

_PASSING = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 529))  # 529: overloaded, as some providers have it
_TELL_SECONDS = 5.0  # a shorter wait is not worth a line
# Bytes of an answer at most: for each text 20,000 numbers in decimal, and a list of models.
_MOST_BYTES_A_TEXT, _MOST_BYTES = 1 << 19, 1 << 20
_KEPT = "What was embedded is kept; run the command again to go on"


class RefusedError(EncoderError):
    """The endpoint will not answer this request, however often it is sent.

    Attributes:
        status: of HTTP.
        reason: in the server's words, on one line; never with the key.
    """

    def __init__(self, message: str, status: int, reason: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class StoppedError(EncoderError):
    """A request was given up because another one failed."""


class _PassingError(Exception):
    """What may pass by itself, and the seconds that the server asks one to wait."""

    def __init__(self, problem: str, asked: float | None = None) -> None:
        super().__init__(problem)
        self.asked = asked


@dataclass(frozen=True, slots=True)
class _Response:
    """What came back, whole."""

    status: int
    phrase: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Endpoint:
    """Sends requests for one model; may be used by several threads."""

    def __init__(self, model: str, settings: RemoteSettings, patience: Patience) -> None:
        """Prepare; nothing is sent yet.

        Args:
            model: as the endpoint calls it.
            settings: where it is.
            patience: how often, and after what time, a failed request is sent again.
        """
        self.model = model
        self.settings = settings
        self.patience = patience
        self._has_answered = False
        self._resume_at = 0.0  # no request is sent before this time: a server that asks one to wait means all

    def __str__(self) -> str:
        return f"{self.model!r} at {self.settings.shown}"

    @cached_property
    def _client(self) -> httpx2.Client:
        """Connections that are kept; the proxies of the environment and the system's certificates hold."""
        import httpx2

        if self.settings.sends_key_in_the_open:
            _log.warning("%s goes unencrypted to %s; use https where others can listen", KEY, self.settings.host)
        headers = {"Authorization": f"Bearer {self.settings.key}"} if self.settings.key else {}
        limits = httpx2.Limits(max_connections=self.settings.concurrency)
        client = httpx2.Client(headers=headers, timeout=self.settings.timeout, limits=limits)
        weakref.finalize(self, client.close)
        return client

    def open(self) -> None:
        """Make the client, before threads share it.

        Raises:
            EncoderError: the settings cannot be used, such as those of a proxy.
        """
        try:
            _ = self._client
        except (ValueError, OSError, ImportError) as error:
            raise EncoderError(
                f"no connection to {self.settings.shown} can be prepared: {self.shown(str(error))}"
            ) from None

    def post(self, payload: Mapping[str, Any], stop: threading.Event) -> Any:
        """Return the decoded answer to one request, sent again while that may help.

        Args:
            payload: JSON values, the texts as ``input``; the model is added.
            stop: set when the answer is not wanted any more.

        Raises:
            RefusedError: the request is at fault.
            StoppedError: *stop* was set while it waited.
            EncoderError: it stayed unanswered.
        """
        problem = "nothing was sent"
        for attempt in range(1, self.patience.attempts + 1):
            self._pause(stop)
            try:
                return self._attempt(payload)
            except _PassingError as passing:
                problem, asked = str(passing), passing.asked
            if asked is not None and asked > self.patience.most_asked:
                raise EncoderError(f"{self} asks to wait {asked:,.0f} s ({problem}). {_KEPT} after that")
            seconds = self.patience.seconds(attempt, asked)
            if attempt < self.patience.attempts:
                self._postpone(seconds, asked, problem, attempt)
                if self.patience.wait(stop, seconds):
                    raise StoppedError(f"{self}: given up")
        raise EncoderError(f"{self} did not answer in {self.patience.attempts} attempts: {problem}. {_KEPT}")

    def _pause(self, stop: threading.Event) -> None:
        """Wait as long as the server has asked another request to, also while this one waits."""
        while (remaining := self._resume_at - self.patience.now()) > 0 and not stop.is_set():
            self.patience.wait(stop, remaining)
        if stop.is_set():
            raise StoppedError(f"{self}: given up")

    def _postpone(self, seconds: float, asked: float | None, problem: str, attempt: int) -> None:
        if asked is not None:
            self._resume_at = max(self._resume_at, self.patience.now() + asked)
        if seconds >= _TELL_SECONDS:
            _log.warning("%s: %s; sent again in %.0f s (attempt %d of %d)", self, problem, seconds, attempt + 1,
                         self.patience.attempts)  # fmt: skip

    def _attempt(self, payload: Mapping[str, Any]) -> Any:
        import httpx2

        most = _MOST_BYTES + _MOST_BYTES_A_TEXT * len(payload["input"])
        try:
            response = self._response("POST", "embeddings", most, json={"model": self.model, **payload})
        except httpx2.TimeoutException:
            raise _PassingError(f"no whole response within {self.settings.timeout:g} s") from None
        except httpx2.ConnectError as error:
            reason = self._unconnected(error)
            # Where nothing has answered yet there may be nothing at all.
            raise (_PassingError(reason) if self._has_answered else EncoderError(reason)) from None
        except httpx2.TransportError as error:
            raise _PassingError(f"the connection broke ({self.shown(str(error)) or type(error).__name__})") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise EncoderError(f"{self} cannot be asked: {self.shown(str(error))}") from None
        return self._judged(response)

    def _response(self, method: str, name: str, most: int, **content: Any) -> _Response:
        """Send a request; return what comes back within the time and the bytes that it may take in all.

        Raises:
            EncoderError: it has more bytes.
        """
        import httpx2

        body, until = bytearray(), time.monotonic() + self.settings.timeout
        with self._client.stream(method, self._url(name), **content) as response:
            for part in response.iter_bytes():
                body += part
                if len(body) > most:
                    raise EncoderError(f"{self} answered with more than {most:,} bytes. Check {BASE_URL}")
                # The client's own timeout begins anew with each part, and some servers send blanks while they work.
                if time.monotonic() > until:
                    raise httpx2.ReadTimeout("the parts took too long together")
        return _Response(response.status_code, response.reason_phrase, response.headers, bytes(body))

    def _judged(self, response: _Response) -> Any:
        status = response.status
        if status == 200:
            self._has_answered = True
            try:
                return json.loads(response.body)
            except (ValueError, RecursionError):
                shown = self.shown(response.text, 60)
                raise EncoderError(
                    f"{self} answered with what is not JSON: {shown!r}. Check {BASE_URL}; it often ends in /v1"
                ) from None
        reason = self._reason(response)
        if status in _PASSING and "insufficient_quota" not in response.text:
            raise _PassingError(f"{status}, {reason}", self.patience.asked(response.headers))
        raise RefusedError(self._advice(status, reason, response.headers.get("location", "")), status, reason)

    def _advice(self, status: int, reason: str, location: str) -> str:
        """Return the line for people about a status that will not pass by itself."""
        match status:
            case 401 if not self.settings.key:
                return f"{self} wants a key (401, {reason}): set {KEY}"
            case 403 if not self.settings.key:
                return f"{self} refuses access (403, {reason}): check {BASE_URL}, and set {KEY} if it wants a key"
            case 401 | 403:
                return f"{self} refuses the key in {KEY} ({status}, {reason}): set one that may use this model"
            case 402 | 429:
                return f"{self}: the account's quota is used up ({status}, {reason}). Raise it. {_KEPT}"
            case 404:
                return f"{self} is not there (404, {reason}): check the model and {BASE_URL}.{self._models()}"
            case _ if 300 <= status < 400:
                return f"{self} is elsewhere ({status}): {self._moved(location)}"
            case _:
                return f"{self} refuses the request ({status}, {reason})"

    def _moved(self, location: str) -> str:
        """Return what to do where a request is sent on to *location*, which may be no endpoint at all."""
        try:
            address = without_secrets(urljoin(str(self._url("embeddings")), location)) if location else ""
        except ValueError:
            return f"check {BASE_URL}, which leads to {self.shown(location)}"
        base = address.removesuffix("/embeddings")
        if base not in (address, self.settings.shown):
            return f"set {BASE_URL} to {self.shown(base)}"
        return f"check {BASE_URL}" + (f", which leads to {self.shown(address)}" if address else "")

    def _models(self) -> str:
        """Return which models there are instead, where the endpoint tells."""
        import httpx2

        try:
            answer = json.loads(self._response("GET", "models", _MOST_BYTES).body)
            names = [self.shown(str(model["id"])) for model in answer["data"]]
        except (EncoderError, httpx2.HTTPError, ValueError, KeyError, TypeError):
            return ""
        return "" if self.model in names else did_you_mean(self.model, names)

    def _unconnected(self, error: Exception) -> str:
        text = self.shown(str(error))
        if "CERTIFICATE" in text.upper() or "SSL" in text.upper():
            return (
                f"{self.settings.shown} cannot be trusted ({text}): check {BASE_URL}, or have its certificate installed"
            )
        return f"nothing answers at {self.settings.shown} ({text}): start the server there, or check {BASE_URL}"

    def _reason(self, response: _Response) -> str:
        """Return what the server says is wrong, fit to be shown."""
        try:
            body = json.loads(response.body)
        except (ValueError, RecursionError):
            body = response.text if response.headers.get("content-type", "").startswith("text/plain") else ""
        for _ in range(2):  # {"error": {"message": …}}, {"error": …}, {"message": …}, {"detail": …}
            if isinstance(body, dict):
                body = body.get("error") or body.get("message") or body.get("detail") or ""
        return self.shown(str(body or "")) or self.shown(response.phrase) or "no reason given"

    def shown(self, text: str, most: int = 200) -> str:
        """Return what the endpoint says as a message shows it: on one line, without the key, at most so long."""
        return plain(text, most, secret=self.settings.key)

    def _url(self, name: str) -> httpx2.URL:
        import httpx2

        base = httpx2.URL(self.settings.url)
        return base.copy_with(path=f"{base.path.rstrip('/')}/{name}")
