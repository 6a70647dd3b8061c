"""The paths of the explorer: the page's own files, and its questions under ``/api``."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from embedsearch.columns import json_text
from embedsearch.errors import BusyError, EmbedSearchError, EncoderError, StoreError
from embedsearch.explorer.desk import Desk
from embedsearch.explorer.exporting import KINDS, export
from embedsearch.explorer.fields import Fields
from embedsearch.explorer.questions import QUESTIONS
from embedsearch.explorer.reading import READING
from embedsearch.maps.writing import PAGE, require_plotly
from embedsearch.web.guarding import Guard
from embedsearch.web.refusals import Refusal
from embedsearch.web.sheltering import sheltered

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASKED = {**QUESTIONS, **READING}
REPEATABLE = {QUESTIONS[name] for name in QUESTIONS.keys() - {"axes/try", "axes/save"}}  # leave nothing behind
_PAGE = Path(__file__).parent / "page"
_SENT_AT_ONCE, _READ_AT_ONCE = 1 << 16, 1 << 23
_HEADERS = {
    # plotly compiles the programs that draw points (hence unsafe-eval) and styles its parts as it goes (hence
    # unsafe-inline for styles, which cannot run anything). No script but the page's own files is ever run.
    "content-security-policy": "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}

Given = TypeVar("Given")


class Explorer:
    """One desk behind HTTP; its questions are answered by one thread, one after the other."""

    def __init__(self, open_desk: Callable[[], Desk], *, token: str = "") -> None:
        """Open the desk in its thread.

        Args:
            open_desk: is called there.
            token: what the page must have, if anything.

        Raises:
            EmbedSearchError: what opening it raises.
        """
        self.token = token
        self.state = ""  # of the desk, as it was after the last answer
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedsearch-desk")
        self._desk = self._thread.submit(open_desk).result()

    def warm(self) -> None:
        """Load the encoder, which takes seconds, before it is needed; other questions are answered meanwhile."""
        with contextlib.suppress(EmbedSearchError):  # said when it is needed
            load = getattr(self._thread.submit(lambda: self._desk.index.encoder).result(), "load", None)
            if load is not None:
                load()

    def close(self) -> None:
        """Close the desk, once it has answered."""
        self._thread.submit(self._desk.close).result()
        self._thread.shutdown()

    async def _ask(self, function: Callable[[Desk, Fields], Given], fields: Fields) -> Given:
        asking = partial(self._answer, function, fields)
        return await asyncio.get_running_loop().run_in_executor(self._thread, asking)

    def _answer(self, function: Callable[[Desk, Fields], Given], fields: Fields) -> Given:
        try:
            return _answered(function, self._desk, fields)
        finally:
            with contextlib.suppress(EmbedSearchError):  # whoever asks something is told
                self.state = self._desk.state

    async def question(self, request: Request) -> Response:
        """Answer ``POST /api/...``."""
        from starlette.responses import Response

        function = ASKED.get(request.path_params["name"])
        if function is None:
            raise Refusal(404, f"there is no {request.url.path} here", "not_found")
        fields = Fields.parse(await request.body())
        async with self._turn:
            # The page asks anew as a form is changed, and waits for the newest answer alone.
            if function in REPEATABLE and await request.is_disconnected():
                return Response(status_code=204)
            answer = await self._ask(function, fields)
        return Response(json_text(answer), media_type="application/json")

    async def file(self, request: Request) -> Response:
        """Answer ``POST /api/export``."""
        from starlette.responses import StreamingResponse

        stream, kind = await self._ask(export, Fields.parse(await request.body()))
        named = {"content-disposition": f'attachment; filename="passages.{kind}"'}
        return StreamingResponse(_parts(stream), media_type=KINDS[kind], headers=named)

    async def page(self, request: Request) -> Response:
        """Answer ``GET /``; the token, where the address brings it, becomes a cookie."""
        from starlette.responses import FileResponse, RedirectResponse

        if self.token and request.query_params.get("token"):  # the guard has seen that it is the right one
            answer = RedirectResponse("/", 303)
            answer.set_cookie(cookie_name(self.token), self.token, httponly=True, samesite="strict")
            return answer
        return FileResponse(_PAGE / "index.html", media_type="text/html; charset=utf-8")

    async def part(self, request: Request) -> Response:
        """Answer ``GET /page/...``: the files of the page, and no others."""
        from starlette.responses import FileResponse

        file = page_files().get(request.path_params["name"])
        if file is None:
            raise Refusal(404, f"there is no {request.url.path} here", "not_found")
        answer = FileResponse(file)
        answer.chunk_size = _READ_AT_ONCE  # plotly's script has 5 MB, and each part costs a change of threads
        return answer


@cache
def page_files() -> dict[str, Path]:
    """Return the files that the page consists of, by name: its own, and what it draws with.

    Raises:
        EmbedSearchError: plotly is not installed.
    """
    own = {file.name: file for file in _PAGE.iterdir() if file.is_file()}
    drawing = [*(PAGE / name for name in ("plane.js", "plane.css")), require_plotly()]
    return own | {file.name: file for file in drawing}


def application(explorer: Explorer, *, host: str) -> ASGIApp:
    """Return the ASGI application of an explorer, guarded.

    Args:
        explorer: answers; its token, if it has one, comes as a cookie that the page's first address sets.
        host: the name or address that it will listen at.
    """
    from starlette.routing import Route

    routes = [
        Route("/", explorer.page, methods=["GET"]),
        Route("/page/{name}", explorer.part, methods=["GET"]),
        Route("/api/export", explorer.file, methods=["POST"]),
        Route("/api/{name:path}", explorer.question, methods=["POST"]),
    ]
    token = explorer.token
    guarded = sheltered(routes, lambda app: Guard(app, host=host, token=token, may_enter=partial(_may_enter, token)))
    return _Headed(guarded, explorer)


def cookie_name(token: str) -> str:
    """Return the name of the cookie of one server: browsers do not tell the ports of a machine apart."""
    return f"embedsearch-{hashlib.sha256(token.encode()).hexdigest()[:12]}"


def _may_enter(token: str, cookies: dict[str, str], scope: Scope) -> bool:
    """Does a request bring the token as a cookie, or in the address of the page?"""
    from urllib.parse import parse_qs

    given = cookies.get(cookie_name(token), "")
    if scope["path"] == "/" and scope["method"] == "GET":
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [given])[0]
    return hmac.compare_digest(given.encode(), token.encode())


class _Headed:
    """Puts before every answer the headers that keep a page safe, and the state of the index that it is of."""

    def __init__(self, app: ASGIApp, explorer: Explorer) -> None:
        self.app = app
        self.explorer = explorer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = {**_HEADERS, "embedsearch-state": self.explorer.state}
                more = [(name.encode(), value.encode()) for name, value in headers.items()]
                message = {**message, "headers": [*message.get("headers", []), *more]}
            await send(message)

        await self.app(scope, receive, headed)


def _answered(function: Callable[[Desk, Fields], Given], desk: Desk, fields: Fields) -> Given:
    """Ask, and turn the errors of ours into refusals."""
    try:
        answer = function(desk, fields)
        fields.finish()
        return answer
    except EmbedSearchError as error:
        status = 409 if isinstance(error, BusyError) else 500 if isinstance(error, StoreError | EncoderError) else 400
        raise Refusal(status, " ".join(str(error).split()), type(error).__name__) from error


def _parts(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while part := stream.read(_SENT_AT_ONCE):
            yield part
