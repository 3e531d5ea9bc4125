"""gpboost from PyPI, by its documented interface: maximum likelihood, independent random effects."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Any

import gpboost
import numpy as np
import pandas as pd

from benchmarks.competitors import worker


class Gpboost:
    """`GPModel` with grouped random effects."""

    def versions(self) -> dict[str, str]:
        """Version."""
        return {"gpboost": version("gpboost")}

    def fit(self, formula: str, rows: pd.DataFrame, reml: bool) -> Any:
        """Intercepts by any number of factors; its terms with slopes have no correlations."""
        if reml:
            raise NotImplementedError("no REML")
        bars = re.findall(r"\(([^|()]+)\|([^|()]+)\)", formula)
        if any(inside.strip() != "1" for inside, _ in bars):
            raise NotImplementedError("no correlated random effects")
        response, right = formula.split("~")
        fixed = [name.strip() for name in right.split("+") if "(" not in name]
        X = np.column_stack([np.ones(len(rows)), *(rows[name] for name in fixed if name != "1")])
        groups = np.column_stack([rows[group.strip()].cat.codes for _, group in bars])
        model = gpboost.GPModel(
            group_data=groups,
            likelihood="gaussian",
            matrix_inversion_method="cholesky",  # its default for crossed factors is an approximation
            num_parallel_threads=1,
        )
        return model.fit(y=rows[response.strip()].to_numpy(), X=X)

    def refit(self, fitted: Any, response: np.ndarray) -> Any:
        """Not offered."""
        raise NotImplementedError("no refit")

    def report(self, fitted: Any) -> tuple[float, int | None]:
        """Log-likelihood; evaluations are not reported."""
        return -float(fitted.get_current_neg_log_likelihood()), None


if __name__ == "__main__":
    worker.serve(Gpboost())
