"""The oracle itself: against recorded lme4 numbers and against a case that can be done by hand."""

from __future__ import annotations

import numpy as np
import pytest

from henderson.design.record import Design, Grouping, RandomTerm

from . import oracle
from .parity import reference


def one_way(y: np.ndarray, groups: int) -> Design:
    """A balanced one-way layout."""
    n = len(y)
    one = np.ones(n)
    codes = np.repeat(np.arange(groups), n // groups).astype(np.int32)
    return Design(
        y=y,
        X=np.asfortranarray(one[:, None]),
        x_names=("(Intercept)",),
        intercept=0,
        dropped=(),
        all_x_names=("(Intercept)",),
        offset=None,
        weights=None,
        groupings=(Grouping("g", codes, tuple(range(groups))),),
        terms=(RandomTerm(0, ("(Intercept)",), (one,)),),
        response="y",
        kept_rows=None,
        n_input=n,
        spec=None,
    )


def test_balanced_one_way_has_the_closed_form_of_the_analysis_of_variance():
    y = np.random.default_rng(3).normal(size=(6, 5)) + np.arange(6)[:, None]
    between = 5 * y.mean(axis=1).var(ddof=1)
    within = y.var(axis=1, ddof=1).mean()
    theta = np.sqrt((between - within) / 5 / within)
    model = oracle.problem(one_way(y.ravel(), 6))
    found = oracle.solution(model, np.array([theta]))
    assert found.sigma**2 == pytest.approx(within, rel=1e-12)
    assert found.se[0] == pytest.approx(np.sqrt(between / 30), rel=1e-12)
    assert abs(oracle.gradient(model, np.array([theta]))[0]) < 1e-10
    shrink = 5 * theta**2 / (5 * theta**2 + 1)
    assert found.b[0][:, 0] == pytest.approx(shrink * (y.mean(axis=1) - y.mean()), rel=1e-12)


def test_the_sleep_study_as_lme4_has_it():
    recorded = next((m for m in reference.models() if m.id == "sleep_slope_reml"), None)
    if recorded is None:
        pytest.skip(reference.MISSING)
    rows = recorded.frame()
    days = rows["Days"].to_numpy(dtype=float)
    X = np.asfortranarray(np.column_stack([np.ones(len(rows)), days]))
    design = Design(
        y=rows["Reaction"].to_numpy(dtype=float),
        X=X,
        x_names=("(Intercept)", "Days"),
        intercept=0,
        dropped=(),
        all_x_names=("(Intercept)", "Days"),
        offset=None,
        weights=None,
        groupings=(
            Grouping("Subject", rows["Subject"].cat.codes.to_numpy(dtype=np.int32), tuple(range(18))),
        ),
        terms=(RandomTerm(0, ("(Intercept)", "Days"), (X[:, 0], X[:, 1])),),
        response="Reaction",
        kept_rows=None,
        n_input=len(rows),
        spec=None,
    )
    model = oracle.problem(design)
    theta = np.array(recorded.numbers["theta"])
    found = oracle.solution(model, theta)
    assert found.criterion == pytest.approx(recorded.criterion, abs=1e-9)
    assert found.beta == pytest.approx(np.array(recorded.numbers["beta"]), rel=1e-9)
    assert found.se == pytest.approx(np.array(recorded.numbers["se"]), rel=1e-9)
    entry = recorded.numbers["ranef"]["Subject"]
    assert found.b[0][: len(entry["values"])] == pytest.approx(np.array(entry["values"]), abs=1e-7)
    assert found.condvar[0][0] == pytest.approx(np.array(entry["condvar"])[0], rel=1e-8)
    head = np.array(recorded.numbers["hatvalues_head"])
    assert found.hat[: len(head)] == pytest.approx(head, abs=1e-9)
    assert np.abs(oracle.gradient(model, theta)).max() < 1e-5
    if "optimum" in recorded.numbers:
        hessian = np.array(recorded.numbers["optimum"]["hessian_free"])
        assert oracle.hessian(model, theta) == pytest.approx(hessian, rel=1e-3)
