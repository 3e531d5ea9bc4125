"""The design that many responses share, and those of responses that miss some of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson import crossprod
from henderson import design as designing
from henderson.data import Frame, Numbers
from henderson.design.record import Design
from henderson.design.spec import CodedFactor
from henderson.errors import DesignError, FormulaError
from henderson.estimate import Estimate
from henderson.formula import read_sides
from henderson.formula.nodes import Name
from henderson.inference.many.block import Prepared
from henderson.inference.small_sample.identified import hopeless, reason
from henderson.model.linear import theta_names
from henderson.optim.record import SearchRecord
from henderson.optim.rectify import KKT
from henderson.solve.choose import choose


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """How designs are built.

    Attributes
    ----------
    right : str
        Right-hand side of the formula, from ``~`` on.
    name : str
        What stands for the response.
    frame : Frame
        The data, without what stands for the response.
    options : mapping
        Of `design.build`.
    """

    right: str
    name: str
    frame: Frame
    options: Mapping[str, Any]

    def design(self, missing: np.ndarray | None = None) -> Design:
        """The design without the rows `missing` (n,), its response the numbers of the rows."""
        y, frame = np.arange(self.frame.n, dtype=float), self.frame
        if missing is not None:
            y[missing] = np.nan
        column = Numbers(y)
        seen = Frame(
            frame.n,
            lambda: (self.name, *frame.names()),
            lambda name: column if name == self.name else frame.read(name),
        )
        return designing.build(f"{self.name} {self.right}", seen, **self.options)


def recipe(formula: str, frame: Frame, taken: tuple[str, ...], options: Mapping[str, Any]) -> Recipe:
    """Read the right-hand side of a formula; its left side is empty or a name that stands for each response.

    Parameters
    ----------
    formula : str
    frame : Frame
    taken : tuple of str
        Columns of the data that are responses: no ``.`` stands for them.
    options : mapping
        Of `design.build`.

    Raises
    ------
    FormulaError
        The left side is more than a name.
    """
    left, right = _sides(formula, frozenset(options.get("env") or ()))
    hidden = {*taken, left}
    name = next(name for name in _names() if name not in frame.names() and name not in right)
    names = tuple(each for each in frame.names() if each not in hidden)
    return Recipe(right, name, Frame(frame.n, lambda: names, frame.read), options)


def _names() -> Any:
    yield "response"
    number = 0
    while True:
        number += 1
        yield f"response{number}"


def _sides(formula: str, env: frozenset[str]) -> tuple[str | None, str]:
    if not isinstance(formula, str):
        raise FormulaError(
            f"The formula is text, such as '~ x + (1 | g)'; got {type(formula).__name__}. "
            "The order is lmm_many(formula, data, responses)."
        )
    line = "".join(" " if character.isspace() else character for character in formula).strip()
    if line.startswith("~"):
        return None, line
    response = read_sides(line, env).response
    if not isinstance(response, Name):
        raise FormulaError(
            "The left side stands for each response in turn: leave it empty, '~ x + (1 | g)', or type any "
            "name. Transform the responses themselves, for example responses=np.log(matrix).",
            line,
            response.start,
            response.stop,
        )
    return response.text, line[response.stop :].lstrip("` ")


def prepare(design: Design, *, reml: bool) -> Prepared:
    """Cross-products and analysis of a design, once for all of its responses."""
    cross = crossprod.from_design(design)
    system, names = choose(cross, "direct").system, theta_names(design)
    nothing = SearchRecord((), False, "", 0.0, 0)
    shell = Estimate(
        reml=reml,
        theta=np.zeros(len(names)),
        theta_names=names,
        beta=np.zeros(cross.p),
        sigma=np.nan,
        criterion=np.nan,
        logdet_omega=np.nan,
        logdet_rx=np.nan,
        pwrss=np.nan,
        nu=cross.n,
        search=nothing,
        kkt=KKT(np.nan, np.nan, (), False),
        cross=cross,
        system=system,
    )
    silent = reason(design, shell) if hopeless(shell) else ""
    return Prepared(design, cross, system, shell._x_transform, reml, silent)


def check_same_columns(whole: Design, part: Design) -> None:
    """Refuse the design of some rows whose columns mean something else than those of all rows.

    Raises
    ------
    DesignError
        A factor of the fixed part has lost a level: its contrasts would be other ones.
    """
    before, after = _factors(whole), _factors(part)
    for name, factor in before.items():
        left = after[name].levels if name in after else ()
        gone = [level for level in factor.levels if level not in left]
        if gone:
            raise DesignError(
                f"It has no rows with {name} = {', '.join(map(repr, gone))}, so that its coefficients would "
                f"mean something else than those of other responses. Fit it alone, with lmm()."
            )


def _factors(design: Design) -> dict[str, CodedFactor]:
    return {} if design.spec is None else design.spec.factors


def place_columns(whole: Design, part: Design) -> np.ndarray:
    """(p of part,) places of the columns of `part` among those of `whole`."""
    at = {name: j for j, name in enumerate(whole.x_names)}
    strange = [name for name in part.x_names if name not in at]
    if strange:
        raise DesignError(
            f"Without the rows that it misses the columns are others ({', '.join(strange[:3])}). "
            "Fit it alone, with lmm()."
        )
    return np.array([at[name] for name in part.x_names], dtype=np.intp)
