"""The flow: baseline -> (only if needed) fine-tune -> candidate -> decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from pytest_cosmos import pipeline
from pytest_cosmos.deciding import lacks_targets
from pytest_cosmos.errors import OptionError
from pytest_cosmos.finetune import complete_card
from pytest_cosmos.gate import read_thresholds
from pytest_cosmos.records import Recommendation
from pytest_cosmos.runlog import NONE, RunFolder
from pytest_cosmos.settings import Settings
from pytest_cosmos.workflow.inputs import check_inputs, digest_of_inputs
from pytest_cosmos.workflow.state import State, StepName, digest_of_texts, read_state, with_step
from pytest_cosmos.workflow.steps import run_pytest, set_aside, train, write_test

Ask = Callable[[Settings, str, Path, Sequence[str]], RunFolder]
Train = Callable[[Settings, Path, Path, Path | None], Path]
Check = Callable[[Settings, Path, Path | None], None]


@dataclass(frozen=True, slots=True)
class Workflow:
    """What is to be done."""

    settings: Settings
    """Of the base model: root, cases, thresholds, reports, model."""
    suite: str
    out: Path
    """Where its state lies, and the adapter."""
    config: Path | None = None
    """Of the fine-tuning."""
    tests: Path | None = None
    """Which tests to run; None: one of its own that asks the suite."""
    arguments: tuple[str, ...] = ()
    """More arguments for pytest."""
    say: Callable[[str], None] = print
    check: Check = field(default=check_inputs)
    ask: Ask = field(default=run_pytest)
    train: Train = field(default=train)

    @property
    def folder(self) -> Path:
        """The suite's."""
        return self.settings.cases / self.suite


@dataclass(frozen=True, slots=True)
class Finished:
    """What a workflow came to, and where everything lies."""

    decision: Recommendation
    page: Path
    """decision.md, beside the run's report."""
    baseline: RunFolder
    adapter: Path | None = None
    """None: fine-tuning was not needed, or is not warranted by what is known."""
    candidate: RunFolder | None = None


def run_workflow(asked: Workflow) -> Finished:
    """Do every step that is not done yet; stopped at any moment, the same call goes on.

    OptionError where no release target says what good enough is, or the same workflow is running; CosmosErrors of the
    steps otherwise.
    """
    bars = read_thresholds(asked.settings.thresholds) if asked.settings.thresholds else None
    if missing := lacks_targets(bars, (asked.suite,)):
        raise OptionError(missing[0])
    asked.out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(asked.out / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise OptionError(
            f"{asked.out}: this workflow is running already. Wait for it, or name another --out."
        ) from None
    try:
        return _Steps(asked).run()
    finally:
        lock.release()


class _Steps:
    """One pass through the steps."""

    def __init__(self, asked: Workflow) -> None:
        self.asked = asked
        self.state: State = read_state(asked.out)
        self.tests = asked.tests or write_test(asked.out, asked.suite)
        self.subject = digest_of_inputs(asked.settings, asked.folder, asked.tests, asked.arguments)

    def run(self) -> Finished:
        asked, settings = self.asked, self.asked.settings
        if self.state.done("baseline", self.subject) is None:  # else it was checked then, or is by the training
            asked.check(settings, asked.folder, asked.config)
        self.announce(1, f"test {settings.model} on {asked.suite}")
        baseline = RunFolder(self.step("baseline", self.subject, lambda: self.test(settings)))
        need, page = self.decide(baseline, NONE)
        if need.advice != "not_sufficient":
            return Finished(need, page, baseline)
        self.announce(2, f"fine-tune {settings.model} on the training split of {asked.suite}")
        told = digest_of_texts(
            self.subject, asked.config.read_bytes().decode("utf-8", "replace") if asked.config else ""
        )
        # a folder of its own for each thing asked: an adapter of other data is never gone on with
        out = asked.out / f"adapter-{told[:8]}"
        adapter = self.step("adapter", told, lambda: self.train(told, out))
        self.announce(3, f"test {settings.model} + {adapter.name} on the same cases")
        built_on = digest_of_texts(told, self.state.steps["baseline"].digest, self.state.steps["adapter"].digest)
        adapted = replace(settings, adapter=adapter, baseline=str(baseline.path))
        candidate = RunFolder(self.step("candidate", built_on, lambda: self.test(adapted)))
        self.announce(4, "decide")
        decision, page = self.decide(candidate, str(baseline.path))
        complete_card(adapter, decision)
        return Finished(decision, page, baseline, adapter, candidate)

    def step(self, name: StepName, told: str, work: Callable[[], Path]) -> Path:
        """Do a step, unless it is done; write down that it is."""
        if (done := self.state.done(name, told)) is not None:
            self.asked.say(f"   done before: {done}")
            return done
        output = work().resolve()
        self.state = with_step(self.asked.out, self.state, name, told, output)
        return output

    def test(self, settings: Settings) -> Path:
        return self.asked.ask(settings, self.asked.suite, self.tests, self.asked.arguments).path

    def train(self, told: str, out: Path) -> Path:
        step = self.state.steps.get("adapter")
        if step is not None and step.asked == told and out.exists():  # finished, and not what it was then
            aside = set_aside(out, "changed")
            self.asked.say(f"   {out} was changed since it was trained. It is now {aside.name}; trained anew.")
        return self.asked.train(self.asked.settings, self.asked.folder, out, self.asked.config)

    def decide(self, folder: RunFolder, baseline: str) -> tuple[Recommendation, Path]:
        settings = self.asked.settings
        found = pipeline.decide_about(
            folder, settings.root, settings.reports, baseline=baseline, thresholds=settings.thresholds
        )
        return found, pipeline.write_decision(folder, found)

    def announce(self, number: int, what: str) -> None:
        self.asked.say(f"== {number} of 4: {what}")


def finished_lines(found: Finished) -> Sequence[str]:
    """Say where everything lies."""
    lines = [f"baseline:  {found.baseline.path / 'index.html'}"]
    if found.adapter is not None:
        lines.append(f"adapter:   {found.adapter}")
    if found.candidate is not None:
        lines.append(f"candidate: {found.candidate.path / 'index.html'}")
    return (*lines, f"decision:  {found.page}")
