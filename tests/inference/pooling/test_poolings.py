"""Every method against its definition: brute-force refits, dense algebra, and closed forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.inference.pooling.compare import compare_poolings
from henderson.inference.pooling.own_lines import columns_of

close = np.testing.assert_allclose


def uneven(formula: str, name: str, seed: int, weights: bool = False):
    """A data set with gaps, and weights or not."""
    rng = np.random.default_rng(seed)
    data = hd.datasets.load(name)
    data = data[rng.uniform(size=len(data)) < 0.8].copy()
    data["w"] = rng.uniform(0.5, 2.0, len(data)) if weights else 1.0
    return formula, data


CASES = {
    "slopes": uneven("Reaction ~ Days + (Days | Subject)", "sleepstudy", 1),
    "weighted": uneven("Reaction ~ Days + (1 | Subject)", "sleepstudy", 2, True),
    "sexes": uneven("distance ~ age * Sex + (age | Subject)", "orthodont", 3),
    "machines": uneven("score ~ 0 + Machine + (0 + Machine | Worker)", "machines", 4),
    "no constant": uneven("Reaction ~ 0 + Days + (1 | Subject)", "sleepstudy", 5, True),
    "random slope only": uneven("Reaction ~ 1 + (0 + Days | Subject)", "sleepstudy", 6),
}
every = pytest.mark.parametrize("name", CASES)


def fitted(name: str):
    formula, data = CASES[name]
    return hd.lmm(formula, data, weights="w")


def record(fit, **options):
    group = fit.design.groupings[0].name
    return compare_poolings(
        fit.design,
        fit.estimate,
        fit.formula,
        0,
        fit.fitted,
        fit.hat_values(),
        fit.ranef[group].cov,
        **options,
    )


@pytest.fixture(scope="module")
def records():
    return {name: (fit := fitted(name), record(fit)) for name in CASES}


def least_squares(X, y, w, rows):
    """Coefficients by lstsq on some rows, and which rows of X they determine."""
    root = np.sqrt(w[rows])
    beta, *_ = np.linalg.lstsq(X[rows] * root[:, None], y[rows] * root, rcond=1e-10)
    _, S, Vt = np.linalg.svd(X[rows], full_matrices=False)
    known = Vt[: (S / S[0] > 1e-9).sum()]
    null = np.eye(X.shape[1]) - known.T @ known
    return beta, np.abs(X @ null).max(axis=1) < 1e-8


def error_without(X, y, w, rows, at):
    """Errors of predicting the rows `at` from `rows`; NaN where these do not determine a prediction."""
    beta, known = least_squares(X, y, w, rows)
    return np.where(known[at], y[at] - X[at] @ beta, np.nan)


def parts(fit):
    design = fit.design
    w = np.ones(design.n) if design.weights is None else design.weights
    codes = design.groupings[0].codes
    return design.X, design.y, w, codes, len(design.groupings[0].levels)


def dummies_matrix(fit):
    X, _, _, codes, G = parts(fit)
    return np.column_stack([X, np.eye(G)[codes]])


def separate_matrix(fit):
    codes, G = parts(fit)[3:]
    X = columns_of(fit.design, 0).X
    return (np.eye(G)[codes][:, :, None] * X[:, None, :]).reshape(len(X), -1)


MATRICES = {
    "complete": lambda fit: fit.design.X,
    "means": lambda fit: np.eye(parts(fit)[4])[parts(fit)[3]],
    "dummies": dummies_matrix,
    "none": separate_matrix,
}


@every
@pytest.mark.parametrize("method", MATRICES)
def test_a_regression_fits_and_predicts_as_refits_do(records, name, method):
    fit, found = records[name]
    found = found.method(method)
    if found is None:
        pytest.skip("the method repeats another one here")
    _, y, w, _, _ = parts(fit)
    X, n = MATRICES[method](fit), len(y)
    beta, _ = least_squares(X, y, w, np.arange(n))
    close(found.fitted, X @ beta, rtol=1e-9)
    assert found.parameters == np.linalg.matrix_rank(X)
    close(found.sigma, np.sqrt((w * (y - X @ beta) ** 2).sum() / (n - found.parameters)), rtol=1e-9)
    errors = [error_without(X, y, w, np.delete(np.arange(n), i), [i])[0] for i in range(n)]
    close(found.row_out, errors, rtol=1e-7, atol=1e-7)


@every
def test_complete_pooling_predicts_groups_as_refits_do(records, name):
    fit, found = records[name]
    X, y, w, codes, G = parts(fit)
    errors = np.full(len(y), np.nan)
    for g in range(G):
        own = np.flatnonzero(codes == g)
        errors[own] = error_without(X, y, w, np.flatnonzero(codes != g), own)
    close(found.method("complete").group_out, errors, rtol=1e-8, atol=1e-8)


def test_a_group_with_the_only_rows_of_a_column_is_not_predicted_there():
    data = hd.datasets.load("sleepstudy")
    data["only"] = ((data["Subject"] == "308") & (data["Days"] > 6)).astype(float)
    found = record(hd.lmm("Reaction ~ Days + only + (1 | Subject)", data)).method("complete")
    assert np.flatnonzero(np.isnan(found.group_out)).tolist() == [7, 8, 9]
    rest = data[data["Subject"] != "308"]
    slope, start = np.polyfit(rest["Days"], rest["Reaction"], 1)
    close(found.group_out[:7], data["Reaction"][:7] - start - slope * data["Days"][:7], rtol=1e-9)


@pytest.mark.parametrize("name", ["slopes", "weighted", "sexes", "machines"])
def test_averages_are_regressed_as_a_frame_of_means_is(records, name):
    fit, found = records[name]
    found = found.method("averaged")
    X, y, w, codes, G = parts(fit)

    def of_means(rows):
        frame = pd.DataFrame(X[rows]).assign(wy=w[rows] * y[rows], w=w[rows])
        sums = frame.groupby(list(range(X.shape[1])), sort=False).sum()
        U, mean = np.array(sums.index.to_frame()), (sums["wy"] / sums["w"]).to_numpy()
        return U, mean, np.linalg.lstsq(U, mean, rcond=None)[0]

    if found is None:
        pytest.skip("more distinct rows than half")
    n = len(y)
    U, mean, beta = of_means(np.arange(n))
    close(found.population, beta, rtol=1e-8)
    sigma = np.sqrt(((mean - U @ beta) ** 2).sum() / (len(U) - len(beta)))
    close(found.population_error, sigma * np.sqrt(np.diag(np.linalg.inv(U.T @ U))), rtol=1e-8)
    close(found.row_out, [y[i] - X[i] @ of_means(np.delete(np.arange(n), i))[2] for i in range(n)], rtol=1e-7)
    errors = np.empty(n)
    for g in range(G):
        own = codes == g
        errors[own] = y[own] - X[own] @ of_means(np.flatnonzero(~own))[2]
    close(found.group_out, errors, rtol=1e-7)


def line_in(X, values, own):
    """Coefficients of fitted values in the columns of a group's line."""
    return np.linalg.lstsq(X[:, own], values, rcond=1e-10)[0]


@every
@pytest.mark.parametrize("method", ["dummies", "none", "partial"])
def test_coefficients_of_a_group_give_its_fitted_values(records, name, method):
    fit, found = records[name]
    found, table = found.method(method), columns_of(fit.design, 0)
    codes, G = parts(fit)[3:]
    if found is None:
        pytest.skip("the method repeats another one here")
    X = table.X[:, table.lines.own]
    if len(found.terms) > X.shape[1]:
        X = np.column_stack([np.ones(len(X)), X])
    for g in range(G):
        own = codes == g
        known = ~np.isnan(found.coef[g])
        if known.all():
            close(X[own] @ found.coef[g], found.fitted[own], rtol=1e-8)


def test_coefficients_alone_are_those_of_a_regression_in_the_group():
    formula, data = CASES["slopes"]
    found = hd.pooling(formula, data)
    table = found.to_frame()
    for level, rows in data.groupby("Subject", observed=True):
        slope, start = np.polyfit(rows["Days"], rows["Reaction"], 1)
        own = table[(table.method == "none") & (table.level == level)].set_index("term")
        close(own["estimate"], [start, slope], rtol=1e-9)
        X = np.column_stack([np.ones(len(rows)), rows["Days"]])
        sigma2 = ((rows["Reaction"] - start - slope * rows["Days"]) ** 2).sum() / (len(rows) - 2)
        close(own["std_error"], np.sqrt(sigma2 * np.diag(np.linalg.inv(X.T @ X))), rtol=1e-9)


def test_standard_errors_of_dummies_are_those_of_the_regression():
    fit = fitted("sexes")
    found, table = record(fit).method("dummies"), columns_of(fit.design, 0)
    X, y, w, codes, G = parts(fit)
    M = dummies_matrix(fit)
    half = np.linalg.pinv(np.sqrt(w)[:, None] * M, rcond=1e-10)  # of M'WM it would take its rank by luck
    inverse = half @ half.T
    sigma = found.sigma
    values = M @ inverse @ M.T @ (w * y)
    for g in range(G):
        own = codes == g
        if np.ptp(X[own, 1]) == 0:
            continue
        to_line = np.linalg.pinv(X[own][:, table.lines.own]) @ M[own]
        close(found.coef[g], line_in(X[own], values[own], table.lines.own), rtol=1e-7)
        close(found.std_error[g], sigma * np.sqrt(np.diag(to_line @ inverse @ to_line.T)), rtol=1e-7)


def dense_parts(fit):
    """Z, the covariance of all effects of the first grouping, V^-1, and the fixed-effects covariance."""
    design, est = fit.design, fit.estimate
    X, y, w, codes, G = parts(fit)
    columns = [c for t in design.terms for c in t.columns]
    Z = (np.eye(G)[codes][:, :, None] * np.column_stack(columns)[:, None, :]).reshape(len(y), -1)
    root = est.lambdas[0]
    prior = est.sigma**2 * np.kron(np.eye(G), root @ root.T)
    Vi = np.linalg.inv(Z @ prior @ Z.T + est.sigma**2 * np.diag(1 / w))
    return Z, prior, Vi, np.linalg.inv(X.T @ Vi @ X)


@every
def test_partial_pooling_has_the_error_variances_of_dense_algebra(records, name):
    fit, found = records[name]
    found, table = found.method("partial"), columns_of(fit.design, 0)
    X, G = fit.design.X, parts(fit)[4]
    Z, prior, Vi, C = dense_parts(fit)
    K = len(prior) // G
    L = table.lines.lines(len(table.names))
    B = prior @ Z.T @ Vi  # b_hat = B (y - X beta_hat)
    for g in range(G):
        for j in range(len(found.terms)):
            x, z = L[g, j, : fit.design.p], np.zeros(G * K)
            z[g * K : (g + 1) * K] = L[g, j] @ table.effects[0]
            if np.isnan(x).any():
                continue
            rest = x - X.T @ B.T @ z
            conditional = z @ (prior - B @ Z @ prior) @ z
            close(found.std_error[g, j] ** 2, rest @ C @ rest + conditional, rtol=1e-6, atol=1e-10)
            total = z @ prior @ z
            close(found.shrinkage[g, j], conditional / total if total > 1e-12 else 1.0, rtol=1e-6, atol=1e-8)


@every
def test_partial_pooling_without_a_row_is_the_prediction_from_the_others(records, name):
    fit, found = records[name]
    X, y, _, _, _ = parts(fit)
    _, _, Vi, _ = dense_parts(fit)
    V = np.linalg.inv(Vi)
    for i in range(0, len(y), 7):
        rest = np.delete(np.arange(len(y)), i)
        Wi = np.linalg.inv(V[np.ix_(rest, rest)])
        beta = np.linalg.solve(X[rest].T @ Wi @ X[rest], X[rest].T @ Wi @ y[rest])
        mean = X[i] @ beta + V[i, rest] @ Wi @ (y[rest] - X[rest] @ beta)
        close(found.method("partial").row_out[i], y[i] - mean, rtol=1e-6)


@pytest.mark.parametrize("name", ["slopes", "weighted", "sexes", "machines"])
def test_partial_pooling_without_a_group_is_a_refit(records, name):
    fit, found = records[name]
    formula, data = CASES[name]
    group = fit.design.groupings[0]
    out = found.method("partial").group_out
    for g in range(0, len(group.levels), 5):
        own = group.codes == g
        rest = hd.lmm(formula, data[~own], weights="w")
        errors = data.loc[own, fit.design.response] - rest.predict(data[own], groups=None)
        close(out[own], errors, rtol=2e-5, atol=1e-3)


def test_without_a_group_the_effects_of_crossed_factors_are_used():
    data, truth = hd.datasets.simulate_crossed(9, 7, seed=3)
    fit = hd.lmm(truth.formula, data)
    f = [g.name for g in fit.design.groupings].index("subject")
    found = hd.pooling(fit, group="subject").record.method("partial")
    own = fit.design.groupings[f].codes == 2
    rest = hd.lmm(truth.formula, data[~own])
    want = rest.predict(data[own], groups="all", new_levels="population")
    close(found.group_out[own], fit.design.y[own] - want, rtol=1e-4, atol=1e-4)
    assert fit.design.groupings[f].levels[2] not in rest.design.groupings[f].levels


def test_the_shrinkage_of_a_balanced_one_way_layout_has_a_closed_form():
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
    found = record(fit)
    partial, none = found.method("partial"), found.method("none")
    factor = fit.sigma**2 / (fit.sigma**2 + 5 * fit.estimate.theta[0] ** 2 * fit.sigma**2)
    close(partial.shrinkage, factor)
    close(partial.coef, factor * 1527.5 + (1 - factor) * none.coef)
    assert found.method("means") is None
    assert found.method("dummies") is None


def test_a_singular_fit_is_all_population():
    found = record(hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff2"))).method("partial")
    close(found.shrinkage, 1.0)
    close(found.coef, found.population[0])


def test_held_variances_and_refits_differ_little_without_a_row():
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    closed = record(fit, refit=False).method("partial")
    assert np.isnan(closed.group_out).all()
    for i in (3, 57, 100):
        rest = hd.lmm(fit.formula, hd.datasets.load("sleepstudy").drop(index=i))
        one = fit.design.y[i] - rest.predict(hd.datasets.load("sleepstudy").iloc[[i]])[0]
        close(closed.row_out[i], one, rtol=0.05, atol=0.3)


def test_an_offset_is_counted():
    data = hd.datasets.load("sleepstudy")
    data["known"] = np.linspace(0, 50, len(data))
    data["shifted"] = data["Reaction"] + data["known"]
    plain = hd.pooling("Reaction ~ Days + (Days | Subject)", data).record
    moved = hd.pooling("shifted ~ Days + (Days | Subject)", data, offset="known").record
    for one, two in zip(plain.methods, moved.methods, strict=True):
        close(two.fitted - data["known"], one.fitted, rtol=1e-7)
        close(two.row_out, one.row_out, rtol=1e-5, atol=1e-5)
        close(two.group_out, one.group_out, rtol=1e-5, atol=1e-4)


def test_many_groups_are_quick():
    import time

    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(20_000), rng.integers(1, 9, 20_000))
    x = rng.normal(size=len(g))
    data = {"y": x + rng.normal(size=20_000)[g] + rng.normal(size=len(g)), "x": x, "g": g}
    fit = hd.lmm("y ~ x + (x | g)", data)
    start = time.perf_counter()
    found = hd.pooling(fit)
    assert not found.record.refitted
    assert time.perf_counter() - start < 20
    assert found.record.method("none").coef.shape == (20_000, 2)
    assert len(str(found).splitlines()) < 50


def test_pooled_lines_of_groups_inside_others_count_those_too():
    """A location in a county: beta + b of the location + b of its county, as the fitted values have it."""
    data, truth = hd.datasets.simulate_nested(5, 4, 8, seed=3)
    fit = hd.lmm(truth.formula, data)
    found = hd.pooling(fit, refit=False, group="classroom:school")
    partial, table = found.record.method("partial"), columns_of(fit.design, 0)
    codes = fit.design.groupings[0].codes
    for g in range(len(fit.design.groupings[0].levels)):
        own = codes == g
        close(table.X[own] @ partial.coef[g], np.asarray(fit.fitted)[own], rtol=1e-9)
    new = data.drop_duplicates(["school", "classroom"]).assign(x=0.0)
    expected = fit.predict(new, interval="confidence")
    constants = found.to_frame().query("method == 'partial' and term == '(Intercept)' and level.notna()")
    constants = constants.set_index("level")
    labels = new["classroom"].astype(str) + ":" + new["school"].astype(str)
    close(constants.loc[labels, "estimate"], expected["estimate"], rtol=1e-9)
    close(constants.loc[labels, "std_error"], expected["std_error"], rtol=1e-7)
    assert found.record.around == ("school",)
    assert found.record.others == ()
    assert (
        "A classroom:school lies in one school: what is pooled counts the effect of school too."
        in " ".join(str(found).split())
    )


def test_contours_of_groups_inside_others_are_of_both_variances():
    data, truth = hd.datasets.simulate_nested(5, 4, 8, seed=3)
    fit = hd.lmm(truth.formula, data)
    found = hd.pooling(fit, refit=False, group="classroom:school").record
    close(found.covariance[0, 0], sum(term.sd[0] ** 2 for term in fit.varcorr.values()), rtol=1e-9)
