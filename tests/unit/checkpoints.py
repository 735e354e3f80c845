"""Untrained checkpoints of the real model classes: small, random, with the real special tokens and processors."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForImageTextToText,
    GenerationConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

from pytest_cosmos.tiny import CHECKPOINT
from tools.tiny import model as tiny
from tools.tiny.tokenizer import train_tokenizer

TEMPLATE = Path(tiny.__file__).with_name("chat_template.jinja")


def _ids(tokenizer: Qwen2Tokenizer) -> dict[str, Any]:
    names = ("image_pad", "video_pad", "vision_start", "vision_end", "endoftext", "im_end")
    return {name: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in names}


def write_reason1(folder: Path, seed: int = 0) -> Path:
    """Write a Qwen2.5-VL, the architecture of Cosmos-Reason1: window attention, 14 px patches, seconds per grid."""
    tokenizer = train_tokenizer()
    ids = _ids(tokenizer)
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": -(-len(tokenizer) // 64) * 64,
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
            "pad_token_id": ids["endoftext"],
            "bos_token_id": None,
            "eos_token_id": ids["im_end"],
        },
        vision_config={
            "depth": 2,
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_heads": 4,
            "out_hidden_size": 64,
            "window_size": 56,
            "fullatt_block_indexes": [1],
            "tokens_per_second": 2,
        },
        image_token_id=ids["image_pad"],
        video_token_id=ids["video_pad"],
        vision_start_token_id=ids["vision_start"],
        vision_end_token_id=ids["vision_end"],
    )
    torch.manual_seed(seed)
    model = Qwen2_5_VLForConditionalGeneration(config).eval()
    model.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=ids["im_end"], pad_token_id=ids["endoftext"]
    )
    size = {"shortest_edge": 4 * 28 * 28, "longest_edge": 48 * 28 * 28}
    processor = Qwen2_5_VLProcessor(
        Qwen2VLImageProcessor(size=size, patch_size=14),
        tokenizer,
        Qwen2VLVideoProcessor(size=size, patch_size=14),
        chat_template=TEMPLATE.read_text(encoding="utf-8"),
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def write_reason2(folder: Path, seed: int = 0) -> Path:
    """Write a Qwen3-VL, the architecture of Cosmos-Reason2 and of the embedded model, untrained."""
    tokenizer = train_tokenizer()
    tiny.save_checkpoint(tiny.build_model(tokenizer, seed), tiny.build_processor(tokenizer), folder)
    return folder


def write_adapter(folder: Path, base: Path = CHECKPOINT, strength: float = 0.3) -> Path:
    """Write an adapter with random weights; of strength 0 it changes nothing."""
    model = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32)
    torch.manual_seed(1)
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for a name it will rename
        worn = get_peft_model(model, config)
    for name, weight in worn.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=strength)
    worn.save_pretrained(folder)
    return folder
