"""All ways to pool, on one design."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.pooling.mixed import partial_pooling
from henderson.inference.pooling.one_regression import Rows, averaged, complete_pooling
from henderson.inference.pooling.own_intercepts import group_dummies, group_means
from henderson.inference.pooling.own_lines import columns_of
from henderson.inference.pooling.record import PoolingRecord
from henderson.inference.pooling.separate import no_pooling
from henderson.inference.variance import factor_of

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate


def compare_poolings(
    design: Design,
    estimate: Estimate,
    formula: str,
    f: int,
    fitted: np.ndarray,
    hat: np.ndarray,
    conditional: np.ndarray,
    refit: bool = True,
) -> PoolingRecord:
    """Fit every way to pool the groups.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The mixed model.
    formula : str
        As typed.
    f : int
        The grouping whose groups are compared.
    fitted, hat : (n,) float64
        Fitted values and leverages of the mixed model.
    conditional : (G, K, K) float64
        Conditional covariances of its effects.
    refit : bool
        Whether the mixed model is fitted without each group.

    Returns
    -------
    PoolingRecord

    Notes
    -----
    O(n p^2) for all regressions; the refits take about four evaluations of the criterion per group.
    """
    grouping = design.groupings[f]
    rows = rows_of(design, f)
    table, names = columns_of(design, f), design.x_names
    alone, reasons = no_pooling(rows, table)
    constant = estimate.cross.constant
    methods = [
        complete_pooling(rows),
        averaged(rows),
        # Where there is nothing but a constant the means are what no pooling, or dummies, would give.
        group_means(rows, len(names)) if len(table.names) > 1 else None,
        group_dummies(rows, table, constant) if len(names) > 1 or constant is None else None,
        alone,
        partial_pooling(design, estimate, f, table, fitted, hat, conditional, refit),
    ]
    roots = [effects @ factor_of(design, estimate, h) for h, effects in table.effects.items()]
    return PoolingRecord(
        formula=formula,
        group=grouping.name,
        levels=grouping.levels,
        sizes=np.bincount(rows.codes, minlength=rows.groups),
        y=design.y,
        x_names=names,
        folded=tuple(table.names[j] for j in table.lines.folded),
        methods=tuple(m for m in methods if m is not None),
        reasons=reasons,
        others=tuple(g.name for h, g in enumerate(design.groupings) if h not in table.effects),
        around=tuple(design.groupings[h].name for h in table.effects if h != f),
        refitted=refit,
        covariance=estimate.sigma**2 * sum(root @ root.T for root in roots),
        varying=tuple(
            table.names[j] for j in np.flatnonzero(np.hstack(list(table.effects.values())).any(axis=1))
        ),
        names=table.names,
        centre=table.lines.lines(len(table.names))[:, :, : design.p] @ estimate.beta,
    )


def rows_of(design: Design, f: int) -> Rows:
    """Take the rows of a design, grouped by its grouping `f`, for least squares."""
    offset = np.zeros(design.n) if design.offset is None else design.offset
    grouping = design.groupings[f]
    return Rows(
        X=design.X,
        y=design.y - offset,
        offset=offset,
        weights=np.ones(design.n) if design.weights is None else design.weights,
        codes=grouping.codes.astype(np.int64),
        groups=len(grouping.levels),
    )
