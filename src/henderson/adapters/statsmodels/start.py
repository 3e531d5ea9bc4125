"""``mixedlm``: the way in, with statsmodels' arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from henderson.adapters.statsmodels.model import MixedLM


def mixedlm(
    formula: str,
    data: Any,
    re_formula: str | None = None,
    vc_formula: Mapping[str, str] | None = None,
    subset: Any = None,
    use_sparse: bool = False,
    missing: str = "none",
    *args: Any,
    **kwargs: Any,
) -> MixedLM:
    """State a mixed model by formulas, as ``statsmodels.formula.api.mixedlm`` does.

    Parameters
    ----------
    formula : str
        Response and fixed effects in patsy's dialect, ``"Reaction ~ Days"``.
    data : DataFrame
        One row per observation; pandas, polars, or a dict of columns.
    re_formula : str, optional
        Columns with random coefficients by group, ``"~Days"``; by default the constant.
    vc_formula : dict of str to str, optional
        Variance components within groups, ``{"classroom": "0 + C(classroom)"}``: every column of the matrix
        has a random effect of its own, with one variance for all. For crossed factors make all rows one
        group.
    subset : array of bool or of labels, optional
        Rows to use.
    use_sparse : bool
        Accepted; matrices of components are never needed whole.
    missing : {"none", "drop", "raise"}
        What to do with missing values in the columns that the formulas use: ``"drop"`` leaves their rows out,
        the others refuse.
    *args, **kwargs
        ``groups`` (required): a column name or (n,) labels; ``use_sqrt``, ``eval_env``.

    Returns
    -------
    MixedLM

    Raises
    ------
    AttributeError
        Without ``groups``.
    FormulaError
        If a formula cannot be read.
    DataError
        If values are missing.

    Notes
    -----
    Formulas are read by patsy where it is installed, else by formulaic, as in statsmodels; names of columns
    are theirs.

    Examples
    --------
    >>> import henderson as hd
    >>> from henderson.adapters import statsmodels as smf
    >>> sleep = hd.datasets.load("sleepstudy")
    >>> model = smf.mixedlm("Reaction ~ Days", sleep, groups=sleep["Subject"], re_formula="~Days")
    >>> print(model.fit().summary())
                 Mixed Linear Model Regression Results
    ==============================================================
    Model:               MixedLM    Dependent Variable:  Reaction
    ...
    Days Var            35.072    0.610
    ==============================================================
    <BLANKLINE>
    """
    return MixedLM.from_formula(
        formula, data, re_formula, vc_formula, subset, use_sparse, missing, *args, **kwargs
    )
