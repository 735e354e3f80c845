"""Train `tiny` from nothing, in two stages; stop it and start it again where it was.

Command, from the project's root: `python -m tools.tiny.train WORK_FOLDER`

1. Sight: the vision tower learns, under small heads, where the crack is, how severe, and on what material.
2. Speech: the whole model learns the conversations, with a loss on its replies.

Then `python -m tools.tiny.train WORK_FOLDER --install` puts the result into the package.
"""

from __future__ import annotations

import argparse
import math
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import Qwen3VLForConditionalGeneration, Qwen3VLProcessor

from pytest_cosmos.engines.transformers_load import patches_as_product
from pytest_cosmos.tiny import CHECKPOINT
from tools.tiny.heads import Sight
from tools.tiny.lessons import FloorBatches, conversations, loader
from tools.tiny.model import SEED, appearing, build_model, build_processor, save_checkpoint
from tools.tiny.seeds import PRETRAINING
from tools.tiny.tokenizer import train_tokenizer

_REPORT_EVERY = 20  # steps
_SAVE_EVERY = 200  # steps


@dataclass(frozen=True, slots=True)
class Recipe:
    """Sizes and rates of both stages."""

    sight_steps: int = 1700
    sight_batch: int = 48
    sight_rate: float = 1.5e-3
    speech_steps: int = 1300
    speech_batch: int = 32
    speech_rate: float = 2e-3  # of the text model
    speech_sight_rate: float = 1e-3  # of the vision tower
    answer_weight: float = 0.05  # of the answers' own loss, beside the loss on every token of the replies
    # None on purpose: fine-tuning on the ambiguous floors of the training split has something to teach.
    distractors: float = 0.0
    bfloat16: bool = True  # of the matrix products; half again as fast where the processor knows it


class Log:
    """Lines with the minutes since the start, on the screen and in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = time.monotonic()

    def __call__(self, text: str) -> None:
        """Write one line."""
        line = f"{(time.monotonic() - self.start) / 60:6.1f} min  {text}"
        print(line, flush=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def one_cycle(step: int, steps: int) -> float:
    """Rise over the first tenth of the steps, then fall along a cosine: the share of the peak rate."""
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))) + 1e-3


class Stage:
    """One optimiser over one module, with its schedule, its state on disk and its running figures."""

    def __init__(
        self,
        name: str,
        module: torch.nn.Module,
        groups: list[tuple[list[Tensor], float]],
        steps: int,
        work: Path,
    ) -> None:
        self.name, self.module, self.steps = name, module, steps
        self.path = work / f"{name}.pt"
        self.rates = [rate for _, rate in groups]
        self.parameters = [p for parameters, _ in groups for p in parameters]
        self.optimiser = torch.optim.AdamW(
            [{"params": parameters, "lr": rate} for parameters, rate in groups],
            betas=(0.9, 0.98),
            weight_decay=0.03,
        )
        self.step = 0
        self.recent: list[dict[str, float]] = []
        if self.path.exists():
            state = torch.load(self.path, weights_only=True)
            module.load_state_dict(state["module"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]

    def update(self, loss: Tensor, figures: dict[str, float], log: Log) -> None:
        """Take one step down the loss; report and save when it is time."""
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * one_cycle(self.step, self.steps)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.step += 1
        self.recent.append({"loss": loss.item(), **figures})
        if self.step % _REPORT_EVERY == 0:
            means = {key: float(np.mean([f[key] for f in self.recent])) for key in figures}
            shown = "  ".join(f"{key} {mean:.3f}" for key, mean in means.items())
            log(f"{self.name} {self.step}/{self.steps}  {shown}")
            self.recent.clear()
        if self.step % _SAVE_EVERY == 0 or self.step == self.steps:
            self.save()

    def save(self) -> None:
        """Write the state whole, or not at all."""
        state = {
            "module": self.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }
        fresh = self.path.with_suffix(".new")
        torch.save(state, fresh)
        fresh.rename(self.path)


def learn_to_see(model: Qwen3VLForConditionalGeneration, recipe: Recipe, work: Path, log: Log) -> None:
    """Train the vision tower under its heads."""
    sight = Sight(model.model.visual)
    stage = Stage("sight", sight, [(list(sight.parameters()), recipe.sight_rate)], recipe.sight_steps, work)
    left = recipe.sight_steps - stage.step
    if not left:
        return
    sight.train()
    for batch in loader(FloorBatches(PRETRAINING, recipe.sight_batch, stage.step, left, recipe.distractors)):
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
            loss, figures = sight.loss(batch)
        stage.update(loss, figures, log)


def learn_to_speak(
    model: Qwen3VLForConditionalGeneration, processor: Qwen3VLProcessor, recipe: Recipe, work: Path, log: Log
) -> None:
    """Train the whole model on conversations about floors it has not seen in the first stage."""
    vision = list(model.model.visual.parameters())
    text = list(model.model.language_model.parameters())
    groups = [(vision, recipe.speech_sight_rate), (text, recipe.speech_rate)]
    stage = Stage("speech", model, groups, recipe.speech_steps, work)
    left = recipe.speech_steps - stage.step
    if not left:
        return
    # Past every floor of the first stage.
    before = -(-recipe.sight_steps * recipe.sight_batch // recipe.speech_batch)
    model.train()
    for batch in loader(FloorBatches(PRETRAINING, recipe.speech_batch, before + stage.step, left, recipe.distractors)):
        inputs, labels = conversations(np.random.default_rng([SEED, stage.step]), processor, batch)
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
            logits = model(**inputs).logits
        reply = cross_entropy(logits[:, :-1].float().flatten(0, 1), labels[:, 1:].flatten())
        answer, right = _answers(logits, labels)
        # A reply has about 30 tokens and one of them is the answer: it would count for too little.
        stage.update(reply + recipe.answer_weight * answer, {"reply": reply.item(), "answer": right}, log)


def _answers(logits: Tensor, labels: Tensor) -> tuple[Tensor, float]:
    """Return loss and share of right ones of the answers, each the last but one token of its reply (n, length)."""
    place = torch.arange(labels.shape[1])
    last = (place * (labels != -100)).amax(dim=1) - 1
    rows = torch.arange(len(labels))
    said, meant = logits[rows, last - 1].float(), labels[rows, last]
    return cross_entropy(said, meant), (said.argmax(dim=1) == meant).float().mean().item()


def train(work: Path, recipe: Recipe) -> None:
    """Run both stages, from wherever they stopped, and save the checkpoint into `work`/weights."""
    torch.set_num_threads(1)
    work.mkdir(parents=True, exist_ok=True)
    (work / ".gitignore").write_text("*\n", encoding="utf-8")
    log = Log(work / "training_log.txt")
    tokenizer = train_tokenizer()
    # As a convolution the patches' backward pass takes half of the first stage's time.
    model, processor = patches_as_product(build_model(tokenizer)), build_processor(tokenizer)
    log(f"{recipe}; {model.num_parameters():,} parameters; torch {torch.__version__}")
    learn_to_see(model, recipe, work, log)
    learn_to_speak(model, processor, recipe, work, log)
    model.eval()
    save_checkpoint(model, processor, work / "weights")
    log(f"saved {work.name}/weights")


def install(work: Path) -> None:
    """Replace the package's checkpoint by the one just trained."""
    with appearing(CHECKPOINT) as fresh:
        shutil.copytree(work / "weights", fresh, dirs_exist_ok=True)


def main() -> None:
    """Read the command line."""
    usual = Recipe()
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("work", type=Path, help="folder for checkpoints and the log; training resumes from it")
    parser.add_argument("--sight-steps", type=int, default=usual.sight_steps)
    parser.add_argument("--speech-steps", type=int, default=usual.speech_steps)
    parser.add_argument(
        "--distractors", type=float, default=usual.distractors, help="share of training floors that show one"
    )
    parser.add_argument("--float32", action="store_true", help="no bfloat16, for processors that are slow at it")
    parser.add_argument("--install", action="store_true", help="only copy the trained checkpoint into the package")
    options = parser.parse_args()
    if options.install:
        install(options.work)
        return
    recipe = Recipe(
        sight_steps=options.sight_steps,
        speech_steps=options.speech_steps,
        distractors=options.distractors,
        bfloat16=not options.float32,
    )
    train(options.work, recipe)


if __name__ == "__main__":
    main()
