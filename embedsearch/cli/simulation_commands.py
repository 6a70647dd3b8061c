"""``screen simulate``: a finished screening replayed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from embedsearch.cli.document_commands import passed_over, read_sources, reading_options
from embedsearch.cli.main import examples
from embedsearch.cli.options import axes_option, encoder_option, format_option, index_option, open_index
from embedsearch.cli.output import note, progress, table, write, write_object
from embedsearch.wording import count_of

if TYPE_CHECKING:
    from embedsearch.screening import Features, LabelledRecords, SimulationSettings

_NAMES = {
    "wss95": "work saved at 95% recall (WSS@95)",
    "wss100": "work saved at 100% recall (WSS@100)",
    "recall5": "recall after 5% read",
    "recall10": "recall after 10% read",
    "atd": "average time to discovery",
}
_STOP_NAMES = {
    "fired": "stopped before the end",
    "met": "reached the target",
    "recall": "recall at the stop",
    "read": "read at the stop",
}


@click.command(
    epilog=examples(
        "embedsearch screen simulate review.csv --text title --text abstract --label included",
        "embedsearch screen simulate review.csv --text title --text abstract --label included -f json",
        "embedsearch screen simulate review.csv --label included --plot recall.png --curve recall.csv",
        'embedsearch screen simulate review.csv --label included --topic "nudging in hospitals" --priors 0 0',
        "embedsearch screen simulate review.csv --label included --by mixed --stop-by audit",
    )
)
@click.argument("file", metavar="FILE")
@click.option("--label", required=True, metavar="FIELD", help="The field that says whether a record is relevant.")
@reading_options
@click.option("--repeats", type=click.IntRange(min=1), default=10, show_default=True, metavar="N",
              help="How many times to replay it.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N",
              help="The seed of all that is random.")  # fmt: skip
@click.option("--priors", type=click.IntRange(min=0), nargs=2, default=(1, 1), show_default=True,
              metavar="RELEVANT OTHER", help="How many records of each kind are known beforehand.")  # fmt: skip
@click.option("--by", type=click.Choice(("likely", "uncertain", "random", "mixed")), default="likely",
              show_default=True, help="How the next record is chosen.")  # fmt: skip
@click.option("--retrain-every", type=click.IntRange(min=1), metavar="N",
              help="How many records are read from one ranking; if not given, 1, or 2% of those read where that "
              "is more.")  # fmt: skip
@click.option("--topic", metavar="TEXT", help="A sentence about what is relevant, to start from.")
@click.option("--recall", type=click.FloatRange(0, 1, min_open=True), default=0.95, show_default=True,
              metavar="SHARE", help="The recall to stop at.")  # fmt: skip
@click.option("--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.95,
              show_default=True, metavar="SHARE", help="How sure to be of it.")  # fmt: skip
@click.option("--stop-by", type=click.Choice(("ranking", "audit")), default="ranking", show_default=True,
              help="The estimate of what is missed that stops it; audit needs records drawn at random.")  # fmt: skip
@click.option("--plot", metavar="FILE", help="Draw the recall curves: a .png, .svg or .pdf file.")
@click.option("--curve", metavar="FILE", help="Write the mean recall curve as CSV.")
@axes_option("Also rank by coordinates on these axes of the index that -i names.")
@index_option
@encoder_option
@format_option("table", "jsonl", "json", "csv")
def simulate(
    file: str, label: str, reading: dict[str, Any], topic: str | None, plot: str | None, curve: str | None,
    axes: list[str], path: str, encoder: str | None, format: str, **options: Any,
) -> None:  # fmt: skip
    """Replay the screening of a labelled FILE.

    The figures say how soon its relevant records would have been found. Every repeat starts from records known
    beforehand, drawn at random, and reads all others in the order of the ranking, which learns from each. Shares are
    between 0 and 1, with 95% intervals over the repeats. The records known beforehand are left out of all shares but
    those of the stop.

    Embedding takes longest. With EMBEDSEARCH_CACHE set to a folder, a second run embeds nothing.
    """
    from embedsearch.plots.files import check_file
    from embedsearch.screening import LabelledRecords, check_labels, plot_recall, summarise
    from embedsearch.screening import simulate as replay
    from embedsearch.whole import place_of

    settings = _settings(options)
    if plot:
        check_file(plot)
    if curve:
        place_of(curve)
    records = LabelledRecords.of(read_sources((file,), reading), label, passed_over=passed_over(reading))
    check_labels(records.relevant, settings)
    features, prior = _features(records, axes, path, encoder, topic)
    with progress(options["repeats"] * len(records.documents), "Replaying") as bar:

        def tell(read: int, total: int) -> None:
            if bar:
                bar.update(bar.task_ids[0], completed=read, total=total)

        simulation = replay(features, records.relevant, settings=settings, prior=prior, progress=tell)
    found = summarise(simulation, [document.id for document in records.documents])
    if plot:
        plot_recall(simulation, plot, title=file)
        note(f"{plot}: recall curves of {count_of(settings.repeats, 'repeat')}.")
    if curve:
        _write_curve(found["curve"], curve)
    rule = settings.rule
    note(f"The stop is for a recall of {rule.recall:g} at confidence {rule.confidence:g}, by the {rule.method}.")
    _print(found, format)


def _settings(options: Mapping[str, Any]) -> SimulationSettings:
    from embedsearch.screening import SimulationSettings, StoppingRule

    (relevant, others), every = options["priors"], options["retrain_every"]
    settings = SimulationSettings(
        repeats=options["repeats"],
        seed=options["seed"],
        by=options["by"],
        relevant_priors=relevant,
        other_priors=others,
        rule=StoppingRule(options["recall"], options["confidence"], options["stop_by"]),
    )
    from dataclasses import replace

    return replace(settings, retrain_every=every, retrain_growth=0.0) if every else settings


def _features(
    records: LabelledRecords, axes: list[str], path: str, encoder_name: str | None, topic: str | None
) -> tuple[Features, Any]:
    """Return what the ranker knows of the records, and a prior from the topic, if there is one."""
    import numpy as np

    from embedsearch.encoders import DEFAULT_ENCODER, encode, load_encoder
    from embedsearch.screening import Features, record_vectors

    index = open_index(path, encoder_name) if axes else None
    scaled = index.axes.scaled(axes) if index else {}
    encoder = index.encoder if index else load_encoder(encoder_name or DEFAULT_ENCODER)
    with progress(len(records.documents), "Embedding") as bar:

        def tell(documents: int, _passages: int, _tokens: int) -> None:
            if bar:
                bar.update(bar.task_ids[0], completed=documents)

        vectors = record_vectors(records.documents, encoder, progress=tell)
    coordinates = np.column_stack([scaled[name].coordinates(vectors) for name in axes]) if axes else None
    prior = vectors @ encode(encoder, [topic], queries=True)[0] if topic else None
    return Features.of(records.texts, vectors, coordinates=coordinates), prior


def _write_curve(curve: Mapping[str, list[float | None]], file: str) -> None:
    from embedsearch.whole import write_whole

    rows = ["read,mean,low,high"]
    rows += [",".join("" if value is None else f"{value:.6g}" for value in row) for row in zip(*curve.values())]  # noqa: B905
    write_whole(file, ("\n".join(rows) + "\n").encode())


def _print(found: dict[str, Any], format: str) -> None:
    if format not in ("table", "csv"):
        write_object(found, format)
        return
    stop = {f"stop_{name}": found["stop"][name] for name in _STOP_NAMES}
    rows = [{"metric": name, **part} for name, part in ({name: found[name] for name in _NAMES} | stop).items()]
    if format == "csv":
        write(rows, format)
        return
    names = _NAMES | {f"stop_{name}": shown for name, shown in _STOP_NAMES.items()}
    shown = [[names[row["metric"]], row["mean"], row["low"], row["high"]] for row in rows]
    records, repeats = count_of(found["records"], "record"), count_of(found["repeats"], "repeat")
    title = f"{records}, {found['relevant']:,} relevant, {repeats}"
    table(["", "mean", "low", "high"], shown, title=title)


COMMANDS = (simulate,)
