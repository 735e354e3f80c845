"""Intervals: Wilson's for independent cases, on the effective number of cases where they come in clusters."""

from __future__ import annotations

import math
import random
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, t
from statsmodels.stats.proportion import proportion_confint

from pytest_cosmos.measure import METRICS, Parameters, interval, measure
from pytest_cosmos.measure.interval import effective_cases, quantile, variance, wilson
from tests.unit.builders import BINARY, SEVERITY, TRAVERSAL, outcome

Answers = list[tuple[int, bool]]
"""Cluster and whether it is right, per case."""


def bounds(answers: Answers, confidence: float = 0.95) -> tuple[float, float]:
    right = np.array([good for _, good in answers], dtype=float)
    cluster = np.array([number for number, _ in answers], dtype=np.int64)
    found = interval(right.mean(), (right - right.mean()) / len(right), cluster, confidence=confidence)
    assert found is not None
    return found


def width(answers: Answers) -> float:
    low, high = bounds(answers)
    return high - low


def independent(right: int, wrong: int) -> Answers:
    return [(number, number < right) for number in range(right + wrong)]


clustered = st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=120)
counts = st.tuples(st.integers(0, 300), st.integers(0, 300)).filter(any)


def test_known_value() -> None:
    assert bounds(independent(81, 182)) == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe 1998, table I


def test_no_case_has_no_interval() -> None:
    assert interval(0.0, np.array([]), np.array([], dtype=np.int64)) is None


@given(counts, st.floats(0.5, 0.9999))
def test_of_independent_cases_it_is_that_of_scipy_and_statsmodels(parts: tuple[int, int], confidence: float) -> None:
    right, n = parts[0], sum(parts)
    found = bounds(independent(*parts), confidence)
    reference = binomtest(right, n).proportion_ci(confidence, method="wilson")
    assert found == pytest.approx((reference.low, reference.high), abs=1e-9)
    assert found == pytest.approx(proportion_confint(right, n, 1 - confidence, method="wilson"), abs=1e-9)


@given(clustered)
def test_variance_is_that_of_every_pair_of_cases_of_one_cluster(answers: Answers) -> None:
    """The clustered error of Miller (arXiv 2411.00640), with C / (C - 1) as inspect_ai has it, pair by pair."""
    n, clusters = len(answers), len({number for number, _ in answers})
    mean = sum(good for _, good in answers) / n
    pairs = sum((a - mean) * (b - mean) for (c, a), (d, b) in product(answers, answers) if c == d)
    correction = clusters / (clusters - 1) if 1 < clusters < n else 1
    cluster = np.array([number for number, _ in answers], dtype=np.int64)
    influence = np.array([(good - mean) / n for _, good in answers])
    assert variance(influence, cluster) == pytest.approx(correction * pairs / n**2)


@given(clustered, st.floats(0.5, 0.9999))
def test_the_point_is_inside_and_the_interval_between_0_and_1(answers: Answers, confidence: float) -> None:
    low, high = bounds(answers, confidence)
    assert 0 <= low <= sum(good for _, good in answers) / len(answers) <= high <= 1
    assert high - low > 0


@given(clustered, st.randoms(use_true_random=False))
def test_neither_the_order_of_the_cases_nor_the_names_of_the_clusters_count(
    answers: Answers, chance: random.Random
) -> None:
    names = chance.sample(range(100), 31)
    shuffled = [(names[number], good) for number, good in answers]
    chance.shuffle(shuffled)
    assert bounds(shuffled) == pytest.approx(bounds(answers), abs=1e-12)


@given(clustered)
def test_right_and_wrong_are_mirror_images(answers: Answers) -> None:
    low, high = bounds([(number, not good) for number, good in answers])
    assert (1 - high, 1 - low) == pytest.approx(bounds(answers), abs=1e-9)


@given(clustered)
def test_clusters_never_make_it_narrower(answers: Answers) -> None:
    alone = [(number, good) for number, (_, good) in enumerate(answers)]
    assert width(answers) >= width(alone) - 1e-12


@given(clustered, st.integers(2, 5))
def test_asking_the_same_again_is_no_evidence(answers: Answers, times: int) -> None:
    distinct = [(number, good) for number, (_, good) in enumerate(answers)]
    assert width(distinct * times) >= width(distinct)


@given(st.floats(0.5, 0.98), st.floats(0.001, 0.019), clustered)
def test_more_confidence_is_wider(confidence: float, more: float, answers: Answers) -> None:
    low, high = bounds(answers, confidence)
    lower, higher = bounds(answers, confidence + more)
    assert lower <= low <= high <= higher


@pytest.mark.parametrize("right", [True, False])
def test_where_all_is_right_or_wrong_clusters_count_not_cases(right: bool) -> None:
    answers = [(number, right) for number in range(50)] * 4
    low, high = bounds(answers)
    reach = t.ppf(0.975, 49) ** 2 / 50
    assert high - low == pytest.approx(reach / (1 + reach))  # Wilson at 0 or 1 on 50
    assert (high if right else low) == right


def test_a_single_cluster_is_worth_a_single_case() -> None:
    assert bounds([(7, True)] * 100) == pytest.approx(bounds([(0, True)]))


@pytest.mark.parametrize("confidence", [0.95, 0.99, 0.9999])
def test_two_clusters_say_next_to_nothing_but_never_nan(confidence: float) -> None:
    low, high = bounds([(0, True), (0, True), (1, True)], confidence)
    assert 0 <= low < 0.02
    assert high == 1


def test_clusters_that_agree_less_than_by_chance_earn_nothing() -> None:
    """The design effect is 1 at the least: one right and one wrong in every cluster would else have no variance."""
    answers = [(number, good) for number in range(40) for good in (True, False)]
    right = np.array([good for _, good in answers], dtype=float)
    cluster = np.array([number for number, _ in answers], dtype=np.int64)
    assert effective_cases(0.5, (right - 0.5) / 80, cluster) == pytest.approx(80)


def test_effective_cases_of_a_hand_made_example() -> None:
    """Four clusters of two, three of them wholly right: what two answers of one cluster say is said by one."""
    right = np.array([1, 1, 1, 1, 1, 1, 0, 0], dtype=float)
    cluster = np.repeat(np.arange(4), 2)
    influence = (right - 0.75) / 8
    assert variance(influence, cluster) == pytest.approx(4 / 3 * (3 * 0.5**2 + 1.5**2) / 64)
    assert effective_cases(0.75, influence, cluster) == pytest.approx(3)
    assert quantile(cluster, 0.95) == pytest.approx(t.ppf(0.975, 3))


@pytest.mark.parametrize("value", [0.0, 1.0, 1 / 3])
def test_wilson_stays_finite_for_any_quantile(value: float) -> None:
    assert all(map(math.isfinite, wilson(value, 2.0, 1e5)))


def test_rounding_leads_wilson_past_neither_end() -> None:
    assert {wilson(1.0, cases, 1.96)[1] for cases in range(1, 200)} == {1.0}
    assert {wilson(0.0, cases, 1.96)[0] for cases in range(1, 200)} == {0.0}


@pytest.mark.parametrize("name", METRICS)
def test_shares_and_means_have_intervals_counts_and_times_have_none(name: str) -> None:
    cases = [
        outcome(f"s{n}", prompt, expected, said, confidence=0.5 + n / 20)
        for n in range(4)
        for prompt in (BINARY, TRAVERSAL, SEVERITY)
        for expected, said in [(prompt.choices[n % 2], prompt.choices[n % 3 % 2])]
    ]
    measured = measure(cases, "floor", name, parameters=Parameters({"missed_hazard": 10, "false_alarm": 1}, 0.55))
    assert measured.value is not None
    assert (measured.low is not None) == (measured.high is not None) == METRICS[name].has_interval
    counted = METRICS[name].unit in ("count", "s", "1/s") or name in ("majority_baseline", "ece", "ece_noise_floor")
    assert METRICS[name].has_interval != counted
    if measured.low is not None and measured.high is not None:
        assert measured.low <= measured.value <= measured.high
        assert measured.low < measured.high
