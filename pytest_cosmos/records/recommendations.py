"""What is to be done with a model: the decision in words with its evidence, decision.json."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictStr

from pytest_cosmos.records.base import SCHEMA_VERSION, Record
from pytest_cosmos.records.comparisons import Difference
from pytest_cosmos.records.decisions import Threshold
from pytest_cosmos.records.measures import Metric
from pytest_cosmos.records.replies import Verdict

Advice = Literal[
    "sufficient", "not_sufficient", "helped", "mixed", "harmed", "not_helped", "no_evidence", "void"
]  # fmt: skip
"""`sufficient`, `not_sufficient`: of one model; `helped` to `not_helped`: of two; `void`: nothing can be decided."""

TargetStatus = Literal["reached", "missed", "unproven", "no_data"]
"""`reached`: with its whole interval; `unproven`: the figure is over the bar, the end of its interval is not."""


class TargetFigure(Record):
    """What one model came to on a release target."""

    metric: Metric
    status: TargetStatus
    needed: int | None = None
    """Where it is unproven: about how many samples (groups of them) would tell; None: out of reach."""


class Target(Record):
    """A release target, whether or not it blocks for this model."""

    threshold: Threshold
    now: TargetFigure
    before: TargetFigure | None = None
    """Of the baseline."""


class Risk(Record):
    """How often a hazard is missed, or an alarm raised for nothing."""

    suite: StrictStr
    prompt: StrictStr = ""
    """Empty: all prompts together."""
    metric: Literal["missed_hazard_rate", "false_alarm_rate"]
    now: Metric
    before: Metric | None = None
    change: Difference | None = None
    """Over the same cases."""


class Said(Record):
    """What a model said to a case: hostile text."""

    answer: StrictStr
    verdict: Verdict
    reasoning: StrictStr = ""


class Moved(Record):
    """A case that was right and is wrong, or the other way round."""

    case: StrictStr
    """Its key."""
    question: StrictStr
    expected: StrictStr
    hazard: bool
    """Whether what is expected is the hazard."""
    media_hash: StrictStr = ""
    before: Said
    now: Said


class Recommendation(Record):
    """What is to be done with a model, and why."""

    schema_version: int = SCHEMA_VERSION
    advice: Advice
    run: StrictStr
    """The id of the run that was looked at."""
    model: StrictStr
    """As named, with the name of its adapter's folder."""
    baseline: StrictStr = ""
    """The id of the run it was compared with; empty: none."""
    baseline_model: StrictStr = ""
    suites: tuple[StrictStr, ...]
    cases: int
    samples: int
    reaches_targets: bool | None
    """Whether every release target is reached with evidence; None: there is none."""
    may_release: bool
    """Whether the model may be released by all that is known here: its own gate passed, too."""
    because: tuple[StrictStr, ...]
    """Why, the weightiest first."""
    remarks: tuple[StrictStr, ...] = ()
    """What else a reader must know."""
    targets: tuple[Target, ...] = ()
    weakest: tuple[Metric, ...] = ()
    """Slices that are worse than the whole with evidence, the worst first."""
    goals: tuple[Difference, ...] = ()
    """By what it is judged whether it helped."""
    watched: tuple[Difference, ...] = ()
    """What must not be worse."""
    risks: tuple[Risk, ...] = ()
    fixed: tuple[StrictStr, ...] = ()
    """Keys of the cases that only the candidate answered correctly."""
    broken: tuple[StrictStr, ...] = ()
    moved: tuple[Moved, ...] = ()
    """Some of the broken and the fixed ones, hazards first."""
    compared_so_far: dict[StrictStr, int] = Field(default_factory=dict)
    """How many candidates have been compared on the test split of each suite."""
    simulated_only: bool = False

    @property
    def exit_code(self) -> int:
        """0: it is good enough, or it helped; 1: anything else."""
        return 0 if self.advice in ("sufficient", "helped") else 1
