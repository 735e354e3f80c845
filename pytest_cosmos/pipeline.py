"""The flow from outcomes on, composed: what a finished run, `gate RUN` and `report RUN` all do. Read this file second.

run folder --outcomes--> measure --Summary--> gate --Checks, Decision--> report --index.html
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from pytest_cosmos.gate import Held, Thresholds, Timed, check, check_latency, decide, read_thresholds
from pytest_cosmos.measure import summarise
from pytest_cosmos.media import thumbnail_jpeg
from pytest_cosmos.records import Check, Decision, Outcome, Run, Summary
from pytest_cosmos.report import write_html
from pytest_cosmos.runlog import RunFolder

MAX_THUMBNAILS = 5_000
"""More pictures than this would make a report that no browser opens; wrong cases come first."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a run came to, and everything a report needs to say so."""

    run: Run
    outcomes: tuple[Outcome, ...]
    summary: Summary
    checks: tuple[Check, ...]
    decision: Decision


def conclude(folder: RunFolder, thresholds: Thresholds | None) -> Conclusion:
    """Measure a run, hold it against the thresholds and decide; run.json and metrics.json are written anew."""
    run = folder.read_run()
    outcomes = tuple(folder.read_outcomes())
    summary = summarise(outcomes)
    # a shard is held against no bar: merging gates the whole
    gated = not run.ungated and not run.shard
    checks = check(thresholds, outcomes, run) if thresholds is not None and gated else ()
    timed = Timed(run, folder.read_latency(), folder.read_latency(baseline=True))
    held = check_latency(thresholds.latency, timed) if thresholds is not None and gated else Held()
    checks = (*checks, *held.checks)
    decision = decide(run, outcomes, checks, timed=timed.names, remarks=held.remarks)
    stored = sum(outcome.reply.stored for outcome in outcomes)
    run = run.model_copy(update={"decision": decision, "stored": stored})
    folder.write_thresholds(thresholds.source if thresholds is not None else b"")
    folder.write_run(run)
    folder.write_summary(summary)
    return Conclusion(run, outcomes, summary, checks, decision)


def report(folder: RunFolder, conclusion: Conclusion, root: Path) -> Path:
    """Render the HTML report; pictures are kept in the run folder while the suite is at hand under `root`."""
    keep_thumbnails(folder, conclusion.run, conclusion.outcomes, root)
    return write_html(
        folder.path / "index.html",
        conclusion.run,
        conclusion.summary,
        conclusion.checks,
        conclusion.outcomes,
        folder.thumbnails(conclusion.outcomes),
    )


def thresholds_of(run: Run, root: Path) -> Thresholds | None:
    """Read the thresholds file that a run was held against; Problems where it is broken or gone."""
    return read_thresholds(root / run.thresholds) if run.thresholds else None


def keep_thumbnails(folder: RunFolder, run: Run, outcomes: tuple[Outcome, ...], root: Path) -> None:
    """Copy a small picture of every sample into the run folder, unless it is there already."""
    suites = {suite.name: root / suite.path for suite in run.suites}
    have = set(folder.thumbnails(outcomes))
    ordered = sorted(outcomes, key=lambda outcome: outcome.judgement.verdict == "correct")
    for outcome in ordered:
        sample = outcome.case.sample
        if len(have) >= MAX_THUMBNAILS:
            return
        path = suites[outcome.case.suite] / sample.media[0] if outcome.case.suite in suites else None
        if sample.media_hash and sample.media_hash not in have and path is not None and path.exists():
            have.add(sample.media_hash)
            with contextlib.suppress(OSError):  # damaged since it was asked: the report shows a placeholder
                folder.write_thumbnail(sample.media_hash, thumbnail_jpeg(path))
