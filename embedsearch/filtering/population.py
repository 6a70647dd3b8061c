"""Measuring without an index: a temporary one is made, from a sample of the documents themselves."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from embedsearch.axes import Axis
from embedsearch.documents import Document
from embedsearch.encoders import Encoder
from embedsearch.filtering.sampling import Reservoir
from embedsearch.index import Index, arguments
from embedsearch.index.arguments import require_count


def draw(documents: Iterable[Document], size: int, seed: int) -> tuple[list[Document], int]:
    """Return a random sample of documents, in order, and how many documents there are; all of them are read."""
    sample: Reservoir[Document] = Reservoir(require_count(size, "the size of a sample", least=0), seed)
    for place, document in enumerate(arguments.documents(documents)):
        sample.offer(replace(document, record="", header=""), place)
    return sample.kept(), sample.offered


def first(documents: Iterator[Document], size: int) -> tuple[list[Document], Iterator[Document]]:
    """Return the first documents of a stream that can be read only once, and the whole stream again."""
    stream = arguments.documents(documents)
    head = list(islice(stream, require_count(size, "how many come first", least=0)))
    return head, chain(head, stream)


def measuring_index(
    folder: str | os.PathLike[str],
    encoder: str | Encoder,
    *,
    axes: Sequence[Axis] = (),
    population: Sequence[Document] = (),
    cache: str | os.PathLike[str] | None = None,
) -> Index:
    """Return an index that holds a population and axes scaled on it, to measure other documents with.

    Args:
        folder: the folder for the index; must not exist, or be empty.
        encoder: a name, or an encoder.
        axes: axes of any kind; those learned from documents learn from the population.
        population: documents; ids that occur twice are told apart.
        cache: a folder of vectors, so that an interrupted run need not embed the population again.

    Raises:
        AxisError: an axis is not an `Axis`, or cannot be fitted.
        SourceError: a document is not a `Document`.
        EncoderError: the encoder cannot be found.
        StoreError: the folder cannot be written.
    """
    documents = list(arguments.documents(population))
    wanted = arguments.definitions(axes)
    index = Index.create(folder, encoder, cache=cache)
    try:
        if cache is not None:
            index.prepare(documents)
        index.add(_with_ids_of_their_own(documents))
        index.axes.lend(wanted)
    except BaseException:
        index.close()
        raise
    return index


def _with_ids_of_their_own(documents: Sequence[Document]) -> Iterator[Document]:
    """Yield documents with distinct ids: of those with the same id the first keeps it, and no other takes it."""
    taken = {document.id for document in documents}
    met = set()
    for place, document in enumerate(documents):
        id = document.id
        while document.id in met and id in taken:
            id = f"{id}#{place}"
        met.add(document.id)
        taken.add(id)
        yield replace(document, id=id)
