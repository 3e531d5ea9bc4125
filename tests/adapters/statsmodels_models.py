"""Models that both packages fit: names, and the arguments of ``mixedlm``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import henderson as hd
from henderson.adapters.statsmodels.rdatasets import plain_columns


def data(name: str) -> pd.DataFrame:
    return plain_columns(hd.datasets.load(name))


def sleep() -> pd.DataFrame:
    return data("sleepstudy")


def gaps() -> pd.DataFrame:
    frame = sleep()
    frame.loc[[3, 60], "Days"] = np.nan
    frame.loc[7, "Reaction"] = np.nan
    return frame


def penicillin() -> pd.DataFrame:
    return data("penicillin").assign(one=1)


def unbalanced() -> pd.DataFrame:
    """Groups of 1 to 12 rows, a covariate of the group, names that formulas must quote."""
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 13, size=30)
    group = np.repeat(np.arange(30), sizes)
    x = rng.normal(size=len(group)) + 0.1 * group
    level = rng.normal(size=30)[group]
    y = 2 + x + 0.5 * level + rng.normal(size=30)[group] + 0.4 * x * rng.normal(size=30)[group]
    part = rng.integers(0, 3, size=len(group))
    y += rng.normal(size=90)[3 * group + part] + 0.5 * x * rng.normal(size=90)[3 * group + part]
    frame = pd.DataFrame({"y": y + rng.normal(size=len(group)), "x": x, "level of it": level, "g": group})
    frame["half"] = np.where(group % 2 == 0, "even", "odd")
    frame["part"] = part
    return frame.set_index(pd.Index([f"row{i}" for i in range(len(group))]))


def square(x: np.ndarray) -> np.ndarray:
    """A function of the caller's own, used by a formula."""
    return x**2


MODELS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "intercept": ("Reaction ~ Days", sleep, {"groups": "series"}),
    "unconditional": ("Reaction ~ 1", sleep, {"groups": "Subject"}),
    "slopes": ("Reaction ~ Days", sleep, {"groups": "series", "re_formula": "~Days"}),
    "named_slopes": ("Reaction ~ Days", sleep, {"groups": "Subject", "re_formula": "~Days"}),
    "slope_alone": ("Reaction ~ Days", sleep, {"groups": "Subject", "re_formula": "0 + Days"}),
    "independent": (
        "Reaction ~ Days",
        sleep,
        {"groups": "Subject", "vc_formula": {"Days": "0 + Days", "level": "1"}},
    ),
    "no_intercept": ("Reaction ~ 0 + Days", sleep, {"groups": "Subject"}),
    "transformed": ("np.log(Reaction) ~ center(Days) + I(Days**2)", sleep, {"groups": "Subject"}),
    "own_function": ("Reaction ~ square(Days)", sleep, {"groups": "Subject"}),
    "missing": ("Reaction ~ Days", gaps, {"groups": "Subject", "missing": "drop"}),
    "nested": (
        "strength ~ 1",
        lambda: data("pastes"),
        {"groups": "batch", "re_formula": "1", "vc_formula": {"cask": "0 + C(cask)"}},
    ),
    "crossed": (
        "diameter ~ 1",
        penicillin,
        {"groups": "one", "vc_formula": {"plate": "0 + C(plate)", "sample": "0 + C(sample)"}},
    ),
    "categorical": ("score ~ Machine", lambda: data("machines"), {"groups": "Worker"}),
    "sum_coding": ("score ~ C(Machine, Sum)", lambda: data("machines"), {"groups": "Worker"}),
    "category_slopes": (
        "score ~ C(Machine)",
        lambda: data("machines"),
        {"groups": "Worker", "re_formula": "~C(Machine)"},
    ),
    "several_in_a_row": (
        "score ~ Machine",
        lambda: data("machines"),
        {"groups": "Worker", "vc_formula": {"m": "1 + C(Machine)"}},
    ),
    "unbalanced": (
        "y ~ x*half + Q('level of it')",
        unbalanced,
        {"groups": "g", "re_formula": "~x"},
    ),
    "unbalanced_parts": (
        "y ~ x",
        unbalanced,
        {"groups": "g", "re_formula": "1", "vc_formula": {"part": "0 + C(part)", "px": "0 + C(part):x"}},
    ),
}


def stated(mixedlm: Any, name: str) -> Any:
    """State a model with the `mixedlm` of either package."""
    formula, make, options = MODELS[name]
    frame = make()
    options = dict(options)
    if options["groups"] == "series":
        options["groups"] = frame["Subject"]
    return mixedlm(formula, frame, **options)
