"""Engines that tests start for real: Dask on two processes, Spark on two threads, Ibis over DuckDB."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import DataError
from tests.lazy.engines import FORMULAS, collected, table
from tests.lazy.test_equality import assert_same

FEW = ["y ~ x * f + (x | g) + (1 | h)", "y ~ poly(x, 2) + scale(z) + I(x > 3) + (b | g)"]
Maker = Callable[[pd.DataFrame], Any]


@pytest.fixture(scope="module")
def on_dask() -> Iterator[Maker]:
    """Dask DataFrames of three partitions on a cluster of two processes."""
    pytest.importorskip("dask.dataframe")
    distributed = pytest.importorskip("distributed")
    import dask.dataframe

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield lambda data: dask.dataframe.from_pandas(data, npartitions=3)


@pytest.fixture(scope="module")
def on_spark() -> Iterator[Maker]:
    """Spark DataFrames of a session with two threads."""
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java")
    import pyarrow

    quiet = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2", "spark.driver.memory": "1g"}
    builder = sql.SparkSession.builder.master("local[2]")
    for name, value in quiet.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield lambda data: session.createDataFrame(pyarrow.Table.from_pandas(data, preserve_index=False))
    session.stop()


@pytest.fixture(scope="module")
def on_ibis() -> Maker:
    """Ibis tables of a DuckDB backend."""
    ibis = pytest.importorskip("ibis")
    backend = ibis.duckdb.connect()

    def make(data: pd.DataFrame) -> Any:
        name = f"rows_{id(data)}"
        backend.con.register(f"{name}_frame", data)
        backend.con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM {name}_frame")
        return backend.table(name)

    return make


def check(make: Maker, formula: str, **options: Any) -> None:
    """Fit and augment on an engine and in memory."""
    data = table(600)
    data["row"] = range(len(data))
    lazy = make(data)
    fit, reference = hd.lmm(formula, lazy, **options), hd.lmm(formula, data, **options)
    assert_same(fit, reference)
    result = fit.augment()
    assert type(result) is type(lazy)
    ours, theirs = collected(result, "row"), reference.augment()
    for name in (".fitted", ".resid", ".fixed"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("formula", FEW)
def test_dask(on_dask, formula):
    check(on_dask, formula, weights="w")


@pytest.mark.parametrize("formula", FEW)
def test_spark(on_spark, formula):
    check(on_spark, formula, weights="w")


@pytest.mark.parametrize("formula", FORMULAS)
def test_ibis(on_ibis, formula):
    check(on_ibis, formula)


@pytest.mark.parametrize("engine", ["on_dask", "on_spark", "on_ibis"])
def test_sums_of_an_engine_add_to_those_of_files(engine, request, tmp_path):
    make, formula, data = request.getfixturevalue(engine), "y ~ x * f + b + (x | g) + (1 | h)", table(600)
    hd.cross_products(formula, make(data[300:].reset_index(drop=True)), weights="w").save(tmp_path / "south")
    north = hd.cross_products(formula, [data[:300]], weights="w")
    fit, reference = (
        (north + hd.CrossProducts.load(tmp_path / "south")).fit(),
        hd.lmm(formula, data, weights="w"),
    )
    np.testing.assert_allclose(fit.theta, reference.theta, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(fit.beta, reference.beta, rtol=1e-8, atol=1e-10)
    assert fit.design.missing == reference.design.missing


QUIET = """
import dask.dataframe
import henderson as hd
rows = dask.dataframe.from_pandas(hd.datasets.load("sleepstudy"), npartitions=2)
print(hd.lmm("Reaction ~ Days + (1 | Subject)", rows).augment().shape[1])
"""


def test_dask_brings_no_notice_of_packages_that_users_did_not_choose():
    pytest.importorskip("dask.dataframe")
    strict = [sys.executable, "-W", "error::FutureWarning", "-c", QUIET]
    done = subprocess.run(strict, capture_output=True, text=True, timeout=100)
    assert (done.stdout, "Narwhals" in done.stderr) == ("6\n", False), done.stderr


def test_other_notices_pass():
    from henderson.lazy.engines import without_notice

    with pytest.warns(FutureWarning, match="columns will"), without_notice():
        warnings.warn("columns will be lower case", FutureWarning, stacklevel=1)


def explode(part: pd.DataFrame) -> pd.DataFrame:
    """Fail on the worker, once there are rows."""
    if len(part) > 1:
        raise RuntimeError("the disk of the worker is gone")
    return part


def test_an_error_on_a_worker_names_the_engine(on_dask):
    broken = on_dask(table(600)).map_partitions(explode, meta=table(2, gaps=False))
    with pytest.raises(
        DataError, match=r"Dask failed at .*the disk of the worker is gone.*Nothing was fitted"
    ):
        hd.lmm("y ~ x + (1 | g)", broken)


def test_an_error_in_a_stage_names_the_engine(on_spark):
    from pyspark.sql.functions import expr

    broken = on_spark(table(600)).withColumn(
        "x", expr("CASE WHEN x > 4 THEN raise_error('stage lost') ELSE x END")
    )
    with pytest.raises(DataError, match=r"Spark failed at .*stage lost"):
        hd.lmm("y ~ x + (1 | g)", broken)
