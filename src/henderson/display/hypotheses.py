"""How tests of fixed effects read: the analysis of variance table and linear hypotheses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.display import sentences
from henderson.display.numbers import (
    format_coefficients,
    format_column,
    format_df,
    format_p,
    format_quantiles,
    format_statistics,
)
from henderson.display.table import TableView

if TYPE_CHECKING:
    from henderson.inference.hypotheses.anova import AnovaTable
    from henderson.inference.hypotheses.linear import LinearHypotheses

ROMAN = {1: "I", 2: "II", 3: "III"}


def anova_view(record: AnovaTable) -> TableView:
    """Return the analysis of variance table."""
    wald = record.ddf == "none"
    kind = f"Type {ROMAN[record.type]} analysis of variance"
    how = "Wald chi-square tests" if wald else sentences.short_method(record.ddf)
    whose = " (terms as R's car)" if record.definition == "car" and record.type > 1 else ""
    columns = [["Term", *record.terms]]
    if wald:
        columns.append(["Chisq", *_statistics(record.statistic)])
        columns.append(["df", *_whole(record.num_df)])
    else:
        columns.append(["Sum Sq", *format_quantiles(record.sum_sq.tolist())])
        columns.append(["Mean Sq", *format_quantiles(record.mean_sq.tolist())])
        columns.append(["NumDF", *_whole(record.num_df)])
        columns.append(["DenDF", *format_df(record.den_df.tolist())])
        columns.append(["F value", *_statistics(record.statistic)])
    columns.append([f"Pr(>{'Chisq' if wald else 'F'})", *format_p(record.p_value.tolist())])
    return TableView(
        title=f"{kind}{whose}, {how}",
        heads=[c[0] for c in columns],
        rows=[list(row) for row in zip(*(c[1:] for c in columns), strict=True)],
        notes=[
            *(
                []
                if record.terms
                else ["The fixed part has no term beside the constant; fit.test() tests that."]
            ),
            *([record.note] if record.note else []),
        ],
        before=[f"Formula: {record.formula}"],
    )


def _whole(values: np.ndarray) -> list[str]:
    return [str(int(v)) for v in values]


def _statistics(values: np.ndarray) -> list[str]:
    return format_column([round(v, 4) if np.isfinite(v) else v for v in values.tolist()], 5)


def linear_view(record: LinearHypotheses) -> TableView:
    """Return the table of linear hypotheses, with the joint test below."""
    estimate, error = format_coefficients(record.estimate.tolist(), record.std_error.tolist())
    t = sentences.reference(record.ddf)
    columns = [["Hypothesis", *record.terms], ["Estimate", *estimate], ["Std. Error", *error]]
    if t == "t":
        columns.append(["df", *format_df(record.df.tolist())])
    columns.append([f"{t} value", *format_statistics(record.statistic.tolist())])
    columns.append([f"Pr(>|{t}|)", *format_p(record.p_value.tolist())])
    return TableView(
        title=f"Linear hypotheses, {sentences.short_method(record.ddf)}",
        heads=[c[0] for c in columns],
        rows=[list(row) for row in zip(*(c[1:] for c in columns), strict=True)],
        notes=[
            *([joint_sentence(record)] if len(record.terms) > 1 else []),
            *([record.note] if record.note else []),
        ],
    )


def joint_sentence(record: LinearHypotheses) -> str:
    """Say what the joint test gives."""
    joint = record.joint
    p = format_p([joint.p_value])[0]
    p = f"p {p[0]} {p[1:]}" if p.startswith("<") else f"p = {p}"
    if record.ddf == "none":
        return f"Together: chi-square = {joint.statistic:.4g} on {joint.num_df} df, {p}."
    return f"Together: F = {joint.statistic:.4g} on {joint.num_df} and {joint.den_df:.4g} df, {p}."
