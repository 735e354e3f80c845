"""A training run on real tiles and the embedded model: what it leaves, and that being killed changes nothing."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageOps
from rich.console import Console
from safetensors.torch import load_file

from pytest_cosmos.engines.transformers import TransformersEngine
from pytest_cosmos.errors import OptionError, Problems, TrainingError
from pytest_cosmos.finetune import FinetuneRequest, finetune, merge_adapter, read_finetune
from pytest_cosmos.finetune.validation import Validation
from pytest_cosmos.media import media_hash
from pytest_cosmos.settings import Settings
from pytest_cosmos.suites import read_suite
from tests.unit.engine_builders import settings_of
from tests.unit.finetune_builders import write_floors

RECIPE = """\
targets: both
rank: 4
alpha: 8
learning_rate: 0.002
dropout: 0.1
epochs: 3
patience: 3
batch_size: 12
answer_weight: 2
other_thoughts: 0.2
augment: {}
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_floors(tmp_path_factory.mktemp("suite"))
    (folder.parent / "finetune.yaml").write_text(RECIPE, encoding="utf-8")
    return folder


def settings(root: Path) -> Settings:
    return settings_of(root, max_new_tokens=64)


def request_of(suite: Path, out: Path, *, resume: bool = False) -> FinetuneRequest:
    return FinetuneRequest(settings(suite.parent), suite, out, suite.parent / "finetune.yaml", resume)


@pytest.fixture(scope="module")
def trained(suite: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Train undisturbed; returns the adapter and what was said."""
    said = io.StringIO()
    out = tmp_path_factory.mktemp("undisturbed") / "adapter"
    return finetune(request_of(suite, out), Console(file=said, width=160)), said.getvalue()


def test_says_and_records_each_epoch(trained: tuple[Path, str], suite: Path) -> None:
    adapter, said = trained
    made = read_finetune(adapter)

    assert made is not None
    assert [epoch.epoch for epoch in made.epochs] == [0, 1, 2, 3]
    head, *lines = said.splitlines()
    assert head == "Epoch | Train loss | Val loss | Val accuracy"
    assert [line.split("|")[0].strip() for line in lines] == ["0", "1", "2", "3"]
    assert f"{made.epochs[3].val_loss:.4f} | {made.epochs[3].val_accuracy:12.1%}" in lines[3]
    assert made.epochs[3].train_loss is not None
    assert made.epochs[1].train_loss is not None
    assert made.epochs[3].train_loss < made.epochs[1].train_loss
    assert made.examples == {"train": 48, "validation": 12}
    assert (made.reasoned, made.recipe.rank, made.base.name) == (48, 4, "tiny")
    assert len(made.trained_on["floors"]["train"]) == 16
    assert made.suite_path == "floors"
    assert set(made.test_media) == {media_hash([file]) for file in (suite / "media/test").iterdir()}
    assert any("visual" in name for name in made.adapted)


def test_the_table_can_be_recomputed_from_each_epochs_adapter(trained: tuple[Path, str], suite: Path) -> None:
    adapter, _ = trained
    made = read_finetune(adapter)
    assert made is not None
    cases = read_suite(suite, split="validation").cases("validation")
    folders = sorted((adapter / "checkpoints").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))

    for epoch, folder in zip(made.epochs[1:], folders, strict=True):
        engine = TransformersEngine(replace(settings(suite.parent), adapter=folder), {"floors": suite})
        engine.load()
        assert Validation(engine, cases, list)().accuracy == epoch.val_accuracy
    kept = folders[made.best - 1] / "adapter_model.safetensors"
    assert (adapter / "adapter_model.safetensors").read_bytes() == kept.read_bytes()


def test_killed_and_resumed_it_comes_to_the_same(trained: tuple[Path, str], suite: Path, tmp_path: Path) -> None:
    out = tmp_path / "adapter"
    _train_and_kill(suite, out)
    torn = out / "checkpoints" / "checkpoint-9999"
    torn.mkdir()  # as if it had been killed while writing one

    finetune(request_of(suite, out, resume=True), Console(file=io.StringIO()))

    undisturbed, made = read_finetune(trained[0]), read_finetune(out)
    assert undisturbed is not None
    assert made is not None
    assert made.epochs == undisturbed.epochs
    weights, same = (load_file(folder / "adapter_model.safetensors") for folder in (out, trained[0]))
    assert weights.keys() == same.keys()
    assert all(torch.equal(weights[name], same[name]) for name in same)


def _train_and_kill(suite: Path, out: Path) -> None:
    """Train in a process of its own, and kill it in the midst of the second epoch."""
    command = [sys.executable, "-c", "from pytest_cosmos.cli import main; main()", "finetune", "--device", "cpu"]
    options = ["--suite", str(suite), "--out", str(out), "--config", str(suite.parent / "finetune.yaml")]
    process = subprocess.Popen([*command, *options, "--threads", "1"], start_new_session=True, stdout=subprocess.PIPE)
    first = out / "checkpoints" / "checkpoint-4" / "trainer_state.json"
    deadline = time.monotonic() + 240
    while not first.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert first.exists(), "it was killed after the first epoch"
    assert not (out / "finetune.json").exists(), "and before the last"


def test_what_is_trained_is_what_is_tested(trained: tuple[Path, str], suite: Path, tmp_path: Path) -> None:
    adapter, _ = trained
    merged = merge_adapter(settings(suite.parent), adapter, tmp_path / "merged")
    cases = read_suite(suite, split="test").cases("test")

    def said(**changes: object) -> dict[str, tuple[str, float | None]]:
        asked = replace(settings(suite.parent), **changes)  # type: ignore[arg-type]
        engine = TransformersEngine(asked, {"floors": suite})
        engine.load()
        return {reply.case_key: (reply.raw, reply.confidence) for reply in engine.answer(cases)}

    worn, plain, joined = said(adapter=adapter), said(), said(model=str(merged))
    assert worn != plain
    for case, (text, confidence) in worn.items():
        assert joined[case][0] == text
        assert joined[case][1] == pytest.approx(confidence, abs=1e-4)
    with pytest.raises(OptionError, match="exists already"):
        merge_adapter(settings(suite.parent), adapter, merged)


def test_copies_of_what_is_tested_are_no_training_data(tmp_path: Path) -> None:
    suite = write_floors(tmp_path)
    tested = next((suite / "media" / "test").iterdir())
    learnt = next((suite / "media" / "train").iterdir())
    with Image.open(tested) as picture:
        ImageOps.mirror(picture).resize((140, 140)).save(learnt, quality=80)

    with pytest.raises(Problems, match=re.escape(tested.name)) as caught:
        finetune(FinetuneRequest(settings(tmp_path), suite, tmp_path / "adapter"), Console(file=io.StringIO()))

    assert learnt.name in str(caught.value)
    assert not (tmp_path / "adapter").exists()


def test_without_a_validation_split_nothing_is_begun(tmp_path: Path) -> None:
    suite = write_floors(tmp_path, {"train": 3, "validation": 0, "test": 2})

    with pytest.raises(OptionError, match=r"suite floors: its validation split has no cases.*pytest-cosmos split"):
        finetune(FinetuneRequest(settings(tmp_path), suite, tmp_path / "adapter"), Console(file=io.StringIO()))

    assert not (tmp_path / "adapter").exists()


def test_a_loss_that_is_no_number_ends_it_in_words(suite: Path, tmp_path: Path) -> None:
    wild = suite.parent / "wild.yaml"
    wild.write_text("learning_rate: 1e+30\nwarmup: 0\nepochs: 1\nbatch_size: 4\n", encoding="utf-8")
    request = replace(request_of(suite, tmp_path / "adapter"), config=wild)

    with pytest.raises(TrainingError, match="is not a number: training has diverged"):
        finetune(request, Console(file=io.StringIO()))

    assert not (tmp_path / "adapter" / "finetune.json").exists()


def few(folder: Path, more: str) -> FinetuneRequest:
    """Ask for training on so few tiles that each epoch is one step."""
    recipe = folder / "few.yaml"
    recipe.write_text(f"shots: 2\nbatch_size: 24\n{more}", encoding="utf-8")
    return FinetuneRequest(settings(folder), write_floors(folder), folder / "adapter", recipe)


def test_one_step_is_enough_to_learn_something(tmp_path: Path) -> None:
    adapter = finetune(few(tmp_path, "epochs: 1\n"), Console(file=io.StringIO()))

    weights = load_file(adapter / "adapter_model.safetensors")
    assert all(weight.any() for name, weight in weights.items() if ".lora_B." in name)


def test_stopped_while_it_was_finished_it_does_not_train_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wild = few(tmp_path, "epochs: 4\npatience: 1\nlearning_rate: 0.02\n")  # the second epoch spoils it
    trained, resumed = io.StringIO(), io.StringIO()

    def killed(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("pytest_cosmos.finetune.outputs.write_card", killed)
        with pytest.raises(RuntimeError, match="killed"):
            finetune(wild, Console(file=trained, width=160))
    kept = {file: file.read_bytes() for file in (wild.out / "checkpoints").rglob("*.safetensors")}
    finetune(replace(wild, resume=True), Console(file=resumed, width=160))

    made = read_finetune(wild.out)
    assert made is not None
    assert (made.best, made.stopped_early, len(made.epochs)) == (1, True, 3)
    assert resumed.getvalue() == trained.getvalue()
    assert {file: file.read_bytes() for file in (wild.out / "checkpoints").rglob("*.safetensors")} == kept


def test_an_epoch_that_changed_nothing_is_not_kept(tmp_path: Path) -> None:
    request = few(tmp_path, "epochs: 2\nlearning_rate: 1e-50\n")  # less than the smallest number of 32 bits

    with pytest.raises(TrainingError, match=r"changed nothing.*Raise learning_rate"):
        finetune(request, Console(file=io.StringIO()))

    assert not (request.out / "finetune.json").exists()


@pytest.mark.slow
def test_two_processes_share_the_work(suite: Path, tmp_path: Path) -> None:
    """As with several GPUs: each asks its share of the validation cases, and the first one writes."""
    recipe = tmp_path / "finetune.yaml"
    recipe.write_text("targets: both\nepochs: 1\nbatch_size: 6\n", encoding="utf-8")
    out = tmp_path / "adapter"
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    script = tmp_path / "start.py"
    script.write_text("from pytest_cosmos.cli import main\n\nmain()\n", encoding="utf-8")
    options = ["--suite", suite, "--out", out, "--config", recipe, "--device", "cpu", "--threads", "1"]

    said = subprocess.run(
        [*launch, script, "finetune", *map(str, options)], capture_output=True, text=True, check=True, timeout=500
    )

    made = read_finetune(out)
    assert made is not None
    assert [epoch.epoch for epoch in made.epochs] == [0, 1]
    assert said.stdout.count("Epoch | Train loss") == 1
    # what one process alone finds: the shares of both make up the whole split
    engine = TransformersEngine(settings(suite.parent), {"floors": suite})
    engine.load()
    cases = read_suite(suite, split="validation").cases("validation")
    assert Validation(engine, cases, list)().accuracy == made.epochs[0].val_accuracy
