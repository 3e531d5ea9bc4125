"""Every number and direction that an explanation prints, read back from its text and computed anew.

Thirty random models: fixed effects by dense generalised least squares, limits and tests by SciPy, shares of
variance and ranges of groups by their definitions. A sentence that this reader does not know is an error.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import henderson as hd

NUMBER = r"(−?\d+(?:\.\d+)?(?:e[-+]\d+)?)"


def value(text: str) -> float:
    return float(text.replace("−", "-"))


def prints(text: str, x: float) -> bool:
    """Whether `text` is x, rounded to the decimals that it has."""
    if "e" in text:
        return abs(value(text) - x) <= 0.006 * abs(x)
    decimals = len(text.partition(".")[2])
    return abs(value(text) - x) <= 0.5000001 * 10.0**-decimals + 1e-12


def data(rng: np.random.Generator) -> pd.DataFrame:
    m = int(rng.integers(4, 20))
    g = rng.integers(0, m, size=m * int(rng.integers(3, 9)))
    g[:m] = np.arange(m)
    n, f = len(g), rng.choice(list("abc")[: int(rng.integers(2, 4))], size=len(g))
    x, z = rng.normal(size=n) * rng.choice([1, 10]) + rng.choice([0, 5]), rng.normal(size=n)
    y = 10 + rng.choice([0, 0.05, 0.5, 1.5]) * x + rng.choice([0, 0.5, 2]) * rng.normal(size=m)[g]
    y += rng.choice([0, 0.3, 1]) * rng.normal(size=m)[g] * x / x.std() + (f == "b") * rng.choice([0, 1.0])
    y = (y + rng.normal(size=n)) * rng.choice([0.01, 1, 1000])
    ratio = np.exp((y - y.mean()) / y.std() / 3)
    frame = {"y": y, "ratio": ratio, "x": x, "z": z, "f": f, "g": [f"g{i}" for i in g]}
    return pd.DataFrame(frame | {"w": rng.uniform(0.5, 3, size=n), "o": rng.normal(size=n) * y.std() / 5})


class Truth:
    """One random model, and its numbers by dense algebra."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        frame = data(rng)
        self.response = str(rng.choice(["y", "y", "log(ratio)", "log10(ratio)", "sqrt(ratio)"]))
        fixed = str(rng.choice(["x", "x + z", "x*z", "x + f", "x*f", "f"]))
        self.random = str(rng.choice(["(1|g)", "(x|g)", "(x||g)", "(0+x|g)"])) if "x" in fixed else "(1|g)"
        self.options = {"reml": bool(rng.random() < 0.75)}
        self.options |= {"weights": "w"} if rng.random() < 0.2 else {}
        self.options |= {"offset": "o"} if rng.random() < 0.2 else {}
        self.level, self.ddf = (
            float(rng.choice([0.9, 0.95, 0.99])),
            str(rng.choice(["satterthwaite", "none"])),
        )
        fit = self.fit = hd.lmm(f"{self.response} ~ {fixed} + {self.random}", frame, **self.options)
        self.names, design = list(fit.design.x_names), fit.design
        weights = np.ones(design.n) if design.weights is None else design.weights
        y = design.y - (0.0 if design.offset is None else design.offset)
        V, between, self.sd = np.diag(1 / weights), 0.0, {}
        same = np.equal.outer(design.groupings[0].codes, design.groupings[0].codes)
        for term, root in zip(design.terms, fit.estimate.lambdas, strict=True):
            Z = np.column_stack(term.columns)
            S = Z @ root @ root.T @ Z.T
            V, between = V + same * S, between + fit.sigma**2 * np.trace(S) / design.n
            self.sd |= dict(zip(term.names, fit.sigma * np.sqrt((root**2).sum(axis=1)), strict=True))
            self.correlation = (root @ root.T)[0, -1] / np.sqrt(np.prod(np.diag(root @ root.T)))
        X, W = design.X, np.linalg.inv(V)
        C = np.linalg.inv(X.T @ W @ X)
        self.beta, self.cov = C @ X.T @ W @ y, fit.sigma**2 * C
        self.icc = between / (between + fit.sigma**2)
        mean = np.var(X @ self.beta, ddof=1)
        total = mean + between + fit.sigma**2
        self.shares = mean / total, (mean + between) / total
        self.df = dict(zip(self.names, fit.summary(self.level, self.ddf).record.coefficients.df, strict=True))
        self.multiplies = self.response.startswith("log") and design.offset is None

    def of(self, name: str) -> tuple[float, float, float, float, float]:
        """Estimate, limits, statistic and p-value of a coefficient."""
        j = self.names.index(name)
        b, se = self.beta[j], np.sqrt(self.cov[j, j])
        law = stats.norm() if self.ddf == "none" else stats.t(self.df[name])
        half = law.ppf(0.5 + self.level / 2) * se
        return b, b - half, b + half, b / se, 2 * law.sf(abs(b / se))

    def shown(self, x: float) -> float:
        """The number on the scale of the sentences."""
        if not self.multiplies:
            return x
        return float(np.exp(x) if self.response.startswith("log(") else 10.0**x)


def coefficient(text: str) -> str:
    """The coefficient that a sentence speaks of."""
    if text.startswith(("The mean", "The typical")):
        return "(Intercept)"
    interaction = "per unit of x" in text or "factor that goes with x" in text
    level = re.search(r"where f is (\w) (?:than|against) where it is a", text)
    if level:
        return f"x:f{level[1]}" if interaction else f"f{level[1]}"
    if interaction:
        return "x:z"
    found = re.search(r"[Ww]ith (\w) one unit greater|(?:rises or falls) with (\w)", text)
    assert found, text
    return str(found[1] or found[2])


def check_effect(text: str, truth: Truth) -> None:
    name = coefficient(text)
    estimate, low, high, statistic, p = truth.of(name)
    found = re.search(rf"\((\d+) % interval(?: of the \w+)? {NUMBER} to {NUMBER}", text)
    assert found and float(found[1]) == pytest.approx(100 * truth.level)
    assert prints(found[2], truth.shown(low))
    assert prints(found[3], truth.shown(high))
    if name == "(Intercept)":
        assert prints(re.search(rf" is {NUMBER} \(", text)[1], truth.shown(estimate))
        return
    assert prints(re.search(rf"[tz] = {NUMBER}", text)[1], statistic)
    p_value = re.search(r"p (=|<) ([\d.]+)", text)
    assert p < 0.001 if p_value[1] == "<" else prints(p_value[2], p)
    clear = low > 0 or high < 0
    assert clear != ("do not settle" in text)
    if not clear:
        size = re.search(rf"(?:change is|difference is|factor of) {NUMBER}", text)[1]
        assert prints(size, truth.shown(estimate))
    elif truth.multiplies:
        assert prints(re.search(rf"multiplied by {NUMBER}", text)[1], truth.shown(estimate))
        change = re.search(rf"{NUMBER} % (higher|lower)", text)
        if ":" not in name:
            assert prints(change[1], 100 * abs(truth.shown(estimate) - 1))
            assert (change[2] == "higher") == (estimate > 0)
    else:
        size, way = re.search(rf"{NUMBER} (higher|lower)", text).groups()
        assert prints(size, abs(estimate))
        assert (way == "higher") == (estimate > 0)


def check_together(text: str, truth: Truth) -> None:
    count, term = re.search(r"The (\d) coefficients of ([\w:]+),", text).groups()
    at = [j for j, name in enumerate(truth.names) if re.fullmatch(f"{term}[bc]", name)]
    assert len(at) == int(count)
    wald = truth.beta[at] @ np.linalg.solve(truth.cov[np.ix_(at, at)], truth.beta[at])
    statistic, p = re.search(rf"(?:F|chi-square) = {NUMBER} on .*, p (?:=|<) ([\d.]+)", text).groups()
    assert prints(statistic, wald if truth.ddf == "none" else wald / len(at))
    assert ("differ clearly" in text) == (float(p) < 1 - truth.level or float(p) == 0.001)


def check_spread(text: str, truth: Truth) -> None:
    if text.startswith("Within"):
        assert prints(re.search(rf"deviation of {NUMBER}", text)[1], truth.fit.sigma)
        return
    if "correlat" in text:
        printed = re.search(rf"(?:\((?:correlation )?|correlation is ){NUMBER}", text)[1]
        assert prints(printed, truth.correlation)
        limits = re.search(rf"interval {NUMBER} to {NUMBER}\)", text)
        clear = limits is not None and value(limits[1]) * value(limits[2]) > 0
        assert ("do not settle" in text) == (limits is not None and not clear)
        if "tends to be" in text:
            assert clear
            assert ("tends to be higher" in text) == (truth.correlation > 0)
        return
    name = "x" if re.search(r"(change|coefficient) of .*x|goes with x", text) else "(Intercept)"
    if "finds no variation" in text:
        assert truth.sd[name] < 1e-3 * truth.fit.sigma
        return
    sd = truth.sd[name]
    printed = re.search(rf"deviation of {NUMBER}", text)
    assert prints(printed[1], sd)
    limits = re.search(rf"approximate (\d+) % interval {NUMBER} to {NUMBER}\)", text)
    if limits:  # log sd is taken as normal: the limits are as far from sd, as ratios
        assert float(limits[1]) == pytest.approx(100 * truth.level)
        assert value(limits[2]) * value(limits[3]) == pytest.approx(sd**2, rel=0.1)
    estimate, low, high, _, _ = truth.of(name)
    ends = re.search(rf"lie between (?:factors of )?{NUMBER} and {NUMBER}", text)
    for printed, z in zip(ends.groups(), (-1, 1), strict=True):
        assert prints(printed, truth.shown(estimate + z * stats.norm.ppf(0.975) * sd))
    if name == "x":
        other = 100 * stats.norm.cdf(-abs(estimate) / sd)
        share = re.search(rf"and {NUMBER} % go the other way", text)
        assert ("is itself open" in text) == (not (low > 0 or high < 0))
        assert prints(share[1], other) if share else "open" in text or other < 0.1
    else:
        assert "other way" not in text


def check_explained(text: str, truth: Truth) -> None:
    percents = re.findall(r"([\d.]+) %", text)
    assert ("less its offset" in text) == (
        "offset" in truth.options and "the fixed effects leave" not in text
    )
    if "marginal" in text:
        assert prints(percents[0], 100 * truth.shares[0]) or "less than" in text
        assert prints(percents[1], 100 * truth.shares[1])
    elif "none lies" in text:
        assert truth.icc < 1e-8
    else:
        assert prints(percents[0], 100 * truth.icc) or "less than" in text
        assert ("correlate by" in text) == (truth.random == "(1|g)" and "weights" not in truth.options)


def check_limit(text: str, truth: Truth) -> None:
    if text.startswith("The interval"):
        listed = re.search(r"intervals? of (.*) includes? zero", text)[1].replace(" and ", ", ").split(", ")
        limits = {name: truth.of(name)[1:3] for name in truth.names if name != "(Intercept)"}
        assert listed == [name for name, (low, high) in limits.items() if low <= 0 <= high]
    elif "of the variance of" in text:
        share, name = re.match(r"([\d.]+) % of the variance of (\w+) lies", text).groups()
        x = pd.Series(truth.fit.design.X[:, truth.names.index("fb" if name == "f" else name)])
        means = x.groupby(truth.fit.design.groupings[0].codes).transform("mean")
        assert prints(share, 100 * ((means - x.mean()) ** 2).sum() / ((x - x.mean()) ** 2).sum())
    elif text.startswith("The data have"):
        for name, low, high in re.findall(rf"(\w+) from {NUMBER} to {NUMBER}", text):
            x = truth.fit.design.X[:, truth.names.index(name)]
            np.testing.assert_allclose([value(low), value(high)], [x.min(), x.max()], rtol=6e-4)
    else:
        known = (
            "own uncertainty",
            "levels only",
            "z tests take",
            "degrees of freedom only",
            "takes the fixed effects as known",
        )
        assert any(words in text for words in known), text


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(30))
def test_every_number_of_every_sentence(seed):
    truth = Truth(seed)
    for sentence in truth.fit.explain(level=truth.level, ddf=truth.ddf).sentences:
        text = sentence.text
        if sentence.topic == "Fixed effects" and not text.startswith(("The model", "Each effect")):
            (check_together if "taken together" in text else check_effect)(text, truth)
        elif sentence.topic == "Differences between groups":
            check_spread(text, truth)
        elif sentence.topic == "How much is explained":
            check_explained(text, truth)
        elif sentence.topic == "What this does not show":
            check_limit(text, truth)
