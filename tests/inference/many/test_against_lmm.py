"""Every response of `lmm_many` against `lmm` of that response alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import henderson as hd

DESIGNS = {
    "sleepstudy": "~ Days + (Days | Subject)",
    "penicillin": "~ 1 + (1 | plate) + (1 | sample)",
    "pastes": "~ 1 + (1 | batch/cask)",
    "machines": "~ Machine + (Machine | Worker)",
    "apart": "~ Days + (Days || Subject)",
    "no_intercept": "~ 0 + Days + (0 + Days | Subject)",
    "two_groupings": "~ x * f + (x | g) + (1 | h)",
    "several": "~ x + f + (1 + x + z | g) + (1 | h)",
}


def made_up(seed: int = 11) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = 150
    return pd.DataFrame(
        {
            "x": rng.normal(3, 2, n),
            "z": rng.normal(size=n),
            "f": rng.choice(list("abc"), n),
            "g": rng.integers(0, 15, n).astype(str),
            "h": rng.integers(0, 6, n).astype(str),
            "w": rng.uniform(0.5, 3, n),
            "o": rng.normal(size=n),
        }
    )


def data_of(name: str) -> pd.DataFrame:
    if name in ("apart", "no_intercept"):
        return hd.datasets.load("sleepstudy")
    return made_up() if name in ("two_groupings", "several") else hd.datasets.load(name)


def responses(data: pd.DataFrame, formula: str, count: int, **options) -> np.ndarray:
    """(n, count) responses: half drawn from a model, half noise, of various sizes and far from zero."""
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(len(data), count)) * 10.0 ** rng.integers(-3, 4, count)
    fit = hd.lmm(f"response {formula}", data.assign(response=noise[:, 0]), **options)
    effects = [3 * rng.normal(size=(len(g.levels), count))[g.codes] for g in fit.design.groupings]
    signal = (
        5.0
        + sum(effects)
        + rng.normal(size=(len(data), count))
        + fit.design.X @ rng.normal(size=(fit.design.p, count))
    )
    Y = np.where(np.arange(count) % 2 == 0, signal, noise)
    return Y + np.where(np.arange(count) % 5 == 0, 1e4, 0.0)


def worst(many, i: int, alone) -> dict[str, float]:
    """Largest differences between response i and its fit alone, relative but for the criterion."""
    r, table = many.record, alone.coeftable()
    vcov = np.array(alone.varcorr.columns()["vcov"])
    scale = np.abs(vcov).max()

    def apart(ours, theirs):
        theirs = np.asarray(theirs)
        assert (np.isnan(ours) == np.isnan(theirs)).all()
        return np.nanmax(np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-300), initial=0.0)

    return {
        "estimate": np.abs((r.estimate[i] - table["estimate"]) / table["std_error"]).max(),
        "std_error": apart(r.std_error[i], table["std_error"]),
        "df": apart(r.df[i], table["df"]),
        "vcov": np.abs([*r.vcov[i], r.sigma[i] ** 2] - vcov).max() / scale,
        "criterion": abs(r.criterion[i] - alone.estimate.criterion) / max(1.0, abs(alone.estimate.criterion)),
    }


LIMITS = {"estimate": 1e-8, "std_error": 1e-8, "df": 1e-6, "vcov": 1e-8, "criterion": 1e-8}


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", DESIGNS)
def test_every_number_is_that_of_the_fit_alone(name, reml):
    data, formula = data_of(name), DESIGNS[name]
    Y = responses(data, formula, 20)
    many = hd.lmm_many(formula, data, Y, reml=reml)
    assert not many.record.failed.any()
    for i in range(20):
        alone = hd.lmm(f"response {formula}", data.assign(response=Y[:, i]), reml=reml)
        assert many.record.singular[i] == alone.estimate.singular
        assert abs(many.record.evaluations[i] - len(alone.estimate.search.steps)) <= 3
        apart = worst(many, i, alone)
        assert all(apart[what] < limit for what, limit in LIMITS.items()), (name, i, apart)


def test_singular_and_regular_fits_both_occur():
    data = data_of("sleepstudy")
    singular = hd.lmm_many(
        DESIGNS["sleepstudy"], data, responses(data, DESIGNS["sleepstudy"], 20)
    ).record.singular
    assert 0 < singular.sum() < 20


def test_weights_and_offset_are_those_of_lmm():
    data, formula = made_up(), "~ x + (x | g) + (1 | h)"
    Y = responses(data, formula, 8, weights="w", offset="o")
    many = hd.lmm_many(formula, data, Y, weights="w", offset="o")
    for i in range(8):
        alone = hd.lmm(f"response {formula}", data.assign(response=Y[:, i]), weights="w", offset="o")
        apart = worst(many, i, alone)
        assert all(apart[what] < limit for what, limit in LIMITS.items()), (i, apart)


def test_weights_of_every_response_its_own():
    data, formula = made_up(), "~ x + (1 | g)"
    Y = responses(data, formula, 6)
    W = np.random.default_rng(1).uniform(0.2, 5, Y.shape)
    W[3, 4] = 0.0
    many = hd.lmm_many(formula, data, Y, weights=W)
    assert many.record.failed.tolist() == [False] * 4 + [True, False]
    assert "weights" in many.record.messages[4]
    for i in (0, 1, 2, 3, 5):
        alone = hd.lmm(f"response {formula}", data.assign(response=Y[:, i]), weights=W[:, i])
        apart = worst(many, i, alone)
        assert all(apart[what] < limit for what, limit in LIMITS.items()), (i, apart)
        assert abs(many.fit(i).sigma / alone.sigma - 1) < 1e-12


@pytest.mark.parametrize("ddf", ["kenward-roger", "residual", "none"])
def test_other_degrees_of_freedom(ddf):
    data, formula = data_of("sleepstudy"), DESIGNS["sleepstudy"]
    Y = responses(data, formula, 6)
    many = hd.lmm_many(formula, data, Y, ddf=ddf)
    for i in range(6):
        alone = hd.lmm(f"response {formula}", data.assign(response=Y[:, i])).coeftable(ddf=ddf)
        np.testing.assert_allclose(many.record.std_error[i], alone["std_error"], rtol=1e-7)
        np.testing.assert_allclose(many.record.p_value[i], alone["p_value"], rtol=1e-6, atol=1e-300)
        if ddf != "none":
            np.testing.assert_allclose(many.record.df[i], alone["df"], rtol=1e-6)


def test_a_design_without_degrees_of_freedom_says_so():
    data = made_up()
    Y = responses(data, "~ h + (1 | h)", 4)
    many = hd.lmm_many("~ h + (1 | h)", data, Y)
    alone = hd.lmm("response ~ h + (1 | h)", data.assign(response=Y[:, 0]))
    assert np.isnan(alone.summary().record.coefficients.df).all()
    assert np.isnan(many.record.df).all()
    assert "no degrees of freedom" in many.record.messages[0]


def test_missing_values_drop_rows_response_by_response():
    data, formula = made_up(), "~ x + f + (x | g)"
    data.loc[[5, 9], "x"] = np.nan
    Y = responses(made_up(), formula, 12)
    rng = np.random.default_rng(2)
    Y[rng.integers(0, 150, 20), 3] = np.nan
    Y[7, [4, 5, 6]] = np.nan  # one pattern for three
    Y[5, 7] = np.nan  # a row that is left out anyway
    many = hd.lmm_many(formula, data, Y)
    assert many.record.designs == 3
    for i in range(12):
        alone = hd.lmm(f"response {formula}", data.assign(response=Y[:, i]))
        assert many.record.nobs[i] == alone.nobs
        apart = worst(many, i, alone)
        assert all(apart[what] < limit for what, limit in LIMITS.items()), (i, apart)


def test_without_information_about_variances_that_matter_there_are_no_degrees_of_freedom(monkeypatch):
    from dataclasses import replace

    from henderson.inference.many import degrees

    real = degrees.scaled_hessians

    def flat(*given):
        found = real(*given)
        H = found.H.copy()
        H[2] = np.diag([0.0, 1.0, 1.0, 1.0])
        return replace(found, H=H)

    monkeypatch.setattr(degrees, "scaled_hessians", flat)
    data, formula = data_of("sleepstudy"), DESIGNS["sleepstudy"]
    record = hd.lmm_many(formula, data, responses(data, formula, 6)).record
    assert np.isnan(record.df).any(axis=1).tolist() == [False, False, True, False, False, False]
    assert np.isnan(record.p_value[2]).all()
    assert not record.failed.any()
    assert "no degrees of freedom" in record.messages[2]
