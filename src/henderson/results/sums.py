"""Sums of products as users hold them: they add, fit, and send no rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from henderson import estimate as estimation
from henderson.crossprod.combine import combine
from henderson.crossprod.gather import Gathered, gather
from henderson.crossprod.stream import stream
from henderson.crossprod.sums import Sums
from henderson.data.chunks import Chunk as _Chunk
from henderson.data.chunks import Chunks, as_chunks, column_name
from henderson.design.arguments import check_env, check_formula, check_na_action, read_codings
from henderson.design.chunk import Request
from henderson.errors import OptionError
from henderson.inference.frames import frame_kind
from henderson.model.linear import theta_names
from henderson.results.alarm import warn_if_cut_short
from henderson.results.fit import LinearMixedFit
from henderson.results.options import named_options
from henderson.results.source import Source

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from henderson.crossprod import CrossProducts as Record
    from henderson.design.gathered import GatheredDesign


class CrossProducts:
    """The sums of products of a model over rows that stayed where they are.

    Made by `henderson.cross_products`. They add (``+``), also those of other places, save to a file, and fit
    without the rows.

    Parameters
    ----------
    sums : crossprod.sums.Sums or None
        Sums that can be added; None for those that cannot.
    source : Source
        Kind of frame, and where the rows are.
    where : str
        What to call that place.
    gathered : Gathered, optional
        Design and cross-products, where they are made already.

    Examples
    --------
    >>> import henderson as hd
    >>> sleep = hd.datasets.load("sleepstudy")
    >>> north = hd.cross_products("Reaction ~ Days + (Days | Subject)", sleep[:80])
    >>> south = hd.cross_products("Reaction ~ Days + (Days | Subject)", sleep[80:])
    >>> fit = (north + south).fit()
    >>> print(fit.fixef.round(2).to_string())
    (Intercept)    251.41
    Days            10.47
    """

    def __init__(
        self, sums: Sums | None, source: Source, where: str, gathered: Gathered | None = None
    ) -> None:
        self.sums, self.source, self.where, self._gathered = sums, source, where, gathered

    @cached_property
    def gathered(self) -> Gathered:
        """Design and cross-products: levels, coding, ranks and centres settled by the rows that are in."""
        if self._gathered is not None:
            return self._gathered
        assert self.sums is not None
        return gather(self.sums, self.where)

    @property
    def design(self) -> GatheredDesign:
        """Names, levels and counts."""
        return self.gathered.design

    @property
    def record(self) -> Record:
        """The cross-products as the solvers take them."""
        return self.gathered.cross

    @property
    def formula(self) -> str:
        """The formula as typed."""
        return self.source.formula

    @named_options
    def fit(
        self,
        *,
        reml: bool = True,
        start: ArrayLike | None = None,
        max_evaluations: int | None = None,
        tol: float | None = None,
    ) -> LinearMixedFit:
        """Fit the model from the sums; arguments as in `lmm`.

        Returns
        -------
        LinearMixedFit
            What needs rows raises a DataError that says what to type instead.

        Notes
        -----
        3 to 12 evaluations whose cost does not depend on the number of rows.
        """
        first: Any = start
        estimate = estimation.fit_cross_products(
            self.record,
            theta_names(self.design),
            reml=reml,
            start=first,
            max_evaluations=max_evaluations,
            tol=tol,
        )
        warn_if_cut_short(estimate, stacklevel=3)
        return LinearMixedFit(self.design, estimate, self.source)


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
) -> CrossProducts:
    """Sum the products that a model needs, chunk by chunk, in constant memory.

    Parameters
    ----------
    formula : str
        As in `lmm`.
    data : path(s) of Parquet or CSV files, iterator or function making data frames, or a data frame
        ``"sales/*.parquet"``, ``lambda: pandas.read_csv(path, chunksize=100_000)``.

    Returns
    -------
    CrossProducts
    """
    source = as_chunks(data)
    if source is None:
        source, where = (
            Chunks(lambda names: iter([_Chunk(data, "the data")]), "the data frame"),
            "the data frame",
        )
    else:
        weights, offset = column_name(weights, "weights"), column_name(offset, "offset")
        where = source.where
    request = Request(
        formula=check_formula(formula),
        weights=weights,
        offset=offset,
        na_action=check_na_action(na_action),
        codings=read_codings(contrasts),
        env=check_env(env),
        levels=check_levels(levels),
    )
    sums = stream(request, source)
    names = [each if isinstance(each, str) else None for each in (weights, offset)]
    kept = Source(
        formula,
        frame_kind(data),
        None,
        names[0],
        names[1],
        array_offset=offset is not None and names[1] is None,
        env=env,
        rows=source if source.again else None,
    )
    return CrossProducts(sums, kept, where)


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


__all__ = ["CrossProducts", "combine", "cross_products"]
