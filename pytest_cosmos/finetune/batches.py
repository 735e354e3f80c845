"""Examples -> what the model is trained on: the prompt exactly as it is asked in evaluation, then the reply.

Prompts are rendered, tokenised and given their pixels by the engine's own `Preparer`, so that training and evaluation
cannot drift apart; only the reply's tokens are added here, and only they carry a loss.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_cosmos.engines.transformers_inputs import Preparer
from pytest_cosmos.engines.transformers_load import Loaded
from pytest_cosmos.engines.transformers_sizes import sample_key
from pytest_cosmos.errors import Problems
from pytest_cosmos.finetune.augment import Augmentation, augment
from pytest_cosmos.finetune.examples import Example
from pytest_cosmos.finetune.masks import load_mask
from pytest_cosmos.prompting import reply_text
from pytest_cosmos.records import Case, Vision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

IGNORED = -100
"""The label of a token without a loss, as torch and transformers have it."""

_TYPES = frozenset({"mm_token_type_ids", "token_type_ids"})
_PER_TOKEN = _TYPES | {"input_ids", "attention_mask"}
"""What the processor gives per token; everything else is per image, frame or patch."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """An example as it is drawn in one epoch."""

    example: Example
    seed: int
    """Of whatever is random about it: the same in every run and on every machine."""


class Collator:
    """Makes batches of examples; used by the training loop's loader, and by the validation loss (without `vary`)."""

    def __init__(
        self,
        loaded: Loaded,
        folders: Mapping[str, Path],
        *,
        vary: Augmentation | None = None,
        masks: Mapping[str, Path] | None = None,
        other_thoughts: float = 0.0,
        thoughts: Sequence[str] = (),
    ) -> None:
        self._family = loaded.family
        self._tokenizer = loaded.processor.tokenizer
        self._preparer = Preparer(loaded, folders, shares=())
        self._vary, self._masks = vary, masks or {}
        self._other_thoughts = other_thoughts
        self._thoughts = thoughts
        self._pad = int(loaded.model.generation_config.pad_token_id)
        ends = loaded.model.generation_config.eos_token_id
        self._end = ends if isinstance(ends, int) else ends[0]

    def __call__(self, batch: Sequence[Drawn]) -> dict[str, Tensor]:
        """Return the model's inputs, with `labels` and `answers` (b, 1 + R) of the replies alone, and `hazards` (b, 1).

        Prompts are padded on the left and replies on the right, so that all replies begin at one column; R is the
        longest reply, and the column before it is the prompt's last token, which foretells the reply's first.
        `answers` is 1 for the tokens of the answer and of the end, `hazards` where danger is the right answer.
        """
        import torch

        alike: dict[Vision, list[Drawn]] = {}
        for drawn in batch:  # the engine, too, prepares together only what is shown in the same way
            alike.setdefault(drawn.example.case.prompt.vision, []).append(drawn)
        inputs = _joined([self._prompts(group) for group in alike.values()], self._pad)
        ordered = [drawn for group in alike.values() for drawn in group]
        replies = [self._reply(drawn) for drawn in ordered]
        tokens, present = _right([reply.tokens for reply in replies], self._pad)
        inputs["input_ids"] = torch.cat([inputs["input_ids"], tokens], dim=1)
        inputs["attention_mask"] = torch.cat([inputs["attention_mask"], present], dim=1)
        for name in _TYPES & inputs.keys():  # a reply is text: type 0
            inputs[name] = torch.cat([inputs[name], torch.zeros_like(tokens)], dim=1)
        inputs["labels"] = _right([[IGNORED, *reply.labels] for reply in replies], IGNORED)[0]
        inputs["answers"] = _right([[0, *reply.answers] for reply in replies], 0)[0]
        inputs["hazards"] = torch.tensor([[int(drawn.example.case.is_hazard is True)] for drawn in ordered])
        return inputs

    def _prompts(self, batch: Sequence[Drawn]) -> dict[str, Tensor]:
        prepared = self._preparer.prepare([drawn.example.case for drawn in batch], self._variation(batch))
        if prepared.failed:
            raise Problems(f"{case.key}: {why}" for case, why in prepared.failed)
        assert prepared.inputs is not None, "a batch is not empty"
        return dict(prepared.inputs.media)

    def _variation(self, batch: Sequence[Drawn]) -> Callable[[Case, Image], Image] | None:
        """Return what is done to pictures; the prompts of one sample in one batch see the same one."""
        if self._vary is None:
            return None
        config = self._vary
        seeds = {sample_key(drawn.example.case): drawn.seed for drawn in batch}
        return lambda case, picture: augment(picture, config, seeds[sample_key(case)], self._mask(case))

    def _mask(self, case: Case) -> NDArray[np.bool_] | None:
        path = self._masks.get(case.sample.id)
        return None if path is None else load_mask(path)

    def _reply(self, drawn: Drawn) -> _Reply:
        case, text = drawn.example.case, drawn.example.response
        answer = len(self._ids(text[text.rindex(case.expected) :])) + 1
        chance = random.Random(drawn.seed)
        strange = bool(case.prompt.reasoning and self._thoughts) and chance.random() < self._other_thoughts
        if strange:
            text = reply_text(self._family, chance.choice(self._thoughts), case.expected)
        tokens = [*self._ids(text), self._end]
        others = len(tokens) - answer
        labels = [IGNORED] * others + tokens[others:] if strange else tokens
        return _Reply(tokens, labels, [0] * others + [1] * answer)

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids


@dataclass(frozen=True, slots=True)
class _Reply:
    """A reply with its end, token by token."""

    tokens: list[int]
    labels: list[int]
    answers: list[int]


def _joined(parts: Sequence[dict[str, Tensor]], pad: int) -> dict[str, Tensor]:
    """Put batches on top of each other; rows of tokens are brought to one length on the left."""
    import torch
    from torch.nn.functional import pad as padded

    if len(parts) == 1:
        return dict(parts[0])
    width = max(part["input_ids"].shape[1] for part in parts)
    names = dict.fromkeys(name for part in parts for name in part)
    joined = {}
    for name in names:
        own = [part[name] for part in parts if name in part]
        if name in _PER_TOKEN:
            fill = pad if name == "input_ids" else 0
            own = [padded(rows, (width - rows.shape[1], 0), value=fill) for rows in own]
        joined[name] = torch.cat(own)
    return joined


def _right(rows: Sequence[Sequence[int]], fill: int) -> tuple[Tensor, Tensor]:
    """Make (b, R) of rows padded on the right, and the mask of what is no padding."""
    import torch

    width = max(map(len, rows))
    values = torch.tensor([[*row, *[fill] * (width - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    return values, mask
