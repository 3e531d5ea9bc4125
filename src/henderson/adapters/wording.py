"""Columns → the formula of the model they mean, and a formula → the columns it takes from where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.adapters.columns import Column, columns_named, fresh_name, matched_groups
from henderson.errors import DataError, OptionError
from henderson.formula import read_formula, read_sides
from henderson.formula.deparse import name_text
from henderson.formula.nodes import Name, unwrap

HAND_OVER = (
    "give fit(X, y, groups=…); inside cross-validation set_config(enable_metadata_routing=True) and "
    "params={'groups': …}"
)
NEVER_PLAIN = frozenset({"True", "False", "None", "."})  # names that a formula reads as something else


@dataclass(frozen=True, slots=True, eq=False)
class Wording:
    """A model, worded for `lmm`.

    Attributes
    ----------
    formula : str
        With a left-hand side.
    response : str
        Column that y goes to.
    groups : dict of str to (n,) labels
        Columns to be added to X.
    groupings : dict of str to tuple of str
        Per grouping factor, the columns it is made of.
    """

    formula: str
    response: str
    groups: dict[str, Any]
    groupings: dict[str, tuple[str, ...]]


def by_formula(
    formula: str, names: Sequence[str], given: Mapping[str | None, Any], env: Iterable[str]
) -> Wording:
    """Word a model given by formula.

    Parameters
    ----------
    formula : str
        With or without a left-hand side.
    names : list of str
        Columns of X.
    given : dict of name (or None) to (n,) labels
        Groups handed over apart: for the grouping columns that X lacks.
    env : names
        The caller's functions.

    Raises
    ------
    DataError
        If a grouping column is nowhere.
    OptionError
        If the response is not a plain name: y comes apart, and predictions must be on its scale.
    """
    if formula.lstrip().startswith("~"):
        formula = f"{fresh_name('y', names)} {formula.lstrip()}"
    known = frozenset(env)
    response = unwrap(read_sides(formula, known).response)
    if not isinstance(response, Name):
        raise OptionError(
            f"The response of {formula!r} is not a plain name. scikit-learn hands y over apart and compares "
            "predictions with it, so type its name alone (y ~ …); to model log(y), wrap the estimator: "
            "TransformedTargetRegressor(MixedModelRegressor(…), func=np.log, inverse_func=np.exp)."
        )
    groupings: dict[str, tuple[str, ...]] = {}
    for part in read_formula(formula, known, (*names, response.text)).random:
        columns = [name for factor in part.grouping.factors for name in factor.columns]
        groupings[part.grouping.name] = tuple(dict.fromkeys(columns))
    lacking = dict.fromkeys(name for part in groupings.values() for name in part if name not in names)
    if lacking and not given:
        shown = ", ".join(map(repr, lacking))
        raise DataError(f"The formula groups by {shown}, and X has no such column. Add it, or {HAND_OVER}.")
    return Wording(formula, response.text, matched_groups(given, list(lacking)), groupings)


def by_columns(
    fixed: Sequence[Column] | None,
    random: Sequence[Column] | Mapping[str, Sequence[Column]] | None,
    inside: Sequence[Column] | None,
    names: Sequence[str],
    given: Mapping[str | None, Any],
) -> Wording:
    """Word a model given by columns.

    Parameters
    ----------
    fixed : list of columns or None
        Fixed part; None for all that are no groups.
    random : list of columns, dict of grouping factor to list of columns, or None
        Columns whose slopes vary, for every grouping factor or for each.
    inside : list of columns or None
        Columns of X that hold the groups; then those handed over apart are left aside.
    names : list of str
        Columns of X.
    given : dict of name (or None) to (n,) labels
        Groups handed over apart.

    Raises
    ------
    OptionError
        For a column or a grouping factor that is not there.
    """
    if inside is not None:
        outside, groups = {}, columns_named(inside, names, "group_columns")
    else:
        outside = {fresh_name("groups", names) if name is None else name: v for name, v in given.items()}
        groups = list(outside)
    free = [name for name in names if name not in groups]
    chosen = free if fixed is None else columns_named(fixed, names, "fixed")
    per_group = random if isinstance(random, Mapping) else dict.fromkeys(groups, random or ())
    if unknown := [name for name in per_group if name not in groups]:
        raise OptionError(f"random: {unknown[0]!r} is no grouping factor; there are {groups}.")
    slopes = {group: columns_named(per_group.get(group, ()), names, "random") for group in groups}
    response = fresh_name("y", [*names, *groups])
    groupings: dict[str, tuple[str, ...]] = {group: (group,) for group in groups}
    return Wording(formula_of(response, chosen, slopes), response, outside, groupings)


def formula_of(response: str, fixed: Sequence[str], slopes: Mapping[str, Sequence[str]]) -> str:
    """Write a formula.

    Parameters
    ----------
    response : str
        Name of the response.
    fixed : list of str
        Columns of the fixed part, beside the constant.
    slopes : dict of str to list of str
        Per grouping factor, the columns whose slopes vary between its levels.

    Examples
    --------
    >>> formula_of("y", ["dose", "my age"], {"site": ["dose"], "rater": []})
    'y ~ dose + `my age` + (1 + dose | site) + (1 | rater)'
    """
    terms = [quoted(name) for name in fixed] or ["1"]
    for group, varying in slopes.items():
        terms.append(f"({' + '.join(['1', *map(quoted, varying)])} | {quoted(group)})")
    return f"{quoted(response)} ~ {' + '.join(terms)}"


def quoted(name: str) -> str:
    """Return a column's name as a formula spells it, in back-quotes where needed."""
    if "`" in name:
        raise OptionError(f"The column {name!r} has a back-quote in its name, which no formula can hold.")
    return f"`{name}`" if name in NEVER_PLAIN else name_text(name)


def unquoted(name: str) -> str:
    """Return the column's name that a formula spells as `name`."""
    return name[1:-1] if name.count("`") == 2 and name[0] == name[-1] == "`" else name


def coefficients(fit: Any) -> tuple[np.ndarray, np.ndarray, float]:
    """Names (c,) and values (c,) of the fixed effects but for the intercept, and the intercept.

    Columns that were dropped as combinations of others have 0, so that ``X @ coef + intercept`` is the mean.
    """
    effects = dict.fromkeys(fit.design.all_x_names, 0.0)
    effects.update(zip(fit.design.x_names, fit.beta.tolist(), strict=True))
    intercept = effects.pop("(Intercept)", 0.0)
    names = np.array([unquoted(name) for name in effects], dtype=object)
    return names, np.array(list(effects.values()), dtype=float), intercept
