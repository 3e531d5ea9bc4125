"""Principal components of the random effects."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd

from ..cases import NAMES, fit


@pytest.mark.parametrize("name", NAMES)
def test_the_components_make_up_the_covariance(name):
    f = fit(name)
    for term, root in zip(f.rpca().record.terms, f.estimate.lambdas, strict=True):
        rebuilt = (term.rotation * term.sd**2) @ term.rotation.T
        np.testing.assert_allclose(rebuilt, root @ root.T, atol=1e-12)
        assert (np.diff(term.sd) <= 0).all()


def test_directions_without_variance_are_counted():
    f = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff2"))
    assert f.rpca()["sd"].tolist() == [0]
    assert "1 of 1 direction without variance" in str(f.rpca())


def test_columns():
    table = fit("two_terms").rpca()
    assert list(table.to_frame().columns) == ["group", "component", "sd", "proportion", "cumulative"]
    assert table["group"].tolist() == ["g", "g.1", "h", "h"]
