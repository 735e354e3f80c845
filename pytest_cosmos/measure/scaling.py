"""Temperature scaling: a temperature per prompt is fitted on the validation split, and scales the confidences of runs.

Figures are made of scaled confidences; what the model itself said is kept in the replies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pytest_cosmos.errors import Problems, RunFolderError
from pytest_cosmos.measure.calibration import bins, scaled, temperature_of
from pytest_cosmos.measure.facts import Facts, probabilities, read_facts
from pytest_cosmos.records import Outcome, Prompt, Run, Temperature

LEAST = 100
"""Answers that a temperature is fitted on. The log of one fitted on so many has a standard deviation of about 0.2."""

LEAST_OF_EACH = 5
"""Right ones among them, and wrong ones: of one kind alone any temperature would do."""

FITTED_ON = "validation"


def fit(run: Run, outcomes: Sequence[Outcome]) -> tuple[Temperature, ...]:
    """Fit a temperature for each prompt; Problems says why that cannot be, all reasons at once."""
    if problem := _wrong_split(run, outcomes):
        raise Problems([problem])
    parts = [
        (suite, prompt, facts.take(facts.values_of("prompt") == prompt.name))
        for suite, facts in read_facts(outcomes).items()
        for prompt in facts.prompts
    ]
    if not parts:
        raise Problems([f"{run.id}: has no outcomes, so there is nothing to fit."])
    problems = [line for suite, prompt, part in parts for line in _too_few(f"{suite}/{prompt.name}", part.rated)]
    if problems:
        raise Problems(problems)
    return tuple(_fit(suite, prompt, part.rated) for suite, prompt, part in parts)


def _wrong_split(run: Run, outcomes: Sequence[Outcome]) -> str:
    """Say why a run is of the wrong cases; empty where it is a whole one of the validation split."""
    others = sorted({run.split, *(outcome.case.sample.split for outcome in outcomes)} - {FITTED_ON})
    if others:
        why = "what was fitted on the test cannot be judged by it" if "test" in others else "a model knows its own"
        return (
            f"{run.id}: its cases are of the {others[0]} split: {why}. Ask the others, and fit on these: "
            f"pytest benchmarks/ --cosmos-split {FITTED_ON}"
        )
    return f"{run.id}: is shard {run.shard} of a run. Join all shards first: pytest-cosmos merge" if run.shard else ""


def _too_few(what: str, rated: Facts) -> Iterator[str]:
    right = int(rated.exact.sum())
    if len(rated) < LEAST:
        yield f"{what}: {len(rated)} answers with a confidence, {LEAST} needed to fit a temperature."
    elif min(right, len(rated) - right) < LEAST_OF_EACH:
        yield (
            f"{what}: {right} right and {len(rated) - right} wrong answers with a confidence, {LEAST_OF_EACH} of each "
            "needed to fit a temperature."
        )


def _fit(suite: str, prompt: Prompt, rated: Facts) -> Temperature:
    temperature = temperature_of(rated.confidence, rated.exact)
    return Temperature(
        suite=suite,
        prompt=prompt.name,
        prompt_digest=prompt.digest,
        temperature=temperature,
        cases=len(rated),
        error_before=bins(rated.confidence, rated.exact).error,
        error_after=bins(scaled(rated.confidence, temperature), rated.exact).error,
    )


def scale(outcomes: Sequence[Outcome], temperatures: Sequence[Temperature]) -> tuple[Outcome, ...]:
    """Return the outcomes with their confidences scaled; as they are where there are no temperatures.

    Raises `RunFolderError` where a prompt has no temperature, or one of another wording.
    """
    if not temperatures:
        return tuple(outcomes)
    known = {(one.suite, one.prompt): one for one in temperatures}
    rows = list(outcomes)
    groups: dict[tuple[str, str], list[int]] = {}
    for row, outcome in enumerate(outcomes):
        groups.setdefault((outcome.case.suite, outcome.case.prompt.name), []).append(row)
    for name, own in groups.items():
        one, prompt = known.get(name), outcomes[own[0]].case.prompt.unfilled
        alike = all(outcomes[row].case.prompt.unfilled == prompt for row in own)
        if one is None or not alike or one.prompt_digest != prompt.digest:
            raise RunFolderError(
                f"{'/'.join(name)}: the temperatures in run.json are of no such prompt. Run again, with a "
                "--cosmos-calibration that was fitted on it."
            )
        confidences = probabilities(outcomes[row].reply.confidence for row in own)
        for row, confidence in zip(own, scaled(confidences, one.temperature).tolist(), strict=True):
            if not math.isnan(confidence):  # what is no probability stays what it is
                reply = rows[row].reply.model_copy(update={"confidence": confidence})
                rows[row] = rows[row].model_copy(update={"reply": reply})
    return tuple(rows)
