"""What was measured over many outcomes."""

from __future__ import annotations

from pydantic import Field, StrictStr

from pytest_cosmos.records.base import SCHEMA_VERSION, Record


class Metric(Record):
    """One figure over the cases of one suite or one slice of it."""

    suite: StrictStr
    name: StrictStr
    slice: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    """Which cases: `{"prompt": "binary_safety", "category": "hazard"}`; empty: all of the suite."""
    value: float | None
    """None: no data, never 0."""
    low: float | None = None
    high: float | None = None
    """The interval, of a figure that has one."""
    confidence: float = 0.95
    """Of the interval, both sides together."""
    cases: int = 0
    """How many cases it was computed from (the denominator of a proportion)."""
    samples: int = 0
    """How many different samples these cases are of."""
    clusters: int = 0
    """How many independent clusters these samples make: fewer than samples where the suite groups them."""
    unknown: int = 0
    """Answers it leaves out because their confidence, or their time, is not known."""
    asked_on: StrictStr = ""
    """Of a time that rests on stored replies: the day these were asked, or the first and the last one."""

    @property
    def key(self) -> str:
        """The name with its slice, as thresholds.yaml writes it."""
        return metric_key(self.name, self.slice)


def metric_key(name: str, where: dict[str, str]) -> str:
    """Write a metric with its slice, e.g. `accuracy[prompt=severity,category=safe]`."""
    inside = ",".join(f"{key}={value}" for key, value in where.items())
    return f"{name}[{inside}]" if inside else name


class Confusion(Record):
    """How often each expected answer (row) was answered how (column), for one prompt."""

    suite: StrictStr
    prompt: StrictStr
    rows: tuple[StrictStr, ...]
    columns: tuple[StrictStr, ...]
    """The prompt's choices, then UNPARSED and ERROR."""
    counts: tuple[tuple[int, ...], ...]


class ReliabilityBin(Record):
    """Cases answered with about the same confidence."""

    cases: int
    confidence: float
    """Their mean."""
    accuracy: float
    """Which part was answered exactly as expected."""
    low: float
    high: float


class CoveragePoint(Record):
    """What is left, and how good it is, if the model abstains below a confidence."""

    confidence: float
    coverage: float
    """Which part of the replies is an answer of at least this confidence."""
    accuracy: float


class Calibration(Record):
    """What the confidences of a suite, or of one prompt of it, are worth."""

    suite: StrictStr
    prompt: StrictStr = ""
    """Empty: all prompts together."""
    cases: int
    """Answers whose confidence is known."""
    samples: int
    clusters: int
    replies: int
    """All replies: what coverage is a part of."""
    error: float
    """The expected calibration error over `bins`."""
    floor: float
    """The error that a perfectly calibrated model would show by chance, on average."""
    limit: float
    """The error that it would exceed in 1 of 20 runs."""
    gap: float
    """Mean confidence - share answered exactly as expected."""
    gap_low: float
    gap_high: float
    bins: tuple[ReliabilityBin, ...]
    """The least confident first."""
    curve: tuple[CoveragePoint, ...]
    """The highest confidence first."""


class Unstable(Record):
    """A case whose repeats were not all answered alike."""

    case: StrictStr
    """Its key."""
    expected: StrictStr
    greedy: StrictStr
    """The answer that counts; UNPARSED or ERROR where there is none."""
    answers: dict[StrictStr, int]
    """How many repeats answered what, the most frequent first; UNPARSED and ERROR too."""
    entropy: float
    """Of the answers, in bits; those without a reply not counted."""


class Stability(Record):
    """How far repeats of the same cases, with sampling on, were answered alike in one suite."""

    suite: StrictStr
    repeats: int
    """How many times each case was asked."""
    cases: int
    lost: int
    """Repeats without a reply: in no figure."""
    metrics: tuple[Metric, ...]
    """Over all cases, and by prompt: `answer_agreement`, `flip_rate`, `flip_from_greedy_rate`, `answer_entropy` (mean,
    in bits) and `repeat_accuracy`; `cases` says of how many, for a case with fewer than two replies shows nothing."""
    accuracies: tuple[float | None, ...]
    """Of each repeat, by its number; None: no replies."""
    spread: float | None
    """Standard deviation of these accuracies; None: fewer than two."""
    unstable: tuple[Unstable, ...] = ()
    """The least stable cases, worst first."""

    def metric(self, name: str, **where: str) -> Metric | None:
        """Return one of its figures."""
        return next((metric for metric in self.metrics if metric.name == name and metric.slice == where), None)


class Determinism(Record):
    """What became of some cases when they were asked again alone: how far a batch decides a reply."""

    cases: int
    """How many were compared."""
    lost: int = 0
    """How many had no reply, at the first time or the second."""
    unbatched: int = 0
    """How many were in a batch of one already."""
    texts: int = 0
    """How many texts differ."""
    answers: int = 0
    """How many answers differ."""
    confidence: float | None = None
    """The largest change of a confidence; None: there is none to compare."""
    accuracy_batched: float | None = None
    accuracy_alone: float | None = None
    """Of the same cases."""
    changed: tuple[StrictStr, ...] = ()
    """Keys of the cases whose answers differ."""


class Summary(Record):
    """Everything measured in a run: metrics.json."""

    schema_version: int = SCHEMA_VERSION
    metrics: tuple[Metric, ...]
    confusions: tuple[Confusion, ...]
    calibrations: tuple[Calibration, ...] = ()
    """Of each suite with confidences, and of each of its prompts."""
    low_confidence: tuple[StrictStr, ...] = ()
    """Keys of the cases answered with the least confidence, lowest first."""
    worst: tuple[StrictStr, ...] = ()
    """Keys of the cases to look at first: errors, missed hazards by confidence, other wrong ones."""
    stability: tuple[Stability, ...] = ()
    """Of each suite, where cases were repeated."""
    determinism: Determinism | None = None
    """None: nothing was asked again alone."""
