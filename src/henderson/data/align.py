"""A pandas Series beside a data frame: matched by the labels of its rows, as pandas itself would."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from henderson.errors import DataError


def align(value: Any, what: str, data: Any, rows: np.ndarray | None = None) -> Any:
    """Put a Series into the order of a data frame.

    Parameters
    ----------
    value : Series or anything else
        One value per row.
    what : str
        Its name, for the message.
    data : DataFrame or anything else
        The rows.
    rows : (m,) intp, optional
        Rows of the data that a value of length m is about.

    Returns
    -------
    Series or anything else
        Whatever is no Series, or comes with no pandas frame, as it is: by position.

    Raises
    ------
    DataError
        The labels are those of other rows, or not unique.
    """
    pandas = sys.modules.get("pandas")
    if pandas is None or not (isinstance(value, pandas.Series) and isinstance(data, pandas.DataFrame)):
        return value
    index = data.index
    if rows is not None and len(value) == len(rows):
        index = index[rows]
    if len(value) != len(index) or value.index.equals(index):
        return value  # a wrong length has a message of its own
    if value.index.is_unique and index.is_unique:
        places = value.index.get_indexer(index)
        if (places >= 0).all():
            return value.iloc[places]
        example = f"label {index[places < 0].tolist()[0]!r} of the data is not among them"
    else:
        example = "the labels are not unique"
    raise DataError(
        f"{what} is a Series whose index is not that of the data: {example}. So it may be about other rows. "
        f"Make it a column of the data, or give {what}.to_numpy() if its order is that of the rows."
    )
