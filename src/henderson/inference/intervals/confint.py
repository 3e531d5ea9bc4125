"""Confidence intervals by whichever method, as plain columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from henderson.data.suggest import did_you_mean
from henderson.errors import OptionError
from henderson.inference.fixed import expand
from henderson.inference.intervals.bootstrap import BootstrapRecord, limits
from henderson.inference.intervals.parameters import chosen_parameters, parameters
from henderson.inference.small_sample import SmallSample, t_tests

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate
    from henderson.inference.intervals.profile import ProfileRecord

METHODS = ("wald", "profile", "bootstrap")
SPELLINGS = {"boot": "bootstrap", "prof": "profile"}
Parm = str | int | Iterable[str | int] | None


def check_method(method: object) -> str:
    """Return a method of intervals, lme4's spellings understood, or an `OptionError` that lists them."""
    name = str(method).lower()
    name = SPELLINGS.get(name, name)
    if name in METHODS:
        return name
    raise OptionError(
        f"confint(method={method!r}): choose among {', '.join(map(repr, METHODS))}. A coverage is level=, "
        "names of parameters are parm=."
    )


def check_only(method: str, **given: object) -> None:
    """Raise an `OptionError` for an option that the method does not use."""
    users = {"ddf": "wald", "seed": "bootstrap", "file": "bootstrap"}
    for name, value in given.items():
        if value not in (None, "none") and users[name] != method:
            raise OptionError(
                f"confint(method={method!r}) does not use {name}={value!r}: that is for "
                f"method={users[name]!r}."
            )


def wald(design: Design, sample: SmallSample, level: float = 0.95, parm: Parm = None) -> dict[str, object]:
    """Columns term, conf_low, conf_high of the fixed effects: estimate -+ quantile x standard error.

    Parameters
    ----------
    design : Design
    sample : SmallSample
        Covariance and degrees of freedom; those of "none" give the normal quantile.
    level : float, default 0.95
        Coverage.
    parm : name, position or list of them, optional
        Fixed effects; by default all, those dropped with NaN.

    Raises
    ------
    OptionError
        For a parameter that is no fixed effect.
    """
    tests = t_tests(sample, np.eye(design.p), level=level)
    columns = {
        "term": list(design.all_x_names),
        "conf_low": expand(design, tests.conf_low),
        "conf_high": expand(design, tests.conf_high),
    }
    return columns if parm is None else _only(columns, _fixed_names(design, parm))


def _fixed_names(design: Design, parm: Parm) -> list[str]:
    found = chosen_parameters(design, parm, "parm")
    other = next((one.name for one in found if one.kind != "beta"), None)
    if other is not None:
        raise OptionError(
            f"parm={other!r}: standard deviations and correlations are far from normal and have no Wald "
            "interval. Type method='profile' or method='bootstrap'."
        )
    return [one.name for one in found]


def _only(columns: dict[str, object], wanted: list[str]) -> dict[str, object]:
    terms: list[str] = columns["term"]  # type: ignore[assignment]
    rows = [terms.index(name) for name in wanted]
    return {
        "term": wanted,
        **{name: np.asarray(columns[name])[rows] for name in ("conf_low", "conf_high")},
    }


def of_replicates(record: BootstrapRecord, level: float, type: str, parm: Parm = None) -> dict[str, object]:
    """Columns term, conf_low, conf_high of a bootstrap.

    Parameters
    ----------
    record : BootstrapRecord
    level : float
        Coverage.
    type : {"percentile", "basic", "normal"}
    parm : name, position or list of them, optional
        Of the statistic's names.
    """
    low, high = limits(record, level, type)
    columns = {"term": list(record.terms), "conf_low": low, "conf_high": high}
    if parm is None:
        return columns
    asked = [parm] if isinstance(parm, str | int | np.integer) else list(parm)
    names = [record.terms[one] if isinstance(one, int | np.integer) else one for one in asked]
    unknown = next((name for name in names if name not in record.terms), None)
    if unknown is not None:
        hint = did_you_mean(str(unknown), record.terms)
        raise OptionError(f"parm={unknown!r} is not among the replicates. {hint}")
    return _only(columns, [str(name) for name in names])


def of_profile(
    record: ProfileRecord, design: Design, estimate: Estimate, level: float, parm: Parm = None
) -> dict[str, object]:
    """Columns term, conf_low, conf_high of a profile, solved for where it has not that level or parameter.

    Parameters
    ----------
    record : ProfileRecord
    design, estimate : Design, Estimate
        The fit that was profiled.
    level : float
        Coverage.
    parm : name, position or list of them, optional
        Parameters of the model; by default those of the profile.

    Notes
    -----
    The limits at hand cost nothing; others about ten evaluations per parameter and side.
    """
    from henderson.inference.intervals.profile import profile

    names = list(record.terms)
    if parm is not None:
        names = [one.name for one in chosen_parameters(design, parm, "parm")]
    if level != record.level or not set(names) <= set(record.terms):
        record = profile(design, estimate, names, level, curves=False)
    return _only(record.columns(), names)


def of_parameters(design: Design, record: BootstrapRecord, parm: Parm) -> BootstrapRecord:
    """The chosen parameters of a bootstrap of all of them."""
    if parm is None:
        return record
    wanted = {one.name for one in chosen_parameters(design, parm, "parm")}
    keep = [place for place, one in enumerate(parameters(design)) if one.name in wanted]
    return replace(
        record,
        terms=tuple(record.terms[place] for place in keep),
        estimate=record.estimate[keep],
        replicates=record.replicates[:, keep],
    )
