"""Long labels that differ in the middle stay distinct in every table and picture."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import henderson as hd

mpl.use("Agg")
import matplotlib.pyplot as plt

LONG = [f"a_treatment_of_the_{kind}_kind_given_to_all_subjects" for kind in ("first", "other", "third")]


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(1)
    names = [f"the_subject_number_{i}_of_this_long_study_of_ours" for i in range(6)]
    rows = pd.DataFrame({"g": np.repeat(names, 9), "t": np.tile(LONG, 18), "x": rng.normal(size=54)})
    rows["y"] = rng.normal(size=6).repeat(9) + rng.normal(size=54)
    return hd.lmm("y ~ t + x + (x | g)", rows)


def test_means_and_contrasts(fit):
    means = fit.emmeans("t")
    shown = [line for line in str(means).splitlines() if line.startswith("a_t")]
    assert len({line.split()[0] for line in shown}) == 3
    contrasts = str(means.contrast("pairwise")).splitlines()
    sides = [line.split(" - ") for line in contrasts if line.startswith("a_t")]
    firsts, seconds = [s[0] for s in sides], [s[1].split()[0] for s in sides]
    assert firsts[0] == firsts[1] != firsts[2] == seconds[0]
    assert len({*firsts, *seconds}) == 3
    assert max(map(len, contrasts)) <= 80


def test_pooling(fit):
    shown = [line.split()[0] for line in str(hd.pooling(fit)).splitlines() if line.startswith("the_")]
    assert len(shown) == len(set(shown)) == 6


def test_pictures(fit):
    ax = fit.plot.caterpillar()
    ticks = [tick.get_text() for tick in ax.get_yticklabels()]
    assert len(ticks) == len(set(ticks)) == 6
    plt.close("all")
