"""Shelf of a fit that table packages read: the plug-in attributes of maketables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from henderson.inference import publication
from henderson.results.hypotheses import Hypotheses
from henderson.results.quality import Quality

if TYPE_CHECKING:
    import pandas as pd


class PublicationTable(Hypotheses, Quality):
    """What ``maketables.ETable([fit, …])`` asks a fit for; see `LinearMixedFit`.

    The names are maketables' (its plug-in format); nothing of it is imported. The intercept is called
    ``Intercept`` there, so that its row is shared with fits of other packages.
    """

    @property
    def __maketables_coef_table__(self) -> pd.DataFrame:
        """Fixed effects: b, se, t, df, p and 95 % limits ci95l, ci95u, by name."""
        import numpy as np
        import pandas as pd

        from henderson.inference.small_sample import t_tests

        tests = t_tests(self._small_sample(), np.eye(self.design.p))
        columns = {"b": tests.estimate, "se": tests.std_error, "t": tests.statistic, "df": tests.df}
        columns |= {"p": tests.p_value, "ci95l": tests.conf_low, "ci95u": tests.conf_high}
        names = ["Intercept" if name == "(Intercept)" else name for name in self.design.x_names]
        return pd.DataFrame(columns, index=pd.Index(names, name="Coefficient"))

    def __maketables_stat__(self, key: str) -> float | int | str | None:
        """Return one number about the fit, None for keys it does not have."""
        explained: dict[str, Callable[[], float | str]] = {
            "R² (marginal)": lambda: self.r2().marginal,
            "R² (conditional)": lambda: self.r2().conditional,
            "ICC": lambda: self.icc().adjusted,
            "rmse": self.rmse,
            "se_type": lambda: "z tests" if self._small_sample().ddf == "none" else "Satterthwaite",
        }
        if key in explained:
            return explained[key]()
        return publication.statistics(self.design, self.estimate).get(key)

    @property
    def __maketables_depvar__(self) -> str:
        """The response as the formula spells it."""
        return self.design.response

    @property
    def __maketables_stat_labels__(self) -> dict[str, str]:
        """Labels that differ from maketables' own."""
        return {"se_type": "Degrees of freedom"}

    @property
    def __maketables_default_stat_keys__(self) -> list[str]:
        """Keys shown where the user names none."""
        return publication.default_keys(publication.statistics(self.design, self.estimate))

    @property
    def __maketables_var_labels__(self) -> dict[str, str] | None:
        """Labels that the data frame carries in ``attrs["variable_labels"]``, as maketables stores them."""
        labels = getattr(self.source.data, "attrs", {}).get("variable_labels")
        return dict(labels) if isinstance(labels, dict) else None
