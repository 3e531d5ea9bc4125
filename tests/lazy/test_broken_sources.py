"""Files and workers that fail in the middle, on DuckDB, Polars, Dask and in chunks: an error, never a fit."""

from __future__ import annotations

import os

import pandas as pd
import polars as pl
import pyarrow.parquet as parquet
import pytest

import henderson as hd
from henderson.errors import DataError, HendersonWarning
from tests.lazy.engines import table

MODEL = "y ~ x + (1 | g)"
SOURCES = {"DuckDB": hd.scan, "Polars": pl.scan_parquet, "chunks": lambda path: path}


@pytest.fixture(params=list(SOURCES))
def source(request):
    """A reader of Parquet files, and what errors call it."""
    return SOURCES[request.param], request.param


def parts_of(data: pd.DataFrame, folder) -> None:
    """Three files of 300 rows, sorted by name."""
    for i in range(3):
        data.iloc[300 * i : 300 * (i + 1)].to_parquet(folder / f"part-{i}.parquet")


def spoil_column(path, name: str, group: int) -> None:
    """Overwrite the pages of one column in one row group."""
    found = parquet.ParquetFile(path).metadata.row_group(group)
    place = next(j for j in range(found.num_columns) if found.column(j).path_in_schema == name)
    column = found.column(place)
    first = column.dictionary_page_offset or column.data_page_offset
    content = bytearray(path.read_bytes())
    content[first : first + column.total_compressed_size] = bytes(column.total_compressed_size)
    path.write_bytes(bytes(content))


def test_a_column_missing_in_one_file(source, tmp_path):
    read, name = source
    parts_of(table(gaps=False), tmp_path)
    path = tmp_path / "part-1.parquet"
    pd.read_parquet(path).drop(columns="x").to_parquet(path)
    wanted = {
        "DuckDB": r"DuckDB failed at .*column \"x\".*could not be found in file .*part-1.*Nothing was fitted",
        "Polars": "Polars failed at .*did not find column x.*Nothing was fitted",
        "chunks": r"In row group 1 of .*part-1\.parquet: There is no column 'x'",
    }
    with pytest.raises(DataError, match=wanted[name]):
        hd.lmm(MODEL, read(tmp_path / "part-*.parquet"))


@pytest.mark.parametrize("spoilt", ["x", "g"])
def test_a_row_group_that_is_spoilt(source, tmp_path, spoilt):
    read, name = source
    path = tmp_path / "rows.parquet"
    table(gaps=False).to_parquet(path, row_group_size=300)
    spoil_column(path, spoilt, 2)
    wanted = {
        "DuckDB": "DuckDB failed at .*Nothing was fitted",
        "Polars": "Polars failed at .*Nothing was fitted",
        "chunks": r"Reading .*rows\.parquet failed after row group 2 of .*is left aside",
    }
    with pytest.raises(DataError, match=wanted[name]):
        hd.lmm(MODEL, read(path))


def test_a_file_cut_short(source, tmp_path):
    read, name = source
    parts_of(table(gaps=False), tmp_path)
    path = tmp_path / "part-2.parquet"
    path.write_bytes(path.read_bytes()[:-1000])
    wanted = {
        "DuckDB": "DuckDB (failed|cannot)",
        "Polars": "Polars failed",
        "chunks": "Reading .* failed after",
    }
    with pytest.raises(DataError, match=wanted[name]):
        hd.lmm(MODEL, read(tmp_path / "part-*.parquet"))


def test_a_page_whose_checksum_does_not_hold(tmp_path):
    """Numbers that are not compressed: a flipped bit is a number, too."""
    path = tmp_path / "rows.parquet"
    options = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    table(gaps=False).to_parquet(path, row_group_size=300, **options)
    content = bytearray(path.read_bytes())
    column = parquet.ParquetFile(path).metadata.row_group(2).column(5)
    assert column.path_in_schema == "x"
    content[column.data_page_offset + column.total_compressed_size - 10] ^= 4
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"failed after row group 2 of .*(CRC|checksum)"):
        hd.lmm(MODEL, path)


def test_text_that_is_no_number(source, tmp_path):
    read, name = source
    data = table(gaps=False)
    data["x"] = data.x.astype(str)
    data.loc[700, "x"] = "n/a"
    data.to_parquet(tmp_path / "rows.parquet", row_group_size=100)
    cast = {
        "DuckDB": lambda: read(tmp_path / "rows.parquet").select("* REPLACE (x::DOUBLE AS x)"),
        "Polars": lambda: read(tmp_path / "rows.parquet").with_columns(pl.col("x").cast(float)),
        "chunks": lambda: lambda: (data[i : i + 100].astype({"x": float}) for i in range(0, 900, 100)),
    }
    with pytest.raises(DataError, match=r"failed (at|after) .*n/a.*(Nothing was fitted|is left aside)"):
        hd.lmm(MODEL, cast[name]())


def test_text_that_was_meant_as_numbers(tmp_path):
    """DuckDB makes a whole CSV column text for a single value: the model would have 900 levels."""
    data = table(gaps=False)
    data["x"] = data.x.astype(str)
    data.loc[700, "x"] = "12,5"
    data.to_csv(tmp_path / "rows.csv", index=False)
    said = "x is text on DuckDB: 899 of 900 values are numbers; '12,5' is not. Make it a number"
    for call in (hd.lmm, hd.cross_products):
        with pytest.raises(DataError, match=said):
            call(MODEL, hd.scan(tmp_path / "rows.csv"))
        with pytest.raises(DataError, match="x is text: 899 of 900"):
            hd.lmm(MODEL, data)
    few = table(gaps=False)
    few["dose"] = few.k.astype(str).where(few.index != 3, "four")
    for call in (hd.lmm, hd.cross_products):
        with pytest.warns(
            HendersonWarning, match="dose is text on Polars: 899 of 900 .*'four' is not"
        ) as caught:
            call("y ~ dose + (1 | g)", pl.from_pandas(few).lazy())
        assert [one.filename for one in caught] == [__file__]
    kinds = pl.from_pandas(few).lazy().with_columns(pl.col("dose").cast(pl.Categorical))
    assert hd.lmm("y ~ dose + (1 | g)", kinds).design.p == 5


def test_null_groups_in_one_file(source, tmp_path):
    read, _ = source
    data = table(gaps=False).astype({"g": "Int64"})
    data.loc[range(400, 405), "g"] = pd.NA
    parts_of(data, tmp_path)
    fit = hd.lmm(MODEL, read(tmp_path / "part-*.parquet"))
    assert (fit.nobs, fit.design.missing) == (895, (("g", 5),))
    assert fit.theta == pytest.approx(hd.lmm(MODEL, data.dropna()).theta, rel=1e-8)


READERS = {"DuckDB": hd.scan, "Polars": pl.scan_csv, "chunks": lambda path: path}


def write_before_second(monkeypatch, module, name, write):
    """Have somebody write the file just before a function is called for the second time."""
    before, calls = getattr(module, name), []

    def one_pass(*arguments, **options):
        calls.append(name)
        if len(calls) == 2:
            write()
        return before(*arguments, **options)

    monkeypatch.setattr(module, name, one_pass)


@pytest.mark.parametrize("engine", ["DuckDB", "Polars"])
@pytest.mark.parametrize("first", [True, False])
def test_a_level_that_one_pass_met_and_another_did_not(engine, first, tmp_path, monkeypatch):
    """The same rows but for one label."""
    from henderson.lazy import passes

    data, path = table(gaps=False), tmp_path / "rows.csv"
    changed = data.assign(h=data.h.where(data.index != 3, "late"))
    before, after = (changed, data) if first else (data, changed)
    before.to_csv(path, index=False)
    write_before_second(monkeypatch, passes, "read_table", lambda: after.to_csv(path, index=False))
    monkeypatch.setattr("henderson.lazy.survey._REPEATS", 0.0)  # a table for each factor and one for both
    told = (
        "h has levels that the pass before did not meet: late" if first else "the levels of h have other num"
    )
    with pytest.raises(DataError, match=f"The data on {engine} changed while they were read: {told}"):
        hd.lmm("y ~ x + (1 | g) + (1 | h)", READERS[engine](path))


def test_chunks_take_labels_and_numbers_from_one_pass(tmp_path, monkeypatch):
    """A new label does no harm, since labels are read in the second pass only; other numbers would."""
    from henderson.crossprod import stream

    formula, path = "y ~ scale(x) + (1 | g) + (1 | h)", tmp_path / "rows.csv"
    data = table(gaps=False)
    late = data.assign(h=data.h.where(data.index != 3, "late"))
    other = data.assign(x=data.x.where(data.index != 3, data.x + 0.5))
    data.to_csv(path, index=False)
    write_before_second(monkeypatch, stream, "reading", lambda: late.to_csv(path, index=False))
    assert hd.lmm(formula, path).theta == pytest.approx(hd.lmm(formula, late).theta, rel=1e-8)
    monkeypatch.undo()
    write_before_second(monkeypatch, stream, "reading", lambda: other.to_csv(path, index=False))
    with pytest.raises(
        DataError, match=r"changed while it was read: column 'x' has other numbers in the second"
    ):
        hd.lmm(formula, path)
    assert hd.lmm(formula, path).nobs == 900


def vanish(part: pd.DataFrame) -> pd.DataFrame:
    """Take the worker down, once there are rows."""
    if len(part) > 1:
        os._exit(3)
    return part


def test_a_worker_that_dies():
    pytest.importorskip("dask.dataframe")
    distributed = pytest.importorskip("distributed")
    import dask
    import dask.dataframe

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1, "distributed.nanny.restart": True}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        rows = dask.dataframe.from_pandas(table(600), npartitions=3)
        broken = rows.map_partitions(vanish, meta=table(2, gaps=False))
        with pytest.raises(DataError, match=r"Dask failed at .*KilledWorker.*Nothing was fitted"):
            hd.lmm(MODEL, broken)
