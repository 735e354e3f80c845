"""Names in thresholds.yaml that nothing has: suites, slices, waived cases."""

from __future__ import annotations

import pytest

from pytest_cosmos.gate import Thresholds, name_problems
from pytest_cosmos.records import Threshold, Waiver

KNOWN = {
    "floor": {"category": frozenset({"hazard", "safe"}), "prompt": frozenset({"binary_safety"})},
    "ladders": {"category": frozenset({"bent"})},
}


def named(suite: str, **where: str) -> Thresholds:
    threshold = Threshold(suite=suite, metric="recall", slice=where, at_least=0.9, where="thresholds.yaml:9")
    return Thresholds(release=(threshold,), guards=(("tiny", threshold),))


def test_names_that_exist_are_no_problem() -> None:
    assert name_problems(named("floor", category="hazard", prompt="binary_safety"), KNOWN) == ()


@pytest.mark.parametrize(
    ("thresholds", "problem"),
    [
        (named("flor"), "suite 'flor' does not exist. Suites: floor, ladders. Did you mean 'floor'?"),
        (
            named("floor", categry="hazard"),
            "'recall[categry=hazard]': no case has a 'categry'. Slice by: category, prompt. Did you mean 'category'?",
        ),
        (
            named("floor", category="hazrd"),
            "'recall[category=hazrd]': no case has category=hazrd. Values: hazard, safe. Did you mean 'hazard'?",
        ),
    ],
)
def test_names_that_do_not_exist_are_told_with_those_that_do(thresholds: Thresholds, problem: str) -> None:
    assert name_problems(thresholds, KNOWN) == (f"thresholds.yaml:9: {problem}",) * 2


def test_many_values_are_told_in_part() -> None:
    known = {"floor": {"group": frozenset(f"g{n:03}" for n in range(100))}}
    (problem, _) = name_problems(named("floor", group="x"), known)
    assert problem.endswith("Values: " + ", ".join(f"g{n:03}" for n in range(12)) + ", … (100 in all).")


def test_regressions_are_looked_through_too() -> None:
    threshold = Threshold(suite="flor", metric="accuracy", max_drop=0.02, kind="regression", where="thresholds.yaml:9")
    (problem,) = name_problems(Thresholds(regression=(threshold,)), KNOWN)
    assert problem == "thresholds.yaml:9: suite 'flor' does not exist. Suites: floor, ladders. Did you mean 'floor'?"


CASES = {"floor": {"floor/a-binary": True, "floor/b-binary": False, "floor/a-severity": True}}


def waived(case: str) -> tuple[str, ...]:
    waiver = Waiver(case=case, reason="glare", owner="A", expires="2026-12-31", where="thresholds.yaml:7")
    return name_problems(Thresholds(waivers=(waiver,)), KNOWN, CASES)


@pytest.mark.parametrize("case", ["floor/a-binary", "ladders/of-a-suite-not-read"])
def test_a_waiver_of_a_case_that_must_pass_or_that_nobody_looks_at(case: str) -> None:
    assert waived(case) == ()


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("flor/a-binary", "waivers: suite 'flor' does not exist. Suites: floor, ladders. Did you mean 'floor'?"),
        (
            "floor/a-binry",
            "waivers: there is no case 'floor/a-binry'. Cases: floor/a-binary, floor/a-severity."
            " Did you mean 'floor/a-binary'?",
        ),
        (
            "floor/b-binary",
            "waivers: 'floor/b-binary' is not a must_pass sample, so it may be wrong without a waiver."
            " Remove it, or mark the sample must_pass.",
        ),
    ],
)
def test_a_waiver_that_waives_nothing(case: str, problem: str) -> None:
    assert waived(case) == (f"thresholds.yaml:7: {problem}",)


def test_where_no_case_must_pass_all_are_told_in_order() -> None:
    waiver = Waiver(case="floor/x", reason="glare", owner="A", expires="2026-12-31", where="thresholds.yaml:7")
    optional = {"floor": {"floor/b-binary": False, "floor/a-binary": False}}
    assert name_problems(Thresholds(waivers=(waiver,)), KNOWN, optional) == (
        "thresholds.yaml:7: waivers: there is no case 'floor/x'. Cases: floor/a-binary, floor/b-binary.",
    )


def test_a_case_of_a_sample_whose_id_has_a_slash_is_looked_for_in_its_suite() -> None:
    assert waived("floor/night/a") == (
        "thresholds.yaml:7: waivers: there is no case 'floor/night/a'. Cases: floor/a-binary, floor/a-severity.",
    )
