"""Sphinx configuration: pydata theme, pages in Markdown, tutorials executed at build, formulas as MathML."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert

import henderson

project = "henderson"
author = "The henderson developers"
copyright = "2026, The henderson developers"
version = release = henderson.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "jupyter_execute"]
nitpicky = False

# A page whose code fails does not build; outputs are never stored, so a page shows what its code prints.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"
html_title = "henderson"
html_static_path = ["_static"]
html_css_files = ["henderson.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "navbar_align": "left",
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "limitations": [], "for-r-users": [], "reference/index": []}
html_math_renderer = "mathml"


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _display(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Write formulas as MathML, which browsers render themselves: the pages load nothing from elsewhere."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
