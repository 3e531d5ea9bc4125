"""Tokens → expression tree, with R's operators and their precedence.

A small top-down operator-precedence parser. It is written here rather than borrowed because the bar of a
random term is no operator of any formula package, because R's `^` and back-quotes are not Python's, and
because a formula from a file or a web form must not be able to run code: there is no way from this tree to
Python's own evaluator.
"""

from __future__ import annotations

import math

from henderson.errors import FormulaError
from henderson.formula.nodes import (
    Binary,
    Call,
    Constant,
    Name,
    Node,
    Number,
    Paren,
    Sum,
    Text,
    Unary,
    children,
)
from henderson.formula.tokens import Token, tokenize

MAX_DEPTH = 64  # of nesting: deeper trees would exhaust Python's stack, and no model needs them

_POWER = {
    "|": 10,
    "||": 10,
    "&": 20,
    "&&": 20,
    "+": 50,
    "-": 50,
    "*": 60,
    "/": 60,
    ":": 80,
    "^": 100,
    "**": 100,
}
_POWER.update(dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 40))
_NOT, _SPECIAL, _SIGN = 30, 70, 90
_ALLOWED_SPECIALS = ("%in%", "%%", "%/%")
_CONSTANTS: dict[str, float | bool | None] = {
    "TRUE": True,
    "FALSE": False,
    "True": True,
    "False": False,
    "NULL": None,
    "None": None,
    "Inf": math.inf,
    "NaN": math.nan,
}


class _Parser:
    """Position in the tokens of one formula."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.at, self.depth = text, tokenize(text), 0, 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def error(self, message: str, token: Token | None = None) -> FormulaError:
        token = token or self.token
        return FormulaError(message, self.text, token.start, max(token.stop, token.start + 1))

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += token.kind != "end"
        return token

    def is_op(self, text: str) -> bool:
        return self.token.kind == "op" and self.token.text == text

    def close(self, opener: Token, closer: str) -> Token:
        if self.is_op(closer):
            return self.take()
        if self.token.kind == "end":
            raise self.error(f"The {opener.text!r} is never closed: add {closer!r}.", opener)
        raise self.error(
            f"{self._what()} cannot stand here; an operator or {closer!r} was expected.{self._two_names()}"
        )

    def _two_names(self) -> str:
        """Return the hint for a name with a space."""
        before = self.tokens[self.at - 1]
        if self.token.kind != "name" or before.kind != "name":
            return ""
        return f" A name with a space goes in back-quotes: `{before.text} {self.token.text}`."

    def _what(self) -> str:
        return "The end of the formula" if self.token.kind == "end" else repr(self.token.text)

    # -- expressions -------------------------------------------------------------------------------------

    def expression(self, power: int = 0) -> Node:
        """Parse as far as operators bind tighter than `power`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"The formula is nested more than {MAX_DEPTH} levels deep; simplify it.")
        left, links = self.prefix(), 0
        while (strength := self.strength()) > power:
            left = self.sum(left) if strength == 50 else self.binary(left, strength)
            links += 1
            if links > MAX_DEPTH:
                raise self.error(f"More than {MAX_DEPTH} operators in a row; simplify the formula.")
        self.depth -= 1
        return left

    def strength(self) -> int:
        """Binding strength of the operator ahead; 0 where there is none."""
        if self.token.kind != "op":
            return 0
        if self.token.text.startswith("%"):
            if self.token.text not in _ALLOWED_SPECIALS:
                raise self.error(
                    f"Unknown operator {self.token.text}. There are: {', '.join(_ALLOWED_SPECIALS)}."
                )
            return _SPECIAL
        return _POWER.get(self.token.text, 0)

    def sum(self, left: Node) -> Sum:
        items: list[tuple[str, Node]] = [("+", left)]
        while self.is_op("+") or self.is_op("-"):
            sign = self.take().text
            items.append((sign, self.expression(50)))
        return Sum(left.start, items[-1][1].stop, tuple(items))

    def binary(self, left: Node, strength: int) -> Binary:
        operator = self.take().text
        if operator in ("^", "**"):  # to the right; the exponent may carry a sign
            right = self.expression(_SIGN)
            return Binary(left.start, right.stop, "^", left, right)
        right = self.expression(strength)
        return Binary(left.start, right.stop, operator, left, right)

    def prefix(self) -> Node:
        token = self.take()
        if token.kind == "name":
            return self.call(token) if self.is_op("(") else self.name(token)
        if token.kind == "number":
            return self.number(token)
        if token.kind == "quoted":
            return Name(token.start, token.stop, token.text[1:-1])
        if token.kind == "string":
            return Text(token.start, token.stop, _unescape(token.text[1:-1]))
        if token.kind == "op" and token.text in ("+", "-", "!"):
            operand = self.expression(_NOT if token.text == "!" else _SIGN)
            return Unary(token.start, operand.stop, token.text, operand)
        if token.kind == "op" and token.text == "(":
            inner = self.expression()
            return Paren(token.start, self.close(token, ")").stop, inner)
        if token.kind == "op" and token.text == "[":  # a Python list of numbers or labels is R's c()
            return self.arguments(token, "c", "]")
        raise self.unexpected(token)

    def unexpected(self, token: Token) -> FormulaError:
        before = self.tokens[max(self.tokens.index(token) - 1, 0)]
        if before.kind == "op" and before.text in ("|", "||") and token.text in (")", ""):
            return self.error(f"The grouping factor is missing after {before.text!r}: type (x | g).", before)
        if token.kind == "end":
            return self.error("The formula ends where a name, a number or '(' was expected.", token)
        if token.text in (")", "]"):
            return self.error(
                f"There is nothing to close here, or something is missing before {token.text!r}.", token
            )
        return self.error(f"{token.text!r} cannot stand here; a name, a number or '(' was expected.", token)

    def name(self, token: Token) -> Node:
        if token.text in _CONSTANTS:
            return Constant(token.start, token.stop, _CONSTANTS[token.text])
        return Name(token.start, token.stop, token.text)

    def number(self, token: Token) -> Number:
        value = float(token.text.rstrip("L"))
        if not math.isfinite(value):
            raise self.error("The number is too large.", token)
        return Number(token.start, token.stop, value)

    def call(self, token: Token) -> Node:
        opener = self.take()
        node = self.arguments(opener, token.text, ")", token.start)
        if token.text != "Q":
            return node
        if len(node.arguments) == 1 and isinstance(node.arguments[0][1], Text):
            return Name(token.start, node.stop, node.arguments[0][1].value)
        raise self.error('Q() takes one quoted name: Q("a name with spaces").', token)

    def arguments(self, opener: Token, function: str, closer: str, start: int | None = None) -> Call:
        arguments: list[tuple[str | None, Node]] = []
        while not self.is_op(closer):
            arguments.append(self.argument())
            if not self.is_op(","):
                break
            self.take()
        stop = self.close(opener, closer).stop
        return Call(opener.start if start is None else start, stop, function, tuple(arguments))

    def argument(self) -> tuple[str | None, Node]:
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        if self.token.kind == "name" and following.kind == "op" and following.text == "=":
            keyword = self.take().text
            self.take()
            return keyword, self.expression()
        return None, self.expression()

    def end(self) -> None:
        if self.token.kind == "end":
            return
        if self.is_op(")"):
            raise self.error("This ')' closes nothing: remove it, or add the '(' it belongs to.")
        if self.is_op("["):
            raise self.error("Columns cannot be subscripted in a formula; make a new column in the data.")
        if self.is_op("~"):
            raise self.error("A formula has one '~'.")
        raise self.error(
            f"{self.token.text!r} cannot stand here; an operator such as + was expected.{self._two_names()}"
        )


def _check_depth(node: Node, text: str) -> Node:
    """Refuse trees so deep that walking them could exhaust Python's stack."""
    level, depth = [node], 0
    while level:
        depth += 1
        if depth > 2 * MAX_DEPTH:
            raise FormulaError(
                f"The formula is nested more than {2 * MAX_DEPTH} levels deep; simplify it.", text
            )
        level = [child for parent in level for child in children(parent)]
    return node


def _unescape(text: str) -> str:
    return text.replace('\\"', '"').replace("\\'", "'").replace("\\\\", "\\")


def parse_expression(text: str) -> Node:
    """Parse one expression, such as ``log(x + 1)``.

    Parameters
    ----------
    text : str
        The expression.

    Returns
    -------
    Node

    Raises
    ------
    FormulaError
        With the place of the first thing that cannot be read.
    """
    parser = _Parser(text)
    node = parser.expression()
    parser.end()
    return _check_depth(node, text)


def parse_sides(text: str) -> tuple[Node, Node]:
    """Parse ``response ~ terms``.

    Parameters
    ----------
    text : str
        A two-sided formula.

    Returns
    -------
    response, terms : Node

    Raises
    ------
    FormulaError
        With the place of the first thing that cannot be read.
    """
    parser = _Parser(text)
    if parser.token.kind == "end":
        raise FormulaError("The formula is empty; type for example 'y ~ x + (1 | g)'.")
    if parser.is_op("~"):
        raise parser.error("The response is missing: type its name before '~'.")
    response = parser.expression()
    if parser.token.kind == "end":
        raise FormulaError("The formula has no '~'; type for example 'y ~ x + (1 | g)'.", text, 0, len(text))
    if parser.is_op("="):
        raise parser.error("Between the response and the terms stands '~', not '='.")
    if not parser.is_op("~"):
        parser.end()
    parser.take()
    terms = parser.expression()
    parser.end()
    return _check_depth(response, text), _check_depth(terms, text)
