"""One factorisation of InstEval against the least that LAPACK and SciPy need for it.

The yardstick eliminates the students, the largest factor, with SciPy's sparse product (the rank update) and
factorises what is left of lecturers and departments, dense, with `potrf`.  Ours is one evaluation of the
criterion without derivatives, so it also contains the solves with X and y.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg, sparse

from benchmarks import problems
from henderson import crossprod, design
from henderson.model import criterion
from henderson.solve.direct import analyse

THETA = np.array([0.276, 0.437, 0.0706])  # near the optimum; the time does not depend on it


def best(call: Callable[[], Any], repeats: int = 15) -> float:
    """Least seconds of some calls."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def rows() -> Any:
    """InstEval, or its likeness where the recorded data are not here."""
    try:
        return problems.insteval()
    except problems.UnavailableError:
        return problems.insteval_like()


def yardstick(cross: crossprod.CrossProducts, theta: np.ndarray) -> tuple[float, float, int]:
    """Seconds of the rank update and of potrf, and the order of the dense tail."""
    head, sizes = cross.levels[0], cross.levels[1:]
    at = np.concatenate([[0], np.cumsum(sizes)])
    border = sparse.lil_matrix((head, at[-1])).tocsr()
    tail = np.zeros((at[-1], at[-1]))
    for f, size in enumerate(sizes, start=1):
        cut = slice(at[f - 1], at[f - 1] + size)
        tail[cut, cut] = np.diag(theta[f] ** 2 * cross.zz[f][:, 0, 0] + 1)
    parts: list[Any] = [None] * len(sizes)
    for pair in cross.pairs:
        table = sparse.csr_matrix((pair.blocks[:, 0, 0], pair.partner, pair.start))
        table.resize(cross.levels[pair.first], cross.levels[pair.second])
        if pair.first == 0:
            parts[pair.second - 1] = theta[0] * theta[pair.second] * table
        else:
            a, b = at[pair.first - 1], at[pair.second - 1]
            block = theta[pair.first] * theta[pair.second] * table.toarray()
            tail[a : a + block.shape[0], b : b + block.shape[1]] = block
            tail[b : b + block.shape[1], a : a + block.shape[0]] = block.T
    border = sparse.hstack(parts).tocsr()
    half = sparse.diags(1 / np.sqrt(theta[0] ** 2 * cross.zz[0][:, 0, 0] + 1)) @ border
    transposed = half.T.tocsr()
    update = best(lambda: transposed @ half, 7)
    schur = np.asfortranarray(tail - (transposed @ half).toarray())
    potrf = best(lambda: linalg.lapack.dpotrf(schur, lower=1, clean=0))
    return update, potrf, int(at[-1])


def main() -> None:
    """Print the seconds as one JSON line."""
    cross = crossprod.from_design(design.build(problems.INSTEVAL, rows()))
    system = analyse(cross)
    evaluate = criterion(cross, reml=True, system=system)
    theta = THETA  # intercepts only: the coordinates of the search are lme4's
    update, potrf, tail = yardstick(cross, theta)
    found = {
        "factor": best(lambda: evaluate(theta, 0)),
        "gradient": best(lambda: evaluate(theta, 1), 5),
        "curvature": best(lambda: evaluate(theta, 2), 5),
        "update": update,
        "potrf": potrf,
        "tail": tail,
    }
    print(json.dumps(found | {"structure": system.structure()}))


if __name__ == "__main__":
    main()
