"""From rows in any place to their sums of products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from henderson.crossprod.stream import stream
from henderson.data.chunks import WHOLE, Chunk, Chunks, as_chunks, column_name
from henderson.design.arguments import check_env, check_formula, check_na_action, read_codings
from henderson.design.chunk import Request
from henderson.errors import OptionError
from henderson.inference.frames import frame_kind
from henderson.lazy import is_lazy
from henderson.results.engine_sums import sums_on_engine
from henderson.results.options import named_options
from henderson.results.source import Source
from henderson.results.sums import CrossProducts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@named_options
def cross_products(
    formula: str,
    data: Any,
    *,
    weights: str | ArrayLike | None = None,
    offset: str | ArrayLike | None = None,
    na_action: str = "drop",
    contrasts: str | Mapping[str, str | ArrayLike] | None = None,
    env: Mapping[str, Callable[..., Any]] | None = None,
    levels: Mapping[str, Any] | None = None,
    like: CrossProducts | None = None,
) -> CrossProducts:
    """Sum the products that a model needs, chunk by chunk and in constant memory.

    A = [Z X y]' W [Z X y], kept apart for every level and cell, so that sums of other rows can be added.

    Parameters
    ----------
    formula : str
        As in `lmm`.
    data : path(s) of Parquet or CSV files, iterator or function that makes data frames, or a data frame
        ``"sales/*.parquet"``, ``["north.csv", "south.csv"]``,
        ``lambda: pandas.read_csv(path, chunksize=100_000)``. Of a lazy frame (DuckDB relation, polars
        LazyFrame, …) the sums are formed on its engine.
    weights, offset : column name, optional
        As in `lmm`; an array only beside a data frame.
    na_action : {"drop", "raise"}
        What to do with rows with missing values.
    contrasts, env
        As in `lmm`. Functions of `env` see one chunk at a time and must work row by row.
    levels : mapping of column name to list, optional
        Levels of factors, in the order that they shall have; others in the data are an error. By default
        those that occur, in the order that they have in a data frame.
    like : CrossProducts, optional
        Sums of other rows that these are to be added to: what functions such as ``scale`` and ``poly`` learnt
        from their rows is used here.

    Returns
    -------
    CrossProducts

    Raises
    ------
    FormulaError, OptionError
        As in `lmm`.
    DataError
        Naming the chunk: reading failed, a column is missing, of another type than before, or holds what
        cannot be used; a term needs all rows at once (knots at quantiles, ``median``).

    Notes
    -----
    O(n m (m + K)) on all threads (`set_threads`) for m columns; memory for a few chunks and the result. One
    pass; functions that learn from all rows take one more before it. The result does not depend on the
    number of threads, and on the chunks only by rounding.

    Examples
    --------
    >>> import henderson as hd
    >>> machines = hd.datasets.load("machines")
    >>> chunks = (machines[i : i + 10] for i in range(0, len(machines), 10))
    >>> sums = hd.cross_products("score ~ Machine + (1 | Worker/Machine)", chunks)
    >>> round(sums.fit().sigma, 4)
    0.9616
    """
    if is_lazy(data):
        return sums_on_engine(
            formula, data, weights=weights, offset=offset, na_action=na_action, contrasts=contrasts,
            env=env, levels=check_levels(levels), like=like,
        )  # fmt: skip
    source = as_chunks(data)
    if source is None:
        source = Chunks(lambda names: iter([Chunk(data, WHOLE)]), "a data frame")
    else:
        weights, offset = column_name(weights, "weights"), column_name(offset, "offset")
    request = Request(
        formula=check_formula(formula),
        weights=weights,
        offset=offset,
        na_action=check_na_action(na_action),
        codings=read_codings(contrasts),
        env=check_env(env),
        levels=check_levels(levels),
        states={} if like is None else dict(like.addable().plan.states),
    )
    sums = stream(request, source)
    known = [each if isinstance(each, str) else None for each in (weights, offset)]
    kept = Source(
        formula,
        frame_kind(data),
        weights=known[0],
        offset=known[1],
        array_offset=offset is not None and known[1] is None,
        env=env,
        rows=source if source.again and not _is_array(weights) and not _is_array(offset) else None,
    )
    return CrossProducts(sums, kept, source.where)


def _is_array(value: Any) -> bool:
    return value is not None and not isinstance(value, str)


def check_levels(levels: Any) -> dict[str, tuple[Any, ...]]:
    """Return `levels` as tuples, or an error that shows the form."""
    if levels is None:
        return {}
    if not isinstance(levels, Mapping):
        raise OptionError(
            f"levels is a dict such as {{'treatment': ['a', 'b', 'c']}}; got {type(levels).__name__}."
        )
    out = {}
    for name, each in levels.items():
        if isinstance(each, str) or not hasattr(each, "__iter__"):
            raise OptionError(f"levels={{{name!r}: {each!r}}}: give the list of levels.")
        labels = tuple(x.item() if hasattr(x, "item") else x for x in each)
        if len(set(labels)) != len(labels) or not labels:
            raise OptionError(f"levels of {name!r}: {len(labels)} labels, {len(set(labels))} different ones.")
        out[str(name)] = labels
    return out
