"""Search on random designs made to be hard: ``python benchmarks/hard_designs.py [number] [first seed]``.

Few levels, up to 20 covariance parameters, most of the variances zero, covariates on wild scales and far from
their origin. Every design is fitted from the default start and from four random ones. Printed: the
evaluations needed, and every design in which the default start did not converge, broke the KKT conditions,
needed more than 40 evaluations or ended above the best of the five.
"""

from __future__ import annotations

import sys

import numpy as np

from henderson import crossprod, estimate
from henderson.design.record import Design, Grouping, RandomTerm

WORSE = 1e-6
"""A criterion this much above the best of five counts."""


def random_design(seed: int) -> Design:
    """One hard design: n 40-400, one or two grouping factors, 1-4 columns, most variances zero."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(40, 400)), int(rng.integers(1, 5))
    group, other = rng.integers(0, int(rng.integers(5, 25)), n), rng.integers(0, int(rng.integers(4, 15)), n)
    covariates = [rng.normal(size=n) * 10 ** rng.uniform(-2, 2) + rng.choice([0, 5]) for _ in range(k - 1)]
    X = np.asfortranarray(np.column_stack([np.ones(n), *covariates]))
    everything = tuple(range(k))
    layouts = [
        [(group, [everything])],
        [(group, [(j,) for j in everything])],
        [(group, [everything]), (other, [everything[:2]])],
        [(group, [everything]), (group // 3, [(0,)])],
        [(group, [everything]), (other, [everything])],
    ]
    groupings, terms, y = [], [], rng.normal(size=n)
    for codes, columns in layouts[int(rng.integers(0, 5))]:
        labels, dense = np.unique(codes, return_inverse=True)
        groupings.append(Grouping(f"g{len(groupings)}", dense.astype(np.int32), tuple(labels.tolist())))
        for chosen in columns:
            Z = X[:, chosen]
            terms.append(
                RandomTerm(len(groupings) - 1, tuple(f"x{j}" for j in chosen), tuple(X[:, j] for j in chosen))
            )
            sizes = rng.choice([0, 0, 0.3, 1, 3], size=(1, len(chosen)))
            b = rng.normal(size=(len(labels), len(chosen))) @ (
                rng.normal(size=(len(chosen), len(chosen))) * sizes
            )
            y = y + (b[dense] * Z / np.sqrt((Z**2).mean(axis=0))).sum(axis=1)
    y = y * 10 ** rng.uniform(-2, 3) + rng.choice([0, 1e3])
    names = tuple(f"x{j}" for j in everything)
    return Design(
        y=y, X=X, x_names=names, intercept=0, dropped=(), all_x_names=names, offset=None, weights=None,
        groupings=tuple(groupings), terms=tuple(terms), response="y", kept_rows=None, n_input=n, spec=None,
    )  # fmt: skip


def random_start(cross: crossprod.CrossProducts, rng: np.random.Generator) -> np.ndarray:
    """theta drawn at one of three scales, in units of the columns."""
    size = np.concatenate(cross.z_size)
    first = np.concatenate([[0], np.cumsum(cross.columns)])
    units = np.array([size[first[f] + row] for f, row, _, _ in cross.entries.tolist()])
    return rng.normal(size=cross.n_theta) * rng.choice([0.3, 1, 3]) / units


def main() -> None:
    """Fit and print."""
    number, first = (int(a) for a in (sys.argv[1:] + ["400", "0"][len(sys.argv) - 1 :]))
    counts, remarks = [], []
    for seed in range(first, first + number):
        design = random_design(seed)
        cross = crossprod.from_design(design)
        if cross.q >= design.n:
            continue
        rng, reml = np.random.default_rng(seed), bool(seed % 2)
        names = tuple(f"theta{j}" for j in range(cross.n_theta))
        found = estimate.fit_cross_products(cross, names, reml=reml)
        others = [
            estimate.fit_cross_products(cross, names, reml=reml, start=random_start(cross, rng)).criterion
            for _ in range(4)
        ]
        above = found.criterion - min([*others, found.criterion])
        counts.append(found.search.evaluations)
        if above > WORSE or counts[-1] > 40 or not found.kkt.satisfied:
            what = f"{cross.n_theta} parameters, {counts[-1]} evaluations, {above:.1e} above the best"
            remarks.append(f"seed {seed}: {what}, {found.kkt}")
    half, most, nearly = np.percentile(counts, [50, 90, 99])
    print(f"{len(counts)} designs: median {half:.0f}, 90 % {most:.0f}, 99 % {nearly:.0f}, most {max(counts)}")
    print("\n".join(remarks) or "all converged, KKT conditions met, none above the best of five starts")


if __name__ == "__main__":
    main()
