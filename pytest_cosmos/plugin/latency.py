"""The benchmarks of latency: which are asked for, measured in turns at the first that a test wants, told to each.

pytest-benchmark executes one benchmark after the other; measured so, a machine that slows down hits the last ones
alone. So all are measured before, in turns, and pytest-benchmark is shown the clock as it stood then.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from pytest_cosmos.engines import EngineProcess, ProcessEngine, Progress, make_engine
from pytest_cosmos.engines.base import Timed
from pytest_cosmos.engines.gpu_state import busy_gpu, gpu_facts
from pytest_cosmos.engines.latency import MEASURES, WARMUP, device_label, measure_latency
from pytest_cosmos.engines.store_device import device_kind
from pytest_cosmos.errors import CosmosError, suggest
from pytest_cosmos.plugin.latency_asked import COMPARED, MARKER
from pytest_cosmos.plugin.reporting import versions
from pytest_cosmos.records import Benchmark, Case, Latency, Measure, Series
from pytest_cosmos.suites import LATENCY, find_suites, read_suite, standard_benchmarks, write_media

if TYPE_CHECKING:
    from pytest_cosmos.plugin.live import LiveLine
    from pytest_cosmos.settings import Settings

ALONE = (
    "latency is measured by one process alone: workers would slow each other down, and pytest-benchmark measures "
    "nothing under xdist. Leave out -n, or ask for latency in a run of its own: pytest benchmarks/test_latency.py"
)

PARAMETER = "cosmos_benchmark"
_KEYS = ("case", "measure", "name")


@dataclass(frozen=True, slots=True)
class CosmosLatency:
    """What the fixture `cosmos_latency` gives a test: how long its benchmark took, round by round."""

    benchmark: Benchmark
    series: Series

    @property
    def seconds(self) -> tuple[float, ...]:
        """One time a round; of `per_token` that of one token."""
        return self.series.seconds

    @property
    def median(self) -> float:
        """The middle one of them."""
        return statistics.median(self.seconds)

    @property
    def tokens_per_second(self) -> float | None:
        """How fast tokens follow each other, of `per_token`; None of other measures."""
        return 1 / self.median if self.series.measure == "per_token" else None

    @property
    def memory(self) -> int | None:
        """Bytes at the peak: allocated on the GPU, or resident of the model's process; None where not known."""
        return self.series.memory


@dataclass(slots=True)
class Clock:
    """A clock for pytest-benchmark: shows when each round began and ended, one after the other."""

    instants: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """Return the next instant, in seconds."""
        return self.instants.pop(0)


class LatencyBench:
    """Measures the latency benchmarks of this session."""

    def __init__(self, config: pytest.Config, settings: Settings, live: LiveLine) -> None:
        self._config = config
        self._settings = settings
        self._live = live
        self._clocks: dict[str, Clock] = {}
        self._failure = ""
        self.planned: dict[str, str] = {}
        """Node id -> name of each benchmark collected, that this engine can be timed at."""
        self.asked = LATENCY in settings.suites
        self.result: Latency | None = None

    def parametrize(self, metafunc: pytest.Metafunc, marker: pytest.Mark, problems: list[str]) -> None:
        """Give a marked test its benchmarks: those the marker tells, or else the usual ones."""
        self.asked = True
        where = f"{metafunc.module.__name__}.py::{metafunc.function.__name__}"
        benchmarks: tuple[Benchmark, ...] = ()
        if PARAMETER not in metafunc.fixturenames:
            problems.append(f"{where}: is marked {MARKER} but does not take the fixture cosmos_latency.")
            return
        try:
            benchmarks = (
                (self._own(marker, metafunc.function.__name__),) if marker.kwargs else tuple(standard_benchmarks())
            )
            if marker.args:
                raise CosmosError(f'write @pytest.mark.{MARKER}(case="SUITE/SAMPLE-PROMPT", measure="answer")')
        except CosmosError as error:
            problems.append(f"{where}: {error}")
        params = [pytest.param(one, marks=self._unfit(one), id=one.name) for one in benchmarks]
        metafunc.parametrize(PARAMETER, params, indirect=True)

    def _unfit(self, benchmark: Benchmark) -> tuple[pytest.MarkDecorator, ...]:
        if benchmark.measure in MEASURES[self._settings.engine]:
            return ()
        return (pytest.mark.skip(reason=f"not available: {benchmark.measure} of the {self._settings.engine} engine"),)

    def _own(self, marker: pytest.Mark, function: str) -> Benchmark:
        """Read a benchmark from its marker; CosmosError says what is wrong."""
        unknown = [key for key in marker.kwargs if key not in _KEYS]
        if unknown:
            raise CosmosError(f"unknown '{unknown[0]}'. Allowed: {', '.join(_KEYS)}.{suggest(unknown[0], _KEYS)}")
        measure: Any = marker.kwargs.get("measure", "answer")
        if measure not in get_args(Measure):
            allowed = ", ".join(get_args(Measure))
            raise CosmosError(
                f"unknown measure {measure!r}. Allowed: {allowed}.{suggest(str(measure), get_args(Measure))}"
            )
        key = marker.kwargs.get("case")
        if (key is None) != (measure == "load"):
            raise CosmosError("name a case, as SUITE/SAMPLE-PROMPT" if key is None else "loading is of no case")
        name = str(marker.kwargs.get("name", function.removeprefix("test_")))
        return Benchmark(name=name, measure=measure, case=self._case(str(key)) if key is not None else None)

    def _case(self, key: str) -> Case:
        name = key.partition("/")[0]
        folders = find_suites(self._settings.cases) if self._settings.cases.is_dir() else {}
        if name not in folders:
            raise CosmosError(f"case {key}: there is no suite '{name}'. Suites: {', '.join(folders)}")
        keys = {case.key: case for case in read_suite(folders[name]).cases("test")}
        if key not in keys:
            raise CosmosError(f"case {key}: there is no such case.{suggest(key, list(keys))}")
        return keys[key]

    def arrange(self, items: list[pytest.Item]) -> list[str]:
        """Move the benchmarks behind all other tests and note them; return what is wrong with them."""
        ours = [item for item in items if benchmark_of(item) is not None]
        items[:] = [item for item in items if benchmark_of(item) is None] + ours
        for item in ours:
            benchmark = benchmark_of(item)
            assert benchmark is not None
            if not self._unfit(benchmark):
                self.planned[item.nodeid] = benchmark.name
            self._show_clock(item)
        return list(self._problems()) if self.asked else []

    def _problems(self) -> Iterable[str]:
        settings = self._settings
        names = list(self.planned.values())
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"latency: two benchmarks are named '{name}'. Give one of them another name=…"
        if (settings.cases / LATENCY).is_dir():
            yield f"{settings.cases / LATENCY}: a suite cannot be named latency, which means the benchmarks of latency."
        if settings.shard is not None:
            yield "--shard: latency is not measured in parts. Ask for it in a run of its own."
        if settings.replay_only:
            yield "--cosmos-replay-only asks nothing, but latency is measured by asking. Leave one of them out."

    def _show_clock(self, item: pytest.Item) -> None:
        """Give pytest-benchmark the clock of this item, whatever else its marker says."""
        own = item.get_closest_marker("benchmark")
        clock = self._clocks.setdefault(item.nodeid, Clock())
        options = {**(own.kwargs if own is not None else {}), "timer": clock, "warmup": False}
        item.add_marker(pytest.mark.benchmark(**options), append=False)

    def answer(self, item: pytest.Item, benchmark: Any, items: Sequence[pytest.Item]) -> CosmosLatency:
        """Return what was measured for an item, and tell pytest-benchmark; the first call measures all `items`.

        Before that call nothing else may be asking a model.
        """
        wanted = [found for one in items if one.nodeid in self.planned and (found := benchmark_of(one)) is not None]
        if self.result is None and not self._failure:
            self._measure(wanted, [one.nodeid for one in items])
        own = benchmark_of(item)
        assert own is not None
        series = next((one for one in self.result.series if one.name == own.name), None) if self.result else None
        problem = self._failure or (series.error if series is not None else "it was not measured")
        if problem or series is None:
            benchmark.skipped = True  # or else it complains of not having been used
            pytest.fail(f"{own.name}: {problem}", pytrace=False)
        tell(benchmark, self._clocks[item.nodeid], series)
        return CosmosLatency(own, series)

    def machine_info(self) -> dict[str, Any] | None:
        """Describe what was measured, and on what, for pytest-benchmark's files; None: nothing was."""
        if self.result is None:
            return None
        model = self.result.model.model_dump(mode="json", exclude={"parameters", "device"})
        return {**model, "device": self.result.device, "machine": dict(self.result.machine), "versions": versions()}

    @contextlib.contextmanager
    def regressions_told(self, session: Any, terminal: Any) -> Iterator[None]:
        """Let the exit status say so where pytest-benchmark finds latency regressed: it would end in a traceback."""
        from pytest_benchmark.session import PerformanceRegression

        try:
            yield
        except PerformanceRegression as error:
            if self.result is None:
                raise
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            terminal.write_line(f"FAILED: {error} (--benchmark-compare-fail)", red=True, bold=True)

    def _measure(self, benchmarks: Sequence[Benchmark], nodeids: Sequence[str]) -> None:
        """Measure all benchmarks in turns on an engine of their own; what prevents that is told to every test."""
        settings = self._settings
        gpu, compared = _gpu_of(settings), self._config.stash.get(COMPARED, [])
        if gpu is not None and (busy := busy_gpu(gpu)):
            self._failure = (
                f"{busy}: times taken now would not be this model's. End it, or name another --cosmos-device."
            )
            return
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as closing:
            write_media(Path(folder))
            engine = self._engine({LATENCY: Path(folder), **self._folders(benchmarks)})
            closing.callback(engine.close)
            try:
                engine.load()
                label = device_label(engine.describe(), settings.threads)
                if unlike := unlike_machines(compared, label, nodeids):
                    self._failure = unlike
                    return
                begun, before = datetime.now(UTC), machine_facts(gpu)
                series = measure_latency(
                    engine, benchmarks, rounds=settings.latency_rounds, seed=settings.seed, tick=self._tick
                )
                machine = _before_and_after(before, machine_facts(gpu))
                model = engine.describe()
            except Exception as error:
                self._failure = str(error) if isinstance(error, CosmosError) else f"{type(error).__name__}: {error}"
                return
            finally:
                self._live.clear()
        self.result = Latency(
            run="",
            model=model,
            device=label,
            measured=begun.isoformat(timespec="seconds"),
            warmup=WARMUP,
            seed=settings.seed,
            series=series,
            machine=machine,
        )

    def _engine(self, folders: Mapping[str, Path]) -> Timed:
        """Make the engine; never one that knows the reply store."""
        settings = self._settings
        if settings.engine != "transformers":
            engine = make_engine(settings, folders)
            assert isinstance(engine, Timed), f"{settings.engine} is in MEASURES"
            return engine
        return ProcessEngine(settings, folders, start=lambda: EngineProcess(warm=True))

    def _folders(self, benchmarks: Iterable[Benchmark]) -> dict[str, Path]:
        wanted = {one.case.suite for one in benchmarks if one.case is not None} - {LATENCY}
        return (
            {name: folder for name, folder in find_suites(self._settings.cases).items() if name in wanted}
            if wanted
            else {}
        )

    def _tick(self, done: int, total: int) -> None:
        self._live.clear()
        self._live.draw(Progress(done, total, seconds=0.0, model="latency, rounds"))


def benchmark_of(item: pytest.Item) -> Benchmark | None:
    """Return what an item measures; None for an item that is no benchmark of latency."""
    callspec: Any = getattr(item, "callspec", None)
    value = callspec.params.get(PARAMETER) if callspec is not None else None
    return value if isinstance(value, Benchmark) else None


def tell(benchmark: Any, clock: Clock, series: Series) -> None:
    """Let pytest-benchmark see the rounds as they were, with what else is known of them."""
    clock.instants[:] = [
        instant
        for started, seconds in zip(series.started, series.seconds, strict=True)
        for instant in (started, started + seconds)
    ]
    benchmark.pedantic(lambda: None, rounds=len(series.seconds))
    known = {
        "measure": series.measure,
        "peak_memory_bytes": series.memory,
        "tokens": statistics.median(series.tokens) if series.tokens else None,
        "tokens_per_second": 1 / statistics.median(series.seconds) if series.measure == "per_token" else None,
        "warmup_rounds": WARMUP,
        "workload": series.workload,
    }
    benchmark.extra_info.update({name: value for name, value in known.items() if value is not None})


def unlike_machines(compared: Iterable[Mapping[str, Any]], device: str, nodeids: Iterable[str]) -> str:
    """Say which times that pytest-benchmark is to compare with are of another device; empty: none.

    It would warn, among the differences of two processors' clock rates, and compare all the same.
    """
    ours = set(nodeids)
    for file in compared:
        if not ours & set(file["names"]):
            continue
        there = file["cosmos"].get("device")
        if there != device:
            was = f"on '{there}'" if there else "nobody knows on what"
            return (
                f"--benchmark-compare: the times of {file['datetime']} were taken {was}, these would be on '{device}'. "
                "Times of unlike devices cannot be compared: name a file of this device, or save one anew."
            )
    return ""


def machine_facts(gpu: str | None) -> dict[str, str]:
    """Return the state of the GPU of that name, or where it is None how busy the processors are."""
    if gpu is not None:
        return gpu_facts(gpu)
    try:
        return {"load of one minute": f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"}
    except OSError:
        return {}


def _gpu_of(settings: Settings) -> str | None:
    """Return the GPU that the model runs on; None: it runs on a processor, or elsewhere."""
    on_gpu = settings.engine == "transformers" and device_kind(settings.device) == "cuda"
    return settings.device if on_gpu else None


def _before_and_after(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    changed = {f"{name}, after": value for name, value in after.items() if before.get(name) != value}
    return {**before, **changed}
