"""Results of tests, with statsmodels' attributes and printouts."""

from __future__ import annotations

from typing import Any

import numpy as np

from henderson.adapters.statsmodels.summary import Grid, grid_lines


class ContrastResults:
    """A test of linear hypotheses.

    Attributes
    ----------
    distribution : {"norm", "t", "chi2", "F"}
        What the statistic is held against.
    statistic : float or array
        Test statistic; also `tvalue`, and for F `fvalue`.
    pvalue : float or array
        Two-sided for single hypotheses.
    effect, sd : (r,) arrays or None
        Estimates and standard errors of single hypotheses.
    df_num, df_denom : float
        Degrees of freedom, where there are any.
    """

    def __init__(
        self,
        distribution: str,
        statistic: Any,
        *,
        effect: Any = None,
        sd: Any = None,
        df_num: float | None = None,
        df_denom: float | None = None,
    ) -> None:
        self.distribution, self.statistic, self.effect, self.sd = distribution, statistic, effect, sd
        if distribution == "F":
            self.fvalue = statistic
        else:
            self.tvalue = statistic
        if df_num is not None:
            self.df_num = df_num
        if df_denom is not None:
            self.df_denom = df_denom
        self.pvalue = np.squeeze(tail(distribution, statistic, df_num, df_denom))[()]
        if effect is not None:
            self.pvalue = np.asarray(self.pvalue)
        self.c_names = None if effect is None else [f"c{j}" for j in range(len(effect))]

    def conf_int(self, alpha: float = 0.05) -> np.ndarray:
        """Return limits of single hypotheses, (r, 2)."""
        if self.effect is None:
            raise NotImplementedError("Confidence Interval not available")  # statsmodels' own answer
        half = self._quantile(alpha) * np.reshape(self.sd, -1)
        return np.column_stack((self.effect - half, self.effect + half))

    def _quantile(self, alpha: float) -> float:
        from scipy.special import ndtri, stdtrit

        upper = 1 - alpha / 2
        return float(stdtrit(self.df_denom, upper) if self.distribution == "t" else ndtri(upper))

    def summary_frame(self, xname: list[str] | None = None, alpha: float = 0.05) -> Any:
        """Return single hypotheses as a DataFrame."""
        import pandas as pd

        if self.effect is None:
            raise NotImplementedError("only available for t and z")  # statsmodels' own answer
        limits, letter = self.conf_int(alpha), "t" if self.distribution == "t" else "z"
        columns = {
            "coef": self.effect,
            "std err": np.reshape(self.sd, -1),
            letter: np.reshape(self.statistic, -1),
            f"P>|{letter}|": np.reshape(self.pvalue, -1),
            "Conf. Int. Low": limits[:, 0],
            "Conf. Int. Upp.": limits[:, 1],
        }
        return pd.DataFrame(columns, index=xname or self.c_names)

    def summary(self, xname: list[str] | None = None, alpha: float = 0.05, title: str | None = None) -> Any:
        """Return the printout: a table of single hypotheses, a line for joint ones."""
        if self.effect is not None:
            return TestTable(self, xname or self.c_names or [], alpha, title or "Test for Constraints")
        if self.distribution == "F":
            return (
                f"<F test: F={self.fvalue!r}, p={self.pvalue}, df_denom={self.df_denom:.3g}, "
                f"df_num={self.df_num:.3g}>"
            )
        found = f"statistic={self.statistic}, p-value={self.pvalue}"
        return f"<Wald test (chi2): {found}, df_denom={self.df_denom:.3g}>"

    def __str__(self) -> str:
        return str(self.summary())

    def __repr__(self) -> str:
        return f"{type(self)}\n{self}"


class TestTable:
    """The printed table of single hypotheses."""

    def __init__(self, result: ContrastResults, names: list[str], alpha: float, title: str) -> None:
        frame, letter = result.summary_frame(names, alpha), "t" if result.distribution == "t" else "z"
        self.title = title
        heads = ["coef", "std err", letter, f"P>|{letter}|", f"[{alpha / 2}", f"{1 - alpha / 2}]"]
        widths, cells = (10, 10, 10, 10, 11, 11), []
        for row in frame.to_numpy():
            texts = [
                compact(row[0], 4),
                *(compact(x, 3) for x in row[1:3]),
                f"{row[3]:#6.3f}",
                *map(compact, row[4:]),
            ]
            cells.append([text.rjust(width) for text, width in zip(texts, widths, strict=True)])
        self._heads = [head.rjust(width) for head, width in zip(heads, widths, strict=True)]
        self._grid = Grid(cells, self._heads, [name.ljust(10) for name in names], "r")

    def as_text(self) -> str:
        """Return the table as text."""
        above, *lines = grid_lines(self._grid)
        rule = "=" * len(above)
        return "\n".join([self.title.center(len(above)), rule, *lines, rule])

    def __str__(self) -> str:
        return self.as_text()


class WaldTestResults:
    """Wald tests of all terms.

    Attributes
    ----------
    table : DataFrame
        statistic, pvalue and df_constraint, one row per term.
    """

    def __init__(self, table: Any, distribution: str = "chi2") -> None:
        self.table, self.distribution = table, distribution

    @property
    def statistic(self) -> np.ndarray:
        """Test statistics of the terms."""
        return np.asarray(self.table["statistic"])

    @property
    def pvalues(self) -> np.ndarray:
        """Tail probabilities of the terms."""
        return np.asarray(self.table["pvalue"])

    @property
    def df_constraints(self) -> np.ndarray:
        """Degrees of freedom of the terms."""
        return np.asarray(self.table["df_constraint"])

    def summary_frame(self) -> Any:
        """Return the table with statsmodels' printed heads."""
        heads = {
            "statistic": self.distribution,
            "pvalue": f"P>{self.distribution}",
            "df_constraint": "df constraint",
        }
        return self.table.rename(columns=heads)

    def __str__(self) -> str:
        return str(self.summary_frame().to_string())

    def __repr__(self) -> str:
        return f"{type(self)}\n{self}"


def compact(x: float, digits: int = 3) -> str:
    """Return a number with fixed decimals, or with few digits where it is very large or small.

    Examples
    --------
    >>> compact(1234.5678).strip(), compact(1e-7, 4).strip()
    ('1234.568', '1e-07')
    """
    width = digits + 6
    extreme = abs(x) >= 1e4 or abs(x) < 1e-4
    return f"{x:{width}.{digits}g}" if extreme else f"{x:{width}.{digits}f}"


def tail(distribution: str, statistic: Any, df_num: float | None, df_denom: float | None) -> Any:
    """Return the probability of a statistic at least as far out, two-sided for "norm" and "t"."""
    from scipy.special import chdtrc, fdtrc, ndtr, stdtr

    if distribution == "norm":
        return 2 * ndtr(-np.abs(statistic))
    if distribution == "t":
        return 2 * stdtr(df_denom, -np.abs(statistic))
    return chdtrc(df_denom, statistic) if distribution == "chi2" else fdtrc(df_num, df_denom, statistic)
