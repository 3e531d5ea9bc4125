"""Pictures of a fit: groups with their lines, random effects with intervals, residuals.

Each function takes a fit and optional axes, draws with matplotlib and returns the axes, so that a picture can
be put into a larger figure or saved with ``ax.figure.savefig``.
"""

from __future__ import annotations

from .diagnostics import qq, residuals
from .effects import caterpillar
from .groups import lattice, strip
from .influence import cooks, dfbetas, scaled_residuals
from .marginal import means
from .power_curve import power
from .profile import profile

__all__ = [
    "caterpillar",
    "cooks",
    "dfbetas",
    "lattice",
    "means",
    "power",
    "profile",
    "qq",
    "residuals",
    "scaled_residuals",
    "strip",
]


def __dir__() -> list[str]:
    return __all__  # completion in a notebook offers what is meant to be called, and no modules
