"""“Did you mean” for the names that a user types."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return the known names most like `word`, best first.

    Parameters
    ----------
    word : str
        What was typed.
    known : iterable of str
        What could have been meant.
    count : int
        At most so many.

    Returns
    -------
    list of str

    Examples
    --------
    >>> nearest("Dasy", ["Days", "Subject", "Reaction"])
    ['Days']
    """
    import difflib

    candidates = list(dict.fromkeys(known))
    same = [name for name in candidates if name.lower() == word.lower()]
    close = difflib.get_close_matches(word[:80], candidates, n=count, cutoff=0.6)
    return list(dict.fromkeys(same + close))[:count]


def did_you_mean(word: str, known: Iterable[str], *, limit: int = 12) -> str:
    """Return the sentence to append to “there is no `word`”: the nearest names, or the list of all.

    Parameters
    ----------
    word : str
        What was typed.
    known : iterable of str
        What could have been meant.
    limit : int
        How many names to list when none is near.

    Returns
    -------
    str

    Examples
    --------
    >>> did_you_mean("Dasy", ["Days", "Subject"])
    'Did you mean Days?'
    >>> did_you_mean("q", ["Days", "Subject"])
    'There are: Days, Subject.'
    """
    names = list(dict.fromkeys(known))
    close = nearest(word, names)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    if not names:
        return "There are none."
    more = "" if len(names) <= limit else f", … ({len(names)} in all)"
    return f"There are: {', '.join(names[:limit])}{more}."
