"""Profiles and bootstraps as printed, character by character."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .models import fit, load
from .test_summary import APPROVED, compare


def dyes2() -> Any:
    import henderson as hd

    return hd.lmm("Yield ~ 1 + (1 | Batch)", load("dyestuff2"))


def often_failing(f: Any) -> float:
    """A statistic that does not exist for every refit."""
    if f.sigma < 25:
        raise ValueError("sigma is too small to divide by")
    return float(f.sigma)


TABLES: dict[str, Callable[[], Any]] = {
    "profile_reml": lambda: fit("sleep_reml").profile(),
    "profile_ml_some": lambda: fit("sleep_ml").profile(["Days", ".sigma"], level=0.9),
    "profile_singular": lambda: dyes2().profile(),
    "bootstrap_parametric": lambda: fit("sleep_reml").bootstrap(100, 1),
    "bootstrap_singular": lambda: dyes2().bootstrap(100, 1, kind="residual", type="basic", level=0.9),
    "bootstrap_failures": lambda: fit("sleep_reml").bootstrap(60, 1, statistic=often_failing, type="normal"),
}


@pytest.mark.parametrize("name", TABLES)
def test_text(name):
    text = f"{TABLES[name]()}\n"
    assert max(map(len, text.splitlines())) <= 80
    compare(APPROVED / f"{name}.txt", text)


def test_html():
    compare(APPROVED / "profile_reml.html", TABLES["profile_reml"]()._repr_html_() + "\n")
