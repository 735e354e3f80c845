"""What each metric counts, and that it is None, never 0 or NaN, where there is nothing to count."""

from __future__ import annotations

import pytest

from pytest_cosmos.measure import METRICS, Parameters, measure
from pytest_cosmos.measure.formulas import FORMULAS, PARAMETRIC
from pytest_cosmos.records import ERROR, UNPARSED, Metric, Outcome
from tests.unit.builders import BINARY, MATERIAL, SEVERITY, TRAVERSAL, outcome, outcomes_of

MIXED = [
    outcome("a", expected="Yes", said="Yes"),
    outcome("b", expected="Yes", said="No"),
    outcome("c", expected="Yes", said=UNPARSED),
    outcome("d", expected="Yes", said=ERROR),
    outcome("e", expected="No", said="No"),
    outcome("f", expected="No", said="Yes"),
    outcome("g", expected="No", said=UNPARSED),
    outcome("h", expected="No", said="No"),
]


def value(outcomes: list[Outcome], name: str, **where: str) -> float | None:
    return measure(outcomes, "floor", name, where).value


def test_every_name_has_a_formula_and_the_other_way_round() -> None:
    assert set(FORMULAS) | set(PARAMETRIC) == set(METRICS)
    assert not set(FORMULAS) & set(PARAMETRIC)
    assert set(PARAMETRIC) == {name for name, kind in METRICS.items() if kind.parameter}


@pytest.mark.parametrize(
    ("name", "expected", "cases"),
    [
        ("accuracy", 3 / 7, 7),
        ("exact_accuracy", 3 / 7, 7),
        ("precision", 1 / 2, 2),
        ("recall", 1 / 3, 3),
        ("f1", 2 / 5, 7),
        ("specificity", 2 / 4, 4),
        ("balanced_accuracy", (1 / 3 + 2 / 4) / 2, 7),
        ("majority_baseline", 4 / 7, 7),
        ("missed_hazards", 2, 3),
        ("missed_hazard_rate", 2 / 3, 3),
        ("false_alarms", 1, 4),
        ("false_alarm_rate", 1 / 4, 4),
        ("parse_rate", 5 / 7, 7),
        ("unparsed_rate", 2 / 7, 7),
        ("error_rate", 1 / 8, 8),
        ("cases", 8, 8),
    ],
)
def test_metric_of_a_mixed_bag(name: str, expected: float, cases: int) -> None:
    measured = measure(MIXED, "floor", name)
    assert measured.value == pytest.approx(expected)
    assert (measured.cases, measured.samples) == (cases, cases)


@pytest.mark.parametrize("name", METRICS)
def test_no_outcomes_is_no_data(name: str) -> None:
    nothing = Metric(suite="floor", name=name, value=None)
    assert measure([], "floor", name) == nothing
    assert measure(MIXED, "other", name).value is None
    assert value(MIXED, name, category="nowhere") is None
    assert value(MIXED, name, colour="red") is None


@pytest.mark.parametrize("name", sorted(set(METRICS) - {"error_rate", "cases"}))
def test_errors_alone_are_no_data(name: str) -> None:
    assert value([outcome("a", said=ERROR), outcome("b", SEVERITY, "3", ERROR)], name) is None


def test_without_hazards_recall_is_no_data_but_false_alarms_are_counted() -> None:
    safe = [outcome("a", expected="No", said="Yes"), outcome("b", expected="No", said="No")]
    for name in ("recall", "f1", "missed_hazards", "missed_hazard_rate"):
        assert value(safe, name) is None
    assert value(safe, "false_alarms") == 1
    assert value(safe, "precision") == 0


def test_without_hazard_answers_precision_is_no_data_and_f1_is_zero() -> None:
    blind = [outcome("a", said="No"), outcome("b", expected="No", said="No")]
    assert value(blind, "precision") is None
    assert value(blind, "f1") == 0
    assert value(blind, "recall") == 0


def test_a_prompt_without_hazard_class_has_no_hazard_metrics() -> None:
    material = [outcome("a", MATERIAL, "wood", "wood"), outcome("b", MATERIAL, "tile", "wood")]
    assert value(material, "accuracy") == 1 / 2
    for name in ("precision", "recall", "f1", "specificity", "missed_hazards", "false_alarms"):
        assert value(material, name) is None


def test_hazard_is_no_where_the_prompt_says_so() -> None:
    unsafe = [outcome("a", TRAVERSAL, "No", "No"), outcome("b", TRAVERSAL, "No", "Yes")]
    assert value(unsafe, "recall") == 1 / 2


def test_ratings_are_right_within_tolerance_and_measured_without() -> None:
    ratings = [
        outcome("a", SEVERITY, "3", "3"),
        outcome("b", SEVERITY, "3", "4"),
        outcome("c", SEVERITY, "1", "5"),
        outcome("d", SEVERITY, "5", UNPARSED),
    ]
    assert value(ratings, "accuracy") == 2 / 4
    assert value(ratings, "exact_accuracy") == 1 / 4
    assert value(ratings, "mean_absolute_error") == pytest.approx(5 / 3)
    assert measure(ratings, "floor", "mean_absolute_error").cases == 3
    assert value([outcome()], "mean_absolute_error") is None


def test_majority_baseline_of_ratings_gets_the_tolerance_too() -> None:
    ratings = [outcome(f"s{n}", SEVERITY, expected) for n, expected in enumerate(["1", "1", "1", "3", "4", "5", "4"])]
    assert value(ratings, "majority_baseline") == 4 / 7  # always 4, though 1 is the most frequent


def test_majority_baseline_is_pooled_over_prompts() -> None:
    cases = [outcome(f"s{n}", BINARY, "Yes") for n in range(3)] + [outcome("s3", BINARY, "No")]
    cases += [outcome(f"s{n}", TRAVERSAL, "No") for n in range(4)]
    assert value(cases, "majority_baseline") == 7 / 8


def test_balanced_accuracy_shows_up_a_constant_answer() -> None:
    always_yes = [outcome(f"y{n}") for n in range(9)] + [outcome("n", expected="No", said="Yes")]
    assert value(always_yes, "accuracy") == 9 / 10
    assert value(always_yes, "balanced_accuracy") == 1 / 2
    assert value(outcomes_of(3, 1), "balanced_accuracy") is None  # one class alone


def test_confidence_ignores_what_is_not_known() -> None:
    cases = [
        outcome("a", confidence=0.5),
        outcome("b", confidence=0.7),
        outcome("c", confidence=None),
        outcome("d", confidence=float("nan")),
        outcome("e", said=UNPARSED),
    ]
    measured = measure(cases, "floor", "mean_confidence")
    assert measured.value == pytest.approx(0.6)
    assert measured.cases == 2


def test_latency_is_what_a_caller_waits_and_rates_are_what_a_case_costs() -> None:
    cases = [outcome(f"s{n}", seconds=0.2, waited=float(n), tokens=10) for n in range(1, 102)]
    cases += [outcome("unknown", seconds=None, waited=None, tokens=None), outcome("broken", said=ERROR)]
    assert value(cases, "latency_p50") == 51
    assert value(cases, "latency_p95") == 96
    assert value(cases, "cases_per_second") == pytest.approx(5)
    assert value(cases, "tokens_per_second") == pytest.approx(50)
    for name in ("latency_p50", "cases_per_second", "tokens_per_second"):
        assert (measure(cases, "floor", name).cases, measure(cases, "floor", name).unknown) == (101, 1)


@pytest.mark.parametrize("seconds", [0.0, None, float("nan"), -1.0])
def test_no_time_is_no_rate(seconds: float | None) -> None:
    cases = [outcome("a", seconds=seconds)]
    assert value(cases, "cases_per_second") is None
    assert value(cases, "tokens_per_second") is None


def test_samples_are_counted_once_for_all_their_prompts() -> None:
    cases = [outcome(sample, prompt, "No") for sample in ("a", "b") for prompt in (BINARY, TRAVERSAL)]
    measured = measure(cases, "floor", "accuracy")
    assert (measured.cases, measured.samples) == (4, 2)


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("prompt", "binary_safety"),
        ("category", "ambiguous"),
        ("source", "real"),
        ("label", "wet"),
        ("split", "test"),
        ("group", "hall"),
        ("severity", "4"),
    ],
)
def test_slices(key: str, wanted: str) -> None:
    one = outcome("a", category="ambiguous", source="real", label="wet", group="hall", fields={"severity": "4"})
    measured = measure([one, outcome("b", TRAVERSAL, "No")], "floor", "accuracy", {key: wanted})
    assert measured.cases == (2 if key == "split" else 1)
    assert measured.slice == {key: wanted}
    assert measured.key == f"accuracy[{key}={wanted}]"


def test_conditions_of_a_slice_all_hold() -> None:
    cases = [outcome("a", said="No"), outcome("a", TRAVERSAL, "No"), outcome("b", category="safe")]
    assert value(cases, "accuracy", prompt="binary_safety", category="hazard") == 0


COSTS = Parameters(cost={"missed_hazard": 10, "false_alarm": 1})
SURE = [
    outcome("a", confidence=0.9),
    outcome("b", confidence=0.6),
    outcome("c", said="No", confidence=0.7),
    outcome("d", said="No", confidence=None),
    outcome("e", confidence=float("nan")),
    outcome("f", said=UNPARSED),
    outcome("g", said=ERROR),
]


def test_expected_cost_prices_missed_hazards_and_false_alarms() -> None:
    measured = measure(MIXED, "floor", "expected_cost", parameters=COSTS)
    assert measured.value == pytest.approx((2 * 10 + 1) / 7)  # the unparsed hazard is missed
    assert measured.cases == 7
    assert None not in (measured.value, measured.low, measured.high)
    assert 0 <= (measured.low or 0) < (measured.value or 0) < (measured.high or 0) <= 10


def test_a_hazard_that_did_not_come_up_is_not_ruled_out() -> None:
    """No miss in 100 hazards: a rate of 3 % would still show none one time in twenty, and each costs 10."""
    fine = [outcome(f"s{n}") for n in range(100)]
    measured = measure(fine, "floor", "expected_cost", parameters=COSTS)
    assert measured.value == 0
    assert measured.high is not None
    assert measured.high > 0.3


@pytest.mark.parametrize("name", ["expected_cost", "coverage", "selective_accuracy"])
def test_without_its_parameter_it_is_no_data(name: str) -> None:
    assert value(MIXED, name) is None


def test_costs_of_nothing_and_cases_without_hazards_are_no_data() -> None:
    assert measure(MIXED, "floor", "expected_cost", parameters=Parameters(cost={"missed_hazard": 0})).value is None
    material = [outcome("a", MATERIAL, "wood", "tile")]
    assert measure(material, "floor", "expected_cost", parameters=COSTS).value is None


def covered(name: str, least: float) -> tuple[float | None, int]:
    measured = measure(SURE, "floor", name, parameters=Parameters(abstain_below=least))
    return measured.value, measured.cases


def test_the_model_abstains_below_a_confidence_and_where_none_is_known() -> None:
    assert covered("coverage", 0.6) == (3 / 6, 6)
    assert covered("coverage", 0.0) == (3 / 6, 6)  # unknown or unparsed: abstained, whatever was asked for
    assert covered("coverage", 0.7) == (2 / 6, 6)
    assert covered("selective_accuracy", 0.6) == (2 / 3, 3)
    assert covered("selective_accuracy", 0.7) == (1 / 2, 2)
    assert covered("selective_accuracy", 0.95) == (None, 0)
    assert covered("coverage", 0.95) == (0, 6)


def test_without_any_confidence_nothing_is_known_of_them() -> None:
    mute = [outcome("a", confidence=None), outcome("b", said="No", confidence=float("nan"))]
    parameters = Parameters(abstain_below=0.0)
    names = ("brier", "ece", "ece_noise_floor", "auroc", "accuracy_at_90_coverage", "coverage", "selective_accuracy")
    for name in names:
        assert measure(mute, "floor", name, parameters=parameters).value is None


def test_brier_is_over_answers_of_known_confidence() -> None:
    measured = measure(SURE, "floor", "brier")
    assert measured.value == pytest.approx((0.1**2 + 0.4**2 + 0.7**2) / 3)
    assert measured.cases == 3


@pytest.mark.parametrize("impossible", [1.5, -0.1, float("inf")])
def test_an_impossible_confidence_is_an_unknown_one(impossible: float) -> None:
    cases = [outcome("a", said="No", confidence=impossible), outcome("b", confidence=0.8)]
    assert measure(cases, "floor", "brier").cases == 1
    assert measure(cases, "floor", "coverage", parameters=Parameters(abstain_below=0.5)).value == 1 / 2


def test_rounding_above_1_is_1() -> None:
    assert value([outcome("a", confidence=1 + 1e-7)], "brier") == 0


def test_a_confidence_is_that_of_the_very_answer_and_a_tolerance_has_no_part_in_it() -> None:
    near = [outcome(f"s{n}", SEVERITY, "3", "4" if n % 2 else "3", confidence=0.5) for n in range(40)]
    assert value(near, "accuracy") == 1
    assert value(near, "ece") == 0
    assert value(near, "brier") == pytest.approx(0.25)


def test_auroc_needs_right_and_wrong_answers() -> None:
    good = [outcome(f"g{n}", confidence=0.8 + n / 100) for n in range(5)]
    bad = [outcome(f"b{n}", said="No", confidence=0.5 + n / 100) for n in range(5)]
    assert value(good + bad, "auroc") == 1
    assert value(good, "auroc") is None
    assert value(bad, "auroc") is None
    measured = measure(good + bad, "floor", "auroc")
    assert measured.low is not None
    assert measured.low < 0.6  # five of each are few


def test_accuracy_at_90_coverage_leaves_out_the_least_sure() -> None:
    cases = [outcome(f"s{n}", said="No" if n == 0 else "Yes", confidence=0.5 + n / 100) for n in range(10)]
    measured = measure(cases, "floor", "accuracy_at_90_coverage")
    assert (measured.value, measured.cases) == (1, 9)
    unread = [*cases, *(outcome(f"u{n}", said=UNPARSED) for n in range(10))]
    assert value(unread, "accuracy_at_90_coverage") == pytest.approx(9 / 18)  # abstaining is no way out


@pytest.mark.parametrize("name", ["mean_confidence", "brier", "ece", "ece_noise_floor", "auroc", "selective_accuracy"])
def test_answers_left_out_for_want_of_a_confidence_are_counted(name: str) -> None:
    parameters = Parameters(abstain_below=0.6)
    assert measure(SURE, "floor", name, parameters=parameters).unknown == 2
    assert measure(SURE[:3], "floor", name, parameters=parameters).unknown == 0
