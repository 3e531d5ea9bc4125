"""What tests and intervals of fixed effects rest on: a covariance and how well it is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.errors import OptionError

DDF = ("satterthwaite", "kenward-roger", "residual", "none")
ASKED = ("auto", *DDF)
"""What can be asked for: ``auto`` is Satterthwaite's, and z tests where the fit cannot give these."""
INFORMATION = ("expected", "observed")


@dataclass(frozen=True, slots=True, eq=False)
class SmallSample:
    """Fixed effects, their covariance, and what degrees of freedom are made of.

    Attributes
    ----------
    ddf : str
        One of `DDF`.
    information : str or None
        Of Kenward-Roger: ``expected`` or ``observed``; None else.
    beta : (p,) float64
        Fixed effects.
    vcov : (p, p) float64
        Their covariance; of Kenward-Roger the adjusted one.
    plain : (p, p) float64
        sigma^2 (X'V^-1 X)^-1, before any adjustment.
    gradient : (m, p, p) float64
        Derivative of `plain` by every variance parameter; m = 0 where none is used.
    parameters : tuple of str, length m
        The variance parameters: theta and sigma (Satterthwaite), variances and covariances (Kenward-Roger).
    parameter_vcov : (m, m) float64
        Asymptotic covariance of their estimates.
    df_residual : int
        Rows minus rank of X.
    sigma : float
        Residual standard deviation.
    note : str
        What to know of the computation; empty mostly.
    """

    ddf: str
    information: str | None
    beta: np.ndarray
    vcov: np.ndarray
    plain: np.ndarray
    gradient: np.ndarray
    parameters: tuple[str, ...]
    parameter_vcov: np.ndarray
    df_residual: int
    sigma: float
    note: str = ""

    @property
    def p(self) -> int:
        """Number of fixed effects."""
        return len(self.beta)


def check_ddf(ddf: object) -> str:
    """Return a kind of degrees of freedom, or an `OptionError` that lists them.

    >>> check_ddf("Kenward-Roger")
    'kenward-roger'
    """
    name = _SHORT.get(str(ddf).lower(), str(ddf).lower()) if isinstance(ddf, str) else None
    if name in ASKED:
        return str(name)
    raise OptionError(
        f"ddf={ddf!r} is no kind of degrees of freedom; choose one of {', '.join(map(repr, ASKED))}."
    )


_SHORT = {"kr": "kenward-roger", "kenward_roger": "kenward-roger", "satterth": "satterthwaite"}


def check_information(information: object) -> str:
    """Return a kind of information matrix, or an `OptionError` that lists them."""
    if information in INFORMATION:
        return str(information)
    raise OptionError(
        f"information={information!r}: choose 'expected' (as pbkrtest) or 'observed' (as SAS and JMP)."
    )
