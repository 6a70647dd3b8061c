"""Write docs/benchmarks.md from the results that the other scripts left in benchmarks/results."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from machine import kind
from tables import table
from tables_of_pages import explorer
from tables_of_quality import axes, axes_options, duplicates, proposing, retrieval, screening

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"

HEAD = """# Benchmarks

Written by `benchmarks/write_tables.py` from `benchmarks/results/*.json`, which the scripts beside it wrote. Peers and
embedsearch were measured in one run each; the machines have two cores (AMD EPYC or Intel Xeon with AVX512-BF16, one
Intel Xeon with AMX, one without bf16) and were shared with other work, so that ratios say more than times. `make bench`
runs them all again; the open sets are read from `../shared/data` or `$EMBEDSEARCH_DATA`, and a script whose sets are
absent says so.
"""


def on(machine: dict[str, Any]) -> str:
    """Return the sentence that says what the figures were taken on."""
    return f"On {kind(machine)}, {machine['cores']} cores."


def encoding(found: dict[str, Any]) -> str:
    """Return what encoding and a cold start take, on each processor it was measured on."""
    return (
        "## Encoding (`encoding.py`)\n\nTexts of 5 to 200 words, all-MiniLM-L6-v2. The peak is that of the largest "
        "matrix products torch does in the same precision, by processor seconds; torch has none in int8. The ingest "
        "writes the texts, as documents, into a new index. The last column tells how many of the ten texts nearest to "
        "each of 500 are those that sentence-transformers finds.\n\n"
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
    above = " Above 100% torch's own product is not the processor's limit." * any(
        (one["share of the peak"] or 0) > 1 for one in part["engines"].values()
    )
    peaks = ", ".join(f"{value:,.0f} in {kind}" for kind, value in part["peak GFLOP per core second"].items())
    return (
        f"{part['texts']:,} texts. {on(found['machine'])} The peak of a core in GFLOP a second: {peaks}.{above}\n\n"
        + table(["engine", "texts/s", "times as fast", "of the peak", "lowest cosine", "same nearest"], rows)
        + "\nA whole process from its start to the first answer, on the demo's index:\n\n"
        + table(["process", "seconds", "times as fast", "MB"], starts)
        + _where_time_goes(found)
    )


def _where_time_goes(found: dict[str, Any]) -> str:
    if "where the time goes" not in found:
        return ""
    shares = found["where the time goes"]["share"]
    parts = ", ".join(f"{name} {share:.0%}" for name, share in sorted(shares.items(), key=lambda one: -one[1]))
    return f"\nOf a core's time in the compiled model ({found['where the time goes']['engine']}): {parts}.\n"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.3g}%"


def index(found: dict[str, Any]) -> str:
    """Return what building and searching take, beside peers."""
    parts = [
        "## Neighbours (`index.py`)\n\nms is processor time of one query on one thread, k = 10. The graphs are given "
        "the least effort that reaches a recall of .99 on these queries; embedsearch has what its self-test chose. "
        "Phrases are the first three words of titles; foreign ones are about predation, of which the texts know "
        "nothing. Queries/s is on 2 cores.\n"
    ]
    for run in found.values():
        rows = [
            [name, f"{one['build_seconds']:.0f}", f"{one['size'] / 1e6:.0f}", f"{one['found_recall']:.3f}",
             f"{one['ms']:.2f}", *(f"{one[f'{kind}_{cell}']:.{digits}f}" for kind in ("short", "foreign")
                                   for cell, digits in (("recall", 3), ("ms", 2))),
             f"{one['batch_per_second']:,.0f}"]
            for name, one in run["results"].items()
        ]  # fmt: skip
        parts.append(f"{run['rows']:,} x {run['dimension']}; the vectors are {run['vectors']}.\n")
        building, later = _most(run, "build_load"), _most(run, "search_load")
        parts.append(f"The load was up to {building} while building, {later} later.\n")
        names = ["", "build, s", "file, MB", "recall@10", "ms a query",
                 "of phrases", "ms", "of foreign ones", "ms", "queries/s"]  # fmt: skip
        parts.append(table(names, rows))
        own = run["results"]["embedsearch"]
        parts.append(
            f"With its least effort for .99 embedsearch takes {own['least']['ms']:.2f} ms "
            f"(recall {own['least']['found_recall']:.3f}). It opens in {own['open_seconds'] * 1e3:.0f} ms; "
            f"adding 1,000 passages takes {own['add_seconds']:.2f} s; "
            f"a search among 0.1% of the rows takes {own['restricted_ms']:.2f} ms, "
            f"among 10% {own['tenth_ms']:.2f} ms; the searching process holds "
            f"{own['search_own_memory'] / 1e6:.0f} MB of its own "
            f"({own['search_peak'] / 1e6:,.0f} MB with the mapped pages of the vectors).{_conditions(own)}\n"
        )
        if own["visits"]:
            visits = [
                [what, f"{one['lists']:.0f}", f"{one['recall']:.3f}", f"{one['fixed']:.3f}"]
                for what, one in zip(("texts", "phrases", "foreign phrases"), own["visits"].values(), strict=True)
            ]
            parts.append(table(["queries", "lists visited", "recall@10", "with as many as texts have"], visits))
    return "\n".join(parts)


def _most(run: dict[str, Any], name: str) -> float:
    return max(float(one[name]) for one in run["results"].values())


def _conditions(own: dict[str, Any]) -> str:
    """Return what whole searches under a condition on a field take."""
    parts = [
        f"{share} of the documents {one['ms']:.2f} ms (the first one {one['first_seconds']:.1f} s)"
        for share, one in own["conditions"].items()
    ]
    return f" Whole searches with their texts, under a condition that allows {', '.join(parts)}."


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
        "folder, each engine as its documentation shows it. The ingest includes loading libraries and model; the first "
        "answer is that of a process in which nothing is loaded; a query is a text, embedded each time. The filter "
        f"allows 1%, {found['allowed']} texts, all asked for; the hits are the share of these that came. Recall is "
        "against brute force over the vectors that are searched. MB are peaks of memory. "
        f"{on(found['machine'])} Load at the steps: {min(loads)} to "
        f"{max(loads)}; where it was high, seconds by the clock say little, those of the processor more. "
        "txtai filters its default number of candidates; that `similar` takes a larger one was not tried.\n\n"
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
        f"Arithmetic over {found['words']:,} words, {found['expressions']} sums of two words, half of them less a "
        f"third: `calc` takes {own:.2f} ms, gensim's `most_similar` over the same vectors in memory {other:.2f} ms "
        f"({max(own, other) / min(own, other):.0f} times {'less' if other < own else 'more'}; it parses nothing and "
        f"returns names alone). The first answer is the same in {found['same_first']:.0%}, of the ten answers "
        f"{found['same_ten']:.0%}.\n"
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
        "## Growth (`scaling.py`)\n\nSentences of abstracts, one passage each; microseconds a passage:\n\n"
        + table(["passages", *costs], rows)
        + "\nA filter gives about a tenth of the documents. Of a query the encoder's share is left out; *filtered* "
        "is a dense query among a tenth. MB with mapped pages:\n\n" + table(["passages", *kinds], asked)
    )


def placing(found: dict[str, Any]) -> str:
    """Return what placing a large index takes, on each processor it was measured on."""
    return "## Placing (`placing.py`)\n\n" + "\n".join(map(_placing_on, found.values()))


def _placing_on(found: dict[str, Any]) -> str:
    seconds, rates = found["seconds"], found["bytes_per_second"]
    return (
        f"{on(found['machine'])} {found['rows']:,} vectors on {found['axes']} axes: {seconds['placing']:.2f} s, "
        f"{found['ratio']:.2f} times the bare matrix product over the same mapped file ({seconds['bare']:.2f} s) and "
        f"{found['ratio_to_reading']:.2f} times reading that file from the page cache on all cores "
        f"({seconds['reading']:.2f} s, {rates['reading'] / 1e9:.1f} GB/s; memory of the process's own is read at "
        f"{rates['reading own memory'] / 1e9:.1f} GB/s). Load {found['load']}.\n"
    )


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
        f"## Serving (`serving.py`)\n\n{found['texts']:,} texts of 5 to 120 words, in batches of "
        f"{found['batch']} by {found['clients']} clients on the same machine; then one query after the other. "
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
        f"## Drawing (`plotting.py`)\n\n{found['points']:,} points with thirty labels: seconds to draw and write a "
        "file, and how many times those of matplotlib's own rasterised scatter of the same points, which has no "
        "labels.\n\n"
        + table(["", "density, s", "by kind, s", "scatter, s", "density, MB", "by kind, MB", "scatter, MB"], rows)
    )


def store(found: dict[str, Any]) -> str:
    """Return what the store takes, on each processor it was measured on."""
    return "## Store (`store.py`)\n\n" + "\n".join(map(_store_on, found.values()))


def _store_on(found: dict[str, Any]) -> str:
    rates = {step["passages"]: step["rate"] for step in found["steps"]}
    return (
        f"{on(found['machine'])} {found['passages']:,} short passages, apart from embedding, "
        f"with the full text, by the clock: {found['rate_first']:,} a second for the first 50,000, then "
        f"{rates[100_000]:,} around 100,000, {rates[500_000]:,} around 500,000 and {found['rate_last']:,} at the end; "
        f"half of the steps of 50,000 at {found['rate_median']:,.0f} or more, never fewer than "
        f"{found['rate_lowest']:,}.{_halves('', found['steps'])}"
        f"{_halves(' of sentences of published abstracts', found['steps_of_sentences'])} "
        f"Documents that are there as they are pass at {found['unchanged_rate']:,} a second. "
        f"Opening takes {found['open_ms']} ms, the peak is {found['peak_mib']} MiB.\n"
    )


def _halves(what: str, steps: Sequence[dict[str, Any]]) -> str:
    """Return how fast each half of an ingest went in, without the first step, which goes into an empty index."""
    if not steps:
        return ""
    halves = steps[1 : len(steps) // 2], steps[len(steps) // 2 :]
    first, second = (len(half) / sum(1 / step["rate"] for step in half) for half in halves)
    lowest = min(step["rate"] for step in steps)
    return f" The first half{what}, but for its first 50,000, at {first:,.0f}, the second at {second:,.0f}" + (
        f"; never fewer than {lowest:,}." if what else "."
    )


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
        f"`embedsearch filter` without an index, with the transformer, in a process of its own: {found['records']:,} "
        f"short records made of {found['sentences']:,} sentences of the corpus, {found['distinct_texts']:,} of the "
        "texts distinct. Each distinct text is embedded once, the others are looked up, so that the records a second "
        "say little of a corpus without repeats, which the encoder decides. "
        f"{found['passed']:,} passed. Killed twice with SIGKILL and run again, it gave {equal}. The first run "
        "loaded torch as well, to convert the model once; hence its peak. Load at the start: "
        f"{found['machine']['load_at_start']} on {found['machine']['cores']} cores.\n\n"
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
