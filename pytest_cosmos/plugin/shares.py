"""Whole batches under xdist: which cases are answered by which worker, known to worker and controller alike.

A worker does not know which items it will get when its run loop starts. So a pure function of the ordered node ids
makes the batches (all prompts of a sample stay together), and batch j belongs to worker j mod K.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

SAMPLES_PER_BATCH = 8
"""Small enough for even shares; the engine joins the batches of a share into larger ones."""

Batches = list[tuple[str, ...]]


def make_batches(nodeids: Sequence[str], samples: Mapping[str, str]) -> Batches:
    """Group our node ids (the keys of `samples`: node id -> sample) by sample, and samples into batches, in order."""
    ours = [nodeid for nodeid in nodeids if nodeid in samples]
    groups = [tuple(group) for _, group in groupby(ours, key=lambda nodeid: (_test(nodeid), samples[nodeid]))]
    starts = range(0, len(groups), SAMPLES_PER_BATCH)
    return [tuple(node for group in groups[start : start + SAMPLES_PER_BATCH] for node in group) for start in starts]


def share_of(batches: Batches, worker: Mapping[str, Any] | None) -> tuple[Batches, Batches]:
    """Split batches into those of this worker (None: not a worker, all of them) and those of the others."""
    if worker is None:
        return batches, []
    index, count = int(str(worker["workerid"]).removeprefix("gw")), int(worker["workercount"])
    mine = [batch for number, batch in enumerate(batches) if number % count == index]
    others = [batch for number, batch in enumerate(batches) if number % count != index]
    return mine, others


def _test(nodeid: str) -> str:
    return nodeid.partition("[")[0]
