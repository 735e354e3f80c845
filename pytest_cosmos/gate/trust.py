"""What makes the outcomes of a run untrustworthy, whatever figures they come to: Run, Outcomes -> reasons.

Nothing here knows who edits a run folder on purpose and with care. It finds what was lost, mixed up, or changed in one
place and not in the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pytest_cosmos.gate.must_pass import failed_must_pass
from pytest_cosmos.gate.tally import Tally
from pytest_cosmos.gate.too_few import counted
from pytest_cosmos.judging import judge
from pytest_cosmos.records import Outcome, Run, Verdict
from pytest_cosmos.suites.prompts import canonical_answer, stated_answer

_LISTED = 3


def mistrust(run: Run, outcomes: Sequence[Outcome], tallies: Sequence[Tally]) -> Iterator[str]:
    """Say why no figure of these outcomes says anything; nothing: they can be trusted."""
    yield from _unanswered(outcomes)
    # those that failed only because their case must pass are judged by the outcomes, a waiver may let them through
    told = {outcome.case.key for outcome in failed_must_pass(outcomes)}
    tests = sorted(test for test in run.failed_tests if run.failed_cases.get(test) not in told)
    if tests:  # sorted: which of xdist's workers, or shards, was first says nothing
        yield f"{counted(len(tests), 'test')} failed outright: {some(tests)}."
    if run.calibration_refused:
        yield f"{run.calibration} was not used: {run.calibration_refused}."
    for split in sorted({outcome.case.sample.split for outcome in outcomes} - {run.split}):
        yield f"Cases of the {split} split are among those of the {run.split} split. Run again."
    yield from _muddled(run)
    yield from _counted_wrong(run, tallies)
    yield from edited(outcomes)


def edited(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Say which cases have a verdict that is not their reply's, or an expected answer that is not their label's."""
    strange = {
        "whose verdict is not what the reply says": [one for one in outcomes if not _is_judged_so(one)],
        "whose expected answer is not what the label says": [one for one in outcomes if not _expects_so(one)],
    }
    for what, found in strange.items():
        if found:
            keys = some(sorted(outcome.case.key for outcome in found))
            yield (
                f"{counted(len(found), 'case')} {what}: {keys}. outcomes.jsonl was changed, or written by another "
                "version. Run again: what was answered is in the reply store."
            )


def _is_judged_so(outcome: Outcome) -> bool:
    now, then = judge(outcome.case, outcome.reply), outcome.judgement
    return (now.verdict, now.answer) == (then.verdict, then.answer)


def _expects_so(outcome: Outcome) -> bool:
    case = outcome.case
    stated = stated_answer(case.prompt, case.sample)
    return not stated or canonical_answer(case.prompt, stated) == case.expected


def _unanswered(outcomes: Sequence[Outcome]) -> Iterator[str]:
    failed = sorted((one for one in outcomes if one.judgement.verdict is Verdict.ERROR), key=lambda one: one.case.key)
    if failed:
        why = " ".join(failed[0].reply.error.split())[:200] or "no reason given"
        keys = some([outcome.case.key for outcome in failed])
        yield f"{counted(len(failed), 'case')} got no reply: {keys}. The first: {why}. Mend this and run again."


def _muddled(run: Run) -> Iterator[str]:
    """Find suites of which run.json says what can't be: then it does not tell how many cases are missing."""
    names = Counter(suite.name for suite in run.suites)
    for suite in run.suites:
        if suite.selected > suite.planned:
            why = f"{counted(suite.selected, 'case')} selected of {suite.planned} planned"
            yield f"{suite.name}: {why}, says run.json, which can't be. Run again."
    for name in (name for name, n in names.items() if n > 1):
        yield f"{name}: run.json has it {names[name]} times. Run again."


def _counted_wrong(run: Run, tallies: Sequence[Tally]) -> Iterator[str]:
    """Find suites with more outcomes than cases, and a file that has not as many as when the run ended."""
    for tally in tallies:
        if tally.twice:
            yield f"{tally.suite}: answered more than once: {some(tally.twice)}. Run again, or merge once."
        if tally.answered > (tally.planned or 0):
            yield (
                f"{tally.suite}: {counted(tally.answered, 'case')} answered, but {tally.planned or 0} planned: "
                "these outcomes are not all of this run. Run again."
            )
    answered = sum(tally.answered for tally in tallies)
    if run.decision is not None and run.latency is None and answered != run.decision.answered:
        yield (
            f"{counted(answered, 'case')} in outcomes.jsonl, but {run.decision.answered} when the run ended: the file "
            "was changed or cut off. Run again: what was answered is in the reply store."
        )


def some(names: Sequence[str]) -> str:
    """List the first of many names."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return " ".join(", ".join(names[:_LISTED]).split()) + more
