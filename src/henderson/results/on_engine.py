"""Fitted values and predictions as columns of a lazy frame, whose rows stay on their engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from henderson.errors import DataError, OptionError
from henderson.lazy import is_lazy

if TYPE_CHECKING:
    from henderson.results.fit import LinearMixedFit
    from henderson.results.parameters import Parameters


def is_on_engine(fit: Parameters) -> bool:
    """Return whether a fit was made from a lazy frame that it still knows."""
    return is_lazy(fit.source.rows)


def _estimates(fit: Parameters) -> Any:
    from henderson.lazy.outputs import Estimates

    if fit.design.spec is None:
        raise DataError("This fit holds no formula to replay on a lazy frame; collect the rows first.")
    estimate = fit.estimate
    return Estimates(fit.design.spec, estimate.beta, tuple(estimate.b), estimate.sigma)


def add_to_rows(fit: Parameters, wanted: tuple[str, ...], kind: str = "response") -> Any:
    """Return the lazy frame that a fit was made from, with columns of fitted values or residuals.

    Parameters
    ----------
    fit : LinearMixedFit
    wanted : tuple of {".fitted", ".resid", ".fixed"}
        Columns to add.
    kind : {"response", "pearson", "scaled"}
        Of the residuals.

    Returns
    -------
    lazy frame of the same kind
        The rows used; nothing is run but the combinations of levels.
    """
    from henderson.lazy.outputs import augmented

    source = fit.source
    return augmented(
        _estimates(fit), source.rows, wanted=wanted, kind=kind, weights=source.weights, env=source.env
    )


_WRITERS = {
    "Polars": "sink_parquet({0})",
    "DuckDB": "write_parquet({0})",
    "Spark": "write.parquet({0})",
    "SQLFrame": "write.parquet({0})",
}


def refuse_on_engine(fit: Parameters, data: Any, to: Any) -> None:
    """Stop at arguments of ``augment`` that are for rows read in chunks; their place is the engine."""
    if to is not None:
        from henderson.lazy.engines import open_lazy

        engine = open_lazy(fit.source.rows).engine
        writer = _WRITERS.get(engine, "to_parquet({0})").format(repr(str(to)))
        raise OptionError(
            f"to= writes rows that are read in chunks, and these stay on {engine}, which writes "
            f"them itself: type fit.augment().{writer}."
        )
    if data is not None:
        raise OptionError("The fit knows its rows: type fit.augment(); for other rows fit.predict(frame).")


def predict_rows(
    fit: LinearMixedFit, data: Any, chosen: tuple[int, ...], new_levels: str, unusable: Mapping[str, object]
) -> Any:
    """Return a lazy frame with the predicted mean of every row as the column ``estimate``.

    Parameters
    ----------
    fit : LinearMixedFit
    data : lazy frame
    chosen : tuple of int
        Groupings whose effects take part.
    new_levels : {"error", "population"}
    unusable : mapping
        Arguments that need rows in memory, and their values.

    Raises
    ------
    OptionError
        One of these was asked for.
    """
    from henderson.lazy.outputs import predicted

    asked = [name for name, value in unusable.items() if value is not None and value is not False]
    if asked:
        raise OptionError(
            f"{asked[0]}= needs the rows in memory; a lazy frame gets the predicted means. Collect the "
            f"rows that matter and predict them with {asked[0]}=."
        )
    return predicted(_estimates(fit), data, chosen=chosen, new_levels=new_levels, env=fit.source.env)
