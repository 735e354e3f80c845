"""Whole batches under xdist: which cases are answered by which worker, known to worker and controller alike.

A worker does not know which items it will get when its run loop starts. So a pure function of the ordered node ids
makes the batches (all prompts of a sample stay together), and batch j belongs to worker j mod K.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_cosmos.records import Case

SAMPLES_PER_BATCH = 8
"""Small enough for even shares; the engine joins the batches of a share into larger ones."""

Batches = list[tuple[str, ...]]


def sample_key(case: Case) -> str:
    """Tell samples of all suites apart."""
    return f"{case.suite}/{case.sample.id}"


def make_batches(nodeids: Sequence[str], samples: Mapping[str, str]) -> Batches:
    """Group our node ids (the keys of `samples`: node id -> sample) by sample, and samples into batches, in order."""
    groups: dict[str, list[str]] = {}
    for nodeid in nodeids:
        if nodeid in samples:
            groups.setdefault(samples[nodeid], []).append(nodeid)
    wholes = list(groups.values())
    starts = range(0, len(wholes), SAMPLES_PER_BATCH)
    return [tuple(node for whole in wholes[start : start + SAMPLES_PER_BATCH] for node in whole) for start in starts]


def share_of(batches: Batches, worker: Mapping[str, Any] | None) -> tuple[Batches, Batches]:
    """Split batches into those of this worker (None: not a worker, all of them) and those of the others."""
    if worker is None:
        return batches, []
    index, count = _number(worker), int(worker["workercount"])
    mine = [batch for number, batch in enumerate(batches) if number % count == index]
    others = [batch for number, batch in enumerate(batches) if number % count != index]
    return mine, others


def deal(batches: Batches, workers: Sequence[Mapping[str, Any]]) -> list[Batches]:
    """Give every worker its share; one that replaces a dead worker gets a share that nobody claims."""
    count = len(workers)
    claimed = {_number(worker) for worker in workers}
    free = iter(sorted(set(range(count)) - claimed))
    numbers = [_number(worker) if _number(worker) < count else next(free) for worker in workers]
    return [batches[number::count] for number in numbers]


def _number(worker: Mapping[str, Any]) -> int:
    return int(str(worker["workerid"]).removeprefix("gw"))
