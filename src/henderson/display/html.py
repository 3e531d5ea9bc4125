"""The summary as HTML for notebooks and reports: one self-contained block that follows the page's colours."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

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
from henderson.display.text import MOST_CORRELATED, lower_triangle

if TYPE_CHECKING:
    from henderson.inference.coefficients import CoefficientTable
    from henderson.inference.summary import SummaryRecord
    from henderson.inference.varcorr import VarCorr

LONG_LABEL = 40
"""Characters from which a name may be broken over lines; shorter ones stay in one piece on narrow pages."""
# Only the text's own colour and greys that are seen on white and on black, so that any theme may surround it.
STYLE = """
.henderson{max-width:60em;line-height:1.45;font-variant-numeric:tabular-nums;color:inherit}
.henderson .hd-title{font-weight:600;font-size:1.1em}
.henderson .hd-formula{font-family:ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere;
margin:.1em 0 .7em}
.henderson .hd-facts{display:flex;flex-wrap:wrap;gap:.35em 1.6em;padding:.5em 0;margin-bottom:.4em;
border-top:1px solid rgba(128,128,128,.45);border-bottom:1px solid rgba(128,128,128,.45)}
.henderson .hd-facts span{opacity:.68;margin-right:.45em}
.henderson .hd-wide{overflow-x:auto;margin:.2em 0 .9em}
.henderson .hd-wide table{border-collapse:collapse;border:0;margin:0;font-size:1em;color:inherit;width:auto}
.henderson .hd-wide caption{text-align:left;font-weight:600;padding:.45em 0 .2em;caption-side:top;
color:inherit;white-space:nowrap}
.henderson .hd-wide th,.henderson .hd-wide td{padding:.18em .8em;border:0;text-align:right;white-space:nowrap;
background:transparent;color:inherit;max-width:none}
.henderson .hd-wide thead th{border-bottom:1px solid rgba(128,128,128,.6);font-weight:600;
vertical-align:bottom}
.henderson .hd-wide tbody tr{background:transparent;border:0}
.henderson .hd-wide tbody tr:hover{background:rgba(128,128,128,.13)}
.henderson .hd-wide tbody th{font-weight:400}
.henderson .hd-wide .hd-l{text-align:left}
.henderson .hd-wide .hd-long{white-space:normal;overflow-wrap:anywhere;min-width:12em;max-width:28em}
.henderson .hd-wide .hd-first td,.henderson .hd-wide .hd-first th{border-top:1px solid rgba(128,128,128,.25)}
.henderson summary{cursor:pointer;font-weight:600}
.henderson .hd-notes{margin:.3em 0 0;opacity:.85}
.henderson .hd-notes div{margin:.1em 0}
""".strip()


def summary_html(record: SummaryRecord) -> str:
    """Return the summary as one ``<div>`` with its own style.

    Parameters
    ----------
    record : SummaryRecord
        What to show.

    Returns
    -------
    str
        HTML; every name that comes from the data is escaped.
    """
    notes = "".join(f"<div>{escape(note)}</div>" for note in sentences.notes(record))
    return block(
        f'<div class="hd-title">{escape(sentences.title(record))}</div>'
        f'<div class="hd-formula">{escape(record.formula)}</div>'
        f"{_facts(record)}{_coefficients(record.coefficients)}{varcorr_table(record.varcorr)}"
        f'{_correlation(record)}<div class="hd-notes">{notes}</div>'
    )


def block(inside: str) -> str:
    """Return a ``<div>`` of ours around `inside`, with the style."""
    return f'<div class="henderson"><style>{STYLE}</style>{inside}</div>'


def _facts(record: SummaryRecord) -> str:
    name = ("REML criterion" if record.reml else "deviance") + (
        "" if record.converged else " where the search stopped"
    )
    facts = [
        (name, format_fixed(record.criterion)),
        ("AIC", format_fixed(record.aic)),
        ("BIC", format_fixed(record.bic)),
        ("log-likelihood", format_fixed(record.loglik)),
        ("observations", str(record.nobs)),
        *((group, f"{count} levels") for group, count in record.ngroups),
    ]
    cells = "".join(f"<div><span>{escape(k)}</span>{escape(v).replace('-', '−')}</div>" for k, v in facts)
    return f'<div class="hd-facts">{cells}</div>'


def _coefficients(table: CoefficientTable) -> str:
    if not table.terms:
        return ""
    estimate, error = format_coefficients(table.estimate.tolist(), table.std_error.tolist())
    ratio, p_value = format_statistics(table.statistic.tolist()), format_p(table.p_value.tolist())
    df = format_df(table.df.tolist())
    ends = format_column([*table.conf_low.tolist(), *table.conf_high.tolist()])
    half, t_tests = len(table.terms), sentences.reference(table.ddf) == "t"
    rows = [
        [
            term,
            e,
            s,
            *([d] if t_tests else []),
            t,
            p,
            f"{low.strip()} … {high.strip()}" if np.isfinite(x) else "NA",
        ]
        for term, e, s, d, t, p, low, high, x in zip(
            table.terms,
            estimate,
            error,
            df,
            ratio,
            p_value,
            ends[:half],
            ends[half:],
            table.estimate,
            strict=True,
        )
    ]
    tests = ["df", "t value", "Pr(>|t|)"] if t_tests else ["z value", "Pr(>|z|)"]
    heads = ["", "Estimate", "Std. error", *tests, f"{100 * table.level:g} % interval"]
    return table_html(f"Fixed effects ({sentences.method(table.ddf)})", heads, rows, 1)


def varcorr_table(table: VarCorr) -> str:
    """Return the table of variances, standard deviations and correlations."""
    variances = format_column([*(v for t in table.terms for v in t.variance), table.sigma**2])
    spreads = format_column([*(s for t in table.terms for s in t.sd), table.sigma])
    widest = max((len(t.names) for t in table.terms), default=1) - 1
    rows, at, first = [], 0, []
    for t in table.terms:
        for i, name in enumerate(t.names):
            first.append(i == 0)
            corr = [format_correlation(t.corr[i, j]) if j < i else "" for j in range(widest)]
            rows.append([t.label if i == 0 else "", name, variances[at], spreads[at], *corr])
            at += 1
    first.append(True)
    rows.append(["Residual", "", variances[at], spreads[at], *[""] * widest])
    heads = [
        "Group",
        "Name",
        "Variance",
        "Std. dev.",
        *["Correlation" if j == 0 else "" for j in range(widest)],
    ]
    return table_html("Random effects", heads, rows, 2, first)


def _correlation(record: SummaryRecord) -> str:
    p = len(record.x_names)
    if not 2 <= p <= MOST_CORRELATED:
        return ""
    lower = lower_triangle(record.correlation)
    rows = [[name, *cells] for name, cells in zip(record.x_names[1:], lower[1:], strict=True)]
    table = table_html("", ["", *record.x_names[:-1]], rows, 1)
    return f"<details><summary>Correlation of fixed effects</summary>{table}</details>"


def table_html(
    caption: str, heads: list[str], rows: list[list[str]], left: int, first: list[bool] | None = None
) -> str:
    """One table; the leading `left` columns hold names, `first` marks rows that open a group."""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    head = "".join(_cell("th", text, j < left) for j, text in enumerate(heads))
    body = ""
    for i, row in enumerate(rows):
        mark = ' class="hd-first"' if first and first[i] and i else ""
        cells = (_cell("th" if j == 0 else "td", text, j < left) for j, text in enumerate(row))
        body += f"<tr{mark}>{''.join(cells)}</tr>"
    inside = f"{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="hd-wide"><table>{inside}</table></div>'


def _cell(tag: str, text: str, left: bool) -> str:
    long = " hd-long" if len(text) > LONG_LABEL else ""
    kind = f' class="hd-l{long}"' if left else ""
    inside = escape(text.strip())
    return f"<{tag}{kind}>{inside.replace('-', '−') if tag == 'td' and not left else inside}</{tag}>"
