"""Sums in one file and back: names as JSON, arrays as NumPy writes them, nothing that could run."""

from __future__ import annotations

import io
import json
import zipfile
from os import PathLike
from typing import IO, Any

import numpy as np

from henderson.crossprod.sums import GroupSums, LevelList, PairSums, Sums, Unit, sizes_of, starts_of
from henderson.data.writing import write_whole
from henderson.design.predictors import NumberTable, Tables
from henderson.design.spec import coding_record, plain_record, read_coding
from henderson.design.wide import WidePlan, plan_of
from henderson.errors import DataError
from henderson.formula import read_formula

FORMAT, VERSION = "henderson.CrossProducts", 1
Record = dict[str, Any]
_HEADER = "header.json"
_DATE = (1980, 1, 1, 0, 0, 0)  # the same sums give the same bytes


def save(path: str | PathLike[str], sums: Sums, more: Record) -> None:
    """Write sums to one file, whole or not at all.

    Parameters
    ----------
    path : path
    sums : Sums
    more : dict
        Further plain fields.

    Raises
    ------
    DataError
        It cannot be written; a file that was there is untouched.
    """
    header, arrays = to_record(sums)
    text = json.dumps({"format": FORMAT, "version": VERSION, **more, **header}, allow_nan=False)

    def write(file: IO[bytes]) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(zipfile.ZipInfo(_HEADER, _DATE), text)
            for name, array in arrays.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy", _DATE), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)

    write_whole(path, write)


def load(path: str | PathLike[str]) -> tuple[Sums, Record]:
    """Read sums that `save` wrote.

    Returns
    -------
    Sums, dict
        The sums, and the header.

    Raises
    ------
    DataError
        No such file, no file of sums, of another version, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            header = json.loads(archive.read(_HEADER))
            check_header(path, header)
            arrays = {
                name.removesuffix(".npy"): _array(archive.read(name))
                for name in archive.namelist()
                if name.endswith(".npy")
            }
        return from_record(header, arrays), header
    except FileNotFoundError as error:
        raise DataError(f"There is no file {str(path)!r}.") from error
    except DataError:
        raise
    except (
        zipfile.BadZipFile,
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        OSError,
    ) as error:
        raise DataError(
            f"{str(path)!r} holds no sums of products, or is damaged ({type(error).__name__}: {error}). Save "
            "them again with CrossProducts.save()."
        ) from error


def _array(data: bytes) -> np.ndarray:
    return np.asarray(np.lib.format.read_array(io.BytesIO(data), allow_pickle=False))


def check_header(path: str | PathLike[str], header: Any) -> None:
    """Stop at anything that does not say it is a file of sums of this version."""
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise DataError(f"{str(path)!r} holds no sums of products.")
    if header.get("version") != VERSION:
        raise DataError(
            f"{str(path)!r} was saved in version {header.get('version')!r} of the format; this henderson "
            f"reads version {VERSION}. Use one version at all sites."
        )


def to_record(sums: Sums) -> tuple[Record, dict[str, np.ndarray]]:
    """Return names and numbers as plain lists, and the arrays."""
    plan = sums.plan
    header: Record = {
        "plan": {
            "formula": plan.formula,
            "dot": plain_record(plan.dot),
            "env": list(plan.env),
            "codings": {name: coding_record(coding) for name, coding in plan.codings.items()},
            "kinds": plan.kinds,
            "numbers": {name: list(suffixes) for name, suffixes in plan.numbers.items()},
            "weights": plan.weights,
            "offset": plan.offset,
            "states": plain_record(plan.states),
        },
        "n": sums.n,
        "n_input": sums.n_input,
        "missing": sums.missing,
        "levels": {name: _levels_record(each) for name, each in sums.levels.items()},
        "units": [
            {"number": [list(part) for part in number], "centre": unit.centre, "scale": unit.scale}
            for number, unit in sums.units.items()
        ],
        "y_unit": {"centre": sums.y_unit.centre, "scale": sums.y_unit.scale},
        "weighted": sums.plain is not sums.xx,
        "groups": [[_levels_record(each) for each in group.factors] for group in sums.groups],
        "pairs": [[pair.first, pair.second] for pair in sums.pairs],
        "sum_log_weights": sums.sum_log_weights,
        "tables": tables_record(sums.tables),
    }
    arrays = {"xx": sums.xx}
    if sums.plain is not sums.xx:
        arrays["plain"] = sums.plain
    for f, group in enumerate(sums.groups):
        for name in ("combos", "rows", "zz", "zx"):
            arrays[f"{name}_{f}"] = getattr(group, name)
    for i, pair in enumerate(sums.pairs):
        arrays |= {f"at_{i}": pair.at, f"blocks_{i}": pair.blocks}
    return header, arrays


def _levels_record(each: LevelList) -> Record:
    return {
        "labels": list(each.labels),
        "declared": each.declared,
        "ordered": each.ordered,
        "logical": each.logical,
        "coding": None if each.coding is None else coding_record(each.coding),
    }


def _read_levels(record: Record) -> LevelList:
    coding = None if record["coding"] is None else read_coding(record["coding"])
    declared, ordered, logical = (bool(record[name]) for name in ("declared", "ordered", "logical"))
    return LevelList(tuple(record["labels"]), declared, ordered, logical, coding)


def tables_record(tables: Tables | None) -> Record | None:
    """Return counts and moments of the raw columns as plain lists."""
    if tables is None:
        return None
    cells = tables.cells
    return {
        "numbers": {name: [e.n, e.mean, e.least, e.largest] for name, e in tables.numbers.items()},
        "limits": dict(tables.limits),
        "names": list(tables.names),
        "cells": None if cells is None else [[list(key), *count] for key, count in cells.items()],
    }


def read_tables(record: Record | None) -> Tables | None:
    """Return the tables of `tables_record`."""
    if record is None:
        return None
    numbers = {name: NumberTable(int(n), *moments) for name, (n, *moments) in record["numbers"].items()}
    cells = record["cells"]
    found = None if cells is None else {tuple(key): (rows, weight) for key, rows, weight in cells}
    return Tables(numbers, dict(record["limits"]), tuple(record["names"]), found)


def read_plan(record: Record) -> WidePlan:
    """Return the plan of a record: formula and kinds are stored, the blocks follow from them."""
    env = tuple(record["env"])
    dot = None if record["dot"] is None else tuple(record["dot"])
    return plan_of(
        read_formula(str(record["formula"]), frozenset(env), dot),
        kinds=dict(record["kinds"]),
        numbers={name: tuple(suffixes) for name, suffixes in record["numbers"].items()},
        codings={name: read_coding(coding) for name, coding in record["codings"].items()},
        env=env,
        weights=record["weights"],
        offset=record["offset"],
        states={name: dict(state) for name, state in record["states"].items()},
    )


def from_record(header: Record, arrays: dict[str, np.ndarray]) -> Sums:
    """Rebuild sums; shapes are checked against the levels."""
    plan = read_plan(header["plan"])
    levels = {name: _read_levels(each) for name, each in header["levels"].items()}
    groups = tuple(
        GroupSums(
            tuple(map(_read_levels, factors)),
            *(arrays[f"{name}_{f}"] for name in ("combos", "rows", "zz", "zx")),
        )
        for f, factors in enumerate(header["groups"])
    )
    xx = arrays["xx"]
    sums = Sums(
        plan=plan,
        n=int(header["n"]),
        n_input=int(header["n_input"]),
        missing={name: int(count) for name, count in header["missing"].items()},
        levels=levels,
        units={
            tuple((name, int(j)) for name, j in each["number"]): Unit(each["centre"], each["scale"])
            for each in header["units"]
        },
        y_unit=Unit(**header["y_unit"]),
        xx=xx,
        plain=arrays["plain"] if header["weighted"] else xx,
        groups=groups,
        pairs=tuple(
            PairSums(f, g, arrays[f"at_{i}"], arrays[f"blocks_{i}"])
            for i, (f, g) in enumerate(header["pairs"])
        ),
        sum_log_weights=float(header["sum_log_weights"]),
        tables=read_tables(header["tables"]),
    )
    _check_shapes(sums)
    return sums


def _check_shapes(sums: Sums) -> None:
    sizes = sizes_of(sums.levels)
    m = starts_of(sums.plan.x, sizes)[-1] + 1
    expected: list[tuple[np.ndarray, tuple[int, ...]]] = [(sums.xx, (m, m)), (sums.plain, (m, m))]
    k = [starts_of(blocks, sizes)[-1] for blocks in sums.plan.z]
    for f, group in enumerate(sums.groups):
        count = len(group.rows)
        expected += [
            (group.combos, (count, len(group.factors))),
            (group.zz, (count, k[f], k[f])),
            (group.zx, (count, k[f], m)),
        ]
    for pair in sums.pairs:
        e = len(pair.at)
        expected += [(pair.at, (e, 2)), (pair.blocks, (e, k[pair.first], k[pair.second]))]
    for array, shape in expected:
        if array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f"an array of shape {array.shape} where {shape} belongs, or numbers not finite")
