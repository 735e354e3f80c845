"""Two runs compared: when a difference is called one, which slices there are, and what a comparison holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_cosmos.measure import Pairs, Parameters, compare, difference, differences, pair
from pytest_cosmos.measure.comparison import adjusted
from pytest_cosmos.measure.paired import figure_interval
from pytest_cosmos.records import UNPARSED, Difference
from tests.unit.builders import MATERIAL, SEVERITY, TRAVERSAL, outcome, outcomes_of, run_of

SURE: dict[str, Any] = {"suite": "floor", "metric": "accuracy", "value": 0.1, "low": 0.01, "high": 0.2}


def word(**doctored: Any) -> str:
    """Return what a difference is called beside another like it: of two slices each p counts double."""
    one = Difference(**{**SURE, "p_value": 0.001, **doctored})
    return adjusted([one, one])[0].change


@pytest.mark.parametrize(
    ("doctored", "change"),
    [
        ({}, "improved"),
        ({"metric": "unparsed_rate"}, "worse"),
        ({"metric": "mean_confidence"}, "changed"),
        ({"value": -0.1, "low": -0.2, "high": -0.01}, "worse"),
        ({"p_value": 0.024}, "improved"),
        ({"p_value": 0.026}, "no_evidence"),
        ({"p_value": 0.25, "confidence": 0.5}, "no_evidence"),  # p is not below what chance may reach, but at it
        ({"p_value": 0.24, "confidence": 0.5}, "improved"),
        ({"low": 0.0}, "no_evidence"),  # no difference is an end of the interval, so it is not ruled out
        ({"value": -0.1, "low": -0.2, "high": 0.0}, "no_evidence"),
        ({"low": None}, "no_evidence"),
        ({"high": None}, "no_evidence"),
        ({"value": None}, "no_data"),
    ],
)
def test_a_difference_is_called_one_where_test_and_interval_both_say_so(doctored: dict[str, Any], change: str) -> None:
    assert word(**doctored) == change


def test_both_figures_are_told_where_their_difference_is_not() -> None:
    before = [outcome(f"s{n}", said="Yes" if n % 4 else "No") for n in range(40)]
    after = [outcome(f"s{n}", said="Yes", confidence=0.9 if n % 8 else None) for n in range(40)]
    lost = difference(pair(before, after), "floor", "brier")
    assert (lost.value, lost.change, lost.cases, lost.samples, lost.clusters) == (None, "no_data", 40, 40, 40)
    assert lost.baseline == pytest.approx(0.21)
    assert lost.candidate == pytest.approx(0.01)
    counted = difference(pair(before, after), "floor", "missed_hazards")
    assert (counted.baseline, counted.candidate, counted.value, counted.cases) == (10, 0, None, 40)
    warned, mute = [outcome(expected="No", said="Yes")], [outcome(expected="No")]
    for before, after, told in ((warned, mute, (0, None)), (mute, warned, (None, 0))):
        found = difference(pair(before, after), "floor", "precision")
        assert (found.baseline, found.candidate) == told
        assert (found.value, found.change, found.cases) == (None, "no_data", 1)


def test_sources_are_compared_but_not_cases_of_which_none_is_known() -> None:
    sources = ("real", "simulation", "")
    run = [outcome(f"s{n}", source=sources[n % 3]) for n in range(6)]
    slices = [one.slice for one in differences(pair(run, run)) if one.slice]
    assert slices == [{"source": "real"}, {"source": "simulation"}]
    known = [outcome(f"s{n}", source=("real", "")[n % 2]) for n in range(6)]
    assert [one.slice for one in differences(pair(known, known)) if one.slice] == [{"source": "real"}]


def test_ratings_get_no_better_for_want_of_the_wrong_ones() -> None:
    """Ratings are compared where both runs have one; that fewer are readable is another figure's to tell."""
    before = [outcome(f"s{n}", SEVERITY, "3", "3" if n % 4 else "5") for n in range(40)]
    after = [outcome(f"s{n}", SEVERITY, "3", "3" if n % 4 else UNPARSED) for n in range(40)]
    for sides in ((before, after), (after, before)):
        found = difference(pair(*sides), "floor", "mean_absolute_error")
        assert (found.baseline, found.candidate, found.value, found.cases) == (0, 0, 0, 30)
        assert found.change == "no_evidence"
    assert difference(pair(before, after), "floor", "unparsed_rate").change == "worse"
    mute = [outcome(f"s{n}", SEVERITY, "3", UNPARSED) for n in range(40)]
    assert difference(pair(before, mute), "floor", "mean_absolute_error").value is None
    worse = [outcome(f"s{n}", SEVERITY, "3", "4" if n % 4 else UNPARSED) for n in range(40)]
    assert difference(pair(before, worse), "floor", "mean_absolute_error").value == 1


def test_balanced_accuracy_is_no_surer_than_its_rare_class() -> None:
    """Three cases in each of 100 groups, nothing changed: the fewer of the groups are of hazards, the less is shown."""

    def reach(hazards: int) -> float:
        answers = ["Yes" if group < hazards else "No" for group in range(100)]
        run = [
            outcome(f"s{group}x{n}", expected=answer, said=answer, group=f"g{group}")
            for group, answer in enumerate(answers)
            for n in range(3)
        ]
        return -(difference(pair(run, run), "floor", "balanced_accuracy").low or 0)

    half, tenth = reach(50), reach(10)
    assert half == pytest.approx(1.984**2 / (100 + 1.984**2), rel=1e-3)
    assert tenth == pytest.approx(1.984**2 / (36 + 1.984**2), rel=1e-3)  # 2² / (1 / 10 + 1 / 90) groups


def test_a_slice_of_several_conditions_needs_them_all() -> None:
    run = [
        outcome(f"s{n}", prompt, category=("a", "b")[n % 2])
        for n in range(6)
        for prompt in (TRAVERSAL.model_copy(update={"name": "p"}), TRAVERSAL.model_copy(update={"name": "q"}))
    ]
    pairs = pair(run, run)
    assert difference(pairs, "floor", "accuracy", {"category": "a", "prompt": "p"}).cases == 3
    assert difference(pairs, "floor", "accuracy", {"prompt": "p"}).cases == 6
    assert difference(pairs, "floor", "accuracy").cases == 12


def test_suites_are_paired_by_themselves() -> None:
    floor, stairs = outcomes_of(3, 1), outcomes_of(1, 2, suite="stairs")
    pairs = pair([*floor, *stairs], [*floor, outcome("r0", suite="stairs", said="No"), *stairs[1:]])
    assert len(pairs) == 7
    assert pairs.keys(right_before=True, right_after=False) == ("stairs/r0-binary_safety",)
    assert len(pairs.keys(right_before=False, right_after=False)) == 3
    assert difference(pairs, "floor", "accuracy").broken == 0
    found = differences(pairs)
    assert [one.suite for one in found if one.metric == "accuracy" and not one.slice] == ["floor", "stairs"]


def test_a_comparison_holds_what_was_found() -> None:
    before, after = outcomes_of(4, 2), [*outcomes_of(4, 2)[:5], outcome("new")]
    pairs = pair(before, after)
    old, new = run_of(before, model="old"), run_of(after, model="new")
    found = compare(old, new, pairs, faults=["a fault"], remarks=["a remark"])
    assert (found.baseline, found.candidate) == (old.id, new.id)
    assert (found.faults, found.remarks) == (("a fault",), ("a remark",))
    assert found.differences == differences(pairs)
    assert found.unpaired == pairs.unpaired
    assert [one.case for one in found.unpaired] == ["floor/new-binary_safety", "floor/w1-binary_safety"]
    assert (found.pairs, found.right_before, found.right_after) == (5, 4, 4)


def test_a_dearer_candidate_is_called_worse() -> None:
    cost = Parameters(cost={"missed_hazard": 10, "false_alarm": 1})
    before = [outcome(f"s{n}") for n in range(24)]
    after = [outcome(f"s{n}", said="No" if n < 9 else "Yes") for n in range(24)]
    found = difference(pair(before, after), "floor", "expected_cost", parameters=cost)
    assert found.p_value == 2 * 0.5**9  # nine cases changed, all to the worse
    assert found.change == "worse"


def test_prompts_that_only_the_baseline_has_change_no_figure() -> None:
    """Prompts are numbered as they are met, so the two runs number their common ones differently."""
    before = [outcome(f"s{n}", expected=("Yes", "No")[n % 2], said="Yes") for n in range(20)]
    after = [outcome(f"s{n}", expected=("Yes", "No")[n % 2]) for n in range(20)]
    alone = difference(pair(before, after), "floor", "balanced_accuracy")
    with_another = difference(pair([outcome("a", MATERIAL, "wood"), *before], after), "floor", "balanced_accuracy")
    assert with_another == alone
    assert alone.change == "improved"


def test_pairs_are_complete_unless_told_otherwise() -> None:
    assert Pairs({}, {}).unpaired == ()


def test_an_error_of_several_points_reaches_as_many_times_further() -> None:
    ratings = [outcome(f"s{n}", SEVERITY, expected="3", said="3") for n in range(30)]
    found = difference(pair(ratings, ratings), "floor", "mean_absolute_error")
    nothing = np.zeros(30)
    low, high = figure_interval(0.0, nothing, np.arange(30), 0.95, top=4.0, worth=30.0)
    assert (found.low, found.high) == (low, high)
    assert high > 3 * figure_interval(0.0, nothing, np.arange(30), 0.95, worth=30.0)[1]
