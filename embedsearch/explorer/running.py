"""The explorer as a process of its own, and within another one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from embedsearch.encoders import Encoder
from embedsearch.explorer.desk import Desk
from embedsearch.index import open_index
from embedsearch.web.process import Address, ending_on_sigterm, listen, reachable, require, run, running

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp

    from embedsearch.explorer.application import Explorer

Path = str | os.PathLike[str]


def explore(path: Path, address: Address, ready: Callable[[str], None], *, encoder: str | None = None) -> None:
    """Serve the page of an index until a signal ends the process; see `embedsearch.web.process.run`.

    Args:
        path: the folder of the index.
        address: where to listen; if it has a token, the page's first address includes it.
        ready: called with that address once requests are answered.
        encoder: the name of the index's encoder, if it is found elsewhere than the index says.

    Raises:
        EmbedSearchError: the extra is missing, the address cannot be used, or the index cannot be opened.
    """
    with ExitStack() as stack:
        explorer, app, listening, shown = _prepared(path, address, encoder, stack)
        stack.enter_context(ending_on_sigterm())
        warming = threading.Thread(target=explorer.warm, name="embedsearch-warm")
        warming.start()
        stack.callback(warming.join)  # an interpreter that ends while a library loads is aborted
        run(app, listening, lambda: ready(shown))


@contextmanager
def exploring(
    path: Path,
    *,
    encoder: str | Encoder | None = None,
    address: Address = Address(port=0),  # noqa: B008 - it is frozen
) -> Iterator[str]:
    """Serve the page of an index inside a ``with`` block, as in a notebook, and give its address.

    The page is served by threads of this process.

    Args:
        path: the folder of the index, which is opened a second time, as a reader of its own.
        encoder: the index's own encoder, if it cannot be found by its name.
        address: where to listen; if not given, a free port of this machine, for this machine alone.

    Raises:
        EmbedSearchError: as for `explore`.
    """
    with ExitStack() as stack:
        _, app, listening, shown = _prepared(path, address, encoder, stack)
        stack.enter_context(running(app, listening))
        yield shown


def _prepared(
    path: Path, address: Address, encoder: str | Encoder | None, stack: ExitStack
) -> tuple[Explorer, ASGIApp, socket.socket, str]:
    """Return what serves the page, its socket, and the address for people; the stack ends both."""
    require(("plotly", "starlette", "uvicorn"), "explore")
    from embedsearch.explorer.application import Explorer, application

    listening = stack.enter_context(listen(address))
    explorer = Explorer(lambda: Desk(open_index(path, encoder)), token=address.token)
    stack.callback(explorer.close)
    host, port = reachable(address.host), int(listening.getsockname()[1])
    shown = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    if address.token:
        shown += f"?token={quote(address.token)}"
    return explorer, application(explorer, host=address.host), listening, shown
