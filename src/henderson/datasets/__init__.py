"""Example data sets with declared factor levels, and simulated data with known truth.

>>> from henderson import datasets
>>> datasets.load("sleepstudy").shape
(180, 3)
"""

from __future__ import annotations

from .frames import load
from .registry import Column, DataSet, describe, names
from .simulate import simulate_athletes, simulate_crossed, simulate_nested, simulate_psycholinguistic
from .truth import Truth

__all__ = [
    "Column",
    "DataSet",
    "Truth",
    "describe",
    "load",
    "names",
    "simulate_athletes",
    "simulate_crossed",
    "simulate_nested",
    "simulate_psycholinguistic",
]


def __dir__() -> list[str]:
    return __all__  # completion in a notebook offers what is meant to be called, and no modules
