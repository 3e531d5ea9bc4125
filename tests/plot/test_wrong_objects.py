"""Every picture says what it is drawn from when it is given something else."""

from __future__ import annotations

import inspect

import pandas as pd
import pytest

import henderson as hd
from henderson.errors import OptionError

GIVEN = {"a text": "x", "nothing": None, "a frame": pd.DataFrame({"y": [1.0]}), "a number": 3}


def rest(draw):
    """Something for every other argument that must be there."""
    others = list(inspect.signature(draw).parameters.values())[1:]
    return ["x"] * sum(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in others)


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
@pytest.mark.parametrize("name", hd.plot.__all__)
def test_a_wrong_object_is_named_and_the_right_one(name, given):
    draw = getattr(hd.plot, name)
    with pytest.raises(OptionError, match=rf"(hd|fit)\.\w+\(.*{type(given).__name__}"):
        draw(given, *rest(draw))


@pytest.fixture(scope="module")
def answers():
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    return [
        fit.profile(),
        fit.bootstrap(20, seed=1),
        fit.simulate_residuals(20),
        fit.anova(),
        hd.pooling(fit),
    ]


TAKES = {"profile": 0, "bootstrap": 1, "scaled_residuals": 2}


@pytest.mark.parametrize("name", hd.plot.__all__)
@pytest.mark.parametrize("place", range(5), ids=["profile", "bootstrap", "residuals", "anova", "pooling"])
def test_so_is_an_answer_of_another_kind(answers, name, place):
    if TAKES.get(name) == place:
        return
    draw = getattr(hd.plot, name)
    with pytest.raises(OptionError, match=type(answers[place]).__name__):
        draw(answers[place], *rest(draw))
