"""Which seeds draw which floors: one disjoint range for training the base and for each shipped split."""

from __future__ import annotations

# One seed is one floor; all tiles of a floor come from its seed, so no floor is in two ranges.
PRETRAINING = range(10_000_000)
PRETRAINING_CHECK = range(10_000_000, 11_000_000)
SPLITS: dict[str, range] = {
    "train": range(11_000_000, 12_000_000),
    "validation": range(12_000_000, 13_000_000),
    "test": range(13_000_000, 14_000_000),
}
