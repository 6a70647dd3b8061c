"""What several test files share: small indexes with vectors made by hand, and the corpus with the real model."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

# Tests never look for the network; whatever is not on this machine is not there.
os.environ["HF_HUB_OFFLINE"] = "1"
# Each commit waits for the disk, thousands of times in a run: what tests write lies in memory where there is room.
if "TMPDIR" not in os.environ and os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 4 << 30:
    tempfile.tempdir = os.environ["TMPDIR"] = "/dev/shm"
# What a script starts behind itself (`make test &`) ignores interrupts, and so would all that the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Compiled models are kept from run to run, apart from the user's own.
os.environ["EMBEDSEARCH_CACHE_DIR"] = str(Path(__file__).parent.parent / ".pytest_cache" / "embedsearch")

import pytest
from browser import chromium, page, watch  # noqa: F401  fixtures
from click.testing import CliRunner, Result
from explorer_page import open_page, served, small  # noqa: F401  fixtures
from explorer_server import client_of_animals, path_of_animals  # noqa: F401  fixtures
from filelock import FileLock
from hypothesis import settings
from labelled_papers import papers  # noqa: F401  a fixture
from remote_endpoint import clock, endpoint, own_cache  # noqa: F401  fixtures
from screening_pile import pile  # noqa: F401  a fixture
from stored_texts import twenty_texts  # noqa: F401  a fixture
from tiny_models import fresh_cache, models, shared_cache, tiny  # noqa: F401  fixtures

import embedsearch as es
from embedsearch.cli import main
from embedsearch.testing import TableEncoder

# On a busy machine an example may take longer than hypothesis allows by default; in CI it has a profile of its own.
if not os.environ.get("CI"):
    settings.register_profile("here", deadline=None)
    settings.load_profile("here")

ROOT = Path(__file__).parent.parent
CORPUS = ROOT / "corpus"

# x is predatoriness, y is size, z is whatever else there is. 3-4-5 triangles keep the arithmetic in the head.
ANIMALS = {
    "sheep": [0.0, 0.6, 0.8],
    "wolf": [0.8, 0.0, 0.6],
    "spider": [0.6, -0.8, 0.0],
    "whale": [0.0, 1.0, 0.0],
    "mouse": [0.0, -1.0, 0.0],
    "shark": [1.0, 0.0, 0.0],
    "grass": [0.0, 0.0, 1.0],
    "politician": [0.6, 0.0, 0.8],
}
POLES = {"prey": [-1.0, 0.0, 0.0], "predator": [1.0, 0.0, 0.0], "small": [0.0, -1.0, 0.0], "large": [0.0, 1.0, 0.0]}
KINDS = {"politician": "person", "grass": "plant"}


@pytest.fixture
def encoder() -> TableEncoder:
    """Return an encoder of three dimensions."""
    return TableEncoder(ANIMALS | POLES)


@pytest.fixture
def animals() -> list[es.Document]:
    """Return one document for each animal."""
    return [
        es.Document(f"id-{name}", name, metadata={"kind": KINDS.get(name, "animal"), "year": 2000 + place})
        for place, name in enumerate(ANIMALS)
    ]


@pytest.fixture
def axes() -> list[es.Axis]:
    """Return two axes at right angles: x and y."""
    return [es.Axis("predatoriness", ["prey"], ["predator"]), es.Axis("size", ["small"], ["large"])]


@pytest.fixture
def index(tmp_path: Path, encoder: TableEncoder, animals: list[es.Document], axes: list[es.Axis]) -> es.Index:
    """Return an index of the animals with both axes."""
    with es.Index.create(tmp_path / "index", encoder) as made:
        made.add(animals)
        for axis in axes:
            made.axes.save(axis)
        yield made


@pytest.fixture(scope="session")
def predation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an index of the whole shipped corpus, made with the real model. Read only.

    It is made once for all processes that share a run.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with FileLock(shared / "predation.lock"):
        if not (shared / "predation").exists():
            folder = tmp_path_factory.mktemp("real") / "predation"
            with es.Index.create(folder) as made:
                made.add(es.read(CORPUS))
                made.axes.save_file(CORPUS / "axes.toml")
            folder.rename(shared / "predation")
    return shared / "predation"


def run(*arguments: object, input: str | bytes | None = None) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=input)
