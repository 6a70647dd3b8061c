"""What is given to the public parts of the package in place of what is wanted: refused in one line of ours."""

import numpy as np
import pytest

import embedsearch as es
from embedsearch.axes import Calibration, EncoderMaterial, fit_axis, read_ratings, write_to_rate
from embedsearch.conditions import parse_measure
from embedsearch.documents import chunk, read_stream
from embedsearch.encoders import Identity
from embedsearch.exporting import Export
from embedsearch.filtering import Profile, draw, first, measuring_index
from embedsearch.screening import Screening, StoppingRule, agreement
from embedsearch.screening.metrics import recall_at, records_needed, work_saved


class Odd:
    """Nothing that anybody wants; in two lines where it is written."""

    def __repr__(self):
        return "<an\nodd thing>"


def refused(ask, *given):
    """Ask with something of a wrong kind; it must be refused in one line of ours."""
    with pytest.raises(es.EmbedSearchError) as caught:
        ask(*given)
    assert "\n" not in str(caught.value)


ARRAY = np.ones((2, 3))  # in two lines where it is written; neither true nor false
WRONG = [None, 5, b"x", Odd(), [Odd()], ARRAY]
FOUND = np.array([True, False, True])


ASKED = {
    "Axis.from_dict": lambda given, _: es.Axis.from_dict("size", given),
    "FittedAxis.from_dict": lambda given, index: es.FittedAxis.from_dict(index.axes["size"].fitted.axis, given),
    "Scale.from_dict": lambda given, _: es.Scale.from_dict(given),
    "Calibration.from_dict": lambda given, _: Calibration.from_dict(given),
    "Identity.from_dict": lambda given, _: Identity.from_dict(given),
    "Profile.load": lambda given, _: Profile.load(given),
    "read_stream": lambda given, _: list(read_stream(given)),
    "chunk": lambda given, _: chunk(given, lambda texts: [len(text) for text in texts], limit=9),
    "draw": lambda given, _: draw(given, 1, 0),
    "rows_of": lambda given, index: index.rows_of(given),
    "delete_duplicates": lambda given, index: index.delete_duplicates(given),
    "labels.add_all": lambda given, index: index.labels.add_all(given),
    "axes.pin": lambda given, index: index.axes.pin(given),
    "filter": lambda given, index: index.filter(given),
    "count": lambda given, index: index.count(given),
    "term_counts": lambda given, index: index.term_counts(given),
    "recall_at": lambda given, _: recall_at(given, 0.5),
    "work_saved": lambda given, _: work_saved(given, 0.5),
    "Condition.resolve": lambda given, _: es.parse_condition("size > 1").resolve([given], []),
    "Condition.evaluate": lambda given, _: es.parse_condition("year > 1").evaluate(given),
    "parse_measure": lambda given, _: parse_measure(given),
    "write_to_rate": lambda given, _: write_to_rate(given, ["wolf"]) or write_to_rate("r.csv", given),
    "ScaledAxis.from_products": lambda given, index: index.axes["size"].from_products(given),
    "ScaledAxis.on": lambda given, _: es.ScaledAxis.on(given, [0.1, 0.2]),
    "Scale.at_percentile": lambda given, index: index.axes["size"].scale.at_percentile([given]),
    "fit_axis": lambda given, index: fit_axis(given, EncoderMaterial(index.encoder, {})),
    "Axis.fit": lambda given, index: index.axes["size"].fitted.axis.fit(index.encoder, [given]),
    "Axis.groups": lambda given, _: es.Axis("size", groups=given),
    "Axis.component": lambda given, _: es.Axis("size", component=given),
    "Document.text": lambda given, _: es.Document("a", given, source=given),
    "Document.metadata": lambda given, _: es.Document("a", "wolf", metadata={Odd(): given}),
    "plot_plane": lambda given, index: es.plot_plane(index, given, "size"),
    "plot_groups": lambda given, _: es.plot_groups(given),
    "Export": lambda given, _: Export(given),
    "Export.axes": lambda given, index: Export(index, axes=[given]),
    "Profile.of": lambda given, index: Profile.of("p", index, {"size": given}, condition="", rank="", population=""),
    "measuring_index": lambda given, index: measuring_index(index.path / "m", index.encoder, population=[given]),
    "labels.get": lambda given, index: index.labels.get(given),
    "labels.record": lambda given, index: index.labels.record("settings", [given]),
    "labels.take": lambda given, index: index.labels.take("l.csv", reading={"key": given}),
    "labels.take, reading": lambda given, index: index.labels.take("l.csv", reading=[given]),
    "note_shown": lambda given, index: Screening(index).note_shown(given),
    "agreement": lambda given, index: agreement(index, given, "main"),
    "StoppingRule": lambda given, _: StoppingRule(method=given),
    "cache": lambda given, index: es.open(index.path, index.encoder, cache=[given]),
    "change": lambda given, index: index.axes.change("size", given),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_what_is_wanted_is_refused_in_another_kind(index, ask, tmp_path, monkeypatch):
    """No error of Python's, numpy's or SQLite's, whatever the kind."""
    monkeypatch.chdir(tmp_path)  # bytes are the name of a file where one is wanted
    for wrong in WRONG:
        refused(ask, wrong, index)
    assert len(index.ids()) == 8


OPTIONS = {
    "add": lambda given, index: index.add([], progress=given),
    "add, repeated": lambda given, index: index.add([], repeated=given),
    "sync": lambda given, index: index.sync([es.Document("a", "wolf")], indexing=given),
    "duplicates": lambda given, index: index.duplicates(comparing=given),
    "reindex": lambda given, index: es.reindex(index.path, chunk_words=1, overlap=0, progress=given),
    "read": lambda given, index: es.read(index.path, report=given),
    "sift": lambda given, index: index.sift(None, wanted=given),
    "read_ratings": lambda given, _: read_ratings("r.csv", text=given),
    "plot": lambda given, index: es.plot_plane(index, "predatoriness", "size", look=given),
    "seed": lambda given, index: Screening(index).configure(topic="wolf", seed=given),
    "limit": lambda given, _: chunk(es.Document("a", "a wolf"), lambda texts: [9 for _ in texts], limit=given),
    "share": lambda given, _: records_needed(FOUND, given),
    "first": lambda given, _: first(iter(()), given),
    "plan": lambda given, index: index.plan([], repeated=given),
    "snippets": lambda given, index: index.snippets([], like=given),
    "seed of a map": lambda given, index: index.map("predatoriness", "size", seed=given),
    "compare": lambda given, index: index.explorer.compare("size", index.encoder, count=given),
}


FLAGS = {
    "calc": lambda given, index: index.calc("wolf", keep_inputs=given),
    "place": lambda given, index: index.place("wolf", predicted=given),
    "place_each": lambda given, index: next(index.place_each(predicted=given)),
    "place_documents": lambda given, index: index.place_documents("id-wolf", evidence=given),
    "save_all": lambda given, index: index.axes.save_all([], anew=given),
    "label": lambda given, index: index.labels.add("id-wolf", "relevant", only_unread=given),
    "Export": lambda given, index: Export(index, vectors=given),
}


@pytest.mark.parametrize("ask", FLAGS.values(), ids=FLAGS)
def test_yes_and_no_are_true_and_false(index, ask):
    """What else counts as true or false to Python, a text that says no among it, is refused; numpy's are taken."""
    for wrong in ("no", 1, None, [], ARRAY, Odd()):
        refused(ask, wrong, index)
    ask(np.False_, index)


@pytest.mark.parametrize("wrong", [b"x", Odd(), [Odd()], True, 2.5, float("nan")], ids=repr)
@pytest.mark.parametrize("ask", OPTIONS.values(), ids=OPTIONS)
def test_an_option_is_refused_in_another_kind(index, ask, wrong):
    """What is told, chosen or counted: before anything is done. True is 1 to Python wherever a number is wanted."""
    if wrong is True and ask in (OPTIONS[name] for name in ("seed", "limit", "first", "seed of a map")):
        return
    refused(ask, wrong, index)
    assert len(index.ids()) == 8
    assert not index.labels.settings()


@pytest.mark.parametrize("lacking", ["encoder", "direction", "origin"])
def test_what_to_dict_gave_is_taken_back_and_nothing_less(index, lacking):
    """The message names what is missing; a text of no array is told too."""
    fitted = index.axes["size"].fitted
    kept = fitted.to_dict()
    assert np.array_equal(es.FittedAxis.from_dict(fitted.axis, kept).direction, fitted.direction)
    with pytest.raises(es.AxisError, match=f"'{lacking}' is missing"):
        es.FittedAxis.from_dict(fitted.axis, {name: value for name, value in kept.items() if name != lacking})
    with pytest.raises(es.AxisError, match="is no fitted axis as its to_dict gives one"):
        es.FittedAxis.from_dict(fitted.axis, kept | {"step": "abc"})
    identity = index.identity
    assert Identity.from_dict(identity.to_dict()) == identity
    with pytest.raises(es.EncoderError, match="is no identity as its to_dict gives one"):
        Identity.from_dict(identity.to_dict() | {"colour": "red"})
