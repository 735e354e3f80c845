"""Which CUDA device each of several processes takes, found out without importing torch.

Worker k takes the k-th visible device: its engine's process is started with CUDA_VISIBLE_DEVICES naming that one.
Rules of the variable: CUDA C++ Programming Guide, "CUDA Environment Variables", and torch's own reading of it
(torch.cuda._parse_visible_devices). Where neither it nor nvidia-smi tells, torch is asked in the engine's process.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from importlib import metadata

from pytest_cosmos.errors import OptionError
from pytest_cosmos.settings import Settings

VISIBLE = "CUDA_VISIBLE_DEVICES"
WORKER = "PYTEST_COSMOS_WORKER"
"""`k/K` in the environment of an engine's process: to take the k-th device that torch sees, k from 0."""

_GPU = re.compile(r"GPU \d+:.*\(UUID: (GPU-[^)]+)\)")
_MIG = re.compile(r"\s+MIG .*\(UUID: (MIG-[^)]+)\)")
_PATIENCE = 30
"""Seconds; a sleeping driver takes some to wake up."""


def device_problem(settings: Settings, workers: int) -> str | None:
    """Say what is wrong where each of several workers is to have a device of its own and there are too few."""
    devices = _devices(settings)
    if devices is None or workers <= len(devices) or (not devices and settings.device == "auto"):
        return None
    return _too_few(workers, len(devices), os.environ.get(VISIBLE))


def device_environment(settings: Settings, worker: int, workers: int) -> dict[str, str]:
    """Return what the environment of a worker's engine needs, so that it takes the device that is the worker's."""
    devices = _devices(settings)
    if devices is None:
        return {WORKER: f"{worker}/{workers}"} if _shares_devices(settings) else {}
    return {VISIBLE: devices[worker]} if worker < len(devices) else {}


def own_device(seen: int, environment: Mapping[str, str] = os.environ) -> int:
    """Return the index of the device to take of those torch sees; OptionError where there are too few."""
    if WORKER not in environment:
        return 0
    worker, workers = map(int, environment[WORKER].split("/"))
    if workers > seen:
        raise OptionError(_too_few(workers, seen, environment.get(VISIBLE)))
    return worker


def visible_devices(visible: str | None, listing: str | None) -> tuple[str, ...] | None:
    """Name the devices that CUDA would show, each as CUDA_VISIBLE_DEVICES takes it; None: not known.

    `visible` is that variable's value, None where it is not set; `listing` what `nvidia-smi -L` prints.
    """
    installed = None if listing is None else _installed(listing)
    if visible is None:
        return installed
    entries = [entry.strip() for entry in visible.split(",")]
    gpus = len(_GPU.findall(listing)) if listing is not None else None
    known = tuple(_until_invalid(entries, gpus))
    return known if len(set(known)) == len(known) else ()  # CUDA shows nothing where one is named twice


def _until_invalid(entries: Iterable[str], gpus: int | None) -> Iterable[str]:
    """Yield the entries up to the first that names no device: what follows it CUDA does not show."""
    kind = ""
    for entry in entries:
        this = next((prefix for prefix in ("GPU-", "MIG-") if entry.startswith(prefix)), "index")
        number = re.match(r"\+?\d+", entry)
        if this != (kind or this) or (this == "index" and number is None):
            return
        if number is not None and gpus is not None and int(number[0]) >= gpus:
            return
        kind = this
        yield entry if number is None else str(int(number[0]))


def _installed(listing: str) -> tuple[str, ...]:
    """Name what nvidia-smi lists: by number, or by UUID where a GPU is divided (MIG)."""
    parts: list[list[str]] = []
    for line in listing.splitlines():
        if (gpu := _GPU.match(line)) is not None:
            parts.append([gpu[1]])
        elif (part := _MIG.match(line)) is not None and parts:
            parts[-1].append(part[1])
    if all(len(names) == 1 for names in parts):
        return tuple(map(str, range(len(parts))))
    return tuple(name for names in parts for name in names[1:] or names)


def _devices(settings: Settings) -> tuple[str, ...] | None:
    if not _shares_devices(settings):
        return None
    return visible_devices(os.environ.get(VISIBLE), _listing(os.environ.get("PATH", ""))) if _torch_has_cuda() else ()


def _shares_devices(settings: Settings) -> bool:
    """Tell whether workers divide devices among them: not where the user names one for all."""
    return settings.engine == "transformers" and settings.device in ("auto", "cuda")


def _torch_has_cuda() -> bool:
    """Tell whether the installed torch can have CUDA at all; the wheels without say so in their version."""
    try:
        return "+cpu" not in metadata.version("torch")
    except metadata.PackageNotFoundError:
        return False


@functools.cache
def _listing(path: str) -> str | None:
    """Return what nvidia-smi, found on `path`, lists; None where there is none or it fails."""
    program = shutil.which("nvidia-smi", path=path)
    if program is None:
        return None
    try:
        done = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _too_few(workers: int, devices: int, visible: str | None) -> str:
    seen = "1 CUDA device is visible" if devices == 1 else f"{devices or 'no'} CUDA devices are visible"
    why = f" ({VISIBLE}={visible})" if visible is not None else ""
    fewer = f"-n {devices}, " if devices else ""
    return (
        f"-n {workers}: each worker takes a CUDA device of its own, but {seen}{why}. "
        f"Use {fewer}--cosmos-device cpu, or --cosmos-device cuda:0 to let all workers share that one."
    )
