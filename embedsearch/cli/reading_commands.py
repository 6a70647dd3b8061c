"""``screen start|next|read|rank|status|audit|report|list``: what to read, and when to stop."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli.main import examples
from embedsearch.cli.options import encoder_option, format_option, index_option, nothing_found, open_index
from embedsearch.cli.output import OBJECT_FORMATS, facts, note, table, write, write_object
from embedsearch.cli.screening_options import (
    author_option,
    by_option,
    open_screening,
    print_progress,
    print_record,
    screening_options,
    start_options,
    telling_sentence,
)
from embedsearch.errors import QueryError, StoreError
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch.screening import Proposal, Screening

KEYS = "r relevant, n not relevant, u undecided, 1-9 a grade of .1 to .9, t note, z undo, s skip, q quit"
_VALUES: dict[str, str | float] = {"r": "relevant", "n": "not relevant", "u": "undecided"}
_VALUES |= {str(tenth): tenth / 10 for tenth in range(1, 10)}
_ALL_READ = "every record has been read"


@click.command(
    epilog=examples(
        'embedsearch screen start --topic "how predators choose their prey"',
        "embedsearch screen start --axis predatoriness --where 'year >= 2000' --seed 7",
        "embedsearch screen start --recall 0.9 --confidence 0.95",
        "embedsearch screen start --name reptiles --topic 'reptiles that hunt' -f json",
    )
)
@start_options
@by_option("likely", "uncertain", "random", "mixed")
@click.option(
    "--method",
    type=click.Choice(("ranking", "audit")),
    help="The estimate that decides when to stop; ranking if never given.",
)
@click.option("--recall", type=float, metavar="SHARE", help="The target of the stopping rule; 0.95 if never given.")
@click.option("--confidence", type=float, metavar="SHARE",
              help="The confidence of the bounds and the rule; 0.95 if never given.")  # fmt: skip
@screening_options
@encoder_option
@format_option(*OBJECT_FORMATS)
def start(path: str, name: str, encoder: str | None, format: str, **given: Any) -> None:
    """Set what a screening looks for, and show its settings.

    Without a topic or an axis, a screening starts from examples: label one relevant record first.

    Settings are kept in the index with the labels, each change with its time. Those that you do not give stay as they
    are; an empty --topic, --axis or --where removes that setting.
    """
    screening = open_screening(path, name, encoder=encoder, **given)
    held = {"screening": screening.name, "records": len(screening.pile), **screening.settings.to_dict()}
    if format == "table":
        facts(held)
    else:
        write_object(held, format)


@click.command(
    "next",
    epilog=examples(
        "embedsearch screen next",
        'embedsearch screen next --topic "how predators choose their prey" -n 5',
        "embedsearch screen next --by uncertain -n 20 -f csv > to-read.csv",
        "embedsearch screen next --by audit -n 10",
    ),
)
@click.option("-n", "count", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
              help="How many records.")  # fmt: skip
@by_option()
@start_options
@screening_options
@encoder_option
@format_option()
def next_command(
    count: int, by: str | None, path: str, name: str, encoder: str | None, format: str, **given: Any
) -> None:
    """Show the records to read next.

    Each comes with the sentence nearest to the topic; without a topic, with the one most like what was labelled
    relevant and least like what was not. Which records were shown, and how they were chosen, is kept with the labels:
    the estimates need it.
    """
    screening = open_screening(path, name, encoder=encoder, for_next=by or "", **given)
    found = screening.next(count, by)
    if format == "table":
        for proposal in found:
            print_record(proposal, telling_sentence(screening, proposal.id))
            click.echo()
    elif format == "ids":
        write(found.to_dicts(), format)
    else:
        records = ({**one.to_dict(), "sentence": telling_sentence(screening, one.id)} for one in found)
        write(records, format, columns=[*found.columns(), "sentence"])
    if not found:
        nothing_found("the audit sample is read to its end" if by == "audit" else _ALL_READ)


@click.command(
    epilog=examples(
        "embedsearch screen read",
        'embedsearch screen read --topic "how predators choose their prey" --author ada',
        "embedsearch screen read --by audit",
        "printf 'r\\nn\\nq\\n' | embedsearch screen read",
    )
)
@click.option("-n", "count", type=click.IntRange(min=1), metavar="N", help="Stop after N labels.")
@by_option()
@start_options
@author_option
@screening_options
@encoder_option
def read(
    count: int | None, by: str | None, author: str | None, path: str, name: str, encoder: str | None, **given: Any
) -> None:
    """Read and label one record after another.

    The order is learned anew after every label. Keys: r relevant, n not relevant, u undecided, 1 to 9 a grade of .1
    to .9, t a note for this record, z undo the last label given here, s skip for now, q quit.

    Every label is on the disk before the next record is shown. A record that somebody else has labelled meanwhile keeps
    that label. Without a terminal, answers are read from stdin, one per line.
    """
    screening = open_screening(path, name, encoder=encoder, for_next=by or "", **given)
    given_labels = _Desk(screening, by, author).read(count)
    progress = screening.progress()
    note(f"{count_of(given_labels, 'label')} given; {progress.found:,} relevant of {progress.read:,} read, "
         f"of {count_of(progress.records, 'record')}.")  # fmt: skip


class _Desk:
    """A person who reads one record after another."""

    def __init__(self, screening: Screening, by: str | None, author: str | None) -> None:
        from embedsearch.screening.unnoted import Unnoted

        self._screening = screening
        self._unnoted = Unnoted()
        self._by = by
        self._author = author
        self._note = ""
        self._skipped: set[str] = set()
        self._given: list[int] = []  # the numbers of the labels that were given here and not taken back

    def read(self, count: int | None) -> int:
        """Show and ask until the person has had enough; return how many labels were given."""
        note(f"Keys: {KEYS}.")
        while count is None or len(self._given) < count:
            proposal = self._proposal()
            if proposal is None:
                skipped = len(self._skipped - self._screening.labels.keys())
                note(f"There is nothing left to read{f' but {skipped:,} skipped' if skipped else ''}.")
                break
            print_record(proposal, telling_sentence(self._screening, proposal.id))
            answer = self._answer()
            if answer == "q":
                break
            self._act(answer, proposal)
        return len(self._given)

    def _proposal(self) -> Proposal | None:
        found, shown = self._screening.propose(1, self._by, passed=self._skipped)
        self._unnoted.show(self._screening, shown)
        return next(iter(found), None)

    def _answer(self) -> str:
        """Return a key that is one; a note is asked for and kept on the way."""
        while True:
            answer = _key() if sys.stdin.isatty() else (sys.stdin.readline() or "q").strip()
            if answer in ("q", "z", "s", *_VALUES):
                return answer
            if answer == "t":
                if sys.stdin.isatty():
                    click.echo("note: ", nl=False, err=True)
                self._note = sys.stdin.readline().strip()
                continue
            note(f"{answer!r} is not one of the keys: {KEYS}")

    def _act(self, answer: str, proposal: Proposal) -> None:
        """Do what an answer says."""
        if answer == "s":
            self._skipped.add(proposal.id)
            self._note = ""
        elif answer == "z":
            self._undo()
        else:
            self._label(proposal, _VALUES[answer])

    def _label(self, proposal: Proposal, value: str | float) -> None:
        from embedsearch.index.label import Decision

        try:
            self._unnoted.catch_up(self._screening)
            decision = Decision(proposal.id, value, self._note, self._author, seen=proposal.seen)
            (label,) = self._screening.labels.add_all([decision], only_unread=True)
        except StoreError as error:
            note(f"Not labelled: {error}")
            return
        except QueryError as error:
            note(f"Not labelled: {error}")
        else:
            self._given.append(label.number)
        self._note = ""

    def _undo(self) -> None:
        if not self._given:
            note("Not undone: no label given here is left. Take back another with: embedsearch screen undo")
            return
        try:
            label = self._screening.labels.undo(self._given[-1], author=self._author)
        except StoreError as error:
            note(f"Not undone: {error}")
            return
        except QueryError as error:
            note(f"Not undone: {error}")
        else:
            self._skipped.discard(label.document)
            note(f"Undone: {label.document} was labelled {label.name}.")
        self._given.pop()


def _key() -> str:
    """Return the key that is pressed; ``q`` at the end of the input, which is Control-D."""
    click.echo("> ", nl=False, err=True)
    try:
        answer = click.getchar(echo=True)
    except EOFError:
        answer = "q"
    click.echo(err=True)
    return answer


@click.command(
    epilog=examples(
        "embedsearch screen rank -f csv > order.csv",
        "embedsearch screen rank -n 100 -f ids",
        "embedsearch screen rank --axis predatoriness -f table -n 10",
    )
)
@click.option("-n", "count", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@start_options
@screening_options
@encoder_option
@format_option()
def rank(count: int | None, path: str, name: str, encoder: str | None, format: str, **given: Any) -> None:
    """List the unread records, the most likely relevant first."""
    from embedsearch.screening.features import heading

    screening = open_screening(path, name, encoder=encoder, for_next="likely", **given)
    order = screening.rank()[:count]
    records = ({"rank": place, "id": id, "score": score} for place, (id, score) in enumerate(order, start=1))
    if format != "table":
        write(records, format, columns=("rank", "id", "score"))
    elif order:
        rows = [[*record.values(), heading(screening.index.get(str(record["id"])))] for record in records]
        table(["#", "id", "score", "title"], rows, wide="title")
    if not order:
        nothing_found(_ALL_READ)


@click.command(epilog=examples("embedsearch screen status", "embedsearch screen status -i indexes/papers -f json"))
@screening_options
@encoder_option
@format_option(*OBJECT_FORMATS)
def status(path: str, name: str, encoder: str | None, format: str) -> None:
    """Show what was found and what may be missed.

    It also says whether it is time to stop. Each estimate of recall comes with a one-sided bound, with what it
    assumes, and with its source.
    """
    progress = open_screening(path, name, encoder=encoder, shown=True).progress().to_dict()
    if format == "table":
        print_progress(progress)
    else:
        write_object(progress, format)


@click.command(epilog=examples("embedsearch screen audit -n 200", "embedsearch screen audit -n 50 --seed 3 -f ids"))
@click.option("-n", "size", type=click.IntRange(min=1), required=True, metavar="N", help="How many records.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N",
              help="The seed, kept as a setting; that of the settings if not given.")  # fmt: skip
@screening_options
@encoder_option
@format_option()
def audit(size: int, seed: int | None, path: str, name: str, encoder: str | None, format: str) -> None:
    """Draw a random sample of the unread records.

    It serves to estimate what was missed. The sample is kept with the labels; read it with: embedsearch screen read
    --by audit. It counts as random as far as it was read from its beginning without leaving a record out.
    """
    screening = open_screening(path, name, encoder=encoder)
    if seed is not None:
        screening.require_sample(size)  # where none can be drawn, the seed stays as it is
        screening.configure(seed=seed)
    ids = screening.draw_audit(size)
    if format == "table":
        table(["#", "id"], [[place, id] for place, id in enumerate(ids, start=1)])
    else:
        write(({"rank": place, "id": id} for place, id in enumerate(ids, start=1)), format)
    note(f"{count_of(size, 'record')} drawn; to read: embedsearch screen read --by audit")


@click.command(
    epilog=examples(
        "embedsearch screen report > appendix.md",
        "embedsearch screen report -f json > appendix.json",
    )
)
@screening_options
@encoder_option
@click.option("-f", "--format", "format", type=click.Choice(("markdown", "json")), default="markdown",
              show_default=True, help="Output format.")  # fmt: skip
def report(path: str, name: str, encoder: str | None, format: str) -> None:
    """Write the record of a screening.

    It holds what the appendix of a review needs: the settings and their changes, seeds, versions, the flow of records
    in the terms of a PRISMA diagram, who labelled how many and when, the yield, and the evidence for stopping. JSON
    also has every single event.
    """
    from embedsearch.screening.report import as_markdown
    from embedsearch.screening.report import report as report_on

    record = report_on(open_screening(path, name, encoder=encoder, shown=True))
    if format == "json":
        write_object(record)
    else:
        click.echo(as_markdown(record), nl=False)


@click.command("list", epilog=examples("embedsearch screen list", "embedsearch screen list -f json"))
@index_option
@format_option()
def list_screenings(path: str, format: str) -> None:
    """List the screenings of an index."""
    from embedsearch.screening import Screening

    index = open_index(path)
    held = [Screening(index, name) for name in index.labels.names()]
    records = [
        {"id": one.name, "labels": len(one.labels), "topic": one.settings.topic, "where": one.settings.where}
        for one in held
    ]
    if format != "table":
        write(records, format)
    elif records:
        table(list(records[0]), [list(record.values()) for record in records], wide="topic")
    if not records:
        nothing_found("no screening has begun; start one with: embedsearch screen start --topic TEXT")


COMMANDS = (start, next_command, read, rank, status, audit, report, list_screenings)
