"""Peak memory of one fit, measured in a process of its own: ``python -m benchmarks.memory slope``.

The data come from a file, the library is warmed up on the sleep study, and the kernel's high-water mark is
set back before the fit, so that neither the generator nor the imports count.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import problems


def resident(field: str = "VmRSS") -> int:
    """Resident bytes now (``VmRSS``) or at the most since the mark was set back (``VmHWM``)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this kernel does not report resident memory")


class Peak:
    """Watches resident memory: the kernel's mark where it can be set back, a sampling thread elsewhere."""

    def __enter__(self) -> Peak:
        gc.collect()
        self.before, self.seen, self.running = resident(), 0, True
        try:
            Path("/proc/self/clear_refs").write_text("5")
            self.exact = True
        except OSError:
            self.exact = False
            threading.Thread(target=self.sample, daemon=True).start()
        return self

    def sample(self) -> None:
        """Look every millisecond."""
        while self.running:
            self.seen = max(self.seen, resident())
            time.sleep(0.001)

    def __exit__(self, *exception: object) -> None:
        self.running = False
        self.peak = (resident("VmHWM") if self.exact else self.seen) - self.before


def main(name: str) -> None:
    """Print frame, X and peak in bytes as one JSON line."""
    import henderson

    problem = next(p for p in problems.PROBLEMS if p.name == name)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.npz"
        problems.save(problem.make(), file)
        rows = problems.load(file)
    henderson.lmm(problems.SLEEP, problems.sleep_study())
    frame = int(rows.memory_usage(index=False, deep=True).sum())
    with Peak() as watch:
        fit = henderson.lmm(problem.formula, rows)
    print(json.dumps({"frame": frame, "X": 8 * len(rows) * len(fit.beta), "peak": watch.peak}))


if __name__ == "__main__":
    main(sys.argv[1])
