"""criterion(theta): value, gradient and curvature, on the scaled columns."""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np

from henderson.core import core
from henderson.crossprod.record import CrossProducts
from henderson.errors import FitError
from henderson.solve.direct import FAILURES, NO_RESIDUAL, Evaluation, analyse

Evaluator = Callable[..., "Evaluation | None"]
"""(theta, derivatives, entries) -> Evaluation, or None where the equations cannot be solved."""


def constant(cross: CrossProducts, reml: bool) -> float:
    """What centring, scaling and weights add to the criterion: -2 sum log scale_j (REML) - sum log w_i."""
    scales = -2 * float(np.log(cross.x_scale).sum()) if reml else 0.0
    return scales - cross.sum_log_weights


def profiled(cross: CrossProducts, reml: bool, logdet_omega: float, logdet_rx: float, r2: float) -> float:
    """The criterion from its parts, as `criterion` has it."""
    nu = float(cross.n - cross.p if reml else cross.n)
    value = logdet_omega + (logdet_rx if reml else 0.0) + constant(cross, reml)
    return value + nu * (1 + math.log(2 * math.pi * r2 / nu))


def criterion(cross: CrossProducts, *, reml: bool, system: Any = None) -> Evaluator:
    """Profiled criterion of the cross-products.

    f(theta) = log|Omega| + [log|R_XX|^2] + nu (1 + log(2 pi r^2 / nu)), the bracket and nu = n - p for REML,
    nu = n for ML (Bates, Maechler, Bolker & Walker 2015, eqs 34 and 41).

    Parameters
    ----------
    cross : CrossProducts
    reml : bool
        REML or ML.
    system : compiled System, optional
        Symbolic analysis to reuse; analysed here when absent.

    Returns
    -------
    Evaluator
        Function of theta (n_theta,), the number of derivatives (0, 1, 2) and the places of theta in Lambda
        ((n_theta, 4), by default those of the cross-products). Owns one workspace: not for two threads at
        once.

    Notes
    -----
    One evaluation with both derivatives costs about three factorisations plus n_theta half solves.
    """
    workspace, lock = core().Workspace(analyse(cross) if system is None else system), Lock()
    nu = float(cross.n - cross.p if reml else cross.n)
    shift, zx, xx, run = constant(cross, reml), cross.zx, cross.xx, workspace.evaluate

    def evaluate(
        theta: np.ndarray, derivatives: int = 2, entries: np.ndarray = cross.entries
    ) -> Evaluation | None:
        with lock:  # the workspace holds one theta at a time, and the core lets other threads run
            status, *rest = run(entries, theta, zx, xx, nu, reml, derivatives)
        if status == NO_RESIDUAL:
            raise FitError(FAILURES[status])
        if status:
            return None
        return Evaluation(rest[0] + shift, *rest[1:])

    return evaluate


def explain_failure(
    cross: CrossProducts, theta: np.ndarray, entries: np.ndarray, *, reml: bool, system: Any = None
) -> FitError:
    """The error to raise when the criterion cannot be evaluated at theta."""
    workspace = core().Workspace(analyse(cross) if system is None else system)
    nu = float(cross.n - cross.p if reml else cross.n)
    status = workspace.evaluate(entries, theta, cross.zx, cross.xx, nu, reml, 0)[0]
    reason = FAILURES.get(status, "unknown reason")
    return FitError(
        f"The criterion cannot be evaluated: {reason}. Check the response and the columns of the model."
    )
