"""What xdist's controller tells its workers beforehand: until when they may ask, and whose place they take."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_cosmos.settings import Settings

DEADLINE = "cosmos_deadline"
PLACE = "cosmos_place"
EARLIER_RUNS = "cosmos_earlier_runs"
"""Keys of `workerinput`."""


class Places:
    """The numbers 0 … K-1, each held by one living worker: one that replaces a dead worker takes its device."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def take(self, worker: str) -> int:
        """Give a worker the lowest free number."""
        free = next(number for number in range(len(self._taken) + 1) if number not in self._taken.values())
        return self._taken.setdefault(worker, free)

    def leave(self, worker: str) -> None:
        """Free the number of a worker that has ended."""
        self._taken.pop(worker, None)


def deadline_of(config: pytest.Config, settings: Settings) -> float | None:
    """Return when the time budget is spent, in seconds since the epoch; a worker's began with its controller."""
    told: float | None = getattr(config, "workerinput", {}).get(DEADLINE)
    if told is not None or settings.time_budget is None:
        return told
    return time.time() + settings.time_budget


def place_of(config: pytest.Config) -> tuple[int, int] | None:
    """Return a worker's number, from 0, and how many workers there are; None outside of xdist's workers."""
    worker: Mapping[str, Any] | None = getattr(config, "workerinput", None)
    if worker is None:
        return None
    count = int(worker["workercount"])
    number = int(str(worker["workerid"]).removeprefix("gw")) % count
    return int(worker.get(PLACE, number)), count


def worker_count(config: pytest.Config) -> int:
    """Count the workers on this machine, as one of them or as their controller sees it; 0 without xdist."""
    place = place_of(config)
    if place is not None:
        return place[1]
    if not config.pluginmanager.hasplugin("dsession"):
        return 0
    from xdist.workermanage import parse_tx_spec_config

    return sum(str(spec).startswith("popen") for spec in parse_tx_spec_config(config))
