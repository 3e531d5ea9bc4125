"""Competitors in processes of their own, one thread each, taking turns."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from benchmarks.competitors import in_r
from benchmarks.problems import ROOT, Problem

COMPETITORS = ("henderson", "glmm", "mixedlm", "statsmodels", "lme4")
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
SHORT = 10.0  # a fit quicker than this, in seconds, is repeated
SLOW = 1.0  # and one slower than this only thrice


def single_threaded() -> dict[str, str]:
    """The environment with every thread pool limited to one."""
    paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONPATH": os.pathsep.join(p for p in paths if p)}


@dataclass(slots=True)
class Result:
    """How one competitor did on one problem.

    Attributes
    ----------
    seconds : list of float
        One entry per timed call; empty where it did not run.
    loglik, evaluations : float, int or None
        At the end of its search.
    reason : str
        Why it did not run.
    """

    seconds: list[float] = field(default_factory=list)
    loglik: float | None = None
    evaluations: int | None = None
    reason: str = ""

    @property
    def best(self) -> float | None:
        """Least time, which is the one that the machine disturbed least."""
        return min(self.seconds) if self.seconds else None

    @property
    def median(self) -> float | None:
        """Middle time."""
        return statistics.median(self.seconds) if self.seconds else None


class Worker:
    """One competitor's process; started on first use, started anew after it was stopped."""

    def __init__(self, name: str, python: str):
        self.name, self.python = name, python
        self.process: subprocess.Popen[str] | None = None
        self.lines: Queue[str] = Queue()
        self.versions: dict[str, str] = {}

    def command(self) -> list[str] | None:
        """What to run; None where the program is not installed."""
        if self.name in in_r.PACKAGES:
            return in_r.command(self.name)
        return [self.python, "-m", f"benchmarks.competitors.{self.name}"]

    def start(self) -> str:
        """Start the process; returns the reason when it cannot be started."""
        command = self.command()
        if command is None:
            return "R is not installed"
        self.lines = Queue()
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command,
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env=single_threaded(),
        )
        threading.Thread(target=self.read, args=(self.process, self.lines), daemon=True).start()
        hello = self.receive(60.0)
        self.versions = hello.get("versions", {})
        return "" if self.versions else f"not installed ({hello.get('error', 'no answer')})"

    @staticmethod
    def read(process: subprocess.Popen[str], lines: Queue[str]) -> None:
        """Pass the process's lines on; an empty line stands for its end."""
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    def receive(self, limit: float) -> dict[str, Any]:
        """The next reply, or an error after `limit` seconds."""
        try:
            line = self.lines.get(timeout=limit)
        except Empty:
            self.stop()
            return {"error": f"more than {limit:.0f} s", "timeout": True}
        if not line:
            self.process = None
            return {"error": "the process ended"}
        reply: dict[str, Any] = in_r.reply(line) if self.name in in_r.PACKAGES else json.loads(line)
        return reply

    def ask(self, request: dict[str, Any], limit: float) -> dict[str, Any]:
        """Send one request and wait for its reply."""
        if self.process is None:
            reason = self.start()
            if reason:
                return {"error": reason}
        assert self.process is not None
        assert self.process.stdin is not None
        text = in_r.request(request) if self.name in in_r.PACKAGES else json.dumps(request)
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.receive(limit)

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def settle(result: Result, reply: dict[str, Any], keep: bool) -> None:
    """Write a reply into a result; a warm-up's seconds are not kept."""
    if "error" in reply:
        result.reason = reply["error"]
        return
    result.loglik, result.evaluations = reply["loglik"], reply["evaluations"]
    if keep:
        result.seconds += reply["seconds"]


def calibrated(worker: Worker, request: dict[str, Any], limit: float) -> int:
    """How many calls make a tenth of a second; the first call of all, already made, may be far slower."""
    seconds = 1.0
    for repeats in (1, 10):
        reply = worker.ask(request | {"repeats": repeats}, limit)
        seconds = min(reply.get("seconds", [seconds]))
        if seconds > 0.05:
            break
    return max(1, int(0.1 / max(seconds, 1e-5)))


def race(
    problem: Problem, file: Path, workers: Sequence[Worker], rounds: int, limit: float
) -> dict[str, Result]:
    """Time one problem.

    The first call of each competitor on the problem decides: below `SHORT` seconds it was the warm-up, and
    `rounds` rounds follow in which the competitors take turns, each repeating for about a tenth of a second
    (three rounds above `SLOW`); a longer one stands as it is, a single shot.
    """
    results = {worker.name: Result(reason=problem.skip.get(worker.name, "")) for worker in workers}
    request = {
        "file": str(file),
        "formula": problem.formula,
        "reml": True,
        "action": problem.action,
        "repeats": 1,
    }
    running: dict[str, tuple[Worker, int]] = {}
    for worker in workers:
        result = results[worker.name]
        if result.reason:
            continue
        begin = time.perf_counter()
        reply = worker.ask(request, limit)
        wall = time.perf_counter() - begin
        taken = reply.get("seconds", [wall])[0]
        settle(result, reply, keep=taken >= SHORT)
        if not result.reason and taken < SHORT:
            running[worker.name] = (worker, calibrated(worker, request, limit))
    for turn in range(rounds):
        for name, (worker, repeats) in running.items():
            if turn >= 3 and min(results[name].seconds) > SLOW:
                continue
            settle(results[name], worker.ask(request | {"repeats": repeats}, limit), keep=True)
    return results


def open_workers(names: Sequence[str], peers: str | None) -> list[Worker]:
    """One worker per competitor; `peers` is the interpreter that has the other Python programs."""
    return [
        Worker(name, sys.executable if name == "henderson" else peers or sys.executable) for name in names
    ]
