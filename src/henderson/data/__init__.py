"""Any data frame → columns of numbers and factors."""

from __future__ import annotations

from henderson.data.columns import Column, Factor, Numbers, label_text
from henderson.data.factors import as_factor, recode
from henderson.data.frames import Frame, open_frame

__all__ = ["Column", "Factor", "Frame", "Numbers", "as_factor", "label_text", "open_frame", "recode"]
