"""What torch and transformers say of themselves, also where they cannot."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from pytest_cosmos.engines.transformers_probe import Probe, probe_libraries


def test_this_machine() -> None:
    found = probe_libraries("qwen3_vl")
    assert found.problem == found.torch_problem == found.transformers_problem == ""
    assert found.torch.partition("+")[0] == importlib.metadata.version("torch").partition("+")[0]
    assert found.transformers == importlib.metadata.version("transformers")
    assert found.knows_type is True


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, **modules: str) -> None:
    """Put modules in the way of the real ones, in the child process."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_libraries_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    why = "raise OSError('libcudart.so.13: cannot open shared object file\\nmore')\n"
    stand_in(tmp_path, monkeypatch, torch=why, transformers="import torch\n")
    said = "OSError: libcudart.so.13: cannot open shared object file"
    assert probe_libraries("x") == Probe(torch_problem=said, transformers_problem=said)


def test_a_library_that_takes_the_process_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, torch="import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n")
    assert probe_libraries().problem == "importing torch and transformers ended the process (signal 4)"


def test_a_library_that_talks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = "print('hello')\nimport sys\nprint('there', file=sys.stderr)\nraise ImportError('no')\n"
    stand_in(tmp_path, monkeypatch, torch=talk, transformers=talk)
    assert probe_libraries() == Probe(torch_problem="ImportError: no", transformers_problem="ImportError: no")


CUDA = """
import types, warnings
__version__ = "2.14.1+cu130"
version = types.SimpleNamespace(cuda="13.0", hip=None)
def device_count():
    warnings.warn("CUDA initialization: The NVIDIA driver on your system is too old (found version 11080).")
    return {count}
cuda = types.SimpleNamespace(
    get_arch_list=lambda: ["sm_80"],
    device_count=device_count,
    get_device_properties=lambda index: types.SimpleNamespace(name="GPU", major=8, minor=6),
    mem_get_info=lambda index: (1, 2),
)
"""


def test_a_gpu_that_torch_can_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, torch=CUDA.format(count=1), transformers="raise ImportError\n")
    found = probe_libraries()
    (device,) = found.devices
    assert (device.name, device.memory, device.free, device.capability) == ("GPU", 2, 1, (8, 6))
    assert (found.cuda, found.architectures, found.cuda_problem) == ("13.0", ("sm_80",), "")


def test_a_driver_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, torch=CUDA.format(count=0), transformers="raise ImportError\n")
    found = probe_libraries()
    assert found.devices == ()
    assert "too old (found version 11080)" in found.cuda_problem
