"""mixedlm from PyPI, by its documented interface."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import mixedlm
import numpy as np
import pandas as pd

from benchmarks.competitors import worker


class Mixedlm:
    """The package `mixedlm` with its Rust core."""

    def versions(self) -> dict[str, str]:
        """Version."""
        return {"mixedlm": version("mixedlm")}

    def fit(self, formula: str, rows: pd.DataFrame, reml: bool) -> Any:
        """Formula and data frame to a fit."""
        return mixedlm.lmer(formula, rows, REML=reml)

    def refit(self, fitted: Any, response: np.ndarray) -> Any:
        """New response, same design."""
        return fitted.refit(response)

    def report(self, fitted: Any) -> tuple[float, int | None]:
        """Log-likelihood and evaluations."""
        value = fitted.logLik()
        return float(getattr(value, "value", value)), int(fitted.function_evals)


if __name__ == "__main__":
    worker.serve(Mixedlm())
