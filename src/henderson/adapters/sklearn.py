"""A mixed model as a scikit-learn regressor."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.adapters import columns
from henderson.adapters.least_squares import least_squares
from henderson.adapters.wording import HAND_OVER, Wording, by_columns, by_formula, coefficients
from henderson.api import lmm
from henderson.errors import DataError, HendersonWarning, MissingDependencyError, OptionError

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.metrics import r2_score
    from sklearn.utils import column_or_1d
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise MissingDependencyError(
        "MixedModelRegressor needs scikit-learn, 1.6 or later. Type: pip install 'henderson[sklearn]'"
    ) from error

if TYPE_CHECKING:
    from henderson.results import LinearMixedFit


class MixedModelRegressor(RegressorMixin, BaseEstimator):
    """A linear mixed model for scikit-learn's pipelines, cross-validation and searches.

    y = X b + Z u + e: `predict` adds the effects u of the groups it knows and gives rows of other groups the
    population mean X b. Two ways to say the model: a formula, or columns.

    Parameters
    ----------
    formula : str, optional
        As `henderson.lmm` takes it; X is then a data frame with its columns (those of an array are called
        x0, x1, …). The left-hand side is a plain name for the y given to `fit`, or missing:
        ``"~ Days + (Days | Subject)"``.
    fixed : list of names or positions, optional
        Without a formula: columns of the fixed part; by default all but the grouping columns.
    random : list of names or positions, or dict of str to list, optional
        Without a formula: columns whose slopes vary between groups, beside the intercept; a dict says it for
        each grouping factor. By default the intercept only.
    group_columns : list of names or positions, optional
        Without a formula: columns of X that hold the groups. Then `groups` of `fit` is left aside.
    reml : bool, default True
        REML, or maximum likelihood.
    contrasts : as in `henderson.lmm`, optional
        Codings of factors.
    env : dict of str to callable, optional
        Own functions that the formula calls.
    na_action : {"raise", "drop"}
        Whether rows with missing values stop the fit, or are left out and have NaN as their prediction.

    Attributes
    ----------
    fit_ : LinearMixedFit or None
        The fit, with all its tables and tests; None for a fit without groups.
    coef_ : (c,) float64
        Fixed effects but for the intercept; 0 for columns dropped as combinations of others.
    coef_names_ : (c,) object
        Their names: for numeric X the columns of the fixed part.
    intercept_ : float
        Fixed intercept; 0 if the formula has none.
    groupings_ : dict of str to tuple of str
        Per grouping factor, the columns it is made of.
    group_names_ : list of str
        Those of these columns that were given as `groups`.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : array of object, one per feature
        Their names, where they are strings.

    Notes
    -----
    Without formula and groups there is nothing to mix: `fit` then does ordinary least squares, and warns.
    `sample_weight` are precision weights: the residual variance of a row is sigma^2 / weight; rows of weight
    zero are left out.

    Metadata routing: `groups` is requested by default, so that with
    ``sklearn.set_config(enable_metadata_routing=True)`` the ``params={"groups": g}`` of `cross_validate`
    reaches the splitter, `fit` and `score` alike.

    Cost: that of `henderson.lmm`, and a copy of X where it is not an array of float64.

    Examples
    --------
    >>> import henderson as hd
    >>> from henderson.adapters.sklearn import MixedModelRegressor
    >>> sleep = hd.datasets.load("sleepstudy")
    >>> X, y = sleep[["Days"]], sleep["Reaction"]
    >>> model = MixedModelRegressor(random=["Days"]).fit(X, y, groups=sleep["Subject"])
    >>> model.predict(X.head(2), groups=["308", "somebody else"]).round(2)
    array([253.66, 261.87])
    >>> model.coef_.round(3), round(model.intercept_, 3)
    (array([10.467]), 251.405)

    The same by formula:

    >>> formula = "Reaction ~ Days + (Days | Subject)"
    >>> round(MixedModelRegressor(formula).fit(sleep, y).score(sleep, y), 3)
    0.826
    """

    # Defaults of metadata routing: whoever passes groups means them for the model too.
    __metadata_request__fit = {"groups": True}
    __metadata_request__predict = {"groups": True}
    __metadata_request__score = {"groups": True}

    fit_: LinearMixedFit | None

    def __init__(
        self,
        formula: str | None = None,
        *,
        fixed: Sequence[columns.Column] | None = None,
        random: Sequence[columns.Column] | Mapping[str, Sequence[columns.Column]] | None = None,
        group_columns: Sequence[columns.Column] | None = None,
        reml: bool = True,
        contrasts: Any = None,
        env: Mapping[str, Callable[..., Any]] | None = None,
        na_action: str = "raise",
    ) -> None:
        self.formula = formula
        self.fixed = fixed
        self.random = random
        self.group_columns = group_columns
        self.reml = reml
        self.contrasts = contrasts
        self.env = env
        self.na_action = na_action

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> MixedModelRegressor:
        """Fit the model.

        Parameters
        ----------
        X : (n, n_features) numbers, or data frame
            Rows; with a formula, with `group_columns` or with groups, a frame may hold labels too.
        y : (n,) numbers
            Response.
        groups : (n,) labels, or (n, f) array or data frame, optional
            Grouping factors, one per column. With a formula: those that X lacks.
        sample_weight : (n,) numbers, optional
            Precision weights.

        Returns
        -------
        MixedModelRegressor
            Itself.

        Raises
        ------
        ValueError
            If X, y or groups cannot be used; a subclass from `henderson.errors` where lmm says so.
        """
        frame, y = self._checked(X, y)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, frame)
        wording = self._wording(frame, columns.group_columns(groups, len(y)))
        if wording is None:
            return self._fit_least_squares(frame, y, weights)
        return self._fit_mixed(frame, y, weights, wording)

    def predict(self, X: Any, groups: Any = None) -> np.ndarray:
        """Predict the mean: with the effects of known groups, without those of groups not seen in the fit.

        Parameters
        ----------
        X : (r, n_features) numbers, or data frame
            New rows.
        groups : as in `fit`, optional
            Without them, and without grouping columns in X, the population is predicted.

        Returns
        -------
        (r,) float64

        Raises
        ------
        ValueError
            If X cannot be used, or has rows with missing values under ``na_action="raise"``.
        """
        check_is_fitted(self)
        frame = self._new_frame(X)
        if self.fit_ is None:
            return np.asarray(frame[list(self.coef_names_)], dtype=float) @ self.coef_ + self.intercept_
        given = columns.group_columns(groups, len(frame))
        frame = columns.with_columns(frame, columns.matched_groups(given, self.group_names_))
        known = [g for g, parts in self.groupings_.items() if set(parts) <= set(frame.columns)]
        mean = self.fit_.predict(frame, groups=known, new_levels="population")
        if self.na_action == "raise" and (bad := np.flatnonzero(np.isnan(mean))).size:
            raise DataError(
                f"{bad.size} rows of X have missing values (the first is row {bad[0]}), so they have no "
                "prediction. Fill them in before, or set na_action='drop' to get NaN for them."
            )
        return np.asarray(mean)

    def score(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> float:
        """Return R^2 of `predict(X, groups)`; negative where the mean of y would do better."""
        return float(r2_score(y, self.predict(X, groups), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.categorical = self._takes_labels()
        tags.input_tags.allow_nan = self._takes_labels() and self.na_action == "drop"
        return tags

    # -- X and y ---------------------------------------------------------------------------------------------

    def _takes_labels(self) -> bool:
        return self.formula is not None or self.group_columns is not None

    def _as_it_is(self, X: Any) -> bool:
        """Whether X is a frame to be handed on as it is, for it may hold labels."""
        return columns.is_frame(X) and (self._takes_labels() or not columns.all_numbers(X))

    def _checked(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        """Return X as a frame and y (n,) as float64; remember number and names of the columns."""
        if not self._as_it_is(X):
            X = columns.pandas_numbers(X)
            X, y = validate_data(self, X, y, y_numeric=True, dtype=np.float64, ensure_min_samples=2)
            return columns.array_frame(X, self._names()), np.asarray(y, dtype=float)
        validate_data(self, X, skip_check_array=True)
        y = np.asarray(column_or_1d(y, warn=True), dtype=float)
        if len(y) != len(X):
            raise DataError(f"X has {len(X)} rows and y has {len(y)}; they must be as many.")
        return columns.named_frame(X), y

    def _new_frame(self, X: Any) -> Any:
        if not self._as_it_is(X):
            X = validate_data(self, columns.pandas_numbers(X), dtype=np.float64, reset=False)
            return columns.array_frame(X, self._names())
        if self.formula is None:  # a formula takes its columns by name and needs no others
            validate_data(self, X, skip_check_array=True, reset=False)
        return columns.named_frame(X)

    def _names(self) -> list[str]:
        names = getattr(self, "feature_names_in_", None)
        return [f"x{j}" for j in range(self.n_features_in_)] if names is None else list(names)

    # -- the model -------------------------------------------------------------------------------------------

    def _wording(self, frame: Any, given: dict[str | None, Any]) -> Wording | None:
        """Say the model in lmm's words; None for a model without groups."""
        names = list(frame.columns)
        if self.formula is not None:
            self._refuse_columns_beside_a_formula()
            return by_formula(self.formula, names, given, self.env or ())
        if not given and self.group_columns is None:
            return None
        return by_columns(self.fixed, self.random, self.group_columns, names, given)

    def _refuse_columns_beside_a_formula(self) -> None:
        for name in ("fixed", "random", "group_columns"):
            if getattr(self, name) is not None:
                raise OptionError(f"{name}= and a formula both say what the model is; leave one out.")

    def _fit_mixed(self, frame: Any, y: np.ndarray, weights: Any, wording: Wording) -> MixedModelRegressor:
        frame = columns.with_columns(frame, {**wording.groups, wording.response: y})
        frame, weights = columns.without_rows(frame, weights)
        options: dict[str, Any] = {"reml": self.reml, "contrasts": self.contrasts, "env": self.env}
        self.fit_ = lmm(wording.formula, frame, weights=weights, na_action=self.na_action, **options)
        self.coef_names_, self.coef_, self.intercept_ = coefficients(self.fit_)
        self.group_names_, self.groupings_ = list(wording.groups), wording.groupings
        return self

    def _fit_least_squares(self, frame: Any, y: np.ndarray, weights: Any) -> MixedModelRegressor:
        if self.random is not None:
            raise OptionError("random= needs groups: give fit(X, y, groups=…), or name group_columns=.")
        if not columns.all_numbers(frame):
            raise DataError("X holds labels, and no groups were given. Encode the labels, or give groups.")
        warnings.warn(
            f"No groups were given, so this is ordinary least squares. For a mixed model {HAND_OVER}.",
            HendersonWarning,
            stacklevel=3,
        )
        names = list(frame.columns)
        chosen = names if self.fixed is None else columns.columns_named(self.fixed, names, "fixed")
        self.coef_, self.intercept_ = least_squares(frame[chosen].to_numpy(), y, weights)
        self.fit_, self.group_names_, self.groupings_ = None, [], {}
        self.coef_names_ = np.array(chosen, dtype=object)
        return self
