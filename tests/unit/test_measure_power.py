"""How many cases a claim needs, against sums over every possible result."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, multinomial, norm

from pytest_cosmos.measure.interval import interval, wilson
from pytest_cosmos.measure.paired import effect_on, share_interval
from pytest_cosmos.measure.power import (
    MOST,
    Design,
    bar_power,
    design_of,
    design_of_pairs,
    detectable,
    margin_power,
    mcnemar_power,
    pairs_for_difference,
    pairs_for_margin,
    proves_at_best,
    samples_for_bar,
    tango_score,
)
from pytest_cosmos.records import Difference, Metric

Z = float(norm.ppf(0.975))


def results(pairs: int, fixed: float, broken: float) -> list[tuple[int, int, float]]:
    """Every number of fixed and broken pairs, with its probability."""
    chances = (fixed, broken, 1 - fixed - broken)
    return [
        (f, b, float(multinomial.pmf((f, b, pairs - f - b), pairs, chances)))
        for f in range(pairs + 1)
        for b in range(pairs + 1 - f)
    ]


@given(st.integers(1, 300), st.floats(0.02, 0.98), st.floats(0.02, 0.98), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
@settings(max_examples=60, deadline=None)
def test_power_is_how_often_the_interval_clears_the_bar(n: int, bar: float, expect: float, confidence: float) -> None:
    z = float(norm.ppf((1 + confidence) / 2))
    clears = [k for k in range(n + 1) if wilson(k / n, n, z)[0] >= bar - 1e-12]
    exact = sum(float(binom.pmf(k, n, expect)) for k in clears)
    assert bar_power(n, bar, expect, confidence=confidence)[0] == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize(
    ("bar", "expect", "needed"),
    [(0.85, 0.90, 378), (0.5, 0.9, 11), (0.99, 0.999, 563), (0.9, 1.0, 35), (0.999, 1.0, 3838), (0.85, 0.86, 9912)],
)
def test_from_the_number_told_on_power_never_falls_short_again(bar: float, expect: float, needed: int) -> None:
    assert samples_for_bar(bar, expect) == needed
    powers = bar_power(np.arange(max(needed - 1, 1), 30_000, dtype=np.float64), bar, expect)
    assert powers[0] < 0.8
    assert np.all(powers[1:] >= 0.8)


@pytest.mark.parametrize("expect", [0.85, 0.8, 0.0, 1.2, math.nan])
def test_what_is_not_over_the_bar_is_never_proven(expect: float) -> None:
    assert samples_for_bar(0.85, expect) is None


def test_more_than_anybody_asks_is_none() -> None:
    assert samples_for_bar(0.85, 0.8501) is None
    assert samples_for_bar(0.85, 0.8511, confidence=0.9999) is None
    assert samples_for_bar(0.85, 0.8511, design=Design(1, 4.0)) is None
    assert pairs_for_margin(0.0001, 0.1) is None
    assert pairs_for_difference(0.0001, 0.1) is None
    assert (samples_for_bar(0.85, 0.8505) or MOST) <= MOST


def test_several_cases_a_sample_need_fewer_samples_unless_they_say_the_same() -> None:
    alone = samples_for_bar(0.85, 0.9)
    independent = samples_for_bar(0.85, 0.9, design=Design(3, 1.0))
    same = samples_for_bar(0.85, 0.9, design=Design(3, 3.0))
    assert alone is not None
    assert independent is not None
    assert same is not None
    assert independent == pytest.approx(alone / 3, rel=0.1)
    assert same == pytest.approx(alone, rel=0.05)


@pytest.mark.parametrize(("cases", "clusters"), [(1, 1), (5, 1), (20, 20), (60, 20), (400, 100), (7, 2)])
def test_the_best_of_results_proves_what_the_interval_says(cases: int, clusters: int) -> None:
    found = interval(1.0, np.zeros(cases), np.arange(cases, dtype=np.int64) % clusters)
    assert found is not None
    assert proves_at_best(cases, clusters) == pytest.approx(found[0])


def test_nothing_proves_nothing() -> None:
    assert proves_at_best(0, 0) == 0
    assert design_of(Metric(suite="s", name="accuracy", value=None)) == Design()


@given(st.integers(3, 200), st.integers(1, 5), st.data())
@settings(max_examples=60, deadline=None)
def test_the_design_effect_is_read_off_the_interval(clusters: int, size: int, data: st.DataObject) -> None:
    right = np.array(
        data.draw(st.lists(st.booleans(), min_size=clusters * size, max_size=clusters * size)), dtype=float
    )
    value, cluster = float(right.mean()), np.arange(len(right), dtype=np.int64) % clusters
    found = interval(value, (right - value) / len(right), cluster)
    assert found is not None
    metric = Metric(
        suite="s", name="accuracy", value=value, low=found[0], high=found[1], cases=len(right), clusters=clusters
    )
    design = design_of(metric)
    assert design.cases_per_sample == size
    assert size > 1 or design.effect == 1
    z = proves_at_best(len(right), clusters)
    z = math.sqrt(clusters * (1 - z) / z)
    samples = np.array([float(clusters)])
    again = wilson(value, float(design.seen(samples, value * (1 - value))[0]) if 0 < value < 1 else clusters, z)
    if design.effect > 1 or size == 1:
        assert again == pytest.approx(found, abs=1e-6)
    else:  # cases of a cluster that differ more than by chance are taken for independent ones
        assert again[0] <= found[0] + 1e-6
        assert again[1] >= found[1] - 1e-6


@given(st.integers(3, 60), st.integers(1, 4), st.data())
@settings(max_examples=40, deadline=None)
def test_the_design_effect_of_pairs_is_read_off_their_interval(clusters: int, size: int, data: st.DataObject) -> None:
    number = clusters * size
    change = np.array(
        data.draw(st.lists(st.sampled_from([-1, 0, 0, 1]), min_size=number, max_size=number)), dtype=float
    )
    cluster = np.arange(number, dtype=np.int64) % clusters
    low, high = share_interval(change, cluster, 0.95)
    fixed, broken = int((change > 0).sum()), int((change < 0).sum())
    found = Difference(
        suite="s", metric="accuracy", value=float(change.mean()), low=low, high=high, cases=number, clusters=clusters,
        fixed=fixed, broken=broken,
    )  # fmt: skip
    design, discordant = design_of_pairs(found)
    assert discordant == pytest.approx(max(fixed + broken, 0.5) / number)
    assert size > 1 or design.effect == 1
    spread = discordant - (change.mean()) ** 2
    seen = float(design.seen(np.array([float(clusters)]), spread)[0]) if fixed + broken else clusters
    if fixed + broken and effect_on(change, cluster) < number * 0.99:
        expected = number / effect_on(change, cluster)
        assert seen == pytest.approx(expected, rel=1e-3) if design.effect > 1 or size == 1 else seen <= expected + 1e-3


@pytest.mark.parametrize(
    ("samples", "size", "alike", "right", "bar"),
    [(195, 3, 0.3, 0.9, 0.85), (300, 3, 0.3, 0.9, 0.85), (150, 2, 0.5, 0.8, 0.7)],
)
def test_power_on_clusters_is_what_simulated_runs_show(
    samples: int, size: int, alike: float, right: float, bar: float
) -> None:
    rng = np.random.default_rng(20260101)
    shape = (1 - alike) / alike
    cluster = np.repeat(np.arange(samples, dtype=np.int64), size)
    passed = 0
    for _ in range(600):
        chance = rng.beta(right * shape, (1 - right) * shape, samples)
        answers = (rng.random((samples, size)) < chance[:, None]).astype(float).ravel()
        value = float(answers.mean())
        found = interval(value, (answers - value) / len(answers), cluster)
        passed += found is not None and found[0] >= bar
    planned = bar_power(samples, bar, right, design=Design(size, 1 + (size - 1) * alike))[0]
    assert passed / 600 == pytest.approx(planned, abs=0.03 + 2 * math.sqrt(planned * (1 - planned) / 600))


@pytest.mark.parametrize(
    ("pairs", "margin", "discordant", "drop"),
    [(40, 0.2, 0.3, 0.05), (25, 0.3, 0.4, 0.0), (40, 0.1, 0.1, -0.05), (30, 0.1, 0.2, 0.1)],
)
def test_power_of_a_margin_is_the_sum_over_all_results(
    pairs: int, margin: float, discordant: float, drop: float
) -> None:
    exact = sum(
        chance
        for fixed, broken, chance in results(pairs, (discordant - drop) / 2, (discordant + drop) / 2)
        if tango_score(pairs, np.array([fixed]), np.array([broken]), -margin)[0] > Z
    )
    assert margin_power(pairs, margin, discordant, drop=drop) == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize(
    ("pairs", "difference", "discordant", "confidence"),
    [(40, 0.2, 0.3, 0.95), (40, -0.2, 0.3, 0.95), (30, 0.0, 0.5, 0.9), (25, 0.4, 0.4, 0.99)],
)
def test_power_of_mcnemars_test_is_the_sum_over_all_results(
    pairs: int, difference: float, discordant: float, confidence: float
) -> None:
    exact = sum(
        chance
        for fixed, broken, chance in results(pairs, (discordant + difference) / 2, (discordant - difference) / 2)
        if fixed + broken and binomtest(fixed, fixed + broken).pvalue <= 1 - confidence
    )
    assert mcnemar_power(pairs, difference, discordant, confidence=confidence) == pytest.approx(exact, abs=1e-9)


def test_a_drop_as_large_as_the_margin_is_passed_rarely_enough() -> None:
    # the exact size of Tango's one-sided test at 2.5 %
    for pairs, discordant in ((300, 0.05), (1200, 0.1), (1200, 0.3), (5000, 0.1)):
        assert margin_power(pairs, 0.02, discordant, drop=0.02) < 0.03


@pytest.mark.parametrize(("margin", "discordant"), [(0.02, 0.1), (0.05, 0.2), (0.01, 0.02)])
def test_pairs_for_a_margin_are_the_fewest(margin: float, discordant: float) -> None:
    needed = pairs_for_margin(margin, discordant)
    assert needed is not None
    assert margin_power(needed, margin, discordant) >= 0.8 > margin_power(needed - 1, margin, discordant)


@pytest.mark.parametrize(("pairs", "discordant"), [(100, 0.3), (1200, 0.1), (100_000, 0.1)])
def test_the_detectable_difference_is_found_with_the_power_asked_for(pairs: int, discordant: float) -> None:
    found = detectable(pairs, discordant)
    assert found is not None
    assert 0 < found < discordant
    assert mcnemar_power(pairs, found, discordant) == pytest.approx(0.8, abs=0.01)


def test_on_a_handful_of_pairs_nothing_is_detectable() -> None:
    assert detectable(5, 1.0) is None
    assert detectable(0, 0.1) is None


def test_no_candidate_that_is_worse_by_the_margin_is_ever_shown_to_be_fit() -> None:
    assert pairs_for_margin(0.02, 0.1, drop=0.02) is None


def test_clusters_need_more_pairs() -> None:
    plain, clustered = pairs_for_margin(0.02, 0.1), pairs_for_margin(0.02, 0.1, design=Design(1, 1.5))
    assert plain is not None
    assert clustered == pytest.approx(1.5 * plain, rel=0.01)
    plain, clustered = pairs_for_difference(0.02, 0.1), pairs_for_difference(0.02, 0.1, design=Design(3, 3.0))
    assert plain == clustered
