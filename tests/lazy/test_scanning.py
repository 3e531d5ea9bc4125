"""What `scan` takes a text for, and what it answers to texts that are nothing it can read."""

from __future__ import annotations

import duckdb
import pytest

import henderson as hd
from henderson.errors import DataError, OptionError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a CSV file, in which the test runs."""
    (tmp_path / "visits.csv").write_text("x,y\n1,2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS a",
        "select\n1 AS a",
        "  FROM range(3) AS t(a)",
        "-- all\n/* of\nthem */ SELECT 1 AS a",
        "(SELECT 1 AS a)",
        "WITH t AS (SELECT 1 AS a) FROM t",
        "VALUES (1)",
    ],
)
def test_queries(query):
    assert len(hd.scan(query).columns) == 1


def test_paths_patterns_and_tables(folder):
    (folder / "from here.csv").write_text("x,y\n3,4\n")
    for source in (folder / "visits.csv", "visits.csv", "*.csv", "from here.csv"):
        assert hd.scan(source).columns == ["x", "y"]
    connection = duckdb.connect()
    connection.execute("CREATE TABLE clinics AS SELECT 1 AS a")
    for source in ("clinics", "FROM clinics"):
        assert hd.scan(source, connection=connection).columns == ["a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELEC * FROM t", r"taken for the name of a file.*Did you mean the query 'SELECT \* FROM t'\?"),
        ("slect x, y\nfrom t", r"Did you mean the query 'SELECT x, y from t'\?"),
        ("FORM visits", r"Did you mean the query 'FROM visits'\?"),
        ("SHOW ALL TABLES", r"no file 'SHOW ALL TABLES'.*SQL starts with SELECT, FROM or WITH"),
        ("read_csv('visits.csv')", r"no file .*SQL starts with SELECT, FROM or WITH"),
        ("visit.csv", r"There is no file 'visit\.csv'\. Did you mean visits\.csv\?"),
        ("sales/*.parquet", r"No file matches 'sales/\*\.parquet'\. There is no folder 'sales' either"),
        ("*.parquet", r"No file matches '\*\.parquet'\. The folder '\.' has: visits\.csv\."),
        ("visits", r"no file 'visits', and no connection with a table of that name: hd\.scan\('visits',"),
        ("x" * 5000, "There is no file 'xxx"),
        ("SELECT * FROM visits", r"names a table 'visits'.*register\('visits', frame\).*in quotes"),
        ("SELECT * FROM 'vists.csv'", r"reads files\. There is no file 'vists.csv'\. Did you mean v"),
        ("SELECT z FROM 'visits.csv'", r"DuckDB cannot run the query .*\"z\" not found"),
        ("SELECT FROM WHERE", "DuckDB cannot run the query 'SELECT FROM WHERE': Parser Error"),
        ("FROM warnings", "names a table 'warnings'"),  # not the module of that name in ours
    ],
)  # fmt: skip
def test_a_text_that_is_nothing_says_what_it_was_taken_for(folder, text, message):
    with pytest.raises(DataError, match=message) as caught:
        hd.scan(text)
    assert "Nothing was fitted" not in str(caught.value)


@pytest.mark.parametrize("text", ["", " \n "])
def test_an_empty_text(text):
    with pytest.raises(OptionError, match="scan\\(\\) got an empty text"):
        hd.scan(text)


def test_a_statement_that_changes_something_is_not_run(folder):
    connection = duckdb.connect()
    connection.execute("CREATE TABLE clinics AS SELECT 1 AS a")
    for text in (
        "DROP TABLE clinics",
        "WITH t AS (SELECT 2 AS a) INSERT INTO clinics FROM t",
        "SELECT 1 AS a; DELETE FROM clinics",
    ):
        with pytest.raises(OptionError, match=r"scan\(\) reads rows, and .* does something else"):
            hd.scan(text, connection=connection)
    assert connection.execute("FROM clinics").fetchall() == [(1,)]


def test_a_table_that_the_connection_does_not_have():
    connection = duckdb.connect()
    connection.execute("CREATE TABLE clinics AS SELECT 1 AS a")
    for text in ("clinic", "FROM clinic"):
        with pytest.raises(DataError, match=r"Did you mean clinics\?"):
            hd.scan(text, connection=connection)


def test_a_folder(folder):
    (folder / "deep" / "er").mkdir(parents=True)
    with pytest.raises(
        DataError, match=r"a folder without Parquet, CSV or JSON files\. The folder .* has: er/"
    ):
        hd.scan(folder / "deep")
    (folder / "deep" / "er" / "a.parquet").write_text("")
    with pytest.raises(DataError, match=r"is a folder;.*hd\.scan\('.*deep/\*\*/\*\.parquet'\)"):
        hd.scan(folder / "deep")
    with pytest.raises(DataError, match=r"hd\.scan\('.*/\*\.csv'\)"):
        hd.scan(f"{folder}/")


def test_an_ending_that_tells_nothing_and_a_file_that_is_not_what_it_says(folder):
    (folder / "a.dat").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match=r"ending of 'a\.dat' .*hd\.scan\(\"FROM read_csv\('a\.dat'\)\"\)"):
        hd.scan("a.dat")
    assert hd.scan("FROM read_csv('a.dat')").columns == ["x", "y"]
    (folder / "a.parquet").write_text("no Parquet")
    with pytest.raises(DataError, match=r"DuckDB cannot read 'a\.parquet': .*Parquet file"):
        hd.scan("a.parquet")


def test_what_is_no_text():
    for wrong in (["a.csv"], 3, None):
        with pytest.raises(OptionError, match=f"one path, pattern or query; got {type(wrong).__name__}"):
            hd.scan(wrong)
