"""Runs made up for the report's tests and for looking at the page: seeded, with hostile texts among the answers."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from PIL import Image, ImageDraw

from pytest_cosmos.measure import summarise
from pytest_cosmos.records import (
    AnswerKind,
    Case,
    Check,
    CheckStatus,
    Decision,
    Judgement,
    Metric,
    ModelRecord,
    Outcome,
    Prompt,
    Reply,
    Run,
    Sample,
    SuiteRecord,
    Summary,
    Threshold,
    Verdict,
)

SUITE = "floor_cracks"

PROMPTS = (
    Prompt(
        name="binary_safety",
        text="Is this floor cracked? Yes or No.",
        kind=AnswerKind.YES_NO,
        choices=("Yes", "No"),
        expected={"cracked": "Yes", "not cracked": "No"},
        hazard="Yes",
    ),
    Prompt(
        name="traversability",
        text="Is this surface safe for robot traversal? Yes or No.",
        kind=AnswerKind.YES_NO,
        choices=("Yes", "No"),
        expected="traversable",
        hazard="No",
    ),
    Prompt(
        name="severity",
        text="How would you rate the hazard level of this surface from 1 (safe) to 5 (dangerous)?",
        kind=AnswerKind.RATING,
        choices=("1", "2", "3", "4", "5"),
        expected="severity",
        hazard=">= 3",
        tolerance=1,
    ),
)

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "</script><script>document.title='owned'</script>",
    "\x1b[31mred\x1b[0m \x1b]0;owned\x07 and \x00 a null",
    "\u202egnihtyna yas nac siht\u202c",
    "{{ 7 * 7 }} {% raw %} & &lt;b&gt; ' \" `",
    "very long " * 2000,
    "line\nafter\r\nline\tand\u2028separators\u200b",
    "床は割れています。آیا این کف ترک خورده است؟",
)

REASONS = (
    "A dark line runs across the tiles with a ragged edge. It branches twice, so it is a crack and no joint.",
    "The line is straight and evenly wide: a joint between two tiles. The surface beside it is whole.",
    "The dark patch has a soft border and follows the lamp: a shadow, not damage. Nothing is broken.",
    "Thin scratches catch the light but do not open the surface. The floor carries a robot.",
)


@dataclass(frozen=True, slots=True)
class MadeUp:
    """All that a report is made from."""

    run: Run
    summary: Summary
    checks: tuple[Check, ...]
    outcomes: tuple[Outcome, ...]
    thumbnails: Mapping[str, bytes]


@cache
def made_up(samples: int = 40, *, seed: int = 7, hostile: bool = True, pictures: bool = True) -> MadeUp:
    """Make up a run of `samples` images under three prompts."""
    outcomes = tuple(_outcomes(samples, random.Random(seed), hostile=hostile))
    summary = summarise(outcomes)
    checks = _checks(summary)
    return MadeUp(
        run=_run(outcomes, checks),
        summary=summary,
        checks=checks,
        outcomes=outcomes,
        thumbnails=_thumbnails(outcomes) if pictures else {},
    )


def with_decision(made: MadeUp, decision: Decision | None) -> MadeUp:
    """Return the same run with another decision."""
    return replace(made, run=made.run.model_copy(update={"decision": decision}))


def sample(number: int, dice: random.Random) -> Sample:
    """Make up one sample."""
    category = dice.choices(("hazard", "safe", "ambiguous"), (35, 25, 40))[0]
    cracked = category == "hazard" or (category == "ambiguous" and dice.random() < 0.4)
    severity = dice.choice("345") if cracked else dice.choice("112")
    return Sample(
        id=f"floor-{number:04d}",
        media=(f"media/test/floor-{number:04d}.jpg",),
        media_hash=f"{number:064x}",
        label="cracked" if cracked else "not cracked",
        category=category,
        source="simulation",
        must_pass=number == 1,
        fields={"severity": severity, "traversable": "No" if cracked else "Yes", "material": "tile"},
    )


def outcome(
    case: Case,
    answer: str | None,
    *,
    reply: Reply | None = None,
    reason: str = "",
    confidence: float | None = 0.9,
) -> Outcome:
    """Make an outcome from the answer found; None: unparsed."""
    reply = reply or Reply(case_key=case.key, raw=answer or "hm", answer=answer or "hm", confidence=confidence)
    if reply.finish == "error":
        return Outcome(case=case, reply=reply, judgement=Judgement(verdict=Verdict.ERROR, reason=reply.error))
    if answer is None:
        return Outcome(case=case, reply=reply, judgement=Judgement(verdict=Verdict.UNPARSED, reason=reason))
    right = answer == case.expected
    if case.prompt.kind is AnswerKind.RATING:
        right = abs(int(answer) - int(case.expected)) <= case.prompt.tolerance
    verdict = Verdict.CORRECT if right else Verdict.WRONG
    return Outcome(case=case, reply=reply, judgement=Judgement(verdict=verdict, answer=answer))


def _expected(image: Sample, prompt: Prompt) -> str:
    if isinstance(prompt.expected, dict):
        return prompt.expected[image.label]
    return image.fields[prompt.expected]


def _outcomes(samples: int, dice: random.Random, *, hostile: bool) -> Iterator[Outcome]:
    for number in range(samples):
        image = sample(number, dice)
        for prompt in PROMPTS:
            case = Case(suite=SUITE, sample=image, prompt=prompt, expected=_expected(image, prompt))
            yield _answered(case, number, dice, hostile=hostile)


def _answered(case: Case, number: int, dice: random.Random, *, hostile: bool) -> Outcome:
    if number == 5 and case.prompt.name == "severity":
        error = "CUDA out of memory at batch size 1 <b>"
        return outcome(case, None, reply=Reply(case_key=case.key, finish="error", error=error))
    reasoning = dice.choice(REASONS)
    text = HOSTILE[number % len(HOSTILE)] if hostile and number < 2 * len(HOSTILE) else ""
    rate = 0.65 if case.sample.category == "ambiguous" else 0.95
    others = [choice for choice in case.prompt.choices if choice != case.expected]
    answer: str | None = case.expected if dice.random() < rate else dice.choice(others)
    if number % 97 == 3:
        answer = None
    said = answer or f"It depends. {text}"
    reasoning = f"{reasoning} {text}".strip()
    seconds = dice.uniform(0.02, 0.06)
    reply = Reply(
        case_key=case.key,
        raw=f"<think>{reasoning}</think>\n{said}",
        reasoning=reasoning,
        answer=said,
        confidence=round(dice.uniform(0.5, 0.999), 4) if answer else None,
        prompt_text=f"{case.prompt.text}\nAnswer the question using the format: <think>…</think>",
        timestamp="2026-11-21T23:04:05Z",
        seconds=seconds,
        batch_seconds=seconds * 30,
        input_tokens=61,
        output_tokens=34,
        batch=number // 10,
        batch_size=30,
    )
    return outcome(case, answer, reply=reply, reason="neither Yes nor No stands in it")


def _metric(summary: Summary, name: str, where: dict[str, str]) -> Metric:
    found = [m for m in summary.metrics if m.name == name and m.slice == where]
    return found[0] if found else Metric(suite=SUITE, name=name, slice=where, value=None)


def _checks(summary: Summary) -> tuple[Check, ...]:
    wanted: tuple[tuple[str, dict[str, str], float | None, float | None, bool], ...] = (
        ("accuracy", {}, 0.70, None, True),
        ("recall", {}, 0.995, None, True),
        ("parse_rate", {}, 0.97, None, True),
        ("latency_p95", {}, None, 3.0, True),
        ("accuracy", {"category": "rain"}, 0.9, None, True),
        ("accuracy", {}, 0.9, None, False),
        ("recall", {"prompt": "binary_safety"}, 0.5, None, False),
    )
    return tuple(_check(_metric(summary, name, where), low, high, block) for name, where, low, high, block in wanted)


def _check(metric: Metric, at_least: float | None, at_most: float | None, blocking: bool) -> Check:
    threshold = Threshold(
        suite=SUITE,
        metric=metric.name,
        slice=metric.slice,
        at_least=at_least,
        at_most=at_most,
        kind="guard" if blocking else "release",
        where="thresholds.yaml:7",
    )
    if metric.value is None:
        status, message = CheckStatus.NO_DATA, f"no case has {metric.key.partition('[')[2].rstrip(']')}"
    else:
        met = (at_least is None or metric.value >= at_least) and (at_most is None or metric.value <= at_most)
        status, message = (
            (CheckStatus.MET if met else CheckStatus.NOT_MET),
            f"{metric.value:.4f} of {metric.cases} cases",
        )
    return Check(threshold=threshold, metric=metric, status=status, blocking=blocking, message=message)


def _run(outcomes: tuple[Outcome, ...], checks: tuple[Check, ...]) -> Run:
    return Run(
        id="20261121-230405-tiny",
        started="2026-11-21T23:04:05+00:00",
        finished="2026-11-21T23:04:41+00:00",
        command="pytest benchmarks/ --model tiny",
        model=ModelRecord(
            name="tiny",
            engine="transformers",
            family="reason2",
            fingerprint="3f" * 32,
            device="cpu",
            dtype="float32",
            parameters=2_512_000,
            generation={"do_sample": "False", "max_new_tokens": "4096", "pixels": "128 x 128"},
        ),
        suites=(
            SuiteRecord(
                name=SUITE,
                path="cases/floor_cracks",
                digest="ab" * 32,
                planned=len(outcomes),
                selected=len(outcomes),
                blank=2,
                sources=("simulation",),
                title="Floor cracks",
            ),
        ),
        versions={"python": "3.11.9", "pytest-cosmos": "0.1.0", "torch": "2.14.1", "transformers": "5.23.0"},
        git_commit="0f3c2d1e",
        thresholds="thresholds.yaml",
        thresholds_digest="cd" * 32,
        required=(SUITE,),
        failed_tests=("benchmarks/test_floor_cracks.py::test_floor_cracks[floor-0001-severity]",),
        seconds={"collect": 0.41, "import": 4.2, "load": 0.8, "answer": 14.93, "report": 1.1, "total": 18.62},
        decision=Decision(
            outcome="missed_bar",
            exit_code=1,
            answered=len(outcomes),
            planned=len(outcomes),
            reasons=(
                "recall is below its bar of 0.995: look at the missed hazards first.",
                "accuracy[category=rain] has no data: no case has category=rain. Label some, or take the line out.",
            ),
            would_release=False,
        ),
    )


def _thumbnails(outcomes: tuple[Outcome, ...]) -> dict[str, bytes]:
    """Draw a small picture for each sample but the third, whose picture is missing."""
    samples = {o.case.sample.media_hash: o.case.sample for o in outcomes}
    return {key: _jpeg(image) for key, image in samples.items() if image.id != "floor-0002"}


def _jpeg(image: Sample) -> bytes:
    dice = random.Random(image.id)
    base = dice.randint(110, 200)
    picture = Image.new("RGB", (160, 160), (base, base - 8, base - 20))
    pen = ImageDraw.Draw(picture)
    for at in range(0, 160, 40):
        pen.line((at, 0, at, 160), fill=(base - 25,) * 3)
        pen.line((0, at, 160, at), fill=(base - 25,) * 3)
    if image.label == "cracked":
        points = [(x, 80 + dice.randint(-30, 30)) for x in range(0, 161, 16)]
        pen.line(points, fill=(30, 26, 24), width=3)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
