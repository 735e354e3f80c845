"""How sure the model was: the probability of the answer given among the prompt's alternatives.

While it writes, only the scores of the tokens that can begin an alternative are kept (a few numbers a step, not
the whole vocabulary). Afterwards the step is found at which the answer was written, and the softmax of that
step's scores over the alternatives is the confidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The tokens that can begin each of a prompt's choices."""

    tokens: tuple[int, ...]
    owners: tuple[int, ...]
    """For each token the index of its choice."""

    def of(self, choice: int) -> frozenset[int]:
        """Return the tokens that begin the choice with that index."""
        return frozenset(token for token, owner in zip(self.tokens, self.owners, strict=True) if owner == choice)


def alternatives(tokenizer: Any, choices: Sequence[str]) -> Alternatives | None:
    """Find the first tokens that tell the choices apart; None where they cannot be told apart by them.

    A choice is looked for as written, in lower and upper case and capitalised, each at the start of a line and
    after a space. A token that can begin two choices tells nothing and is left out.
    """
    owners: dict[int, set[int]] = {}
    for index, choice in enumerate(choices):
        for form in _forms(choice):
            token = _first_token(tokenizer, form)
            if token is not None:
                owners.setdefault(token, set()).add(index)
    own = {token: indices.pop() for token, indices in owners.items() if len(indices) == 1}
    if len(choices) < 2 or set(own.values()) != set(range(len(choices))):
        return None
    return Alternatives(tuple(own), tuple(own.values()))


def _forms(choice: str) -> Iterator[str]:
    for form in dict.fromkeys((choice, choice.lower(), choice.capitalize(), choice.upper())):
        yield form
        yield f" {form}"


def _first_token(tokenizer: Any, text: str) -> int | None:
    """Return the first token that is more than white space: " 4" is two tokens in some vocabularies."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return next((token for token in ids if tokenizer.decode([token]).strip()), None)


def answer_start(tokens: Sequence[int], piece: Callable[[int], str], raw: str, answer: str) -> int | None:
    """Return the index of the token with which the answer part begins; None where `raw` does not hold it.

    Counted from the end, where the answer stands, so that odd characters in long reasoning do no harm.
    `piece` gives the text of one token.
    """
    place = raw.rfind(answer) if answer else -1
    if place < 0:
        return None
    characters = len(raw) - place
    for index in range(len(tokens) - 1, -1, -1):
        characters -= len(piece(tokens[index]))
        if characters <= 0:
            return index
    return 0


def answer_step(tokens: Sequence[int], start: int, own: frozenset[int], piece: Callable[[int], str]) -> int | None:
    """Return the step at which the answer itself was written, given the tokens that can begin it.

    That is the first word of the answer part, or else the last place where it occurs ("…, so: Yes").
    """
    words = (index for index in range(start, len(tokens)) if any(map(str.isalnum, piece(tokens[index]))))
    first = next(words, None)
    if first is not None and tokens[first] in own:
        return first
    return next((index for index in range(len(tokens) - 1, start - 1, -1) if tokens[index] in own), None)


def probability(scores: Sequence[float], owners: Sequence[int], choice: int) -> float | None:
    """Return the softmax over all alternatives, summed over the tokens of `choice`; None if not finite."""
    top = max(scores)
    if not math.isfinite(top):
        return None
    weights = [math.exp(score - top) for score in scores]
    own = sum(weight for weight, owner in zip(weights, owners, strict=True) if owner == choice)
    return own / sum(weights)
