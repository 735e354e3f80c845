"""Is a change that is not there called one, and does a drop as large as the margin pass?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from unittest.mock import patch

from pytest_cosmos.measure import comparison
from pytest_cosmos.measure.comparison import Pairs, adjusted, difference
from pytest_cosmos.records import Difference
from tools.simulation.designs import CATEGORIES, INDEPENDENT, SUITE, Bond, Change, Suite, draw_pair, sizes_of, suite_of
from tools.simulation.sections import Bar, Budget, Rate, Section, pooled, worst


@dataclass(frozen=True, slots=True)
class Cell:
    """A design of which pairs of runs are drawn."""

    clusters: int
    sizes: str
    change: Change
    bond: Bond
    metric: str = "accuracy"
    one_in: int = field(default=2, repr=False)
    """One in so many clusters shows a hazard. No part of the repr, which seeds the draws: tables stay as they were."""

    @property
    def shown(self) -> str:
        """How many clusters there are, and of how many a rare hazard is."""
        rare = f", hazard in {self.clusters // self.one_in}" if self.one_in > 2 else ""
        return f"{self.clusters}{rare}"

    def __str__(self) -> str:
        of = "" if self.metric == "accuracy" else f"{self.metric}, "
        gain = f", {100 * self.change.gain:+g} points" if self.change.gain else ""
        rare = f", hazard in one of {self.one_in}" if self.one_in > 2 else ""
        return (
            f"{of}{self.clusters} clusters of {self.sizes}{rare}, p {self.change.accuracy:g}, "
            f"{100 * self.change.changed:g} % changed{gain}, {self.bond}"
        )


Judge = Callable[[Pairs, Cell], bool]


def rate(cell: Cell, judge: Judge, budget: Budget) -> Rate:
    """Draw pairs of runs of a design, and count how often they are judged so."""
    chance = budget.chance(cell)
    suite = _suite(cell.clusters, cell.sizes, cell.one_in)
    hits = 0
    for _ in range(budget.repetitions):
        before, after = draw_pair(suite, cell.change, cell.bond, chance)
        hits += judge(Pairs({SUITE: suite.facts_of(before)}, {SUITE: suite.facts_of(after)}), cell)
    return Rate(hits, budget.repetitions)


@cache
def _suite(clusters: int, sizes: str, one_in: int) -> Suite:
    return suite_of(sizes_of(clusters, sizes, Budget(0, 1).chance(clusters, sizes)), one_in)


def called_a_change(pairs: Pairs, cell: Cell) -> bool:
    """Tell whether the figure of the whole suite is called improved or worse."""
    return _told(difference(pairs, SUITE, cell.metric))


def called_a_change_somewhere(pairs: Pairs, cell: Cell) -> bool:
    """Tell whether any category or prompt is, after Holm."""
    before, after = pairs.baseline[SUITE], pairs.candidate[SUITE]
    slices = _suite(cell.clusters, cell.sizes, cell.one_in).slices
    parts = (Pairs({SUITE: before.take(rows)}, {SUITE: after.take(rows)}) for rows in slices)
    return any(_told(one) for one in adjusted([difference(part, SUITE, cell.metric) for part in parts]))


def _told(found: Difference) -> bool:
    return found.change in ("improved", "worse")


def passes(pairs: Pairs, cell: Cell) -> bool:
    """Tell whether `max_drop` of just the true drop is passed."""
    with patch.object(comparison, "figure_test", return_value=1.0):  # ten times as slow, and not asked for
        found = difference(pairs, SUITE, cell.metric)
    return found.low is not None and found.low > cell.change.gain


def covered(pairs: Pairs, cell: Cell) -> bool:
    """Tell whether the interval holds the true difference."""
    found = difference(pairs, SUITE, cell.metric)
    if found.low is None or found.high is None:
        raise ValueError(f"no interval: {found}")
    return found.low <= cell.change.gain + 1e-9 and cell.change.gain - 1e-9 <= found.high


BONDS = (INDEPENDENT, Bond("beta", 0.3), Bond("beta", 0.7), Bond("whole"))


def cells(
    clusters: Sequence[int],
    sizes: Sequence[str],
    changes: Sequence[tuple[float, float]],
    bonds: Sequence[Bond] = BONDS,
    accuracies: Sequence[float] = (0.7, 0.9),
    metrics: Sequence[str] = ("accuracy",),
    one_in: int = 2,
) -> Iterator[Cell]:
    """Go through a grid of (changed, gain); a change that no accuracy allows is left out."""
    grid = product(clusters, sizes, accuracies, changes, bonds, metrics)
    for number, size, accuracy, (changed, gain), bond, metric in grid:
        fixed = (changed + gain) / 2
        if fixed <= 1 - accuracy + 1e-9 and (size != "1" or bond == INDEPENDENT):
            yield Cell(number, size, Change(accuracy, changed, gain), bond, metric, one_in)


_SIZES = ("1", "3", "5", "1-5", "1-20")
ALIKE = tuple(cells((50, 200), _SIZES, [(0.02, 0.0), (0.1, 0.0), (0.2, 0.0)]))
SLICED = tuple(cells((200,), ("1", "3", "1-5"), [(0.05, 0.0), (0.2, 0.0)], accuracies=(0.8,)))
WORSE = tuple(
    cells(
        (100, 300),
        _SIZES,
        [(0.01, -0.01), (0.02, -0.02), (0.05, -0.02), (0.2, -0.02), (0.05, -0.05), (0.1, -0.05), (0.2, -0.05)],
        accuracies=(0.9,),
    )
)
COVERED = tuple(
    cells((100,), _SIZES, [(0.02, 0.0), (0.05, -0.02), (0.1, 0.0), (0.1, -0.05), (0.3, -0.05)], accuracies=(0.8,))
)
_BONDS = (INDEPENDENT, Bond("beta", 0.5))
OTHER_FIGURES = ("balanced_accuracy", "precision", "recall", "f1")
ALIKE_FIGURES = tuple(cells((100,), ("1", "3"), [(0.2, 0.0)], _BONDS, (0.8,), OTHER_FIGURES))
WORSE_FIGURES = tuple(cells((200,), ("1", "3"), [(0.05, -0.05), (0.2, -0.05)], _BONDS, (0.8,), OTHER_FIGURES))
RARE = tuple(
    cells(
        (200, 300),
        ("3", "1-5"),
        [(0.05, -0.05), (0.1, -0.05), (0.2, -0.05)],
        (Bond("beta", 0.6),),
        (0.9,),
        ("balanced_accuracy", "recall"),
        one_in=10,
    )
)
"""The truth of these figures, unlike that of precision and F1, does not depend on how rare hazards are."""


def alike(budget: Budget) -> Section:
    """Simulate comparisons of a model with its equal: the whole suite."""
    return _section(
        "alike",
        "Comparisons: two models that are equally good",
        "Answers change, but as many for the better as for the worse (A/A): how often is it called improved or worse?",
        ALIKE,
        called_a_change,
        budget,
        Bar("a false alarm is raised at most alpha + 1 point of the time in the worst cell", NONE, at_most=0.06),
    )


def slices(budget: Budget) -> Section:
    """Simulate comparisons of a model with its equal: is any slice said to have changed?"""
    return _section(
        "slices",
        "Comparisons: any slice of two models that are equally good",
        f"The same over the prompts and {CATEGORIES} categories: is any of them called improved or worse, after Holm?",
        SLICED,
        called_a_change_somewhere,
        budget,
        Bar("a false alarm about any slice is raised at most alpha + 1 point of the time", NONE, at_most=0.06),
    )


def alike_figures(budget: Budget) -> Section:
    """Simulate comparisons of a model with its equal: other figures."""
    return _section(
        "alike_figures",
        "Comparisons: other figures of two models that are equally good",
        "The same for balanced accuracy, precision, recall and F1.",
        ALIKE_FIGURES,
        called_a_change,
        budget,
        Bar("a false alarm is raised at most alpha + 1 point of the time in the worst cell", NONE, at_most=0.06),
    )


def worse(budget: Budget) -> Section:
    """Simulate candidates that are exactly as much worse as `max_drop` allows."""
    return _section(
        "worse",
        "Regression thresholds: a drop as large as the margin",
        "The candidate is truly worse by the margin, so `max_drop` should not pass.",
        WORSE,
        passes,
        budget,
        Bar("it passes at most (1 - confidence) / 2 + 1 point of the time in the worst cell", NONE, at_most=0.035),
    )


def worse_figures(budget: Budget) -> Section:
    """Simulate candidates that are exactly as much worse in other figures."""
    return _section(
        "worse_figures",
        "Regression thresholds: other figures",
        "The same for balanced accuracy, precision, recall and F1. Half of the clusters show a hazard, or few of them.",
        (*WORSE_FIGURES, *RARE),
        passes,
        budget,
        Bar("it passes at most (1 - confidence) / 2 + 1 point of the time in the worst cell", NONE, at_most=0.035),
    )


def differences(budget: Budget) -> Section:
    """Simulate what the intervals of differences cover."""
    return _section(
        "differences",
        "Intervals of paired differences",
        "How often the interval of the difference of two accuracies holds the true one.",
        COVERED,
        covered,
        budget,
        Bar("they cover at least 92.5 % in the worst cell", NONE, at_least=0.925),
        lowest=True,
    )


NONE = Rate(0, 1)


def _section(
    name: str,
    title: str,
    text: str,
    grid: Sequence[Cell],
    judge: Judge,
    budget: Budget,
    bar: Bar,
    *,
    lowest: bool = False,
) -> Section:
    found = [(cell, rate(cell, judge, budget)) for cell in grid]
    groups: dict[tuple[str, ...], list[Rate]] = {}
    for cell, seen in found:
        groups.setdefault((cell.metric, cell.shown, cell.sizes), []).append(seen)
    far = min if lowest else max
    rows = tuple(
        (*group, str(len(seen)), str(pooled(seen)), str(far(seen, key=lambda rate: rate.value)))
        for group, seen in groups.items()
    )
    cell, again = worst(found, lambda cell, budget: rate(cell, judge, budget), budget, lowest=lowest)
    held = Bar(bar.claim, again, bar.at_least, bar.at_most, str(cell))
    head = ("figure", "clusters", "cases each", "designs", "mean", "lowest" if lowest else "worst")
    return Section(name, title, text, head, rows, (held,))
