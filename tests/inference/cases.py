"""Small random designs of every structure, fitted by the real thing, beside the dense formulas."""

from __future__ import annotations

from functools import cache

import numpy as np

from henderson import estimate as estimation
from henderson.inference.rows import NewRows
from henderson.results import LinearMixedFit, Source

from .dense import build_design, dense_fit

NAMES = ("slope", "crossed", "two_terms", "weights_offset", "nested", "no_fixed_intercept")


def make(name: str):
    """A design by name; seeds fixed."""
    rng = np.random.default_rng(NAMES.index(name) + 7)
    n = 120
    x, o = rng.normal(size=n), np.ones(n)
    g, h = rng.integers(0, 12, n), rng.integers(0, 7, n)
    noise = rng.normal(size=n)
    eg, eh = rng.normal(size=12), rng.normal(size=7)
    y = 3 + 2 * x + 1.5 * eg[g] + (0.8 * eg + 0.7 * rng.normal(size=12))[g] * x + eh[h] + noise
    X, names = np.column_stack([o, x]), ["(Intercept)", "x"]
    slope = {"(Intercept)": o, "x": x}
    one = {"(Intercept)": o}
    gg, hh = [f"g{i:02d}" for i in g], [f"h{i}" for i in h]
    if name == "slope":
        return build_design(y, X, names, [("g", gg, slope)])
    if name == "crossed":
        return build_design(y, X, names, [("g", gg, slope), ("h", hh, one)])
    if name == "two_terms":
        return build_design(y, X, names, [("g", gg, one), ("g", gg, {"x": x}), ("h", hh, slope)])
    if name == "weights_offset":
        w, off = rng.uniform(0.5, 3, n), rng.normal(size=n)
        return build_design(y + off, X, names, [("g", gg, slope), ("h", hh, one)], weights=w, offset=off)
    if name == "nested":
        inner = [f"{a}:{b}" for a, b in zip(hh, gg, strict=True)]
        return build_design(y, X, names, [("h:g", inner, one), ("h", hh, slope)])
    return build_design(y, x[:, None], ["x"], [("g", gg, slope)])


@cache
def fit(name: str, reml: bool = True) -> LinearMixedFit:
    """The fit of `make(name)`."""
    design = make(name)
    return LinearMixedFit(design, estimation.fit(design, reml=reml), Source("y ~ x + ..."))


@cache
def dense(name: str, reml: bool = True):
    """Dense formulas at the estimate of `fit(name)`."""
    f = fit(name, reml)
    return dense_fit(f.design, f.theta, reml=reml)


def random_rows(design, count: int, seed: int, unseen: float = 0.0) -> NewRows:
    """Rows with random covariates and levels, a share of them new (labelled new0, new1, new2)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=count)
    value = {"(Intercept)": np.ones(count), "x": x}
    codes, labels = [], []
    for g in design.groupings:
        c = rng.integers(0, len(g.levels), count).astype(np.int32)
        c[rng.random(count) < unseen] = -1
        names = np.array([f"new{i}" for i in rng.integers(0, 3, count)], dtype=object)
        codes.append(c)
        labels.append(np.where(c < 0, names, None))
    return NewRows(
        X=np.column_stack([value[name] for name in design.x_names]),
        codes=tuple(codes),
        labels=tuple(labels),
        columns=tuple(tuple(value[name] for name in t.names) for t in design.terms),
        offset=np.zeros(count) if design.offset is None else rng.normal(size=count),
        weights=np.ones(count) if design.weights is None else rng.uniform(0.5, 3, count),
        missing=np.zeros(count, bool),
    )


def dense_z(design, rows: NewRows) -> np.ndarray:
    """Z of the known levels of new rows, (r, q)."""
    parts = []
    for f, g in enumerate(design.groupings):
        columns = [
            c for t, cols in zip(design.terms, rows.columns, strict=True) if t.grouping == f for c in cols
        ]
        Z = np.zeros((rows.r, len(g.levels) * len(columns)))
        for i in range(rows.r):
            for j, column in enumerate(columns):
                if rows.codes[f][i] >= 0:
                    Z[i, rows.codes[f][i] * len(columns) + j] = column[i]
        parts.append(Z)
    return np.hstack(parts)
