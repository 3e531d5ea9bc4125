"""The race against statsmodels runs, and the log-likelihood of ours is not the lower one."""

from __future__ import annotations

import pytest

pytest.importorskip("statsmodels")

from benchmarks import statsmodels_race


@pytest.mark.parametrize("model", statsmodels_race.models()[:-1], ids=lambda model: model.name)
@pytest.mark.filterwarnings("ignore")
def test_our_likelihood_is_not_lower(model):
    outcome = statsmodels_race.race(model, 1)
    assert outcome.loglik >= outcome.their_loglik - 1e-9
    assert min(outcome.lmm, outcome.adapter, outcome.adapter_fit, outcome.theirs, outcome.theirs_fit) > 0
