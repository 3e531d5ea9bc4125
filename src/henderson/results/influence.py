"""Shelf of a fit: influence of rows and groups, and diagnostics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.errors import OptionError
from henderson.inference import tables
from henderson.inference.frames import make_frame
from henderson.inference.influence import grouping
from henderson.inference.rows import chosen_groupings
from henderson.inference.solver import is_iterative
from henderson.results.options import named_options
from henderson.results.shown import Shown
from henderson.results.tables import Tables

if TYPE_CHECKING:
    from henderson.display.table import TableView


class Influence(Tables):
    """Influence and diagnostics; see `LinearMixedFit`."""

    @named_options
    def influence(self, by: str | None = None, *, exact: bool | None = None) -> InfluenceTable:
        """Leave out each group, or each observation, and see what happens to the estimates.

        A_(g) = A - A_g: the group's sums are taken from the cross-products and the criterion is minimised
        again, so that nothing goes back to the data.

        Parameters
        ----------
        by : str, optional
            A grouping factor of the model, any column of the data, or ``"observation"``; by default the first
            grouping factor. Observations are called by the index of a pandas frame, else by their place in
            the data, from 0.
        exact : bool, optional
            Whether the covariance parameters are estimated anew (default for groups) or held at their
            estimates (default for observations, in closed form).

        Returns
        -------
        InfluenceTable
            Prints the most influential; `.cooks_distance`, `.dfbeta`, `.dfbetas`, `.fixef_deleted`,
            `.theta_deleted`, `.to_frame()` (a row per group), `.changes()` (a row per group and parameter).

        Raises
        ------
        OptionError
            For a name that is neither a grouping factor nor a column.

        Notes
        -----
        Changes are those on deletion: estimate without the group minus estimate with it. Cook's distance is
        change' vcov^-1 change / p; lme4's for `influence` objects is (m - p) / m times that, m the number of
        groups. Groups without which the model is not determined have NaN and a reason. About four evaluations
        of the criterion per group; a progress bar after one second.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> table = fit.influence("Subject")
        >>> str(table["level"][table.cooks_distance.argmax()])
        '309'
        """
        return InfluenceTable(self._influence(by, exact), self.source.kind)

    def _influence(self, by: str | None, exact: bool | None) -> Any:
        name, codes, labels = grouping.groups_of(self.design, self.source.data, by)
        if exact not in (None, True, False):
            raise OptionError(
                f"exact={exact!r}: True estimates the covariance parameters anew without each group, False "
                "holds them; leave it out for True with groups and False with observations."
            )
        anew = name != grouping.OBSERVATION if exact is None else bool(exact)
        kept = self.__dict__.setdefault("_influence_records", {})
        if (name, anew) not in kept:
            kept[name, anew] = self._new_influence(name, codes, labels, anew)
        return kept[name, anew]

    def _new_influence(self, name: str, codes: np.ndarray, labels: tuple[object, ...], anew: bool) -> Any:
        from henderson.inference.influence import groups, observations

        if name == grouping.OBSERVATION and not anew:
            record = observations.influence_of_rows(
                self.design, self.estimate, self.hat_values(), self.residuals()
            )
            return replace(record, levels=labels)
        return groups.influence_of_groups(self.design, self.estimate, name, codes, labels, anew)

    @named_options
    def cooks_distance(self, by: str | None = None) -> np.ndarray:
        """Return Cook's distances: of the rows, unless `by` names groups (as `dfbetas` has by default).

        Parameters
        ----------
        by : str, optional
            As in `influence`: change' vcov^-1 change / p of each group. By default the rows used, as lme4's
            ``cooks.distance``: r^2 h / (p (1 - h)^2), with r the residual over sigma given the random effects
            and h the leverage, how far the fitted values move. That is another question than deleting a row:
            ``by="observation"`` answers the same one as `dfbetas` of rows.

        Returns
        -------
        (n,) or (groups,) float64

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> fit.cooks_distance().shape, fit.cooks_distance("Subject").shape
        ((180,), (18,))
        """
        if by is None:
            return tables.cooks_distance(self.design, self.residuals("scaled"), self.hat_values())
        return np.array(self._influence(by, None).cooks_distance)

    @named_options
    def dfbetas(self, by: str | None = None) -> Any:
        """Return the standardised changes of the fixed effects without each group, a column per term.

        (beta_(g) - beta) / se_(g).

        Parameters
        ----------
        by : str, optional
            As in `influence`: by default the first grouping factor; ``"observation"`` for the rows, which are
            what `cooks_distance` has by default.

        Returns
        -------
        data frame of the kind that went in
            Columns level and one per fixed effect.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> print(fit.dfbetas("Subject").head(2).round(3).to_string(index=False))
        level  (Intercept)   Days
          308        0.059 -0.449
          309        0.411  0.310
        """
        record = self._influence(by, None)
        columns = {name: record.dfbetas[:, j] for j, name in enumerate(record.terms)}
        return self._frame({"level": [str(level) for level in record.levels], **columns})

    @named_options
    def simulate_residuals(
        self,
        n: int = 250,
        seed: int | np.random.Generator | None = 1,
        *,
        groups: str | Iterable[str] | None = None,
        by: str | Iterable[str] = (),
        refit: bool = False,
    ) -> ScaledResiduals:
        """Return scaled residuals, uniform on (0, 1) under a right model, with tests.

        u_i = Phi((y_i - m_i) / s_i): where each response lies in the distribution that the model gives it.

        Parameters
        ----------
        n : int, default 250
            Simulated responses that the tests are compared with.
        seed : int, numpy Generator or None
            Makes the p-values repeatable.
        groups : None, "all" or list of names
            Grouping factors whose effects are kept as estimated; those of the others vary as in the
            population (default), so that their distribution is tested as well.
        by : column name or list of them
            Variables of the data to test for trends in the quartiles, besides the predicted mean.
        refit : bool, default False
            Whether the model is fitted to every simulated response, so that the tests allow for the
            parameters' having been estimated. Without it they seldom reject a right model, and find less.

        Returns
        -------
        ScaledResiduals
            Prints the tests; `.residuals`, `.predicted`, `.rows()`; draw with ``hd.plot.scaled_residuals``.

        Notes
        -----
        As R's DHARMa, with two differences: a normal response's distribution is known, so that residuals are
        computed and not ranked; and the tests' reference distributions come from the simulations, whose rows
        are as correlated within groups as the data's.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> scaled = fit.simulate_residuals(100, by="Days")
        >>> scaled["test"].tolist()
        ['uniformity', 'dispersion', 'outliers', 'trend with predicted', 'trend with Days']
        """
        from henderson.inference.influence import scaled

        chosen = chosen_groupings(self.design, groups)
        names = (by,) if isinstance(by, str) else tuple(by)
        others = scaled.predictors(self.design, self.source.data, names)
        record = scaled.scaled_residuals(self.design, self.estimate, n, seed, chosen, others, bool(refit))
        called = grouping.row_labels(self.design, self.source.data)
        record = replace(record, rows=called, outlying=called[np.isin(record.rows, record.outlying)])
        return ScaledResiduals(record, self.source.kind)

    def diagnose(self) -> DiagnosisPage:
        """Check the fit and say, on one page, what was found and what to do.

        Whether the search ended at a minimum; directions without variance; few groups; collinearity; scale of
        covariates; levels and rows that lie apart, and what leaving out a level does; whether residuals and
        random effects look normal, spread evenly, and have no curve left.

        Returns
        -------
        DiagnosisPage
            Prints as text or HTML; `.to_frame()` has columns topic, status ("ok", "note", "look"), finding,
            advice, value and limit.

        Notes
        -----
        Every sentence has its number. In simulations of right models fewer than one page in twenty had
        anything to look at. Cost: two selected inverses and, where that is about a second, leaving out
        each level of the grouping factors.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", hd.datasets.load("penicillin"))
        >>> page = fit.diagnose()
        >>> page.look
        ()
        """
        from henderson.inference.diagnosis.page import diagnose

        record = diagnose(
            self.design,
            self.estimate,
            self.formula,
            self.residuals("scaled"),
            None if is_iterative(self.estimate) else self.hat_values(),
            self.fitted,
            self._influence,
            grouping.row_labels(self.design, self.source.data),
        )
        return DiagnosisPage(record, self.source.kind)


class DiagnosisPage(Shown):
    """Checks of one fit; see `Influence.diagnose`."""

    @property
    def look(self) -> tuple[str, ...]:
        """Topics with something to look at."""
        return tuple(check.topic for check in self.record.of("look"))

    def __str__(self) -> str:
        from henderson.display.diagnosis import diagnosis_text

        return diagnosis_text(self.record)

    __repr__ = __str__

    def to_html(self) -> str:
        """Return the page as one self-contained ``<div>``."""
        from henderson.display.diagnosis import diagnosis_html

        return diagnosis_html(self.record)


class ScaledResiduals(Shown):
    """Scaled residuals with tests; see `Influence.simulate_residuals`."""

    @property
    def residuals(self) -> np.ndarray:
        """(n,) between 0 and 1."""
        return np.asarray(self.record.residuals)

    @property
    def predicted(self) -> np.ndarray:
        """(n,) mean that the model gives each row."""
        return np.asarray(self.record.predicted)

    def rows(self) -> Any:
        """Return the rows used as a frame: row, predicted, residual.

        Rows go by the index of a pandas frame, else by their place in the data, from 0.
        """
        record = self.record
        return make_frame(
            self.kind, {"row": record.rows, "predicted": record.predicted, "residual": record.residuals}
        )

    def _view(self) -> TableView:
        from henderson.display.influence import scaled_view

        return scaled_view(self.record)


class InfluenceTable(Shown):
    """Estimates without each group; see `Influence.influence`."""

    @property
    def cooks_distance(self) -> np.ndarray:
        """(m,) change' vcov^-1 change / p."""
        return np.asarray(self.record.cooks_distance)

    @property
    def dfbeta(self) -> np.ndarray:
        """(m, p) estimates without the group minus those with it."""
        return np.asarray(self.record.dfbeta)

    @property
    def dfbetas(self) -> np.ndarray:
        """(m, p) the same in standard errors of the fit without the group."""
        return np.asarray(self.record.dfbetas)

    @property
    def fixef_deleted(self) -> np.ndarray:
        """(m, p) fixed effects without the group."""
        return np.asarray(self.record.fixef_deleted)

    @property
    def theta_deleted(self) -> np.ndarray:
        """(m, n_theta) relative covariance parameters without the group."""
        return np.asarray(self.record.theta_deleted)

    @property
    def reasons(self) -> dict[object, str]:
        """Why there is no estimate without a group, for those where there is none."""
        pairs = zip(self.record.levels, self.record.reasons, strict=True)
        return {level: reason for level, reason in pairs if reason}

    def changes(self) -> Any:
        """Return one row per group and parameter: level, effect, term, estimate, change, standardised."""
        return make_frame(self.kind, self.record.changes())

    def _view(self) -> TableView:
        from henderson.display.influence import influence_view

        return influence_view(self.record)
