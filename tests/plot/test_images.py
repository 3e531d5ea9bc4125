"""Every picture looks as it did when last approved; and a wrong one would not pass."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from henderson.results.pictures import NAMES

from .images import FOLDER, PICTURES, TOLERANCE, against_approved, difference, draw, image, wordless

mpl.use("Agg")
import matplotlib.pyplot as plt

every = pytest.mark.parametrize("name", PICTURES)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@every
def test_a_picture_looks_as_approved(name):
    """See `images`: ``python -m tests.plot.images`` writes them anew, to be looked at."""
    found = against_approved(name, wordless(draw(name)))
    assert found <= TOLERANCE, f"{name} differs by {found:.0f} of 255; write it, and look at build/pictures"


def ink(artist, figure, plain):
    """Pixels that an artist alone accounts for."""
    artist.set_visible(False)
    without = np.asarray(image(figure), dtype=float)
    artist.set_visible(True)
    return int((np.abs(without - plain).max(axis=2) > 80).sum())


def strongest(figure):
    """The two artists of the first axes that carry most ink, of its first and its last ones."""
    plain, ax = np.asarray(image(figure), dtype=float), figure.axes[0]
    data = [*ax.get_lines(), *ax.collections, *ax.patches, *ax.images]
    some = data if len(data) <= 9 else data[:3] + data[-6:]
    found = sorted(((ink(artist, figure, plain), i) for i, artist in enumerate(some)), reverse=True)
    return [some[i] for pixels, i in found[:2] if pixels > 5]


@every
def test_a_missing_part_is_noticed(name):
    """One of the two strongest at least: a point on a bar of its colour may hide within a pixel's reach."""
    figure, found = wordless(draw(name)), []
    for artist in strongest(figure):
        artist.set_visible(False)
        found.append(against_approved(name, figure))
        artist.set_visible(True)
    assert max(found) > TOLERANCE


@every
def test_data_elsewhere_are_noticed(name):
    figure = wordless(draw(name))
    ax = figure.axes[0]
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.06 * (high - low), high - 0.06 * (high - low))
    assert against_approved(name, figure) > TOLERANCE


def test_every_picture_of_a_fit_is_kept():
    assert {name for name in NAMES if not any(p.startswith(name) for p in PICTURES)} == set()
    assert {path.stem for path in FOLDER.glob("*.png")} == set(PICTURES)


def test_images_stay_small():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.png")) < 600_000


def test_the_difference_of_images():
    blank = Image.new("RGB", (40, 30), "white")
    line, moved, gone = (blank.copy() for _ in range(3))
    for picture, row in ((line, 10), (moved, 11), (gone, 14)):
        picture.paste((0, 114, 178), (5, row, 35, row + 1))
    assert difference(line, line) == 0
    assert difference(line, moved) == 0  # a pixel's reach
    assert difference(line, gone) > 200
    assert difference(line, blank) > 200
    assert difference(line, blank.resize((40, 34))) == 255
