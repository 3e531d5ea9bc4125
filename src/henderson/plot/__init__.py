"""Pictures of a fit: groups with their lines, random effects with intervals, residuals.

Each function takes a fit and optional axes, draws with matplotlib and returns the axes, so that a picture can
be put into a larger figure or saved with ``ax.figure.savefig``.
"""

from __future__ import annotations

from .coefficients import forest
from .diagnostics import qq, residuals
from .effect_curve import effect
from .effects import caterpillar
from .groups import lattice, strip
from .influence import cooks, dfbetas, scaled_residuals
from .many import many
from .marginal import means
from .meeting import design
from .one_group import one
from .power_curve import power
from .profile_curves import profile
from .random_effects import ranef_correlation, ranef_distribution
from .replicates import bootstrap
from .residual_checks import residuals_by, scale_location
from .response import histogram, spaghetti

__all__ = [
    "bootstrap",
    "caterpillar",
    "cooks",
    "design",
    "dfbetas",
    "effect",
    "forest",
    "histogram",
    "lattice",
    "many",
    "means",
    "one",
    "power",
    "profile",
    "qq",
    "ranef_correlation",
    "ranef_distribution",
    "residuals",
    "residuals_by",
    "scale_location",
    "scaled_residuals",
    "spaghetti",
    "strip",
]


def __dir__() -> list[str]:
    return __all__  # completion in a notebook offers what is meant to be called, and no modules
