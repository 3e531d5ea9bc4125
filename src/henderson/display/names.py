"""Long names made to fit."""

from __future__ import annotations

VOWELS = "aeiou"
SPARE = 2
"""Characters that an abbreviation may be longer than asked for, when they are not letters."""


def shorten(name: str, width: int) -> str:
    """Return the name, or its two ends around an ellipsis when it is wider than `width`.

    >>> shorten("a_very_long_column_name", 12)
    'a_very…_name'
    """
    if len(name) <= width:
        return name
    if width <= 1:
        return "…"[:width]
    tail = (width - 1) // 2
    return name[: width - 1 - tail] + "…" + (name[-tail:] if tail else "")


def abbreviate(name: str, width: int = 6) -> str:
    """Drop lower-case vowels, then lower-case letters, from the right until `width` are left.

    As R does; what is neither is kept while there are no more than two characters of it too many.

    >>> abbreviate("(Intercept)")
    '(Intr)'
    >>> abbreviate("treatment")
    'trtmnt'
    """
    letters = list(name.strip().replace(" ", ""))
    for droppable in (VOWELS, "abcdefghijklmnopqrstuvwxyz"):
        for i in range(len(letters) - 1, 0, -1):
            if len(letters) <= width:
                break
            if letters[i] in droppable and (letters[i - 1].isalnum() or droppable != VOWELS):
                del letters[i]
    return shorten("".join(letters), width + SPARE)


def abbreviate_all(names: list[str], width: int = 6) -> list[str]:
    """Abbreviations that are told apart: a name that clashes is numbered at its end."""
    out: list[str] = []
    for name in names:
        short = abbreviate(name, width)
        count = 2
        while short in out:
            short = f"{abbreviate(name, width - len(str(count)))[: width + SPARE - len(str(count))]}{count}"
            count += 1
        out.append(short)
    return out
