"""Which cases are asked once more, and how."""

from __future__ import annotations

import random
from pathlib import Path

from pytest_cosmos.plugin.again import draw, key_of, lost_repeats, rounds_of
from pytest_cosmos.settings import Settings
from tests.unit.builders import BINARY, SEVERITY, TRAVERSAL, case


def settings(**values: object) -> Settings:
    return Settings(root=Path(), cases=Path(), thresholds=None, reports=Path(), **values)  # type: ignore[arg-type]


def test_alone_comes_first_then_each_repeat_with_a_seed_of_its_own() -> None:
    rounds = rounds_of(settings(repeats=3, check_determinism=True, seed=9, concurrency=8, store=Path("s.sqlite")))
    assert [(one.manner, one.number) for one in rounds] == [
        ("alone", 1),
        ("sampled", 1),
        ("sampled", 2),
        ("sampled", 3),
    ]
    alone, *repeats = (one.settings for one in rounds)
    assert (alone.batch_size, alone.concurrency, alone.store, alone.sampling) == (1, 1, None, "greedy")
    assert {one.sampling for one in repeats} == {"published"}
    assert len({one.seed for one in (alone, *repeats)}) == 4
    assert all(0 <= one.seed < 2**31 for one in repeats)
    assert rounds_of(settings()) == ()


def test_the_candidate_is_asked_again_and_no_baseline() -> None:
    rounds = rounds_of(settings(repeats=2, check_determinism=True, model="after", baselines=("before",)))
    assert {one.settings.model for one in rounds} == {"after"}
    assert {one.settings.baselines for one in rounds} == {()}


def test_the_draw_is_even_over_prompts_and_hangs_on_no_order() -> None:
    cases = [case(f"s{i}", prompt) for i in range(30) for prompt in (BINARY, SEVERITY)]
    cases += [case(f"t{i}", TRAVERSAL) for i in range(3)]
    drawn = draw(cases, 0)
    assert len(drawn) == 24
    counts = [sum(key.endswith(name) for key in drawn) for name in ("traversal", "binary_safety", "severity")]
    assert counts[0] == 3
    assert sorted(counts[1:]) == [10, 11]
    assert draw(random.Random(1).sample(cases, len(cases)), 0) == drawn
    assert draw(cases, 1) != drawn
    assert draw(cases[:5], 0) == frozenset(one.key for one in cases[:5])


def test_what_no_process_told_of_is_an_error() -> None:
    cases = [case("s1"), case("s2")]
    lost = list(lost_repeats(settings(repeats=2, check_determinism=True), cases, set()))
    assert [(one.case_key, one.number, one.manner) for one in lost] == [
        (each.key, number, "sampled") for number in (1, 2) for each in cases
    ]
    assert all("not asked" in one.reply.error for one in lost)
    assert list(lost_repeats(settings(repeats=2), cases, set(map(key_of, lost)))) == []
