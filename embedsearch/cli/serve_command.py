"""``serve``: a model that stays loaded."""

from __future__ import annotations

import os

import click

from embedsearch.cli.main import INTERRUPTED, examples
from embedsearch.cli.options import listening_options, running_options
from embedsearch.cli.output import note


@click.command(
    epilog=examples(
        "embedsearch serve",
        "embedsearch serve --encoder models/my-model --port 9000",
        "curl 127.0.0.1:8765/v1/embeddings -H 'Content-Type: application/json' \\",
        '  -d \'{"model": "all-MiniLM-L6-v2", "input": ["wolf", "loan shark"]}\'',
        "EMBEDSEARCH_SERVE_TOKEN=$(openssl rand -hex 16) embedsearch serve --host 0.0.0.0",
    )
)
@click.option(
    "--encoder", metavar="NAME", help="A sentence-transformers model name or folder; all-MiniLM-L6-v2 if not given."
)
@listening_options(8765)
@running_options
def serve(encoder: str | None, host: str, port: int) -> None:
    """Keep a model loaded and serve it over HTTP.

    It answers as OpenAI's /v1/embeddings does, so that any client of that API can use it. Your own embedsearch commands
    find it by themselves if it has the model that an index needs. They leave few texts (queries, phrases) to it, which
    saves them loading the model.

    Paths are /v1/embeddings, /v1/models and /health. "input_type": "query" makes a request's texts queries, for models
    that treat them differently. The base URL is printed to stdout when requests are answered. Ctrl-C ends the server.

    It answers this machine alone, and refuses web pages of other origins. With --host it lets other machines in, which
    must send the token in EMBEDSEARCH_SERVE_TOKEN (Authorization: Bearer TOKEN). It speaks no TLS, so put it behind a
    proxy that does.
    """
    from embedsearch.encoders import DEFAULT_ENCODER, SentenceEncoder, load_encoder
    from embedsearch.errors import EncoderError
    from embedsearch.serving import Address
    from embedsearch.serving import serve as run

    address = Address(host, port, os.environ.get("EMBEDSEARCH_SERVE_TOKEN", "").strip())
    model = load_encoder(encoder or DEFAULT_ENCODER)
    if not isinstance(model, SentenceEncoder):
        raise EncoderError(f"{model.name} is served elsewhere already; name a model on this machine")

    def ready(url: str) -> None:
        click.echo(url)
        note(f"{model.name} ({model.dimension} dimensions, {model.engine}) is served at {url}. Ctrl-C ends it.")

    try:
        run(model, address, ready)
    except KeyboardInterrupt:
        note("Stopped.")
        click.get_current_context().exit(INTERRUPTED)


COMMANDS = (serve,)
