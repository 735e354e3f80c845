"""Case -> the body of a chat completion request, as vLLM and NIM want it and others can take it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_cosmos.engines.endpoint_media import content_parts
from pytest_cosmos.engines.endpoint_server import Served
from pytest_cosmos.engines.endpoint_trouble import Trouble
from pytest_cosmos.media import media_kind
from pytest_cosmos.prompting import Family, media_order, messages, repeat_sampling
from pytest_cosmos.records import Case, Prompt, Vision
from pytest_cosmos.settings import Settings

Body = dict[str, Any]

TOP_LOGPROBS = 20
"""Alternatives a token: the most that vLLM (`--max-logprobs`) and OpenAI give unless told otherwise."""

_OF_OPENAI: Final = frozenset(
    {"model", "messages", "temperature", "top_p", "presence_penalty", "seed", "max_tokens", "logprobs", "top_logprobs"}
)
"""What the official client takes by name; everything else goes into `extra_body`."""

_OF_EVERYONE: Final = frozenset({"model", "messages", "max_tokens"})
"""Settings that every server takes: one that names them complains of their values."""

_TOGETHER: Final = ({"logprobs", "top_logprobs"},)
"""Settings of which one is nothing without the other."""

_MODEL_SEQ_LEN = 128_000
"""The context that the publisher's client takes for granted where a server names none (qwen_vl_utils 0.0.14)."""

_LARGEST_IMAGE = 8192 * 32**2
_SMALLEST_IMAGE = 256 * 32**2
"""Pixels, where only one bound is given: the `size` of nvidia-cosmos/cosmos-reason2, scripts/inference_sample.py."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request, and which of its settings the server may refuse without changing what is measured."""

    body: Body
    optional: frozenset[str]
    shown: dict[str, str]
    """What the server is asked to show the model, for `Reply.vision`."""

    def without(self, refused: AbstractSet[str]) -> Body:
        """Return the arguments of the client's `create`, refused settings left out."""
        kept = {key: value for key, value in self.body.items() if key not in refused or key not in self.optional}
        extra = {key: kept.pop(key) for key in tuple(kept) if key not in _OF_OPENAI}
        return {**kept, "extra_body": extra} if extra else kept

    def shown_without(self, refused: AbstractSet[str]) -> dict[str, str]:
        """Return what the model is shown where the server has refused some settings."""
        return {} if {"mm_processor_kwargs", "media_io_kwargs"} & refused & self.optional else self.shown


class Requests:
    """Makes the requests of one run."""

    def __init__(self, settings: Settings, served: Served, family: Family, folders: Mapping[str, Path]) -> None:
        self._settings = settings
        self._served = served
        self._family = family
        self._folders = folders

    def of(self, case: Case) -> Request:
        """Make the request for a case; OSError where its media cannot be read, Trouble where it cannot be asked so."""
        paths = [self._folders[case.suite] / name for name in case.sample.media]
        parts = content_parts(paths, self._settings.media_transport)
        kinds = [media_kind(name) for name in case.sample.media]
        sampling = self.sampling(case.prompt)
        extra = vision_settings(self._family, case.prompt.vision, kinds, room=self._room())
        body: Body = {
            "model": self._served.id,
            "messages": self._messages(case.prompt, kinds, parts),
            "max_tokens": self._settings.max_new_tokens,
            **sampling,
            "logprobs": True,
            "top_logprobs": TOP_LOGPROBS,
            **extra,
        }
        optional = {"logprobs", "top_logprobs"}
        if self._settings.sampling == "greedy" or self._settings.repeat:
            optional.add("seed")
        if case.prompt.vision == Vision():  # what the suite asks for itself is never dropped
            optional |= set(extra)
        return Request(body, frozenset(optional), _shown(extra))

    def sampling(self, prompt: Prompt) -> dict[str, float | int]:
        """Return the generation settings of a prompt."""
        if self._settings.sampling == "published":
            return published_sampling(self._family, self._settings, reasoning=prompt.reasoning)
        return {"temperature": 0.0, "seed": self._settings.seed}

    def _messages(self, prompt: Prompt, kinds: Sequence[str], parts: Sequence[Body]) -> list[Body]:
        """Fill the media of a case into the places that the family's messages have for them."""
        chat = messages(self._family, prompt, tuple(kinds))
        coming = iter([parts[place] for place in media_order(self._family, kinds)])
        for message in chat:
            if isinstance(message["content"], list):
                message["content"] = [part if part["type"] == "text" else next(coming) for part in message["content"]]
        return chat

    def _room(self) -> int:
        """Return the tokens left for the question."""
        return (self._served.context or _MODEL_SEQ_LEN) - self._settings.max_new_tokens


def published_sampling(family: Family, settings: Settings, *, reasoning: bool) -> dict[str, float | int]:
    """Return what a family's publisher generates with; of a foreign one the seed alone, the rest is the server's."""
    if settings.repeat:
        return repeat_sampling(family.sampling, settings.seed, asked_reasoning=reasoning).given()
    if family.sampling is None:
        return {"seed": settings.seed}
    return family.sampling.of(asked_reasoning=reasoning).given()


def named_in(text: str, request: Request, *, optional: bool = True) -> frozenset[str]:
    """Return the settings that a server's refusal names: those it may refuse, or those that the user asks for."""
    droppable = set(request.body) & request.optional
    candidates = droppable if optional else set(request.body) - request.optional - _OF_EVERYONE
    named = {name for name in candidates if re.search(rf"\b{name}\b", text)}
    for group in _TOGETHER:
        if named & group:
            named |= group & candidates
    return frozenset(named)


def vision_settings(family: Family, vision: Vision, kinds: Sequence[str], *, room: int) -> Body:
    """Return `mm_processor_kwargs` and `media_io_kwargs`: only for videos, or where the prompt asks for them.

    Who samples a video's frames depends on the server: in older releases of vLLM the processor, in newer ones (0.32)
    and NIM the loader. Both are told the same, and `do_sample_frames`, which the publisher's client sends for the older
    ones, is left to the server: true, it makes the newer ones sample twice, and fail.
    """
    video = "video" in kinds
    if not video and vision.min_pixels is None and vision.max_pixels is None:
        return {}
    processor: Body = _pixels(family, vision, video=video, room=room)
    frames = _frames(family, vision) if video else {}
    if family.name == "reason2" or (family.name == "reason1" and "fps" in frames):
        processor |= frames  # Qwen2.5-VL's processor takes frames as they come, and asks how far apart they are
    count = frames.get("num_frames")
    # vLLM's loaders for Qwen go by frames a second, within these two bounds
    media = frames if count is None else {**frames, "min_frames": count, "max_frames": count}
    extra = {"mm_processor_kwargs": processor, "media_io_kwargs": {"video": media} if media else {}}
    return {key: value for key, value in extra.items() if value}


def _frames(family: Family, vision: Vision) -> Body:
    """Return how frames are taken from a video; empty: as the server does it."""
    if vision.frames is not None:
        return {"num_frames": vision.frames}
    fps = vision.fps or (family.vision.server_fps if family.name != "generic" else None)
    return {"fps": fps} if fps is not None else {}


def _pixels(family: Family, vision: Vision, *, video: bool, room: int) -> Body:
    """Bound the pixels: of each picture, and for Qwen3-VL's videos of all frames together."""
    least, most = vision.min_pixels, vision.max_pixels
    if family.name == "reason1":
        if video and vision.total_pixels is not None:
            most = min(most or vision.total_pixels, vision.total_pixels // _count(vision, "total_pixels", "max_pixels"))
        bounds = {"min_pixels": least, "max_pixels": most}
        return {key: value for key, value in bounds.items() if value is not None}
    if video:
        if family.name != "reason2" and vision == Vision(fps=vision.fps, frames=vision.frames):
            return {}
        size = family.vision.server_size(room, 0) or {}
        if most is not None:
            most *= _count(vision, "max_pixels", "total_pixels")
        most = min(filter(None, (most, vision.total_pixels)), default=size.get("longest_edge", _LARGEST_IMAGE))
        least = least or min(size.get("shortest_edge", _SMALLEST_IMAGE), most)
    else:
        most = most or max(_LARGEST_IMAGE, least or 0)
        least = least or min(_SMALLEST_IMAGE, most)
    return {"size": {"shortest_edge": least, "longest_edge": most}}


def _count(vision: Vision, given: str, wanted: str) -> int:
    """Return how many frames a video is shown with; Trouble where only the server will know."""
    if vision.frames is None:
        raise Trouble(f"this model's server cannot be told {given} of a video without frames: write {wanted} instead")
    return vision.frames


def _shown(extra: Body) -> dict[str, str]:
    processor, media = extra.get("mm_processor_kwargs", {}), extra.get("media_io_kwargs", {}).get("video", {})
    asked = {**media, **processor}
    shown: dict[str, str] = {}
    if "fps" in asked:
        shown["fps"] = f"{asked['fps']:g}"
    if "num_frames" in asked:
        shown["frames"] = str(asked["num_frames"])
    size = asked.get("size", {})
    least = size.get("shortest_edge", asked.get("min_pixels"))
    most = size.get("longest_edge", asked.get("max_pixels"))
    if least is not None or most is not None:
        shown["pixels"] = f"{least or 'any'} to {most or 'any'}"
    return shown
