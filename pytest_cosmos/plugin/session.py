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

from pytest_cosmos.engines import check_engine, device_problem, prompt_problems
from pytest_cosmos.engines.known_models import read_models
from pytest_cosmos.engines.models import locate, pin_advice
from pytest_cosmos.errors import CosmosError, Problems
from pytest_cosmos.gate import name_problems, read_thresholds, waived_until, waiver_of
from pytest_cosmos.measure import warm_imports
from pytest_cosmos.pipeline import current_day
from pytest_cosmos.plugin.collection import Collection, case_of, is_ours, keep_items, make_collection, unfit
from pytest_cosmos.plugin.latency import ALONE, CosmosLatency, LatencyBench
from pytest_cosmos.plugin.live import LiveLine
from pytest_cosmos.plugin.options import asked_explicitly
from pytest_cosmos.plugin.reporting import Reporter
from pytest_cosmos.plugin.running import EARLIER, OUTCOME, Runner, explain, fails_outright, why_outright
from pytest_cosmos.plugin.temperatures import calibration_problems
from pytest_cosmos.plugin.workers import DEADLINE, EARLIER_RUNS, PLACE, Places, worker_count
from pytest_cosmos.records import Outcome, Repeat, Verdict, Waiver
from pytest_cosmos.report import summary_lines
from pytest_cosmos.suites import LATENCY

if TYPE_CHECKING:
    from pytest_cosmos.settings import Settings

PROPERTY = "cosmos"
"""Name of the user property that carries an outcome from worker to controller."""

OUTRIGHT = "cosmos_must_pass"
"""Name of the user property of a test that failed only because its sample must pass: the key of its case."""

FAILURES = (AssertionError, pytest.fail.Exception)
"""How a test body says that it does not accept an answer."""

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
        if self._is_controller and not models_file_problems(self.settings) and (problem := self._model_problem()):
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
            self._collection.problems += self._problems_asking(items)
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
        """Let a wrong answer explain itself: pytest's traceback takes longer than all the rest of its test.

        The test's body is not to blame, and nothing would show it.
        """
        outcome = item.stash.get(OUTCOME, None)
        if outcome is None or call.when != "call" or outcome.judgement.verdict is Verdict.CORRECT:
            return
        if call.excinfo is not None and call.excinfo.errisinstance(FAILURES):
            item.repr_failure = lambda *_, **__: explain(outcome)  # type: ignore[method-assign]

    def ask_again(self) -> None:
        """Ask what is to be asked once more, now that every test of this process has run."""
        self.runner.ask_again(self._keep_repeat)

    def _keep_repeat(self, repeat: Repeat) -> None:
        if self._is_worker:
            self._repeats.append(repeat.model_dump(mode="json"))
        else:
            self.reporter.add_repeat(repeat)

    def judge_report(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """Turn the report of a wrong or unparsed case into that verdict, and attach the outcome once."""
        outcome = item.stash.get(OUTCOME, None)
        if outcome is None or report.when == "teardown" or (report.when == "setup" and report.passed):
            return
        told = [one.model_dump(mode="json") if one else None for one in (*item.stash.get(EARLIER, []), outcome)]
        report.user_properties.append((PROPERTY, told))
        item.user_properties.extend(shown_properties(outcome))  # JUnit reads those of the teardown
        verdict = outcome.judgement.verdict
        refused = call.excinfo is None or report.skipped or call.excinfo.errisinstance(FAILURES)
        if report.when == "setup" or verdict is Verdict.CORRECT or not refused:
            return  # a fixture or a body that is broken: an ordinary failure
        key, today = outcome.case.key, current_day()
        waiver = waiver_of(key, self._waivers) if outcome.case.sample.must_pass else None
        if verdict is Verdict.ERROR or fails_outright(outcome, self.settings, waiver, today):
            report.outcome = "failed"
            report.longrepr = f"{key} ({why_outright(outcome, waiver, today)}): {explain(outcome)}"
            if verdict is not Verdict.ERROR and not self.settings.strict:
                report.user_properties.append((OUTRIGHT, key))
        else:
            report.outcome = "skipped"
            report.wasxfail = explain(outcome) + (f"; {waived_until(waiver)}" if waiver is not None else "")

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

    def _problems_asking(self, items: list[pytest.Item]) -> tuple[str, ...]:
        """Say why the model cannot be asked what these items ask."""
        if problem := self._model_problem():
            return (problem,)
        asked = {case.prompt.model_dump_json(): case.prompt for item in items if (case := case_of(item)) is not None}
        if self._config.option.collectonly:
            return ()
        cases = [case for item in items if (case := case_of(item)) is not None]
        unasked = (line for one in self.settings.turns() for line in prompt_problems(one, asked.values()))
        return (*unasked, *calibration_problems(self.settings, cases))

    def _model_problem(self) -> str | None:
        """Say what is wrong where the model's weights are not here and cannot be had."""
        if self._config.option.collectonly:
            return None
        try:
            for settings in self.settings.turns():
                check_engine(settings)
        except CosmosError as error:
            return str(error)
        workers = worker_count(self._config)
        return device_problem(self.settings, workers) if workers else None


SESSION = pytest.StashKey[CosmosSession]()


def make_session(config: pytest.Config) -> CosmosSession:
    """Make the state of this session and let it listen to reports."""
    ours = CosmosSession(config)
    config.stash[SESSION] = ours
    config.pluginmanager.register(ours, "cosmos-session")
    return ours


def refusal(problems: list[str] | tuple[str, ...]) -> str:
    """Write all problems as one text."""
    unique = list(dict.fromkeys(problems))
    count = "1 problem" if len(unique) == 1 else f"{len(unique)} problems"
    return "\n  ".join((f"pytest-cosmos found {count}; no model was loaded:", *unique))


def threshold_problems(collection: Collection) -> list[str]:
    """Say what is wrong with the thresholds file: by itself, and against the suites at hand."""
    file = collection.settings.thresholds
    if file is None:
        return []
    try:
        thresholds = read_thresholds(file)
    except Problems as error:
        return list(error.lines)
    return list(name_problems(thresholds, collection.slices(), collection.must_pass()))


def waivers_of(settings: Settings) -> tuple[Waiver, ...]:
    """Return the waivers of the thresholds file, if there is one."""
    return read_thresholds(settings.thresholds).waivers if settings.thresholds is not None else ()


def models_file_problems(settings: Settings) -> list[str]:
    """Say what is wrong with the project's models.yaml."""
    if settings.models_file is not None and settings.engine == "transformers":
        try:
            read_models(settings.models_file)
        except Problems as error:
            return list(error.lines)
    return []


def unpinned_advice(settings: Settings, commit: str) -> str | None:
    """Say in CI how to pin a model that the hub may change; `commit` is what it was this time."""
    if not settings.ci or settings.engine != "transformers":
        return None
    with contextlib.suppress(CosmosError):  # a folder that has gone since
        return pin_advice(locate(settings.model, settings.models_file), commit)
    return None


def take_outcomes(report: pytest.TestReport) -> list[Outcome | None]:
    """Take the outcomes out of a report, the candidate's last; what others should show of that one stays."""
    data: Any = next((value for name, value in report.user_properties if name == PROPERTY), None)
    if data is None:
        return [None]
    outcomes = [Outcome.model_validate(one) if one is not None else None for one in data]
    report.user_properties = [pair for pair in report.user_properties if pair[0] != PROPERTY]
    if outcomes[-1] is not None:
        report.user_properties += shown_properties(outcomes[-1])
    return outcomes


def shown_properties(outcome: Outcome) -> list[tuple[str, object]]:
    """Return what JUnit and other plugins should show of an outcome."""
    shown = {
        "cosmos_verdict": outcome.judgement.verdict.value,
        "cosmos_expected": outcome.case.expected,
        "cosmos_answer": outcome.judgement.answer,
        "cosmos_confidence": outcome.reply.confidence,
        "cosmos_category": outcome.case.sample.category,
    }
    return [(name, value) for name, value in shown.items() if value not in (None, "")]


def is_lost(report: pytest.TestReport) -> bool:
    """Tell whether xdist made this report for a worker that died."""
    return report.when == "???"  # type: ignore[comparison-overlap]


def remember_failed(config: pytest.Config, nodeid: str) -> None:
    """Let `--lf` and `--ff` treat a wrong case as a failed one."""
    cache: Any = config.pluginmanager.get_plugin("lfplugin")
    if cache is not None:
        cache.lastfailed[nodeid] = True
