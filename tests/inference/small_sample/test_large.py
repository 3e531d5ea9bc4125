"""Large problems: separate pieces, sparse and dense products, and no matrix of rows by groups."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from henderson import estimate as estimation
from henderson.errors import FitError
from henderson.inference.small_sample import components, elimination, small_sample
from henderson.inference.small_sample.components import pieces
from henderson.inference.small_sample.traces import block_sums
from tests.inference.dense import build_design


def crossed(rows, first, second, *, slope=False, seed=2):
    rng = np.random.default_rng(seed)
    g, h, x = rng.integers(first, size=rows), rng.integers(second, size=rows), rng.normal(size=rows)
    y = x + rng.normal(size=first)[g] + rng.normal(size=second)[h] + rng.normal(size=rows)
    one = {"(Intercept)": np.ones(rows)}
    both = {**one, "x": x} if slope else one
    if slope:
        y = y + 0.7 * rng.normal(size=first)[g] * x
    return build_design(
        y, np.column_stack([np.ones(rows), x]), ["(Intercept)", "x"], [("g", g, both), ("h", h, one)]
    )


def nested(rows, seed=3):
    """Pupils in classes in schools, the classes with a slope."""
    rng = np.random.default_rng(seed)
    pupil = rng.integers(240, size=rows)
    school, x = pupil // 4 // 3, rng.normal(size=rows)
    y = x + rng.normal(size=240)[pupil] + rng.normal(size=60)[pupil // 4] + rng.normal(size=20)[school]
    y = y + x * rng.normal(size=60)[pupil // 4] + rng.normal(size=rows)
    one = {"(Intercept)": np.ones(rows)}
    blocks = [("p", pupil, one), ("c", pupil // 4, {**one, "x": x}), ("s", school, one)]
    return build_design(y, np.column_stack([np.ones(rows), x]), ["(Intercept)", "x"], blocks)


def same(a, b):
    for ours, theirs in zip(a.single, b.single, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12 * np.abs(theirs).max())
    assert a.double.keys() == b.double.keys()
    for key, theirs in b.double.items():
        np.testing.assert_allclose(a.double[key], theirs, rtol=1e-8, atol=1e-11 * np.abs(theirs).max())


@pytest.mark.parametrize("size", [1, 7, 40])
def test_pieces_add_up_to_the_whole(monkeypatch, size):
    e = estimation.fit(nested(1500))
    whole = block_sums(e)
    monkeypatch.setattr(components, "BATCH", size)
    parts = pieces(e.cross)
    assert 3 <= len(parts) <= 20
    assert [sum(part.levels[f] for part in parts) for f in range(3)] == list(e.cross.levels)
    same(block_sums(e), whole)


def test_what_is_connected_stays_whole(monkeypatch):
    e = estimation.fit(crossed(600, 20, 15))
    monkeypatch.setattr(components, "BATCH", 1)
    assert len(pieces(e.cross)) == 1


@pytest.mark.parametrize("slope", [False, True])
def test_dense_and_sparse_products_agree(monkeypatch, slope):
    e = estimation.fit(crossed(900, 60, 25, slope=slope))
    monkeypatch.setattr(elimination, "DENSE_SHARE", 2.0)
    sparse = block_sums(e)
    monkeypatch.setattr(elimination, "DENSE_SHARE", 0.0)
    same(block_sums(e), sparse)


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])
def test_memory_is_far_below_rows_by_groups(ddf):
    rows, first, second = 40_000, 3000, 400
    design = crossed(rows, first, second)
    e = estimation.fit(design)
    small_sample(design, e, ddf)  # imports
    e.__dict__.pop("factor", None)
    tracemalloc.start()
    small_sample(design, e, ddf)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 25e6  # rows by groups: 1.1e9 bytes, rows by rows: 1.3e10, groups by groups: 9e7
    assert peak < rows * (first + second) * 8 / 40


def test_too_many_columns_are_refused_with_a_way_out(monkeypatch):
    design = crossed(600, 20, 15)
    e = estimation.fit(design)
    monkeypatch.setattr(elimination, "MOST_DENSE", 10)
    with pytest.raises(FitError, match=r"15 columns here .*20, 15.* beyond 10.*type ddf='satterthwaite'"):
        small_sample(design, e, "kenward-roger")
    assert small_sample(design, e).ddf == "satterthwaite"
