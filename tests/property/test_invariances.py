"""What must not change, or must change by a known amount, when the same data are told differently.

Each statement is exact in real arithmetic; the tolerances are those of two searches that stop on a
predicted decrease of 1e-10.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from henderson import estimate as stage
from henderson.design.record import Design
from henderson.model import LinearMixedModel
from tests import oracle
from tests.property import designs

FACTOR = st.sampled_from([-1e6, -2.0, 1e-6, 1e-3, 7.0, 1e4, 1e6])


@dataclass(frozen=True)
class Answer:
    """What two tellings of the same data are compared by.

    Attributes
    ----------
    criterion, sigma : float
    beta, vcov : (p,), (p, p)
    covariances : list of (k, k), one per term
    b : tuple of (levels, columns), one per grouping
    """

    criterion: float
    sigma: float
    beta: np.ndarray
    vcov: np.ndarray
    covariances: list[np.ndarray]
    b: tuple[np.ndarray, ...]


def answer(design: Design, reml: bool) -> Answer:
    """Fit a design."""
    found = stage.fit(design, reml=reml)
    covariances = [found.sigma**2 * block @ block.T for block in found.lambdas]
    return Answer(found.criterion, found.sigma, found.beta, found.vcov, covariances, found.b)


def agree(one: Answer, other: Answer, shift: float = 0.0, tolerance: float = 1e-4) -> None:
    """Two answers agree when the criterion of the second was moved by `shift`."""
    assert abs(other.criterion - one.criterion - shift) <= 1e-7 * max(1.0, abs(one.criterion), abs(shift))
    se = np.sqrt(np.diag(one.vcov))
    assert np.abs((other.beta - one.beta) / se).max() <= tolerance
    assert np.abs((other.vcov - one.vcov) / np.outer(se, se)).max() <= 10 * tolerance
    assert abs(other.sigma / one.sigma - 1) <= tolerance
    for mine, theirs in zip(one.covariances, other.covariances, strict=True):
        assert np.abs(theirs - mine).max() <= 100 * tolerance * max(one.sigma**2, np.abs(mine).max())


def same_effects(one: Answer, other: Answer) -> None:
    """The conditional modes agree."""
    for mine, theirs in zip(one.b, other.b, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4 * max(one.sigma, np.abs(mine).max()))


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans())
def test_rows_in_another_order(shape, reml):
    design = designs.make(shape)
    order = np.random.default_rng(shape.seed).permutation(design.n)
    one, other = answer(design, reml), answer(designs.take_rows(design, order), reml)
    agree(one, other)
    same_effects(one, other)


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans())
def test_levels_under_other_names(shape, reml):
    design = designs.make(shape)
    draw = np.random.default_rng(shape.seed)
    orders = [draw.permutation(len(g.levels)) for g in design.groupings]
    relabelled = replace(
        design,
        groupings=tuple(
            replace(g, codes=order[g.codes].astype(np.int32))
            for g, order in zip(design.groupings, orders, strict=True)
        ),
    )
    one, other = answer(design, reml), answer(relabelled, reml)
    agree(one, other)
    same_effects(one, replace(other, b=tuple(b[order] for b, order in zip(other.b, orders, strict=True))))


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans(), factor=FACTOR)
def test_response_in_other_units(shape, reml, factor):
    """y -> c y: the criterion grows by 2 nu log|c|, beta and sigma scale, theta stays."""
    design = designs.make(shape)
    offset = None if design.offset is None else design.offset * factor
    one, other = answer(design, reml), answer(replace(design, y=design.y * factor, offset=offset), reml)
    back = Answer(
        other.criterion,
        other.sigma / abs(factor),
        other.beta / factor,
        other.vcov / factor**2,
        [covariance / factor**2 for covariance in other.covariances],
        tuple(b / factor for b in other.b),
    )
    nu = design.n - (design.p if reml else 0)
    agree(one, back, shift=2 * nu * np.log(abs(factor)))
    same_effects(one, back)


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans(), constant=st.sampled_from([-1e3, 5.0, 1e6]))
def test_a_constant_added_to_the_response(shape, reml, constant):
    """With a constant among the columns of X its coefficient takes the shift and nothing else moves."""
    assume(shape.intercept)
    design = designs.make(shape)
    one, other = answer(design, reml), answer(replace(design, y=design.y + constant), reml)
    back = replace(other, beta=other.beta - constant * (np.arange(design.p) == design.intercept))
    agree(one, back)
    same_effects(one, back)


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans(), factor=FACTOR)
def test_fixed_columns_in_other_units(shape, reml, factor):
    """x -> c x in X alone: beta/c; the REML criterion grows by 2 log|c|, the deviance not at all."""
    design = designs.make(shape)
    column = 1 if shape.intercept else 0
    X = np.array(design.X, order="F")
    X[:, column] *= factor
    one, other = answer(design, reml), answer(replace(design, X=X), reml)
    scale = np.where(np.arange(design.p) == column, factor, 1.0)
    back = replace(other, beta=other.beta * scale, vcov=other.vcov * np.outer(scale, scale))
    agree(one, back, shift=2 * np.log(abs(factor)) if reml else 0.0)


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans(), factor=FACTOR)
def test_random_columns_in_other_units(shape, reml, factor):
    """z -> c z in the last term: its row of Lambda is divided by c, the criterion stays."""
    design = designs.make(shape)
    term = design.terms[-1]
    assume(term.k > 1)
    scaled = replace(term, columns=(*term.columns[:-1], term.columns[-1] * factor))
    one = answer(design, reml)
    other = answer(replace(design, terms=(*design.terms[:-1], scaled)), reml)
    scale = np.append(np.ones(term.k - 1), factor)
    last = other.covariances[-1] * np.outer(scale, scale)
    agree(one, replace(other, covariances=[*other.covariances[:-1], last]))


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans(), factor=st.sampled_from([1e-4, 0.5, 3.0, 1e5]))
def test_all_weights_times_a_constant(shape, reml, factor):
    """w -> c w: sigma^2 grows by c and absorbs it; the likelihood, beta and the random effects stay."""
    design = designs.make(shape)
    weights = np.ones(design.n) if design.weights is None else design.weights
    one = answer(replace(design, weights=weights), reml)
    other = answer(replace(design, weights=weights * factor), reml)
    agree(one, replace(other, sigma=other.sigma / np.sqrt(factor)))
    same_effects(one, other)


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans())
def test_unit_weights_are_no_weights(shape, reml):
    design = replace(designs.make(shape), weights=None)
    agree(answer(design, reml), answer(replace(design, weights=np.ones(design.n)), reml))


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans(), seed=st.integers(0, 10**6))
def test_a_row_of_weight_two_is_two_equal_rows_up_to_the_degrees_of_freedom(shape, reml, seed):
    """The cross-products are the same, hence beta, b, r^2 and log|Omega| at every theta; but nu counts rows.

    So at fixed theta, with n rows, one of weight two, against n + 1 rows of weight one::

        f_n - f_{n+1} = h(nu) - h(nu + 1) - log 2,    h(nu) = nu (1 + log(2 pi r^2 / nu))

    and the optima differ: a weight is not a count.
    """
    design = replace(designs.make(shape), weights=None)
    theta = designs.random_theta(design, seed, "none")
    weights = np.ones(design.n)
    weights[-1] = 2.0
    heavy = replace(design, weights=weights)
    split = designs.take_rows(design, np.append(np.arange(design.n), design.n - 1))
    dense = oracle.problem(heavy, reml)
    r2 = dense.nu * oracle.solution(dense, theta).sigma ** 2

    def h(nu: int) -> float:
        return nu * (1 + np.log(2 * np.pi * r2 / nu))

    models = (LinearMixedModel(told, reml=reml) for told in (heavy, split))
    gap = np.subtract(*(model.objective(theta) for model in models))
    expected = h(dense.nu) - h(dense.nu + 1) - np.log(2)
    assert abs(gap - expected) <= 1e-8 * max(1.0, abs(expected), abs(h(dense.nu)))


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans())
def test_an_offset_is_a_response_with_the_offset_taken_off(shape, reml):
    design = designs.make(replace(shape, shifted=True))
    assert design.offset is not None
    moved = replace(design, y=design.y - design.offset, offset=None)
    agree(answer(design, reml), answer(moved, reml))


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans())
def test_columns_of_X_mixed_among_themselves(shape, reml):
    """X -> X T for an invertible T: fitted values stay, the REML criterion grows by 2 log|det T|."""
    design = designs.make(shape)
    draw = np.random.default_rng(shape.seed)
    T = np.eye(design.p) + np.tril(draw.normal(size=(design.p, design.p)), -1)
    T[1:, 0] = 0.0  # the first column may be the constant, which the design promises to be one
    mixed = replace(design, X=np.asfortranarray(design.X @ T))
    one, other = answer(design, reml), answer(mixed, reml)
    back = replace(other, beta=T @ other.beta, vcov=T @ other.vcov @ T.T)
    agree(one, back)
