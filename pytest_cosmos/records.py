"""The nouns of this project, in the order in which the data meets them. Read this file first.

    Sample x Prompt -> Case -> (engine) -> Reply -> (judge) -> Judgement
    Case + Reply + Judgement = Outcome -> Metric, Confusion -> (threshold) -> Check -> Decision;  Run: all about one run

Whatever crosses a process or touches a disk is one of these frozen pydantic models.
"""

from __future__ import annotations

import operator
import re
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr

SCHEMA_VERSION = 1

UNPARSED = "(unparsed)"
"""Column of a confusion matrix: the model replied, no answer could be found."""

ERROR = "(error)"
"""Column of a confusion matrix: the model did not reply."""


class Record(BaseModel):
    """Immutable, and closed: an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sample(Record):
    """One labelled image or video of a suite, or several that are shown together."""

    id: StrictStr
    """Unique in its suite: the `id` column, or else the stem of the first media file."""
    media: tuple[StrictStr, ...]
    """Paths relative to the suite's folder, with forward slashes."""
    media_hash: StrictStr = ""
    """SHA-256 over the media bytes, hexadecimal."""
    label: StrictStr
    category: StrictStr = ""
    split: StrictStr = "test"
    source: StrictStr = ""
    """Where the media come from: `simulation`, `real`, …"""
    group: StrictStr = ""
    """Samples of one group are not independent (one floor, one drive); empty: a group of its own."""
    must_pass: bool = False
    fields: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    """The suite's own declared columns, e.g. `{"severity": "3"}`."""


class AnswerKind(StrEnum):
    """What form an answer takes."""

    YES_NO = "yes_no"
    CHOICE = "choice"
    RATING = "rating"


_COMPARISON = re.compile(r"\s*(>=|<=|>|<)\s*(-?\d+)\s*$")
_COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


class Vision(Record):
    """How media are shown to a model; None: as the model family's publisher does it."""

    fps: float | None = Field(default=None, gt=0)
    """Frames a second taken from a video."""
    frames: int | None = Field(default=None, ge=1)
    """Frames taken from a video, evenly spaced; not together with `fps`."""
    min_pixels: int | None = Field(default=None, ge=1)
    """Of an image or a frame, at least."""
    max_pixels: int | None = Field(default=None, ge=1)
    """Of an image or a frame, at most."""
    total_pixels: int | None = Field(default=None, ge=1)
    """Of all frames of a video together, at most."""


class Prompt(Record):
    """One question of a suite, and how its answer is judged."""

    name: StrictStr
    text: StrictStr
    kind: AnswerKind
    choices: tuple[StrictStr, ...] = ()
    """The answers allowed: `("Yes", "No")`, the options of a choice, `("1", …, "5")` of a rating."""
    expected: StrictStr | dict[StrictStr, StrictStr] = "label"
    """A column of the sample, or a mapping from label to answer."""
    hazard: StrictStr = ""
    """The answer that is the positive class, or a comparison such as `>= 3`; empty: there is none."""
    tolerance: int = Field(default=0, ge=0)
    """A rating is correct within this distance."""
    reasoning: bool = True
    """Whether the model is asked to think before it answers."""
    system: StrictStr | None = None
    """The system prompt; None: the model family's own."""
    vision: Vision = Vision()

    def is_hazard(self, answer: str) -> bool | None:
        """Tell whether `answer` (one of `choices`) is the positive class; None where there is none."""
        if not self.hazard:
            return None
        comparison = _COMPARISON.match(self.hazard)
        if comparison is None:
            return answer.casefold() == self.hazard.casefold()
        return bool(_COMPARE[comparison[1]](int(answer), int(comparison[2])))


class Case(Record):
    """One sample asked one prompt: what becomes one test."""

    suite: StrictStr
    sample: Sample
    prompt: Prompt
    expected: StrictStr
    """One of `prompt.choices`."""

    @property
    def id(self) -> str:
        """Unique in its suite; also the id shown by pytest."""
        return f"{self.sample.id}-{self.prompt.name}"

    @property
    def key(self) -> str:
        """Unique in a run."""
        return f"{self.suite}/{self.id}"

    @property
    def cluster(self) -> str:
        """Cases of one cluster are not independent of each other."""
        return self.sample.group or self.sample.id

    @property
    def is_hazard(self) -> bool | None:
        """Whether the expected answer is the positive class."""
        return self.prompt.is_hazard(self.expected)

    def slice_value(self, key: str) -> str | None:
        """Return what `key` (prompt, category, source, label, group or a declared column) is for this case."""
        if key == "prompt":
            return self.prompt.name
        own = key in ("category", "source", "label", "group", "split")
        return str(getattr(self.sample, key)) if own else self.sample.fields.get(key)


class Reply(Record):
    """What the model said to one case, or why it said nothing."""

    case_key: StrictStr
    raw: StrictStr = ""
    """The whole generated text, special tokens of the tokenizer left out."""
    reasoning: StrictStr = ""
    answer: StrictStr = ""
    """The text that should hold the answer: what is left of `raw` when the reasoning is taken off."""
    finish: Literal["stop", "length", "error"] = "stop"
    """`stop`: the model ended by itself; `length`: cut off; `error`: there is no reply."""
    error: StrictStr = ""
    """Why there is no reply; set exactly when `finish` is `error`."""
    confidence: float | None = None
    """Probability of the answer given among the prompt's alternatives; None: not to be had."""
    prompt_text: StrictStr = ""
    """The user text as the model was asked it, the reasoning request included."""
    timestamp: StrictStr = ""
    """When the reply was complete: ISO 8601, UTC."""
    seconds: float | None = None
    """The time of the batch divided by its cases: what this case cost."""
    batch_seconds: float | None = None
    """The time from handing the batch in to this reply: what a caller waits."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    batch: int | None = None
    """Which batch of the run it was answered in."""
    batch_size: int | None = None
    device: StrictStr = ""
    """What it ran on, as `ModelRecord.device`; for an endpoint its URL."""
    vision: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    """What the model was really shown, as text: `frames`, `fps`, `pixels`, …"""
    stored: bool = False
    """Whether it comes from the reply store: `seconds` and `timestamp` are those of the run that asked."""


class Verdict(StrEnum):
    """What became of a case."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNPARSED = "unparsed"
    """The model replied, no answer could be found: counts as wrong, has its own rate."""
    ERROR = "error"
    """There is no reply: never an answer, fails its test and so the run."""


class Judgement(Record):
    """What a judge made of a reply."""

    verdict: Verdict
    answer: StrictStr | None = None
    """The answer found, one of `prompt.choices`; None when unparsed or error."""
    reason: StrictStr = ""
    """Why no answer was found, in a few words; empty when there is one."""


class Outcome(Record):
    """A case with what was said and what was made of it: one line of outcomes.jsonl."""

    schema_version: int = SCHEMA_VERSION
    case: Case
    reply: Reply
    judgement: Judgement

    @property
    def said_hazard(self) -> bool | None:
        """Whether the answer given is the positive class; None where there is no answer or no such class."""
        if self.judgement.answer is None:
            return None
        return self.case.prompt.is_hazard(self.judgement.answer)


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
    """The 95 % interval, where the metric is a proportion."""
    cases: int = 0
    """How many cases it was computed from (the denominator of a proportion)."""
    samples: int = 0
    """How many different samples these cases are of."""
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


class Summary(Record):
    """Everything measured in a run: metrics.json."""

    schema_version: int = SCHEMA_VERSION
    metrics: tuple[Metric, ...]
    confusions: tuple[Confusion, ...]
    low_confidence: tuple[StrictStr, ...] = ()
    """Keys of the cases answered with the least confidence, lowest first."""
    worst: tuple[StrictStr, ...] = ()
    """Keys of the cases to look at first: errors, missed hazards by confidence, other wrong ones."""


class Threshold(Record):
    """One line of thresholds.yaml."""

    suite: StrictStr
    metric: StrictStr
    slice: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    at_least: float | None = None
    at_most: float | None = None
    min_cases: int = 1
    """With fewer cases than this there is no data."""
    kind: Literal["release", "guard"] = "release"
    where: StrictStr = ""
    """`file:line`."""

    @property
    def key(self) -> str:
        """The metric with its slice, as the file writes it."""
        return metric_key(self.metric, self.slice)

    @property
    def bar(self) -> str:
        """The bar in words: `>= 0.85`, `<= 0.01`, or both."""
        bounds = {">=": self.at_least, "<=": self.at_most}
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds.items() if bound is not None)


class CheckStatus(StrEnum):
    """What became of a threshold."""

    MET = "met"
    NOT_MET = "not_met"
    NO_DATA = "no_data"


class Check(Record):
    """A threshold held against what was measured."""

    threshold: Threshold
    metric: Metric
    status: CheckStatus
    blocking: bool
    """False: shown, but the run does not hang on it (release targets of a model not for release)."""
    message: StrictStr
    """What was found, in one line without the verdict word."""


OutcomeWord = Literal["passed", "missed_bar", "errors", "partial", "no_data", "no_evidence"]


class Decision(Record):
    """What a run came to."""

    outcome: OutcomeWord
    exit_code: int
    answered: int
    """How many of the planned cases have an outcome."""
    planned: int
    """How many cases the suites that the run answers for have; of a shard, how many it meant to ask."""
    reasons: tuple[StrictStr, ...] = ()
    """Why, the weightiest first; says what to do."""
    would_release: bool | None = None
    """Whether every release target was met; None: there are none, or not enough data."""


class SuiteRecord(Record):
    """What a run knows of one suite."""

    name: StrictStr
    path: StrictStr
    """Its folder, relative to the project where it lies inside."""
    digest: StrictStr = ""
    """SHA-256 over the suite's label files."""
    planned: int
    """Cases of the suite's test split."""
    selected: int
    """Cases this run meant to ask."""
    blank: int = 0
    """Sample x prompt pairs without an expected answer: no case."""
    sources: tuple[StrictStr, ...] = ()
    title: StrictStr = ""


class ModelRecord(Record):
    """What answered."""

    name: StrictStr
    """As named on the command line."""
    engine: StrictStr
    family: StrictStr = ""
    fingerprint: StrictStr = ""
    """SHA-256 over the checkpoint's files, or the hub revision."""
    adapter: StrictStr = ""
    """The folder of its LoRA adapter, as named; empty: none."""
    adapter_fingerprint: StrictStr = ""
    device: StrictStr = ""
    dtype: StrictStr = ""
    parameters: int | None = None
    generation: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    """Generation settings and pixel budget really used, as text."""


class Run(Record):
    """All about one run but its outcomes: run.json."""

    schema_version: int = SCHEMA_VERSION
    id: StrictStr
    """Name of its folder: `<time>-<model>`."""
    started: StrictStr
    finished: StrictStr = ""
    """Empty: it was interrupted."""
    command: StrictStr = ""
    model: ModelRecord
    suites: tuple[SuiteRecord, ...] = ()
    versions: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    """Python, this plugin and the libraries that matter."""
    git_commit: StrictStr = ""
    seed: int = 0
    limit: int | None = None
    shard: StrictStr = ""
    """`K/N`: only this part of the samples was asked; empty: all, or the parts were merged."""
    thresholds: StrictStr = ""
    """Which file, relative to the project where it lies inside; empty: none."""
    thresholds_digest: StrictStr = ""
    allow_partial: bool = False
    gated: bool = True
    """False: the user asked to measure only."""
    required: tuple[StrictStr, ...] = ()
    """The suites this run must answer for."""
    failed_tests: tuple[StrictStr, ...] = ()
    """Tests that failed outright: must-pass and strict cases, errors, broken test bodies, lost workers."""
    stored: int = 0
    """How many of the replies come from the reply store: nothing was asked for them in this run."""
    seconds: dict[StrictStr, float] = Field(default_factory=dict)
    """Where the time went. Of xdist's workers the slowest counts; of a merged run it is the sum over its shards."""
    decision: Decision | None = None
