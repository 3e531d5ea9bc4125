"""Bars appear when there is something to wait for, and only then."""

from __future__ import annotations

import sys

import pytest

from henderson import progress
from henderson.progress import Counted


def test_short_work_shows_nothing_and_does_not_load_tqdm(monkeypatch):
    monkeypatch.delitem(sys.modules, "tqdm.auto", raising=False)
    counted = Counted(lambda x, y: x + y, "fit")
    assert counted(1, 2) == 3
    counted.close()
    assert counted.bar is None
    assert "tqdm.auto" not in sys.modules


def test_long_work_is_counted(monkeypatch, capsys):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(progress, "DELAY", 0.0)
    counted = Counted(abs, "fit")
    assert [counted(-x) for x in range(3)] == [0, 1, 2]
    counted.close()
    assert "fit" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["tqdm", "tqdm.auto"])
def test_without_tqdm_there_is_silence(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(progress, "DELAY", 0.0)
    counted = Counted(abs, "fit")
    assert counted(-1) == 1
    counted.close()
    bar = progress.progress(10, "bootstrap")
    bar.update(1)
    bar.close()
