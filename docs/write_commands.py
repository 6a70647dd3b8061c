"""Write docs/commands.md from the commands' own --help. Run it after a command has changed; a test compares."""

from pathlib import Path

import click
from click.testing import CliRunner

from embedsearch.cli import main

HEAD = """# Commands

Data go to stdout, words to stderr. `-f table|jsonl|json|csv|tsv|ids` chooses the form of the data: a table on a
terminal, JSON lines elsewhere. A SOURCE, PHRASES, a TEXT, an expression or IDs may be `-` for stdin. `-i` names the
index; without it `$EMBEDSEARCH_INDEX`, else `indexes/predation`. CSV and TSV of answers, and of what
`filter` lets through, have their header also where nothing was found.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | nothing found; of `verify`: something is not what was written |
| 2 | wrong usage or unreadable input: one line on stderr says what was seen, what was wanted, what to do |
| 130 | interrupted |
| 141 | whoever read the output left, as `head` does |

JSON lines of hits have `rank, score, id, document, text, title, start, end, source, metadata`; `calc` adds
`contributions` and `near_alone`, points on axes add `distance`, `coordinates`, and the `versions` of the axes (and
`score` is null where there was no text). A search that looks words up adds `bm25`, and `fused` where it ranks by
meaning and words (`score` is null where it ranks by words alone). Placements have `text` (and `id` for passages of the
index), one key an axis, and `versions`. The characters `start` up to `end` of the document's text are the passage.

| variable | says |
|---|---|
| `EMBEDSEARCH_INDEX` | the index, as `-i` |
| `EMBEDSEARCH_SCREENING`, `EMBEDSEARCH_AUTHOR` | which screening and who labels, as `--name` and `--author` |
| `EMBEDSEARCH_ENGINE`, `EMBEDSEARCH_PRECISION`, `EMBEDSEARCH_DEVICE` | what computes vectors, as the options do |
| `EMBEDSEARCH_CACHE` | where vectors are kept for all indexes: [store.md](store.md#several-indexes-one-cache) |
| `OPENAI_BASE_URL`, `OPENAI_API_KEY` | where an endpoint is, and its key: [encoders.md](encoders.md), as all below |
| `EMBEDSEARCH_CACHE_DIR` | where compiled models lie |
| `EMBEDSEARCH_REMOTE_…` | price, batches, time and passages of an endpoint |
| `EMBEDSEARCH_SERVE_TOKEN` | the secret of a server that other machines reach |

An option goes before its variable. This page is written by `docs/write_commands.py` from the commands' own help.
"""


def walk(group: click.Group, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return every command as the words one types, groups before what is in them."""
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*before, name))
        if isinstance(command, click.Group):
            found += walk(command, (*before, name))
    return found


def write() -> str:
    """Return the page."""
    parts = [HEAD]
    for words in walk(main):
        shown = CliRunner().invoke(main, [*words, "--help"], prog_name="embedsearch", terminal_width=100).output
        name = " ".join(words)
        parts.append(f"\n## embedsearch {name}\n\n```text\n{shown.rstrip()}\n```\n")
    return "".join(parts)


if __name__ == "__main__":
    (Path(__file__).parent / "commands.md").write_text(write(), "utf-8")
