"""Benchmarks in turns: every round all of them, in an order drawn anew; one that fails does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cosmos.engines.latency import (
    WARMUP,
    NotTimedError,
    device_label,
    measure_latency,
    processor_name,
    time_answer,
    turns,
    workload,
)
from pytest_cosmos.engines.scripted import ScriptedEngine
from pytest_cosmos.records import Benchmark, Case, Measure, ModelRecord, Reply, Timing
from pytest_cosmos.suites import standard_benchmarks

BENCHMARKS = tuple(standard_benchmarks())
ANSWERS = tuple(one for one in BENCHMARKS if one.measure == "answer")


class Counting:
    """An engine whose n-th execution takes n seconds, without a clock."""

    def __init__(self, broken: str = "") -> None:
        self.seconds: dict[str, float] = {}
        self.heard: list[tuple[Measure, str]] = []
        self._broken = broken

    def load(self) -> None:
        """Nothing to load."""

    def describe(self) -> ModelRecord:
        return ModelRecord(name="counting", engine="scripted")

    def answer(self, cases: Sequence[Case]) -> Iterator[Reply]:
        yield from ()

    def time(self, measure: Measure, case: Case | None) -> Timing:
        self.heard.append((measure, case.id if case else ""))
        if case is not None and case.id == self._broken:
            raise NotTimedError("the device fell off")
        return Timing(seconds=float(len(self.heard)), tokens=7, memory=100 + len(self.heard))

    def close(self) -> None:
        """Nothing to free."""


@given(st.integers(1, 12), st.integers(0, 99))
def test_every_round_has_every_benchmark_once_and_loads_first(rounds: int, seed: int) -> None:
    orders = list(turns(BENCHMARKS, rounds, seed))
    assert len(orders) == rounds
    for order in orders:
        assert sorted(one.name for one in order) == sorted(one.name for one in BENCHMARKS)
        assert order[0].measure == "load"
    assert orders == list(turns(BENCHMARKS, rounds, seed))


def test_the_order_is_not_the_same_in_every_round() -> None:
    assert len({tuple(one.name for one in order) for order in turns(BENCHMARKS, 10, 0)}) > 5


def test_rounds_that_warm_up_do_not_count() -> None:
    engine = Counting()
    series = measure_latency(engine, ANSWERS, rounds=4)
    assert len(engine.heard) == len(ANSWERS) * (WARMUP + 4)
    assert [one.name for one in series] == [one.name for one in ANSWERS]
    counted = sorted(seconds for one in series for seconds in one.seconds)
    assert counted == list(range(len(ANSWERS) * WARMUP + 1, len(engine.heard) + 1))
    for one in series:
        assert len(one.started) == len(one.seconds) == len(one.tokens) == 4
        assert one.memory == 100 + max(one.seconds)
    assert min(one.started[0] for one in series) == 0


def test_what_comes_after_loading_is_executed_once_more_beforehand() -> None:
    engine = Counting()
    measure_latency(engine, [*ANSWERS[:1], Benchmark(name="model_load", measure="load")], rounds=1)
    assert engine.heard == [("load", ""), ("answer", "image-yes_no"), ("answer", "image-yes_no")] * (WARMUP + 1)


def test_one_that_fails_is_given_up_and_the_others_go_on() -> None:
    engine = Counting(broken="video-rating")
    found = {one.name: one for one in measure_latency(engine, ANSWERS, rounds=3)}
    assert found["video_rating"].error == "NotTimedError: the device fell off"
    assert found["video_rating"].seconds == ()
    assert engine.heard.count(("answer", "video-rating")) == 1
    assert all(len(one.seconds) == 3 for name, one in found.items() if name != "video_rating")


def test_a_reply_that_is_an_error_is_not_timed(tmp_path: Path) -> None:
    script = tmp_path / "replies.yaml"
    script.write_text('"latency/image-*": {error: "connection reset"}\n"*": {expected: true}\n')
    engine = ScriptedEngine(script)
    engine.load()
    cases = [one.case for one in ANSWERS if one.case is not None]
    with pytest.raises(NotTimedError, match="connection reset"):
        time_answer(engine, cases[0])
    assert engine.time("answer", cases[-1]).seconds > 0
    engine.close()
    with pytest.raises(NotTimedError, match="was closed"):
        time_answer(engine, cases[-1])


def test_the_workload_is_what_is_asked_and_how() -> None:
    assert len({workload(one) for one in BENCHMARKS}) == len(BENCHMARKS)
    case = ANSWERS[0].case
    assert case is not None
    other = case.model_copy(update={"prompt": case.prompt.model_copy(update={"text": "Is it wet?"})})
    assert workload(ANSWERS[0]) == workload(ANSWERS[0].model_copy(update={"name": "another"}))
    assert workload(ANSWERS[0]) != workload(ANSWERS[0].model_copy(update={"case": other}))


@pytest.mark.parametrize(
    ("device", "threads", "label"),
    [
        ("cuda:1 (NVIDIA H100 80GB HBM3)", 4, "NVIDIA H100 80GB HBM3"),
        ("cuda (NVIDIA (odd) name)", None, "NVIDIA (odd) name"),
        ("http://127.0.0.1:8000/v1", 4, "http://127.0.0.1:8000/v1"),
        ("", None, "scripted"),
    ],
)
def test_the_device_is_named_without_its_place(device: str, threads: int | None, label: str) -> None:
    assert device_label(ModelRecord(name="m", engine="scripted", device=device), threads) == label


def test_a_processor_is_named_with_the_threads_in_use(tmp_path: Path) -> None:
    model = ModelRecord(name="tiny", engine="transformers", device="cpu")
    assert device_label(model, 1).endswith(", 1 thread")
    assert device_label(model, 3) == f"cpu {processor_name()}, 3 threads"
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: AMD EPYC 7763 64-Core Processor\n")
    assert processor_name(info) == "AMD EPYC 7763 64-Core Processor"
    assert processor_name(tmp_path / "gone") != ""
