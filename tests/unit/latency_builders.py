"""Latency records with stated times, and runs that were asked for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_cosmos.records import Latency, Measure, ModelRecord, Run, Series, Threshold

STEADY = tuple(1.0 + 0.001 * (number % 5) for number in range(20))
"""Twenty rounds that hardly differ."""

H100 = "NVIDIA H100 80GB HBM3"


def series(name: str, seconds: Sequence[float] = STEADY, measure: Measure = "answer", **more: object) -> Series:
    values: dict[str, object] = {"name": name, "measure": measure, "workload": name, "seconds": tuple(seconds), **more}
    return Series.model_validate(values)


def latency_of(
    times: Mapping[str, Sequence[float]], *, run: str = "now", device: str = H100, **more: object
) -> Latency:
    values: dict[str, object] = {
        "run": run,
        "model": ModelRecord(name="tiny", engine="transformers", device=f"cuda:0 ({device})", dtype="bfloat16"),
        "device": device,
        "series": tuple(series(name, seconds) for name, seconds in times.items()),
        **more,
    }
    return Latency.model_validate(values)


def latency_run(*names: str, **more: object) -> Run:
    values: dict[str, object] = {
        "id": "now",
        "started": "2026-11-22T05:00:00+00:00",
        "model": ModelRecord(name="tiny", engine="transformers"),
        "thresholds": "thresholds.yaml",
        "latency": names,
        "baseline": "before",
        **more,
    }
    return Run.model_validate(values)


def bar(name: str = "image_yes_no", max_ratio: float = 1.10, device: str = "", confidence: float = 0.95) -> Threshold:
    return Threshold(
        suite="latency",
        metric=name,
        max_ratio=max_ratio,
        device=device,
        confidence=confidence,
        kind="latency",
        where="thresholds.yaml:9",
    )
