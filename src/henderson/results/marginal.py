"""Marginal means as users hold them: tables that know how to be contrasted, tested and drawn."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from henderson.errors import OptionError
from henderson.inference.means.averages import Linear, regrouped
from henderson.inference.means.contrasts import contrast, usual_adjustment
from henderson.inference.means.evaluate import Question, ask, evaluate
from henderson.inference.means.grid import Grid
from henderson.inference.means.interactions import interaction_contrast
from henderson.inference.means.joint import joint_tests
from henderson.inference.means.letters import letter_display
from henderson.inference.means.multiplicity import check_adjust
from henderson.inference.means.response import Transform
from henderson.inference.means.specs import Specs, read_specs
from henderson.inference.small_sample.record import SmallSample
from henderson.results.options import named_options
from henderson.results.shown import Shown

if TYPE_CHECKING:
    from henderson.display.blocks import Blocks


class Grouped(Shown):
    """A table printed group by group."""

    def _blocks(self) -> Blocks:
        """Return one table per group."""
        raise NotImplementedError  # means, letters and joint tests each say how they read

    def __str__(self) -> str:
        return self._blocks().text()

    __repr__ = __str__

    def to_html(self) -> str:
        """Return one self-contained ``<div>`` that follows the page's colours, light or dark."""
        return self._blocks().html()


class Estimates(Grouped):
    """Linear combinations of the fixed effects with tests and limits; base of means and contrasts."""

    def __init__(
        self,
        linear: Linear,
        sample: SmallSample,
        question: Question,
        transform: Transform | None,
        kind: str,
        shows: str,
    ) -> None:
        super().__init__(evaluate(linear, sample, question, transform), kind)
        self._linear, self._sample, self._transform, self._shows = linear, sample, transform, shows

    def _blocks(self) -> Blocks:
        from henderson.display.means import estimates_blocks

        return estimates_blocks(self.record, self._shows)

    def _again(self, question: Question, shows: str) -> Any:
        """Return the same combinations under another question."""
        raise NotImplementedError  # means and contrasts return their own kind

    def __len__(self) -> int:
        return self._linear.m

    @property
    def sample(self) -> SmallSample:
        """What degrees of freedom and covariance rest on."""
        return self._sample

    @property
    def linear(self) -> Linear:
        """Coefficients of every row in the fixed effects; see `Linear`."""
        return self._linear

    @named_options
    def plot(
        self, *, letters: bool = False, arrows: bool = False, alpha: float = 0.05, ax: Any = None
    ) -> Any:
        """Draw the estimates with their intervals; see `henderson.plot.means`."""
        draw = import_module("henderson.plot.marginal").means  # above this floor, hence on demand
        return draw(self, letters=letters, arrows=arrows, alpha=alpha, ax=ax)

    @named_options
    def test(
        self,
        null: float = 0.0,
        *,
        side: str = "two",
        adjust: str | None = None,
        delta: float = 0.0,
        level: float = 0.95,
    ) -> Any:
        """Return the same rows with tests.

        t = (estimate - null) / std_error.

        Parameters
        ----------
        null : float, default 0
            Value tested, on the scale of the linear predictor.
        side : {"two", "greater", "less"}
            Alternative: the estimate differs from `null`, is greater, is less.
        adjust : str, optional
            Adjustment for several tests, as in `contrast`; by default as the table has it.
        delta : float, default 0
            Threshold: two-sided tests become tests of equivalence (nearer to `null` than `delta`), one-sided
            ones tests of non-inferiority.
        level : float
            Coverage of the limits in the frame.

        Returns
        -------
        the same kind of table

        Examples
        --------
        >>> import henderson as hd
        >>> machines = hd.datasets.load("machines")
        >>> means = hd.lmm("score ~ Machine + (1 | Worker/Machine)", machines).emmeans("Machine")
        >>> means.test(null=60, side="greater")["p_value"].round(4)
        array([0.9929, 0.4499, 0.017 ])
        """
        chosen = self.record.question.adjust if adjust is None else adjust
        return self._again(ask(level, chosen, side, null, delta), "tests")

    @named_options
    def confint(self, level: float = 0.95, *, adjust: str | None = None, side: str = "two") -> Any:
        """Return the same rows with confidence limits.

        Parameters
        ----------
        level : float, default 0.95
            Coverage: of all limits of a group together where they are adjusted.
        adjust : str, optional
            As in `contrast`; by default as the table has it. Holm's and the false discovery rate have no
            limits: Bonferroni's are returned.
        side : {"two", "greater", "less"}
            "greater" gives lower limits only, "less" upper ones.

        Returns
        -------
        the same kind of table
        """
        chosen = self.record.question.adjust if adjust is None else adjust
        return self._again(ask(level, chosen, side), "limits")


class EMContrasts(Estimates):
    """Contrasts of marginal means or of slopes; made by `EMMeans.contrast`."""

    def _again(self, question: Question, shows: str) -> EMContrasts:
        return EMContrasts(self._linear, self._sample, question, self._transform, self.kind, shows)


class EMMeans(Estimates):
    """Marginal means, or slopes; made by `LinearMixedFit.emmeans` and `LinearMixedFit.emtrends`."""

    contrasts: EMContrasts | None = None
    """The contrasts asked for on the left of ``~``; None where there were none."""

    def __init__(
        self,
        linear: Linear,
        sample: SmallSample,
        question: Question,
        transform: Transform | None,
        kind: str,
        shows: str,
        grid: Grid,
    ) -> None:
        super().__init__(linear, sample, question, transform, kind, shows)
        self._grid = grid

    def _again(self, question: Question, shows: str) -> EMMeans:
        return EMMeans(self._linear, self._sample, question, self._transform, self.kind, shows, self._grid)

    def __str__(self) -> str:
        own = super().__str__()
        return own if self.contrasts is None else f"{own}\n\n{self.contrasts}"

    __repr__ = __str__

    def to_html(self) -> str:
        """Return one self-contained ``<div>`` that follows the page's colours, light or dark."""
        own = super().to_html()
        return (
            own
            if self.contrasts is None
            else f'<div>{own}<div style="margin-top:1em">{self.contrasts.to_html()}</div></div>'
        )

    @named_options
    def contrast(
        self,
        method: Any = "pairwise",
        *,
        adjust: str | None = None,
        reference: str | int | None = None,
        by: str | Iterable[str] | None = None,
        interaction: bool = False,
        level: float = 0.95,
    ) -> EMContrasts:
        """Compare the means, within groups.

        Parameters
        ----------
        method : str, dict of str to numbers, or matrix
            ``"pairwise"`` (a - b), ``"revpairwise"`` (b - a), ``"treatment"`` (each less the reference),
            ``"sequential"`` (each less the one before), ``"polynomial"``, ``"eff"`` (each less the mean of
            all), ``"del.eff"`` (each less the mean of the others); or numbers, one per mean of a group:
            ``{"late": [-1, -1, 2]}``. R's names ``trt.vs.ctrl``, ``consec``, ``poly`` are understood.
        adjust : {"tukey", "mvt", "sidak", "bonferroni", "holm", "fdr", "scheffe", "none"}, optional
            Adjustment for several comparisons, within each group. By default Tukey for pairwise, multivariate
            t for treatment (Dunnett) and sequential, false discovery rate for effects, none for others.
        reference : str or int, optional
            Of ``"treatment"``: the mean compared with, by label or number from 0; by default the first.
        by : str or list of str, optional
            Groups within which to compare, in place of the table's own; ``[]`` for none.
        interaction : bool, default False
            Of means of several factors: whether to take `method` along each factor and multiply, which tells
            if a difference along one factor differs between the levels of another. `method` may then be a
            dict: ``{"A": "treatment", "B": "polynomial"}``.
        level : float, default 0.95
            Coverage of the limits.

        Returns
        -------
        EMContrasts
            Columns contrast, the groups, estimate, std_error, df, statistic, p_value, conf_low, conf_high.

        Raises
        ------
        OptionError
            An unknown family or adjustment, numbers of the wrong length, groups of one mean.

        Examples
        --------
        >>> import henderson as hd
        >>> machines = hd.datasets.load("machines")
        >>> means = hd.lmm("score ~ Machine + (1 | Worker/Machine)", machines).emmeans("Machine")
        >>> means.contrast("treatment", reference="A")["estimate"].round(3)
        array([ 7.967, 13.917])
        """
        linear = self._linear if by is None else regrouped(self._linear, self._groups(by))
        if interaction not in (True, False):
            raise OptionError(
                f"interaction={interaction!r}: give True or False. Contrasts for each factor are the first "
                'value: contrast({"A": "polynomial", "B": "pairwise"}, interaction=True).'
            )
        if interaction:
            found = interaction_contrast(linear, method, self._transform)
        else:
            found = contrast(linear, method, reference, self._transform)
        chosen = usual_adjustment(found.family) if adjust is None else adjust
        return EMContrasts(found, self._sample, ask(level, chosen), self._transform, self.kind, "tests")

    def _groups(self, by: str | Iterable[str]) -> tuple[str, ...]:
        names = read_specs([], by).by
        for name in names:
            if name not in self._linear.keys:
                known = ", ".join(self._linear.keys)
                raise OptionError(f"by={name!r} is none of the columns of these means: {known}.")
        return names

    @named_options
    def pairs(
        self,
        *,
        adjust: str = "tukey",
        reverse: bool = False,
        by: str | Iterable[str] | None = None,
        level: float = 0.95,
    ) -> EMContrasts:
        """Compare all pairs of means within groups: `contrast` with ``"pairwise"`` (``"revpairwise"``)."""
        method = "revpairwise" if reverse else "pairwise"
        return self.contrast(method, adjust=adjust, by=by, level=level)

    @named_options
    def joint_tests(self, by: str | Iterable[str] | None = None) -> JointTestTable:
        """Test the effects of the factors in this table, and of their interactions, together.

        Parameters
        ----------
        by : str or list of str, optional
            Groups within which to test, in place of the table's own.
        """
        names = tuple(self._linear.keys)
        groups = self._linear.by if by is None else self._groups(by)
        specs = Specs(tuple(name for name in names if name not in groups), groups, None)
        return JointTestTable(joint_tests(self._grid, self._sample, specs, self._linear.weights), self.kind)

    @named_options
    def letters(self, alpha: float = 0.05, *, adjust: str = "tukey") -> LetterTable:
        """Show which means differ by letters: those that share one do not differ significantly.

        Parameters
        ----------
        alpha : float, default 0.05
            Level of significance of the pairwise comparisons.
        adjust : str
            Their adjustment, as in `contrast`.

        Returns
        -------
        LetterTable
            Means in increasing order within groups, with a column letters.

        Examples
        --------
        >>> import henderson as hd
        >>> machines = hd.datasets.load("machines")
        >>> means = hd.lmm("score ~ Machine + (1 | Worker/Machine)", machines).emmeans("Machine")
        >>> means.letters()["letters"].tolist()
        ['a', 'b', 'b']
        """
        ask(level=alpha)
        return LetterTable(letter_display(self.record, self._sample, alpha, check_adjust(adjust)), self.kind)


class LetterTable(Grouped):
    """Means with letters; made by `EMMeans.letters`."""

    def _blocks(self) -> Blocks:
        from henderson.display.means import letters_blocks

        return letters_blocks(self.record)


class JointTestTable(Grouped):
    """Joint tests; made by `LinearMixedFit.joint_tests`."""

    def _blocks(self) -> Blocks:
        from henderson.display.means import joint_blocks

        return joint_blocks(self.record)


def with_contrasts(means: EMMeans, family: str | None) -> EMMeans:
    """Return the means, with the contrasts that were asked for beside them."""
    if family is not None:
        means.contrasts = means.contrast(family)
    return means
