"""One self-contained web page about a fit: its tables, its pictures, and the search that found it.

Pictures are embedded as PNG, so that the page can be mailed or kept as a single file.
"""

from __future__ import annotations

import base64
import html
import io
import platform
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from . import __version__, plot
from .plot.canvas import pyplot
from .plot.covariate import covariate
from .plot.lines import held

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .design.record import Grouping
    from .results import LinearMixedFit

_PAGE = 10.0  # inches of a picture that fills the width of the page
_MOST_FACTORS = 3  # pictures of more grouping factors would hide the tables

_LINES = "The data of each {} with the model's line for it (solid) and for the population (dashed)."
_EFFECTS = (
    "Random effects of {}: conditional modes with 95 % conditional intervals; "
    "dark where the interval leaves out zero."
)
_RESIDUALS = (
    "Residuals in units of σ. Left: the smooth should stay near zero and the spread should not change. "
    "Right: points on the line mean normal residuals."
)

_STYLE = """
:root { --ink: #222; --quiet: #5f6b76; --line: #dfe3e8; --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; background: #f5f6f8; color: var(--ink);
       font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 3rem; }
header p, footer, figcaption { color: var(--quiet); }
h1 { font-size: 1.7rem; margin: 0 0 .35rem; line-height: 1.25; }
h1 code { font-family: "DejaVu Sans Mono", ui-monospace, monospace; font-size: .88em; }
h2 { font-size: 1.15rem; margin: 0 0 .8rem; }
header { border-left: 4px solid var(--accent); padding-left: 1rem; }
header p { margin: 0; }
section { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: 1.25rem 1.5rem;
          margin-top: 1.25rem; overflow-x: auto; }
figure { margin: 1rem 0 1.5rem; }
figure:last-child { margin-bottom: 0; }
figure img { max-width: 100%; height: auto; display: block; }
figcaption { font-size: .9rem; margin-top: .4rem; max-width: 46rem; }
pre { font: .82rem/1.45 "DejaVu Sans Mono", ui-monospace, monospace; margin: .5rem 0 0; }
summary { cursor: pointer; font-weight: 600; }
footer { font-size: .85rem; margin-top: 1.25rem; }
@media print { body { background: #fff; } section { border: 0; padding: 0; break-inside: avoid-page; } }
"""


def render_report(fit: LinearMixedFit) -> str:
    """Return the page as HTML text.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.

    Returns
    -------
    str
        A whole HTML document that loads nothing from elsewhere.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> page = render_report(fit)
    >>> page.count("data:image/png;base64,")
    3
    """
    figures = "\n".join(_figure(draw(), caption) for caption, draw in _pictures(fit))
    formula = html.escape(str(fit.formula))
    groups = ", ".join(f"{len(factor.levels)} {html.escape(factor.name)}" for factor in fit.design.groupings)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{formula}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<header><h1><code>{formula}</code></h1>
<p>Linear mixed model of {fit.design.n:,} observations; levels: {groups}</p></header>
<section><h2>Summary</h2>
{fit._repr_html_()}
</section>
<section><h2>Pictures</h2>
{figures}
</section>
<section><details><summary>How the estimate was found</summary>
<pre>{html.escape(str(fit.opt))}</pre></details></section>
<footer>{_versions()}</footer>
</main>
</body>
</html>
"""


def _pictures(fit: LinearMixedFit) -> Iterator[tuple[str, Callable[[], Figure]]]:
    factors = fit.design.groupings[:_MOST_FACTORS]
    found = covariate(fit)
    if found is not None:
        yield (
            f"{_LINES.format(factors[0].name)} {held(fit, found, factors[0])}".strip(),
            lambda: plot.lattice(fit)[0].figure,
        )
    else:
        for factor in factors:
            yield (
                f"The data by {factor.name}, in order of the fitted mean of each level (blue bars).",
                lambda factor=factor: plot.strip(fit, factor.name).figure,  # type: ignore[misc]
            )
    for factor in factors:
        yield (
            _EFFECTS.format(factor.name),
            lambda factor=factor: _caterpillars(fit, factor),  # type: ignore[misc]
        )
    yield (
        _RESIDUALS,
        lambda: _diagnostics(fit),
    )


def _caterpillars(fit: LinearMixedFit, factor: Grouping) -> Figure:
    names = fit.ranef[factor.name].names
    across = min(2, len(names))
    down = -(-len(names) // across)
    height = 5.2 if len(factor.levels) > 50 else max(2.4, 0.17 * len(factor.levels) + 1.2)
    figure, grid = _canvas(down, across, height)
    for ax, name in zip(grid, names, strict=False):
        plot.caterpillar(fit, factor.name, name, ax=ax)
    for spare in grid[len(names) :]:
        spare.set_visible(False)
    return figure


def _diagnostics(fit: LinearMixedFit) -> Figure:
    figure, (left, right) = _canvas(1, 2, 4.0)
    plot.residuals(fit, ax=left)
    plot.qq(fit, ax=right)
    return figure


def _canvas(down: int, across: int, height: float) -> tuple[Figure, Any]:
    figure, grid = pyplot().subplots(
        down, across, figsize=(5.0 * across, height * down), layout="constrained", squeeze=False
    )
    return figure, grid.ravel()


def _figure(figure: Figure, caption: str) -> str:
    stream = io.BytesIO()
    # One scale for all, so that letters are equally large.
    share = min(100, round(100 * figure.get_figwidth() / _PAGE))
    figure.savefig(stream, format="png", dpi=120)
    pyplot().close(figure)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    text = html.escape(caption)
    image = f'<img style="width: {share}%" src="data:image/png;base64,{data}" alt="{text}">'
    return f"<figure>{image}<figcaption>{text}</figcaption></figure>"


def _versions() -> str:
    import numpy as np
    import scipy

    return (
        f"henderson {__version__} · Python {platform.python_version()} · numpy {np.__version__} · "
        f"scipy {scipy.__version__}"
    )
