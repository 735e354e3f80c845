"""Cases that must pass and did not: found in the outcomes themselves, whatever the run says of its tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from pytest_cosmos.gate.waivers import holds, waiver_of
from pytest_cosmos.records import Outcome, Verdict, Waiver

_FAILED = (Verdict.WRONG, Verdict.UNPARSED)
"""An error is no answer: it fails the run by itself, and no waiver lets it through."""

_LISTED = 3


def failed_must_pass(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes of must-pass samples that are wrong or unparsed, by key."""
    failed = (o for o in outcomes if o.case.sample.must_pass and o.judgement.verdict in _FAILED)
    return sorted(failed, key=lambda outcome: outcome.case.key)


def waived_cases(outcomes: Sequence[Outcome], waivers: Sequence[Waiver], today: date) -> tuple[str, ...]:
    """Return the keys of the cases that must pass, did not, and are let through today."""
    keys = dict.fromkeys(outcome.case.key for outcome in failed_must_pass(outcomes))
    return tuple(key for key in keys if (waiver := waiver_of(key, waivers)) is not None and holds(waiver, today))


def must_pass_failures(outcomes: Sequence[Outcome], waivers: Sequence[Waiver], today: date) -> Iterator[str]:
    """Yield a reason to fail for the cases that nothing lets through, and for each waiver that has expired."""
    plain = []
    for outcome in failed_must_pass(outcomes):
        waiver = waiver_of(outcome.case.key, waivers)
        if waiver is None:
            plain.append(f"{outcome.case.key} ({_said(outcome)})")
        elif not holds(waiver, today):
            yield (
                f"{outcome.case.key} must pass, but {_said(outcome)}, and its waiver expired on "
                f"{waiver.expires}: {_why(waiver)}. Mend it, or agree on another date."
            )
    if plain:
        many = "1 case that must pass did not" if len(plain) == 1 else f"{len(plain)} cases that must pass did not"
        more = f" and {len(plain) - _LISTED} more" if len(plain) > _LISTED else ""
        advice = "Mend this, or let it through until a date, under waivers: in thresholds.yaml."
        yield f"{many}: {', '.join(plain[:_LISTED])}{more}. {advice}"


def waiver_remarks(outcomes: Sequence[Outcome], waivers: Sequence[Waiver], today: date) -> Iterator[str]:
    """Yield a line for each waiver that lets a case through, and for each that is no longer needed."""
    waived = waived_cases(outcomes, waivers, today)
    found = {outcome.case.key: outcome for outcome in outcomes}
    for waiver in waivers:
        outcome = found.get(waiver.case)
        if waiver.case in waived and outcome is not None:
            yield f"{waiver.case} must pass, but {_said(outcome)}: {waived_until(waiver)}."
        elif outcome is not None and outcome.judgement.verdict is Verdict.CORRECT:
            where = f" ({waiver.where})" if waiver.where else ""
            yield f"{waiver.case} passed: its waiver is no longer needed. Remove it{where}."


def waived_until(waiver: Waiver) -> str:
    """Say that a waiver holds: `waived until 2026-12-31: glare (A. Name)`."""
    return f"waived until {waiver.expires}: {_why(waiver)}"


def _why(waiver: Waiver) -> str:
    return f"{waiver.reason} ({waiver.owner})"


def _said(outcome: Outcome) -> str:
    answer = outcome.judgement.answer
    return "could not be read" if answer is None else f"said {answer}"
