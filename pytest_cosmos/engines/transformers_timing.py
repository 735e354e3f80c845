"""Where the time of one case goes on a device of our own: preprocessing, the first token, the tokens after it."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_cosmos.engines.latency import NotTimedError
from pytest_cosmos.engines.transformers_generate import generate
from pytest_cosmos.engines.transformers_inputs import Preparer
from pytest_cosmos.engines.transformers_load import Loaded
from pytest_cosmos.records import Case, Measure, Timing

if TYPE_CHECKING:
    import torch

_HIGH_WATER = Path("/proc/self/clear_refs")
"""Writing 5 to it resets the peak of resident memory (proc(5)); elsewhere the peak is that of the process so far."""


class Watch:
    """A clock that waits for the device, and knows the peak of its memory since the start."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._started = 0.0

    def start(self) -> float:
        """Let the device come to rest, forget the peak, and begin."""
        import torch

        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
            torch.cuda.reset_peak_memory_stats(self._device)
        else:
            with contextlib.suppress(OSError):
                _HIGH_WATER.write_text("5")
        self._started = time.perf_counter()
        return self._started

    def now(self) -> float:
        """Return the time when the device has done what it was told so far."""
        import torch

        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()

    def timing(self, *, ended: float | None = None, tokens: int | None = None) -> Timing:
        """Return the time since the start, until `ended` or else now."""
        seconds = (self.now() if ended is None else ended) - self._started
        return Timing(seconds=seconds, tokens=tokens, memory=self._peak())

    def _peak(self) -> int:
        import torch

        if self._device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self._device))
        import resource  # not there on Windows

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def time_parts(watch: Watch, loaded: Loaded, preparer: Preparer, measure: Measure, case: Case) -> Timing:
    """Answer one case and take the time of one part of it; NotTimedError where there is no such part."""
    watch.start()
    batch = preparer.prepare([case])
    if batch.inputs is None:
        raise NotTimedError(batch.failed[0][1])
    if measure == "preprocess":
        return watch.timing()
    stamps: list[float] = []

    def after_token() -> bool:
        if not stamps:
            stamps.append(watch.now())
        return False

    limit = 1 if measure == "first_token" else loaded.max_new_tokens
    written = generate(loaded.model, batch.inputs, limit, after_token)[0]
    ended, tokens = watch.now(), len(written.tokens)
    if measure == "first_token":
        return watch.timing(ended=stamps[0], tokens=tokens)
    if tokens < 2:
        raise NotTimedError(f"{case.key}: the reply is a single token, so there is no time between tokens")
    return watch.timing(tokens=tokens).model_copy(update={"seconds": (ended - stamps[0]) / (tokens - 1)})
