"""Examples -> those that a model is trained on: few of each label, balanced, and mixed by source.

Samples are taken, left out and repeated whole, with all that is asked about them: a sample that is seen twice appears
twice. What is taken first is drawn by the seed; the order is the examples' own, so that the same seed gives the same.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal, TypeVar

import numpy as np

from pytest_cosmos.errors import OptionError, suggest
from pytest_cosmos.finetune.examples import Example
from pytest_cosmos.records import Sample

Balance = Literal["", "label", "category", "source"]
_Item = TypeVar("_Item")


def select(
    examples: Sequence[Example], *, mix: Mapping[str, float], balance: Balance, shots: int | None, seed: int
) -> tuple[Example, ...]:
    """Take `shots` samples of each label, then balance them by a field, then mix their sources.

    `shots` takes whole groups while they fit. `balance` repeats samples until each value of the field has as many as
    the most frequent. `mix` holds the shares of the sources, about as many samples in all as before; sources that it
    does not name are left out, and shares that do not sum to 1 are read as proportions (1 and 3: a quarter and three
    quarters). Each share holds to within one sample. OptionError for a source that there is not, and for shares that
    are no numbers above 0.
    """
    of_sample: dict[str, list[Example]] = {}
    for one in examples:
        of_sample.setdefault(one.case.sample.id, []).append(one)
    samples = [ones[0].case.sample for ones in of_sample.values()]
    _check(mix, {sample.source for sample in samples})
    rng = np.random.default_rng(seed)
    if shots is not None:
        samples = _few(rng, [sample for sample in samples if not mix or sample.source in mix], shots)
        _check_drawn(mix, samples, shots)
    if balance:
        samples = _balanced(rng, samples, balance)
    if mix:
        samples = _mixed(rng, samples, mix)
    times = Counter(sample.id for sample in samples)
    return tuple(one for name, ones in of_sample.items() for _ in range(times[name]) for one in ones)


def _check(mix: Mapping[str, float], sources: set[str]) -> None:
    """Raise OptionError with every mistake in `mix`."""
    wrong = []
    for source, share in mix.items():
        if not math.isfinite(share) or share <= 0:
            wrong.append(f"mix: the share of '{source}' is {share}. Allowed: numbers above 0.")
        if source not in sources:
            there = ", ".join(sorted(filter(None, sources))) or "none; fill in the column `source`"
            wrong.append(
                f"mix: no training sample has the source '{source}'. Sources: {there}."
                f"{suggest(source, sorted(sources))}"
            )
    if wrong:
        raise OptionError("\n".join(wrong))


def _check_drawn(mix: Mapping[str, float], samples: Sequence[Sample], shots: int) -> None:
    """Raise OptionError where the few samples drawn lack a source."""
    lacking = [source for source in mix if source not in {sample.source for sample in samples}]
    if lacking:
        raise OptionError(
            f"shots: {shots} samples of each label hold none of the source '{lacking[0]}', which mix names. "
            "Allowed: more shots, another seed, or a mix of fewer sources."
        )


def _few(rng: np.random.Generator, samples: Sequence[Sample], shots: int) -> list[Sample]:
    """Take so many samples of each label, groups that fit whole before parts of others."""
    taken: list[Sample] = []
    for _, ones in _by(samples, "label"):
        groups = _shuffled(rng, [list(members) for _, members in _by(ones, "group")])
        left: list[Sample] = []
        chosen: list[Sample] = []
        for members in groups:
            (chosen if len(chosen) + len(members) <= shots else left).extend(members)
        taken += (chosen + left)[:shots]
    return taken


def _balanced(rng: np.random.Generator, samples: Sequence[Sample], field: str) -> list[Sample]:
    """Repeat samples until each value of a field has as many as the most frequent."""
    parts = [ones for _, ones in _by(samples, field)]
    most = max(map(len, parts), default=0)
    return [sample for ones in parts for sample in _as_many(rng, ones, most)]


def _mixed(rng: np.random.Generator, samples: Sequence[Sample], mix: Mapping[str, float]) -> list[Sample]:
    """Repeat or leave out samples until the sources have their shares."""
    parts = dict(_by(samples, "source"))
    return [
        sample for source, count in _counts(mix, len(samples)).items() for sample in _as_many(rng, parts[source], count)
    ]


def _counts(mix: Mapping[str, float], total: int) -> dict[str, int]:
    """Share out `total` by largest remainders; each source has at least one."""
    exact = {source: share / math.fsum(mix.values()) * total for source, share in mix.items()}
    counts = {source: int(value) for source, value in exact.items()}
    nearest = sorted(exact, key=lambda source: counts[source] - exact[source])
    for source in nearest[: total - sum(counts.values())]:
        counts[source] += 1
    return {source: max(1, count) for source, count in counts.items()}


def _as_many(rng: np.random.Generator, samples: Sequence[Sample], count: int) -> list[Sample]:
    """Take each as often as any other, or once more: whole rounds, and a part of one."""
    rounds, rest = divmod(count, len(samples))
    return [*samples] * rounds + _shuffled(rng, samples)[:rest]


def _shuffled(rng: np.random.Generator, items: Sequence[_Item]) -> list[_Item]:
    return [items[place] for place in rng.permutation(len(items))]


def _by(samples: Sequence[Sample], field: str) -> Iterator[tuple[str, list[Sample]]]:
    """Yield the values of a field, sorted, each with its samples; without a group a sample is one of its own."""

    def value(sample: Sample) -> tuple[str, str]:
        said = str(getattr(sample, field))
        return said, sample.id if field == "group" and not said else ""

    for (said, _), ones in groupby(sorted(samples, key=value), key=value):
        yield said, list(ones)
