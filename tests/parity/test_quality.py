"""ICC, R squared and components against R's performance, insight and lme4; conditional AIC against cAIC4.

``performance`` agrees on every fit but those of three kinds, where it leaves something out; leaving out the
same here gives its numbers:

* singular fits: it gives NA for the random variance, and leaves it out of the marginal R squared;
* several terms on one grouping factor, ``(x || g)``: it counts the first only;
* columns of random slopes that are no columns of the fixed effects under the same name, as those of
  ``(0 + Machine | Worker)`` or of a factor coded otherwise in the fixed part: it leaves them out. So one
  model in two ways of writing gets two numbers; ours is the mean diagonal of the dense covariance matrix.
"""

from __future__ import annotations

import numpy as np
import pytest

from henderson.inference.quality import conditional_aic as pieces
from henderson.inference.quality.components import components
from henderson.inference.quality.conditional_aic import conditional_aic
from henderson.inference.quality.explained import explained, icc, r_squared
from henderson.model.criterion import criterion
from henderson.model.units import to_search

from . import compare, fits, reference

MODELS = [m for m in reference.models() if not m.caveat.startswith("DEGENERATE")]
pytestmark = pytest.mark.skipif(not MODELS, reason=reference.MISSING)


def having(field):
    chosen = [m for m in MODELS if m.numbers.get(field)]
    return pytest.mark.parametrize("model", chosen, ids=lambda m: m.id)


def numbers(recorded, name):
    """A recorded number, NaN where R has none."""
    value = recorded.get(name) if isinstance(recorded, dict) else None
    return float(value) if isinstance(value, (int, float)) else np.nan


@having("performance")
def test_icc_and_r_squared(model):
    design, estimate = (lambda f: (f.design, f.estimate))(fits.fit_once(model))
    recorded = model.numbers["performance"]
    ours, r2, parts = icc(design, estimate), r_squared(design, estimate), explained(design, estimate)
    there, variance = recorded["r2_nakagawa"], recorded["get_variance"] or {}
    assert parts.fixed == pytest.approx(numbers(variance, "var.fixed"), rel=1e-4)
    if model.numbers["is_singular"]:
        assert np.isnan(numbers(there, "R2_conditional"))
        without = parts.fixed / (parts.fixed + parts.residual)
        assert without == pytest.approx(numbers(there, "R2_marginal"), rel=1e-3, abs=1e-20)
        return
    if leaves_out(design):
        if model.caveat or model.id in compare.NOT_UNIQUE:
            pytest.skip("what is left out depends on covariance parameters that are not unique")
        random = what_it_counts(design, estimate)
        assert random == pytest.approx(numbers(variance, "var.random"), rel=1e-4)
        total, residual = parts.fixed + random + parts.residual, parts.residual
        assert random / (random + residual) == pytest.approx(
            numbers(recorded["icc"], "ICC_adjusted"), rel=1e-4
        )
        assert 1 - residual / total == pytest.approx(numbers(there, "R2_conditional"), rel=1e-4)
        return
    assert ours.adjusted == pytest.approx(numbers(recorded["icc"], "ICC_adjusted"), rel=1e-4)
    assert ours.unadjusted == pytest.approx(numbers(recorded["icc"], "ICC_unadjusted"), rel=1e-4)
    assert r2.marginal == pytest.approx(numbers(there, "R2_marginal"), rel=1e-4)
    assert r2.conditional == pytest.approx(numbers(there, "R2_conditional"), rel=1e-4)


def leaves_out(design):
    """Whether performance leaves something of a fit out."""
    used = [term.grouping for term in design.terms]
    names = {name for term in design.terms for name in term.names}
    return len(set(used)) < len(used) or not names - {"(Intercept)"} <= set(design.x_names)


def what_it_counts(design, estimate):
    """Random variance of the first term of every factor, columns that the fixed effects have too."""
    seen, random = set(), 0.0
    for term, root in zip(design.terms, estimate.lambdas, strict=True):
        if term.grouping not in seen:
            live = [j for j, name in enumerate(term.names) if name in {"(Intercept)", *design.x_names}]
            z = np.column_stack(term.columns)[:, live]
            random += estimate.sigma**2 * ((z @ root[live]) ** 2).sum() / design.n
        seen.add(term.grouping)
    return random


@having("performance")
def test_icc_by_group(model):
    fitted = fits.fit_once(model)
    recorded = model.numbers["performance"].get("icc_by_group")
    intercepts = all(term.names == ("(Intercept)",) for term in fitted.design.terms)
    if not isinstance(recorded, dict) or model.numbers["is_singular"] or not intercepts:
        pytest.skip("R has none, or shares of the intercepts only")
    ours = icc(fitted.design, fitted.estimate)
    there = dict(zip(recorded["Group"], recorded["ICC"], strict=True))
    for name, share in zip(ours.groups, ours.by_group, strict=True):
        assert share == pytest.approx(there[name], rel=1e-4)


@having("rePCA")
def test_components(model):
    """lme4 joins the terms of one factor; their components together are ours."""
    if model.caveat or model.id in compare.NOT_UNIQUE:
        pytest.skip("the covariance parameters are not unique")
    fitted = fits.fit_once(model)
    ours: dict[str, list[float]] = {g.name: [] for g in fitted.design.groupings}
    for record, term in zip(
        components(fitted.design, fitted.estimate).terms, fitted.design.terms, strict=True
    ):
        ours[fitted.design.groupings[term.grouping].name] += record.sd.tolist()
    there: dict[str, list[float]] = {}
    for label, record in model.numbers["rePCA"].items():
        name = label if label in ours else label.rsplit(".", 1)[0]
        there.setdefault(name, []).extend(np.atleast_1d(record["sdev"]).tolist())
    assert set(ours) == set(there)
    for name, sd in ours.items():
        largest = max(*sd, 1e-3)
        np.testing.assert_allclose(sorted(sd), sorted(there[name]), rtol=1e-3, atol=1e-3 * largest)


def compared():
    """The recorded comparisons with cAIC4's numbers."""
    return [c for c in reference.comparisons() if c.numbers.get("cAIC")]


@pytest.mark.parametrize("entry", compared(), ids=lambda entry: entry.id)
def test_conditional_aic(entry):
    """The conditional likelihood is the same; the degrees of freedom are, with one term of theirs halved.

    Theorem 3 of Greven and Kneib is the derivative of the fitted values by the response, and
    tests/inference/quality holds ours against fits of perturbed responses. cAIC4 has half of the second term
    of g_k = 2 nu [a_k / s - P y (y' a_k) / s^2]: with that its numbers come out to 1e-6 wherever there are no
    weights. The difference is up to 1.5 % of the degrees of freedom here.
    """
    from henderson import design as design_stage
    from henderson import estimate as estimate_stage

    recorded = entry.numbers
    design = design_stage.build(recorded["large"], entry.frame(), **entry.options())
    estimate = estimate_stage.fit(design, reml=False)
    ours, there = conditional_aic(design, estimate), recorded["cAIC"]
    assert ours.loglik == pytest.approx(there["cond_loglik"], rel=1e-7)
    assert ours.df == pytest.approx(there["df"], rel=0.015)
    assert ours.caic == pytest.approx(there["caic"], rel=0.003)
    if not recorded.get("weights"):
        halved = ours.leverage + halved_correction(design, estimate) + 1
        assert halved == pytest.approx(there["df"], rel=1e-6)


def halved_correction(design, estimate):
    """The correction with the second term of g halved, from the same pieces."""
    chart, theta = to_search(estimate.cross, estimate.theta)
    free = pieces._free_entries(chart, theta)
    B = pieces._hessian(criterion(estimate.cross, reml=False), chart, theta, free)
    a, Py = pieces._directions(design, estimate, chart, free)
    s, rest = estimate.pwrss, design.y - design.X @ estimate.beta
    g = 2 * estimate.nu * (a / s - 0.5 * np.outer(Py, rest @ a) / s**2)
    return np.trace(np.linalg.solve(B, a.T @ g))
