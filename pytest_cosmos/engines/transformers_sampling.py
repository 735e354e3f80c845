"""How the next token is chosen: greedily, or drawn as a family's publisher lets its models generate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_cosmos.prompting import Family, Sampling, repeat_sampling
from pytest_cosmos.records import Prompt
from pytest_cosmos.settings import Settings

if TYPE_CHECKING:
    import torch


def sampling_of(family: Family, prompt: Prompt, settings: Settings) -> Sampling | None:
    """Return the generation settings for a prompt; None: greedy, which is also asked for where nothing is published."""
    if settings.repeat:
        return repeat_sampling(family.sampling, settings.seed, asked_reasoning=prompt.reasoning)
    if settings.sampling == "greedy" or family.sampling is None:
        return None
    return family.sampling.of(asked_reasoning=prompt.reasoning)


def choose_by(sampling: Sampling | None, length: int) -> tuple[dict[str, Any], list[Any]]:
    """Return arguments of `generate` and logits processors; `length`: tokens of the prompt, padding counted.

    The processors are given by hand and not as arguments, so that whoever watches the scores comes before them. Draws
    are seeded for each batch: the same batch says the same again.
    """
    if sampling is None:
        return {"do_sample": False}, []
    import torch
    from transformers import (
        RepetitionPenaltyLogitsProcessor,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    torch.manual_seed(sampling.seed)
    chain: list[Any] = []
    # the order of vLLM, which the publisher's settings are for: penalties, temperature, then what may be drawn
    if sampling.repetition_penalty != 1.0:
        chain.append(RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty))
    if sampling.presence_penalty:
        chain.append(_PresencePenalty(sampling.presence_penalty, length))
    chain.append(TemperatureLogitsWarper(sampling.temperature))
    if sampling.top_k:
        chain.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1.0:
        chain.append(TopPLogitsWarper(sampling.top_p))
    return {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}, chain


class _PresencePenalty:
    """Lowers the scores of tokens that the reply holds already; transformers has none of its own."""

    def __init__(self, penalty: float, length: int) -> None:
        self._penalty = penalty
        self._length = length

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        written = input_ids[:, self._length :]
        lowered = scores.gather(1, written) - self._penalty
        # a token written twice is lowered once: it is set, not subtracted from again
        return scores.scatter(1, written, lowered)  # type: ignore[return-value]
