"""The tables of how well embedsearch finds, measures and screens; `write_tables` writes them."""

from typing import Any

from tables import table


def retrieval(found: dict[str, Any]) -> str:
    """Return nDCG of words, meaning and both."""
    sets = found["collections"]
    methods = next(iter(sets.values()))["methods"]
    names = {"lexical": "BM25", "dense": "meaning", "hybrid": "**hybrid**", "rrf": "reciprocal rank fusion, k 60"}
    rows = [[names[m], *(f"{one['methods'][m]['ndcg@10']:.3f}" for one in sets.values())] for m in methods]
    return "## Retrieval (`retrieval.py`)\n\nnDCG@10, one setting for both sets.\n\n" + table(["", *sets], rows)


def axes(found: dict[str, Any]) -> str:
    """Return how far axes agree with people."""
    names = {"sets": "The main sets", "tuning": "Tasks that choices were made on", "judging": "Tasks judged on only"}
    parts = [
        "## Axes (`axes.py`)\n\nCorrelation with human ratings (AUC for Zoo) among unrated items; means of "
        f"{found['draws']} draws.\n\n"
        "- *extended*: the poles are extended over the phrases of the corpus and the items (`extend`).\n"
        "- *6 ratings*, *20*: with ratings, both the poles and the extended poles are believed.\n"
        "- *not extended*: the same without the extended poles (`extend = false`).\n"
    ]
    columns = ["items", "poles", "extended", "6 ratings", "20", "not extended, 6", "20"]
    for group, title in names.items():
        parts.append(table([title, *columns], [[name, *_axis_cells(one)] for name, one in found[group].items()]))
    rows = [
        [name, *(f"{one[kind]:.3f}" for kind in ("poles", "extended", "norm", "all")),
         *(f"{one[count]['mean']:.3f}" for count in ("6", "20"))]
        for name, one in found["priors"].items()
    ]  # fmt: skip
    parts.append(
        "A *norm* axis is learned from the ratings of one set, without the words of the other, and read on the other "
        "set: alone (*norm*), as the `prior` of extended poles (*all three*), and with 6 and 20 ratings besides.\n"
    )
    parts.append(table(["norm of → read on", "poles", "extended", "norm", "all three", "6 ratings", "20"], rows))
    return "\n".join(parts)


def _axis_cells(one: dict[str, Any]) -> list[str]:
    cells = [f"{one['items']:,}", *(f"{one[kind]['r']:.3f}" for kind in ("framed", "extended"))]
    for method in ("shipped", "not extended"):
        cells += [f"{one[count][method]['r']['mean']:.3f}" for count in ("6", "20")]
    return cells


def axes_options(found: dict[str, Any]) -> str:
    """Return what was tried on poles alone."""
    groups = found["tasks"]
    rows = [
        [name, *(f"{sum(one[name] for one in tasks.values()) / len(tasks):.3f}" for tasks in groups.values())]
        for name in next(iter(groups["main"].values()))
    ]
    wordings = [[name, *(f"{figure:.3f}" for figure in one.values())] for name, one in found["wordings"].items()]
    return "\n".join(
        [
            "## What was tried on axes (`axes_options.py`)\n\nPoles alone; means over the tasks of the tables above.\n",
            table(["", *groups], rows),
            "*Predatoriness* in several wordings. The first is the shipped one.\n",
            table(["poles", *next(iter(found["wordings"].values()))], wordings),
        ]
    )


def axes_intervals(found: dict[str, Any]) -> str:
    """Return how often the intervals of `axes check` held."""
    figures = list(found["rows"][0]["held"])
    rows = [
        [f"{one['signal']:g}", one["ratings"], *(f"{one['held'][name]:.2f}" for name in figures)]
        for one in found["rows"]
    ]
    return (
        "## Intervals of axes (`axes_intervals.py`)\n\nHow often an interval of `axes check` held the figure for texts "
        f"that were not rated, in {found['repeats']} simulations each; .95 is meant. *Signal* is the deviation of what "
        "the axis measures for one of the noise of the ratings; 0 is noise alone. *R² by percentiles* is what resamples"
        " would give. *Rating* is the interval of `place --unit rating`, which is meant to hold .9 of the ratings.\n\n"
        + table(["signal", "ratings", *figures], rows)
    )


def proposing(found: dict[str, Any]) -> str:
    """Return what proposed ratings are worth beside random ones."""
    names = {"shipped": "the shipped axes", "random": "random directions"}
    rows = [
        [names[along], *(f"{one['random']:.3f}, {one['gain']:+.3f} ± {one['error']:.3f}" for one in counts.values())]
        for along, counts in found["along"].items()
    ]
    return (
        f"## Phrases to rate (`proposing.py`)\n\nThe set is {found['phrases']} short passages of the corpus, half of "
        "them to propose from. They are rated along a known direction, and the poles agree with the ratings at r .4. "
        "Each cell has Pearson's r over the other half after random ones were rated, and how much higher it is after "
        f"those that `axes rate` proposes, with the standard error of {found['draws']} draws.\n\n"
        + table(["rated along", "5 ratings", "10", "20"], rows)
    )


def duplicates(found: dict[str, Any]) -> str:
    """Return how many records that came twice are found, and what that costs."""
    rows = [
        [
            name,
            f"{one['found']:,}",
            f"{one['right']:,}",
            *(f"{one[figure]:.3f}" for figure in ("precision", "recall", "f1")),
        ]
        for name, one in found["quality"].items()
    ]
    speed = [
        [
            f"{int(count):,}",
            f"{one['copies']:,}",
            f"{one['found']:,}",
            f"{one['seconds']:.1f}",
            f"{one['microseconds a record']:.0f}",
        ]
        for count, one in found["speed"].items()
    ]
    own = found["in the reviews"]
    return (
        f"## Duplicates (`duplicates.py`)\n\nThe set has {found['records']:,} records of the open reviews, copies of "
        f"{found['copies']:,} of them as another database might spell them, and {found['looking alike']:,} records "
        "that only look like copies. Titles are compared without case and punctuation. The cosine is that of title and "
        "abstract.\n\n"
        + table(["by", "found", "right", "precision", "recall", "F1"], rows)
        + f"\nAmong the {own['records']:,} records of all six reviews as they are, {own['sure']} are the same as "
        f"another, and {own['doubtful']} may be.\n\nSpeed, on records of eight sentences drawn from abstracts, every "
        "twentieth a copy:\n\n" + table(["records", "copies", "found", "seconds", "microseconds a record"], speed)
    )


def screening(found: dict[str, Any]) -> str:
    """Return how soon reviews are finished, and whether the stop keeps its promise."""
    sets, metrics = found["sets"], {"wss95": "WSS@95", "recall10": "recall@10%", "atd": "ATD"}
    rankers = next(iter(sets.values()))["rankers"]
    rows = [[_bold(ranker), *(_spread(one["rankers"][ranker]["wss95"]) for one in sets.values())] for ranker in rankers]
    shown = ("wss95", "wss100", "recall5", "recall10", "atd")
    means = [[_bold(ranker), *(f"{_mean_over(sets, ranker, metric):.1f}" for metric in shown)] for ranker in rankers]
    other = [
        [f"{name}, {one['queries']} queries", ranker, *(_spread(values[metric]) for metric in metrics)]
        for name, one in found["unseen"].items()
        for ranker, values in one["rankers"].items()
    ]
    return (
        f"## Screening (`screening.py`)\n\nWSS@95 in %: means and 95% intervals of {found['repeats']} repeats. Each "
        "repeat begins with one relevant and one other record, the same for all rankers.\n\n"
        + table(["", *(f"{name} ({one['relevant']} of {one['records']:,})" for name, one in sets.items())], rows)
        + "\nMeans over the six sets, in %:\n\n"
        + table(["", "WSS@95", "WSS@100", "recall@5%", "recall@10%", "ATD"], means)
        + f"\nWith 1,000 of 10,000 records read, learning anew takes {found['training_seconds']:.2f} s of processor "
        "time.\n"
        + "\nCollections of abstracts that nothing was chosen on, in %, means over their queries:\n\n"
        + table(["", "", *metrics.values()], other)
        + f"\nWhere each rule stops, for a target recall of 95% at confidence 95%, in {found['stop_repeats']} runs a "
        "set. Each cell has the share of runs that reached the target, the least recall of any run, and the share of "
        "records that need not be read.\n\n" + _stops(sets | found["unseen"])
    )


def _bold(name: str) -> str:
    return f"**{name}**" if name == "embedsearch" else name


def _spread(interval: dict[str, float]) -> str:
    return f"{100 * interval['mean']:.1f} ({100 * interval['low']:.1f}–{100 * interval['high']:.1f})"


def _mean_over(sets: dict[str, Any], ranker: str, metric: str) -> float:
    return 100 * sum(one["rankers"][ranker][metric]["mean"] for one in sets.values()) / len(sets)


def _stops(sets: dict[str, Any]) -> str:
    rules = next(iter(sets.values()))["stops"]
    cells = [
        [rule, *(f"{one['stops'][rule]['reached']:.0%}, {one['stops'][rule]['least recall']:.2f}, "
                 f"{one['stops'][rule]['saved']:.0%}" for one in sets.values())]
        for rule in rules
    ]  # fmt: skip
    return table(["reached, least, saved", *sets], cells)
