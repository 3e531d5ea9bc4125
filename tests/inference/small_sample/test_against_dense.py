"""Satterthwaite and Kenward-Roger against the papers' formulas with V written out, on every structure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from henderson import estimate as estimation
from henderson.errors import FitError
from henderson.inference.small_sample import f_test, small_sample, t_tests
from henderson.inference.small_sample.hessian import deviance_hessian
from henderson.inference.small_sample.traces import block_sums
from henderson.inference.small_sample.variances import variance_parameters
from henderson.solve.reference import dense_zz
from tests.inference.cases import NAMES, fit
from tests.property.designs import few_examples, make, shapes

from . import dense

each_case = pytest.mark.parametrize("name", NAMES)
REGULAR = tuple(name for name in NAMES if not fit(name).estimate.singular)
each_regular_case = pytest.mark.parametrize("name", REGULAR)
each_information = pytest.mark.parametrize("information", ["expected", "observed"])


def close(ours, theirs, tolerance=1e-7):
    scale = np.abs(theirs).max()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * scale)


@each_regular_case
@each_information
def test_kenward_roger_is_the_paper(name, information):
    f = fit(name)
    expected = dense.kenward_roger(
        f.design, f.estimate, dense.linear_parts(f.design), information=information
    )
    sample = small_sample(f.design, f.estimate, "kenward-roger", information)
    close(sample.plain, expected.phi, 1e-9)
    close(sample.vcov, expected.adjusted)
    eye = np.eye(f.design.p)
    df = t_tests(sample, eye).df
    for j in range(f.design.p):
        assert df[j] == pytest.approx(dense.f_scale(expected, eye[[j]])[1], rel=1e-6)
    both = f_test(sample, eye)
    scale, m = dense.f_scale(expected, eye)
    assert (both.scale, both.den_df) == pytest.approx((scale, m), rel=1e-6)


@each_regular_case
@each_information
def test_covariance_of_the_variances_is_that_of_the_natural_parameters(name, information):
    f = fit(name)
    expected = dense.kenward_roger(
        f.design, f.estimate, dense.linear_parts(f.design), information=information
    )
    close(variance_parameters(f.estimate, information).vcov, expected.W, 1e-6)


@pytest.mark.parametrize("name", sorted({*NAMES} - {*REGULAR}))
def test_kenward_roger_of_a_singular_fit(name):
    """With the expected information the boundary is an ordinary point."""
    f = fit(name)
    expected = dense.kenward_roger(f.design, f.estimate, dense.linear_parts(f.design))
    close(small_sample(f.design, f.estimate, "kenward-roger").vcov, expected.adjusted)


def test_observed_information_that_is_not_positive_is_refused():
    f = fit("nested")
    with pytest.raises(FitError, match=r"boundary.*type information='expected'"):
        small_sample(f.design, f.estimate, "kenward-roger", "observed")


@each_case
def test_block_sums_are_those_of_the_dense_matrix(name):
    e = fit(name).estimate
    A, L = dense_zz(e.cross), np.zeros((e.cross.q, e.cross.q))
    at = 0
    for lam, levels in zip(e.factor.lambdas, e.cross.levels, strict=True):
        size = levels * len(lam)
        L[at : at + size, at : at + size] = np.kron(np.eye(levels), lam)
        at += size
    N = A - A @ L @ np.linalg.solve(L.T @ A @ L + np.eye(len(A)), L.T @ A)
    starts = np.cumsum([0, *(a * k for a, k in zip(e.cross.levels, e.cross.columns, strict=True))])
    sums = block_sums(e)
    for f, kf in enumerate(e.cross.columns):
        for h, kh in enumerate(e.cross.columns):
            block = N[starts[f] : starts[f + 1], starts[h] : starts[h + 1]]
            block = block.reshape(e.cross.levels[f], kf, e.cross.levels[h], kh)
            close(sums.double[f, h], np.einsum("gxkw,gykz->xywz", block, block), 1e-9)
            if f == h:
                close(sums.single[f], np.einsum("gxgw->xw", block), 1e-9)


@each_case
@pytest.mark.parametrize("reml", [True, False])
def test_hessian_of_the_deviance(name, reml):
    """Central differences of complex-step derivatives of the dense deviance."""
    f = fit(name, reml)
    at = np.append(f.estimate.theta, f.estimate.sigma)
    size = np.maximum(np.abs(at), 0.05)

    def slope(x):
        out = np.empty(len(x))
        for j in range(len(x)):
            step = x.astype(complex)
            step[j] += 1e-30j
            out[j] = dense.deviance(f.design, step[:-1], step[-1], reml=reml).imag / 1e-30
        return out

    H = np.empty((len(at), len(at)))
    for j in range(len(at)):
        move = np.zeros(len(at))
        move[j] = 1e-4 * size[j]
        H[j] = (slope(at + move) - slope(at - move)) / (2 * move[j])
    ours = deviance_hessian(f.estimate)
    scale = np.sqrt(np.abs(np.diag(H)))
    close(ours / np.outer(scale, scale), (H + H.T) / 2 / np.outer(scale, scale), 1e-5)


@each_case
def test_gradient_of_the_covariance(name):
    """Derivative of Phi by theta and sigma: complex steps through the dense V."""
    f = fit(name)
    sample = small_sample(f.design, f.estimate)
    at = np.append(f.estimate.theta, f.estimate.sigma).astype(complex)
    for j in range(len(at)):
        step = at.copy()
        step[j] += 1e-30j
        phi = phi_of(f.design, step)
        close(sample.gradient[j], phi.imag / 1e-30, 1e-7)


def phi_of(design, at):
    V, first = np.diag((1 / dense.weights_of(design)).astype(complex)), 0
    for Z in dense.term_blocks(design):
        k = Z.shape[2]
        lam = np.zeros((k, k), dtype=complex)
        for b in range(k):
            lam[b:, b] = at[first : first + k - b]
            first += k - b
        V += np.einsum("ilk,kh,jlh->ij", Z, lam @ lam.T, Z)
    return at[-1] ** 2 * np.linalg.inv(design.X.T @ np.linalg.inv(V) @ design.X)


@given(shapes(), st.sampled_from(["expected", "observed"]))
@few_examples
def test_random_designs(shape, information):
    design = make(shape)
    e = estimation.fit(design)
    assume(not e.singular and e.search.converged)
    expected = dense.kenward_roger(design, e, dense.linear_parts(design), information=information)
    assume(np.linalg.eigvalsh(expected.W)[0] > 0)
    assume(np.linalg.cond(expected.W / np.sqrt(np.outer(np.diag(expected.W), np.diag(expected.W)))) < 1e6)
    sample = small_sample(design, e, "kenward-roger", information)
    close(sample.vcov, expected.adjusted, 1e-5)
    eye = np.eye(design.p)
    for j, df in enumerate(t_tests(sample, eye).df):
        assert df == pytest.approx(dense.f_scale(expected, eye[[j]])[1], rel=1e-5)
