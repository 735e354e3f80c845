"""The steps that do something: pytest in a process of its own, and fine-tuning."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.finetune import FinetuneRequest, finetune
from pytest_cosmos.records import Run, Verdict
from pytest_cosmos.runlog import RunFolder, write_whole
from pytest_cosmos.settings import Settings

_TEST = '''"""Written by `pytest-cosmos workflow`: the suite under test."""

import pytest


@pytest.mark.cosmos(suite={suite!r})
def test_suite(cosmos_answer):
    assert cosmos_answer.correct, cosmos_answer.explanation
'''


def write_test(folder: Path, suite: str) -> Path:
    """Write the test that asks a suite's cases; a project need not have one."""
    path = folder / "test_suite.py"
    write_whole(path, _TEST.format(suite=suite).encode())
    return path


def run_pytest(settings: Settings, suite: str, tests: Path, arguments: Sequence[str] = ()) -> RunFolder:
    """Ask the model every case of the suite, what it prints passed through; return the run it wrote.

    RunFolderError where pytest could not run, or the run is not whole: what was answered is in the reply store.
    """
    before = _runs(settings.reports)
    told = [
        f"--rootdir={settings.root}",
        f"--cosmos-cases={settings.cases}",
        f"--cosmos-suite={suite}",
        f"--cosmos-model={settings.model}",
        f"--cosmos-reports={settings.reports}",
        *([f"--cosmos-thresholds={settings.thresholds}"] if settings.thresholds else []),
        *([f"--cosmos-adapter={settings.adapter}"] if settings.adapter else []),
        f"--cosmos-baseline={settings.baseline or 'none'}",
        *arguments,
    ]
    code = _in_a_process([sys.executable, "-m", "pytest", str(tests), *told], settings.root)
    if code not in (0, 1):  # 1: a bar was missed, which is what we came to see
        raise RunFolderError(
            f"pytest stopped with exit code {code}, see above. Mend this and give the same command again: what was "
            "answered is not asked again."
        )
    written = [found for path in _runs(settings.reports) - before if (found := _run_of(path, settings)) is not None]
    if not written:
        raise RunFolderError(f"pytest wrote no finished run of {settings.model} into {settings.reports}, see above.")
    folder = max(written, key=lambda found: found.path.name)
    if why := lacking(folder):
        raise RunFolderError(f"{folder.path}: {why} Give the same command again: only these are asked.")
    return folder


def _in_a_process(command: Sequence[str], folder: Path) -> int:
    with subprocess.Popen(command, cwd=folder) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:  # it got the signal, too: let it write what it has
            process.wait()
            raise


def _runs(reports: Path) -> set[Path]:
    runs = reports / "runs"
    return set(runs.iterdir()) if runs.is_dir() else set()


def _run_of(path: Path, settings: Settings) -> RunFolder | None:
    """Return a finished run of the model that was asked for; None: it is another's, such as one at the same time."""
    folder = RunFolder(path)
    try:
        run = folder.read_run()
    except RunFolderError:
        return None
    adapter = Path(run.model.adapter).resolve() if run.model.adapter else None
    asked = settings.adapter.resolve() if settings.adapter else None
    return folder if run.finished and (run.model.name, adapter) == (settings.model, asked) else None


def lacking(folder: RunFolder) -> str:
    """Say what a run lacks to decide by it; empty: nothing."""
    run, outcomes = folder.read_run(), folder.read_outcomes()
    silent = [outcome for outcome in outcomes if outcome.judgement.verdict is Verdict.ERROR]
    planned = _planned(run)
    if len(outcomes) < planned:
        return f"{len(outcomes):,} of {planned:,} cases were answered."
    if silent:
        return f"{len(silent):,} of {planned:,} cases got no reply ({silent[0].reply.error}). Mend this first."
    return ""


def _planned(run: Run) -> int:
    return sum(suite.planned for suite in run.suites)


def train(settings: Settings, suite: Path, out: Path, config: Path | None) -> Path:
    """Fine-tune on the training split; go on where a training was stopped. Return the adapter's folder."""
    if (out / "finetune.json").is_file():  # written last: it was finished, and the state not yet written
        return out
    resume = (out / "checkpoints" / "plan.json").is_file()
    if out.exists() and not resume:  # stopped before it had begun
        set_aside(out, "unfinished")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    return finetune(FinetuneRequest(settings, suite, out, config, resume), Console(highlight=False))


def set_aside(folder: Path, why: str) -> Path:
    """Give a folder another name, so that nothing in it is lost."""
    names = (folder.with_name(f"{folder.name}-{why}-{number}") for number in range(1, 1000))
    aside = next(path for path in names if not path.exists())
    folder.rename(aside)
    return aside
