"""Which documents may not enter an index, whether they are ingested or only planned."""

from __future__ import annotations

from collections.abc import Callable

from embedsearch.documents import Document, Passage
from embedsearch.documents.document import LINE_BREAKS
from embedsearch.errors import SourceError
from embedsearch.index.embedding import Embedding
from embedsearch.index.origins import finds_namesakes
from embedsearch.store import HeldDocument, Store

Refused = Callable[[SourceError], None]


class Admission:
    """Decides which documents of one run may enter the index."""

    def __init__(self, store: Store, refused: Refused | None = None) -> None:
        """Prepare to admit documents.

        Args:
            store: the store of the index.
            refused: called with an error for each document whose id cannot be taken, and which is left out; if None,
                the error is raised.
        """
        self._refused = refused
        self._namesake = finds_namesakes(store)

    def admits(self, document: Document, known: HeldDocument | None, *, is_repeated: bool) -> bool:
        """Return whether a document may enter under its id.

        Args:
            document: the document as it was read.
            known: what the index holds under this id.
            is_repeated: whether the id occurred before in this run.

        Raises:
            SourceError: it may not, and there is no *refused* to call.
        """
        if any(letter in document.id for letter in LINE_BREAKS):
            error = _broken_id(document)
        elif is_repeated:
            error = _repeated(document)
        elif known is not None and (other := self._namesake_of(document, known)):
            error = _namesake(document, other)
        else:
            return True
        if self._refused is None:
            raise error
        self._refused(error)
        return False

    def _namesake_of(self, document: Document, known: HeldDocument) -> str:
        """Return the other file whose document this one would replace; empty if it replaces none."""
        held = known.document
        if held is None or held.text == document.text:
            return ""
        return self._namesake(document, held.source, known.run)


def passages_of(document: Document, embedding: Embedding) -> tuple[list[Passage], list[str]]:
    """Return a document's passages, at least one, and the text of each as it is embedded.

    Raises:
        SourceError: it has no text.
    """
    passages, texts = embedding.passages_of(document)
    if not passages:
        raise SourceError(
            f"{document.source or 'a document'}: {document.id!r} has no text; leave it out, or give what there is "
            "of it, such as its title, as the text"
        )
    return passages, texts


def _broken_id(document: Document) -> SourceError:
    return SourceError(
        f"{document.source or 'a document'}: the id {document.id!r} holds a line break; wanted an id on one line, "
        "because lists have one id per line. Change it, or name another field with --id"
    )


def _namesake(document: Document, other: str) -> SourceError:
    """Return the error about a document that would replace one from another file of the same name."""
    return SourceError(
        f"{document.source}: the id {document.id!r}, made from the name of the file, is taken by {other}. "
        "Ingest the folder above both, so that their ids differ, or name a field that holds ids with --id; to replace "
        f"the other one, delete it first: embedsearch delete {document.id}"
    )


def _repeated(document: Document) -> SourceError:
    """Return the error about a document whose id has occurred before."""
    return SourceError(
        f"{document.source or 'a document'}: the id {document.id!r} occurred before in this run; "
        "ids must be unique. Name another field with --id, remove one of them, or keep the first: --on-error skip"
    )
