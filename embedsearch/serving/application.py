"""The paths of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedsearch.encoders import Encoder, encode
from embedsearch.serving.answering import read_request, write_answer
from embedsearch.serving.batching import Batcher
from embedsearch.vectors import Vectors
from embedsearch.web.guarding import Guard
from embedsearch.web.sheltering import sheltered

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp


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
    from starlette.routing import Route

    endpoint = Endpoint(encoder)
    routes = [
        Route("/v1/embeddings", endpoint.embeddings, methods=["POST"]),
        Route("/v1/models", endpoint.models, methods=["GET"]),
        Route("/health", endpoint.health, methods=["GET"]),
    ]
    return sheltered(routes, lambda app: Guard(app, host=host, token=token))
