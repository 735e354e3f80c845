"""All about one run but its outcomes."""

from __future__ import annotations

from pathlib import PurePath

from pydantic import Field, StrictStr

from pytest_cosmos.records.base import SCHEMA_VERSION, Record
from pytest_cosmos.records.decisions import Decision


class SuiteRecord(Record):
    """What a run knows of one suite."""

    name: StrictStr
    path: StrictStr
    """Its folder, relative to the project where it lies inside."""
    digest: StrictStr = ""
    """SHA-256 over the suite's label files."""
    planned: int
    """Cases of the split that is asked."""
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

    @property
    def label(self) -> str:
        """The model as named, with the name of its adapter's folder."""
        return f"{self.name} + {PurePath(self.adapter).name}" if self.adapter else self.name


class Temperature(Record):
    """By how much the confidences of one prompt's answers are scaled: their log-odds are divided by it."""

    suite: StrictStr
    prompt: StrictStr
    prompt_digest: StrictStr
    """`Prompt.digest` of the prompt that it was fitted on: another wording has another temperature."""
    temperature: float = Field(gt=0, allow_inf_nan=False)
    cases: int = 0
    """On how many answers it was fitted."""
    error_before: float | None = None
    """The expected calibration error of these answers as they were."""
    error_after: float | None = None
    """And scaled: on the cases it was fitted on, so a little better than on others."""


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
    limited: bool = False
    """It was asked for some suites only, by `--suite` or by test files: bars of others are not its business."""
    failed_tests: tuple[StrictStr, ...] = ()
    """Tests that failed outright: must-pass and strict cases, errors, broken test bodies, lost workers."""
    failed_cases: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    """Of those that failed only because their sample must pass: the test, and the key of its case."""
    stored: int = 0
    """How many of the replies come from the reply store: nothing was asked for them in this run."""
    seconds: dict[StrictStr, float] = Field(default_factory=dict)
    """Where the time went. Of xdist's workers the slowest counts; of a merged run it is the sum over its shards."""
    baselines: tuple[StrictStr, ...] = ()
    """Ids of the runs of other models that were asked the same before, in the same session."""
    waived: tuple[StrictStr, ...] = ()
    """Keys of must-pass cases that failed and were let through by a waiver."""
    baseline: StrictStr = ""
    """What `--baseline` said: a run or a saved baseline; `none`: none on purpose; empty: nothing."""
    latency: tuple[StrictStr, ...] | None = None
    """The benchmarks of latency that this run was to measure; None: it was not asked for latency."""
    split: StrictStr = "test"
    """Which split of the suites was asked."""
    repeats: int = 0
    """How many times each case was asked again with sampling on; what was said is in repeats.jsonl."""
    check_determinism: bool = False
    """Whether some cases were asked again alone; what was said is in repeats.jsonl."""
    calibration: StrictStr = ""
    """The file of temperatures that was named, relative to the project where it lies inside; empty: none."""
    calibration_refused: StrictStr = ""
    """Why these temperatures were not used, though they were asked for."""
    temperatures: tuple[Temperature, ...] = ()
    """By which the confidences are scaled before figures are made of them; the replies keep them as they were."""
    decision: Decision | None = None

    @property
    def ungated(self) -> str:
        """Why it is held against no bar: the option that said so; empty: it is held against them."""
        if self.split != "test":  # it is there to choose and to fit by, so it is evidence of nothing
            return f"--cosmos-split {self.split}"
        return "" if self.gated else "--cosmos-no-gate"
