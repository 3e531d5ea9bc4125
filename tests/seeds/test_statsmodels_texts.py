"""The teaching texts that use statsmodels, run by its import and by ours, against the numbers they print.

Some printed digits depend on where statsmodels' search stopped. Such a table is held against our likelihood
stopped by the same rule (`stopped`), to its last digit, and our own estimates against it to a relative 2e-4.
"""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest

from henderson.adapters import statsmodels as ours
from henderson.adapters.statsmodels import fitting
from tests.adapters.statsmodels_models import sleep
from tests.seeds import bounce as bounce_data
from tests.seeds import scripts

theirs = pytest.importorskip("statsmodels.formula.api")
sm = pytest.importorskip("statsmodels.api")


@cache
def run(name: str) -> tuple[dict, dict]:
    """One script with our import line and with statsmodels' own."""
    their_sm = type(
        "sm", (), {"datasets": ours.datasets, "OLS": sm.OLS, "add_constant": staticmethod(sm.add_constant)}
    )
    arguments = {
        "course": ((ours, ours, sleep()), (theirs, sm, sleep())),
        "chapter": ((ours, ours), (theirs, their_sm)),  # the data set without the network
        "athletes": ((ours, scripts.simulated_athletes()), (theirs, scripts.simulated_athletes())),
    }
    if name == "bounce":
        data = bounce_data.load()
        arguments["bounce"] = ((ours, data), (theirs, data))
    mine, other = arguments[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitting._told.clear()
        return getattr(scripts, name)(*mine), getattr(scripts, name)(*other)


def coefficients(summary: str) -> dict[str, list[float]]:
    """Rows of the lower table of a printed summary: name to its numbers."""
    lines = summary.split("---\n")[-1].splitlines()[:-1]
    out = {}
    for line in lines:
        words = line.split()
        numbers = [word for word in words if word.replace(".", "").replace("-", "").isdigit() and "." in word]
        out[" ".join(words[: len(words) - len(numbers)])] = [float(x) for x in numbers]
    return out


def fact(summary: str, name: str) -> str:
    """What the upper table says of `name`."""
    return summary.split(name)[1].split()[0]


def stopped(result):
    """Our result where statsmodels' stopping rule halts a search of our likelihood from its start."""
    from scipy.optimize import minimize

    model, n = result.model, result.nobs
    model.reml = result.reml
    start = np.concatenate([np.eye(model.k_re)[np.tril_indices(model.k_re)], np.ones(model.k_vc)])
    found = minimize(
        lambda x: -model.loglike(x) / n,
        start,
        jac=lambda x: -model.score(x) / n,
        method="BFGS",
        options={"gtol": 1e-5},
    )
    return model.fit(reml=result.reml, start_params=found.x, do_cg=False)


def holds(result, llf: str, scale: str, table: dict[str, list[float]]) -> None:
    """The printed table: to its last digit under its own stopping rule, nearly so at the maximum."""
    at = str(stopped(result).summary())
    assert (fact(at, "Log-Likelihood:"), fact(at, "Scale:")) == (llf, scale)
    assert coefficients(at) == table
    own = str(result.summary())
    assert (fact(own, "Log-Likelihood:"), fact(own, "Converged:")) == (llf, "Yes")
    assert float(fact(own, "Scale:")) == pytest.approx(float(scale), rel=2e-4)
    rows = coefficients(own)
    assert list(rows) == list(table)
    for name, numbers in table.items():
        np.testing.assert_allclose(rows[name], numbers, rtol=2e-4, atol=2e-3)


def test_course_on_the_sleep_study():
    """Text 000: OLS by matrices, mixedlm with default options, the loop over random_effects."""
    mine, other = run("course")
    assert mine["line"].round(3).to_dict() == {"const": 251.405, "Days": 10.467}
    np.testing.assert_allclose(mine["curve"], other["curve"], rtol=1e-12)
    assert mine["spoken"] == other["spoken"]
    assert len(mine["spoken"]) == 18
    result = mine["result"]
    level = result.fe_params["Intercept"] + result.random_effects[371]["Group"]
    assert (round(level, 2), round(result.fe_params["Days"], 2)) == (248.11, 10.47)
    level = result.fe_params["Intercept"] + result.random_effects[337]["Group"]
    assert round(level, 2) == 323.59
    agree(mine["result"], other["result"])


CHAPTER = {
    "unconditional": (
        "-952.1633",
        "1958.8670",
        {"Intercept": [298.508, 9.050, 32.985, 0.0, 280.770, 316.245], "Group Var": [1278.324, 12.009]},
    ),
    "intercepts": (
        "-893.2325",
        "960.4568",
        {
            "Intercept": [251.405, 9.747, 25.794, 0.0, 232.302, 270.508],
            "Days": [10.467, 0.804, 13.015, 0.0, 8.891, 12.044],
            "Group Var": [1378.176, 17.156],
        },
    ),
    "slopes": (
        "-871.8141",
        "654.9405",
        {
            "Intercept": [251.405, 6.825, 36.838, 0.0, 238.029, 264.781],
            "Days": [10.467, 1.546, 6.771, 0.0, 7.438, 13.497],
            "Group Var": [612.096, 11.881],
            "Group x Days Cov": [9.605, 1.821],
            "Days Var": [35.072, 0.610],
        },
    ),
}


@pytest.mark.parametrize("number", [0, 1, 2], ids=list(CHAPTER))
def test_multilevel_chapter(number):
    """Text 002: three models by BFGS."""
    mine, other = run("chapter")
    holds(mine["fits"][number], *list(CHAPTER.values())[number])
    agree(mine["fits"][number], other["fits"][number])


def test_intraclass_correlation_of_the_multilevel_chapter():
    """Text 002: 39 % of the variance is between subjects."""
    mine, other = run("chapter")
    assert mine["icc"] == other["icc"] == 0.3949


def test_athletes_notebook():
    """Text 004: 200 simulated repeats, every number of the printed summary."""
    mine, other = run("athletes")
    table = {
        "Intercept": [0.846, 0.013, 67.146, 0.0, 0.821, 0.871],
        "session_high": [-0.073, 0.006, -11.422, 0.0, -0.085, -0.060],
        "Group Var": [0.001, 0.011],
    }
    holds(mine["result"], "328.5277", "0.0019", table)
    agree(mine["result"], other["result"])
    means = scripts.simulated_athletes().groupby("session_label")["correctness"].mean().round(6)
    assert means.to_dict() == {"session_20": 0.845846, "session_30": 0.773172}


def test_bounce_chapter_random_intercepts():
    """Text 001: 480 visits in 8 counties, random intercepts."""
    mine, other = run("bounce")
    result = mine["intercepts"]["result"]
    table = {
        "Intercept": [201.316, 5.175, 38.902, 0.0, 191.174, 211.459],
        "age_scaled": [0.136, 0.612, 0.221, 0.825, -1.065, 1.336],
        "Group Var": [212.999, 13.382],
    }
    holds(result, "-1733.0397", "74.7350", table)
    assert round(result.scale, 3) == 74.735
    assert (result.nobs, result.model.n_groups) == (480, 8)
    assert round(float(result.cov_re.iloc[0, 0]), 2) == 213.03  # the text's search stopped at 212.999
    np.testing.assert_allclose(mine["intercepts"]["rmse"], other["intercepts"]["rmse"], rtol=1e-5)
    agree(result, other["intercepts"]["result"])


def test_bounce_chapter_random_slopes_converge():
    """Text 001: where the text says "Converged: No" at -1733.3946, the maximum is -1731.51764."""
    mine, other = run("bounce")
    summary, result = mine["slopes"]["summary"], mine["slopes"]["result"]
    assert fact(summary, "Converged:") == "Yes"
    assert round(result.llf, 5) == -1731.51764
    assert result.llf > -1733.3946
    assert result.llf >= other["slopes"]["result"].llf - 1e-9
    cov = result.cov_re.to_numpy()
    assert [round(cov[0, 0], 2), round(cov[1, 1], 2), round(result.scale, 2)] == [198.73, 1.99, 74.13]
    assert round(cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]), 2) == -0.85
    assert list(result.cov_re.columns) == ["Group", "age_scaled"]
    assert "Group x age_scaled Cov" in summary
    assert mine["slopes"]["performance"].shape == (480, 3)


def test_bounce_chapter_locations_within_counties():
    """Text 001 leaves locations to the reader: county and location with slopes, singular and said calmly."""
    import henderson as hd

    data = bounce_data.load()
    fit = hd.lmm("bounce_time ~ age_scaled + (age_scaled | county/location)", data)
    assert round(fit.loglik, 5) == -1498.15412
    assert fit.is_singular


def agree(mine, other) -> None:
    """Names, and numbers as far as statsmodels' search takes them; our likelihood is not lower."""
    assert mine.llf >= other.llf - 1e-9
    assert list(mine.params.index) == list(other.params.index)
    np.testing.assert_allclose(mine.params, other.params, rtol=1e-3)
    np.testing.assert_allclose(mine.bse, other.bse, rtol=1e-3)
    np.testing.assert_allclose(mine.fittedvalues, other.fittedvalues, rtol=1e-5)
    assert mine.fittedvalues.index.equals(other.fittedvalues.index)
