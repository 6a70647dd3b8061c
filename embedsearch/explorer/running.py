"""The explorer as a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from urllib.parse import quote

from embedsearch.explorer.desk import Desk
from embedsearch.index import open_index
from embedsearch.web.process import Address, ending_on_sigterm, listen, reachable, require, run


def explore(path: str, address: Address, ready: Callable[[str], None], *, encoder: str | None = None) -> None:
    """Serve the page of an index until the process is told to end by a signal; see `embedsearch.web.process.run`.

    Args:
        path: of the index.
        address: where to listen; with a token, the page's first address brings it.
        ready: told that address when requests are answered.
        encoder: the name of the index's encoder, if it lies elsewhere than the index says.

    Raises:
        EmbedSearchError: the extra is missing, the address cannot be used, or the index cannot be opened.
    """
    require(("plotly", "starlette", "uvicorn"), "explore")
    from embedsearch.explorer.application import Explorer, application

    with ExitStack() as stack:
        listening = stack.enter_context(listen(address))
        explorer = Explorer(lambda: Desk(open_index(path, encoder)), token=address.token)
        stack.callback(explorer.close)
        stack.enter_context(ending_on_sigterm())
        host, port = reachable(address.host), int(listening.getsockname()[1])
        shown = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        if address.token:
            shown += f"?token={quote(address.token)}"
        app = application(explorer, host=address.host)
        warming = threading.Thread(target=explorer.warm, name="embedsearch-warm")
        warming.start()
        stack.callback(warming.join)  # an interpreter that ends while a library loads is aborted
        run(app, listening, lambda: ready(shown))
