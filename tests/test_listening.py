"""The socket that local servers listen at, and the files that a process may open for its connections."""

import socket
import sys

import pytest
from processes import python

from embedsearch.serving import Address
from embedsearch.web.process import listen

LISTENING = """
import resource, sys
from embedsearch import EmbedSearchError
from embedsearch.serving import Address
from embedsearch.web.process import listen
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
try:
    with listen(Address("127.0.0.1", 0)):
        print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
except EmbedSearchError as error:
    print(error)
"""
counted = pytest.mark.skipif(sys.platform == "win32", reason="Windows counts no files")


def test_connections_send_answers_at_once():
    """A connection that is accepted has TCP_NODELAY, without which an answer on a used connection waits 40 ms."""
    with listen(Address("127.0.0.1", 0, "")) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


@counted
@pytest.mark.parametrize(("allowed", "at_most", "wanted"), [(64, 400, 400), (64, 4000, 512), (600, 4000, 600)])
def test_a_server_may_open_a_file_for_each_connection(allowed, at_most, wanted):
    """Where a process may have more files than it has, it asks for as many; macOS gives 256 that does not ask."""
    assert python(LISTENING, allowed, at_most) == f"{wanted}\n"


@counted
def test_a_process_that_may_open_too_few_files_is_told_so():
    """In one line, where asyncio wrote tracebacks: a server would fail at one request or another."""
    wanted = "this system lets a process open 20 files at once, and a server needs 64; allow more: ulimit -n 1024\n"
    assert python(LISTENING, 20, 20) == wanted
