"""What a user reads off the fit, against lme4: likelihood, intervals, predictions, the ML refit."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import Any

import numpy as np
import pytest

import henderson as hd

from . import compare, reference

MODELS = [m for m in reference.models() if not m.caveat.startswith("DEGENERATE")]
pytestmark = pytest.mark.skipif(not MODELS, reason=reference.MISSING)
every = pytest.mark.parametrize("model", MODELS, ids=lambda m: m.id)


@cache
def by_id(name: str) -> hd.LinearMixedFit:
    """The fit of a recorded model, made once."""
    model = next(m for m in MODELS if m.id == name)
    return hd.lmm(model.formula, model.frame(), reml=model.reml, **model.options())


def close(ours: Any, recorded: Any, scale: Any, tolerance: float) -> None:
    """Assert agreement in units of `scale`."""
    difference = np.asarray(ours, dtype=float) - compare.array(recorded)
    assert compare.worst(difference, scale) <= tolerance


@every
def test_likelihood_and_what_is_made_of_it(model):
    fit, numbers = by_id(model.id), model.numbers
    # A criterion that is better by d moves the log-likelihood by d / 2.
    assert fit.loglik == pytest.approx(numbers["loglik"], abs=5e-7)
    assert fit.criterion == pytest.approx(numbers["minus2loglik"], abs=1e-6)
    assert fit.aic == pytest.approx(numbers["AIC"], abs=1e-6)
    assert fit.bic == pytest.approx(numbers["BIC"], abs=1e-6)
    assert (fit.df, fit.df_residual, fit.nobs) == (numbers["df"], numbers["df_residual"], numbers["n_obs"])
    assert fit.ngroups == numbers["n_groups"]
    assert fit.is_singular == reference.is_singular(model)


@every
def test_coefficients_by_name(model):
    fit, numbers = by_id(model.id), model.numbers
    table = fit.coeftable().set_index("term")
    beta, se = compare.array(numbers["beta"]), compare.array(numbers["se"])
    shown = table.loc[numbers["beta_names"]]
    close(shown["estimate"], beta, np.maximum(np.abs(beta), se), 1e-6)
    close(shown["std_error"], se, se, compare.WIDER.get(model.id, {}).get("se", 1e-6))
    dropped = numbers.get("dropped_columns", [])
    assert table.index[table["estimate"].isna()].tolist() == dropped


@every
def test_wald_intervals(model):
    fit, numbers = by_id(model.id), model.numbers
    table = fit.confint(method="wald").set_index("term").loc[numbers["confint_wald"]["names"]]
    se = compare.array(numbers["se"])[:, None]
    close(table[["conf_low", "conf_high"]], numbers["confint_wald"]["values"], se, 1e-5)


UNIQUE = [m for m in MODELS if not m.caveat and m.id not in compare.NOT_UNIQUE]


@pytest.mark.parametrize("model", UNIQUE, ids=lambda m: m.id)
def test_variances_and_correlations_by_term(model):
    fit, numbers = by_id(model.id), model.numbers
    assert [term.label for term in fit.varcorr.terms] == [recorded["term"] for recorded in numbers["varcorr"]]
    for term, recorded in zip(fit.varcorr.terms, numbers["varcorr"], strict=True):
        assert (term.group, list(term.names)) == (recorded["group"], recorded["names"])
        sd = compare.array(recorded["sd"])
        close(term.sd, sd, sd.max() or numbers["sigma"], 1e-4)


@every
def test_predictions(model):
    fit, recorded = by_id(model.id), model.numbers["predict"]
    sigma = model.numbers["sigma"]
    # lme4 leaves an offset that came as an argument out of predictions for new rows.
    options = {"offset": 0.0} if model.numbers.get("offset") else {}
    close(fit.predict(recorded["newdata"], **options), recorded["pred_cond"], sigma, 1e-5)
    close(fit.predict(recorded["newdata"], groups=None, **options), recorded["pred_pop"], sigma, 1e-5)
    unseen = fit.predict(recorded["newdata_with_new_level"], new_levels="population", **options)
    close(unseen, recorded["pred_new_allow"], sigma, 1e-5)


@every
def test_an_unseen_level_is_an_error_unless_allowed(model):
    options = {"offset": 0.0} if model.numbers.get("offset") else {}
    with pytest.raises(hd.errors.DataError, match="NEW_LEVEL"):
        by_id(model.id).predict(model.numbers["predict"]["newdata_with_new_level"], **options)


def partial_group(model: reference.Recorded) -> str | None:
    """The factor of a recorded partial prediction; None where that took one of several terms of a factor."""
    form = model.numbers["predict"].get("partial_re_form")
    group = re.fullmatch(r"~\(.+ \| (.+)\)", form).group(1) if form else None
    return group if [c["group"] for c in model.numbers["cnms"]].count(group) == 1 else None


PARTIAL = [m for m in MODELS if partial_group(m)]


@pytest.mark.parametrize("model", PARTIAL, ids=lambda m: m.id)
def test_predictions_with_some_of_the_grouping_factors(model):
    recorded = model.numbers["predict"]
    ours = by_id(model.id).predict(recorded["newdata"], groups=[partial_group(model)])
    close(ours, recorded["pred_partial"], model.numbers["sigma"], 1e-5)


REML = [m for m in MODELS if m.numbers.get("refitML")]


@pytest.mark.parametrize("model", REML, ids=lambda m: m.id)
def test_the_maximum_likelihood_refit(model):
    """The recorded refit is a plain optimiser's, not polished, so its likelihood alone is held tightly."""
    fit, recorded = by_id(model.id).with_ml(), model.numbers["refitML"]
    assert not fit.reml
    assert fit.loglik >= recorded["loglik"] - 5e-7
    if fit.loglik > recorded["loglik"] + 1e-6:
        return
    se = compare.array(model.numbers["se"])
    close(fit.beta, recorded["beta"], np.maximum(np.abs(recorded["beta"]), se), 1e-4)
    assert fit.sigma == pytest.approx(recorded["sigma"], rel=1e-4)
    assert fit.aic == pytest.approx(recorded["AIC"], abs=2e-6)
    assert fit.bic == pytest.approx(recorded["BIC"], abs=2e-6)


@every
def test_residuals_of_all_kinds(model):
    fit, numbers = by_id(model.id), model.numbers
    sigma = numbers["sigma"]
    head = len(numbers["resid_head"])
    close(fit.fitted[:head], numbers["fitted_head"], sigma, 1e-5)
    close(fit.residuals()[:head], numbers["resid_head"], sigma, 1e-5)
    close(fit.residuals("scaled")[:head], numbers["pearson_resid_head"], 1.0, 1e-5)
    assert math.isclose(float(fit.residuals() @ fit.residuals()), numbers["resid_sumsq"], rel_tol=1e-5)
