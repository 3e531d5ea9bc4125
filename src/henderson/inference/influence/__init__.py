"""Influence of rows and of groups on the estimates, and simulated residuals."""
