"""Small records for tests, each field with a default: `outcome("s1", BINARY, "Yes", said="No")`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_cosmos.records import (
    ERROR,
    UNPARSED,
    AnswerKind,
    Case,
    Judgement,
    ModelRecord,
    Outcome,
    Prompt,
    Reply,
    Run,
    Sample,
    SuiteRecord,
    Verdict,
)

BINARY = Prompt(
    name="binary_safety",
    text="Is this floor cracked? Yes or No.",
    kind=AnswerKind.YES_NO,
    choices=("Yes", "No"),
    hazard="Yes",
    expected={},  # each case says what is expected
)
TRAVERSAL = Prompt(
    name="traversal",
    text="Is this surface safe for robot traversal? Yes or No.",
    kind=AnswerKind.YES_NO,
    choices=("Yes", "No"),
    hazard="No",
    expected={},
)
SEVERITY = Prompt(
    name="severity",
    text="How would you rate the hazard level of this surface from 1 (safe) to 5 (dangerous)?",
    kind=AnswerKind.RATING,
    choices=("1", "2", "3", "4", "5"),
    hazard=">= 3",
    tolerance=1,
    expected={},
)
MATERIAL = Prompt(
    name="material",
    text="Is this floor made of concrete, wood or tile?",
    kind=AnswerKind.CHOICE,
    choices=("concrete", "wood", "tile"),
    expected={},
)


def case(
    sample: str = "s1",
    prompt: Prompt = BINARY,
    expected: str = "Yes",
    *,
    suite: str = "floor",
    category: str = "hazard",
    source: str = "simulation",
    label: str = "cracked",
    group: str = "",
    media_hash: str = "",
    fields: Mapping[str, str] | None = None,
    must_pass: bool = False,
) -> Case:
    """Build a case."""
    return Case(
        suite=suite,
        sample=Sample(
            id=sample,
            media=(f"media/{sample}.jpg",),
            media_hash=media_hash,
            label=label,
            category=category,
            source=source,
            group=group,
            must_pass=must_pass,
            fields=dict(fields or {}),
        ),
        prompt=prompt,
        expected=expected,
    )


def judged(asked: Case, said: str) -> Judgement:
    """Judge what was said, a choice or UNPARSED or ERROR, as the records define it."""
    if said == ERROR:
        return Judgement(verdict=Verdict.ERROR)
    if said == UNPARSED:
        return Judgement(verdict=Verdict.UNPARSED, reason="no answer found")
    right = said == asked.expected
    if asked.prompt.kind is AnswerKind.RATING:
        right = abs(int(said) - int(asked.expected)) <= asked.prompt.tolerance
    return Judgement(verdict=Verdict.CORRECT if right else Verdict.WRONG, answer=said)


def outcome(
    sample: str = "s1",
    prompt: Prompt = BINARY,
    expected: str = "Yes",
    said: str | None = None,
    *,
    confidence: float | None = 0.9,
    seconds: float | None = 0.1,
    waited: float | None = 0.5,
    tokens: int | None = 5,
    suite: str = "floor",
    category: str = "hazard",
    source: str = "simulation",
    label: str = "cracked",
    group: str = "",
    media_hash: str = "",
    fields: Mapping[str, str] | None = None,
    must_pass: bool = False,
) -> Outcome:
    """Build an outcome; `said` is a choice, UNPARSED or ERROR (records.py), by default what is expected."""
    asked = case(
        sample,
        prompt,
        expected,
        suite=suite,
        category=category,
        source=source,
        label=label,
        group=group,
        media_hash=media_hash,
        fields=fields,
        must_pass=must_pass,
    )
    said = expected if said is None else said
    failed = said == ERROR
    reply = Reply(
        case_key=asked.key,
        raw="" if failed else said,
        answer="" if failed else said,
        finish="error" if failed else "stop",
        error="out of memory" if failed else "",
        confidence=None if said in (ERROR, UNPARSED) else confidence,
        seconds=None if failed else seconds,
        batch_seconds=None if failed else waited,
        output_tokens=None if failed else tokens,
    )
    return Outcome(case=asked, reply=reply, judgement=judged(asked, said))


def outcomes_of(correct: int, wrong: int, *, prompt: Prompt = BINARY, suite: str = "floor") -> list[Outcome]:
    """Build so many correct and so many wrong outcomes of a yes/no prompt, each of its own sample."""
    right = [outcome(f"r{i}", prompt, "Yes", "Yes", suite=suite) for i in range(correct)]
    return right + [outcome(f"w{i}", prompt, "Yes", "No", suite=suite) for i in range(wrong)]


def run_of(
    outcomes: Sequence[Outcome] = (),
    *,
    model: str = "tiny",
    planned: Mapping[str, int] | None = None,
    required: Sequence[str] | None = None,
    thresholds: str = "thresholds.yaml",
    allow_partial: bool = False,
    gated: bool = True,
    failed_tests: Sequence[str] = (),
) -> Run:
    """Build the run that planned exactly these outcomes, unless told otherwise."""
    answered: dict[str, int] = {}
    for one in outcomes:
        answered[one.case.suite] = answered.get(one.case.suite, 0) + 1
    planned = answered if planned is None else planned
    return Run(
        id=f"2026-01-02T03-04-05-{model.replace('/', '-')}",
        started="2026-01-02T03:04:05Z",
        model=ModelRecord(name=model, engine="scripted"),
        suites=tuple(
            SuiteRecord(name=name, path=f"cases/{name}", planned=count, selected=count)
            for name, count in planned.items()
        ),
        required=tuple(planned) if required is None else tuple(required),
        thresholds=thresholds,
        allow_partial=allow_partial,
        gated=gated,
        failed_tests=tuple(failed_tests),
    )
