"""A and theta to a factor: solves, log-determinants, traces; compiled, and the same in readable NumPy."""
