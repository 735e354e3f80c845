"""Generate the replies of one batch: what prompts share is computed once, the rest batched and greedy.

The prompts of a sample begin alike (system text, image). That prefix goes through the model once, with the
vision tower; its key-value cache is then repeated for every prompt, and so are the offsets between text
positions and multimodal rotary positions (`rope_deltas`) that the model keeps beside it. Token for token this
gives what plain generation gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SHARES_PREFIX = frozenset({"qwen3_vl"})
"""Model types whose prefix cache is repeated: those for which a test shows equal output. Others are asked whole."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a batch looks like to the model, on the CPU; B rows, one a case."""

    media: dict[str, Tensor]
    """The processor's output: one row for each distinct prefix, or, without `rows`, for each case."""
    rows: Tensor | None = None
    """(B,) which prefix belongs to which case."""
    suffix: Tensor | None = None
    """(B, L) token ids after the prefix, padded on the left."""
    suffix_mask: Tensor | None = None
    watched: Tensor | None = None
    """(B, K) token ids whose scores are kept at every step."""

    def lengths(self) -> list[int]:
        """Return the input tokens of each case, padding not counted."""
        lengths = self.media["attention_mask"].sum(1)
        if self.rows is not None and self.suffix_mask is not None:
            lengths = lengths[self.rows] + self.suffix_mask.sum(1)
        return [int(length) for length in lengths]

    def shape(self) -> tuple[int, int]:
        """Return rows and columns of the prompts, padding counted."""
        rows, columns = self.media["input_ids"].shape
        if self.rows is not None and self.suffix is not None:
            rows, columns = len(self.rows), columns + self.suffix.shape[1]
        return rows, columns


@dataclass(frozen=True, slots=True)
class Generated:
    """What the model wrote, on the CPU."""

    tokens: list[list[int]]
    """For each case its new tokens, padding cut off, the end token included."""
    ended: list[bool]
    """For each case whether the model ended by itself."""
    scores: Tensor | None
    """(T, B, K) scores of the watched tokens at every step."""


class _Watch:
    """A logits processor that changes nothing and keeps the scores of a few tokens."""

    def __init__(self, tokens: Tensor) -> None:
        self._tokens = tokens
        self.kept: list[Tensor] = []

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        self.kept.append(scores.gather(1, self._tokens))
        return scores


def generate(model: Any, inputs: Inputs, limit: int, stopped: Callable[[], bool]) -> Generated:
    """Answer a batch greedily, at most `limit` tokens each; ends early once `stopped` says so.

    ValueError where the prompt alone is longer than the model's context.
    """
    import torch
    from transformers import LogitsProcessorList, StoppingCriteriaList

    def abandoned(input_ids: torch.LongTensor, scores: object, **_: object) -> Tensor:
        return torch.full((len(input_ids),), stopped(), device=input_ids.device)

    with torch.inference_mode():
        arguments = _arguments(model, inputs)
        length = arguments["input_ids"].shape[1]
        watch = None if inputs.watched is None else _Watch(inputs.watched.to(model.device))
        output = model.generate(
            **arguments,
            do_sample=False,
            max_new_tokens=_room(model, length, limit),
            logits_processor=LogitsProcessorList([watch] if watch else []),
            stopping_criteria=StoppingCriteriaList([abandoned]),
        )
        scores = torch.stack(watch.kept).cpu() if watch else None
    ends = _ends(model)
    tokens = [_cut(row, ends) for row in output[:, length:].tolist()]
    return Generated(tokens, [row[-1] in ends for row in tokens], scores)


def _arguments(model: Any, inputs: Inputs) -> dict[str, Any]:
    """Make the arguments of `generate`, with the prefix already in the cache where it is shared."""
    import torch

    media = {name: _placed(tensor, model) for name, tensor in inputs.media.items()}
    if inputs.rows is None or inputs.suffix is None or inputs.suffix_mask is None:
        return media
    # a stale value of an earlier batch must not be taken for this one's
    model.model.rope_deltas = None
    cache = model.model(**media, use_cache=True).past_key_values
    rows = inputs.rows.to(model.device)
    cache.batch_select_indices(rows)
    model.model.rope_deltas = model.model.rope_deltas[rows]
    return {
        "input_ids": torch.cat([media["input_ids"][rows], inputs.suffix.to(model.device)], dim=1),
        "attention_mask": torch.cat([media["attention_mask"][rows], inputs.suffix_mask.to(model.device)], dim=1),
        "past_key_values": cache,
    }


def _placed(tensor: Tensor, model: Any) -> Tensor:
    return tensor.to(model.device, model.dtype) if tensor.is_floating_point() else tensor.to(model.device)


def _room(model: Any, length: int, limit: int) -> int:
    """Return how many tokens may follow a prompt of this length."""
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if context is None:
        return limit
    if length >= context:
        raise ValueError(f"the prompt has {length} tokens, the model's context only {context}")
    return min(limit, int(context) - length)


def _ends(model: Any) -> set[int]:
    ends = model.generation_config.eos_token_id
    return {ends} if isinstance(ends, int) else set(ends or ())


def _cut(row: list[int], ends: set[int]) -> list[int]:
    """Cut a row after its first end token: what follows is padding."""
    end = next((index for index, token in enumerate(row) if token in ends), len(row))
    return row[: end + 1]
