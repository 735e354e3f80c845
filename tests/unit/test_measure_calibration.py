"""What a confidence is worth: against scikit-learn, by hand, and of models whose calibration is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from pytest_cosmos.measure.calibration import Bins, auroc, bins, noise_floor, scaled, surest, temperature_of
from pytest_cosmos.measure.interval import Values

Answers = list[tuple[float, bool]]
answers = st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.7, 0.9, 0.99, 1.0]), st.booleans()), min_size=1, max_size=60)


def columns(rows: Answers) -> tuple[Values, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=bool)


def made(n: int, temperature: float = 1.0, seed: int = 3) -> tuple[Values, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Draw answers whose confidences are right at this temperature."""
    chance = np.random.default_rng(seed)
    told = chance.beta(6, 2, n)
    return told, chance.random(n) < scaled(told, temperature)


@given(answers)
def test_bins_hold_every_case_once_and_equal_confidences_together(rows: Answers) -> None:
    confidence, right = columns(rows)
    found = bins(confidence, right)
    assert found.cases.sum() == len(rows)
    assert list(found.confidence) == sorted(found.confidence)
    for value in set(confidence):
        assert len(set(found.of[confidence == value])) == 1


def test_bins_are_equally_full_where_there_are_no_ties() -> None:
    confidence, right = made(1500)
    assert set(bins(confidence, right).cases) <= {99, 100, 101}


@given(answers)
def test_calibration_error_by_the_book(rows: Answers) -> None:
    confidence, right = columns(rows)
    found = bins(confidence, right)
    by_hand = sum(
        abs(sum(good - sure for (sure, good), place in zip(rows, found.of, strict=True) if place == number))
        for number in range(len(found.cases))
    )
    assert found.error == pytest.approx(by_hand / len(rows))
    assert 0 <= found.error <= 1


def test_a_calibrated_model_is_within_its_noise_and_an_overconfident_one_is_not() -> None:
    within = [bins(*made(1200, 1.0, seed)) for seed in range(60)]
    below = sum(found.error <= noise_floor(found)[1] for found in within)
    assert 52 <= below <= 60  # 95 % of 60
    assert np.mean([found.error for found in within]) == pytest.approx(noise_floor(within[0])[0], rel=0.1)
    hot = bins(*made(1200, 2.0))
    assert hot.error > 2 * noise_floor(hot)[1]


def test_noise_floor_is_that_of_draws_case_by_case() -> None:
    confidence, right = made(700)
    found, chance = bins(confidence, right), np.random.default_rng(8)
    errors = [bins(confidence, chance.random(700) < confidence).error for _ in range(300)]
    assert noise_floor(found) == pytest.approx((np.mean(errors), np.quantile(errors, 0.95)), rel=0.06)


def test_noise_floor_is_the_same_every_time_and_grows_with_clusters_and_few_cases() -> None:
    many, few = bins(*made(2000)), bins(*made(60))
    assert noise_floor(many) == noise_floor(many)
    assert noise_floor(many, 4.0)[0] == pytest.approx(2 * noise_floor(many)[0])
    assert noise_floor(few)[0] > 3 * noise_floor(many)[0]
    sure = Bins(np.zeros(100, dtype=np.int64), np.array([100]), np.array([1.0]), np.array([0.99]))
    assert noise_floor(sure) == (0, 0)


@given(answers.filter(lambda rows: len({good for _, good in rows}) == 2))
def test_auroc_agrees_with_scikit_learn_and_its_influence_adds_up_to_nothing(rows: Answers) -> None:
    confidence, right = columns(rows)
    area, influence = auroc(confidence, right)
    assert area == pytest.approx(roc_auc_score(right, confidence))
    assert influence.sum() == pytest.approx(0, abs=1e-12)


def test_auroc_variance_is_that_of_many_drawings() -> None:
    """The sum of squared influences against how AUROC really varies from sample to sample."""
    areas, variances = [], []
    for seed in range(400):
        area, influence = auroc(*made(300, 1.0, seed))
        areas.append(area)
        variances.append((influence**2).sum())
    assert np.mean(variances) == pytest.approx(np.var(areas), rel=0.15)


@given(answers, st.floats(0.01, 1))
def test_the_surest_are_as_many_as_asked_for_and_no_case_is_surer(rows: Answers, part: float) -> None:
    confidence, _ = columns(rows)
    kept = surest(confidence, part)
    assert kept.sum() == pytest.approx(np.ceil(part * len(rows) - 1e-9))
    assert ((kept >= 0) & (kept <= 1)).all()
    out = confidence[kept < 1]
    assert not len(out) or (confidence[kept > 0] >= out.max()).all()


def test_a_missing_confidence_is_the_least_sure_even_below_zero_confidence() -> None:
    assert list(surest(np.array([np.nan, 0.0, 0.5, 0.5]), 0.5)) == [0, 0, 1, 1]
    assert list(surest(np.array([np.nan, 0.0, 0.5, 0.5]), 0.75)) == [0, 1, 1, 1]
    assert list(surest(np.array([0.9, 0.5, 0.5, 0.1]), 0.5)) == [1, 0.5, 0.5, 0]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 3.0])
def test_the_temperature_that_made_the_answers_is_found(temperature: float) -> None:
    assert temperature_of(*made(40_000, temperature)) == pytest.approx(temperature, rel=0.05)


def test_temperature_is_a_logistic_regression_without_intercept() -> None:
    confidence, right = made(500, 1.6)
    odds = np.log(confidence / (1 - confidence))[:, None]
    slope = LogisticRegression(C=1e9, fit_intercept=False, tol=1e-10).fit(odds, right).coef_[0, 0]
    assert temperature_of(confidence, right) == pytest.approx(1 / slope, rel=1e-3)


@given(answers)
@settings(deadline=None)
def test_temperature_is_finite_and_scaling_keeps_the_order(rows: Answers) -> None:
    confidence, right = columns(rows)
    temperature = temperature_of(confidence, right)
    assert 0.049 < temperature < 20.1
    calm = scaled(confidence, temperature)
    assert ((calm >= 0) & (calm <= 1)).all()
    assert (np.diff(calm[np.argsort(confidence)]) >= 0).all()


def test_no_temperature_is_learnt_from_answers_of_one_kind_or_of_no_confidence() -> None:
    sure = np.array([0.9, 0.8, np.nan])
    assert temperature_of(sure, np.array([True, True, False])) == 1
    assert temperature_of(sure, np.array([False, False, True])) == 1
    assert temperature_of(np.array([]), np.array([], dtype=bool)) == 1


def test_scaling_by_1_changes_nothing_by_more_cools_and_certainty_can_be_cooled() -> None:
    told = np.array([0.2, 0.5, 0.9, 1.0, np.nan])
    assert scaled(told, 1.0) == pytest.approx(told, abs=2e-6, nan_ok=True)
    assert scaled(told, 2.0)[:3] == pytest.approx([1 / 3, 0.5, 0.75])
    assert scaled(told, 4.0)[3] < 0.97
