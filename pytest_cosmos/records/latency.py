"""How long single cases took, round by round: latency.json."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictStr

from pytest_cosmos.records.base import SCHEMA_VERSION, Record
from pytest_cosmos.records.cases import Case
from pytest_cosmos.records.runs import ModelRecord

Measure = Literal["answer", "first_token", "per_token", "preprocess", "load"]
"""What is timed, each from handing the case in: the whole reply; its first token; each further token; decoding and
preprocessing alone; or loading the weights, where there is no case."""


class Benchmark(Record):
    """One thing whose latency is measured; thresholds.yaml calls it by its name."""

    name: StrictStr
    measure: Measure
    case: Case | None = None
    """None: the weights are loaded."""


class Timing(Record):
    """One execution of a benchmark."""

    seconds: float
    """Of `per_token` those of one token; else of the whole."""
    tokens: int | None = None
    """Tokens written."""
    memory: int | None = None
    """Bytes at the peak: allocated on the GPU, or resident of the model's process."""


class Series(Record):
    """The timings of one benchmark, one a round."""

    name: StrictStr
    measure: Measure
    workload: StrictStr
    """SHA-256 over what was asked: media, prompt, measure. Other workloads are not comparable."""
    started: tuple[float, ...] = ()
    """When each began, in seconds since the first: in which order the benchmarks took turns."""
    seconds: tuple[float, ...] = ()
    tokens: tuple[int, ...] = ()
    """Tokens written in each round; empty: not known."""
    memory: int | None = None
    """The highest peak of all rounds, in bytes."""
    error: StrictStr = ""
    """Why it could not be measured; then the timings are void."""


class Latency(Record):
    """All that was timed in a run, the benchmarks in turns, and on what."""

    schema_version: int = SCHEMA_VERSION
    run: StrictStr
    """The id of the run that timed it."""
    model: ModelRecord
    device: StrictStr
    """What the times are those of: the GPU's name, the processor with the threads in use, the server's address."""
    measured: StrictStr = ""
    """When it was begun: ISO 8601, UTC."""
    warmup: int = 0
    """Rounds before the first that counts."""
    seed: int = 0
    """Of the order within each round."""
    series: tuple[Series, ...] = ()
    machine: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    """Of a GPU its clocks, temperature and load before and after; the load of a CPU."""
    versions: dict[StrictStr, StrictStr] = Field(default_factory=dict)

    def named(self, name: str) -> Series | None:
        """Return the series of a benchmark; None where it was not measured."""
        return next((series for series in self.series if series.name == name and not series.error), None)
