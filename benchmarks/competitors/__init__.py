"""One file per program: how it is told to fit a formula, and what it reports."""
