"""The fitted model: `LinearMixedFit`, and what it hands out."""

from henderson.results.fit import LinearMixedFit
from henderson.results.printed import Summary
from henderson.results.source import Source

__all__ = ["LinearMixedFit", "Source", "Summary"]
