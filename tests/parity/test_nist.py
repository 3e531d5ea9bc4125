"""NIST's one-way sets, by REML, against the certified mean squares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from henderson import estimate as stage

from . import nist

# Digits that must agree; the hardest sets have 13 constant leading digits, float64 keeps 3 to 4 of the rest.
DIGITS = {"AtmWtAg": 7, "SiRstv": 8} | {f"SmLs0{i}": 8 if i < 7 else 3 for i in range(1, 10)}


def digits(ours: float, certified: float) -> float:
    """Number of significant digits that agree (NIST's LRE)."""
    if certified == 0:
        return -np.log10(max(abs(ours), 1e-16))
    return -np.log10(max(abs(ours / certified - 1), 1e-16))


def load(name: str) -> nist.Certified:
    """A set, or a skip that says why."""
    folder = nist.folder()
    if folder is None:
        pytest.skip("SciPy is installed without its tests, which hold the NIST files")
    return nist.read(folder / f"{name}.dat")


def numbers(certified: nist.Certified) -> tuple[float, float, float]:
    """Our residual and group standard deviation, and the standard error of the mean."""
    found = stage.fit(nist.one_way(certified.rows), reml=True)
    return found.sigma, found.sigma * abs(float(found.theta[0])), float(np.sqrt(found.vcov[0, 0]))


@pytest.mark.parametrize("name", nist.NAMES)
def test_certified_values(name):
    certified = load(name)
    sigma, sd, se = numbers(certified)
    agree = [
        digits(sigma, np.sqrt(certified.within)),
        digits(sd, certified.sd),
        digits(se, certified.se),
    ]
    assert min(agree) >= DIGITS[name], agree


@pytest.mark.parametrize("name", ["SmLs07", "SmLs08", "SmLs09"])
def test_nothing_more_is_lost_than_storing_the_data_loses(name):
    """Against exact arithmetic on the stored numbers the hardest sets keep 8 digits too."""
    certified = load(name)
    between, within = nist.of_the_stored_numbers(certified.rows)
    stored = replace(certified, between=between, within=within)
    sigma, sd, se = numbers(stored)
    agree = [digits(sigma, np.sqrt(within)), digits(sd, stored.sd), digits(se, stored.se)]
    assert min(agree) >= 8, agree
