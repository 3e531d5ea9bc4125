"""Linear mixed-effects models from lme4's formulas: exact, fast and fully reported.

>>> import henderson as hd
>>> sleep = hd.datasets.load("sleepstudy")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import errors

if TYPE_CHECKING:
    from . import datasets

__version__ = "0.1.0"

__all__ = ["__version__", "datasets", "errors"]

# Rooms that are opened when first used, so that `import henderson` stays cheap.
_LAZY = ("datasets",)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
