"""Prompts about one picture: in a batch that holds them side by side it goes through the vision tower once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pytest_cosmos.engines.transformers_sizes import sample_key
from pytest_cosmos.finetune.examples import Example

if TYPE_CHECKING:
    from torch import Tensor


def by_sample(examples: Sequence[Example]) -> list[list[int]]:
    """Return the places of the examples, neighbours of one sample in one group."""
    places = groupby(range(len(examples)), key=lambda place: sample_key(examples[place].case))
    return [list(group) for _, group in places]


def share_vision(model: Any) -> None:
    """Let a model encode equal neighbouring images of a batch once; losses and gradients stay what they are.

    Where its way from pixels to features is not that of Qwen's models (`image_grid_thw`), nothing is changed.
    """
    inner = getattr(model, "model", model)
    usual = getattr(inner, "get_image_features", None)
    if usual is None or "image_grid_thw" not in inspect.signature(usual).parameters:
        return

    inner.get_image_features = partial(_shared, usual)  # no closure: a loader's process may have to be sent the model


def _shared(usual: Callable[..., Any], pixel_values: Tensor, image_grid_thw: Tensor, **others: Any) -> Any:
    import torch

    images = torch.split(pixel_values, image_grid_thw.prod(-1).tolist())
    first = [place for place, image in enumerate(images) if not place or not _same(image, images[place - 1])]
    if len(first) == len(images):
        return usual(pixel_values, image_grid_thw, **others)
    found = usual(torch.cat([images[place] for place in first]), image_grid_thw[first], **others)
    of_image = torch.bucketize(torch.arange(len(images)), torch.tensor(first), right=True) - 1
    found.pooler_output = tuple(found.pooler_output[place] for place in of_image)
    if "deepstack_features" in found:
        found.deepstack_features = [[layer[place] for place in of_image] for layer in found.deepstack_features]
    return found


def _same(image: Tensor, other: Tensor) -> bool:
    return image.shape == other.shape and bool((image == other).all())
