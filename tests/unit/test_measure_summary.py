"""The summary of a run: which figures it holds, confusion matrices, and the cases to look at."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from pytest_cosmos.measure import METRICS, measure, summarise
from pytest_cosmos.measure.formulas import FORMULAS
from pytest_cosmos.records import ERROR, UNPARSED, Outcome, Summary
from tests.unit.builders import BINARY, MATERIAL, SEVERITY, TRAVERSAL, outcome


def slices(summary: Summary, suite: str = "floor") -> list[dict[str, str]]:
    return [m.slice for m in summary.metrics if m.suite == suite and m.name == "accuracy"]


def test_nothing_is_summarised_as_nothing() -> None:
    assert summarise([]) == Summary(metrics=(), confusions=())


def test_it_is_broken_down_by_prompt_category_source_and_prompt_with_category() -> None:
    cases = [
        outcome("a", TRAVERSAL, "No", category="safe", source="real"),
        outcome("a", BINARY, category="safe", source="real"),
        outcome("b", BINARY, category="hazard"),
    ]
    assert slices(summarise(cases)) == [
        {},
        {"prompt": "binary_safety"},
        {"prompt": "traversal"},
        {"category": "hazard"},
        {"category": "safe"},
        {"source": "real"},
        {"source": "simulation"},
        {"prompt": "binary_safety", "category": "hazard"},
        {"prompt": "binary_safety", "category": "safe"},
        {"prompt": "traversal", "category": "safe"},
    ]


def test_a_blank_category_or_source_makes_no_slice() -> None:
    assert slices(summarise([outcome(category="", source="")])) == [{}, {"prompt": "binary_safety"}]


def test_suites_are_kept_apart() -> None:
    summary = summarise([outcome(suite="b", said="No"), outcome(suite="a")])
    overall = {m.suite: m.value for m in summary.metrics if m.name == "accuracy" and not m.slice}
    assert overall == {"a": 1, "b": 0}
    assert [confusion.suite for confusion in summary.confusions] == ["a", "b"]


def test_it_holds_every_metric_as_measure_computes_it() -> None:
    cases = [outcome("a"), outcome("b", said="No", category="safe"), outcome("c", SEVERITY, "2", "5")]
    for metric in summarise(cases).metrics:
        assert metric == measure(cases, metric.suite, metric.name, metric.slice)
    assert len(summarise(cases).metrics) == len(FORMULAS) * len(slices(summarise(cases)))


def test_what_takes_a_parameter_is_left_to_thresholds() -> None:
    assert {name for name, kind in METRICS.items() if kind.parameter} == set(METRICS) - set(FORMULAS)


def test_confusion_matrix_has_columns_for_unparsed_and_error() -> None:
    cases = [
        outcome("a", MATERIAL, "wood", "wood"),
        outcome("b", MATERIAL, "wood", "tile"),
        outcome("c", MATERIAL, "tile", UNPARSED),
        outcome("d", MATERIAL, "tile", ERROR),
    ]
    (confusion,) = summarise(cases).confusions
    assert confusion.rows == ("concrete", "wood", "tile")
    assert confusion.columns == ("concrete", "wood", "tile", UNPARSED, ERROR)
    assert confusion.counts == ((0, 0, 0, 0, 0), (0, 1, 1, 0, 0), (0, 0, 0, 1, 1))


def test_least_sure_answers_come_first_and_ties_by_name() -> None:
    cases = [
        outcome("b", confidence=0.6),
        outcome("a", confidence=0.6),
        outcome("c", confidence=0.51, said="No"),
        outcome("d", confidence=None),
        outcome("e", said=UNPARSED),
        outcome("f", confidence=float("nan")),
    ]
    assert summarise(cases).low_confidence == tuple(f"floor/{name}-binary_safety" for name in "cab")


def test_worst_are_errors_then_missed_hazards_then_false_alarms_then_the_rest() -> None:
    cases = [
        outcome("right"),
        outcome("tolerated", SEVERITY, "3", "2"),
        outcome("other", MATERIAL, "wood", "tile", confidence=0.99),
        outcome("alarm", expected="No", said="Yes", confidence=0.99),
        outcome("mute", said=UNPARSED),
        outcome("missed", said="No", confidence=0.6),
        outcome("surely", said="No", confidence=0.8),
        outcome("broken", said=ERROR),
    ]
    names = [key.removeprefix("floor/").partition("-")[0] for key in summarise(cases).worst]
    assert names == ["broken", "surely", "missed", "mute", "alarm", "other"]


def test_lists_hold_twenty() -> None:
    summary = summarise([outcome(f"s{n}", said="No") for n in range(30)])
    assert len(summary.worst) == len(summary.low_confidence) == 20


@pytest.fixture(scope="module")
def ten_thousand() -> list[Outcome]:
    return [
        outcome(f"s{n}", prompt, prompt.choices[n % 2], prompt.choices[n % 3 % 2], category=f"c{n % 10}")
        for n in range(3334)
        for prompt in (BINARY, TRAVERSAL, SEVERITY)
    ]


def test_ten_thousand_outcomes_take_under_two_seconds(ten_thousand: list[Outcome]) -> None:
    summarise(ten_thousand[:30])  # the imports
    start = time.process_time()
    summarise(ten_thousand)
    assert time.process_time() - start < 2


def test_importing_it_loads_no_statistics() -> None:
    heavy = "{'sklearn', 'scipy', 'statsmodels', 'pandas'}"
    code = f"import sys, pytest_cosmos.gate; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
