"""search, calc, place and locate, on the shipped corpus with the real model."""

import json
import re

import pytest
from conftest import CORPUS, run

import embedsearch as es


def lines(result):
    """Return the JSON lines of a result that must have gone well."""
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_search_gives_passages_with_their_places(predation):
    """Each hit has score, ids, text in context, source and character range; best first."""
    hits = lines(run("search", "wolves hunting moose on an island", "-k", 4, "-i", predation))
    assert hits[0]["document"] == "isle-royale-wolves"
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4]
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert 0.5 < scores[0] <= 1
    with es.open(predation) as index:
        text = index.get("isle-royale-wolves").text
    assert text[hits[0]["start"] : hits[0]["end"]] == hits[0]["text"]
    assert hits[0]["source"].startswith("corpus/articles.jsonl:") or "articles.jsonl:" in hits[0]["source"]


def test_search_reads_stdin_and_conditions(predation):
    """A text can come from stdin; a condition restricts the answers."""
    hits = lines(run("search", "-", "--where", 'kind == "person"', "-k", 3, "-i", predation, input="lends money\n"))
    assert {hit["metadata"]["kind"] for hit in hits} == {"person"}


def test_each_line_of_a_file_is_a_question(predation, tmp_path):
    """Hits say what they answer, in every format; what has no answer is told, and a file without a line refused."""
    file = tmp_path / "questions.txt"
    file.write_text("wolf\n\nlends money\n", "utf-8")
    asked = ("search", "-k", 2, "--mode", "lexical", "-i", predation)
    hits = lines(run(*asked, "--each", file))
    alone = [{"query": text, **hit} for text in ("wolf", "lends money") for hit in lines(run(*asked, text))]
    assert hits == alone
    table = run(*asked, "--each", file, "-f", "table").stdout.splitlines()
    assert [place for place, line in enumerate(table) if line in ("wolf", "lends money")] == [0, len(table) // 2]
    mixed = run(*asked, "--each", "-", input="qqzx\nwolf\n")
    assert {hit["query"] for hit in lines(mixed)} == {"wolf"}
    assert mixed.stderr == "Nothing found for 1 line: 'qqzx'\n"
    none = run(*asked, "--each", "-", "-f", "csv", input="qqzx\n")
    assert (none.exit_code, none.stdout.split(",")[:2]) == (1, ["query", "rank"])
    for wrong, said in (
        (("--each", "-"), "stdin holds no text"),
        (("--each", "-", "wolf"), "give one of these: a text"),
    ):
        refused = run(*asked, *wrong, input="\n")
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert said in refused.stderr


def test_several_documents_are_searched_with(predation):
    """What is like a wolf and a shark is neither of them."""
    hits = lines(run("search", "--like", "p-wolf", "--like", "p-shark", "-k", 3, "-i", predation))
    assert not {"p-wolf", "p-shark"} & {hit["id"] for hit in hits}
    with es.open(predation) as index:
        assert [hit["id"] for hit in hits] == [hit.id for hit in index.search(like=["p-wolf", "p-shark"], k=3)]
    result = run("search", "--like", "p-wolf", "--like", "p-shark", "--where", "id in ['p-wolf']", "-i", predation)
    assert (result.exit_code, result.stdout) == (1, "")


def test_search_that_finds_nothing_leaves_with_1(predation):
    """A condition that nothing satisfies gives no output and exit code 1."""
    result = run("search", "wolf", "--where", "year > 3000", "-i", predation)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Nothing found: no passage satisfies the condition" in result.stderr


@pytest.mark.parametrize("words", [(), ("wolf", "--like", "p-wolf")])
def test_search_needs_one_question(words, predation):
    """Neither no text nor a text and an id are a question."""
    result = run("search", *words, "-i", predation)
    assert result.exit_code == 2
    assert "give one of these: a text" in result.stderr


def test_calc_explains_itself(predation):
    """Contributions add up to the score; inputs are left out; plain neighbours stand beside."""
    whole = json.loads(run("calc", 'sheep + 0.5*"loan shark"', "-k", 5, "-f", "json", "-i", predation).stdout)
    assert whole["terms"] == [{"text": "sheep", "weight": 1.0}, {"text": "loan shark", "weight": 0.5}]
    assert len(whole["hits"]) == 5
    for hit in whole["hits"]:
        assert sum(hit["contributions"].values()) == pytest.approx(hit["score"], abs=1e-6)
        assert hit["text"] not in ("sheep", "loan shark")
    assert set(whole["alone"]) == {"sheep", "loan shark"}
    assert len(whole["alone"]["sheep"]) == 5
    assert "sheep" in [h["text"] for h in lines(run("calc", "sheep + wolf", "--keep-inputs", "-i", predation))]


def test_a_sum_without_spaces_is_told_to_be_one_phrase(predation):
    """What looks like a sum is searched for as it stands, with a word; quotes say that it is meant so."""
    said = "'sheep+spider' is read as one phrase; put spaces around an operator, as in sheep + spider.\n"
    assert run("calc", "sheep+spider - wolf", "-i", predation).stderr == said
    assert run("calc", '"sheep+spider" - wolf', "-i", predation).stderr == ""


def test_calc_on_axes_adds_coordinates(predation):
    """The point is the sum of the terms' coordinates; answers are sorted by their distance from it."""
    words = ("calc", "sheep + spider", "--on", "predatoriness,size", "--where", 'kind == "person"', "-i", predation)
    whole = json.loads(run(*words, "-f", "json").stdout)
    for axis in ("predatoriness", "size"):
        assert whole["point"][axis] == pytest.approx(sum(place[axis] for place in whole["places"]), abs=1e-9)
    distances = [hit["distance"] for hit in whole["hits"]]
    assert distances == sorted(distances)
    assert {hit["metadata"]["kind"] for hit in whole["hits"]} == {"person"}
    hit = whole["hits"][0]
    squares = [(hit["coordinates"][axis] - whole["point"][axis]) ** 2 for axis in whole["point"]]
    assert hit["distance"] == pytest.approx(sum(squares) ** 0.5, abs=1e-9)


def test_calc_tables_show_terms_sums_and_neighbours(predation):
    """The table has a column for each term, the sum on the axes, and the plain neighbours below."""
    shown = run("calc", "sheep + 2*spider", "--on", "size", "-f", "table", "-i", predation).output
    assert "2·spider" in shown
    assert "sum" in shown
    assert "its own nearest" in shown
    assert "also near" in shown


def test_place_gives_one_key_an_axis(predation):
    """Phrases are placed in standard deviations on the axes asked for, or on all, with the axes' versions."""
    placed = lines(run("place", "wolf", "a phrase nobody wrote", "-a", "size,predatoriness", "-i", predation))
    assert [list(place) for place in placed] == [["text", "size", "predatoriness", "versions"]] * 2
    assert placed[0]["versions"] == {"size": 1, "predatoriness": 1}
    everything = lines(run("place", "wolf", "-i", predation))
    names = {axis.name for axis in es.read_axes(CORPUS / "axes.toml")}
    assert set(everything[0]) == {"text", "versions"} | names
    percentile = lines(run("place", "wolf", "--unit", "percentile", "-a", "size", "-i", predation))[0]["size"]
    assert 0 <= percentile <= 100


def test_place_sorts_and_reads_stdin(predation):
    """Phrases from stdin are sorted by an axis either way."""
    stdin = "minnow\n\ngiant sequoia\nsheep\n"
    down = lines(run("place", "-", "--sort", "size", "-i", predation, input=stdin))
    assert [place["text"] for place in down] == ["giant sequoia", "sheep", "minnow"]
    up = lines(run("place", "-", "--sort", "-size", "-k", 1, "-i", predation, input=stdin))
    assert [place["text"] for place in up] == ["minnow"]


def test_shift_reads_its_phrase_from_stdin(predation):
    """- is the phrase that stands on stdin, as for search; nothing there is refused."""
    given = run("shift", "wolf", "size=-2", "-k", "3", "-i", predation)
    assert len(lines(given)) == 3
    assert run("shift", "-", "size=-2", "-k", "3", "-i", predation, input="wolf\n").stdout == given.stdout
    empty = run("shift", "-", "size=-2", "-i", predation, input="")
    assert (empty.exit_code, empty.stdout) == (2, "")
    assert "the text is empty" in empty.stderr


def test_place_all_has_mean_0_and_deviation_1(predation):
    """Over the whole index every axis has mean 0 and standard deviation 1, by definition."""
    placed = lines(run("place", "--all", "-i", predation))
    with es.open(predation) as index:
        assert len(placed) == len(index)
    for axis in ("predatoriness", "size", "tone"):
        values = [place[axis] for place in placed]
        mean = sum(values) / len(values)
        assert mean == pytest.approx(0, abs=1e-6)
        assert sum((value - mean) ** 2 for value in values) / len(values) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("place",), "give either phrases"),
        (("place", "wolf", "--all"), "give either phrases"),
        (("place", "wolf", "--where", "size > 0"), "it goes with --all"),
        (("place", "wolf", "-a", "sise"), "there is no axis 'sise'. Did you mean 'size'?"),
        (("place", "wolf", "-a", "size", "--sort", "tone"), "sorted by 'tone', which is not among its axes"),
        (("place", "", "-a", "size"), "the text is empty"),
        (("locate", "size"), "is not AXIS=VALUE"),
        (("locate", "size=big"), "wanted a number of standard deviations"),
        (("locate", "sise=1"), "Did you mean 'size'?"),
        (("calc", "sheep +"), "a phrase is missing"),
        (("calc", "sheep - sheep"), "cancel out"),
        (("calc", ""), "the expression is empty"),
        (("calc", "sheep", "--on", "sise"), "Did you mean 'size'?"),
        (("search", "wolf", "--where", "kidn == 'x'"), "Did you mean 'kind'?"),
        (("search", "wolf", "--where", "size >"), "cannot be read"),
        (("search", "--like", "p-wofl"), "Did you mean 'p-wolf'?"),
        (("search", "word " * 400), "tokens and all-MiniLM-L6-v2 reads 254"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_wrong_questions_get_one_clear_line(words, message, predation):
    """What cannot be answered is told on stderr with exit code 2 and nothing on stdout."""
    result = run(*words, "-i", predation)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_locate_needs_no_encoder_and_sorts_by_distance(predation):
    """What lies at a point comes nearest first, with its coordinates; the score is null."""
    hits = lines(run("locate", "predatoriness=p95", "size=-1", "-k", 5, "-i", predation))
    assert [hit["score"] for hit in hits] == [None] * 5
    distances = [hit["distance"] for hit in hits]
    assert distances == sorted(distances)
    assert hits[0]["coordinates"]["size"] == pytest.approx(-1, abs=0.5)


def test_odd_texts_are_searched_like_others(predation):
    """Right-to-left text, emoji, NUL bytes and quotes are texts."""
    for text in ("الذئب والخروف", "🐺🐑", "wolf\0sheep", '"wolf" OR (NEAR', "a" * 5000):
        assert run("search", text, "-k", 1, "-i", predation).exit_code == 0


def test_locate_like_is_explained(predation):
    """How the answer was found is said for a phrase that is moved, as for a point."""
    for more in ((), ("--like", "wolf")):
        told = run("locate", "size=-2", *more, "--explain", "-k", 1, "-f", "ids", "-i", predation)
        assert told.exit_code == 0
        assert re.search(r"\d ms  ", told.stderr), told.stderr


@pytest.mark.parametrize("width", [40, 60, 80])
def test_tables_cut_no_number_and_no_answer(predation, monkeypatch, width):
    """What does not fit stands in a block below, behind the first column again; no line is wider than the terminal."""
    monkeypatch.setattr("embedsearch.cli.output._WIDTH_WITHOUT_TERMINAL", width)
    place = ("place", "wolf", "politician", "-i", predation)
    calc = ("calc", "sheep + spider", "--on", "predatoriness,size,sociality", "-k", 3, "-i", predation)
    search = ("search", "ambush predator", "-k", 3, "-i", predation)
    filtering = ("filter", "--where", "size > p99", "-a", "predatoriness,size,sociality", "-i", predation)
    for command in (place, calc, search, filtering):
        records = [json.loads(line) for line in run(*command, "-f", "jsonl").stdout.splitlines()]
        shown = run(*command, "-f", "table").stdout
        assert max(map(len, shown.splitlines())) <= width
        words = shown.split()
        for record in records:
            numbers = [value for value in _numbers(record) if isinstance(value, float)]
            assert {f"{value:.3f}" for value in numbers} <= set(words), (command[0], record)
            if command is not filtering:
                assert set(record["text"].split()[:3]) <= set(words)


def _numbers(record: dict) -> list:
    inner = [_numbers(value) for name, value in record.items() if name in ("coordinates", "contributions")]
    return [value for value in record.values() if isinstance(value, float)] + [one for part in inner for one in part]


@pytest.mark.parametrize(
    "words",
    [
        ("search", "wolf", "--mode", "lexical"),
        ("locate", "size=1", "predatoriness=0"),
        ("shift", "wolf", "size=1"),
        ("calc", "sheep + wolf", "--on", "size"),
        ("place", "--all", "-a", "predatoriness,size"),
        ("filter", "-a", "predatoriness,size"),
    ],
    ids=lambda words: words[0],
)
def test_csv_has_its_header_also_where_nothing_was_found(words, predation):
    """The columns are those of an answer, without those that only what was found has: fields, and marks."""
    found = run(*words, "--where", "year > 2000", "-f", "csv", "-i", predation)
    header = [name for name in found.stdout.splitlines()[0].split(",") if name[:9] not in ("metadata.", "rated")]
    none = run(*words, "--where", "year > 3000", "-f", "csv", "-i", predation)
    assert (none.exit_code, none.stdout) == (1, ",".join(header) + "\n")
    assert set(header) > {"text"}
