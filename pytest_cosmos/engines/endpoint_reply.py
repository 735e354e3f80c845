"""The body of a response -> Reply: what was said, reasoned, refused or cut off; what is no reply is a Trouble."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from pytest_cosmos.engines.endpoint_address import without_key
from pytest_cosmos.engines.endpoint_confidence import confidence
from pytest_cosmos.engines.endpoint_trouble import SHOWN, malformed, said_in
from pytest_cosmos.judging import judge
from pytest_cosmos.prompting import Family, split_reply, user_text
from pytest_cosmos.records import Case, Reply

_CUT_OFF = "length"
_FILTERED = "content_filter"


class _Said(BaseModel):
    """A message; servers name the reasoning differently (vLLM: `reasoning_content`, later `reasoning`)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    content: StrictStr | None = None
    reasoning_content: StrictStr | None = None
    reasoning: StrictStr | None = None
    refusal: StrictStr | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A response with what is known of its request."""

    body: str
    seconds: float
    device: str
    vision: dict[str, str]
    batch: int


def reply_of(case: Case, family: Family, answered: Answered) -> Reply:
    """Make the reply to a case; Trouble where the response is none.

    Content that is null, empty or a refusal is a reply without an answer, which the judge calls unparsed.
    """
    choice, usage = _read(answered.body)
    said = _message(choice)
    ended = choice.get("finish_reason")
    raw = _raw(said)
    refused = bool(said.refusal) or ended == _FILTERED
    spoken = split_reply(family, raw, asked_reasoning=case.prompt.reasoning)
    reply = Reply(
        case_key=case.key,
        raw=raw or said.refusal or "",
        reasoning=spoken.reasoning,
        answer="" if refused else spoken.answer,
        finish="length" if ended == _CUT_OFF else "stop",
        prompt_text=user_text(family, case.prompt),
        timestamp=now(),
        seconds=answered.seconds,
        batch_seconds=answered.seconds,
        input_tokens=_count(usage, "prompt_tokens"),
        output_tokens=_count(usage, "completion_tokens"),
        batch=answered.batch,
        batch_size=1,
        device=answered.device,
        vision=answered.vision,
    )
    found = confidence(choice.get("logprobs"), case.prompt.choices, judge(case, reply).answer, reply.answer)
    return reply.model_copy(update={"confidence": found})


def no_reply(case: Case, family: Family, why: str, device: str) -> Reply:
    """Make the reply of a case that could not be answered."""
    return Reply(
        case_key=case.key,
        finish="error",
        error=why,
        prompt_text=user_text(family, case.prompt),
        timestamp=now(),
        device=device,
    )


def now() -> str:
    """Return the time as records hold it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _raw(said: _Said) -> str:
    """Put together what the model wrote, where a server has taken its reasoning apart from its answer."""
    thought, content = said.reasoning_content or said.reasoning or "", said.content or ""
    if not thought.strip():
        return content
    # without content the server cannot tell whether the reasoning ever ended
    return f"<think>\n{thought.strip()}\n</think>\n\n{content}" if content.strip() else f"<think>\n{thought.strip()}"


def _read(body: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the first choice and the usage of a response's body."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise malformed(f"the response is no JSON: {said_in(body[:2_000]) or 'it is empty'}") from None
    if not isinstance(data, dict):
        raise malformed("the response is JSON, but no object")
    if data.get("error"):
        raise malformed(f"the response is an error: {said_in(body)}")
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise malformed(f"the response has no choices: {without_key(body)[:SHOWN]!r}")
    usage = data.get("usage")
    return choices[0], usage if isinstance(usage, dict) else {}


def _message(choice: dict[str, Any]) -> _Said:
    message = choice.get("message")
    if isinstance(message, dict):
        message = {key: _whole(value) if isinstance(value, str) else value for key, value in message.items()}
    try:
        return _Said.model_validate(message)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(("message", *map(str, first["loc"])))
        raise malformed(f"the response is malformed: {where}: {first['msg']}") from None


def _whole(text: str) -> str:
    """Replace halves of characters, which JSON can carry and no file can."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _count(usage: dict[str, Any], key: str) -> int | None:
    value = usage.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
