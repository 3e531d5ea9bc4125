"""Products, solves, traces and log-determinants without a factor, against dense matrices."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

import henderson as hd
from henderson import crossprod
from henderson.crossprod.record import CrossProducts
from henderson.errors import FitError, OptionError
from henderson.solve import levels, reference
from henderson.solve.block_conjugate_gradients import solve
from henderson.solve.choose import choose
from henderson.solve.complement import Complement, buffers_for
from henderson.solve.cost import counts
from henderson.solve.direct import Factor
from henderson.solve.iterative import IterativeFactor
from henderson.solve.lanczos import log_determinant
from henderson.solve.levels import lay_out
from henderson.solve.probes import Probes, draw_probes, exact_directions
from henderson.solve.traces import known_sums, sampled_sums
from tests.solve.test_direct import make_design, structures

each_structure = pytest.mark.parametrize("name", list(structures()))


def problem(name: str, weighted: bool = False) -> tuple[CrossProducts, np.ndarray, tuple[np.ndarray, ...]]:
    """Cross-products, dense Omega and the Lambda of every grouping."""
    cross = crossprod.from_design(make_design(structures()[name], 300, weighted=weighted))
    theta = np.random.default_rng(4).normal(size=cross.n_theta)
    Lambda, A = reference.relative_factor(cross, theta), reference.dense_zz(cross)
    Omega = Lambda.T @ A @ Lambda + np.eye(cross.q)
    return cross, Omega, tuple(reference.relative_factors(cross, theta))


@pytest.fixture(params=["by iterations", "formed"])
def solved(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small complements both ways."""
    if request.param == "by iterations":
        monkeypatch.setattr("henderson.solve.iterative.DENSE", 0)


@each_structure
@pytest.mark.usefixtures("solved")
@pytest.mark.parametrize("weighted", [False, True])
def test_solves_and_products_equal_the_dense_ones(name: str, weighted: bool) -> None:
    cross, Omega, lambdas = problem(name, weighted)
    factor, B = IterativeFactor(cross, lambdas), np.random.default_rng(5).normal(size=(cross.q, 11))
    exact = np.linalg.solve(Omega, B)
    np.testing.assert_allclose(factor.solve(B), exact, atol=1e-4 * np.abs(exact).max())
    A = reference.dense_zz(cross)
    np.testing.assert_allclose(factor.multiply(B), A @ B, atol=1e-12 * np.abs(A).max() * cross.q)


@each_structure
@pytest.mark.usefixtures("solved")
def test_modes_scores_and_rx_equal_those_of_the_factor(name: str) -> None:
    cross, _, lambdas = problem(name)
    iterative, direct = IterativeFactor(cross, lambdas), Factor(cross, lambdas)
    np.testing.assert_allclose(iterative.u(), direct.u(), atol=1e-5 * np.abs(direct.u()).max())
    np.testing.assert_allclose(iterative.e(), direct.e(), atol=1e-4 * np.abs(direct.e()).max())
    np.testing.assert_allclose(np.abs(iterative.rx()), np.abs(direct.rx()), rtol=1e-6, atol=1e-8)


def complement_inverse(C: Complement) -> np.ndarray:
    """(q2, q2) dense S^-1."""
    E = C.preconditioner.solve(np.eye(C.layout.q))
    return E.T @ np.linalg.inv(C.product(np.eye(C.layout.q))) @ E


@each_structure
def test_the_preconditioned_complement_is_the_dense_one(name: str) -> None:
    cross, Omega, lambdas = problem(name)
    layout = lay_out(cross)
    C = Complement(layout, lambdas, buffers_for(layout))
    if layout.q == 0:
        return
    full = np.linalg.inv(Omega)
    rows = layout.split(np.arange(cross.q, dtype=float)[:, None])[1][:, 0].astype(int)
    S = np.linalg.inv(full[np.ix_(rows, rows)])
    E = C.preconditioner.solve(np.eye(layout.q))
    np.testing.assert_allclose(C.preconditioner.solve_transposed(np.eye(layout.q)), E.T, atol=1e-14)
    np.testing.assert_allclose(C.preconditioner.multiply_transposed(E.T), np.eye(layout.q), atol=1e-12)
    np.testing.assert_allclose(C.product(np.eye(layout.q)), E @ S @ E.T, atol=1e-11)
    logdet = C.logdet_first + C.preconditioner.logdet + np.linalg.slogdet(E @ S @ E.T)[1]
    assert logdet == pytest.approx(np.linalg.slogdet(Omega)[1], rel=1e-12)


@each_structure
def test_the_preconditioner_knows_the_diagonal_of_its_inverse(name: str) -> None:
    cross, _, lambdas = problem(name)
    layout = lay_out(cross)
    D = Complement(layout, lambdas, buffers_for(layout)).preconditioner
    inverse = D.solve_transposed(D.solve(np.eye(layout.q)))
    for rows, f, known in zip(layout.rows, layout.rest, D.inverse_sums(), strict=True):
        k = cross.columns[f]
        blocks = inverse[rows, rows].reshape(cross.levels[f], k, cross.levels[f], k)
        np.testing.assert_allclose(np.einsum("gagb->ab", blocks), known, rtol=1e-10, atol=1e-12)
    sign, logdet = np.linalg.slogdet(inverse)
    assert sign > 0 and -logdet == pytest.approx(D.logdet, rel=1e-10, abs=1e-10)


@each_structure
@pytest.mark.parametrize("weighted", [False, True])
def test_what_probes_need_not_estimate_is_known(name: str, weighted: bool) -> None:
    """With unit vectors for probes the known and the sampled part are exact; the known one also alone."""
    cross, Omega, lambdas = problem(name, weighted)
    layout = lay_out(cross)
    C, q = Complement(layout, lambdas, buffers_for(layout)), layout.q
    inverse = np.linalg.inv(Omega)
    sampled = sampled_sums(C, Probes(np.eye(q), q), complement_inverse(C))
    at = np.cumsum([0, *(a * k for a, k in zip(cross.levels, cross.columns, strict=True))])
    for f, (known, more, k) in enumerate(zip(known_sums(C), sampled, cross.columns, strict=True)):
        block = inverse[at[f] : at[f + 1], at[f] : at[f + 1]].reshape(cross.levels[f], k, -1, k)
        exact = np.einsum("gagb->ab", block)
        np.testing.assert_allclose(known + more.sum(axis=0), exact, atol=1e-9 * np.abs(exact).max())
    if q:
        full = layout.split(Omega @ layout.join(np.zeros((Omega.shape[0] - q, q)), np.eye(q)))[0]
        k, D = cross.columns[layout.eliminated], C.blockwise.preconditioner
        Y = (C.omega_inverse @ full.reshape(-1, k, q)).reshape(full.shape)
        explained = (Y @ D.solve_transposed(D.solve(Y.T))).reshape(-1, k, len(Y) // k, k)
        np.testing.assert_allclose(
            C.blockwise.through_preconditioner, np.einsum("gagb->ab", explained), rtol=1e-9, atol=1e-12
        )


def test_nested_groupings_are_taken_out_together() -> None:
    rng = np.random.default_rng(6)
    item, user = rng.integers(0, 200, 6000), rng.integers(0, 400, 6000)
    for sizes in ([1], [2]):
        design = make_design([(user, [1]), (item, sizes), (item % 40, [1])], 6000)
        cross = crossprod.from_design(design)
        layout = lay_out(cross)
        assert len(layout.nested) == 1 and len(layout.nested[0].partner) == 200
        lambdas = tuple(0.6 * np.eye(k) for k in cross.columns)
        C, B = Complement(layout, lambdas, buffers_for(layout)), rng.normal(size=(layout.q, 8))
        with_nesting = solve(C.product, B, None, 1e-6).iterations
        alone = dataclasses.replace(layout, nested=())
        C = Complement(alone, lambdas, buffers_for(alone))
        assert 2 * with_nesting < solve(C.product, B, None, 1e-6).iterations


def test_vectors_survive_the_change_of_order() -> None:
    cross, _, _ = problem("nested and crossed")
    layout, B = lay_out(cross), np.random.default_rng(1).normal(size=(300, 3))
    B = B[: cross.q] if len(B) >= cross.q else np.resize(B, (cross.q, 3))
    np.testing.assert_array_equal(layout.join(*layout.split(B)), B)


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "SMALL", 50)
    cross, _, lambdas = problem("nearly nested")
    B, out = np.random.default_rng(5).normal(size=(cross.q, 9)), []
    for count in (1, 3, 8):
        with hd.set_threads(count):
            out.append(IterativeFactor(cross, lambdas).solve(B))
    np.testing.assert_array_equal(out[0], out[1])
    np.testing.assert_array_equal(out[0], out[2])


def test_block_conjugate_gradients_take_the_slow_directions_at_once() -> None:
    rng = np.random.default_rng(2)
    Q = np.linalg.qr(rng.normal(size=(400, 400)))[0]
    w = np.concatenate([np.geomspace(1e-4, 1e-3, 8), rng.uniform(0.9, 1.1, 392)])
    S, B = (Q * w) @ Q.T, rng.normal(size=(400, 8))
    block = solve(lambda x: S @ x, B, None, 1e-8)
    single = [solve(lambda x: S @ x, B[:, [j]], None, 1e-8).iterations for j in range(8)]
    assert block.iterations < min(single)
    np.testing.assert_allclose(S @ block.x + block.residual, B, atol=1e-10)
    np.testing.assert_allclose(S @ block.x, B, atol=1e-7)
    warm = solve(lambda x: S @ x, B, block.x, 1e-7)
    assert warm.iterations == 0


def test_conjugate_gradients_that_do_not_converge_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("henderson.solve.block_conjugate_gradients.MOST", 3)
    S = np.diag(np.geomspace(1, 1e6, 50))
    with pytest.raises(FitError, match=r"after 3 iterations.*nearly repeat one another"):
        solve(lambda x: S @ x, np.ones((50, 1)), None, 1e-8)


def test_lanczos_gives_the_log_determinant_within_its_error() -> None:
    rng = np.random.default_rng(3)
    G = rng.normal(size=(600, 900)) * (rng.random((600, 900)) < 0.05)
    S = G @ G.T + np.eye(600)
    d = 1 / np.sqrt(np.diag(S))
    S = d[:, None] * S * d
    exact = np.linalg.slogdet(S)[1]
    found = [log_determinant(lambda x: S @ x, np.zeros((600, 0)), vectors=8, seed=seed) for seed in range(40)]
    z = np.array([(f.value - exact) / f.error for f in found])
    assert np.abs(z).max() < 5.5  # Student's t with 7 degrees of freedom
    assert 0.6 < np.sqrt((z**2).mean()) < 1.7
    small = log_determinant(lambda x: S[:100, :100] @ x, np.zeros((100, 0)), vectors=8)
    assert small.value == pytest.approx(np.linalg.slogdet(S[:100, :100])[1], rel=1e-12) and small.error == 0


def test_probes_add_up_to_the_identity() -> None:
    basis = np.linalg.qr(np.random.default_rng(1).normal(size=(214, 16)))[0]
    probes = draw_probes(basis, 40_000, 1)
    assert probes.exact == 214 and probes.drawn == 0
    probes = draw_probes(basis, 20, 1)
    assert probes.exact == 16 and probes.drawn == 20
    np.testing.assert_allclose(basis.T @ probes.vectors[:, 16:], 0, atol=1e-12)
    M = np.diag(np.arange(214.0)) + 0.01
    forms = np.einsum("is,ij,js->s", probes.vectors, M, probes.vectors)[:, None]
    error = np.sqrt(probes.covariance_of_mean(forms)[0, 0])
    assert abs(probes.mean(forms)[0] - np.trace(M)) < 4 * error + 1e-9
    more = draw_probes(basis, 30, 1)
    np.testing.assert_allclose(more.vectors[:, :36], probes.vectors, atol=1e-13)


def test_exact_directions_are_small_groupings_and_constants() -> None:
    rng = np.random.default_rng(6)
    user, item, day = rng.integers(0, 400, 6000), rng.integers(0, 200, 6000), rng.integers(0, 60, 6000)
    for genres, columns in ((7, 7 + 2 * 7 + 1), (40, 1 + 2 + 1)):
        design = make_design([(user, [1]), (item, [2]), (item % genres, [1]), (day, [1])], 6000)
        basis = exact_directions(lay_out(crossprod.from_design(design)))
        np.testing.assert_allclose(basis.T @ basis, np.eye(columns), atol=1e-14)
        np.testing.assert_allclose(np.sort((basis**2).sum(axis=1))[-1], 1 if genres == 7 else 1 / 40)


def test_a_factor_survives_pickling() -> None:
    cross, _, lambdas = problem("nested chain")
    factor, B = IterativeFactor(cross, lambdas), np.ones((cross.q, 1))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(factor)).solve(B), factor.solve(B))


def test_what_needs_a_factor_says_so() -> None:
    cross, _, lambdas = problem("crossed, sparse")
    factor = IterativeFactor(cross, lambdas)
    for ask in (factor.selected, lambda: factor.half_solve(np.ones((cross.q, 1))), lambda: factor.system):
        with pytest.raises(FitError, match="solver='direct'"):
            ask()


def test_the_choice_follows_memory_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    cross, _, _ = problem("crossed, sparse")
    chosen = choose(cross, "auto")
    assert (
        chosen.solver == "direct" and chosen.system is not None and "MB" in chosen.reason
    ) or "kB" in chosen.reason
    assert counts(cross).pairs == len(cross.pairs[0].partner)
    with pytest.raises(OptionError, match="'auto', 'direct' or 'iterative'"):
        choose(cross, "cg")
    monkeypatch.setattr("henderson.solve.cost.memory_of_machine", lambda: 1e4)
    with pytest.raises(FitError, match="a sample of the levels"):
        choose(cross, "iterative")
    monkeypatch.setattr("henderson.solve.cost.memory_of_machine", lambda: 1.5e5)
    monkeypatch.setattr("henderson.solve.cost.CHEAP_FILL", 10)
    chosen = choose(cross, "auto")
    assert chosen.solver == "iterative" and "memory" in chosen.reason and chosen.system is None
    with pytest.raises(FitError, match="solver='iterative'"):
        choose(cross, "direct")


def test_wrong_shapes_are_refused() -> None:
    cross, _, _ = problem("crossed, sparse")
    passes = lay_out(cross).outer
    assert passes is not None
    with pytest.raises(ValueError, match="levels out of range"):
        passes.levels.pass_levels(0, 10**6, None, None, None, None, None)
    with pytest.raises(ValueError, match="wrong shape"):
        passes.levels.pass_levels(0, 1, np.zeros((3, 8)), None, None, None, None)
    with pytest.raises(ValueError, match="nothing to add"):
        passes.levels.pass_levels(0, 1, None, None, None, None, np.zeros((cross.q, 8)))
