"""Documents that arrive with pauses between them, as those of ``tail -f FILE | embedsearch filter -`` do."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.documents.arriving import Arriving
from embedsearch.index.judging import batches

DOCUMENTS = [es.Document(f"d{place}", f"text {place}") for place in range(3000)]


@given(st.integers(0, 3000), st.integers(1, 900), st.integers(1, 20_000))
def test_what_arrives_without_a_pause_is_batched_as_any_other_stream(count, most, characters):
    """In order and complete, however little the thread may read ahead."""
    wanted = [*batches(DOCUMENTS[:count], most=most, characters=characters)]
    with Arriving(DOCUMENTS[:count]) as arriving:
        found = [*batches(arriving, most=most, characters=characters)]
    assert [document for batch in found for document in batch] == DOCUMENTS[:count]
    # A thread that is kept from running for a fifth of a second makes a batch end early; none is ever longer.
    assert len(found) >= len(wanted)
    assert all(len(batch) <= most for batch in found)


def test_a_batch_ends_where_no_document_comes_for_a_while():
    """It does not wait to be full, and what was made of those before is handed on before each wait."""
    goes_on, waits = threading.Event(), []

    def documents():
        yield from DOCUMENTS[:3]
        assert goes_on.wait(30)
        yield DOCUMENTS[3]

    with Arriving(documents(), waiting=lambda: waits.append(len(waits))) as arriving:
        found = batches(arriving, most=512, characters=1 << 20)
        assert next(found) == DOCUMENTS[:3]
        before = len(waits)
        threading.Timer(0.3, goes_on.set).start()
        assert next(found) == DOCUMENTS[3:4]
        assert len(waits) == before + 1
        assert next(found, None) is None


def test_an_error_comes_behind_the_documents_before_it():
    """As it does where nothing is read ahead."""

    def documents():
        yield from DOCUMENTS[:2]
        raise es.SourceError("line 3 is broken")

    with Arriving(documents()) as arriving:
        assert [next(arriving), next(arriving)] == DOCUMENTS[:2]
        for _ in range(2):
            with pytest.raises(es.SourceError, match="line 3 is broken"):
                next(arriving)


@pytest.mark.parametrize(("size", "most"), [(1, 1025), (1 << 21, 3), (1 << 23, 2)])
def test_only_so_much_is_read_ahead(size, most):
    """As many documents, or characters, as are held; the thread is rid of once nobody wants more."""
    read = []

    def documents():
        for place in range(5000):
            read.append(place)
            yield es.Document(f"d{place}", "x" * size)

    with Arriving(documents()) as arriving:
        next(arriving)
        (thread,) = (one for one in threading.enumerate() if one.name == "embedsearch-arriving")
        while not arriving.pauses() and len(read) < most + 1:
            time.sleep(0.01)
        time.sleep(0.1)
        assert len(read) == most + 1
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture
def running(predation):
    """Starts the command line on the shipped corpus, with pipes for what goes in and comes out."""
    pipe = subprocess.PIPE
    with contextlib.ExitStack() as stack:

        def start(*words):
            command = [sys.executable, "-m", "embedsearch", *words, "-i", predation]
            process = stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe))
            stack.callback(process.kill)
            return process

        yield start


@pytest.mark.parametrize(("end", "code", "said"), [("close", 0, "2 of 3 documents"), ("interrupt", 130, "Interr")])
def test_filter_answers_while_its_input_goes_on(running, end, code, said):
    """Each line that passes is there before the next is sent; an interrupt ends it while it waits for one."""
    process = running("filter", "-", "--where", '"wolf" in text')
    for line in (b'{"text": "a wolf"}\n', b'{"text": "a sheep"}\n{"text": "two wolf cubs"}\n'):
        os.write(process.stdin.fileno(), line)
        assert process.stdout.readline() == line.splitlines(keepends=True)[-1]
    if end == "interrupt":
        process.send_signal(signal.SIGINT)
    else:
        process.stdin.close()
    assert (process.wait(30), process.stdout.read()) == (code, b"")
    message = process.stderr.read().decode()
    assert message.startswith(said)
    assert "Fatal" not in message


def test_each_line_is_answered_when_it_is_asked(running):
    """A program can ask one question after another of a model that is loaded once."""
    process = running("search", "--each", "-", "-k", "1", "-f", "jsonl")
    for text in ("wolf", "loan sharks"):
        os.write(process.stdin.fileno(), f"{text}\n".encode())
        answer = json.loads(process.stdout.readline())
        assert (answer["query"], answer["id"]) == (text, f"p-{text.removesuffix('s').replace(' ', '-')}")
    process.stdin.close()
    assert (process.wait(30), process.stdout.read(), process.stderr.read()) == (0, b"", b"")
