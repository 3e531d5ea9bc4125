"""Facts about the fixed effects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from henderson.design.assign import FixedTerm, fixed_terms
from henderson.inference.explanation.columns import (
    Reading,
    as_levels,
    bases,
    plain,
    read_columns,
    two_steps,
)
from henderson.inference.explanation.record import FixedFact, JointFact
from henderson.inference.small_sample import SmallSample, f_test

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.inference.coefficients import CoefficientTable


MOST_VALUES = 5
"""Values of a column up to which all are kept."""


def fixed_facts(design: Design, table: CoefficientTable) -> tuple[FixedFact, ...]:
    """Return one fact per coefficient that was estimated.

    Parameters
    ----------
    design : Design
    table : CoefficientTable
        Of the same fit.

    Returns
    -------
    tuple of FixedFact, length p

    Notes
    -----
    Cost O(n p) for ranges and shares of variance.
    """
    terms = fixed_terms(design)
    readings, at = read_columns(design, terms), {name: i for i, name in enumerate(table.terms)}
    return tuple(
        _fact(design, terms, readings[name], j, table, at[name]) for j, name in enumerate(design.x_names)
    )


def _fact(
    design: Design,
    terms: tuple[FixedTerm, ...],
    reading: Reading,
    column: int,
    table: CoefficientTable,
    row: int,
) -> FixedFact:
    kind, focus, within = reading
    values = design.X[:, column]
    used = np.unique(values)
    alone = kind in ("slope", "difference") and not within
    focus = as_levels(focus, two_steps(design, terms) if kind in ("slope", "interaction") else {})
    if kind == "slope" and focus[0].level is not None:
        kind = "difference"
    return FixedFact(
        name=design.x_names[column],
        kind=kind,
        focus=focus,
        within=as_levels(within, {}),
        base=tuple(replace(b, variable=plain(b.variable)) for b in bases(design, terms, reading)),
        estimate=float(table.estimate[row]),
        std_error=float(table.std_error[row]),
        low=float(table.conf_low[row]),
        high=float(table.conf_high[row]),
        statistic=float(table.statistic[row]),
        df=float(table.df[row]),
        p_value=float(table.p_value[row]),
        span=(float(used[0]), float(used[-1])),
        values=tuple(used.tolist()) if len(used) <= MOST_VALUES else (),
        between=between_shares(design, values) if alone else (),
    )


def between_shares(design: Design, values: np.ndarray) -> tuple[tuple[str, float, int], ...]:
    """Return, for every grouping factor, the share of a column's variance between its levels.

    share = sum_g n_g (mean_g - mean)^2 / sum_i (x_i - mean)^2: one for a column that is constant within
    levels, zero for one that has the same mean in all.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("distance ~ age + Sex + (1 | Subject)", hd.datasets.load("orthodont"))
    >>> [round(between_shares(fit.design, fit.design.X[:, j])[0][1], 6) for j in (1, 2)]
    [0.0, 1.0]
    """
    centred = values - values.mean()
    total = float(centred @ centred)
    if total <= 1e-20 * float(values @ values) or total == 0:
        return ()
    out = []
    for grouping in design.groupings:
        count = np.bincount(grouping.codes, minlength=len(grouping.levels))
        means = np.bincount(grouping.codes, centred, len(grouping.levels)) / count
        out.append((grouping.name, float(count @ means**2) / total, len(grouping.levels)))
    return tuple(out)


def joint_facts(design: Design, sample: SmallSample) -> tuple[JointFact, ...]:
    """Test terms that have several coefficients, each term as a whole.

    Not where every coefficient is a mean of its own, for which zero is no question.
    """
    readings = read_columns(design, fixed_terms(design))
    out = []
    for term in fixed_terms(design):
        names = tuple(design.x_names[j] for j in term.columns)
        if len(names) > 1 and not all(readings[name][0] == "mean" for name in names):
            test = f_test(sample, np.eye(design.p)[term.columns])
            numbers = (test.statistic, test.num_df, test.den_df, test.p_value)
            out.append(JointFact(term.name, names, *map(float, numbers)))
    return tuple(out)
