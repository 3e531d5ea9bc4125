"""Tables and pictures of the scaling study."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HEAD = """# Scaling

{date}; load average {load:.1f} at the start; Python {python}; {versions}.

One thread for everybody, each program in its own process, data already in memory, maximum likelihood.
Seconds are the best of up to four fits; memory is the peak of the first one above what the process held with
the data read.  A program leaves an axis after a fit longer than {patience:.0f} s or a refusal.  Made by
`python -m benchmarks.scaling`; sizes and data in `benchmarks/scaling.py`."""

WORSE = 1e-3
"""Log-likelihood units below the best that count as another optimum."""
LEAST = 1e6
"""Bytes below which a peak says nothing."""
OURS = "henderson"
COLOURS = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#F0E442")
MARKS = "sD^v<>P"


@dataclass(slots=True)
class Curve:
    """How one program did along an axis.

    Attributes
    ----------
    seconds, bytes, loglik : dict of int to float
        By size; memory is the peak of the first fit above what the process held with the data read.
    reason : str
        Why it stopped before the end.
    """

    seconds: dict[int, float] = field(default_factory=dict)
    bytes: dict[int, float] = field(default_factory=dict)
    loglik: dict[int, float] = field(default_factory=dict)
    reason: str = ""


def section(axis: Any, curves: dict[str, Any]) -> str:
    """Heading, picture and the tables of one axis."""
    programs = [name for name, curve in curves.items() if curve.seconds]
    parts = [
        f"## {axis.title}",
        f"![Time and memory]({axis.name}.png)",
        table(axis, curves, programs, "seconds", seconds),
        "Peak memory in MB:",
        table(axis, curves, programs, "bytes", megabytes),
    ]
    remarks = [f"{name}: {curve.reason}" for name, curve in curves.items() if curve.reason]
    remarks += worse(axis, curves)
    return "\n\n".join(parts + (["; ".join(remarks) + "."] if remarks else []))


def seconds(value: float) -> str:
    """Three significant digits, plain."""
    return f"{value:#.3g}".rstrip(".")


def megabytes(value: float) -> str:
    """Whole ones; less than one is lost in what the allocator holds."""
    return f"{value / 1e6:.0f}" if value >= LEAST else "<1"


def table(axis: Any, curves: dict[str, Any], programs: list[str], what: str, show: Any) -> str:
    """One row a size, one column a program."""
    lines = [f"| {axis.label} | {' | '.join(programs)} |", "|---:" * (len(programs) + 1) + "|"]
    for size in axis.sizes:
        values = [getattr(curves[name], what).get(size, math.nan) for name in programs]
        cells = ["" if math.isnan(value) else show(value) for value in values]
        lines.append(f"| {size:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def worse(axis: Any, curves: dict[str, Any]) -> list[str]:
    """Programs that reported a log-likelihood below the best."""
    out = []
    for name, curve in curves.items():
        gaps = [
            max(c.loglik[size] for c in curves.values() if size in c.loglik) - value
            for size, value in curve.loglik.items()
        ]
        if gaps and max(gaps) > WORSE:
            out.append(f"{name} reports a log-likelihood up to {max(gaps):.2g} below the best")
    return out


def draw(axis: Any, curves: dict[str, Any], file: Path) -> None:
    """Log-log curves of time and memory, ours on top."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": 9}):
        figure = Figure(figsize=(9, 3.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        style = zip(COLOURS, MARKS, strict=True)
        for name, curve in sorted(curves.items(), key=lambda item: item[0] == OURS):
            if not curve.seconds:
                continue
            colour, mark = ("#0072B2", "o") if name == OURS else next(style)
            look = {"color": colour, "marker": mark, "ms": 4, "lw": 2.4 if name == OURS else 1.2}
            left.plot(list(curve.seconds), list(curve.seconds.values()), label=name, **look)
            if not curve.bytes:
                continue
            right.plot(list(curve.bytes), [max(b, LEAST) / 1e6 for b in curve.bytes.values()], **look)
        for ax, title in ((left, "seconds"), (right, "peak memory above the data, MB")):
            ax.set(xscale="log", yscale="log", xlabel=axis.label, title=title)
            ax.grid(visible=True, alpha=0.3)
            ax.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside right upper", frameon=False)
        figure.savefig(file, dpi=110)
