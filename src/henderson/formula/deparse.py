"""Expression → text, spelled as R prints it: this is where column names such as ``I(x^2)`` come from."""

from __future__ import annotations

import re

from henderson.formula.nodes import Binary, Call, Constant, Name, Node, Number, Paren, Sum, Text, Unary

_SYNTACTIC = re.compile(r"(?:[^\W\d_]|\.(?![0-9]))[\w.]*\Z")
_TIGHT = {"/", "^", ":", "%%", "%/%"}
_WORDS = {
    "TRUE",
    "FALSE",
    "NULL",
    "NA",
    "NaN",
    "Inf",
    "if",
    "else",
    "for",
    "while",
    "repeat",
    "function",
    "in",
    "next",
    "break",
}


def number_text(value: float) -> str:
    """Spell a number as R does: 15 significant digits, whichever of fixed and scientific is shorter.

    Examples
    --------
    >>> number_text(100000.0), number_text(123456.0), number_text(0.1), number_text(1e-5)
    ('1e+05', '123456', '0.1', '1e-05')
    """
    digits, exponent = f"{value:.14e}".split("e")
    digits, power = digits.rstrip("0").rstrip("."), int(exponent)
    scientific = f"{digits}e{'-' if power < 0 else '+'}{abs(power):02d}"
    decimals = max(0, len(digits.lstrip("-").replace(".", "")) - 1 - power)
    fixed_width = (power + 1 if power >= 0 else 1) + (decimals + 1 if decimals else 0) + (value < 0)
    return f"{value:.{decimals}f}" if fixed_width <= len(scientific) else scientific


def name_text(text: str) -> str:
    """Return a name as R prints it: in back-quotes where it is not a plain name."""
    plain = _SYNTACTIC.match(text) is not None and text not in _WORDS
    return text if plain or (text.startswith("_") and text.isidentifier()) else f"`{text}`"


def constant_text(value: float | bool | None) -> str:
    """Return ``TRUE``, ``FALSE``, ``NULL``, ``Inf`` or ``NaN``."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return "Inf" if value > 0 else "NaN"


def _call(node: Call) -> str:
    parts = [
        text if keyword is None else f"{keyword} = {text}"
        for keyword, text in ((keyword, deparse(argument)) for keyword, argument in node.arguments)
    ]
    return f"{node.function}({', '.join(parts)})"


def _sum(node: Sum) -> str:
    first, *rest = node.items
    return deparse(first[1]) + "".join(f" {sign} {deparse(item)}" for sign, item in rest)


def deparse(node: Node) -> str:
    """Return the expression as R's ``deparse`` would.

    Parameters
    ----------
    node : Node
        An expression.

    Returns
    -------
    str

    Examples
    --------
    >>> from henderson.formula.parser import parse_expression
    >>> deparse(parse_expression("sin( 2*pi *x )/3 - a**2"))
    'sin(2 * pi * x)/3 - a^2'
    """
    if isinstance(node, Name):
        return name_text(node.text)
    if isinstance(node, Number):
        return number_text(node.value)
    if isinstance(node, Text):
        return '"' + node.value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(node, Constant):
        return constant_text(node.value)
    if isinstance(node, Call):
        return _call(node)
    if isinstance(node, Sum):
        return _sum(node)
    if isinstance(node, Unary):
        return node.operator + deparse(node.operand)
    if isinstance(node, Paren):
        return f"({deparse(node.inner)})"
    assert isinstance(node, Binary)
    gap = "" if node.operator in _TIGHT else " "
    return f"{deparse(node.left)}{gap}{node.operator}{gap}{deparse(node.right)}"
