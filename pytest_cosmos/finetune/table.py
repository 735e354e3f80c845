"""The table of epochs, read off the Trainer's log, and which of them is the best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_cosmos.finetune.record import Epoch

BY_CATEGORY = "eval_accuracy_of_"
"""Before the name of a category, in the Trainer's log."""


def base_of(figures: Mapping[str, float]) -> Epoch:
    """Make the line of the base, from what the Trainer's `evaluate` returned before any training."""
    accuracy = figures["eval_accuracy"]
    return Epoch(
        epoch=0,
        val_loss=figures["eval_loss"],
        val_accuracy=accuracy,
        by_category=_by_category(figures),
        score=accuracy,
    )


def epochs_of(log: Iterable[Mapping[str, float]], base: Epoch) -> tuple[Epoch, ...]:
    """Return the base and every epoch of a Trainer's `log_history` that was validated whole."""
    losses: dict[int, float] = {}
    found: dict[int, Epoch] = {}
    for entry in log:
        number = round(entry.get("epoch", 0.0))
        if "loss" in entry:
            losses[number] = entry["loss"]
        if "eval_accuracy" in entry and number:
            categories = _by_category(entry)
            found[number] = Epoch(
                epoch=number,
                train_loss=losses.get(number),
                val_loss=entry["eval_loss"],
                val_accuracy=entry["eval_accuracy"],
                by_category=categories,
                score=score(entry["eval_accuracy"], categories, base.by_category),
            )
    return (base, *(found[number] for number in sorted(found)))


def _by_category(entry: Mapping[str, float]) -> dict[str, float]:
    return {key.removeprefix(BY_CATEGORY): entry[key] for key in entry if key.startswith(BY_CATEGORY)}


def score(accuracy: float, categories: Mapping[str, float], before: Mapping[str, float]) -> float:
    """Return what the best epoch has most of: the accuracy, less what any category has lost against the base.

    So an epoch that gains on hard cases what it loses on easy ones is no better than the base.
    """
    return accuracy - max([0.0, *(before[name] - categories[name] for name in before if name in categories)])


def best_of(epochs: Sequence[Epoch]) -> Epoch:
    """Return the best trained epoch, of equal ones that of lower loss; the base is none."""
    return max(epochs[1:], key=lambda epoch: (epoch.score, -epoch.val_loss))


def is_spent(epochs: Sequence[Epoch], patience: int) -> bool:
    """Tell whether `patience` epochs have passed since the best one."""
    return len(epochs) > 1 and epochs[-1].epoch - best_of(epochs).epoch >= patience
