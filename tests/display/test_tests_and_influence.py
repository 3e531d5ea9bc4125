"""Cells of test statistics and of Cook's distances."""

from __future__ import annotations

import numpy as np

import henderson as hd
from henderson.display.influence import _distances
from henderson.display.term_tests import statistic_cells


def test_one_tiny_distance_leaves_the_others_readable():
    assert _distances([0.109, 0.05, 3e-9]) == ["0.109", "0.050", "0.000"]
    assert _distances([0.00123, float("nan")]) == ["0.00123", "NA"]
    assert _distances([12.3456, 0.0]) == ["12.346", "0.000"]
    assert _distances([2e-9, 1e-10]) == ["2e-09", "1e-10"]
    assert _distances([]) == []


def test_whole_statistics_have_two_decimals():
    assert statistic_cells([np.nan, 137.0]) == ["", "137.00"]
    assert statistic_cells([42.1393]) == ["42.139"]
    assert statistic_cells([6.5, 137.0]) == ["6.50", "137.00"]


def test_rows_left_out_are_called_rows():
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    assert "without the row" in str(fit.influence("observation", exact=False))
    assert "without the group" in str(fit.influence("Subject", exact=False))
