"""Trust-region Newton on theta, and the record of a search."""

from henderson.optim.newton import minimise
from henderson.optim.record import SearchRecord, Step

__all__ = ["SearchRecord", "Step", "minimise"]
