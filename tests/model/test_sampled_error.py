"""The stated error of theta counts what the search has left undone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from henderson import crossprod, estimate
from henderson import design as designing
from henderson.model.linear import theta_names
from henderson.model.sampled_search import search_by_probes
from henderson.model.start import moment_start
from henderson.model.units import from_search
from henderson.solve.levels import lay_out


@pytest.mark.parametrize("seed", range(8))
def test_theta_lies_within_its_stated_error_though_the_probes_leave_almost_none(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One variance is zero: then the probes' share of the other's error all but vanishes."""
    monkeypatch.setattr("henderson.solve.iterative.DENSE", 0)
    monkeypatch.setattr("henderson.model.sampled_search.DENSE", 0)
    rng = np.random.default_rng(seed)
    g, h = rng.integers(0, 80, 900), rng.integers(0, 50, 900)
    data = pd.DataFrame({"g": g, "h": h, "x": rng.normal(size=900)})
    data["y"] = rng.normal(0, 0.7, 80)[g] + data.x + rng.normal(size=900)
    design = designing.build("y ~ x + (1 | g) + (1 | h)", data)
    cross = crossprod.from_design(design)
    exact = estimate.fit_cross_products(cross, theta_names(design), reml=False, solver="direct")
    found = search_by_probes(lay_out(cross), *moment_start(cross), reml=False, error=0.3, most=200, seed=seed)
    assert found is not None
    away = from_search(cross, found.point.chart, found.point.theta) - exact.theta
    stated = found.monte_carlo.theta_error
    inside = exact.theta > 0.01
    assert (np.abs(away[inside]) < 8 * stated[inside] + 1e-9).all(), (away, stated)
