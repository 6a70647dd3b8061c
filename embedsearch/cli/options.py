"""Options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from embedsearch.cli.output import FORMATS, note
from embedsearch.errors import QueryError

if TYPE_CHECKING:
    from embedsearch import Index

DEFAULT_INDEX = "indexes/predation"

index_option = click.option(
    "-i",
    "--index",
    "path",
    envvar="EMBEDSEARCH_INDEX",
    default=DEFAULT_INDEX,
    show_default=True,
    show_envvar=True,
    metavar="FOLDER",
    help="The index.",
)
name_option = click.option(
    "--encoder",
    metavar="NAME",
    help="A sentence-transformers model name or folder, or openai:MODEL (a remote one); the index's own if not given.",
)


def encoder_option(command: Any) -> Any:
    """Add the options that name an encoder and say how it is run."""
    return name_option(running_options(command))


def running_options(command: Any) -> Any:
    """Add the options that say how an encoder is run; they hold for every encoder that the command loads."""
    choices = {
        "engine": (click.Choice(("openvino", "torch")), "What computes the vectors; the fastest if not given."),
        "precision": (
            click.Choice(("bf16", "f32", "int8")),
            "What it computes in; what the processor is fast at if not given. int8 gives other vectors.",
        ),
        "device": (str, "A torch device, such as cpu or cuda; the best there is if not given."),
    }
    for name, (kind, help) in reversed(choices.items()):
        option = click.option(
            f"--{name}", type=kind, metavar="NAME" if kind is str else None, envvar=f"EMBEDSEARCH_{name.upper()}",
            show_envvar=True, expose_value=False, callback=_prefer, help=help,
        )  # fmt: skip
        command = option(command)
    return command


def _prefer(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None and not context.resilient_parsing:
        from embedsearch.encoders import preferring

        context.with_resource(preferring(**{str(parameter.name): value}))


where_option = click.option("--where", metavar="CONDITION", help="Answers must satisfy it, as in 'kind == \"person\"'.")
explain_option = click.option("--explain", is_flag=True, help="Say how it was answered, and the time of each step.")
count_option = click.option("-k", "k", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")


def format_option(*formats: str) -> Callable[[Any], Any]:
    """Return the option for the output format, with the choices that a command has."""
    return click.option(
        "-f",
        "--format",
        "format",
        type=click.Choice(formats or FORMATS),
        help="Output format; a table on a terminal, JSON lines elsewhere.",
    )


def axes_option(help: str) -> Callable[[Any], Any]:
    """Return the option for names of axes, given several times or separated by commas."""
    return click.option("-a", "--axis", "axes", multiple=True, metavar="NAMES", callback=_names, help=help)


def _names(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> list[str]:
    return split_names(values)


def split_names(values: tuple[str, ...] | str | None) -> list[str]:
    """Return the names in texts that separate them by commas, each once."""
    texts = [values] if isinstance(values, str) else list(values or ())
    return list(dict.fromkeys(name.strip() for text in texts for name in text.split(",") if name.strip()))


def phrases_from(given: Sequence[str]) -> list[str]:
    """Return phrases; in the place of each ``-`` those of stdin, one a line.

    Raises:
        QueryError: there is none.
    """
    phrases: list[str] = []
    for phrase in given:
        phrases += [line.strip() for line in sys.stdin if line.strip()] if phrase == "-" else [phrase]
    if not phrases:
        raise QueryError("stdin held no phrase; give one a line")
    return phrases


def text_from(given: str | None) -> str | None:
    """Return a text; in the place of ``-`` that of stdin."""
    return sys.stdin.read().strip() if given == "-" else given


def said(**spelled: str) -> str | None:
    """Return the first of some parameters that stands on the command line, as it is spelled there.

    Args:
        spelled: by the name of the parameter.
    """
    context = click.get_current_context()
    for name, spelling in spelled.items():
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and context.params[name] not in ((), [], None):
            return spelling
    return None


def open_index(path: str, encoder: str | None = None, *, cache: Path | None = None) -> Index:
    """Open the index that a command works on."""
    import embedsearch as es

    index = es.open(path, encoder, cache=cache)
    click.get_current_context().call_on_close(index.close)
    return index


@contextmanager
def explained(index: Index, wanted: bool) -> Iterator[None]:
    """Print how the queries made inside were answered, if that is wanted."""
    with index.trace() as trace:
        yield
    if wanted:
        note(str(trace))


def nothing_found(index: Index | None, why: str) -> None:
    """Say why there is no answer, and leave with exit code 1; that an index is empty where one was asked."""
    empty = index is not None and len(index) == 0
    note(
        "Nothing found: the index is empty; add documents with: embedsearch ingest SOURCE"
        if empty
        else f"Nothing found: {why}"
    )
    sys.stdout.flush()
    click.get_current_context().exit(1)
