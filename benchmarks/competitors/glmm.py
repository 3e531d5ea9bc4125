"""glmm from PyPI, by its documented interface.

Its degrees of freedom are switched off, since `henderson.lmm` computes none during the call.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import glmm
import numpy as np
import pandas as pd

from benchmarks.competitors import worker


class Glmm:
    """The Rust engine `glmm`."""

    def versions(self) -> dict[str, str]:
        """Version."""
        return {"glmm": version("glmm")}

    def fit(self, formula: str, rows: pd.DataFrame, reml: bool) -> Any:
        """Formula and data frame to a fit."""
        return glmm.fit(rows, formula, reml=reml, satterthwaite=False, anova_test="Wald")

    def refit(self, fitted: Any, response: np.ndarray) -> Any:
        """Not offered."""
        raise NotImplementedError("no refit")

    def report(self, fitted: Any) -> tuple[float, int | None]:
        """Log-likelihood and evaluations."""
        return float(fitted.loglik), int(fitted.n_eval)


if __name__ == "__main__":
    worker.serve(Glmm())
