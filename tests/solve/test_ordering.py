"""Elimination orders: every node once, little fill, never dearer than factor by factor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from henderson import crossprod
from henderson.core import core
from henderson.solve import reference
from henderson.solve.direct import Factor, analyse
from tests.solve.test_direct import make_design


def order_of(edges: set[tuple[int, int]], weight: np.ndarray, share: float = 2.0) -> np.ndarray:
    """Minimum degree order of an undirected graph given by its edges."""
    n = len(weight)
    rows = [sorted({b for a, b in edges if a == i} | {a for a, b in edges if b == i}) for i in range(n)]
    start = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    neighbour = np.array([j for row in rows for j in row], dtype=np.int32)
    return core().minimum_degree(weight.astype(np.int32), start, neighbour, share)


def columns_of_factor(edges: set[tuple[int, int]], n: int, order: np.ndarray) -> list[set[int]]:
    """Neighbours that a node has when its turn comes; each elimination joins them to one another."""
    near: list[set[int]] = [set() for _ in range(n)]
    for a, b in edges:
        near[a].add(b)
        near[b].add(a)
    out = []
    for i in order:
        out.append(set(near[i]))
        for j in near[i]:
            near[j] |= near[i] - {j}
            near[j].discard(i)
    return out


def flops(edges: set[tuple[int, int]], weight: np.ndarray, order: np.ndarray) -> int:
    columns = columns_of_factor(edges, len(weight), order)
    return sum(
        weight[i] * sum(weight[j] for j in column) ** 2 for i, column in zip(order, columns, strict=True)
    )


def exact_minimum_degree(edges: set[tuple[int, int]], n: int) -> list[int]:
    near: list[set[int]] = [set() for _ in range(n)]
    for a, b in edges:
        near[a].add(b)
        near[b].add(a)
    order: list[int] = []
    while len(order) < n:
        i = min((i for i in range(n) if i not in order), key=lambda i: len(near[i]))
        order.append(i)
        for j in near[i]:
            near[j] |= near[i] - {j}
            near[j].discard(i)
    return order


@st.composite
def graphs(draw):
    n = draw(st.integers(1, 40))
    count = draw(st.integers(0, 3 * n))
    seed = draw(st.integers(0, 2**31))
    pairs = np.random.default_rng(seed).integers(0, n, (count, 2))
    edges = {(int(min(p)), int(max(p))) for p in pairs if p[0] != p[1]}
    return edges, np.random.default_rng(seed + 1).integers(1, 4, n)


@given(graphs())
def test_every_node_once(graph):
    edges, weight = graph
    assert sorted(order_of(edges, weight)) == list(range(len(weight)))


@given(graphs(), st.floats(0.05, 1))
def test_a_share_stops_early_without_repeats(graph, share):
    edges, weight = graph
    order = order_of(edges, weight, share).tolist()
    assert len(set(order)) == len(order) <= len(weight)


@pytest.mark.parametrize("seed", range(20))
def test_trees_have_no_fill(seed):
    rng = np.random.default_rng(seed)
    names = rng.permutation(80)
    edges = {(int(names[rng.integers(0, i)]), int(names[i])) for i in range(1, 80)}
    order = order_of(edges, np.ones(80, int))
    assert sum(map(len, columns_of_factor(edges, 80, order))) == len(edges)


def test_as_good_as_exact_minimum_degree():
    ratios = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        edges = {(int(a), int(b) + 60) for a, b in rng.integers(0, 60, (200, 2))}
        weight = np.ones(120, int)
        ours, exact = order_of(edges, weight), exact_minimum_degree(edges, 120)
        ratios.append(flops(edges, weight, ours) / flops(edges, weight, np.array(exact)))
    assert np.exp(np.mean(np.log(ratios))) < 1.1
    assert max(ratios) < 1.5


def clustered(students: int, teachers: int, schools: int) -> tuple[np.ndarray, np.ndarray]:
    """Students meet five teachers of their school, one in twenty of another."""
    rng = np.random.default_rng(1)
    student = np.repeat(np.arange(students), 5)
    moved = (rng.random(len(student)) < 0.05) * rng.integers(schools, size=len(student))
    school = (student * schools // students + moved) % schools
    teacher = school * (teachers // schools) + rng.integers(0, teachers // schools, len(student))
    return rng.permutation(students)[student], rng.permutation(teachers)[teacher]


@pytest.fixture(scope="module")
def school_design():
    student, teacher = clustered(20_000, 2_000, 50)
    return crossprod.from_design(make_design([(student, [1]), (teacher, [1])], len(student)))


def test_students_and_teachers_get_the_better_order(school_design):
    system = analyse(school_design)
    structure, (grouping, level) = system.structure(), system.order()
    assert structure["order"] == "minimum degree"
    assert structure["cost"] < 0.8 * structure["cost_by_factor"]
    nodes = set(zip(grouping.tolist(), level.tolist(), strict=True))
    assert nodes == {(f, g) for f, levels in enumerate(school_design.levels) for g in range(levels)}


def test_solves_and_inverse_under_the_better_order(school_design):
    factor = Factor(school_design, (np.array([[0.7]]), np.array([[0.4]])))
    assert factor.system.structure()["order"] == "minimum degree"
    rng = np.random.default_rng(2)
    B = rng.normal(size=(school_design.q, 2))
    lam = np.repeat([0.7, 0.4], school_design.levels)[:, None]
    x = factor.solve(B)
    assert np.abs(lam * factor.multiply(lam * x) + x - B).max() < 1e-11
    diagonal, pairs = factor.selected()
    picked = rng.integers(0, school_design.q, 6)
    unit = np.zeros((school_design.q, 6))
    unit[picked, range(6)] = 1
    columns = factor.solve(unit)
    flat = np.concatenate([block.ravel() for block in diagonal])
    assert np.abs(columns[picked, range(6)] - flat[picked]).max() < 1e-13
    pair = school_design.pairs[0]
    a = np.repeat(np.arange(school_design.levels[pair.first]), np.diff(pair.start))
    first, second = (0, school_design.levels[0])[pair.first], (0, school_design.levels[0])[pair.second]
    entry = rng.integers(0, len(a), 5)
    unit = np.zeros((school_design.q, 5))
    unit[first + a[entry], range(5)] = 1
    across = factor.solve(unit)[second + pair.partner[entry], range(5)]
    assert np.abs(across - pairs[0].ravel()[entry]).max() < 1e-13


@st.composite
def crossings(draw):
    """Two or three groupings of uneven popularity, with up to three columns each."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    codes = []
    for _ in range(draw(st.integers(1, 3))):
        levels, tail = draw(st.integers(2, 40)), draw(st.floats(0, 2))
        weight = np.arange(1, levels + 1.0) ** -tail
        codes.append((rng.choice(levels, 200, p=weight / weight.sum()), [draw(st.integers(1, 3))]))
    return codes


@settings(max_examples=60, deadline=None)
@given(crossings(), st.booleans())
def test_factor_and_inverse_against_dense(codes, smaller):
    codes = [(np.unique(c, return_inverse=True)[1], k) for c, k in codes]
    cross = crossprod.from_design(make_design(codes, 200))
    rng = np.random.default_rng(3)
    lambdas = tuple(np.tril(rng.normal(size=(k, k))) * (0.3 if smaller else 1) for k in cross.columns)
    factor = Factor(cross, lambdas)
    structure = factor.system.structure()
    assert structure["cost"] <= structure["cost_by_factor"]
    blocks = [np.kron(np.eye(l), lam) for l, lam in zip(cross.levels, lambdas, strict=True)]
    Lambda, at = np.zeros((cross.q, cross.q)), 0
    for block in blocks:
        Lambda[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    inverse = np.linalg.inv(Lambda.T @ reference.dense_zz(cross) @ Lambda + np.eye(cross.q))
    assert np.abs(factor.solve(np.eye(cross.q)) - inverse).max() < 1e-10
    diagonal, pairs = factor.selected()
    start = np.cumsum([0, *(l * k for l, k in zip(cross.levels, cross.columns, strict=True))])
    for f, k in enumerate(cross.columns):
        for g in range(cross.levels[f]):
            rows = slice(start[f] + g * k, start[f] + (g + 1) * k)
            assert np.abs(diagonal[f][g] - inverse[rows, rows]).max() < 1e-10
    for pair, found in zip(cross.pairs, pairs, strict=True):
        ka, kb = cross.columns[pair.first], cross.columns[pair.second]
        for g in range(cross.levels[pair.first]):
            rows = slice(start[pair.first] + g * ka, start[pair.first] + (g + 1) * ka)
            for e in range(pair.start[g], pair.start[g + 1]):
                at = start[pair.second] + pair.partner[e] * kb
                assert np.abs(found[e] - inverse[rows, at : at + kb]).max() < 1e-10
