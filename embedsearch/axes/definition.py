"""The definition of an axis: what the analyst writes down."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from dataclasses import field as attribute
from reprlib import Repr
from typing import TYPE_CHECKING, Any

from embedsearch.axes.checks import (
    check_enough_ratings,
    check_frames,
    check_list,
    check_name,
    check_number,
    check_poles,
    check_ratings,
    check_table,
    check_texts,
)
from embedsearch.axes.formulas import parse_formula
from embedsearch.axes.rated import folded
from embedsearch.conditions import axes_in
from embedsearch.encoders import Encoder
from embedsearch.errors import AxisError, QueryError, did_you_mean
from embedsearch.expressions import parse_expression
from embedsearch.given import require_kind
from embedsearch.names import normal
from embedsearch.offering import keeps_back
from embedsearch.wording import shown

if TYPE_CHECKING:
    from embedsearch.axes.fitted import FittedAxis

BARE = ("{}",)
FORMULA_UNITS = ("sd", "raw", "rating")
_TEXT_KEYS = ("description", "unit", "field", "expression", "formula", "formula_unit", "prior")
# The kinds of which an axis has exactly one; ratings and a field go on top of poles, or stand alone.
_KINDS = ("poles", "groups", "expression", "difference", "rotation", "formula", "component")
_GROUP_KEYS: dict[str, type] = {"field": str, "bins": int}
_ROTATION_KEYS: dict[str, type] = {"start": str, "towards": str, "degrees": float}
_COMPONENT_KEYS: dict[str, type] = {"number": int, "where": str}


@keeps_back("depends_on", "derived_from", "framed", "is_learned", "is_rated", "unratable")
@dataclass(frozen=True, slots=True)
class Axis:
    """The definition of an axis: a name, and what gives it its direction.

    Most axes begin with poles. Every phrase of a pole is put into every frame: ``large`` in ``a {} animal`` gives *a
    large animal*. Framed poles agree far better with people than bare adjectives, which are of another register than
    the things placed (docs/axes.md has the figures). Ratings make an axis better, alone or with poles.

    Attributes:
        name: the name in conditions and commands; it has no comma, no ``=``, and no ``-`` at the beginning.
        low: phrases of the low pole, where coordinates are small.
        high: phrases of the high pole.
        frames: texts with one ``{}`` each, into which phrases of poles and groups are put; ``{}`` alone leaves a phrase
            as it is.
        description: one line for people.
        ratings: numbers by phrase, in any unit; at least 5, not all the same. Letter case and white space are ignored
            when phrases are compared.
        rated_documents: numbers by the id of a document of the index, in the same unit.
        unit: the unit of the ratings (kg, points), for people.
        field: a metadata field, numeric or two-valued, that the direction is learned from.
        groups: examples in an ordered series of groups, or ``{"field": "year", "bins": 6}``.
        values: one coordinate for each group; if empty, the arc length of the curve through the groups.
        expression: arithmetic over phrases, whose sum is the direction: ``king - man + woman``.
        difference: two axes; the direction is the first's minus the second's.
        rotation: ``{"start": A, "towards": B, "degrees": 45}``: A's direction turned towards B's.
        formula: arithmetic over the coordinates of other axes: ``weight - 2*height``.
        formula_unit: the unit of these coordinates: ``sd``, ``raw`` or ``rating``.
        component: ``{"number": 1, "where": CONDITION}``: a principal component of the index, or of a subset.
        orthogonal_to: axes whose directions are taken out of this one's.
        extend: whether the passages of the index that lie at either end of the poles help to find the direction; see
            `embedsearch.axes.extending`. If None, they do only if ratings or a field decide how far to believe them,
            and the index has enough passages.
        prior: another axis, such as one learned from published norms, that is believed as much as the poles; goes
            with poles, ratings or a field.

    Raises:
        AxisError: the definition is wrong; the message says what is wrong with it.
    """

    name: str
    low: Sequence[str] = ()
    high: Sequence[str] = ()
    frames: Sequence[str] = BARE
    description: str = ""
    ratings: Mapping[str, float] = attribute(default_factory=dict)
    rated_documents: Mapping[str, float] = attribute(default_factory=dict)
    unit: str = ""
    field: str = ""
    groups: Sequence[Sequence[str]] | Mapping[str, Any] = ()
    values: Sequence[float] = ()
    expression: str = ""
    difference: Sequence[str] = ()
    rotation: Mapping[str, Any] = attribute(default_factory=dict)
    formula: str = ""
    formula_unit: str = "sd"
    component: Mapping[str, Any] = attribute(default_factory=dict)
    orthogonal_to: Sequence[str] = ()
    extend: bool | None = None
    prior: str = ""

    def __post_init__(self) -> None:
        self._set("name", check_name(self.name))
        for key in ("low", "high", "frames", "difference", "orthogonal_to"):
            self._set(key, check_texts(self.name, key, getattr(self, key)))
        for key in ("difference", "orthogonal_to"):
            self._set(key, tuple(map(normal, getattr(self, key))))
        for key in ("ratings", "rated_documents"):
            self._set(key, check_ratings(self.name, key, getattr(self, key)))
        for key in _TEXT_KEYS:
            if not isinstance(given := getattr(self, key), str):
                raise AxisError(f"axis {self.name!r}: {key!r} must be a text, not {shown(given)}")
        for key in ("rotation", "component"):
            if not isinstance(given := getattr(self, key), Mapping):
                raise AxisError(f"axis {self.name!r}: {key!r} must be a table, not {shown(given)}")
        for key in ("groups", "values"):
            if not isinstance(given := getattr(self, key), Mapping):
                of = "lists of texts" if key == "groups" else "numbers"
                self._set(key, check_list(self.name, key, given, of=of))
        self._set("prior", normal(self.prior))
        check_frames(self.name, self.frames)
        self._check_kinds()
        self._check_groups()
        self._check_derived()
        if self.is_rated:
            check_enough_ratings(self.name, [*self.ratings.values(), *self.rated_documents.values()])

    def _set(self, key: str, value: Any) -> None:
        object.__setattr__(self, key, value)

    def _check_kinds(self) -> None:
        """Refuse a definition without a source of direction, or with two that cannot go together."""
        kinds = self.kinds
        main = [kind for kind in kinds if kind in _KINDS]
        if not kinds:
            raise AxisError(
                f"axis {self.name!r} lacks 'low' and 'high'; an axis needs phrases for both poles, "
                "or ratings, groups, a field, an expression, or other axes to derive it from"
            )
        if len(main) > 1 or (main and main != ["poles"] and len(kinds) > 1) or {"ratings", "field"} <= set(kinds):
            raise AxisError(
                f"axis {self.name!r} is defined by {' and '.join(kinds)}; make an axis of each and "
                "join them with a formula, or name one as the prior of another (only ratings or a field go with poles)"
            )
        if self.low or self.high:
            check_poles(self.name, self.low, self.high)
        if self.prior and not {"poles", "ratings", "field"} & set(kinds):
            raise AxisError(f"axis {self.name!r}: 'prior' goes with poles, ratings or a field, not {kinds[0]}")
        if self.frames != BARE and not self.low and (not self.groups or isinstance(self.groups, Mapping)):
            raise AxisError(f"axis {self.name!r}: 'frames' go with poles or groups of phrases, not {kinds[0]}")
        if self.extend is not None and (not isinstance(self.extend, bool) or (self.extend and not self.low)):
            raise AxisError(f"axis {self.name!r}: 'extend' is true or false, and goes with poles")

    def _check_groups(self) -> None:
        if isinstance(self.groups, Mapping) and self.groups:
            table = check_table(self.name, "groups", self.groups, wanted=_GROUP_KEYS, needed=list(_GROUP_KEYS))
            if table["bins"] < 2:
                raise AxisError(f"axis {self.name!r}: 'bins' in 'groups' must be at least 2, not {table['bins']}")
            self._set("groups", table)
        else:
            groups = check_list(self.name, "groups", [] if self.groups == {} else self.groups, of="lists of texts")
            self._set("groups", tuple(check_texts(self.name, "groups", group) for group in groups))
            if len(self.groups) == 1 or not all(self.groups):
                raise AxisError(f"axis {self.name!r}: 'groups' must hold at least 2 groups, none of them empty")
        listed = check_list(self.name, "values", self.values, of="numbers")
        values = tuple(check_number(self.name, "each of 'values'", value) for value in listed)
        self._set("values", values)
        if values and (isinstance(self.groups, Mapping) or len(values) != len(self.groups)):
            raise AxisError(f"axis {self.name!r}: 'values' must hold one number for each of the listed groups")

    def _check_derived(self) -> None:
        if self.difference and len(self.difference) != 2:
            raise AxisError(f"axis {self.name!r}: 'difference' must name 2 axes, not {len(self.difference)}")
        if self.rotation:
            table = check_table(
                self.name, "rotation", self.rotation, wanted=_ROTATION_KEYS, needed=list(_ROTATION_KEYS)
            )
            self._set("rotation", table | {key: normal(table[key]) for key in ("start", "towards")})
        if self.component:
            table = check_table(self.name, "component", self.component, wanted=_COMPONENT_KEYS, needed=["number"])
            if table["number"] < 1:
                raise AxisError(f"axis {self.name!r}: components are counted from 1, not {table['number']}")
            self._set("component", table)
        if self.formula_unit not in FORMULA_UNITS:
            advice = did_you_mean(self.formula_unit, FORMULA_UNITS)
            raise AxisError(f"axis {self.name!r}: there is no formula_unit {self.formula_unit!r}.{advice}")
        if self.formula_unit != "sd" and not self.formula:
            raise AxisError(f"axis {self.name!r}: 'formula_unit' goes with a formula, not {self.kinds[0]}")
        if self.orthogonal_to and (self.formula or self.groups):
            raise AxisError(f"axis {self.name!r}: 'orthogonal_to' needs one direction; groups and formulas have none")
        try:
            _ = self.expression and parse_expression(self.expression)
            _ = self.derived_from(())  # reads the formula, and the condition
        except (AxisError, QueryError) as error:
            raise AxisError(f"axis {self.name!r}: {error}") from error
        if self.name in self.depends_on:
            raise AxisError(f"axis {self.name!r} is derived from itself; name other axes")

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the axis is defined by, such as ``("poles", "ratings")``."""
        given = {"poles": self.low or self.high, "ratings": self.is_rated} | {
            key: getattr(self, key) for key in ("field", *_KINDS[1:])
        }
        return tuple(kind for kind, value in given.items() if value)

    @property
    def is_rated(self) -> bool:
        """Whether there are ratings, of phrases or of documents."""
        return bool(self.ratings or self.rated_documents)

    @property
    def unratable(self) -> str:
        """The part of the definition that rules out ratings, such as ``formula``; empty if the axis can be rated."""
        return next((kind for kind in self.kinds if kind not in ("poles", "ratings")), "")

    def with_ratings(self, ratings: Mapping[str, float], documents: Mapping[str, float] | None = None) -> Axis:
        """Return the axis with more ratings; a new rating of a phrase or document replaces the earlier one.

        Args:
            ratings: by phrase; letter case and white space are ignored when phrases are compared.
            documents: by the id of a document of the index.

        Raises:
            AxisError: as for the class, or the definition rules out ratings.
        """
        documents = {} if documents is None else documents
        for given in (ratings, documents):
            if not isinstance(given, Mapping) or not all(isinstance(rated, str) for rated in given):
                raise AxisError(f"axis {self.name!r}: ratings are a table of texts with numbers, not {shown(given)}")
        new = set(map(folded, ratings))
        kept = {phrase: value for phrase, value in self.ratings.items() if folded(phrase) not in new}
        rated_documents = {**self.rated_documents, **documents}
        return replace(self, ratings=kept | dict(ratings), rated_documents=rated_documents)

    @property
    def is_learned(self) -> bool:
        """Whether there are ratings, or a field, to learn the direction from."""
        return self.is_rated or bool(self.field)

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The names of the axes that this one always needs, each once; see `derived_from`."""
        names = [*self.difference, *self.orthogonal_to, *([self.prior] if self.prior else [])]
        names += [self.rotation["start"], self.rotation["towards"]] if self.rotation else []
        names += parse_formula(self.formula).names if self.formula else ()
        return tuple(dict.fromkeys(names))

    def derived_from(self, axes: Collection[str]) -> tuple[str, ...]:
        """Return the names of the axes that this one is derived from, each once.

        They are those that it `depends_on`, and those of *axes* (all that there are) that the condition of a component
        names. A name in that condition that no axis has is a field's.
        """
        spoken = axes_in(self.component["where"], axes) if "where" in self.component else []
        return tuple(dict.fromkeys([*self.depends_on, *(name for name in spoken if name != self.name)]))

    @property
    def low_texts(self) -> list[str]:
        """The phrases of the low pole, each in every frame."""
        return self.framed(self.low)

    @property
    def high_texts(self) -> list[str]:
        """The phrases of the high pole, each in every frame."""
        return self.framed(self.high)

    def framed(self, phrases: Sequence[str]) -> list[str]:
        """Return phrases, each in every frame: all in the first frame, then all in the second, and so on."""
        return [frame.replace("{}", phrase) for frame in self.frames for phrase in phrases]

    def fit(self, encoder: Encoder, axes: Mapping[str, FittedAxis] | None = None) -> FittedAxis:
        """Return the axis as an encoder sees it, without an index.

        Args:
            encoder: any encoder.
            axes: other fitted axes, by name, for an axis that is derived from them.

        Raises:
            AxisError: it cannot be fitted, or needs an index (documents, a field, a component); or *axes* is not a
                mapping from names.
        """
        from embedsearch.axes.fitting import fit_axis
        from embedsearch.axes.material import EncoderMaterial

        return fit_axis(self, EncoderMaterial(encoder, {} if axes is None else axes))

    def __repr__(self) -> str:
        said = (f"{key}={_BRIEF.repr(value)}" for key in _KEYS if (value := getattr(self, key)) != _UNSAID[key])
        return f"Axis({', '.join([repr(self.name), *said])})"

    def _repr_html_(self) -> str:
        """Show the axis in a notebook."""
        from embedsearch.axes.showing import axis_html

        return axis_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the definition as a dict of JSON values, without the name; `from_dict` reads it back."""
        kept: dict[str, Any] = {}
        if self.low or not self.kinds:
            kept = {"low": list(self.low), "high": list(self.high), "frames": list(self.frames)}
        elif self.groups:
            kept = {"frames": list(self.frames)}
        kept["description"] = self.description
        for key in _KEYS:
            value = getattr(self, key)
            if key not in kept and (value or value is False) and key not in ("frames", "low", "high"):
                kept[key] = _json(value)
        if not self.formula:
            kept.pop("formula_unit", None)
        return kept

    def to_toml(self) -> str:
        """Return the definition as a table for an ``axes.toml``; `embedsearch.read_axes` reads it back."""
        from embedsearch.axes.writing import axes_toml

        return axes_toml([self])

    @classmethod
    def from_dict(cls, name: str, definition: Mapping[str, Any]) -> Axis:
        """Return the axis that a table of an ``axes.toml`` describes.

        Raises:
            AxisError: the table is not a mapping, a key is unknown or missing, or a value is wrong.
        """
        require_kind(f"the definition of axis {name!r}", definition, Mapping, "a mapping", error=AxisError)
        for key in definition:
            if key not in _KEYS:
                raise AxisError(f"axis {name!r} has an unknown key {shown(key)}.{did_you_mean(key, _KEYS)}")
        return cls(name, **definition)


_KEYS = tuple(key for key in Axis.__dataclass_fields__ if key != "name")
_UNSAID = {one.name: one.default if one.default_factory is MISSING else one.default_factory() for one in fields(Axis)}
_BRIEF = Repr()  # shows only the first of thousands of ratings
_BRIEF.maxtuple = _BRIEF.maxdict = 8
_BRIEF.maxstring = 80


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return [_json(part) for part in value] if isinstance(value, tuple) else value
