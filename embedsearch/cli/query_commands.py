"""``search``, ``calc``, ``place``, ``locate``, ``shift``: questions to an index."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
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
    split_names,
    where_option,
)
from embedsearch.cli.output import chosen, note, table, write
from embedsearch.cli.placing_output import print_documents, print_remainders
from embedsearch.errors import QueryError

if TYPE_CHECKING:
    from embedsearch import Calculation, Hit, Hits, Index, Placement, Placements
    from embedsearch.index.moving import Move
    from embedsearch.snippets import Snippet

_ALONE_SHOWN = 5
_SHORT = 40


@click.command(
    epilog=examples(
        'embedsearch search "ambush from below" -k 5',
        "embedsearch search \"lending to the desperate\" --where 'year >= 2000'",
        "embedsearch search --like p-wolf -f jsonl",
        'embedsearch search "bolas spider" --mode lexical --by document',
        "echo 'hunting in packs' | embedsearch search -",
    )
)
@click.argument("text", required=False)
@click.option("--like", metavar="ID", help="Search with a document of the index instead of a text.")
@click.option(
    "--mode",
    type=click.Choice(("hybrid", "dense", "lexical")),
    help="Rank by meaning and words, by meaning, or by words; hybrid if not given, dense for a single word.",
)
@click.option(
    "--by",
    type=click.Choice(("passage", "document")),
    default="passage",
    show_default=True,
    help="Any passages, or the best one of each document.",
)
@count_option
@where_option
@explain_option
@index_option
@encoder_option
@format_option()
def search(
    text: str | None, like: str | None, mode: Any, by: Any, k: int, where: str | None, explain: bool, path: str,
    encoder: str | None, format: str | None,
) -> None:  # fmt: skip
    """Find the passages that answer TEXT best.

    TEXT may be - for stdin. The score is a cosine: 1 is the same meaning, about 0 is unrelated. bm25 counts the
    words of the text that a passage has, rare ones more. A hybrid search ranks by both, fused into one number.
    """
    if (text is None) == (like is None):
        raise click.UsageError('give a text, as in embedsearch search "ambush from below", or --like ID, not both')
    index = open_index(path, encoder)
    text = _from_stdin(text)
    with explained(index, explain):
        hits = index.search(text, like=like, k=k, where=where, mode=mode, by=by)
    if chosen(format) == "table":
        _print_found(hits, index.snippets(hits, text, like=like))
    else:
        write(hits.to_dicts(), chosen(format))
    if not hits:
        nothing_found(index, "no passage satisfies the condition" if where else "no passage has any of the words")


@click.command(
    epilog=examples(
        'embedsearch calc "sheep + spider"',
        'embedsearch calc "sheep + spider" --on predatoriness,size --where \'kind == "person"\'',
        "embedsearch calc 'wolf - 0.5*\"loan shark\" + (bank + charity)' -k 5",
    )
)
@click.argument("expression")
@click.option("--on", metavar="NAMES", help="Add coordinates on these axes, as charges add, and answer on them.")
@count_option
@where_option
@click.option("--keep-inputs", is_flag=True, help="Let the terms themselves be answers.")
@index_option
@encoder_option
@format_option()
def calc(
    expression: str,
    on: str | None,
    k: int,
    where: str | None,
    keep_inputs: bool,
    path: str,
    encoder: str | None,
    format: str | None,
) -> None:
    """Add and subtract meanings: what lies at EXPRESSION?

    An expression joins phrases by + and - between spaces; a phrase may have a weight (0.5*wolf) and quotes.
    Each answer shows what every term contributes to its score, and whether a term alone would have found it;
    the plain neighbours of each term are printed beside.
    """
    index = open_index(path, encoder)
    answer = index.calc(_from_stdin(expression) or "", k=k, on=split_names(on), where=where, keep_inputs=keep_inputs)
    kind = chosen(format)
    if kind == "json":
        click.echo(json.dumps(_whole(answer), ensure_ascii=False, indent=2))
    elif kind == "table":
        _print_calculation(answer)
    else:
        write(answer.hits.to_dicts(), kind)
    if not answer.hits:
        nothing_found(index, "no passage satisfies the condition")


@click.command(
    epilog=examples(
        'embedsearch place wolf politician "loan shark"',
        "embedsearch place wolf -a predatoriness,size --unit percentile",
        "embedsearch place --all -a predatoriness,size --sort predatoriness -k 20",
        "embedsearch place - < phrases.txt",
    )
)
@click.argument("phrases", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Place the passages of the index instead of phrases.")
@axes_option("Axes, separated by commas; all of the index if not given.")
@click.option("--unit", type=click.Choice(("sd", "percentile", "raw", "rating")), default="sd", show_default=True,
              help="Standard deviations of the index, percentiles of it, raw, or the ratings' unit.")  # fmt: skip
@click.option("--document", "documents", multiple=True, metavar="ID", help="Place a document by its passages.")
@click.option("--evidence", is_flag=True, help="With --document: the sentences that carry it, and how much.")
@click.option("--above", default="1", show_default=True, metavar="VALUE", help="With --document: count passages above.")
@click.option("--explain", is_flag=True, help="How much of PHRASES the axes hold; with --all: how it was answered.")
@click.option("--predicted", is_flag=True, help="Measure what was rated too, instead of where it was rated.")
@click.option("--sort", metavar="AXIS", help="Sort by an axis, highest first; -AXIS for lowest first.")
@click.option("-k", "k", type=click.IntRange(min=1), help="How many; all if not given.")
@where_option
@index_option
@encoder_option
@format_option()
def place(
    phrases: tuple[str, ...], everything: bool, documents: tuple[str, ...], evidence: bool, above: str, explain: bool,
    axes: list[str], unit: Any, predicted: bool, sort: str | None, k: int | None,
    where: str | None, path: str, encoder: str | None, format: str | None,
) -> None:  # fmt: skip
    """Say where PHRASES, or all passages of the index, lie on axes.

    A phrase - reads phrases from stdin, one a line. What was rated stands where it was rated, marked with a star.
    """
    if documents:
        index = open_index(path, encoder)
        places = index.place_documents(documents, axes or None, threshold=above, evidence=evidence)
        print_documents(places, format)
        return
    if explain and phrases:
        print_remainders(open_index(path, encoder).explain(_phrases(phrases), axes or None), format)
        return
    if everything == bool(phrases):
        raise click.UsageError("give phrases, as in embedsearch place wolf politician, or --all, not both")
    if where and not everything:
        raise click.UsageError("--where chooses among the passages of the index; it goes with --all")
    index = open_index(path, encoder)
    with explained(index, explain):
        if everything:
            placements = index.place_all(axes or None, where=where, sort=sort, k=k, unit=unit, predicted=predicted)
        else:
            placements = index.place(_phrases(phrases), axes or None, unit=unit, predicted=predicted)
            placements = _sorted(placements, sort)[:k]
    kind = chosen(format)
    if kind == "table":
        names = list(placements[0].coordinates) if placements else []
        table(["text", *names], [[p.text, *_marked(p)] for p in placements], wide="text")
        if any(p.rated for p in placements):
            note("* as it was rated; --predicted measures it instead")
    else:
        write((p.to_export() for p in placements), kind)
    if not placements:
        nothing_found(index, "no passage satisfies the condition")


@click.command(
    epilog=examples(
        "embedsearch locate predatoriness=2 size=-0.5",
        "embedsearch locate predatoriness=p95 size=p5 --where 'domain == \"society\"'",
        "embedsearch locate size=-2 --like wolf",
    )
)
@click.argument("point", nargs=-1, required=True, metavar="AXIS=VALUE...")
@click.option("--like", metavar="PHRASE", help="What is like PHRASE in all else: like wolf, but small.")
@count_option
@where_option
@explain_option
@index_option
@format_option()
def locate(
    point: tuple[str, ...], like: str | None, k: int, where: str | None, explain: bool, path: str, format: str | None
) -> None:
    """Say what lies at a point on axes.

    A VALUE is a number of standard deviations, or a percentile such as p90. Without --like no encoder is needed.
    """
    wanted = axis_values(point)
    index = open_index(path)
    if like is not None:
        with explained(index, explain):
            move = index.locate_like(like, wanted, k=k, where=where)
        print_move(index, move, format)
        return
    with explained(index, explain):
        hits = index.locate(wanted, k=k, where=where)
    _print_hits(hits, format)
    if not hits:
        nothing_found(index, "no passage satisfies the condition")


@click.command(
    epilog=examples(
        "embedsearch shift wolf size=-2",
        'embedsearch shift "loan shark" predatoriness=-2 size=+1 --where \'kind == "person"\'',
    )
)
@click.argument("phrase")
@click.argument("by", nargs=-1, required=True, metavar="AXIS=VALUE...")
@count_option
@where_option
@index_option
@format_option()
def shift(phrase: str, by: tuple[str, ...], k: int, where: str | None, path: str, format: str | None) -> None:
    """Move PHRASE along axes by so many standard deviations, and say what lies there.

    Answers are ranked by their cosine to the point reached. It says so when that point is far from all passages.
    """
    index = open_index(path)
    print_move(index, index.shift(phrase, axis_values(by), k=k, where=where), format)


COMMANDS = (search, calc, place, locate, shift)


def axis_values(texts: Sequence[str]) -> dict[str, Any]:
    """Return the names and values of AXIS=VALUE arguments."""
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"{text!r} is no AXIS=VALUE; write it as in predatoriness=1.5 or size=p10")
        if name.strip() in values:
            raise click.UsageError(f"{name.strip()!r} is given twice; an axis can have one value only")
        values[name.strip()] = value
    return values


def print_move(index: Index, move: Move, format: str | None) -> None:
    """Print where a phrase went and what lies there."""
    kind = chosen(format)
    if kind == "json":
        click.echo(json.dumps(move.to_dict(), ensure_ascii=False, indent=2))
    elif kind == "table":
        rows = [[name, move.start[name], move.wanted[name], move.reached[name]] for name in move.start]
        table(["axis", "from", "to", "on the sphere"], rows)
        click.echo()
        _print_hits(move.hits, kind)
    else:
        write(move.hits.to_dicts(), kind)
    if move.note:
        note(f"Note: {move.note}")
    if not move.hits:
        nothing_found(index, "no passage satisfies the condition")


def _from_stdin(text: str | None) -> str | None:
    return sys.stdin.read().strip() if text == "-" else text


def _phrases(given: Sequence[str]) -> list[str]:
    phrases: list[str] = []
    for phrase in given:
        phrases += [line.strip() for line in sys.stdin if line.strip()] if phrase == "-" else [phrase]
    if not phrases:
        raise QueryError("stdin held no phrase; give one a line")
    return phrases


def _marked(placement: Placement) -> list[str]:
    """Return coordinates as text: a star where the phrase stands as rated, the interval where there is one."""
    cells = []
    for name, value in placement.coordinates.items():
        low, high = placement.intervals.get(name, (None, None))
        between = f" ({low:.3g} … {high:.3g})" if low is not None else ""
        cells.append(f"{value:.3f}{'*' if name in placement.rated else ''}{between}")
    return cells


def _sorted(placements: Placements, sort: str | None) -> Placements:
    from embedsearch import Placements

    if sort is None:
        return placements
    by, descending = sort.removeprefix("-"), not sort.startswith("-")
    if placements and by not in placements[0].coordinates:
        raise QueryError(f"--sort {by!r} is not among the axes placed on: {', '.join(placements[0].coordinates)}")
    return Placements(sorted(placements, key=lambda place: place.coordinates[by], reverse=descending))


def _print_found(hits: Hits, snippets: Sequence[Snippet]) -> None:
    scores = [name for name in ("fused", "score", "bm25") if hits and getattr(hits[0], name) is not None]
    rows = [
        [hit.rank, *(getattr(hit, name) for name in scores), hit.id, _titled_snippet(hit.title, snippet),
         f"{hit.source} [{hit.start}:{hit.end}]"]
        for hit, snippet in zip(hits, snippets, strict=True)
    ]  # fmt: skip
    if rows:
        table(["#", *scores, "id", "text", "from"], rows, wide="text")


def _titled_snippet(title: str, snippet: Snippet) -> Snippet:
    return snippet.behind(f"{title} | ") if title else snippet


def _print_hits(hits: Hits, format: str | None) -> None:
    kind = chosen(format)
    if kind != "table":
        write(hits.to_dicts(), kind)
        return
    rows = [
        [hit.rank, hit.distance, *hit.coordinates.values(), hit.id, _titled(hit.title, hit.text),
         f"{hit.source} [{hit.start}:{hit.end}]"]
        for hit in hits
    ]  # fmt: skip
    if rows:
        table(["#", "distance", *hits[0].coordinates, "id", "text", "from"], rows, wide="text")


def _titled(title: str, text: str) -> str:
    return f"{title} | {text}" if title else text


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
         *hit.contributions.values(), _titled(hit.title, hit.text), ", ".join(hit.near_alone) or "none"]
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
