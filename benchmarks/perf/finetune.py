"""Training speed on the embedded model: this project's, a bare loop's, and TRL's SFTTrainer out of the box.

    python benchmarks/perf/finetune.py [--examples 960] [--rounds 3]     # TRL's line needs: pip install trl

All train the same LoRA layers on the same examples (of the shipped suite's training split) with batches of one size,
one thread, a loader process beside it. The bare loop has its batches made beforehand: forward, backward, clip, step and
nothing else. `together`: with `prompts_together`, each picture encoded once for its three prompts. The ways take turns;
of each the best round counts. Prints examples per second and ratios. No test.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from pytest_cosmos.engines.transformers import TransformersEngine  # noqa: E402
from pytest_cosmos.finetune.recipe import TINY_RECIPE, Recipe  # noqa: E402
from pytest_cosmos.finetune.running import Lessons, lessons_of, trainer_for  # noqa: E402
from pytest_cosmos.finetune.towers import targets_of  # noqa: E402
from pytest_cosmos.finetune.training import reply_loss, token_weights  # noqa: E402
from pytest_cosmos.prompting import messages  # noqa: E402
from pytest_cosmos.settings import Settings  # noqa: E402
from pytest_cosmos.suites import read_suite  # noqa: E402

RECIPE = TINY_RECIPE.model_copy(update={"augment": None, "other_thoughts": 0.0, "epochs": 1})
TOGETHER = RECIPE.model_copy(update={"prompts_together": True})
SUITE = ROOT / "cases" / "floor_cracks"


def main() -> None:
    """Run every way in turn and print the best of each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--examples", type=int, default=960)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    ways: dict[str, Callable[[int], float]] = {
        "bare loop": bare,
        "finetune": ours,
        "together": partial(ours, recipe=TOGETHER),
    }
    if importlib.util.find_spec("trl"):
        ways["TRL SFTTrainer"] = trl
    best: dict[str, float] = {}
    for _ in range(options.rounds):
        for name, way in ways.items():
            best[name] = min(best.get(name, float("inf")), way(options.examples))
    print(f"{options.examples} examples, batch {RECIPE.batch_size}, load average {os.getloadavg()[0]:.1f}")
    for name, seconds in best.items():
        ratio = best["bare loop"] / seconds
        print(f"  {name:16} {options.examples / seconds:6.1f} examples/s  {ratio:5.2f} of the bare loop")


def prepared(examples: int, folder: str, recipe: Recipe = RECIPE) -> tuple[Any, Lessons, TransformersEngine]:
    """Return a Trainer for so many examples, on weights loaded anew."""
    settings = Settings(root=ROOT, cases=ROOT / "cases", thresholds=None, reports=ROOT / "reports", threads=1)
    suite = read_suite(SUITE, split="train", decode=())
    engine = TransformersEngine(settings, {suite.name: suite.folder})
    engine.load()
    lessons = lessons_of(suite, engine.loaded, recipe)
    lessons = replace(lessons, train=lessons.train[:examples], validation=lessons.validation[:3])
    targets = targets_of(engine.loaded.model, recipe.targets)
    return trainer_for(Path(folder), engine, lessons, recipe, targets), lessons, engine


def ours(examples: int, recipe: Recipe = RECIPE) -> float:
    """Train as `pytest-cosmos finetune` does; return the seconds of the epoch, without validation and saving."""
    with tempfile.TemporaryDirectory() as folder:
        trainer, _, _ = prepared(examples, folder, recipe)
        trainer.args.eval_strategy = trainer.args.save_strategy = "no"
        started = time.perf_counter()
        trainer.train()
        return time.perf_counter() - started


def bare(examples: int) -> float:
    """Train in a loop of the fewest lines, on batches that are there."""
    with tempfile.TemporaryDirectory() as folder:
        trainer, _, _ = prepared(examples, folder)
        loader = trainer.get_train_dataloader()
        batches = list(loader)
        model = trainer.model.train()
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        optimiser = torch.optim.AdamW(trained, lr=RECIPE.learning_rate, betas=(0.9, 0.98))
        started = time.perf_counter()
        for batch in batches:
            labels = batch.pop("labels")
            weights = token_weights(RECIPE, batch.pop("answers"), batch.pop("hazards"))
            logits = model(**batch, logits_to_keep=labels.shape[1]).logits
            loss = reply_loss(logits, labels, weights, None)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
        return time.perf_counter() - started


def trl(examples: int) -> float:
    """Train with TRL's SFTTrainer on the same conversations, its own collator and settings."""
    from datasets import Dataset
    from PIL import Image
    from trl import SFTConfig, SFTTrainer

    with tempfile.TemporaryDirectory() as folder:
        trainer, lessons, engine = prepared(examples, folder)
        family, processor = engine.loaded.family, engine.loaded.processor
        rows = [
            {
                "images": [Image.open(SUITE / example.case.sample.media[0])],
                "prompt": [_listed(message) for message in messages(family, example.case.prompt, ("image",))],
                "completion": [{"role": "assistant", "content": [{"type": "text", "text": example.response}]}],
            }
            for example in lessons.train
        ]
        arguments = SFTConfig(
            output_dir=folder, num_train_epochs=1, per_device_train_batch_size=RECIPE.batch_size, max_length=None,
            learning_rate=RECIPE.learning_rate, report_to="none", save_strategy="no", disable_tqdm=True, use_cpu=True,
            bf16=False, gradient_checkpointing=False, dataloader_num_workers=1,
        )  # fmt: skip
        theirs = SFTTrainer(
            model=trainer.model, args=arguments, train_dataset=Dataset.from_list(rows), processing_class=processor
        )
        started = time.perf_counter()
        theirs.train()
        return time.perf_counter() - started


def _listed(message: dict[str, Any]) -> dict[str, Any]:
    """Write a message's content as a list, as a column of a data set has it for every message."""
    content = message["content"]
    return {**message, "content": [{"type": "text", "text": content}] if isinstance(content, str) else content}


if __name__ == "__main__":
    main()
