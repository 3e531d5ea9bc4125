"""Design and estimate → what tests of fixed effects rest on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import FitError
from henderson.inference.small_sample.collinear import collinear_columns
from henderson.inference.small_sample.equations import marginal
from henderson.inference.small_sample.identified import hopeless, reason
from henderson.inference.small_sample.record import SmallSample, check_ddf, check_information
from henderson.inference.small_sample.satterthwaite import (
    covariance_gradient,
    parameter_covariance,
)
from henderson.inference.solver import is_iterative, refuse_iterative

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate


def small_sample(
    design: Design, estimate: Estimate, ddf: str = "auto", information: str = "expected"
) -> SmallSample:
    """Gather what tests and intervals of the fixed effects rest on.

    Parameters
    ----------
    design : Design
    estimate : Estimate
    ddf : {"auto", "satterthwaite", "kenward-roger", "residual", "none"}
        Kind of degrees of freedom; ``auto`` as `best_available`.
    information : {"expected", "observed"}
        Information matrix of the variance parameters that Kenward-Roger takes.

    Returns
    -------
    SmallSample

    Raises
    ------
    OptionError
        An unknown kind.
    FitError
        The kind asked for cannot be computed.

    Notes
    -----
    Satterthwaite costs 2 n_theta gradients and one solve with p right-hand sides.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> sample = small_sample(fit.design, fit.estimate)
    >>> sample.parameters[0], sample.parameter_vcov.shape, sample.gradient.shape
    ('Subject.(Intercept)', (4, 4), (4, 2, 2))
    """
    kind, information = check_ddf(ddf), check_information(information)
    if kind == "auto":
        return best_available(estimate, partial(small_sample, design, estimate))
    if kind == "kenward-roger":
        from henderson.inference.small_sample.kenward_roger import kenward_roger

        return kenward_roger(design, estimate, information)
    if kind == "satterthwaite":
        return satterthwaite(design, estimate)
    p = design.p
    return SmallSample(
        kind,
        None,
        estimate.beta,
        estimate.vcov,
        estimate.vcov,
        np.zeros((0, p, p)),
        (),
        np.zeros((0, 0)),
        design.n - p,
        estimate.sigma,
        collinear_columns(design, estimate.cross),
    )


def best_available(estimate: Estimate, sample: Callable[[str], SmallSample]) -> SmallSample:
    """Return Satterthwaite's degrees of freedom, or z tests with a note that says why.

    Parameters
    ----------
    estimate : Estimate
    sample : callable
        Computes a kind of `DDF`; raises `FitError` where it cannot.
    """
    if is_iterative(estimate):
        return _z_tests(sample, OF_ITERATIVE)
    try:
        return sample("satterthwaite")
    except FitError as error:
        return _z_tests(sample, f"z tests, as there are no degrees of freedom: {error}")


def _z_tests(sample: Callable[[str], SmallSample], why: str) -> SmallSample:
    plain = sample("none")
    return replace(plain, note=" ".join(part for part in (why, plain.note) if part))


OF_ITERATIVE = (
    "z tests: the iterative solver does not form the inverse that degrees of freedom need; "
    "lmm(..., solver='direct') does, if memory allows."
)


def satterthwaite(design: Design, estimate: Estimate) -> SmallSample:
    """Return the fixed effects with the gradient and covariance that Satterthwaite's formula takes.

    Where the data do not tell the variances apart that matter, that covariance is NaN, and the note says why.
    """
    refuse_iterative(
        estimate,
        "Satterthwaite's degrees of freedom",
        "Type ddf='none' for z tests or ddf='residual' for n - p.",
    )
    gradient = covariance_gradient(estimate, marginal(estimate))
    known, told_apart = parameter_covariance(estimate, gradient)
    lost = not told_apart or hopeless(estimate)
    return SmallSample(
        "satterthwaite",
        None,
        estimate.beta,
        estimate.vcov,
        estimate.vcov,
        gradient,
        (*estimate.theta_names, "sigma"),
        np.full_like(known, np.nan) if lost else known,
        design.n - design.p,
        estimate.sigma,
        reason(design, estimate) if lost else collinear_columns(design, estimate.cross),
    )
