"""Timings against other mixed-model software; see run.py."""
