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


def test_work_inside_of_work_that_is_counted_shows_no_bar_of_its_own(monkeypatch, capsys):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(progress, "DELAY", 0.0)
    bar = progress.progress(3, "without each user")
    for _ in range(2):
        counted = Counted(abs, "refit")
        counted(-1)
        counted(-1)
        counted.close()
        bar.update(1)
    shown = capsys.readouterr().err
    assert "without each user" in shown
    assert shown.count("refit: ") == 1  # before the outer bar was there
    bar.close()
    counted = Counted(abs, "later")
    counted(-1)
    counted.close()
    assert "later: 1 evaluations, 00:00" in capsys.readouterr().err
