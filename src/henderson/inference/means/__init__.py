"""Estimated marginal means, trends and their contrasts."""
