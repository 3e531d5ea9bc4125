"""henderson, as a user calls it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import henderson
from benchmarks.competitors import worker


class Henderson:
    """The package under test."""

    def versions(self) -> dict[str, str]:
        """Version of the package and of what it stands on."""
        import scipy

        return {"henderson": henderson.__version__, "numpy": np.__version__, "scipy": scipy.__version__}

    def fit(self, formula: str, rows: pd.DataFrame, reml: bool) -> Any:
        """Formula and data frame to a fit."""
        return henderson.lmm(formula, rows, reml=reml)

    def refit(self, fitted: Any, response: np.ndarray) -> Any:
        """New response, same design."""
        return fitted.refit(response)

    def report(self, fitted: Any) -> tuple[float, int | None]:
        """Log-likelihood and evaluations."""
        return float(fitted.loglik), int(fitted.opt.evaluations)


if __name__ == "__main__":
    worker.serve(Henderson())
