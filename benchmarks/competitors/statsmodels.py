"""statsmodels MixedLM for one grouping factor; what it cannot express is refused with the reason."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf

from benchmarks.competitors import worker


class Statsmodels:
    """MixedLM through its formula interface."""

    def versions(self) -> dict[str, str]:
        """Version."""
        return {"statsmodels": version("statsmodels")}

    def fit(self, formula: str, rows: pd.DataFrame, reml: bool) -> Any:
        """One bar: fixed part, groups and re_formula; several bars are not expressible here."""
        bars = re.findall(r"\(([^|()]+)\|([^|()]+)\)", formula)
        if len(bars) != 1:
            raise NotImplementedError("several random-effects terms")
        fixed = re.sub(r"\+\s*\([^()]*\|[^()]*\)", "", formula).strip()
        inside, group = (part.strip() for part in bars[0])
        model = smf.mixedlm(fixed, rows, groups=rows[group], re_formula=f"~ {inside}")
        return model.fit(reml=reml)

    def refit(self, fitted: Any, response: np.ndarray) -> Any:
        """Not offered."""
        raise NotImplementedError("no refit")

    def report(self, fitted: Any) -> tuple[float, int | None]:
        """Log-likelihood; the number of evaluations is not kept."""
        return float(fitted.llf), None


if __name__ == "__main__":
    worker.serve(Statsmodels())
