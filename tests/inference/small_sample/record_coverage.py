"""Writes fixtures/coverage.json, with R: ``python -m tests.inference.small_sample.record_coverage``.

The first replicates of the benchmark's design on which Satterthwaite's intervals are too short, with what
lmerTest and pbkrtest say of them. Responses are rounded, so that the file holds exactly what R was given.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import coverage

FILE = Path(__file__).parent / "fixtures" / "coverage.json"
REPLICATES = 40


def main() -> None:
    """Ask R and write the file."""
    rows, responses = coverage.drawn(coverage.HARD, REPLICATES)
    rows, responses = rows[["g", "x", "z"]].round(6), responses.round(6)
    answer = coverage.in_r(rows, responses, coverage.HARD.formula, kenward_roger=True)
    if answer is None:
        raise SystemExit("Rscript with lmerTest and pbkrtest is missing.")
    table, versions = answer
    numbers = ("estimate", "std_error", "df", "std_error_kr", "df_kr")
    content = {
        "source": versions,
        "formula": coverage.HARD.formula,
        "terms": table.term[: len(table) // REPLICATES].tolist(),
        "rows": rows.to_dict("list"),
        "y": responses.tolist(),
        "criterion": table.criterion[:: len(table) // REPLICATES].tolist(),
        "singular": table.singular[:: len(table) // REPLICATES].tolist(),
        **{name: table[name].to_numpy().reshape(REPLICATES, -1).tolist() for name in numbers},
    }
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
