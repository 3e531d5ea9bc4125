"""Profile limits against lme4's ``confint(fit, method = "profile")``, to 1e-3 of a standard error.

lme4 reads its limits off a spline through the profile, which it cuts where a standard deviation nears zero or
a correlation one.  Four recorded limits are off by more than the tolerance (one of them is -1, with the
warning "bad spline fit").  For these the test shows, by the deviance written down n x n, that it has risen by
the chi-square quantile at our limit, and not at the recorded one.  A fifth is read off a branch of the
profile that is not the lowest: with the intercepts' deviation at zero every correlation fits better than the
recorded limit does, so that the data set it no lower limit.
"""

from __future__ import annotations

import numpy as np
import pytest

from henderson.inference.intervals.parameters import parameters
from henderson.inference.intervals.profile import profile
from tests.inference.intervals.dense_profile import Dense

from . import compare, fits, reference

MODELS = [m for m in reference.models() if m.numbers.get("confint_profile")]
pytestmark = pytest.mark.skipif(not MODELS, reason="no recorded profiles here")
QUANTILE = 1.959963984540054**2

# Model, parameter, end: how far the deviance at the recorded limit is from where it should be, at least.
OFF = {
    ("oats_split_reml", "sd_(Intercept)|Block", 0): 0.01,
    ("orthodont_slope_reml", "sd_age|Subject", 0): 5e-3,
    ("sim_near2_ml", "cor_x.(Intercept)|g", 0): 1e-3,
    ("sim_near2_reml", "cor_x.(Intercept)|g", 0): 50.0,
}

# Model, parameter, end where no value raises the deviance by the quantile: the deviation that is zero there.
NEVER = {("orthodont_slope_reml", "cor_age.(Intercept)|Subject", 0): "sd_(Intercept)|Subject"}


def fit_of(model):
    fitted = fits.fit_once(model)
    return fitted.design, profile(fitted.design, fitted.estimate)


def standard_errors(design, record, recorded):
    """Of fixed effects from the fit, else a quarter of the interval."""
    width = (record.conf_high - record.conf_low) / 4
    return np.where(width > 0, width, np.abs(recorded).max(axis=1))


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.id)
def test_limits(model):
    design, record = fit_of(model)
    recorded = compare.array(model.numbers["confint_profile"]["values"])
    ours = np.column_stack([record.conf_low, record.conf_high])
    assert len(record.terms) == len(recorded)
    kinds = [p.kind for p in parameters(design)]
    variances = kinds.index("sigma")
    names = model.numbers["confint_profile"]["names"][:variances]
    assert [name.split("_")[0] for name in names] == kinds[:variances]
    off = np.abs(ours - recorded) / standard_errors(design, record, recorded)[:, None]
    for j, term in enumerate(record.terms):
        for end in (0, 1):
            if (model.id, term, end) not in OFF | NEVER:
                assert off[j, end] <= 1e-3, (term, ours[j], recorded[j])


@pytest.mark.parametrize("case", OFF, ids=lambda case: f"{case[0]}-{case[1]}")
def test_recorded_limits_that_are_off(case):
    name, term, end = case
    model = next((m for m in MODELS if m.id == name), None)
    if model is None:
        pytest.skip("this model is not recorded here")
    design, record = fit_of(model)
    j = record.terms.index(term)
    curve, ours = record.curves[j], (record.conf_low[j], record.conf_high[j])[end]
    recorded = compare.array(model.numbers["confint_profile"]["values"])[j, end]
    dense = Dense(design)
    start = curve.others[int(np.argmin(np.abs(curve.value - ours)))]
    assert dense.deviance(start) - record.deviance == pytest.approx(QUANTILE, abs=1e-7)
    rise = dense.held(term, float(recorded), start) - record.deviance
    assert abs(rise - QUANTILE) > OFF[case]


@pytest.mark.parametrize("case", NEVER, ids=lambda case: f"{case[0]}-{case[1]}")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_recorded_limits_of_another_branch(case):
    name, term, end = case
    model = next((m for m in MODELS if m.id == name), None)
    if model is None:
        pytest.skip("this model is not recorded here")
    design, record = fit_of(model)
    j, dense = record.terms.index(term), Dense(design)
    start = record.curves[j].others[int(np.argmin(np.abs(record.curves[j].value)))].copy()
    start[record.every.index(NEVER[case])] = 0.0
    recorded = compare.array(model.numbers["confint_profile"]["values"])[j, end]
    assert (record.conf_low[j], record.conf_high[j])[end] == np.sign(recorded)
    for value in (recorded, *(np.sign(recorded) * np.array([0.92, 0.95, 0.99, 0.9999]))):
        assert dense.held(term, float(value), start) - record.deviance < 0.6 * QUANTILE


def test_a_correlation_does_not_slip_to_its_opposite():
    """With one deviation near zero, a length below zero would stand for minus the correlation."""
    model = next((m for m in reference.models() if m.id == "sim_psy_slopes_reml"), None)
    if model is None:
        pytest.skip("this model is not recorded here")
    fitted = fits.fit_once(model)
    record = profile(fitted.design, fitted.estimate, "cor_a.(Intercept)|subj")
    place = record.every.index("cor_a.(Intercept)|subj")
    (curve,) = record.curves
    exists = np.isfinite(curve.others[:, place])  # not where the deviation has gone to zero
    assert exists.sum() > 6
    np.testing.assert_allclose(curve.others[exists, place], curve.value[exists], atol=1e-9)
    dense, low = Dense(fitted.design), float(record.conf_low[0])
    start = curve.others[int(np.argmin(np.abs(curve.value - low)))]
    assert dense.held("cor_a.(Intercept)|subj", low, start) - record.deviance == pytest.approx(
        QUANTILE, abs=1e-5
    )
