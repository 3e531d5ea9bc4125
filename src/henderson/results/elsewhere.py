"""Names that other packages use, answered with ours."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

# statsmodels, lme4, nlme, MixedModels.jl and scikit-learn, as far as one answer is right.
ATTRIBUTES = {
    **dict.fromkeys(("pvalues", "pvalue", "p_values"), "Write fit.coeftable(), column p_value."),
    "tvalues": "Write fit.coeftable(), column statistic.",
    **dict.fromkeys(("wald_test", "t_test", "f_test", "contest", "glht"), "Write fit.test('Days = 10')."),
    **dict.fromkeys(("compare_lr_test", "lrt", "lr_test", "PBmodcomp"), "Write hd.lrt(smaller, larger)."),
    **dict.fromkeys(("lmList", "pooling"), "Write hd.pooling(fit)."),
    **dict.fromkeys(("KRmodcomp", "SATmodcomp", "ftest"), "Write hd.ftest(smaller, larger)."),
    **dict.fromkeys(("simulateResiduals", "dharma"), "Write fit.simulate_residuals()."),
    **dict.fromkeys(("Anova", "anova_table", "aov"), "Write fit.anova()."),
    **dict.fromkeys(("vcovAdj", "vcov_adj"), "Write fit.vcov_adjusted()."),
    **dict.fromkeys(("lsmeans", "marginal_means", "emm"), "Write fit.emmeans('factor')."),
    **dict.fromkeys(("slopes", "simple_slopes"), "Write fit.emtrends('factor', var='x')."),
    **dict.fromkeys(("bootMer", "boot"), "Write fit.bootstrap(1000, seed=1)."),
    **dict.fromkeys(("profile_re", "profile_likelihood"), "Write fit.profile()."),
    **dict.fromkeys(("rsquared", "r_squared", "r2_nakagawa", "rsquared_adj"), "Write fit.r2()."),
    **dict.fromkeys(("exactRLRT", "exact_rlrt"), "Write fit.rlrt()."),
    **dict.fromkeys(("get_influence", "cooks"), "Write fit.influence('group') or fit.cooks_distance()."),
    **dict.fromkeys(("rePCA", "pca"), "Write fit.rpca()."),
    **dict.fromkeys(("cAIC", "conditional_aic"), "Write fit.caic()."),
    **dict.fromkeys(("powerSim", "powerCurve", "power"), "Write hd.power(fit)."),
    **dict.fromkeys(("check_model", "diagnostics", "check"), "Write fit.diagnose()."),
    **dict.fromkeys(("params", "fe_params", "fixed_effects", "coef_"), "Write fit.fixef."),
    **dict.fromkeys(("bse", "bse_fe", "std_errors", "stderror"), "Write fit.se."),
    "conf_int": "Write fit.confint().",
    "cov_params": "Write fit.vcov.",
    **dict.fromkeys(("cov_re", "VarCorr", "vcomp"), "Write fit.varcorr."),
    "scale": "Write fit.sigma ** 2.",
    **dict.fromkeys(
        ("save", "to_json", "to_pickle", "dump"),
        "Write json.dump(fit.to_dict(), file); henderson.LinearMixedFit.from_dict reads it.",
    ),
    "random_effects": "Write fit.ranef.",
    "random_effects_cov": "Write fit.ranef['group'].cov.",
    **dict.fromkeys(("llf", "logLik", "loglikelihood"), "Write fit.loglik."),
    "AIC": "Write fit.aic.",
    "BIC": "Write fit.bic.",
    **dict.fromkeys(("resid", "resids"), "Write fit.residuals()."),
    **dict.fromkeys(("fittedvalues", "fitted_values"), "Write fit.fitted."),
    "hatvalues": "Write fit.hat_values().",
    "df_resid": "Write fit.df_residual.",
    "isSingular": "Write fit.is_singular.",
    "getME": "Write fit.theta, fit.beta, fit.design.X and so on.",
}

OPTIONS = {
    "lmm": {
        "groups": "Grouping factors stand in the formula: y ~ x + (1 | Subject).",
        "re_formula": "Random slopes stand in the formula: y ~ Days + (Days | g).",
        "vc_formula": "Variance components stand in the formula: (1 | a) + (1 | b), or (x || g).",
        "random": "Random effects stand in the formula: y ~ x + (1 | g).",
        "family": "It fits linear mixed models only: a normal response.",
        "control": "What can be set of the search are max_evaluations=, tol= and start=.",
        "method": "Choose reml=True or reml=False.",
        "subset": "Select rows first: lmm(formula, data[rows]).",
    },
    "fit": {"method": "Choose reml=True or reml=False."},
}
"""Options by the function that does not have them."""

OUR_OPTIONS = {
    **dict.fromkeys(("nsim", "n_sim", "n", "n_boot", "nboot", "R", "B", "reps"), ("n", "n_sim")),
    **dict.fromkeys(("parm", "which", "terms", "term", "parameters", "params"), ("parm", "which", "terms")),
    **dict.fromkeys(("random_state", "rng"), ("seed",)),
    **dict.fromkeys(("conf_level", "confidence", "coverage"), ("level",)),
    **dict.fromkeys(("null", "rhs", "value", "q_matrix"), ("values",)),
    **dict.fromkeys(("ref", "base", "control"), ("reference",)),
    **dict.fromkeys(("ncpus", "workers", "parallel"), ("n_jobs",)),
    **dict.fromkeys(("df", "df_method", "lmer_df", "mode"), ("ddf",)),
}
"""Names of options elsewhere, with ours of the same meaning; the first that a function has is the answer."""


def foreign_option(name: str, known: Collection[str]) -> str | None:
    """Return what to write instead of an option that other packages have, None where nothing is known.

    Parameters
    ----------
    name : str
        As typed.
    known : collection of str
        Options that the function has.

    Examples
    --------
    >>> foreign_option("random_state", {"n", "seed"})
    'Write seed=.'
    >>> foreign_option("alpha", {"level"})
    'Write level=, which is 1 - alpha.'
    """
    if name == "alpha" and "level" in known:
        return "Write level=, which is 1 - alpha."
    ours = next((option for option in OUR_OPTIONS.get(name, ()) if option in known), None)
    return f"Write {ours}=." if ours else None


TABLES = {
    **dict.fromkeys(("cld", "CLD", "compact_letters"), "letters"),
    **dict.fromkeys(("frame", "df", "to_pandas", "to_polars", "table", "summary_frame"), "to_frame"),
}
"""Methods of tables elsewhere, with ours."""


def missing_in_table(name: str, kind: str, known: Iterable[str], columns: Iterable[str]) -> str:
    """Return what to say of an attribute that a table of results does not have.

    Parameters
    ----------
    name : str
        As typed.
    kind : str
        Class of the table.
    known : iterable of str
        Attributes that it has.
    columns : iterable of str
        Its columns.

    Examples
    --------
    >>> missing_in_table("p_value", "Anova", ["to_frame"], ["term", "p_value"])
    "'Anova' has no attribute 'p_value'. It is a column: write ['p_value']."
    """
    text, methods = f"{kind!r} has no attribute {name!r}.", [k for k in known if not k.startswith("_")]
    if name in set(columns):
        return f"{text} It is a column: write [{name!r}]."
    near = [TABLES[name]] if TABLES.get(name) in methods else difflib.get_close_matches(name, methods, 1)
    return f"{text} Did you mean .{near[0]}?" if near else f"{text} It has {', '.join(sorted(methods))}."


def missing_attribute(name: str, known: Iterable[str]) -> str:
    """Return what to say of an attribute that a fit does not have.

    Parameters
    ----------
    name : str
        As typed.
    known : iterable of str
        Attributes that a fit has.
    """
    text = f"A fit has no attribute {name!r}."
    if name in ATTRIBUTES:
        return f"{text} {ATTRIBUTES[name]}"
    near = difflib.get_close_matches(name.lower(), [k for k in known if not k.startswith("_")], 1)
    return f"{text} Did you mean fit.{near[0]}?" if near else f"{text} dir(fit) lists what it has."
