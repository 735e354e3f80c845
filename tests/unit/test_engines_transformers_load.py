"""Loading a checkpoint: what is refused, what is recorded, and that nothing in its folder runs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pytest_cosmos.engines.models import Located, locate
from pytest_cosmos.engines.transformers_load import choose_device, choose_dtype, fingerprint, load
from pytest_cosmos.errors import ModelUnavailable, OptionError
from pytest_cosmos.tiny import CHECKPOINT
from tests.unit.engine_builders import settings_of

CPU = torch.device("cpu")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the embedded checkpoint, to be tampered with."""
    return Path(shutil.copytree(CHECKPOINT, tmp_path / "copy"))


def change(file: Path, **values: object) -> None:
    data = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**data, **values}), encoding="utf-8")


def test_what_is_recorded_of_the_embedded_model(tmp_path: Path) -> None:
    loaded = load(locate("tiny"), settings_of(tmp_path, max_new_tokens=9))
    record = loaded.record
    assert (record.name, record.engine, record.family) == ("tiny", "transformers", "reason2")
    assert (record.device, record.dtype) == ("cpu", "float32")
    assert record.parameters is not None
    assert record.fingerprint == fingerprint(CHECKPOINT)
    assert record.generation["do_sample"] == "false"
    assert record.generation["max_new_tokens"] == "9"
    assert "longest_edge=" in record.generation["image_size"]
    assert set(loaded.seconds) == {"import", "load"}
    assert not loaded.model.training


def test_a_checkpoint_that_bounds_its_replies_is_taken_at_its_word(tmp_path: Path) -> None:
    own = json.loads((CHECKPOINT / "generation_config.json").read_text(encoding="utf-8"))["max_new_tokens"]
    assert load(locate("tiny"), settings_of(tmp_path, max_new_tokens=4096)).max_new_tokens == own


def test_sampling_settings_of_a_checkpoint_are_left_out(copy: Path, tmp_path: Path) -> None:
    change(copy / "generation_config.json", do_sample=True, temperature=0.7, top_k=20, repetition_penalty=1.5)
    config = load(locate(str(copy)), settings_of(tmp_path)).model.generation_config
    assert (config.do_sample, config.temperature, config.top_k, config.repetition_penalty) == (False, None, None, None)
    own = json.loads((CHECKPOINT / "generation_config.json").read_text(encoding="utf-8"))
    assert config.eos_token_id == own["eos_token_id"]


def test_progress_bars_stay_out_of_the_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load(locate("tiny"), settings_of(tmp_path))
    assert capfd.readouterr() == ("", "")


def test_code_in_a_checkpoint_folder_never_runs(copy: Path, tmp_path: Path) -> None:
    trap = f"open({str(tmp_path / 'sprung')!r}, 'w').close()\n"
    for name in ("conftest.py", "modeling.py", "processing.py", "__init__.py"):
        (copy / name).write_text(trap, encoding="utf-8")
    change(copy / "config.json", auto_map={"AutoModelForImageTextToText": "modeling.Model", "AutoConfig": "modeling.C"})
    change(copy / "processor_config.json", auto_map={"AutoProcessor": "processing.Processor"})
    with contextlib.suppress(ModelUnavailable):  # whether refused or loaded without it
        load(locate(str(copy)), settings_of(tmp_path))
    assert not (tmp_path / "sprung").exists()


def test_a_model_of_unknown_type_is_one_message(copy: Path, tmp_path: Path) -> None:
    change(copy / "config.json", model_type="no_such_type")
    with pytest.raises(ModelUnavailable) as caught:
        load(locate(str(copy)), settings_of(tmp_path))
    message = str(caught.value)
    assert message.startswith(f"--model {copy}: transformers cannot load the checkpoint in {copy}: ")
    assert "no_such_type" in message
    assert len(message.splitlines()) == 2


def test_weights_cut_short_are_one_message(copy: Path, tmp_path: Path) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelUnavailable, match="transformers cannot load the checkpoint"):
        load(locate(str(copy)), settings_of(tmp_path))


def test_missing_weights_are_not_made_up(copy: Path, tmp_path: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    del weights["model.language_model.layers.1.mlp.up_proj.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelUnavailable, match=r"are incomplete: 1 are missing, model\.language_model\.layers\.1"):
        load(locate(str(copy)), settings_of(tmp_path))


def test_a_snapshot_of_the_hub_is_known_by_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "hub" / "models--org--model" / "snapshots" / ("a" * 40)
    shutil.copytree(CHECKPOINT, folder)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    loaded = load(Located("org/model", "org/model", hub=True, revision="a" * 40), settings_of(tmp_path))
    assert loaded.record.fingerprint == "a" * 40


@pytest.mark.parametrize(
    ("device", "message"),
    [("gpu", "--cosmos-device gpu: no such device"), ("cuda:99", r"torch sees \d+ CUDA devices\. Use auto or cpu")],
)
def test_a_device_that_is_not_there(device: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        choose_device(device)


@pytest.mark.parametrize(
    ("asked", "dtype"), [("auto", torch.float32), ("bf16", torch.bfloat16), ("float16", torch.float16)]
)
def test_dtypes(asked: str, dtype: torch.dtype) -> None:
    assert choose_dtype(asked, CPU) is dtype


def test_on_a_gpu_the_checkpoint_decides_its_dtype() -> None:
    assert choose_dtype("auto", torch.device("cuda")) == "auto"


def test_an_unknown_dtype() -> None:
    with pytest.raises(OptionError, match=r"--cosmos-dtype float23: must be one of auto, .*Did you mean 'float32'\?"):
        choose_dtype("float23", CPU)


def test_the_fingerprint_is_of_the_content_alone(copy: Path) -> None:
    assert fingerprint(copy) == fingerprint(CHECKPOINT)
    (copy / "README.md").write_text("a note", encoding="utf-8")
    os.utime(copy / "model.safetensors", (0, 0))
    assert fingerprint(copy) == fingerprint(CHECKPOINT)


@pytest.mark.parametrize("file", ["model.safetensors", "chat_template.jinja", "tokenizer.json"])
def test_one_changed_byte_changes_the_fingerprint(copy: Path, file: str) -> None:
    data = bytearray((copy / file).read_bytes())
    data[-1] ^= 1
    (copy / file).write_bytes(data)
    assert fingerprint(copy) != fingerprint(CHECKPOINT)


def test_of_large_weights_header_size_and_time_are_taken(copy: Path) -> None:
    with (copy / "model.safetensors").open("r+b") as file:
        file.truncate(200 * 2**20)  # sparse: takes no room
    os.utime(copy / "model.safetensors", (1, 1))
    before = fingerprint(copy)
    assert fingerprint(copy) == before
    os.utime(copy / "model.safetensors", (2, 2))
    assert fingerprint(copy) != before
