"""What a run comes to: Run, Outcomes, Checks -> Decision."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import yaml

from pytest_cosmos.gate.entries import LATENCY_SUITE
from pytest_cosmos.gate.must_pass import must_pass_failures, waiver_remarks
from pytest_cosmos.gate.regression import find_faults, find_unpaired, lacks_baseline
from pytest_cosmos.gate.tally import Tally, latency_tally, tallies
from pytest_cosmos.gate.trust import mistrust
from pytest_cosmos.records import Check, CheckStatus, Comparison, Decision, Outcome, OutcomeWord, Run, Waiver


@dataclass(frozen=True, slots=True)
class _Finding:
    """Something that weighs on the decision."""

    word: OutcomeWord
    reason: str
    fails: bool = True


def decide(
    run: Run,
    outcomes: Sequence[Outcome],
    checks: Sequence[Check],
    *,
    comparisons: Sequence[Comparison] = (),
    waivers: Sequence[Waiver] = (),
    today: date = date.max,
    timed: Collection[str] = (),
    remarks: Sequence[str] = (),
) -> Decision:
    """Weigh everything: whatever fails decides, the weightiest names the outcome, all reasons are kept.

    Order of weight: errors, suites without outcomes, a partial run (unless allowed), bars missed, bars met without
    evidence, checks without data, suites without a threshold. A shard answers for its own part and is held against
    no bar: `checks` are those of the merged run. `comparisons` are those with the baselines: a void one is an error,
    a case that could not be compared makes the run partial. No waiver holds unless `today` is told. `timed` are the
    benchmarks of latency that were measured, which count like the cases of a suite; `remarks` are added to the reasons.
    """
    if run.shard or run.ungated:
        checks = ()
    counts = (*tallies(run, outcomes), *latency_tally(run, timed))
    void = (*must_pass_failures(outcomes, waivers, today), *find_faults(comparisons))
    findings = [_Finding("errors", reason) for reason in (*mistrust(run, outcomes, counts), *void)]
    findings += _absent(run, counts)
    if run.shard:
        findings += _shard(run, counts)
    else:
        findings += _ungated(run, counts) if run.ungated else _gate(run, counts, checks, comparisons, timed)
    deciding = next((f for f in findings if f.fails), findings[0] if findings else None)
    reasons = [finding.reason for finding in findings]
    reasons += (*waiver_remarks(outcomes, waivers, today), *_remarks(run, checks), *remarks)
    return Decision(
        outcome=deciding.word if deciding else "passed",
        exit_code=int(deciding is not None and deciding.fails),
        answered=sum(tally.answered for tally in counts),
        planned=sum(tally.planned or 0 for tally in counts),
        reasons=tuple(dict.fromkeys(reasons)),
        would_release=_would_release(counts, checks, fails=deciding is not None and deciding.fails),
    )


def _absent(run: Run, tallies: Sequence[Tally]) -> Iterator[_Finding]:
    """Find suites of which nothing is known; a shard's part of a suite may be empty."""
    if not tallies:
        yield _Finding("no_data", "No suite was run. Name one with --suite, or a test file that asks for one.")
    for tally in tallies:
        if tally.planned is None and not tally.answered:
            yield _Finding(
                "no_data",
                f"{tally.suite}: the suite was not run. Run its tests, or name others with --suite.",
            )
        elif tally.planned == 0 and run.shard:
            continue
        elif tally.planned == 0 and tally.suite == LATENCY_SUITE:
            yield _Finding(
                "no_data", "latency: no benchmark was collected. Run benchmarks/test_latency.py, without -k."
            )
        elif tally.planned == 0:
            yield _Finding(
                "no_data", f"{tally.suite}: the suite has no case to ask. Add samples to its {run.split} split."
            )
        elif not tally.answered:
            yield _Finding("no_data", f"{_answered(tally)}, so there is no data.")


def _gate(
    run: Run,
    tallies: Sequence[Tally],
    checks: Sequence[Check],
    comparisons: Sequence[Comparison],
    timed: Collection[str],
) -> Iterator[_Finding]:
    blocking = [check for check in checks if check.blocking]
    partial = [
        *_partial(tallies, allowed=run.allow_partial),
        *(_Finding("partial", told, fails=not run.allow_partial) for told in find_unpaired(comparisons)),
    ]
    if not run.allow_partial:  # part of the cases is no evidence for a bar missed either: the word is PARTIAL
        yield from partial
    for check in blocking:
        if check.status is CheckStatus.NOT_MET:
            yield _Finding("missed_bar", _line(check))
    if run.allow_partial:
        yield from partial
    for check in blocking:
        if check.status is CheckStatus.NO_EVIDENCE:
            yield _Finding("no_evidence", _line(check))
    answered = {tally.suite: tally for tally in tallies if tally.planned and tally.answered}
    absent = {tally.suite for tally in tallies} - set(answered)  # found before
    for check in blocking:
        suite = check.threshold.suite
        if check.status is CheckStatus.NO_DATA and suite not in absent:
            part = suite in answered and not answered[suite].complete
            tolerated = run.allow_partial and part and _misses_cases(check, timed)
            yield _Finding("no_data", _line(check), fails=not tolerated)
    gated = {check.threshold.suite for check in checks}
    for tally in tallies:
        if tally.suite not in gated and tally.suite != LATENCY_SUITE:
            yield _Finding("no_evidence", _no_evidence(run, tally.suite))
    if not gated and set(answered) == {LATENCY_SUITE}:
        yield _Finding("no_evidence", "latency: timed only, held against no bar.", fails=False)


def _misses_cases(check: Check, timed: Collection[str]) -> bool:
    """Tell whether more cases, or benchmarks, could have given data: a baseline that is not there could not."""
    if check.threshold.kind == "latency":
        return check.threshold.metric not in timed
    return not lacks_baseline(check)


def _shard(run: Run, tallies: Sequence[Tally]) -> Iterator[_Finding]:
    """Find what keeps a shard from being merged; nothing else is decided by a part of the samples."""
    advice = "" if run.allow_partial else f" Run --shard {run.shard} again, or accept it with --allow-partial."
    yield from _partial(tallies, allowed=run.allow_partial, advice=advice)
    yield _Finding(
        "no_evidence",
        f"Shard {run.shard}: held against no bar. `pytest-cosmos merge` joins all shards and gates the whole.",
        fails=False,
    )


def _ungated(run: Run, tallies: Sequence[Tally]) -> Iterator[_Finding]:
    yield _Finding("no_evidence", f"Measured only ({run.ungated}): nothing was held against a bar.", fails=False)
    yield from _partial(tallies, allowed=True)


def _partial(tallies: Sequence[Tally], *, allowed: bool, advice: str | None = None) -> Iterator[_Finding]:
    if advice is None:
        advice = (
            ""
            if allowed
            else " Leave out -k, --limit, --cosmos-only and --cosmos-time-budget, or accept it with --allow-partial."
        )
    for tally in tallies:
        if tally.planned and 0 < tally.answered < tally.planned:
            yield _Finding("partial", f"{_answered(tally)}: the run is PARTIAL.{advice}", fails=not allowed)


def _answered(tally: Tally) -> str:
    done = "benchmarks timed" if tally.suite == LATENCY_SUITE else "cases answered"
    return f"{tally.suite}: {tally.answered} of {tally.planned} {done}"


def _no_evidence(run: Run, suite: str) -> str:
    """Say which YAML would give the suite a bar."""
    bars = {suite: {"accuracy": {"at_least": 0.85}}}
    if run.thresholds:
        missing = f"no threshold in {run.thresholds} applies to model '{run.model.name}'"
        write = f"Write under release: {_flow(bars)}"
    else:
        missing = "there is no thresholds file"
        write = f"Write into thresholds.yaml: {_flow({'version': 1, 'release': bars})}"
    return f"{suite}: {missing}, so there is no evidence. {write} or measure only, with --cosmos-no-gate."


def _flow(value: object) -> str:
    """Write YAML in one line."""
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=math.inf).strip()


def _remarks(run: Run, checks: Sequence[Check]) -> tuple[str, ...]:
    """Tell of release targets that were missed without blocking."""
    shown = [check.status for check in checks if not check.blocking]
    missed = len(shown) - shown.count(CheckStatus.MET)
    if not missed:
        return ()
    return (
        f"{missed} of {len(shown)} release targets not met: '{run.model.name}' would not be released "
        "(it is not for release, so this does not block).",
    )


def _would_release(tallies: Sequence[Tally], checks: Sequence[Check], *, fails: bool) -> bool | None:
    """Say whether these figures release the model, whatever its name; None: they do not tell."""
    if not any(check.threshold.kind == "release" for check in checks):
        return None
    found = {check.status for check in checks}
    complete = all(tally.complete for tally in tallies if tally.suite != LATENCY_SUITE)
    if {CheckStatus.NOT_MET, CheckStatus.NO_EVIDENCE} & found and complete:
        return False
    return True if found == {CheckStatus.MET} and complete and not fails else None


def _line(check: Check) -> str:
    threshold = check.threshold
    where = f" ({threshold.where})" if threshold.where else ""
    return f"{threshold.suite} {threshold.key}: {check.message}{where}"
