"""Levels of one factor met part by part: numbered as they come, put in order at the end."""

from __future__ import annotations

from typing import Any

import numpy as np

from henderson.crossprod.sums import LevelList
from henderson.data import label_text
from henderson.errors import DataError


class LevelTable:
    """Labels in order of appearance, and what is known of the order that they shall have.

    Parameters
    ----------
    name : str
        Of the factor, for messages.
    """

    __slots__ = ("_last", "code", "declared", "first", "labels", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.code: dict[Any, int] = {}
        self.labels: list[Any] = []
        self.declared: tuple[Any, ...] | None = None
        self.first: LevelList | None = None
        self._last: tuple[tuple[Any, ...], np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def add(self, levels: LevelList) -> np.ndarray:
        """Take in the levels of a part; (l,) int64 their numbers here."""
        if self._last is not None and self._last[0] is levels.labels:
            return self._last[1]
        self._check(levels)
        get = self.code.get
        out = np.array([get(label, -1) for label in levels.labels], dtype=np.int64)
        for i in np.flatnonzero(out < 0).tolist():
            out[i] = self.code[levels.labels[i]] = len(self.labels)
            self.labels.append(levels.labels[i])
        self._last = (levels.labels, out)
        return out

    def _check(self, levels: LevelList) -> None:
        if self.first is None:
            self.first = levels
        elif self.first.ordered != levels.ordered or self.first.logical != levels.logical:
            raise DataError(
                f"{self.name} is {_sort(self.first)} in one part and {_sort(levels)} in another; "
                "give it one type in all of them."
            )
        elif (
            self.labels
            and levels.labels
            and isinstance(self.labels[0], str) != isinstance(levels.labels[0], str)
        ):
            raise DataError(
                f"{self.name} has the labels {self.labels[0]!r}, … in one part and {levels.labels[0]!r}, … "
                "in another: text and numbers. Give it one type in all of them."
            )
        if levels.declared:
            self.declared = self._one_order(levels.labels)

    def _one_order(self, labels: tuple[Any, ...]) -> tuple[Any, ...]:
        """The longer of two declared orders that do not contradict one another."""
        if self.declared is None or self.declared == labels:
            return labels
        short, long = sorted((self.declared, labels), key=len)
        inside = set(short)
        if tuple(label for label in long if label in inside) != short:
            raise DataError(
                f"The levels of {self.name} come in different orders: {_some(short)} in one part, "
                f"{_some(long)} in another. Say which holds: levels={{{self.name!r}: […]}}."
            )
        return long

    def finish(self, used: np.ndarray | None = None) -> tuple[LevelList, np.ndarray]:
        """Levels in order, and (l,) the place there of every number.

        Parameters
        ----------
        used : (l,) bool, optional
            Levels to keep; others are given place -1.
        """
        keep = range(len(self.labels)) if used is None else np.flatnonzero(used).tolist()
        order = sorted(keep, key=self._key())
        place = np.full(len(self.labels), -1, dtype=np.int64)
        place[order] = np.arange(len(order))
        first = self.first or LevelList(())
        labels = tuple(self.labels[i] for i in order)
        declared = self.declared is not None
        return LevelList(labels, declared, first.ordered, first.logical, first.coding), place

    def _key(self) -> Any:
        if self.declared is None:
            return self.labels.__getitem__
        position = {label: i for i, label in enumerate(self.declared)}
        beyond = [label for label in self.labels if label not in position]
        if beyond:
            raise DataError(
                f"{self.name} has the level {label_text(beyond[0])!r} in one part, and in another an order "
                f"of levels without it: {_some(self.declared)}. Say the order: levels={{{self.name!r}: […]}}."
            )
        return lambda i: position[self.labels[i]]


def _sort(levels: LevelList) -> str:
    return "a truth value" if levels.logical else "an ordered factor" if levels.ordered else "a factor"


def _some(labels: tuple[Any, ...]) -> str:
    return ", ".join(map(label_text, labels[:6])) + (", …" if len(labels) > 6 else "")
