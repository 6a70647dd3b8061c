"""The package as a whole: what it exports, what it loads, which way its imports point."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT
from processes import python

import embedsearch as es
from embedsearch.wording import count_of

HEAVY = ["torch", "transformers", "sentence_transformers", "umap", "faiss", "pandas", "polars", "pyarrow", "matplotlib",
         "textalloc", "plotly", "ray", "sklearn", "numpy", "rich", "bs4", "pypdf", "huggingface_hub", "tokenizers",
         "httpx2", "starlette", "uvicorn", "numba"]  # fmt: skip

_CLI = "from click.testing import CliRunner; from embedsearch.cli import main; CliRunner().invoke"

# DESIGN: imports point one way. A module may import from its own rank and from lower ones.
RANKS = [
    {
        "errors",
        "names",
        "wording",
        "given",
        "offering",
        "mapped",
        "vectors",
        "notebooks",
        "columns",
        "term_counts",
        "compressed",
    },
    {"documents", "encoders", "neighbors", "expressions", "conditions", "lexical", "fusion", "terms", "web"},
    {"store", "whole", "axes", "results", "snippets", "duplicates", "groups"},
    {"index", "serving"},
    {"screening", "filtering", "plots", "exporting"},
    {"maps"},
    {"explorer"},
    {"cli", "testing"},
    {"__main__"},
]


@pytest.mark.parametrize(
    "use",
    [
        "import embedsearch",
        "import embedsearch.cli",
        f"{_CLI}(main, ['--help'])",
        f"{_CLI}(main, ['search', '--help'])",
    ],
)
def test_importing_and_helping_load_nothing_heavy(use):
    """Neither the import nor --help loads any of the libraries that take long."""
    loaded = python(f"{use}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])")
    assert loaded.strip() == "[]"


def test_answers_without_an_encoder_load_no_torch(predation):
    """Questions whose vectors the index holds load neither torch nor transformers."""
    code = (
        f"import sys, embedsearch as es\nindex = es.open({str(predation)!r})\n"
        "index.calc('sheep + spider', on=['size']); index.search(like='p-wolf'); index.place(['wolf'])\n"
        "index.place_all(['size'], k=3); index.locate({'size': 1}); next(index.filter('size > 0'))\n"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules])"
    )
    assert python(code).strip() == "[]"


def test_the_public_list_is_exact():
    """What the package exports is listed once, sorted, and each name is there."""
    assert es.__all__ == sorted(es.__all__)
    assert dir(es) == es.__all__
    for name in es.__all__:
        assert getattr(es, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Indx'"):
        es.Indx  # noqa: B018


def test_what_completion_offers_is_in_the_manual(index):
    """What the rooms of the package ask of one another works and is not offered; all else of an index is explained."""
    manual = "".join((ROOT / "docs" / f"{page}.md").read_text("utf-8") for page in ("python", "search", "maps"))
    for offering in (index, index.axes, index.labels, index.explorer):
        offered = {name for name in dir(offering) if not name.startswith("_")} - set(dir(dict))
        assert not [name for name in offered if not re.search(rf"[`.]{name}\b", manual)]
    assert not {"sift", "generation", "term_counts"} & set(dir(index))
    assert index.generation >= 1
    assert "from_products" not in dir(index.axes["size"])
    assert "to_dicts" in dir(index.search("wolf"))


def test_one_thing_is_counted_as_one():
    """One is not several, and thousands have their comma; a verb agrees where it stands with the noun."""
    assert [count_of(count, "document") for count in (0, 1, 2000)] == ["0 documents", "1 document", "2,000 documents"]
    assert [count_of(count, "record was", "records were") for count in (1, 2)] == ["1 record was", "2 records were"]


def test_errors_are_one_tree():
    """Every error raised on purpose is an EmbedSearchError; a wrong query is a ValueError too."""
    for error in (es.SourceError, es.EncoderError, es.StoreError, es.QueryError, es.AxisError):
        assert issubclass(error, es.EmbedSearchError)
    assert issubclass(es.QueryError, ValueError)


# What stands at the front of the package is asked for from inside it in these places alone, when it is needed.
FRONT = {"index/index.py": {"map_index"}, "screening/versions.py": {"__version__"}}


def parsed(file: Path) -> ast.Module:
    """Return the syntax tree of a module of the package."""
    return ast.parse(file.read_text("utf-8"))


@cache
def libraries(file: Path) -> set[str]:
    """Return the packages that a file imports from, at any depth; each library's test asks for all files."""
    names: set[str] = set()
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


def imports(file: Path) -> set[str]:
    """Return what a file imports from the package at any depth, except for type checking, as `room.…` or `embedsearch`.

    An import of the front, in whatever form, is `embedsearch`.
    """
    tree = parsed(file)
    guarded = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    names = set()
    for node in ast.walk(tree):
        if node in guarded:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name for name in names if name.split(".")[0] == "embedsearch"}


def test_imports_point_one_way():
    """No room of the package imports from a later one, nor from the front, where later ones could be had."""
    rank = {name: place for place, names in enumerate(RANKS) for name in names}
    package = ROOT / "embedsearch"
    for file in package.rglob("*.py"):
        place = file.relative_to(package).as_posix()
        room = file.relative_to(package).parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        assert room in rank, f"{room} has no rank; give it one"
        for imported in imports(file):
            if imported == "embedsearch":
                assert room == "cli" or place in FRONT, f"{place} imports the front of the package"
                continue
            target = imported.split(".")[1]
            assert rank[target] <= rank[room], f"{file.name} in {room} imports {target}"


def test_the_front_is_asked_for_what_is_said_here():
    """The two modules that import the package itself take one name of it each."""
    for place, names in FRONT.items():
        tree = parsed(ROOT / "embedsearch" / place)
        found = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "embedsearch"
        }
        assert found == names


@pytest.mark.parametrize(
    "library",
    [
        "faiss",
        "sqlite3",
        "sentence_transformers",
        "torch",
        "openvino",
        "textalloc",
        "httpx2",
        "starlette",
        "uvicorn",
        "umap",
        "plotly",
        "python_calamine",
    ],
)
def test_each_library_has_one_home(library):
    """faiss is imported by neighbors alone, SQLite by the store alone, torch's kin by the encoders alone.

    Both servers answer with starlette; what they have in common, uvicorn among it, is in web.
    """
    homes = {
        "faiss": ("neighbors",),
        "sqlite3": ("store",),
        "starlette": ("web", "serving", "explorer"),
        "uvicorn": ("web",),
        "textalloc": ("plots",),
        "umap": ("maps",),
        "plotly": ("maps",),
        "python_calamine": ("documents",),
    }
    home = homes.get(library, ("encoders",))
    for file in (ROOT / "embedsearch").rglob("*.py"):
        if library in libraries(file):
            assert file.relative_to(ROOT / "embedsearch").parts[0].removesuffix(".py") in home


def test_modules_stay_readable():
    """No module passes 400 lines: then it is asking for a second noun."""
    for file in (ROOT / "embedsearch").rglob("*.py"):
        assert len(file.read_text("utf-8").splitlines()) <= 400, file
