"""Readers of sources with one document a line: JSON lines and plain lines."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

from embedsearch.documents.document import Document
from embedsearch.documents.fields import RawRecord, clean, documents_of, encodable_value
from embedsearch.documents.sources import Lines, ReadOptions, Source, good_lines
from embedsearch.errors import SourceError


def read_jsonl(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each line, which must hold a JSON object; blank lines are passed over."""
    return documents_of(json_records(source, options), source, options)


def json_records(source: Source, options: ReadOptions) -> Iterator[RawRecord]:
    """Yield the objects of lines of JSON; broken lines are counted, blank ones are not."""
    lines = Lines(source, options)
    number = 0
    for line in good_lines(lines, options):
        if not line.strip():
            continue
        number += 1
        place = f"{source.name}:{lines.number}"
        try:
            yield RawRecord(number, place, line, _parse_object(line, place), encoding=lines.encoding)
        except SourceError as error:
            options.broken(error)


class _NumberError(ValueError):
    """A number that Python would read and JSON does not know."""


def _refuse_constant(name: str) -> NoReturn:
    raise _NumberError(f"{name} is not JSON; write null")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _NumberError(f"the number {digits[:40]} is too large")
    return value


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def _parse_object(line: str, place: str) -> dict[str, Any]:
    try:
        value = _decoder.decode(line)
        if "\\u" in line:  # lone surrogates can only come from escapes
            value = encodable_value(value)
    except json.JSONDecodeError as error:
        advice = ""
        if line.lstrip()[:1] == "[":
            advice = ". A JSON array must be made JSON lines first: jq -c '.[]' FILE"
        elif "\0" in line:
            advice = ", a NUL byte. If the file is UTF-16, name it: --encoding utf-16-le"
        raise _no_object(place, f"{error.msg} at character {error.pos + 1}{advice}") from None
    except _NumberError as error:
        raise _no_object(place, str(error)) from None
    except ValueError:
        raise _no_object(place, "a whole number of more than 4,300 digits; write it as a text") from None
    except RecursionError:
        raise _no_object(place, "nested too deeply") from None
    if not isinstance(value, dict):
        raise SourceError(f'{place}: a JSON {type(value).__name__} where an object such as {{"text": "…"}} is wanted')
    return value


def _no_object(place: str, cause: str) -> SourceError:
    return SourceError(f"{place}: not a JSON object on one line: {cause}")


def read_lines(source: Source, options: ReadOptions) -> Iterator[Document]:
    """Yield a document for each line that is not blank."""
    lines = Lines(source, options)
    number = 0
    for line in good_lines(lines, options):
        if not line.strip():
            continue
        number += 1
        yield Document(
            id=f"{source.key}#{number}",
            text=clean(line.rstrip("\r\n")),
            source=f"{source.name}:{lines.number}",
            record=line,
            encoding=lines.encoding,
        )
