"""Files that are archives of XML, as those of word processors and books are."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from typing import BinaryIO
from xml.etree import ElementTree

from embedsearch.documents import foreign
from embedsearch.errors import SourceError

_CHUNK_BYTES = 1 << 18


class WithoutEntities:
    """What is built of XML in which nothing is declared: a declaration of a few lines may stand for gigabytes."""

    def doctype(self, name: str, _public: str, _system: str) -> None:
        """Refuse a declaration, which no such program writes."""
        raise ValueError(f"it declares a document type, {name!r}")


class _Tree(WithoutEntities, ElementTree.TreeBuilder):
    """Elements as a tree."""


class Packed:
    """An archive of XML, whose errors are ours."""

    def __init__(self, stream: BinaryIO, name: str, kind: str) -> None:
        """Prepare to open one.

        Args:
            stream: its bytes.
            name: what messages call it.
            kind: what it should be a file of.
        """
        self._stream = stream
        self._name = name
        self._kind = kind

    def __enter__(self) -> Packed:
        head = foreign.office_head(self._stream, self._name, "Word", "doc")
        known = foreign.by_mark(head) if not head.startswith(b"PK") else ""
        try:
            self._zip = zipfile.ZipFile(self._stream)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            cause = f"by its first bytes {known}" if known else str(error)
            raise SourceError(f"{self._name}: no file of {self._kind} that can be read: {cause}") from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._zip.close()
        broken = (
            zipfile.BadZipFile, zlib.error, ElementTree.ParseError, EOFError, LookupError, ValueError, RuntimeError,
        )  # fmt: skip
        if isinstance(error, broken):
            said = error.args[0] if isinstance(error, KeyError) else error  # str() of that puts quotes around it
            cause = " ".join(str(said).split())
            raise SourceError(
                f"{self._name}: a damaged file of {self._kind}: {cause}. "
                "Open it in the program that wrote it, and save it again"
            ) from None

    def has(self, part: str) -> bool:
        """Is there such a part?"""
        return part in self._zip.namelist()

    def tree(self, part: str) -> ElementTree.Element:
        """Return the XML of a part."""
        with self._zip.open(part) as stream:
            parser = ElementTree.XMLParser(target=_Tree())  # noqa: S314 - entities of its own are refused by `doctype`
            parser.feed(stream.read())
            return parser.close()

    def feed(self, part: str, target: WithoutEntities) -> None:
        """Hand the elements of a part to *target* as they go by."""
        parser = ElementTree.XMLParser(target=target)  # noqa: S314 - as above
        with self._zip.open(part) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                parser.feed(chunk)
        parser.close()

    def read(self, part: str) -> bytes:
        """Return the bytes of a part."""
        return self._zip.read(part)

    def said(self, part: str) -> dict[str, str]:
        """Return the first text of each element in a part, by its name; nothing where there is no such part."""
        found: dict[str, str] = {}
        for element in self.tree(part).iter() if self.has(part) else ():
            found.setdefault(local(element.tag), " ".join((element.text or "").split()))
        return found

    def target(self, part: str, kind: str) -> str:
        """Return the part that a list of relations names for a kind."""
        relations = self.tree(part) if self.has(part) else ()
        targets = (one.get("Target", "") for one in relations if one.get("Type", "").endswith(kind))
        return next(targets, "").lstrip("/")


def local(tag: str) -> str:
    """Return the name of an element without its namespace."""
    return tag.rpartition("}")[2]


def attribute(attributes: Mapping[str, str], name: str) -> str:
    """Return the attribute of a name, whatever its namespace; empty where there is none."""
    return next((value for key, value in attributes.items() if local(key) == name), "")
