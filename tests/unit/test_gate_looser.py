"""What one thresholds file lets through that another did not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cosmos.gate import Thresholds, looser, read_thresholds
from pytest_cosmos.measure import METRICS, Parameters, read_facts
from pytest_cosmos.measure.formulas import figure
from tests.unit.builders import outcome

BASE = """\
version: 1
not_for_release: [tiny]
release:
  floor:
    accuracy: {at_least: 0.85, min_cases: 900, bound: lower, confidence: 0.95}
    error_rate: {at_most: 0.01}
    recall[category=hazard]: {at_least: 0.9, confidence: 0.95}
guards:
  tiny:
    floor:
      accuracy: {at_least: 0.7}
regression:
  floor:
    accuracy: {max_drop: 0.02}
    unparsed_rate: {max_rise: 0.01}
latency:
  image: {max_ratio: 1.1, where: "NVIDIA*"}
waivers:
  - {case: floor/a-b, reason: glare, owner: A, expires: 2026-12-31}
"""


def read(folder: Path, text: str) -> Thresholds:
    path = folder / "thresholds.yaml"
    path.write_text(text)
    return read_thresholds(path)


def test_the_same_file_is_not_looser(tmp_path: Path) -> None:
    assert looser(read(tmp_path, BASE), read(tmp_path, BASE + "# a comment\n")) == ()


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ("at_least: 0.85", "at_least: 0.8", "release floor accuracy: at_least 0.8, was 0.85"),
        ("at_most: 0.01", "at_most: 0.02", "release floor error_rate: at_most 0.02, was 0.01"),
        (", min_cases: 900", "", "release floor accuracy: min_cases 1, was 900"),
        ("lower, confidence: 0.95", "lower, confidence: 0.9", "release floor accuracy: confidence 0.9, was 0.95"),
        ("bound: lower", "bound: point", "release floor accuracy: bound point, was lower"),
        ("    error_rate: {at_most: 0.01}\n", "", "release floor error_rate is gone (at_most 0.01)"),
        (
            "recall[category=hazard]",
            "recall[category=safe]",
            "release floor recall[category=hazard] is gone (at_least 0.9)",
        ),
        ("at_least: 0.7", "at_least: 0.6", "guard of tiny floor accuracy: at_least 0.6, was 0.7"),
        ("  tiny:\n", "  teeny:\n", "guard of tiny floor accuracy is gone (at_least 0.7)"),
        ("max_drop: 0.02", "max_drop: 0.05", "regression floor accuracy: max_drop 0.05, was 0.02"),
        (
            "{max_drop: 0.02}",
            "{max_drop: 0.02, confidence: 0.8}",
            "regression floor accuracy: confidence 0.8, was 0.95",
        ),
        ("max_rise: 0.01", "max_rise: 0.05", "regression floor unparsed_rate: max_rise 0.05, was 0.01"),
        ("max_ratio: 1.1", "max_ratio: 2", "latency latency image on NVIDIA*: max_ratio 2, was 1.1"),
        ("NVIDIA*", "NVIDIA H100*", "latency latency image on NVIDIA* is gone (max_ratio 1.1)"),
        ("[tiny]", "[tiny, '*']", "* is newly not for release: release targets no longer block it"),
        ("floor/a-b", "floor/c-b", "floor/c-b is newly waived until 2026-12-31: glare (A)"),
        ("2026-12-31", "2027-12-31", "floor/a-b is waived until 2027-12-31: glare (A); it was until 2026-12-31"),
    ],
)
def test_each_way_to_demand_less_is_named_and_its_opposite_is_none(
    tmp_path: Path, written: str, instead: str, told: str
) -> None:
    assert written in BASE
    base, now = read(tmp_path, BASE), read(tmp_path, BASE.replace(written, instead, 1))
    assert looser(base, now) == (told,)
    assert told not in looser(now, base)


def test_confidence_of_a_figure_that_is_only_printed_demands_nothing(tmp_path: Path) -> None:
    printed = BASE.replace("0.9, confidence: 0.95", "0.9, confidence: 0.6")
    assert looser(read(tmp_path, BASE), read(tmp_path, printed)) == ()


PART = [None] * 4 + [0.6] * 5
LOST = [
    outcome(f"s{n}", said=("No", "Yes")[n % 2], confidence=x, seconds=x, waited=x, tokens=5) for n, x in enumerate(PART)
]


@pytest.mark.parametrize("metric", [name for name in METRICS if name != "expected_cost"])
def test_cases_that_are_enough_let_lost_confidences_and_times_through(tmp_path: Path, metric: str) -> None:
    more = ", abstain_below: 0.5" if METRICS[metric].parameter == "abstain_below" else ""
    lost = figure(metric, read_facts(LOST)["floor"], Parameters(abstain_below=0.5)).unknown > 0
    side = "at_least" if METRICS[metric].higher_is_better else "at_most"
    bar = f"version: 1\nrelease:\n  floor:\n    {metric}: {{{side}: 0.1{more}}}\n"
    found = looser(read(tmp_path, bar), read(tmp_path, bar.replace("}", ", min_cases: 900}")))
    told = "min_cases 900, was none: so many answers are enough, whatever is not known of others"
    assert found == ((f"release floor {metric}: {told}",) if lost else ())


def test_everything_gone_is_named_line_by_line(tmp_path: Path) -> None:
    assert len(looser(read(tmp_path, BASE), Thresholds())) == 7


PRICED = """\
version: 1
release:
  floor:
    expected_cost: {at_most: 0.5, cost: {missed_hazard: 10, false_alarm: 1}}
    coverage: {at_least: 0.8, abstain_below: 0.6}
"""


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        ("missed_hazard: 10", "missed_hazard: 5", ("release floor expected_cost: cost of a missed_hazard 5, was 10",)),
        ("missed_hazard: 10", "missed_hazard: 20", ()),
        ("abstain_below: 0.6", "abstain_below: 0.4", ("release floor coverage: abstain_below 0.4, was 0.6",)),
        ("abstain_below: 0.6", "abstain_below: 0.7", ("release floor coverage: abstain_below 0.7, was 0.6",)),
        ("0.5", "0.5", ()),
    ],
)
def test_costs_and_abstaining(tmp_path: Path, written: str, instead: str, told: tuple[str, ...]) -> None:
    base, now = read(tmp_path, PRICED), read(tmp_path, PRICED.replace(written, instead))
    assert looser(base, now) == told


def test_what_is_gone_is_told_with_all_it_demanded(tmp_path: Path) -> None:
    corridor = "version: 1\nrelease:\n  floor:\n    accuracy: {at_least: 0.5, at_most: 0.9}\n"
    assert looser(read(tmp_path, corridor), Thresholds()) == (
        "release floor accuracy is gone (at_least 0.5, at_most 0.9)",
    )
    half = corridor.replace(", at_most: 0.9", "")
    assert looser(read(tmp_path, corridor), read(tmp_path, half)) == ("release floor accuracy: at_most 0.9 is gone",)


def test_the_confidence_of_a_latency_is_demanded(tmp_path: Path) -> None:
    less = BASE.replace("max_ratio: 1.1,", "max_ratio: 1.1, confidence: 0.8,")
    assert looser(read(tmp_path, BASE), read(tmp_path, less)) == (
        "latency latency image on NVIDIA*: confidence 0.8, was 0.95",
    )


def test_costs_that_are_gone_cost_nothing(tmp_path: Path) -> None:
    priced = read(tmp_path, PRICED)
    free = tuple(bar.model_copy(update={"cost": {}, "abstain_below": None}) for bar in priced.release)
    assert looser(priced, Thresholds(release=free)) == (
        "release floor expected_cost: cost of a missed_hazard 0, was 10",
        "release floor expected_cost: cost of a false_alarm 0, was 1",
        "release floor coverage: abstain_below none, was 0.6",
    )


def test_a_slice_is_the_same_whatever_the_order_of_its_conditions(tmp_path: Path) -> None:
    two = "version: 1\nrelease:\n  floor:\n    accuracy[category=a,source=b]: {at_least: 0.5}\n"
    turned = two.replace("category=a,source=b", "source=b,category=a")
    assert looser(read(tmp_path, two), read(tmp_path, turned)) == ()


def test_a_bar_that_demands_evidence_from_now_on_is_not_looser(tmp_path: Path) -> None:
    printed = BASE.replace("bound: lower", "bound: point")
    assert looser(read(tmp_path, printed), read(tmp_path, BASE)) == ()
