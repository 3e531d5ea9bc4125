"""Leaving out groups, leverages and Cook's distance against lme4's."""

from __future__ import annotations

import numpy as np
import pytest

from henderson.inference.conditional import hat_values
from henderson.inference.fitted import fitted, residuals
from henderson.inference.influence.groups import influence_of_groups
from henderson.inference.tables import cooks_distance

from . import fits, reference

MODELS = [m for m in reference.models() if not m.caveat.startswith("DEGENERATE")]
pytestmark = pytest.mark.skipif(not MODELS, reason=reference.MISSING)


def having(field):
    chosen = [m for m in MODELS if m.numbers.get(field)]
    return pytest.mark.parametrize("model", chosen, ids=lambda m: m.id)


@having("influence")
def test_leaving_out_groups(model):
    """lme4's Cook's distance of an `influence` object is (m - p) / m of change' vcov^-1 change / p.

    The recorded values divided by that quadratic form give the factor to eight digits, for m of 6 and 18
    groups and p of 1, 2 and 3 fixed effects; ours is the form itself, as Cook defined it.
    """
    one, recorded = fits.fit_once(model), model.numbers["influence"]
    grouping = next(g for g in one.design.groupings if g.name == recorded["groups"])
    ours = influence_of_groups(one.design, one.estimate, grouping.name, grouping.codes, grouping.levels)
    order = [[str(x) for x in grouping.levels].index(str(level)) for level in recorded["deleted"]]
    np.testing.assert_allclose(ours.fixef_deleted[order], recorded["fixef_deleted"], rtol=1e-6)
    np.testing.assert_allclose(ours.dfbeta[order], recorded["dfbeta"], rtol=1e-5, atol=1e-8)
    m, p = len(order), one.design.p
    there = np.array(recorded["cooks_distance"]) * m / (m - p)
    np.testing.assert_allclose(ours.cooks_distance[order], there, rtol=1e-5)


@having("cooks_distance_head")
def test_leverages_and_cooks_distance_of_rows(model):
    one = fits.fit_once(model)
    hat = hat_values(one.design, one.estimate)
    scaled = residuals(one.design, one.estimate, fitted(one.design, one.estimate), "scaled")
    distance = cooks_distance(one.design, scaled, hat)
    there = np.array(model.numbers["cooks_distance_head"], dtype=float)
    head = np.array(model.numbers["hatvalues_head"], dtype=float)
    np.testing.assert_allclose(hat[: len(head)], head, rtol=1e-3, atol=1e-6)
    largest = there.max()
    np.testing.assert_allclose(distance[: len(there)], there, rtol=1e-4, atol=1e-4 * largest)
