"""The part of each hit that answers the query: around the words that match, else the nearest sentence."""

from __future__ import annotations

from collections.abc import Sequence

from embedsearch.documents.sentences import sentences
from embedsearch.index.embedding import Embedding
from embedsearch.results import Hit
from embedsearch.snippets import WIDTH, Snippet, around_matches, cut, folded
from embedsearch.store.matching import matches
from embedsearch.vectors import Vectors

_MOST_SENTENCES = 200  # what an encoder reads on a processor in about half a second


def excerpts(
    hits: Sequence[Hit], text: str, *, embedding: Embedding, query: Vectors | None, width: int = WIDTH
) -> list[Snippet]:
    """Return a snippet of each hit.

    Args:
        hits: of a search.
        text: what was searched for; its words are looked for where the search looked at words.
        embedding: to compare sentences with.
        query: the unit query vector, shape (d,); None where no sentence shall be compared.
        width: the most characters of a snippet.
    """
    texts = [folded(hit.text) for hit in hits]
    found = matches(texts, text) if any(hit.bm25 is not None for hit in hits) else [[] for _ in hits]
    silent = [place for place, spans in enumerate(found) if not spans and len(texts[place]) > width]
    begins = _nearest_sentences([texts[place] for place in silent], embedding, query) if query is not None else []
    snippets = [around_matches(*pair, width=width) for pair in zip(texts, found, strict=True)]
    for place, begin in zip(silent, begins, strict=False):
        snippets[place] = cut(texts[place], begin, width=width)
    return snippets


def _nearest_sentences(texts: Sequence[str], embedding: Embedding, query: Vectors) -> list[int]:
    """Return where the sentence nearest to the query begins in each text, for as many texts as there is time for."""
    spans: list[list[tuple[int, int]]] = []
    for text in texts:
        own = sentences(text)
        if sum(map(len, spans)) + len(own) > _MOST_SENTENCES:
            break
        spans.append(own)
    flat = [text[start:end] for text, own in zip(texts, spans, strict=False) for start, end in own]
    if not flat:
        return []
    cosines = iter(embedding.embed(flat)[0] @ query)
    # A text without a full stop is one sentence, so that there is always one.
    return [max((next(cosines), -start) for start, _ in own)[1] * -1 for own in spans]
