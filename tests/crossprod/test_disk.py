"""A disk that is really full and a process that is really killed: the file is the old one or the new one."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import DataError

from .chunked import cut, frame

FORMULA = "y ~ a * x + (x | g) + (1 | h)"
FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills and limits of POSIX")


def sums_of(seed):
    return hd.cross_products(FORMULA, cut(frame(seed=seed), 97))


@pytest.fixture
def sites(tmp_path):
    """Two files of sums."""
    for name, seed in (("north", 1), ("south", 2)):
        sums_of(seed).save(tmp_path / f"{name}.sums")
    return tmp_path


def there(folder):
    return sorted(path.name for path in folder.iterdir())


def run(code, *arguments, nameless=True):
    """Start a process that works with henderson; text on its standard output is read by the caller."""
    start = "import os, sys, time\nimport henderson as hd\nimport henderson.data.writing as writing\n"
    start += "" if nameless else "writing._nameless = lambda folder: None\n"
    return subprocess.Popen(
        [sys.executable, "-c", start + code, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


# -- no room -------------------------------------------------------------------------------------------------

MERGE_WITHOUT_ROOM = """
import resource
folder, limit = sys.argv[1], int(sys.argv[2])
both = hd.CrossProducts.load(folder + "/north.sums") + hd.CrossProducts.load(folder + "/south.sums")
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # the system stops every file at so many bytes
for name in "north.sums", "both.sums":
    try:
        both.save(folder + "/" + name)
    except hd.errors.DataError as error:
        print(type(error.__cause__).__name__, error.__cause__.errno, error)
"""


@pytest.mark.parametrize(("limit", "nameless"), [(0, True), (1000, True), (8192, True), (1000, False)])
def test_merging_without_room_leaves_the_files_of_the_sites(sites, limit, nameless):
    before = {name: (sites / name).read_bytes() for name in there(sites)}
    assert all(len(content) > limit for content in before.values())
    said, wrong = run(MERGE_WITHOUT_ROOM, sites, limit, nameless=nameless).communicate(timeout=60)
    assert wrong == ""
    answers = said.splitlines()
    for answer, target, kept in zip(
        answers,
        ("north.sums", "both.sums"),
        ("The file that is there was not touched", "No file was left behind"),
        strict=True,
    ):
        assert answer.startswith("OSError 27 ")  # EFBIG, from the system
        assert f"{target} could not be written: File too large. {kept}; make room" in answer
    assert {name: (sites / name).read_bytes() for name in there(sites)} == before


@contextmanager
def _on_a_full_device(path):
    with FULL.open("w+b") as file:
        yield file, True


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
def test_a_full_device(sites, monkeypatch):
    before = (sites / "north.sums").read_bytes()
    sums = sums_of(3)
    monkeypatch.setattr("henderson.data.writing._opened", _on_a_full_device)
    with pytest.raises(
        DataError, match=r"No space left on device\. The file that is there was not"
    ) as caught:
        sums.save(sites / "north.sums")
    assert caught.value.__cause__.errno == 28
    assert (sites / "north.sums").read_bytes() == before
    assert there(sites) == ["north.sums", "south.sums"]


AUGMENT_WITHOUT_ROOM = """
import resource
folder, limit, target = sys.argv[1], int(sys.argv[2]), sys.argv[3]
fit = hd.lmm("y ~ x + (1 | g)", folder + "/rows.parquet")
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    fit.augment(to=target)
except hd.errors.DataError as error:
    print(type(error.__cause__).__name__, error.__cause__.errno, error)
"""


@pytest.mark.parametrize(("name", "limit"), [("out.parquet", 0), ("out.csv", 3000), ("rows.parquet", 3000)])
def test_fitted_values_without_room_leave_the_rows(tmp_path, name, limit):
    frame(2000).to_parquet(tmp_path / "rows.parquet", row_group_size=500)
    before = (tmp_path / "rows.parquet").read_bytes()
    process = run(AUGMENT_WITHOUT_ROOM, tmp_path, limit, tmp_path / name)
    said, wrong = process.communicate(timeout=60)
    assert (said[:11], wrong) == ("OSError 27 ", "")
    assert f"{name} could not be written: File too large" in said
    assert there(tmp_path) == ["rows.parquet"]
    assert (tmp_path / "rows.parquet").read_bytes() == before


def test_what_is_no_file_is_not_replaced_by_one(sites):
    """A pipe stands for devices: on those, a mistake would do harm beyond this test."""
    os.mkfifo(sites / "pipe")
    (sites / "folder").mkdir()
    (sites / "link").symlink_to(sites / "pipe")
    for name, what in (
        ("pipe", "a device or a pipe"),
        ("link", "a device or a pipe"),
        ("folder", "a folder"),
    ):
        with pytest.raises(DataError, match=f"{name} is {what}, no file that could be replaced"):
            sums_of(1).save(sites / name)
    assert stat.S_ISFIFO((sites / "pipe").lstat().st_mode)
    assert (sites / "link").is_symlink()


def test_a_link_stays_a_link(sites):
    (sites / "link").symlink_to("north.sums")
    sums_of(5).save(sites / "link")
    assert (sites / "link").is_symlink()
    assert hd.CrossProducts.load(sites / "north.sums").cross.xx[-1, -1] == sums_of(5).cross.xx[-1, -1]


# -- a kill --------------------------------------------------------------------------------------------------

KILLED_INSIDE = """
import numpy as np
folder = sys.argv[1]
both = hd.CrossProducts.load(folder + "/north.sums") + hd.CrossProducts.load(folder + "/south.sums")
written, write = [], np.lib.format.write_array
def slow(member, array, **options):
    write(member, array, **options)
    written.append(array)
    if len(written) == 6:
        print("half", flush=True)
        time.sleep(60)
np.lib.format.write_array = slow
both.save(folder + "/north.sums")
"""


@pytest.mark.parametrize("nameless", [True, False])
def test_a_kill_in_the_middle_of_a_merge(sites, nameless):
    before = {name: (sites / name).read_bytes() for name in there(sites)}
    process = run(KILLED_INSIDE, sites, nameless=nameless)
    assert process.stdout.readline() == "half\n"
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert {name: (sites / name).read_bytes() for name in before} == before
    rest = sorted(set(there(sites)) - set(before))
    if nameless and hasattr(os, "O_TMPFILE"):
        assert rest == []
    for name in rest:  # a hidden part: no pattern of the user's finds it, and it cannot pass for sums
        assert name.startswith(".north.sums.")
        with pytest.raises(DataError, match="holds no sums of products, or is damaged"):
            hd.CrossProducts.load(sites / name)
    assert sorted(path.name for path in sites.glob("*.sums")) == ["north.sums", "south.sums"]


KILLED_ANYWHERE = """
folder = sys.argv[1]
parts = [hd.CrossProducts.load(f"{folder}/{name}.sums") for name in ("north", "south")]
print("ready", flush=True)
while True:
    for part in parts:
        part.save(folder + "/last.sums")
"""


@pytest.mark.parametrize("nameless", [True, False])
def test_kills_at_any_moment_leave_whole_sums(sites, nameless):
    whole = {name: (sites / f"{name}.sums").read_bytes() for name in ("north", "south")}
    draw = random.Random(1)
    for _ in range(3):
        process = run(KILLED_ANYWHERE, sites, nameless=nameless)
        assert process.stdout.readline() == "ready\n"
        time.sleep(draw.uniform(0.05, 0.15))
        process.kill()
        process.wait()
        assert (sites / "last.sums").read_bytes() in whole.values()
        assert [name for name in there(sites) if name[0] != "."] == ["last.sums", "north.sums", "south.sums"]


KILLED_AT_WORK = """
import pandas
folder = sys.argv[1]
def rows():
    for number in range(1000):
        print(number, flush=True)
        yield pandas.read_parquet(folder + "/rows.parquet")
hd.cross_products("y ~ x + (1 | g)", rows).save(folder + "/north.sums")
"""


def test_a_kill_while_chunks_are_summed(tmp_path):
    frame(2000).to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "north.sums").write_bytes(b"old")
    before = {name: (tmp_path / name).read_bytes() for name in there(tmp_path)}
    process = run(KILLED_AT_WORK, tmp_path)
    while process.stdout.readline() != "20\n":
        pass
    process.kill()
    process.wait()
    assert {name: (tmp_path / name).read_bytes() for name in there(tmp_path)} == before


KILLED_WHILE_WRITING_ROWS = """
fit = hd.lmm("y ~ x + (1 | g)", sys.argv[1] + "/rows.parquet")
print("ready", flush=True)
while True:
    fit.augment(to=sys.argv[1] + "/out.parquet")
"""


def test_a_kill_while_fitted_values_are_written(tmp_path):
    frame(3000).to_parquet(tmp_path / "rows.parquet", row_group_size=500)
    before = (tmp_path / "rows.parquet").read_bytes()
    process = run(KILLED_WHILE_WRITING_ROWS, tmp_path)
    assert process.stdout.readline() == "ready\n"
    while not (tmp_path / "out.parquet").exists():
        time.sleep(0.01)
    time.sleep(0.1)
    process.kill()
    process.wait()
    rows = pd.read_parquet(tmp_path / "out.parquet")
    assert len(rows) == len(pd.read_parquet(tmp_path / "rows.parquet").dropna(subset=["x", "g"]))
    assert np.isfinite(rows[".fitted"]).all()
    assert (tmp_path / "rows.parquet").read_bytes() == before


# -- files that were cut ------------------------------------------------------------------------------------


def test_no_part_of_a_file_passes_for_the_whole(sites):
    whole = (sites / "north.sums").read_bytes()
    for length in {*range(0, len(whole), max(1, len(whole) // 60)), *range(len(whole) - 30, len(whole))}:
        (sites / "part").write_bytes(whole[:length])
        with pytest.raises(DataError, match="holds no sums of products, or is damaged"):
            hd.CrossProducts.load(sites / "part")


def test_no_flipped_bit_passes(sites):
    """Names of the archive's members and dates do not enter; all that does is under a checksum."""
    wanted = hd.CrossProducts.load(sites / "north.sums")
    whole = (sites / "north.sums").read_bytes()
    draw = random.Random(2)
    refused = 0
    for _ in range(80):
        damaged = bytearray(whole)
        damaged[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        (sites / "part").write_bytes(bytes(damaged))
        try:
            found = hd.CrossProducts.load(sites / "part")
        except DataError:
            refused += 1
            continue
        np.testing.assert_array_equal(found.cross.zx, wanted.cross.zx)
        np.testing.assert_array_equal(found.cross.xx, wanted.cross.xx)
    assert refused > 60
