"""Which device a worker takes: as CUDA reads CUDA_VISIBLE_DEVICES, and as nvidia-smi lists what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cosmos.engines.devices import (
    VISIBLE,
    WORKER,
    device_environment,
    device_problem,
    own_device,
    visible_devices,
)
from pytest_cosmos.errors import OptionError
from pytest_cosmos.settings import Settings

FOUR = "".join(f"GPU {n}: NVIDIA H100 80GB HBM3 (UUID: GPU-{n}a7c6b58-0000-1111-2222-333344445555)\n" for n in range(4))
DIVIDED = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa)
  MIG 3g.20gb     Device  0: (UUID: MIG-1111)
  MIG 3g.20gb     Device  1: (UUID: MIG-2222)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbb)
"""


@pytest.mark.parametrize(
    ("visible", "listing", "devices"),
    [
        (None, FOUR, ("0", "1", "2", "3")),
        (None, "", ()),
        (None, None, None),
        (None, DIVIDED, ("MIG-1111", "MIG-2222", "GPU-bbbb")),
        ("", FOUR, ()),
        ("", None, ()),
        ("2,0", FOUR, ("2", "0")),
        (" 2 , 0 ", FOUR, ("2", "0")),
        ("3", None, ("3",)),
        ("0,-1,1", FOUR, ("0",)),
        ("-1", FOUR, ()),
        ("NoDevFiles", FOUR, ()),
        ("0,,1", FOUR, ("0",)),
        ("0,1,7,2", FOUR, ("0", "1")),
        ("0,1,1", FOUR, ()),
        ("GPU-1a7c,GPU-0a7c", FOUR, ("GPU-1a7c", "GPU-0a7c")),
        ("GPU-1a7c,0", FOUR, ("GPU-1a7c",)),
        ("0,GPU-1a7c", FOUR, ("0",)),
        ("MIG-2222", DIVIDED, ("MIG-2222",)),
    ],
)
def test_what_cuda_would_show(visible: str | None, listing: str | None, devices: tuple[str, ...] | None) -> None:
    assert visible_devices(visible, listing) == devices


def settings(**changes: object) -> Settings:
    return Settings(root=Path(), cases=Path(), thresholds=None, reports=Path(), **changes)  # type: ignore[arg-type]


def put_smi(folder: Path, patch: pytest.MonkeyPatch, listing: str, *, code: int = 0) -> None:
    """Put an nvidia-smi on PATH that lists this, and no other."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{listing}END\nexit {code}\n")
    program.chmod(0o755)
    patch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    patch.delenv(VISIBLE, raising=False)
    # the tests' own torch may be one without CUDA
    patch.setattr("pytest_cosmos.engines.devices._torch_has_cuda", lambda: True)


def test_worker_k_takes_the_kth_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_smi(tmp_path, monkeypatch, FOUR)
    assert device_problem(settings(), 4) is None
    assert [device_environment(settings(), k, 4)[VISIBLE] for k in range(4)] == ["0", "1", "2", "3"]
    monkeypatch.setenv(VISIBLE, "GPU-3a7c,GPU-1a7c")
    assert [device_environment(settings(), k, 2)[VISIBLE] for k in range(2)] == ["GPU-3a7c", "GPU-1a7c"]


def test_more_workers_than_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_smi(tmp_path, monkeypatch, FOUR)
    assert device_problem(settings(), 5) == (
        "-n 5: each worker takes a CUDA device of its own, but 4 CUDA devices are visible. "
        "Use -n 4, --cosmos-device cpu, or --cosmos-device cuda:0 to let all workers share that one."
    )
    monkeypatch.setenv(VISIBLE, "2")
    problem = device_problem(settings(device="cuda"), 2)
    assert problem is not None
    assert "but 1 CUDA device is visible (CUDA_VISIBLE_DEVICES=2). Use -n 1, " in problem


def test_no_device_is_a_problem_only_where_one_is_demanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_smi(tmp_path, monkeypatch, FOUR)
    monkeypatch.setenv(VISIBLE, "")
    assert device_problem(settings(), 2) is None
    assert device_environment(settings(), 1, 2) == {}
    problem = device_problem(settings(device="cuda"), 2)
    assert problem is not None
    assert "but no CUDA devices are visible (CUDA_VISIBLE_DEVICES=). Use --cosmos-device cpu" in problem


@pytest.mark.parametrize("changes", [{"device": "cpu"}, {"device": "cuda:0"}, {"engine": "scripted"}])
def test_a_device_that_the_user_names_is_everybodys(
    changes: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_smi(tmp_path, monkeypatch, FOUR)
    assert device_problem(settings(**changes), 9) is None
    assert device_environment(settings(**changes), 1, 9) == {}


def test_where_nothing_tells_torch_is_asked_in_the_engines_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_smi(tmp_path, monkeypatch, "Failed to initialize NVML\n", code=9)
    assert device_problem(settings(), 2) is None
    assert device_environment(settings(), 1, 2) == {WORKER: "1/2"}
    assert own_device(2, {WORKER: "1/2"}) == 1
    assert own_device(2, {}) == 0
    with pytest.raises(OptionError, match=r"-n 2: each worker .* but 1 CUDA device is visible\. Use -n 1"):
        own_device(1, {WORKER: "0/2"})
