"""What importing and fitting pull in, and what is said when an optional package is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

FIT = """
import henderson as hd
fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
"""
HIDE = "import sys\nfor name in {names}: sys.modules[name] = None\n"


def run(code: str) -> str:
    """Standard output of `code` in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded(code: str) -> set[str]:
    """Names of the modules that `code` loads beyond those that numpy, pandas and narwhals load themselves."""
    before = set(run("import numpy, pandas, narwhals, sys; print(*sys.modules)").split())
    return set(run(code + "\nimport sys; print(*sys.modules)").split()) - before


def test_import_is_lean():
    heavy = ("matplotlib", "scipy.linalg", "scipy.stats", "scipy.special", "scipy.optimize", "scipy.sparse")
    heavy += (
        "formulaic",
        "polars",
        "pyarrow",
        "statsmodels",
        "henderson.plot",
        "henderson.cli",
        "threadpoolctl",
    )
    assert loaded("import henderson") & set(heavy) == set()


def test_a_fit_and_its_summary_import_neither_statistics_nor_pictures():
    names = loaded(FIT + "text = str(fit.summary())")
    assert not names & {"matplotlib", "scipy.stats", "scipy.optimize", "polars"}


@pytest.mark.parametrize(
    "hidden", [["matplotlib"], ["polars"], ["pyarrow"], ["matplotlib", "polars", "pyarrow", "tqdm"]]
)
def test_a_fit_needs_no_optional_package(hidden):
    assert run(HIDE.format(names=hidden) + FIT + "print(round(fit.criterion, 4))").strip() == "1743.6283"


def test_pictures_without_matplotlib_name_the_extra():
    code = HIDE.format(names=["matplotlib", "matplotlib.pyplot"]) + FIT
    code += "try: hd.plot.qq(fit)\nexcept hd.errors.MissingDependencyError as error: print(error)"
    assert "pip install 'henderson[plot]'" in run(code)


def test_a_report_without_matplotlib_names_the_extra():
    code = HIDE.format(names=["matplotlib", "matplotlib.pyplot"])
    code += "from henderson.cli import main\n"
    code += 'print(main(["fit", "dyestuff", "Yield ~ 1 + (1 | Batch)", "--report", "never.html"]))'
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip().endswith("2")
    assert "pip install 'henderson[plot]'" in done.stderr


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_frames_without_their_library_name_it(kind):
    code = HIDE.format(names=[kind]) + "import henderson as hd\n"
    code += (
        f'try: hd.datasets.load("cbpp", as_="{kind}")\nexcept hd.errors.MissingDependencyError as e: print(e)'
    )
    assert f"pip install {kind}" in run(code)


def test_public_names_can_be_listed_and_reached():
    code = "import henderson as hd\nfor name in hd.__all__: getattr(hd, name)\n"
    run(code + "assert set(hd.__all__) <= set(dir(hd))")


def test_an_unknown_name_is_an_attribute_error():
    import henderson as hd

    with pytest.raises(AttributeError, match="lmer"):
        _ = hd.lmer
