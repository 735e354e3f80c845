"""Measure a checkpoint by its generated answers, on the shipped suite and on real photographs.

Command, from the project's root: `python -m tools.tiny.evaluate [--weights FOLDER] [--json FILE]`
With `COSMOS_REAL_DATA` naming a folder that holds `cracks/labels.csv`, the real tiles are measured too.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import Qwen3VLForConditionalGeneration, Qwen3VLProcessor

from pytest_cosmos.tiny import CHECKPOINT
from tools.tiny.lessons import render
from tools.tiny.make_cases import jobs
from tools.tiny.phrases import PROMPTS, PromptName

_BATCH = 32
_ANSWER = re.compile(r"^(?:Yes|No|[1-5])$")
_SUITE = Path("cases/floor_cracks")


@dataclass(frozen=True, slots=True)
class Question:
    """One picture under one prompt, with the right answer."""

    picture: Path
    prompt: PromptName
    expected: str
    slices: tuple[str, ...]  # what the outcome counts towards


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model said."""

    question: Question
    said: str | None  # None: no answer could be read
    confidence: float  # probability of the answer among Yes and No, or among 1..5

    @property
    def right(self) -> bool:
        """A rating counts within one step of the label."""
        if self.said is None:
            return False
        if self.question.prompt == "severity":
            return self.said.isdigit() and abs(int(self.said) - int(self.question.expected)) <= 1
        return self.said == self.question.expected


def suite_questions(suite: Path, split: str) -> Iterator[Question]:
    """Ask all prompts about every picture of a split."""
    distractors = {job.file: job.plan.distractor for job in jobs()}
    with (suite / "samples.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            if row["split"] != split:
                continue
            expected: dict[PromptName, str] = {
                "binary_safety": "Yes" if row["label"] == "cracked" else "No",
                "traversal": row["traversable"],
                "severity": row["severity"],
            }
            plain = "ambiguous" if row["category"] == "ambiguous" else "plain"
            slices = ["all", row["category"]] + (["plain"] if plain == "plain" else [])
            if distractor := distractors[row["file"]]:
                slices.append(f"ambiguous: {distractor}")
            for prompt, answer in expected.items():
                yield Question(suite / row["file"], prompt, answer, tuple(slices))


def real_questions(folder: Path) -> Iterator[Question]:
    """Ask whether each real tile is cracked."""
    with (folder / "cracks/labels.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            expected = "Yes" if row["label"] == "cracked" else "No"
            slices = ("real", f"real: {row['category']}")
            yield Question(folder / "cracks" / row["file"], "binary_safety", expected, slices)


class Model:
    """A checkpoint that answers batches of questions greedily."""

    def __init__(self, weights: Path, reason: bool) -> None:
        self.processor = Qwen3VLProcessor.from_pretrained(weights)
        self.model = Qwen3VLForConditionalGeneration.from_pretrained(weights).eval()
        self.texts = {name: render(self.processor, text, reason) for name, text in PROMPTS.items()}

    @torch.inference_mode()
    def answer(self, questions: list[Question]) -> list[Outcome]:
        """Generate and read the replies to one batch."""
        images = [Image.open(question.picture).convert("RGB") for question in questions]
        texts = [self.texts[question.prompt] for question in questions]
        inputs = self.processor(text=texts, images=images, padding=True, padding_side="left", return_tensors="pt")
        result = self.model.generate(**inputs, return_dict_in_generate=True, output_scores=True)
        replies = result.sequences[:, inputs["input_ids"].shape[1] :]
        scores = torch.stack(result.scores, dim=1)
        return [self._read(*each) for each in zip(questions, replies, scores, strict=True)]

    def _read(self, question: Question, reply: torch.Tensor, scores: torch.Tensor) -> Outcome:
        text = self.processor.tokenizer.decode(reply, skip_special_tokens=True)
        said = text.rpartition("</think>")[2].strip()
        if not _ANSWER.match(said):
            return Outcome(question, None, 0.0)
        tokenizer = self.processor.tokenizer
        words = ("Yes", "No") if question.prompt != "severity" else tuple("12345")
        ids = tokenizer.convert_tokens_to_ids(list(words))
        token = tokenizer.convert_tokens_to_ids(said)
        place = int((reply == token).nonzero()[-1])
        chances = dict(zip(ids, scores[place, ids].softmax(dim=0).tolist(), strict=True))
        return Outcome(question, said, chances.get(token, 0.0))


def ask(model: Model, questions: Iterable[Question]) -> list[Outcome]:
    """Answer all questions, batch by batch."""
    waiting = list(questions)
    starts = range(0, len(waiting), _BATCH)
    return [outcome for k in starts for outcome in model.answer(waiting[k : k + _BATCH])]


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """Compute the figures of one group of outcomes."""
    rated = [o for o in outcomes if o.question.prompt == "severity" and o.said and o.said.isdigit()]
    figures: dict[str, Any] = {"count": len(outcomes), "accuracy": _mean(o.right for o in outcomes)}
    figures["parsed"] = _mean(o.said is not None for o in outcomes)
    for prompt in PROMPTS:
        if mine := [o for o in outcomes if o.question.prompt == prompt]:
            figures[prompt] = _mean(o.right for o in mine)
    if rated:
        distances = [abs(int(o.said or 0) - int(o.question.expected)) for o in rated]
        figures["severity exact"] = _mean(d == 0 for d in distances)
        figures["severity error"] = _mean(distances)
    for kind, wanted in (("confidence right", True), ("confidence wrong", False)):
        if chances := [o.confidence for o in outcomes if o.right == wanted]:
            figures[kind] = _mean(chances)
    return figures


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return round(sum(listed) / len(listed), 4)


def measure(outcomes: list[Outcome]) -> dict[str, dict[str, Any]]:
    """Summarise every slice, in the order in which slices first appear."""
    names = dict.fromkeys(name for outcome in outcomes for name in outcome.question.slices)
    return {name: summary([o for o in outcomes if name in o.question.slices]) for name in names}


def main() -> None:
    """Print one line for each slice, and write all figures if a file is named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--weights", type=Path, default=CHECKPOINT)
    parser.add_argument("--suite", type=Path, default=_SUITE)
    parser.add_argument("--split", default="test", choices=("train", "validation", "test"))
    parser.add_argument("--no-reasoning", action="store_true", help="ask for the bare answer")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = Model(options.weights, reason=not options.no_reasoning)
    questions = list(suite_questions(options.suite, options.split))
    if folder := os.environ.get("COSMOS_REAL_DATA"):
        questions += real_questions(Path(folder))
    figures = measure(ask(model, questions))
    for name, values in figures.items():
        print(f"{name:24}" + "  ".join(f"{key} {value}" for key, value in values.items()))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
