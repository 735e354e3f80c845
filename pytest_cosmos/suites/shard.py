"""Divide samples into parts that machines can answer apart from each other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pytest_cosmos.records import Case

Shard = tuple[int, int]
"""`(K, N)`: the K-th of N parts, K from 1."""


def shard_samples(cases: Sequence[Case], shard: Shard) -> tuple[Case, ...]:
    """Keep all cases of the samples that belong to the K-th of N parts, in their order."""
    number, count = shard
    return tuple(case for case in cases if shard_of(case.suite, case.sample.id, count) == number)


def shard_of(suite: str, sample: str, count: int) -> int:
    """Return which of `count` parts a sample belongs to, from 1.

    SHA-256 of suite and sample id, modulo `count`: it hangs on no other sample, so neither a new order of files and
    rows nor a new sample moves one from part to part. Parts are therefore about equal, not equal.
    """
    return int.from_bytes(hashlib.sha256(f"{suite}\0{sample}".encode()).digest()) % count + 1
