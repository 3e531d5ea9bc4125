"""How tests by refitting read: likelihood ratios of models, of random terms and of fixed terms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from henderson.display.numbers import format_column, format_fixed
from henderson.display.table import TableView, format_df, format_p

if TYPE_CHECKING:
    from henderson.inference.hypotheses.drop1 import TermFTests, TermLikelihoods
    from henderson.inference.hypotheses.lrt import LikelihoodRatios
    from henderson.inference.hypotheses.model_f import ModelF
    from henderson.inference.hypotheses.ranova import RandomTermTests
    from henderson.inference.hypotheses.rlrt import ExactTest

DDF_NAMES = {
    "satterthwaite": "Satterthwaite",
    "kenward-roger": "Kenward-Roger",
    "residual": "rows minus fixed effects",
}
CRITERION = {True: "REML", False: "maximum likelihood"}


def blank(cells: list[str], values: Sequence[float] | np.ndarray) -> list[str]:
    """Return the cells, empty where the value is not a number."""
    return ["" if math.isnan(v) else cell for cell, v in zip(cells, values, strict=True)]


def statistic_cells(values: Sequence[float] | np.ndarray) -> list[str]:
    """Test statistics with two to four decimals, empty where there is none."""
    rounded = [round(float(v), 4) if math.isfinite(v) else v for v in values]
    cells = format_column(rounded, 5)
    if all("e" not in cell and len(cell.partition(".")[2]) < 2 for cell in cells):
        cells = fixed_cells(np.asarray(rounded, dtype=float))
    return blank(cells, values)


def p_cells(values: Sequence[float] | np.ndarray) -> list[str]:
    """P-values, empty where there is none."""
    return blank(format_p([float(v) for v in values]), values)


def df_cells(values: Sequence[float] | np.ndarray) -> list[str]:
    """Degrees of freedom, empty where there are none."""
    return blank(format_df([float(v) for v in values]), values)


def fixed_cells(values: np.ndarray, decimals: int = 2) -> list[str]:
    """Numbers with two decimals, as likelihoods are read for their differences."""
    return [format_fixed(float(v), decimals) for v in values]


def likelihood_ratio_view(record: LikelihoodRatios) -> TableView:
    """Return the table of a comparison of models."""
    columns = [
        ("npar", [str(n) for n in record.npar]),
        ("AIC", fixed_cells(record.aic)),
        ("BIC", fixed_cells(record.bic)),
        ("logLik", fixed_cells(record.loglik)),
        ("Chisq", statistic_cells(record.statistic)),
        ("Df", df_cells(record.df)),
        ("p", p_cells(record.p_value)),
    ]
    columns += boundary_column(record.p_boundary)
    columns += [("p simul.", p_cells(record.p_simulated))] if record.n_sim else []
    notes = []
    if record.refitted:
        one = record.refitted == 1
        notes.append(
            f"{record.refitted} REML fit{'' if one else 's'} refitted by maximum likelihood for this "
            "comparison (refit=False compares REML fits with the same fixed effects as they are)."
        )
    return TableView(
        title=f"Likelihood ratio tests of fits by {CRITERION[record.restricted]}",
        heads=["", *(head for head, _ in columns)],
        rows=[list(row) for row in zip(record.models, *(cells for _, cells in columns), strict=True)],
        notes=[
            *notes,
            *boundary_note(record.p_boundary, record.df),
            *simulated_note(record.n_sim, record.seed),
            *record.notes,
        ],
        before=[f"{name}: {text}" for name, text in zip(record.models, record.formulas, strict=True)],
    )


def boundary_column(p: np.ndarray) -> list[tuple[str, list[str]]]:
    """The column of mixture p-values; none where no row has one."""
    return [] if np.isnan(p).all() else [("p mixture", p_cells(p))]


def boundary_note(p: np.ndarray, df: np.ndarray) -> list[str]:
    """Name the mixture."""
    used = sorted({int(d) for d, value in zip(df, p, strict=True) if not math.isnan(value)})
    if not used:
        return []
    mixtures = " or ".join(f"0.5 chi2({d - 1}) + 0.5 chi2({d})" for d in used)
    words = (
        "p mixture: under the smaller model a variance is zero, the edge of what it can be; the statistic is "
    )
    return [f"{words}then {mixtures}, and the plain chi-square p is too large."]


def simulated_note(n_sim: int, seed: int | None) -> list[str]:
    """Say where simulated p-values come from."""
    if not n_sim:
        return []
    return [f"p simul.: {n_sim} responses simulated under the smaller model (seed {seed}), fitted by both."]


def random_terms_view(record: RandomTermTests) -> TableView:
    """Return the table of tests of random terms."""
    columns = [
        ("npar", [str(n) for n in record.npar]),
        ("logLik", fixed_cells(record.loglik)),
        ("AIC", fixed_cells(record.aic)),
        ("LRT", statistic_cells(record.statistic)),
        ("Df", df_cells(record.df)),
        ("p", p_cells(record.p_value)),
    ]
    columns += boundary_column(record.p_boundary)
    return TableView(
        title=f"Likelihood ratio tests of random terms left out, {CRITERION[record.reml]}",
        heads=["", *(head for head, _ in columns)],
        rows=[list(row) for row in zip(record.terms, *(cells for _, cells in columns), strict=True)],
        notes=[*boundary_note(record.p_boundary, record.df), *record.notes],
    )


def fixed_terms_view(record: TermLikelihoods) -> TableView:
    """Return the table of likelihood ratio tests of fixed terms."""
    nothing = np.isnan(record.statistic)
    columns = [
        ("Df", ["" if none else str(n) for n, none in zip(record.npar, nothing, strict=True)]),
        ("logLik", fixed_cells(record.loglik)),
        ("AIC", fixed_cells(record.aic)),
        ("LRT", statistic_cells(record.statistic)),
        ("p", p_cells(record.p_value)),
    ]
    notes = ["Refitted by maximum likelihood."] if record.refitted else []
    return TableView(
        title="Likelihood ratio tests of fixed terms left out, maximum likelihood",
        heads=["", *(head for head, _ in columns)],
        rows=[list(row) for row in zip(record.terms, *(cells for _, cells in columns), strict=True)],
        notes=[*notes, *held_note(record.kept), *record.notes],
    )


def held_note(kept: tuple[str, ...]) -> list[str]:
    """Say which terms could not be left out."""
    if not kept:
        return []
    return [f"Not left out, as interactions with them are in the model: {', '.join(kept)}."]


def f_cells(record: TermFTests | ModelF) -> list[tuple[str, list[str]]]:
    """Columns of F tests, or of chi-square tests where there are no denominator degrees of freedom."""
    values = [np.atleast_1d(v) for v in (record.statistic, record.num_df, record.den_df, record.p_value)]
    statistic, df, p = statistic_cells(values[0]), df_cells(values[1]), p_cells(values[3])
    if record.ddf == "none":
        return [("Chisq", statistic), ("Df", df), ("p", p)]
    return [("F", statistic), ("num df", df), ("den df", df_cells(values[2])), ("p", p)]


def ddf_words(ddf: str) -> str:
    """How denominator degrees of freedom were found, for a title."""
    return "" if ddf == "none" else f", degrees of freedom: {DDF_NAMES[ddf]}"


def fixed_terms_f_view(record: TermFTests) -> TableView:
    """Return the table of F tests of fixed terms."""
    columns = f_cells(record)
    what = "Chi-square" if record.ddf == "none" else "F"
    return TableView(
        title=f"{what} tests of fixed terms left out{ddf_words(record.ddf)}",
        heads=["", *(head for head, _ in columns)],
        rows=[list(row) for row in zip(record.terms, *(cells for _, cells in columns), strict=True)],
        notes=[*held_note(record.kept), *([record.note] if record.note else [])],
    )


def model_f_view(record: ModelF) -> TableView:
    """Return the F test of one model within another."""
    columns = f_cells(record)
    what = "Chi-square" if record.ddf == "none" else "F"
    notes = [f"{record.large} refitted by REML."] if record.refitted else []
    if abs(record.scale - 1) > 1e-8:
        notes.append(f"F is scaled by {record.scale:.4f}, as Kenward and Roger do.")
    notes += [record.note] if record.note else []
    return TableView(
        title=f"{what} test of {record.small} within {record.large}{ddf_words(record.ddf)}",
        heads=["", *(head for head, _ in columns)],
        rows=[[record.small, *(cells[0] for _, cells in columns)]],
        notes=notes,
        before=[f"{n}: {f}" for n, f in zip((record.small, record.large), record.formulas, strict=True)],
    )


def exact_test_view(record: ExactTest) -> TableView:
    """Return the exact test of one variance."""
    name = "RLRT" if record.restricted else "LRT"
    notes = [
        _draws(record),
        "p mixture: by 0.5 chi2(0) + 0.5 chi2(1), which holds with many groups.",
    ]
    if record.approximate:
        notes.append(
            "The model has other random terms, whose effects are taken as known (Greven et al. 2008): the "
            "distribution is an approximation."
        )
    if record.refitted:
        notes.append(f"Refitted by {CRITERION[record.restricted]}.")
    kind = "Approximate" if record.approximate else "Exact"
    return TableView(
        title=f"{kind} test of one variance, {CRITERION[record.restricted]}",
        heads=["", name, "p", "p mixture"],
        rows=[
            [
                record.term,
                *statistic_cells([record.statistic]),
                *p_cells([record.p_value]),
                *p_cells([record.p_boundary]),
            ]
        ],
        notes=notes,
    )


def _draws(record: ExactTest) -> str:
    zero = f"{100 * record.at_zero:.1f} % of them zero"
    good = f"the p-value is good to +- {record.std_error:.2g}"
    if record.std_error == 0:
        good = "all are as large"
    if record.p_value * (record.n_sim + 1) < 1.5:
        good = "none is as large, so the p-value is at most this"
    return f"{record.n_sim} draws from the null distribution (seed {record.seed}), {zero}; {good}."
