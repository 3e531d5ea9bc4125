"""How a power simulation reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.display.table import TableView

if TYPE_CHECKING:
    from henderson.inference.power.record import PowerRecord

METHOD_NAMES = {
    "satterthwaite": "F test, Satterthwaite's degrees of freedom",
    "kenward-roger": "F test, Kenward and Roger's degrees of freedom",
    "z": "chi-square test",
    "lrt": "likelihood ratio test",
    "callable": "the caller's own function",
}


def power_view(record: PowerRecord) -> TableView:
    """Return the table of a power simulation."""
    share = [f"{100 * v:.1f} %" for v in record.power]
    limits = [f"{100 * a:.1f} %" for a in record.conf_low], [f"{100 * b:.1f} %" for b in record.conf_high]
    percent = f"{100 * record.level:g} %"
    rows = zip(
        [str(n) for n in record.n_groups],
        [f"{w:g}" if w == round(w) else f"{w:.1f}" for w in record.n_within],
        [str(n) for n in record.nobs],
        share,
        *limits,
        strict=True,
    )
    return TableView(
        title=f"Power of the test of {record.test} at the level {record.alpha:g}",
        heads=["groups", "rows each", "rows", "power", f"{percent} from", "to"],
        rows=[list(row) for row in rows],
        left=0,
        notes=_notes(record),
        before=_before(record),
    )


def _before(record: PowerRecord) -> list[str]:
    how = METHOD_NAMES[record.method]
    size = f"{record.n_sim} simulated studies of each size (seed {record.seed})"
    lines = [f"{size}; {how}; groups are levels of {record.along}."]
    if record.effect:
        lines.append(f"Assumed: {', '.join(f'{name} = {value:g}' for name, value in record.effect)}.")
    elif record.method != "callable":
        lines.append(
            "Effects as the fit estimates them: this power is as uncertain as they are (see effect=)."
        )
    return lines


def _notes(record: PowerRecord) -> list[str]:
    out = []
    if record.failed.any():
        failed = int(record.failed.sum())
        out.append(f"{failed} studies could not be fitted or tested; they count as not significant.")
    if record.not_converged.any():
        out.append(f"{int(record.not_converged.sum())} searches stopped before an optimum.")
    enough = np.flatnonzero(record.power >= 0.8)
    if len(record.power) > 1:
        best = int(enough[np.argmin(record.nobs[enough])]) if len(enough) else None
        out.append(
            "No size tried reaches 80 %."
            if best is None
            else f"The smallest size tried that reaches 80 % has {record.n_groups[best]} groups and "
            f"{record.nobs[best]} rows."
        )
    return out
