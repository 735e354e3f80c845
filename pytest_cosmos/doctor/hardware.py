"""Can torch use the GPU, and does the model fit?

Minimum drivers, https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html, table 1: a build
for CUDA 13.x runs on drivers from 580, for 12.x from 525, for 11.x from 450 (newer drivers run older builds).
Builds of torch, pytorch/pytorch issues 190355 and 190385: 2.14 comes for CUDA 12.6, 13.0 and 13.2, later ones for
13.x alone, which has no code for GPUs below compute capability 7.5; the last for CUDA 11.8 was 2.7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_cosmos.doctor.finding import Finding, failed, passed, warned
from pytest_cosmos.engines.transformers_probe import Device, Probe
from pytest_cosmos.report import text

_MINIMUM_DRIVER = {11: 450, 12: 525, 13: 580}
_NEWEST_DRIVER = max(_MINIMUM_DRIVER.values())
_SELECTOR = "the selector on PyTorch's Get Started page writes the command"
_ELSEWHERE = "Or ask a model that runs on another machine: --engine endpoint"
# Beside the weights: the vision encoder's work and the key-value cache of a small batch.
_HEADROOM = 1.2


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as nvidia-smi lists it."""

    name: str
    memory: int = 0
    """Bytes; 0: it does not say."""


@dataclass(frozen=True, slots=True)
class Driver:
    """What nvidia-smi says."""

    version: str = ""
    cuda: str = ""
    """The newest CUDA it runs."""
    gpus: tuple[Gpu, ...] = ()
    problem: str = ""
    """What nvidia-smi said instead."""

    @property
    def branch(self) -> int:
        """The first number of its version; 0: not known."""
        first = re.match(r"\d+", self.version)
        return int(first[0]) if first else 0


def check_gpu(probe: Probe, driver: Driver | None, *, wanted: bool, hidden: bool = False) -> Finding:
    """Say whether torch can use a GPU; `wanted`: the model is too large to do without one.

    `hidden`: CUDA_VISIBLE_DEVICES shows none of them.
    """
    trouble = failed if wanted else warned
    if probe.devices:
        return _usable(probe, driver, wanted=wanted)
    if driver is None:
        return _without(wanted=wanted)
    if not driver.gpus:
        found = f"nvidia-smi sees no GPU: {driver.problem or 'it lists none'}"
        return trouble("GPU", found, "Load or reinstall the NVIDIA driver until nvidia-smi lists the GPU.")
    found = f"{driver.gpus[0].name}, driver {_driver_words(driver)}"
    if hidden:
        return warned("GPU", f"{found}; CUDA_VISIBLE_DEVICES hides it", "Unset CUDA_VISIBLE_DEVICES to use it.")
    if not probe.torch:
        return warned("GPU", f"{found}; torch cannot be asked", "See torch, above.")
    needs = _minimum(probe.cuda)
    if not probe.cuda:
        return trouble("GPU", f"{found}; torch is built for the CPU", _build_advice(driver))
    if driver.branch and driver.branch < needs:
        what = f"{found}: too old for a torch built for CUDA {probe.cuda}, which needs driver {needs} or newer"
        return trouble("GPU", what, _build_advice(driver))
    said = probe.cuda_problem or "torch does not see it"
    advice = "Restart after an upgrade of the driver; start a container with its GPUs (docker run --gpus all)."
    return trouble("GPU", f"{found}: {said}", advice)


def _usable(probe: Probe, driver: Driver | None, *, wanted: bool) -> Finding:
    device = probe.devices[0]
    more = f" and {len(probe.devices) - 1} more" if len(probe.devices) > 1 else ""
    with_driver = f", driver {_driver_words(driver)}" if driver and driver.version else ""
    found = f"{device.name}{more} ({text.size(device.memory)}){with_driver}"
    if not probe.cuda or has_code_for(device.capability, probe.architectures):
        return passed("GPU", found)
    capability = ".".join(map(str, device.capability))
    what = f"{found}: torch for CUDA {probe.cuda} has no code for its compute capability {capability}"
    if device.capability < (7, 5):
        advice = f"Install torch 2.14 built for CUDA 12.6 (cu126), the last for such GPUs; {_SELECTOR}."
    else:
        advice = f"Install the newest torch, built for CUDA 13; {_SELECTOR}."
    return (failed if wanted else warned)("GPU", what, f"{advice} {_ELSEWHERE}.")


def _without(*, wanted: bool) -> Finding:
    if not wanted:
        return passed("GPU", "none found, none needed")
    advice = "In a container, start it with its GPUs (docker run --gpus all)."
    return warned("GPU", "none found: the model runs on the CPU, slowly", f"{advice} {_ELSEWHERE}, or take tiny.")


def has_code_for(capability: tuple[int, int], architectures: tuple[str, ...]) -> bool:
    """Tell whether a build runs on a GPU: code of its generation, not newer; or code to compile anew (`compute_`)."""
    if not architectures:  # not known
        return True
    for architecture in architectures:
        kind, _, number = architecture.partition("_")
        digits = re.match(r"\d+", number)
        if digits is None:
            continue
        major, minor = int(digits[0]) // 10, int(digits[0]) % 10
        exact = number != digits[0]  # sm_90a runs on 9.0 alone
        if (major, minor) == capability or (kind == "compute" and (major, minor) <= capability):
            return True
        if major == capability[0] and minor <= capability[1] and not exact:
            return True
    return False


def check_memory(
    probe: Probe, driver: Driver | None, ram: int, weights: int | None, wanted_gb: float | None
) -> Finding:
    """Hold the memory of the first GPU, or without one that of the machine, against the model's.

    `weights`: bytes at 16 bit; None: not known. `wanted_gb`: what the publisher asks for.
    """
    if probe.devices:
        return _gpu_memory(probe.devices[0], weights, wanted_gb)
    if driver and driver.gpus and driver.gpus[0].memory:  # once torch can use it
        size = driver.gpus[0].memory
        return _gpu_memory(Device(name="", memory=size, free=size, capability=(0, 0)), weights, wanted_gb)
    found = f"{text.size(ram)} RAM, no GPU"
    if weights is None:
        return passed("memory", f"{found}; how much the model needs is not known")
    needs = 2 * weights * _HEADROOM  # float32 is what `auto` means on a CPU
    if ram >= needs:
        return passed("memory", found)
    found = f"{found}; the model wants {text.size(needs)} as float32"
    if ram >= needs / 2:
        return warned("memory", found, "Halve that: --cosmos-dtype bfloat16")
    return failed("memory", found, f"Take a smaller model. {_ELSEWHERE}.")


def _gpu_memory(device: Device, weights: int | None, wanted_gb: float | None) -> Finding:
    free = f", {text.size(device.free)} of it free" if device.free < 0.98 * device.memory else ""
    found = f"{text.size(device.memory)} on the GPU{free}"
    if weights is not None and device.memory < weights:
        what = f"{found}; the weights alone are {text.size(weights)}"
        return failed("memory", what, f"Take a smaller model. {_ELSEWHERE}.")
    if weights is not None and device.free < weights * _HEADROOM:
        what = f"{found}; the model wants {text.size(weights * _HEADROOM)} at least"
        return warned(
            "memory", what, "End other processes on the GPU (nvidia-smi lists them), or take a smaller model."
        )
    if wanted_gb is not None and device.memory < wanted_gb * 1e9:
        what = f"{found}; its publisher asks for {wanted_gb:g} GB"
        return warned("memory", what, "If memory runs out: --cosmos-batch-size 8, a lower --cosmos-max-new-tokens.")
    return passed("memory", found)


def _build_advice(driver: Driver) -> str:
    """Say which build of torch this driver runs, and from when on there is one."""
    if driver.branch >= _NEWEST_DRIVER or not driver.branch:
        return f"Install torch built for CUDA 13 (cu130 or newer); {_SELECTOR}."
    newest = f"upgrade the NVIDIA driver to {_NEWEST_DRIVER} or newer, which runs every build"
    if driver.branch >= _MINIMUM_DRIVER[12]:
        return (
            f"Install torch 2.14 built for CUDA 12.6 (cu126), the last for this driver; {_SELECTOR}. Better: {newest}."
        )
    return (
        f"{newest[0].upper()}{newest[1:]}; {_MINIMUM_DRIVER[12]} is the least, with torch 2.14 built for CUDA 12.6 "
        "(cu126). No torch that this needs was built for an older driver: the last for CUDA 11.8 was 2.7. "
        f"{_ELSEWHERE}."
    )


def _minimum(cuda: str) -> int:
    major = int(cuda.partition(".")[0]) if cuda else 0
    return _MINIMUM_DRIVER.get(major, _NEWEST_DRIVER)


def _driver_words(driver: Driver) -> str:
    return f"{driver.version} (CUDA {driver.cuda})" if driver.cuda else driver.version or "not known"
