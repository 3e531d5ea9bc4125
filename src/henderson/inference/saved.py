"""A fit as plain data and back: versioned, exact, and nothing in it is ever run.

The record holds names, parameters, the record of the search, the specification of the design and the arrays
of the design
(the caller's data frame is not kept), so that a fit read back can do all that the first one could, `augment`
on the design's
own columns included. Parameters are lists that people can read; arrays with one entry per row are base64 of
little-endian
numbers, 11 characters per number. The cross-products are formed anew on loading, and the criterion is
evaluated once at the stored parameters: a record that was altered does not pass as a fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.design.gathered import GatheredDesign
from henderson.design.record import Design, Grouping, RandomTerm
from henderson.errors import DataError
from henderson.inference.packing import listed, number, packed, plain_label, unpacked
from henderson.inference.saved_solver import read_solver, solver_record
from henderson.inference.saved_sums import cross_record, gathered_record, read_cross, read_gathered

if TYPE_CHECKING:
    from henderson.crossprod import CrossProducts
    from henderson.estimate import Estimate
    from henderson.inference.new_data import Origin
    from henderson.optim.record import SearchRecord

FORMAT = "henderson.LinearMixedFit"
VERSION = 1
SOURCE = ("formula", "kind", "weights", "offset", "array_offset")
PARAMETERS = ("criterion", "sigma", "logdet_omega", "logdet_rx", "pwrss", "nu", "reml")
Record = dict[str, Any]


# -- writing -------------------------------------------------------------------------------------------------


def to_dict(design: Design, estimate: Estimate, origin: Origin) -> Record:
    """Return a fit as a dict of plain lists, numbers and text.

    Parameters
    ----------
    design, estimate, origin : Design, Estimate, Source
        The fit.

    Returns
    -------
    dict
        Ready for ``json.dumps(..., allow_nan=False)``.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "source": {name: getattr(origin, name) for name in SOURCE},
        **stored_design(design, estimate),
        "estimate": {
            **{name: getattr(estimate, name) for name in PARAMETERS},
            "theta_names": list(estimate.theta_names),
            "theta": estimate.theta.tolist(),
            "beta": estimate.beta.tolist(),
            "search": search_record(estimate.search),
            "kkt": {
                "stationarity": number(estimate.kkt.stationarity),
                "predicted_decrease": number(estimate.kkt.predicted_decrease),
                "smallest_eigenvalue": [number(x) for x in estimate.kkt.smallest_eigenvalue],
                "satisfied": bool(estimate.kkt.satisfied),
            },
            "solver": solver_record(estimate),
        },
    }


def stored_design(design: Design, estimate: Estimate) -> Record:
    """The rows of a fit; of a fit from sums of products, the sums."""
    if isinstance(design, GatheredDesign):
        return {"design": gathered_record(design), "sums": cross_record(estimate.cross)}
    return {"design": design_record(design)}


def design_record(design: Design) -> Record:
    """Arrays and names of a design; a random-effects column that is a column of X is stored as its number."""
    return {
        "n": design.n,
        "response": design.response,
        "y": packed(design.y),
        "X": packed(design.X),
        "x_names": list(design.x_names),
        "all_x_names": list(design.all_x_names),
        "dropped": list(design.dropped),
        "intercept": design.intercept,
        "offset": packed(design.offset),
        "weights": packed(design.weights),
        "groupings": [
            {"name": g.name, "levels": [plain_label(x) for x in g.levels], "codes": packed(g.codes)}
            for g in design.groupings
        ],
        "terms": [
            {
                "grouping": t.grouping,
                "names": list(t.names),
                "columns": [_column(design, c) for c in t.columns],
            }
            for t in design.terms
        ],
        "kept_rows": packed(design.kept_rows),
        "n_input": design.n_input,
        "missing": [list(pair) for pair in design.missing],
        "spec": None if design.spec is None else design.spec.to_dict(),
    }


def _column(design: Design, column: np.ndarray) -> Record | None:
    for j in range(design.p):
        if column is design.X[:, j] or column.ctypes.data == design.X[:, j].ctypes.data:
            return {"x": j}
    return packed(column)


def search_record(search: SearchRecord) -> Record:
    """Return the search, evaluation by evaluation."""
    return {
        "converged": bool(search.converged),
        "message": search.message,
        "tol": search.tol,
        "max_evaluations": int(search.max_evaluations),
        "steps": [
            {
                "theta": [number(x) for x in step.theta],
                **{
                    name: number(getattr(step, name))
                    for name in ("value", "gradient_norm", "radius", "predicted")
                },
                "accepted": bool(step.accepted),
                "stage": step.stage,
            }
            for step in search.steps
        ],
    }


# -- reading -------------------------------------------------------------------------------------------------


def from_dict(
    stored: Any, env: Mapping[str, Callable[..., Any]] | None = None
) -> tuple[Design, Estimate, Record]:
    """Read back a fit.

    Parameters
    ----------
    stored : dict
        What `to_dict` returned, possibly by way of JSON.
    env : mapping, optional
        The caller's functions, if the formula uses any.

    Returns
    -------
    Design, Estimate, dict of the fields of the source

    Raises
    ------
    DataError
        If `stored` is no stored fit, of another version, incomplete, or if its numbers do not belong
        together.
    """
    check_format(stored)
    try:
        design, cross = read_stored_design(stored)
        estimate = read_estimate(stored["estimate"], design, cross)
        source = {name: stored["source"][name] for name in SOURCE}
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"The stored fit is incomplete or damaged: {type(error).__name__}: {error}."
        ) from error
    check_functions(design, env)
    if estimate.monte_carlo is None:  # an iterative fit's criterion is an estimate, and dear
        check_criterion(estimate)
    return design, estimate, source


def read_stored_design(stored: Mapping[str, Any]) -> tuple[Design, CrossProducts]:
    """Return design and cross-products: formed anew from the rows, or those that were stored."""
    from henderson import crossprod

    if stored["design"].get("gathered"):
        gathered = read_gathered(stored["design"])
        return gathered, read_cross(stored["sums"], gathered)
    design = read_design(stored["design"])
    return design, crossprod.from_design(design)


def check_format(stored: Any) -> None:
    """Stop at anything that does not say it is a fit of this version."""
    if not isinstance(stored, Mapping) or stored.get("format") != FORMAT:
        raise DataError(
            f"This is not a stored fit: a dict with 'format': {FORMAT!r}, made by fit.to_dict(), is expected."
        )
    if stored.get("version") != VERSION:
        raise DataError(
            f"The fit was stored in version {stored.get('version')!r} of the format; this one reads "
            f"version {VERSION}. Fit again, or use the henderson that stored it."
        )


def check_functions(design: Design, env: Mapping[str, Callable[..., Any]] | None) -> None:
    """Stop when the formula calls functions that the caller has to bring."""
    missing = [
        name for name in (design.spec.env if design.spec is not None else ()) if name not in (env or {})
    ]
    if missing:
        given = ", ".join(f"{name!r}: {name}" for name in missing)
        raise DataError(
            f"The formula calls functions of yours, which are not stored: from_dict(..., env={{{given}}})."
        )


def check_criterion(estimate: Estimate) -> None:
    """Stop when the criterion at the stored parameters is not the stored criterion."""
    from henderson.model.criterion import criterion
    from henderson.model.units import to_search

    chart, theta = to_search(estimate.cross, estimate.theta)
    at = criterion(estimate.cross, reml=estimate.reml)(theta, 0, chart.entries)
    found = float("nan") if at is None else at.value
    if not abs(found - estimate.criterion) <= 1e-6 * (1 + abs(found)):
        raise DataError(
            f"The stored fit is damaged: its criterion is {estimate.criterion:.8g}, but data and parameters "
            f"give {found:.8g}."
        )


def read_design(record: Record) -> Design:
    """Return the design of `design_record`, shapes and codes checked."""
    from henderson.design.spec import DesignSpec

    n, x_names = int(record["n"]), tuple(map(str, record["x_names"]))
    X = np.asfortranarray(unpacked(record["X"], "X", (n, len(x_names))))
    groupings = tuple(read_grouping(g, n) for g in record["groupings"])
    optional: dict[str, Any] = {
        name: None if record[name] is None else unpacked(record[name], name, (n,))
        for name in ("offset", "weights", "kept_rows")
    }
    return Design(
        y=unpacked(record["y"], "y", (n,)),
        X=X,
        x_names=x_names,
        intercept=None if record["intercept"] is None else range(len(x_names))[int(record["intercept"])],
        dropped=tuple(map(str, record["dropped"])),
        all_x_names=tuple(map(str, record["all_x_names"])),
        groupings=groupings,
        terms=tuple(read_term(t, X, len(groupings)) for t in record["terms"]),
        response=str(record["response"]),
        n_input=int(record["n_input"]),
        missing=tuple((str(name), int(count)) for name, count in record["missing"]),
        spec=None if record["spec"] is None else DesignSpec.from_dict(record["spec"]),
        **optional,
    )


def read_grouping(record: Record, n: int) -> Grouping:
    """One grouping factor; every code must point at a level."""
    levels, name = tuple(record["levels"]), str(record["name"])
    codes = unpacked(record["codes"], f"codes of {name}", (n,)).astype(np.int32)
    if codes.size and not (codes.min() >= 0 and codes.max() < len(levels)):
        raise DataError(f"The stored fit is damaged: codes of {name} point outside its {len(levels)} levels.")
    return Grouping(name, codes, levels)


def read_term(record: Record, X: np.ndarray, groupings: int) -> RandomTerm:
    """One random-effects term, its columns shared with X where they were."""
    names = tuple(map(str, record["names"]))
    columns = tuple(
        X[:, int(c["x"])] if "x" in c else unpacked(c, f"column {name}", (len(X),))
        for c, name in zip(record["columns"], names, strict=True)
    )
    return RandomTerm(range(groupings)[int(record["grouping"])], names, columns)


def read_estimate(record: Record, design: Design, cross: CrossProducts) -> Estimate:
    """Return the estimate on the cross-products of its design."""
    from henderson.estimate import Estimate
    from henderson.model.linear import theta_names
    from henderson.optim.rectify import KKT

    names, kkt = theta_names(design), record["kkt"]
    choice, monte_carlo = read_solver(record.get("solver"), len(names))
    return Estimate(
        reml=bool(record["reml"]),
        theta=listed(record["theta"], "theta", len(names)),
        theta_names=names,
        beta=listed(record["beta"], "beta", design.p),
        nu=int(record["nu"]),
        **_numbers(record),
        search=read_search(record["search"], len(names)),
        kkt=KKT(
            float(kkt["stationarity"]),
            float(kkt["predicted_decrease"]),
            tuple(listed(kkt["smallest_eigenvalue"], "kkt", len(design.terms)).tolist()),
            bool(kkt["satisfied"]),
        ),
        cross=cross,
        choice=choice,
        monte_carlo=monte_carlo,
    )


def _numbers(record: Record) -> dict[str, Any]:
    return {name: float(record[name]) for name in PARAMETERS if name not in ("nu", "reml")}


def read_search(record: Record, size: int) -> SearchRecord:
    """Return the search of `search_record`."""
    from henderson.optim.record import SearchRecord, Step

    steps = tuple(
        Step(
            listed(s["theta"], "theta of a step", size),
            float(s["value"]),
            float(s["gradient_norm"]),
            float(s["radius"]),
            float(s["predicted"]),
            bool(s["accepted"]),
            str(s["stage"]),
        )
        for s in record["steps"]
    )
    return SearchRecord(
        steps,
        bool(record["converged"]),
        str(record["message"]),
        float(record["tol"]),
        int(record["max_evaluations"]),
    )
