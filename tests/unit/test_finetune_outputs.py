"""An adapter's folder is begun once, gone on with as it was begun, and finished with the best epoch's weights."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pytest_cosmos.errors import OptionError, TrainingError
from pytest_cosmos.finetune import outputs
from pytest_cosmos.finetune.recipe import Recipe
from pytest_cosmos.finetune.record import Epoch, Finetune, Plan, read_finetune
from pytest_cosmos.records import ModelRecord

PLAN = Plan(
    base=ModelRecord(name="tiny", engine="transformers", fingerprint="f"),
    suite="floors",
    suite_digest="d",
    trained_on={"floors": {"train": ("a", "b"), "validation": ("c",)}},
    examples={"train": 6, "validation": 3},
    reasoned=6,
    recipe=Recipe(),
    versions={"torch": "2"},
)


def finished(best: int) -> Finetune:
    epochs = tuple(
        Epoch(epoch=number, val_loss=1.0, val_accuracy=0.5 + number / 10, by_category={"easy": 0.9}, recall=0.8)
        for number in range(3)
    )
    return Finetune(
        **PLAN.model_dump(),
        adapted=("q_proj",),
        parameters=12,
        epochs=epochs,
        best=best,
        stopped_early=False,
        seconds=1.0,
        finished="2026-01-01T00:00:00+00:00",
    )


def checkpoint(out: Path, step: int, state: str = "{}") -> Path:
    folder = outputs.checkpoints(out) / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    for name in (*outputs.ADAPTER_FILES, "optimizer.pt"):
        (folder / name).write_text(f"{name} of step {step}")
    (folder / "trainer_state.json").write_text(state)
    return folder


def test_a_new_folder_is_begun(tmp_path: Path) -> None:
    out = tmp_path / "adapters" / "mine"

    outputs.check_out(out, resume=False)
    outputs.begin(out, PLAN, resume=False)

    assert "--resume" not in (out / "checkpoints" / "README.txt").read_text()
    with pytest.raises(OptionError, match="holds a training run that was stopped"):
        outputs.check_out(out, resume=False)
    outputs.check_out(out, resume=True)
    outputs.begin(out, PLAN, resume=True)


def test_nothing_of_the_users_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(OptionError, match="exists and is no folder of a training run"):
        outputs.check_out(tmp_path, resume=False)
    with pytest.raises(OptionError, match="holds no training run to go on with"):
        outputs.check_out(tmp_path, resume=True)
    with pytest.raises(OptionError, match="exists and is no folder"):
        outputs.check_out(tmp_path / "notes.txt", resume=False)


@pytest.mark.parametrize("resume", [True, False])
def test_a_trained_adapter_is_not_trained_again(tmp_path: Path, resume: bool) -> None:
    outputs.begin(tmp_path, PLAN, resume=False)
    for step in (10, 20):
        checkpoint(tmp_path, step)
    outputs.finish(tmp_path, finished(best=1))

    with pytest.raises(OptionError, match="holds a trained adapter already"):
        outputs.check_out(tmp_path, resume=resume)


def test_goes_on_only_with_what_was_begun(tmp_path: Path) -> None:
    outputs.begin(tmp_path, PLAN, resume=False)
    other = PLAN.model_copy(update={"suite_digest": "e", "recipe": Recipe(rank=4)})

    with pytest.raises(OptionError, match="was begun with another suite_digest, another recipe"):
        outputs.begin(tmp_path, other, resume=True)


def test_goes_on_where_the_suite_was_moved_but_not_with_other_tests(tmp_path: Path) -> None:
    outputs.begin(tmp_path, PLAN, resume=False)

    outputs.begin(tmp_path, PLAN.model_copy(update={"suite_path": "elsewhere/floors"}), resume=True)
    with pytest.raises(OptionError, match="was begun with another test_media"):
        outputs.begin(tmp_path, PLAN.model_copy(update={"test_media": ("d",)}), resume=True)


def test_goes_on_in_smaller_parts_after_memory_ran_out(tmp_path: Path) -> None:
    outputs.begin(tmp_path, PLAN, resume=False)
    smaller = PLAN.model_copy(update={"recipe": Recipe(accumulation=4, checkpointing=True)})

    outputs.begin(tmp_path, smaller, resume=True)


@pytest.mark.parametrize("torn", ["", '{"epoch":'])
def test_a_checkpoint_that_was_not_written_to_its_end_is_removed(tmp_path: Path, torn: str) -> None:
    whole, broken = checkpoint(tmp_path, 9), checkpoint(tmp_path, 10, torn)

    assert outputs.last_whole_checkpoint(tmp_path) == str(whole)
    assert not broken.exists()
    shutil.rmtree(whole)
    assert outputs.last_whole_checkpoint(tmp_path) is None


def test_the_best_epochs_adapter_is_kept_and_every_epochs_beside_it(tmp_path: Path) -> None:
    outputs.begin(tmp_path, PLAN, resume=False)
    folders = [checkpoint(tmp_path, step) for step in (9, 18)]

    outputs.finish(tmp_path, finished(best=1))

    assert (tmp_path / "adapter_model.safetensors").read_text() == "adapter_model.safetensors of step 9"
    for folder in folders:
        assert {path.name for path in folder.iterdir()} == {*outputs.ADAPTER_FILES, "trainer_state.json"}
    assert read_finetune(tmp_path) == finished(best=1)
    curves = (tmp_path / "curves.svg").read_text()
    assert curves.startswith("<svg")
    assert {">all</text>", ">easy</text>", ">recall</text>"} <= set(re.findall(r">\w+</text>", curves))
    assert read_finetune(tmp_path / "checkpoints") is None


class KilledError(Exception):
    """Stands for the end of the process."""


def killed_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Let the process end where so many files have been written or removed."""
    left = [steps]

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*args: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise KilledError
            return change(*args)

        return changed

    for name in ("write_whole", "write_card"):
        monkeypatch.setattr(outputs, name, counted(getattr(outputs, name)))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))


@pytest.mark.parametrize("steps", range(8))
def test_killed_at_any_moment_it_is_whole_or_can_still_be_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    outputs.begin(tmp_path, PLAN, resume=False)
    folders = [checkpoint(tmp_path, step) for step in (9, 18)]

    with monkeypatch.context() as patched:
        killed_after(patched, steps)
        with contextlib.suppress(KilledError):
            outputs.finish(tmp_path, finished(best=1))

    if read_finetune(tmp_path) is None:
        assert all((folder / "optimizer.pt").is_file() for folder in folders)
        outputs.check_out(tmp_path, resume=True)
        outputs.finish(tmp_path, finished(best=1))
    assert read_finetune(tmp_path) == finished(best=1)
    assert (tmp_path / "adapter_model.safetensors").read_text() == "adapter_model.safetensors of step 9"
    assert (tmp_path / "README.md").is_file()
    assert (tmp_path / "curves.svg").is_file()


def test_a_broken_record_is_told(tmp_path: Path) -> None:
    (tmp_path / "finetune.json").write_text('{"schema_version": 1}')

    with pytest.raises(OptionError, match=r"finetune.json: no record of a training run: base: Field required"):
        read_finetune(tmp_path)


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def too_large(*_: object) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize(
    ("fail", "said"),
    [(full, "is full. Make room."), (too_large, "out of memory with 8 examples at a time. Try, in this order: accum")],
)
def test_what_ends_training_is_explained(tmp_path: Path, fail: Callable[[], None], said: str) -> None:
    with pytest.raises(TrainingError, match=said) as caught, outputs.explained(tmp_path, Recipe(batch_size=8)):
        fail()

    assert "--resume goes on" in str(caught.value)


def test_what_nobody_foresaw_keeps_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="a bug"), outputs.explained(tmp_path, Recipe()):
        raise RuntimeError("a bug")
