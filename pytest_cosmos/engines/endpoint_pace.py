"""How many requests are under way at once: more while latency holds, half as many when the server is overloaded."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

START = 4
"""Requests at a time to begin with."""

HOLDS = 1.75
"""Latency holds while the mean over a window is within this factor of the best window's."""

FADE = 1.02
"""The best latency seen is forgotten by this factor a window: a server may have grown slower for good."""


@dataclass(slots=True)
class Pace:
    """Additive increase, multiplicative decrease.

    One window is as many answers as there may be requests at a time. As in TCP the limit doubles from window to
    window at first, and grows by one after the first sign that the server has enough.
    """

    most: int
    limit: int = 0
    epoch: int = 0
    """Raised with every decrease: what began before it tells nothing about the new limit."""
    _doubling: bool = True
    _best: float | None = None
    _window: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.limit = min(self.most, START)

    def answered(self, seconds: float, epoch: int) -> None:
        """Take in the latency of a request that began in `epoch`."""
        if epoch != self.epoch:
            return
        self._window.append(seconds)
        if len(self._window) < self.limit:
            return
        mean = sum(self._window) / len(self._window)
        self._window.clear()
        if self._best is not None and mean > HOLDS * self._best:
            self._doubling = False
        else:
            self.limit = min(self.most, 2 * self.limit if self._doubling else self.limit + 1)
        self._best = mean if self._best is None else min(mean, self._best * FADE)

    def overloaded(self, epoch: int) -> None:
        """Halve the limit, once for all requests that were under way together."""
        if epoch == self.epoch:
            self.limit = max(1, self.limit // 2)
            self.epoch += 1
            self._doubling = False
            self._window.clear()


class Gate:
    """Lets requests through as the pace allows, and none before a time that the server has named."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._active = 0
        self._started = 0
        self._not_before = 0.0
        self._changed = asyncio.Condition()

    def pause(self, seconds: float) -> None:
        """Hold all requests back for so long: the server has asked for it."""
        self._not_before = max(self._not_before, time.monotonic() + seconds)

    async def start_case(self) -> None:
        """Wait until one more case may be taken up; those waiting to be tried again count."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._started < self.pace.limit)
            self._started += 1

    async def end_case(self) -> None:
        """Make room for another case."""
        async with self._changed:
            self._started -= 1
            self._changed.notify_all()

    async def enter(self) -> int:
        """Wait for leave to send one request; return the epoch in which it begins."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._active < self.pace.limit)
            self._active += 1
        try:
            while (wait := self._not_before - time.monotonic()) > 0:
                await asyncio.sleep(wait)
        except BaseException:  # given up while waiting
            await self.leave()
            raise
        return self.pace.epoch

    async def leave(self) -> None:
        """Make room for another request."""
        self._active -= 1
        async with self._changed:
            self._changed.notify_all()
