"""Pictures of a fit: what they show, and where they go."""

from __future__ import annotations

import inspect

import matplotlib as mpl
import numpy as np
import pytest

import henderson as hd
from henderson.errors import OptionError
from henderson.plot.canvas import BLUE, INK, ORANGE
from henderson.results.pictures import NAMES, Pictures

mpl.use("Agg")
import matplotlib.pyplot as plt

close = np.testing.assert_allclose


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def sleep():
    return hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))


@pytest.fixture(scope="module")
def teeth():
    return hd.lmm("distance ~ age * Sex + (age | Subject)", hd.datasets.load("orthodont"))


@pytest.fixture(scope="module")
def machines():
    return hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines"))


@pytest.fixture(scope="module")
def penicillin():
    return hd.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", hd.datasets.load("penicillin"))


def texts(labels):
    return [label.get_text() for label in labels]


# -- fixed effects -------------------------------------------------------------------------------------------


def test_a_forest_shows_estimates_and_intervals(teeth):
    ax = teeth.plot.forest(level=0.9, ddf="kenward-roger")
    table = teeth.coeftable(level=0.9, ddf="kenward-roger").set_index("term")
    assert texts(ax.get_yticklabels()) == ["age", "SexFemale", "age:SexFemale"]
    points = np.hstack([line.get_data() for line in ax.get_lines() if line.get_marker() == "o"])
    order = np.argsort(points[1])
    close(points[0][order], table["estimate"].iloc[1:])
    segments = np.vstack([s for lines in ax.collections for s in lines.get_segments()])
    ends = segments[np.lexsort((segments[:, 0], segments[:, 1]))][:, 0].reshape(-1, 2)
    close(ends, table[["conf_low", "conf_high"]].iloc[1:])


def test_a_standardised_forest_is_free_of_units(teeth):
    data = hd.datasets.load("orthodont").assign(age=lambda d: 12 * d["age"])
    months = hd.lmm("distance ~ age + (1 | Subject)", data)
    years = hd.lmm("distance ~ age + (1 | Subject)", hd.datasets.load("orthodont"))
    drawn = [fit.plot.forest(standardised=True).get_lines()[-1].get_xdata() for fit in (months, years)]
    close(drawn[0], drawn[1], rtol=1e-6)


def test_an_effect_curve_is_the_population_with_its_band(teeth):
    ax = teeth.plot.effect("age", by="Sex", level=0.9)
    curves = [line for line in ax.get_lines() if len(line.get_xdata()) == 101]
    bands = [c for c in ax.collections if isinstance(c, mpl.collections.PolyCollection)]
    for curve, band, sex in zip(curves, bands, ["Male", "Female"], strict=True):
        new = {"age": curve.get_xdata(), "Sex": [sex] * 101}
        found = teeth.predict(new, groups=None, interval="confidence", level=0.9)
        close(curve.get_ydata(), found["estimate"])
        heights = band.get_paths()[0].vertices[:, 1]
        close([heights.min(), heights.max()], [found["conf_low"].min(), found["conf_high"].max()])


def test_the_effect_of_a_factor_is_points_with_bars(machines):
    ax = machines.plot.effect()
    assert texts(ax.get_xticklabels()) == ["A", "B", "C"]
    points = next(line for line in ax.get_lines() if line.get_marker() == "o")
    close(points.get_ydata(), machines.beta[0] + np.r_[0, machines.beta[1:]])


def test_lines_by_a_number_are_at_its_quartiles(teeth):
    ax = teeth.plot.effect("Sex", by="age", data=False)
    assert texts(ax.get_legend().get_texts()) == ["age = 9.5", "age = 11", "age = 12.5"]


def test_an_offset_without_a_column_is_held_at_its_median():
    known = np.linspace(0, 9, 180)
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"), offset=known)
    curve = next(line for line in fit.plot.effect().get_lines() if len(line.get_xdata()) == 101)
    close(curve.get_ydata()[0], fit.beta[0] + 4.5)


# -- random effects ------------------------------------------------------------------------------------------


def test_a_distribution_has_the_density_of_the_model(sleep):
    ax = sleep.plot.ranef_distribution(effect="Days")
    curve = next(line for line in ax.get_lines() if len(line.get_xdata()) == 201)
    sd = sleep.varcorr["Subject"].sd[1]
    close(curve.get_ydata().max(), 1 / (sd * np.sqrt(2 * np.pi)))
    rug = next(line for line in ax.get_lines() if line.get_marker() == "|")
    close(rug.get_xdata(), sleep.ranef["Subject"].values[:, 1])
    assert sum(bar.get_width() * bar.get_height() for bar in ax.patches) == pytest.approx(1)


def test_a_singular_effect_has_no_density():
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff2"))
    assert "model, sd 0" in texts(fit.plot.ranef_distribution().get_legend().get_texts())


def test_a_correlation_shows_modes_and_the_model(teeth):
    ax = teeth.plot.ranef_correlation()
    points = next(line for line in ax.get_lines() if line.get_marker() == "o")
    close(np.column_stack(points.get_data()), teeth.ranef["Subject"].values)
    corr = teeth.varcorr["Subject"].corr[0, 1]
    assert ax.get_title(loc="left").endswith(f"correlation {corr:.2f}".replace("-", "−"))


def test_one_effect_has_no_correlation(penicillin):
    with pytest.raises(OptionError, match="one effect only"):
        penicillin.plot.ranef_correlation()


def test_shrinkage_is_that_of_the_comparison(sleep):
    ax = sleep.plot.shrinkage()
    pooled = next(line for line in ax.get_lines() if line.get_label() == "partial pooling")
    close(np.column_stack(pooled.get_data()), sleep.coef["Subject"].values)


# -- residuals -----------------------------------------------------------------------------------------------


def test_scale_and_location(sleep):
    ax = sleep.plot.scale_location()
    points = next(line for line in ax.get_lines() if len(line.get_xdata()) == 180)
    close(points.get_ydata(), np.sqrt(np.abs(sleep.residuals("scaled"))))
    level = ax.get_lines()[0].get_ydata()[0]
    z = np.random.default_rng(1).normal(size=400_000)
    assert level == pytest.approx(np.mean(np.sqrt(np.abs(z))), abs=2e-3)


def test_residuals_by_group_show_medians_in_order_of_spread(sleep):
    ax = sleep.plot.residuals_by()
    scaled, subject = sleep.residuals("scaled"), hd.datasets.load("sleepstudy")["Subject"].to_numpy()
    medians = next(line for line in ax.get_lines() if line.get_color() == ORANGE)
    names = texts(ax.get_yticklabels())
    close(medians.get_xdata(), [np.median(scaled[subject == name]) for name in names])
    spread = [np.subtract(*np.quantile(scaled[subject == name], [0.75, 0.25])) for name in names]
    assert spread == sorted(spread)


def test_residuals_by_a_number_and_by_a_factor(sleep, machines):
    points = next(
        line for line in sleep.plot.residuals_by("Days").get_lines() if len(line.get_xdata()) == 180
    )
    close(points.get_xdata(), hd.datasets.load("sleepstudy")["Days"])
    assert texts(machines.plot.residuals_by("Machine").get_yticklabels()) == ["C", "B", "A"]


# -- data ----------------------------------------------------------------------------------------------------


def test_a_histogram_counts_the_rows(sleep):
    ax = sleep.plot.histogram()
    assert sum(bar.get_height() for bar in ax.patches) == 180
    assert texts(ax.get_legend().get_texts()) == ["mean 298.5", "median 288.7"]


def test_spaghetti_show_every_course(sleep):
    ax = sleep.plot.spaghetti(mark=["309"])
    lines = ax.get_lines()
    assert len(lines) == 19
    data = hd.datasets.load("sleepstudy")
    marked = next(line for line in lines if line.get_label() == "309")
    close(marked.get_ydata(), data.loc[data["Subject"] == "309", "Reaction"])
    population = next(line for line in lines if line.get_color() == INK)
    close(population.get_ydata(), sleep.beta[0] + sleep.beta[1] * np.arange(10))


def test_one_subject_has_its_equations(sleep):
    ax = sleep.plot.one("309")
    slope, start = sleep.coef["Subject"].values[1, ::-1]
    assert texts(ax.get_legend().get_texts()) == [
        "alone: Reaction = 2.26 · Days + 205.05",
        f"mixed model: Reaction = {slope:.2f} · Days + {start:.2f}",
        "population: Reaction = 10.47 · Days + 251.41",
    ]
    own = next(line for line in ax.get_lines() if line.get_color() == BLUE)
    close(own.get_ydata(), start + slope * np.arange(10))


def test_a_curve_has_no_equation():
    fit = hd.lmm("Reaction ~ poly(Days, 2) + (1 | Subject)", hd.datasets.load("sleepstudy"))
    assert texts(fit.plot.one("308", "Days").get_legend().get_texts())[1:] == ["mixed model", "population"]


def test_the_design_shows_which_group_meets_which(machines, penicillin):
    ax = machines.plot.design()
    counts = ax.get_images()[0].get_array()
    assert counts.shape == (18, 6)
    assert np.nansum(counts) == 54
    assert ax.get_title(loc="left") == "18 of 108 pairs meet, 3 rows each"
    assert penicillin.plot.design().get_title(loc="left") == "All pairs meet, 1 row each"
    assert machines.plot.design("Worker", "Machine").get_xlabel() == "Machine"


def test_a_design_of_one_factor_counts_its_rows():
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
    close(fit.plot.design().get_images()[0].get_array(), np.full((6, 1), 5.0))


# -- the accessor --------------------------------------------------------------------------------------------


def test_the_accessor_lists_what_it_has(sleep):
    assert isinstance(sleep.plot, Pictures)
    own = {name for name, _ in inspect.getmembers(Pictures, inspect.isfunction) if not name.startswith("_")}
    assert own == set(NAMES)
    for name in NAMES:
        assert f".{name}()" in repr(sleep.plot)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("shrinkage", "profile")])
def test_methods_take_the_options_of_the_functions(name):
    method = list(inspect.signature(getattr(Pictures, name)).parameters.values())[1:]
    function = list(inspect.signature(getattr(hd.plot, name)).parameters.values())[1:]
    assert [(p.name, p.kind, p.default) for p in method] == [(p.name, p.kind, p.default) for p in function]


SEVERAL = ("lattice", "scaled_residuals", "dfbetas", "profile")  # take axes, in the plural, or make their own
SINGLE = [name for name in NAMES if name not in (*SEVERAL, "one")]


@pytest.mark.parametrize("name", SINGLE)
def test_given_axes_are_used_and_returned(sleep, name):
    _, ax = plt.subplots()
    assert getattr(sleep.plot, name)(ax=ax) is ax
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda fit: fit.plot.forest("days"), "'Days'"),
        (lambda fit: fit.plot.effect("Subject"), "'Days'"),
        (lambda fit: fit.plot.effect("Days", by="Sex"), "by='Sex'"),
        (lambda fit: fit.plot.ranef_correlation(effects=("Days", "Hours")), "'Days'"),
        (lambda fit: fit.plot.residuals_by("days"), "'Days'"),
        (lambda fit: fit.plot.spaghetti(mark="999"), "'999'"),
        (lambda fit: fit.plot.one("999"), "'999'"),
        (lambda fit: fit.plot.design(columns="days"), "'Days'"),
        (lambda fit: fit.plot.caterpillar(axis=1), "'ax'"),
    ],
)
def test_wrong_names_list_the_right_ones(sleep, draw, words):
    with pytest.raises(OptionError, match=words):
        draw(sleep)


def test_a_fit_without_its_data_says_so(sleep):
    again = hd.LinearMixedFit.from_dict(sleep.to_dict())
    with pytest.raises(OptionError, match="no data"):
        again.plot.effect()
    assert again.plot.one("308").get_xlabel() == "Days"


# -- what is chosen, named and kept apart --------------------------------------------------------------------


def test_groups_are_drawn_where_the_covariate_varies_within_them(machines):
    """Every cell of Machine:Worker has one machine: a line needs the worker."""
    assert len(machines.plot.lattice()) == 6
    assert machines.plot.one("1").get_ylabel() == "score of Worker 1"
    assert machines.plot.one("A:1").get_ylabel() == "score of Machine:Worker A:1"
    assert max(len(line.get_xdata()) for line in machines.plot.spaghetti().get_lines()[:6]) == 3
    assert len(machines.plot.lattice(group="Machine:Worker")) == 18


def test_a_number_of_few_values_has_ticks_at_these():
    data, _ = hd.datasets.simulate_athletes(4, (20, 30), seed=42)
    fit = hd.lmm("correctness ~ session_high + (1 | athlete)", data)
    for ax in (fit.plot.effect(), fit.plot.spaghetti(), fit.plot.lattice()[0], fit.plot.one("athlete1")):
        assert texts(ax.get_xticklabels()) == ["0", "1"]


def test_an_effect_says_where_other_variables_are_held(teeth):
    assert teeth.plot.effect("age").get_xlabel() == "age (at Sex = Male)"
    assert teeth.plot.effect("age", by="Sex").get_xlabel() == "age"
    assert teeth.plot.effect("Sex").get_xlabel() == "Sex (at age = 11)"


def test_a_fit_without_predictors_has_no_effect_to_draw(penicillin):
    with pytest.raises(OptionError, match=r"holds no variable.*plot\.strip"):
        penicillin.plot.effect()


def test_few_levels_are_marked_one_by_one_and_many_as_a_histogram(sleep, machines):
    few = machines.plot.ranef_distribution("Worker")
    assert not few.patches
    marks = next(line for line in few.get_lines() if line.get_marker() == "|")
    close(marks.get_xdata(), machines.ranef["Worker"].values[:, 0])
    assert sleep.plot.ranef_distribution().patches


@pytest.mark.parametrize("draw", ["caterpillar", "strip", "residuals_by"])
def test_the_outermost_of_few_levels_keep_off_the_edge(draw):
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
    low, high = getattr(fit.plot, draw)().get_ylim()
    assert low < -0.4
    assert high > 5.4


def test_a_strip_of_many_levels_counts_those_shown():
    data, truth = hd.datasets.simulate_crossed(60, 5, seed=1)
    assert hd.lmm(truth.formula, data).plot.strip().get_ylabel() == "subject (40 of 60 shown)"


def overlaps(ax, labels):
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in labels if label.get_text()]
    return [(i, j) for i, a in enumerate(boxes) for j, b in enumerate(boxes[:i]) if a.overlaps(b)]


def test_ticks_of_profiles_stay_apart():
    data, _ = hd.datasets.simulate_athletes(4, (20, 30), seed=42)
    fit = hd.lmm(
        "correctness ~ session_high + (1 | athlete)", data.assign(correctness=data["correctness"] / 10)
    )
    for ax in fit.plot.profile():
        ticks = [
            t for t in ax.get_xticklabels() if ax.get_xlim()[0] <= t.get_position()[0] <= ax.get_xlim()[1]
        ]
        assert not overlaps(ax, ticks)


@pytest.mark.parametrize("draw", ["ranef_correlation", "shrinkage"])
def test_names_of_points_do_not_cover_each_other(draw):
    """Two counties close together, as in lessons: one name goes to another side."""
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(8), 30)
    x = rng.normal(size=240)
    level = np.array([-20.0, -19, -2, -1.9, 8, 8.3, 9, 19])[group]
    y = 200 + level - 0.1 * level * x + rng.normal(size=240)
    names = np.array(["devon", "london", "dorset", "essex", "kent", "cumbria", "norfolk", "cheshire"])[group]
    fit = hd.lmm("y ~ x + (x | county)", {"y": y, "x": x, "county": names})
    ax = getattr(fit.plot, draw)()
    assert not overlaps(ax, [text for text in ax.texts if text.get_text() in names])


def test_what_is_no_axes_is_refused(sleep):
    figure, axes = plt.subplots(1, 2)
    for wrong, words in ((figure, r"not a Figure.*plt\.subplots"), (axes, r"ax=axes\[0\]"), (3, "not a int")):
        with pytest.raises(OptionError, match=words):
            sleep.plot.qq(ax=wrong)
