"""BLAS gets its threads back, however many of ours were inside at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from henderson import crossprod, estimate
from henderson.model.criterion import criterion
from henderson.solve.direct import Factor, analyse
from henderson.solve.threads import blas_threads_for
from henderson.threads import set_threads
from tests.solve.test_direct import make_design


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_one_thread_inside_and_as_before_outside():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with blas_threads_for(500):
            assert blas_threads() == {1}
            with blas_threads_for(500):
                assert blas_threads() == {1}
            assert blas_threads() == {1}
        assert blas_threads() == before


def test_contexts_that_overlap_give_the_threads_back():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        first, second = blas_threads_for(500), blas_threads_for(500)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert blas_threads() == {1}
        second.__exit__(None, None, None)
        assert blas_threads() == before


def test_every_thread_is_heard_after_another_has_set_the_limit():
    def inside() -> set[int]:
        with blas_threads_for(500):
            return blas_threads()

    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        assert inside() == {1}
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(inside).result() == {1}
        assert inside() == {1}
        assert blas_threads() == before


def test_small_tails_are_left_alone_and_large_ones_are_ours():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        for tail in (0, 31):
            with blas_threads_for(tail):
                assert blas_threads() == before
        with blas_threads_for(100_000):
            assert blas_threads() == {1}


def test_threads_that_overlap_restore_the_limit_and_agree():
    # two fully crossed factors whose tail is large enough to switch the limit
    rng = np.random.default_rng(1)
    codes = [(rng.integers(0, 60, 3000), [1]), (rng.integers(0, 40, 3000), [1])]
    cross = crossprod.from_design(make_design(codes, 3000))
    names = ("a", "b")
    alone = estimate.fit_cross_products(cross, names, reml=True)
    together = Barrier(4)

    def fit(_):
        together.wait()
        return [estimate.fit_cross_products(cross, names, reml=True).theta for _ in range(20)]

    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with ThreadPoolExecutor(4) as pool:
            found = [theta for thetas in pool.map(fit, range(4)) for theta in thetas]
        assert blas_threads() == before
    assert all((theta == alone.theta).all() for theta in found)


def test_one_factor_serves_several_threads():
    rng = np.random.default_rng(1)
    codes = [(rng.integers(0, 60, 3000), [2]), (rng.integers(0, 40, 3000), [1])]
    cross = crossprod.from_design(make_design(codes, 3000))
    factor = estimate.fit_cross_products(cross, tuple("abcd"), reml=True).factor
    B = rng.normal(size=(cross.q, 3))
    solved, (diagonal, _) = factor.solve(B), factor.selected()

    def use(_):
        again, (blocks, _) = factor.solve(B), factor.selected()
        return (again == solved).all() and all((a == b).all() for a, b in zip(blocks, diagonal, strict=True))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(use, range(200)))


def crossing(levels: tuple[int, int], n: int, popular: float) -> crossprod.CrossProducts:
    rng = np.random.default_rng(5)
    codes = []
    for count, columns in zip(levels, ([1], [2]), strict=True):
        weight = np.arange(1, count + 1.0) ** -popular
        drawn = rng.choice(count, n, p=weight / weight.sum())
        codes.append((np.unique(drawn, return_inverse=True)[1], columns))
    return crossprod.from_design(make_design(codes, n))


def numbers(cross: crossprod.CrossProducts) -> list[bytes]:
    """All that a factorisation tells, as bits."""
    value = criterion(cross, reml=True)(np.array([0.8, 0.5, 0.2, 0.4]), 2)
    factor = Factor(cross, (np.array([[0.8]]), np.array([[0.5, 0.0], [0.2, 0.4]])))
    diagonal, pairs = factor.selected()
    solved = factor.solve(np.random.default_rng(1).normal(size=(cross.q, 2)))
    parts = [np.array(value.value), value.gradient, value.curvature, value.beta, solved, *diagonal, *pairs]
    return [part.tobytes() for part in parts]


@pytest.mark.parametrize(
    ("levels", "n", "popular"),
    [((4000, 700), 40_000, 0.0), ((4000, 700), 40_000, 1.0), ((600, 500), 200_000, 0.0)],
    ids=["tail in blocks", "popular levels", "one panel"],
)
def test_the_same_bits_for_any_number_of_threads(levels, n, popular):
    cross = crossing(levels, n, popular)
    with set_threads(1):
        alone = numbers(cross)
    assert analyse(cross).structure()["cost"] > 2e7  # else no threads would be used
    for count in (2, 3, 7):
        with set_threads(count):
            assert numbers(cross) == alone
