"""Coefficients of contrasts, letters, adjustments: closed forms and definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from henderson.errors import OptionError
from henderson.inference.means.families import coefficients
from henderson.inference.means.letters import compact_letters
from henderson.inference.means.multiplicity import ADJUSTMENTS, Family, adjusted_p, half_widths

LABELS = ("a", "b", "c", "d")


def test_names():
    assert coefficients("pairwise", LABELS).names == ("a - b", "a - c", "a - d", "b - c", "b - d", "c - d")
    assert coefficients("revpairwise", LABELS).names[:3] == ("b - a", "c - a", "c - b")
    assert coefficients("treatment", LABELS, reference="c").names == ("a - c", "b - c", "d - c")
    assert coefficients("treatment", LABELS, reference=-1).names == ("a - d", "b - d", "c - d")
    assert coefficients("pairwise", ("a-1", "b")).names == ("(a-1) - b",)
    assert coefficients("eff", LABELS).names[0] == "a effect"
    assert coefficients([1, -1, 0, 0], LABELS).names == ("c1",)


@pytest.mark.parametrize(
    "method", ["pairwise", "revpairwise", "treatment", "sequential", "polynomial", "eff", "del.eff"]
)
def test_contrasts_add_up_to_zero(method):
    for k in range(2, 13):
        found = coefficients(method, tuple(f"m{i}" for i in range(k)))
        np.testing.assert_allclose(found.matrix.sum(axis=1), 0, atol=1e-12)


def test_polynomials_are_the_tabled_whole_numbers():
    assert coefficients("poly", ("",) * 4).matrix.tolist() == [[-3, -1, 1, 3], [1, -1, -1, 1], [-1, 3, -3, 1]]
    ten = coefficients("poly", ("",) * 10)
    assert ten.names == ("linear", "quadratic", "cubic", "quartic", "degree 5", "degree 6")
    assert ten.matrix[2].tolist() == [-42, 14, 35, 31, 12, -12, -31, -35, -14, 42]
    assert ten.matrix[5].tolist() == [3, -11, 10, 6, -8, -8, 6, 10, -11, 3]


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("pairwize", "Did you mean pairwise"),
        ({"x": [1, -1]}, "4 means"),
        ({"x": ["p", 1, 0, 0]}, "must be 4 numbers"),
        ([1, -1, 0, np.nan], "missing or infinite"),
    ],
)
def test_wrong_contrasts(method, words):
    with pytest.raises(OptionError, match=words):
        coefficients(method, LABELS)
    with pytest.raises(OptionError, match="none of the means"):
        coefficients("treatment", LABELS, reference="e")
    with pytest.raises(OptionError, match="'pairwise' has none"):
        coefficients("pairwise", LABELS, reference="a")


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 8), st.integers(0, 2**28 - 1))
def test_means_share_a_letter_if_and_only_if_they_do_not_differ(k, bits):
    different = np.zeros((k, k), dtype=bool)
    for number, (i, j) in enumerate(zip(*np.triu_indices(k, 1), strict=True)):
        different[i, j] = different[j, i] = bits >> number & 1
    letters = compact_letters(different)
    for i in range(k):
        assert letters[i]
        for j in range(k):
            if i != j:
                assert bool(set(letters[i]) & set(letters[j])) != different[i, j]
    for letter in set("".join(letters)):  # none can be spared
        holders = [i for i in range(k) if letter in letters[i]]
        others = [set(text) - {letter} for text in letters]
        assert not all(others[i] & others[j] for i in holders for j in holders)


def test_letters_follow_the_order_of_the_means():
    different = np.zeros((4, 4), dtype=bool)
    different[0, 2] = different[0, 3] = different[1, 3] = True
    assert compact_letters(different | different.T) == ["a", "ab", "bc", "c"]


def family(t, df=np.inf, side="two", means=0):
    t = np.asarray(t, dtype=float)
    return Family(t, np.full(len(t), float(df)), np.eye(len(t)), means, side)


def test_adjusted_p_values_by_hand():
    from scipy.stats import norm

    p = np.array([0.001, 0.01, 0.02, 0.03, 0.5])
    t = norm.isf(p / 2)
    by_hand = {
        "none": p,
        "bonferroni": np.minimum(5 * p, 1),
        "sidak": 1 - (1 - p) ** 5,
        "holm": [0.005, 0.04, 0.06, 0.06, 0.5],
        "fdr": [0.005, 0.025, 0.1 / 3, 0.0375, 0.5],
        "mvt": 1 - (1 - p) ** 5,  # independent
    }
    for adjust, expected in by_hand.items():
        np.testing.assert_allclose(
            adjusted_p(family(t), adjust), expected, rtol=1e-9 if adjust != "mvt" else 2e-3
        )


def test_what_cannot_be_estimated_does_not_count():
    out = adjusted_p(family([2.0, np.nan, 1.0]), "bonferroni")
    np.testing.assert_allclose(out, adjusted_p(family([2.0, 1.0]), "bonferroni")[[0, 0, 1]] * [1, np.nan, 1])


@pytest.mark.parametrize("adjust", [a for a in ADJUSTMENTS if a not in ("holm", "fdr")])
@pytest.mark.parametrize("side", ["two", "greater", "less"])
def test_limits_leave_out_the_null_exactly_when_p_is_below_alpha(adjust, side):
    if adjust == "tukey" and side != "two":
        return
    root = np.linalg.cholesky(np.full((3, 3), 0.5) + 0.5 * np.eye(3)) if adjust == "mvt" else np.eye(3)
    df = np.array([8.0, 20.0, np.inf])
    blank = Family(np.ones(3), df, root, 3, side)
    bound = half_widths(blank, adjust, 0.95)
    sign = -1 if side == "less" else 1
    for i in range(3):
        p = adjusted_p(Family(sign * np.full(3, bound[i]), df, root, 3, side), adjust)[i]
        assert abs(p - 0.05) < 1e-4
