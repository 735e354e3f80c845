"""Draw a small part of a suite that is still like the whole."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction

from pytest_cosmos.records import Case

Stratum = tuple[str, str]


def limit_samples(cases: Sequence[Case], n: int, seed: int) -> tuple[Case, ...]:
    """Keep all cases of `n` samples, in their order; each label and category keeps its share.

    Every stratum (label and category) keeps at least one sample where `n` allows. The same seed draws the
    same samples on every machine, and a larger `n` mostly adds to those of a smaller one.
    """
    strata: dict[tuple[str, str], dict[tuple[str, str], None]] = defaultdict(dict)
    for case in cases:
        strata[case.sample.label, case.sample.category][_sample_key(case)] = None
    shares = _shares({stratum: len(samples) for stratum, samples in strata.items()}, n)
    kept = {
        sample
        for stratum, samples in strata.items()
        for sample in sorted(samples, key=lambda sample: _rank(sample, seed))[: shares[stratum]]
    }
    return tuple(case for case in cases if _sample_key(case) in kept)


def _sample_key(case: Case) -> tuple[str, str]:
    return case.suite, case.sample.id


def _rank(sample: tuple[str, str], seed: int) -> str:
    """Give a sample its place in the draw; a hash, so that it hangs on no other sample."""
    return hashlib.sha256("\0".join((str(seed), *sample)).encode()).hexdigest()


def _shares(sizes: Mapping[Stratum, int], n: int) -> dict[Stratum, int]:
    """Divide `n` in proportion to `sizes` by the largest remainder; the sum is `min(n, sum(sizes))`."""
    total = sum(sizes.values())
    if n >= total:
        return dict(sizes)
    if n >= len(sizes):
        # What is too small for a seat of its own is given one; the others divide what is left.
        small = {stratum for stratum, size in sizes.items() if size * n < total}
        if small:
            others = {stratum: size for stratum, size in sizes.items() if stratum not in small}
            return dict.fromkeys(small, 1) | _shares(others, n - len(small))
    quotas = {stratum: Fraction(size * max(n, 0), total) for stratum, size in sizes.items()}
    shares = {stratum: int(quota) for stratum, quota in quotas.items()}
    by_remainder = sorted(sizes, key=lambda stratum: (shares[stratum] - quotas[stratum], stratum))
    for stratum in by_remainder[: max(n, 0) - sum(shares.values())]:
        shares[stratum] += 1
    return shares
