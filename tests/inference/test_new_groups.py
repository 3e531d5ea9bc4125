"""Prediction for new groups from a few observations: predictor and variance from first principles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from henderson.errors import DataError
from henderson.inference.new_groups import learn, predict_given
from henderson.inference.predict import predict
from henderson.inference.rows import NewRows

from .cases import NAMES, fit, random_rows

close = np.testing.assert_allclose
every = pytest.mark.parametrize("name", NAMES)


def key(rows: NewRows, f: int, i: int):
    return rows.codes[f][i] if rows.codes[f][i] >= 0 else rows.labels[f][i]


def random_covariance(design, estimate, a: NewRows, b: NewRows, chosen=None) -> np.ndarray:
    """Cov of the random parts of two sets of rows, (ra, rb), from which rows share which levels."""
    out = np.zeros((a.r, b.r))
    for t, block, za, zb in zip(design.terms, estimate.lambdas, a.columns, b.columns, strict=True):
        if chosen is not None and t.grouping not in chosen:
            continue
        cov = estimate.sigma**2 * block @ block.T
        Za, Zb = np.column_stack(za), np.column_stack(zb)
        for i in range(a.r):
            for j in range(b.r):
                if key(a, t.grouping, i) == key(b, t.grouping, j):
                    out[i, j] += Za[i] @ cov @ Zb[j]
    return out


def training_rows(design) -> NewRows:
    one = np.ones(design.n) if design.weights is None else design.weights
    zero = np.zeros(design.n) if design.offset is None else design.offset
    return NewRows(
        design.X, tuple(g.codes for g in design.groupings), tuple(np.full(design.n, None) for _ in
        design.groupings), tuple(t.columns for t in design.terms), zero, one, np.zeros(design.n, bool),
    )  # fmt: skip


def exact(name, rows, chosen, few, y):
    """Prediction and error variance with the joint covariance of (fit data, few rows, targets).

    The predictor is x'b + z_k'b_k + z_n' G (y* - X* b - Z_k* b_k); it is written as a linear function of both
    responses and its error variance is taken under the model, everything known but beta and the effects.
    """
    f = fit(name)
    design, est = f.design, f.estimate
    train = training_rows(design)
    every_group = tuple(range(len(design.groupings)))
    V = random_covariance(design, est, train, train) + est.sigma**2 * np.diag(1 / train.weights)
    Vi = np.linalg.inv(V)
    B = np.linalg.solve(design.X.T @ Vi @ design.X, design.X.T @ Vi)  # beta_hat = B (y - offset)
    R = Vi @ (np.eye(design.n) - design.X @ B)  # V^-1 (y - X beta_hat)

    def fixed_and_known(some, groups):
        return some.X @ B + random_covariance(design, est, some, train, groups) @ R

    def only_new(some):
        # rows as if no level was known: those codes are made different from all others
        codes = tuple(np.where(c >= 0, -1, c) for c in some.codes)
        labels = tuple(
            np.array([lab if c < 0 else ("known", c) for lab, c in zip(a, b, strict=True)], dtype=object)
            for a, b in zip(some.labels, some.codes, strict=True)
        )
        return replace(some, codes=codes, labels=labels)

    def new_covariance(a, b, groups=None):
        """Covariance through levels that the fit has not seen only."""
        out = np.zeros((a.r, b.r))
        for g in every_group if groups is None else groups:
            both_new = np.outer(a.codes[g] < 0, b.codes[g] < 0)
            out += np.where(both_new, random_covariance(design, est, only_new(a), only_new(b), (g,)), 0)
        return out

    S = new_covariance(few, few) + est.sigma**2 * np.diag(1 / few.weights)
    T = new_covariance(rows, few, chosen) @ np.linalg.inv(S)
    on_fit = fixed_and_known(rows, chosen) - T @ fixed_and_known(few, every_group)
    response = design.y - train.offset
    mean = on_fit @ response + T @ (y - few.offset) + rows.offset
    # error = target - predictor, as a combination of (target's random part, fit's y, few rows' y)
    C = {
        "tt": random_covariance(design, est, rows, rows, chosen),
        "ty": random_covariance(design, est, rows, train, chosen),
        "tf": random_covariance(design, est, rows, few, chosen),
        "fy": random_covariance(design, est, few, train),
        "ff": random_covariance(design, est, few, few) + est.sigma**2 * np.diag(1 / few.weights),
    }
    variance = (
        C["tt"] + on_fit @ V @ on_fit.T + T @ C["ff"] @ T.T - 2 * C["ty"] @ on_fit.T - 2 * C["tf"] @ T.T
        + 2 * T @ C["fy"] @ on_fit.T
    )  # fmt: skip
    bias = rows.X - on_fit @ design.X - T @ few.X
    close(bias, 0, atol=1e-7)
    return mean, np.diag(variance)


def few_and_rows(design, seed=11):
    few, rows = random_rows(design, 4, seed, unseen=0.5), random_rows(design, 10, seed + 1, unseen=0.6)
    few.codes[0][:2] = -1
    few.labels[0][:2] = "new0"
    return few, rows


@every
@pytest.mark.parametrize("part", ["all", "first"])
@pytest.mark.parametrize("seed", [11, 23])
def test_mean_and_variance_from_first_principles(name, part, seed):
    f = fit(name)
    few, rows = few_and_rows(f.design, seed)
    chosen = tuple(range(len(f.design.groupings))) if part == "all" else (0,)
    y = np.random.default_rng(seed).normal(3, 2, few.r)
    out = predict_given(
        f.design, f.estimate, rows, chosen, few, y, new_levels="population", interval="confidence"
    )
    mean, variance = exact(name, rows, chosen, few, y)
    close(out.mean, mean, rtol=1e-7)
    close(out.std_error, np.sqrt(variance), rtol=1e-6)


def test_formula_with_one_new_group_and_everything_by_hand():
    f = fit("weights_offset")
    few = random_rows(f.design, 3, seed=2)
    few.codes[0][:] = -1
    few.labels[0][:] = "new0"
    y = np.array([4.0, 1.0, 5.5])
    Z = np.column_stack(few.columns[0])
    Sigma = f.varcorr["g"].cov
    known = few.columns[1][0] * f.ranef["h"].values[few.codes[1], 0]
    V = Z @ Sigma @ Z.T + f.sigma**2 * np.diag(1 / few.weights)
    expected = Sigma @ Z.T @ np.linalg.solve(V, y - few.X @ f.beta - few.offset - known)
    learnt = learn(f.design, f.estimate, few, y)
    close(learnt.modes, expected, rtol=1e-10)
    close(learnt.left, Sigma - Sigma @ Z.T @ np.linalg.solve(V, Z @ Sigma), atol=1e-12)


@every
def test_labels_that_nothing_was_learnt_about_are_predicted_as_without_given(name):
    f = fit(name)
    few, rows = few_and_rows(f.design)
    for codes, labels in zip(rows.codes, rows.labels, strict=True):
        labels[codes < 0] = "other"
    chosen = tuple(range(len(f.design.groupings)))
    y = np.ones(few.r)
    options = {"new_levels": "population", "interval": "prediction"}
    with_few = predict_given(f.design, f.estimate, rows, chosen, few, y, **options)
    without = predict(f.design, f.estimate, rows, chosen, **options)
    close(with_few.mean, without.mean)
    close(with_few.std_error, without.std_error, rtol=1e-7)
    close(with_few.high, without.high, rtol=1e-7)


def test_more_observations_leave_less_uncertainty():
    f = fit("slope")
    rows = random_rows(f.design, 5, seed=4)
    rows.codes[0][:], rows.labels[0][:] = -1, "new0"
    errors = []
    for count in (1, 2, 8, 40):
        few = random_rows(f.design, count, seed=9)
        few.codes[0][:], few.labels[0][:] = -1, "new0"
        y = few.X @ f.beta
        errors.append(predict_given(f.design, f.estimate, rows, (0,), few, y, se=True).std_error)
    assert (np.diff(np.array(errors), axis=0) < 0).all()


def test_with_many_observations_the_prediction_is_the_groups_own_line():
    f = fit("slope")
    few = random_rows(f.design, 2000, seed=9)
    few.codes[0][:], few.labels[0][:] = -1, "new0"
    y = few.X @ np.array([10.0, -3.0])
    rows = random_rows(f.design, 5, seed=4)
    rows.codes[0][:], rows.labels[0][:] = -1, "new0"
    out = predict_given(f.design, f.estimate, rows, (0,), few, y)
    close(out.mean, rows.X @ np.array([10.0, -3.0]), atol=0.1)


def test_rows_that_teach_nothing_are_refused():
    f = fit("crossed")
    few = random_rows(f.design, 3, seed=1)
    with pytest.raises(DataError, match="known to the fit"):
        learn(f.design, f.estimate, few, np.ones(3))
    few.codes[0][:], few.labels[0][:] = -1, "new0"
    with pytest.raises(DataError, match=r"row\(s\) \[1\]"):
        learn(f.design, f.estimate, few, np.array([1, np.nan, 2]))
    many = random_rows(f.design, 5001, seed=1, unseen=1.0)
    with pytest.raises(DataError, match="5001 rows"):
        learn(f.design, f.estimate, many, np.ones(5001))


def test_levels_unknown_to_both_are_an_error_unless_asked_for():
    f = fit("slope")
    few, rows = few_and_rows(f.design)
    few.labels[0][:] = "new0"
    rows.codes[0][:3], rows.labels[0][:3] = -1, "stranger"
    with pytest.raises(DataError, match="'stranger'"):
        predict_given(f.design, f.estimate, rows, (0,), few, np.ones(few.r))
