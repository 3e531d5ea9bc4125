"""Facts about a fit, each with the numbers that a sentence may rest on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from henderson.inference.means.response import Transform
    from henderson.inference.quality.explained import Explained
    from henderson.inference.summary import SummaryRecord


@dataclass(frozen=True, slots=True)
class Part:
    """One variable of a coefficient.

    Attributes
    ----------
    variable : str
        As R prints it.
    level, reference : str or None
        Of a factor: the level that the column marks, and the one that it is compared with (None where every
        level has its column).
    """

    variable: str
    level: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """Where another variable of the model is held while a coefficient is read.

    Attributes
    ----------
    variable : str
    kind : {"zero", "level", "average", "coded"}
        A number at zero; a factor at its reference level; a factor averaged over its levels; a factor or
        curve whose columns are at zero, which stands for no level or value.
    level : str or None
        The reference level.
    low, high : float
        Range of a number in the data; NaN where unknown.
    """

    variable: str
    kind: str
    level: str | None = None
    low: float = float("nan")
    high: float = float("nan")

    @property
    def outside(self) -> bool:
        """Whether zero lies beyond the data."""
        return self.kind == "zero" and (self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True)
class FixedFact:
    """One coefficient.

    Attributes
    ----------
    name : str
    kind : {"mean", "slope", "difference", "interaction", "curve", "coded"}
        A mean of the response; its change per unit of a number; a level against the reference level; a change
        of such a change; one column of a curve; one column of a factor in another coding than treatment.
    focus : tuple of Part
        What it is about; of a mean nothing.
    within : tuple of Part
        Levels in which it holds.
    base : tuple of Base
        Where the other variables are held: all of a mean, those that interact of a slope or difference.
    estimate, std_error, low, high, statistic, df, p_value : float
        `df` is infinite for z tests, NaN where it cannot be had.
    span : tuple of (float, float)
        Smallest and largest value of the column.
    values : tuple of float
        All values of the column where they are few, at most 5; else empty.
    between : tuple of (str, float, int)
        For every grouping factor: the share of the column's variance that lies between its levels, and their
        number; empty where it says nothing.
    """

    name: str
    kind: str
    focus: tuple[Part, ...]
    within: tuple[Part, ...]
    base: tuple[Base, ...]
    estimate: float
    std_error: float
    low: float
    high: float
    statistic: float
    df: float
    p_value: float
    span: tuple[float, float]
    values: tuple[float, ...] = ()
    between: tuple[tuple[str, float, int], ...] = ()

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return bool(self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True)
class JointFact:
    """The test that all coefficients of a term are zero.

    Attributes
    ----------
    term : str
    names : tuple of str
        Its coefficients.
    statistic, num_df, den_df, p_value : float
        F; chi-square where `den_df` is infinite.
    """

    term: str
    names: tuple[str, ...]
    statistic: float
    num_df: float
    den_df: float
    p_value: float


@dataclass(frozen=True, slots=True)
class SpreadFact:
    """How much one coefficient varies between groups.

    Attributes
    ----------
    group, name : str
        Grouping factor and column.
    levels : int
    sd : float
        Units of the response per unit of the column; exactly 0 where the fit has no variance there.
    centre : FixedFact or None
        The fixed effect of the same name.
    low, high : float
        Where the central 95 % of the groups lie; NaN without a centre.
    reversed : float
        Share of groups with the other sign than the centre; NaN without one.
    sd_low, sd_high : float
        Approximate limits of the standard deviation; NaN where there are none.
    inside, others : tuple of str
        Grouping factors that the levels lie in; those that are neither around nor inside.
    cell : bool
        Whether the levels are those of a factor that also has fixed effects: Machine in Machine:Worker.
    part : Part or None
        Of a column that marks a level of a factor, which.
    held : tuple of str
        Other columns that vary between the same groups, at whose zero an intercept is meant.
    """

    group: str
    name: str
    levels: int
    sd: float
    centre: FixedFact | None
    low: float
    high: float
    reversed: float
    sd_low: float = float("nan")
    sd_high: float = float("nan")
    inside: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    cell: bool = False
    part: Part | None = None
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CorrelationFact:
    """How two coefficients vary together between groups; limits are approximate, NaN where there are none."""

    group: str
    first: str
    second: str
    value: float
    low: float = float("nan")
    high: float = float("nan")

    @property
    def clear(self) -> bool:
        """Whether the limits leave out zero."""
        return bool(self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """All that an explanation rests on.

    Attributes
    ----------
    summary : SummaryRecord
        Formula, criterion, variance components, search.
    response : str
        As typed.
    transform : Transform or None
        Of the response; None for a plain column or a transform that is not known.
    plain : bool
        Whether the response is a plain column.
    variables : tuple of str
        Columns of the data in the fixed part and in random slopes, and the response.
    fixed : tuple of FixedFact
    joint : tuple of JointFact
    spreads : tuple of SpreadFact
    correlations : tuple of CorrelationFact
    explained : Explained
        The response's variance by its sources.
    simple : bool
        One grouping factor with nothing but an intercept: two rows of a group have one correlation.
    level : float
        Coverage of intervals.
    units : dict of str to str
        Units of columns.
    """

    summary: SummaryRecord
    response: str
    transform: Transform | None
    plain: bool
    variables: tuple[str, ...]
    fixed: tuple[FixedFact, ...]
    joint: tuple[JointFact, ...]
    spreads: tuple[SpreadFact, ...]
    correlations: tuple[CorrelationFact, ...]
    explained: Explained
    simple: bool
    level: float
    units: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence or two, and the numbers behind.

    Attributes
    ----------
    topic : str
        Heading that it stands under.
    text : str
    numbers : dict of str to float
    """

    topic: str
    text: str
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """A fit in words.

    Attributes
    ----------
    formula : str
    sentences : tuple of Sentence
        In reading order; those of one topic follow each other.
    """

    formula: str
    sentences: tuple[Sentence, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics in order."""
        return tuple(dict.fromkeys(s.topic for s in self.sentences))

    def columns(self) -> dict[str, object]:
        """Return one row per number: topic, text, name, value."""
        rows = [
            (s.topic, s.text, name, value)
            for s in self.sentences
            for name, value in (s.numbers or {"": np.nan}).items()
        ]
        topic, text, name, value = zip(*rows, strict=True)
        return {"topic": list(topic), "text": list(text), "name": list(name), "value": np.array(value)}
