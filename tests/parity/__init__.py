"""Fits held against numbers recorded from R."""
