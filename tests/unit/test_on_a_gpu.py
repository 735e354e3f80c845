"""What only a GPU shows: the same answers as on a processor, half precision, memory given back, a training run.

`pytest -m gpu` runs them where there is one; everywhere else they are skipped.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from pytest_cosmos.engines.transformers import TransformersEngine
from pytest_cosmos.engines.transformers_probe import probe_libraries
from pytest_cosmos.finetune import FinetuneRequest, finetune, read_finetune
from pytest_cosmos.records import Case, Reply
from tests.unit.engine_builders import SUITE, cases_of, settings_of, write_images
from tests.unit.finetune_builders import write_floors

DEVICE = "cuda"

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("suite")


@pytest.fixture(scope="module")
def cases(folder: Path) -> tuple[Case, ...]:
    return cases_of(write_images(folder))


def replies(folder: Path, cases: tuple[Case, ...], device: str, dtype: str = "float32") -> dict[str, Reply]:
    engine = TransformersEngine(settings_of(folder, device=device, dtype=dtype, max_new_tokens=64), {SUITE: folder})
    try:
        engine.load()
        return {reply.case_key: reply for reply in engine.answer(cases)}
    finally:
        engine.close()


def test_answers_are_those_of_a_processor(folder: Path, cases: tuple[Case, ...]) -> None:
    there, here = replies(folder, cases, DEVICE), replies(folder, cases, "cpu")

    assert there.keys() == here.keys() == {case.key for case in cases}
    assert {key: reply.answer for key, reply in there.items()} == {key: reply.answer for key, reply in here.items()}
    assert all(reply.device.startswith(DEVICE) for reply in there.values())
    for key, reply in there.items():
        assert reply.confidence == pytest.approx(here[key].confidence, abs=1e-3), key


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_answers_every_case(folder: Path, cases: tuple[Case, ...], dtype: str) -> None:
    found = replies(folder, cases, DEVICE, dtype)

    assert [reply.error for reply in found.values()] == [""] * len(cases)
    assert all(reply.confidence is not None and 0 < reply.confidence <= 1 for reply in found.values())


def test_a_closed_engine_gives_its_memory_back(folder: Path, cases: tuple[Case, ...]) -> None:
    replies(folder, cases[:3], DEVICE)  # what the libraries keep for good is there
    before = torch.cuda.memory_allocated()
    replies(folder, cases[:3], DEVICE)

    assert torch.cuda.memory_allocated() == before


def test_the_device_is_described() -> None:
    (first, *_) = probe_libraries().devices
    name, memory = torch.cuda.get_device_name(0), torch.cuda.mem_get_info(0)[1]

    assert (first.name, first.memory) == (name, memory)


def test_a_training_run(folder: Path) -> None:
    suite = write_floors(folder)
    recipe = folder / "finetune.yaml"
    recipe.write_text("{targets: both, rank: 4, epochs: 2, batch_size: 12, learning_rate: 0.002}\n", encoding="utf-8")
    settings = settings_of(folder, device=DEVICE, max_new_tokens=64)

    adapter = finetune(FinetuneRequest(settings, suite, folder / "adapter", recipe), Console(file=io.StringIO()))

    made = read_finetune(adapter)
    assert made is not None
    assert made.base.device.startswith(DEVICE)
    assert made.epochs[-1].val_loss < made.epochs[0].val_loss
    weights = load_file(adapter / "adapter_model.safetensors")
    assert all(torch.isfinite(weight).all() for weight in weights.values())
    assert any(weight.any() for name, weight in weights.items() if "lora_B" in name)
