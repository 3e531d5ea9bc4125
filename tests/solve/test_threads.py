"""BLAS gets its threads back, however many of ours were inside at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from henderson import crossprod, estimate
from henderson.solve.threads import blas_threads_for
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


def test_small_and_large_tails_are_left_alone():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        for tail in (0, 31, 1001):
            with blas_threads_for(tail):
                assert blas_threads() == before


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
