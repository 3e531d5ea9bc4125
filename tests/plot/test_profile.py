"""Pictures of profiles show the numbers of the profile."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

import henderson as hd
from henderson.errors import OptionError

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def profile():
    return hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy")).profile()


def test_zeta_is_drawn_with_its_intervals(profile):
    panels = profile.plot()
    assert len(panels) == 6
    for ax, curve in zip(panels, profile.record.curves, strict=True):
        points = next(line for line in ax.get_lines() if line.get_marker() == ".")
        np.testing.assert_array_equal(points.get_xdata(), curve.value)
        np.testing.assert_array_equal(points.get_ydata(), curve.zeta)
    steps = {round(float(line.get_xdata()[0]), 3) for line in panels[3].get_lines()}
    assert {22.898, 28.858} <= steps  # the limits of sigma


def test_densities_integrate_to_one(profile):
    for ax, curve in zip(profile.plot("density"), profile.record.curves, strict=True):
        line = ax.get_lines()[0]
        x, y = line.get_xdata(), line.get_ydata()
        area = (np.diff(x) * (y[1:] + y[:-1]) / 2).sum()
        assert area == pytest.approx(0.998, abs=5e-3)
        assert curve.parameter.name.startswith(ax.get_title(loc="left")[:5])


def test_pairs_are_closed_contours_around_the_estimate(profile):
    grid = hd.plot.profile(profile, "pairs", parm=["sigma", "(Intercept)", "Days"])
    assert grid.shape == (3, 3)
    assert not grid[0, 1].get_visible()
    line = next(line for line in grid[2, 1].get_lines() if line.get_linewidth() == 1.3)
    x, y = line.get_xdata(), line.get_ydata()
    assert (x[0], y[0]) == pytest.approx((x[-1], y[-1]), rel=1e-3)
    assert x.min() < 251.405 < x.max()
    # the contour of two fixed effects is nearly the ellipse of their covariance
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"), reml=False)
    d = np.column_stack([x, y]) - fit.beta
    distance = np.einsum("ij,jk,ik->i", d, np.linalg.inv(fit.vcov.to_numpy()), d)
    assert distance.min() > 5.5
    assert distance.max() < 9.5


def test_pictures_go_where_they_are_told(profile):
    _, axes = plt.subplots(1, 2)
    drawn = profile.plot(parm=[".sigma", -1], axes=axes)
    assert list(drawn) == list(axes)


def test_profiles_that_end_at_a_bound_are_drawn():
    singular = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff2")).profile()
    for kind in ("zeta", "density", "pairs"):
        assert singular.plot(kind).ravel()[0].get_lines()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "zetas"}, "'zeta', 'density', 'pairs'"),
        ({"parm": "Dys"}, "parm='Dys' is not among"),
        ({"kind": "pairs", "parm": "Days"}, "needs two parameters"),
    ],
)
def test_bad_input_is_answered(profile, options, message):
    with pytest.raises(OptionError, match=message):
        profile.plot(**options)


def test_a_fit_is_profiled_first():
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
    (ax,) = hd.plot.profile(fit, "density", parm="sigma")
    assert ax.get_title(loc="left") == "sigma"
