"""Generated text -> reasoning and answer, taken apart as each family writes them."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_cosmos.prompting.families import Family

_THINK, _THOUGHT = "<think>", "</think>"
_ANSWER, _ANSWERED = "<answer>", "</answer>"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A reply taken apart; both texts are stripped."""

    reasoning: str
    answer: str
    complete: bool
    """False: the reasoning never ended, the answer's tag was not closed, or reasoning was asked for and no tag
    tells whether the text is the answer or (its opening tag given by the chat template) the reasoning cut off."""


def split_reply(family: Family, raw: str, *, asked_reasoning: bool) -> Spoken:
    """Take generated text apart into reasoning and answer; text without any tag is all answer."""
    spoken = _split_thinking(raw, asked_reasoning=asked_reasoning)
    return spoken if family.answer_in == "after_think" else _split_tagged(spoken, raw)


def _split_thinking(raw: str, *, asked_reasoning: bool) -> Spoken:
    """Split at the last `</think>` that something follows.

    The last, because the request quotes the tag and so may the reasoning; followed by something, because a stray
    closing tag after the answer takes nothing away. The opening tag may be missing: some chat templates give it.
    """
    parts = raw.split(_THOUGHT)
    if len(parts) == 1:
        before, opening, reasoning = raw.partition(_THINK)
        if opening:
            return Spoken(f"{before}{reasoning}".strip(), "", complete=False)
        return Spoken("", raw.strip(), complete=not asked_reasoning)
    last = next((i for i in range(len(parts) - 1, 0, -1) if parts[i].strip()), len(parts) - 1)
    reasoning = _THOUGHT.join(parts[:last]).strip().removeprefix(_THINK).strip()
    answer = parts[last].strip()
    if _THINK in answer:  # it began to think again: whatever it said before, it took back
        return Spoken(f"{reasoning}\n{answer.replace(_THINK, '')}".strip(), "", complete=False)
    return Spoken(reasoning, answer, complete=True)


def _split_tagged(spoken: Spoken, raw: str) -> Spoken:
    """Take the answer out of its tag, the last one; leave `spoken` as it is where there is no tag.

    A tag never closed still begins with the answer: what there is of it is taken, and marked incomplete (the judge
    leaves out a word cut off). Reasoning never closed counts as over only where a whole answer follows it.
    """
    said = spoken.answer
    if not said and not spoken.complete and raw.rstrip(" \n\t.").endswith(_ANSWERED):
        said = raw
    before, opening, after = said.rpartition(_ANSWER)
    if not opening:
        return spoken
    answer, closing, _ = after.partition(_ANSWERED)
    reasoning = spoken.reasoning
    if not reasoning or said is raw:
        reasoning = before.strip().removeprefix(_THINK)
    return Spoken(reasoning.strip(), answer.strip(), complete=bool(closing))
