"""Names as statsmodels gives them, and results as labelled as the data were."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from henderson.adapters.statsmodels.reading import reader


@dataclass(slots=True, eq=False)
class ModelData:
    """Data and names of a model, under statsmodels' names.

    Attributes
    ----------
    endog : (n,) float64
        Response.
    exog : (n, k_fe) float64
        Fixed effects.
    orig_endog, orig_exog : objects
        As they were given.
    ynames : str
        Name of the response.
    xnames : list of str
        Names of the fixed effects.
    exog_re_names : list of str
        Names of the columns with random coefficients.
    exog_re_names_full : list of str
        Names of their variances and covariances.
    param_names : list of str
        Fixed effects, covariance parameters, variance components.
    row_labels : Index or None
        Labels of the rows; None where the data were arrays.
    vcomp_names : list of str
        Names of the variance components.
    spec : object
        Reads the formula on new rows; None without a formula.
    formula : str or None
        The formula itself.
    frame : DataFrame or None
        The data that the formula was read on.
    """

    endog: np.ndarray
    exog: np.ndarray
    orig_endog: Any
    orig_exog: Any
    ynames: str
    xnames: list[str]
    exog_re_names: list[str] = field(default_factory=list)
    exog_re_names_full: list[str] = field(default_factory=list)
    param_names: list[str] = field(default_factory=list)
    row_labels: Any = None
    vcomp_names: list[str] = field(default_factory=list)
    spec: Any = None
    formula: str | None = None
    frame: Any = None
    exog_re: Any = None

    @property
    def model_spec(self) -> Any:
        """The formula's reader (patsy's ``DesignInfo``, or formulaic's ``ModelSpec``); None for arrays."""
        if self.formula is None or self.frame is None:
            return None
        return reader(self.formula, self.frame, self.spec)

    @property
    def design_info(self) -> Any:
        """The same under its older name."""
        return self.model_spec

    @property
    def cov_names(self) -> list[str]:
        """Names of the parameters."""
        return self.param_names

    @property
    def labelled(self) -> bool:
        """Whether results are Series and frames, as the data were."""
        return self.row_labels is not None


def covariance_names(names: list[str]) -> list[str]:
    """Return the names of variances and covariances, lower triangle by rows.

    Examples
    --------
    >>> covariance_names(["Group", "Days"])
    ['Group Var', 'Group x Days Cov', 'Days Var']
    """
    return [
        f"{names[j]} x {name} Cov" if j < i else f"{name} Var"
        for i, name in enumerate(names)
        for j in range(i + 1)
    ]


def column_names(exog: Any) -> list[str]:
    """Return the names of columns: a frame's own, texts or not, else x1, x2, … with ``const`` for a constant.

    Examples
    --------
    >>> import numpy as np
    >>> column_names(np.array([[1.0, 2.0], [1.0, 3.0]]))
    ['const', 'x1']
    """
    if hasattr(exog, "columns"):
        return list(exog.columns)
    if getattr(exog, "name", None) is not None:
        return [exog.name]
    array = np.asarray(exog, dtype=float).reshape(len(exog), -1)
    spread = array.var(axis=0)
    if not (spread == 0).any():
        return [f"x{j + 1}" for j in range(array.shape[1])]
    names = [f"x{j + 1}" for j in range(array.shape[1] - 1)]
    names.insert(int(spread.argmin()), "const")
    return names


def response_name(endog: Any) -> str:
    """Return the name of the response: its own, that of a frame's only column, else y."""
    columns = getattr(endog, "columns", None)
    name = getattr(endog, "name", None) if columns is None else columns[0]
    return str(name) if name else "y"


def coefficient_names(exog_re: Any) -> list[str]:
    """Return the names of columns with random coefficients: a frame's own, else x_re1 and so on."""
    if hasattr(exog_re, "columns"):
        return [str(name) for name in exog_re.columns]
    if getattr(exog_re, "name", None) is not None:
        return [str(exog_re.name)]
    return [f"x_re{j + 1}" for j in range(np.asarray(exog_re).reshape(len(exog_re), -1).shape[1])]


def row_labels(endog: Any, exog: Any) -> Any:
    """Return the index of the data where one of them is a pandas object, else None."""
    for given in (exog, endog):
        if hasattr(given, "iloc"):
            return given.index
    return None


def vector(values: np.ndarray, names: list[str], data: ModelData) -> Any:
    """Return values under names: a Series where the data were labelled, else the array."""
    import pandas as pd

    return pd.Series(np.asarray(values), index=names) if data.labelled else np.asarray(values)


def matrix(values: np.ndarray, names: list[str], data: ModelData) -> Any:
    """Return a square matrix under names: a DataFrame where the data were labelled, else the array."""
    import pandas as pd

    return pd.DataFrame(values, index=names, columns=names) if data.labelled else np.asarray(values)
