"""The explorer of a small index behind a real socket, for tests of its interface and of its page."""

import base64
import json
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

import embedsearch as es
from embedsearch import explorer
from embedsearch.web import Address


class Client:
    """Asks one explorer as a browser would."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/"

    def send(self, method, path, body=None, headers=None):
        """Return the status, the headers and the body of an answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def ask(self, question, /, **fields):
        """Return the answer to a question, which must be one."""
        status, answer = self.try_to_ask(question, **fields)
        assert status == 200, answer
        return answer

    def try_to_ask(self, question, /, **fields):
        """Return the status and the JSON of an answer."""
        body = json.dumps(fields)
        status, _, answer = self.send("POST", f"/api/{question}", body, {"Content-Type": "application/json"})
        return status, json.loads(answer)

    def refusal(self, question, /, **fields):
        """Return the status and the message of a refusal."""
        status, answer = self.try_to_ask(question, **fields)
        return status, answer["error"]["message"]


@contextmanager
def exploring(path: Path, *, token: str = "", encoder=None, port: int = 0):
    """Serve the explorer of an index; give a client of it."""
    with explorer.exploring(path, encoder=encoder, address=Address(port=port, token=token)) as address:
        yield Client(urlsplit(address).port)


@pytest.fixture(name="path")
def path_of_animals(tmp_path, encoder, animals, axes):
    """Return an index of eight animals with two axes, their vectors made by hand."""
    with es.Index.create(tmp_path / "index", encoder) as index:
        index.add(animals)
        for axis in axes:
            index.axes.save(axis)
    return tmp_path / "index"


@pytest.fixture(name="client")
def client_of_animals(path, encoder):
    with exploring(path, encoder=encoder) as client:
        yield client


def numbers(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)
