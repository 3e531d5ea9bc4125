"""An unfitted linear mixed model: its criterion and gradient in lme4's theta."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from henderson import crossprod
from henderson.errors import DataError, OptionError
from henderson.model.criterion import Evaluator, criterion, explain_failure
from henderson.model.units import gradient_as_typed, to_search
from henderson.solve.direct import Evaluation

if TYPE_CHECKING:
    from henderson.design.record import Design


class LinearMixedModel:
    """The criterion of a linear mixed model, before any fit.

    Parameters
    ----------
    design : Design
        From `henderson.design.build`.
    reml : bool, default True
        REML criterion or ML deviance (both are -2 log-likelihood).

    Examples
    --------
    >>> import henderson as hd
    >>> from henderson.design import build
    >>> design = build("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> model = hd.LinearMixedModel(design)
    >>> model.theta_names
    ('Subject.(Intercept)', 'Subject.Days.(Intercept)', 'Subject.Days')
    >>> round(model.objective([0.9667, 0.0152, 0.2309]), 4)
    1743.6283
    """

    def __init__(self, design: Design, *, reml: bool = True):
        if not isinstance(reml, bool | np.bool_):
            raise OptionError(
                f"reml={reml!r} is neither True nor False; type reml=True for REML or reml=False for ML."
            )
        self.design, self.reml = design, bool(reml)

    @cached_property
    def cross_products(self) -> crossprod.CrossProducts:
        """Sufficient statistics of the design (one pass over the rows)."""
        return crossprod.from_design(self.design)

    @cached_property
    def _evaluate(self) -> Evaluator:
        return criterion(self.cross_products, reml=self.reml)

    @property
    def theta_names(self) -> tuple[str, ...]:
        """Names of theta, as lme4 prints them."""
        return theta_names(self.design)

    def objective(self, theta: np.ndarray) -> float:
        """REML criterion or ML deviance at theta.

        Parameters
        ----------
        theta : (n_theta,)
            Relative Cholesky factor, lme4's order and units; any real numbers.

        Returns
        -------
        float
        """
        return self._at(theta, 0).value

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradient of `objective` with respect to theta, (n_theta,)."""
        at = self._at(theta, 2)
        return gradient_as_typed(
            self.cross_products, check_theta(theta, self.theta_names), at.variance_gradient
        )

    def _at(self, theta: np.ndarray, derivatives: int) -> Evaluation:
        theta = check_theta(theta, self.theta_names)
        chart, coordinates = to_search(self.cross_products, theta)
        out = self._evaluate(coordinates, derivatives, chart.entries)
        if out is None:
            raise explain_failure(self.cross_products, coordinates, chart.entries, reml=self.reml)
        return out


def theta_names(design: Design) -> tuple[str, ...]:
    """Names of the free entries of Lambda: ``group.column`` on the diagonal, else ``group.row.column``."""
    out = []
    for term in design.terms:
        group = design.groupings[term.grouping].name
        for b, column in enumerate(term.names):
            out += [
                f"{group}.{column}" if row == column else f"{group}.{row}.{column}" for row in term.names[b:]
            ]
    return tuple(out)


def check_theta(theta: np.ndarray, names: tuple[str, ...], what: str = "theta") -> np.ndarray:
    """theta as a finite (n_theta,) array of float64, or an error that names the entries."""
    try:
        out = np.array(theta, dtype=float)
    except (TypeError, ValueError):
        raise DataError(f"{what} must be {len(names)} numbers ({', '.join(names)}), not {theta!r}.") from None
    if out.shape != (len(names),):
        here = f"this model has {len(names)} covariance parameters: {', '.join(names)}"
        raise DataError(f"{what} has shape {out.shape}; {here}.")
    if not np.isfinite(out).all():
        bad = [name for name, value in zip(names, out, strict=True) if not np.isfinite(value)]
        raise DataError(f"{what} is not finite for {', '.join(bad)}; give finite numbers.")
    return out
