"""Shelf of a fit: influence of rows and groups, and diagnostics."""

from __future__ import annotations

from henderson.results.tables import Tables


class Influence(Tables):
    """Influence and diagnostics; see `LinearMixedFit`."""
