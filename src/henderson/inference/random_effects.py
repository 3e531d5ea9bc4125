"""Random effects of the levels (conditional modes), their covariance, and the coefficients of the levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.errors import OptionError
from henderson.inference.fixed import check_level, normal_quantile
from henderson.inference.frames import make_frame, named_matrix
from henderson.inference.layout import grouping_columns

if TYPE_CHECKING:
    import pandas as pd

    from henderson.design.record import Design
    from henderson.estimate import Estimate


class LevelEffects:
    """A table with one row per level of a grouping factor and one column per effect.

    Works as a mapping from the effect's name to its column: ``list(effects)``, ``effects["Days"]``,
    ``dict(effects)``; `len` counts the rows, as that of a data frame. `loc` and `head` look at rows,
    ``np.asarray(effects)`` is the bare array, and everything else pandas can do starts at `to_pandas`.

    Parameters
    ----------
    group : str
        Name of the grouping factor.
    levels : tuple of length l
        Labels of the rows.
    names : tuple of str, length K
        Names of the columns.
    values : (l, K) float64
        The effects, in units of the response per unit of the column.
    covariance : callable returning (l, K, K) float64, optional
        Conditional covariance matrices given y, computed when first asked for.
    kind : str
        Kind of frame that `frame()` returns.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> effects = fit.ranef["Subject"]
    >>> effects.names
    ('(Intercept)', 'Days')
    >>> round(float(effects["Days"]["308"]), 3)
    9.199
    >>> effects.cov.shape
    (18, 2, 2)
    """

    def __init__(
        self,
        group: str,
        levels: tuple[object, ...],
        names: tuple[str, ...],
        values: np.ndarray,
        covariance: Callable[[], np.ndarray] | None = None,
        kind: str = "pandas",
    ) -> None:
        self.group, self.levels, self.names, self.values = group, levels, names, values
        self.covariance, self.kind = covariance, kind

    @cached_property
    def cov(self) -> np.ndarray:
        """(l, K, K) conditional covariance of each level's effects given y and beta; lme4's ``condVar``."""
        if self.covariance is None:
            raise OptionError(
                f"coef[{self.group!r}] has no covariance; the random effects have: ranef[{self.group!r}].cov."
            )
        return self.covariance()

    @property
    def condvar(self) -> np.ndarray:
        """The same as `cov`, under lme4's name."""
        return self.cov

    @cached_property
    def sd(self) -> np.ndarray:
        """(l, K) conditional standard deviations."""
        return np.sqrt(np.einsum("gjj->gj", self.cov))

    def to_pandas(self) -> pd.DataFrame:
        """Effects as a pandas DataFrame, levels as the index."""
        return named_matrix(self.values, self.levels, self.names).rename_axis(self.group)

    def to_frame(self) -> pd.DataFrame:
        """Return the same as `to_pandas`, under the name that a pandas Series has for it."""
        return self.to_pandas()

    def head(self, n: int = 5) -> pd.DataFrame:
        """Effects of the first `n` levels as a pandas DataFrame."""
        return self.to_pandas().head(n)

    @property
    def loc(self) -> Any:
        """Label lookup as in pandas: ``effects.loc["308"]``, ``effects.loc["308", "Days"]``."""
        return self.to_pandas().loc

    def frame(self) -> Any:
        """Effects as the kind of frame that went in: one column with the level, one per effect."""
        return make_frame(self.kind, {self.group: list(self.levels), **self._by_column(self.values)})

    def columns(self, level: float = 0.95) -> dict[str, object]:
        """One row per level and effect: group, level, term, estimate, std_error, conf_low, conf_high."""
        half, count, wide = normal_quantile(check_level(level)), len(self.levels), len(self.names)
        value, sd = self.values.T.ravel(), self.sd.T.ravel()
        return {
            "group": [self.group] * (count * wide),
            "level": [str(label) for label in self.levels] * wide,
            "term": [name for name in self.names for _ in range(count)],
            "estimate": value,
            "std_error": sd,
            "conf_low": value - half * sd,
            "conf_high": value + half * sd,
        }

    def _by_column(self, values: np.ndarray) -> dict[str, np.ndarray]:
        return {name: values[:, j] for j, name in enumerate(self.names)}

    def __getitem__(self, name: str) -> pd.Series:
        if name not in self.names:
            raise OptionError(self._no_effect(name))
        return self.to_pandas()[name]

    def _no_effect(self, name: object) -> str:
        if name in self.levels:
            return f"{name!r} is a level of {self.group!r}: its row is .loc[{name!r}]; [...] picks effects."
        return (
            f"{self.group!r} has no effect {name!r}; it has: {', '.join(map(repr, self.names))}. "
            "Rows are picked by .loc[level]; .to_pandas() gives a data frame."
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def keys(self) -> tuple[str, ...]:
        """Names of the effects, so that ``dict(effects)`` has the columns."""
        return self.names

    if not TYPE_CHECKING:  # type checkers shall go on to find misspelt attributes

        def __getattr__(self, name: str) -> Any:
            text = f"The effects of the levels have no attribute {name!r}."
            if not name.startswith("_"):
                text += f" As a data frame they may: .to_pandas().{name}"
            raise AttributeError(text)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype)

    def __len__(self) -> int:
        return len(self.levels)

    @property
    def shape(self) -> tuple[int, ...]:
        """(l, K)."""
        return self.values.shape

    def __repr__(self) -> str:
        style = f"{{:.{self.decimals()}f}}".format
        return str(self.to_pandas().to_string(max_rows=20, line_width=80, float_format=style))

    def decimals(self) -> int:
        """Return as many decimals as give the largest effect four significant digits."""
        top = float(np.abs(self.values).max(initial=0.0))
        return int(np.clip(3 - np.floor(np.log10(top)), 0, 12)) if top > 0 and np.isfinite(top) else 3

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "covariance": None, "cov": None if self.covariance is None else self.cov}


class RandomEffects(Mapping[str, LevelEffects]):
    """The effects of every grouping factor, by the factor's name."""

    def __init__(self, effects: dict[str, LevelEffects], kind: str = "pandas") -> None:
        self._effects, self.kind = effects, kind

    def __getitem__(self, group: str) -> LevelEffects:
        try:
            return self._effects[group]
        except KeyError:
            known = ", ".join(map(repr, self._effects))
            raise OptionError(
                f"No grouping factor called {group!r} in this model. The model has: {known}."
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._effects)

    def __len__(self) -> int:
        return len(self._effects)

    def __contains__(self, group: object) -> bool:
        return group in self._effects

    def __call__(self, *_: object, **__: object) -> Any:
        """Stop with the line to type: R's ``ranef(fit)`` is a property here."""
        group = next(iter(self._effects), "g")
        raise TypeError(
            "Random effects and coefficients are properties, without parentheses: "
            f"fit.ranef[{group!r}] or fit.coef[{group!r}]."
        )

    def frame(self, level: float = 0.95) -> Any:
        """All effects in one long table, with conditional standard deviations and limits."""
        return make_frame(self.kind, stack([e.columns(level) for e in self.values()]))

    def __repr__(self) -> str:
        return "\n\n".join(f"{group}:\n{effects!r}" for group, effects in self.items())


def stack(tables: list[dict[str, object]]) -> dict[str, object]:
    """Tables with the same columns on top of one another; lists stay lists, arrays stay arrays."""
    return {name: _join([table[name] for table in tables]) for name in tables[0]}


def _join(parts: list[Any]) -> Any:
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else [x for part in parts for x in part]


def ranef(
    design: Design, estimate: Estimate, covariances: Callable[[], Any], kind: str = "pandas"
) -> RandomEffects:
    """Conditional modes b = Lambda u of every grouping factor; terms on one factor side by side.

    Parameters
    ----------
    design, estimate : Design, Estimate
        Names, and `b`: one (l, K) array per grouping.
    covariances : callable
        Returns one (l, K, K) array per grouping; called only when a covariance is asked for.
    kind : str
        Kind of frame for `frame()`.
    """
    wide = grouping_columns(design)
    return RandomEffects(
        {
            g.name: LevelEffects(g.name, g.levels, wide[f], estimate.b[f], _pick(covariances, f), kind)
            for f, g in enumerate(design.groupings)
        },
        kind,
    )


def _pick(covariances: Callable[[], Any], f: int) -> Callable[[], np.ndarray]:
    return lambda: np.asarray(covariances()[f])


def coef(design: Design, estimate: Estimate, kind: str = "pandas") -> RandomEffects:
    """Coefficients of every level: fixed effects plus random effects, column by column, as lme4's ``coef()``.

    Columns without a fixed effect of the same name come first, with their random part alone; then the fixed
    effects in order.
    """
    out = {}
    for f, (g, names) in enumerate(zip(design.groupings, grouping_columns(design), strict=True)):
        own = [name for name in dict.fromkeys(names) if name not in design.x_names]
        columns = (*own, *design.x_names)
        values = np.zeros((len(g.levels), len(columns)))
        values[:, len(own) :] = estimate.beta
        for j, name in enumerate(names):
            values[:, columns.index(name)] += estimate.b[f][:, j]
        out[g.name] = LevelEffects(g.name, g.levels, columns, values, None, kind)
    return RandomEffects(out, kind)
