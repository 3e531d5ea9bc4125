"""Pictures of marginal means show the numbers of the table; arrows say what the comparisons say."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

import henderson as hd
from henderson.errors import OptionError
from henderson.inference.means.arrows import comparison_arrows

from ..inference.means.recorded import fitted

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def table():
    return fitted("y ~ A * B + z + log(x) + (1 | g)", weights="w").emmeans("~ A | B")


def points(ax):
    drawn = [line for line in ax.get_lines() if line.get_marker() == "o"]
    return np.sort(np.concatenate([line.get_xdata() for line in drawn]))


def names(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


def test_means_are_drawn_where_they_are(table):
    ax = hd.plot.means(table)
    np.testing.assert_allclose(points(ax), np.sort(table["estimate"]))
    ends = np.concatenate(
        [collection.get_segments() for collection in ax.collections if collection.get_segments()]
    )
    np.testing.assert_allclose(np.sort(ends[:, 0, 0]), np.sort(table["conf_low"]))
    np.testing.assert_allclose(np.sort(ends[:, 1, 0]), np.sort(table["conf_high"]))
    assert names(ax) == ["a", "b", "c", "a", "b", "c", "B = u", "B = v"]
    assert ax.yaxis_inverted()


def test_letters_stand_beside_their_means(table):
    ax = table.plot(letters=True)
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c", "a", "ab", "b"]


def test_contrasts_are_drawn_against_no_difference(table):
    ax = table.pairs().plot()
    np.testing.assert_allclose(points(ax), np.sort(table.pairs()["estimate"]))
    assert any(list(line.get_xdata()) == [0.0, 0.0] for line in ax.get_lines())
    assert ax.get_xlabel() == "estimate and 95 % interval, Tukey adjustment"
    ratios = fitted("log(y) ~ A + B + (1 | g)").emmeans("A", type="response").pairs().plot()
    assert any(list(line.get_xdata()) == [1.0, 1.0] for line in ratios.get_lines())


def test_what_cannot_be_estimated_keeps_its_place():
    ax = fitted("y ~ A * B + x + (1 | g)", "e").emmeans("A:B").plot(letters=True)
    assert "c v (not estimable)" in names(ax)


def test_pictures_go_where_they_are_told(table):
    _, ax = plt.subplots()
    assert table.plot(ax=ax) is ax


def test_arrows_overlap_exactly_where_means_do_not_differ():
    fits = [fitted("y ~ A * B + z + log(x) + (1 | g)", weights="w"), fitted("y ~ factor(f) * A + (1 | g)")]
    for table in (
        fits[0].emmeans("A"),
        fits[0].emmeans("A:B"),
        fits[0].emmeans("~ A | B"),
        fits[1].emmeans("f"),
    ):
        arrows = comparison_arrows(table.record, table.sample)
        assert arrows.unclear == 0
        pairs, row = table.pairs(), 0
        for group in table.linear.groups():
            for n, i in enumerate(group):
                for j in group[n + 1 :]:
                    low, high = (i, j) if table["estimate"][i] <= table["estimate"][j] else (j, i)
                    apart = arrows.right[low] < arrows.left[high]
                    assert apart == (pairs["p_value"][row] < 0.05)
                    row += 1


def test_wrong_questions(table):
    with pytest.raises(OptionError, match="are for means"):
        table.pairs().plot(letters=True)
    with pytest.raises(OptionError, match="not DataFrame"):
        hd.plot.means(table.to_frame())
