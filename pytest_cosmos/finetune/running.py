"""One training run, from the suite to the adapter's folder.

out/checkpoints/plan.json           what is trained, so that --resume goes on with nothing else
out/checkpoints/checkpoint-<step>/  the Trainer's, one an epoch: an adapter, and what going on needs
out/adapter_model.safetensors …     the best epoch's
out/finetune.json                   written last: its presence means that the run is whole
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from pytest_cosmos.engines import check_engine
from pytest_cosmos.engines.transformers import TransformersEngine
from pytest_cosmos.engines.transformers_load import Loaded
from pytest_cosmos.errors import OptionError
from pytest_cosmos.finetune import outputs
from pytest_cosmos.finetune.augment import augment, contact_sheet
from pytest_cosmos.finetune.batches import Collator
from pytest_cosmos.finetune.examples import Example, examples
from pytest_cosmos.finetune.masks import find_masks, load_mask, masks_digest
from pytest_cosmos.finetune.processes import shares_of, train_in_processes
from pytest_cosmos.finetune.progress import Progress, Shown, Silent
from pytest_cosmos.finetune.recipe import Recipe, read_recipe, usual_recipe
from pytest_cosmos.finetune.record import Epoch, Finetune, Plan
from pytest_cosmos.finetune.request import FinetuneRequest
from pytest_cosmos.finetune.selection import select
from pytest_cosmos.finetune.table import base_of, epochs_of, is_over, kept_of
from pytest_cosmos.finetune.towers import Targets, targets_of
from pytest_cosmos.finetune.validation import Validation
from pytest_cosmos.media import load_image, media_kind
from pytest_cosmos.records import Sample
from pytest_cosmos.settings import Settings
from pytest_cosmos.suites import Suite, guard_training, read_suite

PICTURES = "pictures.jpg"
_ROWS, _VARIANTS = 6, 6
_VERSIONS = ("torch", "transformers", "peft", "accelerate", "pytest-cosmos")


@dataclass(frozen=True, slots=True)
class Lessons:
    """What is learnt from, and what it is checked on."""

    suite: Suite
    train: tuple[Example, ...]
    """Of one epoch."""
    validation: tuple[Example, ...]
    masks: Mapping[str, Path]
    """Of what the labels of training samples are about, by their ids."""


def run(request: FinetuneRequest, console: Console) -> Path:
    """Train an adapter, and return its folder; errors as `finetune.finetune` says.

    Of several processes (`torchrun`, `accelerate launch`) each runs this; the first writes.
    """
    recipe = read_recipe(request.config, usual_recipe(request.settings.model))
    if request.shares == 1 and (shares := shares_of(recipe.processes, request.settings.device)) > 1:
        return train_in_processes(request, shares)
    settings = replace(_of_this_process(request.settings), quantize=recipe.quantize)
    check_engine(settings)
    suite = read_suite(request.suite, split="train", decode=("train", "validation", "test"))
    check_validation(suite)
    if is_first():
        outputs.check_out(request.out, resume=request.resume)
        if not request.resume:  # the plan says that nothing has changed since; looking at all pictures takes a while
            guard_training(suite)
    engine = TransformersEngine(settings, {suite.name: suite.folder})
    engine.load()
    lessons = lessons_of(suite, engine.loaded, recipe)
    plan = plan_of(lessons, engine.loaded, recipe, request.settings.root)
    if is_first():
        outputs.begin(request.out, plan, resume=request.resume)
        show_pictures(request.out, lessons, recipe)
        if recipe.augment is not None and not recipe.augment.keeps_directions and plan.reasoned:
            console.print("flips and turns: reasoning that names directions (on the left) is no longer true of them")
    with outputs.explained(request.out, recipe):
        targets = targets_of(engine.loaded.model, recipe.targets)
        trainer = trainer_for(request.out, engine, lessons, recipe, targets, request.shares)
        started = time.perf_counter()
        epochs = _train(request.out, trainer, recipe, Shown(console) if is_first() else Silent())
        if is_first():
            outputs.finish(request.out, _record(request.out, plan, trainer, targets, epochs, started))
    return request.out


def is_first() -> bool:
    """Tell whether this is the only process, or the first of several."""
    return os.environ.get("RANK", "0") == "0"


def check_validation(suite: Suite) -> None:
    """Raise OptionError where there is nothing to choose an epoch by."""
    if not suite.cases("validation"):
        raise OptionError(
            f"suite {suite.name}: its validation split has no cases, and on these it is decided which epoch is kept. "
            "Give some training samples the split validation, whole groups: pytest-cosmos split helps."
        )


def lessons_of(suite: Suite, loaded: Loaded, recipe: Recipe) -> Lessons:
    """Choose what is learnt from."""
    every = examples(suite, "train", loaded.family)
    train = select(every, mix=recipe.mix, balance=recipe.balance, shots=recipe.shots, seed=recipe.seed)
    column = recipe.augment.masks if recipe.augment is not None else ""
    masks = find_masks(suite, (one.case.sample for one in train), column) if column else {}
    return Lessons(suite, train, examples(suite, "validation", loaded.family), masks)


def show_pictures(out: Path, lessons: Lessons, recipe: Recipe) -> None:
    """Save some training pictures with their variations, for the eye; nothing where pictures are not varied."""
    if recipe.augment is None or (out / PICTURES).exists():
        return
    files = {
        lessons.suite.folder / name: lessons.masks.get(example.case.sample.id)
        for example in lessons.train
        for name in example.case.sample.media
        if media_kind(name) == "image"
    }
    rows = []
    for row, (path, marked) in enumerate(list(files.items())[:: max(1, len(files) // _ROWS)][:_ROWS]):
        picture, mask = load_image(path), load_mask(marked) if marked else None
        seeds = range(row * _VARIANTS, (row + 1) * _VARIANTS)  # others in each row: more kinds are to be seen
        rows.append([picture, *(augment(picture, recipe.augment, seed, mask) for seed in seeds)])
    if rows:
        contact_sheet(rows, out / PICTURES)


def plan_of(lessons: Lessons, loaded: Loaded, recipe: Recipe, root: Path) -> Plan:
    """Say what is trained on what."""
    seen = {"train": lessons.train, "validation": lessons.validation}
    return Plan(
        base=loaded.record,
        suite=lessons.suite.name,
        suite_digest=lessons.suite.digest,
        trained_on={
            lessons.suite.name: {split: _media(one.case.sample for one in part) for split, part in seen.items()}
        },
        suite_path=Path(os.path.relpath(lessons.suite.folder, root)).as_posix(),
        test_media=_media(sample for sample in lessons.suite.samples if sample.split == "test"),
        examples={split: len(part) for split, part in seen.items()},
        masks=masks_digest(lessons.masks),
        reasoned=sum(example.case.prompt.reasoning for example in lessons.train),
        recipe=recipe,
        versions={name: version(name) for name in _VERSIONS},
    )


def _media(samples: Iterable[Sample]) -> tuple[str, ...]:
    return tuple(sorted({sample.media_hash for sample in samples}))


def _of_this_process(settings: Settings) -> Settings:
    """Take this process's GPU where `torchrun` or `accelerate launch` has started several."""
    rank = os.environ.get("LOCAL_RANK")
    if rank is None or settings.device not in ("auto", "cuda"):
        return settings
    import torch

    return replace(settings, device=f"cuda:{rank}") if torch.cuda.is_available() else settings


def trainer_for(
    out: Path, engine: TransformersEngine, lessons: Lessons, recipe: Recipe, targets: Targets, shares: int = 1
) -> Any:
    """Return the Trainer of a model in memory, to which the adapter's layers are added.

    `shares`: in so many processes each batch is shared.
    """
    from accelerate.utils import gather_object
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import set_seed

    from pytest_cosmos.finetune.training import LoraTrainer, arguments_of

    loaded = engine.loaded
    set_seed(recipe.seed)  # the adapter begins with random numbers
    if recipe.quantize != "none":
        prepare_model_for_kbit_training(loaded.model, use_gradient_checkpointing=recipe.checkpointing)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for a name that it has renamed
        model = get_peft_model(loaded.model, LoraConfig(**lora_settings(targets, recipe)))
    return LoraTrainer(
        model,
        arguments_of(recipe, outputs.checkpoints(out), loaded, shares),
        recipe,
        (lessons.train, lessons.validation),
        _collators(loaded, lessons, recipe),
        Validation(engine, lessons.suite.cases("validation"), gather_object),
    )


def _train(out: Path, trainer: Any, recipe: Recipe, progress: Progress) -> tuple[Epoch, ...]:
    """Train, and validate every epoch, as far as that is not done already; the Trainer's checkpoints are in `out` then.

    Returns the table.
    """
    from pytest_cosmos.finetune.training import Watch

    base = outputs.base_epoch(out) or base_of(trainer.evaluate())
    if is_first():
        outputs.keep_base_epoch(out, base)
    last = outputs.last_whole_checkpoint(out)
    done = epochs_of(outputs.log_of(last), base)
    if is_over(done, recipe):  # it was stopped when all that was left was to finish
        for epoch in done:
            progress.epoch(epoch)
        return done
    trainer.add_callback(Watch(recipe, base, progress))
    try:
        trainer.train(resume_from_checkpoint=last)
    finally:
        progress.end()
    return epochs_of(trainer.state.log_history, base)


def _record(
    out: Path, plan: Plan, trainer: Any, targets: Targets, epochs: tuple[Epoch, ...], started: float
) -> Finetune:
    """Say what a run that is over came to; TrainingError where it has learnt nothing."""
    return Finetune(
        **plan.model_dump(),
        adapted=targets.adapted,
        parameters=sum(weight.numel() for weight in trainer.model.parameters() if weight.requires_grad),
        epochs=epochs,
        best=kept_of(epochs, partial(outputs.changed_by, out)).epoch,
        stopped_early=epochs[-1].epoch < plan.recipe.epochs,
        seconds=time.perf_counter() - started,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _collators(loaded: Loaded, lessons: Lessons, recipe: Recipe) -> tuple[Collator, Collator]:
    """Return that of training, which varies what it shows, and that of validation, which does not."""
    folders = {lessons.suite.name: lessons.suite.folder}
    said = (example.case.sample.reasoning for example in lessons.train)
    thoughts = tuple(dict.fromkeys(reasoning for reasoning in said if reasoning))
    vary = Collator(
        loaded,
        folders,
        vary=recipe.augment,
        masks=lessons.masks,
        other_thoughts=recipe.other_thoughts,
        thoughts=thoughts,
    )
    return vary, Collator(loaded, folders)


def lora_settings(targets: Targets, recipe: Recipe) -> dict[str, Any]:
    """Return the arguments of peft's LoraConfig."""
    return {
        "r": recipe.rank,
        "lora_alpha": recipe.alpha,
        "lora_dropout": recipe.dropout,
        "target_modules": list(targets.modules),
        "exclude_modules": list(targets.excluded) or None,
    }
