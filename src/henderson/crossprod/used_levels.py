"""Sums without the levels of factors that no row has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from henderson.crossprod.sums import Sums, sizes_of, starts_of
from henderson.design.wide import Block


def used_levels(sums: Sums) -> Sums:
    """Leave out levels of factors that no row has; truth values keep both, as in R."""
    sizes, counts = sizes_of(sums.levels), np.diagonal(sums.plain)
    keep = {}
    for name, each in sums.levels.items():
        i = next(i for i, b in enumerate(sums.plan.x) if b.number == () and name in b.factors)
        block, start = sums.plan.x[i], starts_of(sums.plan.x, sizes)[i]
        shape = tuple(sizes[f] for f in block.factors)
        table = counts[start : start + int(np.prod(shape))].reshape(shape)
        axes = tuple(a for a, f in enumerate(block.factors) if f != name)
        keep[name] = np.full(sizes[name], True) if each.logical else table.sum(axis=axes) > 0
    if all(k.all() for k in keep.values()):
        return sums
    x = np.append(_kept_columns(sums.plan.x, sizes, keep), len(sums.xx) - 1)
    z = [_kept_columns(blocks, sizes, keep) for blocks in sums.plan.z]
    xx = sums.xx[np.ix_(x, x)]
    return replace(
        sums,
        levels={
            name: replace(each, labels=tuple(l for l, k in zip(each.labels, keep[name], strict=True) if k))
            for name, each in sums.levels.items()
        },
        xx=xx,
        plain=xx if sums.plain is sums.xx else sums.plain[np.ix_(x, x)],
        groups=tuple(
            replace(g, zz=g.zz[:, z[f][:, None], z[f]], zx=g.zx[:, z[f][:, None], x])
            for f, g in enumerate(sums.groups)
        ),
        pairs=tuple(replace(p, blocks=p.blocks[:, z[p.first][:, None], z[p.second]]) for p in sums.pairs),
    )


def _kept_columns(
    blocks: tuple[Block, ...], sizes: dict[str, int], keep: dict[str, np.ndarray]
) -> np.ndarray:
    out = []
    for block in blocks:
        mask = np.ones(1, dtype=bool)
        for name in block.factors:
            mask = (mask[:, None] & keep[name]).ravel()
        out.append(mask)
    return np.flatnonzero(np.concatenate([np.zeros(0, bool), *out]))
