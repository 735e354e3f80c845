"""finetune.yaml: what it may say, and every mistake in it with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cosmos.errors import Problems
from pytest_cosmos.finetune.recipe import DEFAULTS, TINY_RECIPE, Recipe, read_recipe, usual_recipe


def read(folder: Path, text: str, usual: Recipe = DEFAULTS) -> Recipe:
    file = folder / "finetune.yaml"
    file.write_text(text, encoding="utf-8")
    return read_recipe(file, usual)


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(Problems) as caught:
        read(folder, text)
    return [line.removeprefix(f"{folder}/") for line in caught.value.lines]


def test_what_is_not_said_is_as_usual(tmp_path: Path) -> None:
    recipe = read(tmp_path, "rank: 8\nlearning_rate: 1e-4\ntargets: both\n", TINY_RECIPE)

    assert (recipe.rank, recipe.learning_rate, recipe.targets) == (8, 1e-4, "both")
    assert recipe.epochs == TINY_RECIPE.epochs
    assert read_recipe(None, TINY_RECIPE) is TINY_RECIPE


def test_the_embedded_model_has_a_recipe_of_its_own() -> None:
    assert usual_recipe("tiny").targets == "both", "its weakness lies in its vision tower"
    assert usual_recipe("reason2").targets == "language"


def test_augmentation_goes_over_the_usual_one(tmp_path: Path) -> None:
    assert TINY_RECIPE.augment is not None
    recipe = read(tmp_path, "augment: {flips: false}\n", TINY_RECIPE)

    assert recipe.augment == TINY_RECIPE.augment.model_copy(update={"flips": False})
    assert read(tmp_path, "augment:\n", TINY_RECIPE).augment is None


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = "rank: 0\ntargets: tongue\nepoch: 3\nepochs: many\naugment: {strenght: 1}\n"

    first, second, unknown, *rest = mistakes(tmp_path, text)
    assert unknown.startswith("finetune.yaml:3: the file: unknown key 'epoch'.")
    assert [first, second, *rest] == [
        "finetune.yaml:1: rank is '0': input should be greater than or equal to 1.",
        "finetune.yaml:2: targets is 'tongue': input should be 'language', 'vision' or 'both'. "
        "Allowed: language, vision, both.",
        "finetune.yaml:4: epochs is 'many': input should be a valid integer, unable to parse string as an integer.",
        "finetune.yaml:5: augment.strenght is '1': extra inputs are not permitted.",
    ]


def test_a_batch_is_made_of_equal_parts(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "batch_size: 24\naccumulation: 5\n") == [
        "finetune.yaml:2: accumulation is '5': batch_size 24 is no multiple of it."
    ]


def test_an_unknown_key(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, "epoch: 3\n")

    assert line.startswith("finetune.yaml:1: the file: unknown key 'epoch'. Allowed: targets, rank,")
    assert line.endswith("Did you mean 'epochs'?")


def test_what_is_no_mapping(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, "- rank\n")

    assert line == "finetune.yaml:1: the file is a list, but must be a mapping such as {rank: 16, epochs: 3}"
