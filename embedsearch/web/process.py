"""A server as a process: its socket, its signals, and when it says that it is ready."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING

from embedsearch.errors import EmbedSearchError
from embedsearch.web.guarding import is_loopback

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

TOKEN = "EMBEDSEARCH_SERVE_TOKEN"  # noqa: S105 - the name of a variable
_GRACE_SECONDS = 5
_MOST_CONNECTIONS = 256  # each may hold a body of 32 MiB; further ones are answered 503, which clients take as busy
_MOST_FILES = 2 * _MOST_CONNECTIONS  # each is a file to the system; macOS gives 256 in all where nobody asks for more
_LEAST_FILES = 64  # a server that cannot open as many would fail at one request or another


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, and what it wants to be sent.

    Attributes:
        host: a name or address of this machine.
        port: any free one if 0.
        token: what clients send as bearer token; nothing if empty. Never shown.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse to let other machines in without a token.

        Raises:
            EmbedSearchError: the host is not of this machine alone, and there is no token.
        """
        if not self.token and not is_loopback(self.host):
            raise EmbedSearchError(
                f"--host {self.host} lets other machines in: set {TOKEN} to a secret that they must send "
                "(in Python, the token of an Address), or leave --host out"
            )


def require(names: Sequence[str], extra: str) -> None:
    """See that packages are installed.

    Raises:
        EmbedSearchError: one is not; the message names the extra that brings it.
    """
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        are, them = ("is", "it") if len(missing) == 1 else ("are", "them")
        raise EmbedSearchError(
            f'{" and ".join(missing)} {are} not installed; install {them} with: pip install "embedsearch[{extra}]"'
        )


def run(app: ASGIApp, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Answer requests until the process is told to end by a signal.

    SIGINT raises KeyboardInterrupt once requests under way are answered, and SIGTERM, within `ending_on_sigterm`,
    SystemExit.

    Args:
        app: answers.
        listening: as `listen` returns it.
        ready: called when requests are answered, and signals reach the server.
    """
    import uvicorn

    class Announcing(uvicorn.Server):
        """Says that it is ready when signals reach it: one that came sooner would end it half-way."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            ready()

    # asyncio ends its loop in order at SIGINT only where it finds Python's own handler.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        Announcing(_settings(app)).run(sockets=[listening])
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def running(app: ASGIApp, listening: socket.socket) -> Iterator[None]:
    """Answer requests from a thread of this process within the block; those under way at its end are answered.

    Args:
        app: answers.
        listening: as `listen` returns it; connections wait in it until the thread takes them.
    """
    import uvicorn

    server = uvicorn.Server(_settings(app))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="embedsearch-web")
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def _settings(app: ASGIApp) -> uvicorn.Config:
    import uvicorn

    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def listen(address: Address) -> socket.socket:
    """Return a listening socket; connections wait in it until requests are answered.

    Raises:
        EmbedSearchError: the address is not of this machine, or in use, or the process may open too few files.
    """
    _make_room_for_connections()
    try:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((address.host, address.port), family=family, backlog=256)
        # asyncio sets this for sockets that it makes itself alone. Connections inherit it; without it the second part
        # of an answer waits 40 ms for the acknowledgement of the first, on every connection that is used again.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except (OSError, OverflowError) as error:
        # socket adds the address to the system's words, except where a name was not found.
        number = getattr(error, "errno", None) or 0
        reason = os.strerror(number) if number > 0 else getattr(error, "strerror", None) or error
        raise EmbedSearchError(
            f"cannot listen at {address.host}:{address.port} ({reason}); name another --port, 0 for any, or --host"
        ) from None


def _make_room_for_connections() -> None:
    """Let this process open as many files as its connections want, where the system lets it.

    Raises:
        EmbedSearchError: it may not even open a few.
    """
    try:
        import resource
    except ImportError:  # Windows counts no files
        return
    allowed, at_most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY or allowed >= _MOST_FILES:
        return
    room = _MOST_FILES if at_most == resource.RLIM_INFINITY else min(at_most, _MOST_FILES)
    if room < _LEAST_FILES:
        raise EmbedSearchError(
            f"this system lets a process open {room} files at once, and a server needs {_LEAST_FILES}; "
            "allow more: ulimit -n 1024"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (room, at_most))


def reachable(host: str) -> str:
    """Return where this machine reaches a server that listens at *host*."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """Have SIGTERM raise SystemExit: uvicorn raises the signal again when done, and what was set up must go."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
