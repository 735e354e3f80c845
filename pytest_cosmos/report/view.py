"""The report as plain values: what the page says, without a word of how it looks.

ReportView
├── Headline                  the decision, why, would it be released
├── Fact …                    model, date, device, data
├── CheckRow …                blocking bars, then release targets that do not block
├── ChangeView …              what changed from a baseline: ChangeRow …, ChangedCase …
├── SuiteView …               per suite: headline figures, MetricRow …, ConfusionView …, CalibrationView …
├── Card …                    the cases to look at first, and the least confident ones
├── StabilityView …           per suite: what repeats came to, the least stable cases
├── TimeRow …                 where the time went
├── CaseRow …                 every case, for the searchable table
└── footer: Fact …            how to get this run again
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pytest_cosmos.report.changes import ChangeView
from pytest_cosmos.report.figures import Style, Word

HEAT_LEVELS = 6
"""How many tints a confusion matrix has, the empty one included."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and what is to be said under it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Headline:
    """What the run came to."""

    word: Word
    reasons: tuple[str, ...]
    release: str
    """`would be released`, `would not be released`, or nothing."""
    answered: int
    planned: int


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One threshold and what was found."""

    word: str
    style: Style
    suite: str
    key: str
    value: str
    interval: str
    bar: str
    cases: str
    message: str
    """Why there is no data; empty where the figures say it all."""
    where: str
    blocking: bool


@dataclass(frozen=True, slots=True)
class Share:
    """A share between 0 and 1 with its interval, ready to be drawn."""

    written: str
    interval: str
    value: float | None
    low: float | None
    high: float | None
    cases: int
    samples: int
    clusters: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline figure."""

    name: str
    share: Share
    note: str


class Cell(NamedTuple):
    """A figure in a table."""

    written: str
    hint: str
    """Its interval and the cases behind it."""


@dataclass(frozen=True, slots=True)
class MetricRow:
    """All figures of one slice."""

    name: str
    accuracy: Share
    baseline: float | None
    cells: tuple[Cell, ...]
    """In the order of `SuiteView.columns`."""


@dataclass(frozen=True, slots=True)
class MetricGroup:
    """The slices along one key: all, by prompt, by category, by source."""

    title: str
    rows: tuple[MetricRow, ...]


@dataclass(frozen=True, slots=True)
class ConfusionCell:
    """How often an expected answer was answered so."""

    count: int
    kind: str
    """`right`, `wrong`, `missed` (a hazard taken for none), `alarm`, or `none` (no answer)."""
    heat: int
    """0 … HEAT_LEVELS - 1, from the share of its row."""


@dataclass(frozen=True, slots=True)
class ConfusionView:
    """One prompt's table: rows expected, columns answered."""

    prompt: str
    question: str
    hazard: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[ConfusionCell, ...]], ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    place: float
    """0 to 100, as all places in a chart."""
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a chart with its interval."""

    x: float
    y: float
    low: float
    high: float
    size: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of 100 by 100, the origin at the lower left."""

    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    dots: tuple[Dot, ...] = ()
    line: str = ""
    """The points of a line as SVG takes them, y downwards."""
    mark: float | None = None
    """Where on the x axis something is to be seen."""
    note: str = ""


class BinRow(NamedTuple):
    """One bin of a reliability diagram, in per cent."""

    cases: str
    confidence: str
    accuracy: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class CalibrationView:
    """What the confidences of a suite or a prompt are worth."""

    title: str
    verdict: str
    style: Style
    facts: tuple[Fact, ...]
    reliability: Chart
    coverage: Chart
    bins: tuple[BinRow, ...]


@dataclass(frozen=True, slots=True)
class SuiteView:
    """One suite's figures."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    columns: tuple[str, ...]
    groups: tuple[MetricGroup, ...]
    confusions: tuple[ConfusionView, ...]
    calibrations: tuple[CalibrationView, ...]
    """All prompts together, then each where there are several; empty: no confidence is known."""
    blank: int


@dataclass(frozen=True, slots=True)
class Card:
    """A case worth a look."""

    key: str
    id: str
    suite: str
    media_hash: str
    question: str
    expected: str
    said: str
    said_word: str
    """`said`, or `no reply:`, after which `said` is the error."""
    kind: str
    style: Style
    confidence: str
    reasoning: str


@dataclass(frozen=True, slots=True)
class StabilityRow:
    """How far repeats agree, in one slice."""

    name: str
    cells: tuple[str, ...]
    """Agreement, flips, flips from the greedy answer, accuracy: each with its interval."""
    entropy: str
    cases: str


@dataclass(frozen=True, slots=True)
class UnstableRow:
    """A case whose repeats were not all answered alike."""

    key: str
    expected: str
    greedy: str
    answers: str
    entropy: str


@dataclass(frozen=True, slots=True)
class StabilityView:
    """What repeats of one suite came to."""

    suite: str
    lines: tuple[str, ...]
    rows: tuple[StabilityRow, ...]
    unstable: tuple[UnstableRow, ...]


@dataclass(frozen=True, slots=True)
class TimeRow:
    """One phase: its time and its share of the total."""

    name: str
    seconds: str
    share: float


class CaseRow(NamedTuple):
    """One case as the page's table shows it; written to the page as a plain array, `_fields` beside it."""

    key: str
    suite: str
    id: str
    prompt: str
    category: str
    expected: str
    said: str
    verdict: str
    hazard: str
    """`missed hazard`, `false alarm` or nothing."""
    told: str
    """What became of it, in words."""
    style: Style
    confidence: float | None
    seconds: float | None
    media: str
    """Key into the page's thumbnails."""
    file: str
    label: str
    group: str
    source: str
    must_pass: bool
    fields: dict[str, str]
    reasoning: str
    raw: tuple[str, ...]
    """The raw text with each occurrence of `reasoning` left out: join by it to have it back."""
    reason: str
    """Why there is no answer, or no reply."""
    asked: str
    finish: str
    timestamp: str
    batch: int | None
    batch_size: int | None
    input_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True, slots=True)
class ReportView:
    """The whole page."""

    title: str
    headline: Headline
    facts: tuple[Fact, ...]
    simulated_only: bool
    checks: tuple[CheckRow, ...]
    changes: tuple[ChangeView, ...]
    suites: tuple[SuiteView, ...]
    worst: tuple[Card, ...]
    low_confidence: tuple[Card, ...]
    scaled: str
    """By which temperatures the confidences are scaled; empty: they are as the model said them."""
    stability: tuple[StabilityView, ...]
    determinism: tuple[tuple[str, Style], ...]
    """What became of cases asked again alone: lines and their style."""
    times: tuple[TimeRow, ...]
    failed_tests: tuple[str, ...]
    cases: tuple[CaseRow, ...]
    footer: tuple[Fact, ...]
