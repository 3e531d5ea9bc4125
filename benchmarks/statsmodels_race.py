"""statsmodels' MixedLM on the models of its own users: ``python -m benchmarks.statsmodels_race``.

One process, one thread, the packages taking turns. Every time is that of a statement and its fit, by formula:
``hd.lmm``, the adapter's ``mixedlm(…).fit()``, statsmodels' ``mixedlm(…).fit()``; the adapter's and
statsmodels' ``fit()`` alone beside them, because both read formulas with patsy.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.formula.api as theirs
from threadpoolctl import threadpool_limits

import henderson as hd
from henderson.adapters import statsmodels as adapter
from henderson.adapters.statsmodels.rdatasets import plain_columns

WITHIN = {"groups": "batch", "re_formula": "1", "vc_formula": {"cask": "0 + C(cask)"}}
CROSSED = {"groups": "one", "vc_formula": {"plate": "0 + C(plate)", "sample": "0 + C(sample)"}}


def simulated(groups: int, rows: int) -> pd.DataFrame:
    """Random slopes in many groups."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(groups), rows)
    x = rng.normal(size=len(g))
    slopes = rng.normal(size=(groups, 2)) * [1.0, 0.5]
    y = 1 + x + slopes[g, 0] + slopes[g, 1] * x + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "g": g})


@dataclass(frozen=True, slots=True)
class Model:
    """One model in both languages.

    Attributes
    ----------
    name : str
    data : data frame
    formula : str
        Of `hd.lmm`.
    fixed : str
        Of ``mixedlm``.
    options : dict
        Further arguments of ``mixedlm``.
    """

    name: str
    data: pd.DataFrame
    formula: str
    fixed: str
    options: dict[str, Any]


def models() -> list[Model]:
    """The models of the texts and of statsmodels' own documentation, small and larger."""
    load = {
        name: plain_columns(hd.datasets.load(name))
        for name in ("sleepstudy", "machines", "pastes", "penicillin")
    }
    sleep, machines, day = load["sleepstudy"], load["machines"], "Reaction ~ Days"
    subject, worker = {"groups": "Subject"}, {"groups": "Worker"}
    many = simulated(500, 20)
    return [
        Model("sleep, intercepts", sleep, f"{day} + (1 | Subject)", day, subject),
        Model("sleep, slopes", sleep, f"{day} + (Days | Subject)", day, subject | {"re_formula": "~Days"}),
        Model("sleep, unconditional", sleep, "Reaction ~ 1 + (1 | Subject)", "Reaction ~ 1", subject),
        Model(
            "sleep, slopes alone",
            sleep,
            f"{day} + (0 + Days | Subject)",
            day,
            subject | {"re_formula": "0 + Days"},
        ),
        Model("machines, intercepts", machines, "score ~ Machine + (1 | Worker)", "score ~ Machine", worker),
        Model(
            "machines, machine by worker",
            machines,
            "score ~ Machine + (Machine | Worker)",
            "score ~ Machine",
            worker | {"re_formula": "~Machine"},
        ),
        Model(
            "pastes, nested",
            load["pastes"],
            "strength ~ 1 + (1 | batch) + (1 | batch:cask)",
            "strength ~ 1",
            WITHIN,
        ),
        Model(
            "penicillin, crossed",
            load["penicillin"].assign(one=1),
            "diameter ~ 1 + (1 | plate) + (1 | sample)",
            "diameter ~ 1",
            CROSSED,
        ),
        Model(
            "500 groups of 20, slopes", many, "y ~ x + (x | g)", "y ~ x", {"groups": "g", "re_formula": "~x"}
        ),
    ]


def seconds(call: Callable[[], Any], repeats: int) -> float:
    """Median seconds of some calls after a first one."""
    call()
    out = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        out.append(time.perf_counter() - begin)
    return statistics.median(out)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Times in milliseconds and log-likelihoods of one model.

    Attributes
    ----------
    name : str
    lmm, adapter, adapter_fit, theirs, theirs_fit : float
    loglik, their_loglik : float
    """

    name: str
    lmm: float
    adapter: float
    adapter_fit: float
    theirs: float
    theirs_fit: float
    loglik: float
    their_loglik: float


def race(model: Model, repeats: int) -> Outcome:
    """Time all on one model, and hold the likelihoods against each other."""
    ours = adapter.mixedlm(model.fixed, model.data, **model.options)
    other = theirs.mixedlm(model.fixed, model.data, **model.options)
    few = max(1, repeats // 5)
    times = (
        seconds(lambda: hd.lmm(model.formula, model.data), repeats),
        seconds(lambda: adapter.mixedlm(model.fixed, model.data, **model.options).fit(), repeats),
        seconds(ours.fit, repeats),
        seconds(lambda: theirs.mixedlm(model.fixed, model.data, **model.options).fit(), few),
        seconds(other.fit, few),
    )
    fit = hd.lmm(model.formula, model.data)
    assert abs(fit.loglik - ours.fit().llf) < 1e-6 * abs(fit.loglik), "lmm and the adapter fit one model"
    return Outcome(model.name, *(1000 * t for t in times), float(fit.loglik), float(other.fit().llf))


def main() -> None:
    """Print the table, and say whether the bounds hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--repeats", type=int, default=15, help="timed calls of ours; statsmodels' are a fifth"
    )
    repeats = parser.parse_args().repeats
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        rows = [race(model, repeats) for model in models()]
    print(f"henderson {hd.__version__}, statsmodels {version('statsmodels')}; milliseconds, medians\n")
    print("| model | lmm | statsmodels | ratio | adapter | its fit() | their fit() | ratio | llf - theirs |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        whole, alone = row.theirs / row.lmm, row.theirs_fit / row.adapter_fit
        print(
            f"| {row.name} | {row.lmm:.2f} | {row.theirs:.1f} | {whole:.0f} | {row.adapter:.2f} "
            f"| {row.adapter_fit:.2f} | {row.theirs_fit:.1f} | {alone:.0f} "
            f"| {row.loglik - row.their_loglik:.1e} |"
        )
    whole = statistics.median(row.theirs / row.lmm for row in rows)
    alone = statistics.median(row.theirs_fit / row.adapter_fit for row in rows)
    stated = statistics.median(row.theirs / row.adapter for row in rows)
    worst = min(row.loglik - row.their_loglik for row in rows)
    print(f"\nMedian ratios: lmm {whole:.0f}, adapter {stated:.0f}; fit() alone {alone:.0f}.")
    print(f"Our log-likelihood less theirs, at the least: {worst:.1e}.")


if __name__ == "__main__":
    main()
