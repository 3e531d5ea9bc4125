"""``datasets.get_rdataset`` for the data sets that come with henderson; others through statsmodels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class RDataset:
    """A data set as ``get_rdataset`` returns it.

    Attributes
    ----------
    data : DataFrame
    title, package : str
    from_cache : bool
    """

    data: Any
    title: str
    package: str
    from_cache: bool = True

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        """What the data are."""
        return self.title


def get_rdataset(dataname: str, package: str = "datasets", cache: bool = False) -> Any:
    """Return one of R's data sets; those that henderson brings along need no network.

    Parameters
    ----------
    dataname, package : str
        Its name, and the R package it is from.
    cache : bool
        For statsmodels, which is asked for the others.

    Examples
    --------
    >>> get_rdataset("sleepstudy", "lme4").data.head(2)
       Reaction  Days  Subject
    0  249.5600     0      308
    1  258.7047     1      308
    """
    from henderson.datasets import load
    from henderson.errors import OptionError

    try:
        frame = load(dataname.lower())
    except OptionError:
        from henderson.adapters.statsmodels.passthrough import installed

        return installed("statsmodels.datasets").get_rdataset(dataname, package, cache)
    return RDataset(plain_columns(frame), dataname, package)


def plain_columns(frame: Any) -> Any:
    """Return a frame as a CSV file would be read: factors as texts, or whole numbers where they are such."""
    import pandas as pd

    out = {}
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            texts = column.astype(str)
            column = texts.astype("int64") if texts.str.fullmatch(r"-?\d+").all() else texts
        out[name] = column
    return pd.DataFrame(out)
