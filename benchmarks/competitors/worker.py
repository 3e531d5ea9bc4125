"""The loop that every Python competitor runs in a process of its own.

Requests come as JSON lines on standard input, answers go as JSON lines to standard output; whatever a
library prints goes to standard error.  The data are read before the clock starts.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pandas as pd

from benchmarks import problems


class Program(Protocol):
    """What a competitor's file defines."""

    def versions(self) -> dict[str, str]:
        """Name and version of what is timed."""

    def fit(self, formula: str, rows: pd.DataFrame, reml: bool) -> Any:
        """The whole call, from data frame to estimate."""

    def refit(self, fitted: Any, response: np.ndarray) -> Any:
        """A new response in a fitted model."""

    def report(self, fitted: Any) -> tuple[float, int | None]:
        """Log-likelihood and number of evaluations."""


def timed(call: Callable[[], Any], repeats: int) -> tuple[list[float], Any]:
    """Seconds of each repeat, and the last result."""
    seconds, result = [], None
    for _ in range(repeats):
        begin = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - begin)
    return seconds, result


def answer(program: Program, request: dict[str, Any], cache: dict[str, Any]) -> dict[str, Any]:
    """Do one request; `cache` keeps the data frame and, for refits, the fitted model."""
    key = request["file"]
    if cache.get("file") != key:
        cache.clear()
        cache.update(file=key, rows=problems.load(key))
    if request["action"] == "load":
        return {"seconds": [], "loglik": float("nan"), "evaluations": None}
    formula, rows, reml = request["formula"], cache["rows"], request["reml"]
    if request["action"] == "refit":
        if "fitted" not in cache:
            cache["fitted"] = program.fit(formula, rows, reml)
        response = rows[formula.split("~")[0].strip()].to_numpy()
        changed = response * (1 + 0.02 * np.sin(np.arange(len(response))))
        seconds, fitted = timed(lambda: program.refit(cache["fitted"], changed), request["repeats"])
    else:
        seconds, fitted = timed(lambda: program.fit(formula, rows, reml), request["repeats"])
    loglik, evaluations = program.report(fitted)
    return {"seconds": seconds, "loglik": loglik, "evaluations": evaluations}


def serve(program: Program) -> None:
    """Answer requests until standard input closes."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    cache: dict[str, Any] = {}
    print(json.dumps({"versions": program.versions()}), file=out, flush=True)
    for request in sys.stdin:
        try:
            reply = answer(program, json.loads(request), cache)
        except Exception as error:  # the reason goes into the table
            reply = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(reply), file=out, flush=True)
