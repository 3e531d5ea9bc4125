"""The words of a summary, shared by text, HTML and LaTeX."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from henderson.inference.summary import SummaryRecord
    from henderson.model.sampled_search import MonteCarlo


def title(record: SummaryRecord) -> str:
    """``Linear mixed model fit by REML`` or ``… by maximum likelihood``."""
    return "Linear mixed model fit by " + ("REML" if record.reml else "maximum likelihood")


METHODS = {
    "satterthwaite": "Satterthwaite's degrees of freedom",
    "kenward-roger": "Kenward-Roger degrees of freedom and standard errors",
    "residual": "residual degrees of freedom",
    "none": "z tests",
}


def method(ddf: str) -> str:
    """Say how degrees of freedom were had."""
    return METHODS[ddf]


def short_method(ddf: str) -> str:
    """Say it in fewer words, for a title."""
    return METHODS[ddf].removesuffix(" and standard errors")


def reference(ddf: str) -> str:
    """``z`` where the reference is the normal distribution, else ``t``."""
    return "z" if ddf == "none" else "t"


def notes(record: SummaryRecord) -> list[str]:
    """Return what the tables do not say: rows and columns left out, weights, lost directions, the search."""
    out = []
    if record.rows_dropped:
        total = record.nobs + record.rows_dropped
        where = (
            f" ({_some(tuple(f'{name} {count}' for name, count in record.missing))})"
            if record.missing
            else ""
        )
        out.append(f"{record.rows_dropped} of {total} rows left out because of missing values{where}.")
    if record.dropped:
        out.append(dropped_columns(record.dropped))
    parts = [
        name
        for name, there in (("precision weights", record.weighted), ("an offset", record.offset))
        if there
    ]
    if parts:
        out.append(f"With {' and '.join(parts)}.")
    if record.where is not None:
        out.append(f"Fitted from sums of products; the rows stayed in {record.where}.")
    if record.coefficients.note:
        out.append(record.coefficients.note)
    if record.repeated:
        out.append(record.repeated)
    if record.singular:
        out.append(f"Singular fit: {'; '.join(record.singular)}.")
    if record.monte_carlo is not None:
        out.append(solved(record.monte_carlo))
    return [*out, ending(record)]


def dropped_columns(names: tuple[str, ...]) -> str:
    """Say which columns were left out as combinations of others."""
    many = "" if len(names) == 1 else "s"
    return f"{len(names)} column{many} dropped (a combination of the others): {_some(names)}."


def solved(errors: MonteCarlo) -> str:
    """Say what the iterative solver leaves open."""
    share = (
        "no Monte Carlo error"
        if errors.share == 0
        else f"a Monte Carlo error of {percent(errors.share)} of the standard error at most"
    )
    size = errors.criterion_error
    criterion = "the criterion is exact" if size == 0 else f"the criterion has one of {size:.2g}"
    return f"Solved iteratively: theta has {share}, {criterion} (.solver)."


def percent(share: float) -> str:
    """A share of one with two digits, and all digits of a large one.

    >>> percent(0.01), percent(0.000036), percent(13.24)
    ('1 %', '0.0036 %', '1324 %')
    """
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"


def ending(record: SummaryRecord) -> str:
    """How the search ended."""
    times = f"{record.evaluations} evaluation" + ("" if record.evaluations == 1 else "s")
    if record.converged:
        return f"Converged in {times}."
    return f"Not converged after {times}: {record.message.rstrip('.')}."


def _some(names: tuple[str, ...], most: int = 6) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
