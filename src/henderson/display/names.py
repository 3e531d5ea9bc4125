"""Long names made to fit."""

from __future__ import annotations

from collections.abc import Sequence

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


def shorten_all(names: Sequence[str], width: int) -> list[str]:
    """Shorten names that differ so that they still differ; equal names stay equal.

    Of names that would be shortened alike each shows the place where it differs from the others, as far as
    there is room, or else is numbered at its end.

    >>> shorten_all(["a_really_long_name_1_of_all", "a_really_long_name_2_of_all"], 16)
    ['a_re…name_1_of_…', 'a_re…name_2_of_…']
    """
    out = {name: shorten(name, width) for name in names}
    alike: dict[str, list[str]] = {}
    for name, short in out.items():
        alike.setdefault(short, []).append(name)
    for clashing in alike.values():
        if len(clashing) > 1:
            out.update(zip(clashing, _told_apart(clashing, width), strict=True))
    _number(out, width)
    return [out[name] for name in names]


def _told_apart(names: list[str], width: int) -> list[str]:
    """Names with the same ends, cut around the first place where they differ."""
    columns = zip(*names, strict=False)
    at = next((i for i, letters in enumerate(columns) if len(set(letters)) > 1), min(map(len, names)))
    head = max((width - 2) // 3, 0)
    room = width - head - 2
    if room < 3:
        return [shorten(name, width) for name in names]
    start = max(at - room // 2, head + 1)
    return [
        shorten(name, width)
        if len(name) <= width
        else f"{name[:head]}…{name[start : start + room]}{'…' if len(name) > start + room else ''}"
        for name in names
    ]


def _number(out: dict[str, str], width: int) -> None:
    """Number the shortened names that are still alike, in place."""
    used: set[str] = {name for name, short in out.items() if name == short}
    for name, short in out.items():
        count, mark = 2, short
        while name != short and mark in used and width > len(str(count)):
            mark = short[: width - len(str(count))] + str(count)
            count += 1
        used.add(mark)
        out[name] = mark


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
