"""The small encoder against formulaic, against dense products, and its speed."""

from __future__ import annotations

import itertools
import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from henderson.design import build
from henderson.design.contrasts import Coding, contrast_columns
from henderson.design.encode import write_term
from henderson.design.parts import Part
from henderson.design.rank import _sequential, _triangle, independent_columns
from henderson.errors import DataError


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(2)
    n = 240
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "z": rng.uniform(1, 2, size=n),
            "a": pd.Categorical(rng.choice(list("pqr"), n), categories=list("rpq")),
            "b": pd.Categorical(rng.choice(list("uv"), n)),
            "g": np.repeat(np.arange(12), 20),
        }
    )


@pytest.mark.parametrize(
    "right",
    [
        "x + a",
        "a * b",
        "a * x",
        "x + a:x",
        "a + a:b",
        "x * z * b",
        "a:b:x + a",
        "b / z",
        "0 + a + x",
        "a * b * x",
    ],
)
def test_same_columns_as_formulaic(frame, right):
    formulaic = pytest.importorskip("formulaic")
    theirs = np.asarray(formulaic.model_matrix(right, frame), dtype=float)
    design = build(f"y ~ {right} + (1 | g)", frame)
    assert design.X.shape == theirs.shape
    ours = {column.tobytes() for column in np.round(design.X.T, 12) + 0.0}
    assert ours == {column.tobytes() for column in np.ascontiguousarray(np.round(theirs.T, 12)) + 0.0}


@pytest.mark.parametrize("function", ["bs(x, df=5)", "bs(x, df=4, degree=2)", "bs(x, knots=[-0.5, 0.5])"])
def test_same_basis_splines_as_formulaic(frame, function):
    formulaic = pytest.importorskip("formulaic")
    theirs = np.asarray(formulaic.model_matrix(function, frame), dtype=float)
    design = build(f"y ~ {function} + (1 | g)", frame)
    np.testing.assert_allclose(design.X, theirs, atol=1e-12)


def dense(parts):
    """Multiply columns in R's order, one by one."""
    columns = []
    for place in itertools.product(*(range(part.k) for part in reversed(parts))):
        chosen = [
            np.asarray(part.column(j), dtype=float) for part, j in zip(parts, reversed(place), strict=True)
        ]
        columns.append(np.prod(chosen, axis=0))
    return np.column_stack(columns)


@pytest.mark.parametrize(
    "kinds", ["i", "ii", "in", "ni", "ic", "ci", "im", "mi", "iin", "cmi", "t", "ti", "tn", "tt"]
)
def test_terms_are_products_of_columns(kinds):
    rng = np.random.default_rng(len(kinds))
    n = 70_000 if kinds == "tn" else 500

    def part(kind, tag):
        names = tuple(f"{tag}{j}" for j in range({"i": 3, "t": 9, "n": 1, "c": 2, "m": 2}[kind]))
        codes = rng.integers(0, len(names) + 1, n).astype(np.int32)
        if kind in "it":
            return Part(names, names, index=codes - np.int32(1))
        if kind == "c":
            return Part(names, names, codes=codes, matrix=rng.normal(size=(3, 2)))
        return Part(names, names, numbers=rng.normal(size=n if kind == "n" else (n, 2)))

    parts = [part(kind, str(i)) for i, kind in enumerate(kinds)]
    expected = dense(parts)
    out = np.zeros(expected.shape, order="F")
    write_term(parts, out)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("kind", ["treatment", "sum", "helmert", "poly", "SAS"])
@pytest.mark.parametrize("k", [2, 3, 7])
def test_codings_complete_the_constant(kind, k):
    matrix, names = contrast_columns(Coding(kind), tuple(map(str, range(k))))
    assert matrix.shape == (k, k - 1)
    assert len(set(names)) == k - 1
    assert np.linalg.matrix_rank(np.column_stack([np.ones(k), matrix])) == k
    if kind in ("sum", "helmert", "poly"):
        np.testing.assert_allclose(matrix.sum(axis=0), 0, atol=1e-12)


def test_rank_decisions_do_not_depend_on_the_path():
    rng = np.random.default_rng(8)
    for _ in range(50):
        n, p = int(rng.integers(5, 60)), int(rng.integers(1, 9))
        X = rng.normal(size=(n, p)) * 10.0 ** rng.integers(-6, 7, p)
        copies = rng.integers(0, p, 2)
        X[:, copies[0]] = X[:, copies[1]] * 3
        kept = independent_columns(np.asfortranarray(X))
        ranks = [0, *(np.linalg.matrix_rank(_unit(X[:, : j + 1])) for j in range(p))]
        assert kept == [j for j in range(p) if ranks[j + 1] > ranks[j]]


@pytest.mark.parametrize("seed", range(12))
def test_rank_of_long_tables_is_decided_as_from_all_rows(seed):
    rng = np.random.default_rng(seed)
    n = 30_000
    X = rng.normal(size=(n, 7)) * 10.0 ** rng.integers(-3, 4, 7)
    X[:, 0] = 1.0
    X[:, 3] = rng.uniform(size=n) < 2e-4  # a rare level
    X[:, 4] = X[:, 1] * 2 - X[:, 0] + 10.0 ** (-3 - seed) * np.abs(X[:, 1]).max() * rng.normal(size=n)
    X[:, 5] = X[:, 3] if seed % 2 else 0.0
    X[:, 6] = X[:, 2]
    X[rng.integers(n), 6] += (seed % 3) * 100 * np.abs(X[:, 2]).max()  # differs in a single row
    X = np.asfortranarray(X)
    assert independent_columns(X) == _sequential(_triangle(X))


def _unit(X):
    return X / np.linalg.norm(X, axis=0) if X.shape[1] else X


def test_more_columns_than_rows_and_none_at_all():
    X = np.asfortranarray(np.random.default_rng(1).normal(size=(4, 7)))
    assert independent_columns(X) == [0, 1, 2, 3]
    assert independent_columns(np.zeros((5, 0))) == []
    assert independent_columns(np.zeros((5, 2))) == []


@pytest.fixture(scope="module")
def million():
    rng = np.random.default_rng(0)
    n = 1_000_000
    return pd.DataFrame(
        {
            **{name: rng.normal(size=n) for name in "yabc"},
            "g": rng.integers(0, 10_000, n),
            "f": pd.Categorical.from_codes(rng.integers(0, 100, n), [f"l{i:02d}" for i in range(100)]),
        }
    )


def best_of(function, times):
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def test_small_models_cost_microseconds(frame):
    data = frame.assign(s=pd.Categorical(frame["g"].astype(str)))
    build("y ~ x + (x | s)", data)
    assert best_of(lambda: build("y ~ x + (x | s)", data), 200) < 450e-6  # 130e-6 on a quiet machine


def test_a_million_rows_cost_milliseconds(million):
    assert best_of(lambda: build("y ~ a + b + c + (1 | g)", million), 5) < 0.15  # 0.013 on a quiet machine


def test_a_factor_with_many_levels_costs_little_more_than_its_memory(million):
    def written():
        X = np.zeros((len(million), 101), order="F")
        X[:] = 1.0

    assert best_of(lambda: build("y ~ a:f + (1 | g)", million), 2) < 12 * best_of(written, 2) + 0.1


def test_memory_is_that_of_the_result(million):
    build("y ~ a + b + (1 | f)", million.iloc[:1000])
    tracemalloc.start()
    design = build("y ~ a + b + c + (a + b | g)", million)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    result = design.X.nbytes + design.y.nbytes + design.groupings[0].codes.nbytes
    assert peak < result + 0.4 * (design.X.nbytes + 5 * 8 * design.n)


@pytest.mark.parametrize("n", [60, 30_000])
def test_rank_of_columns_of_extreme_size(n):
    rng = np.random.default_rng(n)
    X = np.asfortranarray(rng.normal(size=(n, 5)) * [1.0, 1e-200, 1e200, 1e-160, 1e-3])
    with np.errstate(all="ignore"):  # as in build
        assert independent_columns(X) == [0, 1, 2, 3, 4]
        X[:, 3] = 1e40 * X[:, 1]
        X[:, 4] = 0.0
        assert independent_columns(X) == [0, 1, 2]


@pytest.mark.parametrize("formula", ["y ~ x:z + (1 | g)", "y ~ x + (x:z | g)"])
def test_products_beyond_floating_point_are_refused(frame, formula):
    with pytest.raises(DataError, match="x:z is too large"):
        build(formula, frame.assign(x=frame["x"] * 1e200, z=frame["z"] * 1e200))
