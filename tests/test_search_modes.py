"""Hybrid, dense and lexical search; one answer a passage or one a document; what the command line shows of it."""

import json

import numpy as np
import pytest
from conftest import run
from hypothesis import given, settings
from hypothesis import strategies as st

import embedsearch as es
from embedsearch.index import ranking
from embedsearch.testing import HashEncoder, TableEncoder

WORDS = ["wolf", "kelp", "crab", "moth", "pond", "bark"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
QUERY = "wolf kelp moth"


def build(folder, texts: list[str]) -> es.Index:
    """Return an index of passages of three words, several a document, with a field n."""
    index = es.Index.create(folder, HashEncoder(4), chunk_words=3, overlap=0)
    index.add([es.Document(f"d{n}", text, metadata={"n": n}) for n, text in enumerate(texts)])
    return index


def scored_one_by_one(index: es.Index, allowed=lambda _: True) -> list[tuple[str, float]]:
    """Return every allowed passage with its fused score by the formula of the manual, best first."""
    k = 10_000
    cosines = {hit.id: hit for hit in index.search(QUERY, mode="dense", k=k) if allowed(hit)}
    words = {hit.id: hit.bm25 for hit in index.search(QUERY, mode="lexical", k=k) if allowed(hit)}
    best = max((hit.score for hit in cosines.values()), default=0)
    fused = {}
    for id, hit in cosines.items():
        meaning = hit.score / best if best > 0 else hit.score
        told = id in words and max(words.values()) > 1e-3  # a word of most passages has 1e-6
        fused[id] = 0.6 * meaning + (0.4 * words[id] / max(words.values()) if told else 0)
    return sorted(fused.items(), key=lambda pair: -pair[1])


class TestHybrid:
    """Meaning and words together."""

    @pytest.mark.parametrize(
        ("limit", "query", "looked_up"),
        [
            (5, "wolf kelp", "kelp"),
            (5, "wolf crab", "crab"),
            (10, "wolf kelp", "wolf kelp"),
            (5, "wolf xylophone", "wolf"),
        ],
    )
    def test_words_that_very_many_passages_have_are_left_to_rarer_ones(
        self, tmp_path, monkeypatch, limit, query, looked_up
    ):
        """In a large index a common word is looked up only where the query has no rarer one that any passage has."""
        monkeypatch.setattr(ranking, "_MOST_MATCHES", limit)
        texts = ["wolf pond"] * 8 + ["kelp wolf"] * 2 + ["crab moth"] * 7 + ["bark pond"] * 40
        with build(tmp_path / "index", texts) as index:
            words = {hit.id: hit.bm25 for hit in index.search(looked_up, mode="lexical", k=99)}
            hits = index.search(query, mode="hybrid", k=57)
            assert len(hits) == 57
            assert {hit.id: hit.bm25 for hit in hits if hit.bm25} == pytest.approx(words)
            assert len(index.search(query, mode="lexical", k=99)) > 2  # there every word is looked up

    @settings(max_examples=20, deadline=None)
    @given(texts=st.lists(TEXTS, min_size=1, max_size=30), k=st.integers(1, 12), least=st.integers(0, 3))
    def test_the_answers_are_those_of_scoring_everything(self, tmp_path_factory, texts, k, least):
        """However few candidates are taken from each list, the k best are exact, in the passages a condition allows."""
        original, ranking._LEAST_CANDIDATES = ranking._LEAST_CANDIDATES, 1
        try:
            with build(tmp_path_factory.mktemp("hybrid") / "index", texts) as index:
                hits = index.search(QUERY, k=k, where=f"n >= {least}")
                wanted = scored_one_by_one(index, lambda hit: hit.metadata["n"] >= least)
        finally:
            ranking._LEAST_CANDIDATES = original
        assert len(hits) == min(k, len(wanted))
        assert [hit.fused for hit in hits] == pytest.approx([score for _, score in wanted[:k]], 1e-6, 1e-6)
        assert {hit.id: hit.fused for hit in hits} == pytest.approx(
            {hit.id: dict(wanted)[hit.id] for hit in hits}, 1e-6, 1e-6
        )

    def test_the_score_stays_the_cosine(self, index):
        """A hit of a hybrid search has its cosine, its BM25 and the fused number; the best of both is 1."""
        index.encoder.table["spider and grass"] = [0.6, -0.8, 0.0]
        first, *_, last = index.search("spider and grass", k=8)
        assert (first.text, last.text) == ("spider", "whale")
        assert (first.score, first.fused) == pytest.approx((1.0, 1.0), abs=1e-6)
        assert last.bm25 == 0
        assert first.to_dict()["bm25"] == first.bm25 > 0

    def test_is_the_default_for_more_than_one_word(self, index):
        """A lone word, a document or a vector is searched by meaning; two words by both."""
        index.encoder.table["wolf shark"] = [1, 0, 0]
        assert index.search("wolf shark", k=1)[0].fused is not None
        for hits in (index.search("wolf"), index.search(like="id-wolf"), index.search(vector=[1, 0, 0])):
            assert all(hit.fused is None and hit.bm25 is None for hit in hits)
            assert "fused" not in hits[0].to_dict()

    def test_words_that_nobody_uses_leave_the_order_of_meaning(self, index):
        """Where no passage has any of the words, hybrid and dense agree."""
        index.encoder.table["quick xylophone"] = [0.6, 0.0, 0.8]
        by_both, by_meaning = (index.search("quick xylophone", mode=mode, k=8) for mode in ("hybrid", "dense"))
        assert [hit.id for hit in by_both] == [hit.id for hit in by_meaning]


class TestModes:
    """The three modes and what they refuse."""

    def test_lexical_needs_no_encoder(self, index, encoder):
        """A search by words embeds nothing, gives no cosine, and finds only passages with a word."""
        encoder.encoded.clear()
        hits = index.search("the spiders of Mars", mode="lexical")
        assert [hit.text for hit in hits] == ["spider"]
        assert hits[0].score is None
        assert encoder.encoded == []

    def test_conditions_restrict_words_too(self, index):
        """A passage that the condition rules out is not found by its words."""
        assert index.search("wolf politician", mode="lexical", where='kind == "person"')[0].text == "politician"
        assert len(index.search("wolf", mode="lexical", where='kind == "person"')) == 0

    @pytest.mark.parametrize("options", [{"like": "id-wolf"}, {"vector": [1, 0, 0]}])
    def test_words_cannot_be_looked_up_without_a_text(self, index, options):
        """A mode that needs words refuses a document or a vector instead of ignoring the mode."""
        with pytest.raises(es.QueryError, match="needs a text"):
            index.search(mode="hybrid", **options)

    def test_wrong_names_are_told(self, index):
        """An unknown mode or unit of answers, a text without words, and k of 0 are refused."""
        with pytest.raises(es.QueryError, match=r"no mode 'hybird'\. Did you mean 'hybrid'"):
            index.search("wolf", mode="hybird")
        with pytest.raises(es.QueryError, match=r"no unit of answers 'documents'\. Did you mean 'document'"):
            index.search("wolf", by="documents")
        with pytest.raises(es.QueryError, match="no word to look up"):
            index.search("🐺", mode="lexical")
        with pytest.raises(es.QueryError, match="k is 0"):
            index.search("wolf", mode="lexical", k=0)


class TestByDocument:
    """One answer a document."""

    @settings(max_examples=15, deadline=None)
    @given(
        texts=st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40).map(" ".join), min_size=1, max_size=8),
        k=st.integers(1, 9),
        mode=st.sampled_from(["dense", "lexical", "hybrid"]),
    )
    def test_each_document_comes_once_with_its_best_passage(self, tmp_path_factory, texts, k, mode):
        """The answers are the first passage of each document in the ranking of all passages; k whenever k exist."""
        with build(tmp_path_factory.mktemp("by") / "index", texts) as index:
            every = index.search(QUERY, mode=mode, k=10_000)
            hits = index.search(QUERY, mode=mode, k=k, by="document")
        best = {}
        for hit in every:
            best.setdefault(hit.document, hit.id)
        assert [hit.id for hit in hits] == list(best.values())[:k]
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))

    def test_one_document_with_many_passages_does_not_hide_the_others(self, tmp_path):
        """Where 200 passages of one document are nearest, the second document still comes second."""
        encoder = TableEncoder({"a": [1, 0], "q": [1, 0], "b": [0, 1]})
        with es.Index.create(tmp_path / "index", encoder, chunk_words=1, overlap=0) as index:
            index.add([es.Document("many", " ".join(["a"] * 200)), es.Document("few", "b")])
            assert [hit.document for hit in index.search("q", k=2, by="document")] == ["many", "few"]


class TestCommandLine:
    """``embedsearch search --mode --by``."""

    def test_the_table_shows_what_was_ranked_by(self, index, tmp_path):
        """A lexical table has a column bm25 and marks the matching word; no cosine is made up."""
        result = run("search", "grass", "--mode", "lexical", "-f", "table", "-i", tmp_path / "index")
        assert result.exit_code == 0, result.output
        assert result.stdout.split()[:2] == ["#", "bm25"]
        assert "id-grass" in result.stdout

    def test_json_lines_carry_the_numbers(self, index, tmp_path):
        """A lexical hit has bm25 and a null score."""
        result = run(
            "search", "grass", "--mode", "lexical", "--by", "document", "-f", "jsonl", "-i", tmp_path / "index"
        )
        record = json.loads(result.stdout)
        assert (record["id"], record["score"]) == ("id-grass", None)
        assert record["bm25"] > 0

    def test_no_matching_word_is_told(self, index, tmp_path):
        """Nothing found is exit code 1 with the reason, in a table as in JSON lines."""
        for format in ("table", "jsonl"):
            result = run("search", "xylophone", "--mode", "lexical", "-f", format, "-i", tmp_path / "index")
            assert (result.exit_code, result.stdout) == (1, "")
            assert "no passage has any of the words" in result.stderr


def test_hits_of_the_corpus_are_at_least_as_good_as_by_meaning(predation):
    """With the real model, a question in words of an article finds that article first, with its sentence."""
    with es.open(predation) as index:
        query = "bolas spider imitates the scent of female moths"
        hits = index.search(query, by="document", k=3)
        assert hits[0].document == "bolas-spider"
        assert np.all(np.diff([hit.fused for hit in hits]) <= 0)
        assert index.snippets(hits, query)[0].matches


@given(TEXTS, st.lists(TEXTS, max_size=5), st.sampled_from([None, *ranking.MODES]), st.sampled_from(ranking.BYS))
@settings(max_examples=40, deadline=None)
def test_many_questions_have_the_answers_of_each(tmp_path_factory, pile, questions, mode, by):
    """Found together or alone, with a condition, and deeper than is looked at first: the same hits."""
    texts = [*pile.split(), *(f"{word} {pile}" for word in WORDS)] * 20
    with build(tmp_path_factory.mktemp("many") / "index", texts) as index:
        for options in ({"k": 3}, {"k": 3, "where": "n >= 5"}, {"k": 130}):
            wanted = [index.search(text, mode=mode, by=by, **options) for text in questions]
            assert index.search_many(iter(questions), mode=mode, by=by, **options) == wanted


def test_many_questions_are_encoded_at_once(tmp_path):
    """One call of the encoder for all of them, and none where words alone are asked for."""
    encoder = HashEncoder(4)
    with es.Index.create(tmp_path / "index", encoder) as index:
        index.add([es.Document("d", "wolf")])
        calls = []
        encode = encoder.encode
        encoder.encode = lambda texts, **options: calls.append(len(texts)) or encode(texts, **options)
        assert index.search_many(["kelp moth"], mode="lexical") == [es.Hits()]
        assert [len(hits) for hits in index.search_many(["kelp moth", "crab", "kelp moth"])] == [1, 1, 1]
        assert index.search_many([]) == []
        with pytest.raises(es.QueryError, match="k is 0"):
            index.search_many([], k=0)
    assert calls == [2]
