"""The workflow: which steps are done, skipped or done again; stopped at any moment it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from filelock import FileLock

from pytest_cosmos.errors import OptionError, Problems, RunFolderError
from pytest_cosmos.runlog import RunFolder
from pytest_cosmos.settings import Settings
from pytest_cosmos.workflow import Finished, Workflow, run_workflow
from pytest_cosmos.workflow.inputs import check_inputs
from pytest_cosmos.workflow.running import finished_lines
from pytest_cosmos.workflow.state import State, digest_of, read_state
from pytest_cosmos.workflow.steps import run_pytest, train, write_test
from tests.unit.decision_builders import BASE, PLAIN, TARGETS, answers, write_run
from tests.unit.suite_files import write_suite

GOOD = {**PLAIN, "ambiguous": 0.9}


@dataclass
class Project:
    """A project whose model is asked and trained by stand-ins, which are counted."""

    path: Path
    base: Mapping[str, float] = field(default_factory=lambda: BASE)
    done: list[str] = field(default_factory=list)
    stop: str = ""
    """Before this step is done everything ends."""

    def workflow(self) -> Workflow:
        settings = Settings(
            root=self.path,
            cases=self.path / "cases",
            thresholds=self.path / "thresholds.yaml",
            reports=self.path / "reports",
        )
        return Workflow(
            settings,
            "floor",
            self.path / "out",
            say=lambda _: None,
            check=lambda *_: None,
            ask=self.ask,
            train=self.train,
        )

    def run(self, **changes: object) -> Finished:
        from dataclasses import replace

        return run_workflow(replace(self.workflow(), **changes))  # type: ignore[arg-type]

    def ask(self, settings: Settings, suite: str, tests: Path, arguments: Sequence[str]) -> RunFolder:
        step = "candidate" if settings.adapter else "baseline"
        self.begin(step)
        number = len(list((self.path / "reports" / "runs").glob("*")))
        if settings.adapter is None:
            return write_run(self.path, f"base-{number}", answers(self.base, 100), fingerprint="w")
        return write_run(self.path, f"new-{number}", answers(GOOD, 100), adapter=str(settings.adapter), fingerprint="w")

    def train(self, settings: Settings, suite: Path, out: Path, config: Path | None) -> Path:
        self.begin("adapter")
        out.mkdir(exist_ok=True)
        (out / "adapter_config.json").write_text("{}")
        (out / "adapter_model.safetensors").write_bytes(b"weights")
        return out

    def begin(self, step: str) -> None:
        if self.stop == step:
            raise KeyboardInterrupt
        self.done.append(step)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write_suite(tmp_path / "cases")
    (tmp_path / "thresholds.yaml").write_text(TARGETS)
    (tmp_path / "reports" / "runs").mkdir(parents=True)
    return Project(tmp_path)


def test_a_model_that_misses_its_targets_is_tuned_tested_again_and_decided_about(project: Project) -> None:
    found = project.run()
    assert project.done == ["baseline", "adapter", "candidate"]
    assert (found.decision.advice, found.decision.exit_code) == ("helped", 0)
    assert found.decision.baseline == found.baseline.path.name
    assert found.candidate is not None
    assert found.page == found.candidate.path / "decision.md"
    assert (found.baseline.path / "decision.json").is_file()
    assert [line.partition(":")[0] for line in finished_lines(found)] == [
        "baseline", "adapter", "candidate", "decision",
    ]  # fmt: skip


def test_given_again_nothing_is_done_again(project: Project) -> None:
    first = project.run()
    second = project.run()
    assert project.done == ["baseline", "adapter", "candidate"]
    assert second.decision == first.decision


def test_a_model_that_is_good_enough_is_not_tuned(project: Project) -> None:
    project.base = dict.fromkeys(GOOD, 0.99)
    found = project.run()
    assert project.done == ["baseline"]
    assert (found.decision.advice, found.decision.exit_code, found.adapter) == ("sufficient", 0, None)


@pytest.mark.parametrize("step", ["baseline", "adapter", "candidate"])
def test_stopped_in_any_step_it_goes_on_with_it(project: Project, step: str) -> None:
    project.stop = step
    with pytest.raises(KeyboardInterrupt):
        project.run()
    project.stop = ""
    assert project.run().decision.advice == "helped"
    assert project.done == ["baseline", "adapter", "candidate"]


CHANGES: dict[str, tuple[Callable[[Project], object], list[str]]] = {
    "label": (lambda p: touch(p.path / "cases/floor/samples.csv"), ["baseline", "adapter", "candidate"]),
    "picture": (lambda p: touch(next((p.path / "cases/floor").rglob("*.png"))), ["baseline", "adapter", "candidate"]),
    "outcomes": (
        lambda p: touch(next(p.path.glob("reports/runs/base-*/outcomes.jsonl"))),
        ["baseline"],
    ),  # says the same again
    "weights": (lambda p: touch(next(p.path.rglob("*.safetensors"))), ["adapter"]),
    "candidate": (lambda p: next(p.path.glob("reports/runs/new-*/outcomes.jsonl")).unlink(), ["candidate"]),
    "state": (lambda p: (p.path / "out/state.json").write_text("{"), ["baseline", "adapter", "candidate"]),
    "card": (lambda p: (next(p.path.glob("out/adapter-*")) / "README.md").write_text("results"), []),
}


def test_an_adapter_that_was_changed_is_kept_aside(project: Project) -> None:
    adapter = project.run().adapter
    assert adapter is not None
    touch(adapter / "adapter_model.safetensors")
    assert project.run().adapter == adapter
    assert (adapter / "adapter_model.safetensors").read_bytes() == b"weights"
    assert (adapter.with_name(f"{adapter.name}-changed-1") / "adapter_model.safetensors").read_bytes() == b"weights\n"


def touch(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


@pytest.mark.parametrize("what", CHANGES)
def test_what_changed_since_and_all_that_builds_on_it_is_done_again(project: Project, what: str) -> None:
    project.run()
    project.done.clear()
    change, again = CHANGES[what]
    change(project)
    project.run()
    assert project.done == again


def test_another_configuration_or_other_arguments_are_other_steps(project: Project) -> None:
    project.run()
    project.done.clear()
    config = project.path / "finetune.yaml"
    config.write_text("epochs: 2\n")
    found = project.run(config=config)
    assert project.done == ["adapter", "candidate"]
    assert len(list((project.path / "out").glob("adapter-*"))) == 2
    project.done.clear()
    project.run(config=config, arguments=("-n", "2"))
    assert project.done == ["baseline", "adapter", "candidate"]
    assert found.decision.advice == "helped"


OUTSIDE: dict[str, Callable[[Project], object]] = {
    "prompt file": lambda p: (p.path / "prompt.yaml").write_text("user_prompt: Is it broken?\n"),
    "file of an argument": lambda p: (p.path / "words.yaml").write_text("user_prompt: Broken?\n"),
    "pytest.ini": lambda p: (p.path / "pytest.ini").write_text("[pytest]\naddopts = --cosmos-prompt=words.yaml\n"),
    "pyproject.toml": lambda p: (p.path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '-x'\n"),
    "test": lambda p: (p.path / "test_own.py").write_text("# another\n"),
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_what_is_asked_may_be_decided_outside_of_the_suite(project: Project, what: str) -> None:
    manifest = project.path / "cases/floor/suite.yaml"
    manifest.write_text(f"prompt_file: {project.path}/prompt.yaml\n" + manifest.read_text())
    (project.path / "prompt.yaml").write_text("user_prompt: Is it cracked?\n")
    (project.path / "words.yaml").write_text("user_prompt: Cracked?\n")
    (project.path / "test_own.py").write_text("")
    (project.path / "pyproject.toml").write_text("[project]\nname = 'mine'\n")
    asked = {"tests": project.path / "test_own.py", "arguments": ("--cosmos-prompt=words.yaml",)}
    project.run(**asked)
    (project.path / "pyproject.toml").write_text("[project]\nname = 'yours'\n")
    project.done.clear()
    project.run(**asked)
    assert project.done == []
    OUTSIDE[what](project)
    project.run(**asked)
    assert project.done == ["baseline", "adapter", "candidate"]


def test_what_would_stop_the_training_stops_it_before_the_model_is_asked(project: Project) -> None:
    with pytest.raises(Problems, match="no cases in the train split"):
        project.run(check=check_inputs)
    table = project.path / "cases/floor/samples.csv"
    table.write_text("file,label,split\nmedia/a.png,cracked,train\nmedia/b.png,not cracked,test\n")
    with pytest.raises(OptionError, match="its validation split has no cases"):
        project.run(check=check_inputs)
    config = project.path / "finetune.yaml"
    config.write_text("epoch: 1\n")
    with pytest.raises(Problems, match=r"finetune\.yaml:1: .*epoch"):
        project.run(check=check_inputs, config=config)
    assert project.done == []


def test_other_thresholds_need_no_step_again(project: Project) -> None:
    project.run()
    project.done.clear()
    (project.path / "thresholds.yaml").write_text(TARGETS.replace("0.85", "0.5"))
    assert project.run().decision.advice == "sufficient"
    assert project.done == []


def test_without_a_release_target_it_does_not_begin(project: Project) -> None:
    (project.path / "thresholds.yaml").write_text(TARGETS.replace("  floor:", "  ladders:"))
    with pytest.raises(OptionError, match="has no release target"):
        project.run()
    assert project.done == []


def test_two_at_a_time_in_one_folder_are_refused(project: Project) -> None:
    (project.path / "out").mkdir()
    with FileLock(project.path / "out/.lock"), pytest.raises(OptionError, match="is running already"):
        project.run()


def test_a_step_without_output_is_not_done(tmp_path: Path) -> None:
    assert digest_of("baseline", tmp_path) == ""
    assert digest_of("adapter", tmp_path) == ""
    (tmp_path / "adapter_config.json").write_text("{}")
    assert digest_of("adapter", tmp_path) == ""  # no weights
    (tmp_path / "state.json").write_text(State(schema_version=2).model_dump_json())
    assert read_state(tmp_path) == State()


def test_an_adapter_that_was_finished_before_the_state_was_written_is_taken(project: Project) -> None:
    out = project.path / "adapter"
    out.mkdir()
    (out / "finetune.json").write_text("{}")
    assert train(project.workflow().settings, project.path / "cases/floor", out, None) == out


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.unit.test_workflow import Project

class Mortal(Project):
    def begin(self, step):
        super().begin(step)
        print(step, flush=True)
        if step == sys.argv[2]:
            os.kill(os.getpid(), signal.SIGKILL)

print(Mortal(Path(sys.argv[1])).run().decision.advice)
"""


def test_killed_while_training_the_same_command_goes_on(project: Project) -> None:
    first, second = (killed(project.path, step) for step in ("adapter", ""))
    assert first == (-signal.SIGKILL, ["baseline", "adapter"])
    assert second == (0, ["adapter", "candidate", "helped"])


def killed(path: Path, step: str) -> tuple[int, list[str]]:
    """Run it in a process that is killed when a step has begun."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", KILLED, str(path), step]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=root, env=environment, check=False)
    return ended.returncode, ended.stdout.split()


def test_pytest_asks_the_suite_by_a_test_of_our_own(project: Project) -> None:
    settings = project.workflow().settings
    (project.path / "replies.yaml").write_text(json.dumps({"*": {"expected": True}}))
    out = project.path / "out"
    out.mkdir()
    scripted = (
        "--engine=scripted",
        f"--cosmos-replies={project.path / 'replies.yaml'}",
        "-q",
        "-p",
        "no:cacheprovider",
    )
    tests = write_test(out, "floor")
    with pytest.raises(RunFolderError, match="no finished run of tiny"):  # the scripted engine is another model
        run_pytest(settings, "floor", tests, scripted)
    (run,) = (project.path / "reports/runs").iterdir()
    found = RunFolder(run).read_run()
    assert found.model.name == "scripted"
    assert (found.baseline, found.required, found.suites[0].path) == ("none", ("floor",), "cases/floor")
    with pytest.raises(RunFolderError, match="pytest stopped with exit code 4, see above"):
        run_pytest(settings, "floor", tests, ("--cosmos-limit=0",))
