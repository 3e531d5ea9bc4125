"""What a solver was chosen for is said in numbers that people read."""

from __future__ import annotations

import re

import numpy as np
import pytest

import henderson as hd
from henderson.solve.cost import time_in_words


@pytest.mark.parametrize("levels", [150, 700])
def test_the_reason_never_speaks_of_no_time(levels):
    draw = np.random.default_rng(2)
    a, b = draw.integers(levels, size=4_000), draw.integers(levels, size=4_000)
    fit = hd.lmm("y ~ 1 + (1 | a) + (1 | b)", {"y": draw.normal(size=4_000), "a": a, "b": b})
    words = " ".join(str(fit.solver).split())
    (found,) = re.findall(r"a factor takes .* and a fit (.*) of one thread", words)
    assert re.fullmatch(r"less than 1 ms|about [1-9][\d.]* (ms|s)", found), found


def test_times_are_said_with_two_digits():
    for seconds, words in ((0.9996e-3, "less than 1 ms"), (0.99949, "about 999 ms"), (59.99, "about 1 min")):
        assert time_in_words(seconds) == words
