"""lme-python from PyPI, by its documented interface."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import lme_python
import numpy as np
import pandas as pd

from benchmarks.competitors import worker


class LmePython:
    """The package `lme-python` with its Rust core."""

    def versions(self) -> dict[str, str]:
        """Version."""
        return {"lme-python": version("lme-python")}

    def fit(self, formula: str, rows: pd.DataFrame, reml: bool) -> Any:
        """Formula and data frame to a fit; it takes labels, not Categoricals."""
        text = {name: column.astype(str) for name, column in rows.items() if column.dtype == "category"}
        return lme_python.lmer(formula, rows.assign(**text), reml=reml)

    def refit(self, fitted: Any, response: np.ndarray) -> Any:
        """Not timed."""
        raise NotImplementedError("no refit")

    def report(self, fitted: Any) -> tuple[float, int | None]:
        """Log-likelihood and evaluations."""
        return float(fitted.log_likelihood), int(fitted.iterations)


if __name__ == "__main__":
    worker.serve(LmePython())
