"""Few evaluations: median at most 7, nine in ten at most 12, never more than 40, over the recorded models."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from . import fits, reference

MODELS = [m for m in reference.visible() if not m.caveat.startswith("DEGENERATE")]


@pytest.mark.skipif(not MODELS, reason=reference.MISSING)
def test_evaluations_over_the_recorded_models():
    counts = {m.id: fits.fit_once(m).estimate.search.evaluations for m in MODELS}
    assert len(counts) > 60
    assert statistics.median(counts.values()) <= 7
    assert np.quantile(list(counts.values()), 0.9) <= 12
    assert max(counts.values()) <= 40, sorted(counts.items(), key=lambda item: -item[1])[:5]
