"""A project of a user, run with and without xdist, its results as objects."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from _pytest.pytester import SysModulesSnapshot
from PIL import Image

SUITE = """
title: Floors
columns: [severity]
prompts:
  cracked:
    text: "Is this floor cracked? Yes or No."
    kind: yes_no
    expected: {cracked: "Yes", not cracked: "No"}
    hazard: "Yes"
  severity:
    text: "How bad is it from 1 to 5?"
    kind: rating
    expected: severity
    hazard: ">= 3"
    tolerance: 1
"""

TEST = """
import hypothesis._native  # noqa: F401  (as below: can be loaded once per process)
import pytest

@pytest.mark.cosmos(suite="floors")
def test_floors(cosmos_answer):
    assert cosmos_answer.correct, cosmos_answer.explanation
"""

THRESHOLDS = """
version: 1
release:
  floors:
    accuracy: {at_least: 0.75}
"""

RIGHT = {"*": {"expected": True, "confidence": 0.9}}


@dataclass(frozen=True)
class Result:
    """What an inner run left behind."""

    exit_code: int
    text: str
    folder: Path | None

    @property
    def run(self) -> dict[str, Any]:
        assert self.folder is not None, f"no run folder:\n{self.text}"
        data: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return data

    @property
    def outcome(self) -> str:
        return str(self.run["decision"]["outcome"])

    @property
    def verdicts(self) -> dict[str, str]:
        assert self.folder is not None
        lines = (self.folder / "outcomes.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        return {
            f"{r['case']['sample']['id']}-{r['case']['prompt']['name']}": r["judgement"]["verdict"] for r in records
        }


class Project:
    """A user's folder: suite, test file, thresholds, what the scripted engine says."""

    def __init__(self, pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.workers = workers
        self.write("benchmarks/test_floors.py", TEST)
        self.write("thresholds.yaml", THRESHOLDS)
        self.suite("floors")
        self.script(RIGHT)

    def write(self, name: str, text: str) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def suite(self, name: str, samples: int = 8, manifest: str = SUITE, extra: dict[int, str] | None = None) -> None:
        """Make a suite: even samples are cracked with severity 4, odd ones are not, with severity 1."""
        rows = ["file,label,category,severity,must_pass"]
        for number in range(samples):
            file = self.path / f"cases/{name}/media/s{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (number, 0, 0)).save(file)
            label = ("cracked", "not cracked")[number % 2]
            must_pass = (extra or {}).get(number, "")
            rows.append(
                f"media/s{number}.png,{label},{('hazard', 'safe')[number % 2]},{(4, 1)[number % 2]},{must_pass}"
            )
        self.write(f"cases/{name}/suite.yaml", manifest)
        self.write(f"cases/{name}/samples.csv", "\n".join(rows) + "\n")

    def script(self, replies: dict[str, Any]) -> None:
        self.write("replies.yaml", json.dumps(replies))

    def run(self, *args: str, engine: tuple[str, ...] = ("--engine", "scripted"), apart: bool = False) -> Result:
        """Run pytest on benchmarks/ unless a path is given; `apart`: in a process of its own, as with a real engine."""
        paths = () if any((self.path / arg.partition("::")[0]).exists() for arg in args) else ("benchmarks",)
        replies = ("--cosmos-replies", "replies.yaml") if "scripted" in engine else ()
        before = self.folders()
        run = self.pytester.runpytest_inprocess if engine and not apart else self.pytester.runpytest_subprocess
        result = run(*paths, *engine, *replies, *self.workers, "-W", "error", *args)
        new = sorted(self.folders() - before)
        text = result.stdout.str() + result.stderr.str()
        return Result(int(result.ret), text, new[-1] if new else None)

    def folders(self) -> set[Path]:
        runs = self.path / "reports" / "runs"
        return set(runs.iterdir()) if runs.is_dir() else set()


class KeepLibraries(SysModulesSnapshot):
    """Forgets only modules of the inner project: numpy and its like cannot be imported twice in one process."""

    def restore(self) -> None:
        """Undo the imports of test modules and conftests."""
        here = str(Path(pytest.__file__).parents[1])
        before = self._SysModulesSnapshot__saved  # type: ignore[attr-defined]
        for name in set(sys.modules) - set(before):
            file = getattr(sys.modules[name], "__file__", None)
            if file and "pytest-of-" in file and not file.startswith(here):
                del sys.modules[name]


@pytest.fixture(autouse=True, scope="session")
def _keep_libraries() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("_pytest.pytester.SysModulesSnapshot", KeepLibraries)
        yield


@pytest.fixture(params=[(), ("-n2",)], ids=["alone", "n2"])
def workers(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """With and without xdist."""
    params: tuple[str, ...] = request.param
    return params


@pytest.fixture
def project(pytester: pytest.Pytester, workers: tuple[str, ...]) -> Project:
    """A project whose model answers everything right, run with and without xdist."""
    return Project(pytester, workers)


@pytest.fixture
def lone_project(pytester: pytest.Pytester) -> Project:
    """The same, without xdist only."""
    return Project(pytester, ())
