"""The model families: what is said to each, and where each leaves its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_cosmos.prompting.sampling import Published, Sampling
from pytest_cosmos.prompting.vision import VisionFacts

FamilyName = Literal["reason2", "reason1", "generic"]


@dataclass(frozen=True, slots=True)
class Family:
    """How checkpoints of one make are asked and how their text is read."""

    name: FamilyName
    system_prompt: str
    """The publisher's own; empty: there is no system message."""
    request: str
    """The words that ask for reasoning before the answer."""
    request_in: Literal["system", "user"]
    answer_in: Literal["after_think", "answer_tag"]
    """`answer_tag`: inside `<answer>`, and where that is missing, after `</think>`."""
    vision: VisionFacts
    sampling: Published | None
    """How the publisher lets it generate; None: as the checkpoint's own generation_config says."""
    system_given: Literal["replaces", "follows"] = "replaces"
    """What a system prompt of the user's does to the publisher's own."""
    strips_front: bool = True
    """Whether white space before the question is taken off, as well as that behind it."""
    images_first: bool = True
    """Whether the images of a sample are shown before its videos, whatever order they are listed in."""
    numbers_media: bool = False
    """Whether the publisher's code asks the chat template to number several media."""


# nvidia-cosmos/cosmos-reason2, scripts/inference_sample.py: fps=4, and for images and videos alike a `size` from
# 256 * 32**2 to 8192 * 32**2 pixels, which transformers' Qwen3-VL video processor holds against all frames together.
# (Its vLLM script cosmos_reason2_utils/script/inference.py has other bounds: see VisionFacts.server_size.)
_REASON2_VISION = VisionFacts(
    token_pixels=32 * 32,
    fps=4.0,
    image_min_pixels=256 * 32 * 32,
    image_max_pixels=8192 * 32 * 32,
    clip_min_pixels=256 * 32 * 32,
    clip_max_pixels=8192 * 32 * 32,
    server_fps=2.0,
)

# nvidia-cosmos/cosmos-reason1, configs/vision_config.yaml and scripts/inference_sample.py: fps 4, total_pixels
# 8192 * 28**2; everything else is what qwen_vl_utils does by default (vision_process.py there: IMAGE_MIN_TOKEN_NUM 4,
# IMAGE_MAX_TOKEN_NUM 16384, VIDEO_MIN_TOKEN_NUM 128, VIDEO_MAX_TOKEN_NUM 768, of 28 x 28 pixels each).
_REASON1_VISION = VisionFacts(
    token_pixels=28 * 28,
    fps=4.0,
    even_frames=True,
    image_min_pixels=4 * 28 * 28,
    image_max_pixels=16384 * 28 * 28,
    frame_min_pixels=128 * 28 * 28,
    frame_max_pixels=768 * 28 * 28,
    clip_max_pixels=8192 * 28 * 28,
    server_fps=4.0,
)

# nvidia-cosmos/cosmos-reason2, cosmos_reason2_utils/script/inference.py: SamplingOverrides.get_defaults, at commit
# 861f6ce (others, e.g. 3ac5bad, have the two the other way round).
_REASON2_SAMPLING = Published(
    plain=Sampling(temperature=0.7, top_p=0.8, top_k=20, presence_penalty=1.5, seed=3407),
    reasoning=Sampling(temperature=0.6, top_p=0.95, top_k=20, seed=1234),
)

# nvidia-cosmos/cosmos-reason1, configs/sampling_params.yaml; what it does not name is vLLM's neutral default.
_REASON1_SAMPLING = Published(
    plain=Sampling(temperature=0.01, seed=42),
    reasoning=Sampling(temperature=0.01, seed=42),
)

# Both requests are quoted to the character: a checkpoint was trained on exactly these, so they are its protocol.
# nvidia-cosmos/cosmos-reason2, cosmos_reason2_utils/cosmos_reason2_utils/text.py: SYSTEM_PROMPT, REASONING_PROMPT;
# script/inference.py there strips the question and appends the request after one blank line.
_REASON2 = Family(
    name="reason2",
    system_prompt="You are a helpful assistant.",
    request=(
        "Answer the question using the following format:\n"
        "\n"
        "<think>\n"
        "Your reasoning.\n"
        "</think>\n"
        "\n"
        "Write your final answer immediately after the </think> tag."
    ),
    request_in="user",
    answer_in="after_think",
    vision=_REASON2_VISION,
    sampling=_REASON2_SAMPLING,
    numbers_media=True,
)

# nvidia-cosmos/cosmos-reason1, prompts/addons/english.txt and prompts/addons/reasoning.txt (whose last character
# is that full stop); scripts/inference.py there joins them by a blank line and only right-strips the question.
_REASON1 = Family(
    name="reason1",
    system_prompt="Always respond in English.",
    request=(
        "Answer the question with provided options in the following format:\n"
        "<think>\n"
        "your reasoning\n"
        "</think>\n"
        "\n"
        "<answer>\n"
        "your answer\n"
        "</answer>."
    ),
    request_in="system",
    answer_in="answer_tag",
    vision=_REASON1_VISION,
    sampling=_REASON1_SAMPLING,
    system_given="follows",
    strips_front=False,
)

# Many chat templates know no system role (some refuse it), so everything is said in the user's turn. The request
# is that of Reason2, the simpler form; a reply in either form is understood, as other checkpoints keep to theirs.
_GENERIC = Family(
    name="generic",
    system_prompt="",
    request=_REASON2.request,
    request_in="user",
    answer_in="answer_tag",
    vision=VisionFacts(),
    sampling=None,
    images_first=False,
)

FAMILIES: dict[str, Family] = {family.name: family for family in (_REASON2, _REASON1, _GENERIC)}

_FAMILY_OF_MODEL_TYPE: dict[str, FamilyName] = {"qwen3_vl": "reason2", "qwen2_5_vl": "reason1"}


def family_of(model_type: str) -> str:
    """Name the family of a checkpoint by its config's `model_type`; `generic` where it is no Cosmos Reason's.

    The model type is all that a Cosmos checkpoint's config shows, and it shares it with the Qwen it was made from.
    """
    return _FAMILY_OF_MODEL_TYPE.get(model_type, "generic")
