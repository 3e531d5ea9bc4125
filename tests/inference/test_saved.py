"""Stored fits: exact, versioned, small, and refused when they are not what they say."""

from __future__ import annotations

import contextlib
import copy
import json
import subprocess
import sys

import numpy as np
import pytest

import henderson as hd
from henderson.errors import DataError
from henderson.inference.packing import packed, unpacked
from henderson.results import LinearMixedFit

from .cases import NAMES, fit

close = np.testing.assert_allclose


@pytest.fixture(scope="module")
def stored() -> dict:
    rows = hd.datasets.load("sleepstudy").assign(w=np.tile([1.0, 2.0], 90), off=np.arange(180.0))
    rows.loc[[4, 9], "Reaction"] = np.nan
    return hd.lmm(
        "Reaction ~ Days + I(2 * Days) + (Days | Subject)", rows, weights="w", offset="off"
    ).to_dict()


@pytest.mark.parametrize("name", NAMES)
def test_every_structure_comes_back_exactly(name):
    one = fit(name)
    again = LinearMixedFit.from_dict(json.loads(json.dumps(one.to_dict(), allow_nan=False)))
    assert str(again) == str(one)
    assert np.array_equal(again.theta, one.theta) and np.array_equal(again.design.X, one.design.X)
    close(again.vcov, one.vcov, rtol=1e-12)
    for mine, theirs in zip(again.ranef.values(), one.ranef.values(), strict=True):
        close(mine.values, theirs.values, atol=1e-12)
        close(mine.cov, theirs.cov, atol=1e-12)
    close(again.hat_values(), one.hat_values(), rtol=1e-9)
    close(again.simulate(2, seed=1), one.simulate(2, seed=1), rtol=1e-12)


def test_shared_columns_stay_shared(stored):
    design = LinearMixedFit.from_dict(stored).design
    assert np.shares_memory(design.X, design.terms[0].columns[1])
    assert stored["design"]["terms"][0]["columns"] == [{"x": 0}, {"x": 1}]


def test_what_was_dropped_and_said_is_kept(stored):
    again = LinearMixedFit.from_dict(stored)
    assert "2 of 180 rows left out because of missing values (Reaction 2)" in str(again)
    assert "1 column dropped (a combination of the others): I(2 * Days)" in str(again)
    new = {"Days": [1.0], "Subject": ["308"], "off": [0.0], "w": [2.0]}
    assert np.isfinite(again.predict(new, interval="prediction").to_numpy()).all()


def test_own_functions_have_to_be_brought():
    rows = hd.datasets.load("sleepstudy")
    env = {"twice": lambda x: 2 * x}
    one = hd.lmm("Reaction ~ twice(Days) + (1 | Subject)", rows, env=env)
    record = json.loads(json.dumps(one.to_dict()))
    with pytest.raises(DataError, match=r"env=\{'twice': twice\}"):
        LinearMixedFit.from_dict(record)
    again = LinearMixedFit.from_dict(record, env=env)
    close(again.predict({"Days": [3.0]}, groups=None), one.predict({"Days": [3.0]}, groups=None))


def test_loading_runs_no_code(tmp_path):
    """A record whose every text is a Python expression loads or fails, and does nothing else."""
    record = hd.lmm("Reaction ~ Days + (1 | Subject)", hd.datasets.load("sleepstudy")).to_dict()
    target = tmp_path / "was-here"
    code = f"__import__('pathlib').Path({str(target)!r}).touch()"
    for path in (
        ("design", "spec", "formula"),
        ("source", "formula"),
        ("design", "response"),
        ("source", "kind"),
    ):
        bad = copy.deepcopy(record)
        place = bad
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = code
        with contextlib.suppress(Exception):
            again = LinearMixedFit.from_dict(bad)
            str(again)
            again.predict({"Days": [1.0], "Subject": ["308"]})
    assert not target.exists()


def test_a_fit_stored_elsewhere_is_read_in_a_fresh_interpreter(stored, tmp_path):
    path = tmp_path / "fit.json"
    path.write_text(json.dumps(stored))
    code = (
        "import json, sys, henderson as hd; "
        "fit = hd.LinearMixedFit.from_dict(json.load(open(sys.argv[1]))); print(repr(float(fit.beta[1])))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == stored["estimate"]["beta"][1]


def put(record, path, value):
    out = copy.deepcopy(record)
    place = out
    for key in path[:-1]:
        place = place[key]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return out


DAMAGE = {
    "no format": (("format",), KeyError, "not a stored fit"),
    "other format": (("format",), "pickle", "not a stored fit"),
    "later version": (("version",), 2, "version 2.*reads version 1"),
    "no design": (("design",), KeyError, "incomplete or damaged.*design"),
    "no theta": (("estimate", "theta"), KeyError, "theta"),
    "short theta": (("estimate", "theta"), [1.0], "theta has 1 numbers; 3 are expected"),
    "theta of text": (("estimate", "theta"), ["a", "b", "c"], "theta is not a list of numbers"),
    "long beta": (("estimate", "beta"), [1.0, 2.0, 3.0], "beta has 3 numbers; 2 are expected"),
    "other theta": (("estimate", "theta"), [1.0, 0.0, 1.0], "data and parameters give"),
    "other sigma": (("estimate", "criterion"), 1.0, "its criterion is 1"),
    "y is a list": (("design", "y"), [1.0, 2.0], "y is not an array"),
    "y of another type": (("design", "y", "dtype"), "O", "y is not an array"),
    "y cut off": (("design", "y", "base64"), "AAAAAAAA8D8=", "shape"),
    "y garbled": (("design", "y", "base64"), "%%%", "y cannot be decoded"),
    "X transposed": (("design", "X", "shape"), [2, 178], "X has shape"),
    "n of text": (("design", "n"), "many", "damaged"),
    "codes outside": (
        ("design", "groupings", 0, "levels"),
        ["308"],
        "codes of Subject point outside its 1 levels",
    ),
    "term of no grouping": (("design", "terms", 0, "grouping"), 5, "damaged"),
    "column of no X": (("design", "terms", 0, "columns", 0), {"x": 17}, "damaged"),
    "names too many": (("design", "terms", 0, "names"), ["a", "b", "c"], "damaged"),
    "no steps": (("estimate", "search", "steps"), KeyError, "steps"),
    "spec of text": (("design", "spec"), "text", "."),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_named(stored, name):
    path, value, message = DAMAGE[name]
    with pytest.raises(DataError, match=message):
        LinearMixedFit.from_dict(put(stored, path, value))


@pytest.mark.parametrize("bad", [None, 3, "text", [], {}, {"format": "henderson.LinearMixedFit"}])
def test_what_is_no_record_at_all(bad):
    with pytest.raises(DataError, match="stored"):
        LinearMixedFit.from_dict(bad)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.int64])
def test_arrays_come_back_bit_by_bit(dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)[:, ::2]
    again = unpacked(json.loads(json.dumps(packed(array))), "a", (3, 2))
    assert again.dtype == dtype and np.array_equal(again, array)
    again[0, 0] = 7  # a copy of its own
    special = np.array([np.nan, np.inf, -0.0, 5e-324])
    assert unpacked(packed(special), "s", (4,)).tobytes() == special.tobytes()


def test_size_is_about_eleven_characters_a_number():
    rng = np.random.default_rng(0)
    rows = {"y": rng.normal(size=5000), "x": rng.normal(size=5000), "g": (np.arange(5000) % 50).astype(str)}
    text = json.dumps(hd.lmm("y ~ x + (x | g)", rows).to_dict())
    assert len(text) < 5000 * (3 * 10.7 + 5.4) + 20_000  # y, X (two columns), codes
