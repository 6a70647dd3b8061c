"""Write docs/benchmarks.md from the results that the other scripts left in benchmarks/results."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from machine import kind
from tables import table
from tables_of_pages import explorer
from tables_of_quality import axes, axes_intervals, axes_options, duplicates, proposing, retrieval, screening

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"

HEAD = """# Benchmarks

`benchmarks/write_tables.py` writes this page from `benchmarks/results/*.json`. Each section names the script beside it
that wrote the results. `make bench` runs all scripts again.

- Each script measures embedsearch and its peers in one run.
- The machines have two cores: AMD EPYC or Intel Xeon with AVX512-BF16, one Intel Xeon with AMX, one without bf16. They
  were shared with other work, so ratios say more than times.
- The open sets are read from `../shared/data` or `$EMBEDSEARCH_DATA`. A script whose sets are absent says so.
"""


def on(machine: dict[str, Any]) -> str:
    """Return the sentence that says what the figures were taken on."""
    return f"On {kind(machine)}, {machine['cores']} cores."


def encoding(found: dict[str, Any]) -> str:
    """Return what encoding and a cold start take, on each processor it was measured on."""
    return (
        "## Encoding (`encoding.py`)\n\nTexts of 5 to 200 words, all-MiniLM-L6-v2.\n\n"
        "- *of the peak*: the share of the speed at which torch does the largest matrix products in the same "
        "precision, by processor seconds. torch has none in int8.\n"
        "- *same nearest*: how many of the ten texts nearest to each of 500 texts are those that "
        "sentence-transformers finds.\n"
        "- *whole ingest*: the texts are written, as documents, into a new index.\n\n"
    ) + "\n".join(map(_encoding_on, found.values()))


def _encoding_on(found: dict[str, Any]) -> str:
    part = found["encoding"]
    rows = [
        [name, one["texts a second"], one["times as fast"], _percent(one["share of the peak"]), one["lowest cosine"],
         _percent(one.get("same ten nearest"))]
        for name, one in part["engines"].items()
    ]  # fmt: skip
    starts = [
        [name, one["seconds"], one["times as fast"], round(one["MB"])] for name, one in found["cold start"].items()
    ]
    # torch may be slower at a precision than the processor is.
    above = " Above 100%, torch's own product is not the processor's limit." * any(
        (one["share of the peak"] or 0) > 1 for one in part["engines"].values()
    )
    peaks = ", ".join(f"{value:,.0f} in {kind}" for kind, value in part["peak GFLOP per core second"].items())
    return (
        f"### Encoding on {kind(found['machine'])}\n\n{part['texts']:,} texts, {found['machine']['cores']} cores. "
        f"The peak of a core in GFLOP a second: {peaks}.{above}\n\n"
        + table(["engine", "texts/s", "times as fast", "of the peak", "lowest cosine", "same nearest"], rows)
        + "\nA whole process, from its start to its first answer, on the demo's index:\n\n"
        + table(["process", "seconds", "times as fast", "MB"], starts)
        + _where_time_goes(found)
    )


def _where_time_goes(found: dict[str, Any]) -> str:
    if "where the time goes" not in found:
        return ""
    shares = found["where the time goes"]["share"]
    parts = ", ".join(f"{name} {share:.0%}" for name, share in sorted(shares.items(), key=lambda one: -one[1]))
    engine = found["where the time goes"]["engine"]
    return f"\nWhere a core's time goes in the compiled model ({engine}): {parts}.\n"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.3g}%"


def index(found: dict[str, Any]) -> str:
    """Return what building and searching take, beside peers."""
    parts = [
        "## Neighbours (`index.py`)\n\n- *ms* is the processor time of one query on one thread, k = 10. "
        "*Queries/s* is on 2 cores.\n"
        "- The graphs get the least effort that reaches a recall of .99 on these queries. embedsearch has the effort "
        "that its self-test chose.\n"
        "- *Phrases* are the first three words of titles. *Foreign* phrases are about predation, of which the texts "
        "know nothing.\n"
    ]
    for run in found.values():
        rows = [
            [name, f"{one['build_seconds']:.0f}", f"{one['size'] / 1e6:.0f}", f"{one['found_recall']:.3f}",
             f"{one['ms']:.2f}", *(f"{one[f'{kind}_{cell}']:.{digits}f}" for kind in ("short", "foreign")
                                   for cell, digits in (("recall", 3), ("ms", 2))),
             f"{one['batch_per_second']:,.0f}"]
            for name, one in run["results"].items()
        ]  # fmt: skip
        building, later = _most(run, "build_load"), _most(run, "search_load")
        parts.append(
            f"### {run['rows']:,} x {run['dimension']}\n\nThe vectors are {run['vectors']}. The load was up to "
            f"{building} while building, and up to {later} later.\n"
        )
        names = ["", "build, s", "file, MB", "recall@10", "ms a query", "recall of phrases", "ms",
                 "recall of foreign phrases", "ms", "queries/s"]  # fmt: skip
        parts.append(table(names, rows))
        own = run["results"]["embedsearch"]
        parts.append(
            "More on embedsearch:\n\n"
            f"- With the least effort that reaches .99, a query takes {own['least']['ms']:.2f} ms (recall "
            f"{own['least']['found_recall']:.3f}).\n"
            f"- The index opens in {own['open_seconds'] * 1e3:.0f} ms. Adding 1,000 passages takes "
            f"{own['add_seconds']:.2f} s.\n"
            f"- A search among 0.1% of the rows takes {own['restricted_ms']:.2f} ms, among 10% "
            f"{own['tenth_ms']:.2f} ms.\n"
            f"- The searching process holds {own['search_own_memory'] / 1e6:.0f} MB of its own, "
            f"{own['search_peak'] / 1e6:,.0f} MB with the mapped pages of the vectors.\n\n"
            f"Whole searches with their texts, under a condition on a field:\n\n{_conditions(own)}"
        )
        if own["visits"]:
            visits = [
                [what, f"{one['lists']:.0f}", f"{one['recall']:.3f}", f"{one['fixed']:.3f}"]
                for what, one in zip(("texts", "phrases", "foreign phrases"), own["visits"].values(), strict=True)
            ]
            names = ["queries", "lists visited", "recall@10", "recall@10 with as many lists as for texts"]
            parts.append(f"How many lists are visited depends on the query:\n\n{table(names, visits)}")
    return "\n".join(parts)


def _most(run: dict[str, Any], name: str) -> float:
    return max(float(one[name]) for one in run["results"].values())


def _conditions(own: dict[str, Any]) -> str:
    """Return what whole searches under a condition on a field take."""
    rows = [[share, f"{one['ms']:.2f}", f"{one['first_seconds']:.1f}"] for share, one in own["conditions"].items()]
    return table(["the condition allows, of the documents", "ms", "the first search, s"], rows)


def peers(found: dict[str, Any]) -> str:
    """Return what users would pick instead takes, beside embedsearch."""
    rows = [
        [name, f"{one['ingest_seconds']:.1f}", f"{one['ingest_processor_seconds']:.1f}",
         f"{one['first_answer_seconds']:.1f}", f"{one['query_ms']:.1f}",
         f"{one['filtered_ms']:.1f}", f"{one['filtered_share']:.0%}", f"{one['recall']:.3f}",
         f"{one['ingest_peak_mb']:.0f}", f"{one['query_peak_mb']:.0f}", f"{one['bytes'] / 1e6:.1f}"]
        for name, one in found["engines"].items()
    ]  # fmt: skip
    names = ["ingest, s", "of the processor", "first answer, s", "query, ms", "filtered, ms",
             "filtered hits", "recall@10", "ingest, MB",
             "query, MB", "on disk, MB"]  # fmt: skip
    loads = [one[f"{step}_load"] for one in found["engines"].values() for step in ("ingest", "query")]
    return (
        f"## Other engines (`peers.py`)\n\n{found['texts']:,} texts of 5 to 140 words, all-MiniLM-L6-v2 from one local "
        f"folder, each engine as its documentation shows it. {on(found['machine'])} The load at the steps was "
        f"{min(loads)} to {max(loads)}; where it was high, seconds by the clock say little, and seconds of the "
        "processor say more.\n\n"
        "- *ingest* includes loading the libraries and the model.\n"
        "- *first answer* is that of a process in which nothing is loaded.\n"
        "- *query*: the query is a text, embedded each time.\n"
        f"- *filtered*: the filter allows 1%, {found['allowed']} texts, and all of them are asked for. *Filtered hits* "
        "is the share of them that came. txtai filters its default number of candidates; that `similar` takes a "
        "larger one was not tried.\n"
        "- *recall@10* is against brute force over the vectors that are searched.\n"
        "- *MB* of ingest and query are peaks of memory.\n\n"
        + table(["", *names], rows)
        + f"\n{_ahead(found['engines'])}\n\n{_sums(found['arithmetic'])}"
        + f"\nVersions: {', '.join(f'{name} {version}' for name, version in found['versions'].items())}.\n"
    )


def _ahead(engines: dict[str, dict[str, Any]]) -> str:
    """Return the sentence that says where a peer is ahead of embedsearch."""
    measures = {"ingest_seconds": "ingest", "first_answer_seconds": "the first answer", "query_ms": "a query",
                "filtered_ms": "a filtered query", "ingest_peak_mb": "memory at ingest",
                "query_peak_mb": "memory at a query", "bytes": "size on disk"}  # fmt: skip
    own = engines["embedsearch"]
    ahead = [
        f"{name} in {what} ({own[key] / one[key]:.1f} times)"
        for key, what in measures.items()
        for name, one in engines.items()
        if one[key] < own[key]
    ]
    ahead += [f"{name} in recall" for name, one in engines.items() if one["recall"] > own["recall"]]
    return f"Ahead of embedsearch: {', '.join(ahead) or 'none'}."


def _sums(found: dict[str, Any]) -> str:
    """Return how `calc` compares with gensim."""
    own, other = found["embedsearch_ms"], found["gensim_ms"]
    return (
        f"Arithmetic over {found['words']:,} words, {found['expressions']} sums of two words, half of them minus a "
        f"third word: `calc` takes {own:.2f} ms. gensim's `most_similar` over the same vectors in memory takes "
        f"{other:.2f} ms ({max(own, other) / min(own, other):.0f} times {'less' if other < own else 'more'}); it "
        f"parses nothing and returns names alone. The first answer is the same in {found['same_first']:.0%} of the "
        f"sums, and so are {found['same_ten']:.0%} of the ten answers.\n"
    )


def scaling(found: dict[str, Any]) -> str:
    """Return what a passage costs as an index grows."""
    sizes = sorted(found["sizes"].values(), key=lambda one: one["passages"])
    rows = []
    for one in sizes:
        count = one["passages"]
        seconds = [one["ingest_seconds"], one["neighbors_seconds"], one.get("real_seconds"),
                   one["filter_metadata"]["seconds"], one["filter_axis"]["seconds"], one["place_best_seconds"],
                   one["place_all_seconds"]]  # fmt: skip
        rows.append([f"{count:,}", *("" if each is None else f"{1e6 * each / count:,.1f}" for each in seconds)])
    asked = [
        [f"{one['passages']:,}", *(f"{one[f'{name}_ms']:.2f}" for name in ("open", "dense", "hybrid", "filtered")),
         *(f"{one[f'{name}_peak'] / 1e6:,.0f}" for name in ("ingest", "ask", "place_all")),
         f"{one['bytes'] / 1e6:,.0f}", one["load"]]
        for one in sizes
    ]  # fmt: skip
    costs = ["ingest apart from embedding", "neighbours' file", "ingest with the encoder", "filter by metadata",
             "filter by an axis", "place all, best ten", "place --all"]  # fmt: skip
    kinds = ["open, ms", "dense, ms", "hybrid, ms", "filtered, ms", "ingest, MB", "ask, MB", "place --all, MB",
             "on disk, MB", "load"]  # fmt: skip
    return (
        "## Growth (`scaling.py`)\n\nSentences of abstracts, one passage each. A filter lets about a tenth of the "
        "documents through. Microseconds a passage:\n\n"
        + table(["passages", *costs], rows)
        + "\nQueries are without the encoder's share. *filtered* is a dense query among a tenth of the documents. MB "
        "include mapped pages.\n\n" + table(["passages", *kinds], asked)
    )


def placing(found: dict[str, Any]) -> str:
    """Return what placing a large index takes, on each processor it was measured on."""
    measures = ["vectors", "axes", "placing, s", "bare product, s", "placing / bare product", "reading, s",
                "placing / reading", "reading, GB/s", "reading own memory, GB/s", "cores", "load"]  # fmt: skip
    return (
        "## Placing (`placing.py`)\n\n"
        "- *Bare product*: the matrix product alone, over the same mapped file.\n"
        "- *Reading*: reading that file from the page cache on all cores. *Own memory* is that of the process.\n\n"
    ) + _by_processor(measures, found.values(), _placing_on)


def _placing_on(found: dict[str, Any]) -> list[str]:
    seconds, rates = found["seconds"], found["bytes_per_second"]
    return [
        f"{found['rows']:,}", str(found["axes"]), f"{seconds['placing']:.2f}", f"{seconds['bare']:.2f}",
        f"{found['ratio']:.2f}", f"{seconds['reading']:.2f}", f"{found['ratio_to_reading']:.2f}",
        f"{rates['reading'] / 1e9:.1f}", f"{rates['reading own memory'] / 1e9:.1f}",
        str(found["machine"]["cores"]), str(found["load"]),
    ]  # fmt: skip


def _by_processor(
    measures: Sequence[str], runs: Iterable[dict[str, Any]], cells: Callable[[dict[str, Any]], list[str]]
) -> str:
    """Return a table of a row for each measure and a column for each processor."""
    columns = [[kind(run["machine"]), *cells(run)] for run in runs]
    names, *rows = zip(["", *measures], *columns, strict=True)
    return table(names, rows)


def serving(found: dict[str, Any]) -> str:
    """Return what a server costs and saves."""
    rows = [
        [name, f"{one['texts_per_second']:.0f}", f"{one['median_ms']:.2f}", f"{one['p95_ms']:.2f}"]
        for name, one in (("in this process", found["in_process"]), ("`embedsearch serve`", found["server"]))
    ]
    commands = [
        [name, f"{one['seconds']:.2f}", f"{one['processor seconds']:.2f}", round(one["MB"])]
        for name, one in (("without", found["command_without"]), ("with", found["command_with"]))
    ]
    loads = " and ".join(map(str, found["machine"]["load average before and after"]))
    return (
        f"## Serving (`serving.py`)\n\n{found['clients']} clients on the same machine send {found['texts']:,} texts of "
        f"5 to 120 words, in batches of {found['batch']}. Then one query follows the other. "
        f"{on(found['machine'])} Load before and after: {loads}.\n\n"
        + table(["", "texts/s", "a query, ms", "95th percentile, ms"], rows)
        + "\nA whole `embedsearch search` on the demo's index, without and with a server:\n\n"
        + table(["server", "seconds", "processor seconds", "MB"], commands)
    )


def plotting(found: dict[str, Any]) -> str:
    """Return what drawing many passages takes."""
    names = ("density", "by kind", "scatter")
    rows = []
    for format in ("png", "svg", "pdf"):
        one = found[format]
        least = one["scatter"]["seconds"]
        rows.append([format, *(f"{one[name]['seconds']:.1f} ({one[name]['seconds'] / least:.1f})" for name in names),
                     *(f"{one[name]['bytes'] / 1e6:.2f}" for name in names)])  # fmt: skip
    return (
        f"## Drawing (`plotting.py`)\n\nSeconds to draw {found['points']:,} points with thirty labels and write the "
        "file. In parentheses: how many times the seconds of *scatter*, which is matplotlib's own rasterised scatter "
        "of the same points, without labels.\n\n"
        + table(["", "density, s", "by kind, s", "scatter, s", "density, MB", "by kind, MB", "scatter, MB"], rows)
    )


def store(found: dict[str, Any]) -> str:
    """Return what the store takes, on each processor it was measured on."""
    measures = ["passages", "first 50,000", "around 100,000", "around 500,000", "last 50,000",
                "median of the steps of 50,000", "slowest step", "mean of the first half", "mean of the second half",
                "sentences: slowest step", "sentences: mean of the first half", "sentences: mean of the second half",
                "unchanged documents", "opening, ms", "peak of memory, MiB", "cores"]  # fmt: skip
    return (
        "## Store (`store.py`)\n\nShort passages a second, by the clock, with the full text, apart from embedding. The "
        "first half leaves out the first 50,000, which go into an empty index. *Sentences* are those of published "
        "abstracts. *Unchanged documents* are in the index already, and are passed over.\n\n"
    ) + _by_processor(measures, found.values(), _store_on)


def _store_on(found: dict[str, Any]) -> list[str]:
    rates = {step["passages"]: step["rate"] for step in found["steps"]}
    _, *halves = _pace(found["steps"])
    return [
        *(f"{one:,.0f}" for one in (found["passages"], found["rate_first"], rates[100_000], rates[500_000],
                                    found["rate_last"], found["rate_median"], found["rate_lowest"])),
        *halves, *_pace(found["steps_of_sentences"]),
        f"{found['unchanged_rate']:,}", str(found["open_ms"]), str(found["peak_mib"]),
        str(found["machine"]["cores"]),
    ]  # fmt: skip


def _pace(steps: Sequence[dict[str, Any]]) -> list[str]:
    """Return the rate of the slowest step and of each half, without the first step, which goes into an empty index."""
    if not steps:
        return [""] * 3
    halves = steps[1 : len(steps) // 2], steps[len(steps) // 2 :]
    paces = (len(half) / sum(1 / step["rate"] for step in half) for half in halves)
    return [f"{one:,.0f}" for one in (min(step["rate"] for step in steps), *paces)]


def filtering(found: dict[str, Any]) -> str:
    """Return what a million records take, and what becomes of a run that is killed."""
    whole, last = found["whole"], found["killed"]["last_run"]
    same = found["identical_records"]
    rows = [
        ["one run", f"{found['records']:,}", whole["seconds"], f"{whole['records_per_second']:,.0f}",
         f"{whole['peak_mb']:,.0f}"],
        ["the run after two that were killed", f"{found['records']:,}", last["seconds"], "",
         f"{last['peak_mb']:,.0f}"],
        ["the same record again and again", f"{same['records']:,}", same["seconds"],
         f"{same['records'] / same['seconds']:,.0f}", f"{same['peak_mb']:,.0f}"],
    ]  # fmt: skip
    equal = "the same bytes" if found["same_bytes"] else "OTHER BYTES"
    return (
        "## Filtering\n\n"
        "`embedsearch filter` runs without an index, with the transformer, in a process of its own. It reads "
        f"{found['records']:,} short records made of {found['sentences']:,} sentences of the corpus. "
        f"{found['distinct_texts']:,} of the texts are distinct, and {found['passed']:,} records passed.\n\n"
        "- Each distinct text is embedded once, and the others are looked up. The records a second therefore say "
        "little of a corpus without repeats, where the encoder decides.\n"
        f"- Killed twice with SIGKILL and run again, it gave {equal}.\n"
        "- The first run also loaded torch, to convert the model once; hence its peak.\n"
        f"- Load at the start: {found['machine']['load_at_start']} on {found['machine']['cores']} cores.\n\n"
        + table(["", "records", "seconds", "records a second", "peak memory, MB"], rows)
    )


WRITERS = (
    encoding,
    serving,
    peers,
    index,
    store,
    scaling,
    retrieval,
    duplicates,
    axes,
    axes_intervals,
    axes_options,
    proposing,
    placing,
    plotting,
    screening,
    filtering,
    explorer,
)


def page() -> str:
    """Return the page that the results make."""
    return "\n".join([HEAD, *(write(json.loads(_results(write).read_text("utf-8"))) for write in WRITERS)])


def _results(write: Callable[[Any], str]) -> Path:
    return RESULTS / f"{write.__name__}.json"


def main() -> None:
    """Write the page."""
    (ROOT / "docs" / "benchmarks.md").write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
