"""Tests of henderson; the folders mirror the package."""
