"""Shelf of a fit: tests of whole terms by refitting without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from henderson.results.options import named_options
from henderson.results.shown import Shown
from henderson.results.tables import Tables

if TYPE_CHECKING:
    import numpy as np

    from henderson.display.table import TableView


class RandomTermTable(Shown):
    """Tests of random terms; see `LinearMixedFit.ranova`."""

    def _view(self) -> TableView:
        from henderson.display.term_tests import random_terms_view

        return random_terms_view(self.record)


class FixedTermTable(Shown):
    """Likelihood ratio tests of fixed terms; see `LinearMixedFit.drop1`."""

    def _view(self) -> TableView:
        from henderson.display.term_tests import fixed_terms_view

        return fixed_terms_view(self.record)


class FixedTermFTable(Shown):
    """F tests of fixed terms; see `LinearMixedFit.drop1`."""

    def _view(self) -> TableView:
        from henderson.display.term_tests import fixed_terms_f_view

        return fixed_terms_f_view(self.record)


class ExactTestTable(Shown):
    """Exact test of one variance; see `LinearMixedFit.rlrt`."""

    def _view(self) -> TableView:
        from henderson.display.term_tests import exact_test_view

        return exact_test_view(self.record)


class Terms(Tables):
    """Tests of terms by refitting; see `LinearMixedFit`."""

    @named_options
    def ranova(self, *, reduce_terms: bool = True) -> RandomTermTable:
        """Test every random term by the likelihood ratio with the model without it.

        t = 2 (l - l_without), by the criterion of the fit, REML or ML.

        Parameters
        ----------
        reduce_terms : bool, default True
            Take slopes out of a term one by one: ``(Days | Subject)`` becomes ``(1 | Subject)``, and
            ``(0 + f | g)`` with a factor f becomes ``(1 | g)``. With False terms go as a whole.

        Returns
        -------
        RandomTermTable
            One row per term left out: npar, loglik, aic, statistic, df, p_value (chi-square) and p_boundary
            (the mixture 0.5 chi2_{df-1} + 0.5 chi2_df, where exactly one variance is left out).

        Notes
        -----
        One search per row from the cross-products of the fit: the rows are not read again. The table is that
        of lmerTest's ``ranova()``, except that ``(0 + x | g)`` with a number x goes as a whole: ``(1 | g)``,
        which lmerTest compares it with, is no special case of it.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> fit.ranova()
        Likelihood ratio tests of random terms left out, REML
                                     npar  logLik     AIC    LRT Df        p p mixture
        <none>                          6 -871.81 1755.63
        Days in (1 + Days | Subject)    4 -893.23 1794.47 42.837  2 4.99e-10  2.79e-10
        p mixture: under the smaller model a variance is zero, the edge of what it can
          be; the statistic is then 0.5 chi2(1) + 0.5 chi2(2), and the plain chi-square
          p is too large.
        """
        from henderson.inference.hypotheses.ranova import random_term_tests

        record = random_term_tests(self.design, self.estimate, reduce_terms=reduce_terms)
        return RandomTermTable(record, self.source.kind)

    @named_options
    def drop1(
        self, *, test: str = "lrt", ddf: str = "auto", information: str = "expected"
    ) -> FixedTermTable | FixedTermFTable:
        """Test every fixed term that can be left out while its interactions stay away.

        Parameters
        ----------
        test : {"lrt", "F"}
            Likelihood ratio, for which fits with and without the term are made by maximum likelihood; or F,
            without refits.
        ddf : {"auto", "satterthwaite", "kenward-roger", "residual", "none"}
            Denominator degrees of freedom of F; "none" for a chi-square test.
        information : {"expected", "observed"}
            For Kenward-Roger.

        Returns
        -------
        FixedTermTable or FixedTermFTable
            term, loglik, aic, statistic, df, p_value; for F term, statistic, num_df, den_df, p_value.

        Raises
        ------
        OptionError
            An unknown test or kind of degrees of freedom.
        DesignError
            The fixed part is the constant alone.

        Notes
        -----
        A term is left out only where no interaction with it remains. One search per term from the
        cross-products of the fit. Where other terms would be coded anew without it (``0 + a + b`` without a)
        the rows are read again.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("score ~ Machine + (1 | Worker)", hd.datasets.load("machines"))
        >>> fit.drop1()
        Likelihood ratio tests of fixed terms left out, maximum likelihood
                Df  logLik    AIC    LRT      p
        <none>     -146.85 303.70
        Machine  2 -184.58 375.17 75.466 <2e-16
        Refitted by maximum likelihood.
        """
        from henderson.inference.hypotheses import drop1

        given = drop1.Given(self.source.data, self.source.env)
        if drop1.check_test(test) == "lrt":
            return FixedTermTable(
                drop1.drop_by_likelihood(self.design, self.estimate, given), self.source.kind
            )
        sample = self._small_sample(ddf, information)
        return FixedTermFTable(drop1.drop_by_f(self.design, sample, given), self.source.kind)

    @named_options
    def rlrt(
        self,
        term: str | None = None,
        *,
        n_sim: int = 10_000,
        seed: int | np.random.Generator | None = None,
        restricted: bool = True,
    ) -> ExactTestTable:
        """Test one variance by the exact distribution of its (restricted) likelihood ratio.

        RLRT = sup_lambda (n - p) log(1 + N/D) - sum log(1 + lambda mu_s), N and D sums of chi-square draws
        weighted by the eigenvalues mu_s of Z'(I - X(X'X)^-1 X')Z (Crainiceanu and Ruppert 2004, eq. 9).

        Parameters
        ----------
        term : str, optional
            The random term, which must have one column: its label in `ranova` (``"(0 + Days | Subject)"``),
            its grouping factor where that has one term, or its name in theta (``"Subject.Days"``). Not
            needed where the model has one.
        n_sim : int, default 10000
            Draws from the null distribution.
        seed : int, numpy Generator or None
            Makes them repeatable; by default one is drawn and printed.
        restricted : bool, default True
            REML likelihood; False for the ML one. A fit by the other is refitted.

        Returns
        -------
        ExactTestTable
            term, statistic, p_value, std_error (of the p-value, from the number of draws) and p_boundary (by
            the mixture 0.5 chi2_0 + 0.5 chi2_1).

        Raises
        ------
        OptionError
            No one term of one column is named; too many levels for the eigenvalues (3,000 that differ).

        Notes
        -----
        O(r^3) for r levels with different sums of squares, 3,000 at most: groups of equal size count once per
        fixed effect. With other random terms in the model the distribution is an approximation: it
        takes their effects as known (Greven, Crainiceanu, Kuechenhoff and Peters 2008).

        References
        ----------
        Crainiceanu & Ruppert (2004), J. R. Stat. Soc. B 66, 165-185; Greven et al. (2008), J. Comput. Graph.
        Stat. 17, 870-891.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
        >>> fit.rlrt(seed=1)
        Exact test of one variance, REML
                     RLRT      p p mixture
        (1 | Batch) 6.369 0.0042    0.0058
        10000 draws from the null distribution (seed 1), 56.5 % of them zero; the
          p-value is good to +- 0.00065.
        p mixture: by 0.5 chi2(0) + 0.5 chi2(1), which holds with many groups.
        """
        from henderson.inference.hypotheses.rlrt import exact_test

        record = exact_test(self.design, self.estimate, term, n_sim=n_sim, seed=seed, restricted=restricted)
        return ExactTestTable(record, self.source.kind)
