"""``delete``, ``verify``, ``compact``, ``reindex``: an index kept in order."""

from __future__ import annotations

import sys
import time

import click

from embedsearch.cli import costs
from embedsearch.cli.main import examples
from embedsearch.cli.options import encoder_option, index_option, json_option, open_index, with_stdin
from embedsearch.cli.output import ingesting, note, one_line, progress, write_counts, write_object
from embedsearch.wording import count_of


@click.command(
    epilog=examples(
        "embedsearch delete wolf-1 wolf-2",
        "embedsearch filter --where 'year < 1950' -f ids | embedsearch delete -",
    )
)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@index_option
def delete(ids: tuple[str, ...], path: str) -> None:
    """Delete documents from the index by their ids.

    ID may be - to read ids from stdin, one per line. If one of them is not in the index, nothing is deleted. The space
    that the documents took is freed, and their texts leave the files, when the index is compacted: embedsearch compact
    """
    index = open_index(path)
    count = index.delete(with_stdin(ids))
    note(f"{path}: {count_of(count, 'document')} deleted; {count_of(len(index), 'passage')} left.")


@click.command(
    epilog=examples(
        "embedsearch verify",
        "embedsearch verify -i indexes/papers -f json",
        "embedsearch verify -i indexes/papers --repair",
    )
)
@click.option(
    "--repair", "mend", is_flag=True, help="Rebuild what can be rebuilt: vectors from the texts, and the faiss file."
)
@encoder_option
@index_option
@json_option("the findings")
def verify(mend: bool, encoder: str | None, path: str, format: str | None) -> None:
    """Check everything in an index against its checksums.

    This checks SQLite's own structure, the text and the fields of each document, where each passage lies and which
    text its vector was made from, each vector that is in use, and the faiss file. Each part that is not what was
    written is named on a line of stdout, with the remedy; the exit code is then 1.

    With --repair, damaged vectors are embedded again from the stored texts, and the faiss file is rebuilt. To replace a
    document whose text is damaged, ingest its source again.
    """
    if encoder is not None and not mend:
        raise click.UsageError("--encoder goes with --repair, which embeds damaged passages again")
    from embedsearch.index import upkeep

    with progress(None, "Verifying") as bar:

        def tell(done: int, total: int) -> None:
            if bar:
                bar.update(bar.task_ids[0], completed=done, total=total)

        result = upkeep.repair(path, encoder, progress=tell) if mend else upkeep.verify(path, progress=tell)
    if format:
        write_object(result.to_dict())
    else:
        for finding in result.findings:
            click.echo(one_line(str(finding)))
    mended = f", {count_of(result.embedded, 'passage')} embedded again" if mend else ""
    state = "no damage found" if result.is_sound else count_of(len(result.findings), "finding")
    note(f"{path}: {count_of(result.documents, 'document')} checked{mended}; {state}.")
    if not result.is_sound:
        sys.stdout.flush()
        click.get_current_context().exit(1)


@click.command(epilog=examples("embedsearch compact", "embedsearch compact -i indexes/papers -f json"))
@index_option
@json_option("the counts")
def compact(path: str, format: str | None) -> None:
    """Free the disk space of deleted and replaced documents.

    This needs room for a second copy of the index while it works. It may be interrupted at any moment, and other
    processes may go on searching meanwhile.
    """
    done = open_index(path).compact()
    if format:
        write_counts(done)
    note(f"{path}: {count_of(done.rows, 'row')} removed; {done.before:,} bytes before, {done.after:,} now.")


@click.command(
    epilog=examples(
        "embedsearch reindex --encoder all-mpnet-base-v2 -i indexes/papers",
        "embedsearch reindex --encoder models/my-model",
        "embedsearch reindex --encoder openai:text-embedding-3-small@512 -i indexes/papers",
        "embedsearch reindex --chunk-words 80 --overlap 15",
    )
)
@encoder_option
@click.option("--chunk-words", type=click.IntRange(min=1), metavar="N", help="The most words in a passage from now on.")
@click.option(
    "--overlap",
    type=click.IntRange(min=0),
    metavar="N",
    help="The most words that a passage repeats from now on, at most half of --chunk-words.",
)
@index_option
@json_option("the counts")
def reindex(encoder: str | None, chunk_words: int | None, overlap: int | None, path: str, format: str | None) -> None:
    """Embed an index anew from its stored texts.

    This gives it another encoder or other passages; what you do not name stays as it is. The axes are fitted anew, as
    new versions.

    The work is done in a folder beside the index (its name with .reindexing behind it). The index serves as it was
    until the new state is complete and takes its place in one step. After an interruption, the same command goes on,
    and embeds nothing twice.
    """
    from embedsearch.index import reindex as embed_anew

    started = time.perf_counter()
    # The documents are counted for the bar alone, which shows on a terminal only.
    index = open_index(path)
    total = index.info()["documents"] if sys.stderr.isatty() else None
    remote = costs.remote_encoder(encoder or index.identity.name)
    with (
        costs.told(remote, costs.tokens_in(remote, index)),
        ingesting(total, "Embedding again") as (tell, tell_indexing),
    ):
        done = embed_anew(
            path, encoder, chunk_words=chunk_words, overlap=overlap, progress=tell, indexing=tell_indexing
        )
    axes = f"; axes fitted again: {', '.join(done.axes)}" if done.axes else ""
    note(
        f"{path}: {count_of(done.documents, 'document')} in {count_of(done.passages, 'passage')} embedded with "
        f"{done.encoder}, {done.embedded:,} of them now{axes} ({time.perf_counter() - started:.1f} s)."
    )
    if format:
        write_counts(done)


COMMANDS = (delete, verify, compact, reindex)
