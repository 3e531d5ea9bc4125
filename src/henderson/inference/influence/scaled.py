"""Scaled residuals: where each response lies in the distribution that the model gives it, and tests of that.

Under a right model they are uniform on (0, 1) whatever the design, so that one picture fits every model. The
tests take their reference distributions from responses simulated by the fit, which have the same correlations
within groups as the data; the tables of textbooks, made for independent values, would cry wolf.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson import estimate as estimation
from henderson.errors import DataError, OptionError
from henderson.inference.fitted import fixed_part
from henderson.inference.frames import take_rows
from henderson.inference.influence.grouping import column_names, column_values
from henderson.inference.influence.trend import MOST_CATEGORIES, Predictor, quantile_trend
from henderson.inference.layout import term_slices
from henderson.inference.simulate import own_stream, simulate
from henderson.progress import progress

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

FEWEST = 20
"""Simulations without which a p-value of 0.05 does not exist."""
STREAM = 0x5CA1ED
"""Told apart from other uses of the same seed."""
WORK = 4_000_000
"""Most numbers of a block of simulated responses."""


@dataclass(frozen=True, slots=True, eq=False)
class ResidualTest:
    """One test of the scaled residuals.

    Attributes
    ----------
    name : str
        ``uniformity``, ``dispersion``, ``outliers`` or ``trend with ...``.
    statistic : float
        Largest distance of the distribution functions; standard deviation of the standardised residuals;
        rows outside the range of the simulations; sum of squares of the trends.
    expected : float
        Mean of the statistic over the simulations.
    p_value : float
        Share of simulations at least as far out; two-sided for dispersion and outliers.
    """

    name: str
    statistic: float
    expected: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class ScaledResiduals:
    """Scaled residuals of the rows used, with tests.

    Attributes
    ----------
    residuals : (n,) float64
        Distribution function of the model at the response, in (0, 1).
    predicted : (n,) float64
        Mean that the model gives each row.
    rows : (n,) int64
        Row numbers of the data.
    outlying : (k,) int64
        Rows that lie outside nearly all of `draws` simulations: residual below 1 / (draws + 1) or above draws
        / (draws + 1).
    tests : tuple of ResidualTest
    draws : int
        Simulations behind every p-value.
    kept : tuple of str
        Grouping factors whose effects were kept as estimated.
    refit : bool
        Whether the model was fitted to every simulation.
    """

    residuals: np.ndarray
    predicted: np.ndarray
    rows: np.ndarray
    outlying: np.ndarray
    tests: tuple[ResidualTest, ...]
    draws: int
    kept: tuple[str, ...]
    refit: bool

    def columns(self) -> dict[str, object]:
        """Return the tests as named columns: test, statistic, expected, p_value."""
        names = ("statistic", "expected", "p_value")
        values = {name: np.array([getattr(t, name) for t in self.tests]) for name in names}
        return {"test": [t.name for t in self.tests], **values}


def scaled_residuals(
    design: Design,
    estimate: Estimate,
    draws: int,
    seed: int | np.random.Generator | None,
    chosen: tuple[int, ...] = (),
    others: tuple[Predictor, ...] = (),
    refit: bool = False,
) -> ScaledResiduals:
    """Scaled residuals and their tests.

    u_i = Phi((y_i - m_i) / s_i), s_i^2 = sigma^2 / w_i + z_i' Sigma z_i over the groupings that are drawn
    anew: for normal responses the distribution that simulations would sample is known, and used instead of
    ranks among them.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    draws : int
        Simulated responses for the tests' reference distributions.
    seed : int, numpy Generator or None
        Makes these repeatable.
    chosen : tuple of int
        Groupings whose effects are kept at their conditional modes, in simulations as in the mean.
    others : tuple of Predictor
        Variables to test for trends, besides the predicted mean.
    refit : bool
        Whether the model is fitted to every simulated response; then p-values allow for the parameters'
        having been estimated, and are conservative otherwise.

    Returns
    -------
    ScaledResiduals

    Notes
    -----
    O(draws n log n), and `draws` refits where asked for; one block of simulations is held at a time. A
    progress bar after one second.

    References
    ----------
    Dunn, P. K. and Smyth, G. K. (1996), J. Comput. Graph. Stat. 5, 236-244.
    Hartig, F. (2022), DHARMa: residual diagnostics for hierarchical regression models.
    """
    draws = check_draws(draws)
    mean, sd = marginal(design, estimate, chosen)
    z, along = (design.y - mean) / sd, [p for p in (Predictor.of_numbers("predicted", mean), *others) if p]
    edge = normal_edge(draws)
    drawn, bar = [], progress(draws, "simulations")
    for y in simulated(design, estimate, draws, own_stream(seed, STREAM), chosen):
        at = (mean, sd) if not refit else marginal(design, estimation.refit(estimate, design, y), chosen)
        drawn.append(measures((y - at[0]) / at[1], along, edge))
        bar.update(1)
    bar.close()
    rows = np.arange(design.n) if design.kept_rows is None else np.asarray(design.kept_rows)
    return ScaledResiduals(
        residuals=distribution(z),
        predicted=mean,
        rows=rows,
        outlying=rows[np.abs(z) > edge],
        tests=tested(along, measures(z, along, edge), np.array(drawn)),
        draws=draws,
        kept=tuple(design.groupings[f].name for f in chosen),
        refit=bool(refit),
    )


def predictors(design: Design, data: object, names: tuple[object, ...]) -> tuple[Predictor, ...]:
    """Columns of the data, rows as used, to look for trends along.

    Raises
    ------
    OptionError
        For a name that is no column.
    DataError
        For missing values, or a column with one value or very many categories.
    """
    out = []
    for name in names:
        columns = column_names(data)
        if name not in columns:
            near = difflib.get_close_matches(str(name), columns, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise OptionError(
                f"by={name!r} is no column of the data ({', '.join(columns) or 'none kept'}).{hint}"
            )
        out.append(_predictor(str(name), column_values(str(name), take_rows(data, design.kept_rows))))
    return tuple(out)


def _predictor(name: str, values: list[object]) -> Predictor:
    import pandas as pd

    column = pd.Series(values)
    if column.isna().any():
        raise DataError(
            f"{int(column.isna().sum())} rows have no {name!r}; fill the column in, or leave it out."
        )
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    made = (
        Predictor.of_numbers(name, column.to_numpy(dtype=float))
        if numeric
        else Predictor.of_categories(name, pd.factorize(column)[0])
    )
    if made is None:
        raise DataError(
            f"{name!r} cannot show a trend: it has one value, or more than {MOST_CATEGORIES} categories."
        )
    return made


def check_draws(draws: object) -> int:
    """Return a whole number of simulations that tests can be made of, or an `OptionError`."""
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < FEWEST:
        raise OptionError(
            f"simulate_residuals(n={draws!r}): the tests compare with simulations; give a whole number of at "
            f"least {FEWEST}, 250 by default."
        )
    return int(draws)


def marginal(design: Design, estimate: Estimate, chosen: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (n,) of every row, the effects of the chosen groupings given."""
    mean = fixed_part(design, estimate)
    variance = np.full(design.n, 1.0) if design.weights is None else 1 / design.weights
    for term, cut, root in zip(design.terms, term_slices(design), estimate.lambdas, strict=True):
        if term.grouping in chosen:
            codes, effects = design.groupings[term.grouping].codes, estimate.b[term.grouping][:, cut]
            for j, column in enumerate(term.columns):
                mean = mean + column * effects[codes, j]
        else:
            for half in root.T:
                variance = variance + sum(c * x for c, x in zip(term.columns, half, strict=True)) ** 2
    return mean, estimate.sigma * np.sqrt(variance)


def simulated(
    design: Design, estimate: Estimate, draws: int, rng: np.random.Generator, chosen: tuple[int, ...]
) -> Iterator[np.ndarray]:
    """Responses (n,) drawn from the fit, block by block."""
    step = max(1, WORK // design.n)
    for first in range(0, draws, step):
        yield from simulate(design, estimate, min(step, draws - first), rng, chosen)


def distribution(z: np.ndarray) -> np.ndarray:
    """Normal distribution function (n,)."""
    from scipy.special import ndtr

    return np.asarray(ndtr(z))


def normal_edge(draws: int) -> float:
    """The |z| beyond which a row lies outside `draws` simulations, on average."""
    from scipy.special import ndtri

    return float(ndtri(draws / (draws + 1)))


def measures(z: np.ndarray, along: list[Predictor], edge: float) -> list[float]:
    """Statistics of standardised residuals (n,): distance from uniform, spread, rows outside, trends."""
    u, n = np.sort(distribution(z)), len(z)
    steps = np.arange(n + 1) / n
    distance = float(max((steps[1:] - u).max(), (u - steps[:-1]).max()))
    outside = float((np.abs(z) > edge).sum())
    return [distance, float(np.std(z)), outside, *(quantile_trend(z, p.basis) for p in along)]


def tested(along: list[Predictor], observed: list[float], drawn: np.ndarray) -> tuple[ResidualTest, ...]:
    """Compare statistics with those of the simulations (draws, tests)."""
    names = ["uniformity", "dispersion", "outliers", *(f"trend with {p.name}" for p in along)]
    out = []
    for name, value, column in zip(names, observed, drawn.T, strict=True):
        above, below = ((1 + (side).sum()) / (1 + len(column)) for side in (column >= value, column <= value))
        two_sided = name in ("dispersion", "outliers")
        p = min(1.0, 2 * min(above, below)) if two_sided else above
        out.append(ResidualTest(name, float(value), float(column.mean()), float(p)))
    return tuple(out)
