"""Design to sufficient statistics: after this one pass over the rows nothing depends on their number."""

from henderson.crossprod.accumulate import from_design, with_response
from henderson.crossprod.record import CrossProducts

__all__ = ["CrossProducts", "from_design", "with_response"]
