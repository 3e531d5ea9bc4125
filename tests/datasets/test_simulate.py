"""The simulations: reproducible, of the declared shape, and with the truth that they say they have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from henderson import datasets
from henderson.errors import OptionError

ALL = {
    "crossed": datasets.simulate_crossed,
    "nested": datasets.simulate_nested,
    "psycholinguistic": datasets.simulate_psycholinguistic,
    "athletes": datasets.simulate_athletes,
}


@pytest.mark.parametrize("simulate", ALL.values(), ids=ALL)
def test_a_seed_settles_everything(simulate):
    (first, truth), (again, _), (other, _) = simulate(seed=3), simulate(seed=3), simulate(seed=4)
    pd.testing.assert_frame_equal(first, again)
    assert not np.allclose(first.iloc[:, 0], other.iloc[:, 0])
    response = truth.formula.partition(" ~ ")[0]
    assert first.columns[0] == response
    assert set(truth.covariance) == set(truth.ranef)


def noise(data, truth, columns, groups):
    """Residuals that remain when the truth is taken away."""
    mean = columns @ np.array(list(truth.beta.values()))
    for codes, effects in groups:
        mean = mean + (columns[:, : effects.shape[1]] * effects[codes]).sum(axis=1)
    return data.iloc[:, 0].to_numpy() - mean


def test_crossed_data_are_the_truth_plus_noise():
    data, truth = datasets.simulate_crossed(60, 50, sigma=0.7, seed=1)
    columns = np.column_stack([np.ones(len(data)), data["x"]])
    left = noise(
        data,
        truth,
        columns,
        [(data[name].cat.codes.to_numpy(), truth.ranef[name]) for name in ("subject", "item")],
    )
    assert abs(left.std() / 0.7 - 1) < 0.05
    assert abs(left.mean()) < 4 * 0.7 / np.sqrt(len(data))


def test_partial_crossing_keeps_about_the_share():
    data, _ = datasets.simulate_crossed(100, 100, share=0.3, seed=2)
    assert abs(len(data) / 10_000 - 0.3) < 0.03
    assert not data.duplicated(["subject", "item"]).any()


def test_nested_labels_repeat_between_schools():
    data, truth = datasets.simulate_nested(5, 3, 4, seed=1)
    assert len(data) == 60
    assert data.groupby("school", observed=True)["classroom"].nunique().tolist() == [3] * 5
    room = (data["school"].cat.codes * 3 + data["classroom"].cat.codes).to_numpy()
    columns = np.column_stack([np.ones(60), data["x"]])
    groups = [
        (room, truth.ranef["classroom:school"]),
        (data["school"].cat.codes.to_numpy(), truth.ranef["school"]),
    ]
    assert noise(data, truth, columns, groups).std() < 7


def test_the_maximal_design_has_twenty_covariance_parameters():
    data, truth = datasets.simulate_psycholinguistic(seed=5)
    assert len(data) == 4 * 60 * 40
    assert sum(k * (k + 1) // 2 for k in (len(c) for c in truth.covariance.values())) == 20
    a, b = data["A"].to_numpy(), data["B"].to_numpy()
    assert set(a) == set(b) == {-0.5, 0.5}
    columns = np.column_stack([np.ones(len(a)), a, b, a * b])
    groups = [(data[name].cat.codes.to_numpy(), truth.ranef[name]) for name in ("subject", "item")]
    assert abs(noise(data, truth, columns, groups).std() / truth.sigma - 1) < 0.05


def test_a_latin_square_shows_each_item_once_to_each_subject():
    data, _ = datasets.simulate_psycholinguistic(8, 12, latin_square=True, seed=1)
    assert len(data) == 8 * 12
    assert not data.duplicated(["subject", "item"]).any()
    per_condition = data.groupby(["subject", "A", "B"], observed=True).size()
    assert (per_condition == 3).all()


def test_drawn_effects_have_the_stated_covariance():
    _, truth = datasets.simulate_psycholinguistic(4000, 2, seed=6)
    drawn, stated = np.cov(truth.ranef["subject"].T), truth.covariance["subject"]
    scale = np.sqrt(np.outer(np.diag(stated), np.diag(stated)))
    assert np.abs((drawn - stated) / scale).max() < 0.08


def test_the_athletes_are_those_of_a_plain_loop():
    data, _ = datasets.simulate_athletes(seed=42)
    rng, by_hand = np.random.default_rng(42), []
    for _ in range(4):
        own = rng.normal(0.85, 0.05)
        for high, count in ((0, 20), (1, 30)):
            by_hand += [np.clip(rng.normal(own - 0.08 * high, 0.05), 0, 1) for _ in range(count)]
    np.testing.assert_allclose(data["correctness"], by_hand, rtol=1e-14)
    assert data["correctness"].between(0, 1).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: datasets.simulate_crossed(0, 5), "subjects=0"),
        (lambda: datasets.simulate_crossed(5, 2.5), "items=2.5"),
        (lambda: datasets.simulate_crossed(share=0), "share=0"),
        (lambda: datasets.simulate_nested(sd_school=-1.0), "not a covariance"),
        (lambda: datasets.simulate_psycholinguistic(correlation=-0.5), "between -0.333 and 1"),
        (lambda: datasets.simulate_athletes(repeats=(20, 0)), "long=0"),
    ],
)
def test_impossible_requests_are_refused(call, words):
    with pytest.raises(OptionError, match=words.replace("(", r"\(")):
        call()
