"""The latency of single cases: the benchmarks in turns, round by round, so that a drift of the machine hits all alike.

Nothing here knows the reply store: what is timed is asked.
"""

from __future__ import annotations

import hashlib
import json
import platform
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pytest_cosmos.engines.base import Engine, Timed
from pytest_cosmos.records import Benchmark, Case, Measure, ModelRecord, Series, Timing
from pytest_cosmos.settings import EngineName

MEASURES: Final[Mapping[EngineName, frozenset[Measure]]] = {
    "transformers": frozenset({"answer", "first_token", "per_token", "preprocess", "load"}),
    "endpoint": frozenset({"answer", "first_token", "per_token"}),
    "scripted": frozenset({"answer"}),
}
"""What each engine can be timed at."""

WARMUP = 2
"""Rounds before the first that counts: caches fill, kernels are chosen, clocks rise."""

_CUDA = re.compile(r"cuda(?::\d+)? \((.*)\)")


class NotTimedError(Exception):
    """A case that was to be timed got no reply."""


def time_answer(engine: Engine, case: Case) -> Timing:
    """Take the time from handing one case in to its whole reply; NotTimedError where there is none."""
    started = time.perf_counter()
    replies = tuple(engine.answer([case]))
    seconds = time.perf_counter() - started
    if not replies or replies[0].finish == "error":
        raise NotTimedError(f"{case.key} got no reply: {replies[0].error if replies else 'the engine was closed'}")
    return Timing(seconds=seconds, tokens=replies[0].output_tokens)


def workload(benchmark: Benchmark) -> str:
    """Hash what a benchmark asks: other work is not comparable."""
    case = benchmark.case
    prompt = case.prompt.model_dump_json(exclude={"template"}) if case else ""  # hashed since before it was there
    asked = [case.sample.media_hash, prompt, len(case.sample.media)] if case else []
    return hashlib.sha256(json.dumps([benchmark.measure, *asked]).encode()).hexdigest()


def turns(benchmarks: Sequence[Benchmark], rounds: int, seed: int) -> Iterator[tuple[Benchmark, ...]]:
    """Yield the order of each round: loading first, for it upsets the others; these in an order drawn anew.

    With one and the same order each would always run on the caches that the one before it leaves.
    """
    loads = [benchmark for benchmark in benchmarks if benchmark.case is None]
    others = [benchmark for benchmark in benchmarks if benchmark.case is not None]
    draw = random.Random(seed)
    for _ in range(rounds):
        draw.shuffle(others)
        yield (*loads, *others)


@dataclass(slots=True)
class _Record:
    """What comes of one benchmark."""

    started: list[float] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)
    error: str = ""

    def series(self, benchmark: Benchmark, zero: float) -> Series:
        tokens = [timing.tokens for timing in self.timings if timing.tokens is not None]
        memory = [timing.memory for timing in self.timings if timing.memory is not None]
        return Series(
            name=benchmark.name,
            measure=benchmark.measure,
            workload=workload(benchmark),
            started=tuple(round(at - zero, 6) for at in self.started),
            seconds=tuple(timing.seconds for timing in self.timings),
            tokens=tuple(tokens) if len(tokens) == len(self.timings) else (),
            memory=max(memory, default=None),
            error=self.error,
        )


def measure_latency(
    engine: Timed,
    benchmarks: Sequence[Benchmark],
    *,
    rounds: int,
    seed: int = 0,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Series, ...]:
    """Time the benchmarks in turns on a loaded engine; one that fails is given up, the others go on.

    `tick` is told before each round how many are done, of how many, warm-up included.
    """
    records = {benchmark.name: _Record() for benchmark in benchmarks}
    plan = turns(benchmarks, WARMUP + rounds, seed)
    for number, order in enumerate(plan):
        tick(number, WARMUP + rounds)
        for benchmark in order:
            record = records[benchmark.name]
            if not record.error:
                _execute(engine, benchmark, record, order, counts=number >= WARMUP)
    zero = min((record.started[0] for record in records.values() if record.started), default=0.0)
    return tuple(records[benchmark.name].series(benchmark, zero) for benchmark in benchmarks)


def _execute(engine: Timed, benchmark: Benchmark, record: _Record, order: Sequence[Benchmark], *, counts: bool) -> None:
    started = time.perf_counter()
    try:
        timing = engine.time(benchmark.measure, benchmark.case)
        if benchmark.case is None:  # fresh weights are slow at first: that is not to count for whoever comes next
            for other in order:
                if other.case is not None:
                    engine.time(other.measure, other.case)
                    break
    except Exception as error:  # whatever it is: it fails the benchmark's test, with this text
        record.error = f"{type(error).__name__}: {error}"
        return
    if counts:
        record.started.append(started)
        record.timings.append(timing)


def device_label(model: ModelRecord, threads: int | None) -> str:
    """Name what the times are those of; times of devices of unlike names are not comparable.

    A GPU's name alone; a CPU's with the threads in use, since both decide.
    """
    if found := _CUDA.fullmatch(model.device):
        return found[1]
    if model.device != "cpu":
        return model.device or model.engine
    used = "" if threads is None else f", {threads} thread{'s' * (threads != 1)}"
    return f"cpu {processor_name()}{used}"


def processor_name(info: Path = Path("/proc/cpuinfo")) -> str:
    """Name the processor as it names itself, or else its architecture."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(errors="replace"), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()
