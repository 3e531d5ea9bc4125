"""One name for one thing over all public functions; the rule is in docs/reference/index.md."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

import henderson as hd
from henderson.errors import OptionError
from henderson.results.intervals import Bootstrap, Profile
from henderson.results.marginal import EMContrasts, EMMeans

CLASSES = (hd.LinearMixedFit, Profile, Bootstrap, EMMeans, EMContrasts, type(hd.LinearMixedFit.plot.fget))
ELSEWHERE = {
    "which": "parm",
    "params": "parm",
    "nsim": "n or n_sim",
    "n_boot": "n",
    "random_state": "seed",
    "rng": "seed",
    "alpha": "level",
    "conf_level": "level",
    "ncpus": "n_jobs",
    "workers": "n_jobs",
    "df_method": "ddf",
}
"""Names of other packages, and ours."""


def functions() -> Iterator[tuple[str, object]]:
    for name in (n for n in hd.__all__ if n.islower() and callable(getattr(hd, n, None))):
        yield name, getattr(hd, name)
    for name in hd.plot.__all__:
        yield f"plot.{name}", getattr(hd.plot, name)
    for owner in CLASSES[:5]:
        for name, method in inspect.getmembers(owner, inspect.isfunction):
            if not name.startswith("_"):
                yield f"{owner.__name__}.{name}", method


FUNCTIONS = dict(functions())
SIGNIFICANCE = {"EMMeans.letters", "plot.means", "EMMeans.plot", "EMContrasts.plot", "power"}
"""Here alpha is the size of a test, as everybody writes it."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_has_a_name_of_its_own_for_a_common_thing(name):
    found = set(inspect.signature(FUNCTIONS[name]).parameters) & set(ELSEWHERE)
    assert not found - ({"alpha"} if name in SIGNIFICANCE else set())


def test_n_is_how_many_are_drawn_and_n_sim_how_many_stand_behind_a_number():
    have = {
        option: {
            name.removeprefix("LinearMixedFit.")
            for name, f in FUNCTIONS.items()
            if option in inspect.signature(f).parameters
        }
        for option in ("n", "n_sim")
    }
    assert have["n"] - {"set_threads"} == {"bootstrap", "simulate", "simulate_residuals", "confint"}
    assert have["n_sim"] == {"lrt", "power", "rlrt"}


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda fit: fit.bootstrap(n_sim=10), "Write n="),
        (lambda fit: fit.bootstrap(nsim=10), "Write n="),
        (lambda fit: fit.simulate_residuals(n_sim=10), "Write n="),
        (lambda fit: fit.rlrt(n=10), "Write n_sim="),
        (lambda fit: hd.power(fit, n=10), "Write n_sim="),
        (lambda fit: hd.lrt(fit, nsim=10), "Write n_sim="),
        (lambda fit: fit.profile(which="Days"), "Write parm="),
        (lambda fit: fit.profile(terms="Days"), "Write parm="),
        (lambda fit: fit.confint(which="Days"), "Write parm="),
        (lambda fit: fit.profile("Days").plot(terms="Days"), "Write parm="),
        (lambda fit: fit.profile("Days").confint(which="Days"), "Write parm="),
        (lambda fit: fit.plot.forest(parm="Days"), "Write terms="),
        (lambda fit: fit.bootstrap(10, random_state=1), "Write seed="),
        (lambda fit: fit.confint(alpha=0.1), "Write level="),
    ],
)
def test_the_right_name_is_said(call, answer):
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    with pytest.raises(OptionError, match=answer):
        call(fit)
