"""One number says how many threads every part may use."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import OptionError
from henderson.threads import available, sharing, threads


def test_one_per_available_processor_unless_chosen():
    affinity = getattr(os, "sched_getaffinity", None)
    assert hd.get_threads() == (len(affinity(0)) if affinity else os.cpu_count())
    with hd.set_threads(5):
        assert hd.get_threads() == threads() == 5
        with hd.set_threads(np.int64(3)):
            assert threads() == 3
            with hd.set_threads():
                assert threads() == available()
        assert threads() == 5


def test_affinity_is_asked_each_time(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 4}, raising=False)
    assert hd.get_threads() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert hd.get_threads() == 1


def test_a_choice_stays_without_a_with_block():
    try:
        assert repr(hd.set_threads(7)) == "henderson uses 7 threads"
        assert hd.get_threads() == 7
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(threads).result() == 7
    finally:
        assert "henderson uses" in repr(hd.set_threads())


@pytest.mark.parametrize("n", [0, -1, 1.5, "2", True])
def test_what_is_no_number_of_threads(n):
    before = hd.get_threads()
    with pytest.raises(OptionError, match="at least 1"):
        hd.set_threads(n)
    assert hd.get_threads() == before


def test_a_number_far_beyond_the_processors_is_a_slip(monkeypatch):
    sleep = hd.datasets.load("sleepstudy")
    fit = hd.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    before = hd.get_threads()
    for ask in (
        lambda: hd.set_threads(100_000),
        lambda: hd.set_threads(65),
        lambda: fit.profile(n_jobs=100_000),
        lambda: fit.bootstrap(10, n_jobs=100_000),
        lambda: hd.lmm_many("~ Days + (1 | Subject)", sleep, ["Reaction"], threads=100_000),
    ):
        with pytest.raises(OptionError, match=r"may use 2 processors.* more than 64 threads"):
            ask()
    assert hd.get_threads() == before
    with hd.set_threads(64):  # of a script for a larger machine
        assert hd.get_threads() == 64
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(100)), raising=False)
    with hd.set_threads(400), pytest.raises(OptionError, match=r"100 processors.* up to 400"):
        hd.set_threads(401)


def test_threads_at_work_have_their_share():
    def inside(_):
        with sharing(3):
            inner = threads()
            with sharing(2):
                return inner, threads()

    with hd.set_threads(6):
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(inside, range(3))) == [(2, 1)] * 3
        assert threads() == 6
    with hd.set_threads(2), sharing(3):
        assert threads() == 1


def crossed_frame() -> pd.DataFrame:
    """Two crossed factors whose tail is large enough for threads, small enough for a test."""
    draw = np.random.default_rng(3)
    n, first, second = 9_000, 900, 800
    a, b, x = draw.integers(first, size=n), draw.integers(second, size=n), draw.normal(size=n)
    y = 1 + 0.5 * x + draw.normal(size=first)[a] + draw.normal(size=second)[b] + draw.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "a": a.astype(str), "b": b.astype(str)})


def test_the_same_fit_for_any_number_of_threads():
    frame = crossed_frame()

    def answers() -> tuple[bytes, ...]:
        fit = hd.lmm("y ~ x + (1 | a) + (1 | b)", frame, solver="direct")
        small = fit.coeftable(ddf="kenward-roger").to_json(double_precision=15)
        return fit.theta.tobytes(), fit.vcov.to_numpy().tobytes(), str(fit.loglik).encode(), small.encode()

    with hd.set_threads(1):
        alone = answers()
    for count in (2, 3, 7):
        with hd.set_threads(count):
            assert answers() == alone


def test_the_same_profile_for_any_number_of_threads():
    sleep = hd.datasets.load("sleepstudy")
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", sleep)

    def limits(count: int, jobs: int | None) -> pd.DataFrame:
        with hd.set_threads(count):
            return fit.profile(n_jobs=jobs).to_frame()

    alone = limits(1, None)
    for count in (2, 3, 7):
        pd.testing.assert_frame_equal(limits(count, -1), alone, check_exact=True)
