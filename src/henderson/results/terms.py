"""Shelf of a fit: tests of whole terms by refitting without them."""

from __future__ import annotations

from henderson.results.tables import Tables


class Terms(Tables):
    """Tests of terms by refitting; see `LinearMixedFit`."""
