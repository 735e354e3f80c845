"""The training loop: transformers' Trainer, with the examples, the loss and the validation of this project."""

from __future__ import annotations

import hashlib
import inspect
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils import gather_object
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset, Sampler, Subset
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from pytest_cosmos.engines.transformers_load import Loaded
from pytest_cosmos.errors import TrainingError
from pytest_cosmos.finetune.batches import IGNORED, Collator, Drawn
from pytest_cosmos.finetune.examples import Example
from pytest_cosmos.finetune.progress import Progress
from pytest_cosmos.finetune.recipe import Recipe
from pytest_cosmos.finetune.record import Epoch
from pytest_cosmos.finetune.sharing import by_sample, share_vision
from pytest_cosmos.finetune.table import BY_CATEGORY, RECALL, epochs_of, is_spent
from pytest_cosmos.finetune.validation import Validation

if TYPE_CHECKING:
    from torch import Tensor


class Examples(Dataset[Drawn]):
    """Examples, drawn by place and epoch; what is random about one hangs on these and the seed alone."""

    def __init__(self, examples: Sequence[Example], seed: int) -> None:
        self._examples, self._seed = examples, seed

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, place: int | tuple[int, int]) -> Drawn:
        index, epoch = place if isinstance(place, tuple) else (place, 0)
        example = self._examples[index]
        named = f"{self._seed}/{epoch}/{index}/{example.case.key}"
        return Drawn(example, int.from_bytes(hashlib.sha256(named.encode()).digest()[:8]))


class Shuffled(Sampler[tuple[int, int]]):
    """All places in an order that hangs on seed and epoch alone, so that a resumed run sees what it would have seen.

    Those of one group stay together.
    """

    def __init__(self, groups: Sequence[Sequence[int]], seed: int) -> None:
        self._groups, self._seed, self._epoch = groups, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Take the order of an epoch, counted from 0; the Trainer calls this."""
        self._epoch = epoch

    def __len__(self) -> int:
        return sum(map(len, self._groups))

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = list(self._groups)
        random.Random(f"{self._seed}/{self._epoch}").shuffle(order)
        return iter([(place, self._epoch) for group in order for place in group])


class Watch(TrainerCallback):  # type: ignore[misc]
    """Shows how far training is, and stops it when it gets no better."""

    def __init__(self, recipe: Recipe, base: Epoch, progress: Progress) -> None:
        self._recipe, self._base, self._progress = recipe, base, progress

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: Any, **_: Any) -> None:
        """Show the table so far, of a resumed run too."""
        for epoch in epochs_of(state.log_history, self._base):
            self._progress.epoch(epoch)
        self._progress.begin(state.max_steps, state.global_step)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: Any, **_: Any) -> None:
        """Move on."""
        self._progress.step(state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Show an epoch's line once it is whole; stop where `patience` epochs were no better than the best."""
        if "eval_accuracy" not in (logs or {}):
            return
        epochs = epochs_of(state.log_history, self._base)
        self._progress.epoch(epochs[-1])
        if is_spent(epochs, self._recipe.patience):
            control.should_training_stop = True


class LoraTrainer(Trainer):  # type: ignore[misc]
    """Trains the layers that were added; after each epoch asks the validation cases as the benchmark would."""

    def __init__(
        self,
        model: Any,
        arguments: TrainingArguments,
        recipe: Recipe,
        examples: tuple[Sequence[Example], Sequence[Example]],
        collators: tuple[Collator, Collator],
        validation: Validation,
    ) -> None:
        self._recipe = recipe
        self._held_back, self._plain = examples[1], collators[1]
        self._validation = validation
        self._measured: list[tuple[float, int]] = []
        self._keeps = "logits_to_keep" in inspect.signature(model.get_base_model().forward).parameters
        self._groups = [[place] for place in range(len(examples[0]))]
        if recipe.prompts_together:
            self._groups = by_sample(examples[0])
            share_vision(model.get_base_model())
        train, held_back = (Examples(part, recipe.seed) for part in examples)
        super().__init__(
            model=model, args=arguments, train_dataset=train, eval_dataset=held_back, data_collator=collators[0]
        )
        # Qwen's classes deny it, but `compute_loss` below does divide by the tokens of the whole batch. Otherwise each
        # part of a batch (accumulation, processes) would count alike, however few tokens its replies have.
        self.model_accepts_loss_kwargs = True
        self.remove_callback(PrinterCallback)

    def _get_train_sampler(self, train_dataset: Any = None) -> Shuffled:
        return Shuffled(self._groups, self._recipe.seed)

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> LambdaLR:
        """Make the schedule of the rate, whose first one is 0 where it rises.

        Where an epoch is one step that one is left out, or the first epoch would learn nothing.
        """
        if num_training_steps > self._recipe.epochs or not self._recipe.warmup:
            usual: LambdaLR = super().create_scheduler(num_training_steps, optimizer)
            return usual
        rate = super().create_scheduler(num_training_steps + 1, optimizer).lr_lambdas[0]
        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, lambda step: rate(step + 1))
        return self.lr_scheduler

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the cross entropy of the replies' tokens, weighted as the recipe says."""
        weights = token_weights(self._recipe, inputs.pop("answers"), inputs.pop("hazards"))
        labels = inputs.pop("labels")
        outputs = self._outputs(model, inputs, labels)
        loss = reply_loss(outputs.logits, labels, weights, num_items_in_batch)
        self._check_finite(loss)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def _outputs(self, model: Any, inputs: dict[str, Any], labels: Tensor) -> Any:
        if self._keeps:  # a score for every word of a large vocabulary at every place of a prompt would fill memory
            inputs["logits_to_keep"] = labels.shape[1]
        return model(**inputs)

    def _check_finite(self, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise TrainingError(not_finite(self.state.global_step, self._recipe.learning_rate))

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Drawn]:
        """Load this process's share of the validation examples, each of which is in one share only.

        The Trainer's own loader repeats some where the shares are unequal. The prompts of a sample stay neighbours.
        """
        mine = by_sample(self._held_back)[self.args.process_index :: self.args.world_size]
        return DataLoader(
            Subset(self.eval_dataset, [place for group in mine for place in group]),
            batch_size=self.args.eval_batch_size,
            collate_fn=self._plain,
            num_workers=self.args.dataloader_num_workers,
            prefetch_factor=self.args.dataloader_prefetch_factor,
        )

    def prediction_step(self, model: Any, inputs: dict[str, Any], *_: Any, **__: Any) -> tuple[None, None, None]:
        """Note the sum of a batch's losses, and of how many tokens; the Trainer's own mean would be one of batches."""
        inputs = self._prepare_inputs(inputs)
        labels = inputs.pop("labels")
        rest = {name: value for name, value in inputs.items() if name not in ("answers", "hazards")}
        with torch.no_grad(), self.compute_loss_context_manager():
            losses = token_losses(self._outputs(model, rest, labels).logits, labels)
        self._check_finite(losses.sum())
        self._measured.append((losses.sum().item(), int((labels[:, 1:] != IGNORED).sum())))
        return None, None, None

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Measure loss and answers on the validation split.

        The loss is the mean over all tokens of the replies, without the recipe's weights: the same in batches of any
        size and shared by any number of processes, so that epochs and recipes can be compared by it.
        """
        self._measured.clear()
        figures: dict[str, float] = super().evaluate(*args, **kwargs)
        self.model.eval()
        found = self._validation(self.args.process_index, self.args.world_size)
        sums, counts = zip(*gather_object(self._measured), strict=True)
        figures |= {"eval_loss": math.fsum(sums) / sum(counts), "eval_accuracy": found.accuracy}
        figures |= {} if found.recall is None else {RECALL: found.recall}
        figures |= {f"{BY_CATEGORY}{name}": value for name, value in found.by_category.items()}
        self.log({key: value for key, value in figures.items() if key != "epoch"})
        return figures


def arguments_of(recipe: Recipe, folder: Path, loaded: Loaded, shares: int = 1) -> TrainingArguments:
    """Return the Trainer's arguments for a recipe, of which each batch is done in `shares` processes."""
    at_a_time = recipe.batch_size // recipe.accumulation // shares
    on_gpu = loaded.model.device.type == "cuda"
    bfloat16 = recipe.precision == "bfloat16" or (
        recipe.precision == "auto" and on_gpu and torch.cuda.is_bf16_supported()
    )
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=at_a_time,
        per_device_eval_batch_size=at_a_time,
        gradient_accumulation_steps=recipe.accumulation,
        **_checkpointing(recipe),
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        lr_scheduler_type="cosine",
        warmup_steps=recipe.warmup,  # below 1: a part of all steps
        max_grad_norm=1.0,
        adam_beta2=0.98,
        ddp_find_unused_parameters=False,  # every example shows something: both towers are always used
        bf16=bfloat16,
        use_cpu=not on_gpu,
        seed=recipe.seed,
        data_seed=recipe.seed,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        prediction_loss_only=True,
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_num_workers=1,  # pictures are decoded and varied beside the training
        dataloader_prefetch_factor=4,
        disable_tqdm=True,
        report_to="none",
    )


def _checkpointing(recipe: Recipe) -> dict[str, bool]:
    """Return the argument by the name that this release of transformers gives it (`activation_…` since 5.24)."""
    names = ("activation_checkpointing", "gradient_checkpointing")
    known = next(name for name in names if name in TrainingArguments.__dataclass_fields__)
    return {known: True} if recipe.checkpointing else {}


def token_weights(recipe: Recipe, answers: Tensor, hazards: Tensor) -> Tensor:
    """Say how much each token of the replies counts: `answers` (b, 1 + R) and `hazards` (b, 1) are 1 or 0."""
    return (1 + recipe.answer_weight * answers) * (1 + (recipe.hazard_weight - 1) * hazards)


def reply_loss(logits: Tensor, labels: Tensor, weights: Tensor, items: Any) -> Tensor:
    """Average the cross entropy over the labelled tokens, each counted `weights` times.

    `logits` (b, > R, V) end where the replies end; `labels` and `weights` (b, 1 + R), whose first column is that of the
    prompt's last token. `items`: by how many tokens to divide, where it is a part of a larger batch; None: by its own.
    """
    count = (labels[:, 1:] != IGNORED).sum() if items is None else items
    return (token_losses(logits, labels) * weights[:, 1:].flatten()).sum() / count


def token_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross entropy of each of the b x R tokens of the replies, 0 where there is no label."""
    kept = logits[:, -labels.shape[1] : -1].float()
    return cross_entropy(kept.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED, reduction="none")


def not_finite(step: int, rate: float) -> str:
    """Say what to do about a loss that is no number."""
    return (
        f"the loss of step {step + 1} is not a number: training has diverged (learning_rate {rate:g}). The adapter of "
        "the last good epoch is kept. Lower learning_rate, or take precision: float32."
    )
