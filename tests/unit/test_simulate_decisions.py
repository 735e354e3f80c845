"""The simulations of decisions in short: seeded, and with room, so that only a real break fails them."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_cosmos.gate import read_thresholds
from tools.simulation import decisions
from tools.simulation.decisions import advices, bases, decided, draw, floor_suite, scenes
from tools.simulation.sections import Budget

BUDGET = Budget(repetitions=8, seed=11)
SCENES = {(scene.what, scene.strength): scene for scene in scenes()}


@pytest.mark.parametrize(
    ("what", "gain", "recall"), [("nothing but churn", 0, 0), ("+6 points", 6, 0), ("+6 points, recall -10", 6, -10)]
)
def test_what_is_drawn_is_what_is_said(what: str, gain: float, recall: float) -> None:
    chance, hazard = np.random.default_rng(3), floor_suite().facts.hazard
    drawn = np.array([draw(SCENES[what, 0.3], chance) for _ in range(300)]).astype(float)
    before, after = drawn.mean(axis=0)
    assert before.mean() == pytest.approx(0.768, abs=0.01)
    assert 100 * (after - before).mean() == pytest.approx(gain, abs=0.5)
    assert 100 * (after - before)[hazard].mean() == pytest.approx(recall, abs=0.7)
    changed = drawn[:, 0] != drawn[:, 1]
    assert changed.mean() >= 0.095


@pytest.mark.parametrize(("strength", "least", "most"), [(0.3, 2.0, 3.2), (0.7, 3.2, 6.0)])
def test_cases_of_a_group_hang_together(strength: float, least: float, most: float) -> None:
    chance, cluster = np.random.default_rng(3), floor_suite().facts.cluster
    drawn = (draw(SCENES["nothing but churn", strength], chance) for _ in range(200))
    changes = [after.astype(float) - before for before, after in drawn]
    together = np.mean([np.bincount(cluster, change).var() for change in changes])
    alone = np.var(changes) * len(cluster) / (cluster.max() + 1)
    assert least < together / alone < most  # the design effect


def test_a_mistake_takes_a_hazard_for_none() -> None:
    floors = floor_suite()
    for case in (outcome.case for outcome in floors.right):
        assert case.prompt.is_hazard(decisions.mistake(case)) != case.is_hazard
        if case.prompt.tolerance:
            assert abs(int(decisions.mistake(case)) - int(case.expected)) > case.prompt.tolerance


def test_what_changed_for_nothing_seldom_helped_and_a_gain_does() -> None:
    assert advices(SCENES["nothing but churn", 0.3], BUDGET)["helped"].hits <= 1
    assert advices(SCENES["+6 points", 0.3], BUDGET)["helped"].hits >= 4


def test_a_gain_that_costs_hazards_is_mixed() -> None:
    assert advices(SCENES["+6 points, recall -10", 0.3], BUDGET)["mixed"].hits >= 6


def test_a_base_at_the_bar_is_hardly_sufficient_and_a_better_one_is() -> None:
    at_bar, *_, better = bases()
    assert advices(at_bar, BUDGET, alone=True)["sufficient"].hits <= 1
    assert advices(better, BUDGET, alone=True)["sufficient"].hits >= 5


def test_what_is_left_out_for_speed_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chance, floors = np.random.default_rng(5), floor_suite()
    thresholds = read_thresholds(decisions.ROOT / "thresholds.yaml")
    drawn = [draw(SCENES[what, 0.3], chance) for what in ("nothing but churn", "+6 points, recall -5")]
    pairs = [(floors.outcomes_of(before), floors.outcomes_of(after)) for before, after in drawn]
    fast = [decided(before, after, thresholds) for before, after in pairs]
    monkeypatch.setattr(decisions, "patch", SimpleNamespace(object=lambda *_, **__: nullcontext()))
    assert [decided(before, after, thresholds) for before, after in pairs] == fast
