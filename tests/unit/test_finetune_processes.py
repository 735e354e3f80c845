"""A run that is shared by several processes of a machine comes to what one process comes to."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from pytest_cosmos.errors import OptionError
from pytest_cosmos.finetune import Finetune, FinetuneRequest, finetune, read_finetune
from pytest_cosmos.finetune.processes import shares_of
from tests.unit.engine_builders import settings_of
from tests.unit.finetune_builders import write_floors


def trained(folder: Path, suite: Path, **recipe: int) -> Finetune:
    config = folder / "finetune.yaml"
    config.write_text("epochs: 1\nbatch_size: 12\n" + "".join(f"{key}: {n}\n" for key, n in recipe.items()))
    out = folder / "-".join(["adapter", *recipe])
    settings = settings_of(suite.parent, max_new_tokens=64)
    finetune(FinetuneRequest(settings, suite, out, config), Console(file=io.StringIO()))
    made = read_finetune(out)
    assert made is not None
    return made


def test_each_does_its_share_of_every_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    suite = write_floors(tmp_path / "suite", {"train": 8, "validation": 3, "test": 1})

    alone, parts, shared = (
        trained(tmp_path, suite),
        trained(tmp_path, suite, accumulation=3),
        trained(tmp_path, suite, processes=2),
    )

    assert capfd.readouterr().out.count("Epoch | Train loss") == 1, "of two processes the first one speaks"
    # of unlike length are the replies of the parts, and each of their tokens counts alike
    assert parts.epochs[1].train_loss == pytest.approx(alone.epochs[1].train_loss, rel=5e-3)
    assert shared.epochs[0].val_accuracy == alone.epochs[0].val_accuracy
    # three samples for two processes: none of them counts twice
    assert shared.epochs[0].val_loss == pytest.approx(alone.epochs[0].val_loss, abs=1e-4)
    assert parts.epochs[0].val_loss == pytest.approx(alone.epochs[0].val_loss, abs=1e-4)
    assert shared.epochs[1].train_loss == pytest.approx(alone.epochs[1].train_loss, rel=5e-3)
    assert shared.epochs[1].val_loss == pytest.approx(alone.epochs[1].val_loss, rel=5e-2)


def test_a_mistake_is_told_as_in_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    suite = write_floors(tmp_path / "suite", {"train": 2, "test": 1})
    with pytest.raises(OptionError, match="its validation split has no cases"):
        trained(tmp_path, suite, processes=2)


@pytest.mark.parametrize(("cores", "count"), [(1, 1), (2, 2), (3, 2), (8, 4)])
def test_no_more_processes_than_cores(monkeypatch: pytest.MonkeyPatch, cores: int, count: int) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert shares_of(4, "cpu") == count


def test_where_others_start_the_processes_there_are_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    assert shares_of(4, "cpu") == 1
