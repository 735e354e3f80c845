"""Are Python, torch, transformers and the video decoder what this needs?"""

from __future__ import annotations

from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from pytest_cosmos.doctor.finding import Finding, failed, passed, warned
from pytest_cosmos.engines.transformers_probe import Probe

# Releases whose notes introduce the model: huggingface/transformers v4.49.0 (Qwen2.5-VL), v4.57.0 (Qwen3-VL).
_SINCE = {"qwen2_5_vl": "4.49", "qwen3_vl": "4.57"}


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What became of decoding a short clip."""

    decoder: str = ""
    """PyAV with its version; empty: it cannot be imported."""
    codec: str = ""
    wanted: int = 0
    """Frames in the clip."""
    decoded: int = 0
    lacking: tuple[str, ...] = ()
    """Usual codecs that this build cannot decode."""
    problem: str = ""
    torchcodec: str = ""
    """Its version; empty: not installed."""


def check_python(version: str, platform: str, requires: str) -> Finding:
    """Hold Python's version against what this package requires, such as `>=3.11`."""
    found = f"{version} on {platform}"
    if not _satisfies(version, requires):
        return failed("Python", found, f"Install Python {requires}, and this package into it.")
    return passed("Python", found)


def check_torch(probe: Probe, requires: str) -> Finding:
    """Say which torch there is, and what it is built for."""
    install = f"Install it: pip install 'torch{requires}' torchvision"
    if probe.problem:
        return failed("torch", probe.problem, f"{install} --force-reinstall")
    if not probe.torch:
        return failed("torch", f"cannot be imported: {probe.torch_problem}", install)
    target = f"CUDA {probe.cuda}" if probe.cuda else f"ROCm {probe.rocm}" if probe.rocm else "the CPU"
    found = f"{probe.torch}, built for {target}"
    if not _satisfies(probe.torch, requires):
        return failed("torch", found, f"torch{requires} is needed. {install} --upgrade")
    return passed("torch", found)


def check_transformers(probe: Probe, requires: str, model_type: str) -> Finding:
    """Hold transformers against what this package and the model's type need."""
    name, upgrade = "transformers", f"Upgrade it: pip install --upgrade 'transformers{requires}'"
    if not probe.transformers:
        found = probe.transformers_problem or probe.problem
        return failed(name, f"cannot be imported: {found}", upgrade.replace("Upgrade", "Install"))
    since = _SINCE.get(model_type)
    if since and not _satisfies(probe.transformers, f">={since}"):
        found = f"{probe.transformers}; {model_type} came with {since}"
        return failed(name, found, upgrade)
    if not _satisfies(probe.transformers, requires):
        return failed(name, probe.transformers, f"transformers{requires} is needed. {upgrade}")
    if model_type and probe.knows_type is False:
        found = f"{probe.transformers} does not know the model type {model_type}"
        return failed(name, found, f"{upgrade}, or take a model whose type it knows.")
    return passed(name, f"{probe.transformers}, knows {model_type}" if model_type else probe.transformers)


def check_video(facts: VideoFacts) -> Finding:
    """Say whether a video was really decoded."""
    again = "Install it again: pip install --force-reinstall av"
    if not facts.decoder:
        return failed("video", f"PyAV cannot be imported: {facts.problem}", again)
    also = f"; torchcodec {facts.torchcodec} is here as well" if facts.torchcodec else ""
    if facts.problem or facts.decoded != facts.wanted:
        why = facts.problem or f"{facts.decoded} of {facts.wanted} frames"
        return failed("video", f"{facts.decoder} could not decode a short clip ({facts.codec}): {why}{also}", again)
    found = f"{facts.decoder} decoded {facts.decoded} frames ({facts.codec}){also}"
    if facts.lacking:
        lacking = f"{found}; it lacks {', '.join(facts.lacking)}"
        return warned("video", lacking, f"For videos of these kinds: {again[0].lower()}{again[1:]}")
    return passed("video", found)


def _satisfies(version: str, requires: str) -> bool:
    """Tell whether a version, its build (`+cu130`) left aside, meets a requirement; none is met by all."""
    try:
        return SpecifierSet(requires).contains(Version(version).public, prereleases=True)
    except InvalidVersion:  # somebody's own build, who will know
        return True
