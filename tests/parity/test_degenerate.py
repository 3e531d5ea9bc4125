"""A response that is constant within groups: the likelihood is unbounded, and the user must be told."""

from __future__ import annotations

import pytest

import henderson as hd

from . import reference

MODELS = [m for m in reference.visible() if m.caveat.startswith("DEGENERATE")]


@pytest.mark.skipif(not MODELS, reason=reference.MISSING)
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.id)
def test_a_response_constant_within_groups_is_refused(model):
    with pytest.raises(hd.errors.HendersonError, match="residual variance goes to zero"):
        hd.lmm(model.formula, model.frame(), reml=model.reml, **model.options())
