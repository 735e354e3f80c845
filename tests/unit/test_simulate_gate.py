"""The simulations of docs/statistics.md in short: seeded, and with room, so that only a real break fails them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.simulate_gate import SECTIONS, main, write
from tools.simulation import intervals
from tools.simulation.designs import INDEPENDENT, Bond
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
