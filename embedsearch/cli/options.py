"""Options that several commands share."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.core import ParameterSource

from embedsearch.cli.output import FORMATS, default_format, note
from embedsearch.errors import QueryError
from embedsearch.names import normal

if TYPE_CHECKING:
    from embedsearch import Index

Callback = Callable[[click.Context, click.Parameter, Any], Any]

_NAMED = ("FILE", "FOLDER", "FIELD", "NAME", "ENCODER", "ID", "AXIS", "MEASURE")  # metavars of what is no empty text
_JOINED = re.compile(r"\w\+\w")  # a hyphen may be part of a word

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
    help="A sentence-transformers model name or folder, or openai:MODEL (a remote one); the index's own, or "
    "all-MiniLM-L6-v2, if not given.",
)


def encoder_option(command: Any) -> Any:
    """Add the options that name an encoder and say how it is run."""
    return name_option(running_options(command))


def running_options(command: Any) -> Any:
    """Add the options that say how an encoder is run; they hold for every encoder that the command loads."""
    choices = {
        "engine": (
            click.Choice(("openvino", "torch")),
            "What computes the vectors; the fastest available if not given.",
        ),
        "precision": (
            click.Choice(("bf16", "f32", "int8")),
            "What it computes in; if not given, what the processor is fast at. int8 gives other vectors.",
        ),
        "device": (str, "A torch device, such as cpu or cuda; the best available if not given."),
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


def refuse_empty_names(command: click.Command) -> None:
    """Have a command, and those below it, refuse empty names of files, folders, fields and all else that has a name.

    A variable of a shell that is not set gives one; taken for no name at all it would send an output elsewhere.
    """
    for parameter in command.params:
        if parameter.metavar in _NAMED or isinstance(parameter.type, click.Path):
            parameter.callback = _refusing_empty(parameter.callback)
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        refuse_empty_names(below)


def _refusing_empty(callback: Callback | None) -> Callback:
    def check(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if "" in (value if isinstance(value, tuple | list) else (value,)):
            raise click.BadParameter("the name is empty; give one, or leave it out", context, parameter)
        return value if callback is None else callback(context, parameter, value)

    return check


where_option = click.option(
    "--where", metavar="CONDITION", help="Only what satisfies this condition, as in 'kind == \"person\"'."
)
explain_option = click.option(
    "--explain", is_flag=True, help="Say how the query was answered, and how long each step took."
)
count_option = click.option(
    "-k", "k", type=click.IntRange(min=1), default=10, show_default=True, metavar="N", help="How many results."
)


def format_option(*formats: str) -> Callable[[Any], Any]:
    """Return the option for the output format, with the choices that a command has: ``table`` and ``jsonl`` among them.

    The command is given a format in any case.
    """
    return click.option(
        "-f",
        "--format",
        "format",
        type=click.Choice(formats or FORMATS),
        callback=lambda _context, _parameter, value: value or default_format(),
        help="Output format; if not given, a table on a terminal and JSON lines elsewhere.",
    )


def json_option(what: str) -> Callable[[Any], Any]:
    """Return the option that prints *what* as JSON, which is None where it is not given."""
    help = f"Print {what} as JSON to stdout."
    return click.option("-f", "--format", "format", type=click.Choice(("json",)), help=help)


def axes_option(help: str, *flags: str) -> Callable[[Any], Any]:
    """Return the option for names of axes, given several times or separated by commas; ``-a`` if no flag is said."""
    flags = flags or ("-a", "--axis")
    return click.option(
        *flags, "axes", multiple=True, metavar="NAMES", callback=_refusing_empty(split_names), help=help
    )


def axis_argument(name: str, **settings: Any) -> Callable[[Any], Any]:
    """Return the argument with the name of an axis, or of several, which are called as those of an index are."""

    def called(_context: click.Context, _parameter: click.Parameter, given: Any) -> Any:
        return normal(given) if isinstance(given, str) else tuple(map(normal, given))

    return click.argument(name, callback=called, **settings)


def split_names(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> list[str]:
    """Return the names of axes in texts that separate them by commas, each once."""
    return list(dict.fromkeys(normal(name.strip()) for text in values for name in text.split(",") if name.strip()))


def listening_options(port: int) -> Callable[[Any], Any]:
    """Return the options that say where a server listens."""
    host = click.option(
        "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="The address to listen at."
    )
    kind, help = click.IntRange(0, 65535), "The port; 0 for any free one."
    return lambda command: host(
        click.option("--port", type=kind, default=port, show_default=True, metavar="PORT", help=help)(command)
    )


def with_stdin(given: Iterable[str]) -> Iterator[str]:
    """Yield what is given; in the place of each ``-`` the lines of stdin, without those that are blank."""
    for one in given:
        if one == "-":
            yield from (line.rstrip("\r\n") for line in sys.stdin if line.strip())
        else:
            yield one


def phrases_from(given: Iterable[str]) -> list[str]:
    """Return phrases; in the place of each ``-`` those of stdin, one a line.

    Raises:
        QueryError: there is none.
    """
    phrases = [phrase.strip() for phrase in with_stdin(given)]
    if not phrases:
        raise QueryError("stdin held no phrase; give one per line")
    return phrases


def text_from(given: str) -> str:
    """Return a text; in the place of ``-`` that of stdin."""
    return sys.stdin.read().strip() if given == "-" else given


def tell_joined(expression: str) -> None:
    """Say of phrases of a sum that look like sums themselves that they are none; those in quotes are meant so."""
    from embedsearch.expressions import parse_expression

    for text in parse_expression(expression).texts:
        if _JOINED.search(text) and f'"{text}"' not in expression:
            note(f"{text!r} is read as one phrase; put spaces around an operator, as in sheep + spider.")


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


def nothing_found(why: str, index: Index | None = None) -> NoReturn:
    """Say why there is no answer, and leave with exit code 1; that an index is empty where one was asked."""
    if index is not None and len(index) == 0:
        why = "the index is empty; add documents with: embedsearch ingest SOURCE"
    note(f"Nothing found: {why}")
    sys.stdout.flush()
    click.get_current_context().exit(1)
