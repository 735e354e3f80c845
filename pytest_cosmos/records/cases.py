"""Sample x Prompt -> Case: what is asked."""

from __future__ import annotations

import hashlib
import operator
import re
from enum import StrEnum

from pydantic import Field, StrictStr

from pytest_cosmos.records.base import Record


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
    reasoning: StrictStr = ""
    """What a trained model is to think before it answers, whatever is asked; empty: nothing is known. Never shown."""
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
    template: StrictStr = ""
    """What `text` was before a sample's own columns were filled in; empty: it holds none, so it is as it was."""

    @property
    def unfilled(self) -> Prompt:
        """As the suite states it for all samples."""
        return self.model_copy(update={"text": self.template, "template": ""}) if self.template else self

    @property
    def digest(self) -> str:
        """SHA-256 over all that the prompt says, the same whichever sample it was filled in for."""
        # without `template`, so that the digests of prompts that hold no columns are those of before it was there
        return hashlib.sha256(self.unfilled.model_dump_json(exclude={"template"}).encode()).hexdigest()

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
    def is_hazard(self) -> bool | None:
        """Whether the expected answer is the positive class."""
        return self.prompt.is_hazard(self.expected)

    def slice_value(self, key: str) -> str | None:
        """Return what `key` (prompt, category, source, label, group or a declared column) is for this case."""
        if key == "prompt":
            return self.prompt.name
        own = key in ("category", "source", "label", "group", "split")
        return str(getattr(self.sample, key)) if own else self.sample.fields.get(key)
