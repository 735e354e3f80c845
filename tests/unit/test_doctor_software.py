"""Versions and the video decoder, each over given facts."""

from __future__ import annotations

import pytest

from pytest_cosmos.doctor.finding import Status
from pytest_cosmos.doctor.software import VideoFacts, check_python, check_torch, check_transformers, check_video
from pytest_cosmos.engines.transformers_probe import Probe

GOOD = Probe(torch="2.14.1+cu130", cuda="13.0", transformers="5.23.0", knows_type=True)


def test_python() -> None:
    assert check_python("3.12.1", "Linux x86_64", ">=3.11").status is Status.PASS
    old = check_python("3.10.2", "Linux x86_64", ">=3.11")
    assert (old.status, old.advice) == (Status.FAIL, "Install Python >=3.11, and this package into it.")


@pytest.mark.parametrize(
    ("probe", "found"),
    [
        (GOOD, "2.14.1+cu130, built for CUDA 13.0"),
        (Probe(torch="2.14.1+cpu"), "2.14.1+cpu, built for the CPU"),
        (Probe(torch="2.13.0", rocm="7.0"), "2.13.0, built for ROCm 7.0"),
        (Probe(torch="2.15.0.dev20261101+cu132", cuda="13.2"), "2.15.0.dev20261101+cu132, built for CUDA 13.2"),
        (Probe(torch="mine"), "mine, built for the CPU"),
    ],
)
def test_a_torch_that_will_do(probe: Probe, found: str) -> None:
    finding = check_torch(probe, ">=2.13")
    assert (finding.status, finding.found) == (Status.PASS, found)


@pytest.mark.parametrize(
    ("probe", "found"),
    [
        (Probe(torch="2.7.1+cu118", cuda="11.8"), "2.7.1+cu118, built for CUDA 11.8"),
        (Probe(torch_problem="ImportError: libcudart.so.13"), "cannot be imported: ImportError: libcudart.so.13"),
        (Probe(problem="ended the process (signal 4)"), "ended the process (signal 4)"),
    ],
)
def test_a_torch_that_will_not(probe: Probe, found: str) -> None:
    finding = check_torch(probe, ">=2.13")
    assert (finding.status, finding.found) == (Status.FAIL, found)
    assert "pip install 'torch>=2.13' torchvision" in finding.advice


@pytest.mark.parametrize(
    ("version", "model_type", "knows", "found"),
    [
        ("4.56.2", "qwen3_vl", False, "4.56.2; qwen3_vl came with 4.57"),
        ("4.48.0", "qwen2_5_vl", False, "4.48.0; qwen2_5_vl came with 4.49"),
        ("4.57.3", "qwen3_vl", True, "4.57.3"),
        ("5.23.0", "qwen9_vl", False, "5.23.0 does not know the model type qwen9_vl"),
    ],
)
def test_a_transformers_that_will_not_do(version: str, model_type: str, knows: bool, found: str) -> None:
    finding = check_transformers(Probe(transformers=version, knows_type=knows), ">=5.16", model_type)
    assert (finding.status, finding.found) == (Status.FAIL, found)
    assert "pip install --upgrade 'transformers>=5.16'" in finding.advice


def test_a_transformers_that_will_do() -> None:
    assert check_transformers(GOOD, ">=5.16", "qwen3_vl").found == "5.23.0, knows qwen3_vl"
    assert check_transformers(GOOD, ">=5.16", "").status is Status.PASS


def test_no_transformers() -> None:
    finding = check_transformers(Probe(transformers_problem="ModuleNotFoundError: No module"), ">=5.16", "")
    assert (finding.status, finding.found) == (Status.FAIL, "cannot be imported: ModuleNotFoundError: No module")
    assert finding.advice == "Install it: pip install --upgrade 'transformers>=5.16'"


CLIP = VideoFacts(decoder="PyAV 18.1.0", codec="H.264", wanted=4, decoded=4)


def test_a_video_that_was_decoded() -> None:
    assert check_video(CLIP).found == "PyAV 18.1.0 decoded 4 frames (H.264)"
    with_more = VideoFacts("PyAV 18.1.0", "H.264", 4, 4, torchcodec="0.14")
    assert check_video(with_more).found.endswith("; torchcodec 0.14 is here as well")


def test_a_video_that_was_not() -> None:
    assert check_video(VideoFacts(problem="ImportError: libav")).found == "PyAV cannot be imported: ImportError: libav"
    short = check_video(VideoFacts("PyAV 18.1.0", "H.264", wanted=4, decoded=3))
    assert (short.status, short.found) == (
        Status.FAIL,
        "PyAV 18.1.0 could not decode a short clip (H.264): 3 of 4 frames",
    )


def test_a_codec_that_is_lacking() -> None:
    finding = check_video(VideoFacts("PyAV 18.1.0", "H.264", 4, 4, lacking=("hevc", "av1")))
    assert (finding.status, finding.found) == (Status.WARN, "PyAV 18.1.0 decoded 4 frames (H.264); it lacks hevc, av1")
