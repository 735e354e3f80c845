"""One entry of thresholds.yaml: bounds, confidence, costs, margins, ratios, and every mistake in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cosmos.errors import Problems
from pytest_cosmos.gate import Thresholds, read_thresholds
from pytest_cosmos.gate.entries import allowed
from pytest_cosmos.measure import METRICS
from pytest_cosmos.records import Threshold


def read(folder: Path, section: str, entry: str) -> Thresholds:
    path = folder / "thresholds.yaml"
    above = "" if section == "latency" else "  floor:\n  "
    path.write_text(f"version: 1\n{section}:\n{above}  {entry}\n")
    return read_thresholds(path)


def problem(folder: Path, section: str, entry: str) -> str:
    with pytest.raises(Problems) as caught:
        read(folder, section, entry)
    (line,) = caught.value.lines
    number = 3 if section == "latency" else 4
    assert line.startswith(f"{folder}/thresholds.yaml:{number}: ")
    return line.partition(f"thresholds.yaml:{number}: ")[2]


@pytest.mark.parametrize(
    ("section", "entry", "values"),
    [
        ("release", "accuracy: {at_least: 0.85, bound: lower}", {"at_least": 0.85, "bound": "lower"}),
        (
            "release",
            "error_rate: {at_most: 0.01, bound: upper, confidence: 0.9}",
            {"at_most": 0.01, "bound": "upper", "confidence": 0.9},
        ),
        ("release", "f1: {at_least: 0.85, at_most: 0.9, bound: point}", {"at_least": 0.85, "at_most": 0.9}),
        ("release", "mean_absolute_error: {at_most: 1, bound: upper}", {"at_most": 1.0, "bound": "upper"}),
        ("release", "f1: {at_least: 0.9, at_most: 0.9}", {"at_least": 0.9, "at_most": 0.9}),
        ("release", "coverage: {at_least: 0.8, abstain_below: 1}", {"at_least": 0.8, "abstain_below": 1.0}),
        ("regression", "accuracy: {max_drop: 0.02}", {"max_drop": 0.02}),
        ("regression", "unparsed_rate: {max_rise: 0.01, min_cases: 9}", {"max_rise": 0.01, "min_cases": 9}),
        ("regression", "mean_absolute_error: {max_rise: 1.5}", {"max_rise": 1.5}),
        ("latency", 'image: {max_ratio: 1.1, where: "NVIDIA*"}', {"max_ratio": 1.1, "device": "NVIDIA*"}),
        ("latency", "image: {max_ratio: 10, confidence: 0.9}", {"max_ratio": 10.0, "confidence": 0.9}),
    ],
)
def test_what_may_be_demanded(tmp_path: Path, section: str, entry: str, values: dict[str, object]) -> None:
    thresholds = read(tmp_path, section, entry)
    (found,) = (*thresholds.release, *thresholds.regression, *thresholds.latency)
    suite, line = ("latency", 3) if section == "latency" else ("floor", 4)
    assert found == Threshold.model_validate(
        {
            "suite": suite,
            "metric": entry.partition(":")[0],
            "kind": section,
            "where": f"{tmp_path}/thresholds.yaml:{line}",
            **values,
        }
    )


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            "accuracy: {at_least: 0.8, bound: lowr}",
            "'accuracy': bound is 'lowr'. Bounds: point, lower, upper. Did you mean 'lower'?",
        ),
        (
            "error_rate: {at_most: 0.1, bound: lower}",
            "'error_rate' has at_most with bound: lower, which holds the low end of the interval against at_least."
            " Write bound: upper.",
        ),
        (
            "mean_confidence: {at_least: 0.1, bound: upper}",
            "'mean_confidence' has at_least with bound: upper, which holds the high end of the interval against"
            " at_most. Write bound: lower.",
        ),
        (
            "accuracy: {at_least: 0.8, at_most: 0.9, bound: lower}",
            "'accuracy' has at_most with bound: lower, which holds the low end of the interval against at_least."
            " Leave out at_most, or bound.",
        ),
        (
            "accuracy: {at_least: 1, bound: lower}",
            "'accuracy' has bound: lower with at_least 1: no number of cases proves that. Write bound: point.",
        ),
        (
            "error_rate: {at_most: 0, bound: upper}",
            "'error_rate' has bound: upper with at_most 0: no number of cases proves that. Write bound: point.",
        ),
        (
            "latency_p95: {at_most: 2, bound: upper}",
            "'latency_p95' has bound: upper, but latency_p95 has no interval. Write bound: point.",
        ),
        (
            "missed_hazards: {at_most: 2, bound: upper}",
            "'missed_hazards' has bound: upper, but missed_hazards has no interval. Write missed_hazard_rate, or"
            " bound: point.",
        ),
        ("accuracy: {at_least: 0.8, confidence: 95}", "'accuracy': confidence is 95, but must lie above 0.5 and below"
         " 1, such as 0.95. Write 0.95."),
        ("accuracy: {at_least: 0.8, cost: {missed_hazard: 1, false_alarm: 2}}",
         "'accuracy' has cost, which is only for expected_cost. Remove it."),
        ("accuracy: {at_least: 0.8, abstain_below: 0.6}",
         "'accuracy' has abstain_below, which is only for coverage and selective_accuracy. Remove it."),
        (
            "accuracy: {max_drop: 0.02}",
            "'accuracy': unknown key 'max_drop'. Allowed: at_least, at_most, bound, confidence, cost, abstain_below,"
            " min_cases. max_drop belongs under regression:",
        ),
        (
            "accuracy: {max_ratio: 1.1}",
            "'accuracy': unknown key 'max_ratio'. Allowed: at_least, at_most, bound, confidence, cost, abstain_below,"
            " min_cases. max_ratio belongs under latency:",
        ),
        (
            "accuracy: {max_rise: 0.02}",
            "'accuracy': unknown key 'max_rise'. Allowed: at_least, at_most, bound, confidence, cost, abstain_below,"
            " min_cases. max_rise belongs under regression:",
        ),
        (
            "accuracy: {at_least: 0.8, colour: red}",
            "'accuracy': unknown key 'colour'. Allowed: at_least, at_most, bound, confidence, cost, abstain_below,"
            " min_cases.",
        ),
        ("accuracy: 0.8", "'accuracy' is 0.8 (a number), but must be a mapping such as {at_least: 0.85}"),
        ("accuracy: {min_cases: 3}", "'accuracy' has no bar. Write {at_least: …}."),
        ("error_rate: {min_cases: 3}", "'error_rate' has no bar. Write {at_most: …}."),
        ("accuracy: {at_least: 0.8, min_cases: 0}",
         "'accuracy': min_cases is 0 (a number), but must be a whole number of at least 1"),
        ("accuracy: {at_least: 0.8, bound: 5}",
         "'accuracy': bound is 5 (a number), but must be text. Quote it. Write: \"5\""),
        ("accuracy: {at_least: 0.8, confidence: high}",
         "'accuracy': confidence is 'high' (text), but must be a number without quotes, such as 0.85"),
        ("coverage: {at_least: 0.8, abstain_below: low}",
         "'coverage': abstain_below is 'low' (text), but must be a number without quotes, such as 0.85"),
        (
            "false_alarms: {at_most: 2, bound: upper}",
            "'false_alarms' has bound: upper, but false_alarms has no interval. Write false_alarm_rate, or bound:"
            " point.",
        ),
    ],
)  # fmt: skip
def test_mistakes_in_bars(tmp_path: Path, entry: str, told: str) -> None:
    assert problem(tmp_path, "release", entry) == told


@pytest.mark.parametrize("confidence", ["0.5", "1", "0", "-1", "1.5", "50", "100"])
def test_confidence_lies_above_one_half_and_below_one(tmp_path: Path, confidence: str) -> None:
    told = problem(tmp_path, "release", f"accuracy: {{at_least: 0.8, confidence: {confidence}}}")
    assert told == f"'accuracy': confidence is {confidence}, but must lie above 0.5 and below 1, such as 0.95."


def test_a_confidence_in_per_cent_is_told_as_a_share(tmp_path: Path) -> None:
    told = problem(tmp_path, "release", "accuracy: {at_least: 0.8, confidence: 51}")
    assert told == "'accuracy': confidence is 51, but must lie above 0.5 and below 1, such as 0.95. Write 0.51."


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("accuracy: {max_rise: 0.02}", "'accuracy' has max_rise, but higher is better: write max_drop."),
        ("unparsed_rate: {max_drop: 0.02}", "'unparsed_rate' has max_drop, but lower is better: write max_rise."),
        (
            "error_rate: {max_rise: 0.02}",
            "'error_rate' can't be compared with a baseline's, case by case. A case without a reply is no pair, and"
            " fails the run anyway. Hold it against at_most, under release:.",
        ),
        ("accuracy: {max_drop: 0.1, max_rise: 0.1}", "'accuracy' has max_rise, but higher is better: write max_drop."),
        ("accuracy: {min_cases: 3}", "'accuracy' has no margin. Write {max_drop: …}."),
        ("accuracy: {max_drop: 1}", "'accuracy' has max_drop 1: everything would pass. Write a margin such as"
         " max_drop: 0.02."),
        ("accuracy: {max_drop: 2}", "'accuracy' has max_drop 2: everything would pass. Write a margin such as"
         " max_drop: 0.02."),
        (
            "unparsed_rate: {max_rise: 0}",
            "'unparsed_rate' has max_rise 0: no number of cases proves that there is no difference at all."
            " Write a margin that does not matter to you, such as max_rise: 0.02.",
        ),
        (
            "latency_p95: {max_rise: 0.1}",
            "'latency_p95' can't be compared with a baseline's, case by case. Times are compared under latency:,"
            " per device.",
        ),
        (
            "missed_hazards: {max_rise: 1}",
            "'missed_hazards' can't be compared with a baseline's, case by case. Write missed_hazard_rate.",
        ),
        (
            "majority_baseline: {max_drop: 0.1}",
            "'majority_baseline' can't be compared with a baseline's, case by case. It says nothing of the model's"
            " answers. Compare accuracy or another metric of the answers.",
        ),
        (
            "cases: {max_drop: 1}",
            "'cases' can't be compared with a baseline's, case by case. Hold how many there are against at_least,"
            " under release:.",
        ),
        (
            "error_rate: {at_most: 0.8}",
            "'error_rate': unknown key 'at_most'. Allowed: max_drop, max_rise, confidence, cost, abstain_below,"
            " min_cases. at_most belongs under release: or guards:",
        ),
        ("accuracy: 0.02", "'accuracy' is 0.02 (a number), but must be a mapping such as {max_drop: 0.02}"),
        (
            "accuracy: {at_least: 0.8}",
            "'accuracy': unknown key 'at_least'. Allowed: max_drop, max_rise, confidence, cost, abstain_below,"
            " min_cases. at_least belongs under release: or guards:",
        ),
        (
            "accuracy: {max_drop: 0.1, bound: lower}",
            "'accuracy': unknown key 'bound'. Allowed: max_drop, max_rise, confidence, cost, abstain_below, min_cases."
            " bound belongs under release: or guards: (a regression always needs its interval)",
        ),
    ],
)  # fmt: skip
def test_mistakes_in_regressions(tmp_path: Path, entry: str, told: str) -> None:
    assert problem(tmp_path, "regression", entry) == told


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("image: {}", "'image' is empty, but must be a mapping such as {max_ratio: 1.10}"),
        (
            'image: {where: "NVIDIA*"}',
            "'image' has no bar. Write {max_ratio: 1.10}: at most 10 % slower than the baseline.",
        ),
        (
            "image: {max_ratio: 1}",
            "'image' has max_ratio 1: repeats differ by more than nothing. Write a factor above 1, such as 1.10.",
        ),
        (
            "image: {max_ratio: 110}",
            "'image' has max_ratio 110, but it is a factor, not per cent. Write e.g. 1.10: at most 10 % slower.",
        ),
        (
            "image: {max_ratio: 10.5}",
            "'image' has max_ratio 10.5, but it is a factor, not per cent. Write e.g. 1.10: at most 10 % slower.",
        ),
        ("image: {max_ratio: 1.1, where: yes}", "'image': where is yes (a boolean), but must be text. YAML reads a bare"
         ' yes as a boolean. Write: "yes"'),
        ("image: {max_ratio: 1.1, bound: lower}", "'image': unknown key 'bound'. Allowed: max_ratio, where,"
         " confidence. bound belongs under release: or guards: (a regression always needs its interval)"),
    ],
)  # fmt: skip
def test_mistakes_in_latencies(tmp_path: Path, entry: str, told: str) -> None:
    assert problem(tmp_path, "latency", entry) == told


def test_a_value_of_a_slice_may_hold_an_equals_sign(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "release", "'recall[prompt=a=b]': {at_least: 0.9}").release
    assert found.slice == {"prompt": "a=b"}


def test_the_same_slice_under_two_spellings_is_given_twice(tmp_path: Path) -> None:
    twice = "recall[a=1,b=2]: {at_least: 0.9}\n    recall[b=2, a=1]: {at_least: 0.1}"
    with pytest.raises(Problems, match=r":5: 'recall\[b=2, a=1\]' is already given in line 4\. Remove one"):
        read(tmp_path, "release", twice)


@pytest.mark.parametrize("section", ["release", "regression"])
@pytest.mark.parametrize(
    ("metric", "example"),
    [
        ("selective_accuracy", "abstain_below. Add e.g. abstain_below: 0.6"),
        ("coverage", "abstain_below. Add e.g. abstain_below: 0.6"),
        ("expected_cost", "cost. Add e.g. cost: {missed_hazard: 10, false_alarm: 1}"),
    ],
)
def test_a_metric_without_its_parameter(tmp_path: Path, section: str, metric: str, example: str) -> None:
    better = METRICS[metric].higher_is_better
    bar = {
        ("release", True): "at_least: 0.8",
        ("release", False): "at_most: 0.8",
        ("regression", True): "max_drop: 0.1",
        ("regression", False): "max_rise: 0.1",
    }[section, bool(better)]
    assert problem(tmp_path, section, f"{metric}: {{{bar}}}") == f"'{metric}' needs {example}"


COST = "expected_cost: {at_most: 0.5, cost: %s}"


def test_costs_and_confidences_below_which_the_model_abstains(tmp_path: Path) -> None:
    (cost,) = read(tmp_path, "release", COST % "{missed_hazard: 10, false_alarm: 1.5}").release
    assert cost.cost == {"missed_hazard": 10.0, "false_alarm": 1.5}
    (kept,) = read(tmp_path, "release", "coverage: {at_least: 0.8, abstain_below: 0.6, bound: lower}").release
    assert (kept.abstain_below, kept.bound) == (0.6, "lower")
    (worse,) = read(
        tmp_path, "regression", "expected_cost: {max_rise: 2, cost: {missed_hazard: 10, false_alarm: 1}}"
    ).regression
    assert worse.max_rise == 2


@pytest.mark.parametrize(
    ("cost", "told"),
    [
        ("5", "is 5 (a number), but must be a mapping such as {missed_hazard: 10, false_alarm: 1}"),
        ("{missed_hazard: 10}", ": false_alarm is missing. Write both, e.g. {missed_hazard: 10, false_alarm: 1}"),
        ("{missed_hazard: -1, false_alarm: 1}", ": a cost is not below 0"),
        (
            "{missed_hazard: 0, false_alarm: 0}",
            ": both cost nothing, so every figure would pass. Write e.g. {missed_hazard: 10, false_alarm: 1}",
        ),
        (
            "{missed_hazard: a, false_alarm: 1}",
            ": missed_hazard is 'a' (text), but must be a number without quotes, such as 0.85",
        ),
        (
            "{missed_hazard: 10, false_alarm: 1, typo: 1}",
            ": unknown key 'typo'. Allowed: missed_hazard, false_alarm.",
        ),
    ],
)
def test_mistakes_in_costs(tmp_path: Path, cost: str, told: str) -> None:
    gap = "" if told.startswith(":") else " "
    assert problem(tmp_path, "release", COST % cost) == f"'expected_cost': cost{gap}{told}"


def test_a_bar_no_cost_can_reach(tmp_path: Path) -> None:
    told = problem(tmp_path, "release", COST % "{missed_hazard: 0.5, false_alarm: 0.1}")
    assert told == "'expected_cost' has at_most 0.5, but no case costs more than 0.5: everything would pass."
    told = problem(tmp_path, "regression", "expected_cost: {max_rise: 10, cost: {missed_hazard: 10, false_alarm: 1}}")
    assert told == "'expected_cost' has max_rise 10: everything would pass. Write a margin such as max_rise: 0.02."


@pytest.mark.parametrize("least", ["0", "-0.1", "1.1", "60"])
def test_a_confidence_to_abstain_below_is_a_probability(tmp_path: Path, least: str) -> None:
    told = problem(tmp_path, "release", f"coverage: {{at_least: 0.8, abstain_below: {least}}}")
    assert told == (
        f"'coverage': abstain_below is {least}, but a confidence lies above 0 and is at most 1, such as 0.6"
    )


@pytest.mark.parametrize("what", ["Values", "Cases"])
def test_of_many_values_or_cases_twelve_are_listed(what: str) -> None:
    names = [f"n{number}" for number in range(1, 14)]
    twelve = "n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12"
    assert allowed(what, "n13x", names) == f"{what}: {twelve}, … (13 in all). Did you mean 'n13'?"
    assert allowed(what, "other", names[:12]) == f"{what}: {twelve}."


def test_of_all_else_every_name_is_listed() -> None:
    names = [f"n{number}" for number in range(1, 14)]
    assert allowed("Suites", "other", names) == f"Suites: {', '.join(names)}."
    assert allowed("Suites", "other", []) == "Suites: none."
