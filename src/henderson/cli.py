"""The command line: ``henderson fit DATA.csv "FORMULA"``, ``henderson datasets``, ``henderson --version``.

Results go to standard output, everything else to standard error. Whatever is wrong with the input is said in
plain text with exit status 2.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .errors import DataError, HendersonError, OptionError
from .outputs import check_outputs, write_outputs

if TYPE_CHECKING:
    import pandas as pd

    from .results import LinearMixedFit

_DDF = ("auto", "satterthwaite", "kenward-roger", "residual", "none")
_EXAMPLES = """examples:
  henderson fit sleepstudy "Reaction ~ Days + (Days | Subject)"
  henderson fit trial.csv "score ~ dose + (1 | patient)" --factor patient --report trial.html
  henderson fit big.parquet "y ~ x + (1 | g) + (1 | h)" --ml --json fit.json
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="henderson",
        description="Linear mixed-effects models from lme4's formulas.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"henderson {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_fit(commands)
    shipped = commands.add_parser("datasets", help="list the shipped data sets, or describe one")
    shipped.add_argument("name", nargs="?", help="a data set to describe")
    shipped.set_defaults(run=_datasets)
    return parser


def _add_fit(commands: Any) -> None:
    fit = commands.add_parser(
        "fit",
        help="fit a model and print its summary",
        description="Fit a linear mixed model and print its summary.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fit.add_argument(
        "data",
        help=(
            "CSV, gzipped CSV or Parquet file, a folder or (in quotes) a pattern of them, or the name of a "
            "shipped data set"
        ),
    )
    fit.add_argument("formula", help='as in lme4, in quotes: "y ~ x + (x | g)"')
    fit.add_argument("--ml", action="store_true", help="maximum likelihood instead of REML")
    fit.add_argument("--weights", metavar="COL", help="column of prior weights")
    fit.add_argument("--offset", metavar="COL", help="column that is added with coefficient 1")
    fit.add_argument(
        "--factor", metavar="COL", nargs="+", action=_Columns, default=[], help="columns to read as labels"
    )
    fit.add_argument(
        "--ddf", choices=_DDF, default=_DDF[0], metavar="KIND", help=f"of the t tests: {', '.join(_DDF)}"
    )
    fit.add_argument("--separator", metavar="CHAR", help="what separates the fields, if it cannot be told")
    fit.add_argument("--report", metavar="HTML", type=Path, help="write a page with tables and pictures")
    fit.add_argument("--json", metavar="JSON", type=Path, help="write the fit for other programs")
    fit.set_defaults(run=_fit)


class _Columns(argparse.Action):
    """Collect names of columns, and notice a formula among them: the option takes all words that follow."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Append `values`; argparse turns ArgumentError into a message and exit status 2."""
        taken = next((value for value in values if "~" in value), None)
        if taken is not None and getattr(namespace, "formula", None) is None:
            raise argparse.ArgumentError(
                None, f'--factor took the formula "{taken}" for a column: type DATA "FORMULA" before --factor'
            )
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), *values])


def _fit(options: argparse.Namespace) -> None:
    from . import lmm

    _check_order(options.data, options.formula)
    outputs = {"--json": options.json, "--report": options.report}
    check_outputs(Path(options.data), {option: path for option, path in outputs.items() if path})
    if options.report:
        from .plot.canvas import pyplot

        pyplot()  # where matplotlib is missing, say so before the work
    data = options.data if _is_many(options.data) else _read(options.data, options.separator)
    if data is options.data:
        _check_options_of_many(options)
    for name in options.factor:
        data[name] = _as_factor(data, name, options.data)
    fit = lmm(options.formula, data, reml=not options.ml, weights=options.weights, offset=options.offset)
    texts = _texts(fit, options)
    write_outputs(texts)
    print(fit.summary(ddf=options.ddf))
    for path in texts:
        what = "fit" if path == options.json else "report"
        print(f"\nThe {what} is written to {path.resolve().as_uri()}")


def _texts(fit: LinearMixedFit, options: argparse.Namespace) -> dict[Path, str]:
    texts = {}
    if options.json:
        texts[options.json] = json.dumps(fit.to_dict(), indent=1, allow_nan=False)
    if options.report:
        from .report import render_report

        texts[options.report] = render_report(fit)
    return texts


def _check_order(data: str, formula: str) -> None:
    if "~" in data and "~" not in formula and not _exists(data):
        raise OptionError(f'The data come first, then the formula. Type: henderson fit {formula} "{data}"')


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except OSError:  # such as a formula too long to be a name
        return False


def _is_many(name: str) -> bool:
    """Whether data are a folder or a pattern, which are summed chunk by chunk."""
    return (any(c in name for c in "*?[") and not _exists(name)) or (_exists(name) and Path(name).is_dir())


def _check_options_of_many(options: argparse.Namespace) -> None:
    given = {"--separator": options.separator, "--report": options.report}
    wrong = next((name for name, value in given.items() if value is not None), None)
    if wrong is not None:
        raise OptionError(
            f"{wrong} is for one file, which is read as a whole; {options.data!r} is summed in chunks."
        )
    if options.factor:
        names = ", ".join(f"factor({name})" for name in options.factor)
        raise OptionError(f"--factor is for one file. With {options.data!r} write {names} in the formula.")


def _read(name: str, separator: str | None) -> pd.DataFrame:
    import difflib

    from . import datasets
    from .tables import read_table

    if name in datasets.names() and not _exists(name):
        return datasets.load(name)
    near = difflib.get_close_matches(name, datasets.names(), n=1)
    if near and "." not in name and not _exists(name):
        raise DataError(f"There is no file {name!r}. Did you mean the shipped data set {near[0]!r}?")
    return read_table(name, separator)


def _as_factor(data: pd.DataFrame, name: str, source: str) -> pd.Series:
    import difflib

    if name not in data.columns:
        near = difflib.get_close_matches(name, list(data.columns), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise DataError(f"--factor {name}: {source!r} has no such column.{hint}")
    return data[name].astype("category")


def _datasets(options: argparse.Namespace) -> None:
    from . import datasets

    if options.name:
        print(datasets.describe(options.name))
        return
    for name in datasets.names():
        print(f"{name:<12}{datasets.describe(name).title}")


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"henderson: note: {message}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; by default those of the process.

    Returns
    -------
    int
        0, or 2 where the input is at fault.

    Raises
    ------
    SystemExit
        From argparse, for ``--help``, ``--version`` and arguments that it cannot read.

    Examples
    --------
    >>> main(["datasets", "dyestuff2"])  # doctest: +ELLIPSIS
    dyestuff2: Constructed yields with no variation between batches
    ...
    0
    """
    options = build_parser().parse_args(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            options.run(options)
            sys.stdout.flush()
        except HendersonError as error:
            print(f"henderson: {error}", file=sys.stderr)
            return 2
        except BrokenPipeError:  # the reader, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
