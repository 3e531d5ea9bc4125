"""Third shelf of a fit: degrees of freedom and tests of fixed effects."""

from __future__ import annotations

from henderson.results.tables import Tables


class Hypotheses(Tables):
    """Tests of fixed effects; see `LinearMixedFit`."""
