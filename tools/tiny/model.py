"""Build `tiny`: a real Qwen3-VL of 2.6 million parameters, its processor, and the folder both live in.

Command: `python -m tools.tiny.model FOLDER` writes an untrained checkpoint.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import (
    GenerationConfig,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)

from tools.tiny.tokenizer import train_tokenizer

IMAGE_SIDE = 128  # px; every picture is brought to about this many squared
PATCH, MERGE = 16, 2  # one visual token is PATCH * MERGE = 32 px wide
WIDTH = 128  # hidden size of both towers
SEED = 20260101
VIDEO_FRAMES = 16


def build_processor(tokenizer: Qwen2Tokenizer) -> Qwen3VLProcessor:
    """Bind the tokenizer to image and video processing of one fixed pixel budget."""
    budget = IMAGE_SIDE * IMAGE_SIDE
    normal = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    geometry = {"patch_size": PATCH, "merge_size": MERGE, "temporal_patch_size": 2}
    image_processor = Qwen2VLImageProcessor(
        size={"shortest_edge": budget, "longest_edge": budget}, **normal, **geometry
    )
    video_processor = Qwen3VLVideoProcessor(
        size={"shortest_edge": 32 * 32, "longest_edge": budget * VIDEO_FRAMES},
        max_frames=VIDEO_FRAMES,
        cap_pixels_per_frame=True,
        max_video_tokens=(IMAGE_SIDE // (PATCH * MERGE)) ** 2,
        **normal,
        **geometry,
    )
    template = Path(__file__).with_name("chat_template.jinja").read_text(encoding="utf-8")
    return Qwen3VLProcessor(image_processor, tokenizer, video_processor, chat_template=template)


def build_config(tokenizer: Qwen2Tokenizer) -> Qwen3VLConfig:
    """Describe the architecture; the vocabulary is padded to a multiple of 64."""
    ids = {name: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in (
        "image_pad", "video_pad", "vision_start", "vision_end", "endoftext", "im_end",
    )}  # fmt: skip
    text = {
        "vocab_size": -(-len(tokenizer) // 64) * 64,
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "max_position_embeddings": 4096,
        # Sections sum to head_dim / 2: time, height, width.
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [6, 5, 5],
            "mrope_interleaved": True,
        },
        "tie_word_embeddings": True,
        "pad_token_id": ids["endoftext"],
        "bos_token_id": None,
        "eos_token_id": ids["im_end"],
    }
    return Qwen3VLConfig(
        text_config=text,
        vision_config=_vision(),
        image_token_id=ids["image_pad"],
        video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"],
        vision_end_token_id=ids["vision_end"],
        tie_word_embeddings=True,
    )


def _vision() -> dict[str, object]:
    """Describe the vision tower."""
    return {
        "depth": 4,
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_heads": 4,
        "patch_size": PATCH,
        "spatial_merge_size": MERGE,
        "temporal_patch_size": 2,
        "out_hidden_size": WIDTH,
        "num_position_embeddings": (IMAGE_SIDE // PATCH) ** 2,
        "deepstack_visual_indexes": [1, 2],
    }


def build_model(tokenizer: Qwen2Tokenizer, seed: int = SEED) -> Qwen3VLForConditionalGeneration:
    """Initialise the weights and the greedy generation settings."""
    torch.manual_seed(seed)
    model = Qwen3VLForConditionalGeneration(build_config(tokenizer)).float()
    model.generation_config = GenerationConfig(
        do_sample=False,
        max_new_tokens=64,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return model


def save_checkpoint(model: Qwen3VLForConditionalGeneration, processor: Qwen3VLProcessor, folder: Path) -> None:
    """Write model and processor as `folder`; a reader never meets half of one."""
    with appearing(folder) as fresh:
        # Batches padded in training have left their settings in the tokenizer.
        processor.tokenizer.backend_tokenizer.no_padding()
        model.save_pretrained(fresh)
        processor.save_pretrained(fresh)
        # Also in files of their own, as hub checkpoints of this family have them.
        processor.image_processor.save_pretrained(fresh)
        processor.video_processor.save_pretrained(fresh)


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside `folder` to fill, and let it take that one's place at the end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".tiny-", dir=folder.parent))
    try:
        yield fresh
        fresh.chmod(0o755)
        for file in fresh.iterdir():
            file.chmod(0o644)
        old = Path(tempfile.mkdtemp(prefix=".tiny-old-", dir=folder.parent))
        if folder.exists():
            folder.rename(old / "weights")
        fresh.rename(folder)
        shutil.rmtree(old)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def main() -> None:
    """Write an untrained checkpoint into the folder named on the command line."""
    tokenizer = train_tokenizer()
    save_checkpoint(build_model(tokenizer), build_processor(tokenizer), Path(sys.argv[1]))


if __name__ == "__main__":
    main()
