"""An application whose every failure is answered as JSON, and none as a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from embedsearch.web.refusals import Refusal, refused

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

_log = logging.getLogger("embedsearch")


def sheltered(routes: Sequence[BaseRoute], around: Callable[[ASGIApp], ASGIApp]) -> ASGIApp:
    """Return the application that has *routes*, with what *around* puts before it."""
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException

    handlers: dict[Any, Any] = {HTTPException: _no_such_path, Refusal: _refused, Exception: _failed}
    return _Sheltered(around(Starlette(routes=routes, exception_handlers=handlers)))


class _Sheltered:
    """Keeps what nobody has foreseen, and has been answered, from the server, which would print a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            _log.error("%s %s failed: %s: %s", scope.get("method"), scope.get("path"), type(error).__name__, error)


async def _failed(_request: Request, _error: Exception) -> Response:
    return refused(Refusal(500, "the server failed; its log says why", "internal_error"))


async def _refused(_request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return refused(refusal)


async def _no_such_path(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    return refused(Refusal(status, f"there is no {request.method} {request.url.path} here", "not_found"))
