"""The parameters that intervals are given for: standard deviations, correlations, sigma, fixed effects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.data.suggest import did_you_mean
from henderson.errors import OptionError
from henderson.inference.layout import term_labels

if TYPE_CHECKING:
    from henderson.design.record import Design

ALL_OF = {
    "theta_": ("sd", "cor", "sigma"),
    "ran_pars": ("sd", "cor", "sigma"),
    "beta_": ("beta",),
    "fixed": ("beta",),
}
"""Names that stand for several parameters."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter on the scale that people read.

    Attributes
    ----------
    name : str
        ``sd_(Intercept)|Subject``, ``cor_Days.(Intercept)|Subject``, ``sigma`` or a fixed-effects column.
    alias : str
        What lme4 calls it: ``.sig01``, ``.sigma``.
    kind : {"sd", "cor", "sigma", "beta"}
    term : int
        Random-effects term; -1 for sigma and fixed effects.
    rows : tuple of int
        Columns of the term: one for a standard deviation, two (first, second) for a correlation; for a fixed
        effect the column of X.
    """

    name: str
    alias: str
    kind: str
    term: int = -1
    rows: tuple[int, ...] = ()


def parameters(design: Design) -> tuple[Parameter, ...]:
    """Every parameter of a design, as lme4 orders them: term by term, sigma, then fixed effects.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> [one.name for one in parameters(fit.design)][:3]
    ['sd_(Intercept)|Subject', 'cor_Days.(Intercept)|Subject', 'sd_Days|Subject']
    """
    out = list(_of_terms(design))
    out.append(Parameter("sigma", ".sigma", "sigma"))
    out += [Parameter(name, name, "beta", rows=(j,)) for j, name in enumerate(design.x_names)]
    return tuple(out)


def _of_terms(design: Design) -> Iterable[Parameter]:
    places = [(i, b, a) for i, t in enumerate(design.terms) for b in range(t.k) for a in range(b, t.k)]
    groups = [design.groupings[t.grouping].name for t in design.terms]
    plain = [_words(design, place, groups) for place in places]
    twice = {name for name, count in Counter(plain).items() if count > 1}
    digits = max(2, len(str(len(places))))
    for number, (place, name) in enumerate(zip(places, plain, strict=True), 1):
        i, b, a = place
        shown = _words(design, place, list(term_labels(design))) if name in twice else name
        kind, rows = ("sd", (a,)) if a == b else ("cor", (b, a))
        yield Parameter(shown, f".sig{number:0{digits}d}", kind, i, rows)


def _words(design: Design, place: tuple[int, int, int], groups: list[str]) -> str:
    i, b, a = place
    names = design.terms[i].names
    return f"sd_{names[b]}|{groups[i]}" if a == b else f"cor_{names[a]}.{names[b]}|{groups[i]}"


def chosen_parameters(
    design: Design, parm: str | int | Iterable[str | int] | None, word: str = "parm"
) -> tuple[Parameter, ...]:
    """The parameters asked for, in the order of the model.

    Parameters
    ----------
    design : Design
    parm : None, name, position or list of them
        None for all; names as `parameters` gives them or as lme4 does (``.sig01``, ``.sigma``); ``"theta_"``
        (or ``"ran_pars"``) for standard deviations, correlations and sigma, ``"beta_"`` (or ``"fixed"``) for
        the fixed effects.
    word : str
        What the option is called, for messages.

    Raises
    ------
    OptionError
        For a name or position that the model does not have.
    """
    every = parameters(design)
    if parm is None:
        return every
    asked = [parm] if isinstance(parm, str | int | np.integer) else list(parm)
    wanted: set[int] = set()
    for one in asked:
        wanted.update(_find(design, every, one, word))
    if not wanted:
        raise OptionError(f"{word}={parm!r} names no parameter; leave it out for all of them.")
    return tuple(parameter for place, parameter in enumerate(every) if place in wanted)


def _find(design: Design, every: tuple[Parameter, ...], one: object, word: str) -> list[int]:
    if isinstance(one, int | np.integer) and not isinstance(one, bool):
        if not -len(every) <= one < len(every):
            raise OptionError(f"{word}={one}: the model has {len(every)} parameters, 0 to {len(every) - 1}.")
        return [int(one) % len(every)]
    found = [place for place, p in enumerate(every) if one in (p.name, p.alias)]
    if found:
        return found
    if isinstance(one, str) and one in ALL_OF:
        return [place for place, p in enumerate(every) if p.kind in ALL_OF[one]]
    if one in design.dropped:
        raise OptionError(
            f"{word}={one!r}: this column was dropped, as a combination of others: it has no interval."
        )
    hint = did_you_mean(str(one), [p.name for p in every])
    raise OptionError(f"{word}={one!r} is no parameter of the model. {hint}")
