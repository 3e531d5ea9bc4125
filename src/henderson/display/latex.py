"""The summary as a LaTeX table with booktabs rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from henderson.display import sentences
from henderson.display.numbers import (
    format_coefficients,
    format_column,
    format_correlation,
    format_df,
    format_fixed,
    format_p,
    format_statistics,
)

if TYPE_CHECKING:
    from henderson.inference.summary import SummaryRecord

ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "…": r"\ldots{}",
}


def escaped(text: str) -> str:
    r"""Return text with LaTeX's special characters made harmless.

    >>> print(escaped("I(x^2)_1 & 5%"))
    I(x\textasciicircum{}2)\_1 \& 5\%
    """
    return "".join(ESCAPES.get(c, c) for c in text)


def summary_latex(record: SummaryRecord, caption: str | None = None, label: str | None = None) -> str:
    r"""Return a ``table`` environment: fixed effects, random effects, criteria; it needs booktabs.

    Parameters
    ----------
    record : SummaryRecord
        What to show.
    caption : str, optional
        By default the title and the formula.
    label : str, optional
        For ``\ref``; taken as it is.

    Returns
    -------
    str
        LaTeX source; names from the data are escaped.
    """
    text = caption if caption is not None else f"{sentences.title(record)}: {record.formula}"
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(text)}}}",
        *([rf"\label{{{label}}}"] if label else []),
        r"\begin{tabular}{llrrrrr}",
        r"\toprule",
        *_fixed(record),
        *_random(record),
        r"\midrule",
        rf"\multicolumn{{7}}{{l}}{{{_facts(record)}}} \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _fixed(record: SummaryRecord) -> list[str]:
    table = record.coefficients
    if not table.terms:
        return []
    estimate, error = format_coefficients(table.estimate.tolist(), table.std_error.tolist())
    ratio, p_value = format_statistics(table.statistic.tolist()), format_p(table.p_value.tolist())
    t = sentences.reference(table.ddf)
    df = format_df(table.df.tolist()) if t == "t" else [""] * len(ratio)
    heads = rf"{'df' if t == 't' else ''} & ${t}$ value & $\Pr(>|{t}|)$"
    lines = [rf"Fixed effects & & Estimate & Std.\ error & {heads} \\", r"\midrule"]
    for term, *numbers in zip(table.terms, estimate, error, df, ratio, p_value, strict=True):
        lines.append(rf"{escaped(term)} & & {' & '.join(map(_number, numbers))} \\")
    return [*lines, r"\midrule"]


def _random(record: SummaryRecord) -> list[str]:
    table = record.varcorr
    variances = format_column([*(v for t in table.terms for v in t.variance), table.sigma**2])
    spreads = format_column([*(s for t in table.terms for s in t.sd), table.sigma])
    lines, at = [r"Random effects & & Variance & Std.\ dev. & Corr. & & \\", r"\midrule"], 0
    for t in table.terms:
        for i, name in enumerate(t.names):
            corr = ", ".join(_number(format_correlation(t.corr[i, j])) for j in range(i))
            group = escaped(t.label) if i == 0 else ""
            sizes = f"{_number(variances[at])} & {_number(spreads[at])}"
            lines.append(rf"{group} & {escaped(name)} & {sizes} & {corr} & & \\")
            at += 1
    return [*lines, rf"Residual & & {_number(variances[at])} & {_number(spreads[at])} & & & \\"]


def _facts(record: SummaryRecord) -> str:
    groups = ", ".join(f"{count} levels of {escaped(name)}" for name, count in record.ngroups)
    name = "REML criterion" if record.reml else "Deviance"
    return (
        f"{name} {_number(format_fixed(record.criterion))}; AIC {_number(format_fixed(record.aic))}; "
        f"BIC {_number(format_fixed(record.bic))}; {record.nobs} observations, {groups}."
    )


def _number(text: str) -> str:
    text = text.strip()
    return f"${text}$" if text.startswith(("-", "<")) or "e" in text else text
