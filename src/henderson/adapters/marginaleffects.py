"""Fits for the package marginaleffects: predictions, comparisons, slopes, and tests by the delta method."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.data import Frame, Numbers, label_text, open_frame
from henderson.errors import DataError, HendersonError, MissingDependencyError, OptionError
from henderson.formula import read_formula

if TYPE_CHECKING:
    from henderson.design.spec import DesignSpec
    from henderson.results import LinearMixedFit

VCOV = ("model", "kenward-roger")


def for_marginaleffects(
    fit: LinearMixedFit,
    *,
    groups: str | Iterable[str] | None = None,
    vcov: str = "model",
    df: float = np.inf,
) -> Any:
    """Wrap a fit so that the functions of marginaleffects take it as a model.

    Estimates are X beta of the rows asked for, and functions of them; their standard errors come from the
    covariance of beta, by marginaleffects' numerical delta method.

    Parameters
    ----------
    fit : LinearMixedFit
        Made by `henderson.lmm` from a data frame.
    groups : None, "all" or list of names
        Grouping factors whose effects are added to the predictions, as in `LinearMixedFit.predict`; by
        default none, the population. The effects count as known: their uncertainty is not added.
    vcov : {"model", "kenward-roger"}
        Covariance matrix of the fixed effects.
    df : float, default infinity
        Degrees of freedom for all tests and limits; infinite for the normal distribution. marginaleffects
        takes one number only: for Satterthwaite's or Kenward and Roger's, which differ from row to row, see
        `LinearMixedFit.emmeans` and `LinearMixedFit.test`.

    Returns
    -------
    marginaleffects model
        To be given to ``predictions``, ``comparisons``, ``slopes``, ``hypotheses``, their averages and plots.

    Raises
    ------
    MissingDependencyError
        If marginaleffects is not installed. It is licensed under GPL-3, and never installed with henderson.
    DataError
        If the fit does not hold its data (after `refit` or `from_dict`).
    OptionError
        For another `vcov`, or an unknown grouping factor.

    Notes
    -----
    marginaleffects differentiates numerically, with small steps: standard errors of slopes are then off by up
    to 0.1 %. All estimates here are linear in beta, so that a large step is the better one: with
    ``eps_vcov=1.0`` they agree with the closed form to nine digits. O(n p) memory.

    Examples
    --------
    >>> import henderson as hd
    >>> from henderson.adapters.marginaleffects import for_marginaleffects
    >>> fit = hd.lmm("score ~ Machine + (1 | Worker)", hd.datasets.load("machines"))
    >>> from marginaleffects import avg_predictions  # doctest: +SKIP
    >>> avg_predictions(for_marginaleffects(fit), by="Machine")  # doctest: +SKIP
    """
    if vcov not in VCOV:
        raise OptionError(f"vcov={vcov!r}: choose {' or '.join(map(repr, VCOV))}.")
    if fit.source.data is None or fit.design.spec is None:
        raise DataError("This fit does not hold its data; fit it with lmm(formula, data) to wrap it.")
    if len(variables(fit.design.spec)) < 2:
        raise DataError(
            "The fixed part has no variables, so there is nothing to predict from; see coeftable()."
        )
    model = _model_class()
    matrix = fit.estimate.vcov if vcov == "model" else fit._small_sample("kenward-roger").vcov
    return model(fit, groups, np.asarray(matrix), float(df))


def model_frame(fit: LinearMixedFit) -> Any:
    """Return the rows of a fit as marginaleffects reads them: polars, factors as Enum with all their levels.

    Columns that the formula does not use come along where they can be read, for averages by them.
    """
    import polars as pl

    spec, kept = _spec(fit), fit.design.kept_rows
    frame = open_frame(fit.source.data)
    names = dict.fromkeys([*spec.kinds, *frame.names()])
    found = {name: _series(frame, name, kept) for name in names}
    return pl.DataFrame({name: series for name, series in found.items() if series is not None})


def _series(frame: Frame, name: str, kept: np.ndarray | None) -> Any:
    import polars as pl

    try:
        column = frame.read(name)
    except HendersonError:
        return None
    if column is None:
        return None
    column = column if kept is None else column.take(kept)
    if isinstance(column, Numbers):
        return pl.Series(column.values)
    labels = list(column.levels) if column.logical else [label_text(level) for level in column.levels]
    values = [labels[code] if code >= 0 else None for code in column.codes]
    return pl.Series(values, dtype=pl.Boolean if column.logical else pl.Enum(labels))


def variables(spec: DesignSpec) -> list[str]:
    """Return the columns of the response and then those of the fixed part, in order of appearance."""
    formula = read_formula(spec.formula, frozenset(spec.env), spec.dot)
    read = (formula.response, *formula.fixed.variables)
    named = dict.fromkeys(name for variable in read for name in variable.columns)
    return [name for name in named if name in spec.kinds]


def plain_formula(names: list[str]) -> str:
    """Return a formula of plain columns, the response first, for marginaleffects to read names from."""
    response, *others = [name if name.isidentifier() else f"`{name}`" for name in names]
    return f"{response} ~ {' + '.join(others) or '1'}"


def _spec(fit: LinearMixedFit) -> DesignSpec:
    assert fit.design.spec is not None
    return fit.design.spec


@lru_cache(maxsize=1)
def _model_class() -> Any:
    """Return the class that marginaleffects asks, made when marginaleffects is first needed."""
    try:
        import polars as pl
        from marginaleffects.classes.model import ModelAbstract, ModelVault
    except ImportError as error:
        raise MissingDependencyError(
            "for_marginaleffects() needs the package marginaleffects, 0.6 or later (GPL-3; it brings jax and "
            "polars). Type: pip install marginaleffects 'polars<2'"
        ) from error
    from henderson.inference import new_data, rows

    class ModelHenderson(ModelAbstract):
        """One fit; its rows are X with a last column of what is known beside X beta: offset and groups."""

        def __init__(self, fit: LinearMixedFit, groups: Any, vcov: np.ndarray, df: float) -> None:
            self.chosen = rows.chosen_groupings(fit.design, groups)
            self.fit = fit
            if np.isfinite(df):
                self.df_resid = df  # the attribute that marginaleffects takes Student's t from
            names = variables(_spec(fit))
            vault = ModelVault(
                coef=fit.beta,
                coefnames=np.array(fit.design.x_names),
                formula=plain_formula(names),
                modeldata=model_frame(fit),
                package="henderson",
                vcov=vcov,
                variable_names=names,
            )
            super().__init__(fit, vault)
            for name, dtype in vault.modeldata.schema.items():
                if name not in names:  # columns to average by
                    self.set_variable_type(name, "numeric" if dtype.is_numeric() else "character")

        def get_exog(self, newdata: Any) -> np.ndarray:
            design, estimate = self.fit.design, self.fit.estimate
            new = new_data.new_rows(design, self.fit.source, newdata, self.chosen)
            mean = rows.linear_predictor(design, estimate, new, self.chosen)
            return np.column_stack([new.X, mean - new.X @ estimate.beta])

        def get_predict(self, params: np.ndarray, newdata: np.ndarray) -> Any:
            matrix = np.asarray(newdata, dtype=float)
            mean = matrix[:, :-1] @ np.asarray(params, dtype=float) + matrix[:, -1]
            return pl.DataFrame({"rowid": np.arange(len(mean), dtype=np.int32), "estimate": mean})

    return ModelHenderson
