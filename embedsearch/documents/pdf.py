"""The reader of PDF files."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from embedsearch.documents.document import Document
from embedsearch.documents.fields import encodable
from embedsearch.documents.sources import ReadOptions, Source, seekable
from embedsearch.documents.texts import one_document, sensible_title
from embedsearch.errors import SourceError
from embedsearch.wording import count_of

_HYPHENATED = re.compile(r"(?<=[^\W\d_])([-\u00ad\u2010])[ \t]*\r?\n[ \t]*(?=([^\W\d_]))")
_UNHEARD = logging.NullHandler()  # without any, Python prints pypdf's remarks about sloppy files on stderr


def read_pdf(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield the text of all pages, joined by blank lines, with words that were broken at a line's end mended."""
    import pypdf
    import pypdf.errors

    logging.getLogger("pypdf").addHandler(_UNHEARD)
    with seekable(source.stream) as stream:
        try:
            reader = pypdf.PdfReader(stream)
            _unlock(reader, source)
            pages = [page.extract_text() for page in reader.pages]
            title = sensible_title(str((reader.metadata and reader.metadata.title) or ""))
        except SourceError:
            raise
        except pypdf.errors.DependencyError as error:
            raise SourceError(f"{source.name}: an encrypted PDF: {error}") from None
        except Exception as error:  # pypdf raises whatever a damaged file makes it stumble over
            raise SourceError(
                f"{source.name}: a damaged PDF ({type(error).__name__}: {error}). "
                "Open it in a PDF viewer and save it again, or repair it with: qpdf IN.pdf OUT.pdf"
            ) from None
    text = "\n\n".join(_mended(page) for page in pages if page.strip())
    if not text:
        raise SourceError(
            f"{source.name}: a PDF of {count_of(len(pages), 'page')} without text, perhaps scanned. "
            "Recognise its text first, for example with: ocrmypdf IN.pdf OUT.pdf"
        )
    yield from one_document(source, options, text, title)


def _mended(page: str) -> str:
    """Return the text of a page with broken words joined; before a capital, as in Jean-Paul, the hyphen stays."""
    return _HYPHENATED.sub(lambda broken: broken[1] if broken[2].isupper() else "", encodable(page.strip()))


def _unlock(reader: Any, source: Source) -> None:
    # Many PDFs only forbid printing or copying, and open with an empty password.
    if reader.is_encrypted and not reader.decrypt(""):
        raise SourceError(
            f"{source.name}: a PDF that is encrypted with a password. "
            "Save it without, for example with: qpdf --decrypt --password=… IN.pdf OUT.pdf"
        )
