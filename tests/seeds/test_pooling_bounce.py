"""The chapter on bounce times: one regression, counties as fixed effects, and the mixed model."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd

from .bounce import load

# The coefficients that the chapter prints for its eight dummies, which add up to zero.
COUNTIES = {
    "devon": -21.381957,
    "cumbria": 9.391460,
    "norfolk": 9.824419,
    "kent": 7.938668,
    "dorset": -2.079637,
    "london": -21.437323,
    "cheshire": 18.372916,
    "essex": -0.628546,
}


@pytest.fixture(scope="module")
def data():
    return load()


@pytest.fixture(scope="module")
def found(data):
    return hd.pooling("bounce_time ~ age_scaled + (1 | county)", data)


def test_the_simple_regression(found):
    complete = found.record.method("complete")
    assert complete.population.round(6).tolist() == [201.316462, 6.279602]
    assert round(complete.rmse(found.record.y), 6) == 14.928334


def test_counties_as_fixed_effects(found):
    dummies = found.record.method("dummies")
    assert round(dummies.rmse(found.record.y), 6) == 8.563396
    table = found.to_frame().query("method == 'dummies'").set_index(["term", "level"])["estimate"]
    intercepts = table.loc["(Intercept)"]
    effects = (intercepts - intercepts.mean()).round(6)
    assert effects.to_dict() == COUNTIES
    assert set(table.loc["age_scaled"].round(6)) == {0.048782}


def test_the_mixed_model_and_its_error(found):
    fit = found.fit
    assert round(-fit.criterion / 2, 4) == -1733.0397
    assert round(fit.sigma**2, 3) == 74.735
    errors = found.errors.to_frame().set_index("method")["rmse"]
    # The chapter meant to print this one, but its cell fails.
    assert errors["dummies"] < errors["partial"] < errors["dummies"] + 0.01


def test_separate_regressions_are_the_forty_eight_parameters(data):
    found = hd.pooling("bounce_time ~ age_scaled + (1 | county:location)", data)
    assert found.record.method("none").parameters == 48
    rows = data[(data["county"] == "devon") & (data["location"] == "a")]
    slope, start = np.polyfit(rows["age_scaled"], rows["bounce_time"], 1)
    table = found.to_frame().query("method == 'none' and level == 'devon:a'")["estimate"]
    np.testing.assert_allclose(table, [start, slope], rtol=1e-9)


def test_slopes_that_vary_by_county_converge(data):
    found = hd.pooling("bounce_time ~ age_scaled + (age_scaled | county)", data)
    fit = found.fit
    assert fit.converged
    assert round(-fit.criterion / 2, 5) == -1731.51764
    assert round(float(found.record.covariance[0, 0]), 2) == 198.73
    assert round(float(found.record.covariance[1, 1]), 2) == 1.99
    corr = found.record.covariance[0, 1] / np.sqrt(198.73 * 1.99)
    assert round(float(corr), 2) == -0.85
    assert round(fit.sigma**2, 2) == 74.13


def test_locations_within_counties_are_said_to_be_singular_calmly(data, recwarn):
    found = hd.pooling("bounce_time ~ age_scaled + (age_scaled | county/location)", data, group="county")
    assert round(-found.fit.criterion / 2, 5) == -1498.15412
    assert found.fit.estimate.singular
    assert not recwarn.list
    assert found.record.others == ("location:county",)
