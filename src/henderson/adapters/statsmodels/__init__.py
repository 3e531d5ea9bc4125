"""Mixed models with statsmodels' words: change the import line and keep the code.

    from henderson.adapters import statsmodels as smf

``smf.mixedlm`` and ``smf.MixedLM`` are henderson's; every other name (``ols``, ``OLS``, ``add_constant``, …)
is passed through to statsmodels where that is installed.
"""

from typing import Any

from henderson.adapters.statsmodels import rdatasets as datasets
from henderson.adapters.statsmodels.model import MixedLM
from henderson.adapters.statsmodels.parameters import MixedLMParams, VCSpec
from henderson.adapters.statsmodels.results import MixedLMResults
from henderson.adapters.statsmodels.start import mixedlm

__all__ = ["MixedLM", "MixedLMParams", "MixedLMResults", "VCSpec", "datasets", "mixedlm"]


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    from henderson.adapters.statsmodels.passthrough import look_up

    return look_up(name)
