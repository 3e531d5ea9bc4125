"""Tests: linear hypotheses, analysis of variance, likelihood ratios, tests of variances."""
