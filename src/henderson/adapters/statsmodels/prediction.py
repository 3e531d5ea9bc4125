"""New rows, in any shape that ``predict`` takes, → the matrix of the fixed effects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.adapters.statsmodels import reading
from henderson.errors import DataError

if TYPE_CHECKING:
    from henderson.adapters.statsmodels.model import MixedLM


def new_matrix(model: MixedLM, exog: Any, *, transform: bool) -> tuple[np.ndarray, Any]:
    """Return the matrix (r, k_fe) of new rows, and their labels; None where they have none.

    Parameters
    ----------
    model : MixedLM
        What was fitted.
    exog : DataFrame, Series, dict or array
        Columns of the formula, or the matrix itself; a Series is one row, or the only column.
    transform : bool
        False when `exog` is the matrix although the model has a formula.

    Raises
    ------
    DataError
        Columns that the formula uses and `exog` lacks; a formula that cannot be read any more.
    """
    if transform and model.formula is not None:
        if model.data.spec is None:
            raise DataError(
                f"The formula {model.formula!r} calls functions, and its reader did not come along with the "
                "file. Save the result with its rows (remove_data=False), or predict from the matrix itself: "
                "predict(matrix, transform=False)."
            )
        read = reading.again(model.data.spec, _frame(model, exog))
        read = read.dropna() if isinstance(exog, dict) else read
        return np.asarray(read, dtype=float), read.index
    matrix, index = np.asarray(exog, dtype=float), exog.index if hasattr(exog, "iloc") else None
    if matrix.ndim == 1 and model.k_fe == 1:
        return matrix[:, None], index
    return np.atleast_2d(matrix), index if matrix.ndim == 2 else None


def _frame(model: MixedLM, exog: Any) -> Any:
    import pandas as pd

    if isinstance(exog, pd.Series):
        alone = exog.name in reading.names_in(str(model.formula))
        return exog.to_frame() if alone else exog.to_frame().T.infer_objects()
    scalar = isinstance(exog, dict) and all(np.ndim(value) == 0 for value in exog.values())
    return reading.as_frame(pd.DataFrame(exog, index=[0]) if scalar else exog)
