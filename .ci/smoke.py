"""Fit the sleep study with an installed henderson that has no optional dependency."""

from pathlib import Path

import henderson as hd

package = Path(hd.__file__).parent
assert "site-packages" in package.parts, package
assert (package / "py.typed").exists()
assert (package / "datasets" / "files" / "PROVENANCE.md").exists()

fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
assert abs(fit.criterion - 1743.6282719585) < 1e-6, fit.criterion
try:
    hd.datasets.load("sleepstudy", as_="polars")
except hd.errors.MissingDependencyError as error:
    print("without polars:", error)
