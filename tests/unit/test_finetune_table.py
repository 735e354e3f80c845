"""The table of epochs, which of them is kept, and when to stop."""

from __future__ import annotations

import pytest

from pytest_cosmos.errors import TrainingError
from pytest_cosmos.finetune.record import Epoch
from pytest_cosmos.finetune.table import base_of, best_of, epochs_of, is_spent, kept_of, score

BASE = base_of({"eval_loss": 2.0, "eval_accuracy": 0.70, "eval_accuracy_of_easy": 0.9, "eval_accuracy_of_hard": 0.5})


def validated(epoch: int, accuracy: float, easy: float, hard: float, loss: float = 1.0) -> list[dict[str, float]]:
    """Write what the Trainer logs of an epoch: first the loss of training, then that of validation, then all of it."""
    return [
        {"epoch": float(epoch), "loss": loss / 2, "step": epoch * 10},
        {"epoch": float(epoch), "eval_loss": loss, "step": epoch * 10},
        {
            "epoch": float(epoch),
            "eval_loss": loss,
            "eval_accuracy": accuracy,
            "eval_accuracy_of_easy": easy,
            "eval_accuracy_of_hard": hard,
        },
    ]


def table(*epochs: list[dict[str, float]]) -> tuple[Epoch, ...]:
    return epochs_of([entry for epoch in epochs for entry in epoch], BASE)


def test_reads_the_trainers_log() -> None:
    epochs = table(validated(1, 0.75, 0.9, 0.6, loss=1.5), validated(2, 0.8, 0.9, 0.7, loss=1.2))

    assert [epoch.epoch for epoch in epochs] == [0, 1, 2]
    assert epochs[0] == BASE
    assert (epochs[1].train_loss, epochs[1].val_loss, epochs[1].val_accuracy) == (0.75, 1.5, 0.75)
    assert epochs[2].by_category == {"easy": 0.9, "hard": 0.7}


def test_an_epoch_whose_validation_was_cut_off_is_none() -> None:
    whole = validated(1, 0.75, 0.9, 0.6)

    assert [epoch.epoch for epoch in table(whole, validated(2, 0.8, 0.9, 0.7)[:2])] == [0, 1]


def epoch_of(accuracy: float, recall: float | None = None, **categories: float) -> Epoch:
    return Epoch(epoch=1, val_loss=1.0, val_accuracy=accuracy, by_category=categories, recall=recall)


def test_what_a_category_lost_counts_against_an_epoch() -> None:
    assert score(epoch_of(0.85, easy=0.80, hard=0.9), BASE) == pytest.approx(0.75)
    assert score(epoch_of(0.85, easy=0.95, hard=0.75), BASE) == pytest.approx(0.85)
    assert score(epoch_of(0.85), BASE) == 0.85


def test_hazards_that_are_missed_count_against_an_epoch() -> None:
    base = BASE.model_copy(update={"recall": 0.95})

    assert score(epoch_of(0.85, 0.88, easy=0.85, hard=0.9), base) == pytest.approx(0.78), "the most that is lost"
    assert score(epoch_of(0.85, 0.97, easy=0.85, hard=0.9), base) == pytest.approx(0.80)
    assert score(epoch_of(0.85, None, easy=0.9, hard=0.9), base) == pytest.approx(0.85)
    assert score(epoch_of(0.85, 0.88, easy=0.9, hard=0.9), BASE) == pytest.approx(0.85)


def test_the_trainers_log_tells_of_hazards() -> None:
    lines = validated(1, 0.75, 0.9, 0.6)
    base = base_of({"eval_loss": 2.0, "eval_accuracy": 0.7, "eval_recall": 0.9})

    assert (base.recall, base.score) == (0.9, 0.7)
    assert epochs_of([*lines[:2], {**lines[2], "eval_recall": 0.8}], base)[1].recall == 0.8
    assert epochs_of(lines, base)[1].recall is None


def test_the_best_epoch_keeps_what_the_base_could_do() -> None:
    epochs = table(validated(1, 0.78, 0.90, 0.66), validated(2, 0.80, 0.84, 0.76), validated(3, 0.78, 0.90, 0.66, 0.5))

    assert best_of(epochs).epoch == 3, "of equal ones that of lower loss"


def test_stops_after_so_many_epochs_without_a_better_one() -> None:
    falling = [validated(1, 0.8, 0.9, 0.7), validated(2, 0.79, 0.9, 0.68), validated(3, 0.78, 0.9, 0.66)]

    assert [is_spent(table(*falling[:count]), patience=2) for count in range(4)] == [False, False, False, True]


def test_only_an_epoch_that_changed_the_model_is_kept() -> None:
    epochs = table(validated(1, 0.9, 0.9, 0.9), validated(2, 0.7, 0.9, 0.5), validated(3, 0.8, 0.9, 0.7))

    assert kept_of(epochs, lambda epoch: True).epoch == 1
    assert kept_of(epochs, lambda epoch: epoch > 1).epoch == 3
    with pytest.raises(TrainingError, match="3 epochs of training have changed nothing"):
        kept_of(epochs, lambda epoch: False)
