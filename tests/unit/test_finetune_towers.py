"""LoRA adapts the tower that was named, of every family, and the layers that are recorded."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from peft import LoraConfig, get_peft_model

from pytest_cosmos.finetune.recipe import Recipe
from pytest_cosmos.finetune.running import lora_settings
from pytest_cosmos.finetune.towers import Tower, targets_of
from tests.unit.checkpoints import write_reason1, write_reason2
from tests.unit.finetune_builders import loaded


@pytest.mark.parametrize("write", [write_reason1, write_reason2])
@pytest.mark.parametrize("tower", ["language", "vision", "both"])
def test_adapts_what_it_says(tmp_path: Path, write: Callable[[Path], Path], tower: Tower) -> None:
    model = loaded(tmp_path, str(write(tmp_path / "checkpoint"))).model
    targets = targets_of(model, tower)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        worn = get_peft_model(model, LoraConfig(**lora_settings(targets, Recipe())))

    found = {name.partition(".lora_A.")[0] for name, _ in worn.get_base_model().named_parameters() if "lora_A" in name}
    assert found == set(targets.adapted)
    in_vision = {".visual." in name for name in targets.adapted}
    assert in_vision == {"language": {False}, "vision": {True}, "both": {True, False}}[tower]
    assert not any("lm_head" in name or "patch_embed" in name for name in targets.adapted)


def test_names_that_both_towers_share_are_told_apart(tmp_path: Path) -> None:
    model = loaded(tmp_path, str(write_reason1(tmp_path / "checkpoint"))).model

    targets = targets_of(model, "language")

    assert "gate_proj" in targets.modules
    assert any("visual" in name and name.endswith("gate_proj") for name in targets.excluded)
