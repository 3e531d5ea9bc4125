"""Parts of a fit as HTML: variance components, effects of the levels, the search."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from henderson.display.html import block, table_html, varcorr_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from henderson.inference.random_effects import LevelEffects
    from henderson.inference.varcorr import VarCorr
    from henderson.optim.record import SearchRecord

MOST_ROWS = 20


def varcorr_html(table: VarCorr) -> str:
    """Return the variance components as one ``<div>`` with its own style."""
    return block(varcorr_table(table))


def effects_html(tables: Iterable[LevelEffects]) -> str:
    """Return the effects of one or more grouping factors; of long ones the first and last ten levels."""
    return block("".join(_effects(effects) for effects in tables))


def _effects(effects: LevelEffects) -> str:
    count, half = len(effects.levels), MOST_ROWS // 2
    shown = range(count) if count <= MOST_ROWS else [*range(half), *range(count - half, count)]
    rows = [
        [str(effects.levels[i]), *(f"{x:.{effects.decimals()}f}" for x in effects.values[i].tolist())]
        for i in shown
    ]
    if count > MOST_ROWS:
        rows.insert(half, ["…"] * (1 + len(effects.names)))
    caption = f"{effects.group}, {count} level{'' if count == 1 else 's'}"
    return table_html(caption, ["", *effects.names], rows, 1)


def search_html(search: SearchRecord) -> str:
    """Return the search, evaluation by evaluation."""
    heads = ["#", "Step", "Criterion", "|Gradient|", "Predicted decrease", "Trust radius"]
    rows = [
        [str(i), step.words, *(cell.strip() for cell in step.cells)] for i, step in enumerate(search.steps, 1)
    ]
    notes = f'<div class="hd-notes"><div>{escape(search.message)}</div></div>'
    return block(table_html("Search for theta", heads, rows, 2) + notes)
