"""A fit from sums of products as plain data and back: names and sums are stored, as there are no rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from henderson.crossprod.record import CrossProducts, PairBlocks
from henderson.crossprod.store import read_tables, tables_record
from henderson.design.gathered import GatheredDesign, Products
from henderson.inference.packing import listed, packed, plain_label, unpacked

Record = dict[str, Any]
_PLAIN = (
    "n", "x_names", "intercept", "response", "n_input", "dropped", "all_x_names", "missing", "weighted",
    "has_offset", "where",
)  # fmt: skip


def gathered_record(design: GatheredDesign) -> Record:
    """Names and counts of a design without rows, and its plain sums of products."""
    parts, products = design.parts(), design.products
    return {
        **{name: _listed(parts[name]) for name in _PLAIN},
        "gathered": True,
        "groupings": [
            {"name": g.name, "levels": [plain_label(x) for x in g.levels]} for g in design.groupings
        ],
        "terms": [{"grouping": t.grouping, "names": list(t.names)} for t in design.terms],
        "products": None
        if products is None
        else {name: packed(getattr(products, name)) for name in ("mean", "scale", "sums")},
        "predictors": tables_record(design.predictors),
        "level_rows": None if design.level_rows is None else [packed(rows) for rows in design.level_rows],
        "spec": None if design.spec is None else design.spec.to_dict(),
    }


def _listed(value: Any) -> Any:
    return [_listed(each) for each in value] if isinstance(value, tuple) else value


def read_gathered(record: Mapping[str, Any]) -> GatheredDesign:
    """Return the design of `gathered_record`."""
    from henderson.design.spec import DesignSpec

    x_names = tuple(map(str, record["x_names"]))
    terms = tuple((int(t["grouping"]), tuple(map(str, t["names"]))) for t in record["terms"])
    m = 2 + len(x_names) + sum(len(names) for _, names in terms)
    products = record["products"]
    return GatheredDesign(
        n=int(record["n"]),
        x_names=x_names,
        intercept=None if record["intercept"] is None else range(len(x_names))[int(record["intercept"])],
        groupings=tuple((str(g["name"]), tuple(g["levels"])) for g in record["groupings"]),
        terms=terms,
        response=str(record["response"]),
        n_input=int(record["n_input"]),
        spec=None if record["spec"] is None else DesignSpec.from_dict(record["spec"]),
        dropped=tuple(map(str, record["dropped"])),
        all_x_names=tuple(map(str, record["all_x_names"])),
        missing=tuple((str(name), int(count)) for name, count in record["missing"]),
        weighted=bool(record["weighted"]),
        has_offset=bool(record["has_offset"]),
        products=None
        if products is None
        else Products(
            len(x_names),
            unpacked(products["mean"], "means", (m,)),
            unpacked(products["scale"], "scales", (m,)),
            unpacked(products["sums"], "plain sums", (m, m)),
        ),
        predictors=read_tables(record["predictors"]),
        level_rows=None
        if record["level_rows"] is None
        else tuple(
            unpacked(rows, "rows per level", (len(g["levels"]),))
            for rows, g in zip(record["level_rows"], record["groupings"], strict=True)
        ),
        where=str(record["where"]),
    )


def cross_record(cross: CrossProducts) -> Record:
    """Cross-products as packed arrays; their pattern follows from the design."""
    return {
        "zz": [packed(z) for z in cross.zz],
        "pairs": [
            {
                "first": pair.first,
                "second": pair.second,
                **{name: packed(getattr(pair, name)) for name in ("start", "partner", "blocks")},
            }
            for pair in cross.pairs
        ],
        "z_transform": [packed(T) for T in cross.z_transform],
        **{name: packed(getattr(cross, name)) for name in ("zx", "xx", "entries")},
        **{name: getattr(cross, name).tolist() for name in ("x_centre", "x_scale")},
        "constant": None if cross.constant is None else cross.constant.tolist(),
        "y_centre": cross.y_centre,
        "sum_log_weights": cross.sum_log_weights,
        **({} if cross.basis is None else {"basis": packed(cross.basis)}),
    }


def read_cross(record: Mapping[str, Any], design: GatheredDesign) -> CrossProducts:
    """Return the cross-products of `cross_record`, shapes checked against the design."""
    p, levels = design.p, tuple(len(g.levels) for g in design.groupings)
    columns = [0] * len(levels)
    for term in design.terms:
        columns[term.grouping] += term.k
    q = sum(n * k for n, k in zip(levels, columns, strict=True))
    n_theta = sum(t.k * (t.k + 1) // 2 for t in design.terms)
    return CrossProducts(
        n=design.n,
        p=p,
        q=q,
        columns=tuple(columns),
        levels=levels,
        zz=tuple(
            unpacked(z, "Z'Z", (n, k, k)) for z, n, k in zip(record["zz"], levels, columns, strict=True)
        ),
        pairs=tuple(_read_pair(pair, levels, columns) for pair in record["pairs"]),
        zx=unpacked(record["zx"], "Z'X", (q, p + 1)),
        xx=unpacked(record["xx"], "X'X", (p + 1, p + 1)),
        entries=unpacked(record["entries"], "theta's places", (n_theta, 4)),
        z_transform=tuple(
            unpacked(T, "scales of Z", (k, k)) for T, k in zip(record["z_transform"], columns, strict=True)
        ),
        x_centre=listed(record["x_centre"], "centres of X", p),
        x_scale=listed(record["x_scale"], "scales of X", p),
        y_centre=float(record["y_centre"]),
        constant=None if record["constant"] is None else listed(record["constant"], "the constant", p),
        intercept=design.intercept,
        sum_log_weights=float(record["sum_log_weights"]),
        basis=unpacked(record["basis"], "the basis of X", (p, p)) if "basis" in record else None,
    )


def _read_pair(record: Mapping[str, Any], levels: tuple[int, ...], columns: list[int]) -> PairBlocks:
    f, g = (range(len(levels))[int(record[name])] for name in ("first", "second"))
    start = unpacked(record["start"], "pairs", (levels[f] + 1,)).astype(np.int64)
    count = int(start[-1])
    partner = unpacked(record["partner"], "pairs", (count,)).astype(np.int32)
    return PairBlocks(
        f, g, start, partner, unpacked(record["blocks"], "pairs", (count, columns[f], columns[g]))
    )
