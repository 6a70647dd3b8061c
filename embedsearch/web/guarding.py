"""Who may ask a local server: nobody through a foreign web page, nobody from elsewhere without the token."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from embedsearch.web.refusals import Refusal, refused

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BODY_LIMIT = 32 << 20  # bytes; 2,048 texts of 16 kB
_OPEN_PATHS = ("/health",)  # what asks whether a server lives has no token


class Guard:
    """Stands before an application and lets through what may pass.

    A browser sends whatever a foreign page tells it to send to this machine. It names that page as ``Origin``, or,
    where the page's own name has been pointed at this machine (DNS rebinding), as ``Host``; and it asks first before it
    sends JSON. So all three are checked.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        token: str = "",
        may_enter: Callable[[dict[str, str], Scope], bool] = lambda _cookies, _scope: False,
    ) -> None:
        """Guard an application.

        Args:
            app: is only called for requests that may pass; answers `Refusal`, which reading a long body raises.
            host: the name or address that the server listens at.
            token: what clients send as bearer token; with one, any ``Host`` will do, for no foreign page knows it.
            may_enter: is asked where a token is wanted: may a request with these cookies pass without the bearer token?
        """
        self.app = app
        self._host = host
        self._token = token
        self._may_enter = may_enter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may not pass, and hand on the others."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        from starlette.datastructures import Headers

        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > _BODY_LIMIT:
                raise _too_large()
            return message

        try:
            self._check(Headers(scope=scope), scope)
        except Refusal as refusal:
            return await refused(refusal)(scope, receive, send)
        return await self.app(scope, bounded, send)

    def _check(self, headers: Headers, scope: Scope) -> None:
        method, path = scope["method"], scope["path"]
        host = headers.get("host", "")
        if not self._token and not self._is_own(host):
            raise Refusal(403, f"this server is not {host[:80]!r}; ask {self._host}", "foreign_host")
        origin = headers.get("origin")
        if origin is not None and _host_of(origin) != host:
            raise Refusal(403, f"pages of {origin[:80]!r} may not ask this server", "foreign_origin")
        if self._token and path not in _OPEN_PATHS and not self._has_token(headers, scope):
            raise Refusal(401, "send the server's token: Authorization: Bearer TOKEN", "invalid_api_key")
        if method == "POST" and headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "wanted Content-Type: application/json", "unsupported_media_type")
        if headers.get("content-length", "0").isdigit() and int(headers.get("content-length", "0")) > _BODY_LIMIT:
            raise _too_large()

    def _is_own(self, host: str) -> bool:
        """Is this what a client writes that means this machine?"""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name == self._host or is_loopback(name)

    def _has_token(self, headers: Headers, scope: Scope) -> bool:
        from starlette.requests import cookie_parser

        if self._may_enter(cookie_parser(headers.get("cookie", "")), scope):
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode())


def _too_large() -> Refusal:
    return Refusal(413, f"the request has more than {_BODY_LIMIT:,} bytes; send less at once", "request_too_large")


def _host_of(origin: str) -> str | None:
    """Return the host and port of a page's address; None where it cannot be read."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Is this a name or address of this machine that no other can reach?"""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
