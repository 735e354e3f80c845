"""Times are those of replies asked now; stored ones count only where these are too few, and are dated."""

from __future__ import annotations

import pytest

from pytest_cosmos.gate.checks import check
from pytest_cosmos.gate.thresholds import Thresholds
from pytest_cosmos.measure import measure, metric, read_facts
from pytest_cosmos.records import ERROR, Outcome, Threshold
from tests.unit.builders import outcome, run_of


def at(one: Outcome, *, stored: bool, device: str = "cpu", day: str = "2026-01-02") -> Outcome:
    update = {"stored": stored, "device": device, "timestamp": f"{day}T03:04:05.000+00:00"}
    return one.model_copy(update={"reply": one.reply.model_copy(update=update)})


def fresh(name: str, waited: float = 1.0, device: str = "cpu") -> Outcome:
    return at(outcome(name, waited=waited, seconds=waited), stored=False, device=device)


def stored(name: str, waited: float = 5.0, device: str = "cpu", day: str = "2026-01-02") -> Outcome:
    return at(outcome(name, waited=waited, seconds=waited), stored=True, device=device, day=day)


@pytest.mark.parametrize("name", ["latency_p50", "latency_p95", "cases_per_second", "tokens_per_second"])
def test_stored_replies_say_nothing_of_the_time_where_others_do(name: str) -> None:
    alone = measure([fresh("a"), fresh("b")], "floor", name)
    mixed = measure([fresh("a"), fresh("b"), stored("c"), stored("d")], "floor", name)
    assert (mixed.value, mixed.cases, mixed.asked_on) == (alone.value, 2, "")


def test_other_figures_count_stored_replies_like_any() -> None:
    assert measure([fresh("a"), stored("b")], "floor", "accuracy").cases == 2
    assert measure([fresh("a"), stored("b")], "floor", "accuracy").asked_on == ""


def test_without_fresh_replies_the_stored_ones_count_and_are_dated() -> None:
    one_day = measure([stored("a", 4), stored("b", 6)], "floor", "latency_p50")
    assert (one_day.value, one_day.cases, one_day.asked_on) == (5.0, 2, "2026-01-02")
    two_days = measure([stored("a"), stored("b", day="2025-12-31")], "floor", "latency_p50")
    assert two_days.asked_on == "2025-12-31 to 2026-01-02"


def test_stored_replies_fill_up_to_the_cases_that_a_threshold_wants() -> None:
    facts = read_facts([fresh("a", 1), stored("b", 5), stored("c", 5)])
    assert metric(facts, "floor", "latency_p95", {}, 1).value == 1
    filled = metric(facts, "floor", "latency_p95", {}, 2)
    assert (filled.cases, filled.asked_on) == (3, "2026-01-02")


def test_stored_replies_of_another_device_never_count() -> None:
    facts = read_facts([fresh("a", 1, "cpu"), stored("b", 5, "cuda:0 (NVIDIA H100)"), stored("c", 5, "cpu")])
    assert metric(facts, "floor", "latency_p50", {}, 3).cases == 2
    apart = measure([stored("a", device="cpu"), stored("b", device="cuda:0 (NVIDIA H100)")], "floor", "latency_p50")
    assert (apart.value, apart.cases) == (None, 0)


def test_an_error_has_no_time() -> None:
    failed = outcome("a", said=ERROR)
    assert measure([failed, stored("b", 5)], "floor", "latency_p50").cases == 1


def test_a_check_says_of_when_a_time_is() -> None:
    outcomes = [stored("a"), stored("b")]
    bar = Threshold(suite="floor", metric="latency_p50", at_most=10.0, min_cases=2)
    thresholds = Thresholds(release=(bar,))
    (found,) = check(thresholds, outcomes, run_of(outcomes))
    assert "n=2 cases of 2 samples, asked on 2026-01-02" in found.message
