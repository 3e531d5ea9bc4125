"""Measures of quality as tables: ICC, R squared, VIF, components, comparison, conditional AIC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from henderson.display.numbers import format_column
from henderson.display.table import TableView

if TYPE_CHECKING:
    import numpy as np

    from henderson.inference.quality.collinearity import Inflation
    from henderson.inference.quality.comparison import Ranking
    from henderson.inference.quality.components import Components
    from henderson.inference.quality.conditional_aic import ConditionalAIC
    from henderson.inference.quality.explained import Explained, IntraclassCorrelation, RSquared

SINGULAR = "The fit is singular: directions without variance count as zero. (R's performance gives NA there.)"
AVERAGED = "With random slopes the variance differs from row to row; this is its mean over the rows."


def icc_view(record: IntraclassCorrelation) -> TableView:
    """Return the table of the intraclass correlation."""
    notes = _notes(record.explained)
    if record.show_groups:
        rows = _rows([list(record.groups), _numbers(record.by_group), _numbers(record.explained.random)])
        total = f"Shares of random + residual variance; together {record.adjusted:.4f}."
        return TableView("Intraclass correlation by group", ["", "ICC", "Variance"], rows, 1, [total, *notes])
    rows = [
        ["adjusted", "random / (random + residual)", *_numbers(record.adjusted)],
        ["unadjusted", "random / (fixed + random + residual)", *_numbers(record.unadjusted)],
    ]
    return TableView(
        "Intraclass correlation", ["", "", "ICC"], rows, 2, [_variances(record.explained), *notes]
    )


def r2_view(record: RSquared) -> TableView:
    """Return the table of R squared."""
    rows = [
        ["marginal", "fixed / total", *_numbers(record.marginal)],
        ["conditional", "(fixed + random) / total", *_numbers(record.conditional)],
    ]
    notes = [_variances(record.explained), *_notes(record.explained)]
    return TableView("R squared (Nakagawa)", ["", "", "R2"], rows, 2, notes)


def vif_view(record: Inflation) -> TableView:
    """Return the table of variance inflation."""
    columns = [
        list(record.terms),
        [str(int(d)) for d in record.df],
        format_column(record.gvif.tolist()),
        format_column(record.scaled.tolist()),
    ]
    notes = [
        "The last column says how many times wider collinearity makes an interval; above 2 to 3 is much."
    ]
    if not record.intercept:
        notes.append("Without an intercept these factors have no clear meaning.")
    title = "Variance inflation of the fixed effects"
    return TableView(title, ["", "Df", "GVIF", "GVIF^(1/(2 Df))"], _rows(columns), 1, notes)


def components_view(record: Components) -> TableView:
    """Return the table of principal components."""
    rows, notes = [], []
    for term in record.terms:
        share, reached = term.proportion, term.proportion.cumsum()
        for j, sd in enumerate(format_column(term.sd.tolist())):
            cells = [f"{100 * x:.1f}%" if x == x else "NA" for x in (share[j], reached[j])]
            rows.append([term.label if j == 0 else "", f"PC{j + 1}", sd, *cells])
        if term.rank < len(term.names):
            lost = len(term.names) - term.rank
            notes.append(
                f"{term.label}: {lost} of {len(term.names)} direction{'s' if len(term.names) > 1 else ''} "
                f"without variance."
            )
    heads = ["Group", "", "Std.Dev.", "Share", "Together"]
    title = "Principal components of the random effects (relative to sigma)"
    return TableView(title, heads, rows, 2, notes)


def ranking_view(record: Ranking) -> TableView:
    """Return the table of a comparison."""
    numbers = [record.loglik, record.aic, record.aicc, record.bic, record.delta]
    columns = [
        list(record.models),
        [str(int(d)) for d in record.df],
        *(_places(c, 1) for c in numbers),
        ["<0.001" if w < 5e-4 else f"{w:.3f}" for w in record.weight.tolist()],
    ]
    heads = ["Model", "Df", "logLik", "AIC", "AICc", "BIC", "Delta", "Weight"]
    name = {"aic": "AIC", "aicc": "AICc", "bic": "BIC"}[record.criterion]
    notes = [f"Delta and Weight are of {name}. Likelihoods by {'REML' if record.reml else 'ML'}."]
    if record.refitted:
        count = len(record.refitted)
        notes.append(
            f"{count} REML fit{' was' if count == 1 else 's were'} fitted again by ML: REML likelihoods of "
            "different fixed effects are not comparable."
        )
    elif record.reml:
        notes.append("The fixed effects are the same, so that REML likelihoods can be compared.")
    return TableView("Comparison of fits, the best first", heads, _rows(columns), 1, notes)


def caic_view(record: ConditionalAIC) -> TableView:
    """Return the table of the conditional AIC."""
    cells = [_places_one(x, d) for x, d in ((record.caic, 2), (record.loglik, 2), (record.df, 3))]
    kind = "REML" if record.reml else "ML"
    parts = f"{record.leverage:.3f} (leverages) + {record.correction:.3f} (theta is estimated, by {kind})"
    notes = [f"Df = {parts} + 1 (sigma)."]
    if record.boundary:
        plural = "s" if record.boundary > 1 else ""
        notes.append(f"{record.boundary} covariance direction{plural} without variance held at zero.")
    return TableView("Conditional AIC", ["cAIC", "logLik given the groups", "Df"], [cells], 0, notes)


def _rows(columns: list[list[str]]) -> list[list[str]]:
    return [list(row) for row in zip(*columns, strict=True)]


def _numbers(values: float | np.ndarray) -> list[str]:
    return format_column([values] if isinstance(values, float) else values.tolist())


def _places(values: np.ndarray, decimals: int) -> list[str]:
    return [_places_one(x, decimals) for x in values.tolist()]


def _places_one(x: float, decimals: int) -> str:
    return "Inf" if x == float("inf") else f"{x:.{decimals}f}"


def _variances(parts: Explained) -> str:
    random = float(parts.random.sum())
    cells = [format_column([x])[0] for x in (parts.fixed, random, parts.residual)]
    return f"Variances: fixed {cells[0]}, random {cells[1]}, residual {cells[2]}."


def _notes(parts: Explained) -> list[str]:
    return ([SINGULAR] if parts.singular else []) + ([AVERAGED] if parts.slopes else [])
