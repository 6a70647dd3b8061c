"""``explore``: a page to work with an index on."""

from __future__ import annotations

import click

from embedsearch.cli.main import INTERRUPTED, examples
from embedsearch.cli.options import encoder_option, index_option, listening_options
from embedsearch.cli.output import note


@click.command(
    epilog=examples(
        "embedsearch explore",
        "embedsearch explore -i indexes/papers --open",
        "embedsearch explore --port 0 --host 0.0.0.0",
    )
)
@index_option
@encoder_option
@listening_options(8766)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def explore(path: str, encoder: str | None, host: str, port: int, opens: bool) -> None:
    """Work with an index on a page in the browser.

    Search for texts and sums, see them on two axes, move a cursor along the axes, try axes of your own and save them,
    filter with conditions, select points with a lasso and export them, and screen. The address of the page is printed
    to stdout when the page can be opened. Ctrl-C ends the server.

    The server answers this machine alone, and no other web page can query it. With --host it lets other machines in;
    the address that is printed then contains a secret that they need. It speaks no TLS, so put it behind a proxy that
    does.
    """
    import secrets

    from embedsearch.explorer import explore as run
    from embedsearch.web import Address, is_loopback

    address = Address(host, port, "" if is_loopback(host) else secrets.token_urlsafe(24))

    def ready(url: str) -> None:
        click.echo(url)
        note(f"The page of {path} is at this address. Ctrl-C ends it.")
        if opens:
            click.launch(url)

    try:
        run(path, address, ready, encoder=encoder)
    except KeyboardInterrupt:
        note("Stopped.")
        click.get_current_context().exit(INTERRUPTED)


COMMANDS = (explore,)
