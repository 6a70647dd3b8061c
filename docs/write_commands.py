"""Write docs/commands.md from the commands' own --help. Run it after a command has changed; a test compares."""

from pathlib import Path

import click
from click.testing import CliRunner

from embedsearch.cli import main

HEAD = """# Commands

Data go to stdout, messages to stderr. `-f table|jsonl|json|csv|tsv|ids` chooses the format of the data; without it, a
table on a terminal and JSON lines elsewhere. `-i` names the index; without it, `$EMBEDSEARCH_INDEX`, else
`indexes/predation`. A SOURCE, PHRASES, a TEXT, an expression or IDs may be `-` for stdin. CSV and TSV of answers, and
of what `filter` passes, have their header even where nothing was found.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | nothing found; from `verify`: something is not what was written |
| 2 | wrong usage or unreadable input: one line on stderr says what was seen, what was wanted, what to do |
| 130 | interrupted |
| 141 | the output was closed by its reader, as `head` does |

JSON lines of hits have `rank, score, id, document, text, title, start, end, source, metadata`. The passage is the
characters `start` up to `end` of the document's text. Some commands have more:

- `calc` adds `contributions` and `near_alone`.
- Points on axes add `distance`, `coordinates`, and the `versions` of the axes; `score` is null where there was no text.
- A search that looks words up adds `bm25`, and `fused` where it ranks by meaning and words; `score` is null where it
  ranks by words alone.

JSON lines of placements have `text` (and `id` for passages of the index), one key per axis, and `versions`.

| variable | what it sets |
|---|---|
| `EMBEDSEARCH_INDEX` | the index, as `-i` |
| `EMBEDSEARCH_SCREENING`, `EMBEDSEARCH_AUTHOR` | the screening, and who labels, as `--name` and `--author` |
| `EMBEDSEARCH_ENGINE`, `EMBEDSEARCH_PRECISION`, `EMBEDSEARCH_DEVICE` | what computes vectors, as the options do |
| `EMBEDSEARCH_CACHE` | where vectors are kept for all indexes: [store.md](store.md#several-indexes-one-cache) |
| `OPENAI_BASE_URL`, `OPENAI_API_KEY` | where an endpoint is, and its key: [encoders.md](encoders.md), as all below |
| `EMBEDSEARCH_CACHE_DIR` | the folder of compiled models |
| `EMBEDSEARCH_REMOTE_…` | price, batches, time and passages of an endpoint |
| `EMBEDSEARCH_SERVE_TOKEN` | the secret of a server that other machines reach |

An option overrides its variable. This page is written by `docs/write_commands.py` from the commands' own help.
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
