"""Linear mixed-effects models from lme4's formulas: exact, fast and fully reported.

>>> import henderson as hd
>>> sleep = hd.datasets.load("sleepstudy")
>>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", sleep)
>>> print(fit.fixef.round(2).to_string())
(Intercept)    251.41
Days            10.47
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import errors

if TYPE_CHECKING:
    from . import datasets, plot
    from .api import lmm
    from .lazy.scanning import scan
    from .model.linear import LinearMixedModel
    from .results import LinearMixedFit
    from .results.comparison import ftest, lrt
    from .results.many import lmm_many
    from .results.pooling import pooling
    from .results.power import power
    from .results.summing import cross_products
    from .results.sums import CrossProducts
    from .threads import get_threads, set_threads

__version__ = "0.1.0"

__all__ = [
    "CrossProducts",
    "LinearMixedFit",
    "LinearMixedModel",
    "__version__",
    "cross_products",
    "datasets",
    "errors",
    "ftest",
    "get_threads",
    "lmm",
    "lmm_many",
    "lrt",
    "plot",
    "pooling",
    "power",
    "scan",
    "set_threads",
]

# Rooms that are opened when first used, so that `import henderson` stays cheap: public name to module.
_LAZY = {
    "CrossProducts": "results.sums",
    "LinearMixedFit": "results",
    "LinearMixedModel": "model.linear",
    "cross_products": "results.summing",
    "datasets": "datasets",
    "ftest": "results.comparison",
    "get_threads": "threads",
    "lmm": "api",
    "lmm_many": "results.many",
    "lrt": "results.comparison",
    "plot": "plot",
    "pooling": "results.pooling",
    "power": "results.power",
    "scan": "lazy.scanning",
    "set_threads": "threads",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{_hint(name)}")
    module = importlib.import_module(f"{__name__}.{_LAZY[name]}")
    value = module if _LAZY[name] == name else getattr(module, name)
    globals()[name] = value
    return value


def _hint(name: str) -> str:
    """Where to find what is looked for here: a method of a fit, or one of the names that there are."""
    import difflib
    import sys

    # Python asks here for submodules too, while they are loaded: nothing may be imported.
    fit = getattr(sys.modules.get(f"{__name__}.results.fit"), "LinearMixedFit", None)
    if not name.startswith("_") and hasattr(fit, name):
        return f"; a fit has it: fit = lmm(formula, data), then fit.{name}"
    if name in ("lmer", "mixedlm", "MixedLM", "mixed", "lme", "fit"):
        return "; write lmm(formula, data)"
    near = difflib.get_close_matches(name, __all__, 1)
    return f"; did you mean {near[0]}?" if near else f"; it offers {', '.join(__all__)}"


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
