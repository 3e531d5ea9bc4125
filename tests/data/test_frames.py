"""Every kind of frame gives the same columns; missing values and orders of levels are kept."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

from henderson.data import Factor, Numbers, label_text, open_frame, recode
from henderson.data.factors import factor_from_integers, factor_from_labels, factor_from_numbers
from henderson.errors import DataError, HendersonWarning

polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")

VALUES = {
    "real": [1.5, None, 3.0, -1.0],
    "whole": [3, 1, 2, 2],
    "holes": [3, None, 2, 2],
    "text": ["b", "a", None, "b"],
    "truth": [True, False, True, True],
    "maybe": [True, None, False, True],
}
SIZES = ["s", "m", "l"]
LABELS = ["m", "l", None, "m"]


def pandas_plain():
    return pd.DataFrame(VALUES).assign(size=pd.Categorical(LABELS, categories=SIZES, ordered=True))


def pandas_nullable():
    frame = pd.DataFrame(VALUES).convert_dtypes()
    return frame.assign(size=pd.Categorical(LABELS, categories=SIZES, ordered=True))


def pandas_arrow():
    frame = pd.DataFrame(VALUES).convert_dtypes(dtype_backend="pyarrow")
    return frame.assign(size=pd.Categorical(LABELS, categories=SIZES, ordered=True))


def pandas_objects():
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in VALUES.items()})
    return frame.assign(size=pd.Categorical(LABELS, categories=SIZES, ordered=True))


def polars_frame():
    return polars.DataFrame(VALUES).with_columns(polars.Series("size", LABELS, dtype=polars.Enum(SIZES)))


def arrow_table():
    size = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([1, 2, None, 1], pyarrow.int8()), pyarrow.array(SIZES), ordered=True
    )
    return pyarrow.table({**{name: pyarrow.array(values) for name, values in VALUES.items()}, "size": size})


def dict_of_lists():
    return {**VALUES, "size": pd.Categorical(LABELS, categories=SIZES, ordered=True)}


def dict_of_series():
    return {name: pd.Series(values) for name, values in dict_of_lists().items()}


FRAMES = [
    *(pandas_plain, pandas_nullable, pandas_arrow, pandas_objects),
    *(polars_frame, arrow_table, dict_of_lists, dict_of_series),
]


@pytest.fixture(params=FRAMES, ids=[make.__name__ for make in FRAMES])
def frame(request):
    return open_frame(request.param())


def test_numbers(frame):
    assert frame.n == 4
    real, whole, holes = frame.column("real"), frame.column("whole"), frame.column("holes")
    assert all(isinstance(column, Numbers) for column in (real, whole, holes))
    np.testing.assert_array_equal(real.values, [1.5, np.nan, 3.0, -1.0])
    np.testing.assert_array_equal(whole.values, [3, 1, 2, 2])
    np.testing.assert_array_equal(holes.values, [3, np.nan, 2, 2])
    assert real.missing().tolist() == [False, True, False, False]
    assert whole.missing() is None


def test_text_becomes_a_factor_with_sorted_levels(frame):
    text = frame.column("text")
    assert isinstance(text, Factor)
    assert text.levels == ("a", "b")
    assert text.codes.tolist() == [1, 0, -1, 1]
    assert text.codes.dtype == np.int32
    assert text.missing().tolist() == [False, False, True, False]


def test_truth_values_are_factors_false_true(frame):
    truth, maybe = frame.column("truth"), frame.column("maybe")
    assert truth.logical
    assert truth.levels == maybe.levels == (False, True)
    assert truth.codes.tolist() == [1, 0, 1, 1]
    assert maybe.codes.tolist() == [1, -1, 0, 1]


def test_declared_order_of_levels_is_kept(frame, request):
    size = frame.column("size")
    assert size.levels == ("s", "m", "l")
    assert size.codes.tolist() == [1, 2, -1, 1]
    assert size.ordered == ("polars" not in request.node.name)  # an Enum says nothing about order


def test_missing_column_is_named(frame):
    with pytest.raises(DataError, match=r"no column 'rael' in the data\. Did you mean real"):
        frame.column("rael")
    with pytest.raises(DataError, match="There are: real, whole, holes, text"):
        frame.column("zzz")


def test_polars_categoricals_and_nan():
    data = polars.DataFrame({"c": ["z", "a", "z"], "x": [1.0, float("nan"), None]})
    frame = open_frame(data.with_columns(polars.col("c").cast(polars.Categorical)))
    assert frame.column("c").levels == ("a", "z")
    assert frame.column("x").missing().tolist() == [False, True, True]


def test_arrow_chunks_are_joined():
    one, two = pyarrow.table({"f": ["b", "a"], "x": [1, 2]}), pyarrow.table({"f": ["c", "a"], "x": [3, 4]})
    both = pyarrow.concat_tables([one, two])
    frame = open_frame(both.set_column(0, "f", both["f"].dictionary_encode()))
    assert frame.column("f").levels[frame.column("f").codes[2]] == "c"
    assert frame.column("x").values.tolist() == [1, 2, 3, 4]


def test_dictionaries_inside_pandas_keep_their_order():
    array = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([1, None, 0]), pyarrow.array(["z", "a"]), ordered=True
    )
    frame = open_frame(pd.DataFrame({"f": pd.Series(array, dtype=pd.ArrowDtype(array.type))}))
    assert frame.column("f").levels == ("z", "a")
    assert frame.column("f").codes.tolist() == [1, -1, 0]
    assert frame.column("f").ordered


def test_polars_without_arrow(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    data = polars.DataFrame(
        {"s": ["b", None, "a"], "e": polars.Series(["m", "s", None], dtype=polars.Enum(SIZES))}
    )
    frame = open_frame(data)
    assert frame.column("s").levels == ("a", "b")
    assert frame.column("s").codes.tolist() == [1, -1, 0]
    assert frame.column("e").levels == ("s", "m", "l")
    assert frame.column("e").codes.tolist() == [1, 0, -1]


def test_only_columns_that_are_read_are_looked_at():
    frame = open_frame(pd.DataFrame({"x": [1.0], "when": pd.to_datetime(["2020-01-01"]), "odd": [object()]}))
    assert frame.column("x").values.tolist() == [1.0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), "datetime.*days"),
        (pd.to_timedelta([1, 2], unit="D"), "duration.*total_seconds"),
        (pd.to_datetime(["2020-01-01", "2020-01-02"]).tz_localize("UTC"), "datetime"),
        (np.array([1j, 2]), "complex"),
        ([datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)], "datetime"),
        ([1, "a"], "mixes values of the types int, str"),
        ([object(), object()], "object"),
        ([[1, 2], [3, 4]], "2 dimensions"),
        (np.zeros((2, 2)), "2 dimensions"),
        ([b"a", b"b"], "bytes"),
    ],
)
def test_columns_that_no_model_can_use(values, message):
    with pytest.raises(DataError, match=message):
        open_frame({"x": values, "y": [1.0, 2.0]}).column("x")


def test_decimals_and_mixed_numbers_are_numbers():
    data = {"d": [decimal.Decimal("1.5"), None], "m": np.array([1, 2.5], dtype=object)}
    frame = open_frame(data)
    np.testing.assert_array_equal(frame.column("d").values, [1.5, np.nan])
    assert frame.column("m").values.tolist() == [1.0, 2.5]


@pytest.mark.parametrize("data", [None, 3, "y", [1, 2], np.zeros((2, 2)), object()])
def test_not_a_frame(data):
    with pytest.raises(DataError, match="not a data frame"):
        open_frame(data)


def test_lazy_frames_say_collect():
    with pytest.raises(DataError, match="collect"):
        open_frame(polars.LazyFrame({"x": [1]}))


def test_dicts_with_unequal_lengths_or_scalars():
    with pytest.raises(DataError, match="'b' has 3 values where the first column has 2"):
        open_frame({"a": [1, 2], "b": [1, 2, 3]}).column("b")
    with pytest.raises(DataError, match="one array or list per column"):
        open_frame({"a": 1})
    with pytest.raises(DataError, match="no columns"):
        open_frame({})
    with pytest.raises(DataError, match="not a column"):
        open_frame({"a": [1, 2], "b": 3}).column("b")


def test_duplicate_names_are_refused():
    doubled = pd.DataFrame(np.zeros((2, 3)), columns=["x", "x", "y"])
    with pytest.raises(DataError, match="2 columns named 'x'"):
        open_frame(doubled).column("x")
    table = pyarrow.table([pyarrow.array([1]), pyarrow.array([2])], names=["x", "x"])
    with pytest.raises(DataError, match="several columns of one name"):
        open_frame(table)


def test_columns_named_by_numbers_and_the_index():
    frame = open_frame(pd.DataFrame({0: [1.0, 2.0], "y": [3.0, 4.0]}, index=pd.Index(["a", "b"], name="g")))
    assert frame.column("0").values.tolist() == [1.0, 2.0]
    with pytest.raises(DataError, match="reset_index"):
        frame.column("g")


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64])
def test_integers_become_factors_in_numerical_order(dtype):
    info = np.iinfo(dtype)
    values = np.array([info.max - 20, info.min + 9, 3, info.max - 20, 10], dtype=dtype)
    factor = factor_from_integers(values)
    assert factor.levels == tuple(sorted({int(v) for v in values}))
    assert [factor.levels[c] for c in factor.codes] == [int(v) for v in values]


def test_integer_factors_of_every_density():
    rng = np.random.default_rng(1)
    for values in (
        rng.integers(0, 50, 500),
        rng.integers(-5, 5, 100) * 7,
        rng.integers(0, 10**12, 100),
        np.array([5]),
    ):
        levels, codes = np.unique(values, return_inverse=True)
        factor = factor_from_integers(values)
        assert factor.levels == tuple(levels.tolist())
        np.testing.assert_array_equal(factor.codes, codes)


def test_whole_floats_are_labels_and_others_warn():
    assert factor_from_numbers(np.array([2.0, 10.0, np.nan, 2.0]), "g").levels == (2, 10)
    with pytest.warns(HendersonWarning, match="'g' holds 2 different numbers with decimals"):
        factor = factor_from_numbers(np.array([2.5, 1.0, 2.5]), "g")
    assert factor.levels == (1.0, 2.5)


def test_unused_levels_go():
    factor = Factor(np.array([2, 0, 2], dtype=np.int32), ("a", "b", "c")).used()
    assert factor.levels == ("a", "c")
    assert factor.codes.tolist() == [1, 0, 1]


def test_recode_by_text():
    codes, unseen = recode(factor_from_labels(np.array(["3", "1", "x"], dtype=object)), (1, 2, 3))
    assert codes.tolist() == [2, 0, -2]
    assert unseen == ("x",)


def test_labels_as_r_writes_them():
    assert [label_text(v) for v in (True, 2.0, 2.5, 3, "a", np.bool_(False))] == [
        "TRUE",
        "2",
        "2.5",
        "3",
        "a",
        "FALSE",
    ]


def test_codes_are_those_of_hashing_at_scale():
    rng = np.random.default_rng(5)
    text = np.array([f"id{i:05d}" for i in range(3000)], dtype=object)[rng.integers(0, 3000, 20_000)]
    factor = open_frame(pd.DataFrame({"g": text})).column("g")
    levels, codes = np.unique(text.astype(str), return_inverse=True)
    assert factor.levels == tuple(levels.tolist())
    np.testing.assert_array_equal(factor.codes, codes)
