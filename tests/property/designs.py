"""Random designs, small enough for the dense oracle, of every structure that the solver knows."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from henderson.crossprod import CrossProducts
from henderson.design.record import Design, Grouping, RandomTerm

# The same examples every time, so that a run can be repeated; HENDERSON_EXAMPLES=1000 looks for new ones.
EXPLORE = int(os.environ.get("HENDERSON_EXAMPLES", "0"))
examples = settings(max_examples=EXPLORE or 40, deadline=None, derandomize=not EXPLORE, database=None)

few_examples = settings(examples, max_examples=EXPLORE or 8)

# Structure: per grouping factor the number of columns of each of its terms.
STRUCTURES: dict[str, tuple[tuple[int, ...], ...]] = {
    "intercept": ((1,),),
    "slope": ((2,),),
    "three columns": ((3,),),
    "crossed": ((1,), (1,)),
    "crossed with slopes": ((2,), (2,)),
    "nested": ((1,), (1,)),
    "nested with slope": ((2,), (1,)),
    "two terms, one factor": ((1, 1),),
    "two terms and a crossed factor": ((1, 2), (1,)),
    "three factors": ((1,), (1,), (1,)),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a random design is made from; printed by hypothesis when a test fails.

    Attributes
    ----------
    seed : int
        Of everything drawn.
    rows : int
        Number of observations.
    structure : str
        Key of `STRUCTURES`.
    fixed : int
        Fixed-effects columns besides the constant.
    intercept, weighted, shifted : bool
        Whether there is a constant column, weights, an offset.
    spread : float
        Standard deviation of the random effects in units of the residual's; 0 gives singular fits.
    """

    seed: int
    rows: int
    structure: str
    fixed: int
    intercept: bool
    weighted: bool
    shifted: bool
    spread: float


def shapes() -> st.SearchStrategy[Shape]:
    """Strategy for `Shape`."""
    return st.builds(
        Shape,
        seed=st.integers(0, 10**6),
        rows=st.integers(30, 60),
        structure=st.sampled_from(sorted(STRUCTURES)),
        fixed=st.integers(1, 3),
        intercept=st.booleans(),
        weighted=st.booleans(),
        shifted=st.booleans(),
        spread=st.sampled_from([0.0, 0.3, 1.0, 5.0]),
    )


def codes_of(draw: np.random.Generator, rows: int, levels: int) -> np.ndarray:
    """Codes (rows,) int32 in which every level occurs."""
    codes = np.concatenate([np.arange(levels), draw.integers(levels, size=rows - levels)])
    return draw.permutation(codes).astype(np.int32)


def factors_of(draw: np.random.Generator, shape: Shape) -> list[np.ndarray]:
    """Codes of each grouping factor, the one with most levels first; nested ones are truly nested."""
    count = len(STRUCTURES[shape.structure])
    sizes = sorted((int(s) for s in draw.integers(3, 9, size=count)), reverse=True)
    codes = [codes_of(draw, shape.rows, size) for size in sizes]
    if shape.structure.startswith("nested"):
        outer = codes[1]
        _, inner = np.unique(outer * 3 + draw.integers(3, size=shape.rows), return_inverse=True)
        codes[0] = inner.astype(np.int32)
    return codes


def term_columns(draw: np.random.Generator, X: np.ndarray, k: int, used: int) -> tuple[np.ndarray, ...]:
    """The constant or, for a later term of the factor, a covariate first; then covariates, some from X."""
    first = np.ones(len(X)) if used == 0 else draw.normal(size=len(X)) * 2
    others = [X[:, -1 - j] if j < X.shape[1] - 1 else draw.normal(size=len(X)) for j in range(k - 1)]
    return (first, *others)


def make(shape: Shape) -> Design:
    """The design of a shape, with a response drawn from the model."""
    draw = np.random.default_rng(shape.seed)
    n, p = shape.rows, shape.fixed + shape.intercept
    X = draw.normal(size=(n, p)) * np.exp(draw.normal(size=p)) + draw.normal(size=p)
    if shape.intercept:
        X[:, 0] = 1.0
    X = np.asfortranarray(X)
    codes = factors_of(draw, shape)
    groupings, terms = [], []
    y = X @ draw.normal(size=p) + draw.normal(size=n)
    for f, widths in enumerate(STRUCTURES[shape.structure]):
        levels = int(codes[f].max()) + 1
        groupings.append(Grouping(f"g{f}", codes[f], tuple(f"{f}:{level}" for level in range(levels))))
        for used, k in enumerate(widths):
            columns = term_columns(draw, X, k, used)
            mix = draw.normal(size=(k, k)) * shape.spread
            b = draw.normal(size=(levels, k)) @ mix
            y = y + sum(column * b[codes[f], j] for j, column in enumerate(columns))
            names = tuple(f"z{used}{j}" for j in range(k))
            terms.append(RandomTerm(f, names, columns))
    names = tuple(f"x{j}" for j in range(p))
    return Design(
        y=np.ascontiguousarray(y),
        X=X,
        x_names=names,
        intercept=0 if shape.intercept else None,
        dropped=(),
        all_x_names=names,
        offset=draw.normal(size=n) * 3 if shape.shifted else None,
        weights=np.exp(draw.normal(size=n)) if shape.weighted else None,
        groupings=tuple(groupings),
        terms=tuple(terms),
        response="y",
        kept_rows=None,
        n_input=n,
        spec=None,
    )


def diagonal(design: Design) -> np.ndarray:
    """Which entries of theta are diagonal (n_theta,) bool."""
    return np.array([i == j for term in design.terms for j in range(term.k) for i in range(j, term.k)])


def random_theta(design: Design, seed: int, zeros: str) -> np.ndarray:
    """A theta anywhere: ``zeros`` is "none", "diagonal" (one of them), "column" or "all"."""
    draw = np.random.default_rng(seed)
    on_diagonal = diagonal(design)
    theta = draw.normal(size=len(on_diagonal)) * np.exp(0.5 * draw.normal())
    starts = np.flatnonzero(on_diagonal)
    chosen = int(draw.choice(starts))
    if zeros == "diagonal":
        theta[chosen] = 0.0
    elif zeros == "column":
        later = starts[starts > chosen]
        theta[chosen : later[0] if len(later) else None] = 0.0
    elif zeros == "all":
        theta[:] = 0.0
    return theta


def take_rows(design: Design, order: np.ndarray) -> Design:
    """The same design with its rows in another order, or some of them more than once."""

    def pick(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else np.ascontiguousarray(values[order])

    return replace(
        design,
        y=np.ascontiguousarray(design.y[order]),
        X=np.asfortranarray(design.X[order]),
        offset=pick(design.offset),
        weights=pick(design.weights),
        groupings=tuple(replace(g, codes=np.ascontiguousarray(g.codes[order])) for g in design.groupings),
        terms=tuple(
            replace(t, columns=tuple(np.ascontiguousarray(c[order]) for c in t.columns)) for t in design.terms
        ),
        n_input=len(order),
    )


def as_used(design: Design, cross: CrossProducts) -> Design:
    """The design on the centred and scaled columns of Z that the cross-products hold."""
    used, at = [], [0] * len(design.groupings)
    for term in design.terms:
        f, first = term.grouping, at[term.grouping]
        rows = slice(first, first + term.k)
        Z = np.column_stack(term.columns) @ cross.z_transform[f][rows, rows]
        used.append(replace(term, columns=tuple(np.ascontiguousarray(Z[:, j]) for j in range(term.k))))
        at[f] += term.k
    return replace(design, terms=tuple(used))
