"""Singular fits in words: the term and the direction, whatever the units and the origin of the covariates."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.inference.singular import describe

I2 = np.eye(2)


def test_no_variance_at_all():
    assert describe("g", ("(Intercept)",), np.zeros((1, 1)), np.eye(1)) == [
        "g has no variance (standard deviation 0)"
    ]
    assert "any direction" in describe("g", ("a", "b"), np.zeros((2, 2)), I2)[0]


def test_one_column_without_variance():
    (note,) = describe("g", ("(Intercept)", "x"), np.diag([1.0, 0.0]), I2)
    assert note == "x has no variance between g (standard deviation 0)"


@pytest.mark.parametrize(("slope", "sign"), [(0.5, "+1"), (-0.5, "-1")])
def test_perfect_correlation(slope, sign):
    (note,) = describe("g", ("(Intercept)", "x"), np.array([[1.0, 0], [slope, 0]]), I2)
    assert note == f"(Intercept) and x are perfectly correlated between g ({sign})"


def test_a_lost_direction_is_spelt_with_the_largest_weights_first():
    rng = np.random.default_rng(1)
    basis = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    block = np.linalg.cholesky(basis[:, :2] @ basis[:, :2].T + 1e-14 * np.eye(3))
    (note,) = describe("g", ("a", "b", "c"), block, np.eye(3))
    assert note.startswith("g has rank 2 of 3; no variance along 0.")
    values = [
        float(w)
        for w in note.split("along ")[1].replace("+ ", "+").replace("- ", "-").split()
        if w[-1].isdigit()
    ]
    assert abs(values[0]) == max(map(abs, values))


def test_more_than_one_lost_direction_is_only_counted():
    (note,) = describe("g", ("a", "b", "c"), np.array([[1.0, 0, 0], [1, 0, 0], [1, 0, 0]]), np.eye(3))
    assert note == "g has rank 1 of 3"


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e6])
@pytest.mark.parametrize("origin", [0.0, 2000.0])
def test_units_and_origin_do_not_matter(unit, origin):
    rng = np.random.default_rng(3)
    n, g = 300, np.repeat(np.arange(20), 15)
    x = rng.normal(size=n)
    shared = rng.normal(size=20)
    y = 1 + x + (2 * shared)[g] + shared[g] * x * 1.5 + rng.normal(size=n) * 0.5
    good = 1 + x + rng.normal(size=20)[g] * 2 + rng.normal(size=20)[g] * x + rng.normal(size=n) * 0.5
    rows = {"y": y, "good": good, "x": origin + unit * x, "g": g.astype(str)}
    assert "Singular" not in str(hd.lmm("good ~ x + (x | g)", rows))
    fit = hd.lmm("y ~ x + (x | g)", rows)
    if fit.is_singular:
        assert "(Intercept) and x are perfectly correlated between g (" in str(fit)


def test_nothing_is_said_of_an_ordinary_fit():
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    assert "Singular" not in str(fit) and not fit.is_singular
    singular = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff2"))
    assert singular.is_singular and singular.rank == {"Batch": 0}
    assert str(singular).count("Singular fit: Batch has no variance (standard deviation 0).") == 1
