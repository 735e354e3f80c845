"""Made-up suites and answers: how cases hang together, and how often they are right."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytest_cosmos.gate import Thresholds, read_thresholds
from pytest_cosmos.measure import Facts, read_facts
from pytest_cosmos.records import AnswerKind, Case, Judgement, Outcome, Prompt, Reply, Sample, Verdict

Flags = NDArray[np.bool_]
Codes = NDArray[np.int64]
Values = NDArray[np.float64]

SUITE = "floor"
CATEGORIES = 4
"""Every cluster is of one; slices are made by them."""


@dataclass(frozen=True, slots=True)
class Bond:
    """How the cases of one cluster hang together."""

    kind: str
    """`beta`: a chance of its own per cluster; `logit`: the same, normal on the logit scale; `whole`: all cases of a
    cluster alike; `prompts`: independent, but the prompts of unequal difficulty."""
    strength: float = 0.0
    """Of `beta`: the correlation of two cases of a cluster; of `logit`: the standard deviation; of `prompts`: how far
    the easiest and the hardest are from the mean."""

    def __str__(self) -> str:
        if self.kind == "whole":
            return "whole clusters alike"
        return f"{self.kind} {self.strength:g}" if self.strength else "independent"


INDEPENDENT = Bond("beta", 0.0)


@dataclass(frozen=True, slots=True)
class Suite:
    """A made-up suite: the outcomes of each case, right and wrong, and their columns, in the order of `Facts`."""

    facts: Facts
    """Of everything answered correctly."""
    right: NDArray[np.object_]
    wrong: NDArray[np.object_]

    slices: tuple[Flags, ...]
    """Which cases are of each prompt and of each category."""

    @property
    def cluster(self) -> Codes:
        """The cluster of each case."""
        return self.facts.cluster

    def facts_of(self, right: Flags) -> Facts:
        """Return the columns of a run in which exactly these cases were right."""
        answer = np.where(right, self.facts.expected, 1 - self.facts.expected)
        return replace(self.facts, correct=right, answer=answer, alarm=answer == 0)

    def outcomes_of(self, right: Flags) -> list[Outcome]:
        """Return the outcomes of that run."""
        return list(np.where(right, self.right, self.wrong))


def thresholds_of(text: str) -> Thresholds:
    """Read sections of a thresholds file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "thresholds.yaml"
        file.write_text(f"version: 1\n{text}\n", encoding="utf-8")
        return read_thresholds(file)


def sizes_of(clusters: int, sizes: str, chance: np.random.Generator) -> list[int]:
    """Draw how many cases each cluster has: `3` all three, `1-5` evenly, `1-20` most few and some many."""
    low, _, high = sizes.partition("-")
    if not high:
        return [int(low)] * clusters
    if int(high) <= 5:
        return [int(size) for size in chance.integers(int(low), int(high) + 1, clusters)]
    drawn = np.round(chance.lognormal(np.log(3), 0.9, clusters))
    return [int(size) for size in np.clip(drawn, int(low), int(high))]


def suite_of(sizes: Sequence[int], one_in: int = 2) -> Suite:
    """Build a suite with a cluster of each of these sizes; one in so many clusters shows a hazard.

    Clusters of equal size are a sample each, asked as many prompts; of unequal size a group of samples, asked one.
    """
    prompts = sizes[0] if len(set(sizes)) == 1 else 1
    asked = [
        Prompt(name=f"p{n}", text="Cracked?", kind=AnswerKind.YES_NO, choices=("Yes", "No"), hazard="Yes")
        for n in range(prompts)
    ]
    cases = []
    for number, size in enumerate(sizes):
        label = "Yes" if number % one_in == 1 else "No"
        for member in range(size // prompts):
            name = f"s{number:05d}x{member}"
            sample = Sample(
                id=name,
                media=(f"{name}.jpg",),
                label=label,
                category=f"c{number // 2 % CATEGORIES}",
                group=f"g{number}" if prompts == 1 else "",
            )
            cases += [Case(suite=SUITE, sample=sample, prompt=prompt, expected=label) for prompt in asked]
    cases.sort(key=lambda case: case.key)
    right, wrong = np.empty(len(cases), dtype=object), np.empty(len(cases), dtype=object)
    right[:] = [outcome_of(case, case.expected) for case in cases]
    wrong[:] = [outcome_of(case, "No" if case.expected == "Yes" else "Yes") for case in cases]
    facts = read_facts(right)[SUITE]
    by_key = {key: facts.values_of(key) for key in ("prompt", "category")}
    slices = tuple(np.asarray(values == one) for values in by_key.values() for one in sorted(set(values)))
    return Suite(facts, right, wrong, slices)


def outcome_of(case: Case, said: str) -> Outcome:
    """Return the outcome of a case that was answered so; only the expected answer counts as right."""
    verdict = Verdict.CORRECT if said == case.expected else Verdict.WRONG
    reply = Reply(case_key=case.key, raw=said, answer=said)
    return Outcome(case=case, reply=reply, judgement=Judgement(verdict=verdict, answer=said))


def draw(suite: Suite, accuracy: float, bond: Bond, chance: np.random.Generator) -> Flags:
    """Draw which cases are right: each with the chance `accuracy`, bound together within clusters."""
    cluster = suite.cluster
    clusters = int(cluster.max()) + 1
    if bond.kind == "whole":
        return np.asarray(chance.random(clusters) < accuracy)[cluster]
    return np.asarray(chance.random(len(cluster)) < _chances(suite, accuracy, bond, clusters, chance))


def _chances(suite: Suite, accuracy: float, bond: Bond, clusters: int, chance: np.random.Generator) -> Values:
    """Return with what chance each case is right."""
    if bond.strength == 0:
        return np.full(len(suite.cluster), accuracy)
    if bond.kind == "beta":
        pull = (1 - bond.strength) / bond.strength
        return chance.beta(accuracy * pull, (1 - accuracy) * pull, clusters)[suite.cluster]
    if bond.kind == "logit":
        wobble = chance.normal(0, bond.strength, clusters)
        return np.asarray(1 / (1 + np.exp(-(_middle(accuracy, bond.strength) + wobble))))[suite.cluster]
    prompts = len(suite.facts.prompts)
    place = suite.facts.prompt / max(1, prompts - 1) * 2 - 1
    return np.asarray(accuracy + place * bond.strength)


_MIDDLES: dict[tuple[float, float], float] = {}


def _middle(accuracy: float, spread: float) -> float:
    """Return the logit around which chances of this spread have the mean `accuracy`."""
    if (accuracy, spread) not in _MIDDLES:
        from scipy.optimize import brentq

        nodes, weights = np.polynomial.hermite_e.hermegauss(80)
        weights = weights / weights.sum()
        found = brentq(lambda at: float((weights / (1 + np.exp(-(at + spread * nodes)))).sum()) - accuracy, -20, 20)
        _MIDDLES[accuracy, spread] = float(found)
    return _MIDDLES[accuracy, spread]


@dataclass(frozen=True, slots=True)
class Change:
    """What a candidate does to a baseline's answers."""

    accuracy: float
    """Of the baseline."""
    changed: float
    """Which part of the cases is answered differently right: fixed or broken."""
    gain: float
    """Fixed less broken."""


def draw_pair(suite: Suite, change: Change, bond: Bond, chance: np.random.Generator) -> tuple[Flags, Flags]:
    """Draw which cases the baseline and the candidate have right; the four kinds of pairs are bound in clusters."""
    fixed, broken = (change.changed + change.gain) / 2, (change.changed - change.gain) / 2
    shares = np.array([fixed, broken, change.accuracy - broken, 1 - change.accuracy - fixed])
    if shares.min() < -1e-9:
        raise ValueError(f"{change} can't be: the kinds of pairs would have the shares {shares}")
    shares = np.maximum(shares, 0)
    clusters = int(suite.cluster.max()) + 1
    if bond.kind == "whole":
        kind = chance.choice(4, clusters, p=shares / shares.sum())[suite.cluster]
    elif bond.strength == 0:
        kind = chance.choice(4, len(suite.cluster), p=shares / shares.sum())
    else:
        own = chance.gamma(np.maximum(shares * (1 - bond.strength) / bond.strength, 1e-9), size=(clusters, 4))
        steps = np.cumsum(own / own.sum(axis=1, keepdims=True), axis=1)[suite.cluster]
        kind = np.minimum((chance.random(len(steps))[:, None] > steps).sum(axis=1), 3)
    return (kind == 1) | (kind == 2), (kind == 0) | (kind == 2)
