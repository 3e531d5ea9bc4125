"""The race against statsmodels runs, and the log-likelihood of ours is not the lower one."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("statsmodels")

from benchmarks import statsmodels_race


@pytest.mark.parametrize("model", statsmodels_race.models()[:-1], ids=lambda model: model.name)
@pytest.mark.filterwarnings("ignore")
def test_our_likelihood_is_not_lower(model):
    outcome = statsmodels_race.race(model, 1)
    assert outcome.loglik >= outcome.their_loglik - 1e-9 * max(1.0, abs(outcome.loglik))
    assert min(outcome.lmm, outcome.adapter, outcome.adapter_fit, outcome.theirs, outcome.theirs_fit) > 0


def test_what_does_not_hold_is_told():
    held = statsmodels_race.Outcome("m", 1.0, 2.0, 1.0, 25.0, 20.0, -100.0, -100.0)
    assert statsmodels_race.shortfalls([held]) == []
    slow = replace(held, theirs=19.0)
    assert statsmodels_race.shortfalls([held, slow, slow]) == ["The median ratio is 19.0, below 20."]
    lower = replace(held, loglik=-100.001)
    assert "m: -100.001" in statsmodels_race.shortfalls([lower])[0]
    assert "| m | 1.00 | 25.0 | 25 |" in statsmodels_race.page([held], 0.0)
