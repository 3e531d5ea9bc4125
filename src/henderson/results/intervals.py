"""Shelf of a fit: profile and bootstrap, and the intervals from them."""

from __future__ import annotations

from henderson.results.tables import Tables


class Intervals(Tables):
    """Profile, bootstrap and intervals; see `LinearMixedFit`."""
