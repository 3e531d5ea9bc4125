"""Cost of inference, written to RESULTS-inference.md: ``python benchmarks/inference.py``."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded
os.environ.setdefault("OMP_NUM_THREADS", "1")  # R's
HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)  # not this folder, whose competitors/ would shadow what they time

import numpy  # noqa: E402
import scipy  # noqa: E402

import henderson as hd  # noqa: E402
from benchmarks.profile_bootstrap import profile_table  # noqa: E402
from benchmarks.small_sample import cost_table  # noqa: E402


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS-inference.md")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    versions = f"henderson {hd.__version__}, numpy {numpy.__version__}, scipy {scipy.__version__}"
    lines = [
        "# Cost of inference",
        "",
        f"{date.today()}; {os.cpu_count()} cores, load average {load:.1f} at the start; {versions}.",
        "BLAS in one thread on all sides. Made by `python benchmarks/inference.py`.",
    ]
    lines += ["", "## Degrees of freedom", "", *cost_table(options.repeats)]
    lines += ["", "## Profile and bootstrap", "", *profile_table(), ""]
    options.out.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
