"""Whether two runs may be compared: how differently they were asked, and whether an adapter did anything at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pytest_cosmos.measure import Pairs
from pytest_cosmos.records import ModelRecord, Run

_NUMBER_OF_DEVICE = re.compile(r":\d+")

_UNDECIDING: Final = frozenset({"prefix"})
"""What is recorded of generation and leaves replies as they are."""


def unlike(baseline: ModelRecord, candidate: ModelRecord) -> tuple[str, ...]:
    """Say in which settings two sides differ that a comparison takes for equal, as `dtype float32, was bfloat16`."""
    return tuple(
        f"{name} {_given(after)}, was {_given(before)}"
        for name, before, after in _settings(baseline, candidate)
        if before != after
    )


def _settings(baseline: ModelRecord, candidate: ModelRecord) -> Iterator[tuple[str, str, str]]:
    for name in ("engine", "family", "dtype"):
        yield name, getattr(baseline, name), getattr(candidate, name)
    yield "device", _kind(baseline.device), _kind(candidate.device)
    for name in dict.fromkeys((*baseline.generation, *candidate.generation)):
        if name in _UNDECIDING:
            continue
        yield name.replace("_", " "), baseline.generation.get(name, ""), candidate.generation.get(name, "")


def _kind(device: str) -> str:
    """Leave out which of several equal devices it was."""
    return ", ".join(sorted({_NUMBER_OF_DEVICE.sub("", part) for part in device.split(", ")}))


def _given(value: str) -> str:
    return value or "none"


def is_base_of(baseline: Run, candidate: Run) -> bool:
    """Tell whether the two have the same weights but not the same adapter."""
    before, after = baseline.model, candidate.model
    adapters = [model.adapter_fingerprint or model.adapter for model in (before, after)]
    return bool(adapters[1]) and adapters[0] != adapters[1] and before.fingerprint == after.fingerprint


def is_same(baseline: ModelRecord, candidate: ModelRecord) -> bool:
    """Tell whether two sides are known to have the same weights and the same adapter, or none."""
    if not baseline.fingerprint or baseline.fingerprint != candidate.fingerprint:
        return False
    return baseline.adapter_fingerprint == candidate.adapter_fingerprint and bool(baseline.adapter) == bool(
        candidate.adapter
    )


def changed_nothing(pairs: Pairs) -> bool:
    """Tell whether all pairs have the same text and the same confidence: what no trained adapter does."""
    replies = [
        (before.reply, after.reply)
        for suite, facts in pairs.candidate.items()
        for before, after in zip(pairs.baseline[suite].outcomes, facts.outcomes, strict=True)
    ]
    return bool(replies) and all(
        (before.raw, before.confidence) == (after.raw, after.confidence) for before, after in replies
    )


def faults(baseline: Run, candidate: Run, pairs: Pairs) -> tuple[str, ...]:
    """Say why a comparison of a model with and without its adapter is void."""
    if not is_base_of(baseline, candidate):
        return ()
    found = []
    if changed_nothing(pairs):
        found.append(
            f"the adapter changed nothing: all {len(pairs):,} replies of {candidate.model.label} are those of "
            f"{baseline.model.label}, word for word and with the same confidence. Was it trained? Is it the right one?"
        )
    if baseline.id in candidate.baselines and (differing := unlike(baseline.model, candidate.model)):
        found.append(
            f"{candidate.model.label} and {baseline.model.label} were not asked alike ({'; '.join(differing)}): what "
            "changed need not be the adapter's doing."
        )
    return tuple(found)


def remarks(baseline: Run, candidate: Run) -> tuple[str, ...]:
    """Say what a reader of a comparison must know of the two runs."""
    found = []
    differing = unlike(baseline.model, candidate.model)
    if is_same(baseline.model, candidate.model):
        found.append(f"baseline and candidate are the same model, {candidate.model.label}.")
    if differing and not (is_base_of(baseline, candidate) and baseline.id in candidate.baselines):
        found.append(f"not asked alike: {'; '.join(differing)}.")
    if bool(baseline.temperatures) != bool(candidate.temperatures):
        found.append("only one of both runs has its confidences scaled: they are compared as the models gave them.")
    labels = {suite.name: suite.digest for suite in baseline.suites}
    other = [suite.name for suite in candidate.suites if labels.get(suite.name, suite.digest) != suite.digest]
    if other:
        found.append(f"the label files of {', '.join(other)} have changed since.")
    return tuple(found)
