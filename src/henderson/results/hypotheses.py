"""Third shelf of a fit: degrees of freedom and tests of fixed effects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from henderson.inference import frames
from henderson.inference.hypotheses import anova, linear
from henderson.results.options import named_options
from henderson.results.shown import Shown
from henderson.results.tables import Tables

if TYPE_CHECKING:
    import pandas as pd

    from henderson.display.table import TableView
    from henderson.inference.small_sample import FTest


class Anova(Shown):
    """Tests of the fixed terms; see `LinearMixedFit.anova`."""

    def _view(self) -> TableView:
        from henderson.display.hypotheses import anova_view

        return anova_view(self.record)


class HypothesisTests(Shown):
    """Tests of linear hypotheses; see `LinearMixedFit.test`."""

    @property
    def joint(self) -> FTest:
        """The joint test: statistic, num_df, den_df, p_value."""
        joint: FTest = self.record.joint
        return joint

    def _view(self) -> TableView:
        from henderson.display.hypotheses import linear_view

        return linear_view(self.record)


class Hypotheses(Tables):
    """Tests of fixed effects; see `LinearMixedFit`."""

    @named_options
    def anova(
        self,
        type: int | str = 3,
        ddf: str = "auto",
        information: str = "expected",
        *,
        definition: str = "sas",
        intercept: bool = False,
    ) -> Anova:
        """Test every fixed term.

        F = (L beta)'(L Phi L')^-1 (L beta) / r for the hypothesis L of the term.

        Parameters
        ----------
        type : {3, 2, 1}
            3: averaged over the levels of the terms that contain it. 2: given all terms that do not contain
            it. 1: given the terms before it. Roman numbers do too.
        ddf : {"auto", "satterthwaite", "kenward-roger", "residual", "none"}
            Kind of degrees of freedom; ``"none"`` gives Wald chi-square tests.
            ``auto``: Satterthwaite's, or z tests where the fit cannot give them (after the iterative
            solver), which a note says.
        information : {"expected", "observed"}
            Information matrix that Kenward-Roger takes.
        definition : {"sas", "car"}
            What types 2 and 3 mean: as SAS and lmerTest, whatever the coding of the factors; or as
            ``car::Anova`` in R, where type 3 tests coefficients in the coding of the model.
        intercept : bool, default False
            Whether the constant is tested too.

        Returns
        -------
        Anova
            Prints itself; columns term, sum_sq, mean_sq, statistic, num_df, den_df, p_value.

        Raises
        ------
        OptionError
            An unknown option.
        FitError
            The degrees of freedom asked for cannot be computed.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> fit.anova()
        Type III analysis of variance, Satterthwaite's degrees of freedom
        Formula: Reaction ~ Days + (Days | Subject)
        Term Sum Sq Mean Sq NumDF DenDF F value   Pr(>F)
        Days  30031   30031     1    17  45.853 3.26e-06
        """
        sample = self._small_sample(ddf, information)
        table = anova.anova(self.design, sample, self.formula, type, definition, intercept=bool(intercept))
        return Anova(table, self.source.kind)

    @named_options
    def test(
        self,
        hypotheses: Any,
        values: Any = None,
        ddf: str = "auto",
        information: str = "expected",
        level: float = 0.95,
    ) -> HypothesisTests:
        """Test linear combinations of the fixed effects, each and all together.

        Parameters
        ----------
        hypotheses : str, list of str, dict or (m, p) array
            ``"Days = 10, groupb - groupc = 0"``, or a list of these; a dict such as ``{"Days": 10}``; or
            weights on the fixed effects, one combination a row. Names are those of `fixef`; ``group[T.b]``
            stands for ``groupb``, names with blanks may be in back-quotes.
        values : float or (m,), optional
            Values of the rows of a matrix, by default 0.
        ddf : {"auto", "satterthwaite", "kenward-roger", "residual", "none"}
            Kind of degrees of freedom; ``"none"`` gives z and chi-square tests.
        information : {"expected", "observed"}
            Information matrix that Kenward-Roger takes.
        level : float, default 0.95
            Coverage of the limits.

        Returns
        -------
        HypothesisTests
            Prints itself; `joint` is the test of all together. Columns term, null, estimate, std_error,
            statistic, df, p_value, conf_low, conf_high.

        Raises
        ------
        OptionError
            Text that cannot be read, a combination that cannot be estimated, a matrix of the wrong shape, or
            hypotheses that contradict one another.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> fit.test("Days = 10, (Intercept) = 250")
        Linear hypotheses, Satterthwaite's degrees of freedom
        Hypothesis        Estimate Std. Error df t value Pr(>|t|)
        Days = 10           10.467      1.546 17   0.302   0.7661
        (Intercept) = 250  251.405      6.825 17   0.206   0.8393
        Together: F = 0.0769 on 2 and 17 df, p = 0.9263.
        """
        sample = self._small_sample(ddf, information)
        record = linear.linear_hypotheses(self.design, sample, hypotheses, values, level)
        return HypothesisTests(record, self.source.kind)

    @named_options
    def vcov_adjusted(self, information: str = "expected") -> pd.DataFrame:
        """Return Kenward and Roger's covariance matrix of the fixed effects.

        Phi_A = Phi + 2 Phi {sum W_rs (Q_rs - P_r Phi P_s)} Phi: the variances estimated, not known.

        Parameters
        ----------
        information : {"expected", "observed"}
            Information matrix of the variance parameters: pbkrtest's or SAS's.

        Returns
        -------
        pandas.DataFrame
            (p, p), names on both sides; of an ML fit that of its REML refit.

        Raises
        ------
        FitError
            All but the largest grouping factor have more than 6000 columns, or the variances are not
            identified.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (1 | Subject)", hd.datasets.load("sleepstudy"))
        >>> round(float(fit.vcov_adjusted().loc["Days", "Days"]), 3)
        0.647
        """
        sample = self._small_sample("kenward-roger", information)
        return frames.named_matrix(sample.vcov, self.design.x_names, self.design.x_names)
