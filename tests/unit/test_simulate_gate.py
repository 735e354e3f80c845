"""The simulations of docs/statistics.md in short: seeded, and with room, so that only a real break fails them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.simulate_gate import SECTIONS, main, write
from tools.simulation import comparisons, intervals, others, power, whole
from tools.simulation.designs import INDEPENDENT, Bond, Change
from tools.simulation.sections import Bar, Budget, Rate, Section, pooled

BUDGET = Budget(repetitions=400, seed=11)


@pytest.mark.parametrize("sizes", ["1", "3", "1-5", "1-20"])
@pytest.mark.parametrize("bond", [INDEPENDENT, Bond("beta", 0.5), Bond("whole")], ids=str)
def test_intervals_cover_and_bounds_hold(sizes: str, bond: Bond) -> None:
    cells = list(intervals.cells((100,), (sizes,), (bond,), (0.7, 0.95)))
    found = [intervals.misses(cell, BUDGET) for cell in cells]
    for seen in found:
        assert seen.above.value <= 0.06
    if found:
        assert 0.92 <= pooled([seen.inside for seen in found]).value <= 0.995


def test_intervals_are_no_wider_than_they_must_be() -> None:
    seen = intervals.misses(intervals.Cell(300, "3", 0.7, Bond("beta", 0.5)), BUDGET)
    assert seen.inside.value <= 0.98


@pytest.mark.parametrize("sizes", ["1", "3", "1-20"])
def test_models_that_are_equally_good_are_called_so(sizes: str) -> None:
    cells = comparisons.cells((100,), (sizes,), [(0.2, 0.0)], (INDEPENDENT, Bond("beta", 0.5)), (0.8,))
    for cell in cells:
        assert comparisons.rate(cell, comparisons.called_a_change, BUDGET).value <= 0.08


def test_of_many_slices_none_is_called_changed_by_chance() -> None:
    cell = comparisons.Cell(100, "3", Change(0.8, 0.2, 0.0), Bond("beta", 0.3))
    assert comparisons.rate(cell, comparisons.called_a_change_somewhere, Budget(200, 11)).value <= 0.08


@pytest.mark.parametrize("sizes", ["1", "3", "1-20"])
@pytest.mark.parametrize("changed", [0.02, 0.2])
def test_a_drop_as_large_as_the_margin_hardly_passes(sizes: str, changed: float) -> None:
    for cell in comparisons.cells((100,), (sizes,), [(changed, -0.02)], (INDEPENDENT, Bond("beta", 0.7)), (0.9,)):
        assert comparisons.rate(cell, comparisons.passes, BUDGET).value <= 0.05


def test_nor_does_it_where_the_class_that_got_worse_is_rare() -> None:
    for cell in (cell for cell in comparisons.RARE if cell.clusters == 200 and cell.metric == "balanced_accuracy"):
        assert comparisons.rate(cell, comparisons.passes, Budget(200, 11)).value <= 0.05


def test_differences_are_covered() -> None:
    for cell in comparisons.cells((100,), ("1", "1-5"), [(0.1, -0.05)], (INDEPENDENT, Bond("whole")), (0.8,)):
        assert comparisons.rate(cell, comparisons.covered, BUDGET).value >= 0.92


@pytest.mark.parametrize("claim", [power.Claim("bar", 0.85, 0.9), power.Claim("change", 0.0, -0.05, 0.1)], ids=str)
def test_planned_sizes_show_what_is_so(claim: power.Claim) -> None:
    assert 0.74 <= power.shown(claim, power.planned(claim), BUDGET).value <= 0.88


def test_honest_confidences_are_seldom_above_the_noise() -> None:
    assert 0.01 <= others.above_noise(200, "sure", BUDGET).value <= 0.09


def test_equal_times_are_not_slower_for_sure() -> None:
    assert all(rate.value <= 0.1 for rate in others.slower(20, 0.0, 1.1, Budget(40, 11)))


def test_the_whole_gate_stops_a_candidate_at_its_limits_and_lets_a_good_one_through() -> None:
    budget = Budget(40, 11)
    assert whole.passes(whole.AT_LIMIT[4], budget).value <= 0.1
    assert whole.passes(whole.GOOD[0], budget).value >= 0.8


def test_the_same_seed_draws_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    cell = intervals.Cell(100, "1-5", 0.8, Bond("logit", 1.0))
    assert intervals.misses(cell, Budget(50, 3)) == intervals.misses(cell, Budget(50, 3))
    assert intervals.misses(cell, Budget(50, 3)) != intervals.misses(cell, Budget(50, 4))


def test_a_claim_that_fails_fails_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = [Rate(95, 100)]

    def simulate(budget: Budget) -> Section:
        return Section("coin", "Coins", "Text.", ("a",), (("b",),), (Bar("heads", found[0], at_most=0.96),))

    monkeypatch.setitem(SECTIONS, "coin", (simulate, 1))
    page = tmp_path / "statistics.md"
    page.write_text("# Page\n<!-- simulated: coin -->\nold\n<!-- end: coin -->\nrest\n", encoding="utf-8")
    assert main(["coin", "--write", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "- PASS: heads: 95.0 ± 2.2 %" in text
    assert "old" not in text
    assert text.startswith("# Page\n")
    assert text.endswith("\nrest\n")
    found[0] = Rate(97, 100)
    assert main(["coin", "--write", str(page)]) == 1
    assert "- FAIL: heads: 97.0 ± 1.7 %" in page.read_text(encoding="utf-8")


def test_a_page_without_a_place_is_told(tmp_path: Path) -> None:
    page = tmp_path / "statistics.md"
    page.write_text("# Page\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="has no place"):
        write(page, "coin", "text")


def test_the_documentation_has_a_place_for_every_section() -> None:
    page = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")
    for name in SECTIONS:
        assert page.count(f"<!-- simulated: {name} -->\n### ") == 1
    assert "FAIL" not in page
