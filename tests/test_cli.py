"""What all commands share: help, formats, exit codes, errors on one line."""

import contextlib
import csv
import io
import json
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from conftest import CORPUS, ROOT, run
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import python

import embedsearch as es
from embedsearch.cli import main
from embedsearch.cli.main import Commands
from embedsearch.cli.output import facts, table, write, write_object
from embedsearch.columns import cells, delimited
from embedsearch.testing import HashEncoder


def commands(group: click.Group = main, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return all commands as the words one types."""
    found = []
    for name, command in group.commands.items():
        found.append((*before, name))
        if isinstance(command, click.Group):
            found += commands(command, (*before, name))
    return found


@pytest.mark.parametrize("words", [(), *commands()], ids=" ".join)
def test_every_help_ends_in_examples(words):
    """Every --help says what the command does and ends in commands to copy."""
    shown = run(*words, "--help")
    assert shown.exit_code == 0
    body, _, examples = shown.output.partition("Examples:")
    assert len(body.splitlines()) > 4
    assert f"embedsearch {' '.join(words)}".strip() in examples
    assert all(line.startswith("    ") for line in examples.strip("\n").splitlines())


@pytest.mark.parametrize("words", [(), ("axes",), ("screen",)], ids=" ".join)
def test_a_list_of_commands_shows_the_first_sentence_of_each_whole(words):
    """On a terminal of 80 columns too, where click cuts a longer one off."""
    shown = CliRunner().invoke(main, [*words, "--help"], terminal_width=80).stdout
    listed = shown.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert len(listed) == sum(len(one) == len(words) + 1 and one[: len(words)] == words for one in commands())
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_stands_in_the_docs(words):
    """No command is undocumented."""
    assert f"embedsearch {' '.join(words)}" in (ROOT / "docs" / "commands.md").read_text("utf-8")


def test_help_loads_what_click_loads():
    """--help takes the time of a bare click program: beside click it loads our modules and a little of Python's own."""
    little = "csv, difflib, heapq, ipaddress, pathlib, signal, unicodedata, urllib.parse"
    bare = f"import click, {little}; click.command()(lambda: None)(['--help'], standalone_mode=False)"
    ours = "from embedsearch.cli import main; main(['--help'], standalone_mode=False)"
    loaded = {}
    for code in (bare, ours):
        lines = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
        loaded[code] = set(json.loads(python(lines).splitlines()[-1]))
    extra = {name for name in loaded[ours] - loaded[bare] if not name.startswith("_")}
    assert extra == {"embedsearch"}


@pytest.mark.parametrize(
    ("given", "said", "page"),
    [
        ("serch wolf", "there is no command 'serch'. Did you mean 'search'?", "main"),
        ("screen nxt", "there is no command 'nxt'. Did you mean 'next'?", "main screen"),
        ("--verson", "No such option '--verson'. Did you mean '--version'?", "main"),
        ("search wolf --modus dense", "No such option '--modus'. Did you mean '--mode'?", "main search"),
        ("info -n", "No such option '-n'.", "main info"),
        ("calc -dog", "No such option '-d'; put -- before a text that begins with -.", "main calc"),
        (
            "search ambush from below",
            "Got unexpected extra arguments (from below); put words that belong together in quotes.",
            "main search",
        ),
        ("search wolf -k many", "Invalid value for '-k': 'many' is not a valid integer range.", "main search"),
        ("filter a.csv", "give --where CONDITION, --profile FILE, or --top N with --by MEASURE.", "main filter"),
        ("search wolf --where", "Option '--where' requires an argument.", None),
    ],
)
def test_wrong_usage_is_told_on_one_line(given, said, page):
    """What was wrong, and where to read on; stdout stays empty."""
    result, where = run(*given.split()), f" See '{page} --help'" if page else ""
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {said}{where}\n")


def options_of(command, words=()):
    """Yield each parameter of a command and of those below it, with the words that lead there."""
    for name, below in getattr(command, "commands", {}).items():
        yield from options_of(below, (*words, name))
    yield from ((words, one) for one in command.params)


def test_an_empty_name_is_refused_by_every_command():
    """A shell gives one for a variable that is not set: it is no output to stdout, and no index in this folder."""
    asked = [
        (words, one.opts[-1])
        for words, one in options_of(main)
        if isinstance(one, click.Option) and one.metavar in ("FILE", "FOLDER", "FIELD")
    ]
    wanted = {"--output", "--sample-to", "--plot", "--save-profile", "--index", "--color", "--check", "--text"}
    assert wanted <= {name for _, name in asked}
    for words, name in asked:
        result = run(*words, name, "")
        assert (result.exit_code, result.stdout) == (2, ""), (words, name)
        assert "the name is empty; give one, or leave it out" in result.stderr, (words, name)
    assert "the name is empty" in run("axes", "fit", "").stderr
    assert "the name is empty" in run("place", "wolf", "-a", "").stderr


def test_of_a_very_long_word_the_error_shows_the_beginning_and_the_end():
    """A file given by mistake does not fill the screen, and what is wrong with it can still be read."""
    result = run("search", "wolf", "-k", "a" * 300 + "b" * 90_000)
    assert result.stderr.startswith(f"Error: Invalid value for '-k': '{'a' * 300}b")
    assert result.stderr.endswith("bbb' is not a valid integer range. See 'main search --help'\n")
    assert len(result.stderr) == len("Error: \n") + 1000 + len(" … ")


@pytest.mark.parametrize(
    "words",
    [
        ("search", "wolf"),
        ("calc", "a + b"),
        ("place", "wolf"),
        ("place", "--all"),
        ("locate", "size=1"),
        ("filter", "--where", "size > 0"),
        ("axes", "list"),
        ("axes", "show", "size"),
        ("axes", "fit", "x.toml"),
        ("info",),
    ],
    ids=" ".join,
)
def test_a_missing_index_is_one_clear_line(words, tmp_path):
    """Without an index every command says so on one line of stderr, says how to make one, and leaves with 2."""
    result = run(*words, "-i", tmp_path / "none")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "does not exist. Make one with: embedsearch ingest SOURCE" in result.stderr


@pytest.mark.parametrize("words", [("search", "wolf"), ("info",), ("place", "--all"), ("axes", "list")], ids=" ".join)
@pytest.mark.parametrize("damage", ["garbage", "truncated vectors", "other format", "empty"])
def test_a_damaged_index_is_one_clear_line(words, damage, tmp_path):
    """A folder that cannot be an index is named with what is wrong and what to do; nothing is answered from it."""
    folder = tmp_path / "i"
    with es.Index.create(folder, HashEncoder()) as index:
        index.add([es.Document("a", "wolf"), es.Document("b", "sheep")])
        if damage == "other format":
            index._store._database.set_setting("format", 99)
    if damage == "garbage":
        (folder / "index.db").write_bytes(b"no database" * 100)
    elif damage == "empty":
        (folder / "index.db").write_bytes(b"")
    elif damage == "truncated vectors":
        (folder / "vectors.f32").write_bytes(b"\0" * 40)
    result = run(*words, "-i", folder)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert "ingest the sources again" in result.stderr


def test_an_empty_index_finds_nothing(tmp_path):
    """An index without documents answers with exit code 1 and says that it is empty."""
    es.Index.create(tmp_path / "i", HashEncoder()).close()
    result = run("filter", "--where", 'id == "x"', "-i", tmp_path / "i")
    assert result.exit_code == 1
    assert "the index is empty; add documents with: embedsearch ingest SOURCE" in result.stderr


def test_an_index_of_another_encoder_is_refused(tmp_path):
    """--encoder with another model than the index's own names both."""
    es.Index.create(tmp_path / "i", HashEncoder(name="fake")).close()
    result = run("search", "wolf", "--encoder", "all-MiniLM-L6-v2", "-i", tmp_path / "i")
    assert result.exit_code == 2
    assert "'fake' (8 dimensions)" in result.stderr
    assert "'all-MiniLM-L6-v2' (384 dimensions, weights 53aa5117)" in result.stderr


def test_formats_hold_the_same_answers(predation):
    """JSON lines, JSON, CSV, TSV and ids give the same hits; JSON lines are the default where no terminal is."""
    words = ("search", "--like", "p-wolf", "-k", 3, "-i", predation)
    lines = [json.loads(line) for line in run(*words).stdout.splitlines()]
    assert [line["rank"] for line in lines] == [1, 2, 3]
    assert json.loads(run(*words, "-f", "json").stdout) == lines
    assert run(*words, "-f", "ids").stdout.split() == [line["id"] for line in lines]
    for kind, mark in (("csv", ","), ("tsv", "\t")):
        header, first, *_ = run(*words, "-f", kind).stdout.splitlines()
        assert header.split(mark)[:3] == ["rank", "score", "id"]
        assert first.split(mark)[2] == lines[0]["id"]
    table = run(*words, "-f", "table").stdout
    assert lines[0]["id"] in table
    assert f"{lines[0]['score']:.3f}" in table


def test_cells_with_parts_of_their_own_are_json():
    """A list, and what is nested deeper, is JSON in CSV and TSV, so that another program can read it."""
    nested = {"id": "a", "tags": ["x", 1], "metadata": {"deep": {"wölf": [1, None]}, "rows": [{"a": True}], "no": []}}
    for kind, delimiter in (("csv", ","), ("tsv", "\t")):
        stream = io.StringIO()
        write([nested], kind, stream)
        (row,) = csv.DictReader(io.StringIO(stream.getvalue()), delimiter=delimiter)
        assert (json.loads(row["tags"]), json.loads(row["metadata.no"])) == (["x", 1], [])
        assert json.loads(row["metadata.deep"]) == {"wölf": [1, None]}
        assert json.loads(row["metadata.rows"]) == [{"a": True}]


def test_columns_are_those_of_all_records():
    """What only a later record has is a column too, behind those of the first, and empty where a record lacks it."""
    stream = io.StringIO()
    write([{"id": "a", "score": 1}, {"id": "b", "metadata": {"year": 1999}}], "csv", stream)
    assert stream.getvalue().splitlines() == ["id,score,metadata.year", "a,1,", "b,,1999"]


TEXTS = st.text(st.sampled_from("a,;\t\"'\r\n é"), max_size=6)


@settings(max_examples=60)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4), st.sampled_from(["csv", "tsv"]))
def test_what_is_written_as_csv_is_read_as_it_was(pairs, kind):
    """Delimiters, quotes, line feeds and lone carriage returns in a cell end nothing; lines end in a newline."""
    stream = io.StringIO(newline="")
    write(({"id": one, "text": other} for one, other in pairs), kind, stream)
    delimiter = "," if kind == "csv" else "\t"
    rows = csv.reader(io.StringIO(stream.getvalue(), newline=""), delimiter=delimiter, strict=True)
    assert list(rows) == [["id", "text"], *map(list, pairs)]
    assert stream.getvalue().startswith(f"id{delimiter}text\n")


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.just([1, "a"])
RECORDS = st.dictionaries(st.sampled_from("abc"), VALUES | st.dictionaries(st.sampled_from("xy"), TEXTS, max_size=2))


@settings(max_examples=200)
@given(st.lists(RECORDS, max_size=6), st.sampled_from(["csv", "tsv"]), st.sampled_from([(), ("a",), ("a", "b")]))
def test_records_wait_as_they_are_written(records, kind, columns):
    """Whatever names come with a later record, the bytes are those of a writer that knows all of them beforehand."""
    flat = [cells(record) for record in records]
    names = list(dict.fromkeys(name for row in flat for name in row)) or columns
    wanted = io.StringIO(newline="")
    if names:
        delimited(names, flat, wanted, "," if kind == "csv" else "\t")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("embedsearch.columns._WAITING_CHARACTERS", 8)
        stream = io.StringIO(newline="")
        assert write(iter(records), kind, stream, columns=columns) == len(records)
    assert stream.getvalue() == wanted.getvalue()


def test_control_characters_do_not_reach_the_terminal(tmp_path):
    """An escape sequence in a document is shown without its escape, so that it cannot take over the terminal."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add([es.Document("a", "wolf \x1b[31mred\x07"), es.Document("b", "x")])
    shown = run("search", "--like", "b", "-f", "table", "-i", tmp_path / "i").stdout
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "wolf" in shown


def test_what_a_file_is_called_stays_on_one_line(tmp_path):
    """In what is said of it and in errors: no line end, and nothing that takes over a terminal."""
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "wolf.txt").write_text("a wolf")
    (folder / "ne\nver\x1b[31m.xyz").write_text("x")
    for words in (("ingest", folder), ("ingest", folder / "ne\nver\x1b[31m.xyz")):
        done = run(*words, "-i", tmp_path / "i")
        lines = [line for line in done.stderr.splitlines() if "xyz" in line]
        assert len(lines) == 1
        assert "/ne ver [31m.xyz: no reader for '.xyz'" in lines[0]
    assert done.stderr.splitlines() == lines


@pytest.mark.parametrize("form", ["jsonl", "ids", "csv", "table"])
def test_a_closed_pipe_is_no_error(predation, form):
    """`| head` ends the command without a word, as a program does that SIGPIPE ends: not 1 for nothing found."""
    code = f"from embedsearch.cli import main; main(['place', '--all', '-f', {form!r}, '-i', {str(predation)!r}])"
    # Unbuffered, Python takes one long write of which half was read for a whole one.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environment,
        pipesize=4096,  # less than is written: it cannot be done before the reader has left
    ) as command:  # fmt: skip
        assert command.stdout.readline()
        command.stdout.close()
        assert command.stderr.read() == b""
    assert command.returncode == 141


def test_an_interrupt_leaves_with_130(tmp_path, monkeypatch):
    """Ctrl-C ends with one line and exit code 130."""

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("embedsearch.index.opening.Store.open", interrupt)
    result = run("info", "-i", tmp_path)
    assert result.exit_code == 130
    assert result.stderr.startswith("Interrupted. What was committed is kept")


def test_the_index_can_come_from_the_environment(predation, monkeypatch):
    """EMBEDSEARCH_INDEX names the index where no option does."""
    monkeypatch.setenv("EMBEDSEARCH_INDEX", str(predation))
    held = json.loads(run("info").stdout)
    assert {"documents", "passages", "encoder", "dimension", "bytes", "format"} <= set(held)
    assert (held["dimension"], held["format"]) == (384, 3)


def test_the_version_is_told():
    """--version prints name and version."""
    assert run("--version").output == f"embedsearch {es.__version__}\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "/far/away"), "/far/away cannot be used: Permission denied"),
        (OSError(24, "Too many open files"), "Too many open files"),
        (ConnectionError("nobody answers"), "nobody answers"),
    ],
)
def test_what_the_system_refuses_is_one_line(error, said):
    """An error of the operating system that nobody has foreseen is told without a traceback, with exit code 2."""

    @click.command()
    def failing():
        raise error

    result = CliRunner().invoke(Commands(commands={"failing": failing}), ["failing"])
    assert (result.exit_code, result.stderr) == (2, f"Error: {said}\n")


NUMBERS = st.one_of(st.integers(-(10**12), 10**12), st.floats(-1e9, 1e9).map(lambda value: f"{value:.3f}"))
MARKED = st.tuples(NUMBERS, st.sampled_from(["", "*", "%", " (-1.25 … 3.5)"])).map(lambda pair: f"{pair[0]}{pair[1]}")


@settings(max_examples=60)
@given(st.lists(st.tuples(st.text("ab ", max_size=50), MARKED, MARKED), min_size=1, max_size=3), st.integers(8, 90))
def test_no_number_is_cut_however_narrow_the_terminal_is(rows, width):
    """Stars, percent signs and intervals stay too; only a number that leaves no room makes a line longer than that."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr("embedsearch.cli.output._WIDTH_WITHOUT_TERMINAL", width)
        table(["text", "size", "tone"], rows, wide="text")
    lines = printed.getvalue().splitlines()
    for _, *numbers in rows:
        assert all(any(line.endswith(number) or f"{number}  " in line for line in lines) for number in numbers)
    longest = max(len(number) for _, *numbers in rows for number in numbers)
    assert max(map(len, lines)) <= max(width, longest + 4)


def test_several_columns_may_run_over_lines(capsys):
    """None of them is cut; the others are."""
    long = " ".join(f"word{number}" for number in range(15))
    table(["id", "against", "title", "note"], [["a", long, long, long]], wide=("against", "title"))
    shown = "".join(capsys.readouterr().out.split())
    for number in range(15):
        assert shown.count(f"word{number}") >= 2
    assert "…" in shown
    table(["id", "against"], [["a", "x"]] * 2, wide="against")
    assert capsys.readouterr().out.count("x") == 2


def test_facts_are_whole(capsys, monkeypatch):
    """A text longer than a cell of a table is cut nowhere, on whatever terminal: it runs over several lines."""
    for width in (30, 120):
        monkeypatch.setattr("embedsearch.cli.output._WIDTH_WITHOUT_TERMINAL", width)
        words = " ".join(f"word{number}" for number in range(60))
        facts({"topic": words, "weights": "0123456789abcdef" * 4, "recall": 0.95, "none": None})
        shown = capsys.readouterr().out
        assert max(map(len, shown.splitlines())) <= width
        assert words.replace(" ", "") in "".join(shown.split())
        assert "0123456789abcdef" * 4 in "".join(shown.split())
        assert "0.950" in shown


@pytest.mark.parametrize(
    "words",
    [("info",), ("axes", "show", "size"), ("axes", "check", "size"), ("screen", "status")],
    ids=" ".join,
)
def test_one_object_is_one_line_where_no_terminal_is(words, predation):
    """As JSON lines promise; -f json has the same for people."""
    piped, json_too = (run(*words, *more, "-i", predation) for more in ((), ("-f", "json")))
    assert piped.exit_code == 0, piped.stderr
    assert piped.stdout.count("\n") == 1
    assert json.loads(piped.stdout) == json.loads(json_too.stdout)


@pytest.mark.parametrize(
    "words",
    [
        ("shift", "wolf", "size=1"),
        ("locate", "size=1", "--like", "wolf"),
        ("axes", "fit", CORPUS / "axes.toml"),
        ("axes", "refit", "size"),
        ("axes", "check"),
        ("axes", "rate", "size"),
        ("axes", "discover"),
        ("axes", "compare", "size", "--with", "all-MiniLM-L6-v2"),
        ("screen", "start", "--topic", "wolves"),
        ("screen", "status"),
        ("screen", "audit", "-n", "5"),
        ("screen", "report"),
        ("screen", "export"),
    ],
    ids=lambda words: " ".join(map(str, words[:2])),
)
def test_whatever_needs_an_encoder_can_be_told_which(words, predation):
    """Where the weights of an index lie elsewhere now, --encoder FOLDER is advised; so it must be an option."""
    told = run(*words, "--encoder", "no/such/folder", "-i", predation)
    assert (told.exit_code, told.stdout) == (2, "")
    assert "'no/such/folder'" in told.stderr
    assert "--encoder FOLDER" in told.stderr


def test_stdin_is_utf_8_with_or_without_a_byte_order_mark(predation):
    """A mark is no part of the first phrase; bytes that are no UTF-8 are told of on one line, as in an argument."""
    marked = run("place", "-", "-a", "size", "-i", predation, input="\ufeffwölfe\nwolf\n".encode())
    assert [json.loads(line)["text"] for line in marked.stdout.splitlines()] == ["wölfe", "wolf"]
    for words in (
        ("place", "-"),
        ("search", "-"),
        ("calc", "-"),
        ("delete", "-"),
        ("screen", "label", "-", "--relevant"),
    ):
        told = run(*words, "-i", predation, input="wölfe\n".encode("latin-1"))
        assert (told.exit_code, told.stdout, told.stderr.count("\n")) == (2, "", 1), words
        assert "UTF-8" in told.stderr, words


def test_nothing_found_says_why(tmp_path):
    """There is no condition and no word where none was given: another document is what is missing."""
    with es.Index.create(tmp_path / "i", HashEncoder()) as index:
        index.add([es.Document("a", "wolf")])
    place = ("-i", tmp_path / "i")
    for words, why in (
        (("search", "--like", "a"), "there is no document but 'a'"),
        (("search", "x", "--mode", "lexical"), "no passage has any of the words"),
        (
            ("search", "x", "--mode", "lexical", "--where", "id == 'a'"),
            "no passage that satisfies the condition has any",
        ),
        (("calc", "wolf"), "there is no passage but the terms; add --keep-inputs"),
    ):
        told = run(*words, "-f", "table", *place)
        assert (told.exit_code, told.stdout) == (1, ""), words
        assert f"Nothing found: {why}" in told.stderr


def test_python_runs_the_command_line():
    """`python -m embedsearch` is the command, and says where to read on as it was called."""
    command = [sys.executable, "-m", "embedsearch"]
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (0, f"embedsearch {es.__version__}\n")
    wrong = subprocess.run([*command, "serch"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (wrong.returncode, wrong.stderr.splitlines()) == (
        2, ["Error: there is no command 'serch'. Did you mean 'search'? See 'python -m embedsearch --help'"],
    )  # fmt: skip


def test_what_json_has_no_number_for_is_null(capsys):
    """NaN and infinity are no JSON, and jq and browsers refuse all of a line that holds one."""
    record = {"a": float("nan"), "b": {"c": [1.5, float("-inf"), "NaN"]}, "d": (float("nan"),)}
    written = {"a": None, "b": {"c": [1.5, None, "NaN"]}, "d": [None]}
    write_object(record)
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == written
    write([record], "jsonl")
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == written
    write([record], "json")
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == [written]
