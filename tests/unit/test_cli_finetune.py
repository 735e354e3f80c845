"""`pytest-cosmos finetune`: what it says when training is over, and the command to go on with."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from pytest_cosmos.cli.finetune import told
from pytest_cosmos.finetune.recipe import Recipe
from pytest_cosmos.finetune.record import Epoch, Finetune
from pytest_cosmos.records import ModelRecord


def made(base: str, scores: tuple[float, ...] = (0.5, 0.75), **recipe: str) -> Finetune:
    return Finetune(
        base=ModelRecord(name=base, engine="transformers", fingerprint="f"),
        suite="floors",
        suite_digest="d",
        trained_on={},
        examples={"train": 6},
        recipe=Recipe.model_validate(recipe),
        adapted=("q_proj",),
        parameters=12,
        epochs=tuple(Epoch(epoch=n, val_loss=1, val_accuracy=one, score=one) for n, one in enumerate(scores)),
        best=1,
        stopped_early=False,
        seconds=61,
        finished="2026-01-01T00:00:00+00:00",
    )


def test_what_was_kept() -> None:
    first, where, _ = told(made("tiny"), Path("adapters/mine"))

    assert first == "kept epoch 1: validation accuracy 50.0% -> 75.0% (61 s)"
    assert where.startswith("adapter: adapters/mine (card: adapters/mine/README.md")
    assert "do not expect this adapter to help" in told(made("tiny", (0.5, 0.5)), Path("mine"))[1]


@pytest.mark.parametrize("base", ["tiny", "/models/my model"])
def test_the_command_that_tests_it_names_no_path_that_pytest_would_collect(base: str) -> None:
    *_, line = told(made(base, quantize="int4"), Path("/adapters/no 1"))

    command = shlex.split(line.removeprefix("test it: "))
    assert command == [
        "pytest",
        "benchmarks/",
        f"--model={base}",
        "--adapter=/adapters/no 1",
        "--cosmos-compare-base",
        "--cosmos-quantize=int4",
    ]
