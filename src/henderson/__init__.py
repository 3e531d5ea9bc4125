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
    from .model.linear import LinearMixedModel
    from .results import LinearMixedFit
    from .results.comparison import ftest, lrt
    from .results.pooling import pooling
    from .results.power import power

__version__ = "0.1.0"

__all__ = [
    "LinearMixedFit",
    "LinearMixedModel",
    "__version__",
    "datasets",
    "errors",
    "ftest",
    "lmm",
    "lrt",
    "plot",
    "pooling",
    "power",
]

# Rooms that are opened when first used, so that `import henderson` stays cheap: public name to module.
_LAZY = {
    "LinearMixedFit": "results",
    "LinearMixedModel": "model.linear",
    "datasets": "datasets",
    "ftest": "results.comparison",
    "lmm": "api",
    "lrt": "results.comparison",
    "plot": "plot",
    "pooling": "results.pooling",
    "power": "results.power",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    module = importlib.import_module(f"{__name__}.{_LAZY[name]}")
    value = module if _LAZY[name] == name else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
