"""Kenward and Roger's standard errors and degrees of freedom, one response after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from henderson import estimate as estimation
from henderson.errors import HendersonError
from henderson.inference.many.block import Prepared, Tidy, products_of
from henderson.inference.small_sample.contrasts import t_tests
from henderson.inference.small_sample.kenward_roger import kenward_roger
from henderson.model.linear import theta_names


def kenward_roger_block(ready: Prepared, Y: np.ndarray, tidy: Tidy) -> Tidy:
    """Estimates with adjusted standard errors and their degrees of freedom.

    Parameters
    ----------
    ready : Prepared
    Y : (R, n) float64
    tidy : Tidy
        Fits without degrees of freedom.

    Notes
    -----
    Not compiled as a block: a few milliseconds for each response, all in Python.
    """
    block, centre = products_of(ready, Y)
    names = theta_names(ready.design)
    for i in np.flatnonzero(~tidy.failed).tolist():
        cross = replace(block.of(i, ready.cross), y_centre=float(centre[i]))
        try:
            found = estimation.fit_cross_products(cross, names, reml=ready.reml, system=ready.system)
            tests = t_tests(kenward_roger(replace(ready.design, y=Y[i]), found), np.eye(cross.p))
        except HendersonError as error:
            tidy.messages[i] = str(error)
            continue
        tidy.std_error[i], tidy.df[i] = tests.std_error, tests.df
    return tidy
