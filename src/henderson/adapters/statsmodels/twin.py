"""The same model as a fit of the library: in the words of ``lmm`` where they say it, else from the arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.adapters.statsmodels.search import unit_start
from henderson.errors import FitError, HendersonError
from henderson.results import LinearMixedFit, Source

if TYPE_CHECKING:
    from henderson.adapters.statsmodels.fitting import Fitted
    from henderson.estimate import Estimate

SAME = 1e-7
"""Largest relative difference of two criteria that count as one."""


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """How a model was stated.

    Attributes
    ----------
    formula : str
    re_formula : str or None
    vc_formula : mapping or None
    frame : DataFrame
        Rows used.
    groups : object
        As given: the name of a column, or labels.
    labels : (n,) array
        Group of every row used.
    names : dict
        What formulas may call.
    """

    formula: str
    re_formula: str | None
    vc_formula: Mapping[str, str] | None
    frame: Any
    groups: Any
    labels: np.ndarray
    names: dict[str, Any]

    @property
    def group_name(self) -> str:
        """Name of the grouping factor, for people."""
        if isinstance(self.groups, str):
            return self.groups
        name = getattr(self.groups, "name", None)
        return name if isinstance(name, str) and name else "Group"


def lmm_fit(origin: Origin | None, fitted: Fitted, *, reml: bool) -> LinearMixedFit:
    """Return the library's own fit of a model.

    Parameters
    ----------
    origin : Origin or None
        How it was stated; None for arrays.
    fitted : Fitted
        Its estimates.
    reml : bool
        Restricted likelihood or not.

    Returns
    -------
    LinearMixedFit
        Stated by a formula of `lmm` where one gives the same model, so that everything works on new data too;
        else without a formula.

    Raises
    ------
    FitError
        If several columns share a variance, or parameters were held: `lmm` has no such models.

    Notes
    -----
    Costs one more fit.
    """
    if fitted.estimate is None:
        raise FitError(_no_twin(fitted))
    stated = None if origin is None else _stated(origin, fitted, reml)
    if stated is not None:
        return stated
    text = origin.formula if origin is not None else f"{fitted.blocks.design.response} ~ (arrays)"
    return LinearMixedFit(fitted.blocks.design, fitted.estimate, Source(text))


def _no_twin(fitted: Fitted) -> str:
    """Say why there is no such fit, and what to type."""
    if not fitted.blocks.tied:
        return (
            "This result holds parameters at values that were given (free=, do_cg=False or a penalty), and a "
            "henderson fit has estimated all of its own: its tests and degrees of freedom would count "
            "uncertainty that is not there. Fit without them, or state the model with lmm()."
        )
    names = [term.names[0].partition("[")[0] for term in fitted.blocks.design.terms if "[" in term.names[0]]
    shared = ", ".join(map(repr, dict.fromkeys(names)))
    return (
        f"The variance component {shared} has several columns in one row, which share one variance. lmm() "
        "gives every column a variance of its own, which is another model, and tests and degrees of freedom "
        "would count parameters that are not there. Where a row belongs to one effect only, as with "
        '"0 + C(x)", there is a henderson fit.'
    )


def _stated(origin: Origin, fitted: Fitted, reml: bool) -> LinearMixedFit | None:
    """Fit the translated formula; None where it says something else."""
    from henderson.api import lmm

    assert fitted.estimate is not None
    frame, group = _with_groups(origin)
    bars = random_terms(origin, group)
    if bars is None:
        return None
    words = set(re.findall(r"[A-Za-z_]\w*", origin.formula))
    env = {
        name: origin.names[name] for name in words if callable(origin.names.get(name)) and name not in frame
    }
    options: dict[str, Any] = {"reml": reml, "env": _foreign(env)}
    text = " + ".join([origin.formula, *bars])
    try:
        fit = lmm(text, frame, **options)
        if not _same_criterion(fit, fitted.estimate):  # the other of two maxima
            fit = lmm(text, frame, start=unit_start(fit.design), **options)
    except HendersonError:
        return None
    same = _same_criterion(fit, fitted.estimate)
    return fit if same and _same_columns(fit.design.X, fitted.blocks.design.X) else None


def _same_criterion(fit: LinearMixedFit, estimate: Estimate) -> bool:
    mine = fit.estimate.criterion
    return abs(mine - estimate.criterion) <= SAME * max(1.0, abs(mine))


def _foreign(env: dict[str, Any]) -> dict[str, Any] | None:
    from henderson.formula.vocabulary import ALIASES, FUNCTIONS

    own = {
        name: f
        for name, f in env.items()
        if name not in FUNCTIONS and name not in ALIASES and name not in ("C", "Q")
    }
    return own or None


def _with_groups(origin: Origin) -> tuple[Any, str]:
    """Return the data with the groups among the columns, and their name."""
    name = origin.group_name
    if name in origin.frame and np.array_equal(np.asarray(origin.frame[name]), origin.labels):
        return origin.frame, name
    while name in origin.frame:
        name += "_"
    return origin.frame.assign(**{name: origin.labels}), name


def random_terms(origin: Origin, group: str) -> list[str] | None:
    """Return the random terms in the words of ``lmm``; None where it has none for them."""
    bars, name = [], f"`{group}`" if not group.isidentifier() else group
    if origin.re_formula is not None:
        bars.append(f"({origin.re_formula.strip().removeprefix('~').strip()} | {name})")
    elif origin.vc_formula is None:
        bars.append(f"(1 | {name})")
    alone = len(set(origin.labels.tolist())) == 1
    for formula in (origin.vc_formula or {}).values():
        if (slope := _slope_within(formula, origin)) is not None:
            bars.append(
                f"(0 + {slope[1]} | {slope[0]})" if alone else f"(0 + {slope[1]} | {name}:{slope[0]})"
            )
            continue
        found = re.fullmatch(r"~?\s*0\s*\+\s*(?:C\(\s*(\w+)\s*\)|(\w+))\s*", formula)
        column = None if found is None else found[1] or found[2]
        if formula.strip().removeprefix("~").strip() == "1":
            bars.append(f"(1 | {name})")
        elif column is None or column not in origin.frame:
            return None
        elif found is not None and found[2] and origin.frame[column].dtype.kind in "iuf":
            bars.append(f"(0 + {column} | {name})")
        else:
            bars.append(f"(1 | {column})" if alone else f"(1 | {name}:{column})")
    return bars


def _slope_within(formula: str, origin: Origin) -> tuple[str, str] | None:
    """Return factor and number of ``0 + C(factor):number``, in either order; None for another formula."""
    found = re.fullmatch(r"~?\s*0\s*\+\s*(C\(\s*\w+\s*\)|\w+)\s*:\s*(C\(\s*\w+\s*\)|\w+)\s*", formula)
    if found is None:
        return None
    names = [re.sub(r"C\(\s*(\w+)\s*\)", r"\1", part) for part in found.groups()]
    if not set(names) <= set(origin.frame.columns):
        return None
    numbers = [
        not part.startswith("C(") and origin.frame[name].dtype.kind in "iuf"
        for part, name in zip(found.groups(), names, strict=True)
    ]
    if sum(numbers) != 1:
        return None
    return names[numbers.index(False)], names[numbers.index(True)]


def _same_columns(X: np.ndarray, Y: np.ndarray) -> bool:
    """Whether two matrices have the same columns, in whatever order."""
    if X.shape != Y.shape:
        return False
    weights = np.random.default_rng(0).normal(size=len(X))
    return bool(np.allclose(np.sort(weights @ X), np.sort(weights @ Y), rtol=1e-9, atol=1e-9))
