"""Start, search, rectify: from a design to a frozen estimate."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson import crossprod
from henderson.crossprod.record import CrossProducts
from henderson.errors import FitError, HendersonWarning, OptionError
from henderson.model.criterion import criterion, explain_failure
from henderson.model.linear import check_theta, theta_names
from henderson.model.sampled_search import DEFAULT_ERROR, MonteCarlo, search_by_probes
from henderson.model.start import moment_start
from henderson.model.units import from_search, relative_factors, to_search
from henderson.optim.again import FEW_ROWS, search_again
from henderson.optim.chart import Block, Chart, chart_as_typed
from henderson.optim.newton import Point
from henderson.optim.record import SearchRecord
from henderson.optim.rectify import KKT, off_the_boundary
from henderson.optim.search import search
from henderson.progress import Counted
from henderson.solve.choose import Choice, choose
from henderson.solve.direct import FAILURES, Factor, analyse
from henderson.solve.iterative import IterativeFactor
from henderson.solve.levels import lay_out
from henderson.solve.threads import blas_threads_for

if TYPE_CHECKING:
    from henderson.design.record import Design

DEFAULT_TOL = 1e-10
DEFAULT_MAX_EVALUATIONS = 200
FEW_DIGITS = 1e-9
"""Share of the response's sum of squares below which the residual one has lost most of its digits."""
DIRECT = Choice("direct", "the solver of refits", "direct")
"""What is said of estimates that others make."""
SINGULAR_TOL = 1e-4
"""A standard deviation below this share of the residual's counts as zero (lme4's number)."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """The fitted model in the user's units; arrays that cost work are computed when first asked for.

    Attributes
    ----------
    reml : bool
    theta : (n_theta,)
        Relative covariance parameters in lme4's order, diagonals not negative.
    theta_names : tuple of str
    beta : (p,)
        Fixed effects.
    sigma : float
        Residual standard deviation.
    criterion : float
        REML criterion or ML deviance (-2 log-likelihood).
    logdet_omega, logdet_rx, pwrss : float
        log|Omega|, log|R_X|^2 (user's X), penalised weighted residual sum of squares.
    nu : int
        n (ML) or n - p (REML); sigma^2 = pwrss / nu.
    search : SearchRecord
    kkt : KKT
    cross : CrossProducts
    choice : Choice
        Which solver, and why.
    monte_carlo : MonteCarlo or None
        Errors that the probes of the iterative solver leave; None for the direct one.
    """

    reml: bool
    theta: np.ndarray
    theta_names: tuple[str, ...]
    beta: np.ndarray
    sigma: float
    criterion: float
    logdet_omega: float
    logdet_rx: float
    pwrss: float
    nu: int
    search: SearchRecord
    kkt: KKT
    cross: CrossProducts
    system: Any = field(repr=False, default=None)
    choice: Choice = field(default=DIRECT)
    monte_carlo: MonteCarlo | None = None

    def __getstate__(self) -> dict[str, Any]:
        kept = {k: v for k, v in self.__dict__.items() if k in self.__dataclass_fields__}
        return {**kept, "system": None, "choice": replace(self.choice, system=None)}

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Where each term sits in theta."""
        return chart_as_typed(self.cross.entries).blocks

    @cached_property
    def lambdas(self) -> tuple[np.ndarray, ...]:
        """(k_i, k_i) lower-triangular relative covariance factor of every term."""
        return tuple(block.unpack(self.theta) for block in self.blocks)

    @cached_property
    def grouping_lambdas(self) -> tuple[np.ndarray, ...]:
        """(K_f, K_f) factor of every grouping: the blocks of its terms on the diagonal."""
        return tuple(relative_factors(self.cross, self.theta))

    @cached_property
    def factor(self) -> Any:
        """Factor of Omega at theta, for solves; their iterative substitute after an iterative fit."""
        used = zip(self.cross.z_transform, self.grouping_lambdas, strict=True)
        lambdas = tuple(np.linalg.solve(T, lam) for T, lam in used)
        if self.choice.solver == "iterative":
            return IterativeFactor(self.cross, lambdas)
        return Factor(self.cross, lambdas, self.system)

    @cached_property
    def u(self) -> tuple[np.ndarray, ...]:
        """(levels, K) spherical conditional modes of every grouping."""
        return split_by_grouping(self.factor.u(), self.cross)

    @cached_property
    def b(self) -> tuple[np.ndarray, ...]:
        """(levels, K) conditional modes b = Lambda u of every grouping, in data units."""
        return tuple(u @ lam.T for u, lam in zip(self.u, self.grouping_lambdas, strict=True))

    @cached_property
    def _x_transform(self) -> np.ndarray:
        """(p, p) T with (centred and scaled X) = X T."""
        return self.cross.x_transform

    @cached_property
    def RX(self) -> np.ndarray:
        """(p, p) upper triangular with RX'RX = X'V^-1 X, V in units of sigma^2."""
        scaled = self.factor.rx()
        if self.cross.p == 0:
            return scaled
        r = np.linalg.qr(scaled @ np.linalg.inv(self._x_transform)).R
        return r * np.where(np.diag(r) < 0, -1.0, 1.0)[:, None]

    @cached_property
    def vcov(self) -> np.ndarray:
        """(p, p) sigma^2 (X'V^-1 X)^-1."""
        inverse = self._x_transform @ np.linalg.inv(self.factor.rx())
        return self.sigma**2 * inverse @ inverse.T

    @cached_property
    def zx(self) -> np.ndarray:
        """(q, p) Omega^-1 Lambda' Z'W X for the user's X."""
        cross = self.cross
        scaled = self.factor.solve(self.factor.lambda_transposed(cross.zx[:, : cross.p]))
        return scaled @ np.linalg.inv(self._x_transform)

    @cached_property
    def standard_lambdas(self) -> tuple[np.ndarray, ...]:
        """(k_i, k_i) root of every term's covariance, on centred and scaled columns: free of units."""
        out = []
        for block, lam in zip(self.blocks, self.lambdas, strict=True):
            at = slice(block.first, block.first + block.k)
            out.append(np.linalg.solve(self.cross.z_transform[block.grouping][at, at], lam))
        return tuple(out)

    @cached_property
    def ranks(self) -> tuple[int, ...]:
        """Rank of every Lambda_i: singular values of at least 1e-4 on the centred and scaled columns."""
        return tuple(
            int((np.linalg.svd(lam, compute_uv=False) >= SINGULAR_TOL).sum()) for lam in self.standard_lambdas
        )

    @property
    def singular(self) -> bool:
        """Whether some term has lost rank.

        lme4's isSingular asks the same of the diagonal of theta, in the units of the data; here a slope does
        not become singular because its covariate is measured in metres instead of kilometres.
        """
        return any(rank < block.k for rank, block in zip(self.ranks, self.blocks, strict=True))


def split_by_grouping(x: np.ndarray, cross: CrossProducts) -> tuple[np.ndarray, ...]:
    """A (q,) vector as one (levels, K) array per grouping."""
    out, at = [], 0
    for levels, k in zip(cross.levels, cross.columns, strict=True):
        out.append(x[at : at + levels * k].reshape(levels, k))
        at += levels * k
    return tuple(out)


def fit(
    design: Design,
    *,
    reml: bool = True,
    start: np.ndarray | None = None,
    max_evaluations: int | None = None,
    tol: float | None = None,
    solver: str = "auto",
) -> Estimate:
    """Fit a design by REML or ML.

    Parameters
    ----------
    design : Design
    reml : bool, default True
    start : (n_theta,), optional
        theta to start from, lme4's order and units; default: variances by the method of moments.
    max_evaluations : int, default 200
        Most evaluations of the criterion.
    tol : float, optional
        Direct solver: stop when the predicted decrease is below ``tol * max(1, |f| / 1000)``, default 1e-10.
        Iterative solver: Monte Carlo error of theta in units of its standard error, default 0.01.
    solver : {"auto", "direct", "iterative"}
        Factor the equations, or solve them by conjugate gradients; see `henderson.solve.choose`.

    Returns
    -------
    Estimate

    Raises
    ------
    OptionError
        `tol` or `max_evaluations` not positive, or an unknown solver.
    FitError
        The criterion cannot be evaluated (collinear fixed effects, no residual left); no memory for a factor;
        conjugate gradients do not converge.

    Notes
    -----
    One pass over the n rows, then 3-12 evaluations, each about three sparse factorisations; likelihood and
    search as in the page "The algorithm".
    """
    return fit_cross_products(
        crossprod.from_design(design),
        theta_names(design),
        reml=reml,
        start=start,
        max_evaluations=max_evaluations,
        tol=tol,
        solver=solver,
    )


def refit(estimate: Estimate, design: Design, y: np.ndarray) -> Estimate:
    """The same model on another response (n,): one O(n) pass, then the search from the old estimate."""
    cross = crossprod.with_response(estimate.cross, design, y)
    chart, theta = to_search(cross, estimate.theta)
    start, search, errors = off_the_boundary(chart, theta), estimate.search, estimate.monte_carlo
    begun = (cross, estimate.theta_names, estimate.reml, chart, start, search.max_evaluations)
    if errors is not None:
        return _search_iteratively(*begun, errors.wanted, estimate.choice)
    return _search_and_pack(
        *begun, search.tol, estimate.system if estimate.system is not None else analyse(cross)
    )


def fit_cross_products(
    cross: CrossProducts,
    names: tuple[str, ...],
    *,
    reml: bool,
    start: np.ndarray | None = None,
    max_evaluations: int | None = None,
    tol: float | None = None,
    system: Any = None,
    solver: str = "auto",
) -> Estimate:
    """Fit from the sufficient statistics alone; arguments as in `fit`."""
    most = positive(max_evaluations, DEFAULT_MAX_EVALUATIONS, "max_evaluations")
    choice = choose(cross, solver, system)
    iterative = choice.solver == "iterative"
    tolerance = positive(tol, DEFAULT_ERROR if iterative else DEFAULT_TOL, "tol")
    chart, theta = (
        moment_start(cross) if start is None else to_search(cross, check_theta(start, names, "start"))
    )
    if iterative:
        return _search_iteratively(cross, names, bool(reml), chart, theta, int(most), tolerance, choice)
    twice, options = start is None and cross.n <= FEW_ROWS, (int(most), tolerance, choice.system)
    made = Choice(choice.solver, choice.reason, choice.asked)  # without the analysis, which the estimate has
    return _search_and_pack(cross, names, bool(reml), chart, theta, *options, twice=twice, choice=made)


def positive(value: Any, default: float, name: str) -> float:
    """Return an option that is a positive number, its default for None, or an `OptionError`."""
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < np.inf:
        raise OptionError(
            f"{name}={value!r} must be a positive number; leave it out for the default, {default:g}."
        )
    return float(value)


def _search_and_pack(
    cross: CrossProducts,
    names: tuple[str, ...],
    reml: bool,
    chart: Chart,
    theta: np.ndarray,
    most: int,
    tol: float,
    system: Any,
    *,
    twice: bool = False,
    choice: Choice = DIRECT,
) -> Estimate:
    evaluate = Counted(criterion(cross, reml=reml, system=system), "fit")
    with blas_threads_for(system.structure()["tail"]):
        found = search(evaluate, chart, theta, tol=tol, most=most)
        if twice:
            found = search_again(evaluate, found, tol=tol, most=most)
    evaluate.close()
    if found.point is None or found.kkt is None:
        raise explain_failure(cross, theta, chart.entries, reml=reml, system=system)
    return _pack(cross, names, reml, found.point, found.record, found.kkt, system, choice)


def _search_iteratively(
    cross: CrossProducts,
    names: tuple[str, ...],
    reml: bool,
    chart: Chart,
    theta: np.ndarray,
    most: int,
    error: float,
    choice: Choice,
) -> Estimate:
    found = search_by_probes(lay_out(cross), chart, theta, reml=reml, error=error, most=most)
    if found is None:
        raise FitError(f"The criterion cannot be evaluated: {FAILURES[2]}. Check the columns of the model.")
    estimate = _pack(cross, names, reml, found.point, found.record, found.kkt, None)
    return replace(estimate, choice=choice, monte_carlo=found.monte_carlo)


def _pack(
    cross: CrossProducts,
    names: tuple[str, ...],
    reml: bool,
    point: Point,
    record: SearchRecord,
    kkt: KKT,
    system: Any,
    choice: Choice = DIRECT,
) -> Estimate:
    """Undo centring and scaling: beta = T beta_scaled + shift of the response, theta by the scales of Z."""
    nu, at = cross.n - cross.p if reml else cross.n, point.at
    _warn_of_lost_digits(at.r2, float(cross.xx[-1, -1]))
    return Estimate(
        reml=reml,
        theta=from_search(cross, point.chart, point.theta),
        theta_names=names,
        beta=cross.coefficients(at.beta),
        sigma=float(np.sqrt(at.r2 / nu)),
        criterion=at.value,
        logdet_omega=at.logdet_omega,
        logdet_rx=at.logdet_rx - 2 * float(np.log(cross.x_scale).sum()),
        pwrss=at.r2,
        nu=nu,
        search=record,
        kkt=kkt,
        cross=cross,
        system=system,
        choice=choice,
    )


def _warn_of_lost_digits(r2: float, total: float) -> None:
    """Say how many digits the residual variance keeps when it is a difference of much larger sums."""
    if r2 >= FEW_DIGITS * total:
        return
    kept = max(0, int(np.log10(r2 / (total * np.finfo(float).eps))))
    warnings.warn(
        f"The residual sum of squares is {r2 / total:.1e} of the response's: about {kept} digits of the "
        "residual variance, and fewer of what rests on it, are reliable. Without an intercept, add one or "
        "subtract the mean of the response; else the groups leave almost nothing to the residual.",
        HendersonWarning,
        stacklevel=5,
    )
