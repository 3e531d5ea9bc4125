"""What is asked for: ``"A"``, ``["A", "B"]``, ``"A:B"``, ``"~ A | B"``, ``"pairwise ~ A"``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from henderson.data.suggest import did_you_mean
from henderson.errors import OptionError
from henderson.inference.means.families import family_name
from henderson.inference.means.grid import Grid


@dataclass(frozen=True, slots=True)
class Specs:
    """Which means, in which groups, with which contrasts.

    Attributes
    ----------
    factors : tuple of str
        Predictors whose combinations get a mean each; none for the overall mean.
    by : tuple of str
        Predictors in whose combinations contrasts stay.
    contrasts : str or None
        Family of contrasts asked for on the left of ``~``.
    """

    factors: tuple[str, ...]
    by: tuple[str, ...]
    contrasts: str | None

    @property
    def keys(self) -> tuple[str, ...]:
        """All predictors that stay."""
        return (*self.factors, *self.by)


def read_specs(specs: object, by: object = None) -> Specs:
    """Read a specification; names are not checked yet.

    Parameters
    ----------
    specs : str or list of str
        Names, joined by ``:``, ``*`` or ``+``, after ``~`` or not; what follows ``|`` is `by`, what stands
        before ``~`` a family of contrasts.
    by : str or list of str, optional
        More groups.

    Returns
    -------
    Specs

    Raises
    ------
    OptionError
        Neither text nor a list of names.

    Examples
    --------
    >>> read_specs("pairwise ~ A | B")
    Specs(factors=('A',), by=('B',), contrasts='pairwise')
    """
    family: str | None = None
    if isinstance(specs, str):
        left, tilde, right = specs.partition("~")
        body = right if tilde else left
        family = family_name(left.strip()) if tilde and left.strip() else None
        body, _, groups = body.partition("|")
        factors, within = _names(body), _names(groups)
    else:
        factors, within = _list(specs, "specs"), ()
    extra = () if by is None else _names(by) if isinstance(by, str) else _list(by, "by")
    within = tuple(dict.fromkeys((*within, *extra)))
    return Specs(tuple(name for name in dict.fromkeys(factors) if name not in within), within, family)


def _names(text: str) -> tuple[str, ...]:
    depth, word, out = 0, "", []
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth == 0 and character in ":*+":
            out.append(word)
            word = ""
        else:
            word += character
    names = (name.strip().strip("`") for name in (*out, word))
    return tuple(name for name in names if name not in ("", "1"))


def _list(given: object, what: str) -> tuple[str, ...]:
    if isinstance(given, Iterable) and not isinstance(given, (bytes, dict)):
        names = tuple(given)
        if all(isinstance(name, str) for name in names):
            return names
    raise OptionError(
        f"{what}={given!r}: give a name or a list of names, such as 'A', ['A', 'B'] or '~ A | B'."
    )


def check_specs(specs: Specs, grid: Grid, groupings: tuple[str, ...] = ()) -> Specs:
    """Check the names against the grid, and let nested factors bring along what they are nested in.

    Parameters
    ----------
    specs : Specs
        As typed.
    grid : Grid
        The predictors.
    groupings : tuple of str
        Grouping factors of the random effects, which have no marginal means.

    Raises
    ------
    OptionError
        An unknown name, or a covariate that has a single value.
    """
    factors, by = (
        tuple(_known(name, grid, groupings) for name in names) for names in (specs.factors, specs.by)
    )
    outer = [name for inner in (*factors, *by) for name in grid.nests.get(inner, ())]
    more = tuple(name for name in dict.fromkeys(outer) if name not in (*factors, *by))
    return Specs((*factors, *more), by, specs.contrasts)


def _known(name: str, grid: Grid, groupings: tuple[str, ...]) -> str:
    names = [axis.name for axis in grid.axes]
    if name not in names:
        inside = [each for each in names if f"({each}" in name and name.endswith(")")]
        if not inside and name in groupings:
            raise OptionError(
                f"{name!r} is a grouping factor of the random effects, no predictor of the fixed part: its "
                f"levels have no marginal means. fit.ranef[{name!r}] has their effects, fit.coef[{name!r}] "
                "their coefficients."
            )
        if not inside:
            raise OptionError(f"{name!r} is no predictor of the fixed part. {did_you_mean(name, names)}")
        name = inside[0]
    axis = grid.axes[names.index(name)]
    if axis.at_mean:
        raise OptionError(
            f"{name!r} is a covariate; held at {axis.values[0]:.6g} it has one mean. Choose values with "
            f"at={{{name!r}: [...]}}, or ask for slopes: emtrends(…, var={name!r})."
        )
    return name
