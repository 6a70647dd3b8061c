"""Records as columns of one type each, for pandas, polars, Arrow and Parquet, and as cells of CSV and TSV.

Each kind of record declares the types of its own columns. The type of a field of documents follows from all its values:

- ``truth``, ``whole`` or ``number`` if all are booleans, whole numbers of 64 bits, or numbers that float64 holds
  exactly;
- ``texts`` if all are lists of texts;
- ``text`` in all other cases: a text as it is, everything else as JSON.

A missing value is null, and decides nothing.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import math
import shutil
import tempfile
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias

from embedsearch.errors import QueryError

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

Simple = Literal["truth", "whole", "number", "text", "texts", "numbers", "vector"]
Type: TypeAlias = Simple | Mapping[str, Simple]  # a mapping has a type for each of its names
Schema: TypeAlias = Mapping[str, Type]

_SMALLEST, _GREATEST = -(1 << 63), (1 << 63) - 1
_EXACT = 1 << 53  # whole numbers up to this one are float64
_SINGLE = (str, float, int, type(None))  # what most values are, told apart in a tenth of the time that mappings take
_WAITING_CHARACTERS = 1 << 24  # of records whose columns are not all known; more wait in a file
# The csv module quotes what is in its line end: a lone carriage return ends a record for whoever reads it.
_LINE_END = "\r\n"
_EMPTY = '""'  # how the csv module writes a record of one empty cell


class _Met:
    """The values of a field that were met so far, as far as they decide its type."""

    def __init__(self) -> None:
        self._kinds: set[type] = set()
        self._is_whole = self._is_exact = self._is_texts = True

    def add(self, value: Any) -> None:
        if value is None:
            return
        self._kinds.add(type(value))
        if type(value) is int:
            self._is_whole = self._is_whole and _SMALLEST <= value <= _GREATEST
            self._is_exact = self._is_exact and -_EXACT <= value <= _EXACT
        elif type(value) is list:
            self._is_texts = self._is_texts and all(isinstance(part, str) for part in value)

    @property
    def type(self) -> Simple:
        if self._kinds == {bool}:
            return "truth"
        if self._kinds == {int} and self._is_whole:
            return "whole"
        if self._kinds and self._kinds <= {int, float} and self._is_exact:
            return "number"
        return "texts" if self._kinds == {list} and self._is_texts else "text"


def type_of(values: Iterable[Any]) -> Simple:
    """Return the type of a field with these values, by the rule above; ``text`` if all are None."""
    met = _Met()
    for value in values:
        met.add(value)
    return met.type


def text_of(value: Any) -> str:
    """Return a text as it is, and everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON, with null for the numbers that JSON does not have: NaN and the infinite ones."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    except (TypeError, ValueError):  # there is one, which is rare, or a mapping that is no dict
        return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, indent=indent)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def types_of(fields: Iterable[Mapping[str, Any]]) -> dict[str, Simple]:
    """Return the type of each name that any of *fields* has, in the order in which they come."""
    met: defaultdict[str, _Met] = defaultdict(_Met)
    for one in fields:
        for name, value in one.items():
            met[name].add(value)
    return {name: values.type for name, values in met.items()}


def as_type(value: Any, type: Type) -> Any:
    """Return a value as a column of that type holds it; None stays None, and a mapping without names becomes None."""
    if value is None:
        return None
    if isinstance(type, Mapping):
        return {name: as_type(value.get(name), inner) for name, inner in type.items()} or None
    if type == "number":
        return float(value)
    return text_of(value) if type == "text" else value


def to_pandas(records: Sequence[Mapping[str, Any]], schema: Schema) -> pandas.DataFrame:
    """Return a data frame; numbers are int64 and float64, texts as pandas has them, all else objects as they are."""
    import pandas

    dtypes = {"whole": "int64", "number": "float64", "text": pandas.Series([""]).dtype}  # which differs by version
    return pandas.DataFrame({
        name: pandas.Series([record.get(name) for record in records],
                            dtype=dtypes.get(type, "object") if isinstance(type, str) else "object")
        for name, type in schema.items()
    })  # fmt: skip


def to_polars(records: Sequence[Mapping[str, Any]], schema: Schema) -> polars.DataFrame:
    """Return a data frame; mappings are structs, or null if they have no names, which Parquet could not hold."""
    import polars

    simple = {
        "truth": polars.Boolean(), "whole": polars.Int64(), "number": polars.Float64(), "text": polars.String(),
        "texts": polars.List(polars.String), "numbers": polars.List(polars.Float64),
        "vector": polars.List(polars.Float32),
    }  # fmt: skip

    def dtype(type: Type) -> Any:
        if not isinstance(type, Mapping):
            return simple[type]
        return polars.Struct({inner: simple[one] for inner, one in type.items()}) if type else polars.Null()

    return polars.DataFrame([
        polars.Series(name, [as_type(record.get(name), type) for record in records], dtype=dtype(type))
        for name, type in schema.items()
    ])  # fmt: skip


def to_arrow(records: Sequence[Mapping[str, Any]], schema: Schema) -> pyarrow.Table:
    """Return an Arrow table; mappings are structs, or null if they have no names, which Parquet could not hold."""
    import pyarrow

    rows = [{name: as_type(record.get(name), type) for name, type in schema.items()} for record in records]
    return pyarrow.Table.from_pylist(rows, arrow_schema(schema))


def arrow_schema(schema: Schema) -> pyarrow.Schema:
    """Return the types as Arrow names them."""
    import pyarrow

    simple = {
        "truth": pyarrow.bool_(), "whole": pyarrow.int64(), "number": pyarrow.float64(), "text": pyarrow.string(),
        "texts": pyarrow.list_(pyarrow.string()), "numbers": pyarrow.list_(pyarrow.float64()),
        "vector": pyarrow.list_(pyarrow.float32()),
    }  # fmt: skip

    def dtype(type: Type) -> Any:
        if not isinstance(type, Mapping):
            return simple[type]
        return pyarrow.struct([(inner, simple[one]) for inner, one in type.items()]) if type else pyarrow.null()

    return pyarrow.schema([(name, dtype(type)) for name, type in schema.items()])


def write_parquet(
    records: Iterator[Mapping[str, Any]], schema: Mapping[str, Simple], stream: IO[bytes], at_once: int
) -> int:
    """Write flat records, each with a value for each column, as a Parquet file, so many at a time; return their count.

    Raises:
        QueryError: pyarrow is not installed.
    """
    require_parquet()
    from pyarrow import parquet

    count = 0
    with parquet.ParquetWriter(stream, arrow_schema(schema)) as writer:
        while rows := list(islice(records, at_once)):
            writer.write_table(to_arrow(rows, schema))
            count += len(rows)
    return count


def require_parquet() -> None:
    """Raise an error if Parquet files cannot be written.

    Raises:
        QueryError: pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise QueryError('pyarrow is not installed; install it with: pip install "embedsearch[parquet]"')


def flatten(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with the entries of its inner mappings under ``outer.inner``."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if not isinstance(value, _SINGLE) and isinstance(value, Mapping):
            flat.update({f"{name}.{inner}": part for inner, part in value.items()})
        else:
            flat[name] = value
    return flat


def cells(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record as cells of CSV and TSV: flat, with JSON for each list and mapping that is left."""
    flat = flatten(record)
    for name, value in flat.items():
        if not isinstance(value, _SINGLE) and isinstance(value, Mapping | list | tuple):
            flat[name] = json.dumps(value, ensure_ascii=False)
    return flat


def delimited(names: Sequence[str], rows: Iterable[Mapping[str, Any]], stream: IO[str], delimiter: str = ",") -> None:
    """Write `cells` of records as CSV, or with another delimiter, below a line of names; lines end in a newline."""
    writer = csv.DictWriter(_Lines(stream), names, delimiter=delimiter, lineterminator=_LINE_END)
    writer.writeheader()
    writer.writerows(rows)


def delimited_by_need(
    records: Iterable[Mapping[str, Any]], stream: IO[str], delimiter: str = ",", *, columns: Sequence[str] = ()
) -> int:
    """Write records as `delimited` does, below all names that the `cells` of any record have; return their count.

    The names are known only when the last record is. Until then all records wait, written as they will be except for
    the cells of names that come later.

    Args:
        records: any number of records; they are not held in memory.
        stream: where to write.
        delimiter: between cells.
        columns: the names if no record has any; nothing is written if there are none either.
    """
    names: dict[str, None] = {}
    sizes = array("q")
    grown: list[tuple[int, int]] = []  # behind how many records there came to be more names, and how many there were
    with tempfile.SpooledTemporaryFile(
        _WAITING_CHARACTERS, "w+", encoding="utf-8", errors="surrogatepass", newline=""
    ) as waiting:
        writer = _writer(waiting, delimiter)
        for record in records:
            row = cells(record)
            if not row.keys() <= names.keys():
                grown.append((len(sizes), len(names)))
                names.update(dict.fromkeys(row))
            sizes.append(writer.writerow([row.get(name, "") for name in names]))
        waiting.seek(0)
        header = list(names) or list(columns)
        if header:
            _writer(stream, delimiter).writerow(header)
            if not names:
                grown.append((len(sizes), 0))
            at = 0
            for before, width in grown:
                missing = delimiter * (len(header) - max(1, width))
                stream.writelines(_completed(waiting.read(size)[:-1], missing) + "\n" for size in sizes[at:before])
                at = before
            shutil.copyfileobj(waiting, stream)
    return len(sizes)


def _completed(line: str, missing: str) -> str:
    """Return what was written of a record, without its line end, with the cells that it lacks."""
    return ("" if line == _EMPTY else line) + missing or _EMPTY


def _writer(stream: IO[str], delimiter: str) -> Any:
    return csv.writer(_Lines(stream), delimiter=delimiter, lineterminator=_LINE_END)


class _Lines:
    """A stream that ends lines in a newline alone."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, line: str) -> int:
        """Write one line, which the csv module hands over whole."""
        return self._stream.write(line.removesuffix(_LINE_END) + "\n")
