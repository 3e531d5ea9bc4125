"""Likelihood and what is made of it: log-likelihood, deviance, AIC, BIC, degrees of freedom."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate


def loglik(estimate: Estimate) -> float:
    """Maximised log-likelihood; of a REML fit the REML log-likelihood, as lme4's ``logLik()``."""
    return -0.5 * float(estimate.criterion)


def df(design: Design, estimate: Estimate) -> int:
    """Return number of parameters: p fixed effects, the free entries of theta, and sigma."""
    return design.p + len(estimate.theta) + 1


def df_residual(design: Design, estimate: Estimate) -> int:
    """Rows minus parameters, as lme4's ``df.residual()``."""
    return design.n - df(design, estimate)


def aic(design: Design, estimate: Estimate) -> float:
    """Return -2 loglik + 2 df, of a REML fit from the REML log-likelihood.

    REML fits can be compared with one another only when their fixed effects are the same.
    """
    return float(estimate.criterion) + 2 * df(design, estimate)


def bic(design: Design, estimate: Estimate) -> float:
    """-2 loglik + df log n, n the number of rows used, as lme4."""
    return float(estimate.criterion) + df(design, estimate) * math.log(design.n)


def deviance(design: Design, estimate: Estimate) -> float:
    """Return -2 times the ML log-likelihood at theta, for REML fits too (R: ``deviance(REML = FALSE)``).

    log|Omega| + n [1 + log(2 pi r^2 / n)] - sum log w
    """
    if not estimate.reml:
        return float(estimate.criterion)
    n, weights = design.n, estimate.cross.sum_log_weights
    return float(estimate.logdet_omega) + n * (1 + math.log(2 * math.pi * estimate.pwrss / n)) - weights
