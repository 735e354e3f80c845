"""Train the byte-level BPE tokenizer of `tiny` on the text it will ever meet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer

from tools.tiny.phrases import (
    COURSES,
    MATERIAL_NAMES,
    PARAPHRASES,
    PROMPTS,
    SENTENCES,
    SYSTEM,
    Truth,
    question,
    reply,
)

VOCABULARY = 1536  # a multiple of 64; what the corpus does not fill stays unused
SPECIAL_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>",
    "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
# Tokens of their own that a decoder shows even when it skips the special ones, as in Qwen3.
VISIBLE_TOKENS = ("<tool_call>", "</tool_call>", "<think>", "</think>")

# Words of neighbouring tasks, so that a user's own prompt is not spelt out byte by byte.
GENERAL_TEXT = """
The robot should stop, slow down, turn left, turn right or keep going because the path is clear or blocked.
Is there a person, a pedestrian, a car, a truck, a bicycle, a traffic light or a stop sign in the video?
Describe the image in one sentence. What do you see in the picture? What happens next in this scene?
The road is wet, icy, dry, smooth, rough, uneven, broken, dirty, stained, shaded, damaged, worn, old or new.
Which of these is correct? Answer with one word, with a number, with a letter, or with a short explanation.
A shadow, stain, scratch, joint, gap, puddle, cable, grain or vein looks like a crack, but the floor is whole.
The corridor, warehouse, factory, kitchen, street, bridge, deck, sidewalk, wall, stairs and door are visible.
risk level low medium high critical object obstacle distance near far ahead behind above below between left right
yes no true false none unknown maybe because therefore however first then finally
"""


def corpus() -> Iterator[str]:
    """Yield every prompt and reply once, and the answers often enough to become single tokens."""
    for prompt, exact in PROMPTS.items():
        for text in (exact, *PARAPHRASES[prompt]):
            yield question(text, reason=True)
        for material in MATERIAL_NAMES:
            for severity, course in product(SENTENCES, COURSES):
                yield reply(prompt, Truth(material, severity, course), reason=True)
    yield from (f"system\n{SYSTEM}", "user\n", "assistant\n", "Yes", "No", " Yes", " No") * 20
    yield from GENERAL_TEXT.strip().splitlines() * 2


def train_tokenizer() -> Qwen2Tokenizer:
    """Train the merges, then wrap them as the tokenizer class that Qwen3-VL uses."""
    learned = Tokenizer(models.BPE())
    learned.normalizer = normalizers.NFC()
    blank = Qwen2Tokenizer()
    learned.pre_tokenizer = blank.backend_tokenizer.pre_tokenizer
    learned.decoder = decoders.ByteLevel()
    reserved = len(SPECIAL_TOKENS) + len(VISIBLE_TOKENS)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - reserved,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    learned.train_from_iterator(corpus(), trainer)
    return _as_qwen(learned)


def _as_qwen(learned: Tokenizer) -> Qwen2Tokenizer:
    # Going through a list of pairs keeps merges in rank order, which is their meaning.
    bpe = json.loads(learned.to_str())["model"]
    merges = [tuple(pair) if isinstance(pair, list) else tuple(pair.split(" ")) for pair in bpe["merges"]]
    tokenizer = Qwen2Tokenizer(
        vocab=bpe["vocab"],
        merges=merges,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        model_max_length=4096,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIAL_TOKENS)})
    tokenizer.add_tokens(list(VISIBLE_TOKENS))
    return tokenizer
