"""Replicates kept in a file as they come, so that a stopped run goes on where it was.

A text file: one line of JSON that says what was run, one with the names, then one line per replicate with its
number, why it failed (mostly nothing), and its values to the last digit.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.errors import DataError

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

MARK = "# henderson bootstrap "


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One replicate.

    Attributes
    ----------
    values : (s,) float64
    singular : bool
        Whether the refit was singular.
    failure : str
        Why there is no estimate; empty where there is one.
    """

    values: np.ndarray
    singular: bool = False
    failure: str = ""


def fingerprint(design: Design, estimate: Estimate) -> str:
    """Digest of the data, the model and its estimates."""
    digest = hashlib.sha256()
    arrays = [design.y, design.X, estimate.theta, estimate.beta, np.array([estimate.sigma, estimate.reml])]
    arrays += [array for array in (design.offset, design.weights) if array is not None]
    arrays += [grouping.codes for grouping in design.groupings]
    arrays += [column for term in design.terms for column in term.columns]
    for array in arrays:
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


class Store:
    """Replicates, in memory and where wanted in a file.

    Parameters
    ----------
    path : str, path or None
        Made when it does not exist; None for memory alone.
    facts : dict
        What was run: fingerprint, kind, seed.
    names : tuple of str
        Of the statistic.
    fresh : int
        Seed to use where neither `facts` nor the file has one.

    Raises
    ------
    DataError
        If the file is no file of replicates, or one of another fit, kind, seed or statistic.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        facts: dict[str, Any],
        names: tuple[str, ...],
        fresh: int,
    ):
        self.path, self.facts, self.names = None if path is None else Path(path), dict(facts), names
        self.done: dict[int, Row] = {}
        if self.path is not None and self.path.exists() and self.path.stat().st_size:
            self._read(self.path)
            return
        if self.facts["seed"] is None:
            self.facts["seed"] = fresh
        if self.path is not None:
            self.path.write_text(self._head(), encoding="utf-8", newline="")

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return int(self.facts["seed"])

    def _head(self) -> str:
        line = io.StringIO()
        csv.writer(line).writerow(["replicate", "singular", "failure", *self.names])
        return MARK + json.dumps(self.facts, sort_keys=True) + "\n" + line.getvalue()

    def _read(self, path: Path) -> None:
        raw = path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]  # a line that was cut off is computed again
        lines = whole.decode("utf-8", errors="replace").splitlines()
        if len(lines) < 2 or not lines[0].startswith(MARK):
            raise DataError(f"{path} is no file of bootstrap replicates; give another name to file=.")
        self._check(path, json.loads(lines[0].removeprefix(MARK)), next(csv.reader([lines[1]]))[3:])
        for number, singular, failure, *values in csv.reader(lines[2:]):
            if len(values) == len(self.names):
                numbers = np.array([float(v) for v in values])
                self.done[int(number)] = Row(numbers, singular == "1", failure)
        if len(whole) < len(raw):
            path.write_bytes(whole)

    def _check(self, path: Path, found: dict[str, Any], names: list[str]) -> None:
        if self.facts["seed"] is None:
            self.facts["seed"] = found.get("seed")
        wrong = [key for key, value in self.facts.items() if found.get(key) != value]
        if tuple(names) != self.names and "statistic" not in wrong:
            wrong.append("statistic")
        if wrong:
            raise DataError(
                f"{path} holds replicates of another run: {', '.join(wrong)} "
                f"{'differs' if len(wrong) == 1 else 'differ'}. Give another name to file=, or delete it."
            )

    def append(self, rows: dict[int, Row]) -> None:
        """Add finished replicates by number; those for a file are on disk when this returns."""
        self.done.update(rows)
        if self.path is None:
            return
        text = io.StringIO()
        writer = csv.writer(text)
        for number, row in rows.items():
            reason = " ".join(row.failure.split())
            writer.writerow([number, int(row.singular), reason, *map(repr, row.values.tolist())])
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
