"""Confidences against scikit-learn, and the calibration error against a loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from pytest_cosmos.measure import read_facts
from pytest_cosmos.measure.calibration import auroc, bins, temperature_of
from pytest_cosmos.measure.formulas import FORMULAS
from tests.unit.builders import outcome

Rated = list[tuple[float, bool]]
rated = st.lists(st.tuples(st.integers(1, 99).map(lambda n: n / 100), st.booleans()), min_size=2, max_size=60)
seldom = settings(max_examples=60, deadline=None)


def columns(rows: Rated) -> tuple[np.ndarray, np.ndarray]:
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=bool)


@seldom
@given(rated)
def test_auroc_and_its_influence_are_scikit_learns(rows: Rated) -> None:
    confidence, right = columns(rows)
    if right.all() or not right.any():
        return
    area, influence = auroc(confidence, right)
    assert area == pytest.approx(float(roc_auc_score(right, confidence)))
    step = 1e-5
    for row in range(min(len(rows), 10)):
        ends = []
        for sign in (1, -1):
            weights = np.ones(len(rows))
            weights[row] += sign * step
            ends.append(float(roc_auc_score(right, confidence, sample_weight=weights)))
        assert influence[row] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-6)


@seldom
@given(rated)
def test_brier_and_auroc_of_outcomes_are_scikit_learns(rows: Rated) -> None:
    confidence, right = columns(rows)
    facts = read_facts(
        outcome(f"s{n:03d}", said="Yes" if good else "No", confidence=one) for n, (one, good) in enumerate(rows)
    )["floor"]
    brier = FORMULAS["brier"](facts).value
    assert brier == pytest.approx(float(brier_score_loss(right, confidence)))
    area = FORMULAS["auroc"](facts).value
    if right.all() or not right.any():
        assert area is None
    else:
        assert area == pytest.approx(float(roc_auc_score(right, confidence)))


@seldom
@given(rated)
def test_the_calibration_error_is_that_of_a_loop(rows: Rated) -> None:
    confidence, right = columns(rows)
    found = bins(confidence, right)
    total = 0.0
    for number in set(found.of.tolist()):
        inside = [row for row, one in zip(rows, found.of, strict=True) if one == number]
        gap = sum(good for _, good in inside) / len(inside) - sum(one for one, _ in inside) / len(inside)
        total += len(inside) / len(rows) * abs(gap)
    assert found.error == pytest.approx(total)
    for one in {row[0] for row in rows}:  # equal confidences are of one bin, and bins do not overlap
        assert len({int(of) for of, row in zip(found.of, rows, strict=True) if row[0] == one}) == 1
    ordered = found.of[np.argsort(confidence, kind="stable")]
    assert (np.diff(ordered) >= 0).all()


def test_the_temperature_is_the_slope_of_a_logistic_regression() -> None:
    """1 / temperature is the coefficient of the log-odds of the confidence, without intercept or penalty."""
    chance = np.random.default_rng(3)
    confidence = chance.uniform(0.5, 0.99, 2000)
    odds = np.log(confidence / (1 - confidence))
    right = chance.random(2000) < 1 / (1 + np.exp(-odds / 1.7))
    slope = LogisticRegression(C=1e12, fit_intercept=False, tol=1e-10).fit(odds[:, None], right).coef_[0, 0]
    assert temperature_of(confidence, right) == pytest.approx(1 / slope, rel=1e-3)
