"""Ratings tables: users by items with heavy-tailed degrees, like MovieLens, drawn from the model.

Degrees of the large table follow the published quantiles of ml-32m (items with at least 2, 5, 10, 20 and 50
ratings: 65,825, 43,884, 31,961, 23,350 and 16,034 of 84,432). Every pair of user and item occurs once, except
in the table with clusters, whose popular items have more ratings than users: some rate them again.

python -m benchmarks.ratings                            the large table; its time and memory from the frame
python -m benchmarks.ratings --scale 0.05 --direct      a twentieth of it, beside the direct solver
python -m benchmarks.ratings --kind clusters            tastes in a ring; also: slopes, third, nested
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

USERS, ITEMS = 200_948, 84_432
RANKS = np.array([1, 100, 1_000, 5_000, 16_034, 23_350, 31_961, 43_884, 65_825, 84_432])
COUNTS = np.array([105_000, 48_000, 8_700, 780, 50, 20, 10, 5, 2, 1])
"""Ratings of the items by rank: the most popular first; between these, straight lines of the logarithms."""
CLUSTERS, INSIDE = 30, 0.97
TRUTH = {"user": 0.5, "item": 0.57, "sigma": 0.86}
"""Standard deviations of the intercepts in units of sigma, and sigma; other factors have 0.3, slopes 0.2."""


def item_degrees(items: int) -> np.ndarray:
    """(items,) numbers of ratings, most popular first."""
    rank = (np.arange(items) + 0.5) * ITEMS / items + 0.5
    return np.maximum(np.floor(np.exp(np.interp(np.log(rank), np.log(RANKS), np.log(COUNTS)))), 1).astype(int)


def user_weights(draw: np.random.Generator, users: int) -> np.ndarray:
    """(users,) relative activity: at least 20 ratings in the large table, a long tail of thousands."""
    return 20 + np.minimum(draw.lognormal(3.9, 1.35, users), 30_000)


def pairs(draw: np.random.Generator, users: int, items: int, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    """Users and items of every rating (int32), in random order; pairs distinct unless there are clusters."""
    item = np.repeat(np.arange(items, dtype=np.int32), item_degrees(items))
    draw.shuffle(item)
    home = (item % clusters + (draw.random(len(item)) > INSIDE) * draw.choice([-1, 1], len(item))) % clusters
    weight, user = user_weights(draw, users), np.empty(len(item), dtype=np.int32)
    for c in range(clusters):
        here = np.flatnonzero(home == c)
        own = np.arange(c, users, clusters)
        stubs = np.repeat(own, np.rint(weight[own]).astype(int))
        user[here] = stubs[draw.integers(0, len(stubs), len(here))]
    if clusters > 1:
        return user[: len(user) * 9 // 10], item[: len(item) * 9 // 10]
    key = np.unique(user.astype(np.int64) * items + item)
    draw.shuffle(key)
    return (key // items).astype(np.int32), (key % items).astype(np.int32)


def ratings(
    kind: str = "plain", scale: float = 1.0, seed: int = 1
) -> tuple[str, pd.DataFrame, dict[str, float]]:
    """A ratings table, the formula to fit, and the true standard deviations in units of sigma.

    Parameters
    ----------
    kind : {"plain", "clusters", "slopes", "third", "nested"}
        Two crossed factors; the same in taste clusters on a ring; with slopes of the users; with a third
        crossed factor (days); with items nested in genres.
    scale : float
        Share of the users and items of the large table.
    seed : int

    Returns
    -------
    formula : str
    frame : DataFrame
        int32 labels, float64 response.
    truth : dict
    """
    draw = np.random.default_rng(seed)
    users, items = round(USERS * scale), round(ITEMS * scale)
    user, item = pairs(draw, users, items, CLUSTERS if kind == "clusters" else 1)
    sigma, truth = TRUTH["sigma"], {"user": TRUTH["user"], "item": TRUTH["item"]}
    y = draw.normal(size=len(user))
    y += truth["user"] * draw.normal(size=users)[user]
    y += truth["item"] * draw.normal(size=items)[item]
    columns, formula = {"user": user, "item": item}, "y ~ 1 + (1 | user) + (1 | item)"
    if kind == "slopes":
        x = draw.normal(size=len(user))
        y += (0.3 + 0.2 * draw.normal(size=users)[user]) * x
        columns["x"], truth["user.x"] = x, 0.2
        formula = "y ~ 1 + x + (1 + x | user) + (1 | item)"
    if kind in ("third", "nested"):
        levels = round(5_000 * scale) if kind == "third" else min(400, items // 10)
        extra = draw.integers(0, levels, len(user), dtype=np.int32) if kind == "third" else item % levels
        name = "day" if kind == "third" else "genre"
        y += 0.3 * draw.normal(size=levels)[extra]
        columns[name], truth[name] = extra.astype(np.int32), 0.3
        formula += f" + (1 | {name})"
    y *= sigma
    y += 3.5
    return formula, pd.DataFrame({**columns, "y": y}), truth


def saved(kind: str, scale: float, seed: int, folder: Path) -> tuple[str, pd.DataFrame, dict[str, float]]:
    """The same table from a file, drawn when it is not there yet: drawing takes longer than fitting."""
    path = folder / f"ratings-{kind}-{scale:g}-{seed}.npz"
    if not path.exists():
        formula, frame, truth = ratings(kind, scale, seed)
        np.savez(path, formula=formula, truth=list(truth.items()), **{c: frame[c] for c in frame})
        del frame
    with np.load(path) as stored:
        frame = pd.DataFrame(
            {name: stored[name] for name in stored.files if name not in ("formula", "truth")}
        )
        truth = {str(name): float(value) for name, value in stored["truth"]}
        return str(stored["formula"]), frame, truth


def report(fit: Any, truth: dict[str, float]) -> None:
    """Estimates beside the truth, with standard and Monte Carlo errors."""
    errors, estimate = fit.estimate.monte_carlo, fit.estimate
    print(f"{fit.solver.name}: {fit.solver.reason}; {fit.opt.evaluations} evaluations")
    for j, name in enumerate(estimate.theta_names):
        line = f"  {name:28} {estimate.theta[j]:9.6f}"
        if errors is not None:
            line += (
                f"  std. error {errors.theta_std_error[j]:.6f}  Monte Carlo error {errors.theta_error[j]:.7f}"
            )
        print(line)
    print(f"  sigma {fit.sigma:.5f} (truth {TRUTH['sigma']}), truth of the standard deviations: {truth}")
    print(
        f"  criterion {estimate.criterion:.2f}", "" if errors is None else f"+- {errors.criterion_error:.2f}"
    )


def main() -> None:
    """Fit one table and say what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", default="plain", choices=["plain", "clusters", "slopes", "third", "nested"])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tol", type=float, default=None)
    parser.add_argument("--solver", default="auto")
    parser.add_argument("--direct", action="store_true", help="fit by the direct solver too")
    parser.add_argument("--folder", type=Path, default=Path("build"), help="where drawn tables are kept")
    options = parser.parse_args()
    import henderson as hd

    formula, frame, truth = saved(options.kind, options.scale, options.seed, options.folder)
    memory = frame.memory_usage(index=False).sum() / 1e9
    print(f"{options.kind}: {len(frame)} ratings, the frame {memory:.2f} GB; {formula}")
    start, work = time.perf_counter(), time.process_time()
    fit = hd.lmm(formula, frame, solver=options.solver, tol=options.tol)
    print(f"{time.perf_counter() - start:.1f} s from the frame, on {hd.get_threads()} threads")
    print(f"{time.process_time() - work:.1f} s of processor time")
    print(f"largest memory of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    report(fit, truth)
    if options.direct:
        start = time.perf_counter()
        exact = hd.lmm(formula, frame, solver="direct")
        print(f"{time.perf_counter() - start:.1f} s by the direct solver")
        report(exact, truth)
        print(f"  relative differences of theta {fit.theta / exact.theta - 1}")


if __name__ == "__main__":
    main()
