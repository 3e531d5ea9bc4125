"""The out-of-core benchmark runs, and its two ways agree."""

from __future__ import annotations

import numpy as np

from benchmarks import out_of_core


def test_both_ways_give_one_fit(tmp_path, monkeypatch):
    monkeypatch.setattr(out_of_core, "CHUNK", 4_000)
    path = tmp_path / "rows.parquet"
    out_of_core.write_parquet(path, 9_000, groups=60, items=10)
    results = [out_of_core.measure(way, path, 9_000) for way in out_of_core.WAYS]
    chunks, memory, imports = results
    np.testing.assert_allclose(chunks.theta, memory.theta, rtol=1e-8)
    assert imports.theta == ()
    assert min(chunks.peak, memory.peak, imports.peak) > 50
    lines = out_of_core.table(results).splitlines()
    assert len(lines) == 5
    assert "9,000" in lines[2]
