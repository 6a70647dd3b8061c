"""The socket that local servers listen at."""

import socket

from embedsearch.serving import Address
from embedsearch.web.process import listen


def test_connections_send_answers_at_once():
    """A connection that is accepted has TCP_NODELAY, without which an answer on a used connection waits 40 ms."""
    with listen(Address("127.0.0.1", 0, "")) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
