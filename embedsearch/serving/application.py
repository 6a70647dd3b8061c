"""The paths of the server."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from embedsearch.encoders import Encoder, encode
from embedsearch.serving.answering import Refusal, read_request, refused, write_answer
from embedsearch.serving.batching import Batcher
from embedsearch.serving.guarding import Guard
from embedsearch.vectors import Vectors

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

_log = logging.getLogger("embedsearch")


class Endpoint:
    """One encoder behind HTTP."""

    def __init__(self, encoder: Encoder) -> None:
        """Serve an encoder that is loaded."""
        self.encoder = encoder
        self._batcher = Batcher(self._encode)

    def _encode(self, texts: list[str], queries: bool) -> Vectors:
        return encode(self.encoder, texts, queries=queries)

    async def embeddings(self, request: Request) -> Response:
        """Answer ``POST /v1/embeddings``."""
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import Response

        body = await request.body()
        # In threads, for thousands of texts take long to tokenise and to write: others are answered meanwhile.
        wanted = await run_in_threadpool(read_request, body, self.encoder)
        vectors = await self._batcher.encode(wanted.texts, queries=wanted.queries)
        answer = await run_in_threadpool(write_answer, vectors, wanted, self.encoder)
        return Response(answer, media_type="application/json")

    async def models(self, _request: Request) -> Response:
        """Answer ``GET /v1/models``."""
        from starlette.responses import JSONResponse

        model = {"id": self.encoder.name, "object": "model", "created": 0, "owned_by": "embedsearch"}
        return JSONResponse({"object": "list", "data": [model]})

    async def health(self, _request: Request) -> Response:
        """Answer ``GET /health``."""
        from starlette.responses import JSONResponse

        return JSONResponse({"status": "ok"})


def application(encoder: Encoder, *, host: str, token: str = "") -> ASGIApp:
    """Return the ASGI application that serves *encoder*, guarded.

    Args:
        encoder: is asked by one thread at a time.
        host: the name or address that it will listen at.
        token: what clients must send, if anything.
    """
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.routing import Route

    endpoint = Endpoint(encoder)
    routes = [
        Route("/v1/embeddings", endpoint.embeddings, methods=["POST"]),
        Route("/v1/models", endpoint.models, methods=["GET"]),
        Route("/health", endpoint.health, methods=["GET"]),
    ]
    handlers: dict[Any, Any] = {HTTPException: _no_such_path, Refusal: _refused, Exception: _failed}
    return _Sheltered(Guard(Starlette(routes=routes, exception_handlers=handlers), host=host, token=token))


class _Sheltered:
    """Keeps what nobody has foreseen, and has been answered, from the server, which would print a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            _log.error("%s %s failed: %s", scope.get("method"), scope.get("path"), error)


async def _failed(_request: Request, _error: Exception) -> Response:
    return refused(Refusal(500, "the server failed; its log says why", "internal_error"))


async def _refused(_request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return refused(refusal)


async def _no_such_path(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    return refused(Refusal(status, f"there is no {request.method} {request.url.path} here", "not_found"))
