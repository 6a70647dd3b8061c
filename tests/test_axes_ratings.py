"""Ratings: the fit against plain formulas, the unit and its interval, where rated phrases stand."""

import csv

import numpy as np
import pytest
from conftest import ANIMALS, run
from hypothesis import given, settings
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.axes import Calibration, read_ratings
from embedsearch.axes.blending import FEW_SIGNAL_SHARES, SIGNAL_SHARES, blend, fit_weights, signal_shares_of
from embedsearch.axes.rated import observations
from embedsearch.testing import HashEncoder, TableEncoder

# On the unit circle in the plane of y (size) and z, x unused: the y coordinate is what is rated.
SIZES = {"flea": -0.8, "mouse": -0.6, "dog": 0.0, "bear": 0.6, "whale": 0.8, "cat": -0.28, "horse": 0.28}
TABLE = {name: [0.0, y, (1 - y * y) ** 0.5] for name, y in SIZES.items()} | {"small": [0, -1, 0], "large": [0, 1, 0]}


def a_rated_axis(**more):
    return es.Axis("size", ratings={name: 100 + 50 * y for name, y in SIZES.items()}, unit="kg", **more)


def by_matrices(vectors, ratings, poles, a, s):
    """The posterior mean of the model, from n by n matrices as Rasmussen and Williams write it."""
    centered = vectors - vectors.mean(axis=0)
    width = np.sqrt((centered**2).sum(axis=1).mean())
    spread = np.sqrt((((centered @ poles) ** 2).sum() + 10 / len(poles)) / (len(ratings) + 10))
    standard = (ratings - ratings.mean()) / ratings.std(ddof=1)
    kernel = (1 - a * a) * s * centered @ centered.T / width**2
    noisy = kernel + (1 - a * a) * (1 - s) * np.eye(len(ratings))
    rest = standard - a * centered @ poles / spread
    return a * poles / spread + (1 - a * a) * s * centered.T @ np.linalg.solve(noisy, rest) / width**2


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 30), st.integers(3, 12))
def test_the_fit_is_the_posterior_mean(seed, n, dimension):
    """With one share of poles and of signal the weights are those of the textbook's matrix formula."""
    random = np.random.default_rng(seed)
    vectors, ratings = random.standard_normal((n, dimension)), random.standard_normal(n)
    poles = np.eye(dimension)[0]
    found = fit_weights(vectors, ratings, poles, pole_shares=[0.45], signal_shares=[0.5])
    assert found == pytest.approx(by_matrices(vectors, ratings, poles, 0.45, 0.5), abs=1e-8)


def test_a_rare_value_teaches_little_beyond_the_poles():
    """Of two values one of which fewer than 8 things have, small shares of signal are believed; else all of them."""
    few, enough = np.repeat([0.0, 1.0], [12, 7]), np.repeat([0.0, 1.0], [12, 8])
    assert signal_shares_of(few) == FEW_SIGNAL_SHARES
    assert signal_shares_of(enough) == signal_shares_of(np.arange(19)) == SIGNAL_SHARES
    random = np.random.default_rng(4)
    vectors, poles = random.standard_normal((19, 6)), np.eye(6)[0]
    found = fit_weights(vectors, few, poles)
    assert found.tolist() == fit_weights(vectors, few, poles, signal_shares=FEW_SIGNAL_SHARES).tolist()
    free = fit_weights(vectors, few, poles, signal_shares=SIGNAL_SHARES)
    nearness = [float(one @ poles / np.linalg.norm(one)) for one in (found, free)]
    assert nearness[0] > nearness[1]
    alone = fit_weights(vectors, few, None)
    assert alone.tolist() == fit_weights(vectors, few, None, signal_shares=SIGNAL_SHARES).tolist()


def test_the_shares_are_weighted_by_their_likelihood():
    """Averaging over two pole shares is the sum of both fits by Gaussian likelihood, worked out with matrices."""
    random = np.random.default_rng(3)
    vectors, ratings, poles = random.standard_normal((9, 4)), random.standard_normal(9), np.eye(4)[1]
    centered = vectors - vectors.mean(axis=0)
    width = np.sqrt((centered**2).sum(axis=1).mean())
    spread = np.sqrt((((centered @ poles) ** 2).sum() + 10 / 4) / 19)
    standard = (ratings - ratings.mean()) / ratings.std(ddof=1)
    # The mean is taken out: the likelihood is that of the n - 1 contrasts.
    contrasts = np.linalg.svd(np.eye(9) - 1 / 9)[0][:, :8]
    total, weights = 0.0, np.zeros(4)
    for a in (0.3, 0.6):
        cover = (1 - a * a) * (0.5 * centered @ centered.T / width**2 + 0.5 * np.eye(9))
        rest = contrasts.T @ (standard - a * centered @ poles / spread)
        within = contrasts.T @ cover @ contrasts
        likelihood = np.exp(-0.5 * rest @ np.linalg.solve(within, rest)) / np.sqrt(np.linalg.det(within))
        total += likelihood
        weights += likelihood * by_matrices(vectors, ratings, poles, a, 0.5)
    found = fit_weights(vectors, ratings, poles, pole_shares=[0.3, 0.6], signal_shares=[0.5])
    assert found == pytest.approx(weights / total, abs=1e-8)


def test_leaving_one_out_is_refitting_without_it():
    """The raw coordinate of each rated text is read off a fit that never saw it."""
    random = np.random.default_rng(5)
    vectors, ratings, poles = random.standard_normal((8, 4)), random.standard_normal(8), np.eye(4)[2]
    found = blend(vectors, ratings, poles, np.zeros(4))
    for place in range(8):
        weights = fit_weights(np.delete(vectors, place, axis=0), np.delete(ratings, place), poles)
        assert found.left_out[place] == pytest.approx(vectors[place] @ weights / np.linalg.norm(weights), abs=1e-12)


def test_ratings_find_the_direction_they_were_made_by():
    """Ratings that are linear in y give the y axis, to a few degrees; with poles on y still."""
    for more in ({}, {"low": ["small"], "high": ["large"]}):
        fitted = a_rated_axis(**more).fit(TableEncoder(TABLE))
        assert fitted.direction[1] > 0.98
        read = fitted.read([TABLE[name] for name in SIZES])
        assert np.corrcoef(read, list(SIZES.values()))[0, 1] > 0.98


def test_the_origin_is_between_the_poles_or_at_the_mean_of_the_rated():
    """Raw 0 is half-way between the poles; without poles it is the mean vector of what was rated."""
    with_poles = a_rated_axis(low=["small"], high=["large"]).fit(TableEncoder(TABLE))
    assert with_poles.read([TABLE["small"], TABLE["large"]]).sum() == pytest.approx(0, abs=1e-6)
    alone = a_rated_axis().fit(TableEncoder(TABLE))
    assert alone.read([TABLE[name] for name in SIZES]).mean() == pytest.approx(0, abs=1e-6)


def test_a_calibration_is_a_line_with_a_jackknife_interval():
    """Ratings 2·raw + 10 give that line and no interval; one outlier of 9 makes the interval as wide as it is off."""
    raw = np.repeat([-2.0, -1, 0, 1, 2], 3)
    exact = Calibration.of(2 * raw + 10, raw, unit="kg")
    assert exact.rating_at([3.0]) == pytest.approx([16])
    assert exact.half_width == pytest.approx(0, abs=1e-9)
    # Where a rated text stands: (rating - 10) / (2·√2) deviations of raw, which are √2 wide.
    assert exact.raw_of([14.0]) == pytest.approx([2])
    off = 2 * raw + 10
    off[6:8] += 9
    # The 15th smallest of 15 residuals, each of a line by numpy through the others: that of one of the two outliers.
    others = np.arange(15) != 6
    line = np.polyfit(raw[others], off[others], 1)
    assert Calibration.of(off, raw).half_width == pytest.approx(off[6] - np.polyval(line, raw[6]))


def test_few_ratings_have_the_interval_of_student():
    """Of five ratings, one of them 9 off the line of the others: the root mean square of the residuals, times t."""
    raw, off = np.array([-2.0, -1, 0, 1, 2]), np.array([6.0, 8, 19, 12, 14])
    residuals = [off[n] - np.polyval(np.polyfit(np.delete(raw, n), np.delete(off, n), 1), raw[n]) for n in range(5)]
    assert residuals[2] == pytest.approx(9)
    assert Calibration.of(off, raw).half_width == pytest.approx(
        2.3534 * np.sqrt(np.mean(np.square(residuals))), rel=1e-4
    )


@pytest.mark.parametrize("count", [5, 6, 8, 9, 10])
def test_intervals_of_few_ratings_cover_what_they_promise(count):
    """Of texts that were not rated, nearly 90 % have their true rating within the interval, however few were."""
    inside = []
    for seed in range(150):
        random = np.random.default_rng(seed)
        vectors = random.standard_normal((count + 20, 6))
        ratings = vectors[:, 0] + random.standard_normal(count + 20)
        found = blend(vectors[:count], ratings[:count], None, np.zeros(6))
        line = Calibration.of(ratings[:count], found.left_out)
        raw = vectors[count:] @ found.weights / np.linalg.norm(found.weights)
        inside.append(np.mean(abs(line.rating_at(raw) - ratings[count:]) <= line.half_width))
    assert 0.84 < np.mean(inside) < 0.95


def test_a_calibration_never_turns_an_axis_round():
    """Where ratings fall along the axis the expected rating is the mean everywhere, and the interval is wide."""
    falling = Calibration.of([5.0, 4, 3, 2, 1], [1.0, 2, 3, 4, 5])
    assert falling.rating_at([0.0, 9.0]) == pytest.approx([3, 3])
    assert falling.half_width >= 2


def test_intervals_cover_what_they_promise():
    """Of texts that were not rated, about 90 % have their true rating within the interval."""
    random = np.random.default_rng(0)
    inside = []
    for _ in range(60):
        vectors = random.standard_normal((30, 6))
        ratings = vectors[:, 0] + 0.5 * random.standard_normal(30)
        found = blend(vectors[:20], ratings[:20], None, np.zeros(6))
        line = Calibration.of(ratings[:20], found.left_out)
        raw = vectors[20:] @ found.weights / np.linalg.norm(found.weights)
        inside += (abs(line.rating_at(raw) - ratings[20:]) <= line.half_width).tolist()
    assert 0.83 < np.mean(inside) < 0.97


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"ratings": {"a": 1, "b": 2, "c": 3}}, "has 3 ratings; below 5 a fit follows chance"),
        ({"ratings": dict.fromkeys("abcde", 3)}, "all 5 ratings are 3"),
        ({"ratings": {"a": 1, "b": 2, "c": 3, "d": 4, "e": "big"}}, "rating of 'e' must be a number, not 'big'"),
        ({"ratings": {"a": 1, "b": 2, "c": 3, "d": 4, "e": float("nan")}}, "must be a number, not nan"),
        ({"ratings": {"a": 1, "b": 2, "c": 3, "d": 4, "A": 5}}, "rates 'A' twice"),
        ({"ratings": ["a", "b"]}, "must be a table of texts with numbers"),
        ({"ratings": {"a": True, "b": 2, "c": 3, "d": 4, "e": 5}}, "must be a number, not True"),
        ({"ratings": {" ": 1, "b": 2, "c": 3, "d": 4, "e": 5}}, "rates an empty text"),
        ({"ratings": {"a b": 1, "b": 2, "c": 3, "d": 4, "A \t b": 5}}, "rates 'A \\t b' twice (as 'a b')"),
    ],
)
def test_ratings_that_teach_nothing_are_refused(definition, message):
    """Three ratings, constant ratings, texts for numbers and double ratings each get one line."""
    with pytest.raises(es.AxisError) as caught:
        es.Axis.from_dict("size", definition)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ratings_of_one_vector_are_refused():
    """Phrases that the encoder cannot tell apart teach no direction."""
    table = {letter: [1.0, 0.0] for letter in "abcde"}
    with pytest.raises(es.AxisError, match="has 1 ratings, those of the same text or the same vector taken as one"):
        es.Axis("size", ratings={name: place for place, name in enumerate("abcde")}).fit(TableEncoder(table))


def test_ratings_come_from_csv(tmp_path):
    """A table beside the TOML file is read; lines still to be rated are passed over; documents go by id."""
    (tmp_path / "sizes.csv").write_text("Text,id,Rating\nwolf,,40\nmouse,,0.02\nhare,,\n,id-7,3\n", "utf-8")
    assert read_ratings(tmp_path / "sizes.csv") == ({"wolf": 40.0, "mouse": 0.02}, {"id-7": 3.0})
    (tmp_path / "sizes.csv").write_text("phrase,value\n" + "\n".join(f"{name},{y}" for name, y in SIZES.items()))
    (tmp_path / "axes.toml").write_text('[size]\nratings = "sizes.csv"\nunit = "m"\n')
    (axis,) = es.read_axes(tmp_path / "axes.toml")
    assert axis.ratings == SIZES
    assert es.Axis.from_dict("size", axis.to_dict()) == axis


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("text\nwolf\n", "has the columns text; wanted are text (or id) and rating"),
        ("text,rating\nwolf,big\n", "r.csv:2: the rating 'big' is not a number"),
        ("text,rating\nwolf,1\nwolf,2\n", "r.csv:3: 'wolf' is rated twice"),
        ("text,rating\n,1\n", "r.csv:2: nothing is named"),
        ("text,rating\nLoan shark,1\n\nloan  shark,2\n", "r.csv:4: 'loan  shark' is rated twice"),
        ("text,rating\nwolf,nan\n", "r.csv:2: the rating 'nan' is not a number"),
        ("text,rating\nwolf,inf\n", "r.csv:2: the rating 'inf' is not a number"),
        ("text,rating,Rating\nwolf,1,5\n", "has 2 columns 'rating'; keep one"),
        ("id,id,rating\nwolf,1,5\n", "has 2 columns 'id'; keep one"),
        ("text,rating\na wolf, grey,1\n", "r.csv:2: 3 fields where the header names 2. A field that holds ',' must"),
        ('text,rating\n"wolf,1\nmouse,7\n', "r.csv:2: a quote opens in this record and is never closed"),
        ("text;rating\nwolf;0,1\n", "r.csv:2: the rating '0,1' is not a number; write it as in 2.5"),
        ("text;rating\nwolf; grey;1\n", "r.csv:2: 3 fields where the header names 2. A field that holds ';' must"),
        ("text,rating\nwolf\udcfc,1\n", "r.csv cannot be read: 'utf-8' codec can't decode byte 0xfc"),
        ("text,rating\nwolf\udcfc,1\n", "; save it as UTF-8"),
        ("", "r.csv has the columns none; wanted are text (or id) and rating"),
    ],
)
def test_wrong_tables_of_ratings_are_named(tmp_path, text, message):
    """A CSV that cannot be used is named with line and cause."""
    (tmp_path / "r.csv").write_text(text, "utf-8", "surrogateescape")
    with pytest.raises(es.AxisError) as caught:
        read_ratings(tmp_path / "r.csv")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.csv", b"text;id;rating\r\na wolf, grey;;0.5\r\n;d7;3\r\n"),
        ("r.csv", b"sep=;\r\ntext;id;rating\r\n\r\na wolf, grey;;0.5\r\n;d7;3\r\n"),
        ("r.csv", 'text,id,rating\n"a wolf, grey",,0.5\n,d7,3\n'.encode("utf-16")),
        ("r.TSV", b"\xef\xbb\xbftext\tid\trating\na wolf, grey\t\t0.5\n\td7\t3\n"),
        ("r.tab", b"text\tid\trating\na wolf, grey\t\t0.5\n\td7\t3\n"),
    ],
)
def test_ratings_are_read_as_the_tables_of_documents_are(tmp_path, name, content):
    """Spreadsheets write semicolons, a line that tells so, tabs and the marks of other encodings."""
    (tmp_path / name).write_bytes(content)
    assert read_ratings(tmp_path / name) == ({"a wolf, grey": 0.5}, {"d7": 3.0})


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(["", "n", "N", "sd", "Word "]), max_size=5),
    st.permutations(["text", "rating"]),
    st.integers(0, 5),
    st.integers(0, 6),
)
def test_ratings_are_read_from_their_own_column(tmp_path_factory, others, wanted, one, two):
    """Whatever other columns are called, how often and where they stand: each cell belongs to the name above it."""
    header = list(others)
    for name, place in zip(wanted, (one, two), strict=True):
        header.insert(place, name)
    rows = {"flea": 0.1, "mouse, field": 7.0, 'ox\nin "two" lines': 900.0}
    file = tmp_path_factory.mktemp("read") / "norms.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for phrase, value in rows.items():
            cells = {"text": phrase, "rating": value}
            writer.writerow([cells.get(name, f"{place}99") for place, name in enumerate(header)])
    assert read_ratings(file) == (rows, {})


def test_columns_of_norms_are_named_in_any_case(tmp_path):
    """Names are found with upper case and white space aside; a row that ends early is still to be rated."""
    (tmp_path / "norms.csv").write_text("Word,Size.M,SD,SD\nflea,0.1,1,2\nmouse\n")
    assert read_ratings(tmp_path / "norms.csv", text="word ", rating="SIZE.M") == ({"flea": 0.1}, {})
    with pytest.raises(es.AxisError, match="has 2 columns 'sd'"):
        read_ratings(tmp_path / "norms.csv", text="word", rating="SD")


def test_ids_differ_in_every_character():
    """Two documents whose ids differ in case alone can both be rated; phrases cannot."""
    ids = {"d1": 1.0, "D1": 2.0, "d2": 3.0, "D2": 4.0, "d 3": 5.0}
    assert es.Axis("size", rated_documents=ids).rated_documents == ids


def test_new_ratings_replace_those_of_the_same_phrase_or_document():
    """However a phrase is spelled it has one rating, the last; ids are taken as they are."""
    axis = es.Axis("size", ["small"], ["large"], ratings={"Loan shark": 1, "b": 2, "c": 3, "d": 4, "e": 5})
    more = axis.with_ratings({"loan  shark": 9.0, "f": 6.0}, {"d1": 7.0, "D1": 8.0}).with_ratings({}, {"d1": 0.0})
    assert more.ratings == {"b": 2, "c": 3, "d": 4, "e": 5, "loan  shark": 9, "f": 6}
    assert more.rated_documents == {"d1": 0, "D1": 8}
    with pytest.raises(es.AxisError, match="is defined by ratings and formula"):
        es.Axis("sum", formula="a + b").with_ratings(axis.ratings)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.floats(-9, 9)), min_size=1, max_size=9), st.data())
def test_each_text_is_observed_once(rated, data):
    """Against plain sets: documents before phrases, means among equals, no text or vector twice."""
    spellings = ["a b", "A  B", "c", "C ", "d"]
    texts = [spellings[spelling] for spelling, _, _ in rated]
    documents = data.draw(st.integers(0, len(rated)))
    vectors = np.eye(5, dtype=np.float32)[[vector for _, vector, _ in rated]]
    values = np.array([value for _, _, value in rated])
    found, ratings = observations(texts, vectors, values, documents)
    said = {"a b": "ab", "A  B": "ab", "c": "c", "C ": "c", "d": "d"}
    groups = []  # pairs of the texts and vectors of a group, and the places in it
    for place, (spelling, vector, _) in enumerate(rated):
        own = {said[spellings[spelling]], vector}
        joined = [group for group in groups if group[0] & own]
        groups = [group for group in groups if not group[0] & own]
        groups.append((own.union(*(keys for keys, _ in joined)), sorted(sum((at for _, at in joined), [place]))))
    groups.sort(key=lambda group: group[1])
    wanted = [np.mean(values[[place for place in at if place < documents] or at]) for _, at in groups]
    assert found.argmax(axis=1).tolist() == [rated[at[0]][1] for _, at in groups]
    assert ratings.tolist() == pytest.approx(wanted)


def test_vectors_that_differ_by_rounding_are_one():
    """Two spellings that an encoder reads alike, up to the last digits, are one observation, in blocks of any size."""
    random = np.random.default_rng(0)
    rows = random.standard_normal((1500, 24))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    twice = np.concatenate([rows, rows + 1e-7 * random.standard_normal(rows.shape)]).astype(np.float32)
    values = np.arange(3000.0)
    vectors, ratings = observations([f"t{n}" for n in range(3000)], twice, values, 0)
    assert vectors.tolist() == twice[:1500].tolist()
    assert ratings.tolist() == [n + 750.0 for n in range(1500)]


@pytest.mark.parametrize("title", ["", "Animals"])
def test_a_copy_of_a_text_does_not_give_its_rating_away(tmp_path, title):
    """Noise is noise, though each text is rated as a phrase and by its document; the document's rating counts."""
    random, numbers = np.random.default_rng(0), range(12)
    with es.Index.create(tmp_path / "i", HashEncoder(12)) as index:
        index.add([es.Document(f"d{n}", f"Word  {n}", title=title) for n in numbers])
        noise = random.standard_normal(12)
        documents = {f"d{n}": noise[n] for n in numbers}
        index.axes.save(es.Axis("size", rated_documents=documents))
        alone = index.axes.check().axes[0].validation
        phrases = {f"{title} word {n}".strip(): -noise[n] for n in numbers}
        index.axes.save(es.Axis("size", ratings=phrases, rated_documents=documents))
        both = index.axes.check().axes[0].validation
        assert both == alone
        assert (both.count, both.p > 0.05) == (12, True)
        few = dict(list(phrases.items())[:3])
        with pytest.raises(es.AxisError, match="has 3 ratings, those of the same text or the same vector taken as one"):
            index.axes.save(es.Axis("few", ratings=few, rated_documents=dict(list(documents.items())[:3])))


@pytest.fixture
def rated(tmp_path):
    """Return an index of six animals, five of them rated, and a document rated by its id."""
    with es.Index.create(tmp_path / "rated", TableEncoder(TABLE)) as index:
        index.add([es.Document(f"id-{name}", name) for name in SIZES])
        ratings = {name: 100 + 50 * y for name, y in SIZES.items() if name not in ("cat", "horse")}
        index.axes.save(
            es.Axis("size", ratings=ratings | {"horse": 90.0}, rated_documents={"id-cat": 150.0}, unit="kg")
        )
        yield index


def test_what_was_rated_stands_where_it_was_rated(rated):
    """A rated phrase and a rated document have their ratings exactly, marked; predicted, they are measured."""
    (horse,) = rated.place(["horse"], unit="rating")
    assert (horse.coordinates["size"], horse.rated, dict(horse.intervals)) == (90.0, ("size",), {})
    placed = {p.id: p for p in rated.place_all(unit="rating")}
    assert placed["id-cat"].coordinates["size"] == 150
    assert placed["id-cat"].rated == ("size",)
    (measured,) = rated.place(["horse"], unit="rating", predicted=True)
    assert measured.rated == ()
    low, high = measured.intervals["size"]
    assert low < measured.coordinates["size"] < high
    assert measured.coordinates["size"] != pytest.approx(90)


def test_standing_is_the_place_of_the_rating_among_the_ratings(rated):
    """In raw units a rated phrase is as many deviations from the middle as its rating from the mean rating."""
    line = rated.axes["size"].fitted.calibration
    (horse,) = rated.place(["horse"], unit="raw")
    wanted = line.raw_mean + (90 - line.mean) / line.deviation * line.raw_deviation
    assert horse.coordinates["size"] == pytest.approx(wanted, abs=1e-9)


def test_a_space_laid_out_by_hand_can_be_calculated_in(rated):
    """calc adds the coordinates that phrases were given, and locate finds them there."""
    places = {p.text: p.coordinates["size"] for p in rated.place(list(SIZES))}
    answer = rated.calc("flea + whale", on=["size"])
    assert answer.point["size"] == pytest.approx(places["flea"] + places["whale"], abs=1e-9)
    assert rated.locate({"size": places["horse"]}, k=1)[0].text == "horse"


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"low": ["small"], "high": ["large"]}, "has no ratings and so no unit of its own; rate at least 5 phrases"),
        ({"formula": "size + 1"}, "is defined by formula, which has no unit of ratings; ask for another unit"),
        ({"field": "kind", "low": ["small"], "high": ["large"]}, "is defined by field, which has no unit of ratings"),
        (
            {"ratings": dict(zip(ANIMALS, range(6), strict=False)), "orthogonal_to": ["size"]},
            "has no unit of ratings, since other axes are taken out of it; ask for another unit",
        ),
    ],
)
def test_the_unit_of_ratings_needs_ratings(index, definition, said):
    """An axis without it says why, and what can be done: only poles can be rated."""
    index.add(es.Document(f"k{n}", name, metadata={"kind": "xy"[n % 2]}) for n, name in enumerate(ANIMALS))
    index.delete(f"id-{name}" for name in ANIMALS)
    index.axes.save(es.Axis("asked", **definition))
    with pytest.raises(es.AxisError, match=f"axis 'asked' {said}"):
        index.place(["wolf"], ["asked"], unit="rating")


def test_an_unknown_document_cannot_be_rated(index):
    """A rating of a document that is not in the index suggests the nearest id."""
    ids = {"id-wolf": 1, "id-sheep": 2, "id-whale": 3, "id-mouse": 4, "id-shrk": 5}
    with pytest.raises(es.AxisError, match=r"no document 'id-shrk' in the index\. Did you mean 'id-shark'"):
        index.axes.save(es.Axis("danger", rated_documents=ids))


def test_exports_name_the_version(rated, monkeypatch):
    """The command line writes the version of each axis beside the coordinates, and marks what was rated."""
    rated.axes.refit(["size"])
    monkeypatch.setattr("embedsearch.cli.placing_commands.open_index", lambda *_: rated)
    shown = run("place", "horse", "-f", "jsonl")
    assert '"versions": {"size": 2}' in shown.output
    assert '"rated": ["size"]' in shown.output
    table = run("place", "horse", "--unit", "rating", "-f", "table")
    assert "90.000*" in table.output
    (horse,) = rated.place("horse", unit="rating", predicted=True)
    low, high = horse.intervals["size"]
    shown = run("place", "horse", "--unit", "rating", "--predicted", "-f", "table").output
    assert f"{horse.coordinates['size']:.3f} ({low:.3f} … {high:.3f})" in shown
