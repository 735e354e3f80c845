"""What this machine says of itself, and what nvidia-smi says on others."""

from __future__ import annotations

import shutil
import sys
import threading
from pathlib import Path

import pytest

from pytest_cosmos.doctor import facts
from pytest_cosmos.doctor.hardware import Driver, Gpu
from pytest_cosmos.engines.models import Located, locate
from pytest_cosmos.errors import OptionError
from pytest_cosmos.tiny import CHECKPOINT

LISTING = "NVIDIA A100-SXM4-80GB, 81920, 520.61.05\nNVIDIA A100-SXM4-80GB, 81920, 520.61.05\n"
HEADER = "| NVIDIA-SMI 520.61.05    Driver Version: 520.61.05    CUDA Version: 11.8     |"


def test_what_nvidia_smi_lists() -> None:
    found = facts.read_smi(LISTING, HEADER, "")
    assert found == Driver("520.61.05", "11.8", (Gpu("NVIDIA A100-SXM4-80GB", 81920 * 2**20),) * 2)
    assert found.branch == 520


@pytest.mark.parametrize(
    ("listing", "header", "found"),
    [
        ("NVIDIA GB10, [N/A], 580.95.05\n", "CUDA Version: 13.0", Driver("580.95.05", "13.0", (Gpu("NVIDIA GB10"),))),
        ("L4, 1, 590.44.01\n", "CUDA UMD Version: 13.1", Driver("590.44.01", "13.1", (Gpu("L4", 2**20),))),
        ("", "", Driver(problem="NVIDIA-SMI has failed")),
        ("garbage", "garbage", Driver(problem="NVIDIA-SMI has failed")),
    ],
)  # fmt: skip
def test_what_else_nvidia_smi_lists(listing: str, header: str, found: Driver) -> None:
    assert facts.read_smi(listing, header, found.problem) == found


def test_nvidia_smi_is_really_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert facts.ask_driver() is None
    fake = tmp_path / "nvidia-smi"
    fake.write_text(f'#!/bin/sh\nif [ $# = 0 ]; then echo "{HEADER}"; else printf "{LISTING}"; fi\n')
    fake.chmod(0o755)
    assert facts.ask_driver() == facts.read_smi(LISTING, HEADER, "")
    fake.write_text('#!/bin/sh\necho "NVIDIA-SMI has failed because it couldn\'t communicate"\nexit 9\n')
    assert facts.ask_driver() == Driver(problem="NVIDIA-SMI has failed because it couldn't communicate")


def test_our_own_requirements() -> None:
    assert facts.requirement("transformers") == ">=5.16"
    assert facts.requirement("no-such-library") == ""
    assert facts.required_python() == ">=3.11"


def test_a_video_is_really_decoded() -> None:
    found = facts.try_video()
    assert (found.wanted, found.decoded, found.problem) == (4, 4, "")
    assert found.decoder.startswith("PyAV ")


def test_a_decoder_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert facts.try_video().problem.startswith("ModuleNotFoundError: ")


def test_weights_on_this_machine(tmp_path: Path) -> None:
    whole = facts.look_at_weights(locate("tiny"))
    assert whole.here
    assert whole.model_type == "qwen3_vl"
    assert whole.size == whole.expected == (CHECKPOINT / "model.safetensors").stat().st_size
    shutil.copytree(CHECKPOINT, tmp_path / "copy")
    weights = tmp_path / "copy" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    torn = facts.look_at_weights(Located("copy", str(tmp_path / "copy"), hub=False))
    assert (torn.here, torn.torn) == (False, ("model.safetensors",))


def test_weights_that_are_not_here() -> None:
    nothing = facts.look_at_weights(
        Located("reason2", "pytest-cosmos-tests/nothing", hub=True, known=locate("reason2").known)
    )
    assert (nothing.here, nothing.folder, nothing.expected, nothing.model_type) == (False, None, 5 * 10**9, "qwen3_vl")


def test_a_name_that_the_hub_could_not_have() -> None:
    with pytest.raises(OptionError, match="--model org/a--b: "):
        facts.look_at_weights(locate("org/a--b"))


@pytest.mark.parametrize("config", ["", "[]", '{"model_type": 3}', "{}"])
def test_a_config_that_names_no_type(tmp_path: Path, config: str) -> None:
    (tmp_path / "config.json").write_text(config)
    assert facts.look_at_weights(Located("x", str(tmp_path), hub=False)).model_type == ""


def test_free_disk_of_a_cache_that_does_not_exist_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "not" / "yet"))
    assert facts.free_disk() > 0


def test_a_question_that_is_never_answered() -> None:
    never = threading.Event()
    asked = facts.Later(lambda: "late" if never.wait(30) else "", "nobody")
    assert asked.answer(0.01) == "nobody"
    never.set()
    assert asked.answer() == "late"
