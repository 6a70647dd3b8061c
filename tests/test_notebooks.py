"""What indexes, hits, placements, sums and axes look like in a notebook."""

from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import pytest

import embedsearch as es
from embedsearch.notebooks import facts, table
from embedsearch.testing import TableEncoder

# Also the name of an axis, which holds no sign of equality.
EVIL = "<img src></td><script>alert(1)</script>&amp;"


class _Cells(HTMLParser):
    """Collects the texts of cells, by line, and every tag."""

    def __init__(self):
        super().__init__()
        self.lines, self.tags, self.caption = [], set(), ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.lines.append([])
        if tag in ("td", "th"):
            self.lines[-1].append("")

    def handle_data(self, data):
        if self.lines and self.lines[-1]:
            self.lines[-1][-1] += data
        elif not self.lines:
            self.caption += data


def read(shown) -> _Cells:
    """Return what stands in the cells of what a notebook shows."""
    cells = _Cells()
    cells.feed(shown._repr_html_() if hasattr(shown, "_repr_html_") else shown)
    return cells


def lines(shown) -> list[list[str]]:
    """Return the texts of the cells, line by line."""
    return read(shown).lines


def test_an_index_says_what_it_holds(index):
    """Counts, encoder, axes and fields stand there, and its folder above."""
    told = dict(lines(index))
    assert told["documents"] == "8"
    assert told["encoder"] == "table, 3 dimensions"
    assert told["axes"] == "predatoriness, size"
    assert told["fields"] == "kind, year"
    assert f"Index {index.path}" in index._repr_html_()
    assert lines(index.axes)[1] == ["predatoriness", "1", "poles", "prey", "predator"]


def test_hits_have_what_people_read(index):
    """Rank, score, id, text and fields have columns; where a passage starts does not."""
    head, first = lines(index.search("wolf", k=1))
    assert head == ["rank", "score", "id", "text", "title", "metadata.kind", "metadata.year"]
    assert first[:4] == ["1", "1.000", "id-wolf", "wolf"]


def test_a_sum_shows_where_it_leads_and_its_terms(index):
    """Above the answers stands the expression with the point; below, the terms with their coordinates."""
    answer = index.calc("sheep + spider", on=["predatoriness", "size"], k=2)
    shown = answer._repr_html_()
    where = ", ".join(f"{name} {value:.2f}" for name, value in answer.point.items())
    assert f"sheep + spider at {where}" in shown
    assert [line[0] for line in lines(answer)] == ["rank", "1", "2", "text", "sheep", "spider"]
    assert lines(index.calc("sheep + spider", k=1))[1][2] == answer_id(index)


def answer_id(index) -> str:
    """Return the first answer of the plain sum."""
    return index.calc("sheep + spider", k=1).hits[0].id


def test_a_move_shows_from_where_to_where_and_what_to_mind(index):
    """Above the answers stands what was reached on each axis, and the note where there is one."""
    moved = index.shift("wolf", {"size": 9}, k=2)
    shown = read(moved)
    assert f"size {moved.start['size']:.2f} to {moved.reached['size']:.2f}; mind that the point" in shown.caption
    assert [line[0] for line in shown.lines] == ["rank", "1", "2"]
    assert "mind" not in read(index.shift("wolf", {"size": 0})).caption


def test_an_index_that_cannot_be_asked_is_shown_all_the_same(tmp_path):
    """Closed, or of another thread: logs and debuggers have its folder and why, and not an error."""
    index = es.Index.create(tmp_path / "closed", TableEncoder({"a": [1.0, 0]}))
    with ThreadPoolExecutor(1) as pool:
        elsewhere = pool.submit(repr, index).result()
    assert "serves the thread that opened it" in elsewhere
    index.close()
    assert repr(index) == (
        f"Index({tmp_path}/closed: it cannot be asked (Cannot operate on a closed database.); open it again)"
    )
    assert "open it again" in lines(index)[0][1]


def test_axes_show_what_they_are_made_from_and_their_scale(index, encoder, axes):
    """Poles and frames, the version, on how many passages they are scaled, and where percentiles lie."""
    scaled = index.axes["size"]
    told = dict(lines(scaled))
    assert (told["low"], told["high"], told["version"]) == ("small", "large", "1")
    assert told["scaled on"] == "8 passages, in standard deviations from their mean"
    assert told["spread"].startswith(f"p5 at {scaled.scale.at_percentile(5):.2f}, p50 at ")
    assert dict(lines(scaled.fitted)) == {"low": "small", "high": "large", "dimensions": "3"}
    assert dict(lines(axes[1])) == {"low": "small", "high": "large"}
    many = es.Axis("rated", ratings={f"phrase {i}": float(i) for i in range(20)})
    assert dict(lines(many))["ratings"].endswith("phrase 11 11.000 … (20 in all)")


def test_placements_have_a_column_an_axis(index):
    """One line a phrase."""
    assert lines(index.place(["wolf"], ["size"]))[0][:2] == ["text", "size"]


def test_long_tables_say_what_is_missing():
    """A hundred lines are shown, the rest is counted; what is empty is left out of facts."""
    shown = table([{"n": i} for i in range(1234)])
    assert len(lines(shown)) == 101
    assert "… and 1,134 more" in shown
    assert lines(facts({"a": "", "b": 0, "c": "x"})) == [["b", "0"], ["c", "x"]]


@pytest.mark.parametrize("what", ["index", "hits", "sum", "move", "placements", "axis", "axes"])
def test_texts_are_never_markup(tmp_path, what):
    """Ids, texts, titles, fields and their names, axes and folders stand there as text."""
    table_of = {f"{EVIL}\n{EVIL} {i}": [1.0, i, 0.5] for i in range(3)} | {EVIL: [0.0, 0, 1], "b": [1.0, 1, 0]}
    with es.Index.create(tmp_path / EVIL.replace("/", "|"), TableEncoder(table_of)) as index:
        index.add(es.Document(f"{EVIL}{i}", f"{EVIL} {i}", title=EVIL, metadata={EVIL: EVIL}) for i in range(3))
        index.axes.save(es.Axis(EVIL, [EVIL], ["b"], description=EVIL))
        shown = {
            "index": lambda: index,
            "hits": lambda: index.search(EVIL, mode="dense"),
            "sum": lambda: index.calc(f"'{EVIL}' + b", on=[EVIL]),
            "move": lambda: index.shift(EVIL, {EVIL: 1}),
            "placements": lambda: index.place([EVIL]),
            "axis": lambda: index.axes[EVIL],
            "axes": lambda: index.axes,
        }[what]()
        cells = read(shown)
        assert cells.tags <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
        assert EVIL in " ".join(" ".join(line) for line in cells.lines)


def test_at_a_prompt_axes_and_what_is_read_with_them_stand_on_a_line(index):
    """What was said of an axis, and no vectors: `index.axes.save(axis)` is often the last line of a cell."""
    size = es.Axis("size", low=["small"], high=["large"])
    assert repr(size) == "Axis('size', low=('small',), high=('large',))"
    framed = es.Axis("size", low=["small"], high=["large"], frames=["a {} animal"])
    assert repr(framed) == "Axis('size', low=('small',), high=('large',), frames=('a {} animal',))"
    assert repr(es.Axis("old", field="year", extend=False)) == "Axis('old', field='year', extend=False)"
    assert repr(index.axes.save(size)) == f"FittedAxis({size!r}, 3 dimensions)"
    assert repr(index.axes["size"]) == f"ScaledAxis({size!r}, version 1, on 8 passages)"
    assert repr(index.axes) == "IndexAxes(predatoriness, size)"
    assert repr(index.population(["size", "predatoriness"])) == "Population(8 passages on size, predatoriness)"
    assert repr(index.axes.check("size")) == str(index.axes.check("size"))
    rated = es.Axis("rated", ratings={f"text {number}": number for number in range(1000)})
    assert len(repr(rated)) < 300
    index.close()
    assert repr(index.axes).startswith("IndexAxes(")
    assert "open it again" in repr(index.axes)


def test_where_documents_lie_leaves_for_data_frames(index):
    """As all answers do, also where nothing was asked; what was rated has a column where one was."""
    places = index.place_documents(["id-wolf", "id-sheep"], ["size", "predatoriness"])
    frame = places.to_pandas()
    assert list(frame.columns) == [
        "id", "axis", "version", "mean", "maximum", "threshold", "above", "passages", "passage",
    ]  # fmt: skip
    assert list(frame.itertuples(index=False, name=None)) == [tuple(one.to_dict().values()) for one in places]
    assert str(frame.dtypes["mean"]) == "float64"
    wide = frame.pivot(index="id", columns="axis", values="mean")
    assert wide.loc["id-wolf", "size"] == index.place("wolf", "size")[0].coordinates["size"]
    assert list(index.place_documents([], "size").to_pandas().columns) == list(frame.columns)
    assert index.explain("wolf", k=2).to_pandas()["nearest"][0] == list(index.explain("wolf", k=2)[0].nearest)
