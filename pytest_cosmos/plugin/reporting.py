"""The session as one process sees the whole of it: outcomes come in, a run folder and a decision come out.

Lives where the reports arrive: in pytest itself, or in xdist's controller. One code path for both.
"""

from __future__ import annotations

import platform
import shlex
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_cosmos.engines import Progress
from pytest_cosmos.gate import Thresholds, read_thresholds
from pytest_cosmos.measure import read_facts
from pytest_cosmos.pipeline import Conclusion, conclude, report
from pytest_cosmos.plugin.again import RepeatKey, key_of, lost_repeats
from pytest_cosmos.plugin.collection import relative
from pytest_cosmos.plugin.temperatures import temperatures_for
from pytest_cosmos.records import Case, Latency, ModelRecord, Outcome, Repeat, Run, SuiteRecord, Verdict
from pytest_cosmos.runlog import NONE, RunFolder
from pytest_cosmos.suites import LATENCY

if TYPE_CHECKING:
    from pytest_cosmos.settings import Settings

BATCH = 64
"""Outcomes synced to the disk at once."""

LIBRARIES = ("pytest-cosmos", "pytest", "torch", "transformers", "numpy", "scikit-learn", "pillow")


class Reporter:
    """Collects outcomes while the session runs and concludes it."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()
        self._turns = settings.turns()
        self._recorders: list[Recorder] = []
        self._keys: set[str] = set()
        self._to_repeat: list[Case] = []
        self._repeated: set[RepeatKey] = set()
        self._failed: dict[str, str] = {}
        self._first_verdict: float | None = None
        self._processes: list[dict[str, Any]] = []
        self.conclusion: Conclusion | None = None
        self._latency: Latency | None = None
        self._latency_planned: tuple[str, ...] | None = None
        self._baselines: list[Conclusion] = []
        self.report_path = ""

    def open(self) -> None:
        """Make the run folder; RunFolderError where that cannot be, before anything is asked."""
        if not self._recorders:  # the candidate's last: `reports/latest` leads to it
            names = (one.model if one.engine != "scripted" else one.engine for one in self._turns)
            folders = [RunFolder.create(self._settings.reports, name or "model", self._started) for name in names]
            self._recorders = [Recorder(folder) for folder in folders]

    def progress(self) -> Progress | None:
        """Say how far the session has come, as xdist's controller sees it: by the outcomes that arrived."""
        scheduler: Any = getattr(self._config.pluginmanager.get_plugin("dsession"), "sched", None)
        total = len(getattr(scheduler, "collection", None) or ())
        if total == 0 or self._first_verdict is None:
            return None
        return Progress(len(self._keys), total, time.perf_counter() - self._clock - self._first_verdict)

    def add(self, outcome: Outcome, earlier: Sequence[Outcome | None] = ()) -> None:
        """Take in one outcome of the candidate, and the baselines' of the same case; a case counts once."""
        if outcome.case.key in self._keys:
            return
        if self._first_verdict is None:
            self._first_verdict = time.perf_counter() - self._clock
        self._keys.add(outcome.case.key)
        if self._settings.repeats:
            self._to_repeat.append(outcome.case)
        self.open()
        for recorder, one in zip(self._recorders, (*earlier, outcome), strict=True):
            if one is not None:
                recorder.add(one)

    def add_repeat(self, repeat: Repeat) -> None:
        """Take in what a case of the candidate came to that was asked once more; each repeat counts once."""
        known = key_of(repeat)
        if repeat.case_key in self._keys and known not in self._repeated:
            self._repeated.add(known)
            self._recorders[-1].add_repeat(repeat)

    def add_failure(self, nodeid: str, must_pass: str = "") -> None:
        """Take in a test that failed outright; `must_pass`: the key of its case, where that is the only reason."""
        self._failed[nodeid] = must_pass

    def add_process(self, record: dict[str, Any]) -> None:
        """Take in what a process (this one, or a worker) says of itself: see `Runner.record`."""
        self._processes.append(record)

    def take_latency(self, latency: Latency | None, planned: tuple[str, ...]) -> None:
        """Take in what was timed in a run asked for latency, and the names of what was to be."""
        self._latency, self._latency_planned = latency, planned

    @property
    def heard_anything(self) -> bool:
        """Whether any process had a test of ours."""
        return bool(self._keys or self._processes)

    @property
    def problems(self) -> tuple[str, ...]:
        """Mistakes in the user's files that workers found, each once."""
        return tuple(dict.fromkeys(line for record in self._processes for line in record["problems"]))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What processes have to say that concerns no verdict, each once."""
        return tuple(dict.fromkeys(line for record in self._processes for line in record["remarks"]))

    def finish(self, *, interrupted: bool = False) -> int:
        """Write the run folders, decide, render the reports; return the exit code.

        A run that was interrupted never says when it finished. What the baselines came to blocks nothing, but that
        they did not answer does: they were asked for.
        """
        self.open()
        for repeat in lost_repeats(self._settings, self._to_repeat, frozenset(self._repeated)):
            self.add_repeat(repeat)
        conclusions = [self._conclude(place, interrupted=interrupted) for place in range(len(self._turns))]
        *self._baselines, self.conclusion = conclusions
        asked = len(self.conclusion.outcomes)
        unanswered = any(
            one.decision.outcome in ("errors", "no_data") or len(one.outcomes) < asked for one in self._baselines
        )
        return self.conclusion.decision.exit_code or int(unanswered)

    @property
    def baseline_lines(self) -> tuple[str, ...]:
        """Say in a line each what the baselines came to."""
        return tuple(map(self._baseline_line, self._baselines))

    def _baseline_line(self, conclusion: Conclusion) -> str:
        run, outcomes = conclusion.run, conclusion.outcomes
        right = sum(outcome.judgement.verdict is Verdict.CORRECT for outcome in outcomes)
        failed = sum(outcome.judgement.verdict is Verdict.ERROR for outcome in outcomes)
        share = f", {100 * right / len(outcomes):.1f} % right" if outcomes else ""
        errors = f", {failed} without a reply" if failed else ""
        where = relative(self._settings.reports / "runs" / run.id, self._config.invocation_params.dir)
        asked = len(self.conclusion.outcomes) if self.conclusion else 0
        lost = f" of {asked}" if len(outcomes) < asked else ""
        return f"baseline {run.model.name}: {len(outcomes)}{lost} cases{share}{errors}: {where}"

    def _conclude(self, place: int, *, interrupted: bool) -> Conclusion:
        candidate = place == len(self._turns) - 1
        file = self._settings.thresholds
        thresholds = read_thresholds(file) if file and candidate else None
        folder = self._recorders[place].flushed()
        folder.close()
        run = self._run(place, folder, thresholds)
        if candidate:
            self._write_latency(folder)
        folder.write_run(run.model_copy(update={"finished": ""}) if interrupted else run)
        started = time.perf_counter()
        root = self._settings.root
        conclusion = conclude(folder, thresholds, self._compared_with() if candidate else (), root=root)
        page = report(folder, conclusion, root)
        if candidate:
            self.report_path = relative(page, self._config.invocation_params.dir)
        seconds = {"report": time.perf_counter() - started, "total": time.perf_counter() - self._clock}
        run = conclusion.run.model_copy(update={"seconds": {**conclusion.run.seconds, **_rounded(seconds)}})
        folder.write_run(run)
        return replace(conclusion, run=run)

    def _write_latency(self, folder: RunFolder) -> None:
        if self._latency is None:
            return
        folder.write_latency(self._latency.model_copy(update={"run": folder.path.name, "versions": versions()}))

    def check_baseline(self) -> None:
        """Read the baseline's outcomes; RunFolderError where that cannot be, before anything is asked."""
        if self._settings.baseline not in ("", NONE):
            read_facts(RunFolder(Path(self._settings.baseline)).read_outcomes())

    def _compared_with(self) -> tuple[RunFolder, ...]:
        """Return what the candidate is compared with: the baseline named, and the models asked before it."""
        named = self._settings.baseline
        stored = () if named in ("", NONE) else (RunFolder(Path(named)),)
        return (*stored, *(recorder.folder for recorder in self._recorders[:-1]))

    def _baseline_name(self) -> str:
        named = self._settings.baseline
        return named if named in ("", NONE) else relative(Path(named), self._settings.root)

    def _run(self, place: int, folder: RunFolder, thresholds: Thresholds | None) -> Run:
        settings, candidate = self._settings, place == len(self._turns) - 1
        suites, model = merge_suites(self._processes), self._model(place)
        calibration = settings.calibration
        temperatures, refused = temperatures_for(settings, model) if candidate else ((), "")
        file = settings.thresholds if candidate else None
        return Run(
            id=folder.path.name,
            started=self._started.isoformat(timespec="seconds"),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            command=shlex.join(["pytest", *self._config.invocation_params.args]),
            model=model,
            suites=suites,
            versions=versions(),
            git_commit=git_commit(settings.root),
            seed=settings.seed,
            split=settings.split,
            limit=settings.limit,
            shard="{}/{}".format(*settings.shard) if settings.shard else "",
            thresholds=relative(file, settings.root) if file else "",
            thresholds_digest=thresholds.digest if thresholds else "",
            allow_partial=settings.allow_partial,
            gated=settings.gate and candidate,
            required=self._required(thresholds, suites),
            limited=self._limited,
            failed_tests=tuple(self._failed) if candidate else (),
            failed_cases={test: case for test, case in self._failed.items() if case} if candidate else {},
            seconds=_rounded(self._seconds(place)),
            calibration=relative(calibration, settings.root) if calibration and candidate else "",
            calibration_refused=refused,
            temperatures=tuple(one for one in temperatures if one.suite in {suite.name for suite in suites}),
            repeats=settings.repeats if candidate else 0,
            check_determinism=settings.check_determinism and candidate,
            latency=self._latency_planned if candidate else None,
            baseline=self._baseline_name() if candidate else "",
            baselines=tuple(one.folder.path.name for one in self._recorders[:-1]) if candidate else (),
        )

    @property
    def _limited(self) -> bool:
        return bool(self._settings.suites) or asked_for_files_only(self._config)

    def _required(self, thresholds: Thresholds | None, suites: tuple[SuiteRecord, ...]) -> tuple[str, ...]:
        """Name the suites this run must answer for (architecture, decision 3)."""
        if self._settings.suites:
            return tuple(name for name in self._settings.suites if name != LATENCY)
        named = {suite.name for suite in suites}
        if self._limited or thresholds is None:
            return tuple(sorted(named))
        return tuple(sorted(named | set(thresholds.suites_for(self._model().name))))

    def _model(self, place: int = -1) -> ModelRecord:
        for record in self._processes:
            if record["models"] and record["models"][place] is not None:
                return ModelRecord.model_validate(record["models"][place])
        if self._latency is not None:
            return self._latency.model
        return ModelRecord(name=self._turns[place].model, engine=self._settings.engine)

    def _seconds(self, place: int) -> dict[str, float]:
        """Say where the time went; of several processes the slowest counts, since they run side by side."""
        spent: dict[str, float] = {}
        for record in self._processes:
            own = record["seconds"][place] if record["seconds"] else {}
            for key, value in {**own, "read cases": record["read cases"]}.items():
                spent[key] = max(value, spent.get(key, 0.0))
        if self._first_verdict is not None:
            spent["first verdict"] = self._first_verdict
        return spent


class Recorder:
    """Writes the outcomes of one model into its run folder, some at a time."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._waiting: list[Outcome] = []
        self._repeats: list[Repeat] = []

    def add(self, outcome: Outcome) -> None:
        """Take in one outcome."""
        self._waiting.append(outcome)
        if len(self._waiting) >= BATCH:
            self.flushed()

    def add_repeat(self, repeat: Repeat) -> None:
        """Take in a case that was asked once more."""
        self._repeats.append(repeat)
        if len(self._repeats) >= BATCH:
            self.flushed()

    def flushed(self) -> RunFolder:
        """Return the folder with all outcomes in it."""
        waiting, self._waiting = self._waiting, []
        repeats, self._repeats = self._repeats, []
        self.folder.append(waiting)
        self.folder.append_repeats(repeats)
        return self.folder


def merge_suites(processes: list[dict[str, Any]]) -> tuple[SuiteRecord, ...]:
    """Join what the processes say of the suites; workers collect the same, so the largest selection is the whole."""
    merged: dict[str, SuiteRecord] = {}
    for record in processes:
        for data in record["suites"]:
            suite = SuiteRecord.model_validate(data)
            known = merged.get(suite.name)
            if known is None or suite.selected > known.selected:
                merged[suite.name] = suite
    return tuple(merged.values())


def asked_for_files_only(config: pytest.Config) -> bool:
    """Tell whether every path on the command line is a file: then only the suites these name count."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return False
    return all((config.invocation_params.dir / arg.partition("::")[0]).is_file() for arg in config.args)


def versions() -> dict[str, str]:
    """Name the versions that decide what a run says, without importing anything."""
    found = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_commit(root: Path) -> str:
    """Return the project's commit, with `+changes` where files differ from it; empty outside of git."""
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=5, check=True
        )
        dirty = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=root, capture_output=True, text=True, timeout=5, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return head.stdout.strip() + ("+changes" if dirty.stdout.strip() else "")


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {key: round(value, 3) for key, value in seconds.items()}
