"""Options and printing that the commands of ``screen`` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli.options import index_option, open_index, split_names
from embedsearch.cli.output import facts, note, one_line, printable, stdout_console, table
from embedsearch.errors import EncoderError, did_you_mean
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch.screening import Proposal, Screening

CHOICES = ("likely", "uncertain", "random", "mixed", "audit")

_name = click.option(
    "--name",
    default="main",
    show_default=True,
    envvar="EMBEDSEARCH_SCREENING",
    show_envvar=True,
    help="Which screening of the index; each has labels of its own.",
)
author_option = click.option(
    "--author",
    envvar="EMBEDSEARCH_AUTHOR",
    show_envvar=True,
    metavar="PERSON",  # may be empty: nobody is named then
    help="Who labels; the name of your account if not given.",
)


def screening_options(command: Any) -> Any:
    """Add the options that say which screening of which index."""
    return index_option(_name(command))


def by_option(*choices: str) -> Callable[[Any], Any]:
    """Return the option for how records are chosen."""
    return click.option(
        "--by",
        type=click.Choice(choices or CHOICES),
        help="How records are chosen: most likely relevant, most uncertain, random, mixed (likely, now and then random)"
        f"{', or the audit sample' if 'audit' in (choices or CHOICES) else ''}; as in the settings if not given.",
    )


def _names_if_given(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[str] | None:
    """Return names of axes; none where an empty one takes those of the settings back, None where nothing is given."""
    return split_names(context, parameter, values) if values else None


def start_options(command: Any) -> Any:
    """Add the options that say what is looked for; what is given is kept as a setting."""
    for option in reversed(
        (
            click.option("--topic", metavar="TEXT", help="What to look for, in a sentence."),
            click.option("-a", "--axis", "axes", multiple=True, metavar="NAMES", callback=_names_if_given,
                         help="Axes that the ranking reads and starts from; -NAME for the low end."),
            click.option("--where", metavar="CONDITION", help="Screen only the documents that satisfy this condition."),
            click.option("--seed", type=click.IntRange(min=0), metavar="N",
                         help="The seed of random draws; 0 if never given."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def open_screening(
    path: str,
    name: str,
    *,
    encoder: str | None = None,
    for_next: str | None = None,
    shown: bool = False,
    **given: Any,
) -> Screening:
    """Open a screening, and keep the settings that are given; see `Screening.configure`.

    One that is only *shown* and has not begun, while others have, may be a wrong name: that is said.
    """
    from embedsearch.screening import Screening

    screening = Screening(open_index(path, encoder), name)
    begun = screening.labels.names() if shown else []
    if begun and name not in begun:
        note(f"The screening {name!r} has not begun.{did_you_mean(name, begun)}")
    if any(value is not None for value in given.values()):
        screening.configure(for_next, **given)
    return screening


def telling_sentence(screening: Screening, id: str) -> str:
    """Return the sentence that speaks most for a document; empty, with a word on stderr, where none can be found."""
    try:
        return screening.telling_sentence(id)
    except EncoderError as error:
        note(f"The sentence nearest to the question is left out: {error}")
        return ""


def print_record(proposal: Proposal, sentence: str) -> None:
    """Print a record for reading: all of its text, the telling sentence in bold and below it."""
    from rich.text import Text

    console = stdout_console()
    score = "" if proposal.score is None else f", score {proposal.score:.3f}"
    console.print(Text(f"{proposal.rank}. {printable(proposal.id)}   {proposal.by}{score}", style="dim"))
    if proposal.title:
        console.print(Text(printable(proposal.title), style="bold"))
    paragraphs = (one_line(part) for part in proposal.text.split("\n\n"))
    text = Text("\n\n".join(part for part in paragraphs if part))
    wanted = one_line(sentence)
    if wanted and (start := text.plain.find(wanted)) >= 0:
        text.stylize("bold", start, start + len(wanted))
    console.print(text)
    if wanted:
        console.print(Text(f"→ {wanted}", style="italic"))


def print_progress(progress: dict[str, Any]) -> None:
    """Print how far a screening has come, for people."""
    from embedsearch.screening.progress import how_to_draw

    names = {"records": "records", "read": "read", "found": "relevant", "not_relevant": "not relevant",
             "undecided": "undecided", "unread": "not read", "unasked": "read without being proposed, or imported",
             "outside": "labels of documents outside the pile",
             "joined": "not read, joined after the last one was read",
             "passed_over": "drawn at random, but passed over",
             "since_last_relevant": "proposed and read since the last relevant one"}  # fmt: skip
    optional = ("undecided", "unasked", "outside", "joined", "passed_over")
    counts = {text: progress[name] for name, text in names.items() if progress[name] or name not in optional}
    facts({text: f"{count:,}" for text, count in counts.items()}, title=f"Screening {progress['screening']}")
    if progress["yield"]:
        click.echo()
        table(["proposed and read", "relevant"],
              [[f"{one['first']:,} to {one['last']:,}", one["found"]] for one in progress["yield"]])  # fmt: skip
    click.echo()
    table(
        ["recall", "estimate", "at least", "missed", "at most"],
        [
            [f"by the {one['method']}", f"{one['recall']:.1%}", f"{one['recall_at_least']:.1%}",
             f"{one['missed']:,}", f"{one['missed_at_most']:,}"]
            for one in progress["estimates"]
        ],
    )  # fmt: skip
    if progress["passed_over"]:
        click.echo(
            f"{count_of(progress['passed_over'], 'record shown at random was', 'records shown at random were')} "
            "passed over. What was drawn after the first of them is not a random sample until all of them are read: "
            "embedsearch screen read --by random"
        )
    elif not progress["drawn_at_random"] and progress["unread"]:
        draw = how_to_draw(progress["unread"])
        click.echo(f"No record was drawn at random yet, so the audit says nothing. Draw a sample: {draw}")
    for one in progress["estimates"]:
        click.echo(
            f"By the {one['method']}, one-sided at {one['confidence']:.0%} confidence, assuming that "
            f"{one['assumption']} ({one['source']})."
        )
    for sample in progress["samples"]:
        click.echo(
            f"Audit sample: {sample['read']:,} of {sample['size']:,} read, {sample['found']:,} of these relevant; "
            f"drawn from {count_of(sample['unread'], 'record')} not read."
            + (f" {sample['undecided']:,} undecided, counted as relevant." if sample["undecided"] else "")
        )
    if progress["samples"] and (joined := progress["samples"][-1]["joined"]):
        click.echo(
            f"{count_of(joined, 'unread record')} joined after the sample was drawn; each counts as possibly missed. "
            f"Draw another sample: {how_to_draw(progress['unread'])}"
        )
    elif progress["joined"]:
        click.echo(
            f"{count_of(progress['joined'], 'unread record')} joined after the last one was read; each counts as "
            "possibly missed. Read on."
        )
    stop = progress["stop"]
    click.echo(
        f"Stopping rule, recall {stop['recall']:.0%} at {stop['confidence']:.0%} confidence by the {stop['method']}: "
        f"{'met' if stop['met'] else 'not met'}: {stop['advice']}."
    )
