"""One self-contained web page about a fit: its words, tables, pictures, checks, and how to cite it.

Pictures are embedded as PNG, so that the page can be mailed or kept as a single file.
"""

from __future__ import annotations

import base64
import html
import io
import platform
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__, plot
from .design.assign import fixed_terms
from .display import sentences
from .errors import OptionError
from .inference.solver import is_iterative
from .outputs import write_outputs
from .plot.canvas import pyplot
from .plot.covariate import covariate, group_along
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
_MODES = "Random effects of {}: conditional modes; the iterative solver gives no intervals."
_RESIDUALS = (
    "Residuals in units of σ. Left: the smooth should stay near zero and the spread should not change. "
    "Right: points on the line mean normal residuals."
)

_STYLE = """
:root { --ink: #222; --quiet: #5f6b76; --line: #dfe3e8; --accent: #0072b2; --page: #f5f6f8; --sheet: #fff;
        color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e6ea; --quiet: #9aa5b1; --line: #353c45;
        --accent: #56b4e9; --page: #14171b; --sheet: #1d2127; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
       font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 3rem; }
header p, footer, figcaption { color: var(--quiet); }
h1 { font-size: 1.7rem; margin: 0 0 .35rem; line-height: 1.25; }
h1 code { font-family: "DejaVu Sans Mono", ui-monospace, monospace; font-size: .88em; }
h2 { font-size: 1.15rem; margin: 0 0 .8rem; }
header { border-left: 4px solid var(--accent); padding-left: 1rem; }
header p { margin: 0; }
section { background: var(--sheet); border: 1px solid var(--line); border-radius: 8px;
          padding: 1.25rem 1.5rem; margin-top: 1.25rem; overflow-x: auto; }
figure { margin: 1rem 0 1.5rem; }
figure:last-child { margin-bottom: 0; }
figure img { max-width: 100%; height: auto; display: block; background: #fff; border-radius: 4px; }
section p { margin: .4rem 0; max-width: 46rem; }
.henderson ul { max-width: 46rem; }
figcaption { font-size: .9rem; margin-top: .4rem; max-width: 46rem; }
pre { font: .82rem/1.45 "DejaVu Sans Mono", ui-monospace, monospace; margin: .5rem 0 0; }
summary { cursor: pointer; font-weight: 600; }
footer { font-size: .85rem; margin-top: 1.25rem; }
@media print { :root { --ink: #000; --sheet: #fff; --page: #fff; }
               section { border: 0; padding: 0; break-inside: avoid-page; } }
"""


def render_report(
    fit: LinearMixedFit,
    title: str | None = None,
    units: Mapping[str, str] | None = None,
    level: float = 0.95,
    ddf: str = "auto",
) -> str:
    """Return the page as HTML text.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    title : str, optional
        Heading; by default the formula.
    units : dict of str to str, optional
        Units of columns, as `LinearMixedFit.explain` takes them.
    level : float, default 0.95
        Coverage of the intervals in words and tables.
    ddf : {"auto", "satterthwaite", "kenward-roger", "residual", "none"}
        Kind of degrees of freedom.

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
    words = fit.explain(units, level, ddf)  # refuses wrong options before the work
    summary = fit.summary(level, ddf)
    figures = "\n".join(_figure(draw(), caption) for caption, draw in _pictures(fit))
    sections = [
        ("In plain words", words.to_html(title=False)),
        ("Summary", summary._repr_html_() + _term_tests(fit, ddf)),
        ("Pictures", figures),
        ("Checks", fit.diagnose().to_html()),
        ("How to cite", _citation(fit, summary.record.coefficients.ddf)),
    ]
    body = "\n".join(f"<section><h2>{name}</h2>\n{inside}\n</section>" for name, inside in sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title or str(fit.formula))}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
{_header(fit, title)}
{body}
<section><details><summary>How the estimate was found</summary>
<pre>{html.escape(str(fit.opt))}</pre></details></section>
<footer>{_versions()}</footer>
</main>
</body>
</html>
"""


def write_report(fit: LinearMixedFit, path: object, **options: Any) -> Path:
    """Write the page to a file, whole or not at all, and return where it lies.

    Parameters
    ----------
    fit : LinearMixedFit
    path : str or Path
        The file; one that is there is replaced.
    **options
        Of `render_report`.

    Returns
    -------
    Path

    Raises
    ------
    OptionError
        If `path` is no path, or an option is wrong.
    DataError
        If the file cannot be written.
    """
    if not isinstance(path, (str, Path)) or not str(path):
        raise OptionError(f'report() writes a file: fit.report("report.html"), not {path!r}.')
    target = Path(path)
    write_outputs({target: render_report(fit, **options)})
    return target


def _header(fit: LinearMixedFit, title: str | None) -> str:
    formula = f"<code>{html.escape(str(fit.formula))}</code>"
    groups = ", ".join(f"{len(factor.levels)} {html.escape(factor.name)}" for factor in fit.design.groupings)
    facts = f"Linear mixed model of {fit.design.n:,} observations; levels: {groups}"
    if title is None:
        return f"<header><h1>{formula}</h1>\n<p>{facts}</p></header>"
    return f"<header><h1>{html.escape(title)}</h1>\n<p>{formula}</p><p>{facts}</p></header>"


def _term_tests(fit: LinearMixedFit, ddf: str) -> str:
    """Return the tests of whole terms where some term has several coefficients, nothing otherwise."""
    if all(len(term.columns) < 2 for term in fixed_terms(fit.design)):
        return ""
    return fit.anova(ddf=ddf).to_html()


def _citation(fit: LinearMixedFit, ddf: str) -> str:
    """Return a sentence for a methods section, and references; `ddf` is what the tests really used."""
    how = "restricted maximum likelihood" if fit.estimate.reml else "maximum likelihood"
    tests = f"; tests of fixed effects use {sentences.method(ddf)}" if fit.design.p else ""
    return (
        f"<p>A linear mixed model was fitted by {how} with henderson {__version__}{tests}.</p>"
        f"<p>The henderson developers. <i>henderson: linear mixed-effects models for Python</i>, version "
        f"{__version__}.</p>"
        "<p>Bates, D., Mächler, M., Bolker, B. and Walker, S. (2015). Fitting linear mixed-effects models "
        "using lme4. <i>Journal of Statistical Software</i> 67 (1). doi:10.18637/jss.v067.i01 (the model "
        "that is fitted).</p>"
    )


def _pictures(fit: LinearMixedFit) -> Iterator[tuple[str, Callable[[], Figure]]]:
    factors = fit.design.groupings[:_MOST_FACTORS]
    found = covariate(fit)
    if found is not None:
        drawn = group_along(fit, found, None)
        yield (
            f"{_LINES.format(drawn.name)} {held(fit, found, drawn)}".strip(),
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
            (_MODES if is_iterative(fit.estimate) else _EFFECTS).format(factor.name),
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
