"""The server of a model as a process, and the note by which other commands find it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack

from embedsearch.encoders import SentenceEncoder
from embedsearch.encoders.warm import WarmModel, announced, base_url
from embedsearch.web.process import Address, ending_on_sigterm, listen, reachable, require, run

_log = logging.getLogger("embedsearch")


def serve(encoder: SentenceEncoder, address: Address, ready: Callable[[str], None]) -> None:
    """Serve *encoder* until the process is told to end by a signal.

    SIGINT raises KeyboardInterrupt and SIGTERM SystemExit, once requests under way are answered.

    Args:
        encoder: is loaded here if it is not yet.
        address: where to listen.
        ready: told the base URL when requests are answered.

    Raises:
        EmbedSearchError: the extra is missing, or the address cannot be used.
    """
    require(("starlette", "uvicorn"), "serve")
    from embedsearch.serving.application import application

    with ExitStack() as stack:
        listening = stack.enter_context(listen(address))
        port = int(listening.getsockname()[1])
        engine = encoder.load()
        encoder.encode(["A first text."])
        stack.enter_context(ending_on_sigterm())
        here = WarmModel(reachable(address.host), port, os.getpid(), encoder.name, engine, address.token)
        try:
            stack.enter_context(announced(encoder.identity.key, here))
        except OSError as error:
            _log.warning("other commands will not find this server: %s", error)
        app = application(encoder, host=address.host, token=address.token)
        run(app, listening, lambda: ready(base_url(here.host, port)))
