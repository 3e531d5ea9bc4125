"""Linear hypotheses: text, dict and matrix; each against the formulas by hand."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.errors import OptionError
from henderson.inference.hypotheses.expression import read_hypotheses


@pytest.fixture(scope="module")
def sleep():
    return hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))


@pytest.fixture(scope="module")
def machines():
    return hd.lmm("score ~ Machine + (1 | Worker)", hd.datasets.load("machines"))


def test_text_dict_and_matrix_are_one(sleep):
    text = sleep.test("Days = 10, (Intercept) = 250")
    for other in (sleep.test({"Days": 10, "(Intercept)": 250}), sleep.test([[0, 1], [1, 0]], [10, 250])):
        for name in ("estimate", "std_error", "statistic", "df", "p_value", "null", "conf_low"):
            np.testing.assert_allclose(other[name], text[name], rtol=1e-12)
        assert other.joint.statistic == pytest.approx(text.joint.statistic, rel=1e-12)


def test_numbers_by_hand(sleep):
    found = sleep.test("2*Days - (Intercept)/25 = 10")
    c = np.array([-1 / 25, 2.0])
    se = np.sqrt(c @ sleep.vcov.to_numpy() @ c)
    assert found["estimate"][0] == pytest.approx(c @ sleep.beta)
    assert found["std_error"][0] == pytest.approx(se)
    assert found["statistic"][0] == pytest.approx((c @ sleep.beta - 10) / se)
    assert found.joint.statistic == pytest.approx(found["statistic"][0] ** 2)
    assert found.joint.p_value == pytest.approx(found["p_value"][0])


@pytest.mark.parametrize(
    "text",
    [
        "Machine[T.B] - Machine[T.C] = 0",
        "MachineB = MachineC",
        "Machine[B] - Machine[C]",
        "(MachineB - MachineC) * 2 = 0 * 3",
        "-MachineC + MachineB",
        "`MachineB` - `MachineC` = 0",
    ],
)
def test_ways_to_type_a_difference(machines, text):
    found = machines.test(text)
    c = np.array([0.0, 1.0, -1.0])
    F = (c @ machines.beta) ** 2 / (c @ machines.vcov.to_numpy() @ c)
    assert found.joint.statistic == pytest.approx(F)


def test_all_levels_at_once_is_the_analysis_of_variance(machines):
    joint, table = machines.test("MachineB, MachineC").joint, machines.anova()
    assert joint.statistic == pytest.approx(table["statistic"][0])
    assert (joint.num_df, joint.den_df) == pytest.approx((2, table["den_df"][0]))


def test_a_chain_of_equals(machines):
    assert machines.test("MachineB = MachineC = 10").joint.num_df == 2


def test_dependent_rows_count_once(sleep):
    once, twice = sleep.test("Days = 10"), sleep.test("Days = 10, 2*Days = 20, Days*3 - 30")
    assert twice.joint.num_df == 1
    assert twice.joint.statistic == pytest.approx(once.joint.statistic)
    assert twice.joint.den_df == pytest.approx(once.joint.den_df)


def test_names_with_commas_and_blanks():
    rows = hd.datasets.load("sleepstudy").assign(**{"a name": lambda d: d["Days"] % 3})
    fit = hd.lmm("Reaction ~ poly(Days, 2) + `a name` + (1 | Subject)", rows)
    for text in ("poly(Days, 2)1 = 0, `a name` = 1", "poly(Days,2)1=0,`a name`=1"):
        L = fit.test(text).record.L
        np.testing.assert_array_equal(L, [[0, 1, 0, 0], [0, 0, 0, 1]])


def test_a_name_is_not_found_inside_another():
    ((_, form),) = read_hypotheses("Days2 - Days", ("Days", "Days2", "x.Days"))
    assert form.weights.tolist() == [-1, 1, 0]


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger", "residual", "none"])
def test_every_kind_of_degrees_of_freedom(sleep, ddf):
    found = sleep.test("Days = 10", ddf=ddf)
    assert found["df"][0] == pytest.approx(sleep.coeftable(ddf=ddf)["df"][1])
    assert ("z value" in str(found)) == (ddf == "none")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Day = 10", r"no coefficient 'Day'.*Days(.|\n)*\^"),
        ("Days ** 2", "coefficient or a number is missing"),
        ("Days = ", "coefficient or a number is missing"),
        ("Days Days", "operator is missing"),
        ("2 * (Days", "closing parenthesis"),
        ("Days * Days", "not linear"),
        ("Days / 0", "Only numbers other than 0"),
        ("1 / Days", "Only numbers other than 0"),
        ("", "no hypothesis"),
        ("3 = 3", "no coefficient"),
        ("Days & 3", "'&' has no place"),
        ("Days = 1, Days = 2", "contradict"),
        ("__import__('os')", "no coefficient"),
    ],
)
def test_text_that_cannot_be_read(sleep, text, words):
    with pytest.raises(OptionError, match=words):
        sleep.test(text)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (([1, 2, 3],), r"one column for each of the 2 fixed effects .*shape \(3,\)"),
        (([[0, np.nan]],), "finite"),
        (([[0, 1]], [1, 2]), "values= must be one number, or 1"),
        (("Days = 1", 3), "values= goes with a matrix"),
        (({"Days = 1": 3},), "without '='"),
        (({"Days": "ten"},), "must be a number"),
        (({},), "no hypothesis"),
        ((object(),), "text, a dict or a matrix"),
    ],
)
def test_other_bad_input(sleep, given, words):
    with pytest.raises(OptionError, match=words):
        sleep.test(*given)


def test_what_cannot_be_estimated_is_named():
    rows = hd.datasets.load("sleepstudy").assign(twice=lambda d: 2 * d["Days"])
    fit = hd.lmm("Reaction ~ Days + twice + (1 | Subject)", rows)
    for text in ("twice = 0", "Days - twice = 0"):
        with pytest.raises(OptionError, match="cannot be estimated: twice was dropped"):
            fit.test(text)
    assert fit.test("Days + 2*twice = 10")["estimate"][0] == pytest.approx(fit.beta[1])  # it can


def test_frames_are_of_the_users_kind(sleep):
    import polars as pl

    rows = pl.DataFrame(hd.datasets.load("sleepstudy"))
    frame = hd.lmm("Reaction ~ Days + (1 | Subject)", rows).test("Days").to_frame()
    assert isinstance(frame, pl.DataFrame)
    assert frame.columns[:3] == ["term", "null", "estimate"]
    assert "Hypothesis" in sleep.test("Days").to_html()


def test_other_ways_to_type_the_same(machines):
    plain = machines.test("MachineB = 10, MachineC - MachineB = 0")
    for other in ("MachineB == 10; MachineC - MachineB == 0", ["MachineB = 10", "MachineC - MachineB"]):
        assert machines.test(other).record.terms == plain.record.terms
        np.testing.assert_array_equal(machines.test(other)["p_value"], plain["p_value"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Machine = 0",), r"Whole terms are tested by fit\.anova"),
        (("MachineB > 0",), "two-sided"),
        ((), r"test\(\): missing a required argument: 'hypotheses'"),
        (("MachineB", 0, "none", "expected", 0.9, 1), "too many values without a name"),
    ],
)
def test_what_is_mistyped_often_is_answered(machines, arguments, message):
    with pytest.raises(OptionError, match=message):
        machines.test(*arguments)


def test_an_error_within_is_not_taken_for_a_wrong_call():
    from henderson.results.options import named_options

    @named_options
    def within(x):
        return len(x)

    with pytest.raises(TypeError, match="has no len"):
        within(3)
