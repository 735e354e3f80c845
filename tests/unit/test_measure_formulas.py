"""What each metric counts, and that it is None, never 0 or NaN, where there is nothing to count."""

from __future__ import annotations

import pytest

from pytest_cosmos.measure import METRICS, measure
from pytest_cosmos.measure.formulas import FORMULAS
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
    assert set(FORMULAS) == set(METRICS)


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
    assert measure(cases, "floor", "latency_p50").cases == 101


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
