"""What `lmm_many` found: arrays over responses, and the tables made of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class ManyRecord:
    """Fits of one design to R responses.

    Attributes
    ----------
    formula : str
        Right-hand side, from ``~`` on.
    responses : sequence of length R
        Their labels.
    terms : tuple of str, length p
        Fixed effects.
    estimate, std_error, df, statistic, p_value, q_value : (R, p) float64
        NaN for responses that failed; `q_value` is Benjamini and Hochberg's, per term over all responses.
    components : tuple of (group, var1, var2)
        Variances (var2 None) and covariances of the random effects, c in all, lme4's order.
    vcov, sdcor : (R, c) float64
        Variances and covariances; standard deviations and correlations.
    sigma, criterion : (R,) float64
        Residual standard deviation; REML criterion or ML deviance.
    nobs, evaluations : (R,) int32
    converged, singular, failed : (R,) bool
    messages : dict of int to str
        Why a response failed, or what to know of its fit; by place.
    reml : bool
    ddf : str
    n_variances : int
        Covariance parameters and sigma of one fit.
    designs : int
        How many different sets of rows there were.
    dropped : tuple of str
        Columns left out because they are combinations of others.
    notes : tuple of str
        What is wrong with the model whatever the response; empty mostly.
    """

    formula: str
    responses: Sequence[Any]
    terms: tuple[str, ...]
    estimate: np.ndarray
    std_error: np.ndarray
    df: np.ndarray
    statistic: np.ndarray
    p_value: np.ndarray
    q_value: np.ndarray
    components: tuple[tuple[str, str, str | None], ...]
    vcov: np.ndarray
    sdcor: np.ndarray
    sigma: np.ndarray
    criterion: np.ndarray
    nobs: np.ndarray
    evaluations: np.ndarray
    converged: np.ndarray
    singular: np.ndarray
    failed: np.ndarray
    messages: dict[int, str]
    reml: bool
    ddf: str
    n_variances: int
    designs: int
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def reasons(self) -> dict[str, int]:
        """Why responses failed, and how often; the first sentence of the message."""
        where = np.flatnonzero(self.failed).tolist()
        return dict(Counter(first_sentence(self.messages.get(i, "unknown")) for i in where).most_common())

    def columns(self) -> dict[str, Any]:
        """Return one row per response and fixed effect."""
        p = len(self.terms)
        names = ("estimate", "std_error", "df", "statistic", "p_value", "q_value")
        return {
            "response": repeated(self.responses, p),
            "term": np.tile(np.array(self.terms, dtype=object), len(self.responses)),
            **{name: getattr(self, name).ravel() for name in names},
        }

    def variance_columns(self) -> dict[str, Any]:
        """Return one row per response and variance, covariance or residual variance."""
        parts, count = (*self.components, ("Residual", None, None)), len(self.responses)
        labels = {
            name: [part[j] for part in parts] * count for j, name in enumerate(("group", "var1", "var2"))
        }
        vcov = np.column_stack([self.vcov, self.sigma**2])
        sdcor = np.column_stack([self.sdcor, self.sigma])
        return {
            "response": repeated(self.responses, len(parts)),
            **labels,
            "vcov": vcov.ravel(),
            "sdcor": sdcor.ravel(),
        }

    def fit_columns(self) -> dict[str, Any]:
        """Return one row per response: size, likelihood, search, and what to know."""
        count = len(self.responses)
        loglik = -self.criterion / 2
        messages = np.full(count, "", dtype=object)
        for i, text in self.messages.items():
            messages[i] = text
        parameters = np.isfinite(self.estimate).sum(axis=1) + self.n_variances
        penalty = np.log(np.maximum(self.nobs, 1)) * parameters
        return {
            "response": repeated(self.responses, 1),
            "nobs": self.nobs,
            "sigma": self.sigma,
            "loglik": loglik,
            "aic": self.criterion + 2 * parameters,
            "bic": self.criterion + penalty,
            "evaluations": self.evaluations,
            "converged": self.converged,
            "singular": self.singular,
            "failed": self.failed,
            "message": messages,
        }


def repeated(labels: Sequence[Any], times: int) -> np.ndarray:
    """Labels, each so many times in a row."""
    if isinstance(labels, range):
        return np.repeat(np.arange(len(labels)), times)
    out = np.empty(len(labels), dtype=object)
    out[:] = list(labels)
    return np.repeat(out, times)


def first_sentence(text: str) -> str:
    """The beginning of a message, without what differs between responses."""
    return re.split(r"[.:(] | in \d| \(", text)[0].rstrip(".")


def false_discovery_rates(p_value: np.ndarray) -> np.ndarray:
    """(R, p) Benjamini and Hochberg's adjusted p-values, every column over its finite values.

    q_(i) = min over j >= i of m p_(j) / j.

    References
    ----------
    Benjamini & Hochberg (1995), J. R. Stat. Soc. B 57, 289-300.
    """
    out = np.full(p_value.shape, np.nan)
    for j in range(p_value.shape[1]):
        good = np.flatnonzero(np.isfinite(p_value[:, j]))
        order = good[np.argsort(p_value[good, j])]
        ranked = p_value[order, j] * len(order) / np.arange(1, len(order) + 1)
        out[order, j] = np.minimum.accumulate(ranked[::-1])[::-1]
    return np.minimum(out, 1.0)
