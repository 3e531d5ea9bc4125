"""Linear hypotheses typed as text: ``Days = 10, groupb - groupc = 0``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from henderson.data.suggest import did_you_mean
from henderson.errors import OptionError

_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"[^\W\d][\w.:]*|`[^`]*`")
_DUMMY = re.compile(r"\[(?:T\.)?([^\[\]]*)\]")


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A constant plus weights on the coefficients.

    Attributes
    ----------
    weights : (p,) float64
    constant : float
    """

    weights: np.ndarray
    constant: float

    def __add__(self, other: Linear) -> Linear:
        return Linear(self.weights + other.weights, self.constant + other.constant)

    def times(self, number: float) -> Linear:
        """Return the same, multiplied."""
        return Linear(number * self.weights, number * self.constant)

    @property
    def free(self) -> bool:
        """Whether it is a number only."""
        return not self.weights.any()


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of the text.

    Attributes
    ----------
    kind : {"name", "number", "mark", "end"}
    value : str
        Name of a coefficient, digits, or a mark.
    start : int
        Where it begins.
    """

    kind: str
    value: str
    start: int


def read_hypotheses(text: str, names: tuple[str, ...]) -> list[tuple[str, Linear]]:
    """Read hypotheses separated by commas, semicolons or lines.

    Parameters
    ----------
    text : str
        Each is an expression, or expressions joined by ``=`` or ``==``; alone it is compared with 0.
    names : tuple of str, length p
        Coefficients, as R prints them. Spaces inside do not matter, ``f[T.b]`` and ``f[b]`` stand for ``fb``,
        ``Intercept`` for ``(Intercept)``.

    Returns
    -------
    list of (str, Linear)
        Text of each and its left side minus its right side.

    Raises
    ------
    OptionError
        With the place of what cannot be read.

    Examples
    --------
    >>> [(label, form.weights.tolist(), form.constant) for label, form in
    ...  read_hypotheses("2*(x - fb) = 4, (Intercept)", ("(Intercept)", "x", "fb"))]
    [('2*(x - fb) = 4', [0.0, 2.0, -2.0], -4.0), ('(Intercept) = 0', [1.0, 0.0, 0.0], 0.0)]
    """
    return _Reader(text, names).hypotheses()


def read_expression(text: str, names: tuple[str, ...]) -> Linear:
    """Read one expression without ``=``."""
    found = read_hypotheses(text, names)
    if len(found) != 1 or "=" in text:
        raise OptionError(f"{text!r} must be one expression of coefficients, without '='.")
    return found[0][1]


class _Reader:
    """Reads by recursive descent; the text is never run."""

    def __init__(self, text: str, names: tuple[str, ...]) -> None:
        plain = text if any("[" in name for name in names) else _DUMMY.sub(r"\1", text)
        plain = plain.replace("==", "=")  # as in multcomp
        self.text, self.names, self.at = plain, names, 0
        self.tokens = self.cut()

    def fail(self, what: str, start: int) -> OptionError:
        here = self.text.replace("\n", " ")
        return OptionError(f"{what}\n    {here}\n    {' ' * start}^")

    def cut(self) -> list[Token]:
        spelled = {spelling: name for name in self.names for spelling in _spellings(name)}
        patterns = [
            (re.compile(r"\s*".join(map(re.escape, re.sub(r"\s", "", spelling))) + _edge(spelling)), name)
            for spelling, name in sorted(spelled.items(), key=lambda pair: -len(pair[0]))
        ]
        tokens, at = [], 0
        while at < len(self.text):
            if self.text[at] in " \t\r":
                at += 1
                continue
            token, at = self.next(at, patterns)
            tokens.append(token)
        return [*tokens, Token("end", "", len(self.text))]

    def next(self, at: int, patterns: list[tuple[re.Pattern[str], str]]) -> tuple[Token, int]:
        for pattern, name in patterns:
            if found := pattern.match(self.text, at):
                return Token("name", name, at), found.end()
        if found := _NUMBER.match(self.text, at):
            return Token("number", found[0], at), found.end()
        if self.text[at] in "+-*/()=,;\n":
            return Token("mark", self.text[at], at), at + 1
        word = _WORD.match(self.text, at)
        if word is None:
            side = " Tests are two-sided: type '='." if self.text[at] in "<>" else ""
            raise self.fail(f"{self.text[at]!r} has no place in a hypothesis.{side}", at)
        hint = did_you_mean(word[0], self.names)
        if any(name.startswith(word[0]) for name in self.names):
            hint += " Whole terms are tested by fit.anova()."
        raise self.fail(f"There is no coefficient {word[0]!r}. {hint}", at)

    def peek(self) -> Token:
        return self.tokens[self.at]

    def take(self, marks: str) -> str | None:
        token = self.peek()
        if token.kind == "mark" and token.value in marks:
            self.at += 1
            return token.value
        return None

    def hypotheses(self) -> list[tuple[str, Linear]]:
        out: list[tuple[str, Linear]] = []
        while self.peek().kind != "end":
            if self.take(",;\n"):
                continue
            start = self.peek().start
            sides = [self.sum()]
            while self.take("="):
                sides.append(self.sum())
            token = self.peek()
            if token.kind != "end" and not (token.kind == "mark" and token.value in ",;\n"):
                raise self.fail("An operator is missing here.", token.start)
            label = " ".join(self.text[start : token.start].split())
            zero = Linear(np.zeros(len(self.names)), 0.0)
            label = label if len(sides) > 1 else f"{label} = 0"
            pairs = list(pairwise(sides)) or [(sides[0], zero)]
            for left, right in pairs:
                out.append((label, left + right.times(-1.0)))
        if not out:
            raise OptionError("There is no hypothesis in the text; type for example 'Days = 0'.")
        return out

    def sum(self) -> Linear:
        total = self.product()
        while sign := self.take("+-"):
            total = total + self.product().times(1.0 if sign == "+" else -1.0)
        return total

    def product(self) -> Linear:
        total = self.unit()
        while (start := self.peek().start) is not None and (mark := self.take("*/")):
            other = self.unit()
            if mark == "/":
                if not other.free or other.constant == 0:
                    raise self.fail("Only numbers other than 0 divide in a linear hypothesis.", start)
                total = total.times(1 / other.constant)
            elif other.free or total.free:
                total = total.times(other.constant) if other.free else other.times(total.constant)
            else:
                raise self.fail("A product of coefficients is not linear.", start)
        return total

    def unit(self) -> Linear:
        token = self.peek()
        if sign := self.take("+-"):
            return self.unit().times(1.0 if sign == "+" else -1.0)
        if self.take("("):
            inside = self.sum()
            if not self.take(")"):
                raise self.fail("A closing parenthesis is missing here.", self.peek().start)
            return inside
        weights = np.zeros(len(self.names))
        if token.kind == "name":
            self.at += 1
            weights[self.names.index(token.value)] = 1.0
            return Linear(weights, 0.0)
        if token.kind == "number":
            self.at += 1
            return Linear(weights, float(token.value))
        raise self.fail("A coefficient or a number is missing here.", token.start)


def _edge(spelling: str) -> str:
    """What must follow a name: none of its own characters, so that Days is not found in Days2."""
    return r"(?![\w.])" if re.match(r"[\w.]", spelling[-1]) else ""


def _spellings(name: str) -> list[str]:
    """The ways to type a coefficient, before ``f[T.b]``: as R prints it, in back-quotes, and Intercept."""
    return [name, f"`{name}`", *(["Intercept"] if name == "(Intercept)" else [])]
