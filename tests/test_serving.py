"""The server: what it answers, whom it refuses, how commands find it, how it ends."""

import asyncio
import base64
import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace

import httpx2
import numpy as np
import pytest
import uvicorn
from conftest import ROOT, run
from processes import python

import embedsearch as es
from embedsearch.encoders import SentenceEncoder, cache, describe, encode, warm
from embedsearch.encoders.choosing import Wish
from embedsearch.encoders.remote import RemoteEncoder
from embedsearch.encoders.settings import RemoteSettings
from embedsearch.serving.application import application
from embedsearch.serving.batching import Batcher
from embedsearch.testing import HashEncoder, check_encoder
from embedsearch.web import Address, is_loopback

TOKEN = "a-token-of-the-server"


@contextlib.contextmanager
def served(encoder=None, *, token="", host="127.0.0.1"):
    """Run the application in a thread of this process; give a client of it."""
    app = application(encoder or HashEncoder(4, max_tokens=5), host=host, token=token)
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, log_level="warning"))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with httpx2.Client(base_url=url, trust_env=False, timeout=30) as client:
        yield client
    server.should_exit = True
    thread.join(30)
    listening.close()


@pytest.fixture(scope="module")
def client():
    with served() as client:
        yield client


def ask(client, **fields):
    return client.post("/v1/embeddings", json={"model": "hash", "input": "wolf", **fields})


def refusal(response, status):
    """Return the message of a refusal, which has the form that OpenAI's clients read."""
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error["type"] == ("server_error" if status >= 500 else "invalid_request_error")
    assert error["code"]
    return error["message"]


# -- what is answered -----------------------------------------------------------------------------------


def test_vectors_are_answered_as_the_field_has_them(client):
    """A list of texts gives numbered vectors, the model's name and the tokens used."""
    answer = ask(client, input=["wolf", "a sheep"]).json()
    assert (answer["object"], answer["model"]) == ("list", "hash")
    assert [(record["object"], record["index"]) for record in answer["data"]] == [("embedding", 0), ("embedding", 1)]
    given = [record["embedding"] for record in answer["data"]]
    assert np.allclose(given, encode(HashEncoder(4), ["wolf", "a sheep"]), atol=1e-7)
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_one_text_may_come_without_a_list(client):
    """A bare text is a list of one; base64 holds little-endian float32."""
    packed = ask(client, encoding_format="base64").json()["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(packed), "<f4") == pytest.approx(encode(HashEncoder(4), ["wolf"])[0])
    assert ask(client, dimensions=4, user="somebody").status_code == 200


def test_models_and_health_are_told(client):
    """The list has the one model; health needs nothing."""
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["hash"]
    assert client.get("/health").json() == {"status": "ok"}


def test_queries_are_encoded_as_queries():
    """input_type tells queries from documents, for models that treat them differently."""

    class Two(HashEncoder):
        def encode_queries(self, texts):
            return self.encode([f"query: {text}" for text in texts])

    with served(Two(4)) as client:
        query = ask(client, input_type="query").json()["data"][0]["embedding"]
        document = ask(client).json()["data"][0]["embedding"]
    assert np.allclose([query, document], encode(HashEncoder(4), ["query: wolf", "wolf"]), atol=1e-7)


@pytest.mark.parametrize(
    ("fields", "status", "wanted"),
    [
        ({"model": "gpt"}, 404, "there is no model 'gpt' here; there is 'hash'"),
        ({"model": None}, 404, "there is no model 'None' here"),
        ({"input": [1, 2, 3]}, 400, "token numbers are not taken, send the texts"),
        ({"input": [[1, 2]]}, 400, "token numbers are not taken"),
        ({"input": []}, 400, "'input' holds no text"),
        ({"input": {"a": 1}}, 400, "'input' holds no text"),
        ({"input": ["wolf", " "]}, 400, "text 1 of 'input' is empty"),
        ({"input": ["x"] * 2049}, 413, "2,049 texts; at most 2,048 texts are taken at once"),
        (
            {"input": ["a", "one two three four five six"]},
            400,
            "text 1 of 'input' is too long: 6 tokens, and the model",
        ),
        ({"dimensions": 2}, 400, "'dimensions' is 2; the vectors of this model have 4"),
        ({"encoding_format": "int8"}, 400, "'encoding_format' is 'int8'; wanted one of float, base64"),
        ({"input_type": "poem"}, 400, "'input_type' is 'poem'; wanted one of query, document, passage"),
        ({"truncate": True}, 400, "there is no field 'truncate'"),
    ],
)
def test_what_cannot_be_done_is_refused(client, fields, status, wanted):
    """Nothing is ignored or cut off: each refusal says what was seen and what is wanted."""
    assert wanted in refusal(ask(client, **fields), status)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"wolf"', b"[" * 50_000, b"\xff\xfe", b'{"input": "\\ud800"}'])
def test_bodies_that_are_no_request_are_refused(client, body):
    """Broken JSON and JSON of another form give 400 or 404, never 500."""
    response = client.post("/v1/embeddings", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 404)


def test_half_a_character_is_refused(client):
    """A lone surrogate has no UTF-8."""
    body = b'{"model": "hash", "input": "wolf \\ud800"}'
    response = client.post("/v1/embeddings", content=body, headers={"Content-Type": "application/json"})
    assert "half of a character" in refusal(response, 400)


def test_other_paths_and_methods_are_refused(client):
    """Unknown paths are 404, known ones with another method 405, both as JSON."""
    assert "there is no GET /v1/chat here" in refusal(client.get("/v1/chat"), 404)
    assert "there is no GET /v1/embeddings here" in refusal(client.get("/v1/embeddings"), 405)


def test_a_failure_is_told_without_its_inside(caplog):
    """An encoder that fails gives 500; the log has the reason, the client has not."""

    class Broken(HashEncoder):
        def encode(self, texts):
            raise ValueError("the inside of the server")

    with served(Broken(4)) as client:
        response = ask(client)
    assert "its log says why" in refusal(response, 500)
    assert "inside" not in response.text
    assert "POST /v1/embeddings failed: ValueError: the inside of the server" in caplog.text


# -- who is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "[::", "10.0.0.1"])
def test_a_foreign_host_is_refused(client, host):
    """A page whose name was pointed at this machine names itself as Host."""
    assert "ask 127.0.0.1" in refusal(client.get("/v1/models", headers={"Host": host}), 403)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:99", "[::1]:8765"])
def test_names_of_this_machine_are_its_own(client, host):
    """Whatever one writes for this machine, with any port (a tunnel changes it), is let through."""
    assert client.get("/v1/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1"])
def test_a_foreign_origin_is_refused(client, origin):
    """A page of another origin may not ask, even one of another port of this machine."""
    assert "may not ask" in refusal(client.get("/v1/models", headers={"Origin": origin}), 403)


def test_a_body_that_is_not_json_by_its_header_is_refused(client):
    """What a page can send without asking first (a form) is not taken, whatever is in it."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        response = client.post("/v1/embeddings", content=b'{"model": "hash"}', headers={"Content-Type": kind})
        assert "wanted Content-Type: application/json" in refusal(response, 415)


def test_a_body_too_large_is_refused(client):
    """By its length if that is told, else when the limit is passed; the server goes on."""
    headers = {"Content-Type": "application/json"}
    with contextlib.suppress(httpx2.TransportError):  # it may close before all is sent
        response = client.post("/v1/embeddings", content=b" " * (33 << 20), headers=headers)
        assert "more than 33,554,432 bytes" in refusal(response, 413)
    with contextlib.suppress(httpx2.TransportError):
        response = client.post("/v1/embeddings", content=(b" " * (1 << 20) for _ in range(40)), headers=headers)
        assert "more than 33,554,432 bytes" in refusal(response, 413)
    assert ask(client).status_code == 200


def test_a_token_is_wanted_where_there_is_one():
    """With a token, all but health want it; any Host will do, for no foreign page knows the token."""
    with served(token=TOKEN) as client:
        assert "send the server's token" in refusal(ask(client), 401)
        for wrong in ("Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer " + TOKEN[:-1], "Bearer \u00e9"):
            headers = {"Authorization": wrong.encode()}
            assert client.get("/v1/models", headers=headers).status_code == 401
        right = {"Authorization": f"Bearer {TOKEN}", "Host": "embeddings.example"}
        assert client.get("/v1/models", headers=right).status_code == 200
        assert client.get("/health").status_code == 200
        assert client.get("/v1/models", headers=right | {"Origin": "https://evil.example"}).status_code == 403


def test_other_machines_are_let_in_with_a_token_only():
    """Another host than this machine's own needs a token; the token is not shown."""
    assert [is_loopback(host) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", "")] == [False] * 5
    with pytest.raises(
        es.EmbedSearchError, match=r"lets other machines in: set .* \(in Python, the token of an Address\)"
    ):
        Address("0.0.0.0")
    assert TOKEN not in repr(Address("0.0.0.0", token=TOKEN))


# -- batches --------------------------------------------------------------------------------------------


def gathered(*requests, at_once=4):
    """Encode requests that come together; return their vectors and the batches that were made."""
    batches = []

    def encoding(texts, queries):
        batches.append((list(texts), queries))
        time.sleep(0.02)
        return np.array([[float(text)] for text in texts], dtype=np.float32)

    async def all_of_them():
        batcher = Batcher(encoding, at_once=at_once)
        return await asyncio.gather(*(batcher.encode(texts, queries=queries) for texts, queries in requests))

    return [vectors[:, 0].tolist() for vectors in asyncio.run(all_of_them())], batches


def test_requests_that_wait_are_encoded_together():
    """Requests that are there at once share batches of at most four texts, and each gets its own vectors."""
    vectors, batches = gathered(*[([str(number)], False) for number in range(6)])
    assert vectors == [[float(number)] for number in range(6)]
    assert [texts for texts, _ in batches] == [["0", "1", "2", "3"], ["4", "5"]]


def test_queries_and_documents_are_not_mixed():
    """What is encoded differently is encoded apart."""
    vectors, batches = gathered((["1"], False), (["2"], True), (["3"], False))
    assert vectors == [[1], [2], [3]]
    assert batches == [(["1", "3"], False), (["2"], True)]


def test_a_large_request_does_not_hold_up_small_ones():
    """Between the parts of a large request others have their turn."""
    vectors, batches = gathered(([str(number) for number in range(10)], False), (["99"], False))
    assert vectors == [list(map(float, range(10))), [99.0]]
    assert [texts for texts, _ in batches][:2] == [["0", "1", "2", "3"], ["99"]]


def test_a_failure_is_told_to_those_who_wait_and_no_others():
    """After an error the next request is served."""

    def encoding(texts, queries):
        if queries:
            raise es.EncoderError("no")
        return np.ones((len(texts), 1), dtype=np.float32)

    async def both():
        batcher = Batcher(encoding)
        return await asyncio.gather(
            batcher.encode(["a"], queries=True), batcher.encode(["b"], queries=False), return_exceptions=True
        )

    failed, good = asyncio.run(both())
    assert isinstance(failed, es.EncoderError)
    assert good.tolist() == [[1.0]]


# -- the server as a process, with the real model -------------------------------------------------------


@contextlib.contextmanager
def started(*arguments, **environment):
    """Run `embedsearch serve` on a free port; give the process and its base URL."""
    code = "from embedsearch.cli import main; main()"
    command = [sys.executable, "-W", "error", "-c", code, "serve", "--port", "0", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, **pipes)
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def with_compiled(folder):
    """Return the environment of a cache of its own, in which the model is compiled already if it is anywhere."""
    shared = ROOT / ".pytest_cache" / "embedsearch" / "compiled"
    shared.mkdir(parents=True, exist_ok=True)
    (folder / "compiled").symlink_to(shared)
    return {cache.CACHE_VARIABLE: str(folder)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return the environment of the server and of those who are to find it."""
    return with_compiled(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def real(place):
    """Give the base URL of a server with the default model."""
    with started(**place) as (process, url):
        assert url.startswith("http://127.0.0.1:"), process.communicate()
        yield url


def test_the_served_model_keeps_the_contract_of_encoders(real, tmp_path, monkeypatch):
    """Through HTTP the vectors are those that the model gives here; too long texts are refused, not cut."""
    encoder = RemoteEncoder("openai:all-MiniLM-L6-v2", RemoteSettings(url=real))
    check_encoder(encoder)
    texts = ["a wolf in winter", "loan sharks", "狼 🐺"]
    cosines = np.einsum("ij,ij->i", encode(encoder, texts), encode(es.load_encoder(), texts))
    assert cosines.min() > 0.9999
    assert encoder.tokens_used > 0
    with pytest.raises(
        es.EncoderError, match=r"too long: 300 tokens, and the model reads 254 tokens, .*\. The text has"
    ):
        encoder.encode(["wolf " * 300])


def test_commands_find_the_server_and_load_no_model(real, place):
    """A process with few texts leaves them to the server; with many it loads the model."""
    code = (
        "import sys, json, embedsearch as es\nencoder = es.load_encoder()\n"
        "few = encoder.encode(['a wolf']).tolist(); loaded = [name in sys.modules for name in ('openvino', 'torch')]\n"
        "told = encoder.describe()['server']; engine = encoder.engine\n"
        "many = encoder.encode(['a wolf'] * 33)[:1].tolist()\n"
        "print(json.dumps([few, many, loaded, 'openvino' in sys.modules or 'torch' in sys.modules, told, engine]))"
    )
    few, many, before, after, told, engine = json.loads(python(code, **place))
    assert np.allclose(few, many, atol=1e-3)
    assert before == [False, False]
    assert after
    assert told == f"{real} ({engine}), for up to 32 texts at once"
    asked = "import embedsearch as es; print('server' in es.load_encoder(engine='torch').describe())"
    assert python(asked, **place).strip() == "False"


def test_a_server_with_a_token_is_found_by_its_own_user(tmp_path, monkeypatch):
    """The note that holds the token can be read by its owner alone; it goes when the server ends by SIGTERM."""
    with started(**with_compiled(tmp_path), EMBEDSEARCH_SERVE_TOKEN=TOKEN) as (process, url):
        assert url, process.communicate()
        (note,) = (tmp_path / "served").glob("*.json")
        assert note.stat().st_mode & 0o077 == 0
        monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path))
        found = warm.find(note.stem)
        assert (found.pid, found.url) == (process.pid, url)
        assert found.encode(["a wolf"], "query").shape == (1, 384)
        assert httpx2.get(f"{url}/models", trust_env=False).status_code == 401
        process.send_signal(signal.SIGTERM)
        _, words = process.communicate(timeout=30)
        assert process.returncode == 0, words
        assert not note.exists()
        assert "Traceback" not in words
        assert TOKEN not in words


def test_ctrl_c_ends_the_server(tmp_path):
    """Exit code 130, a word on stderr, no traceback."""
    with started(**with_compiled(tmp_path)) as (process, url):
        assert url
        process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=30)
        assert process.returncode == 130, words
        assert words.endswith("Stopped.\n")
        assert "Traceback" not in words


# -- finding it -----------------------------------------------------------------------------------------


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path))
    return tmp_path


def test_a_dead_server_is_not_asked(own_cache):
    """A note of a process that is no more is left alone; one that is there counts; what is no note is none."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    model = warm.WarmModel("127.0.0.1", 1, dead.pid, "m", "torch f32")
    with warm.announced("key", model):
        assert warm.find("key") is None
    alive = warm.WarmModel("127.0.0.1", 1, os.getpid(), "m", "torch f32", TOKEN)
    with warm.announced("key", alive):
        assert warm.find("key") == alive
        assert warm.find("other") is None
        assert TOKEN not in repr(alive)
        later = warm.WarmModel("127.0.0.1", 2, os.getppid(), "m", "torch f32")
        with (
            warm.announced("key", later),
            pytest.raises(es.EncoderError, match=r"at http://127\.0\.0\.1:2/v1 does not answer"),
        ):
            later.encode(["wolf"], "query")
    assert warm.find("key") is None
    for broken in ("", "{", "[]", '{"host": 1}', '{"started": "1"}'):
        warm._note("key").write_text(broken)
        assert warm.find("key") is None


def test_another_process_with_the_number_of_a_dead_server_is_not_asked(own_cache):
    """A note that outlives its server, as over a start of the system, leads to nobody who has its number now."""
    with warm.announced("key", warm.WarmModel("127.0.0.1", 1, os.getpid(), "m", "torch f32", TOKEN)):
        assert warm.find("key") is not None
        note = warm._note("key")
        note.write_text(json.dumps(json.loads(note.read_text()) | {"started": "1"}))
        assert warm.find("key") is None


def test_a_server_that_fails_is_made_up_for(own_cache, monkeypatch, caplog):
    """Where the server does not answer, the model is loaded here, with a word."""
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(ROOT / ".pytest_cache" / "embedsearch"))
    encoder = es.SentenceEncoder("all-MiniLM-L6-v2", es.load_encoder().folder)
    encoder._warm = warm.WarmModel("127.0.0.1", 1, os.getpid(), "m", "torch f32")
    assert describe(encoder)["server"].startswith("http://127.0.0.1:1/v1")
    assert encoder.encode(["wolf"]).shape == (1, 384)
    assert "does not answer" in caplog.text
    assert "server" not in describe(encoder)


# -- wrong usage ----------------------------------------------------------------------------------------


def test_wrong_usage_is_one_line(monkeypatch):
    """A taken port, a host that is none, a host of others without a token, a remote model, a missing extra."""
    monkeypatch.delenv("EMBEDSEARCH_SERVE_TOKEN", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        cases = {
            ("--port", port): f"cannot listen at 127.0.0.1:{port} (Address already in use); name another --port",
            ("--host", "0.0.0.0"): "set EMBEDSEARCH_SERVE_TOKEN to a secret that they must send",
            ("--encoder", "openai:m"): "openai:m is served elsewhere already",
        }
        for arguments, wanted in cases.items():
            failed = run("serve", *arguments)
            assert (failed.exit_code, failed.stdout) == (2, "")
            assert wanted in failed.stderr
            assert failed.stderr.count("\n") == 1
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uvicorn" else there(name))
    failed = run("serve")
    assert failed.stderr == 'Error: uvicorn is not installed; install it with: pip install "embedsearch[serve]"\n'


def test_a_server_of_an_int8_model_is_found(tmp_path, monkeypatch):
    """An index made in int8 wants that precision, which is no word on where the model runs; bf16 is one."""
    monkeypatch.setenv("EMBEDSEARCH_CACHE_DIR", str(tmp_path))
    wanted = es.load_encoder().identity
    eight = replace(wanted, precision="int8")
    model = warm.WarmModel("127.0.0.1", 1, os.getpid(), "m", "openvino int8")
    folder = es.load_encoder().folder
    with warm.announced(eight.key, model):
        assert SentenceEncoder("m", folder, Wish(precision="int8"))._warm == model
        assert SentenceEncoder("m", folder)._warm is None
    with warm.announced(wanted.key, model):
        assert SentenceEncoder("m", folder, Wish(precision="bf16"))._warm is None
