"""Many responses of one design: one analysis, compiled searches, tidy tables."""
