"""The frozen description of a design: enough to build its columns from new data, and nothing that can run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from henderson.design.contrasts import Coding
from henderson.design.groupings import GroupingSpec
from henderson.errors import DataError

VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class CodedFactor:
    """One factor of the fixed part.

    Attributes
    ----------
    levels : tuple of str
        Labels in order.
    coding : Coding
        How it becomes columns where its margin is in the model.
    """

    levels: tuple[str, ...]
    coding: Coding


@dataclass(frozen=True, slots=True, eq=False)
class DesignSpec:
    """What the design learnt from the training rows.

    Attributes
    ----------
    formula : str
        The formula as typed.
    dot : tuple of str or None
        Columns that ``.`` stood for, with all others of the data.
    kinds : dict of str to str
        ``number``, ``truth`` or ``factor`` for every raw column used.
    levels : dict of str to tuple
        Levels of factors, by expression.
    states : dict of str to dict
        What stateful functions remember (means, knots, recurrences), by expression.
    codings : dict of str to Coding
        Codings that the caller asked for.
    kept : tuple of int
        Columns of the full model matrix that were kept.
    all_x_names, x_names : tuple of str
        Names of all columns, and of the kept ones.
    intercept : int or None
        Which kept column is the constant.
    groupings : tuple of GroupingSpec
        In the order of `Design.groupings`.
    terms : tuple of (int, int)
        Per random term, in the order of `Design.terms`: place in the formula, index of its grouping.
    weights, offset : str or None
        Column names; None when not given or given as an array.
    env : tuple of str
        Names of the caller's functions that the formula uses.
    assign : tuple of int
        Fixed term of every column of the full model matrix, counted from 1; 0 for the constant.
    factors : dict of str to CodedFactor
        Variables of the fixed part that are factors, as R prints them.
    aliases : tuple of tuple of float
        For every column that was left out, its weights (p,) on the kept ones.
    """

    formula: str
    dot: tuple[str, ...] | None
    kinds: dict[str, str]
    levels: dict[str, tuple[Any, ...]]
    states: dict[str, dict[str, Any]]
    codings: dict[str, Coding]
    kept: tuple[int, ...]
    all_x_names: tuple[str, ...]
    x_names: tuple[str, ...]
    intercept: int | None
    groupings: tuple[GroupingSpec, ...]
    terms: tuple[tuple[int, int], ...]
    weights: str | None
    offset: str | None
    env: tuple[str, ...]
    assign: tuple[int, ...] = ()
    factors: dict[str, CodedFactor] = field(default_factory=dict)
    aliases: tuple[tuple[float, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as plain lists, numbers and text, ready for JSON."""
        return {"version": VERSION, **{name: plain_record(getattr(self, name)) for name in self.__slots__}}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> DesignSpec:
        """Rebuild a specification from `to_dict`; nothing in the record is run.

        Raises
        ------
        DataError
            Not a record of this kind or of this version.
        """
        try:
            return _from_record(record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"This is not the record of a design: {type(error).__name__}: {error}."
            ) from error


def plain_record(value: Any) -> Any:
    """Return a value as plain lists, numbers and text."""
    if isinstance(value, (Coding, CodedFactor, GroupingSpec)):
        return {name: plain_record(getattr(value, name)) for name in value.__slots__}
    if isinstance(value, dict):
        return {key: plain_record(each) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain_record(each) for each in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def _tuple(values: Any) -> tuple[Any, ...]:
    return tuple(values)


def _optional(values: Any) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


def coding_record(coding: Coding) -> dict[str, Any]:
    """Return a coding as a plain dict."""
    return {name: plain_record(getattr(coding, name)) for name in coding.__slots__}


def read_coding(record: dict[str, Any]) -> Coding:
    """Return the coding of `coding_record`."""
    matrix = None if record["matrix"] is None else tuple(_tuple(row) for row in record["matrix"])
    return Coding(
        str(record["kind"]), record["base"], matrix, _optional(record["names"]), bool(record["numbered"])
    )


def _grouping(record: dict[str, Any]) -> GroupingSpec:
    factors = tuple(_tuple(levels) for levels in record["factors"])
    found = record["combinations"]
    combinations = None if found is None else np.array(found, dtype=np.int64)
    return GroupingSpec(str(record["name"]), factors, combinations, _tuple(record["levels"]))


def _from_record(record: dict[str, Any]) -> DesignSpec:
    if record["version"] != VERSION:
        raise ValueError(f"version {record['version']} where {VERSION} is known")
    return DesignSpec(
        formula=str(record["formula"]),
        dot=_optional(record["dot"]),
        kinds=dict(record["kinds"]),
        levels={key: _tuple(levels) for key, levels in record["levels"].items()},
        states={key: dict(state) for key, state in record["states"].items()},
        codings={key: read_coding(coding) for key, coding in record["codings"].items()},
        kept=_tuple(map(int, record["kept"])),
        all_x_names=_tuple(record["all_x_names"]),
        x_names=_tuple(record["x_names"]),
        intercept=record["intercept"],
        groupings=tuple(_grouping(grouping) for grouping in record["groupings"]),
        terms=tuple((int(part), int(grouping)) for part, grouping in record["terms"]),
        weights=record["weights"],
        offset=record["offset"],
        env=_tuple(record["env"]),
        assign=_tuple(map(int, record.get("assign", ()))),  # records of 0.1.0 do not have them
        factors={
            name: CodedFactor(_tuple(each["levels"]), read_coding(each["coding"]))
            for name, each in record.get("factors", {}).items()
        },
        aliases=_tuple(_tuple(weights) for weights in record.get("aliases", ())),
    )
