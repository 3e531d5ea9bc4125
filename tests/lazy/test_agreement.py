"""Tables of one model that were read while rows were added: told apart by their counts."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import henderson as hd
from henderson.errors import DataError
from henderson.lazy import passes
from henderson.lazy.engines import open_lazy

from .engines import ALWAYS, table


@pytest.mark.parametrize("make", ALWAYS.values(), ids=ALWAYS)
def test_rows_added_between_two_passes_are_noticed(make, monkeypatch):
    data = table(gaps=False)
    grown, read, seen = make(pd.concat([data, data[:3]])), passes.read_table, []

    def later(stage, request, centres, *, plain):
        seen.append(request)
        if len(seen) > 1:
            stage = replace(stage, lazy=stage.lazy._replace(frame=open_lazy(grown).frame))
        return read(stage, request, centres, plain=plain)

    monkeypatch.setattr("henderson.lazy.survey._REPEATS", 0.0)  # a table for each factor and one for both
    monkeypatch.setattr(passes, "read_table", later)
    with pytest.raises(DataError, match="one pass met 900 complete rows, another 903"):
        hd.lmm("y ~ x + (1 | g) + (1 | h)", make(data))
