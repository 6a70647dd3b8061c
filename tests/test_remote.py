"""Encoders behind an endpoint: what is sent, what is waited for, what is refused."""

import gc
import json
import logging
import socket
import threading
import time
import traceback
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from remote_endpoint import KEY, TEXTS, remote

import embedsearch as es
from embedsearch.encoders import describe, encode, encode_parts, identify
from embedsearch.encoders.answers import tokens_in, vectors_in
from embedsearch.encoders.endpoint import StoppedError
from embedsearch.encoders.estimates import about_tokens
from embedsearch.encoders.patience import Patience
from embedsearch.encoders.remote import PROBE, RemoteEncoder, _TooManyError
from embedsearch.encoders.settings import RemoteSettings
from embedsearch.testing import Answer, EmbeddingServer, HashEncoder, check_encoder, in_turn

pytestmark = pytest.mark.usefixtures("own_cache")


def fails(encoder, texts=("wolf",)):
    """Return the message of the error that encoding raises, after looking for the key in all that is shown of it."""
    with pytest.raises(es.EncoderError) as caught:
        encode(encoder, list(texts))
    shown = "".join(traceback.format_exception(caught.value)) + repr(encoder) + json.dumps(describe(encoder))
    assert KEY not in shown
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- what is asked and answered -------------------------------------------------------------------------


def test_a_remote_encoder_keeps_the_contract():
    """The vectors are those of the model behind the endpoint, in the order of the texts."""
    with EmbeddingServer(HashEncoder(6)) as server:
        encoder = remote(server, batch=3)
        check_encoder(encoder)
        assert np.allclose(encode(encoder, TEXTS), encode(HashEncoder(6), TEXTS), atol=1e-6)
        assert encoder.dimension == 6
        assert identify(encoder).name == "openai:hash"


def test_requests_are_as_the_field_has_them():
    """Model, texts, base64 and the key as bearer token are sent; dimensions only where asked for."""
    with EmbeddingServer(HashEncoder(4)) as server:
        encode(remote(server, key=KEY), ["wolf", "sheep"])
        encode(remote(server, name="openai:@cf/hash@4"), ["wolf"])
    assert server.requests[0] == {"model": "hash", "input": [PROBE, "wolf", "sheep"], "encoding_format": "base64"}
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert (server.requests[1]["model"], server.requests[1]["dimensions"]) == ("@cf/hash", 4)
    assert "authorization" not in server.headers[1]


def test_batches_are_bounded_by_texts_and_by_characters():
    """No request holds more texts than the batch, nor more than 200,000 characters unless it is one text."""
    with EmbeddingServer() as server:
        encode(remote(server, batch=4, concurrency=1), TEXTS)
        assert [len(request["input"]) for request in server.requests] == [4, 4, 3]
        server.requests.clear()
        encode(remote(server, concurrency=1), ["a" * 150_000, "b" * 150_000, "c"])
        assert [len(request["input"]) for request in server.requests] == [2, 2]


def test_vectors_are_put_in_order_by_their_index():
    """An answer in another order gives the same vectors."""

    def shuffled(request):
        vectors = encode(HashEncoder(4), request["input"])
        data = [{"index": place, "embedding": vector.tolist()} for place, vector in enumerate(vectors)]
        return Answer(body={"data": data[::-1]})

    with EmbeddingServer(answering=shuffled) as server:
        assert np.allclose(encode(remote(server), TEXTS), encode(HashEncoder(4), TEXTS), atol=1e-6)


@given(st.permutations(range(5)), st.booleans(), st.data())
def test_any_order_and_either_encoding_is_read(order, packed, data):
    """Whatever order the records come in, row i belongs to text i."""
    import base64

    rows = np.array([[place + 1.0, -place] for place in range(5)], dtype="<f4")
    wire = [base64.b64encode(row.tobytes()).decode() if packed else row.tolist() for row in rows]
    answer = {"data": [{"index": place, "embedding": wire[place]} for place in order]}
    assert vectors_in(answer, 5).tolist() == rows.tolist()


def test_requests_go_out_together():
    """Four requests are under way at once, which none of them could be if they waited for each other."""
    barrier = threading.Barrier(4, timeout=20)

    def together(request):
        if request["input"][0] != PROBE:
            barrier.wait()

    with EmbeddingServer(answering=together) as server:
        encode(remote(server, batch=1, concurrency=4), TEXTS[:8])
    assert len(server.requests) == 9


def test_a_server_that_takes_fewer_texts_gets_fewer():
    """A batch found too large is halved, and later ones are of that size; nothing is lost."""

    def small(request):
        if len(request["input"]) > 3:
            return Answer(422, {"error": "batch size 7 > maximum allowed batch size 3"})
        return None

    with EmbeddingServer(answering=small) as server:
        encoder = remote(server, batch=8, concurrency=1)
        assert np.allclose(encode(encoder, TEXTS), encode(HashEncoder(), TEXTS), atol=1e-6)
        sent = len(server.requests)
        encode(encoder, TEXTS)
    assert all(len(request["input"]) <= 3 for request in server.requests[sent:])


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "'$.input' is invalid. array too long. Expected an array with maximum length 4"),
        (400, "Requested 450000 tokens, max 300000 tokens per request"),
        (400, "The max allowed tokens per submitted batch is 120000."),
        (422, "List should have at most 4 items after validation, not 16"),
        (413, "too large"),
    ],
)
def test_whatever_a_batch_is_refused_for_it_is_halved(status, reason):
    """Each endpoint has words of its own for a batch that is too large, so none are read."""

    def small(request):
        return Answer(status, {"error": {"message": reason}}) if len(request["input"]) > 4 else None

    with EmbeddingServer(answering=small) as server:
        assert np.allclose(encode(remote(server, batch=16), TEXTS), encode(HashEncoder(), TEXTS), atol=1e-6)


def test_the_error_is_what_failed_and_not_what_was_given_up_for_it():
    """Whichever of three requests that end together is looked at first: the one that was refused is told."""

    class Refused(es.EncoderError):
        pass

    for _ in range(60):
        together = threading.Barrier(3, timeout=20)
        raised = iter((Refused("no"), StoppedError("given up"), _TooManyError()))
        encoder = RemoteEncoder("openai:hash", RemoteSettings(url="http://127.0.0.1:1", concurrency=3))

        def failing(texts, stop, together=together, raised=raised):
            if (error := next(raised, None)) is None:  # a half of what held too many
                raise StoppedError("given up")
            together.wait()
            raise error

        encoder._send = failing
        with pytest.raises(Refused):
            list(encoder._concurrently(TEXTS[:6], [[0, 1], [2, 3], [4, 5]]))


def test_what_was_halved_is_kept_when_the_rest_fails():
    """Each part of a batch that was too large counts for itself: what was answered is yielded before the error."""

    def small(request):
        if len(request["input"]) > 3:
            return Answer(413, {"error": "too large"})
        return Answer(400, {"error": "no"}) if TEXTS[5] in request["input"] else None

    with EmbeddingServer(answering=small) as server:
        encoder, parts = remote(server, batch=8, concurrency=1), []
        encoder.probe()
        with pytest.raises(es.EncoderError, match=r"\(400, no\)"):
            parts += encode_parts(encoder, TEXTS)
    assert {TEXTS[place] for places, _ in parts for place in places} == {*server.embedded} - {PROBE}
    assert server.embedded


def test_many_batches_are_all_sent():
    """More batches than requests that may be under way: each text is sent once."""
    texts = [f"text {number}" for number in range(500)]
    with EmbeddingServer() as server:
        encode(remote(server, batch=5, concurrency=3), texts)
    assert sorted(server.embedded) == sorted([PROBE, *texts])


def test_a_server_without_base64_is_asked_for_floats():
    """The refusal of base64 costs one request; from then on floats are asked for."""

    def old(request):
        refused = request["encoding_format"] == "base64"
        return Answer(400, {"error": {"message": "encoding_format base64 is not supported"}}) if refused else None

    with EmbeddingServer(answering=old) as server:
        encoder = remote(server)
        assert np.allclose(encode(encoder, TEXTS), encode(HashEncoder(), TEXTS), atol=1e-6)
    assert [request["encoding_format"] for request in server.requests] == ["base64", "float"]


def test_the_dimension_is_asked_for_once_and_kept():
    """Another process knows the dimension without a request, and sends the probe with its first texts."""
    with EmbeddingServer(HashEncoder(5)) as server:
        assert remote(server).dimension == 5
        again = remote(server)
        assert again.dimension == 5
        assert len(server.requests) == 1
        encode(again, ["wolf"])
    assert server.requests[1]["input"] == [PROBE, "wolf"]


def test_tokens_are_estimated_from_above_and_counted_as_told():
    """Words count a token for every four letters begun, signs one; what the endpoint says it read adds up."""
    assert about_tokens("a wolf, unbelievably hungry") == 1 + 1 + 1 + 3 + 2
    assert about_tokens("") == 0
    assert about_tokens("a wolf — волк") == 1 + 1 + 5  # 1 and 4 times .8, rounded up
    assert about_tokens("naïve 狼 🐺") == 1 + 6  # 1.4, 1.45 and 2.8
    with EmbeddingServer() as server:
        encoder = remote(server, price=20.0)
        encode(encoder, ["two words"])
        assert encoder.tokens_used == len(PROBE.split()) + 2
        assert encoder.price_of(1_500_000) == 30.0
        assert remote(server).price_of(5) is None


def test_tokens_of_an_answer_that_is_of_no_use_count():
    """What the endpoint has read is paid for, whatever it gives for it."""
    useless = Answer(body={"data": [{"embedding": [0, 0]}] * 2, "usage": {"prompt_tokens": 7}})
    with EmbeddingServer(answering=lambda request: useless) as server:
        encoder = remote(server)
        assert "only zero values" in fails(encoder)
    assert encoder.tokens_used == 7


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [({"prompt_tokens": 3, "total_tokens": 4}, 3), ({"prompt_tokens": None, "total_tokens": 4}, 4),
     ({"prompt_tokens": -3, "total_tokens": "4"}, 0), ({}, 0), (None, 0)],
)  # fmt: skip
def test_tokens_are_those_that_an_answer_tells(usage, tokens):
    """Where those of the prompt are null or missing, all tokens count."""
    assert tokens_in({"usage": usage}) == tokens


# -- what may pass --------------------------------------------------------------------------------------


def test_retry_after_is_honoured_in_seconds(clock):
    """A server that asks for 7 seconds gets them, and a little more so that not all come at once."""
    with EmbeddingServer(answering=in_turn(Answer(429, headers={"Retry-After": "7"}))) as server:
        encode(remote(server, clock), ["wolf"])
    assert clock.waited == [7.5]


def test_retry_after_is_honoured_as_a_date(clock):
    """An HTTP date is so many seconds from now; one in the past is none."""
    later = Answer(503, headers={"Retry-After": formatdate(clock.now() + 9, usegmt=True)})
    passed = Answer(503, headers={"Retry-After": formatdate(clock.now() - 9, usegmt=True)})
    with EmbeddingServer(answering=in_turn(later, passed)) as server:
        encode(remote(server, clock, draw=0.0), ["wolf"])
    assert clock.waited == [9.0, 0.0]


def test_waiting_doubles_with_jitter(clock):
    """Without a word from the server: half (the draw) of 1, 2, 4, 8, 16 seconds, and never over half of 30."""
    with EmbeddingServer(answering=in_turn(*[Answer(500)] * 5)) as server:
        encode(remote(server, clock), ["wolf"])
    assert clock.waited == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert Patience(draw=lambda: 1.0).seconds(20, None) == 30.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"retry-after": "1.5"}, 1.5), ({"retry-after-ms": "250", "retry-after": "9"}, 0.25), ({}, None),
     ({"retry-after": "soon"}, None), ({"retry-after": "-3"}, None), ({"retry-after": "nan"}, None),
     ({"retry-after": "inf"}, None), ({"retry-after": "Thu, 99 Foo 2026 00:00:00 GMT"}, None)],
)  # fmt: skip
def test_nonsense_in_retry_after_is_no_wait(headers, seconds):
    """Seconds, milliseconds, or nothing that can be understood."""
    assert Patience().asked(headers) == seconds


def test_all_requests_wait_when_one_is_told_to(clock):
    """A limit is that of the account: a request that has not been sent waits too."""
    with EmbeddingServer() as server:
        encoder = remote(server, clock)
        encode(encoder, ["wolf"])
        encoder._endpoint._resume_at = clock.now() + 4
        encode(encoder, ["sheep"])
    assert clock.waited == [4.0]


def test_a_request_that_waits_looks_again(clock):
    """What the server asks of another request meanwhile is waited for too."""
    with EmbeddingServer() as server:
        encoder = remote(server, clock)
        encode(encoder, ["wolf"])
        endpoint, wait = encoder._endpoint, clock.wait
        endpoint._resume_at = clock.now() + 4

        def longer(stop, seconds):
            if len(clock.waited) == 0:
                endpoint._resume_at += 3
            return wait(stop, seconds)

        endpoint.patience = Patience(wait=longer, now=clock.now)
        encode(encoder, ["sheep"])
    assert clock.waited == [4.0, 3.0]


def test_two_minutes_are_waited_for(clock):
    """What is drawn on top of the time that the server asks for does not count."""
    with EmbeddingServer(answering=in_turn(Answer(429, headers={"Retry-After": "120"}))) as server:
        encode(remote(server, clock), ["wolf"])
    assert clock.waited == [120.5]


def test_a_wait_beyond_reason_is_an_error(clock):
    """Two hours are not waited for; the line says how long it would be."""
    with EmbeddingServer(answering=in_turn(Answer(429, headers={"Retry-After": "7200"}))) as server:
        message = fails(remote(server, clock, draw=0.0))
    assert "asks to wait 7,200 s (429" in message
    assert clock.waited == []


def test_a_server_that_stays_down_is_given_up(clock):
    """Six attempts, then one line with the last reason; a long wait is told before it begins."""
    with EmbeddingServer(answering=lambda request: Answer(503, {"error": {"message": "overloaded"}})) as server:
        message = fails(remote(server, clock))
    assert "did not answer in 6 attempts: 503, overloaded. What was embedded is kept" in message
    assert len(server.requests) == 6


def test_a_long_wait_is_told(caplog):
    """What takes seconds is said on the log, with the reason."""
    with (
        caplog.at_level(logging.WARNING),
        EmbeddingServer(answering=in_turn(Answer(429, headers={"Retry-After": "20"}))) as server,
    ):
        encode(remote(server), ["wolf"])
    assert "429, Too Many Requests; sent again in 20 s (attempt 2 of 6)" in caplog.text


# -- what will not pass ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (Answer(401, {"error": {"message": f"Incorrect API key: {KEY}"}}), "refuses the key in OPENAI_API_KEY (401, "
         "Incorrect API key: [key])"),
        (Answer(403, {"detail": "no access"}), "refuses the key in OPENAI_API_KEY (403, no access)"),
        (Answer(404, {"error": {"message": "no such model"}}), "is not there (404, no such model): check the model and "
         "OPENAI_BASE_URL."),
        (Answer(400, {"error": {"message": "maximum context length is 8192 tokens"}}), "The text has about 6 tokens: "
         "'A wolf in winter.'…. Shorten it, or have shorter passages made: EMBEDSEARCH_REMOTE_PASSAGE_TOKENS below"),
        (Answer(400, {"error": {"message": "bad"}}), "refuses the request (400, bad)"),
        (Answer(429, {"error": {"message": "pay", "code": "insufficient_quota"}}), "quota is used up (429, pay)"),
        (Answer(200, b"<html>welcome"), "answered with what is not JSON: '<html>welcome'"),
        (Answer(200, {"data": [{"index": 0, "embedding": [1.0]}]}), "gave 1 vectors for 2 texts"),
        (Answer(200, {"data": [{"index": 5, "embedding": [1]}] * 2}), "did not number its vectors from 0 to"),
        (Answer(200, {"data": [{"embedding": [1]}, {"embedding": [1, 2]}]}), "vectors of different lengths: 1, 2"),
        (Answer(200, {"data": [{"embedding": [1, float("nan")]}] * 2}), "a vector of NaN, infinite or only zero"),
        (Answer(200, {"data": [{"embedding": [1, 1e300]}] * 2}), "a vector of NaN, infinite or only zero"),
        (Answer(200, b" " * (3 << 20)), "answered with more than 2,097,152 bytes. Check OPENAI_BASE_URL"),
        (Answer(200, {"data": [{"embedding": [0, 0]}] * 2}), "a vector of NaN, infinite or only zero"),
        (Answer(200, {"data": [{"embedding": "!?"}] * 2}), "gave an embedding that is no list of numbers"),
        (Answer(200, {"data": [{"embedding": {"a": 1}}] * 2}), "gave an embedding that is no list of numbers"),
        (Answer(200, {"object": "list"}), "answered without a list of embeddings under 'data'"),
        (Answer(200, ["what"]), "answered without a list of embeddings under 'data'"),
    ],
)  # fmt: skip
def test_each_fault_is_one_line_at_once(answer, wanted, clock):
    """Faults that no waiting mends are told after one request, with what to do, and never with the key."""
    check_told_at_once(answer, wanted, clock)


def test_an_answer_nested_too_deep_is_one_line_at_once(clock):
    """JSON that no stack is deep enough for is told like any other that cannot be read."""
    # What earlier tests have left must not be finalised at the bottom of that stack, where nothing can be called.
    gc.collect()
    check_told_at_once(Answer(200, b"[" * 100_000), "answered with what is not JSON", clock)


def check_told_at_once(answer, wanted, clock):
    with EmbeddingServer(answering=lambda request: answer) as server:
        message = fails(remote(server, clock, key=KEY))
    assert wanted in message
    assert server.url in message
    assert clock.waited == []
    # What may be the fault of one text is found out for each half.
    assert len(server.requests) <= (3 if answer.status == 400 else 1)


def test_a_wrong_model_is_corrected():
    """Where the endpoint lists its models, the likeliest one is named."""
    with EmbeddingServer(answering=lambda request: Answer(404)) as server:
        assert fails(remote(server, name="openai:hush")).endswith("Did you mean 'hash'?")


@pytest.mark.parametrize("before", [30, 150, 175, 190])
@pytest.mark.parametrize(
    "answer",
    [
        lambda text: Answer(401, {"error": {"message": text}}),
        lambda text: Answer(500, {"message": text}),
        lambda text: Answer(200, f"{text} is no JSON".encode()),
        lambda text: Answer(200, {"error": text}),
        lambda text: Answer(200, {"data": [{"embedding": [text]}] * 2}),
        lambda text: Answer(200, {"data": [{"index": text, "embedding": [1]}] * 2}),
        lambda text: Answer(301, None, {"Location": text.replace("\x1b[2J", "")}),
    ],
)
def test_no_part_of_the_key_and_no_control_character_is_shown(answer, before):
    """Whatever a server repeats, and wherever the line is cut: the key is taken out of it first."""
    with EmbeddingServer(answering=lambda request: answer(f"{'x' * before}\x1b[2J{KEY} {KEY}")) as server:
        message = fails(remote(server, key=KEY))
    assert not any(KEY[start : start + 6] in message for start in range(len(KEY) - 5))
    assert message.isprintable()


def test_a_server_that_wants_a_key_says_so():
    """Without a key the line names the variable to set."""
    with EmbeddingServer(
        answering=in_turn(Answer(401, {"error": "who are you?"}), Answer(403, {"error": "no"}))
    ) as server:
        assert "wants a key (401, who are you?): set OPENAI_API_KEY" in fails(remote(server))
        wanted = "refuses access (403, no): check OPENAI_BASE_URL, and set OPENAI_API_KEY if it wants a key"
        assert wanted in fails(remote(server))


def test_nothing_there_is_told_at_once(clock):
    """A port where nobody listens is not tried six times; the line says what to check."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    encoder = RemoteEncoder("openai:hash", RemoteSettings(url=url), patience=Patience(wait=clock.wait, now=clock.now))
    message = fails(encoder)
    assert f"nothing answers at {url}" in message
    assert "start the server there, or check OPENAI_BASE_URL" in message
    assert clock.waited == []


def test_a_server_that_cannot_be_trusted_is_named():
    """Where TLS fails, nothing is sent and the line says that it is about trust."""
    with EmbeddingServer() as server:
        settings = RemoteSettings(url=server.url.replace("http:", "https:"), key=KEY)
        message = fails(RemoteEncoder("openai:hash", settings))
    assert "cannot be trusted" in message
    assert server.requests == []


def test_silence_is_an_error_after_its_time(clock):
    """A server that does not respond in time is asked again, then given up; no thread is left waiting."""
    release = threading.Event()
    with EmbeddingServer(answering=lambda request: release.wait(20) and None) as server:
        encoder = remote(server, clock, timeout=0.1)
        message = fails(encoder)
        release.set()
    assert "did not answer in 6 attempts: no whole response within 0.1 s" in message


def test_a_response_that_drips_is_an_error_after_its_time(clock):
    """A server that sends a byte at a time, each in time, is given up when all together are not."""

    class Dripping(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            with suppress(ConnectionError):
                while True:
                    self.wfile.write(b" ")
                    time.sleep(0.02)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Dripping) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        settings = RemoteSettings(url=f"http://127.0.0.1:{server.server_address[1]}/v1", timeout=0.2)
        began = time.monotonic()
        message = fails(RemoteEncoder("openai:hash", settings, patience=Patience(wait=clock.wait, now=clock.now)))
        assert "did not answer in 6 attempts: no whole response within 0.2 s" in message
        assert time.monotonic() - began < 20
        server.shutdown()


@pytest.mark.parametrize(
    ("location", "advice"),
    [
        ("https://elsewhere/v1/embeddings", "set OPENAI_BASE_URL to https://elsewhere/v1"),
        ("https://me:secret@elsewhere/v1/embeddings/?token=x", "set OPENAI_BASE_URL to https://elsewhere/v1"),
        ("/api/v1/embeddings", "set OPENAI_BASE_URL to {origin}/api/v1"),
        ("https://elsewhere/login?next=v1", "check OPENAI_BASE_URL, which leads to https://elsewhere/login"),
        ("/v1/embeddings/", "check OPENAI_BASE_URL, which leads to {origin}/v1/embeddings"),
        ("https://[broken/embeddings", "check OPENAI_BASE_URL, which leads to https://[broken/embeddings"),
        ("", "check OPENAI_BASE_URL"),
    ],
)
def test_a_redirect_is_advice_that_works(location, advice, clock):
    """What is to be set is the base URL, not the address of the request, and only where it leads to an endpoint."""
    with EmbeddingServer(answering=lambda request: Answer(308, None, {"Location": location})) as server:
        message = fails(remote(server, clock))
    assert message.endswith(f" is elsewhere (308): {advice.format(origin=server.url.removesuffix('/v1'))}")
    assert len(server.requests) == 1


def test_a_dimension_that_changes_from_request_to_request_is_refused():
    """Two models behind one address (a balancer gone wrong) are found out before the vectors meet."""
    with EmbeddingServer(HashEncoder(4)) as server:

        def changing(request):
            server.encoder = HashEncoder(4 if PROBE in request["input"] else 6)

        server.answering = changing
        assert "gave vectors of 6 dimensions, wanted 4" in fails(remote(server, batch=2), TEXTS)


def test_another_dimension_is_refused():
    """A model that answers with another number of dimensions than before is another model."""
    with EmbeddingServer(HashEncoder(4)) as server:
        encoder = remote(server)
        assert encoder.dimension == 4
        server.encoder = HashEncoder(6)
        assert "gave vectors of 6 dimensions, wanted 4" in fails(encoder)
        assert remote(server).dimension == 6  # what was known of the old one is forgotten
        assert "gave vectors of 6 dimensions, wanted 3" in fails(remote(server, name="openai:hash@3"))


@pytest.mark.parametrize(
    ("variable", "value", "wanted"),
    [
        ("OPENAI_BASE_URL", "localhost:8000", "OPENAI_BASE_URL is 'localhost:8000'; wanted a URL such as https"),
        ("OPENAI_BASE_URL", "ftp://me:secret@x/v1", "OPENAI_BASE_URL is 'ftp://x/v1'; wanted a URL"),
        ("OPENAI_BASE_URL", "me:secret@x/v1", "OPENAI_BASE_URL is 'x/v1'; wanted a URL"),
        ("OPENAI_BASE_URL", "http://[::1/v1", "OPENAI_BASE_URL is 'http://[::1/v1'; wanted a URL"),
        ("OPENAI_API_KEY", "sk-\u2026", "OPENAI_API_KEY holds characters that no key has (not shown)"),
        ("OPENAI_API_KEY", "", "OPENAI_API_KEY is not set"),
        ("EMBEDSEARCH_REMOTE_BATCH", "0", "EMBEDSEARCH_REMOTE_BATCH is '0'; wanted a whole number of at least 1"),
        ("EMBEDSEARCH_REMOTE_CONCURRENCY", "many", "wanted a whole number of at least 1"),
        ("EMBEDSEARCH_REMOTE_TIMEOUT", "nan", "wanted a number of at least 0.1"),
        ("EMBEDSEARCH_REMOTE_PRICE", "-1", "wanted a number of at least 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(variable, value, wanted, monkeypatch):
    """Each variable of the environment is checked before anything is sent; secrets are not repeated."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv(variable, value)
    with pytest.raises(es.EncoderError) as caught:
        es.load_encoder("openai:text-embedding-3-small")
    assert wanted in str(caught.value)
    assert KEY not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_what_a_remote_encoder_cannot_do_is_refused(monkeypatch):
    """Engines and devices are of models that run here; a name needs a model."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(es.EncoderError, match="is computed elsewhere: leave out"):
        es.load_encoder("openai:hash", engine="torch")
    with pytest.raises(es.EncoderError, match="names no model; wanted openai:MODEL"):
        es.load_encoder("openai:")


def test_a_key_over_http_is_warned_of(caplog):
    """A key that others on the way could read is worth a line; on this machine it is not."""
    assert RemoteSettings(url="http://far.example/v1", key=KEY).sends_key_in_the_open
    assert not RemoteSettings(url="http://localhost:1/v1", key=KEY).sends_key_in_the_open
    assert not RemoteSettings(url="https://far.example/v1", key=KEY).sends_key_in_the_open
    assert KEY not in repr(RemoteSettings(key=KEY))
