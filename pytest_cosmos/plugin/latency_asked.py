"""Whether a run is asked for latency: by `--suite latency`, or by the name of the file. Imports nothing of weight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

MARKER = "cosmos_latency"

COMPARED = pytest.StashKey[list[dict[str, Any]]]()
"""The files that pytest-benchmark compares with: the names in them, their date, and what they say of our machine."""

_JITTER = ("hz_actual", "hz_actual_friendly", "hz_advertised", "hz_advertised_friendly")
"""What a processor says of its clock rate differs from one moment to the next."""


def is_asked(config: pytest.Config, path: Path) -> bool:
    """Tell whether the benchmarks of latency in this file are to be measured."""
    suites: list[str] = config.option.cosmos_suite
    if suites:
        return "latency" in suites
    return path in {(config.invocation_params.dir / arg.partition("::")[0]).resolve() for arg in config.args}


def remember_compared(config: pytest.Config, machine_info: dict[str, Any], compared: dict[str, Any]) -> None:
    """Keep what a saved file says of our machine, to compare it with what will be measured.

    pytest-benchmark compares before anything is loaded, and calls a machine another one for its clock rate.
    """
    theirs = compared["machine_info"]
    if not isinstance(theirs, dict) or "cosmos" not in theirs:
        cosmos: dict[str, Any] = {}
    else:
        cosmos = theirs.pop("cosmos")
        for info in (machine_info, theirs):
            for name in _JITTER:
                info.get("cpu", {}).pop(name, None)
    names = [benchmark["fullname"] for benchmark in compared["benchmarks"]]
    config.stash.setdefault(COMPARED, []).append(
        {"names": names, "datetime": compared.get("datetime", "an unknown date"), "cosmos": cosmos}
    )
