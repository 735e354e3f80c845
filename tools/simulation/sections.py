"""What a simulation found, as tables for the terminal and for docs/statistics.md."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Cell = TypeVar("Cell", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Budget:
    """How much to simulate."""

    repetitions: int
    """Of each cell of a grid."""
    seed: int

    def chance(self, *cell: Hashable) -> np.random.Generator:
        """Return the generator of a cell: its own, so that leaving others out changes nothing."""
        return np.random.default_rng([self.seed, zlib.crc32(repr(cell).encode())])


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many repetitions."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share."""
        return self.hits / self.of

    @property
    def error(self) -> float:
        """The Monte-Carlo standard error; of nothing or everything as though half a repetition had gone otherwise."""
        share = min(max(self.value, 0.5 / self.of), 1 - 0.5 / self.of)
        return math.sqrt(share * (1 - share) / self.of)

    def with_interval(self) -> str:
        """Write it with its 95 % interval (Wilson)."""
        from scipy.stats import binomtest

        low, high = binomtest(self.hits, self.of).proportion_ci(0.95, method="wilson")
        return f"{100 * self.value:.1f} % [{100 * low:.1f}–{100 * high:.1f}]"

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.hits + other.hits, self.of + other.of)

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} ± {100 * self.error:.1f} %"


@dataclass(frozen=True, slots=True)
class Bar:
    """A claim held against what was found."""

    claim: str
    found: Rate
    at_least: float = 0.0
    at_most: float = 1.0
    where: str = ""
    """Of the worst cell: which it is."""

    @property
    def met(self) -> bool:
        """Whether the claim holds."""
        return self.at_least <= self.found.value <= self.at_most

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where else ""
        return f"{'PASS' if self.met else 'FAIL'}: {self.claim}: {self.found}{where}"


@dataclass(frozen=True, slots=True)
class Section:
    """One table and the claims it bears out."""

    name: str
    title: str
    text: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bars: tuple[Bar, ...]

    @property
    def met(self) -> bool:
        """Whether every claim holds."""
        return all(bar.met for bar in self.bars)

    def markdown(self) -> str:
        """Write it as Markdown."""
        lines = [f"### {self.title}", "", self.text, "", _row(self.head), _row(["---"] * len(self.head))]
        return "\n".join([*lines, *map(_row, self.rows), "", *(f"- {bar}" for bar in self.bars)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def pooled(rates: Sequence[Rate]) -> Rate:
    """Return the mean over cells of equally many repetitions."""
    return sum(rates[1:], rates[0])


def worst(
    found: Sequence[tuple[Cell, Rate]], again: Callable[[Cell, Budget], Rate], budget: Budget, *, lowest: bool = False
) -> tuple[Cell, Rate]:
    """Return the worst cell with its rate from fresh draws, four times as many.

    The highest of many noisy rates is mostly noise: that it was picked for being high must not count against it.
    """
    cell = (min if lowest else max)(found, key=lambda pair: pair[1].value)[0]
    return cell, again(cell, Budget(4 * budget.repetitions, budget.seed + 1))
