"""The search on functions whose minimum is known, and on fits that are hard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from henderson import crossprod, estimate
from henderson.errors import FitError, HendersonWarning, OptionError
from henderson.model import criterion
from henderson.optim.chart import chart_as_typed
from henderson.optim.newton import Point, trust_region_step
from henderson.optim.record import Step
from henderson.optim.rectify import off_the_boundary, steepest_variance
from henderson.optim.search import _leave_boundary, search
from henderson.solve.direct import Evaluation
from tests.solve.test_direct import make_design, structures


def names(cross: crossprod.CrossProducts) -> tuple[str, ...]:
    return tuple(f"theta{i}" for i in range(cross.n_theta))


@pytest.mark.parametrize("radius", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("lowest", [-3.0, 1e-14, 2.0])
def test_the_step_minimises_the_quadratic_within_the_radius(lowest: float, radius: float) -> None:
    rng = np.random.default_rng(1)
    V = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    B, g = V @ np.diag([lowest, 1, 5, 40]) @ V.T, rng.normal(size=4)
    step, predicted, _ = trust_region_step(g, B, radius)
    assert np.linalg.norm(step) <= radius * 1.01
    model = lambda s: g @ s + s @ B @ s / 2  # noqa: E731
    assert predicted == pytest.approx(-model(step))
    for _ in range(200):  # no point within the radius is lower
        other = rng.normal(size=4)
        other *= radius * rng.uniform() / np.linalg.norm(other)
        assert model(other) >= model(step) - 0.01 * abs(model(step))


def test_many_starts_end_at_the_same_criterion() -> None:
    cross = crossprod.from_design(make_design(structures()["crossed, full"], 300, seed=4))
    rng = np.random.default_rng(2)
    reached = [
        estimate.fit_cross_products(
            cross, names(cross), reml=True, start=rng.normal(size=cross.n_theta)
        ).criterion
        for _ in range(6)
    ]
    assert max(reached) - min(reached) < 1e-8
    assert estimate.fit_cross_products(cross, names(cross), reml=True).criterion <= min(reached) + 1e-8


def test_pure_noise_ends_on_the_boundary_with_its_conditions_met() -> None:
    """The response of make_design has no group effects: variances are zero or nearly so."""
    for name in structures():
        cross = crossprod.from_design(make_design(structures()[name], 300, seed=3))
        found = estimate.fit_cross_products(cross, names(cross), reml=False)
        assert found.search.converged and found.kkt.satisfied, name
        assert min(found.kkt.smallest_eigenvalue) >= -1e-4
        assert not found.singular or (found.theta == 0).any(), "what is zero is exactly zero"


def test_zero_is_left_when_the_criterion_falls_with_variance() -> None:
    design = make_design([(np.arange(300) % 20, [1])], 300)
    y = design.y + 3 * np.random.default_rng(9).normal(size=20)[design.groupings[0].codes]
    cross = crossprod.with_response(crossprod.from_design(design), design, y)
    found = estimate.fit_cross_products(cross, names(cross), reml=True, start=np.zeros(1))
    assert found.theta[0] > 1
    assert found.criterion == pytest.approx(
        estimate.fit_cross_products(cross, names(cross), reml=True).criterion, abs=1e-8
    )


def test_variance_is_added_along_the_direction_in_which_the_criterion_falls() -> None:
    design = make_design([(np.arange(300) % 20, [2])], 300)
    slopes = np.random.default_rng(9).normal(size=20)[design.groupings[0].codes] * design.terms[0].columns[1]
    cross = crossprod.with_response(crossprod.from_design(design), design, design.y + 3 * slopes)
    evaluate, chart = criterion(cross, reml=True), chart_as_typed(cross.entries)
    point = Point(chart, np.zeros(3), evaluate(np.zeros(3), 2, chart.entries))  # type: ignore[arg-type]
    directions = steepest_variance(chart, point.theta, point.at.variance_gradient)
    assert directions[0][0] < -1
    steps: list[Step] = []
    moved = _leave_boundary(evaluate, point, directions, steps, 10)
    assert moved is not None and moved.at.value < point.at.value
    assert steps[-1].stage == "leave boundary" and steps[-1].accepted


def test_the_limit_on_evaluations_is_kept_and_said() -> None:
    cross = crossprod.from_design(make_design(structures()["crossed, full"], 300, seed=4))
    found = estimate.fit_cross_products(cross, names(cross), reml=True, max_evaluations=2)
    assert found.search.evaluations == 2 and not found.search.converged
    assert "limit of 2" in found.search.message and not found.kkt.satisfied


def test_an_unbounded_likelihood_is_refused() -> None:
    design = make_design([(np.arange(300) // 2, [1])], 300)
    constant = np.random.default_rng(1).normal(size=150)[design.groupings[0].codes]
    cross = crossprod.with_response(crossprod.from_design(design), design, constant)
    with pytest.raises(FitError, match="reproduces the response exactly"):
        estimate.fit_cross_products(cross, names(cross), reml=True)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("tol", 0),
        ("tol", "small"),
        ("tol", np.inf),
        ("max_evaluations", np.inf),
        ("max_evaluations", -1),
        ("max_evaluations", True),
    ],
)
def test_options_out_of_range_are_refused(option: str, value: object) -> None:
    cross = crossprod.from_design(make_design(structures()["one intercept"], 300))
    with pytest.raises(OptionError, match=option):
        estimate.fit_cross_products(cross, names(cross), reml=True, **{option: value})  # type: ignore[arg-type]


def test_an_infeasible_start_is_reported_not_searched() -> None:
    cross = crossprod.from_design(make_design(structures()["one intercept"], 300))
    chart, theta = estimate.to_search(cross, np.ones(1))
    found = search(lambda *_: None, chart, theta, tol=1e-10, most=10)
    assert found.point is None and not found.record.converged
    assert criterion(cross, reml=True)(theta, 2, chart.entries) is not None


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("origin", [0.0, 2000.0])
def test_singularity_depends_neither_on_units_nor_on_origin(unit: float, origin: float) -> None:
    design = make_design([(np.arange(300) % 20, [2])], 300)
    x = design.terms[0].columns[1]
    b = np.random.default_rng(9).normal(size=(20, 2))[design.groupings[0].codes]
    term = replace(design.terms[0], columns=(design.X[:, 0], (x + origin) * unit))
    ordinary = replace(design, terms=(term,), y=design.y + b[:, 0] + 0.5 * b[:, 1] * x)
    assert not estimate.fit(ordinary).singular
    assert estimate.fit(ordinary).ranks == (2,)
    flat = replace(design, terms=(term,), y=design.y + b[:, 0])
    lost = estimate.fit(flat, reml=False)
    assert lost.singular == (lost.ranks != (2,))


@pytest.mark.parametrize("unit", [1e-150, 1e-15, 1e-9, 1e9, 1e150])
def test_units_only_rescale(unit: float) -> None:
    design = make_design([(np.arange(300) % 20, [2])], 300)
    b = np.random.default_rng(9).normal(size=(20, 2))[design.groupings[0].codes]
    x = design.terms[0].columns[1] + 3
    y = design.y + b[:, 0] + b[:, 1] * x
    plain = estimate.fit(replace(design, y=y, terms=(replace(design.terms[0], columns=(design.X[:, 0], x)),)))
    other = replace(design.terms[0], columns=(design.X[:, 0], x * unit))
    found = estimate.fit(replace(design, y=y, terms=(other,)))
    np.testing.assert_allclose(found.theta * [1, unit, unit], plain.theta, rtol=1e-6)
    assert found.criterion == pytest.approx(plain.criterion, abs=1e-8)


def test_a_column_of_zeros_has_no_variance() -> None:
    design = make_design([(np.arange(300) % 20, [2])], 300)
    y = design.y + np.random.default_rng(9).normal(size=20)[design.groupings[0].codes]
    zeros = replace(design.terms[0], columns=(design.X[:, 0], np.zeros(300)))
    alone = replace(design.terms[0], names=("c0",), columns=(design.X[:, 0],))
    found = estimate.fit(replace(design, y=y, terms=(zeros,)))
    assert found.criterion == pytest.approx(
        estimate.fit(replace(design, y=y, terms=(alone,))).criterion, abs=1e-8
    )
    assert found.theta[2] == 0 and found.ranks == (1,)


def test_a_refit_with_offset_is_a_new_fit() -> None:
    design = make_design([(np.arange(300) % 20, [2])], 300, weighted=True)
    rng = np.random.default_rng(9)
    design = replace(design, offset=rng.normal(size=300) * 5)
    y = design.y + rng.normal(size=20)[design.groupings[0].codes]
    again, fresh = estimate.refit(estimate.fit(design), design, y), estimate.fit(replace(design, y=y))
    np.testing.assert_allclose(again.beta, fresh.beta, atol=1e-7)
    np.testing.assert_allclose(again.theta, fresh.theta, atol=1e-7)


def test_a_refit_grows_what_was_zero() -> None:
    design = make_design([(np.arange(300) % 20, [1])], 300, seed=3)
    flat = replace(design, y=design.y - design.y.mean())
    nothing = estimate.fit(replace(flat, y=np.random.default_rng(2).normal(size=300)), reml=False)
    nothing = replace(nothing, theta=np.zeros(1))
    y = design.y + 2 * np.random.default_rng(9).normal(size=20)[design.groupings[0].codes]
    assert estimate.refit(nothing, design, y).theta[0] > 0.5


def test_both_log_determinants_are_in_the_users_units() -> None:
    design = make_design([(np.arange(300) % 20, [1])], 300, weighted=True)
    found = estimate.fit(design)
    Z = np.zeros((300, 20))
    Z[np.arange(300), design.groupings[0].codes] = found.theta[0]
    V = Z @ Z.T + np.diag(1 / design.weights)
    assert found.logdet_rx == pytest.approx(np.linalg.slogdet(design.X.T @ np.linalg.solve(V, design.X))[1])
    assert found.logdet_omega == pytest.approx(np.linalg.slogdet(V)[1] + np.log(design.weights).sum())


def test_a_large_origin_of_a_covariate_costs_no_digits() -> None:
    design = make_design([(np.arange(300) % 20, [1])], 300)
    shifted = design.X.copy(order="F")
    shifted[:, 1] += 2.0**20
    plain, moved = estimate.fit(design), estimate.fit(replace(design, X=shifted))
    assert moved.criterion == pytest.approx(plain.criterion, abs=1e-7)
    np.testing.assert_allclose(moved.beta[1:], plain.beta[1:], rtol=1e-7)


def test_lost_digits_are_said() -> None:
    design = make_design([(np.arange(300) % 20, [1])], 300)
    without = replace(design, X=design.X[:, 1:], x_names=("x1", "x2"), intercept=None, y=design.y + 1e5)
    with pytest.warns(HendersonWarning, match="digits"):
        estimate.fit(without)


def test_a_stationary_zero_is_not_taken_for_a_minimum() -> None:
    """f = theta^4 - c theta^2: at zero the gradient vanishes and the quadratic model promises nothing."""
    c = 1e-3

    def evaluate(theta: np.ndarray, derivatives: int, entries: np.ndarray) -> Evaluation:
        x = float(theta[0])
        slope, bend = np.array([4 * x**3 - 2 * c * x]), np.array([[12 * x**2 - 2 * c]])
        variance = [np.array([[2 * x**2 - c]])]
        return Evaluation(x**4 - c * x**2, slope, bend, 1.0, 0.0, 0.0, np.zeros(0), variance)

    chart = chart_as_typed(np.array([[0, 0, 0, 0]], dtype=np.int32))
    found = search(evaluate, chart, np.zeros(1), tol=1e-10, most=100)
    assert found.point is not None
    assert found.kkt is not None
    assert abs(found.point.theta[0]) == pytest.approx(np.sqrt(c / 2), rel=1e-3)
    assert found.kkt.satisfied


def test_a_start_off_the_boundary_keeps_what_is_larger() -> None:
    cross = crossprod.from_design(make_design([(np.arange(300) % 20, [2])], 300))
    chart = chart_as_typed(cross.entries)
    np.testing.assert_array_equal(off_the_boundary(chart, np.array([0.0, -0.3, 0.7])), [0.05, -0.3, 0.7])
