"""What was said to a case, and what was made of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field, StrictStr

from pytest_cosmos.records.base import SCHEMA_VERSION, Record
from pytest_cosmos.records.cases import Case


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


class Repeat(Record):
    """A case asked once more, beside the answer that counts: one line of repeats.jsonl."""

    schema_version: int = SCHEMA_VERSION
    case_key: StrictStr
    manner: Literal["sampled", "alone"]
    """`sampled`: words were drawn, to see whether the answer is stable; `alone`: as before, but in no batch."""
    number: int = Field(ge=1)
    """Which repeat, from 1."""
    seed: int
    reply: Reply
    judgement: Judgement
