"""The way in: `lmm`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson import design as designing
from henderson import estimate as estimation
from henderson.errors import FormulaError, OptionError
from henderson.inference.design_notes import design_notes
from henderson.inference.frames import frame_kind, held
from henderson.lazy import is_lazy
from henderson.results import LinearMixedFit, Source
from henderson.results.alarm import warn_if_cut_short, warn_of_design
from henderson.results.options import named_options

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from henderson.results.sums import CrossProducts


@named_options
def lmm(
    formula: str | CrossProducts,
    data: Any = None,
    *,
    reml: bool = True,
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    na_action: str = "drop",
    contrasts: str | Mapping[str, str | ArrayLike] | None = None,
    env: Mapping[str, Callable[..., Any]] | None = None,
    start: ArrayLike | None = None,
    max_evaluations: int | None = None,
    tol: float | None = None,
    solver: str = "auto",
) -> LinearMixedFit:
    """Fit a linear mixed model described by an lme4 formula.

    y = X beta + Z b + offset + e, b ~ N(0, sigma^2 Lambda Lambda'), e ~ N(0, sigma^2 W^-1); beta, sigma and
    the covariance factor Lambda(theta) are estimated by REML or maximum likelihood.

    Parameters
    ----------
    formula : str
        As in lme4: ``"Reaction ~ Days + (Days | Subject)"``. Or sums made by `cross_products`, which know
        their formula and need no data.
    data : pandas or polars DataFrame, pyarrow Table, or dict of arrays
        One row per observation. Or rows that do not fit in memory: the path of Parquet or CSV files, an
        iterator of data frames or a function that makes one; see `cross_products`. Or a lazy frame, which
        its engine sums: `scan` of files, DuckDB relation, polars LazyFrame, Dask or Spark DataFrame, Ibis
        table; weights and offset are then names of columns.
    reml : bool, default True
        REML, or maximum likelihood.
    weights : column name or (rows,) positive numbers, optional
        Precision weights: the residual variance of a row is sigma^2 / weight.
    offset : column name or (rows,) numbers, optional
        Known part of the mean, in units of the response.
    na_action : {"drop", "raise"}
        What to do with rows with missing values.
    contrasts : mapping of factor name to contrast name or matrix, or one name, optional
        Such as ``{"treatment": "contr.sum"}``, a matrix with one row per level, or ``"contr.sum"`` for every
        unordered factor; by default treatment contrasts, and polynomial
        ones for ordered factors.
    env : mapping of str to callable, optional
        Own functions that the formula may call, beside the fixed vocabulary.
    start : (n_theta,) numbers, optional
        Covariance parameters to start the search from, lme4's order and units.
    max_evaluations : int, optional
        Most evaluations of the criterion (200).
    tol : float, optional
        The search stops when a further step promises less than this (1e-10); for the iterative solver, the
        Monte Carlo error that is left to every covariance parameter, in units of its standard error (0.01).
    solver : {"auto", "direct", "iterative"}
        Factor the mixed-model equations, or solve them by conjugate gradients where the factor would be too
        large: crossed factors with many levels each. ``auto`` predicts memory and time, and `solver` of the
        fit says what was chosen and why.

    Returns
    -------
    LinearMixedFit

    Raises
    ------
    FormulaError
        If the formula cannot be read; points at the characters.
    DataError
        If a column is missing, not usable, or holds values that are not finite.
    DesignError
        If the model cannot be identified from the data.
    OptionError
        If an argument has a value that is not among the allowed ones.
    FitError
        If the criterion cannot be evaluated.

    Notes
    -----
    One pass over the rows, then 3 to 12 evaluations of criterion and gradient whose cost does not depend on
    their number.

    References
    ----------
    Bates, Mächler, Bolker & Walker (2015), Fitting linear mixed-effects models using lme4, J. Stat. Softw.
    67(1).

    Examples
    --------
    >>> import henderson as hd
    >>> sleep = hd.datasets.load("sleepstudy")
    >>> hd.lmm("Reaction ~ Days + (Days | Subject)", sleep)  # doctest: +ELLIPSIS
    Linear mixed model fit by REML
    Formula: Reaction ~ Days + (Days | Subject)
    <BLANKLINE>
    REML criterion at convergence: 1743.6
    <BLANKLINE>
    Scaled residuals:
        Min      1Q  Median      3Q     Max
    -3.9536 -0.4634  0.0231  0.4634  5.1793
    <BLANKLINE>
    Random effects:
     Groups   Name        Variance Std.Dev. Corr
     Subject  (Intercept) 612.09   24.740
              Days         35.07    5.922    0.07
     Residual             654.94   25.592
    Number of obs: 180, groups:  Subject, 18
    <BLANKLINE>
    Fixed effects (Satterthwaite's degrees of freedom):
                Estimate Std. Error df t value Pr(>|t|)
    (Intercept)  251.405      6.825 17  36.838   <2e-16
    Days          10.467      1.546 17   6.771 3.26e-06
    <BLANKLINE>
    Correlation of Fixed Effects:
         (Intr)
    Days -0.138
    <BLANKLINE>
    Converged in ... evaluations.
    """
    if (sums := _sums(formula, data, weights, offset, na_action, contrasts, env)) is not None:
        check_kinds(sums.formula, reml)
        options = {"start": start, "max_evaluations": max_evaluations, "tol": tol, "solver": solver}
        return sums._fitted(reml=bool(reml), **options)
    assert isinstance(formula, str)
    check_kinds(formula, reml)
    design = designing.build(
        formula, data, weights=weights, offset=offset, na_action=na_action, contrasts=contrasts, env=env
    )
    first: Any = start
    estimate = estimation.fit(
        design, reml=bool(reml), start=first, max_evaluations=max_evaluations, tol=tol, solver=solver
    )
    warn_if_cut_short(estimate, stacklevel=3)  # past the check of option names
    warn_of_design(design_notes(design, estimate.cross), stacklevel=3)
    lost = offset is not None and _name(offset) is None
    source = Source(formula, frame_kind(data), held(data), _name(weights), _name(offset), lost, env)
    return LinearMixedFit(design, estimate, source)


def _sums(formula: object, data: Any, *options: Any) -> CrossProducts | None:
    """Sums of products, where they are given or the data come in chunks; None for a data frame."""
    from henderson.data.chunks import as_chunks

    if not isinstance(formula, str):
        from henderson.results.sums import CrossProducts

        if isinstance(formula, CrossProducts):
            _check_alone(data, options)
            return formula
        check_kinds(formula, True)
    assert isinstance(formula, str)
    if data is None:
        return None
    names = ("weights", "offset", "na_action", "contrasts", "env")
    given = dict(zip(names, options, strict=True))
    if is_lazy(data):
        from henderson.results.engine_sums import design_on_engine

        return design_on_engine(formula, data, **given)
    chunks = as_chunks(data)
    if chunks is None:
        return None
    from henderson.results.summing import cross_products

    sums: CrossProducts = cross_products(formula, chunks, **given)
    return sums


def _check_alone(data: Any, options: tuple[Any, ...]) -> None:
    if data is not None or options != (None, None, "drop", None, None):
        raise OptionError(
            "Sums of products have their data, weights, offset and contrasts in them: type lmm(sums), or "
            "give these to cross_products(formula, data, ...)."
        )


def check_kinds(formula: object, reml: object) -> None:
    """Stop at arguments of the wrong kind, with the line to type."""
    if not isinstance(formula, str):
        raise FormulaError(
            f"The formula is text, such as 'y ~ x + (1 | g)'; got {type(formula).__name__}. "
            "The order is lmm(formula, data)."
        )
    if not isinstance(reml, (bool, np.bool_)):
        raise OptionError(f"reml={reml!r}: choose True (REML) or False (maximum likelihood).")


def _name(value: object) -> str | None:
    return value if isinstance(value, str) else None
