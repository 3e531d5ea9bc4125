"""Sums in a file: exact, whole or not at all, and nothing that passes for them is taken."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import henderson as hd
from henderson.data.writing import write_whole

from .chunked import FORMULAS, cut, frame


def some(formula="y ~ a * x + oc + (x | g) + (1 | h)", **options):
    return hd.cross_products(formula, cut(frame(), 97), **options)


@pytest.mark.parametrize("formula", FORMULAS)
def test_what_is_read_is_what_was_saved(formula, tmp_path):
    sums = some(formula, weights="w")
    sums.save(tmp_path / "sums")
    back = hd.CrossProducts.load(tmp_path / "sums")
    np.testing.assert_array_equal(back.cross.zx, sums.cross.zx)
    np.testing.assert_array_equal(back.cross.xx, sums.cross.xx)
    assert back.design.spec.to_dict() == sums.design.spec.to_dict()
    assert str(back) == str(sums)
    (back + sums).save(tmp_path / "twice")
    assert hd.CrossProducts.load(tmp_path / "twice").nobs == 2 * sums.nobs


def test_the_same_sums_are_the_same_bytes(tmp_path):
    for name in "ab":
        some().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_nothing_is_pickled(tmp_path):
    some().save(tmp_path / "sums")
    with zipfile.ZipFile(tmp_path / "sums") as archive:
        assert {name.rpartition(".")[2] for name in archive.namelist()} == {"json", "npy"}
        for name in archive.namelist():
            if name.endswith(".npy"):
                with archive.open(name) as member:
                    np.lib.format.read_array(member, allow_pickle=False)


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    sums, path = some(), tmp_path / "sums"
    sums.save(path)
    before = path.read_bytes()

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(hd.errors.DataError, match=r"No space left.*The file that is there was not touched"):
        sums.save(path)
    assert path.read_bytes() == before
    with pytest.raises(hd.errors.DataError, match="No file was left behind"):
        sums.save(tmp_path / "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["sums"]


@pytest.mark.parametrize("nameless", [True, False])
def test_a_kill_leaves_the_old_file_and_no_part_of_a_new_one(tmp_path, nameless):
    path = tmp_path / "sums"
    path.write_bytes(b"old")
    code = f"""
import sys, time
import henderson.data.writing as w
if not {nameless}: w._nameless = lambda folder: None
def write(file):
    file.write(b"x" * 100_000); file.flush(); print("half", flush=True); time.sleep(60)
w.write_whole({str(path)!r}, write)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "half\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert path.read_bytes() == b"old"
    if nameless and hasattr(os, "O_TMPFILE"):
        assert [p.name for p in tmp_path.iterdir()] == ["sums"]
    else:  # a hidden file may stay, never one of that name
        assert [p.name for p in tmp_path.iterdir() if not p.name.startswith(".")] == ["sums"]


@pytest.mark.parametrize("nameless", [True, False])
def test_an_interrupt_leaves_nothing(tmp_path, nameless, monkeypatch):
    if not nameless:
        monkeypatch.setattr("henderson.data.writing._nameless", lambda folder: None)

    def interrupted(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "sums", interrupted)
    assert list(tmp_path.iterdir()) == []
    write_whole(tmp_path / "sums", lambda file: file.write(b"all"))
    assert (tmp_path / "sums").read_bytes() == b"all"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(hd.errors.DataError, match="could not be written: No such file"):
        some().save(tmp_path / "nowhere" / "sums")


def test_what_is_no_file_of_sums_is_refused(tmp_path):
    path = tmp_path / "sums"
    with pytest.raises(hd.errors.DataError, match="There is no file"):
        hd.CrossProducts.load(path)
    path.write_text("y,x\n1,2\n")
    with pytest.raises(hd.errors.DataError, match="holds no sums of products, or is damaged"):
        hd.CrossProducts.load(path)
    some().save(path)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:2000] + bytes(64) + whole[2064:]):
        path.write_bytes(damaged)
        with pytest.raises(hd.errors.DataError, match="damaged"):
            hd.CrossProducts.load(path)


def altered(path, change):
    """The file with its header changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(members["header.json"])
    change(header)
    members["header.json"] = json.dumps(header).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h.update(version=99), "version 99"),
        (lambda h: h.update(format="other"), "holds no sums"),
        (lambda h: h["levels"]["a"].update(labels=["p", "q"]), "an array of shape"),
        (lambda h: h.pop("plan"), "KeyError"),
    ],
)
def test_an_altered_header_is_refused(change, message, tmp_path):
    some().save(tmp_path / "sums")
    altered(tmp_path / "sums", change)
    with pytest.raises(hd.errors.DataError, match=message):
        hd.CrossProducts.load(tmp_path / "sums")
