"""How sure the model was, from the log probabilities that a server gives with its reply.

The same measure as `transformers_confidence`: the softmax over the prompt's alternatives at the step at which the
answer was written. A server gives token texts instead of numbers and only the likeliest of them, so a token counts
for the alternative that its text can begin, and an alternative that is not among them counts as impossible.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_cosmos.engines.transformers_confidence import answer_start, answer_step, probability


def confidence(logprobs: object, choices: Sequence[str], said: str | None, answer: str) -> float | None:
    """Return the probability of the answer `said`; None where the server gave none or they do not fit the text."""
    steps = _steps(logprobs)
    if said is None or not steps or len(choices) < 2:
        return None
    texts = [text for text, _ in steps]
    start = answer_start(range(len(texts)), texts.__getitem__, "".join(texts), answer)
    if start is None:
        return None
    choice = choices.index(said)
    own = frozenset(index for index, text in enumerate(texts) if _owner(text, choices) == choice)
    step = answer_step(range(len(texts)), start, own, texts.__getitem__)
    return None if step is None else _probability(steps[step][1], choices, choice)


def _probability(alternatives: Mapping[str, float], choices: Sequence[str], choice: int) -> float | None:
    owned = [(score, owner) for text, score in alternatives.items() if (owner := _owner(text, choices)) is not None]
    if not any(owner == choice for _, owner in owned):
        return None
    return probability([score for score, _ in owned], [owner for _, owner in owned], choice)


def _owner(text: str, choices: Sequence[str]) -> int | None:
    """Return the index of the only choice that a token can begin; None where it can begin none or several."""
    start = text.strip()
    if not start:
        return None
    owners = [index for index, choice in enumerate(choices) if any(form.startswith(start) for form in _forms(choice))]
    return owners[0] if len(owners) == 1 else None


def _forms(choice: str) -> tuple[str, ...]:
    return choice, choice.lower(), choice.capitalize(), choice.upper()


def _steps(logprobs: object) -> list[tuple[str, dict[str, float]]]:
    """Read the steps as (token, alternatives); an empty list where they are not of the form that the API promises."""
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    if not isinstance(content, list):
        return []
    steps = []
    for entry in content:
        own = tuple(_pairs([entry]))
        if not own:
            return []
        top = entry.get("top_logprobs")
        steps.append((own[0][0], {**dict(_pairs(top if isinstance(top, list) else [])), own[0][0]: own[0][1]}))
    return steps


def _pairs(entries: Sequence[Any]) -> Iterator[tuple[str, float]]:
    for entry in entries:
        if isinstance(entry, Mapping) and isinstance(entry.get("token"), str):
            score = entry.get("logprob")
            if isinstance(score, int | float) and not math.isnan(score):
                yield entry["token"], float(score)
