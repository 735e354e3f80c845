"""A run beside a baseline's: cases in pairs, what changed, and what a reader must know of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_cosmos.comparing.seen import seen_in_training
from pytest_cosmos.errors import CosmosError, RunFolderError
from pytest_cosmos.gate import (
    Compared,
    Thresholds,
    edited,
    faults,
    looser,
    read_thresholds,
    remarks,
    suites_answered_for,
)
from pytest_cosmos.gate.likeness import is_base_of
from pytest_cosmos.measure import compare, pair, scale
from pytest_cosmos.records import Outcome, Run
from pytest_cosmos.report import BeforeAfter
from pytest_cosmos.runlog import NONE, RunFolder, find_baseline, ledger, open_run, refuse_mixed_splits


@dataclass(frozen=True, slots=True)
class Beside:
    """A run beside a baseline: for the gate, and for the report."""

    baseline: Run
    compared: Compared
    change: BeforeAfter


def beside(
    folder: RunFolder,
    run: Run,
    outcomes: tuple[Outcome, ...],
    baseline: RunFolder,
    thresholds: Thresholds | None,
    root: Path,
) -> Beside:
    """Compare a run with a baseline's, in the suites that it answers for, and count it in the ledger.

    `outcomes` are as the model gave them. Confidences are compared scaled only where both runs have temperatures.
    """
    other = baseline.read_run()
    if other.id == run.id:
        raise RunFolderError(f"{baseline.path} is the run {run.id} itself: there is nothing to compare it with.")
    refuse_mixed_splits(baseline, run.split)
    suites = {*suites_answered_for(run, outcomes)}
    before = tuple(outcome for outcome in baseline.read_outcomes() if outcome.case.suite in suites)
    raw = pair(before, outcomes)
    scaled = bool(other.temperatures and run.temperatures)
    pairs = pair(scale(before, other.temperatures), scale(outcomes, run.temperatures)) if scaled else raw
    reports = reports_of(folder)
    seen = (seen_in_training(run, outcomes, root, reports), seen_in_training(other, before, root, reports))
    told = (*remarks(other, run), *looser_than(baseline, thresholds), *count_candidate(reports, run, other))
    void = [*faults(other, run, raw), *(f"the baseline: {line}" for line in edited(before))]
    void += [fault for one in seen for fault in one.faults]
    if not all(one.known for one in seen):
        void += found_before(folder, other)
    comparison = compare(
        other,
        run,
        pairs,
        faults=tuple(dict.fromkeys(void)),
        remarks=(*told, *(remark for one in seen for remark in one.remarks)),
    )
    return Beside(other, Compared(pairs, comparison), BeforeAfter(comparison, {one.case.key: one for one in before}))


def found_before(folder: RunFolder, baseline: Run) -> Iterator[str]:
    """Yield the faults of a comparison that was made when an adapter still said what it was trained on."""
    return (fault for one in folder.read_comparisons() if one.baseline == baseline.id for fault in one.faults)


def looser_than(baseline: RunFolder, thresholds: Thresholds | None) -> tuple[str, ...]:
    """Say what is let through now that the baseline's own thresholds file did not; without such a file, nothing."""
    if not baseline.thresholds.is_file():
        return ()
    if thresholds is None:
        return ("the baseline was held against thresholds, this run against none.",)
    try:
        before = read_thresholds(baseline.thresholds)
    except CosmosError as error:
        return (f"the thresholds of the baseline cannot be read: {str(error).splitlines()[0]}",)
    return tuple(f"looser than the baseline's thresholds: {line}." for line in looser(before, thresholds))


def looser_since(folder: RunFolder, thresholds: Thresholds | None) -> tuple[str, ...]:
    """Say what is let through now that the thresholds a run was last held against did not."""
    if thresholds is None or not folder.thresholds.is_file():
        return ()
    try:
        before = read_thresholds(folder.thresholds)
    except CosmosError:  # it says nothing of now
        return ()
    return tuple(f"looser than the thresholds it was last held against: {line}." for line in looser(before, thresholds))


def reports_of(folder: RunFolder) -> Path | None:
    """Return the reports folder that a run lies in; None: it was moved or saved, so no ledger is its own."""
    runs = folder.path.resolve().parent
    return runs.parent if runs.name == "runs" else None


def count_candidate(reports: Path | None, run: Run, baseline: Run) -> Iterator[str]:
    """Enter a comparison in the ledger of the reports folder; say how many candidates its test cases have seen."""
    if reports is None:
        return
    entries = ledger.entries_of(run, baseline)
    ledger.record(reports, entries)
    known = ledger.read(reports)
    for entry in entries:
        if (count := ledger.candidates_so_far(known, entry.suite, entry.digest)) > 1:
            yield (
                f"{entry.suite}: {count} candidates have been compared on this test split ({ledger.FILE} of the "
                "reports). Choose among them on another (--cosmos-split validation), or its figures flatter the best."
            )


def compared_so_far(folder: RunFolder, run: Run) -> dict[str, int]:
    """Count, by suite, the candidates that have been compared on the test cases of a run, by its reports' ledger."""
    known = ledger.read(folder.path.resolve().parent.parent)
    counts = {suite.name: ledger.candidates_so_far(known, suite.name, suite.digest) for suite in run.suites}
    return {suite: count for suite, count in counts.items() if count}


def base_among(sides: Sequence[Beside], run: Run) -> Beside | None:
    """Return what a run is to be judged beside: its own base where it is there, or else the baseline named last."""
    bases = [side for side in sides if is_base_of(side.baseline, run)] or sides
    return bases[-1] if bases else None


def compared_anew(folder: RunFolder, named: str, root: Path) -> None:
    """Let a finished run be compared with `named` (a baseline, a run folder, `none`) in the place of what it was."""
    if named != NONE:
        reports = folder.path.resolve().parent.parent
        named = relative_to(find_baseline(named, root, Path(), reports).path, root)
    folder.write_run(folder.read_run().model_copy(update={"baseline": named, "baselines": ()}))


def relative_to(path: Path, root: Path) -> str:
    """Write a path relative to the project where it lies inside."""
    resolved, base = path.resolve(), root.resolve()
    return resolved.relative_to(base).as_posix() if resolved.is_relative_to(base) else str(resolved)


def baselines_of(folder: RunFolder, run: Run, root: Path) -> tuple[RunFolder, ...]:
    """Open what a run was compared with; RunFolderError where it is gone."""
    named = () if run.baseline in ("", NONE) else (root / run.baseline,)
    beside_it = (folder.path.resolve().parent / name for name in run.baselines)
    try:  # compared with one of its own baselines, it is compared with that one once
        return tuple(open_run(path) for path in dict.fromkeys(path.resolve() for path in (*named, *beside_it)))
    except RunFolderError as error:
        raise RunFolderError(
            f"{folder.path} was compared with a run that is gone: {error} Bring it back, or name another: --baseline."
        ) from None
