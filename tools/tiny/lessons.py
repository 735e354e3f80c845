"""Training data, drawn while training runs: batches of floors, and the conversations about them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from transformers import BatchFeature, Qwen3VLProcessor

from tools.tiny.distractors import DISTRACTORS
from tools.tiny.floors import Plan, Tile, draw_floor, draw_tile
from tools.tiny.lighting import through_jpeg
from tools.tiny.materials import MATERIALS
from tools.tiny.phrases import (
    COURSES,
    PARAPHRASES,
    PROMPTS,
    SYSTEM,
    PromptName,
    Truth,
    answer,
    question,
    reasoning,
)

CELL = 8  # px: the grid on which the vision tower learns to say where the crack is
# Shares of severity 1..5 in training.
_SEVERITIES = (0.45, 0.17, 0.14, 0.12, 0.12)
_PARAPHRASED = 0.15
_SILENT = 0.2  # asked without a reasoning request
# The answer must be read off the picture, not off the sentence before it: in these examples the
# sentence is a random one and only the answer is learnt. Without them every answer is 100 % sure.
_MISLED = 0.3
_OBLONG = 0.1  # pictures that are not square, as users' photographs are


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of `n` tiles as tensors."""

    pictures: Tensor  # (n, 128, 128, 3) uint8
    cells: Tensor  # (n, 16, 16) bool: the crack touches this cell
    materials: Tensor  # (n,) index into MATERIALS
    severities: Tensor  # (n,) 1..5
    courses: Tensor  # (n,) index into COURSES

    def truths(self) -> list[Truth]:
        """Say what is true of each tile, in the words of the prompts."""
        facts = zip(self.materials.tolist(), self.severities.tolist(), self.courses.tolist(), strict=True)
        return [Truth(MATERIALS[material], severity, COURSES[course]) for material, severity, course in facts]


class FloorBatches(Dataset[Batch]):
    """Batches number `first`, `first` + 1, ...; batch k is drawn from its own seeds, whenever asked."""

    def __init__(self, seeds: range, size: int, first: int, count: int, distractors: float) -> None:
        if (first + count) * size > len(seeds):
            raise ValueError(f"{count} batches of {size} need more seeds than {len(seeds)}")
        self.seeds, self.size, self.first, self.count = seeds, size, first, count
        self.distractors = distractors

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Batch:
        if index >= self.count:
            raise IndexError(index)
        start = (self.first + index) * self.size
        seeds = self.seeds[start : start + self.size]
        return _pack([training_tile(seed, self.distractors) for seed in seeds])


def training_tile(seed: int, distractors: float) -> Tile:
    """Draw one floor and one tile of it; `distractors` is the share that shows one."""
    rng = np.random.default_rng(seed)
    kinds = list(DISTRACTORS)
    distractor = kinds[int(rng.integers(len(kinds)))] if rng.random() < distractors else None
    plan = Plan(1 + int(rng.choice(5, p=_SEVERITIES)), distractor)
    tile = draw_tile(rng, draw_floor(rng, distractor), plan)
    picture = through_jpeg(tile.picture, int(rng.integers(70, 96)))
    return Tile(picture, tile.mask, tile.material, tile.severity, tile.distractor)


def cells(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which cells of a mask (128, 128) hold at least two crack pixels: (16, 16)."""
    side = mask.shape[0] // CELL
    counts = mask.reshape(side, CELL, side, CELL).sum(axis=(1, 3))
    return np.asarray(counts >= 2)


def course(mask: NDArray[np.bool_]) -> int:
    """Tell how the crack of a mask (128, 128) runs: an index into COURSES; any where there is none."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return 0
    height, width = mask.shape
    upright = np.ptp(rows) > np.ptp(columns)
    place = columns.mean() / width if upright else rows.mean() / height
    return 3 * int(upright) + int(3 * place)


def _pack(tiles: list[Tile]) -> Batch:
    return Batch(
        torch.from_numpy(np.stack([tile.picture for tile in tiles])),
        torch.from_numpy(np.stack([cells(tile.mask) for tile in tiles])),
        torch.tensor([MATERIALS.index(tile.material) for tile in tiles]),
        torch.tensor([tile.severity for tile in tiles]),
        torch.tensor([course(tile.mask) for tile in tiles]),
    )


def _one_thread(_: int) -> None:
    # Two cores: one draws floors, one trains.
    threadpool_limits(1)
    torch.set_num_threads(1)


def loader(batches: FloorBatches) -> DataLoader[Batch]:
    """Draw batches in one process beside the training, a few ahead of it."""
    return DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=6, worker_init_fn=_one_thread)


def render(processor: Qwen3VLProcessor, text: str, reason: bool) -> str:
    """Render a prompt about one picture exactly as Cosmos-Reason2 is asked."""
    user = [{"type": "image"}, {"type": "text", "text": question(text, reason)}]
    messages = [
        {"role": "system", "content": [{"type": "text", "text": SYSTEM}]},
        {"role": "user", "content": user},
    ]
    return str(processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def conversations(rng: np.random.Generator, processor: Qwen3VLProcessor, batch: Batch) -> tuple[BatchFeature, Tensor]:
    """Ask one question about each tile: the model's inputs, and labels (n, length) on the replies only."""
    texts, misled = [], []
    for truth in batch.truths():
        prompt: PromptName = list(PROMPTS)[int(rng.integers(len(PROMPTS)))]
        wording = str(rng.choice(PARAPHRASES[prompt])) if rng.random() < _PARAPHRASED else PROMPTS[prompt]
        reason = rng.random() >= _SILENT
        astray = reason and rng.random() < _MISLED
        seen = replace(truth, severity=int(rng.integers(1, 6))) if astray else truth
        thought = f"<think>\n{reasoning(seen)}\n</think>\n\n" if reason else ""
        texts.append(f"{render(processor, wording, reason)}{thought}{answer(prompt, truth)}<|im_end|>")
        misled.append(astray)
    images = [_shape(rng, picture.numpy()) for picture in batch.pictures]
    inputs = processor(text=texts, images=images, padding=True, padding_side="right", return_tensors="pt")
    return inputs, reply_labels(inputs["input_ids"], processor, torch.tensor(misled))


def _shape(rng: np.random.Generator, picture: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(picture)
    if rng.random() >= _OBLONG:
        return image
    return image.resize(((160, 120), (120, 160))[int(rng.integers(2))], Image.Resampling.BICUBIC)


def reply_labels(ids: Tensor, processor: Qwen3VLProcessor, misled: Tensor) -> Tensor:
    """Keep the tokens (n, length) of each reply, or of the answer alone where `misled`; -100 elsewhere."""
    tokenizer = processor.tokenizer
    turn, closed = (tokenizer.convert_tokens_to_ids(token) for token in ("<|im_start|>", "</think>"))
    place = torch.arange(ids.shape[1])
    # <|im_start|>, assistant, newline; the question itself mentions </think>, the reply does so last.
    begin = (place * (ids == turn)).amax(dim=1) + 3
    after_thought = (place * (ids == closed)).amax(dim=1) + 2
    begin = torch.where(misled, after_thought, begin)
    kept = (place >= begin[:, None]) & (ids != tokenizer.pad_token_id)
    return torch.where(kept, ids, -100)
