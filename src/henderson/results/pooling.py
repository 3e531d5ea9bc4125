"""Poolings compared: `pooling`, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from henderson import design as designing
from henderson import estimate as estimation
from henderson.errors import FormulaError, OptionError
from henderson.inference.frames import frame_kind, held
from henderson.inference.layout import grouping_index
from henderson.results.alarm import warn_if_cut_short
from henderson.results.fit import LinearMixedFit
from henderson.results.options import named_options
from henderson.results.shown import Shown
from henderson.results.source import Source

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from henderson.display.table import TableView
    from henderson.inference.pooling.record import PoolingRecord


MOST_REFITS = 1000


class PoolingErrors(Shown):
    """One row per method: parameters, residual standard deviation, errors in and out of sample."""

    def columns(self) -> Mapping[str, Any]:
        """Return the table as named columns."""
        columns: Mapping[str, Any] = self.record.method_columns()
        return columns

    def _view(self) -> TableView:
        from henderson.display.pooling import methods_view

        return methods_view(self.record)


class Pooling(Shown):
    """Complete, no and partial pooling compared: prints itself, draws itself, turns into frames.

    Parameters
    ----------
    record : PoolingRecord
        The numbers; also reachable as `.record`.
    kind : {"pandas", "polars", "pyarrow"}
        Kind of frame that `to_frame` returns.
    fit : LinearMixedFit
        The mixed model.
    """

    def __init__(self, record: PoolingRecord, kind: str, fit: LinearMixedFit) -> None:
        super().__init__(record, kind)
        self.fit = fit

    def _view(self) -> TableView:
        from henderson.display.pooling import groups_view

        return groups_view(self.record)

    def __str__(self) -> str:
        return f"{self.errors}\n\n{super().__str__()}"

    __repr__ = __str__

    def to_html(self) -> str:
        """Return both tables, each a self-contained ``<div>``."""
        return self.errors.to_html() + super().to_html()

    @property
    def errors(self) -> PoolingErrors:
        """One row per method: how well it fits, and predicts rows and groups that were left out."""
        return PoolingErrors(self.record, self.kind)

    @property
    def warnings(self) -> list[str]:
        """Sentences on groups from which alone coefficients cannot be had."""
        from henderson.display.pooling import warnings_of

        return warnings_of(self.record)

    @named_options
    def plot(
        self,
        kind: str = "lattice",
        *,
        x: str | None = None,
        terms: tuple[str, str] | None = None,
        columns: int = 6,
        ax: Any = None,
    ) -> Any:
        """Draw the comparison.

        Parameters
        ----------
        kind : {"lattice", "shrinkage"}
            A panel per group with the lines of complete, no and partial pooling; or an arrow per group from
            its own estimates to the partially pooled ones, with contours of the distribution of the groups.
        x : str, optional
            Lattice: what to draw against, by default the first numeric variable.
        terms : pair of str, optional
            Shrinkage: coefficients to draw against each other, by default the first two that vary by group.
        columns : int
            Lattice: panels in a row.
        ax : Axes, or array of Axes for a lattice, optional
            Where to draw; by default a new figure.

        Returns
        -------
        array of matplotlib Axes, or Axes

        Raises
        ------
        OptionError
            If `kind`, `x` or a term is unknown.
        MissingDependencyError
            If matplotlib is not installed.

        Examples
        --------
        >>> import henderson as hd
        >>> found = hd.pooling("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> found.plot("shrinkage").get_xlabel()
        '(Intercept)'
        """
        if kind not in ("lattice", "shrinkage"):
            raise OptionError(f"kind={kind!r}: choose 'lattice' or 'shrinkage'.")
        # Pictures are made upstairs; by name, as no module imports a higher floor.
        draw = import_module("henderson.plot.pooling")
        if kind == "shrinkage":
            return draw.shrinkage(self, terms=terms, ax=ax)
        return draw.lattice(self, x=x, columns=columns, axes=ax)


@named_options
def pooling(
    formula: str | LinearMixedFit,
    data: Any = None,
    *,
    group: str | None = None,
    refit: bool | None = None,
    reml: bool = True,
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    na_action: str = "drop",
    contrasts: str | Mapping[str, str | ArrayLike] | None = None,
    env: Mapping[str, Callable[..., Any]] | None = None,
) -> Pooling:
    """Compare what complete, no and partial pooling say of the groups, and how well each predicts.

    Least squares on all rows (complete pooling) and on the averages of rows with equal predictors, the means
    of the groups, least squares with an intercept per group (dummies), least squares in each group (no
    pooling), and the mixed model (partial pooling).

    Parameters
    ----------
    formula : str or LinearMixedFit
        As in `henderson.lmm`; or a fit, whose data are then used.
    data : data frame
        One row per observation.
    group : str, optional
        The grouping factor whose groups are compared; by default that of the first random term.
    refit : bool, optional
        Whether the mixed model is fitted without each group, for its error on groups not seen; by default
        where there are at most 1,000 groups.
    reml, weights, offset, na_action, contrasts, env
        As in `henderson.lmm`.

    Returns
    -------
    Pooling
        Prints both tables; ``.to_frame()`` has a row per method, level and term, ``.errors.to_frame()`` one
        per method, ``.plot()`` and ``.plot("shrinkage")`` draw, ``.fit`` is the mixed model.

    Raises
    ------
    OptionError
        If `group` is no grouping factor of the model.
    FormulaError, DataError, DesignError
        As `henderson.lmm`.

    Notes
    -----
    Predictors that do not vary within groups, such as sex, cannot be told from a group's intercept; the
    coefficients of a group's line then include them, for every method. Errors out of sample have closed forms
    but for the mixed model without a group, which is fitted again from the cross-products: about four
    evaluations per group. Without a row its variance parameters are held.

    References
    ----------
    Gelman, A. and Hill, J. (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models,
    chapter 12.

    Examples
    --------
    >>> import henderson as hd
    >>> found = hd.pooling("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> print(found.errors)
    Pooling compared: Reaction ~ Days + (Days | Subject)
    180 rows; 18 groups of Subject, 10 rows each.
    Pooling  What is fitted                    Params  RMSE row out group out
    complete one regression for all rows            2 47.45   48.00     49.60
    averaged one regression on averages             2 47.45   48.02     49.60
    means    the mean of each group                18 41.99   46.65         -
    dummies  one slope, an intercept per group     19 29.31   32.82         -
    none     a regression for each group           36 22.89   29.37         -
    partial  the mixed model                     29.0 23.44   28.47     49.60
    RMSE: of the rows used; of rows left out one by one (the variances of the mixed
      model held); of groups left out one by one.
    A dash: nothing is said of a group that was not seen.
    """
    fit = formula if isinstance(formula, LinearMixedFit) else None
    if fit is None:
        fit = _fit(formula, data, reml, weights, offset, na_action, contrasts, env)
    elif data is not None:
        raise OptionError("pooling(fit) uses the data of the fit: give no data beside it.")
    return Pooling(_compare(fit, group, refit), fit.source.kind, fit)


def _fit(
    formula: Any,
    data: Any,
    reml: bool,
    weights: Any,
    offset: Any,
    na_action: str,
    contrasts: Any,
    env: Any,
) -> LinearMixedFit:
    if not isinstance(formula, str) or data is None:
        raise FormulaError(
            "pooling() takes a formula and data, pooling('y ~ x + (x | g)', data), or a fit: pooling(fit)."
        )
    design = designing.build(
        formula, data, weights=weights, offset=offset, na_action=na_action, contrasts=contrasts, env=env
    )
    estimate = estimation.fit(design, reml=bool(reml))
    warn_if_cut_short(estimate, stacklevel=4)
    names = [value if isinstance(value, str) else None for value in (weights, offset)]
    lost = offset is not None and names[1] is None
    source = Source(formula, frame_kind(data), held(data), names[0], names[1], lost, env)
    return LinearMixedFit(design, estimate, source)


def _compare(fit: LinearMixedFit, group: str | None, refit: bool | None) -> PoolingRecord:
    from henderson.inference.pooling.compare import compare_poolings

    design = fit.design
    f = _first_grouping(fit) if group is None else grouping_index(design, group)
    if refit not in (None, True, False):
        raise OptionError(f"refit={refit!r}: choose True or False, or leave it out.")
    again = len(design.groupings[f].levels) <= MOST_REFITS if refit is None else bool(refit)
    conditional = fit.ranef[design.groupings[f].name].cov
    return compare_poolings(
        design, fit.estimate, fit.formula, f, fit.fitted, fit.hat_values(), conditional, again
    )


def _first_grouping(fit: LinearMixedFit) -> int:
    """Return the grouping of the random term typed first."""
    spec = fit.design.spec
    return min(spec.terms)[1] if spec is not None and spec.terms else 0
