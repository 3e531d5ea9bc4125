"""Shelf of a fit: how much it explains, and comparison with other fits."""

from __future__ import annotations

from henderson.results.tables import Tables


class Quality(Tables):
    """Quality of the fit; see `LinearMixedFit`."""
