"""Untrained checkpoints of real model classes that are no Cosmos models, with their own processors.

They say many different things: their weights are scaled up, so that what they write hangs on every pixel and token
before it. (As transformers initialises them, they would repeat one token, whatever they are shown.)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import transformers as hf

from tools.tiny.tokenizer import train_tokenizer

TEXT: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 4096,
    "bos_token_id": None,
}
VISION: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 56,
    "patch_size": 14,
}
SIDE = {"height": 56, "width": 56}

Built = tuple[Any, Any]
"""Model and processor."""


def _template(image: str, video: str = "", start: str = "") -> str:
    return (
        f"{start}{{% for message in messages %}}{{{{ message.role | upper }}}}: {{% for part in message.content %}}"
        f"{{% if part.type == 'image' %}}{image}\n{{% elif part.type == 'video' %}}{video}\n"
        "{% else %}{{ part.text }}{% endif %}{% endfor %}\n{% endfor %}"
        "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
    )


class Words:
    """A tokenizer with the special tokens of one model class."""

    def __init__(self, *tokens: str, bos: str | None = None, **named: str) -> None:
        """`named`: tokens that the class's processor wants to find as attributes."""
        self.tokenizer = train_tokenizer()
        self.tokenizer.add_special_tokens({"additional_special_tokens": [*tokens, *named.values()]})
        self.tokenizer.bos_token = bos
        if named:
            with TemporaryDirectory() as folder:
                self.tokenizer.save_pretrained(folder)
                self.tokenizer = hf.Qwen2Tokenizer.from_pretrained(folder, extra_special_tokens=named)

    def id(self, token: str) -> int:
        return int(self.tokenizer.convert_tokens_to_ids(token))

    def text(self, **changes: Any) -> dict[str, Any]:
        size = -(-len(self.tokenizer) // 64) * 64
        ends = {"pad_token_id": self.id("<|endoftext|>"), "eos_token_id": self.id("<|im_end|>")}
        return {**TEXT, "vocab_size": size, **ends, **changes}


def llava() -> Built:
    words = Words("<image>")
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**VISION),
        text_config=hf.LlamaConfig(**words.text()),
        image_token_index=words.id("<image>"),
    )
    processor = hf.LlavaProcessor(
        hf.CLIPImageProcessor(size=SIDE, crop_size=SIDE),
        words.tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        image_token="<image>",
        num_additional_image_tokens=1,
        chat_template=_template("<image>"),
    )
    return hf.LlavaForConditionalGeneration(config), processor


def llava_onevision() -> Built:
    words = Words("<image>", "<video>")
    pinpoints = [[56, 56], [56, 112], [112, 56], [112, 112]]
    config = hf.LlavaOnevisionConfig(
        vision_config=hf.SiglipVisionConfig(**VISION, vision_use_head=False),
        text_config=hf.Qwen2Config(**words.text()),
        image_token_index=words.id("<image>"),
        video_token_index=words.id("<video>"),
        image_grid_pinpoints=pinpoints,
    )
    processor = hf.LlavaOnevisionProcessor(
        hf.LlavaOnevisionImageProcessor(size=SIDE, image_grid_pinpoints=pinpoints),
        words.tokenizer,
        hf.LlavaOnevisionVideoProcessor(size=SIDE),
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=_template("<image>", "<video>"),
    )
    return hf.LlavaOnevisionForConditionalGeneration(config), processor


def internvl() -> Built:
    words = Words(
        start_image_token="<img>", end_image_token="</img>", context_image_token="<IMG_CONTEXT>", video_token="<video>"
    )
    vision = {**VISION, "image_size": [56, 56], "patch_size": [14, 14]}
    config = hf.InternVLConfig(
        vision_config=hf.InternVLVisionConfig(**vision),
        text_config=hf.Qwen2Config(**words.text()),
        image_token_id=words.id("<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    processor = hf.InternVLProcessor(
        hf.GotOcr2ImageProcessor(size=SIDE, max_patches=4),
        words.tokenizer,
        hf.InternVLVideoProcessor(size=SIDE),
        image_seq_length=4,
        chat_template=_template("<IMG_CONTEXT>", "<video>"),
    )
    return hf.InternVLForConditionalGeneration(config), processor


def idefics3() -> Built:
    words = Words(
        "<image>",
        "<fake_token_around_image>",
        "<end_of_utterance>",
        "<global-img>",
        *(f"<row_{y}_col_{x}>" for y in range(1, 7) for x in range(1, 7)),
    )
    config = hf.Idefics3Config(
        vision_config=hf.Idefics3VisionConfig(**VISION).to_dict(),
        text_config=hf.LlamaConfig(**words.text()).to_dict(),
        image_token_id=words.id("<image>"),
        scale_factor=2,
        pad_token_id=words.id("<|endoftext|>"),
    )
    processor = hf.Idefics3Processor(
        hf.Idefics3ImageProcessor(size={"longest_edge": 112}, max_image_size={"longest_edge": 56}),
        words.tokenizer,
        image_seq_len=4,
        chat_template=_template("<image>"),
    )
    return hf.Idefics3ForConditionalGeneration(config), processor


def mistral3() -> Built:
    words = Words("[IMG]", "[IMG_BREAK]", "[IMG_END]")
    vision = {**VISION, "image_size": 112, "head_dim": 16}
    config = hf.Mistral3Config(
        vision_config=hf.PixtralVisionConfig(**vision),
        text_config=hf.MistralConfig(**words.text(sliding_window=None)),
        image_token_index=words.id("[IMG]"),
        spatial_merge_size=2,
        vision_feature_layer=-1,
    )
    processor = hf.PixtralProcessor(
        hf.PixtralImageProcessor(size={"longest_edge": 112}, patch_size=14),
        words.tokenizer,
        patch_size=14,
        spatial_merge_size=2,
        chat_template=_template("[IMG]"),
    )
    return hf.Mistral3ForConditionalGeneration(config), processor


def qwen2_vl() -> Built:
    words = Words()
    config = hf.Qwen2VLConfig(
        text_config=words.text(
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}
        ),
        vision_config={"depth": 2, "embed_dim": 32, "hidden_size": 64, "num_heads": 2, "mlp_ratio": 2},
        image_token_id=words.id("<|image_pad|>"),
        video_token_id=words.id("<|video_pad|>"),
        vision_start_token_id=words.id("<|vision_start|>"),
        vision_end_token_id=words.id("<|vision_end|>"),
    )
    size = {"shortest_edge": 4 * 28 * 28, "longest_edge": 24 * 28 * 28}
    processor = hf.Qwen2VLProcessor(
        hf.Qwen2VLImageProcessor(size=size),
        words.tokenizer,
        hf.Qwen2VLVideoProcessor(size=size),
        chat_template=_template(
            "<|vision_start|><|image_pad|><|vision_end|>", "<|vision_start|><|video_pad|><|vision_end|>"
        ),
    )
    return hf.Qwen2VLForConditionalGeneration(config), processor


def gemma3() -> Built:
    words = Words(boi_token="<start_of_image>", eoi_token="<end_of_image>", image_token="<image_soft_token>")
    config = hf.Gemma3Config(
        text_config=words.text(
            sliding_window=32,
            layer_types=["sliding_attention", "full_attention"],
            query_pre_attn_scalar=16,
            tie_word_embeddings=False,
        ),
        vision_config=VISION,
        mm_tokens_per_image=4,
        boi_token_index=words.id("<start_of_image>"),
        eoi_token_index=words.id("<end_of_image>"),
        tie_word_embeddings=False,
        image_token_index=words.id("<image_soft_token>"),
    )
    processor = hf.Gemma3Processor(
        hf.Gemma3ImageProcessor(size=SIDE),
        words.tokenizer,
        image_seq_length=4,
        chat_template=_template("<start_of_image>"),
    )
    return hf.Gemma3ForConditionalGeneration(config), processor


def paligemma() -> Built:
    words = Words("<image>", bos="<|im_start|>")
    config = hf.PaliGemmaConfig(
        vision_config=hf.SiglipVisionConfig(**VISION, vision_use_head=False, projection_dim=64),
        text_config=hf.GemmaConfig(**words.text()),
        image_token_index=words.id("<image>"),
        projection_dim=64,
        hidden_size=64,
    )
    image = hf.SiglipImageProcessor(size=SIDE)
    image.image_seq_length = 16
    processor = hf.PaliGemmaProcessor(image, words.tokenizer, chat_template=_template("<image>"))
    return hf.PaliGemmaForConditionalGeneration(config), processor


def lfm2_vl() -> Built:
    marks = {"image_start_token": "<|image_start|>", "image_end_token": "<|image_end|>", "image_thumbnail": "<|thumb|>"}
    words = Words(image_token="<image>", **marks)
    layers = ["full_attention", "conv", "full_attention"]
    text = words.text(num_hidden_layers=3, layer_types=layers, block_auto_adjust_ff_dim=False)
    text.pop("head_dim")
    vision = {**VISION, "patch_size": 16, "num_patches": 64, "vision_use_head": False}
    vision.pop("image_size")
    config = hf.Lfm2VlConfig(
        vision_config=hf.Siglip2VisionConfig(**vision),
        text_config=hf.Lfm2Config(**text),
        image_token_id=words.id("<image>"),
        projector_hidden_size=64,
    )
    image = hf.Lfm2VlImageProcessor(
        encoder_patch_size=16, min_image_tokens=4, max_image_tokens=16, max_num_patches=64, do_image_splitting=False
    )
    processor = hf.Lfm2VlProcessor(image, words.tokenizer, chat_template=_template("<image>"))
    return hf.Lfm2VlForConditionalGeneration(config), processor


FOREIGN: dict[str, Callable[[], Built]] = {
    build.__name__: build
    for build in (llava, llava_onevision, internvl, idefics3, mistral3, qwen2_vl, gemma3, paligemma, lfm2_vl)
}


def write_foreign(name: str, folder: Path, seed: int = 0) -> Path:
    """Write a checkpoint of that class."""
    torch.manual_seed(seed)
    model, processor = FOREIGN[name]()
    for weight in model.parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=1.5 * weight[0].numel() ** -0.5)
    tokenizer = processor.tokenizer
    end, pad = tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    model.generation_config = hf.GenerationConfig(do_sample=False, eos_token_id=end, pad_token_id=pad)
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
