"""The explorer of a small index behind a real socket, for tests of its interface and of its page."""

import json
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import embedsearch as es
from embedsearch.explorer.desk import Desk
from embedsearch.web import Address
from embedsearch.web.process import listen


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
def exploring(path: Path, *, token: str = "", encoder=None):
    """Serve the explorer of an index in a thread; give a client of it."""
    import uvicorn

    from embedsearch.explorer.application import Explorer, application

    explorer = Explorer(lambda: Desk(es.open(path, encoder)), token=token)
    with listen(Address(port=0)) as listening:
        app = application(explorer, host="127.0.0.1")
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield Client(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
            explorer.close()
