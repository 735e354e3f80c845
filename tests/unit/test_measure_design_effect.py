"""The effective number of cases: what clusters take off the evidence, above all where few answers are wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.measure.interval import Codes, Values, design_effect, effective_cases, interval, rests_on, variance


def influence_of(right: Values) -> Values:
    return np.asarray((right - right.mean()) / len(right))


def bounds(right: Values, cluster: Codes) -> tuple[float, float]:
    found = interval(float(right.mean()), influence_of(right), cluster)
    assert found is not None
    return found


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_cases_of_their_own_are_all_effective(answers: list[bool]) -> None:
    right = np.array(answers, dtype=float)
    effective = effective_cases(float(right.mean()), influence_of(right), np.arange(len(right)))
    assert effective == pytest.approx(len(right))


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=60))
def test_there_are_never_more_effective_cases_than_cases(rows: list[tuple[int, bool]]) -> None:
    cluster, right = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=float)
    effective = effective_cases(float(right.mean()), influence_of(right), cluster)
    assert 0 < effective <= len(rows) + 1e-9


def test_clusters_of_equal_answers_count_once() -> None:
    right = np.repeat(np.array([1.0, 0, 1, 1, 0, 1, 1, 1, 0, 1]), 4)
    effective = effective_cases(0.7, influence_of(right), np.repeat(np.arange(10), 4))
    assert effective == pytest.approx(10 * 9 / 10, rel=0.03)


@pytest.mark.parametrize("size", [2, 3, 5, 10])
def test_one_wrong_answer_is_no_proof_of_independence(size: int) -> None:
    """All right counts clusters; with one wrong, whose cluster tells nothing, the low end must not leap over that."""
    cluster = np.repeat(np.arange(100), size)
    right = np.ones(len(cluster))
    perfect = bounds(right, cluster)[0]
    right[0] = 0.0
    assert bounds(right, cluster)[0] < perfect + 0.002


def test_with_many_wrong_answers_the_imagined_cluster_hardly_counts() -> None:
    chance = np.random.default_rng(5)
    right = (chance.random(3000) < 0.7).astype(float)
    cluster = np.repeat(np.arange(1000), 3)
    effect = design_effect(0.7 * 0.3 / 3000, influence_of(right), cluster, 1 / 3000)
    assert effect == pytest.approx(max(1.0, variance(influence_of(right), cluster) / (0.7 * 0.3 / 3000)), abs=0.02)


def test_few_wrong_answers_in_clusters_of_unequal_size_lean_to_the_larger() -> None:
    cluster = np.repeat(np.arange(40), [1, 1, 1, 20] * 10)
    right = np.ones(len(cluster))
    right[0] = 0.0  # of a cluster of one
    effective = effective_cases(float(right.mean()), influence_of(right), cluster)
    assert effective < 20


def test_a_figure_that_rests_on_fewer_cases_is_less_sure() -> None:
    right = np.array([1.0, 0, 1, 1, 0, 1, 1, 1, 0, 1])
    influence, cluster = influence_of(right), np.arange(10)
    four = np.array([0.0] * 6 + [1.0] * 4)
    assert effective_cases(0.7, influence, cluster, four) < effective_cases(0.7, influence, cluster) - 1
    few, all_ = (interval(0.7, influence, cluster, weight=weight) for weight in (four, None))
    assert few is not None
    assert all_ is not None
    assert few[0] < all_[0] - 0.01
    assert few[1] > all_[1] + 0.01


@pytest.mark.parametrize(("value", "moves"), [(0.5, 0.0), (1.0, 0.01), (0.0, 0.0)])
def test_where_nothing_varies_clusters_are_counted(value: float, moves: float) -> None:
    """Also of a mean of equal values, and where a figure is at its end though cases move it."""
    influence, cluster = np.array([moves, -moves] * 6), np.arange(12) // 3
    assert effective_cases(value, influence, cluster) == 4


def test_where_nothing_varies_the_clusters_of_a_rare_class_are_few() -> None:
    """Two classes that weigh alike, of 10 and of 90 clusters of three: 2² / (1 / 10 + 1 / 90) clusters, not 100."""
    cluster = np.repeat(np.arange(100), 3)
    weight = np.where(cluster < 10, 1 / 60, 1 / 540)
    assert effective_cases(1.0, np.zeros(300), cluster, weight) == pytest.approx(36)
    assert rests_on(weight, cluster) == pytest.approx(36)
    assert rests_on(weight, np.arange(300)) == pytest.approx(108)


def test_prompts_of_the_same_samples_make_no_clusters() -> None:
    """Each of three prompts has two classes; the six of them still rest on the clusters of the two."""
    cluster = np.repeat(np.arange(100), 3)
    weight = np.where(cluster < 10, 1 / (6 * 10), 1 / (6 * 90))
    assert rests_on(weight, cluster) == pytest.approx(36)


def test_a_figure_that_varies_little_is_surer_than_right_and_wrong_would_be() -> None:
    values = np.tile([0.4, 0.6], 200)
    effective = effective_cases(0.5, influence_of(values), np.arange(400))
    assert effective == pytest.approx(
        0.5 * 0.5 / (0.1**2 / 400 + 1 / 400**2)
    )  # seen, and one case as far off as can be


def test_without_any_variance_clusters_are_as_large_as_they_are() -> None:
    assert design_effect(0.0, np.zeros(5), np.arange(5), 1 / 5) == 1
    assert design_effect(0.0, np.zeros(12), np.arange(12) // 3, 1 / 12) == pytest.approx(3)
