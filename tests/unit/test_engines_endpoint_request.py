"""The body of a request, as each family and each server wants it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_cosmos.engines.endpoint_request import Request, Requests, named_in, vision_settings
from pytest_cosmos.engines.endpoint_server import Served
from pytest_cosmos.engines.endpoint_trouble import Trouble
from pytest_cosmos.prompting import FAMILIES, user_text
from pytest_cosmos.records import Case, Vision
from tests.unit.builders import BINARY
from tests.unit.engine_builders import SUITE, cases_of, settings_of, write_images
from tests.unit.test_engines_endpoint_media import video

REASON1, REASON2, GENERIC = (FAMILIES[name] for name in ("reason1", "reason2", "generic"))


def requests_of(root: Path, family: str = "reason2", served: Served | None = None, **changes: object) -> Requests:
    served = served or Served("my-model", "vllm", 16384)
    values: dict[str, object] = {"max_new_tokens": 4096, **changes}
    return Requests(settings_of(root, **values), served, FAMILIES[family], {SUITE: root})


def image_case(root: Path) -> Case:
    return cases_of(write_images(root, [(20, 20)]), [BINARY])[0]


def video_case(root: Path, **vision: object) -> Case:
    video(root / "clip.mp4")
    case = image_case(root)
    sample = case.sample.model_copy(update={"media": ("clip.mp4",)})
    return case.model_copy(
        update={"sample": sample, "prompt": BINARY.model_copy(update={"vision": Vision.model_validate(vision)})}
    )


def test_a_request_for_an_image(tmp_path: Path) -> None:
    body = requests_of(tmp_path, seed=3).of(image_case(tmp_path)).body
    system, user = body.pop("messages")
    assert body == {
        "model": "my-model",
        "max_tokens": 4096,
        "temperature": 0.0,
        "seed": 3,
        "logprobs": True,
        "top_logprobs": 20,
    }
    assert system == {"role": "system", "content": "You are a helpful assistant."}
    assert [part["type"] for part in user["content"]] == ["image_url", "text"]
    assert user["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")
    assert user["content"][1]["text"] == user_text(REASON2, BINARY)


def test_several_media_come_before_the_text_in_their_order(tmp_path: Path) -> None:
    case = image_case(tmp_path)
    video(tmp_path / "clip.mp4")
    sample = case.sample.model_copy(update={"media": ("image-0.png", "clip.mp4", "image-0.png")})
    body = requests_of(tmp_path, "generic").of(case.model_copy(update={"sample": sample})).body
    (user,) = body["messages"]
    assert [part["type"] for part in user["content"]] == ["image_url", "video_url", "image_url", "text"]


def test_what_the_client_does_not_know_goes_into_the_extra_body(tmp_path: Path) -> None:
    request = requests_of(tmp_path).of(video_case(tmp_path))
    arguments = request.without(set())
    assert set(arguments["extra_body"]) == {"mm_processor_kwargs", "media_io_kwargs"}
    assert "mm_processor_kwargs" not in arguments
    assert "extra_body" not in requests_of(tmp_path).of(image_case(tmp_path)).without(set())


# 11,324,620 = int((16384 - 4096) * 32**2 * 0.9), as nvidia-cosmos/cosmos-reason2's script computes it
PUBLISHED = {"shortest_edge": 131_072, "longest_edge": 11_324_620}
EIGHT = {"num_frames": 8, "min_frames": 8, "max_frames": 8}


@pytest.mark.parametrize(
    ("family", "vision", "processor", "media"),
    [
        ("reason2", {}, {"fps": 2.0, "size": PUBLISHED}, {"fps": 2.0}),
        ("reason2", {"fps": 4}, {"fps": 4.0, "size": PUBLISHED}, {"fps": 4.0}),
        ("reason2", {"frames": 8}, {"num_frames": 8, "size": PUBLISHED}, EIGHT),
        (
            "reason2",
            {"total_pixels": 500_000, "min_pixels": 4096},
            {"fps": 2.0, "size": {"shortest_edge": 4096, "longest_edge": 500_000}},
            {"fps": 2.0},
        ),
        (
            "reason2",
            {"frames": 8, "max_pixels": 50_000},
            {"num_frames": 8, "size": {"shortest_edge": 131_072, "longest_edge": 400_000}},
            EIGHT,
        ),
        (
            "reason2",
            {"total_pixels": 60_000},
            {"fps": 2.0, "size": {"shortest_edge": 60_000, "longest_edge": 60_000}},
            {"fps": 2.0},
        ),
        ("reason1", {}, {"fps": 4.0}, {"fps": 4.0}),
        ("reason1", {"frames": 8, "total_pixels": 800_000}, {"max_pixels": 100_000}, EIGHT),
        ("generic", {}, None, None),
        ("generic", {"fps": 1}, None, {"fps": 1.0}),
    ],
)
def test_how_a_video_is_shown(
    family: str, vision: dict[str, object], processor: dict[str, Any] | None, media: dict[str, Any] | None
) -> None:
    asked = Vision.model_validate(vision)
    extra = vision_settings(FAMILIES[family], asked, ["video"], room=16384 - 4096)
    expected = {"mm_processor_kwargs": processor, "media_io_kwargs": {"video": media} if media else None}
    assert extra == {key: value for key, value in expected.items() if value}


@pytest.mark.parametrize(
    ("family", "given", "wanted"),
    [("reason2", "max_pixels", "total_pixels"), ("reason1", "total_pixels", "max_pixels")],
)
def test_what_a_server_cannot_be_told_is_said_not_left_out(family: str, given: str, wanted: str) -> None:
    vision = Vision.model_validate({given: 100_000, "fps": 1})
    with pytest.raises(Trouble, match=f"told {given} of a video without frames: write {wanted} instead"):
        vision_settings(FAMILIES[family], vision, ["video"], room=1)


@pytest.mark.parametrize(
    ("family", "vision", "processor"),
    [
        ("reason2", {}, None),
        ("reason2", {"fps": 4.0}, None),
        ("reason2", {"max_pixels": 65_536}, {"size": {"shortest_edge": 65_536, "longest_edge": 65_536}}),
        ("reason2", {"min_pixels": 4096}, {"size": {"shortest_edge": 4096, "longest_edge": 8_388_608}}),
        ("reason1", {"max_pixels": 65_536}, {"max_pixels": 65_536}),
    ],
)
def test_an_image_is_left_to_the_server_unless_the_suite_asks(
    family: str, vision: dict[str, object], processor: dict[str, Any] | None
) -> None:
    extra = vision_settings(FAMILIES[family], Vision.model_validate(vision), ["image"], room=1)
    assert extra == ({"mm_processor_kwargs": processor} if processor else {})


def test_what_is_asked_to_be_shown_is_recorded(tmp_path: Path) -> None:
    shown = requests_of(tmp_path).of(video_case(tmp_path, fps=4)).shown
    assert shown == {"fps": "4", "pixels": "131072 to 11324620"}
    request = requests_of(tmp_path).of(video_case(tmp_path))
    assert request.shown_without({"mm_processor_kwargs"}) == {}  # the server does as it likes
    assert request.shown_without({"seed"}) == request.shown


def test_a_refusal_takes_along_what_belongs_together(tmp_path: Path) -> None:
    request = requests_of(tmp_path).of(video_case(tmp_path))
    assert named_in("top_logprobs must be <= 5", request) == {"logprobs", "top_logprobs"}
    assert named_in("{'mm_processor_kwargs', 'seed'}", request) == {"mm_processor_kwargs", "seed"}
    assert named_in("max_tokens is too large for the seeds of this model", request) == frozenset()
    assert request.without({"mm_processor_kwargs", "media_io_kwargs", "temperature"})["temperature"] == 0.0


def test_what_the_user_asks_for_is_never_left_out(tmp_path: Path) -> None:
    request = requests_of(tmp_path, sampling="published").of(video_case(tmp_path, fps=4))
    assert request.optional == {"logprobs", "top_logprobs"}
    arguments = request.without({"mm_processor_kwargs", "top_k", "seed"})
    assert {"mm_processor_kwargs", "top_k"} <= set(arguments["extra_body"])
    assert arguments["seed"] == 1234
    assert named_in("unknown: top_k, model", request, optional=False) == {"top_k"}


@pytest.mark.parametrize(
    ("family", "reasoning", "settings"),
    [
        ("reason2", True, {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "presence_penalty": 0.0, "seed": 1234}),
        ("reason2", False, {"temperature": 0.7, "top_p": 0.8, "top_k": 20, "presence_penalty": 1.5, "seed": 3407}),
        ("reason1", True, {"temperature": 0.01, "top_p": 1.0, "presence_penalty": 0.0, "seed": 42}),
        ("generic", True, {"seed": 5}),  # what the checkpoint says is the server's to know
    ],
)
def test_the_publishers_settings(tmp_path: Path, family: str, reasoning: bool, settings: dict[str, float]) -> None:
    prompt = BINARY.model_copy(update={"reasoning": reasoning})
    sampling = requests_of(tmp_path, family, sampling="published", seed=5).sampling(prompt)
    if family != "generic":
        settings = {**settings, "repetition_penalty": 1.0}
    assert sampling == settings


def test_a_request_without_optional_settings_is_left_as_it_is() -> None:
    request = Request({"model": "x", "seed": 1}, frozenset(), {})
    assert request.without({"seed"}) == {"model": "x", "seed": 1}


@pytest.mark.parametrize(("family", "temperature"), [("reason2", 0.6), ("generic", 1.0)])
def test_a_repeat_is_asked_with_its_own_seed(tmp_path: Path, family: str, temperature: float) -> None:
    first, second = (requests_of(tmp_path, family, sampling="published", seed=5, repeat=n) for n in (1, 2))
    sampling = first.sampling(BINARY)
    assert (sampling["temperature"], sampling["seed"]) == (temperature, 5)
    request = second.of(image_case(tmp_path))
    assert "seed" in request.optional, "a server without seeds can be asked all the same"
