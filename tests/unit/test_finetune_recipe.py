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


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("seed: -1", "seed is '-1': input should be greater than or equal to 0."),
        ("seed: 99999999999", "seed is '99999999999': input should be less than 4294967296."),
        ("learning_rate: .inf", "learning_rate is '.inf': input should be a valid number, unable to parse string as a"),
        ("learning_rate: inf", "learning_rate is 'inf': input should be a finite number."),
        ("rank: 0x10", "rank is '0x10': input should be a valid integer, unable to parse string as an integer."),
        ("rank: 1:30", "rank is '1:30': input should be a valid integer"),
        (f"rank: {'9' * 5000}", "rank is '999"),
        ("mix: {real: .nan}", "mix.real is '.nan': input should be a valid number"),
        ("mix: {real: 1e400}", "mix.real is '1e400': input should be a finite number."),
        ("mix: {real: yes}", "mix.real is 'yes': input should be a valid number"),
        ("alpha: 1e400", "alpha is '1e400': input should be a finite number."),
        ("epochs: yes", "epochs is 'yes': input should be a valid integer"),
        ("epochs: True", "epochs is 'True': input should be a valid integer"),
        ("targets: yes", "targets is 'yes': input should be 'language', 'vision' or 'both'."),
        ("checkpointing: 2", "checkpointing is '2': input should be a valid boolean"),
        ("augment: {strength: .nan}", "augment.strength is '.nan': input should be a valid number"),
        ("augment: {strength: yes}", "augment.strength is 'yes': input should be a valid number"),
        ("augment: strong", "augment is 'strong': must be none, or a mapping such as {strength: 0.5}."),
        ("augment: 0.5", "augment is '0.5': must be none, or a mapping such as {strength: 0.5}."),
        ("augment: on", "augment is 'on': must be none, or a mapping such as {strength: 0.5}."),
    ],
)
def test_a_value_that_is_none(tmp_path: Path, line: str, told: str) -> None:
    (mistake,) = mistakes(tmp_path, f"shots: 4\n{line}\n")

    assert mistake.startswith(f"finetune.yaml:2: {told}")


@pytest.mark.parametrize("word", ["none", "None", "off", "false", "no", "null", "~", "''", ""])
def test_pictures_are_not_varied_where_it_says_so(tmp_path: Path, word: str) -> None:
    assert read(tmp_path, f"augment: {word}\n", TINY_RECIPE).augment is None


def test_numbers_and_switches_as_yaml_writes_them(tmp_path: Path) -> None:
    recipe = read(tmp_path, "rank: 10\nalpha: +3\ncheckpointing: yes\nprompts_together: Off\nseed: 4294967295\n")

    assert (recipe.rank, recipe.alpha, recipe.seed) == (10, 3, 2**32 - 1)
    assert (recipe.checkpointing, recipe.prompts_together) == (True, False)


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
