"""The HTML of a summary in a real browser, on a notebook's page, light and dark, wide and narrow."""

from __future__ import annotations

import numpy as np
import pytest

from tests.golden.models import fit

from .browser import CHROMIUM, THEMES, look

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian package: chromium)")


def pixels(path) -> np.ndarray:
    """(height, width, 3) grey to colour values between 0 and 1."""
    image = pytest.importorskip("matplotlib.image")
    return image.imread(path)[..., :3]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["sleep_reml", "maximal_singular"])
def test_shown_whole_in_both_themes(name, theme, tmp_path):
    seen = look(fit(name)._repr_html_(), theme, tmp_path)
    assert seen.measured["cut"] == []
    assert seen.measured["page"] <= seen.measured["window"]
    assert 250 < seen.measured["height"] < 700
    shown = pixels(seen.picture)
    back = shown[-1, -1]
    ink = np.abs(shown - back).max(axis=2) > 0.3
    assert 0.005 < ink.mean() < 0.3  # there is text, and the page is not covered
    assert not ink[:, :4].any() and not ink[:, -4:].any()  # nothing runs off the sides
    assert not ink[int(seen.measured["height"]) + 20 :].any()  # and nothing below the block


@pytest.mark.parametrize("theme", THEMES)
def test_colours_are_the_pages_own(theme, tmp_path):
    seen = look(fit("sleep_reml")._repr_html_(), theme, tmp_path)
    assert seen.measured["inks"] == [{"light": "rgba(0, 0, 0, 0.87)", "dark": "rgb(255, 255, 255)"}[theme]]
    assert seen.measured["backgrounds"] == ["rgba(0, 0, 0, 0)"]
    shown = pixels(seen.picture)
    contrast = np.abs(shown - shown[-1, -1]).max()
    assert contrast > 0.8


@pytest.mark.parametrize("name", ["long_names", "many_correlations"])
def test_what_is_too_wide_scrolls_inside_its_own_box(name, tmp_path):
    seen = look(fit(name)._repr_html_(), "light", tmp_path, width=520, height=1400)
    assert seen.measured["cut"] == []
    assert seen.measured["page"] <= seen.measured["window"]
    assert seen.measured["scrolled"] >= 1
