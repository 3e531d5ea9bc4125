"""Pictures kept as small images without text, and the comparison with them.

    python -m tests.plot.images            # writes tests/plot/images, and build/pictures to look at
    python -m tests.plot.images qq forest  # only these

Text is taken away before drawing: fonts differ between versions of matplotlib, and words have tests of their
own. What is left must agree pixel by pixel, where a pixel may come from its neighbours: edges of axes and
smoothed lines move by a pixel between versions, but a point or a line that is elsewhere, or missing, shows.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageFilter

import henderson as hd

FOLDER = Path(__file__).parent / "images"
TO_LOOK_AT = Path(__file__).parents[2] / "build" / "pictures"
DPI = 40
REACH = 3  # pixels across, of the neighbourhood a pixel may come from
FINER = {"design": 80}  # dots per inch; cells of an image are rounded to pixels one by one
TOLERANCE = 40  # shades of 255, beyond what the neighbourhood has
load = hd.datasets.load


@cache
def fit(name: str) -> hd.LinearMixedFit:
    """One of the fits that are drawn."""
    if name == "athletes":
        data, _ = hd.datasets.simulate_athletes(4, (20, 30), seed=42)
        return hd.lmm("correctness ~ session_high + (1 | athlete)", data)
    if name == "crossed":
        data, truth = hd.datasets.simulate_crossed(60, 12, seed=1)
        return hd.lmm(truth.formula, data)
    formula, rows = {
        "sleep": ("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
        "teeth": ("distance ~ age * Sex + (age | Subject)", "orthodont"),
        "machines": ("score ~ Machine + (1 | Worker/Machine)", "machines"),
        "dyes": ("Yield ~ 1 + (1 | Batch)", "dyestuff2"),
    }[name]
    return hd.lmm(formula, load(rows))


def arrivals() -> object:
    new = {"Days": [0, 1, 2, 3, 4], "Reaction": [310.0, 325.0, 330.0, 352.0, 371.0]}
    return fit("sleep").arrivals(new, at={"Days": [9]}).plot()


def power() -> object:
    """A power curve from few simulations: its shape is what is looked at."""
    short = hd.lmm("Reaction ~ Days + (1 | Subject)", load("sleepstudy"))
    return hd.plot.power(
        hd.power(short, effect={"Days": 3}, n_groups=[4, 8, 16], n_sim=40, seed=1, progress=False)
    )


PICTURES: dict[str, Callable[[], object]] = {
    "lattice": lambda: fit("sleep").plot.lattice(),
    "lattice_factor": lambda: fit("machines").plot.lattice(),
    "one": lambda: fit("sleep").plot.one("308"),
    "spaghetti": lambda: fit("sleep").plot.spaghetti(mark=["308", "309"]),
    "spaghetti_many": lambda: fit("crossed").plot.spaghetti(),
    "histogram": lambda: fit("sleep").plot.histogram(),
    "strip": lambda: fit("sleep").plot.strip(),
    "strip_singular": lambda: fit("dyes").plot.strip(),
    "design": lambda: fit("machines").plot.design(),
    "forest": lambda: fit("teeth").plot.forest(),
    "effect": lambda: fit("teeth").plot.effect("age", by="Sex"),
    "effect_factor": lambda: fit("machines").plot.effect(),
    "caterpillar": lambda: fit("sleep").plot.caterpillar(effect="Days"),
    "caterpillar_few": lambda: fit("athletes").plot.caterpillar(),
    "caterpillar_many": lambda: fit("crossed").plot.caterpillar(),
    "ranef_distribution": lambda: fit("sleep").plot.ranef_distribution(),
    "ranef_distribution_few": lambda: fit("athletes").plot.ranef_distribution(),
    "ranef_correlation": lambda: fit("sleep").plot.ranef_correlation(),
    "shrinkage": lambda: fit("sleep").plot.shrinkage(),
    "shrinkage_one": lambda: fit("athletes").plot.shrinkage(),
    "pooling": lambda: hd.pooling(fit("sleep"), refit=False).plot(),
    "residuals": lambda: fit("sleep").plot.residuals(),
    "qq": lambda: fit("sleep").plot.qq(),
    "scale_location": lambda: fit("sleep").plot.scale_location(),
    "residuals_by": lambda: fit("sleep").plot.residuals_by(),
    "residuals_by_number": lambda: fit("sleep").plot.residuals_by("Days"),
    "scaled_residuals": lambda: fit("sleep").plot.scaled_residuals(),
    "cooks": lambda: fit("sleep").plot.cooks(),
    "dfbetas": lambda: fit("sleep").plot.dfbetas(),
    "profile": lambda: fit("athletes").plot.profile(),
    "profile_density": lambda: hd.plot.profile(fit("athletes").profile(), "density"),
    "profile_pairs": lambda: hd.plot.profile(fit("athletes").profile(), "pairs"),
    "means": lambda: fit("machines").emmeans("Machine").plot(),
    "power": power,
    "arrivals": arrivals,
}


def figure_of(drawn: object) -> mpl.figure.Figure:
    """Return the figure of axes, or of an array of axes."""
    return np.asarray(drawn, dtype=object).ravel()[0].figure


def draw(name: str) -> mpl.figure.Figure:
    """Draw one picture as matplotlib does by default, whatever the user's settings."""
    mpl.use("Agg")
    with mpl.rc_context(mpl.rcParamsDefault | {"backend": "Agg"}):
        return figure_of(PICTURES[name]())


def wordless(figure: mpl.figure.Figure) -> mpl.figure.Figure:
    """Take all text away, legends too, whose size it sets; ticks stay, and so do arrows."""
    for legend in [*figure.legends, *(ax.get_legend() for ax in figure.axes)]:
        if legend is not None:
            legend.remove()
    for ax in figure.axes:
        ax.xaxis.set_major_formatter(mpl.ticker.NullFormatter())
        ax.yaxis.set_major_formatter(mpl.ticker.NullFormatter())
    for text in figure.findobj(mpl.text.Text):
        text.set_text("")
        text.set_in_layout(False)  # older versions leave room for a name of no letters
    return figure


def image(figure: mpl.figure.Figure, dpi: float = DPI) -> Image.Image:
    """Render a figure."""
    stream = io.BytesIO()
    with mpl.rc_context(mpl.rcParamsDefault | {"backend": "Agg"}):
        figure.savefig(stream, format="png", dpi=dpi)
    return Image.open(stream).convert("RGB")


def difference(new: Image.Image, old: Image.Image) -> float:
    """Return by how much (0 to 255) some pixel of one image lies outside its neighbourhood in the other.

    Sizes may differ by a pixel, as layout rounds; more is a difference by itself.
    """
    if max(abs(a - b) for a, b in zip(new.size, old.size, strict=True)) > 1:
        return 255.0
    width, height = (min(pair) for pair in zip(new.size, old.size, strict=True))
    new, old = (picture.crop((0, 0, width, height)) for picture in (new, old))
    return max(_outside(new, old), _outside(old, new))


def _outside(here: Image.Image, there: Image.Image) -> float:
    low, high = (there.filter(kind(REACH)) for kind in (ImageFilter.MinFilter, ImageFilter.MaxFilter))
    value, low, high = (np.asarray(picture, dtype=float) for picture in (here, low, high))
    return float(np.maximum(low - value, value - high).max())


def against_approved(name: str, figure: mpl.figure.Figure) -> float:
    """Return the difference of a figure without text from the approved image of that name."""
    with Image.open(FOLDER / f"{name}.png") as found:
        return difference(small(name, figure), found.convert("RGB"))


def small(name: str, figure: mpl.figure.Figure) -> Image.Image:
    """Render a figure at the size at which its image is kept."""
    return image(figure, FINER.get(name, DPI))


def write(name: str) -> None:
    """Write one approved image, and the picture with its words to look at."""
    import matplotlib.pyplot as plt

    FOLDER.mkdir(exist_ok=True)
    TO_LOOK_AT.mkdir(parents=True, exist_ok=True)
    image(draw(name), 80).save(TO_LOOK_AT / f"{name}.png")
    small(name, wordless(draw(name))).save(FOLDER / f"{name}.png", optimize=True)
    plt.close("all")


if __name__ == "__main__":
    for each in sys.argv[1:] or PICTURES:
        write(each)
        print(FOLDER / f"{each}.png")
