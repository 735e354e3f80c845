"""What is drawn when hangs on seed and epoch alone; how far it is, is told once."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from rich.console import Console
from torch.nn.functional import log_softmax

from pytest_cosmos.engines.transformers import TransformersEngine
from pytest_cosmos.finetune.batches import Collator
from pytest_cosmos.finetune.progress import Shown, table_lines
from pytest_cosmos.finetune.recipe import Recipe
from pytest_cosmos.finetune.record import Epoch
from pytest_cosmos.finetune.running import lessons_of, trainer_for
from pytest_cosmos.finetune.towers import targets_of
from pytest_cosmos.finetune.training import Examples, LoraTrainer, Shuffled, arguments_of, not_finite
from pytest_cosmos.suites import Suite
from tests.unit.engine_builders import settings_of
from tests.unit.finetune_builders import drawn, loaded, read_floors

EPOCHS = (
    Epoch(epoch=0, val_loss=2.5211, val_accuracy=0.744, by_category={"safe": 0.958, "hard": 0.5}, recall=0.9),
    Epoch(epoch=1, train_loss=0.8606, val_loss=0.5409, val_accuracy=0.785),
)


FIFTY = [[place] for place in range(50)]


def places(sampler: Shuffled, epoch: int) -> list[tuple[int, int]]:
    sampler.set_epoch(epoch)
    return list(sampler)


def test_every_epoch_has_an_order_of_its_own_and_every_run_the_same() -> None:
    first, again = places(Shuffled(FIFTY, seed=1), 3), places(Shuffled(FIFTY, seed=1), 3)

    assert first == again
    assert sorted(place for place, _ in first) == list(range(50))
    assert {epoch for _, epoch in first} == {3}
    assert [place for place, _ in first] != [place for place, _ in places(Shuffled(FIFTY, seed=1), 4)]
    assert first != places(Shuffled(FIFTY, seed=2), 3)


def test_groups_stay_together() -> None:
    order = [place for place, _ in places(Shuffled([[0, 1, 2], [3], [4, 5]], seed=4), 1)]

    assert sorted(order) == [0, 1, 2, 3, 4, 5]
    assert order != sorted(order)
    assert [order[order.index(0) + k] for k in range(3)] == [0, 1, 2]
    assert order[order.index(4) + 1] == 5


def test_an_example_is_drawn_alike_wherever_it_is_drawn(tmp_path: Path) -> None:
    suite = read_floors(tmp_path)
    all_of_them = tuple(one.example for one in drawn(suite, loaded(tmp_path)))
    one, other = Examples(all_of_them, seed=0), Examples(all_of_them, seed=1)

    assert one[2, 5] == one[2, 5]
    assert len({one[2, 5].seed, one[2, 6].seed, one[3, 5].seed, other[2, 5].seed}) == 4
    assert one[2] == one[2, 0]


@pytest.mark.parametrize(("batch", "accumulation", "at_a_time"), [(24, 1, 24), (24, 6, 4)])
def test_a_batch_goes_through_in_parts(tmp_path: Path, batch: int, accumulation: int, at_a_time: int) -> None:
    recipe = Recipe(batch_size=batch, accumulation=accumulation)

    arguments = arguments_of(recipe, tmp_path, loaded(tmp_path))

    assert arguments.per_device_train_batch_size == at_a_time
    assert arguments.gradient_accumulation_steps == accumulation


def test_the_table() -> None:
    assert table_lines(EPOCHS) == (
        "Epoch | Train loss | Val loss | Val accuracy",
        "    0 |          – |   2.5211 |        74.4%  (safe 95.8%, hard 50.0%, recall 90.0%)",
        "    1 |     0.8606 |   0.5409 |        78.5%",
    )


def test_lines_are_told_once_and_no_bar_where_nobody_watches() -> None:
    said = io.StringIO()
    shown = Shown(Console(file=said, width=40))
    shown.begin(10, 0)
    for epoch in (*EPOCHS, *EPOCHS):
        shown.epoch(epoch)
    shown.step(5)
    shown.end()

    assert said.getvalue().splitlines() == list(table_lines(EPOCHS))


def test_what_to_do_about_a_loss_that_is_no_number() -> None:
    assert "Lower learning_rate" in not_finite(6, 0.5)


def trainer_of(folder: Path, suite: Suite, recipe: Recipe) -> LoraTrainer:
    engine = TransformersEngine(settings_of(folder, max_new_tokens=64), {suite.name: suite.folder})
    engine.load()
    targets = targets_of(engine.loaded.model, recipe.targets)
    trainer = trainer_for(folder, engine, lessons_of(suite, engine.loaded, recipe), recipe, targets)
    assert isinstance(trainer, LoraTrainer)
    return trainer


def mean_over_tokens(folder: Path, suite: Suite) -> float:
    """Compute the loss of the validation split by other means: one example after the other, no batches."""
    model = loaded(folder)
    losses: list[float] = []
    for one in drawn(suite, model, "validation"):
        inputs = Collator(model, {suite.name: suite.folder})([one])
        reply = inputs["input_ids"][0, -(inputs["labels"].shape[1] - 1) :]
        rest = {name: value for name, value in inputs.items() if name not in ("labels", "answers", "hazards")}
        with torch.no_grad():
            words = log_softmax(model.model(**rest).logits[0].float(), dim=-1)
        losses += [-words[place, word].item() for place, word in enumerate(reply, len(words) - len(reply) - 1)]
    return sum(losses) / len(losses)


def test_the_validation_loss_is_the_mean_over_the_replies_tokens_whatever_the_recipe(tmp_path: Path) -> None:
    suite = read_floors(tmp_path, {"train": 4, "validation": 4, "test": 1})
    recipes = (
        Recipe(batch_size=5),
        Recipe(batch_size=12, prompts_together=True),
        Recipe(batch_size=12, accumulation=4, answer_weight=4, hazard_weight=2),
    )

    found = [trainer_of(tmp_path, suite, recipe).evaluate()["eval_loss"] for recipe in recipes]

    assert found == pytest.approx([mean_over_tokens(tmp_path, suite)] * 3, rel=1e-5)


@pytest.mark.parametrize(
    ("steps", "warmup", "rates"),
    [
        (1, 0.1, [1.0]),
        (3, 0.1, [1.0, 0.75, 0.25]),
        (3, 0.0, [1.0, 0.75, 0.25]),
        (3, 0.4, [0.5, 1.0, 0.5]),
        (6, 0.1, [0.0, 1.0, 0.905, 0.655, 0.345, 0.095]),  # two steps an epoch: as it always was
    ],
)
def test_no_epoch_learns_nothing(tmp_path: Path, steps: int, warmup: float, rates: list[float]) -> None:
    suite = read_floors(tmp_path, {"train": 1, "validation": 1, "test": 1})
    trainer = trainer_of(tmp_path, suite, Recipe(epochs=3, warmup=warmup, learning_rate=1))
    trainer.create_optimizer_and_scheduler(steps)

    found = []
    for _ in range(steps):
        found += trainer.lr_scheduler.get_last_lr()[:1]
        trainer.optimizer.step()
        trainer.lr_scheduler.step()

    assert found == pytest.approx(rates, abs=1e-3)
