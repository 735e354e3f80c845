"""The reply store through pytest, with the real engine: nothing is asked twice, whatever happened to the first run."""

from __future__ import annotations

import os
import random
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Project, Result
from .test_tiny import SAMPLES, replies, use_shipped_images

CASES = 3 * SAMPLES


@pytest.fixture
def floors(project: Project) -> Project:
    """A project that asks the embedded model."""
    use_shipped_images(project)
    return project


def said(result: Result) -> dict[str, tuple[object, ...]]:
    """Return what was said to each case, and nothing of how it came about."""
    return {
        key: tuple(reply[field] for field in ("raw", "reasoning", "answer", "finish", "prompt_text"))
        for key, reply in replies(result.folder).items()
    }


def stored(result: Result) -> int:
    return sum(bool(reply["stored"]) for reply in replies(result.folder).values())


def test_a_second_run_asks_nothing_and_says_the_same(floors: Project) -> None:
    first, second = floors.run(engine=()), floors.run(engine=())
    assert first.exit_code == second.exit_code == 0, first.text + second.text
    assert (stored(first), stored(second)) == (0, CASES)
    assert "from the reply store" not in first.text
    assert f"replies: 0 asked now, {CASES} from the reply store; times are of 2" in second.text
    assert second.run["stored"] == CASES
    assert said(first) == said(second)
    assert first.run["model"] == second.run["model"]
    assert "load" in first.run["seconds"]
    assert not {"load", "answer"} & set(second.run["seconds"])
    times = [{key: reply["seconds"] for key, reply in replies(run.folder).items()} for run in (first, second)]
    assert times[0] == times[1]

    # renamed, it is the same; another word in the question, and it is another
    rename_samples(floors)
    replay = floors.run("--cosmos-replay-only", engine=())
    assert replay.exit_code == 0, replay.text
    assert stored(replay) == CASES
    suite = floors.path / "cases/floors/suite.yaml"
    suite.write_text(suite.read_text().replace("Is this floor cracked?", "Is that floor cracked?"))
    changed = floors.run("--cosmos-replay-only", "-rf", engine=())
    assert changed.exit_code == 1
    assert changed.outcome == "errors"
    assert sorted(changed.verdicts.values()).count("error") == SAMPLES
    assert "To ask, run without --cosmos-replay-only" in " ".join(changed.text.split())


def rename_samples(project: Project) -> None:
    """Give every picture another name."""
    folder = project.path / "cases/floors"
    table = (folder / "samples.csv").read_text()
    for line in table.splitlines()[1:]:
        old = line.split(",")[0]
        new = f"{Path(old).parent.as_posix()}/renamed-{Path(old).name}"
        (folder / old).rename(folder / new)
        table = table.replace(old, new)
    (folder / "samples.csv").write_text(table)


DAMAGE = """
import pathlib, pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    (pathlib.Path(__file__).parent / "FILE").unlink(missing_ok=True)  # after it was collected
"""


def test_an_error_is_asked_again_and_only_that(lone_project: Project) -> None:
    floors = lone_project
    use_shipped_images(floors)
    table = (floors.path / "cases/floors/samples.csv").read_text().splitlines()
    lost = floors.path / "cases/floors" / table[1].split(",")[0]
    content = lost.read_bytes()
    conftest = floors.write("conftest.py", DAMAGE.replace("FILE", lost.relative_to(floors.path).as_posix()))
    first = floors.run(engine=())
    assert first.outcome == "errors"
    conftest.unlink()
    lost.write_bytes(content)
    second = floors.run(engine=())
    assert second.outcome == "passed", second.text
    assert (stored(second), len(second.verdicts)) == (CASES - 3, CASES)
    assert f"replies: 3 asked now, {CASES - 3} from the reply store; where none was asked now" in second.text


def test_a_run_killed_at_any_moment_is_resumed_to_the_same_end(floors: Project) -> None:
    undisturbed = floors.run("--cosmos-store", "none", "--cosmos-batch-size", "3", engine=())
    assert undisturbed.exit_code == 0, undisturbed.text
    file = floors.path / "reports/store/replies.sqlite"
    assert not file.exists()
    chance = random.Random(len(floors.workers))
    before = 0
    for most in (CASES // 2,) if floors.workers else (CASES // 3, CASES * 2 // 3):
        kill_after(floors, file, chance.randint(before + 1, most), chance.random() / 20)
        now = held(file)
        assert now > before
        before = now
    resumed = floors.run("--cosmos-batch-size", "3", engine=())
    assert resumed.exit_code == 0, resumed.text
    assert stored(resumed) >= before
    assert said(resumed) == said(undisturbed)
    assert resumed.verdicts == undisturbed.verdicts


def kill_after(project: Project, file: Path, count: int, seconds: float) -> None:
    """Begin a run, and kill all its processes some time after the store holds so many replies."""
    command = [sys.executable, "-m", "pytest", "benchmarks", "-q", "--cosmos-batch-size", "3", *project.workers]
    with subprocess.Popen(
        command, cwd=project.path, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while held(file) < count and process.poll() is None:
            time.sleep(0.02)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)


def held(file: Path) -> int:
    """Say how many replies the store holds; 0 while it is being made."""
    if not file.exists():
        return 0
    db = sqlite3.connect(file)
    try:
        row: tuple[int] = db.execute("SELECT COUNT(*) FROM replies").fetchone()
    except sqlite3.OperationalError:
        return 0
    finally:
        db.close()
    return row[0]


def test_a_store_that_cannot_be_used_stops_nothing(floors: Project) -> None:
    file = floors.path / "reports/store/replies.sqlite"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"this is no database" * 400)
    floors.write("cases/floors/samples.csv", "\n".join(two_lines(floors)) + "\n")
    result = floors.run(engine=())
    assert result.exit_code == 0, result.text
    assert result.text.count("set aside as replies.sqlite.set-aside-") == 1
    assert held(file) == 6


def two_lines(project: Project) -> list[str]:
    header, *rows = (project.path / "cases/floors/samples.csv").read_text().splitlines()
    return [header, *rows[:2]]


def test_the_scripted_engine_is_not_stored(project: Project) -> None:
    assert project.run().exit_code == 0
    assert project.run().run["stored"] == 0
    assert not (project.path / "reports/store").exists()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("--cosmos-replay-only --fresh", "--cosmos-replay-only asks nothing, but --fresh asks every case."),
        ("--cosmos-replay-only --cosmos-store none", "but --cosmos-store none leaves nothing to replay."),
        (
            "--cosmos-replay-only --engine scripted --cosmos-replies replies.yaml",
            "what the scripted engine says is not",
        ),
        ("--cosmos-store notes.md", "--cosmos-store notes.md: must be a file named *.sqlite, or none."),
        ("--cosmos-replay-only --model reason2", "hf download nvidia/Cosmos-Reason2-2B config.json"),
    ],
)
def test_options_that_cannot_be_obeyed_stop_the_run(project: Project, options: str, problem: str) -> None:
    result = project.run(*shlex.split(options), engine=())
    assert result.exit_code == 4
    assert problem in " ".join(result.text.split())
    assert result.folder is None


def test_the_ini_file_may_name_the_store_or_do_without(pytester: pytest.Pytester) -> None:
    project = Project(pytester, ())
    use_shipped_images(project)
    project.write("cases/floors/samples.csv", "\n".join(two_lines(project)) + "\n")
    project.write("pytest.ini", "[pytest]\ncosmos_store = elsewhere/mine.sqlite\n")
    assert project.run(engine=()).exit_code == 0
    assert held(project.path / "elsewhere/mine.sqlite") == 6
    assert not (project.path / "reports/store").exists()
    replay: Any = project.run("--cosmos-replay-only", engine=())
    assert (replay.exit_code, replay.run["stored"]) == (0, 6)
    project.write("pytest.ini", "[pytest]\ncosmos_store = none\n")
    refused = project.run("--cosmos-replay-only", engine=())
    assert "--cosmos-store none leaves nothing to replay" in refused.text
