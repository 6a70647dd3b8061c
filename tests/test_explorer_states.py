"""The interface of the explorer while its index changes, and while many ask at once."""

import json
import threading
from http.client import HTTPConnection

import numpy as np
import pytest
from explorer_server import exploring, numbers

import embedsearch as es
from embedsearch.explorer.application import ASKED, REPEATABLE
from embedsearch.testing import HashEncoder, TableEncoder


def test_about_tells_each_change_of_documents_and_no_label(client, path, encoder):
    """A number grows with what is added, deleted, or says something else in the same place; not with the same again."""
    seen = [client.ask("index")["generation"]]
    with es.open(path, encoder=encoder) as other:
        wolf = other.get("id-wolf")
        other.add(es.Document("id-wolf", "wolf", metadata={**wolf.metadata, "kind": "beast"}))
        seen.append(client.ask("index")["generation"])
        other.add(es.Document("id-wolf", "grass", metadata=wolf.metadata))
        seen.append(client.ask("index")["generation"])
        assert len(set(seen)) == 3
        assert seen == sorted(seen)
        other.add(es.Document("id-wolf", "grass", metadata=wolf.metadata))
        other.labels.add("id-wolf", "relevant")
    assert client.ask("index")["generation"] == seen[-1]


def test_every_answer_says_of_which_state_of_the_index_it_is(client, path, encoder):
    """It differs after axes, passages or anything elsewhere have changed, and after a trial, for refusals too."""

    def state(question="index", /, **fields):
        body, kind = json.dumps(fields), {"Content-Type": "application/json"}
        return client.send("POST", f"/api/{question}", body, kind)[1]["embedsearch-state"]

    first = state()
    assert client.ask("index")["state"] == first == state("search", text="wolf") == state("screen/start", topic="shark")
    assert client.ask("index")["tried"] is None
    seen = [first, state("axes/try", low=["mouse"], high=["shark"]), state("axes/try", low=["mouse"], high=["wolf"])]
    assert client.ask("index")["tried"]["high"] == ["wolf"]
    seen.append(state("axes/save", name="third"))
    with es.open(path, encoder) as index:
        index.labels.named("hunters").add("id-wolf", "relevant")
        seen.append(state("nothing"))  # of a question that is none nothing is asked
        seen.append(state())
        assert client.ask("index")["screenings"] == ["main", "hunters"]
        index.axes.delete("size")
        seen.append(state("search", text="wolf", axes=["size"]))
        index.delete(["id-mouse"])
        seen.append(state("search", text="wolf"))
    assert seen[4] == seen[3]
    assert len(set(seen)) == len(seen) - 1
    with exploring(path, encoder=encoder) as other:
        assert other.ask("index")["state"] not in seen


def test_another_writer_is_named(client, path, encoder):
    """While another process writes, a label is refused with 409, and all other questions are answered."""
    with es.open(path, encoder) as other, other._store.locked():
        status, message = client.refusal("screen/label", id="id-wolf", label="relevant")
        assert status == 409
        assert "another process is writing" in message
        assert client.ask("search", text="wolf", k=1)["hits"][0]["id"] == "id-wolf"


def test_while_another_writes_the_next_record_is_read(client, path, encoder):
    """It is answered, and that it was shown is kept with the label that follows, before it."""
    client.ask("screen/start", topic="shark")
    with es.open(path, encoder) as other, other._store.locked():
        assert client.ask("screen/next")["record"]["id"] == "id-shark"
        assert client.ask("screen/next", after=["id-shark"])["record"]["id"] == "id-wolf"
        assert client.refusal("screen/label", id="id-wolf", label="relevant")[0] == 409
    client.ask("screen/label", id="id-wolf", label="relevant")
    with es.open(path, encoder) as index:
        events = index.labels.named("main").history()
    assert [event.kind for event in events] == ["settings", "shown", "label"]
    assert events[1].details["ids"] == ["id-wolf"]


def test_an_index_that_grows_is_seen(client, path, encoder):
    """What another process adds or removes is in the next answer, and coordinates are those of the new population."""
    before = client.ask("points", x="size", y="predatoriness")
    with es.open(path, encoder) as other:
        other.add([es.Document("new", "politician", metadata={"kind": "person", "year": 3000})])
        other.delete(["id-grass"])
        expected = other.population(["size"]).coordinates[:, 0]
    after = client.ask("points", x="size", y="predatoriness", field="year")
    assert (before["total"], after["total"]) == (8, 8)
    assert np.allclose(numbers(after["x"], "<f4"), expected)
    assert "3000" in after["field"]["names"]


def test_rows_that_were_drawn_before_a_compaction_are_refused(client, path, encoder):
    """Numbers of rows mean other passages after `compact`; nothing is exported in the place of what was chosen."""
    drawn = client.ask("points", x="size", y="predatoriness")
    rows = numbers(drawn["rows"], "<i4").tolist()
    chosen = {"rows": rows[3:5], "epoch": drawn["epoch"]}
    assert [one["id"] for one in client.ask("passages", **chosen)["passages"]] == ["id-whale", "id-mouse"]
    with es.open(path, encoder) as other:
        other.delete(["id-wolf"])
        assert client.ask("passages", **chosen)["passages"][0]["id"] == "id-whale"  # rows stay what they were
        assert client.refusal("passages", rows=[1, 2], epoch=drawn["epoch"])[0] == 409  # the first of the two is gone
        other.compact()
    for name, more in (("passages", {}), ("words", {}), ("export", {"format": "jsonl", "axes": ["size"]})):
        status, message = client.refusal(name, **chosen, **more)
        assert (status, "ask for the points again" in message) == (409, True)
    again = client.ask("points", x="size", y="predatoriness")
    assert again["epoch"] == drawn["epoch"] + 1
    now = {"rows": numbers(again["rows"], "<i4").tolist()[2:4], "epoch": again["epoch"]}
    assert [one["id"] for one in client.ask("passages", **now)["passages"]] == ["id-whale", "id-mouse"]


class MeddlingEncoder(TableEncoder):
    """Lets something happen elsewhere, once, while it encodes."""

    meanwhile = None

    def encode(self, texts):
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return super().encode(texts)


def test_points_are_of_one_state(path, encoder):
    """Rows and coordinates belong together when another process deletes documents while a condition is asked."""
    meddling = MeddlingEncoder(encoder.table | {"anything": [0.0, 0.0, 1.0]})

    def delete():
        with es.open(path, encoder) as other:
            other.delete(["id-sheep"])

    with es.open(path, encoder) as index:
        before = index.population(["size", "predatoriness"])
    with exploring(path, encoder=meddling) as client:
        meddling.meanwhile = delete
        found = client.ask("points", x="size", y="predatoriness", where='near("anything") > -2')
        assert meddling.meanwhile is None
        assert numbers(found["rows"], "<i4").tolist() == before.rows.tolist()
        assert numbers(found["x"], "<f4").tolist() == pytest.approx(before.coordinates[:, 0].tolist(), abs=1e-6)
        assert client.ask("points", x="size", y="predatoriness")["total"] == len(before) - 1


def test_nothing_is_done_for_those_who_wait_no_longer(tmp_path):
    """What the page asked and gave up while another question was answered is not looked for; what may write is done."""

    class Slow(HashEncoder):
        begun, go = threading.Event(), threading.Event()

        def encode(self, texts):
            self.begun.set()
            assert self.go.wait(60)
            return super().encode(texts)

    with es.Index.create(tmp_path / "index", HashEncoder()) as index:
        index.add([es.Document("a", "wolf"), es.Document("b", "sheep")])
    encoder = Slow()
    with exploring(tmp_path / "index", encoder=encoder) as client:
        first = threading.Thread(target=client.ask, args=("search",), kwargs={"text": "first"})
        first.start()
        assert encoder.begun.wait(60)
        for text in ("second", "third"):
            connection = HTTPConnection("127.0.0.1", client.port)
            connection.request("POST", "/api/search", json.dumps({"text": text}), {"Content-Type": "application/json"})
            connection.close()
        last = threading.Thread(target=client.ask, args=("search",), kwargs={"text": "fourth"})
        last.start()
        for _ in range(5):  # by the time that a page is there, the server has met what came before it
            page = HTTPConnection("127.0.0.1", client.port)
            page.request("GET", "/")
            assert page.getresponse().read()
            page.close()
        encoder.go.set()
        first.join()
        last.join()
    assert encoder.encoded == ["first", "fourth"]
    writing = {"axes/try", "axes/save", "screen/status", "screen/start", "screen/next", "screen/label", "screen/undo"}
    assert {name for name, question in ASKED.items() if question not in REPEATABLE} == writing


def test_many_ask_at_once(tmp_path):
    """Twenty readers and a writer of axes: every answer is whole, and all are the same."""
    with es.Index.create(tmp_path / "index", HashEncoder(16)) as index:
        index.add(es.Document(str(place), f"text {place}") for place in range(300))
        index.axes.save(es.Axis("size", ["small"], ["large"]))
    with exploring(tmp_path / "index", encoder=HashEncoder(16)) as client:
        answers, failed = [], []

        def read():
            try:
                answers.extend(
                    [hit["id"] for hit in client.ask("search", text="text 7", k=5)["hits"]] for _ in range(5)
                )
            except AssertionError as error:
                failed.append(error)

        readers = [threading.Thread(target=read) for _ in range(20)]
        for reader in readers:
            reader.start()
        for place in range(5):
            client.ask("axes/try", low=[f"low {place}"], high=["high"])
            client.ask("axes/save", name=f"axis{place}")
        for reader in readers:
            reader.join()
    assert not failed
    assert len(answers) == 100
    assert all(answer == answers[0] for answer in answers)
