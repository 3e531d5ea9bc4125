"""What sentences say, and what they must not say, on fits whose truth or tables are known."""

from __future__ import annotations

import math
import re
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.display.explanation_words import number, p_value, percent
from henderson.errors import HendersonWarning, OptionError

load = hd.datasets.load
CLAIMS = re.compile(r"is on average|is typically multiplied")


@pytest.fixture(scope="module")
def sleep():
    return hd.lmm("Reaction ~ Days + (Days | Subject)", load("sleepstudy"))


def texts(fit, **options):
    return [s.text for s in fit.explain(**options).sentences]


def whole(fit, **options):
    return "\n".join(texts(fit, **options))


def made(seed=1, groups=12, rows=8, slope=0.0, sd=1.0):
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(groups), rows), rng.normal(size=groups * rows)
    y = 3 + slope * x + sd * rng.normal(size=groups)[g] + rng.normal(size=groups * rows)
    return pd.DataFrame({"y": y, "x": x, "g": g.astype(str)})


def test_numbers_are_those_of_the_table(sleep):
    table = sleep.coeftable(level=0.9, ddf="kenward-roger")
    found = [s.numbers for s in sleep.explain(level=0.9, ddf="kenward-roger").sentences if "df" in s.numbers]
    for j, numbers in enumerate(found):
        for name, value in numbers.items():
            assert value == pytest.approx(table[name][j], rel=1e-12)
    assert len(found) == 2


def test_limits_in_the_text_are_those_that_lme4_and_lmertest_print(sleep):
    text = whole(sleep, units={"Reaction": "ms", "Days": "days"})
    assert "With Days one day greater, Reaction is on average 10.47 ms higher" in text
    assert "t = 6.77 on 17 df, p < 0.001" in text


def test_direction_follows_the_sign():
    data = load("sleepstudy")
    data["Reaction"] = -data["Reaction"]
    text = whole(hd.lmm("Reaction ~ Days + (Days | Subject)", data))
    assert "Reaction is on average 10.47 lower" in text
    assert "interval of the change −13.73 to −7.21" in text


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("slope", [0.0, 0.25, 1.0])
def test_an_effect_is_claimed_exactly_where_its_p_value_is_small(seed, slope):
    fit = hd.lmm("y ~ x + (1 | g)", made(seed, slope=slope))
    row = [s for s in fit.explain().sentences if s.topic == "Fixed effects"][-1]
    clear = fit.coeftable()["p_value"][1] < 0.05
    assert bool(CLAIMS.search(row.text)) == clear
    assert ("do not settle" in row.text) != clear
    assert ("does not show that there is no effect" in whole(fit)) != clear


def test_level_moves_the_claim():
    fit = next(
        fit
        for fit in (hd.lmm("y ~ x + (1 | g)", made(seed, slope=0.2)) for seed in range(50))
        if 0.02 < fit.coeftable()["p_value"][1] < 0.04
    )
    assert "do not settle" not in whole(fit, level=0.95)
    assert "do not settle" in whole(fit, level=0.99)


def test_the_share_that_goes_the_other_way(sleep):
    (spread,) = (s for s in sleep.explain().sentences if "go the other way" in s.text)
    sd, beta = sleep.varcorr["Subject"].sd[1], sleep.fixef["Days"]
    assert spread.numbers["reversed"] == pytest.approx(NormalDist().cdf(-beta / sd), rel=1e-9)
    assert spread.numbers["high"] - spread.numbers["low"] == pytest.approx(2 * 1.959963985 * sd, rel=1e-8)


def test_a_singular_fit_is_said_calmly():
    text = whole(hd.lmm("Yield ~ 1 + (1 | Batch)", load("dyestuff2")))
    assert "The fit finds no variation of the mean Yield from Batch to Batch" in text
    assert "It does not show that there is none." in text
    assert "none lies between groups" in text


def test_perfect_correlation_is_not_called_strong():
    rng = np.random.default_rng(4)
    data = made(3, groups=6, rows=10, slope=1.0)
    data["y"] += 2 * rng.normal(size=6)[data["g"].astype(int)] * (1 + data["x"])
    fit = hd.lmm("y ~ x + (x | g)", data)
    corr = abs(fit.varcorr["g"].corr[0, 1])
    assert ("move in step" in whole(fit)) == (corr >= 0.9999)


def test_tiny_samples_are_said_to_be_tiny():
    fit = hd.lmm("y ~ x + (1 | g)", made(2, groups=3, rows=4, slope=2.0))
    text = whole(fit)
    assert "g has 3 levels only" in text
    assert "degrees of freedom only" in text
    assert "makes intervals too narrow" in whole(fit, ddf="none")


def test_large_samples_are_not():
    text = whole(hd.lmm("y ~ x + (1 | g)", made(2, groups=60, rows=10, slope=2.0)), ddf="none")
    for phrase in ("levels only", "degrees of freedom only", "too narrow", "singular", "left out"):
        assert phrase not in text


def test_levels_are_compared_with_the_reference():
    text = whole(hd.lmm("score ~ Machine + (1 | Worker)", load("machines")))
    assert "score is on average 13.92 higher where Machine is C than where it is A" in text
    other = hd.lmm("score ~ C(Machine, contr.treatment(base = 3)) + (1 | Worker)", load("machines"))
    assert "than where it is A" not in whole(other)


def test_codings_without_a_reference_claim_no_difference():
    text = whole(hd.lmm("score ~ C(Machine, contr.sum) + (1 | Worker)", load("machines")))
    assert "than where it is" not in text
    assert "none of them is to be read alone" in text
    assert "taken together, differ clearly from zero" in text


def test_without_a_constant_levels_have_means():
    text = whole(hd.lmm("score ~ 0 + Machine + (1 | Worker)", load("machines")))
    assert "The mean score where Machine is B is 60.32" in text
    assert "higher where" not in text


def test_columns_of_one_name_and_another_meaning_are_told_apart():
    """MachineB is a difference in the fixed part and a level of its own in ``0 + Machine``."""
    text = whole(hd.lmm("score ~ Machine + (0 + Machine | Worker)", load("machines")))
    assert "From Worker to Worker the score where Machine is B varies" in text
    assert "From Worker to Worker the difference" not in text
    text = whole(hd.lmm("score ~ Machine + (Machine | Worker)", load("machines")))
    assert "From Worker to Worker the difference in score between Machine B and A varies" in text
    text = whole(hd.lmm("score ~ 0 + Machine + (Machine | Worker)", load("machines")))
    assert "From Worker to Worker the mean score where Machine is B" not in text


def test_an_intercept_is_that_of_its_slopes_zero():
    text = whole(hd.lmm("Reaction ~ 1 + (Days | Subject)", load("sleepstudy")))
    assert "From Subject to Subject the mean Reaction where Days is zero varies" in text


def test_interactions_hold_at_the_reference_and_are_called_changes():
    text = whole(hd.lmm("distance ~ age * Sex + (age | Subject)", load("orthodont")), units={"age": "years"})
    assert "With age one year greater, distance is on average 0.7844 higher where Sex is Male" in text
    assert "The change of distance per year of age is 0.305 lower where Sex is Female" in text
    assert "Zero lies outside the data of age (8 to 14)" in text


def test_slopes_within_levels():
    text = whole(hd.lmm("distance ~ 0 + Sex + Sex:age + (1 | Subject)", load("orthodont")))
    assert "distance is on average 0.480 higher where Sex is Female" in re.sub(r"0\.4795", "0.480", text)
    assert "than where it is" not in text


def test_a_logarithm_multiplies():
    fit = hd.lmm("log(Reaction) ~ Days + (Days | Subject)", load("sleepstudy"))
    ratio = math.exp(fit.fixef["Days"])
    text = whole(fit, units={"Reaction": "ms"})
    assert f"With Days one unit greater, Reaction is typically multiplied by {ratio:.4f}"[:80] in text
    assert f"{100 * (ratio - 1):.1f} % higher" in text
    assert " ms" not in text


def test_another_transform_keeps_to_its_scale():
    text = whole(
        hd.lmm("sqrt(Reaction) ~ Days + (1 | Subject)", load("sleepstudy")), units={"Reaction": "ms"}
    )
    assert "all numbers are on that scale" in text
    assert " ms" not in text
    assert "sqrt(Reaction) is on average" in text


def test_doubling_a_variable_whose_logarithm_is_in_the_model():
    data = load("sleepstudy")
    data["day"] = data["Days"] + 1
    for name, base in (("log", math.e), ("log2", 2.0), ("log10", 10.0)):
        fit = hd.lmm(f"Reaction ~ {name}(day) + (1 | Subject)", data)
        step = fit.fixef.iloc[1] * math.log(2, base)
        found = re.search(r"Twice the day goes with a change of ([\d.]+)\.", whole(fit))
        assert float(found[1]) == pytest.approx(step, abs=0.006)


def test_curves_are_not_read_column_by_column():
    for formula in ("Days + I(Days^2)", "poly(Days, 2)"):
        text = whole(hd.lmm(f"Reaction ~ {formula} + (1 | Subject)", load("sleepstudy")))
        assert "describe a curve along Days together" in text
        assert not CLAIMS.search(text)


def test_variables_that_compare_groups_are_named():
    text = whole(hd.lmm("distance ~ age + Sex + (1 | Subject)", load("orthodont")))
    assert "Sex is the same in all rows of a level of Subject" in text
    assert "of which there are 27" in text
    assert "age is the same" not in text
    assert "mixes comparisons" not in text


def test_mixed_comparisons_are_named_where_the_group_mean_is_not_in_the_model():
    data = made(5, slope=1.0)
    data["x"] += np.random.default_rng(8).normal(size=12)[data["g"].astype(int)]
    data["between"] = data.groupby("g")["x"].transform("mean")
    assert "mixes comparisons within and between" in whole(hd.lmm("y ~ x + (1 | g)", data))
    assert "mixes comparisons" not in whole(hd.lmm("y ~ x + between + (1 | g)", data))


def test_icc_of_a_random_intercept_is_a_correlation():
    fit = hd.lmm("Reaction ~ 1 + (1 | Subject)", load("sleepstudy"))
    text = whole(fit)
    assert (
        "39 % lies between levels of Subject: two observations of the same Subject correlate by 0.39" in text
    )
    assert "marginal" not in text


def test_maximum_likelihood_is_said(sleep):
    assert "fit.with_reml()" in whole(sleep.with_ml())
    assert "fit.with_reml()" not in whole(sleep)


def test_a_search_that_was_cut_short_is_said():
    with pytest.warns(HendersonWarning):
        fit = hd.lmm("Reaction ~ Days + (Days | Subject)", load("sleepstudy"), max_evaluations=2)
    assert "The numbers above are where it stopped, not the estimate." in whole(fit)


def test_a_model_without_fixed_effects():
    data = made()
    data["y"] -= data["y"].mean()
    text = whole(hd.lmm("y ~ 0 + (1 | g)", data))
    assert "The model has none: the mean of y is taken to be zero." in text
    assert "marginal" not in text


def test_units_of_what_is_no_column_are_refused(sleep):
    with pytest.raises(OptionError, match="no numeric column 'Day'; it has 'Reaction', 'Days'"):
        sleep.explain(units={"Day": "days"})
    with pytest.raises(OptionError, match="units must be a dict"):
        sleep.explain(units="ms")


def test_names_of_the_data_are_escaped():
    data = made(slope=2.0).rename(columns={"x": "<b>x_1*"})
    page = hd.lmm("y ~ `<b>x_1*` + (1 | g)", data).explain()
    assert "<b>" not in page.to_html()
    assert "\\_1\\*" in page.to_markdown()


def test_a_fit_read_back_says_the_same(sleep):
    assert str(hd.LinearMixedFit.from_dict(sleep.to_dict()).explain()) == str(sleep.explain())


def test_frame_has_a_row_per_number(sleep):
    page = sleep.explain()
    frame = page.to_frame()
    assert list(frame.columns) == ["topic", "text", "name", "value"]
    assert len(frame) == sum(max(1, len(s.numbers)) for s in page.sentences)


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [(0.0, 1.0, "0.00"), (-0.001, 1.0, "0.00"), (-3.14159, 0.2, "−3.142"), (float("nan"), 1.0, "unknown")],
)
def test_numbers_have_the_decimals_that_they_deserve(value, spread, text):
    assert number(value, spread) == text


def test_p_values_are_rounded_and_never_across_a_twentieth():
    assert [p_value(p) for p in (0.0006, 0.04996, 0.0504, 0.1239)] == [
        "p < 0.001",
        "p = 0.04996",
        "p = 0.0504",
        "p = 0.124",
    ]
    assert percent(0.9999) == "more than 99.9 %"


# -- what intervals support ----------------------------------------------------------------------------------


def test_a_correlation_is_claimed_only_where_its_interval_leaves_out_zero(sleep):
    text = whole(sleep)
    assert "The data do not settle whether, from Subject to Subject, the intercept and the coeff" in text
    assert "go together: the estimated correlation is 0.07 (approximate 95 % interval −0.52 to 0.61)." in text
    machines = hd.lmm("score ~ Machine + (0 + Machine | Worker)", load("machines"))
    for sentence in machines.explain().sentences:
        if "correlation" in sentence.numbers:
            low, high = sentence.numbers["conf_low"], sentence.numbers["conf_high"]
            assert ("tends to be" in sentence.text) == (low > 0 or high < 0)
            assert ("do not settle" in sentence.text) == (low <= 0 <= high)
    for word in ("strongly", "weakly", "hardly correlated"):
        assert word not in whole(machines)


def test_what_has_no_interval_says_so():
    data, _ = hd.datasets.simulate_athletes(4, (20, 30), seed=42)
    rows = made(3, groups=6, rows=10, slope=1.0)
    rows["z"] = np.random.default_rng(5).normal(size=60)
    fit = hd.lmm("y ~ x + z + (x + z | g)", rows)
    text = whole(fit)
    assert fit.is_singular
    assert "without their own uncertainty: a singular fit has no simple intervals." in text
    assert "approximate" not in text
    assert "computed at the estimates; their own uncertainty is not shown" in whole(
        hd.lmm("correctness ~ session_high + (1 | athlete)", data)
    )


def test_ranges_of_groups_are_said_to_rest_on_the_estimates(sleep):
    ranges = [s.text for s in sleep.explain().sentences if "lie between" in s.text]
    assert len(ranges) == 2
    assert all("At these estimates, and if the variation is normal," in text for text in ranges)


# -- numbers that stand for levels ---------------------------------------------------------------------------


def test_a_number_of_two_values_is_told_as_a_difference():
    data, _ = hd.datasets.simulate_athletes(4, (20, 30), seed=42)
    text = whole(hd.lmm("correctness ~ session_high + (1 | athlete)", data))
    assert "correctness is on average 0.07267 lower where session_high is 1 than where it is 0" in text
    assert "one unit greater" not in text
    assert "goes on beyond" not in text
    data["session_high"] = data["session_high"] - 0.5
    text = whole(hd.lmm("correctness ~ session_high + (session_high || athlete)", data))
    assert "where session_high is 0.5 than where it is −0.5" in text
    data["session_high"] *= 4  # two steps apart: a slope again
    assert "With session_high one unit greater" in whole(
        hd.lmm("correctness ~ session_high + (1 | athlete)", data)
    )


def test_few_whole_numbers_may_be_labels():
    data = load("machines")
    data["M"] = data["Machine"].map({"A": 1, "B": 2, "C": 3}).astype(int)
    text = whole(hd.lmm("score ~ M + (1 | Worker)", data))
    assert "M has the values 1, 2 and 3 only" in text
    assert "If they are labels, write C(M)." in text
    text = whole(hd.lmm("score ~ C(M) + (1 | Worker)", data))
    assert "score is on average 7.97 higher where M is 2 than where it is 1" in text
    assert "labels" not in text
    assert "labels" not in whole(hd.lmm("distance ~ age + (1 | Subject)", load("orthodont")))  # 8, 10, 12, 14


def test_an_open_interaction_has_the_unit_of_its_slope():
    data = load("sleepstudy")
    data["half"] = np.where(data["Subject"].astype(str).astype(int) % 2 == 0, "even", "odd")
    text = whole(
        hd.lmm("Reaction ~ half * Days + (Days || Subject)", data), units={"Reaction": "ms", "Days": "days"}
    )
    assert "rises or falls with Days: the estimated change is −4.65 ms per day" in text


def test_a_scaled_column_is_in_standard_deviations():
    text = whole(hd.lmm("distance ~ scale(age) + (1 | Subject)", load("orthodont")))
    assert "With scale(age) one standard deviation greater, distance is on average 1.48" in text


def test_powers_are_zero_where_their_base_is():
    text = whole(hd.lmm("Reaction ~ Days + I(Days^2) + (Days + I(Days^2) || Subject)", load("sleepstudy")))
    assert "The mean Reaction where Days is zero is" in text
    assert "I(Days^2) is zero" not in text
    assert "I(Days^2) are zero" not in text


# -- groups inside others ------------------------------------------------------------------------------------


def test_inner_groups_vary_within_outer_ones():
    fit = hd.lmm("strength ~ 1 + (1 | batch/cask)", load("pastes"))
    text = whole(fit)
    assert "Within a level of batch, from cask to cask the mean strength varies" in text
    assert "95 % of the levels of cask in an average level of batch lie between" in text
    assert "78 % lies between levels of cask within batch and 15 % lies between levels of batch" in text
    assert "Within cask:batch, single observations" in text


def test_combinations_of_a_fixed_and_a_random_factor_have_no_range_of_their_own():
    text = whole(hd.lmm("score ~ Machine + (1 | Worker/Machine)", load("machines")))
    assert (
        "Beyond Machine and Worker each by themselves, their combinations vary in the level of score" in text
    )
    assert "from Machine to Machine" not in text
    assert "37 % lies between levels of Machine:Worker" in text


def test_crossed_groups_are_taken_at_an_average_other():
    text = whole(hd.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", load("penicillin")))
    assert "95 % of levels of plate, at an average sample, lie between" in text


def test_degrees_of_freedom_of_few_coefficients_are_given_from_least_to_most():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"y": rng.normal(size=6), "g": list("aabbcc"), "x": [0.0, 1, 0, 1, 0, 1]})
    assert "rests on 2 to 3.8 degrees of freedom only: these intervals are wide" in whole(
        hd.lmm("y ~ x + (1 | g)", data)
    )


# -- what varies about what ----------------------------------------------------------------------------------


def moved() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    g, x = np.repeat(np.arange(20), 10), rng.normal(size=200) + 10
    f, slope = rng.choice(list("ab"), size=200), rng.normal(size=20)[g]
    y = 10 + x + 2 * rng.normal(size=20)[g] + 0.5 * (x - 10) * slope + rng.normal(size=200)
    return pd.DataFrame({"y": y, "x": x, "x10": rng.normal(size=200), "f": f, "g": g})


def spreads(formula: str) -> list[str]:
    found = hd.lmm(formula, moved()).explain().sentences
    return [s.text for s in found if s.topic == "Differences between groups" and s.text.startswith("From g")]


@pytest.mark.parametrize("formula", ["y ~ center(x) + (x | g)", "y ~ x + (center(x) | g)"])
def test_a_spread_at_one_place_is_not_put_about_a_mean_at_another(formula):
    """The groups' intercepts vary at zero of the random slope; the fixed intercept is somewhere else."""
    level = spreads(formula)[0]
    assert level.startswith("From g to g the level of y where ")
    assert "lie between" not in level


def test_a_place_is_named_once_and_by_its_whole_name():
    assert "where x is zero and x10 is zero varies" in spreads("y ~ x + (x10 | g)")[0]
    assert "where f is a and x is zero varies" in spreads("y ~ x * f + (x:f | g)")[0]


def test_a_difference_between_levels_is_not_called_their_response():
    assert "the coefficient of fb varies" in spreads("y ~ x + (f | g)")[1]
    assert "the y where f is b varies" in spreads("y ~ x + (0 + f | g)")[1]
    assert "the coefficient of fb varies" in spreads("y ~ x + (0 + f + x | g)")[1]


def test_zero_has_no_sign():
    fit = hd.lmm("log10(Reaction) ~ I(-Days) + (1 | Subject)", hd.datasets.load("sleepstudy"))
    assert any("from −9 to 0: " in s.text for s in fit.explain().sentences)


def test_a_share_between_groups_is_told_where_it_is_beyond_chance():
    """Values drawn without any order have (G - 1) / (n - 1) of their variance between groups."""
    rng = np.random.default_rng(7)
    g = np.repeat(np.arange(40), 5)
    data = pd.DataFrame({"y": rng.normal(size=200), "g": g.astype(str), "free": rng.normal(size=200)})
    data["tied"], data["bound"] = (data["free"] + s * rng.normal(size=40)[g] for s in (1.0, 1.5))
    assert "mixes" not in whole(hd.lmm("y ~ free + (1 | g)", data))
    assert "of the variance of tied lies between levels of g: its coefficient mixes" in whole(
        hd.lmm("y ~ tied + (1 | g)", data)
    )
    text = whole(hd.lmm("y ~ tied + bound + (1 | g)", data))
    assert re.search(r"of tied and \d+ % of the variance of bound lie between levels of g: their coeff", text)
