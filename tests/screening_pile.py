"""A pile of forty records whose truth is known, for tests of a screening of it."""

import pytest

import embedsearch as es
from embedsearch.testing import HashEncoder

WOLVES = "wolves hunt deer in the forest at night"
TRADE = "prices of grain fell on the market today"


@pytest.fixture
def pile(tmp_path):
    """Return an index of forty records: every fourth is about wolves, the others about trade."""
    with es.Index.create(tmp_path / "pile", HashEncoder(16)) as index:
        index.add(
            es.Document(
                f"d{number:02}",
                f"{WOLVES if number % 4 == 0 else TRADE} w{number}",
                title="A hunt" if number % 4 == 0 else "A market",
                metadata={"year": 2000 + number},
                source=f"{'old' if number < 10 else 'new'}.csv:{number + 1}",
            )
            for number in range(40)
        )
        yield index


def is_relevant(id):
    """The truth about a record of the pile."""
    return int(id[1:]) % 4 == 0


def read(screening, count, by=None):
    """Read so many records one after the other and label each as it is; return their ids."""
    ids = []
    for _ in range(count):
        (proposal,) = screening.next(by=by)
        screening.labels.add(proposal.id, int(is_relevant(proposal.id)))
        ids.append(proposal.id)
    return ids
