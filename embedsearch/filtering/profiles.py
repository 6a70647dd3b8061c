"""Profiles: a condition with everything that it measures with, in one file, to run again on other documents."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from embedsearch.axes import Axis, FittedAxis, Scale, ScaledAxis
from embedsearch.compressed import opened
from embedsearch.documents.fields import encodable_value
from embedsearch.encoders import Encoder, Identity, identify, load_identified
from embedsearch.errors import EmbedSearchError, QueryError, reason
from embedsearch.given import require_kind, require_path, require_text
from embedsearch.index import Index, require_index

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Profile:
    """A named condition with its axes, as they were fitted and scaled when it was saved.

    The percentiles and standard deviations of the condition stay those of the population that it was made on: if you
    run the profile again next month, you ask the same question, whatever the new documents are like.

    Attributes:
        name: a name for people.
        condition: the condition as it was written; None lets every document through.
        rank: what documents are ranked by; None for nothing.
        encoder: the encoder that the axes were fitted with.
        axes: the axes, the inputs of a formula before the formula.
        population: a description, for people, of what the axes are scaled on.
        chunk_words: see `Index.create`.
        overlap: see `Index.create`.
        made: when it was made, in ISO 8601.
    """

    name: str
    condition: str | None
    rank: str | None
    encoder: Identity
    axes: Mapping[str, ScaledAxis] = field(default_factory=dict)
    population: str = ""
    chunk_words: int | None = None
    overlap: int = 25
    made: str = ""

    @classmethod
    def of(
        cls,
        name: str,
        index: Index,
        axes: Mapping[str, ScaledAxis],
        *,
        condition: str | None,
        rank: str | None,
        population: str,
    ) -> Profile:
        """Return the profile of a condition over some axes of an index; the inputs of formulas are included.

        Raises:
            QueryError: an argument is of the wrong kind.
        """
        for what, text in (("the name of a profile", name), ("what the population is called", population)):
            require_text(what, text)
        for what, asked in (("a condition", condition), ("what to rank by", rank)):
            require_kind(what, asked, (str, type(None)), "a text, or None")
        require_kind("the axes", axes, Mapping, "scaled axes by name, as index.axes.scaled(names) gives them")
        for axis in axes.values():
            require_kind("an axis", axis, ScaledAxis, "a ScaledAxis, as index.axes has them")
        require_index(index)
        info = index.info()
        return cls(
            name, condition, rank, identify(index.encoder), _with_inputs(axes), population,
            info["chunk_words"], info["overlap"], datetime.now(UTC).isoformat(timespec="seconds"),
        )  # fmt: skip

    def to_json(self) -> str:
        """Return the profile as the text of a file; bytes in the name that are not UTF-8 are written as U+FFFD."""
        record = {
            "format": _FORMAT,
            "name": self.name,
            "condition": self.condition,
            "rank": self.rank,
            "made": self.made,
            "population": self.population,
            "encoder": self.encoder.to_dict(),
            "chunk_words": self.chunk_words,
            "overlap": self.overlap,
            "axes": {name: _axis_record(axis) for name, axis in self.axes.items()},
        }
        return json.dumps(encodable_value(record), ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def load(cls, file: str | os.PathLike[str]) -> Profile:
        """Return the profile in a file that holds the text of `to_json`.

        Raises:
            QueryError: the file does not exist, or is not a profile.
        """
        path = require_path("a profile", file, error=QueryError)
        try:
            with opened(path) as stream:
                record = json.loads(stream.read().decode())
        except FileNotFoundError as error:
            raise QueryError(
                f"there is no profile {file}; make one with: embedsearch filter --save-profile FILE"
            ) from error
        except (OSError, ValueError) as error:
            raise QueryError(f"the profile {file} cannot be read: {reason(error)}") from error
        if not isinstance(record, dict) or record.get("format") != _FORMAT:
            raise QueryError(
                f"{file} is not a profile of format {_FORMAT}; make one with: embedsearch filter --save-profile FILE"
            )
        try:
            return cls._from_record(record)
        except (KeyError, TypeError, ValueError, AttributeError, EmbedSearchError) as error:
            raise QueryError(f"the profile {file} is damaged: {error!r}; save it again") from error

    @classmethod
    def _from_record(cls, record: Mapping[str, Any]) -> Profile:
        for key in ("condition", "rank"):
            if not isinstance(record[key], str | None):
                raise TypeError(f"{key!r} is {record[key]!r}, not a text")
        axes: dict[str, ScaledAxis] = {}
        for name, kept in record["axes"].items():
            axis = Axis.from_dict(name, kept["definition"])
            inputs = {other: axes[other] for other in axis.depends_on} if axis.formula else {}
            fitted = FittedAxis.from_dict(axis, kept["fitted"])
            axes[axis.name] = ScaledAxis(fitted, Scale.from_dict(kept["scale"]), int(kept["version"]), inputs)
        return cls(
            record["name"], record["condition"], record["rank"], Identity.from_dict(record["encoder"]), axes,
            record["population"], record["chunk_words"], record["overlap"], record["made"],
        )  # fmt: skip

    def index(
        self,
        folder: str | os.PathLike[str],
        encoder: Encoder | None = None,
        *,
        cache: str | os.PathLike[str] | None = None,
    ) -> Index:
        """Return an index without documents that measures as the profile does.

        Args:
            folder: the folder for the index; must not exist, or be empty.
            encoder: the profile's own encoder; if None, it is found by its name.
            cache: a folder of vectors; see `Index.create`.

        Raises:
            QueryError: the encoder is no longer the same one.
            EncoderError: it cannot be found.
        """
        found = encoder or load_identified(self.encoder.name, self.encoder)
        if self.encoder.key != identify(found).key:
            raise QueryError(
                f"the profile {self.name!r} was made with the encoder {self.encoder.name!r} (weights "
                f"{self.encoder.weights[:8] or 'unknown'}), and today's gives other vectors; save it again"
            )
        index = Index.create(folder, found, chunk_words=self.chunk_words, overlap=self.overlap, cache=cache)
        index.axes.pin(list(self.axes.values()))
        return index


def _axis_record(axis: ScaledAxis) -> dict[str, Any]:
    return {
        "definition": axis.fitted.axis.to_dict(),
        "version": axis.version,
        "scale": axis.scale.to_dict(),
        "fitted": axis.fitted.to_dict(),
    }


def _with_inputs(axes: Mapping[str, ScaledAxis]) -> dict[str, ScaledAxis]:
    found: dict[str, ScaledAxis] = {}
    for name, axis in axes.items():
        found |= _with_inputs(axis.inputs) | {name: axis}
    return found
