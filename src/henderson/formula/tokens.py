"""Text → tokens. One regular expression, linear in the length of the text."""

from __future__ import annotations

import re
from typing import NamedTuple

from henderson.errors import FormulaError

MAX_LENGTH = 100_000

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?L?)
    |(?P<name>(?:[^\W\d]|\.(?![0-9]))[\w.]*)
    |(?P<quoted>`[^`]+`)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<op>\*\*|\|\||&&|==|!=|<=|>=|%[^%\s]*%|[~+\-*/^:()|&!<>,=\[\]])""",
    re.VERBOSE,
)

_HINTS = {
    "$": "Columns are named without the frame: type x, not data$x.",
    "@": "Slots are not part of a formula.",
    "{": "A formula is one expression.",
    ";": "A formula is one expression.",
    "`": "Close the back-quote: `a name with spaces`.",
    '"': "Close the quotation mark.",
    "'": "Close the quotation mark.",
    "\\": "Functions cannot be defined inside a formula; pass one with env={'f': f} and type f(x).",
}


class Token(NamedTuple):
    """One word of a formula: its kind, its text and its place."""

    kind: str
    text: str
    start: int
    stop: int


def tokenize(text: str) -> list[Token]:
    """Split a formula into tokens, ending with one of kind ``end``.

    Parameters
    ----------
    text : str
        A formula.

    Returns
    -------
    list of Token

    Raises
    ------
    FormulaError
        A character that no formula contains, an unclosed quote, a text beyond 100,000 characters.

    Examples
    --------
    >>> [token.text for token in tokenize("y ~ np.log(x)")][:-1]
    ['y', '~', 'np.log', '(', 'x', ')']
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"The formula has {len(text)} characters; the limit is {MAX_LENGTH}.")
    tokens, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            hint = _HINTS.get(text[at], "")
            raise FormulaError(
                f"The character {text[at]!r} has no meaning in a formula. {hint}".rstrip(), text, at, at + 1
            )
        kind = str(match.lastgroup)
        if kind != "space":
            tokens.append(Token(kind, match.group(), at, match.end()))
        at = match.end()
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens
