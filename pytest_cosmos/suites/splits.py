"""Assign samples to splits: whole groups, each stratum near its share, the same for every order of the rows."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_cosmos.records import Sample
from pytest_cosmos.suites.columns import value_of

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

Stratum = tuple[str, ...]

# How much a sample too many in a whole split counts, beside one too many in one of its strata: without it, many small
# strata would all be rounded to the same side.
_WHOLE = 0.25


@dataclass(frozen=True, slots=True)
class Bundle:
    """Samples that must stay together."""

    name: str
    """The least of the ids of its samples: it hangs on no order."""
    samples: tuple[Sample, ...]


def assign_splits(
    samples: Sequence[Sample], *, by: str, stratify: Sequence[str], shares: Mapping[str, float], seed: int
) -> dict[str, str]:
    """Return the split of each sample, by id; `shares` (they add up to 1) says how much each split is to get.

    The bundles go from the largest to the smallest, each to the split that lacks most of what it holds. Where each
    bundle lies in a single stratum, a stratum so ends nearer to its share than the size of its largest bundle, but for
    what the whole split needs (the greedy rule of list scheduling: R. L. Graham, Bounds on multiprocessing timing
    anomalies, SIAM J. Appl. Math. 17, 1969). Bundles of one size are drawn in an order that hangs on `seed` and ids.
    """
    wanted = {split: share for split, share in shares.items() if share > 0}
    bundles = sorted(bundles_of(samples, by), key=lambda bundle: (-len(bundle.samples), _rank(bundle.name, seed)))
    held = _held(bundles, stratify)
    return {
        sample.id: split
        for bundle, split in zip(bundles, _greedy(held, wanted), strict=True)
        for sample in bundle.samples
    }


def bundles_of(samples: Sequence[Sample], by: str) -> tuple[Bundle, ...]:
    """Return the samples that must stay together: those of one value in the column `by`, and those of one file.

    A sample without a value is bundled only with those that show the same file.
    """
    parents: dict[str, str] = {}

    def root(key: str) -> str:
        while (parent := parents.setdefault(key, key)) != key:
            parents[key] = key = parents[parent]
        return key

    for sample in samples:
        files = [f"file {name}" for name in sample.media]
        value = value_of(sample, by)
        for key in (*files[1:], *([f"value {value}"] if value else [])):
            parents[root(key)] = root(files[0])
    members: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        members[root(f"file {sample.media[0]}")].append(sample)
    return tuple(Bundle(min(one.id for one in found), tuple(found)) for found in members.values())


def stratum_of(sample: Sample, stratify: Sequence[str]) -> Stratum:
    """Return the stratum that a sample is in: its values of the columns."""
    return tuple(value_of(sample, column) for column in stratify)


def largest_bundles(bundles: Sequence[Bundle], stratify: Sequence[str]) -> dict[Stratum, int]:
    """Return how many samples of each stratum the bundle holds that has most of them."""
    largest: dict[Stratum, int] = {}
    for bundle in bundles:
        for stratum, count in _counted(bundle, stratify).items():
            largest[stratum] = max(count, largest.get(stratum, 0))
    return largest


def _counted(bundle: Bundle, stratify: Sequence[str]) -> dict[Stratum, int]:
    counts: dict[Stratum, int] = defaultdict(int)
    for sample in bundle.samples:
        counts[stratum_of(sample, stratify)] += 1
    return counts


def _rank(name: str, seed: int) -> str:
    """Give a bundle its place in the draw; a hash, so that it hangs on no other bundle."""
    return hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest()


def _held(bundles: Sequence[Bundle], stratify: Sequence[str]) -> Floats:
    """Count what each bundle holds of each stratum: (bundles, strata + 1), the last column of any stratum."""
    import numpy as np

    counted = [_counted(bundle, stratify) for bundle in bundles]
    columns = {stratum: number for number, stratum in enumerate(sorted({key for counts in counted for key in counts}))}
    held = np.zeros((len(bundles), len(columns) + 1))
    for row, counts in enumerate(counted):
        for stratum, count in counts.items():
            held[row, columns[stratum]] = count
        held[row, -1] = math.sqrt(_WHOLE) * sum(counts.values())
    return held


def _greedy(held: Floats, shares: Mapping[str, float]) -> list[str]:
    """Choose a split for each row: the one that makes the squared distance from the shares grow least.

    Adding v to a split whose surplus is e changes (e)² to (e + v)², i.e. by 2 v·e + v·v; the last is the same for all.
    """
    import numpy as np

    names = list(shares)
    surplus = -np.outer(held.sum(axis=0), [shares[name] for name in names])
    chosen = []
    for row in held:
        split = int(np.argmin(row @ surplus))
        surplus[:, split] += row
        chosen.append(names[split])
    return chosen
