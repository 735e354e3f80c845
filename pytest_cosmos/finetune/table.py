"""The table of epochs, read off the Trainer's log, and which of them is the best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from pytest_cosmos.errors import TrainingError
from pytest_cosmos.finetune.recipe import Recipe
from pytest_cosmos.finetune.record import Epoch

BY_CATEGORY = "eval_accuracy_of_"
"""Before the name of a category, in the Trainer's log."""

RECALL = "eval_recall"


def base_of(figures: Mapping[str, float]) -> Epoch:
    """Make the line of the base, from what the Trainer's `evaluate` returned before any training."""
    first = _epoch(0, figures)
    return first.model_copy(update={"score": first.val_accuracy})


def epochs_of(log: Iterable[Mapping[str, float]], base: Epoch) -> tuple[Epoch, ...]:
    """Return the base and every epoch of a Trainer's `log_history` that was validated whole."""
    losses: dict[int, float] = {}
    found: dict[int, Epoch] = {}
    for entry in log:
        number = round(entry.get("epoch", 0.0))
        if "loss" in entry:
            losses[number] = entry["loss"]
        if "eval_accuracy" in entry and number:
            epoch = _epoch(number, entry, losses.get(number))
            found[number] = epoch.model_copy(update={"score": score(epoch, base)})
    return (base, *(found[number] for number in sorted(found)))


def _epoch(number: int, entry: Mapping[str, float], train_loss: float | None = None) -> Epoch:
    return Epoch(
        epoch=number,
        train_loss=train_loss,
        val_loss=entry["eval_loss"],
        val_accuracy=entry["eval_accuracy"],
        by_category={key.removeprefix(BY_CATEGORY): entry[key] for key in entry if key.startswith(BY_CATEGORY)},
        recall=entry.get(RECALL),
    )


def score(epoch: Epoch, base: Epoch) -> float:
    """Return what the best epoch has most of: the accuracy, less the most that a category or the recall has lost.

    So an epoch that gains on hard cases what it loses on easy ones is no better than the base, nor is one that raises
    fewer false alarms and misses as many hazards more.
    """
    lost = [before - epoch.watched[name] for name, before in base.watched.items() if name in epoch.watched]
    return epoch.val_accuracy - max([0.0, *lost])


def best_of(epochs: Sequence[Epoch]) -> Epoch:
    """Return the best trained epoch, of equal ones that of lower loss; the base is none."""
    return max(epochs[1:], key=lambda epoch: (epoch.score, -epoch.val_loss))


def kept_of(epochs: Sequence[Epoch], changed: Callable[[int], bool]) -> Epoch:
    """Return the best of the epochs whose adapter has changed the model; TrainingError where none has."""
    base, *trained = epochs
    learnt = [epoch for epoch in trained if changed(epoch.epoch)]
    if not learnt:
        raise TrainingError(
            f"{len(trained)} epochs of training have changed nothing: all output weights of the adapter are still "
            "zero. Raise learning_rate or epochs, or lower batch_size, which makes more steps, and name a new --out."
        )
    return best_of([base, *learnt])


def is_spent(epochs: Sequence[Epoch], patience: int) -> bool:
    """Tell whether `patience` epochs have passed since the best one."""
    return len(epochs) > 1 and epochs[-1].epoch - best_of(epochs).epoch >= patience


def is_over(epochs: Sequence[Epoch], recipe: Recipe) -> bool:
    """Tell whether nothing is left to be trained."""
    return epochs[-1].epoch >= recipe.epochs or is_spent(epochs, recipe.patience)
