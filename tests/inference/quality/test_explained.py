"""ICC, R squared and RMSE against the dense covariance matrix of the response."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd

from ..cases import NAMES, dense, fit

load = hd.datasets.load


@pytest.mark.parametrize("name", NAMES)
def test_random_variance_is_the_mean_diagonal_of_the_dense_covariance(name):
    f, d = fit(name), dense(name)
    marginal = d.sigma**2 * np.diag(d.Z @ d.L @ d.L.T @ d.Z.T).mean()
    parts = f.icc().record.explained
    assert parts.random.sum() == pytest.approx(marginal, rel=1e-12)
    assert parts.fixed == pytest.approx(np.var(f.design.X @ f.beta, ddof=1), rel=1e-12)
    assert parts.residual == pytest.approx(d.sigma**2, rel=1e-12)


def test_shares():
    parts = fit("crossed").icc().record.explained
    random, total = parts.random.sum(), parts.fixed + parts.random.sum() + parts.residual
    icc, r2 = fit("crossed").icc(), fit("crossed").r2()
    assert icc.adjusted == pytest.approx(random / (random + parts.residual))
    assert icc.unadjusted == pytest.approx(random / total)
    assert sum(icc.by_group.values()) == pytest.approx(icc.adjusted)
    assert list(icc.by_group) == ["g", "h"]
    assert r2.marginal == pytest.approx(parts.fixed / total)
    assert r2.conditional == pytest.approx(1 - parts.residual / total)


def test_the_same_model_in_other_columns_has_the_same_shares():
    """R's performance gives 0.9867 and 0.9712 for these two ways to write one model."""
    one = hd.lmm("score ~ Machine + (Machine | Worker)", load("machines"))
    two = hd.lmm("score ~ Machine + (0 + Machine | Worker)", load("machines"))
    assert one.icc().adjusted == pytest.approx(two.icc().adjusted, rel=1e-6)


def test_two_terms_on_one_factor_both_count():
    split = hd.lmm("Reaction ~ Days + (Days || Subject)", load("sleepstudy"))
    sd = np.concatenate([t.sd for t in split.varcorr.terms])
    days = load("sleepstudy")["Days"]
    random = sd[0] ** 2 + sd[1] ** 2 * (days**2).mean()
    assert split.icc().adjusted == pytest.approx(random / (random + split.sigma**2), rel=1e-10)


def test_a_singular_fit_explains_nothing_by_groups_and_says_so():
    f = hd.lmm("Yield ~ 1 + (1 | Batch)", load("dyestuff2"))
    assert f.icc().adjusted == 0
    assert f.r2().marginal == 0
    assert "singular" in str(f.r2())


def test_rmse():
    f = hd.lmm("Reaction ~ Days + (Days | Subject)", load("sleepstudy"))
    assert f.rmse() == pytest.approx(np.sqrt((f.residuals() ** 2).mean()), rel=1e-14)


def test_frames_come_back_as_the_kind_that_went_in():
    polars = pytest.importorskip("polars")
    f = hd.lmm("Reaction ~ Days + (Days | Subject)", load("sleepstudy", as_="polars"))
    assert isinstance(f.r2().to_frame(), polars.DataFrame)
    assert f.r2().to_frame().columns == ["term", "estimate"]
    assert f.icc(by_group=True).to_frame().columns == ["group", "estimate"]


def test_misspelt_options_are_answered():
    with pytest.raises(hd.errors.OptionError, match="by_group"):
        fit("slope").icc(bygroup=True)


def test_options_that_do_not_exist_are_answered():
    fit = hd.lmm("Reaction ~ Days + (1 | Subject)", hd.datasets.load("sleepstudy"))
    for name in ("r2", "rmse", "vif", "rpca", "caic", "icc"):
        with pytest.raises(hd.errors.OptionError, match=rf"{name}\(\) has no option 'x'"):
            getattr(fit, name)(x=1)
