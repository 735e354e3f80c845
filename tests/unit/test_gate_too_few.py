"""What is said where so few cases cannot tell: what the best result would prove, and how many cases it takes."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import pytest

from pytest_cosmos.gate.too_few import counted, pairs_needed, rounded, samples_needed, too_few, too_few_pairs
from pytest_cosmos.measure.power import MOST, pairs_for_margin, proves_at_best, samples_for_bar
from pytest_cosmos.records import Difference, Metric, Threshold


def bar(metric: str = "accuracy", **bars: Any) -> Threshold:
    return Threshold(suite="floor", metric=metric, **bars)


def measured(value: float | None, low: float = 0.0, high: float = 1.0, **more: Any) -> Metric:
    counts: dict[str, Any] = {"cases": 50, "samples": 50, "clusters": 50, **more}
    return Metric(suite="floor", name="accuracy", value=value, low=low, high=high, **counts)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (7, "7"),
        (99, "99"),
        (100, "100"),
        (101, "110"),
        (380, "380"),
        (381, "390"),
        (12_000, "12,000"),
        (12_001, "13,000"),
    ],
)
def test_a_rough_number_has_two_digits_and_is_never_too_small(number: int, written: str) -> None:
    assert rounded(number) == written


def test_one_is_no_plural() -> None:
    assert [counted(n, "case") for n in (0, 1, 2)] == ["0 cases", "1 case", "2 cases"]


def test_what_the_best_result_would_prove_is_told_only_where_it_is_too_little() -> None:
    best = proves_at_best(50, 50)
    enough, short = bar(at_least=best), bar(at_least=best + 1e-6)
    assert not too_few(enough, measured(0.95)).startswith("even")
    assert too_few(short, measured(0.95)).startswith("even a figure of 1 on 50 samples proves only at least 0.929; ")
    above = bar("missed_hazard_rate", at_most=0.01)
    told = too_few(above, measured(0.0, clusters=10))
    assert told.startswith("even a figure of 0 on 10 clusters proves only at most 0.")


def test_it_takes_more_than_there_are() -> None:
    assert too_few(bar(at_least=0.5), measured(0.95)) == "it takes about 51 samples (50 asked)"
    assert too_few(bar(at_least=0.5), measured(0.95, clusters=1, samples=1, cases=1)).endswith(" samples (1 asked)")


def test_numbers_that_are_known_are_written_in_full_and_one_is_no_plural() -> None:
    for asked, told in ((1, "1 sample proves only at least 0.207"), (123, "123 samples proves only at least 0.970")):
        found = measured(0.995, cases=asked, samples=asked, clusters=asked)
        start = f"even a figure of 1 on {told}; it takes about 2,800 samples ({asked} asked)"
        assert too_few(bar(at_least=0.99), found) == start


def test_so_near_to_the_bar_that_nothing_would_tell() -> None:
    assert too_few(bar(at_least=0.5), measured(0.5)) == "so near to the bar not even 1,000,000 samples would tell"


def test_everything_right_so_far_is_taken_for_half_a_case_less_but_not_down_to_the_bar() -> None:
    perfect = measured(1.0, 0.93, 1.0)
    for at_least, taken_for in ((0.9, 0.99), (0.99, 0.995)):
        needed = samples_for_bar(at_least, taken_for)
        assert samples_needed(bar(at_least=at_least), perfect) == needed
        turned = measured(0.0, 0.0, 0.07)
        assert samples_needed(bar("missed_hazard_rate", at_most=1 - at_least), turned) == pytest.approx(needed, abs=1)
    assert samples_needed(bar(at_least=0.9), perfect, power=0.95) == samples_for_bar(0.9, 0.99, power=0.95)
    strict = bar(at_least=0.9, confidence=0.99)
    assert samples_needed(strict, perfect) == samples_for_bar(0.9, 0.99, confidence=0.99)


@pytest.mark.parametrize(("value", "clusters"), [(None, 50), (0.9, 0)])
def test_of_nothing_nothing_can_be_told(value: float | None, clusters: int) -> None:
    assert samples_needed(bar(at_least=0.8), measured(value, clusters=clusters)) is None


def width(clusters: int, reach: float, confidence: float, power: float) -> int:
    """By how much an interval must narrow, and the power on top: its width goes with the root of the number."""
    return math.ceil(clusters * (reach * extra(confidence, power)) ** 2)


def extra(confidence: float, power: float) -> float:
    return 1 + NormalDist().inv_cdf(power) / NormalDist().inv_cdf((1 + confidence) / 2)


@pytest.mark.parametrize(
    ("bars", "value", "low", "high", "reach"),
    [
        ({"at_least": 0.7, "at_most": 0.9}, 0.8, 0.72, 0.92, 1.2),  # a corridor: its nearer side
        ({"at_least": 0.75, "at_most": 0.9}, 0.8, 0.7, 0.9, 2.0),
        ({"at_least": 0.8, "at_most": 0.9}, 0.8, 0.7, 0.9, 1.0),  # on one side nothing would tell
    ],
)
def test_an_interval_narrows_with_the_root_of_the_number(
    bars: dict[str, Any], value: float, low: float, high: float, reach: float
) -> None:
    corridor, found = bar(**bars), measured(value, low, high)
    assert samples_needed(corridor, found) == pytest.approx(width(50, reach, 0.95, 0.8), abs=1)
    assert samples_needed(corridor, found, power=0.9) == pytest.approx(width(50, reach, 0.95, 0.9), abs=1)
    sure = corridor.model_copy(update={"confidence": 0.99})
    assert samples_needed(sure, found) == pytest.approx(width(50, reach, 0.99, 0.8), abs=1)


def test_a_figure_that_is_no_share_and_has_no_end_over_the_bar_needs_none() -> None:
    error = bar("mean_absolute_error", at_most=0.7)
    assert samples_needed(error, measured(0.5, 0.3, 0.8)) == pytest.approx(width(50, 1.5, 0.95, 0.8), abs=1)
    assert samples_needed(error, measured(0.7, 0.6, 0.8)) is None
    assert samples_needed(error, measured(0.7 - 1e-9, 0.3, 0.8)) is None  # more than MOST


def test_one_sample_may_be_enough_and_a_million_are_in_reach() -> None:
    error = bar("mean_absolute_error", at_most=1.0)
    assert samples_needed(error, measured(0.0, 0.0, 0.5, clusters=1)) == 1
    most = math.sqrt(MOST) / extra(0.95, 0.8)  # the end of the interval of one sample for which a million are needed
    assert samples_needed(error, measured(0.0, 0.0, most * (1 - 1e-9), clusters=1)) == MOST
    assert samples_needed(error, measured(0.0, 0.0, most * (1 + 1e-9), clusters=1)) is None


def test_of_samples_with_four_independent_cases_fewer_are_needed_than_of_those_with_one() -> None:
    four = {"cases": 200, "samples": 50, "clusters": 50}
    lower = bar(at_least=0.85)
    assert samples_needed(lower, measured(0.9, 0.85, 0.95, **four)) == 109
    assert samples_for_bar(0.85, 0.9) == 378
    drop = Threshold(suite="floor", metric="accuracy", max_drop=0.02, kind="regression")
    assert pairs_needed(drop, difference(**four)) == 207
    assert pairs_for_margin(0.02, 0.02) == 518


def test_pairs_that_are_just_enough_are_not_asked_for_again() -> None:
    drop = Threshold(suite="floor", metric="accuracy", max_drop=0.07, kind="regression")
    enough = difference(cases=119, samples=119, clusters=119)
    assert pairs_needed(drop, enough) == 119
    assert too_few_pairs(drop, enough) == "too few cases to tell"


def difference(**found: Any) -> Difference:
    usual: dict[str, Any] = {
        "suite": "floor", "metric": "accuracy", "value": 0.0, "low": -0.05, "high": 0.05, "fixed": 2, "broken": 2,
        "cases": 100, "samples": 100, "clusters": 100,
    }  # fmt: skip
    return Difference(**{**usual, **found})


def test_pairs_that_are_too_few() -> None:
    drop = Threshold(suite="floor", metric="accuracy", max_drop=0.02, kind="regression")
    needed = pairs_needed(drop, difference())
    assert needed is not None
    assert needed > 100
    told = f"too few cases to tell: it takes about {rounded(needed)} samples, if both are equally good (100 asked)"
    assert too_few_pairs(drop, difference()) == told
    rise = Threshold(suite="floor", metric="accuracy", max_rise=0.02, kind="regression")
    assert pairs_needed(rise, difference()) == needed
    assert (pairs_needed(drop, difference(), power=0.95) or 0) > needed
    assert (pairs_needed(drop.model_copy(update={"confidence": 0.99}), difference()) or 0) > needed
    assert too_few_pairs(drop.model_copy(update={"max_drop": 0.3}), difference()) == "too few cases to tell"
    tiny = drop.model_copy(update={"max_drop": 1e-5})
    assert too_few_pairs(tiny, difference()) == f"not even {MOST:,} samples would tell"


def test_of_figures_that_are_no_shares_nobody_can_say_how_many_pairs() -> None:
    drop = Threshold(suite="floor", metric="f1", max_drop=0.02, kind="regression")
    assert pairs_needed(drop, difference(fixed=None)) is None
    assert too_few_pairs(drop, difference(fixed=None)) == "too few cases changed or were asked to tell"
    assert pairs_needed(bar(at_least=0.5), difference()) is None
