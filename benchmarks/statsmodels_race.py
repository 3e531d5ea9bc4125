"""statsmodels' MixedLM on the models of its own users, written to RESULTS-statsmodels.md.

    python -m benchmarks.statsmodels_race

One process, one thread, the packages taking turns. Every time is that of a statement and its fit, by formula:
``hd.lmm``, the adapter's ``mixedlm(…).fit()``, statsmodels' ``mixedlm(…).fit()``; the adapter's and
statsmodels' ``fit()`` alone beside them. The command fails where `hd.lmm` is not 20 times as fast at the
median, or a log-likelihood of ours is lower.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.formula.api as theirs
from threadpoolctl import threadpool_limits

import henderson as hd
from henderson.adapters import statsmodels as adapter
from henderson.adapters.statsmodels.rdatasets import plain_columns

HERE = Path(__file__).resolve().parent
RATIO = 20
"""How many times as fast `hd.lmm` has to be at the median."""
ROUNDING = 1e-9
"""By how much a log-likelihood may be lower and count as the same, relative to it where that is large."""
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


def athletes() -> pd.DataFrame:
    """Four athletes, sessions of 20 and 30 repeats."""
    rng = np.random.default_rng(42)
    who, high = np.repeat(np.arange(4), 50), np.tile(np.repeat([0, 1], [20, 30]), 4)
    score = 0.85 - 0.08 * high + rng.normal(scale=0.05, size=4)[who] + rng.normal(scale=0.05, size=200)
    return pd.DataFrame({"correctness": score, "session_high": high, "athlete": who})


def bounce_times() -> pd.DataFrame | None:
    """The 480 visits of a teaching text, not in this repository; None where they are not at hand."""
    place = os.environ.get("HENDERSON_SEED_DATA") or HERE.parents[1] / "shared" / "data"
    path = Path(place) / "bounce.csv"
    if not path.is_file():
        return None
    data = pd.read_csv(path)
    return data.assign(age_scaled=(data["age"] - data["age"].mean()) / data["age"].std(ddof=0))


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
    many, score = simulated(500, 20), "correctness ~ session_high"
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
        Model("athletes, intercepts", athletes(), f"{score} + (1 | athlete)", score, {"groups": "athlete"}),
        *of_bounce_times(),
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


def of_bounce_times() -> list[Model]:
    """Random intercepts and random slopes of counties, where the data are at hand."""
    data, fixed, county = bounce_times(), "bounce_time ~ age_scaled", {"groups": "county"}
    if data is None:
        return []
    slopes = county | {"re_formula": "~age_scaled"}
    return [
        Model("bounce times, intercepts", data, f"{fixed} + (1 | county)", fixed, county),
        Model("bounce times, slopes", data, f"{fixed} + (age_scaled | county)", fixed, slopes),
    ]


def seconds(calls: list[Callable[[], Any]], repeats: list[int]) -> list[float]:
    """Median seconds of every call after a first one, the calls taking turns."""
    out: list[list[float]] = [[] for _ in calls]
    for turn in range(max(repeats) + 1):
        for times, call, most in zip(out, calls, repeats, strict=True):
            if turn <= most:
                begin = time.perf_counter()
                call()
                times.append(time.perf_counter() - begin)
    return [statistics.median(times[1:]) for times in out]


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
    calls = [
        lambda: hd.lmm(model.formula, model.data),
        lambda: adapter.mixedlm(model.fixed, model.data, **model.options).fit(),
        ours.fit,
        lambda: theirs.mixedlm(model.fixed, model.data, **model.options).fit(),
        other.fit,
    ]
    times = seconds(calls, [repeats, repeats, repeats, few, few])
    fit = hd.lmm(model.formula, model.data)
    assert abs(fit.loglik - ours.fit().llf) < 1e-6 * abs(fit.loglik), "lmm and the adapter fit one model"
    return Outcome(model.name, *(1000 * t for t in times), float(fit.loglik), float(other.fit().llf))


def table(rows: list[Outcome]) -> list[str]:
    """Times in milliseconds, ratios, and by how much our log-likelihood is the higher one."""
    out = [
        "| model | lmm | statsmodels | ratio | adapter | its fit() | their fit() | ratio | llf - theirs |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        whole, alone = row.theirs / row.lmm, row.theirs_fit / row.adapter_fit
        out.append(
            f"| {row.name} | {row.lmm:.2f} | {row.theirs:.1f} | {whole:.0f} | {row.adapter:.2f} "
            f"| {row.adapter_fit:.2f} | {row.theirs_fit:.1f} | {alone:.0f} "
            f"| {row.loglik - row.their_loglik:.1e} |"
        )
    return out


def shortfalls(rows: list[Outcome]) -> list[str]:
    """What does not hold of: 20 times as fast at the median, log-likelihood never lower."""
    ratio = statistics.median(row.theirs / row.lmm for row in rows)
    slow = [f"The median ratio is {ratio:.1f}, below {RATIO}."] if ratio < RATIO else []
    lower = [row for row in rows if row.loglik < row.their_loglik - ROUNDING * max(1.0, abs(row.loglik))]
    return slow + [f"{row.name}: {row.loglik:.9f} is below {row.their_loglik:.9f}." for row in lower]


def page(rows: list[Outcome], load: float) -> str:
    """The results as Markdown."""
    whole = statistics.median(row.theirs / row.lmm for row in rows)
    alone = statistics.median(row.theirs_fit / row.adapter_fit for row in rows)
    stated = statistics.median(row.theirs / row.adapter for row in rows)
    worst = min(row.loglik - row.their_loglik for row in rows)
    versions = f"statsmodels {version('statsmodels')}, numpy {np.__version__}"
    where = f"{date.today()}; {os.cpu_count()} cores, load average {load:.1f} at the start"
    lines = [
        "# Beside statsmodels' MixedLM",
        "",
        f"{where}; henderson {hd.__version__}, {versions}.",
        "One process, one thread, the packages taking turns; milliseconds, medians.",
        "Made by `python -m benchmarks.statsmodels_race`.",
        "",
        *table(rows),
        "",
        f"Median ratios: lmm {whole:.0f}, adapter {stated:.0f}; fit() alone {alone:.0f}.",
        f"Our log-likelihood less theirs, at the least: {worst:.1e}.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the page, and fail where the bounds do not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--repeats", type=int, default=15, help="timed calls of ours; statsmodels' are a fifth"
    )
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS-statsmodels.md")
    options, load = parser.parse_args(), os.getloadavg()[0]
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        rows = [race(model, options.repeats) for model in models()]
    options.out.write_text(page(rows, load), encoding="utf-8")
    print(page(rows, load))
    if missed := shortfalls(rows):
        raise SystemExit("\n".join(missed))


if __name__ == "__main__":
    main()
