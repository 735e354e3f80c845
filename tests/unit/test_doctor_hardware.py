"""GPU, driver, torch's build and memory, each over given facts."""

from __future__ import annotations

import pytest

from pytest_cosmos.doctor.finding import Finding, Status
from pytest_cosmos.doctor.hardware import Driver, Gpu, check_gpu, check_memory, has_code_for
from pytest_cosmos.engines.transformers_probe import Device, Probe

GB = 10**9
A100 = Gpu("NVIDIA A100-SXM4-80GB", 85 * GB)
CU132 = Probe(torch="2.14.1", cuda="13.2", architectures=("sm_75", "sm_80", "sm_90", "sm_100", "sm_120"))
CPU = Probe(torch="2.14.1+cpu")


def driver(version: str, cuda: str, *gpus: Gpu) -> Driver:
    return Driver(version=version, cuda=cuda, gpus=gpus or (A100,))


def device(memory: float, free: float | None = None, capability: tuple[int, int] = (8, 0)) -> Device:
    shown = memory if free is None else free
    return Device(name="NVIDIA A100", memory=int(memory * GB), free=int(shown * GB), capability=capability)


def with_device(found: Device, build: Probe = CU132) -> Probe:
    return build.model_copy(update={"devices": (found,)})


def gpu(probe: Probe, found: Driver | None, *, wanted: bool = True, hidden: bool = False) -> Finding:
    return check_gpu(probe, found, wanted=wanted, hidden=hidden)


def test_a_driver_of_cuda_11_8_runs_no_torch_that_this_needs() -> None:
    finding = gpu(CU132, driver("520.61.05", "11.8"))
    assert finding.status is Status.FAIL
    assert finding.found == (
        "NVIDIA A100-SXM4-80GB, driver 520.61.05 (CUDA 11.8): too old for a torch built for CUDA 13.2, "
        "which needs driver 580 or newer"
    )
    assert finding.advice.startswith("Upgrade the NVIDIA driver to 580 or newer, which runs every build; 525 is the")
    assert "cu126" in finding.advice
    assert "the last for CUDA 11.8 was 2.7" in finding.advice
    assert "--engine endpoint" in finding.advice


def test_a_driver_of_cuda_11_8_is_no_better_with_a_build_for_cuda_12() -> None:
    finding = gpu(Probe(torch="2.14.1", cuda="12.6"), driver("520.61.05", "11.8"))
    assert finding.status is Status.FAIL
    assert "which needs driver 525 or newer" in finding.found


def test_a_driver_of_cuda_12_needs_another_build_rather_than_an_upgrade() -> None:
    finding = gpu(CU132, driver("550.54.14", "12.4"))
    assert finding.status is Status.FAIL
    assert finding.advice.startswith("Install torch 2.14 built for CUDA 12.6 (cu126), the last for this driver;")


@pytest.mark.parametrize(
    ("version", "build"),
    [("580.65.06", "Install torch built for CUDA 13"), ("535.183.01", "CUDA 12.6"), ("470.82.01", "Upgrade the")],
)
def test_a_torch_for_the_cpu_on_a_machine_with_a_gpu_names_the_build_to_take(version: str, build: str) -> None:
    finding = gpu(CPU, driver(version, ""))
    assert finding.status is Status.FAIL
    assert finding.found == f"NVIDIA A100-SXM4-80GB, driver {version}; torch is built for the CPU"
    assert build in finding.advice


def test_what_the_small_model_can_do_without_is_only_a_warning() -> None:
    finding = gpu(CU132, driver("520.61.05", "11.8"), wanted=False)
    assert finding.status is Status.WARN


def test_no_gpu() -> None:
    assert gpu(CPU, None, wanted=False) == Finding(name="GPU", status=Status.PASS, found="none found, none needed")
    finding = gpu(CPU, None)
    assert finding.status is Status.WARN
    assert finding.found == "none found: the model runs on the CPU, slowly"


def test_a_driver_that_sees_no_gpu() -> None:
    finding = gpu(CU132, Driver(problem="NVIDIA-SMI has failed because it couldn't communicate with the driver"))
    assert finding.status is Status.FAIL
    assert "couldn't communicate" in finding.found


def test_a_gpu_hidden_by_the_environment() -> None:
    finding = gpu(CU132, driver("580.65.06", "13.0"), hidden=True)
    assert (finding.status, finding.advice) == (Status.WARN, "Unset CUDA_VISIBLE_DEVICES to use it.")


def test_a_gpu_that_torch_cannot_open_for_another_reason() -> None:
    probe = CU132.model_copy(update={"cuda_problem": "CUDA unknown error - restart"})
    finding = gpu(probe, driver("580.65.06", "13.0"))
    assert finding.status is Status.FAIL
    assert finding.found.endswith("CUDA unknown error - restart")


def test_a_torch_that_cannot_be_imported_is_told_once() -> None:
    finding = gpu(Probe(torch_problem="ImportError: libcudart"), driver("580.65.06", "13.0"))
    assert (finding.status, finding.advice) == (Status.WARN, "See torch, above.")


def test_a_gpu_that_works() -> None:
    probe = CU132.model_copy(update={"devices": (device(85), device(85))})
    finding = gpu(probe, driver("580.65.06", "13.0"))
    assert (finding.status, finding.found) == (
        Status.PASS,
        "NVIDIA A100 and 1 more (85 GB), driver 580.65.06 (CUDA 13.0)",
    )


def test_a_gpu_of_amd_has_no_nvidia_driver() -> None:
    probe = Probe(torch="2.14.1", rocm="7.0", architectures=("gfx942",), devices=(device(192),))
    assert gpu(probe, None).status is Status.PASS


def test_a_gpu_that_the_build_has_no_code_for() -> None:
    finding = gpu(with_device(device(34, capability=(7, 0))), driver("580.65.06", "13.0"))
    assert finding.status is Status.FAIL
    assert finding.found.endswith("torch for CUDA 13.2 has no code for its compute capability 7.0")
    assert "cu126" in finding.advice
    newer = gpu(with_device(device(34, capability=(13, 0))), driver("620.10", "14.0"))
    assert newer.advice.startswith("Install the newest torch")


@pytest.mark.parametrize(
    ("capability", "architectures", "runs"),
    [
        ((8, 0), ("sm_80",), True),
        ((8, 6), ("sm_80",), True),
        ((8, 0), ("sm_86",), False),
        ((9, 0), ("sm_86",), False),
        ((9, 0), ("sm_90a",), True),
        ((9, 1), ("sm_90a",), False),
        ((12, 0), ("sm_120",), True),
        ((12, 1), ("sm_120",), True),
        ((12, 0), ("sm_90", "compute_90"), True),
        ((7, 0), ("compute_90",), False),
        ((7, 0), (), True),
        ((7, 0), ("gfx942", "odd"), False),
    ],
)
def test_which_gpus_a_build_runs_on(capability: tuple[int, int], architectures: tuple[str, ...], runs: bool) -> None:
    assert has_code_for(capability, architectures) is runs


def memory(probe: Probe, weights: float | None, wanted: float | None, *, ram: float = 64) -> Finding:
    return check_memory(probe, None, int(ram * GB), None if weights is None else int(weights * GB), wanted)


@pytest.mark.parametrize(
    ("size", "free", "weights", "wanted", "status"),
    [
        (85, 84, 17, 24, Status.PASS),
        (24.1, 24, 17, 24, Status.PASS),  # a 24 GB card as drivers report it
        (16, 16, 5, 24, Status.WARN),
        (12, 12, 17, 24, Status.FAIL),
        (85, 10, 17, 24, Status.WARN),
        (85, 84, None, None, Status.PASS),
        (16, 16, None, 24, Status.WARN),
    ],
)
def test_memory_of_a_gpu(size: float, free: float, weights: float | None, wanted: float | None, status: Status) -> None:
    assert memory(with_device(device(size, free)), weights, wanted).status is status


def test_little_memory_is_told_with_figures() -> None:
    finding = memory(with_device(device(12)), 17, 24)
    assert finding.found == "12 GB on the GPU; the weights alone are 17 GB"
    assert finding.advice.startswith("Take a smaller model. Or ask a model that runs on another machine")


def test_memory_that_others_have_taken_is_told() -> None:
    finding = memory(with_device(device(85, 10)), 17, 24)
    assert finding.found == "85 GB on the GPU, 10 GB of it free; the model wants 20 GB at least"
    assert "nvidia-smi lists them" in finding.advice


def test_memory_of_a_gpu_that_torch_cannot_use_yet() -> None:
    finding = check_memory(CPU, driver("520.61.05", "11.8", Gpu("T4", 16 * GB)), 64 * GB, 17 * GB, 24)
    assert finding.status is Status.FAIL
    assert finding.found.startswith("16 GB on the GPU")


@pytest.mark.parametrize(
    ("ram", "weights", "status"),
    [(64, 17, Status.PASS), (25, 17, Status.WARN), (16, 17, Status.FAIL), (1, None, Status.PASS)],
)
def test_memory_without_a_gpu(ram: float, weights: float | None, status: Status) -> None:
    assert memory(CPU, weights, 24, ram=ram).status is status
