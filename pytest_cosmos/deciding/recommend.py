"""The decision: Evidence -> Recommendation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from pytest_cosmos.deciding.change import Weighed, weigh
from pytest_cosmos.deciding.evidence import Before, Evidence, obstacles
from pytest_cosmos.deciding.targets import (
    doubts,
    lacks_targets,
    proofs,
    shortfalls,
    targets,
    unpassed,
    weakest,
    written,
)
from pytest_cosmos.measure import Facts, difference, metric
from pytest_cosmos.records import Metric, Moved, Outcome, Recommendation, Risk, Said, Target
from pytest_cosmos.report import text
from pytest_cosmos.report.changes import look_first
from pytest_cosmos.report.figures import said, simulated_only

MOVED = 12
"""How many broken and fixed cases are kept each, with what both said."""

_RISKS: Final[tuple[Literal["missed_hazard_rate", "false_alarm_rate"], ...]] = (
    "missed_hazard_rate",
    "false_alarm_rate",
)


def recommend(evidence: Evidence) -> Recommendation:
    """Say what is to be done with a model: is it good enough, or is it better than its baseline?

    Whatever stands in the way makes the decision void: part of the cases is never enough.
    """
    found = targets(evidence)
    weighed = _weighed(evidence, found)
    reaches = _reaches(evidence, found)
    run, before = evidence.run, evidence.before
    advice = weighed.advice
    bars = evidence.thresholds
    released = advice in ("sufficient", "helped") and bool(reaches) and bars is not None
    return Recommendation(
        advice=advice,
        run=run.id,
        model=run.model.label,
        baseline="" if before is None else before.run.id,
        baseline_model="" if before is None else before.run.model.label,
        suites=evidence.suites,
        cases=len(evidence.outcomes),
        samples=len({(one.case.suite, one.case.sample.id) for one in evidence.outcomes}),
        reaches_targets=reaches,
        may_release=released and evidence.gate_passed and bars is not None and bars.may_release(run.model.name),
        because=weighed.because,
        remarks=tuple(_remarks(evidence, found, weighed, reaches=reaches)),
        targets=found,
        weakest=weakest(evidence),
        goals=weighed.goals,
        watched=weighed.watched,
        risks=tuple(_risks(evidence)),
        fixed=() if before is None else before.compared.comparison.fixed,
        broken=() if before is None else before.compared.comparison.broken,
        moved=() if before is None else tuple(_moved(evidence.outcomes, before)),
        compared_so_far=dict(evidence.compared_so_far),
        simulated_only=simulated_only(run),
    )


def _weighed(evidence: Evidence, found: Sequence[Target]) -> Weighed:
    before = evidence.before
    in_the_way = [*obstacles(evidence)]
    if before is None:
        in_the_way += lacks_targets(evidence.thresholds, evidence.suites)
    if in_the_way:
        goals = weigh(evidence, before, found) if before is not None and before.compared.comparison.pairs else None
        return Weighed("void", tuple(in_the_way), goals.goals if goals else (), goals.watched if goals else ())
    return _judged_alone(evidence, found) if before is None else weigh(evidence, before, found)


def _judged_alone(evidence: Evidence, found: Sequence[Target]) -> Weighed:
    """Say whether a model is good enough as it is."""
    missed, unproven = [*shortfalls(evidence, found)], [*doubts(found)]
    if missed:
        weak = [f"Weakest: {one.suite} {_slice(one)}, {written(one)} right." for one in weakest(evidence)]
        return Weighed("not_sufficient", (*missed, *weak, *unproven), (), ())
    if unproven:
        return Weighed("no_evidence", (*unproven, *proofs(found)), (), ())
    return Weighed("sufficient", tuple(proofs(found)), (), ())


def _slice(one: Metric) -> str:
    return ", ".join(f"{key} {value}" for key, value in one.slice.items())


def _reaches(evidence: Evidence, found: Sequence[Target]) -> bool | None:
    if not found:
        return None
    whole = not any(obstacles(evidence)) and not lacks_targets(evidence.thresholds, evidence.suites)
    return whole and all(one.now.status == "reached" for one in found) and not unpassed(evidence)


def _remarks(evidence: Evidence, found: Sequence[Target], weighed: Weighed, *, reaches: bool | None) -> Iterator[str]:
    """Say what else a reader must know."""
    run, before, bars = evidence.run, evidence.before, evidence.thresholds
    if before is not None:
        if reaches:
            yield f"{run.model.label} now reaches every release target with its whole interval."
        elif found:
            yield from (f"Not yet good enough: {line}" for line in (*shortfalls(evidence, found), *doubts(found)))
        else:
            yield from lacks_targets(bars, evidence.suites)
    elif weighed.advice == "not_sufficient":
        suite, model = evidence.suites[0], run.model.name
        yield f"To fine-tune, test again and decide, in one command: pytest-cosmos workflow {suite} --model {model}"
    if bars is not None and not bars.may_release(run.model.name):
        yield f"{run.model.name} is not for release ({bars.path}: not_for_release), whatever it reaches."
    elif reaches and not evidence.gate_passed:
        yield "The run does not pass its own gate, so it may not be released: see the checks of its report."
    if simulated_only(run):
        yield "All images are simulated: nothing here tells how the model does on photographs."
    for suite, count in evidence.compared_so_far.items():
        if count > 1:
            yield (
                f"{suite}: {count} candidates have been compared on this test split so far. The best of many looks "
                "better than it is: choose among them on the validation split."
            )
    if before is not None:
        # how often the test split was compared on is told above
        told = (line for line in before.compared.comparison.remarks if "candidates have been compared" not in line)
        names = (run.model.label, before.run.model.label, *evidence.suites)  # a name is written as it is
        yield from (line if line.startswith(names) else line[:1].upper() + line[1:] for line in told)


def _risks(evidence: Evidence) -> Iterator[Risk]:
    """Yield how often hazards are missed and alarms raised for nothing: in all, then by prompt."""
    before = evidence.before.compared.pairs.baseline if evidence.before is not None else {}
    for suite, facts in evidence.facts.items():
        prompts = [prompt.name for prompt in facts.prompts if prompt.hazard]
        for prompt in ("", *(prompts if len(prompts) > 1 else ())):
            yield from _risks_of(evidence, suite, prompt, before)


def _risks_of(evidence: Evidence, suite: str, prompt: str, before: Mapping[str, Facts]) -> Iterator[Risk]:
    where = {"prompt": prompt} if prompt else {}
    for name in _RISKS:
        found = metric(evidence.facts, suite, name, where)
        if found.value is None:
            continue
        was = metric(before, suite, name, where) if suite in before else None
        pairs = evidence.before.compared.pairs if evidence.before is not None else None
        change = difference(pairs, suite, name, where) if pairs is not None else None
        yield Risk(suite=suite, prompt=prompt, metric=name, now=found, before=was, change=change)


def _moved(outcomes: Sequence[Outcome], before: Before) -> Iterator[Moved]:
    """Yield broken cases, then fixed ones, each list with its hazards first, other images before a second prompt."""
    now = {outcome.case.key: outcome for outcome in outcomes}
    comparison = before.compared.comparison
    for keys in (comparison.broken, comparison.fixed):
        there = [key for key in keys if key in before.said]
        yield from (_moved_case(before.said[key], now[key]) for key in look_first(there, now)[:MOVED])


def _moved_case(was: Outcome, is_: Outcome) -> Moved:
    return Moved(
        case=is_.case.key,
        question=is_.case.prompt.text,
        expected=is_.case.expected,
        hazard=is_.case.is_hazard is True,
        media_hash=is_.case.sample.media_hash,
        before=_said(was),
        now=_said(is_),
    )


def _said(outcome: Outcome) -> Said:
    return Said(
        answer=said(outcome)[: text.LONGEST],
        verdict=outcome.judgement.verdict,
        reasoning=outcome.reply.reasoning[: text.LONGEST],
    )
