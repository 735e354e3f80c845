"""What nvidia-smi prints, read: who else is at work on the GPU, and how it is clocked."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from pytest_cosmos.engines.gpu_state import APPS, FACTS, busy_gpu, chosen, gpu_facts, not_idle, rows

# in the form of driver 550's `nvidia-smi --query-gpu=… --format=csv,noheader,nounits`
GPUS = """\
0, GPU-11111111-aaaa, NVIDIA H100 80GB HBM3, 550.54.15, P0, 1980, 1980, 2619, 34, 71.50, 0
1, GPU-22222222-bbbb, NVIDIA H100 80GB HBM3, 550.54.15, P0, 345, 1980, 2619, 61, 640.12, 97
"""
PROCESSES = """\
GPU-22222222-bbbb, 4242, /usr/bin/python3, 70112
GPU-22222222-bbbb, 4300, [Not Found], 512
"""


def gpus() -> list[dict[str, str]]:
    return rows(GPUS, FACTS)


def test_the_facts_of_every_gpu_are_read() -> None:
    first, second = gpus()
    assert (first["name"], first["clocks.sm"], first["utilization.gpu"]) == ("NVIDIA H100 80GB HBM3", "1980", "0")
    assert second["uuid"] == "GPU-22222222-bbbb"
    assert rows("No devices were found\n", FACTS) == []


@pytest.mark.parametrize(
    ("device", "visible", "index"),
    [
        ("auto", None, "0"),
        ("cuda", None, "0"),
        ("cuda:1", None, "1"),
        ("auto", "1", "1"),
        ("cuda:1", "1,0", "0"),
        ("auto", "GPU-22222222", "1"),
        ("cuda:5", None, None),
        ("auto", "", None),
    ],
)
def test_the_gpu_meant_is_found_among_the_visible(device: str, visible: str | None, index: str | None) -> None:
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert chosen(gpus(), device, environment).get("index") == index


def test_processes_on_the_gpu_are_named() -> None:
    idle, busy = gpus()
    apps = rows(PROCESSES, APPS)
    assert not_idle(idle, apps) is None
    told = not_idle(busy, apps)
    assert told is not None
    assert "/usr/bin/python3 (process 4242, 70112 MiB)" in told
    assert "(GPU 1) is in use by" in told


def test_a_busy_gpu_without_a_process_that_shows_is_not_idle() -> None:
    told = not_idle(gpus()[1], [])
    assert told is not None
    assert "97 % busy" in told
    assert not_idle({**gpus()[1], "utilization.gpu": "[N/A]"}, []) is None


def fake_smi(folder: Path, code: int = 0) -> None:
    program = folder / "nvidia-smi"
    program.write_text(
        f'#!/bin/sh\ncase "$1" in --query-gpu=*) cat "{folder}/gpus";; *) cat "{folder}/apps";; esac\nexit {code}\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (folder / "gpus").write_text(GPUS)
    (folder / "apps").write_text(PROCESSES)


def test_the_program_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_smi(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpu_facts("auto")["index"] == "0"
    assert busy_gpu("auto") is None
    assert "4242" in (busy_gpu("cuda:1") or "")
    fake_smi(tmp_path, code=9)
    assert gpu_facts("auto") == {}


def test_without_the_program_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert gpu_facts("auto") == {}
    assert busy_gpu("auto") is None


@pytest.mark.gpu
@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="needs nvidia-smi")
def test_the_real_program_is_understood() -> None:
    assert gpu_facts("auto")["clocks.max.sm"].isdigit()
