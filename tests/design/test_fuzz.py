"""100,000 generated formulas: only our own errors come out, nothing hangs, and no code is ever run."""

from __future__ import annotations

import random
import sys
import time
import warnings

import numpy as np
import pytest

from henderson.design import Design, build, replay
from henderson.errors import HendersonError, HendersonWarning

N, ROWS = 60, [3, 17, 40]


def lines(text: str) -> list[str]:
    """Return the lines of a block of text."""
    return [line.strip() for line in text.strip().splitlines()]


def words(text: str) -> list[str]:
    """Return the words of a block of text."""
    return text.split()


WATCHED = tuple(words("exec compile os. subprocess open socket ctypes import shutil pickle code."))
_events: list[str] | None = None


def _watch(event: str, arguments: tuple) -> None:
    if _events is not None and event.startswith(WATCHED):
        _events.append(f"{event}{arguments!r:.100}")


NAMES = words("y x z f o g h flag a.b `sp-ace` missing . T pi x1 _u d __class__ np")
NUMBERS = words("0 1 2 3 -1 0.5 1e5 1e308 1e400 99999999999999999999 2L .5 007")
FUNCTIONS = words(
    """log exp sqrt I poly bs ns scale center offset factor C relevel interaction np.log np.where mean sd
    ifelse round pmin c as.numeric ordered twice eval exec open __import__ getattr os.system np.load lambda
    cbind Q s type"""
)
WORDS = words(
    """contr.sum contr.treatment(base=2) raw=TRUE df=4 degree=2 knots=c(1,2) levels=c('a','b') ref='b' 'a' "b"
    NULL NA Inf"""
)
OPERATORS = words("+ + + - * : / ^ ** %in% | || == < & ! ~ %% , = %x%")
JUNK = [*words("""( ) [ ] { } $ @ # ; \\ ` ' " € é λ := -> .. ... lambda import __"""), "\n", "\t", "\x00"]
SEEDS = lines(
    """
    y ~ x + (1 | g)
    y ~ x * f + (x | g)
    log(y + 9) ~ poly(x, 2) + (1 | g/h)
    y ~ ns(x, 3) + C(f, contr.sum) + (x || g)
    y ~ 0 + f + offset(z) + (0 + x | g) + (1 | h)
    y ~ I(x^2) + scale(z) + (1 | g:h)
    y ~ . + (1 | g)
    y ~ (x + z + f)^2 + (f || g)
    """
)
SOUND = lines(
    """
    x
    z
    f
    o
    h
    flag
    a.b
    `sp-ace`
    x1
    1
    0
    log(z)
    np.exp(x)
    I(x^2)
    poly(x, 2)
    scale(z)
    center(x)
    offset(z)
    ns(x, df = 3)
    bs(z, 4)
    C(f, contr.sum)
    factor(h)
    I(x > 0 | z < 1.5)
    ifelse(x > 0, 'up', 'down')
    twice(x)
    relevel(f, ref='b')
    I(x - mean(x))
    poly(z, 2, raw=TRUE)
    round(x, 1)
    pmin(x, z)
    interaction(f, o)
    as.numeric(flag)
    """
)


def expression(rng: random.Random, depth: int) -> str:
    """Generate an expression from the grammar, sometimes a wrong one."""
    pick = rng.random()
    if depth <= 0 or pick < 0.35:
        return rng.choice(NAMES if rng.random() < 0.85 else NUMBERS)
    if pick < 0.6:
        gap = rng.choice(["", " "])
        return expression(rng, depth - 1) + gap + rng.choice(OPERATORS) + gap + expression(rng, depth - 1)
    if pick < 0.8:
        arguments = [expression(rng, depth - 2)] + [
            rng.choice(WORDS + NUMBERS) for _ in range(rng.randrange(3))
        ]
        return f"{rng.choice(FUNCTIONS)}({', '.join(arguments)})"
    if pick < 0.9:
        return f"({expression(rng, depth - 1)})"
    return rng.choice("+-!") + expression(rng, depth - 1)


def bar(rng: random.Random) -> str:
    """Generate a random term."""
    left = rng.choice(["1", "x", "0 + x", "x - 1", "f", "x + z", expression(rng, 2)])
    right = rng.choice(["g", "h", "g/h", "g:h", "h/g", "factor(g)", "f", expression(rng, 1)])
    return f"({left} {rng.choice(['|', '|', '||'])} {right})"


def sound(rng: random.Random, depth: int) -> str:
    """Generate terms that ought to be accepted."""
    if depth == 0 or rng.random() < 0.4:
        return rng.choice(SOUND)
    operator = rng.choice([" + ", "+", " * ", ":", "/", " - "])
    inner = sound(rng, depth - 1) + operator + sound(rng, depth - 1)
    return f"({inner})" if rng.random() < 0.5 else inner


def mutated(rng: random.Random) -> str:
    """Take a good formula and damage it."""
    text = rng.choice(SEEDS)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        piece = rng.choice(JUNK + OPERATORS + NAMES + FUNCTIONS)
        text = text[:at] + piece + text[at + rng.randrange(3) :]
    return text


def generated(rng: random.Random) -> str:
    """Generate one formula."""
    pick = rng.random()
    if pick < 0.25:
        columns = rng.choice(["1", "x", "0 + x", "z || g) + (0 + x", "f"])
        groups = rng.choice(["g", "h", "g/h", "h:g", "o"])
        return f"{rng.choice(['y', 'log(y + 9)'])} ~ {sound(rng, rng.randrange(4))} + ({columns} | {groups})"
    if pick < 0.5:
        return mutated(rng)
    if pick < 0.55:
        return "".join(
            rng.choice(JUNK + OPERATORS + NAMES + NUMBERS + FUNCTIONS + ["("])
            for _ in range(rng.randrange(1, 25))
        )
    response = rng.choice(["y", "y", "y", "log(y + 9)", expression(rng, 1)])
    terms = [expression(rng, rng.randrange(1, 5)) for _ in range(rng.randrange(1, 3))]
    return f"{response} ~ {rng.choice([' + ', ' + ', ' * ']).join([*terms, bar(rng)])}"


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    return {
        "y": rng.normal(size=N),
        "x": rng.normal(size=N),
        "z": rng.uniform(1, 2, N),
        "f": np.tile(["a", "b", "c"], N // 3),
        "o": np.repeat(["u", "v"], N // 2),
        "g": np.repeat(np.arange(6), N // 6),
        "h": np.tile([1, 2], N // 2),
        "flag": rng.normal(size=N) > 0,
        "a.b": rng.normal(size=N),
        "sp-ace": rng.normal(size=N),
        "x1": np.arange(N),
        "_u": rng.normal(size=N),
    }


def test_one_hundred_thousand_formulas(data):
    global _events
    sys.addaudithook(_watch)
    rng = random.Random(20250101)
    env = {"twice": lambda x: 2 * x}
    few = {name: column[ROWS] for name, column in data.items()}
    for text in SEEDS:  # load what is loaded lazily before the watch begins
        build(text, data, env=env)
    with pytest.raises(HendersonError):
        build("y ~ logg(x)", data)
    outcomes: dict[str, int] = {}
    slowest = (0.0, "")
    for _ in range(100_000):
        text = generated(rng)
        _events = []
        start = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", HendersonWarning)
                result = build(text, data, env=env)
            kind = type(result).__name__
            assert isinstance(result, Design)
            assert np.isfinite(result.X).all(), text
            assert result.X.shape[1] == len(result.x_names), text
            if outcomes.get(kind, 0) % 10 == 0:
                again = replay(result.spec, few, env=env).X
                np.testing.assert_allclose(
                    again, result.X[ROWS], rtol=1e-7, atol=1e-7 * np.abs(result.X).max(initial=1)
                )
        except HendersonError as error:
            kind = type(error).__name__
        except Exception as error:
            pytest.fail(f"{type(error).__name__} from {text!r}: {error}")
        finally:
            seen, _events = _events, None
        slowest = max(slowest, (time.perf_counter() - start, text))
        assert not seen, f"{seen} from {text!r}"
        outcomes[kind] = outcomes.get(kind, 0) + 1
    assert slowest[0] < 5.0, slowest
    assert outcomes["Design"] > 10_000, outcomes
    assert min(outcomes.get(kind, 0) for kind in ("FormulaError", "DataError", "DesignError")) > 100, outcomes
