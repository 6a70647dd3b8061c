"""``search`` and ``calc``: what is near a text, and what is at a sum of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli.main import examples
from embedsearch.cli.options import (
    axes_option,
    count_option,
    encoder_option,
    explain_option,
    explained,
    format_option,
    index_option,
    nothing_found,
    open_index,
    tell_joined,
    text_from,
    where_option,
)
from embedsearch.cli.output import note, note_line, printable, table, write, write_object, write_results
from embedsearch.cli.placing_output import print_passages, titled
from embedsearch.errors import QueryError
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch import Calculation, Hit, Hits, Index
    from embedsearch.snippets import Snippet

_ALONE_SHOWN = 5
_SHORT = 40
_SHOWN = 3  # of the lines for which nothing was found
_AT_ONCE, _CHARACTERS_AT_ONCE = 256, 1 << 20  # lines of a file


@click.command(
    epilog=examples(
        'embedsearch search "ambush from below" -k 5',
        "embedsearch search \"lending to the desperate\" --where 'year >= 2000'",
        "embedsearch search --like p-wolf --like p-spider -f jsonl",
        'embedsearch search "bolas spider" --mode lexical --by document',
        "echo 'hunting in packs' | embedsearch search -",
        "embedsearch search --each questions.txt -k 3 -f csv > answers.csv",
    )
)
@click.argument("text", required=False)
@click.option(
    "--like",
    metavar="ID",
    multiple=True,
    help="Search with a document of the index instead of TEXT; repeat it for several, which count alike.",
)
@click.option(
    "--each",
    metavar="FILE",
    type=click.Path(),
    help="Search with each line of a file, - for stdin; each hit names its line in the field query.",
)
@click.option(
    "--mode",
    type=click.Choice(("hybrid", "dense", "lexical")),
    help="Rank by meaning and words (hybrid), by meaning (dense) or by words (lexical); if not given hybrid, or dense "
    "for a single word.",
)
@click.option(
    "--by",
    type=click.Choice(("passage", "document")),
    default="passage",
    show_default=True,
    help="List all passages, or only the best one of each document.",
)
@count_option
@where_option
@explain_option
@index_option
@encoder_option
@format_option()
def search(
    text: str | None, like: tuple[str, ...], each: str | None, mode: Any, by: Any, k: int, where: str | None,
    explain: bool, path: str, encoder: str | None, format: str,
) -> None:  # fmt: skip
    """Find the passages that answer TEXT best.

    TEXT may be - for stdin. The score is a cosine: 1 is the same meaning, about 0 is unrelated. bm25 counts the
    words of TEXT that a passage has, and rare words count more. A hybrid search ranks by fused, one number made of
    both.
    """
    if sum(given is not None for given in (text, like or None, each)) != 1:
        raise click.UsageError(
            'give one of these: a text, as in embedsearch search "ambush from below", --like ID, or --each FILE'
        )
    index = open_index(path, encoder)
    if each is not None:
        with explained(index, explain):
            _search_each(index, each, format, k=k, where=where, mode=mode, by=by)
        return
    text = None if text is None else text_from(text)
    with explained(index, explain):
        hits = index.search(text, like=like or None, k=k, where=where, mode=mode, by=by)
    if format == "table":
        _print_found(hits, index.snippets(hits, text, like=like or None))
    else:
        write_results(hits, format)
    if not hits:
        nothing_found(_why_none(like, mode, where), index)


@click.command(
    epilog=examples(
        'embedsearch calc "sheep + spider"',
        'embedsearch calc "sheep + spider" --on predatoriness,size --where \'kind == "person"\'',
        "embedsearch calc 'wolf - 0.5*\"loan shark\" + (bank + charity)' -k 5",
    )
)
@click.argument("expression")
@axes_option("Add up coordinates on these axes, as charges add, and answer on them.", "--on")
@count_option
@where_option
@click.option("--keep-inputs", is_flag=True, help="Allow the terms themselves as answers.")
@index_option
@encoder_option
@format_option()
def calc(
    expression: str, axes: list[str], k: int, where: str | None, keep_inputs: bool, path: str, encoder: str | None,
    format: str,
) -> None:  # fmt: skip
    """Add and subtract meanings, and find what lies there.

    EXPRESSION joins phrases by + and - between spaces. A phrase may have a weight (0.5*wolf) and stand in quotes.
    Each answer shows what every term contributes to its score, and whether a term alone would have found it. The
    plain neighbours of each term are printed as well.
    """
    index, source = open_index(path, encoder), text_from(expression)
    tell_joined(source)
    answer = index.calc(source, k=k, on=axes, where=where, keep_inputs=keep_inputs)
    if format == "json":
        write_object(_whole(answer))
    elif format == "table":
        _print_calculation(answer)
    else:
        write_results(answer.hits, format)
    if not answer.hits:
        why = "no passage satisfies the condition" if where else "there is no passage but the terms; add --keep-inputs"
        nothing_found(why, index)


COMMANDS = (search, calc)


def _search_each(index: Index, file: str, format: str, **wanted: Any) -> None:
    """Print the hits of each line of a file as they are found, and say which lines have none."""
    from embedsearch.columns import flatten
    from embedsearch.results import Hits

    without: list[str] = []
    if format == "table":
        count = sum(_print_answer(index, text, hits) for text, hits in _answers(index, file, without, wanted))
    else:
        answers = _answers(index, file, without, wanted)
        records = ({"query": text, **hit} for text, hits in answers for hit in hits.exports())
        count = write(records, format, columns=["query", *flatten(Hits().columns())])
    if not count:
        nothing_found(_why_none((), wanted["mode"], wanted["where"]), index)
    if without:
        shown = ", ".join(map(repr, without[:_SHOWN])) + ", …" * (len(without) > _SHOWN)
        note_line(f"Nothing found for {count_of(len(without), 'line')}: {shown}")


def _answers(index: Index, file: str, without: list[str], wanted: dict[str, Any]) -> Iterator[tuple[str, Hits]]:
    """Yield each line of a file with its hits, and note those that have none."""
    from embedsearch import read
    from embedsearch.documents.arriving import Arriving
    from embedsearch.index.judging import batches

    texts: list[str] = []
    with Arriving(read(file, format="lines"), waiting=sys.stdout.flush) as lines:
        for batch in batches(lines, most=_AT_ONCE, characters=_CHARACTERS_AT_ONCE):
            texts = [line.text for line in batch]
            for text, hits in zip(texts, index.search_many(texts, **wanted), strict=True):
                if not hits:
                    without.append(text)
                yield text, hits
    if not texts:
        raise QueryError(f"{'stdin' if file == '-' else file} holds no text to search with; give one per line")


def _print_answer(index: Index, text: str, hits: Hits) -> int:
    click.secho(printable(text), bold=True)
    _print_found(hits, index.snippets(hits, text))
    click.echo()
    return len(hits)


def _why_none(like: Sequence[str], mode: str | None, where: str | None) -> str:
    if mode == "lexical":
        return f"no passage{' that satisfies the condition' if where else ''} has any of the words"
    return "no passage satisfies the condition" if where else f"there is no document but {', '.join(map(repr, like))}"


def _print_found(hits: Hits, snippets: Sequence[Snippet]) -> None:
    names = [name for name in ("fused", "score", "bm25") if hits and getattr(hits[0], name) is not None]
    numbers = [[getattr(hit, name) for name in names] for hit in hits]
    if hits:
        texts = [_titled_snippet(hit.title, snippet) for hit, snippet in zip(hits, snippets, strict=True)]
        print_passages(names, numbers, hits, texts)


def _titled_snippet(title: str, snippet: Snippet) -> Snippet:
    return snippet.behind(f"{title} | ") if title else snippet


def _print_calculation(answer: Calculation) -> None:
    texts = answer.expression.texts
    if answer.point:
        rows = [[f"{term.weight:g}·{p.text}" if term.weight != 1 else p.text, *p.coordinates.values()]
                for term, p in zip(answer.expression.terms, answer.terms, strict=True)]  # fmt: skip
        note(f"{answer.expression} on {', '.join(answer.point)}, in standard deviations of the index:")
        table(["term", *answer.point], [*rows, ["sum", *answer.point.values()]])
    else:
        note(f"{answer.expression} in the whole space; a term's column is its part of the score:")
    if not answer.hits:
        return
    first = answer.hits[0]
    measured = ["distance", *first.coordinates] if first.coordinates else []
    rows = [
        [hit.rank, *([hit.distance, *hit.coordinates.values()] if measured else []), hit.score,
         *hit.contributions.values(), titled(hit.title, hit.text), ", ".join(hit.near_alone) or "none"]
        for hit in answer.hits
    ]  # fmt: skip
    click.echo()
    table(["#", *measured, "score", *texts, "text", "also near"], rows, wide="text")
    click.echo()
    note("Plain neighbours of each term alone:")
    _print_alone(answer)


def _print_alone(answer: Calculation) -> None:
    rows = [[text, "; ".join(map(_named, hits[:_ALONE_SHOWN]))] for text, hits in answer.alone.items()]
    table(["term", "its own nearest"], rows, wide="its own nearest")


def _named(hit: Hit) -> str:
    name = hit.text if len(hit.text) < _SHORT else hit.title or hit.id
    return f"{name} {hit.score or 0:.2f}"


def _whole(answer: Calculation) -> dict[str, Any]:
    return {
        "expression": answer.expression.source,
        "terms": [{"text": term.text, "weight": term.weight} for term in answer.expression.terms],
        "point": dict(answer.point),
        "places": answer.terms.to_dicts(),
        "hits": answer.hits.to_dicts(),
        "alone": {text: hits.to_dicts() for text, hits in answer.alone.items()},
    }
