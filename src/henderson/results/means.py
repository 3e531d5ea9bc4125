"""Shelf of a fit: marginal means, their contrasts and trends."""

from __future__ import annotations

from henderson.results.tables import Tables


class Means(Tables):
    """Marginal means; see `LinearMixedFit`."""
