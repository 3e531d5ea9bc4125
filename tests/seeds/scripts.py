"""Scripts of our own that make every statsmodels call of the teaching texts, for either package."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd


def course(smf: ModuleType, sm: ModuleType, data: pd.DataFrame) -> dict[str, Any]:
    """The data-science course on the sleep study: least squares with a constant, one random intercept."""
    X = sm.add_constant(data["Days"])
    line = sm.OLS(data["Reaction"], X).fit()
    x = np.linspace(data["Days"].min(), data["Days"].max(), 100)
    model = smf.mixedlm("Reaction ~ Days", data, groups=data["Subject"])
    result = model.fit()
    spoken = [
        f"Subject: {subject}, Random Intercept: {effect.values[0]:.3f}"
        for subject, effect in result.random_effects.items()
    ]
    curve = line.params["const"] + line.params["Days"] * x
    return {
        "line": line.params,
        "curve": curve,
        "result": result,
        "summary": str(result.summary()),
        "spoken": spoken,
    }


def chapter(smf: ModuleType, sm: ModuleType) -> dict[str, Any]:
    """The multilevel chapter: unconditional, random intercepts, random slopes, all by BFGS, and the ICC."""
    data = sm.datasets.get_rdataset("sleepstudy", "lme4").data
    statements: list[tuple[str, dict[str, Any]]] = [
        ("Reaction ~ 1", {}),
        ("Reaction ~ Days", {}),
        ("Reaction ~ Days", {"re_formula": "~Days"}),
    ]
    fits = [
        smf.mixedlm(formula, data=data, groups=data["Subject"], **options).fit(method="bfgs")
        for formula, options in statements
    ]
    icc = fits[0].cov_re / (fits[0].cov_re + fits[0].scale)
    return {
        "fits": fits,
        "summaries": [str(fit.summary()) for fit in fits],
        "icc": round(icc.values[0, 0], 4),
    }


def bounce(smf: ModuleType, data: pd.DataFrame) -> dict[str, Any]:
    """The chapter on bounce times: random intercepts and random slopes of county, residuals, RMSE."""
    out: dict[str, Any] = {}
    for name, options in (("intercepts", {}), ("slopes", {"re_formula": "~age_scaled"})):
        md = smf.mixedlm("bounce_time ~ age_scaled", data, groups=data["county"], **options)
        mdf = md.fit()
        performance = pd.DataFrame()
        performance["residuals"] = mdf.resid.values
        performance["age_scaled"] = data.age_scaled
        performance["predicted"] = mdf.fittedvalues
        y_predict = mdf.fittedvalues
        rmse = np.sqrt(((data.bounce_time - y_predict) ** 2).values.mean())
        out[name] = {"result": mdf, "summary": str(mdf.summary()), "performance": performance, "rmse": rmse}
    return out


def athletes(smf: ModuleType, df: pd.DataFrame) -> dict[str, Any]:
    """The athletes notebook: session effect with random intercepts, arguments by keyword."""
    model = smf.mixedlm(formula="correctness ~ session_high", data=df, groups=df["athlete_id"])
    result = model.fit()
    return {"result": result, "summary": str(result.summary())}


def simulated_athletes() -> pd.DataFrame:
    """Four athletes, two sessions of 20 and 30 repeats, drawn as the notebook draws them (seed 42)."""
    rng, rows = np.random.default_rng(42), []
    for athlete in ("susan_01", "alex_02", "maya_03", "david_04"):
        baseline = rng.normal(loc=0.85, scale=0.05)
        for high, repeats in enumerate((20, 30)):
            for repeat in range(1, repeats + 1):
                correctness = np.clip(rng.normal(loc=baseline - 0.08 * high, scale=0.05), 0, 1)
                rows.append((athlete, f"session_{repeats}", high, repeat, correctness))
    return pd.DataFrame(
        rows, columns=["athlete_id", "session_label", "session_high", "repeat_id", "correctness"]
    )
