"""Sums from an engine add to those of other engines, files and frames, and are saved: merged is pooled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import henderson as hd
from henderson.errors import DataError, OptionError
from tests.lazy.engines import ALWAYS, FORMULAS, on_duckdb, on_polars, table

MORE = ["y ~ x + (f | g) + (1 | h)", "y ~ x * b + (b + z | g) + (x || h)"]
EVERY = [formula for formula in FORMULAS + MORE if "relevel" not in formula]


@pytest.fixture(params=list(ALWAYS))
def make(request):
    """Both engines in turn."""
    return ALWAYS[request.param]


def halves(data: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of two sites; some groups are in both, some in one."""
    ordered = data.sort_values("g", kind="stable").reset_index(drop=True)
    return ordered[:500], ordered[500:].reset_index(drop=True)


def assert_same(fit, reference, tol: float = 1e-8) -> None:
    """Estimates, names, counts."""
    np.testing.assert_allclose(fit.theta, reference.theta, rtol=tol, atol=1e-10)
    np.testing.assert_allclose(fit.estimate.beta, reference.estimate.beta, rtol=tol, atol=1e-10)
    np.testing.assert_allclose([fit.sigma, fit.loglik], [reference.sigma, reference.loglik], rtol=tol)
    assert fit.design.x_names == reference.design.x_names
    assert fit.design.missing == reference.design.missing
    for ours, theirs in zip(fit.design.groupings, reference.design.groupings, strict=True):
        assert (ours.name, ours.levels) == (theirs.name, theirs.levels)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("formula", EVERY)
def test_an_engine_and_chunks_merge_to_the_pooled_fit(formula, weights, make, tmp_path):
    north, south = halves(table())
    chunks = hd.cross_products(formula, [north[:200], north[200:]], weights=weights)
    engine = hd.cross_products(formula, make(south), weights=weights, like=chunks)
    engine.save(tmp_path / "south.sums")
    merged = chunks + hd.CrossProducts.load(tmp_path / "south.sums")
    reference = chunks + hd.cross_products(formula, [south], weights=weights, like=chunks)
    assert str(merged) == str(reference)
    assert_same(merged.fit(), reference.fit())
    if not {"scale", "poly", "center"} & set(formula.replace("(", " ").split()):
        assert_same(merged.fit(), hd.lmm(formula, pd.concat([north, south]), weights=weights))


@pytest.mark.parametrize("formula", [*EVERY, "y ~ x + relevel(f, ref = 'mid') + (b | g)"])
def test_sums_of_an_engine_alone_are_the_fit_in_memory(formula, make):
    data = table()
    assert_same(hd.cross_products(formula, make(data)).fit(), hd.lmm(formula, data))


def test_what_lives_on_sums_is_that_in_memory(make, tmp_path):
    north, south = halves(table())
    formula = "y ~ x * f + factor(k) + b + (x | g) + (1 | h)"
    parts = hd.cross_products(formula, make(north)), hd.cross_products(formula, make(south))
    hd.CrossProducts.merge(*parts).save(tmp_path / "all.sums")
    fit = hd.CrossProducts.load(tmp_path / "all.sums").fit()
    reference = hd.lmm(formula, pd.concat([north, south]))
    for ours, theirs in (
        (fit.coeftable(ddf="kenward-roger"), reference.coeftable(ddf="kenward-roger")),
        (fit.emmeans("f").to_frame(), reference.emmeans("f").to_frame()),
        (fit.emmeans(["f", "k"], weights="cells").to_frame(),
         reference.emmeans(["f", "k"], weights="cells").to_frame()),
        (fit.anova().to_frame(), reference.anova().to_frame()),
    ):  # fmt: skip
        ours, theirs = (getattr(each, "to_pandas", lambda each=each: each)() for each in (ours, theirs))
        np.testing.assert_allclose(
            ours.select_dtypes("number"), theirs.select_dtypes("number"), rtol=1e-6, atol=1e-9
        )


def test_two_engines_and_their_fitted_values(make):
    north, south = halves(table())
    formula = "y ~ x + (1 | g)"
    both = hd.cross_products(formula, on_duckdb(north)) + hd.cross_products(formula, on_polars(south))
    assert_same(both.fit(), hd.lmm(formula, pd.concat([north, south])))
    fit = hd.cross_products(formula, make(north)).fit()
    assert len(fit.augment().to_df() if make is on_duckdb else fit.augment().collect()) == fit.nobs


def test_covariates_far_from_zero_keep_their_digits(make):
    data = table(gaps=False)
    data["year"], data["y"] = 1e5 + data.x, data.y + 1e7
    north, south = halves(data)
    formula = "y ~ year * f + (year | g)"
    merged = hd.cross_products(formula, [north]) + hd.cross_products(formula, make(south))
    centred = hd.lmm("y ~ I(year - 1e5) * f + (I(year - 1e5) | g)", data)
    fit = merged.fit()
    np.testing.assert_allclose(fit.sigma, centred.sigma, rtol=1e-8)
    np.testing.assert_allclose(fit.loglik, centred.loglik, rtol=1e-9)


def test_what_was_learnt_at_one_site_is_used_at_the_other(make):
    north, south = halves(table(gaps=False))
    formula = "y ~ scale(x) + poly(z, 2) + (1 | g)"
    first = hd.cross_products(formula, make(north))
    with pytest.raises(DataError, match=r"scale\(x\) was learnt from the rows of each part alone.*like="):
        first + hd.cross_products(formula, make(south))
    second = hd.cross_products(formula, make(south), like=first)
    assert (first + second).fit().loglik == pytest.approx(
        hd.lmm("y ~ x + poly(z, 2) + (1 | g)", table(gaps=False), reml=False).loglik, abs=20
    )
    third = hd.cross_products(formula, [south], like=first)
    assert_same((first + second).fit(), (first + third).fit())


def test_levels_in_an_order_of_choice(make):
    data = table(gaps=False)
    levels = {"f": ["mid", "never", "lo", "hi"], "k": [4, 3, 2, 1]}
    formula = "y ~ f + k + (1 | g)"
    ours, theirs = (hd.cross_products(formula, each, levels=levels) for each in (make(data), [data]))
    assert ours.design.x_names == ("(Intercept)", "flo", "fhi", "k3", "k2", "k1")
    assert_same(ours.fit(), theirs.fit())
    assert_same((ours + theirs).fit(), (theirs + theirs).fit())
    with pytest.raises(DataError, match=r"Column 'f' holds 'hi', not among its levels= \(2 given\)"):
        hd.cross_products(formula, make(data), levels={"f": ["mid", "lo"]})
    with pytest.raises(OptionError, match="levels= names 'ff', which the formula does not"):
        hd.cross_products(formula, make(data), levels={"ff": ["mid", "lo"]})


def test_declared_orders_are_kept_and_contradictions_refused():
    data = table(gaps=False)
    declared = (
        pl.from_pandas(data).with_columns(pl.col("f").cast(pl.Enum(["mid", "lo", "hi", "never"]))).lazy()
    )
    sums = hd.cross_products("y ~ f + (1 | g)", declared)
    assert sums.design.x_names == ("(Intercept)", "flo", "fhi")
    frame = data.assign(f=pd.Categorical(data.f, ["hi", "mid", "lo", "never"]))
    with pytest.raises(DataError, match="The levels of f come in different orders"):
        (sums + hd.cross_products("y ~ f + (1 | g)", [frame])).fit()


def test_a_level_that_one_pass_met_and_another_did_not(make, monkeypatch):
    from dataclasses import replace

    from henderson.lazy import passes
    from henderson.lazy.engines import open_lazy

    data, read = table(gaps=False), passes.read_table
    late = make(data.assign(h=data.h.where(data.index != 3, "late")))
    moved = make(data.assign(h=data.h.where(data.index != 3, "site 0")))
    monkeypatch.setattr("henderson.lazy.survey._REPEATS", 0.0)
    for grown, told in ((late, "h has levels that another pass did not meet: late"),
                        (moved, "levels of h have other numbers of rows")):  # fmt: skip

        def other(stage, request, centres, *, plain, grown=grown):
            if len(request.keys) == 2:
                stage = replace(stage, lazy=stage.lazy._replace(frame=open_lazy(grown).frame))
            return read(stage, request, centres, plain=plain)

        monkeypatch.setattr(passes, "read_table", other)
        with pytest.raises(DataError, match=f"changed while they were read: .*{told}"):
            hd.cross_products("y ~ x + (1 | g) + (1 | h)", make(data))


def test_models_that_differ_do_not_add(make):
    data = table(gaps=False)
    one = hd.cross_products("y ~ x + (1 | g)", make(data))
    with pytest.raises(DataError, match="different formulas"):
        one + hd.cross_products("y ~ z + (1 | g)", [data])
    with pytest.raises(DataError, match="Column 'x' is a number in one part and a factor in the other"):
        one + hd.cross_products("y ~ x + (1 | g)", [data.assign(x=np.where(data.x > 3, "a", "b"))])
    with pytest.raises(DataError, match="different weights"):
        one + hd.cross_products("y ~ x + (1 | g)", make(data), weights="w")
