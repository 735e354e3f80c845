"""Case, Reply -> Judgement: one answer kind per file."""

from __future__ import annotations

from collections.abc import Callable

from pytest_cosmos.judging import choice, rating, yes_no
from pytest_cosmos.judging.reading import Found
from pytest_cosmos.records import AnswerKind, Case, Judgement, Prompt, Reply, Verdict

__all__ = ["Found", "judge", "rating_distance"]

_READERS: dict[AnswerKind, Callable[[str, Prompt], Found]] = {
    AnswerKind.YES_NO: yes_no.read,
    AnswerKind.CHOICE: choice.read,
    AnswerKind.RATING: rating.read,
}

_CUT_OFF = "cut off before an answer"

_LONGEST = 100_000
"""Characters of an answer, some 25,000 tokens: what is longer has run wild, and need not be read."""


def judge(case: Case, reply: Reply) -> Judgement:
    """Hold a reply against what the case expects; an answer that is not surely one is unparsed, never guessed."""
    if reply.finish == "error":
        return Judgement(verdict=Verdict.ERROR, reason=reply.error or "no reply")
    found = _read(case.prompt, reply)
    if found.answer is None:
        return Judgement(verdict=Verdict.UNPARSED, reason=found.reason)
    right = _is_right(case, found.answer)
    return Judgement(verdict=Verdict.CORRECT if right else Verdict.WRONG, answer=found.answer)


def rating_distance(case: Case, judgement: Judgement) -> int | None:
    """Return how far a rating is from the expected one; None without an answer or where the prompt is no rating."""
    if judgement.answer is None or case.prompt.kind is not AnswerKind.RATING:
        return None
    return abs(int(judgement.answer) - int(case.expected))


def _is_right(case: Case, answer: str) -> bool:
    if case.prompt.kind is AnswerKind.RATING:
        return abs(int(answer) - int(case.expected)) <= case.prompt.tolerance
    return answer == case.expected


def _read(prompt: Prompt, reply: Reply) -> Found:
    if not reply.answer.strip():
        return Found(None, _why_empty(reply))
    if len(reply.answer) > _LONGEST:
        return Found(None, f"longer than {_LONGEST:,} characters")
    if reply.finish == "stop":
        return _READERS[prompt.kind](reply.answer, prompt)
    if prompt.reasoning and not reply.reasoning:
        return Found(None, _CUT_OFF)  # the text may be reasoning whose opening tag the chat template gave
    found = _READERS[prompt.kind](_without_torn_word(reply.answer), prompt)
    return found if found.answer is not None else Found(None, _CUT_OFF)


def _why_empty(reply: Reply) -> str:
    if not reply.raw.strip():
        return "empty reply"
    if "<think>" in reply.raw and "</think>" not in reply.raw:
        return "reasoning never ended"
    if reply.finish == "length":
        return _CUT_OFF
    return "nothing after the reasoning" if reply.reasoning else "empty answer"


def _without_torn_word(text: str) -> str:
    """Leave out the last word of a text that was cut off: "No" may have become "Nothing", and "3." "3.5"."""
    *whole, last = text.split(" ")
    torn = last[-1:].isalnum() or any(letter.isdigit() for letter in last)
    return " ".join(whole) if torn else text
