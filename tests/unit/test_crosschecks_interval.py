"""Intervals and their variances against statsmodels, scikit-learn, and the papers' formulas written out as loops."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, t
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    mean_absolute_error,
    precision_score,
    recall_score,
)
from statsmodels.api import OLS
from statsmodels.stats.proportion import proportion_confint

from pytest_cosmos.measure import read_facts
from pytest_cosmos.measure.formulas import FORMULAS
from pytest_cosmos.measure.interval import interval, quantile, variance, wilson
from pytest_cosmos.records import Outcome, Prompt
from tests.unit.builders import BINARY, SEVERITY, outcome

Rows = list[tuple[int, bool]]
"""Of each case its cluster and whether it is right."""

rows_of_clusters = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=4, max_size=50)
seldom = settings(max_examples=60, deadline=None)


def miller_clustered_error(scores: Sequence[float], clusters: Sequence[int]) -> float:
    """Miller, Adding Error Bars to Evals (2024), eq. 4: sqrt(SE_CLT^2 + (1/n^2) sum of the products across cases)."""
    n = len(scores)
    mean = sum(scores) / n
    total = sum((score - mean) ** 2 for score in scores)  # SE_CLT^2 n^2, without n / (n - 1)
    for i in range(n):
        for j in range(n):
            if i != j and clusters[i] == clusters[j]:
                total += (scores[i] - mean) * (scores[j] - mean)
    return math.sqrt(max(total, 0.0)) / n


def inspect_clustered_error(scores: Sequence[float], clusters: Sequence[int]) -> float:
    """Sums over clusters with C / (C - 1), as inspect_ai's `stderr(cluster=…)` documents it."""
    n, mean = len(scores), sum(scores) / len(scores)
    groups = sorted(set(clusters))
    total = 0.0
    for group in groups:
        total += sum(score - mean for score, cluster in zip(scores, clusters, strict=True) if cluster == group) ** 2
    return math.sqrt(total * len(groups) / (len(groups) - 1)) / n


def columns(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    return np.array([row[1] for row in rows], dtype=np.float64), np.array([row[0] for row in rows], dtype=np.int64)


@seldom
@given(rows_of_clusters)
def test_the_variance_is_that_of_the_papers(rows: Rows) -> None:
    right, cluster = columns(rows)
    clusters = len(set(cluster))
    if clusters < 2:
        return
    found = math.sqrt(variance((right - right.mean()) / len(right), cluster))
    miller = miller_clustered_error(list(right), list(cluster))
    if clusters == len(rows):
        assert found == pytest.approx(miller)
        return
    assert found == pytest.approx(miller * math.sqrt(clusters / (clusters - 1)))
    assert found == pytest.approx(inspect_clustered_error(list(right), list(cluster)))
    groups = {"groups": cluster, "use_correction": True}
    assert found == pytest.approx(
        float(OLS(right, np.ones(len(right))).fit(cov_type="cluster", cov_kwds=groups).bse[0])
    )


@seldom
@given(st.floats(0, 1), st.floats(0.5, 5000), st.floats(0.5, 0.999))
def test_wilson_agrees_with_statsmodels(value: float, cases: float, confidence: float) -> None:
    low, high = wilson(value, cases, float(norm.ppf((1 + confidence) / 2)))
    expected = proportion_confint(value * cases, cases, alpha=1 - confidence, method="wilson")
    assert (low, high) == pytest.approx(expected, abs=1e-9)


@seldom
@given(rows_of_clusters)
def test_the_interval_is_wilsons_on_the_documented_number_of_cases(rows: Rows) -> None:
    """docs/statistics.md, written out: design effect with one imagined cluster, t on clusters - 1."""
    right, cluster = columns(rows)
    sizes = [int((cluster == group).sum()) for group in sorted(set(cluster))]
    n, clusters, value = len(rows), len(sizes), float(right.mean())
    if clusters < 2:
        return
    if value in (0, 1):
        effective = float(clusters)
    else:
        sums = [float((right - value)[cluster == group].sum()) for group in sorted(set(cluster))]
        seen = sum(total**2 for total in sums) * (clusters / (clusters - 1) if clusters < n else 1)
        simple = n * value * (1 - value)
        size = sum(one**2 for one in sizes) / n
        effective = n / max(1, seen / simple, (seen + size**2) / (simple + size))
    z = norm.ppf(0.975) if clusters == n else t.ppf(0.975, clusters - 1)
    centre = (value + z**2 / (2 * effective)) / (1 + z**2 / effective)
    reach = z / (1 + z**2 / effective) * math.sqrt(value * (1 - value) / effective + z**2 / (4 * effective**2))
    found = interval(value, (right - value) / n, cluster)
    assert found == pytest.approx((max(0, centre - reach), min(1, centre + reach)), abs=1e-9)


@given(st.integers(2, 400), st.floats(0.5, 0.999))
def test_quantiles_agree_with_scipy(clusters: int, confidence: float) -> None:
    tail = (1 + confidence) / 2
    assert quantile(np.arange(clusters), confidence) == pytest.approx(norm.ppf(tail))
    assert quantile(np.repeat(np.arange(clusters), 2), confidence) == pytest.approx(t.ppf(tail, clusters - 1))


def answered(prompt: Prompt) -> st.SearchStrategy[list[Outcome]]:
    """Draw outcomes of one prompt, all answered."""
    choice = st.sampled_from(prompt.choices)
    pairs = st.lists(st.tuples(choice, choice), min_size=3, max_size=20)
    return pairs.map(lambda all_: [outcome(f"s{n:03d}", prompt, *pair) for n, pair in enumerate(all_)])


Weigh = Callable[[list[str], list[str], np.ndarray], float]


def moves(outcomes: list[Outcome], weigh: Weigh) -> np.ndarray:
    """Return how much a figure moves with the weight of each case: the influence, by central differences."""
    truth, said = [one.case.expected for one in outcomes], [one.judgement.answer or "" for one in outcomes]
    step = 1e-5
    found = []
    for row in range(len(outcomes)):
        ends = []
        for sign in (1, -1):
            weights = np.ones(len(outcomes))
            weights[row] += sign * step
            ends.append(weigh(truth, said, weights))
        found.append((ends[0] - ends[1]) / (2 * step))
    return np.array(found)


def binary(score: Callable[..., float]) -> Weigh:
    return lambda truth, said, weights: float(
        score(truth, said, sample_weight=weights, labels=["Yes"], average="macro", zero_division=0.0)
    )


WEIGHED: dict[str, Weigh] = {
    "accuracy": lambda truth, said, weights: float(accuracy_score(truth, said, sample_weight=weights)),
    "precision": binary(precision_score),
    "recall": binary(recall_score),
    "f1": binary(f1_score),
    "specificity": lambda truth, said, weights: float(
        recall_score(truth, said, sample_weight=weights, labels=["No"], average="macro")
    ),
    "balanced_accuracy": lambda truth, said, weights: float(
        balanced_accuracy_score(truth, said, sample_weight=weights)
    ),
}


@pytest.mark.parametrize("name", WEIGHED)
@seldom
@given(answered(BINARY))
def test_values_and_influences_are_scikit_learns(name: str, outcomes: list[Outcome]) -> None:
    figure = FORMULAS[name](read_facts(outcomes)["floor"])
    if figure.value is None or figure.influence is None:
        return
    truth, said = [one.case.expected for one in outcomes], [one.judgement.answer or "" for one in outcomes]
    assert figure.value == pytest.approx(WEIGHED[name](truth, said, np.ones(len(outcomes))))
    found = {one.case.key: move for one, move in zip(figure.of.outcomes, figure.influence, strict=True)}
    expected = moves(outcomes, WEIGHED[name])
    for one, move in zip(outcomes, expected, strict=True):
        own = found.get(one.case.key, 0.0)
        assert (0.0 if math.isnan(own) else own) == pytest.approx(move, abs=1e-6)


@seldom
@given(answered(SEVERITY))
def test_the_rating_errors_influence_is_scikit_learns(outcomes: list[Outcome]) -> None:
    def weigh(truth: list[str], said: list[str], weights: np.ndarray) -> float:
        pair = [int(one) for one in truth], [int(one) for one in said]
        return float(mean_absolute_error(*pair, sample_weight=weights))

    figure = FORMULAS["mean_absolute_error"](read_facts(outcomes)["floor"])
    assert figure.influence == pytest.approx(moves(outcomes, weigh), abs=1e-6)
