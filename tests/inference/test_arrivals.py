"""A new group row by row: closed forms, `predict(given=)`, and the same group fitted along."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.errors import DataError, OptionError

close = np.testing.assert_allclose


@pytest.fixture(scope="module")
def sleep():
    return hd.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleep):
    return hd.lmm("Reaction ~ Days + (Days | Subject)", sleep)


@pytest.fixture(scope="module")
def few():
    return {"Days": [0.0, 1, 2, 5], "Subject": ["new"] * 4, "Reaction": [310.0, 325, 330, 390]}


def test_random_intercepts_have_a_closed_form(sleep):
    fit = hd.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    y = np.array([300.0, 310, 290, 350])
    found = fit.arrivals({"Days": np.arange(4.0), "Reaction": y}, known=[])
    k = np.arange(5)
    tau2 = float((fit.sigma * fit.theta[0]) ** 2)
    shrinkage = fit.sigma**2 / (fit.sigma**2 + k * tau2)
    close(found["shrinkage.(Intercept)"], shrinkage)
    surprise = y - fit.beta[0] - fit.beta[1] * np.arange(4)
    mean = np.concatenate([[0.0], np.cumsum(surprise) / np.arange(1, 5)])
    close(found["(Intercept)"], fit.beta[0] + (1 - shrinkage) * mean)
    close(found["estimate"], found["(Intercept)"] + 3 * fit.beta[1])


def test_every_state_is_what_predict_gives(fit, few):
    found = fit.arrivals(few, at={"Days": [9.0]}, level=0.9)
    at = {"Days": [9.0], "Subject": ["new"]}
    assert found["rows"].tolist() == [10, 0, 1, 2, 3, 4]
    for row in range(1, 6):
        count = int(found["rows"][row])
        options = {"interval": "prediction", "level": 0.9}
        if count:
            options["given"] = {name: values[:count] for name, values in few.items()}
        want = fit.predict(at, new_levels="population", **options)
        for name in ("estimate", "std_error", "pred_low", "pred_high"):
            close(found[name][row], want[name][0])


def test_a_known_group_is_as_in_the_fit(fit, few):
    found = fit.arrivals(few, at={"Days": [9.0]}, known=["337", "309"], interval="confidence")
    assert found["level"].tolist()[:3] == ["337", "309", "new"]
    place = [str(level) for level in fit.ranef["Subject"].levels].index("337")
    close([found["(Intercept)"][0], found["Days"][0]], fit.coef["Subject"].values[place])
    want = fit.predict({"Days": [9.0], "Subject": ["337"]}, interval="confidence")
    close(found["conf_low"][0], want["conf_low"][0])
    prior = np.diag(fit.sigma**2 * fit.estimate.lambdas[0] @ fit.estimate.lambdas[0].T)
    close(
        [found["shrinkage.(Intercept)"][0], found["shrinkage.Days"][0]],
        fit.ranef["Subject"].sd[place] ** 2 / prior,
    )


def test_all_rows_of_a_group_give_what_the_fit_knows_of_it(fit, sleep):
    # Same parameters, same rows: a new person with the rows of 308 gets the line of 308, shrunk as much.
    rows = sleep[sleep["Subject"] == "308"].drop(columns="Subject")
    found = fit.arrivals(rows, known="308")
    for name in ("(Intercept)", "Days", "shrinkage.(Intercept)", "shrinkage.Days", "estimate"):
        close(found[name][-1], found[name][0], rtol=1e-6)


def test_shrinkage_never_grows(fit, few):
    found = fit.arrivals(few)
    for name in ("shrinkage.(Intercept)", "shrinkage.Days"):
        steps = found[name][1:]
        assert steps[0] == 1
        assert (np.diff(steps) < 0).all()


def test_effects_of_other_factors_are_counted():
    data, truth = hd.datasets.simulate_crossed(9, 7, seed=3)
    fit = hd.lmm(truth.formula, data)
    rows = data[data["subject"] == "s1"].head(3).assign(subject="zz")
    found = fit.arrivals(rows, group="subject", known=[])
    want = fit.predict(rows.tail(1), given=rows, interval="prediction")
    close(found["estimate"][-1], want["estimate"][0])
    close(found["pred_high"][-1], want["pred_high"][0])


def test_a_singular_direction_stays_shrunk():
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff2"))
    found = fit.arrivals({"Yield": [9.0, 8.0]})
    close(found["shrinkage.(Intercept)"], 1.0)


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_frames_of_other_kinds(kind):
    data = hd.datasets.load("sleepstudy", as_=kind)
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", data)
    pytest.importorskip(kind)
    rows = hd.datasets.load("sleepstudy").head(3)[["Reaction", "Days"]]
    if kind == "polars":
        import polars as pl

        rows = pl.DataFrame(rows.to_dict("list"))
    else:
        import pyarrow as pa

        rows = pa.table(rows.to_dict("list"))
    found = fit.arrivals(rows)
    assert type(found.to_frame()).__module__.startswith(kind)


@pytest.mark.parametrize(
    ("change", "options", "error", "words"),
    [
        ({"Subject": ["308"] * 4}, {}, DataError, "known"),
        ({"Subject": ["a", "a", "b", "b"]}, {}, DataError, "2 new levels of Subject"),
        ({}, {"known": "999"}, OptionError, "'999'"),
        ({}, {"at": {"Days": [1.0, 2.0]}}, DataError, "2 rows"),
        ({}, {"interval": "both"}, OptionError, "'confidence'"),
        ({}, {"group": "subject"}, OptionError, "'Subject'"),
        ({}, {"levels": 0.9}, OptionError, "'level'"),
    ],
)
def test_wrong_calls_say_what_to_type(fit, few, change, options, error, words):
    with pytest.raises(error, match=words):
        fit.arrivals({**few, **change}, **options)


def test_it_fits_eighty_columns(fit, few):
    text = str(fit.arrivals(few, at={"Days": [9]}))
    assert max(map(len, text.splitlines())) <= 80
    assert "Prediction at Days = 9, 95 % intervals for a new observation." in text
    assert fit.arrivals(few).to_html().startswith("<div")


def test_the_place_may_be_given_as_numbers(fit, few):
    one, other = (fit.arrivals(few, at=at).to_frame() for at in ({"Days": 9}, {"Days": [9]}))
    assert one.equals(other)
