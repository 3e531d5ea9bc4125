"""The printed tests of fixed effects, character by character.

``HENDERSON_APPROVE=1 pytest tests/golden`` writes the texts anew, to be read before they are committed.
"""

from __future__ import annotations

import pytest

from .models import fit
from .test_summary import APPROVED, compare, settled

PRINTED = {
    "anova_machines": lambda: fit("machines_slopes").anova(),
    "anova_singular_kenward_roger": lambda: fit("maximal_singular").anova(ddf="kenward-roger"),
    "anova_dropped": lambda: fit("rank_deficient_with_gaps").anova(type=1, intercept=True),
    "anova_car_chisq": lambda: fit("cbpp_rates").anova(type=2, ddf="none", definition="car"),
    "anova_long_names": lambda: fit("long_names").anova(),
    "test_sleep": lambda: fit("sleep_reml").test("Days = 10, (Intercept) = 250"),
    "test_machines_z": lambda: fit("machines_slopes").test(
        "Machine[T.B] - Machine[T.C], MachineB = 10", ddf="none"
    ),
    "test_ml_kenward_roger": lambda: fit("sleep_ml").test({"Days": 10}, ddf="kenward-roger"),
    "summary_kenward_roger": lambda: fit("sleep_ml").summary(ddf="kenward-roger"),
    "summary_z": lambda: fit("rank_deficient_with_gaps").summary(ddf="none"),
    "summary_residual": lambda: fit("pastes_nested").summary(ddf="residual"),
}
every = pytest.mark.parametrize("name", PRINTED)


@every
def test_text(name):
    compare(APPROVED / "hypotheses" / f"{name}.txt", settled(f"{PRINTED[name]()}\n"))


@every
def test_text_stays_within_eighty_columns(name):
    for line in str(PRINTED[name]()).splitlines():
        assert len(line) <= 80
        assert line == line.rstrip()


@pytest.mark.parametrize("name", ["anova_machines", "test_sleep"])
def test_html(name):
    compare(APPROVED / "hypotheses" / f"{name}.html", PRINTED[name]().to_html() + "\n")
