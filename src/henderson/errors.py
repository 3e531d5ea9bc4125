"""Every exception and warning that henderson raises on purpose.

A message says what is wrong (with the names and the numbers), why it matters, and what to type instead.
"""

from __future__ import annotations


class HendersonError(Exception):
    """Base of all errors raised by henderson."""


class FormulaError(HendersonError, ValueError):
    """The formula cannot be read; points at the offending characters when they are known.

    Parameters
    ----------
    message : str
        What is wrong, why, and what to type.
    formula : str, optional
        The formula as typed.
    start, stop : int, optional
        Half-open range of characters of `formula` that a caret line underlines.
    """

    def __init__(
        self, message: str, formula: str | None = None, start: int | None = None, stop: int | None = None
    ):
        self.message, self.formula, self.start, self.stop = message, formula, start, stop
        if formula is not None and start is not None:
            width = max(1, (stop if stop is not None else start + 1) - start)
            message = f"{message}\n\n    {formula}\n    {' ' * start}{'^' * width}"
        super().__init__(message)

    def __reduce__(self) -> tuple[type[FormulaError], tuple[str, str | None, int | None, int | None]]:
        return type(self), (self.message, self.formula, self.start, self.stop)


class DataError(HendersonError, ValueError):
    """The data cannot be used: a missing column, a wrong type, a value that is not a number."""


class DesignError(HendersonError, ValueError):
    """The model cannot be identified from these data; names the grouping factors or columns."""


class OptionError(HendersonError, ValueError):
    """An argument has a value that is not among the allowed ones; the message lists them."""


class FitError(HendersonError, RuntimeError):
    """The search could not produce an estimate."""


class MissingDependencyError(HendersonError, ImportError):
    """An optional package is needed; the message names the extra to install."""


class HendersonWarning(UserWarning):
    """Base of all warnings issued by henderson; rare enough to be believed."""
