"""Print how the recorded fits come out: ``python -m tests.parity.run [--fast] [id ...]``.

One line per model: evaluations, seconds, criterion minus the recorded one, the scaled errors, whether the
KKT conditions hold, warnings.  An id may be a part of a name.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import traceback
from collections.abc import Sequence

import numpy as np

from . import compare, fits, reference

COLUMNS = ("beta", "se", "sd", "implied", "ranef", "condvar", "fitted", "hat")


def line(model: reference.Recorded, fast: bool) -> tuple[str, int, bool]:
    """The line of one model, its evaluations, and whether it is within the allowances."""
    fitted = fits.fit_model(model)
    condvar, hat = (None, None) if fast else fits.conditional(fitted)
    result = compare.compare(model, fitted.design, fitted.estimate, condvar, hat)
    evaluations = fitted.estimate.search.evaluations
    cells = [f"{result.errors[name]:8.0e}" if name in result.errors else "       -" for name in COLUMNS]
    try:
        kkt = "yes" if fits.kkt_satisfied(fitted.estimate) else "NO"
    except AttributeError:
        kkt = "?"
    failures = result.failures()
    remarks = ["BETTER"] if result.better else []
    remarks += [f"{name} {error:.1e}" for name, error in failures.items()]
    remarks += [f"[{text[:60]}]" for text in fitted.caught]
    singular = "s" if fitted.estimate.singular else " "
    text = (
        f"{model.id:26s} {len(fitted.estimate.theta):3d}{singular} {evaluations:4d} "
        f"{1e3 * fitted.seconds:8.1f} {result.errors['criterion']:10.1e} {''.join(cells)}  {kkt:4s} "
        f"{'; '.join(remarks)}"
    )
    return text, evaluations, not failures and kkt != "NO"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit the chosen models, print the table, return 1 if any is outside its allowances."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ids", nargs="*", help="names or parts of names; all where none is given")
    parser.add_argument("--fast", action="store_true", help="leave out conditional covariances and leverages")
    parser.add_argument("--trace", action="store_true", help="print the traceback of a failure")
    chosen = parser.parse_args(arguments)
    models = [m for m in reference.models() if not chosen.ids or any(part in m.id for part in chosen.ids)]
    print(f"{'model':26s} n_θ  eval       ms  criterion {''.join(f'{name:>8s}' for name in COLUMNS)}  KKT")
    counts: list[int] = []
    bad: list[str] = []
    failed: list[str] = []
    for model in models:
        try:
            text, evaluations, good = line(model, chosen.fast)
        except Exception as error:  # the table goes on past a model that fails
            if model.caveat.startswith("DEGENERATE"):
                print(f"{model.id:26s} refused, as it must be: {type(error).__name__}")
                continue
            reason = (str(error).splitlines() or [""])[0][:140]
            print(f"{model.id:26s} FAILED {type(error).__name__}: {reason}")
            failed.append(model.id)
            if chosen.trace:
                traceback.print_exc()
            continue
        print(text, flush=True)
        if not model.caveat.startswith("DEGENERATE"):
            counts.append(evaluations)
            bad += [] if good else [model.id]
    if counts:
        print(
            f"evaluations over {len(counts)} models: median {statistics.median(counts):g}, "
            f"90 % {np.quantile(counts, 0.9):g}, max {max(counts)}"
        )
    print(f"{len(bad)} outside their allowances: {', '.join(bad) or 'none'}")
    print(f"{len(failed)} failed: {', '.join(failed) or 'none'}")
    return 1 if bad or failed else 0


if __name__ == "__main__":
    sys.exit(main())
