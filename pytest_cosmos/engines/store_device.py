"""On what kind of device torch will run a model, told without importing torch (which takes seconds).

A forecast: where it is wrong, `store_key.Identity.confirmed` sets it right once the model is loaded.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import sys
from pathlib import Path


def device_kind(wanted: str) -> str:
    """Return `cpu`, `cuda`, …: the kind of the device that `--cosmos-device` names, or that `auto` will find."""
    if wanted != "auto":
        return wanted.partition(":")[0]
    return "cuda" if _torch_is_built_for_cuda() and _sees_gpu() else "cpu"


def _torch_is_built_for_cuda() -> bool:
    """Read it in torch's own version file; a build for CPUs uses no GPU, whatever the machine has."""
    found = importlib.util.find_spec("torch")
    file = Path(found.origin).with_name("version.py") if found is not None and found.origin else None
    if file is None or not file.is_file():
        return False
    return re.search(r"^(cuda|hip)\b.*=\s*'", file.read_text(encoding="utf-8"), re.MULTILINE) is not None


def _sees_gpu() -> bool:
    """Ask NVIDIA's management library, which (unlike CUDA itself) leaves a process free to fork."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.split(",")[0].strip() in ("", "-1"):
        return False
    try:
        nvml = ctypes.CDLL("nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")
        if nvml.nvmlInit_v2() != 0:
            return False
        count = ctypes.c_uint()
        failed = nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
        nvml.nvmlShutdown()
    except (OSError, AttributeError):
        return False
    return failed == 0 and count.value > 0
