"""Terms + data → response, fixed-effects matrix and random-effects blocks, replayable on new data."""

from __future__ import annotations

from henderson.design.build import build
from henderson.design.record import Design, Grouping, NewDesign, NewGrouping, RandomTerm
from henderson.design.replay import replay
from henderson.design.spec import DesignSpec

__all__ = ["Design", "DesignSpec", "Grouping", "NewDesign", "NewGrouping", "RandomTerm", "build", "replay"]
