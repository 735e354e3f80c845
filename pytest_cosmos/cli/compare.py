"""`pytest-cosmos compare BASE CANDIDATE`: what changed between two runs, held against the regression thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from pytest_cosmos import pipeline
from pytest_cosmos.cli.printing import print_lines
from pytest_cosmos.comparing import baselines_of, beside, relative_to
from pytest_cosmos.errors import RunFolderError
from pytest_cosmos.gate import Thresholds, answering, check_regressions, mistrust, read_thresholds, tallies
from pytest_cosmos.records import Check, CheckStatus, Comparison, Outcome, Run
from pytest_cosmos.report import Line
from pytest_cosmos.report.terminal import change_lines, check_lines
from pytest_cosmos.runlog import RunFolder, find_baseline, is_saved

WIDTH = 100


def command(
    base: Annotated[str, typer.Argument(help="The run to compare with: a saved baseline, a run folder or a run's id")],
    candidate: Annotated[str, typer.Argument(help="The run to judge: likewise")],
    thresholds: Annotated[
        Path | None, typer.Option(help="Hold against this file instead of the one the candidate used")
    ] = None,
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="Let cases that cannot be compared pass")
    ] = False,
    root: Annotated[Path, typer.Option(help="The project, where baselines, thresholds and pictures lie")] = Path(),
    reports: Annotated[Path, typer.Option(help="Where runs lie")] = Path("reports"),
) -> None:
    """Compare two runs case by case; exit 0 only if every regression threshold is met.

    The comparison is written into the candidate's folder (comparison.json), beside those with models asked in the same
    session, and its report rendered again.
    """
    before, after = (find_baseline(named, root, Path(), reports, asked="compare") for named in (base, candidate))
    run = after.read_run()
    if run.shard:
        raise RunFolderError(f"{after.path} is shard {run.shard}: merge the shards first, pytest-cosmos merge RUN…")
    bars = read_thresholds(thresholds) if thresholds else pipeline.thresholds_of(run, root)
    run = run.model_copy(update={"baseline": relative_to(before.path, root)})
    outcomes = tuple(after.read_outcomes())
    compared = beside(after, run, outcomes, before, bars, root).compared
    checks = check_regressions(bars, outcomes, answering(run, bars), [compared]) if bars is not None else ()
    counts = tallies(run, outcomes)
    missing = bool(compared.comparison.unpaired) or any(one.answered < (one.planned or 0) for one in counts)
    partial = missing and not (allow_partial or run.allow_partial)
    trouble = (*mistrust(run, outcomes, counts), *unheld(bars, checks, outcomes))
    print_lines(lines(compared.comparison, checks, partial=partial, trouble=trouble))
    if not is_saved(after, root):
        after.write_run(run)
        conclusion = pipeline.conclude(after, bars, every_baseline(after, run, before, root), root=root)
        print_lines([Line(f"report: {pipeline.report(after, conclusion, root)}", "strong")])
    void = trouble or compared.comparison.faults or not compared.comparison.pairs
    failed = void or partial or any(check.status is not CheckStatus.MET for check in checks)
    raise typer.Exit(int(bool(failed)))


def every_baseline(folder: RunFolder, run: Run, before: RunFolder, root: Path) -> tuple[RunFolder, ...]:
    """Return what the run's own verdict is about: the run it is compared with now, and those of its session."""
    try:
        return baselines_of(folder, run, root)
    except RunFolderError:  # one of the session is not at hand: `gate` refuses, two runs can be compared all the same
        return (before,)


def unheld(bars: Thresholds | None, checks: Sequence[Check], outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Say that regression thresholds are there, and none of them is about these runs."""
    if bars is not None and bars.regression and not checks:
        named = ", ".join(dict.fromkeys(threshold.suite for threshold in bars.regression))
        asked = ", ".join(dict.fromkeys(outcome.case.suite for outcome in outcomes))
        yield f"{bars.path} has regression: thresholds for {named}, but the candidate was asked {asked or 'nothing'}."


def lines(
    comparison: Comparison, checks: Sequence[Check], *, partial: bool, trouble: Sequence[str] = ()
) -> Iterator[Line]:
    """Yield what changed, what the thresholds say, and the verdict; `trouble`: why the candidate cannot be trusted."""
    yield from change_lines(comparison, WIDTH, brief=False)
    yield from check_lines(checks, WIDTH)
    statuses = {check.status for check in checks}
    if comparison.faults:
        yield Line("VOID: the two runs cannot be compared, see above.", "bad")
    elif trouble:  # never accepted: what the candidate could not answer is not to be left out
        yield from (Line(f"ERRORS: {line}", "bad") for line in trouble)
    elif not comparison.pairs:
        yield Line("NO DATA: the two runs have no case to compare.", "bad")
    elif partial:
        yield Line("PARTIAL: not every case could be compared; accept that with --allow-partial.", "bad")
    elif not checks:
        yield Line("COMPARED: held against no regression threshold (regression: in thresholds.yaml).", "warn")
    elif statuses == {CheckStatus.MET}:
        yield Line("PASSED: no regression beyond what is allowed.", "good")
    elif CheckStatus.NOT_MET in statuses:
        yield Line("FAILED: worse than allowed.", "bad")
    elif CheckStatus.NO_EVIDENCE in statuses:
        yield Line("NO EVIDENCE: these cases do not show that it is not worse than allowed.", "bad")
    else:
        yield Line("NO DATA: nothing to hold against some thresholds.", "bad")
