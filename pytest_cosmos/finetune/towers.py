"""Which modules of a model LoRA adapts: its language tower, its vision tower, or both.

A list of names such as `gate_proj` means different things to different models: Qwen2.5-VL (Reason1) has layers of that
name in its vision tower too, Qwen3-VL (Reason2) only in its language model. So the towers are looked up in the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Tower = Literal["language", "vision", "both"]


@dataclass(frozen=True, slots=True)
class Targets:
    """What peft's LoraConfig is told."""

    modules: tuple[str, ...]
    """The last parts of the names, e.g. `q_proj`, so that servers that know only such names read the adapter too."""
    excluded: tuple[str, ...]
    """Full names that end alike, but are not meant: of layers, and of what holds some (`blocks.0`)."""
    adapted: tuple[str, ...]
    """Full names of what is adapted."""


def targets_of(model: Any, tower: Tower) -> Targets:
    """Find the linear layers of a tower, the output head never included."""
    import torch

    language, head = model.get_decoder(), model.get_output_embeddings()
    in_language = {id(module) for module in language.modules()} if language is not model else set()
    wanted: list[str] = []
    others: list[str] = []
    for name, module in model.named_modules():
        inside = id(module) in in_language
        meant = tower == "both" or inside == (tower == "language")
        sound = isinstance(module, torch.nn.Linear) and module is not head
        (wanted if sound and meant else others).append(name)
    modules = tuple(sorted({name.rpartition(".")[2] for name in wanted}))
    excluded = tuple(name for name in others if name.rpartition(".")[2] in modules)
    return Targets(modules, excluded, tuple(wanted))
