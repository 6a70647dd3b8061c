"""The command group, and what all commands share."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import click

from embedsearch import __version__
from embedsearch.cli.output import note, one_line
from embedsearch.errors import EmbedSearchError, did_you_mean

INTERRUPTED = 130
LEFT = 141  # as a program that SIGPIPE ends
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_NOT_LOADED = "failed to map segment"  # what the loader says of a library for which there is no memory
_LONGEST = 1000  # characters of a message: what was seen may be a whole file by mistake


class Failure(click.ClickException):
    """An error of ours, on one line, with exit code 2."""

    exit_code = 2

    def show(self, _file: Any = None) -> None:
        """Print the message to stderr, of a very long one its beginning and its end."""
        message = one_line(self.format_message())
        if len(message) > _LONGEST:
            message = f"{message[: _LONGEST // 2]} … {message[-_LONGEST // 2 :]}"
        note(f"Error: {message}")


@contextlib.contextmanager
def _on_one_line() -> Iterator[None]:
    """Say what is wrong with a command line as everything else is said, and where to read how it is used."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        message = error.format_message().strip()
        if "unexpected extra argument" in message:
            message += "; put words that belong together in quotes"
        elif isinstance(error, click.NoSuchOption) and error.option_name[:2] != "--" and _takes_texts(error.ctx):
            message = message.removesuffix(".") + "; put -- before a text that begins with -"
        end = "" if message.endswith((".", "?", "!")) else "."
        raise Failure(f"{message}{end} See '{error.ctx.command_path} --help'" if error.ctx else message) from error


class _Ended(SystemExit):
    """The process is told to end by a signal: what is temporary goes first."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


@contextlib.contextmanager
def _ending_in_order() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the process as Ctrl-C does, and a second signal at once, as by itself.

    As an exception a second Ctrl-C would keep Python from waiting for the thread that computes vectors, which then
    aborts.
    """
    usual = {signal.SIGINT: signal.default_int_handler}
    usual |= {number: signal.SIG_DFL for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))}
    own = [number for number, handler in usual.items() if signal.getsignal(number) is handler]
    if threading.current_thread() is not threading.main_thread():
        own = []  # whoever runs the command in his own program handles signals himself

    def end(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt if number == signal.SIGINT else _Ended(number)

    for number in own:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in own:
            if signal.getsignal(number) is end:
                signal.signal(number, usual[number])


def _open_missing_streams() -> None:
    """Have standard streams that this program was started without lead nowhere.

    Else the first files that are opened get their numbers, and what a library prints is written into an index.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _takes_texts(context: click.Context | None) -> bool:
    """Does a command take more than options?"""
    return context is not None and any(isinstance(one, click.Argument) for one in context.command.params)


def _give_up_output() -> None:
    """Let what is still to be written go nowhere: Python would try once more at its end, and print a traceback."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Commands(click.Group):
    """A group that turns our errors into one line and suggests names for unknown commands."""

    def make_context(self, *args: Any, **settings: Any) -> click.Context:
        """Read the options before the command."""
        with _on_one_line():
            return super().make_context(*args, **settings)

    def invoke(self, context: click.Context) -> Any:
        """Run the command; no error that a user can cause shows a traceback."""
        try:
            with _on_one_line(), _ending_in_order():
                result = super().invoke(context)
            sys.stdout.flush()
            return result
        except EmbedSearchError as error:
            raise Failure(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read the output has left: head, or a pager
                _give_up_output()
                context.exit(LEFT)
            if error.errno not in _FULL:
                what = error.strerror or str(error)
                raise Failure(f"{error.filename} cannot be used: {what}" if error.filename else what) from error
            _give_up_output()
            raise Failure(
                f"the output cannot be written: {error.strerror}. Make room and run the command again"
            ) from error
        except (MemoryError, ImportError) as error:
            if isinstance(error, ImportError) and _NOT_LOADED not in str(error):
                raise
            raise Failure(
                "there is not enough memory. What was committed is kept; free some memory and run the command again"
            ) from error
        except KeyboardInterrupt:
            note("Interrupted. What was committed is kept; run the command again to go on.")
            context.exit(INTERRUPTED)
        except _Ended as ended:
            name = signal.Signals(ended.number).name
            note(f"Ended by {name}. What was committed is kept; run the command again to go on.")
            with contextlib.suppress(OSError):  # the terminal, or whoever reads, may have gone
                sys.stdout.flush()
            os.kill(os.getpid(), ended.number)  # whoever waits for the process sees what it died of
            raise

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was likely meant."""
        if args and self.get_command(context, args[0]) is None and not args[0].startswith("-"):
            advice = did_you_mean(args[0], self.list_commands(context))
            raise click.UsageError(f"there is no command {args[0]!r}.{advice}", context)
        return super().resolve_command(context, args)


def examples(*lines: str) -> str:
    """Return an epilog of examples that click leaves as it is."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "embedsearch ingest corpus/",
        'embedsearch search "ambush from below"',
        'embedsearch calc "sheep + spider" --on predatoriness,size',
        'embedsearch filter corpus/articles.jsonl --where "predatoriness > p70"',
    ),
)
@click.version_option(__version__, prog_name="embedsearch", message="%(prog)s %(version)s")
def main() -> None:
    """Search, measure and filter texts along directions of meaning that you choose.

    `ingest` puts documents into an index. An axis, such as predatoriness or size, is defined by phrases for its two
    poles.

    Data go to stdout, messages to stderr. Exit codes: 0 done, 1 nothing found, 2 wrong usage or unreadable input,
    130 interrupted, 141 the output was closed by its reader.
    """
    _open_missing_streams()
    # Text is UTF-8 whatever the locale says; a byte order mark is no part of the first line of stdin. Bytes that are no
    # UTF-8 come through, as those of arguments do: they are refused where they are used, or are in the name of a file.
    for stream, encoding in ((sys.stdin, "utf-8-sig"), (sys.stdout, "utf-8")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=encoding, errors="surrogateescape")


def load_commands() -> None:
    """Add the commands to the group."""
    from embedsearch.cli import (
        axes_commands,
        compare_command,
        document_commands,
        duplicates_command,
        explore_command,
        export_command,
        filter_command,
        housekeeping_commands,
        map_command,
        placing_commands,
        plot_commands,
        query_commands,
        screen_commands,
        serve_command,
        words_command,
    )
    from embedsearch.cli.options import refuse_empty_names

    modules = (
        document_commands,
        duplicates_command,
        filter_command,
        query_commands,
        placing_commands,
        compare_command,
        plot_commands,
        explore_command,
        map_command,
        export_command,
        axes_commands,
        words_command,
        screen_commands,
        housekeeping_commands,
        serve_command,
    )
    for module in modules:
        for command in module.COMMANDS:
            main.add_command(command)
            refuse_empty_names(command)


load_commands()
