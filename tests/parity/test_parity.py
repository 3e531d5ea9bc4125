"""Every recorded lme4 fit, from its CSV and formula: optimum, estimates, random effects."""

from __future__ import annotations

import numpy as np
import pytest

from henderson import estimate as stage
from henderson.model import LinearMixedModel

from . import compare, fits, reference

MODELS = [m for m in reference.models() if not m.caveat.startswith("DEGENERATE")]
pytestmark = pytest.mark.skipif(not MODELS, reason=reference.MISSING)
every = pytest.mark.parametrize("model", MODELS, ids=lambda m: m.id)


def comparison(model: reference.Recorded, *, leverages: bool = False) -> compare.Comparison:
    """The errors of one model; leverages and conditional covariances only when asked for."""
    fitted = fits.fit_once(model)
    condvar, hat = fits.conditional(fitted) if leverages else (None, None)
    return compare.compare(model, fitted.design, fitted.estimate, condvar, hat)


@every
def test_no_worse_optimum_and_the_same_estimates(model):
    result = comparison(model)
    assert result.errors["criterion"] <= compare.ALLOWED["criterion"]
    assert not result.failures()


@every
def test_at_the_recorded_theta_everything_agrees_to_nine_digits(model):
    """The search left out: one evaluation at lme4's theta gives lme4's numbers."""
    design, theta = fits.fit_once(model).design, model.numbers["theta"]
    value = LinearMixedModel(design, reml=model.reml).objective(theta)
    assert abs(value - model.criterion) <= 1e-9 * max(1.0, abs(model.criterion))
    there = stage.fit(design, reml=model.reml, start=theta, max_evaluations=1)
    if there.search.steps[-1].stage == "snap" and there.search.steps[-1].accepted:
        return  # a recorded diagonal of order 1e-4 or less was moved to zero, so this is another theta
    condvar, hat = fits.conditional(fits.Fitted(design, there, 0.0, ()))
    errors = compare.compare(model, design, there, condvar, hat).errors
    errors["criterion"] = abs(errors["criterion"]) / max(1.0, abs(model.criterion))
    assert not {name: error for name, error in errors.items() if not error <= 1e-9}


@every
def test_the_kkt_conditions_hold(model):
    estimate = fits.fit_once(model).estimate
    assert estimate.search.converged, estimate.search.message
    assert fits.kkt_satisfied(estimate), estimate.kkt


@every
def test_no_warning(model):
    assert not fits.fit_once(model).caught


@every
def test_conditional_covariances_and_leverages(model):
    result = comparison(model, leverages=True)
    assert not {k: v for k, v in result.failures().items() if k in ("condvar", "hat", "hat_sum")}


@every
def test_design_matrices_and_names(model):
    design, numbers = fits.fit_once(model).design, model.numbers
    assert list(design.x_names) == numbers["beta_names"]
    assert list(design.dropped) == numbers.get("dropped_columns", [])
    assert {g.name: len(g.levels) for g in design.groupings} == numbers["n_groups"]
    assert design.n == numbers["n_obs"]
    assert list(design.X.shape) == numbers["X"]["dim"]
    magnitude = np.maximum(np.abs(design.X).sum(axis=0), 1)
    assert compare.worst(design.X.sum(axis=0) - numbers["X"]["col_sums"], magnitude) < 1e-12
    squares = np.array(numbers["X"]["col_sumsq"])
    assert compare.worst((design.X**2).sum(axis=0) - squares, squares) < 1e-12
    head = np.array(numbers["X"]["head"])
    assert compare.worst(design.X[: len(head)] - head, np.maximum(np.abs(head), 1)) < 1e-12


@every
def test_random_effects_terms_and_levels(model):
    design, numbers = fits.fit_once(model).design, model.numbers
    named = [(design.groupings[t.grouping].name, list(t.names)) for t in design.terms]
    assert named == [(entry["group"], entry["columns"]) for entry in numbers["cnms"]]
    columns = [c for t in design.terms for c in t.columns]
    Z = numbers["Z"]
    assert sum(t.k * len(design.groupings[t.grouping].levels) for t in design.terms) == Z["dim"][1]
    assert sum(int(np.count_nonzero(c)) for c in columns) == Z["nnz"]
    assert sum(c.sum() for c in columns) == pytest.approx(Z["sum"], rel=1e-10, abs=1e-8)
    assert sum(c @ c for c in columns) == pytest.approx(Z["sumsq"], rel=1e-10)
    for grouping in design.groupings:
        recorded = numbers["ranef"][grouping.name]["levels"]
        assert [str(level) for level in grouping.levels][: len(recorded)] == recorded


@every
def test_names_of_theta(model):
    estimate = fits.fit_once(model).estimate
    assert list(estimate.theta_names) == model.numbers["theta_names"]
    assert bool(estimate.singular) == reference.is_singular(model)
