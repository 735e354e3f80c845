"""Is what `pytest-cosmos power` plans enough, and not too much? Runs of just so many samples are drawn and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from pytest_cosmos.gate.checks import status_of
from pytest_cosmos.measure import Pairs, difference, metric
from pytest_cosmos.measure.power import INDEPENDENT as ALONE
from pytest_cosmos.measure.power import (
    POWER,
    Design,
    bar_power,
    margin_power,
    mcnemar_power,
    pairs_for_difference,
    pairs_for_margin,
    samples_for_bar,
)
from pytest_cosmos.records import CheckStatus, Threshold
from tools.simulation.designs import SUITE, Bond, Change, Suite, draw, draw_pair, suite_of
from tools.simulation.sections import Bar, Budget, Rate, Section

TRIPLES = Design(cases_per_sample=3, effect=1.8)
"""Three prompts per sample, correlated by 0.4."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What shall be shown, and what is so."""

    kind: Literal["bar", "margin", "change"]
    limit: float
    """The bar, or the margin; of a change: nothing."""
    truth: float
    """The accuracy, or of a comparison the gain: fixed less broken."""
    changed: float = 0.0
    """Of a comparison: which part of the cases is answered differently right."""
    design: Design = ALONE

    def __str__(self) -> str:
        each = f", {self.design.cases_per_sample:g} prompts, design effect {self.design.effect:g}"
        tail = each if self.design.clustered else ""
        if self.kind == "bar":
            return f"accuracy {self.truth:g} is at least {self.limit:g}, bound: lower{tail}"
        what = f"{100 * self.changed:g} % changed, {100 * self.truth:+g} points"
        return f"{f'max_drop {self.limit:g}' if self.kind == 'margin' else 'a change is found'}: {what}{tail}"

    @property
    def bond(self) -> Bond:
        """What makes the design effect: 1 + (cases - 1) correlation."""
        return Bond("beta", (self.design.effect - 1) / max(1.0, self.design.cases_per_sample - 1))


def planned(claim: Claim) -> int:
    """Return how many samples are planned for a claim."""
    if claim.kind == "bar":
        samples = samples_for_bar(claim.limit, claim.truth, design=claim.design)
    elif claim.kind == "margin":
        samples = pairs_for_margin(claim.limit, claim.changed, drop=-claim.truth, design=claim.design)
    else:
        samples = pairs_for_difference(-claim.truth, claim.changed, design=claim.design)
    if samples is None:
        raise ValueError(f"nothing is planned for {claim}")
    return samples


def shown(claim: Claim, samples: int, budget: Budget) -> Rate:
    """Draw runs of so many samples and count how often the gate sees the claim shown."""
    chance = budget.chance(claim)
    suite = _suite(samples, int(claim.design.cases_per_sample))
    threshold = Threshold(suite=SUITE, metric="accuracy", at_least=claim.limit, bound="lower")
    hits = 0
    for _ in range(budget.repetitions):
        if claim.kind == "bar":
            facts = suite.facts_of(draw(suite, claim.truth, claim.bond, chance))
            hits += status_of(threshold, metric({SUITE: facts}, SUITE, "accuracy", {})) is CheckStatus.MET
            continue
        before, after = draw_pair(suite, Change(0.8, claim.changed, claim.truth), claim.bond, chance)
        found = difference(Pairs({SUITE: suite.facts_of(before)}, {SUITE: suite.facts_of(after)}), SUITE, "accuracy")
        if claim.kind == "margin":
            hits += found.low is not None and found.low > -claim.limit
        else:
            hits += found.change in ("improved", "worse")
    return Rate(hits, budget.repetitions)


@cache
def _suite(samples: int, prompts: int) -> Suite:
    return suite_of([prompts] * samples)


_ALONE = (
    Claim("bar", 0.6, 0.7),
    Claim("bar", 0.85, 0.9),
    Claim("bar", 0.9, 0.95),
    Claim("bar", 0.95, 0.98),
    Claim("margin", 0.02, 0.0, 0.05),
    Claim("margin", 0.05, 0.0, 0.1),
    Claim("margin", 0.05, -0.01, 0.2),
    Claim("change", 0.0, -0.03, 0.05),
    Claim("change", 0.0, -0.05, 0.1),
    Claim("change", 0.0, -0.05, 0.2),
)
CLAIMS: Sequence[Claim] = (*_ALONE, *(replace(claim, design=TRIPLES) for claim in _ALONE))


def promised(claim: Claim, samples: int) -> float:
    """Return the power that is computed for so many samples of independent cases: 80 % or, as counts jump, more."""
    if claim.kind == "bar":
        return float(bar_power(samples, claim.limit, claim.truth)[0])
    if claim.kind == "margin":
        return margin_power(samples, claim.limit, claim.changed, drop=-claim.truth)
    return mcnemar_power(samples, -claim.truth, claim.changed)


def power(budget: Budget) -> Section:
    """Simulate planned sizes."""
    found = [(claim, samples := planned(claim), shown(claim, samples, budget)) for claim in CLAIMS]
    alone = [one for one in found if not one[0].design.clustered]
    triples = [one for one in found if one[0].design.clustered]
    computed = {claim: promised(claim, samples) for claim, samples, _ in alone}
    rows = tuple(
        (str(claim), str(samples), f"{100 * computed[claim]:.1f} %" if claim in computed else "80 % or more", str(rate))
        for claim, samples, rate in found
    )
    claim, samples, _ = max(alone, key=lambda one: abs(one[2].value - computed[one[0]]))
    again = shown(claim, samples, Budget(4 * budget.repetitions, budget.seed + 1))
    words = "of independent cases, what is so is shown as often as computed (± 3 points) in the farthest cell"
    farthest = Bar(words, again, computed[claim] - 0.03, computed[claim] + 0.03, str(claim))
    claim, samples, _ = min(triples, key=lambda one: one[2].value)
    again = shown(claim, samples, Budget(4 * budget.repetitions, budget.seed + 1))
    words = "of three prompts per sample, it is shown at least as often as planned (- 3 points) in the lowest cell"
    return Section(
        "power",
        "Planned sizes: how often what is so is shown",
        f"As many samples as `pytest-cosmos power` plans for {100 * POWER:g} %. Right answers come in whole numbers: "
        "the power of the planned size is somewhat more, and computed. Of three prompts a sample the design effect is "
        "told; the test of sign flips may then find more than the planned McNemar's test, which is coarser.",
        ("claim", "samples", "computed", "shown"),
        rows,
        (farthest, Bar(words, again, at_least=POWER - 0.03, where=str(claim))),
    )
