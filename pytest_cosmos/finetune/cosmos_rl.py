"""Configurations of cosmos-rl for a packed data set: all weights (sft.toml), and LoRA (lora.toml).

The keys are those of the Cosmos Cookbook's recipes (wafermap_classification, intelligent-transportation) and of
cosmos_rl/policy/config/__init__.py (`LoraConfig`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_cosmos.errors import OptionError
from pytest_cosmos.finetune.packed import MEDIA, Format, Packed
from pytest_cosmos.prompting import Family, vision_of
from pytest_cosmos.records import Vision

_TEXT_TOKENS = 4096
"""Left for the question and the reply."""

_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
_MLP = ("gate_proj", "up_proj", "down_proj")

# Which modules of which tower the names hold: those of transformers' Qwen2.5-VL (Reason1) and Qwen3-VL (Reason2).
_TARGETS = {
    "reason1": (
        _ATTENTION,
        (
            "These are in the language model only. Its vision tower (Qwen2.5-VL) has gate_proj, up_proj and down_proj,",
            "too: add those three, and both towers get adapters.",
        ),
    ),
    "reason2": (
        (*_ATTENTION, *_MLP),
        ("These are in the language model only: the vision tower (Qwen3-VL) has qkv, proj and linear_fc1/2.",),
    ),
}


# Which loader of nvidia-cosmos/cosmos-reason2 (examples/cosmos_rl/scripts) the files are for, and what to know of it:
# read in these scripts, and in the data packers of cosmos-rl 0.3.9.
_LOADERS: dict[str, tuple[Format, tuple[str, ...]]] = {
    "reason1": (
        "hf",
        (
            "hf_sft.py: llava_sft.py hands pictures over as bytes, which the packer of Reason1 does not read, and",
            "the loader of nvidia-cosmos/cosmos-reason1 (custom_sft.py) says no system prompt.",
        ),
    ),
    "reason2": (
        "llava",
        (
            "llava_sft.py: cosmos-rl 0.3.9 reads pictures for hf_sft.py only as base64. It shows them as",
            "the checkpoint's own processor does: min_pixels and max_pixels below reach videos only.",
        ),
    ),
}


def needed_format(family: Family) -> Format:
    """Return the format that the configurations are for; OptionError where cosmos-rl trains no such model."""
    if family.name not in _LOADERS:
        raise OptionError(
            f"--toml: a model of the family {family.name} is none that cosmos-rl's recipes are for. "
            f"Families: {', '.join(_LOADERS)}."
        )
    return _LOADERS[family.name][0]


@dataclass(frozen=True, slots=True)
class Training:
    """What a configuration needs to know of the model and the machine."""

    model: str
    """A repository of the hub, or a folder."""
    revision: str | None = None
    gpus: int = 4


def configurations(
    training: Training, family: Family, out: Path, records: Sequence[Packed], formats: Collection[Format]
) -> dict[str, str]:
    """Return the text of each file, by its name; OptionError as `needed_format`."""
    needed_format(family)
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)  # noqa: S701
    environment.filters["toml"] = toml_value
    template = environment.get_template("cosmos_rl.toml.j2")
    common = _common(training, family, out, records) | {"formats": formats}
    files = {"sft.toml": ("All weights", False), "lora.toml": ("Low-rank adapters (LoRA)", True)}
    return {
        name: template.render(
            **common,
            name=name,
            lora=lora,
            title=f"{what} of {training.model} on {common['records']} records.",
            output_dir=f"outputs/{out.name}-{name.removesuffix('.toml')}",
            experiment=f"{out.name}/{name.removesuffix('.toml')}",
        )
        for name, (what, lora) in files.items()
    }


def toml_value(value: str | Sequence[str]) -> str:
    """Write a text, or a list of texts, in TOML: strings as JSON has them, but for DEL."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"[{', '.join(map(toml_value, value))}]"


def _common(training: Training, family: Family, out: Path, records: Sequence[Packed]) -> dict[str, Any]:
    train = [record for record in records if record.case["sample"]["split"] == "train"]
    videos = any(kind == "video" for record in train for kind, _ in record.media)
    vision, remarks = _vision(family, train)
    images = max(sum(kind == "image" for kind, _ in record.media) for record in train)
    tokens = images * int(vision.get("max_pixels", 0)) // (family.vision.token_pixels or 1)
    target_modules, lora_remarks = _TARGETS[family.name]
    # a step takes train_batch_per_replica records, and no part of one: few records need a small batch
    batch = max((size for size in (32, 16, 8, 4, 2) if size <= len(train)), default=1)
    return {
        "script": f"{_LOADERS[family.name][0]}_sft.py",
        "loader_remarks": _LOADERS[family.name][1],
        "path": str(out / "hf" / "train"),
        "annotation_path": str(out / "llava" / "train.json"),
        "media_path": str(out / MEDIA),
        "system_prompt": records[0].system,
        "family": family.name,
        "vision": vision,
        "remarks": remarks,
        "records": len(train),
        "batch": batch,
        "mini_batch": 1 if videos else min(4, batch),
        "model": training.model,
        "revision": training.revision,
        "videos": videos,
        "tokens": tokens,
        "max_length": max(40960 if videos else 0, tokens + _TEXT_TOKENS),
        "lora_remarks": lora_remarks,
        "target_modules": target_modules,
        "project": family.name,
        "gpus": training.gpus,
    }


def _vision(family: Family, records: Sequence[Packed]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return how media are shown, by the keys of `[custom.vision]`, and what cannot be shown as in evaluation."""
    asked = {json.dumps(one.case["prompt"]["vision"], sort_keys=True): one.case["prompt"]["vision"] for one in records}
    kinds = sorted({kind for record in records for kind, _ in record.media})
    remarks = []
    if len(asked) > 1:
        remarks.append("The prompts differ in how they show media, and there is one way for all here: the first one's.")
    if len(kinds) > 1:
        remarks.append("Images and videos are shown with the same bounds here: those of videos.")
    shown = vision_of(family.vision, Vision.model_validate(next(iter(asked.values()))), kinds[-1])
    said: dict[str, float | None] = {"min_pixels": shown.min_pixels, "max_pixels": shown.max_pixels}
    if kinds[-1] == "video":
        said |= {"nframes": shown.frames, "fps": shown.fps}  # one of them is None
    return {key: value for key, value in said.items() if value is not None}, tuple(remarks)
