"""Back from a transformed response: which transform the formula has, its inverse and its slope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import OptionError
from henderson.formula import read_formula
from henderson.formula.nodes import Binary, Call, Name, Node, Number, Sum, Unary, unwrap
from henderson.formula.vocabulary import canonical

if TYPE_CHECKING:
    from henderson.design.record import Design

_BASES = {"log": 1.0, "log2": float(np.log(2)), "log10": float(np.log(10)), "log1p": 1.0}


@dataclass(frozen=True, slots=True)
class Transform:
    """How the response was transformed.

    Attributes
    ----------
    name : str
        As printed: ``log``, ``log10``, ``sqrt``, ``log(y + 1)``, ``y^2``.
    kind : str
        ``log``, ``power``, ``exp`` or ``logit``.
    scale : float
        Of ``log``: natural logarithm of the base; of ``power``: the exponent.
    shift : float
        What is added to the response before.
    factor : float
        What the transformed response is multiplied by.
    """

    name: str
    kind: str
    scale: float = 1.0
    shift: float = 0.0
    factor: float = 1.0

    @property
    def ratios(self) -> bool:
        """Whether differences on this scale are ratios of responses."""
        return self.kind == "log"

    def inverse(self, eta: np.ndarray) -> np.ndarray:
        """Return the response of a value on the transformed scale."""
        eta = eta / self.factor
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            if self.kind == "log":
                return np.exp(self.scale * eta) - self.shift
            if self.kind == "exp":
                return np.log(eta) - self.shift
            if self.kind == "logit":
                return 1 / (1 + np.exp(-eta)) - self.shift
            return self._root(eta) - self.shift

    def _root(self, eta: np.ndarray) -> np.ndarray:
        return np.where(eta >= 0, np.abs(eta) ** (1 / self.scale), np.nan)

    def slope(self, eta: np.ndarray) -> np.ndarray:
        """Return the derivative of `inverse`."""
        y = self.inverse(eta) + self.shift
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            if self.kind == "log":
                return self.scale * y / self.factor
            if self.kind == "exp":
                return 1 / eta
            if self.kind == "logit":
                return y * (1 - y) / self.factor
            return self._root(eta / self.factor) / (self.scale * eta)

    def ratio(self, eta: np.ndarray) -> np.ndarray:
        """Return the ratio that a difference on the scale of a logarithm stands for."""
        return np.exp(self.scale * eta / self.factor)


def response_transform(design: Design, type: str, env: Mapping[str, object] | None) -> Transform | None:
    """Return the way back to the response that ``type="response"`` asks for; None for ``type="link"``.

    Raises
    ------
    OptionError
        Another type, or a transform without a known inverse.
    """
    if type not in ("link", "response"):
        raise OptionError(f"type={type!r}: choose 'link' (as modelled) or 'response' (transformed back).")
    if type == "link" or design.spec is None:
        return None
    spec = design.spec
    return transform_of(read_formula(spec.formula, frozenset(env or ()), spec.dot).response.node)


def typed_response(design: Design) -> str:
    """Return the response as typed where it is more than a column, else nothing."""
    return design.response if not design.response.isidentifier() and "(" in design.response else ""


def transform_of(node: Node) -> Transform | None:
    """Return the transform of a response; None where it is a plain column.

    Parameters
    ----------
    node : Node
        Left-hand side of the formula.

    Returns
    -------
    Transform or None

    Raises
    ------
    OptionError
        A transform that has no known inverse.

    Examples
    --------
    >>> transform_of(read_formula("log(y + 1) ~ x + (1 | g)").response.node).inverse(np.log([3.0]))
    array([2.])
    """
    node = unwrap(node)
    if isinstance(node, Call) and node.function == "I" and len(node.arguments) == 1:
        node = unwrap(node.arguments[0][1])
    if isinstance(node, Name):
        return None
    found = _call(node) if isinstance(node, Call) else _arithmetic(node)
    if found is None:
        raise OptionError(
            "type='response': there is no way back from this transform of the response. Known are log, log2, "
            "log10, log1p, sqrt, exp, qlogis, powers and 1/y, with a constant added inside. Leave type= out."
        )
    return found


def _call(node: Call) -> Transform | None:
    function = canonical(node.function)
    if len(node.arguments) == 2 and function == "log":
        base = _number(node.arguments[1][1])
        inside = _shifted(node.arguments[0][1])
        if base is None or base <= 0 or inside is None:
            return None
        return Transform(f"log base {base:g}{_plus(inside)}", "log", float(np.log(base)), inside)
    if len(node.arguments) != 1:
        return None
    shift = _shifted(node.arguments[0][1])
    if shift is None:
        return None
    if function in _BASES:
        more = 1.0 if function == "log1p" else 0.0
        name = function if shift == 0 else f"{function}(y {'+' if shift > 0 else '-'} {abs(shift):g})"
        return Transform(name, "log", _BASES[function], shift + more)
    if function == "sqrt":
        return Transform("sqrt" + _plus(shift), "power", 0.5, shift)
    kinds = {"exp": "exp", "qlogis": "logit"}
    return Transform(function + _plus(shift), kinds[function], 1.0, shift) if function in kinds else None


def _plus(shift: float) -> str:
    return "" if shift == 0 else f"(y {'+' if shift > 0 else '-'} {abs(shift):g})"


def _arithmetic(node: Node) -> Transform | None:
    """Powers, inverses, and multiples of a transform."""
    if isinstance(node, Binary) and node.operator in ("^", "**"):
        shift, power = _shifted(node.left), _number(node.right)
        if shift is None or power is None or power == 0:
            return None
        return Transform(
            f"y^{power:g}" if shift == 0 else f"(y + {shift:g})^{power:g}", "power", power, shift
        )
    if isinstance(node, Binary) and node.operator in ("/", "*"):
        return _scaled(node)
    shift = _shifted(node)
    return Transform(f"y + {shift:g}", "power", 1.0, shift) if shift is not None else None


def _scaled(node: Binary) -> Transform | None:
    top, bottom = _number(node.left), _number(node.right)
    if node.operator == "/" and top is not None:
        shift = _shifted(node.right)
        return None if shift is None else Transform("1/y", "power", -1.0, shift, top)
    number = bottom if bottom is not None else top
    if number is None or number == 0:
        return None
    inner = unwrap(node.left if bottom is not None else node.right)
    factor = number if node.operator == "*" else 1 / number
    found = Transform("", "power") if isinstance(inner, Name) else transform_of(inner)
    if found is None:
        return None
    name = f"{factor:g} {found.name or 'y'}"
    return Transform(name, found.kind, found.scale, found.shift, factor * found.factor)


def _number(node: Node) -> float | None:
    node = unwrap(node)
    if isinstance(node, Number):
        return float(node.value)
    if isinstance(node, Unary) and node.operator == "-":
        inner = _number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, Binary) and node.operator == "/":
        top, bottom = _number(node.left), _number(node.right)
        return top / bottom if top is not None and bottom else None
    return None


def _shifted(node: Node) -> float | None:
    """Return c of ``y + c`` (0 for ``y``); None for anything else."""
    node = unwrap(node)
    if isinstance(node, Name):
        return 0.0
    if not isinstance(node, Sum):
        return None
    total, names = 0.0, 0
    for sign, item in node.items:
        number = _number(item)
        if number is None and isinstance(unwrap(item), Name) and sign == "+":
            names += 1
        elif number is None:
            return None
        else:
            total += number if sign == "+" else -number
    return total if names == 1 else None
