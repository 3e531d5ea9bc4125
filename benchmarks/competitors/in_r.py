"""lme4 and glmmTMB through an Rscript process that speaks the same protocol as the Python workers.

R reads a CSV written once per problem; the clock starts inside R after the data are read.  This file runs
in the parent process and only translates requests and replies.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd

SCRIPT = Path(__file__).with_suffix(".R")
PACKAGES = ("lme4", "glmmTMB")
"""What the script knows how to call."""


def command(package: str) -> list[str] | None:
    """How to start the process; None where R is not installed."""
    rscript = shutil.which("Rscript")
    return [rscript, "--vanilla", str(SCRIPT), package] if rscript else None


def export(rows: pd.DataFrame, stem: Path) -> None:
    """Write the CSV and the list of column types beside it."""
    rows.to_csv(stem.with_suffix(".csv"), index=False)
    kinds = ["factor" if isinstance(t, pd.CategoricalDtype) else "numeric" for t in rows.dtypes]
    stem.with_suffix(".tsv").write_text(
        "".join(f"{n}\t{k}\n" for n, k in zip(rows.columns, kinds, strict=True))
    )


def request(fields: dict[str, Any]) -> str:
    """A request line."""
    stem = Path(fields["file"])
    parts = (fields["action"], stem.with_suffix(".csv"), stem.with_suffix(".tsv"), fields["repeats"])
    return "\t".join(str(part) for part in (*parts, int(fields["reml"]), fields["formula"]))


def reply(line: str) -> dict[str, Any]:
    """A reply, in the shape of the Python workers'."""
    kind, *fields = line.rstrip("\n").split("\t")
    if kind == "versions":
        return {"versions": dict(field.split(" ", 1) for field in fields)}
    if kind == "error":
        return {"error": fields[0][:300]}
    return {
        "loglik": float(fields[0]),
        "evaluations": int(fields[1]),
        "seconds": [float(s) for s in fields[2:]],
    }
