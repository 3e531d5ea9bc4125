"""One number says how many threads every part may use."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
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
