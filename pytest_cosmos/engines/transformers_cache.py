"""A key-value cache with room to grow. Imports transformers: import it only where that is loaded."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

_STEP = 64


def repeated(cache: DynamicCache, rows: Tensor, room: int) -> DynamicCache:
    """Return a cache that holds row `rows[i]` of `cache` as its row i, with room for so many positions more.

    What `batch_select_indices` does, but the usual layers become layers that do not copy themselves at each step.
    The room is no bound: beyond it, layers grow by steps.
    """
    for index, layer in enumerate(cache.layers):
        if type(layer) is DynamicLayer:
            cache.layers[index] = RoomyLayer(layer.keys, layer.values, rows, room)
        else:
            layer.batch_select_indices(rows)
    return cache


class RoomyLayer(DynamicLayer):  # type: ignore[misc]  # transformers is untyped here
    """A cache layer that writes new positions into room kept for them.

    `DynamicLayer` joins old and new into a fresh tensor at every step: in long batches that is much of the time.
    """

    def __init__(self, keys: Tensor, values: Tensor, rows: Tensor, room: int) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self._keys, self._values = _with_room(keys[rows], room), _with_room(values[rows], room)
        self.keys = self._keys[..., : keys.shape[-2], :]
        self.values = self._values[..., : values.shape[-2], :]

    def update(self, key_states: Tensor, value_states: Tensor, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        """Append states of shape (B, heads, new positions, width); return all of them."""
        old = self.keys.shape[-2]
        new = old + key_states.shape[-2]
        if new > self._keys.shape[-2]:
            self._keys = _with_room(self.keys, new - old + _STEP)
            self._values = _with_room(self.values, new - old + _STEP)
        self._keys[..., old:new, :] = key_states
        self._values[..., old:new, :] = value_states
        self.keys, self.values = self._keys[..., :new, :], self._values[..., :new, :]
        return self.keys, self.values


def _with_room(states: Tensor, room: int) -> Tensor:
    """Copy (B, heads, L, width) into a tensor of L + room positions."""
    batch, heads, length, width = states.shape
    larger = torch.empty(batch, heads, length + room, width, dtype=states.dtype, device=states.device)
    larger[..., :length, :] = states
    return larger
