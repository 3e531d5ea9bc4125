"""Elimination orders: operations and seconds of one evaluation, factor by factor and as chosen.

python -m benchmarks.ordering            the table
python -m benchmarks.ordering --fit      and the whole fit of the ratings table from its frame
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import henderson as hd
from benchmarks import problems
from benchmarks.ratings import ratings
from henderson import crossprod, design
from henderson.core import core
from henderson.solve.threads import blas_threads_for


def response(draw: np.random.Generator, a: np.ndarray, b: np.ndarray) -> pd.DataFrame:
    """Two crossed factors and a response drawn from their model."""
    y = 3.5 + 0.4 * draw.normal(size=a.max() + 1)[a] + 0.6 * draw.normal(size=b.max() + 1)[b]
    return pd.DataFrame({"y": y + 0.9 * draw.normal(size=len(a)), "a": a, "b": b})


def like_ml_1m(seed: int = 1, users: int = 6_040, items: int = 3_706, n: int = 1_000_000) -> pd.DataFrame:
    """1e6 different pairs of users and items; degrees about those of ml-1m.

    Quartiles of the users' ratings are 56, 111 and 217 (ml-1m: 44, 96, 208), of the items' 34, 105 and 309
    (33, 124, 350).
    """
    draw = np.random.default_rng(seed)
    active, popular = draw.lognormal(0, 1.1, users), draw.lognormal(0, 1.7, items)
    active = np.maximum(20, active / active.sum() * n)
    popular = np.minimum(popular / popular.sum(), 1 / 300)
    a = draw.choice(users, int(1.6 * n), p=active / active.sum())
    b = draw.choice(items, int(1.6 * n), p=popular / popular.sum())
    kept = draw.permutation(np.unique(a.astype(np.int64) * items + b))[:n]
    return response(draw, kept // items, np.unique(kept % items, return_inverse=True)[1])


def schools(seed: int = 2, students: int = 20_000, teachers: int = 2_000, count: int = 50) -> pd.DataFrame:
    """Every student meets five teachers, all but one in twenty of them at one school."""
    draw = np.random.default_rng(seed)
    student = np.repeat(np.arange(students), 5)
    moved = (draw.random(len(student)) < 0.05) * draw.integers(count, size=len(student))
    school = (student * count // students + moved) % count
    size = teachers // count
    return response(draw, student, school * size + draw.integers(size, size=len(student)))


def few_popular(seed: int = 3, users: int = 4_000, items: int = 2_000, n: int = 60_000) -> pd.DataFrame:
    """Degrees of users and items fall like one over their rank."""
    draw = np.random.default_rng(seed)
    weights = [1 / np.arange(1, count + 1.0) for count in (users, items)]
    a, b = (draw.choice(len(w), n, p=w / w.sum()) for w in weights)
    return response(draw, *(np.unique(codes, return_inverse=True)[1] for codes in (a, b)))


CROSSED = "y ~ 1 + (1 | a) + (1 | b)"
GRAPHS: tuple[tuple[str, str, Callable[[], pd.DataFrame]], ...] = (
    ("InstEval, or its likeness", problems.INSTEVAL, lambda: insteval()),
    ("students x teachers, 50 schools", CROSSED, schools),
    ("4,000 x 2,000, few popular", CROSSED, few_popular),
    ("ml-1m-like", CROSSED, like_ml_1m),
    ("ml-32m-like, one in forty", "y ~ 1 + (1 | user) + (1 | item)", lambda: ratings(scale=1 / 40)[1]),
    ("1e6 rows, 50,000 x 1,000", CROSSED, lambda: problems.crossed(4, 1_000_000, 50_000, 1_000)),
)


def insteval() -> pd.DataFrame:
    """InstEval where it is recorded, else its likeness."""
    try:
        return problems.insteval()
    except problems.UnavailableError:
        return problems.insteval_like()


def evaluation(cross: Any, system: Any, repeats: int) -> float:
    """Least processor seconds of one evaluation with gradient and curvature, in one thread."""
    workspace, theta, seconds = core().Workspace(system), np.full(len(cross.entries), 0.5), []
    with hd.set_threads(1), blas_threads_for(cross.q):
        for _ in range(repeats):
            begin = time.process_time()
            workspace.evaluate(cross.entries, theta, cross.zx, cross.xx, float(cross.n), True, 2)
            seconds.append(time.process_time() - begin)
    return min(seconds)


def line(title: str, formula: str, frame: pd.DataFrame, repeats: int = 5) -> str:
    """One row of the table."""
    cross = crossprod.from_design(design.build(formula, frame))
    pairs = [(p.first, p.second, p.start, p.partner, p.blocks) for p in cross.pairs]
    begin = time.process_time()
    chosen = core().System(list(cross.zz), pairs)
    analysed = time.process_time() - begin
    usual = core().System(list(cross.zz), pairs, True)
    new, old = chosen.structure(), usual.structure()
    return (
        f"{title:32} {new['order']:16} {old['tail']:6} {new['tail']:6} {old['flops']:9.2e} "
        f"{old['flops'] / new['flops']:6.2f} {analysed:8.3f} {evaluation(cross, usual, repeats):8.3f} "
        f"{evaluation(cross, chosen, repeats):8.3f}"
    )


def fitted(count: int, frame: pd.DataFrame) -> str:
    """The whole fit, from the frame. The main thread's own time says what a free machine takes."""
    with hd.set_threads(count):
        begin, own = time.perf_counter(), time.thread_time()
        fit = hd.lmm(CROSSED, frame, solver="direct")
        wall, own = time.perf_counter() - begin, time.thread_time() - own
    return (
        f"ml-1m-like, REML from the frame, threads: {count}, {fit.opt.evaluations} evaluations, "
        f"{wall:.2f} s, of which the main thread works {own:.2f} s; theta {fit.theta}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    print("One factorisation, factor by factor and as chosen; processor seconds of one thread.")
    print(
        f"{'graph':32} {'chosen':16} {'tail':>6} {'tail':>6} {'flops':>9} {'ratio':>6} {'analysis':>8} "
        f"{'before':>8} {'after':>8}"
    )
    for title, formula, make in GRAPHS:
        print(line(title, formula, make()), flush=True)
    if arguments.fit:
        frame = like_ml_1m()
        for count in (1, 2):
            print(fitted(count, frame), flush=True)


if __name__ == "__main__":
    main()
