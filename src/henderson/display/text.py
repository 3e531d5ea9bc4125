"""The printed summary: lme4's content in lme4's order, 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.display import sentences
from henderson.display.grid import WIDTH, columns_text, matrix_text, wrapped, wrapped_formula
from henderson.display.names import abbreviate_all, shorten, shorten_all
from henderson.display.numbers import (
    format_coefficients,
    format_column,
    format_correlation,
    format_df,
    format_fixed,
    format_p,
    format_quantiles,
    format_statistics,
)

if TYPE_CHECKING:
    from henderson.inference.coefficients import CoefficientTable
    from henderson.inference.summary import SummaryRecord
    from henderson.inference.varcorr import VarCorr

MOST_CORRELATED = 12
QUANTILE_NAMES = ["Min", "1Q", "Median", "3Q", "Max"]


def summary_text(record: SummaryRecord) -> str:
    """Return the whole summary.

    Parameters
    ----------
    record : SummaryRecord
        What to print.

    Returns
    -------
    str
        Lines of at most 80 characters.
    """
    blocks = [
        header(record),
        criterion_lines(record),
        [] if record.quantiles is None else ["Scaled residuals:", *quantile_lines(record.quantiles)],
        ["Random effects:", *varcorr_lines(record.varcorr), *size_lines(record)],
        [fixed_title(record.coefficients), *coefficient_lines(record.coefficients)],
        correlation_lines(record),
        [line for note in sentences.notes(record) for line in wrapped(note, "  ")],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def header(record: SummaryRecord) -> list[str]:
    """Title and formula, and weights or offset where there are any."""
    return [sentences.title(record), *wrapped_formula(f"Formula: {record.formula}")]


def criterion_lines(record: SummaryRecord) -> list[str]:
    """Return the REML criterion, or the information criteria of an ML fit."""
    if record.reml:
        where = "at convergence" if record.converged else "where the search stopped"
        return [f"REML criterion {where}: {format_fixed(record.criterion)}"]
    names = ["AIC", "BIC", "logLik", "deviance", "df.resid"]
    values = [record.aic, record.bic, record.loglik, record.deviance]
    cells = [*(format_fixed(v) for v in values), str(record.df_residual)]
    width = max(map(len, names + cells))
    return columns_text([[n.rjust(width), c] for n, c in zip(names, cells, strict=True)], ">" * 5)


def quantile_lines(quantiles: np.ndarray) -> list[str]:
    """Five numbers under their names."""
    cells = format_quantiles(quantiles.tolist())
    return columns_text([[n, c] for n, c in zip(QUANTILE_NAMES, cells, strict=True)], ">" * 5)


def varcorr_lines(table: VarCorr, *, variances: bool = True) -> list[str]:
    """Return groups, names, variances, standard deviations and correlations, lme4's layout.

    Correlations that do not fit beside the variances follow as matrices below.
    """
    sizes = [*(v for t in table.terms for v in t.variance), table.sigma**2]
    spreads = [*(s for t in table.terms for s in t.sd), table.sigma]
    groups, names = _labels(table)
    columns = [["Groups", *groups], ["Name", *names]]
    if variances:
        columns.append(["Variance", *format_column(sizes)])
    columns.append(["Std.Dev.", *format_column(spreads)])
    corr = _correlation_columns(table)
    used = sum(max(map(len, c)) + 1 for c in columns)
    beside = used + sum(max(map(len, c)) + 1 for c in corr) <= WIDTH
    lines = [
        " " + line
        for line in columns_text(
            columns + (corr if beside else []), "<" * (len(columns) + beside * len(corr))
        )
    ]
    return lines if beside else [*lines, *_correlation_blocks(table), ""]


def _labels(table: VarCorr) -> tuple[list[str], list[str]]:
    groups: list[str] = []
    names: list[str] = []
    for t in table.terms:
        groups += [t.label, *[""] * (len(t.names) - 1)]
        names += t.names
    longest = max([8, *map(len, groups)])
    room = 52 - min(longest, 24)
    widest = max(24, 52 - max([4, *map(len, names)]))
    return [*shorten_all(groups, widest), "Residual"], [*shorten_all(names, room), ""]


def _correlation_columns(table: VarCorr) -> list[list[str]]:
    """One column per correlation partner: heading, one cell per row of the table."""
    widest = max((len(t.names) for t in table.terms), default=1) - 1
    columns = [["Corr" if j == 0 else ""] for j in range(widest)]
    for t in table.terms:
        for i in range(len(t.names)):
            for j in range(widest):
                columns[j].append(format_correlation(t.corr[i, j]) if j < i else "")
    return [[column[0], *_flush(column[1:]), ""] for column in columns]


def _flush(cells: list[str]) -> list[str]:
    """Cells to the right of their common width."""
    width = max(map(len, cells), default=0)
    return [cell.rjust(width) for cell in cells]


def _correlation_blocks(table: VarCorr) -> list[str]:
    lines: list[str] = []
    for t in table.terms:
        if len(t.names) > 1:
            lines += ["", f" Correlations between {shorten(t.label, 50)}:"]
            short = shorten_all(t.names, 30)
            cells = [
                [format_correlation(t.corr[i, j]) if j < i else "" for j in range(len(short) - 1)]
                for i in range(len(short))
            ]
            heads = shorten_all(t.names[:-1], 12)
            lines += [" " + line for line in matrix_text(short, heads, cells, WIDTH - 1)]
    return lines


def size_lines(record: SummaryRecord) -> list[str]:
    """Rows used and levels of every grouping factor."""
    groups = "; ".join(f"{shorten(name, 50)}, {count}" for name, count in record.ngroups)
    return wrapped(f"Number of obs: {record.nobs}, groups:  {groups}", "  ")


def fixed_title(table: CoefficientTable) -> str:
    """Heading of the coefficients, with the kind of degrees of freedom."""
    return f"Fixed effects ({sentences.method(table.ddf)}):" if table.terms else "Fixed effects:"


def coefficient_lines(table: CoefficientTable) -> list[str]:
    """Estimate, standard error, degrees of freedom, t value and p-value, columns that were dropped as NA."""
    if not table.terms:
        return ["(no fixed effects)"]
    estimate, error = format_coefficients(table.estimate.tolist(), table.std_error.tolist())
    ratio = format_statistics(table.statistic.tolist())
    t = sentences.reference(table.ddf)
    columns = [["Estimate", *estimate], ["Std. Error", *error]]
    if t == "t":
        columns.append(["df", *format_df(table.df.tolist())])
    columns += [[f"{t} value", *ratio], [f"Pr(>|{t}|)", *format_p(table.p_value.tolist())]]
    room = WIDTH - sum(max(map(len, c)) + 1 for c in columns)
    names = shorten_all(table.terms, room)
    return columns_text([["", *names], *columns], "<" + ">" * len(columns))


def correlation_lines(record: SummaryRecord) -> list[str]:
    """Lower triangle of the correlation matrix of the fixed effects; a pointer to it when it is large."""
    p = len(record.x_names)
    if p < 2:
        return []
    if p > MOST_CORRELATED:
        return wrapped(
            f"Correlation of fixed effects not shown, as p = {p} > {MOST_CORRELATED}; see fit.vcov.", "  "
        )
    names, heads = shorten_all(record.x_names, 30), abbreviate_all(list(record.x_names))
    cells = [[cell.rjust(6) if cell else "" for cell in row] for row in lower_triangle(record.correlation)]
    return ["Correlation of Fixed Effects:", *matrix_text(names, heads[:-1], cells)]


def lower_triangle(correlation: np.ndarray) -> list[list[str]]:
    """Cells of a correlation matrix (p, p) below its diagonal, p rows of p - 1; empty elsewhere."""
    p = len(correlation)
    return [
        [format_correlation(correlation[i, j], 3) if j < i else "" for j in range(p - 1)] for i in range(p)
    ]
