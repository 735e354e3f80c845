"""The flow from outcomes on, composed: what a finished run, `gate RUN` and `report RUN` all do. Read this file second.

run folder --outcomes--> measure --Summary--> gate --Checks, Decision--> deciding --Recommendation--> report
            + baselines' folders --Pairs--> measure --Comparisons--^
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from pytest_cosmos.comparing import Beside, base_among, baselines_of, beside, compared_so_far, relative_to
from pytest_cosmos.deciding import Before, Evidence, recommend
from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.gate import (
    Compared,
    Thresholds,
    Timed,
    answering,
    check,
    check_latency,
    check_regressions,
    decide,
    read_thresholds,
    remark_on_none,
    suites_answered_for,
    waived_cases,
)
from pytest_cosmos.measure import determinism, scale, stability, summarise
from pytest_cosmos.media import thumbnail_jpeg
from pytest_cosmos.records import Check, Decision, Outcome, Recommendation, Repeat, Run, Summary
from pytest_cosmos.report import BeforeAfter, write_html
from pytest_cosmos.report.decision_page import render_markdown
from pytest_cosmos.runlog import NONE, RunFolder, find_baseline, is_saved

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
    sides: tuple[Beside, ...] = ()
    """It beside each baseline."""
    changes: tuple[BeforeAfter, ...] = ()
    """What changed from each baseline, and what that comes to."""


def conclude(
    folder: RunFolder,
    thresholds: Thresholds | None,
    baselines: Sequence[RunFolder] = (),
    today: date | None = None,
    root: Path = Path(),
) -> Conclusion:
    """Measure a run, compare it, hold it against the thresholds and decide; all but its outcomes is written anew.

    `today` decides which waivers hold; None: the day that it is (UTC). `root` is the project, with adapters and suites.
    """
    run = folder.read_run()
    found = judge(folder, run, thresholds, baselines, today, root)
    folder.write_thresholds(thresholds.source if thresholds is not None else b"")
    # what it must answer for besides is this file's demand, not the next one's
    folder.write_run(found.run.model_copy(update={"required": run.required}))
    folder.write_summary(found.summary)
    folder.write_comparisons(tuple(side.compared.comparison for side in found.sides))
    return found


def judge(
    folder: RunFolder,
    run: Run,
    thresholds: Thresholds | None,
    baselines: Sequence[RunFolder] = (),
    today: date | None = None,
    root: Path = Path(),
) -> Conclusion:
    """Do the same and write nothing but the ledger of comparisons; `run`: as run.json has it, or is to have it."""
    run = answering(run, thresholds)
    raw = tuple(folder.read_outcomes())
    outcomes = scale(raw, run.temperatures)
    # a run of latency alone has times to compare, no answers
    answers = not run.shard and (run.latency is None or suites_answered_for(run, outcomes))
    sides = tuple(beside(folder, run, raw, baseline, thresholds, root) for baseline in baselines if answers)
    comparisons = tuple(side.compared.comparison for side in sides)
    summary = measured(run, outcomes, raw, folder.read_repeats())
    held = hold(thresholds, run, outcomes, [side.compared for side in sides], times_of(folder, run, baselines))
    waivers = thresholds.waivers if thresholds is not None else ()
    today = today or current_day()
    decision = decide(
        run,
        outcomes,
        held.checks,
        comparisons=comparisons,
        waivers=waivers,
        today=today,
        timed=held.timed.names,
        remarks=held.remarks,
    )
    stored = sum(outcome.reply.stored for outcome in outcomes)
    waived = waived_cases(outcomes, waivers, today)
    run = run.model_copy(update={"decision": decision, "stored": stored, "waived": waived})
    found = Conclusion(run, outcomes, summary, held.checks, decision, sides)
    changes = (
        replace(side.change, recommendation=recommended(folder, found, thresholds, side, today)) for side in sides
    )
    return replace(found, changes=tuple(changes))


def recommended(
    folder: RunFolder,
    conclusion: Conclusion,
    thresholds: Thresholds | None,
    side: Beside | None,
    today: date | None = None,
) -> Recommendation:
    """Say what is to be done with the model of a run, beside one baseline or alone."""
    before = None
    if side is not None:
        regressions = (
            check_regressions(thresholds, conclusion.outcomes, conclusion.run, [side.compared]) if thresholds else ()
        )
        before = Before(side.baseline, side.compared, side.change.said_before, regressions)
    return recommend(
        Evidence(
            run=conclusion.run,
            outcomes=conclusion.outcomes,
            thresholds=thresholds,
            before=before,
            today=today or current_day(),
            gate_passed=conclusion.decision.exit_code == 0 and not conclusion.run.ungated,
            compared_so_far=compared_so_far(folder, conclusion.run),
        )
    )


def times_of(folder: RunFolder, run: Run, baselines: Sequence[RunFolder]) -> Timed:
    """Read what a run was timed at, and the first of its baselines that was timed too."""
    before = (times for one in baselines if (times := one.read_latency()) is not None)
    return Timed(run, folder.read_latency(), next(before, None))


@dataclass(frozen=True, slots=True)
class Holding:
    """What became of all thresholds."""

    timed: Timed
    checks: tuple[Check, ...] = ()
    remarks: tuple[str, ...] = ()


def hold(
    thresholds: Thresholds | None,
    run: Run,
    outcomes: tuple[Outcome, ...],
    compared: Sequence[Compared],
    timed: Timed,
) -> Holding:
    """Hold a run against every section of the thresholds; a shard against none, since merging gates the whole."""
    if thresholds is None or run.ungated or run.shard:
        return Holding(timed)
    latency = check_latency(thresholds.latency, timed)
    absolute = check(thresholds, outcomes, run)
    regressions = check_regressions(thresholds, outcomes, run, compared)
    remarks = (*latency.remarks, *remark_on_none(thresholds, run))
    return Holding(timed, (*absolute, *regressions, *latency.checks), remarks)


def measured(run: Run, outcomes: Sequence[Outcome], raw: Sequence[Outcome], repeats: Sequence[Repeat]) -> Summary:
    """Measure the outcomes, and how stable they are; `raw`: with confidences as they were said, as in the repeats."""
    return summarise(outcomes).model_copy(
        update={
            "stability": stability(raw, repeats, run.repeats),
            "determinism": determinism(raw, repeats) if run.check_determinism else None,
        }
    )


def current_day() -> date:
    """Return the day that it is, the same on every machine."""
    return datetime.now(UTC).date()


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
        conclusion.changes,
    )


def decide_about(
    folder: RunFolder, root: Path, reports: Path, *, baseline: str | None = None, thresholds: Path | None = None
) -> Recommendation:
    """Judge a run beside one baseline, or alone; nothing of the run is changed, but pictures are kept with it."""
    run = folder.read_run()
    if run.shard:
        raise RunFolderError(f"{folder.path} is shard {run.shard}: merge the shards first, pytest-cosmos merge RUN…")
    bars = read_thresholds(thresholds) if thresholds else thresholds_of(run, root)
    run, baselines = _compared_with(folder, run, root, reports, baseline)
    conclusion = judge(folder, run, bars, baselines, root=root)
    if not is_saved(folder, root):
        keep_thumbnails(folder, conclusion.run, conclusion.outcomes, root)
    side = base_among(conclusion.sides, run)
    known = [
        change.recommendation for one, change in zip(conclusion.sides, conclusion.changes, strict=True) if one is side
    ]
    return next((one for one in known if one is not None), None) or recommended(folder, conclusion, bars, None)


def _compared_with(
    folder: RunFolder, run: Run, root: Path, reports: Path, baseline: str | None
) -> tuple[Run, tuple[RunFolder, ...]]:
    """Return the run as if it had been compared with what was named, and what that is."""
    if baseline is None:
        return run, baselines_of(folder, run, root)
    if baseline == NONE:
        return run.model_copy(update={"baseline": NONE, "baselines": ()}), ()
    other = find_baseline(baseline, root, Path(), reports)
    return run.model_copy(update={"baseline": relative_to(other.path, root), "baselines": ()}), (other,)


def write_decision(folder: RunFolder, found: Recommendation) -> Path:
    """Write what is to be done into the run's folder, as decision.json and decision.md."""
    pictures = folder.thumbnail_paths(one.media_hash for one in found.moved)
    return folder.write_recommendation(found, render_markdown(found, pictures))


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
