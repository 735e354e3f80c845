"""Greedy decoding of prompts whose prefix is in a cache already: what `generate` does, with less around the model.

`generate` copies the whole cache at every token, keeps rows that have ended in the batch, and asks lists of processors
and criteria what they think. Measured on the embedded model, that is a third of its time. This module imports torch
and transformers: import it where they are needed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from transformers.cache_utils import DynamicLayer

_ROOM: Final = 64
"""Positions that a layer of the cache is enlarged by beyond what it must hold."""

_DROPPED_AT: Final = 0.75
"""Rows that have ended leave the batch when no more than this share goes on: to take them out copies the cache."""


class RoomyLayer(DynamicLayer):  # type: ignore[misc]  # untyped
    """A layer of the cache with room behind its keys and values, so that a token is written where it belongs."""

    keys: Tensor
    values: Tensor

    def __init__(self, layer: DynamicLayer) -> None:
        super().__init__()
        self.__dict__.update(layer.__dict__)
        self._rooms = (self.keys, self.values)

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Append keys and values; return all."""
        held = self.keys.shape[-2]
        end = held + key_states.shape[-2]
        if end > self._rooms[0].shape[-2]:
            self._rooms = (_enlarged(self.keys, end + _ROOM), _enlarged(self.values, end + _ROOM))
        for room, new in zip(self._rooms, (key_states, value_states), strict=True):
            room[..., held:end, :] = new
        self.keys, self.values = (room[..., :end, :] for room in self._rooms)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these rows only."""
        super().batch_select_indices(indices)
        self._rooms = (self.keys, self.values)


def _enlarged(filled: Tensor, length: int) -> Tensor:
    room = filled.new_empty(*filled.shape[:-2], length, filled.shape[-1])
    room[..., : filled.shape[-2], :] = filled
    return room


def repeated(cache: Any, rows: Tensor) -> Any:
    """Return a cache with these rows of another, which stays as it is; it may be extended."""
    new = copy.copy(cache)
    new.layers = [RoomyLayer(layer) for layer in cache.layers]
    new.batch_select_indices(rows)
    return new


@dataclass(slots=True)
class Prompts:
    """Rows that are to go on, and what the model needs for that; P positions of each are in the cache."""

    ids: Tensor
    """(b, L) tokens that the model has not read yet."""
    positions: Tensor
    """(b, L) where they stand, for the rotary embedding."""
    mask: Tensor | None
    """(b, P + L) 0 where there is padding; None: nowhere."""
    cache: dict[str, Any]
    """By what the model calls it."""
    watched: Tensor | None
    """(b, K) tokens whose scores are kept."""
    numbers: Tensor
    """(b,) which row of the result each of them is."""
    going: Tensor
    """(b,) whether it has not ended."""

    def advance(self, tokens: Tensor, ends: Tensor) -> int:
        """Take in the tokens (b,) just written; return how many rows go on."""
        self.going = self.going & ~torch.isin(tokens, ends)
        self.ids = tokens[:, None]
        self.positions = self.positions[:, -1:] + 1
        if self.mask is not None:
            self.mask = torch.cat([self.mask, self.mask.new_ones(len(tokens), 1)], dim=1)
        return int(self.going.sum())

    def drop_ended(self) -> None:
        """Go on with the others only."""
        kept = self.going.nonzero()[:, 0]
        for cache in self.cache.values():
            cache.batch_select_indices(kept)
        for name in ("ids", "positions", "mask", "watched", "numbers", "going"):
            held = getattr(self, name)
            setattr(self, name, None if held is None else held[kept])


def prompts_of(model: Any, arguments: dict[str, Any], length: int, watched: Tensor | None) -> Prompts:
    """Take the arguments of `generate`, of which all but the last `length` tokens are in the cache."""
    cache = dict(arguments)
    ids, mask = cache.pop("input_ids"), cache.pop("attention_mask")
    numbers = torch.arange(len(ids), device=ids.device)
    return Prompts(
        ids=ids[:, -length:],
        positions=mask.cumsum(1)[:, -length:] - 1 + model.model.rope_deltas,
        mask=None if bool(mask.all()) else mask,
        cache=cache,
        watched=watched,
        numbers=numbers,
        going=torch.ones_like(numbers, dtype=torch.bool),
    )


def write(
    model: Any, rows: Prompts, ends: Collection[int], limit: int, stopped: Callable[[], bool]
) -> tuple[Tensor, Tensor | None]:
    """Write at most `limit` tokens to each row, up to one of `ends`.

    Return the tokens (b, T), where behind a row's end stands what is to be cut off, and the scores (b, T, K) of the
    watched tokens.
    """
    ending = torch.tensor(list(ends), device=rows.ids.device)
    last, tokens = torch.zeros_like(rows.numbers), list[Tensor]()
    seen, scores = None, list[Tensor]()
    while True:
        logits = _next_scores(model, rows)
        chosen = logits.argmax(-1)
        last[rows.numbers] = chosen
        tokens.append(last.clone())
        if rows.watched is not None:
            own = logits.gather(1, rows.watched).float()
            seen = own if seen is None else seen.index_put((rows.numbers,), own)
            scores.append(seen)
        going = rows.advance(chosen, ending)
        if stopped() or not going or len(tokens) == limit:
            return torch.stack(tokens, dim=1), torch.stack(scores, dim=1) if scores else None
        if going <= len(chosen) * _DROPPED_AT:
            rows.drop_ended()


def _next_scores(model: Any, rows: Prompts) -> Tensor:
    """Return (b, V) the scores of the next token; asks the text model itself, for all media are in the cache."""
    output = model.model.language_model(
        input_ids=rows.ids,
        attention_mask=rows.mask,
        position_ids=rows.positions.expand(3, -1, -1),
        use_cache=True,
        **rows.cache,
    )
    scores: Tensor = model.lm_head(output.last_hidden_state[:, -1])
    return scores
