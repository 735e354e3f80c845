"""The embedded checkpoint: its tokenizer, its training examples, and that it loads and answers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import Qwen3VLProcessor

from pytest_cosmos.tiny import CHECKPOINT
from tools.tiny import seeds
from tools.tiny.evaluate import Model, Question
from tools.tiny.heads import patches
from tools.tiny.lessons import FloorBatches, conversations, render
from tools.tiny.phrases import PROMPTS, SENTENCES, PromptName, Truth, answer, reply
from tools.tiny.tokenizer import SPECIAL_TOKENS, VISIBLE_TOKENS, train_tokenizer

PICTURE = Path(__file__).parents[2] / "cases/floor_cracks/media/test/floor-0001.jpg"


@pytest.fixture(scope="module")
def processor() -> Qwen3VLProcessor:
    return Qwen3VLProcessor.from_pretrained(CHECKPOINT)


@pytest.mark.parametrize(
    "text",
    ["Is this floor cracked? Yes or No.", "héllo wörld 你好 🙂", "a\n\n  b\tc 1234", "".join(map(chr, range(256)))],
)
def test_text_survives_the_tokenizer(processor: Qwen3VLProcessor, text: str) -> None:
    tokenizer = processor.tokenizer
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("word", ["Yes", "No", "1", "2", "3", "4", "5", *SPECIAL_TOKENS, *VISIBLE_TOKENS])
@pytest.mark.parametrize("before", ["", "\n\n", "<think>\nEven.\n</think>\n\n"])
def test_answers_and_marks_are_single_tokens(processor: Qwen3VLProcessor, word: str, before: str) -> None:
    tokenizer = processor.tokenizer
    token = tokenizer.convert_tokens_to_ids(word)
    assert tokenizer.decode([token]) == word
    assert tokenizer.encode(before + word) == [*tokenizer.encode(before), token]


def test_tokenizer_is_the_one_its_recipe_trains(processor: Qwen3VLProcessor) -> None:
    assert train_tokenizer().get_vocab() == processor.tokenizer.get_vocab()


def test_thinking_is_visible_when_special_tokens_are_skipped(processor: Qwen3VLProcessor) -> None:
    tokenizer = processor.tokenizer
    text = reply("severity", Truth("concrete", 4), reason=True)
    assert tokenizer.decode(tokenizer.encode(text + "<|im_end|>"), skip_special_tokens=True) == text


def test_prompt_is_rendered_as_cosmos_reason2_is_asked(processor: Qwen3VLProcessor) -> None:
    assert render(processor, PROMPTS["binary_safety"], reason=True) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Is this floor cracked? Yes or No.\n\n"
        "Answer the question using the following format:\n\n<think>\nYour reasoning.\n</think>\n\n"
        "Write your final answer immediately after the </think> tag.<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize("severity", SENTENCES)
def test_the_three_answers_never_contradict_each_other(severity: int) -> None:
    truth = Truth("asphalt", severity)
    said = {prompt: answer(prompt, truth) for prompt in PROMPTS}
    assert (said["binary_safety"] == "Yes") == (severity >= 2)
    assert (said["traversal"] == "No") == (severity >= 3)
    assert said["severity"] == str(severity)


def test_labels_hold_the_reply_and_nothing_else(processor: Qwen3VLProcessor) -> None:
    batch = FloorBatches(seeds.PRETRAINING_CHECK, 8, first=0, count=1, distractors=0.0)[0]
    inputs, labels = conversations(np.random.default_rng(3), processor, batch)
    for ids, kept in zip(inputs["input_ids"], labels, strict=True):
        text = processor.tokenizer.decode(kept[kept != -100])
        assert re.fullmatch(r"(<think>\n[^\n]+\n</think>\n\n)?(Yes|No|[1-5])<\|im_end\|>", text)
        assert text in processor.tokenizer.decode(ids)


def test_training_cuts_pictures_as_the_image_processor_does(processor: Qwen3VLProcessor) -> None:
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), dtype=np.uint8))
    images = [Image.fromarray(picture.numpy()) for picture in pictures]
    expected = processor.image_processor(images=images, return_tensors="pt")
    pixels, grids = patches(pictures)
    assert torch.allclose(pixels, expected["pixel_values"], atol=1e-6)
    assert torch.equal(grids, expected["image_grid_thw"])


@pytest.mark.parametrize("size", [(128, 128), (1024, 1024), (640, 480), (50, 40)])
def test_any_photograph_becomes_about_sixteen_visual_tokens(processor: Qwen3VLProcessor, size: tuple[int, int]) -> None:
    grid = processor.image_processor(images=[Image.new("RGB", size)], return_tensors="pt")["image_grid_thw"]
    assert 8 <= int(grid.prod()) // 4 <= 20


def test_checkpoint_answers_every_prompt() -> None:
    model = Model(CHECKPOINT, reason=True)
    names: list[PromptName] = list(PROMPTS)
    outcomes = model.answer([Question(PICTURE, name, "", ()) for name in names])
    assert all(outcome.said for outcome in outcomes)
    assert all(0.2 <= outcome.confidence <= 1 for outcome in outcomes)
    assert sum(p.numel() for p in model.model.parameters()) < 3e6


def test_checkpoint_folder_is_small_and_complete() -> None:
    names = {path.name for path in CHECKPOINT.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= names
    assert {"preprocessor_config.json", "video_preprocessor_config.json", "generation_config.json"} <= names
    assert sum(path.stat().st_size for path in CHECKPOINT.iterdir()) < 12e6


def test_naming_the_checkpoint_imports_no_torch() -> None:
    code = "import sys, pytest_cosmos.tiny; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
