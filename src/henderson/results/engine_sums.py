"""From a lazy frame to sums of products that fit: the rows stay on their engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from henderson.inference.frames import frame_kind
from henderson.results.source import Source
from henderson.results.sums import CrossProducts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def sums_on_engine(
    formula: str,
    data: Any,
    *,
    weights: Any = None,
    offset: Any = None,
    na_action: str = "drop",
    contrasts: Any = None,
    env: Mapping[str, Callable[..., Any]] | None = None,
    levels: Mapping[str, tuple[Any, ...]] | None = None,
    like: CrossProducts | None = None,
) -> CrossProducts:
    """Sum on its engine what a model needs of a lazy frame, to be added to the sums of other rows.

    Parameters
    ----------
    formula, weights, offset, na_action, contrasts, env, levels, like
        As in `henderson.cross_products`; weights and offset are names of columns.
    data : lazy frame

    Returns
    -------
    CrossProducts
        Its source is the lazy frame, for fitted values there.
    """
    from henderson.lazy.gather import gather_sums

    sums, lazy = gather_sums(
        formula,
        data,
        weights=weights,
        offset=offset,
        na_action=na_action,
        contrasts=contrasts,
        env=env,
        levels=levels,
        states=None if like is None else like.addable().plan.states,
    )
    return CrossProducts(sums, _source(formula, data, sums.plan.weights, sums.plan.offset, env), lazy.where)


def design_on_engine(
    formula: str,
    data: Any,
    *,
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    na_action: str = "drop",
    contrasts: str | Mapping[str, str | ArrayLike] | None = None,
    env: Mapping[str, Callable[..., Any]] | None = None,
) -> CrossProducts:
    """Sum on its engine what one fit needs of a lazy frame: smaller tables, but sums that do not add.

    Parameters
    ----------
    formula, weights, offset, na_action, contrasts, env
        As in `henderson.lmm`; weights and offset are names of columns.
    data : lazy frame

    Returns
    -------
    CrossProducts
        Its source is the lazy frame, for fitted values there.
    """
    from henderson.lazy.gather import gather

    gathered = gather(
        formula, data, weights=weights, offset=offset, na_action=na_action, contrasts=contrasts, env=env
    )
    plan = gathered.stage.plan
    source = _source(formula, data, plan.weights, plan.offset, env)
    return CrossProducts.of_design(gathered.design, gathered.cross, source, gathered.rows)


def _source(formula: str, data: Any, weights: str | None, offset: str | None, env: Any) -> Source:
    return Source(formula, frame_kind(data), None, weights, offset, False, env, data)
