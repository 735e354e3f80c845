"""How a model is fine-tuned: finetune.yaml, and what holds where it says nothing.

targets: language        # or vision, or both: which tower LoRA adapts
rank: 16
learning_rate: 0.0002    # at its peak: it rises over the first tenth of the steps, then falls along a cosine
epochs: 3                # at most: it stops after `patience` epochs without a better validation
batch_size: 8            # examples a step, on all devices together
augment: {strength: 0.5} # lighting, colour, blur, noise, …; never of validation and test
mix: {real: 0.5, simulation: 0.5}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import Field, StrictStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from pytest_cosmos.engines.known_models import TINY
from pytest_cosmos.finetune.augment import Augmentation
from pytest_cosmos.finetune.towers import Tower
from pytest_cosmos.records import Record
from pytest_cosmos.userfiles import Complaints, Kind, Node, YamlReader, quoted, read_file, read_yaml

_NOT_AT_ALL = frozenset({"none", "off", "false", "no", ""})


class Recipe(Record, allow_inf_nan=False):
    """All that decides what a training run does, beside its data and its base."""

    targets: Tower = "language"
    rank: int = Field(default=16, ge=1)
    alpha: float = Field(default=32, gt=0)
    """The update is scaled by alpha / rank."""
    dropout: float = Field(default=0.05, ge=0, lt=1)
    learning_rate: float = Field(default=2e-4, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Part of the steps over which the rate rises."""
    epochs: int = Field(default=3, ge=1)
    patience: int = Field(default=2, ge=1)
    """Epochs without a better validation after which it stops."""
    batch_size: int = Field(default=16, ge=1)
    """Examples behind each step of the optimiser, on one device."""
    accumulation: int = Field(default=1, ge=1)
    """Parts in which such a batch goes through the model, one after the other: more need less memory."""
    processes: int = Field(default=1, ge=1)
    """On a processor (CPU): in so many processes, or as many as it has cores, each batch is shared."""
    checkpointing: bool = False
    """Compute activations twice rather than keep them (gradient checkpointing): less memory, a third slower."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the computations; `auto`: bfloat16 on a GPU that knows it."""
    quantize: Literal["none", "int8", "int4"] = "none"
    """The base in fewer bits (QLoRA, bitsandbytes)."""
    prompts_together: bool = False
    """Keep the prompts of a sample in one batch, where its picture goes through the vision tower once: faster, but each
    step sees fewer pictures."""
    answer_weight: float = Field(default=0.0, ge=0)
    """How much the tokens of the answer count besides, where a reply reasons first: one answer among many words."""
    hazard_weight: float = Field(default=1.0, gt=0)
    """How much a reply counts whose right answer is the dangerous one, where any other counts 1."""
    other_thoughts: float = Field(default=0.0, ge=0, lt=1)
    """In which part of the examples that reason the reasoning is another sample's, and only the answer is learnt: the
    answer is then read off the picture, not off the words before it."""
    augment: Augmentation | None = None
    """How pictures are varied in training; None: not at all."""
    mix: dict[StrictStr, float] = Field(default_factory=dict)
    """Which part of the training examples comes from which source, e.g. half `real`, half `simulation`."""
    balance: Literal["", "label", "category", "source"] = ""
    """By what the samples are balanced: each value is seen equally often."""
    shots: int | None = Field(default=None, ge=1)
    """Only so many samples a label."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """As far as numpy's go."""

    @field_validator("augment", mode="before")
    @classmethod
    def _none_or_strengths(cls, said: Any) -> Any:
        if isinstance(said, str) and said.lower() in _NOT_AT_ALL:
            return None
        if not isinstance(said, (dict, Augmentation, type(None))):
            raise PydanticCustomError("augment", "must be none, or a mapping such as {strength: 0.5}")
        return said

    @field_validator("accumulation", "processes")
    @classmethod
    def _divides_the_batch(cls, parts: int, info: ValidationInfo) -> int:
        size = info.data.get("batch_size", parts)
        if size % (parts * info.data.get("accumulation", 1)):
            raise PydanticCustomError("parts", "batch_size {size} is no multiple of it", {"size": size})
        return parts


DEFAULTS = Recipe()
"""For a real model. Rank and rate lie between those of NVIDIA's own trl_sft.py for Cosmos-Reason2 (r 32, 2e-4) and
peft's usual ones; the vision tower, large and well trained, stays as it is."""

TINY_RECIPE = Recipe(
    targets="both",
    rank=24,
    alpha=48,
    dropout=0.0,
    learning_rate=1.5e-3,
    epochs=3,
    patience=3,
    batch_size=24,
    answer_weight=4,
    hazard_weight=2,
    other_thoughts=0.1,
    augment=Augmentation(blur=0, noise=0, perspective=0, shadows=0, occlusion=0),
)
"""For the embedded model, whose weakness lies in its vision tower."""


def usual_recipe(model: str) -> Recipe:
    """Return what holds for a model, by its name, where finetune.yaml says nothing."""
    return TINY_RECIPE if model == TINY else DEFAULTS


def read_recipe(file: Path | None, usual: Recipe) -> Recipe:
    """Read finetune.yaml over `usual`; Problems with all its mistakes, each with its line."""
    if file is None:
        return usual
    complaints = Complaints()
    root = read_yaml(read_file(file), file, complaints)
    reader = YamlReader(file, complaints)
    found = {} if root is None else reader.mapping(root, "the file", "{rank: 16, epochs: 3}")
    reader.known(found, tuple(Recipe.model_fields), "the file")
    said = {key: _plain(node) for key, node in found.items() if key in Recipe.model_fields}
    recipe = usual
    try:
        recipe = Recipe.model_validate({**usual.model_dump(), **_merged(said, usual)})
    except ValidationError as error:
        for mistake in error.errors():
            key = str(mistake["loc"][0])
            path, value = ".".join(map(str, mistake["loc"])), quoted(str(mistake["input"]))
            # a usual value may be at odds with one that the file names
            where = found.get(key) or next(iter(found.values()))
            reader.complain(where, f"{path} is {value}: {mistake['msg'].lower()}.{_allowed(key)}")
    complaints.raise_any()
    return recipe


def _merged(said: dict[str, Any], usual: Recipe) -> dict[str, Any]:
    """Let what is said of `augment` go over the usual strengths."""
    augment = said.get("augment")
    if isinstance(augment, dict):
        said["augment"] = {**(usual.augment.model_dump() if usual.augment else {}), **augment}
    return said


def _allowed(key: str) -> str:
    """Name the words that a key may have."""
    annotation = Recipe.model_fields[key].annotation if key in Recipe.model_fields else None
    words = get_args(annotation) if get_origin(annotation) is Literal else ()
    return f" Allowed: {', '.join(word for word in words if word)}." if words else ""


def _plain(node: Node) -> Any:
    """Turn a node into the value that YAML means; the fields know which words are numbers or switches, and which not.

    A switch stays a word: for pydantic, True is a number too.
    """
    match node.kind:
        case Kind.MAPPING:
            return {key.raw: _plain(value) for key, value in node.pairs}
        case Kind.LIST:
            return [_plain(item) for item in node.items]
        case Kind.NOTHING:
            return None
        case _:
            return node.raw
