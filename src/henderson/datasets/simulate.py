"""Simulated data sets with known truth: crossed, nested, subjects × items with full random slopes, athletes.

Each function returns the data and a `Truth`, and draws everything from one seeded generator.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from ..errors import OptionError
from .truth import Truth, check_counts, covariance_of, draw_effects, labels

if TYPE_CHECKING:
    import pandas as pd


def _factor(codes: np.ndarray, levels: list[str]) -> pd.Categorical:
    import pandas as pd

    return pd.Categorical.from_codes(codes, categories=levels)


def simulate_crossed(
    subjects: int = 30,
    items: int = 20,
    *,
    beta: tuple[float, float] = (10.0, 2.0),
    sd_subject: float = 2.0,
    sd_item: float = 1.5,
    sigma: float = 1.0,
    share: float = 1.0,
    seed: int | None = None,
) -> tuple[pd.DataFrame, Truth]:
    """Simulate two crossed factors, y = β₀ + β₁ x + subject + item + ε.

    Parameters
    ----------
    subjects, items : int
        Levels of the two factors.
    beta : tuple of 2 floats
        Intercept, and slope of the standard normal covariate x.
    sd_subject, sd_item, sigma : float
        Standard deviations of the two random intercepts and of the residual.
    share : float
        Share of the subject × item cells that are observed, in (0, 1]; below 1 the factors are partially
        crossed.
    seed : int, optional
        Seed of the generator; the same seed gives the same data.

    Returns
    -------
    data : pandas.DataFrame
        Columns y, x, subject, item; about ``share * subjects * items`` rows.
    truth : Truth
        Formula, fixed effects, covariances and drawn effects.

    Raises
    ------
    OptionError
        If a count is below 1, a standard deviation is negative or `share` is outside (0, 1].

    Examples
    --------
    >>> from henderson import datasets
    >>> data, truth = datasets.simulate_crossed(subjects=5, items=4, seed=1)
    >>> data.shape, truth.formula
    ((20, 4), 'y ~ x + (1 | subject) + (1 | item)')
    """
    import pandas as pd

    check_counts(subjects=subjects, items=items)
    if not 0 < share <= 1:
        raise OptionError(f"share={share} must be above 0 and at most 1.")
    rng = np.random.default_rng(seed)
    covariance = {"subject": covariance_of((sd_subject,), 0), "item": covariance_of((sd_item,), 0)}
    ranef = {
        "subject": draw_effects(rng, covariance["subject"], subjects),
        "item": draw_effects(rng, covariance["item"], items),
    }
    cells = np.flatnonzero(rng.random(subjects * items) < share) if share < 1 else np.arange(subjects * items)
    subject, item = np.divmod(cells, items)
    x = rng.standard_normal(len(cells))
    mean = beta[0] + beta[1] * x + ranef["subject"][subject, 0] + ranef["item"][item, 0]
    y = mean + sigma * rng.standard_normal(len(cells))
    data = pd.DataFrame(
        {
            "y": y,
            "x": x,
            "subject": _factor(subject, labels("s", subjects)),
            "item": _factor(item, labels("i", items)),
        }
    )
    formula = "y ~ x + (1 | subject) + (1 | item)"
    return data, Truth(formula, {"(Intercept)": beta[0], "x": beta[1]}, sigma, covariance, ranef)


def simulate_nested(
    schools: int = 20,
    classrooms: int = 4,
    pupils: int = 10,
    *,
    beta: tuple[float, float] = (50.0, 3.0),
    sd_school: float = 4.0,
    sd_classroom: float = 2.0,
    sigma: float = 5.0,
    seed: int | None = None,
) -> tuple[pd.DataFrame, Truth]:
    """Simulate classrooms nested in schools, y = β₀ + β₁ x + school + classroom + ε.

    Classroom labels repeat between schools, as they do in real tables, so that the model must say
    ``school/classroom``.

    Parameters
    ----------
    schools, classrooms, pupils : int
        Schools, classrooms in each school, pupils in each classroom.
    beta : tuple of 2 floats
        Intercept, and slope of the standard normal covariate x.
    sd_school, sd_classroom, sigma : float
        Standard deviations of the two random intercepts and of the residual.
    seed : int, optional
        Seed of the generator.

    Returns
    -------
    data : pandas.DataFrame
        Columns y, x, school, classroom; ``schools * classrooms * pupils`` rows.
    truth : Truth
        Formula, fixed effects, covariances and drawn effects; the effects of ``classroom:school`` run through
        the classrooms of the first school, then of the second.

    Raises
    ------
    OptionError
        If a count is below 1 or a standard deviation is negative.

    Examples
    --------
    >>> from henderson import datasets
    >>> data, truth = datasets.simulate_nested(schools=3, classrooms=2, pupils=4, seed=1)
    >>> data.shape, truth.ranef["classroom:school"].shape
    ((24, 4), (6, 1))
    """
    import pandas as pd

    check_counts(schools=schools, classrooms=classrooms, pupils=pupils)
    rng = np.random.default_rng(seed)
    covariance = {
        "classroom:school": covariance_of((sd_classroom,), 0),
        "school": covariance_of((sd_school,), 0),
    }
    ranef = {
        "classroom:school": draw_effects(rng, covariance["classroom:school"], schools * classrooms),
        "school": draw_effects(rng, covariance["school"], schools),
    }
    room = np.repeat(np.arange(schools * classrooms), pupils)
    school, classroom = np.divmod(room, classrooms)
    x = rng.standard_normal(len(room))
    mean = beta[0] + beta[1] * x + ranef["school"][school, 0] + ranef["classroom:school"][room, 0]
    y = mean + sigma * rng.standard_normal(len(room))
    data = pd.DataFrame(
        {
            "y": y,
            "x": x,
            "school": _factor(school, labels("s", schools)),
            "classroom": _factor(classroom, labels("c", classrooms)),
        }
    )
    formula = "y ~ x + (1 | school/classroom)"
    return data, Truth(formula, {"(Intercept)": beta[0], "x": beta[1]}, sigma, covariance, ranef)


def simulate_psycholinguistic(
    subjects: int = 60,
    items: int = 40,
    *,
    beta: tuple[float, float, float, float] = (600.0, 40.0, -25.0, 15.0),
    sd_subject: tuple[float, float, float, float] = (80.0, 25.0, 20.0, 30.0),
    sd_item: tuple[float, float, float, float] = (40.0, 15.0, 12.0, 20.0),
    correlation: float = 0.2,
    sigma: float = 120.0,
    latin_square: bool = False,
    seed: int | None = None,
) -> tuple[pd.DataFrame, Truth]:
    """Simulate a 2 × 2 reading experiment with maximal random effects for subjects and items.

    The two conditions A and B are coded ±0.5, so that the intercept is the grand mean and the slopes are
    differences between conditions. With full random slopes the model has 20 covariance parameters.

    Parameters
    ----------
    subjects, items : int
        Levels of the two crossed factors.
    beta : tuple of 4 floats
        Grand mean (ms) and effects of A, B and A:B.
    sd_subject, sd_item : tuple of 4 floats
        Standard deviations of the random intercept and of the slopes of A, B and A:B.
    correlation : float
        Common correlation of the random effects of one factor.
    sigma : float
        Residual standard deviation (ms).
    latin_square : bool
        If true each subject reads each item in one of the four conditions only, in rotation.
    seed : int, optional
        Seed of the generator.

    Returns
    -------
    data : pandas.DataFrame
        Columns rt, A, B, subject, item; ``4 * subjects * items`` rows, a quarter of them with `latin_square`.
    truth : Truth
        Formula, fixed effects, covariances and drawn effects.

    Raises
    ------
    OptionError
        If a count is below 1, or standard deviations and correlation do not make a covariance matrix.

    Examples
    --------
    >>> from henderson import datasets
    >>> data, truth = datasets.simulate_psycholinguistic(subjects=8, items=4, seed=1)
    >>> data.shape, truth.formula
    ((128, 5), 'rt ~ A * B + (A * B | subject) + (A * B | item)')
    """
    import pandas as pd

    check_counts(subjects=subjects, items=items)
    rng = np.random.default_rng(seed)
    covariance = {
        "subject": covariance_of(sd_subject, correlation),
        "item": covariance_of(sd_item, correlation),
    }
    ranef = {
        "subject": draw_effects(rng, covariance["subject"], subjects),
        "item": draw_effects(rng, covariance["item"], items),
    }
    subject, item, condition = (grid.ravel() for grid in np.indices((subjects, items, 4)))
    if latin_square:
        seen = (subject + item) % 4 == condition
        subject, item, condition = subject[seen], item[seen], condition[seen]
    a, b = condition // 2 - 0.5, condition % 2 - 0.5
    design = np.column_stack([np.ones(len(a)), a, b, a * b])
    effects = np.asarray(beta) + ranef["subject"][subject] + ranef["item"][item]
    rt = (design * effects).sum(axis=1) + sigma * rng.standard_normal(len(a))
    data = pd.DataFrame(
        {
            "rt": rt,
            "A": a,
            "B": b,
            "subject": _factor(subject, labels("s", subjects)),
            "item": _factor(item, labels("i", items)),
        }
    )
    formula = "rt ~ A * B + (A * B | subject) + (A * B | item)"
    fixed = dict(zip(("(Intercept)", "A", "B", "A:B"), beta, strict=True))
    return data, Truth(formula, fixed, sigma, covariance, ranef)


def simulate_athletes(
    athletes: int = 4,
    repeats: tuple[int, int] = (20, 30),
    *,
    baseline: float = 0.85,
    change: float = -0.08,
    sd_athlete: float = 0.05,
    sigma: float = 0.05,
    seed: int | None = None,
) -> tuple[pd.DataFrame, Truth]:
    """Simulate athletes who do worse in the longer of two sessions, score = β₀ + β₁ high + athlete + ε.

    Scores are clipped to [0, 1]. Draws are taken athlete by athlete, first the baseline and then the repeats
    of the short and of the long session, so that a hand-written loop in that order gives the same numbers.

    Parameters
    ----------
    athletes : int
        Number of athletes.
    repeats : tuple of 2 ints
        Repeats in the short and in the long session.
    baseline, change : float
        Mean correctness in the short session, and the change in the long one.
    sd_athlete, sigma : float
        Standard deviations between athletes and between repeats.
    seed : int, optional
        Seed of the generator.

    Returns
    -------
    data : pandas.DataFrame
        Columns correctness, session_high (0 or 1), session, repeat, athlete; ``athletes * sum(repeats)``
        rows.
    truth : Truth
        Formula, fixed effects, covariance and drawn effects (before clipping).

    Raises
    ------
    OptionError
        If a count is below 1 or a standard deviation is negative.

    Examples
    --------
    >>> from henderson import datasets
    >>> data, truth = datasets.simulate_athletes(seed=42)
    >>> data.shape
    (200, 5)
    >>> data.groupby("session", observed=True)["correctness"].mean().round(3).to_dict()
    {'short': 0.846, 'long': 0.773}
    """
    import pandas as pd

    check_counts(athletes=athletes, short=repeats[0], long=repeats[1])
    covariance = covariance_of((sd_athlete,), 0)
    rng = np.random.default_rng(seed)
    effects, scores = np.empty((athletes, 1)), []
    for athlete in range(athletes):
        effects[athlete, 0] = rng.normal(0.0, sd_athlete)
        for high, count in enumerate(repeats):
            scores.append(rng.normal(baseline + effects[athlete, 0] + change * high, sigma, count))
    blocks = list(itertools.product(range(athletes), (0, 1)))
    counts = [repeats[high] for _, high in blocks]
    athlete_codes, high = np.repeat(np.array(blocks), counts, axis=0).T
    data = pd.DataFrame(
        {
            "correctness": np.clip(np.concatenate(scores), 0.0, 1.0),
            "session_high": high,
            "session": _factor(high, ["short", "long"]),
            "repeat": np.concatenate([np.arange(1, count + 1) for count in counts]),
            "athlete": _factor(athlete_codes, labels("athlete", athletes)),
        }
    )
    fixed = {"(Intercept)": baseline, "session_high": change}
    formula = "correctness ~ session_high + (1 | athlete)"
    return data, Truth(formula, fixed, sigma, {"athlete": covariance}, {"athlete": effects})
