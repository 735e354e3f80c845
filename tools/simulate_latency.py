"""How often the interval of a ratio of medians is wrong: two runs of one speed, many times, seeded.

    python tools/simulate_latency.py            # the table of docs/latency.md, some minutes
    python tools/simulate_latency.py --tries 200

Noise of four kinds, each of about the size seen on shared machines. `carried` is the one a plain bootstrap fails at:
a slow round is followed by slow rounds.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np

from pytest_cosmos.measure.latency import ratio_of_medians

Draw = np.random.Generator


def even(draw: Draw, rounds: int) -> list[float]:
    """Noise of 10 %, each round on its own."""
    return [math.exp(0.1 * value) for value in draw.normal(size=rounds)]


def outliers(draw: Draw, rounds: int) -> list[float]:
    """Noise of 5 %, and every tenth round much slower."""
    late = np.where(draw.random(rounds) < 0.1, draw.exponential(0.5, rounds), 0)
    return [math.exp(0.05 * value + more) for value, more in zip(draw.normal(size=rounds), late, strict=True)]


def carried(draw: Draw, rounds: int) -> list[float]:
    """Noise of 10 %, half of which stays from one round to the next."""
    noise = [draw.normal() / math.sqrt(1 - 0.5**2)]
    for _ in range(rounds - 1):
        noise.append(0.5 * noise[-1] + draw.normal())
    return [math.exp(0.1 * value) for value in noise]


def two_speeds(draw: Draw, rounds: int) -> list[float]:
    """Two clock rates, 20 % apart, the slower one in two of five rounds."""
    slower = np.where(draw.random(rounds) < 0.4, 0.2, 0)
    return [math.exp(0.03 * value + more) for value, more in zip(draw.normal(size=rounds), slower, strict=True)]


NOISES: tuple[Callable[[Draw, int], list[float]], ...] = (even, outliers, carried, two_speeds)


def covered(
    noise: Callable[[Draw, int], list[float]], rounds: int, tries: int, seed: int
) -> tuple[float, float, float]:
    """Return how often the interval holds the true ratio, 1, how often it lies above it, and its median width."""
    draw = np.random.default_rng([seed, rounds])
    ratios = [ratio_of_medians(noise(draw, rounds), noise(draw, rounds), seed=n) for n in range(tries)]
    known = [ratio for ratio in ratios if ratio is not None]
    held = sum(ratio.low <= 1 <= ratio.high for ratio in known) / tries
    above = sum(ratio.low > 1 for ratio in known) / tries
    return held, above, float(np.median([ratio.high / ratio.low for ratio in known]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print("| noise | rounds | holds the true ratio | lies above it | high / low |\n|---|---|---|---|---|")
    for noise in NOISES:
        for rounds in (10, 20, 40):
            held, above, width = covered(noise, rounds, arguments.tries, arguments.seed)
            print(
                f"| {noise.__name__} | {rounds} | {100 * held:.1f} % | {100 * above:.1f} % | {width:.2f} |", flush=True
            )


if __name__ == "__main__":
    main()
