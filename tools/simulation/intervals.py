"""Do the intervals of a run's figures cover what they should?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from pytest_cosmos.measure import METRICS, metric
from tools.simulation.designs import INDEPENDENT, SUITE, Bond, Suite, draw, sizes_of, suite_of
from tools.simulation.sections import Bar, Budget, Rate, Section, pooled, worst


@dataclass(frozen=True, slots=True)
class Cell:
    """A design of which runs are drawn."""

    clusters: int
    sizes: str
    accuracy: float
    bond: Bond
    metric: str = "accuracy"
    """As many cases show a hazard as not, and are as hard: recall, precision, F1, … are truly the accuracy."""

    @property
    def truth(self) -> float:
        """What the figure would be of endlessly many cases."""
        return 1 - self.accuracy if self.metric.endswith("_rate") else self.accuracy

    def __str__(self) -> str:
        of = "" if self.metric == "accuracy" else f"{self.metric}, "
        return f"{of}{self.clusters} clusters of {self.sizes}, p {self.accuracy:g}, {self.bond}"


@dataclass(frozen=True, slots=True)
class Misses:
    """How often an interval held the true value, and how often it lay wholly above or below it."""

    inside: Rate
    above: Rate
    """The low end is above the true value: a bar on the lower bound is passed wrongly."""
    below: Rate


def misses(cell: Cell, budget: Budget) -> Misses:
    """Draw runs of a design, and hold the interval that the gate would see against the true value."""
    chance = budget.chance(cell)
    suite = _suite(cell.clusters, cell.sizes)
    above = below = 0
    for _ in range(budget.repetitions):
        facts = suite.facts_of(draw(suite, cell.accuracy, cell.bond, chance))
        measured = metric({SUITE: facts}, SUITE, cell.metric, {})
        if measured.low is None or measured.high is None:
            raise ValueError(f"no interval: {measured}")
        above += measured.low > cell.truth
        below += measured.high < cell.truth
    of = budget.repetitions
    return Misses(Rate(of - above - below, of), Rate(above, of), Rate(below, of))


@cache
def _suite(clusters: int, sizes: str) -> Suite:
    return suite_of(sizes_of(clusters, sizes, Budget(0, 1).chance(clusters, sizes)))


ACCURACIES = (0.6, 0.7, 0.8, 0.9, 0.95)
BONDS = (*(Bond("beta", strength) for strength in (0.0, 0.2, 0.5, 0.8, 0.95)), Bond("whole"))


def cells(
    clusters: Sequence[int],
    sizes: Sequence[str],
    bonds: Sequence[Bond] = BONDS,
    accuracies: Sequence[float] = ACCURACIES,
    metrics: Sequence[str] = ("accuracy",),
) -> Iterator[Cell]:
    """Go through a grid; cases of their own are bound to none, so have one cell."""
    for number, size, accuracy, bond, name in product(clusters, sizes, accuracies, bonds, metrics):
        if size != "1" or bond == INDEPENDENT:
            yield Cell(number, size, accuracy, bond, name)


STATED = tuple(cells((100, 300), ("1", "2", "3", "5", "1-3", "1-5")))
"""The grid of the claim: p 0.6-0.95, at least 100 clusters of 1-5 cases."""

OTHERS = (
    *cells((100, 300), ("1-20",)),
    *cells((100, 300), ("3", "5", "1-5", "1-20"), (Bond("logit", 1), Bond("logit", 2))),
    *cells((100, 300), ("3", "5"), (Bond("prompts", 0.04),)),
)
"""Designs that nothing here was fitted to."""

PERFECT = tuple(cells((100, 300), ("1", "3", "5", "1-5"), accuracies=(0.98, 0.99, 0.995)))
SMALL = tuple(cells((10, 20, 50), ("1", "3", "5", "1-5")))
FIGURES = tuple(
    cells(
        (100, 300),
        ("1", "3", "1-5"),
        (INDEPENDENT, Bond("beta", 0.5), Bond("whole")),
        metrics=("recall", "precision", "f1", "balanced_accuracy", "false_alarm_rate"),
    )
)


def stated(budget: Budget) -> Section:
    """Simulate the grid of the claim."""
    return _section(
        "intervals",
        "Intervals of accuracy: the stated grid",
        "Accuracies 0.6 to 0.95, 100 and 300 clusters of 1 to 5 cases; within a cluster independent, of a chance of "
        "its own (beta, correlation 0.2 to 0.95), or all alike.",
        STATED,
        budget,
        covers=True,
    )


def others(budget: Budget) -> Section:
    """Simulate designs of other kinds."""
    return _section(
        "designs",
        "Intervals of accuracy: other designs",
        "Clusters of very unequal size (1 to 20 cases, most of them few), chances that are normal on the logit scale "
        "(standard deviation 1 and 2), prompts of unequal difficulty.",
        OTHERS,
        budget,
        covers=True,
    )


def perfect(budget: Budget) -> Section:
    """Simulate models that are hardly ever wrong."""
    return _section(
        "perfect",
        "Intervals of accuracy: hardly ever wrong",
        "Accuracies 0.98 to 0.995: few or no wrong answers in a run.",
        PERFECT,
        budget,
    )


def small(budget: Budget) -> Section:
    """Simulate small suites."""
    return _section(
        "small",
        "Intervals of accuracy: few clusters",
        "10, 20 and 50 clusters: no claim is made, this is what happens.",
        SMALL,
        budget,
        barred=False,
    )


def figures(budget: Budget) -> Section:
    """Simulate the other figures of the summary."""
    return _section(
        "figures",
        "Intervals of other figures",
        "Half of the clusters show a hazard. Precision and F1 cover more than they need to, because how many cases "
        "show a hazard is fixed here as in a real suite, which the formula does not use.",
        FIGURES,
        budget,
    )


def _section(
    name: str,
    title: str,
    text: str,
    grid: Sequence[Cell],
    budget: Budget,
    *,
    covers: bool = False,
    barred: bool = True,
) -> Section:
    found = [(cell, misses(cell, budget)) for cell in grid]
    groups: dict[tuple[str, ...], list[Misses]] = {}
    for cell, seen in found:
        groups.setdefault((cell.metric, str(cell.clusters), cell.sizes), []).append(seen)
    rows = tuple((*group, str(len(seen)), *_summary(seen)) for group, seen in groups.items())
    bars: list[Bar] = []
    if covers:
        inside = pooled([seen.inside for _, seen in found])
        bars.append(Bar("intervals cover 94 to 96.5 % on average", inside, 0.94, 0.965))
    if barred:
        bad = [(cell, _wrong_pass(cell, seen)) for cell, seen in found]
        cell, again = worst(bad, lambda cell, budget: _wrong_pass(cell, misses(cell, budget)), budget)
        claim = "the bound misses the truth at most 6 % of the time in the worst cell"
        bars.append(Bar(claim, again, at_most=0.06, where=str(cell)))
    return Section(name, title, text, _HEAD, rows, tuple(bars))


_HEAD = (
    "figure",
    "clusters",
    "cases each",
    "designs",
    "covered, mean",
    "covered, lowest",
    "low end too high, mean",
    "low end too high, worst",
    "high end too low, worst",
)


def _summary(seen: Sequence[Misses]) -> tuple[str, ...]:
    inside, above, below = ([getattr(one, side) for one in seen] for side in ("inside", "above", "below"))
    lowest = min(inside, key=lambda rate: rate.value)
    highest = [max(side, key=lambda rate: rate.value) for side in (above, below)]
    return str(pooled(inside)), str(lowest), str(pooled(above)), *map(str, highest)


def _wrong_pass(cell: Cell, seen: Misses) -> Rate:
    """Return how often a bar on the bound would be passed by a model that is exactly at it."""
    return seen.below if METRICS[cell.metric].higher_is_better is False else seen.above
