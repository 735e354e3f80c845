"""Prompts about one picture share its way through the vision tower, and learn the same from it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pytest_cosmos.engines.transformers_load import Loaded
from pytest_cosmos.finetune.batches import Collator
from pytest_cosmos.finetune.sharing import by_sample, share_vision
from pytest_cosmos.finetune.training import reply_loss
from pytest_cosmos.suites import Suite
from tests.unit.checkpoints import write_reason1, write_reason2
from tests.unit.finetune_builders import drawn, loaded, read_floors
from tests.unit.foreign_checkpoints import write_foreign


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return read_floors(tmp_path)


def learnt(model: Loaded, inputs: dict[str, Any]) -> tuple[float, torch.Tensor, int]:
    """Return loss, gradients and how many images were encoded."""
    encoded: list[int] = []
    weights = [weight for weight in model.model.parameters() if weight.requires_grad]
    visual = model.model.model.visual
    with visual.register_forward_pre_hook(
        lambda _, args, kwargs: encoded.append(len(kwargs["grid_thw"])), with_kwargs=True
    ):
        rest = {name: value for name, value in inputs.items() if name not in ("labels", "answers", "hazards")}
        loss = reply_loss(model.model(**rest).logits, inputs["labels"], torch.ones_like(inputs["labels"]), None)
    slopes = torch.autograd.grad(loss, weights, allow_unused=True)
    return loss.item(), torch.cat([one.flatten() for one in slopes if one is not None]), sum(encoded)


@pytest.mark.parametrize("write", [write_reason1, write_reason2], ids=["reason1", "reason2"])
def test_a_picture_is_encoded_once_for_all_its_prompts_and_teaches_the_same(
    tmp_path: Path, suite: Suite, write: Callable[[Path], Path]
) -> None:
    model = loaded(tmp_path, str(write(tmp_path / "checkpoint")))
    model.model.requires_grad_(True)
    batch = drawn(suite, model)
    inputs = Collator(model, {suite.name: suite.folder})(batch)
    pictures = len(by_sample([one.example for one in batch]))
    assert pictures < len(batch)
    alone = learnt(model, inputs)

    share_vision(model.model)
    shared = learnt(model, inputs)

    pickle.dumps(model.model.model.get_image_features)  # a loader's process is sent the model where it cannot fork
    assert (alone[2], shared[2]) == (len(batch), pictures)
    assert shared[0] == pytest.approx(alone[0], abs=1e-5)
    torch.testing.assert_close(shared[1], alone[1], atol=1e-5, rtol=1e-3)


def test_a_model_that_is_built_otherwise_is_left_as_it_is(tmp_path: Path) -> None:
    model = loaded(tmp_path, str(write_foreign("llava", tmp_path / "llava"))).model
    usual = model.model.get_image_features

    share_vision(model)

    assert model.model.get_image_features == usual


def test_prompts_of_a_sample_are_drawn_together(tmp_path: Path, suite: Suite) -> None:
    examples = [one.example for one in drawn(suite, loaded(tmp_path))]

    groups = by_sample(examples)

    assert [place for group in groups for place in group] == list(range(len(examples)))
    assert all(len({examples[place].case.sample.id for place in group}) == 1 for group in groups)
    assert len(groups) == len({one.case.sample.id for one in examples})
