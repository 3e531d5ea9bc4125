"""Sources of chunks: files, iterators, functions; and what happens when they fail in the middle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.data.chunks import Chunks, as_chunks

FORMULA = "y ~ x + f + (x | g)"


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    n = 900
    g = rng.integers(0, 20, n)
    x = rng.normal(size=n)
    y = 3 + x + rng.normal(size=(20, 2))[g] @ [1.0, 0.0] + rng.normal(size=n)
    return pd.DataFrame(
        {"y": y, "x": x, "f": rng.choice(list("abc"), n), "g": [f"g{i}" for i in g], "unused": "u"}
    )


def cut(data, step=200):
    return [data.iloc[i : i + step] for i in range(0, len(data), step)]


def assert_same_fit(fit, data):
    wanted = hd.lmm(FORMULA, data)
    np.testing.assert_allclose(fit.theta, wanted.theta, rtol=1e-9)
    np.testing.assert_allclose(fit.beta, wanted.beta, rtol=1e-9)
    assert fit.criterion == pytest.approx(wanted.criterion, rel=1e-12)


# -- sources -------------------------------------------------------------------------------------------------


def test_parquet_row_groups(data, tmp_path):
    data.to_parquet(tmp_path / "all.parquet", row_group_size=250)
    assert_same_fit(hd.lmm(FORMULA, tmp_path / "all.parquet"), data)
    assert_same_fit(hd.lmm(FORMULA, str(tmp_path / "all.parquet")), data)


def test_several_files_by_pattern_folder_and_list(data, tmp_path):
    for i, part in enumerate(cut(data, 300)):
        part.to_parquet(tmp_path / f"part-{i}.parquet")
    files = sorted(tmp_path.iterdir())
    for source in (tmp_path / "part-*.parquet", tmp_path, files, [str(f) for f in files]):
        sums = hd.cross_products(FORMULA, source)
        assert sums.where == "3 Parquet files"
        assert_same_fit(sums.fit(), data)


@pytest.mark.parametrize("arrow", [True, False])
def test_csv_blocks(data, tmp_path, monkeypatch, arrow):
    data.to_csv(tmp_path / "all.csv", index=False)
    if not arrow:
        monkeypatch.setattr("henderson.data.chunks.ROWS", 200)
        monkeypatch.setattr("henderson.data.chunks._pyarrow", _absent)
    assert_same_fit(hd.lmm(FORMULA, tmp_path / "all.csv"), data)


def _absent(module, what):
    raise hd.errors.MissingDependencyError(what)


def test_missing_text_in_csv_is_missing(tmp_path):
    text = "y,g\n" + "\n".join(f"{i % 7},{'ab'[i % 2] if i % 5 else 'NA'}" for i in range(40))
    (tmp_path / "a.csv").write_text(text)
    design = hd.cross_products("y ~ 1 + (1 | g)", tmp_path / "a.csv").design
    assert design.missing == (("g", 8),)
    assert design.groupings[0].levels == ("a", "b")


def test_iterators_functions_and_lists(data):
    for source in (
        iter(cut(data)),
        (c for c in cut(data)),
        cut(data),
        lambda: iter(cut(data)),
        lambda: cut(data),
    ):
        assert_same_fit(hd.lmm(FORMULA, source), data)


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "dict"])
def test_chunks_of_any_frame(data, kind):
    import polars
    import pyarrow

    make = {"polars": polars.from_pandas, "pyarrow": pyarrow.Table.from_pandas, "dict": dict}[kind]
    assert_same_fit(hd.lmm(FORMULA, [make(c) for c in cut(data)]), data)


def test_only_the_columns_of_the_formula_are_read(data, tmp_path):
    path = tmp_path / "all.parquet"
    data.to_parquet(path)
    chunks = list(as_chunks(path).read(("y", "x")))
    assert chunks[0].data.column_names == ["y", "x"]
    assert hd.cross_products("y ~ . - unused + (1 | g)", path).design.x_names[:2] == ("(Intercept)", "x")


def test_frames_are_no_chunks(data):
    for frame in (data, {"y": [1.0]}, None, 3, np.zeros(3), [[1, 2], [3, 4]]):
        assert as_chunks(frame) is None


def test_an_iterator_is_read_once(data):
    source = as_chunks(iter(cut(data)))
    assert not source.again
    with pytest.raises(hd.errors.DataError, match=r"poly\(x, 2\) learns from all rows.*only once"):
        hd.lmm("y ~ poly(x, 2) + (1 | g)", iter(cut(data)))
    assert isinstance(source, Chunks)


def test_empty_chunks_and_chunks_without_complete_rows_do_no_harm(data):
    empty, missing = data.iloc[:0], data.iloc[:30].assign(x=np.nan)
    fit = hd.lmm(FORMULA, [empty, missing, *cut(data), empty, missing])
    assert_same_fit(fit, data)
    assert fit.design.n_input == len(data) + 60
    assert fit.design.missing == (("x", 60),)


def test_null_groups_are_missing_values(data):
    chunks = cut(data)
    chunks[2] = chunks[2].assign(g=chunks[2].g.where(np.arange(len(chunks[2])) > 3, None))
    fit = hd.lmm(FORMULA, chunks)
    assert fit.design.missing == (("g", 4),)
    assert_same_fit(fit, pd.concat(chunks))
    with pytest.raises(hd.errors.DataError, match=r"In chunk 3: 4 of 200 rows have missing values: g \(4\)"):
        hd.cross_products(FORMULA, chunks, na_action="raise")


# -- failures ------------------------------------------------------------------------------------------------


def test_no_such_file_and_files_of_other_kinds(tmp_path):
    with pytest.raises(hd.errors.DataError, match="There is no file"):
        hd.lmm(FORMULA, tmp_path / "no.parquet")
    (tmp_path / "a.xlsx").write_text("x")
    with pytest.raises(hd.errors.DataError, match="neither a Parquet nor a CSV file"):
        hd.lmm(FORMULA, tmp_path / "a.xlsx")


def test_a_column_missing_in_one_chunk(data, tmp_path):
    for i, part in enumerate(cut(data, 300)):
        (part if i != 1 else part.drop(columns="f")).to_parquet(tmp_path / f"part-{i}.parquet")
    with pytest.raises(
        hd.errors.DataError, match=r"In row group 1 of .*part-1.parquet: There is no column 'f'"
    ):
        hd.lmm(FORMULA, tmp_path / "part-*.parquet")


def test_another_type_in_one_chunk(data):
    chunks = cut(data)
    chunks[3] = chunks[3].assign(x=chunks[3].x.astype(str))
    with pytest.raises(
        hd.errors.DataError, match=r"In chunk 4: Column 'x' holds text .*before it held numbers"
    ):
        hd.lmm(FORMULA, chunks)
    chunks[3] = cut(data)[3].assign(g=np.arange(len(chunks[3])) % 20)
    with pytest.raises(hd.errors.DataError, match=r"In chunk 4: Column 'g' holds numbers"):
        hd.lmm(FORMULA, chunks)


def test_whole_numbers_and_decimals_are_one_type(data):
    chunks = cut(data.assign(x=(10 * data.x).round()))
    mixed = [c.assign(x=c.x.astype(int)) if i % 2 else c for i, c in enumerate(chunks)]
    assert_same_fit(hd.lmm(FORMULA, mixed), pd.concat(chunks))


@pytest.mark.parametrize("at", [0, 1, 4])
def test_a_reader_that_fails_in_the_middle(data, at):
    def broken():
        yield from cut(data)[:at]
        raise RuntimeError("connection lost")

    with pytest.raises(hd.errors.DataError, match=r"failed after .*RuntimeError: connection lost") as caught:
        hd.lmm(FORMULA, broken())
    assert f"chunk {at}" in str(caught.value) or at == 0
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_file_cut_short(data, tmp_path):
    path = tmp_path / "all.parquet"
    data.to_parquet(path, row_group_size=100)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(hd.errors.DataError, match=r"Reading .*all.parquet failed"):
        hd.lmm(FORMULA, path)
    damaged = bytearray(whole)
    damaged[len(whole) // 3 : len(whole) // 3 + 200] = bytes(200)
    path.write_bytes(bytes(damaged))
    with pytest.raises(hd.errors.DataError, match=r"Reading .*all.parquet failed after row group"):
        hd.lmm(FORMULA, path)


def test_rows_that_change_between_two_passes_are_noticed(data):
    passes = []

    def source():
        passes.append(1)
        return iter(cut(data if len(passes) == 1 else data.iloc[:-5]))

    with pytest.raises(hd.errors.DataError, match=r"changed while it was read: 900 complete rows .* 895"):
        hd.lmm("y ~ scale(x) + (1 | g)", source)


def test_a_level_that_the_first_chunks_do_not_have_is_taken_in(data):
    ordered = data.sort_values(["f", "g"])
    assert_same_fit(hd.lmm(FORMULA, cut(ordered)), data)


def test_values_that_cannot_be_used_name_the_chunk(data):
    chunks = cut(data)
    chunks[1] = chunks[1].assign(x=np.inf)
    with pytest.raises(hd.errors.DataError, match="In chunk 2: Column 'x' holds infinite values"):
        hd.lmm(FORMULA, chunks)
    with pytest.raises(hd.errors.DataError, match=r"In chunk 1: log\(x\) is not a finite number"):
        hd.lmm("y ~ log(x) + (1 | g)", cut(data))
    with pytest.raises(hd.errors.DataError, match="weights are zero or negative"):
        hd.cross_products(FORMULA, cut(data), weights="x")


def test_arrays_beside_chunks_are_refused(data):
    with pytest.raises(hd.errors.OptionError, match="weights of data that are read in chunks is the name"):
        hd.cross_products(FORMULA, cut(data), weights=np.ones(900))


@pytest.mark.parametrize(
    ("term", "ways"),
    [
        ("ns(x, 3)", "knots"),
        ("median(x)", "all rows"),
        ("relevel(f, 'c')", "levels="),
        ("factor(f, levels = c('c', 'b', 'a'))", "levels="),
        ("poly(x, 9)", "degree 8"),
    ],
)
def test_terms_that_one_chunk_cannot_tell_name_the_way_out(data, term, ways):
    with pytest.raises(hd.errors.DataError, match=ways) as caught:
        hd.lmm(f"y ~ {term} + (1 | g)", cut(data))
    assert term.split("(")[0] in str(caught.value)


@pytest.mark.parametrize(
    "term",
    [
        "poly(x, 4)", "scale(x)", "center(x)", "scale(x, 1, 2)", "I(x - mean(x))", "I((x - min(x)) / sd(x))",
        "scale(I(x - mean(x)))", "ns(x, knots = c(-1, 1), Boundary.knots = c(-5, 5))",
        "bs(x, knots = 0, Boundary.knots = c(-5, 5))", "poly(x, 2, raw = TRUE)", "scale(x, FALSE)",
    ],
)  # fmt: skip
def test_terms_that_learn_are_those_of_all_rows(data, term):
    formula = f"y ~ {term} + (1 | g)"
    fit, wanted = hd.lmm(formula, cut(data.sort_values("x"))), hd.lmm(formula, data)
    assert list(fit.fixef.index) == list(wanted.fixef.index)
    np.testing.assert_allclose(fit.beta, wanted.beta, rtol=1e-8, atol=1e-8)
    new = data.iloc[:9]
    np.testing.assert_allclose(fit.predict(new), wanted.predict(new), rtol=1e-8)


def test_a_lazy_frame_is_summed_on_its_engine(data):
    import polars

    sums = hd.cross_products(FORMULA, polars.from_pandas(data).lazy())
    assert_same_fit(sums.fit(), data)
    assert (sums + sums).nobs == 2 * sums.nobs


def test_the_sums_of_one_design_do_not_add(data):
    import polars

    from henderson.results.engine_sums import design_on_engine

    sums = design_on_engine(FORMULA, polars.from_pandas(data).lazy())
    assert_same_fit(sums.fit(), data)
    with pytest.raises(hd.errors.DataError, match=r"cannot be added to others or saved.*hd\.cross_products"):
        _ = sums + sums


def test_only_a_few_chunks_are_held_at_a_time(data):
    import weakref

    made, most = [], []

    def source():
        for i in range(40):
            frame = data.sample(200, random_state=i)
            made.append(weakref.ref(frame))
            yield frame
            del frame
            most.append(sum(ref() is not None for ref in made))

    with hd.set_threads(2):
        hd.cross_products(FORMULA, source())
    assert max(most) <= 5  # two at work, two waiting, one being read


@pytest.mark.parametrize("arrow", [True, False])
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_misspelt_column_of_a_file_is_set_right(data, tmp_path, monkeypatch, arrow, ending):
    path = tmp_path / f"rows.{ending}"
    if ending == "parquet":
        data.rename(columns={"x": "effort"}).to_parquet(path)
    else:
        data.rename(columns={"x": "effort"}).to_csv(path, index=False)
        if not arrow:
            monkeypatch.setattr("henderson.data.chunks._pyarrow", _absent)
    with pytest.raises(hd.errors.DataError, match=r"no column 'efort' in the data\. Did you mean effort\?"):
        hd.lmm("y ~ efort + (1 | g)", path)


def test_what_is_no_data_says_what_to_type(data, tmp_path):
    formula = "y ~ x + (1 | g)"
    sums = hd.cross_products(formula, data)
    with pytest.raises(hd.errors.DataError, match=r"type sums\.fit\(\)"):
        hd.lmm(formula, sums)
    sums.save(tmp_path / "a.sums")
    with pytest.raises(hd.errors.DataError, match=r"hd\.CrossProducts\.load\('.*a\.sums'\)\.fit\(\)"):
        hd.lmm(formula, tmp_path / "a.sums")
    with pytest.raises(hd.errors.DataError, match=r"looks like a formula, which comes first"):
        hd.lmm("rows.parquet", formula)
    with pytest.raises(hd.errors.DataError, match=r"There is no folder '.*nowhere' either"):
        hd.lmm(formula, tmp_path / "nowhere" / "*.parquet")
