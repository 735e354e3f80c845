"""What torch and transformers say of themselves, asked in a process of its own.

A broken installation can take the whole process down (a wrong CPU, a library of another CUDA), and a GPU once
touched stays occupied until the process ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

from pydantic import StrictStr, ValidationError

import pytest_cosmos
from pytest_cosmos.records import Record

_MAIN = "from pytest_cosmos.engines.transformers_probe import main; main()"
_SECONDS = 120.0
"""torch alone takes a minute from a cold network disk."""


class Device(Record):
    """A GPU that torch can use."""

    name: StrictStr
    memory: int
    """Bytes."""
    free: int
    capability: tuple[int, int]


class Probe(Record):
    """What is installed, and what of the hardware it can use."""

    problem: StrictStr = ""
    """Why nothing at all is known: the process died."""
    torch: StrictStr = ""
    """Its version; empty: it cannot be imported."""
    torch_problem: StrictStr = ""
    cuda: StrictStr = ""
    """The CUDA version it is built for; empty: built for the CPU or ROCm."""
    rocm: StrictStr = ""
    architectures: tuple[StrictStr, ...] = ()
    """What GPUs it has code for: `sm_80`, …"""
    devices: tuple[Device, ...] = ()
    cuda_problem: StrictStr = ""
    """What torch said when it looked for GPUs."""
    transformers: StrictStr = ""
    transformers_problem: StrictStr = ""
    knows_type: bool | None = None
    """Whether this transformers has a class for the model type asked about; None: none was asked about."""


def probe_libraries(model_type: str = "") -> Probe:
    """Ask torch and transformers, in a new process; never raises."""
    package = str(Path(pytest_cosmos.__file__).parents[1])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _MAIN, model_type],  # -P: the current folder is no library
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Probe(problem=f"importing torch and transformers took more than {_SECONDS:.0f} seconds")
    except OSError as error:
        return Probe(problem=f"no process could be started: {error.strerror}")
    try:
        return Probe.model_validate_json((done.stdout.strip().splitlines() or [""])[-1])
    except ValidationError:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return Probe(problem=f"importing torch and transformers ended the process ({how}): {last}".rstrip(": "))


def main() -> None:
    """Print what there is to say, as JSON."""
    model_type = sys.argv[1] if len(sys.argv) > 1 else ""
    found = {**_torch_facts(), **_transformers_facts(model_type)}
    sys.stdout.write(f"\n{Probe(**found).model_dump_json()}\n")


def _torch_facts() -> dict[str, Any]:
    try:
        import torch
    except Exception as error:  # whatever a broken installation raises
        return {"torch_problem": _said(error)}
    facts: dict[str, Any] = {
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda or "",
        "rocm": torch.version.hip or "",
    }
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")  # torch only warns of a driver that is too old
        try:
            facts["architectures"] = tuple(torch.cuda.get_arch_list())
            facts["devices"] = tuple(map(_device, range(torch.cuda.device_count())))
        except Exception as error:
            facts["cuda_problem"] = _said(error)
    if told and not facts.get("devices"):
        facts["cuda_problem"] = str(told[-1].message).splitlines()[0]
    return facts


def _device(index: int) -> Device:
    import torch

    about = torch.cuda.get_device_properties(index)
    free, total = torch.cuda.mem_get_info(index)
    return Device(name=about.name, memory=total, free=free, capability=(about.major, about.minor))


def _transformers_facts(model_type: str) -> dict[str, Any]:
    try:
        import transformers
        from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
    except Exception as error:
        return {"transformers_problem": _said(error)}
    return {
        "transformers": str(transformers.__version__),
        "knows_type": model_type in CONFIG_MAPPING_NAMES if model_type else None,
    }


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
