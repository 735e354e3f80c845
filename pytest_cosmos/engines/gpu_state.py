"""Whether a GPU is otherwise idle, and how fast it is clocked, read from what nvidia-smi prints."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping

from pytest_cosmos.engines.devices import VISIBLE

APPS = ("gpu_uuid", "pid", "process_name", "used_memory")
FACTS = (
    "index", "uuid", "name", "driver_version", "pstate", "clocks.sm", "clocks.max.sm", "clocks.mem",
    "temperature.gpu", "power.draw", "utilization.gpu",
)  # fmt: skip
"""Fields of `nvidia-smi --query-compute-apps` and `--query-gpu`."""

BUSY = 10
"""Per cent of use above which a GPU is not idle, though no process shows: a container sees only its own."""

_PATIENCE = 30


def query(what: str, fields: Iterable[str]) -> str | None:
    """Return what `nvidia-smi --query-WHAT=FIELDS` prints as CSV; None where it cannot be asked."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    arguments = [program, f"--query-{what}={','.join(fields)}", "--format=csv,noheader,nounits"]
    try:
        return subprocess.run(arguments, capture_output=True, text=True, timeout=_PATIENCE, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def rows(text: str, fields: Iterable[str]) -> list[dict[str, str]]:
    """Read such CSV, a mapping a line; lines that are none are left out."""
    names = tuple(fields)
    found = [[cell.strip() for cell in line] for line in csv.reader(text.splitlines())]
    return [dict(zip(names, cells, strict=True)) for cells in found if len(cells) == len(names)]


def chosen(gpus: list[dict[str, str]], device: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the facts of the GPU that `--cosmos-device` means among those visible; empty: not to be told."""
    visible = environment.get(VISIBLE)
    if visible is not None:
        named = [name.strip() for name in visible.split(",")]
        gpus = [gpu for name in named for gpu in gpus if _is_named(gpu, name)]
    index = int(device.partition(":")[2] or 0) if device.startswith("cuda") else 0
    return gpus[index] if index < len(gpus) else {}


def _is_named(gpu: Mapping[str, str], name: str) -> bool:
    """Tell whether CUDA_VISIBLE_DEVICES means this GPU by `name`: its index, or how its UUID begins."""
    return gpu["index"] == name or (name.startswith("GPU-") and gpu["uuid"].startswith(name))


def not_idle(gpu: Mapping[str, str], apps: Iterable[Mapping[str, str]]) -> str | None:
    """Say who else is at work on this GPU; None: nobody."""
    others = [app for app in apps if app["gpu_uuid"] == gpu["uuid"]]
    if others:
        named = ", ".join(f"{app['process_name']} (process {app['pid']}, {app['used_memory']} MiB)" for app in others)
        return f"{gpu['name']} (GPU {gpu['index']}) is in use by {named}"
    load = gpu["utilization.gpu"]
    if load.isdigit() and int(load) > BUSY:
        return f"{gpu['name']} (GPU {gpu['index']}) is {load} % busy, with processes that cannot be seen from here"
    return None


def gpu_facts(device: str) -> dict[str, str]:
    """Ask for the facts of the GPU in use; empty where there is no nvidia-smi."""
    text = query("gpu", FACTS)
    return chosen(rows(text, FACTS), device) if text else {}


def busy_gpu(device: str) -> str | None:
    """Say why times taken on the GPU now would not be its own; None: it is idle, or cannot be asked."""
    gpu = gpu_facts(device)
    apps = query("compute-apps", APPS)
    return not_idle(gpu, rows(apps or "", APPS)) if gpu else None
