"""How a new group reads as its rows arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.display.names import shorten_all
from henderson.display.table import TableView

if TYPE_CHECKING:
    from henderson.inference.arrivals import ArrivalsRecord

LONGEST_NAME = 20


def arrivals_view(record: ArrivalsRecord) -> TableView:
    """Return the table of states: rows seen, coefficients, shrinkage, prediction."""
    columns = [shorten_all(record.levels, LONGEST_NAME), [str(r) for r in record.rows]]
    heads = [record.group, "Rows"]
    for k, term in enumerate(record.terms):
        columns += [_fixed(record.coef[:, k]), [_percent(s) for s in record.shrinkage[:, k]]]
        heads += [term, "shrunk"]
    numbers = _fixed(np.concatenate([record.estimate, record.low, record.high]))
    count = len(record.levels)
    columns += [numbers[:count], numbers[count : 2 * count], numbers[2 * count :]]
    heads += ["Prediction", "from", "to"]
    shrunk = (
        "Shrunk: how much of the variance of an effect the rows leave open; at 100 % the coefficient is the "
        "population's."
    )
    return TableView(
        title=f"A new {record.group} as its rows arrive",
        heads=heads,
        rows=[list(row) for row in zip(*columns, strict=True)],
        left=1,
        notes=[shrunk],
        before=[_where(record)],
    )


def _where(record: ArrivalsRecord) -> str:
    place = ", ".join(f"{name} = {value}" for name, value in record.place)
    kind = "intervals for a new observation" if record.interval == "prediction" else "intervals for the mean"
    return f"Prediction{f' at {place}' if place else ''}, {100 * record.level:g} % {kind}."


def _fixed(values: np.ndarray) -> list[str]:
    top = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    places = int(np.clip(3 - np.floor(np.log10(top)), 0, 12)) if top > 0 else 0
    return [f"{x:.{places}f}" for x in values]


def _percent(share: float) -> str:
    return ">99 %" if 0.995 <= share < 1 - 1e-12 else f"{100 * share:.0f} %"
