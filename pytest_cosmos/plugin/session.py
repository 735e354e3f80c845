"""Our state of one pytest session: what is collected, what answers, what is reported. Lives in `config.stash`.

Three kinds of process run this: pytest alone, xdist's workers (collect and answer) and xdist's controller (reports).
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_cosmos.errors import CosmosError
from pytest_cosmos.measure import warm_imports
from pytest_cosmos.plugin.collection import Collection, case_of, is_ours, keep_items, make_collection, unfit
from pytest_cosmos.plugin.latency import ALONE, CosmosLatency, LatencyBench
from pytest_cosmos.plugin.live import LiveLine
from pytest_cosmos.plugin.options import asked_explicitly
from pytest_cosmos.plugin.problems import (
    model_problem,
    models_file_problems,
    problems_asking,
    refusal,
    threshold_problems,
    unpinned_advice,
    waivers_of,
)
from pytest_cosmos.plugin.reporting import Reporter
from pytest_cosmos.plugin.running import Runner
from pytest_cosmos.plugin.verdicts import (
    OUTRIGHT,
    PROPERTY,
    is_lost,
    judge_report,
    remember_failed,
    spare_traceback,
    take_outcomes,
)
from pytest_cosmos.plugin.workers import DEADLINE, EARLIER_RUNS, PLACE, Places
from pytest_cosmos.records import Repeat, Verdict, Waiver
from pytest_cosmos.report import summary_lines
from pytest_cosmos.suites import LATENCY

if TYPE_CHECKING:
    from pytest_cosmos.settings import Settings

INTERRUPTED = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
"""Ctrl-C, broken test files, xdist's `-x`: what was selected and asked then says nothing of what should have been."""

STYLES: dict[str, dict[str, bool]] = {
    "good": {"green": True},
    "bad": {"red": True, "bold": True},
    "warn": {"yellow": True},
    "strong": {"bold": True},
    "dim": {"light": True},
    "head": {"bold": True},
}


class CosmosSession:
    """Wires collection, runner and reporter to pytest's hooks."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._collection: Collection = make_collection(config)
        self._live = LiveLine(config)
        self.runner = Runner(config, self._collection, self._live)
        self.reporter = Reporter(config, self._collection.settings)
        self.latency = LatencyBench(config, self._collection.settings, self._live)
        self._is_worker = hasattr(config, "workerinput")
        self._places = Places()
        self._repeats: list[dict[str, Any]] = []
        self._warm = False
        self._waivers: tuple[Waiver, ...] = ()
        self._refused = False
        self._reached = False
        self._imports: threading.Thread | None = None
        self._problem = ""
        self._remark = ""

    @property
    def _is_controller(self) -> bool:
        return bool(self._config.pluginmanager.hasplugin("dsession"))  # registered later than we are made

    @property
    def settings(self) -> Settings:
        """What the user asked for."""
        return self._collection.settings

    def before_workers(self) -> None:
        """Stop before xdist starts its workers where the model cannot be had, or a baseline cannot be read."""
        try:
            self.reporter.check_baseline()
        except CosmosError as error:
            self._refused = True
            raise pytest.UsageError(str(error)) from None
        # mistakes in models.yaml are told by the workers, together with those in the other files
        if self._is_controller and LATENCY in self.settings.suites:
            raise pytest.UsageError(ALONE)
        if (
            self._is_controller
            and not models_file_problems(self.settings)
            and (problem := model_problem(self._config, self.settings))
        ):
            self._refused = True
            raise pytest.UsageError(problem)

    def greet_worker(self, node: Any) -> None:
        """Tell a worker that is about to start what it cannot know."""
        node.workerinput[PLACE] = self._places.take(node.gateway.id)
        node.workerinput[DEADLINE] = self.runner.deadline
        node.workerinput[EARLIER_RUNS] = {"baseline": self.settings.baseline, "only": self.settings.only}

    def miss_worker(self, node: Any) -> None:
        """Take in what a worker that has ended says of itself; its place is free again."""
        self._places.leave(node.gateway.id)
        record = getattr(node, "workeroutput", {}).get(PROPERTY)
        if record is not None:
            self.reporter.add_process(record)
            for repeat in record["repeats"]:
                self.reporter.add_repeat(Repeat.model_validate(repeat))

    def parametrize(self, metafunc: pytest.Metafunc, marker: pytest.Mark) -> None:
        """Turn a marked test into items; the engine's libraries begin to load meanwhile."""
        if not self._warm:
            self._warm = True
            self.runner.warm()
        self._collection.parametrize(metafunc, marker)

    def parametrize_latency(self, metafunc: pytest.Metafunc, marker: pytest.Mark) -> None:
        """Turn a test of latency into items."""
        self.latency.parametrize(metafunc, marker, self._collection.problems)

    def time(self, item: pytest.Item, benchmark: Any) -> CosmosLatency:
        """Return how long an item's benchmark took; nothing else asks a model meanwhile."""
        self.runner.rest()
        if self._imports is not None:
            self._imports.join()
        return self.latency.answer(item, benchmark, item.session.items)

    def leave_out_empty(self, report: pytest.CollectReport) -> None:
        """Drop items that pytest makes of a test without a single case, unless it is broken."""
        if not self._collection.problems:
            items = [node for node in report.result if isinstance(node, pytest.Item) and hasattr(node, "callspec")]
            unwanted = set(items) - set(keep_items(items, self._collection))
            report.result = [node for node in report.result if node not in unwanted]

    def selected(self, items: list[pytest.Item]) -> None:
        """Stop on bad input, before a model is loaded; leave out items without a case."""
        self._collection.check_asked_suites()
        self._collection.problems += threshold_problems(self._collection)
        self._waivers = waivers_of(self.settings) if not self._collection.problems else ()
        self._collection.problems += models_file_problems(self.settings)
        self._collection.problems += unfit(items)
        items[:] = keep_items(items, self._collection)
        self._collection.problems += self.latency.arrange(items)
        if self._is_worker and self.latency.asked:
            self._collection.problems.append(ALONE)
        if (any(map(is_ours, items)) or self.latency.planned) and not self._collection.problems:
            self._collection.problems += problems_asking(self._config, self.settings, items)
        if self._collection.problems:
            self._refused = True
            if not self._is_worker:
                raise pytest.UsageError(refusal(self._collection.problems))
            items.clear()  # the text travels to the controller, which prints it once

    def start(self, session: pytest.Session) -> None:
        """Set the plan going, unless there is nothing to run."""
        self._reached = True
        broken = session.testsfailed and not self._config.option.continue_on_collection_errors
        asked = any(case_of(item) for item in session.items)
        if self._config.option.collectonly or broken or not (asked or self.latency.planned):
            return
        if asked:
            self.runner.start(session.items)
        if not self._is_worker:
            self._open_folder()
            # the tests wait for the model now; what follows them need not wait again
            self._imports = threading.Thread(target=warm_imports, name="cosmos-imports", daemon=True)
            self._imports.start()

    def spare_traceback(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Let a wrong answer explain itself."""
        spare_traceback(item, call)

    def judge_report(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """Turn the report of a wrong or unparsed case into that verdict, and attach the outcome."""
        judge_report(item, call, report, self.settings, self._waivers)

    def ask_again(self) -> None:
        """Ask what is to be asked once more, now that every test of this process has run."""
        self.runner.ask_again(self._keep_repeat)

    def _keep_repeat(self, repeat: Repeat) -> None:
        if self._is_worker:
            self._repeats.append(repeat.model_dump(mode="json"))
        else:
            self.reporter.add_repeat(repeat)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Iterator[None]:
        """Take in the outcome; others see short properties, and `--lf` runs wrong cases again."""
        if self._is_worker:
            return (yield)
        self._live.clear()
        *earlier, outcome = take_outcomes(report)
        if outcome is not None:
            # where the folder cannot be written, `finish` meets the same error again and says so
            with contextlib.suppress(CosmosError):
                self.reporter.add(outcome, earlier)
        if report.failed and report.nodeid in self.latency.planned:
            self.reporter.add_failure(report.nodeid)
        if report.failed and (is_lost(report) or any(name == "cosmos_verdict" for name, _ in report.user_properties)):
            self.reporter.add_failure(report.nodeid, str(dict(report.user_properties).get(OUTRIGHT, "")))
        result = yield
        if outcome is not None and outcome.judgement.verdict in (Verdict.WRONG, Verdict.UNPARSED):
            remember_failed(self._config, report.nodeid)
        if outcome is not None:
            progress = self.runner.progress() or self.reporter.progress()
            if progress is not None:
                self._live.draw(progress)
        return result

    def finish(self, session: pytest.Session) -> None:
        """Write the run, decide, and let the exit status say so; 2, 3 and 4 stay what they are."""
        self._live.clear()
        self.runner.close()
        record = self.runner.record()
        if self._is_worker:
            self._config.workeroutput[PROPERTY] = {**record, "repeats": self._repeats}  # type: ignore[attr-defined]
            return
        # the controller of workers that were given no option of ours learns from them that it is concerned
        ran = self._reached or self.reporter.heard_anything
        if not self._is_controller:
            self.reporter.add_process(record)
        if self.latency.asked:
            self.reporter.take_latency(self.latency.result, tuple(self.latency.planned.values()))
        if self._refused or self._config.option.collectonly or not ran or not self._concerned():
            return
        if self.reporter.problems:
            self._stop(session, refusal(self.reporter.problems))
            return
        try:
            exit_code = self.reporter.finish(interrupted=session.exitstatus in INTERRUPTED)
        except (CosmosError, OSError) as error:
            self._stop(session, str(error))
            return
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = exit_code
        elif exit_code == 0:
            self._remark = f"pytest exits {int(session.exitstatus)} all the same: see above."

    def _stop(self, session: pytest.Session, problem: str) -> None:
        """Exit 4 with a message, also where there is no terminal reporter to print it."""
        self._problem = f"ERROR: {problem}"
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
        if not self._config.pluginmanager.hasplugin("terminalreporter"):
            sys.stderr.write(f"{self._problem}\n")

    def _open_folder(self) -> None:
        try:
            self.reporter.open()
        except CosmosError as error:
            self._refused = True
            self.runner.close()
            raise pytest.UsageError(str(error)) from None

    def _concerned(self) -> bool:
        """Tell whether this run is ours to judge: xdist's controller listens before it knows."""
        return asked_explicitly(self._config) or self.reporter.heard_anything

    def print_summary(self, terminal: Any) -> None:
        """Print problems, or what the run came to."""
        if self._problem:
            terminal.write_line(self._problem, red=True)
        conclusion = self.reporter.conclusion
        if conclusion is None:
            return
        lines = summary_lines(
            conclusion.run,
            conclusion.summary,
            conclusion.checks,
            conclusion.outcomes,
            changes=conclusion.changes,
            report_path=self.reporter.report_path,
            width=terminal._tw.fullwidth,
        )
        for remark in self.reporter.remarks:
            terminal.write_line(remark, yellow=True)
        for line in lines:
            terminal.write_line(line.text, **STYLES.get(line.style, {}))
        for text in self.reporter.baseline_lines:
            terminal.write_line(text)
        if advice := unpinned_advice(self.settings, conclusion.run.model.fingerprint):
            terminal.write_line(f"WARNING: {advice}", yellow=True)
        if self._remark:
            terminal.write_line(self._remark, red=True)


SESSION = pytest.StashKey[CosmosSession]()


def make_session(config: pytest.Config) -> CosmosSession:
    """Make the state of this session and let it listen to reports."""
    ours = CosmosSession(config)
    config.stash[SESSION] = ours
    config.pluginmanager.register(ours, "cosmos-session")
    return ours
