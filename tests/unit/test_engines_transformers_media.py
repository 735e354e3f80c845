"""Pictures and clips are shown as the publisher's code shows them, and sharing them changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor

from pytest_cosmos.engines.models import locate
from pytest_cosmos.engines.transformers_generate import generate
from pytest_cosmos.engines.transformers_inputs import Preparer
from pytest_cosmos.engines.transformers_load import Loaded, load
from pytest_cosmos.engines.transformers_media import Bounds, Sizes, clip_size, frame_bounds, show
from pytest_cosmos.media import load_frames, load_image
from pytest_cosmos.prompting import FAMILIES, messages
from pytest_cosmos.records import Case, Sample, Vision
from pytest_cosmos.tiny import CHECKPOINT
from tests.unit.builders import BINARY, SEVERITY
from tests.unit.checkpoints import write_reason1
from tests.unit.engine_builders import MEDIA, SUITE, cases_of, settings_of, write_images
from tests.unit.video_files import write_video

REASON1, REASON2 = FAMILIES["reason1"], FAMILIES["reason2"]
LIMIT = 12
TOKEN = 32 * 32


class Real:
    """The two processors of a Cosmos-Reason2 checkpoint, with sizes as its preprocessor_config states them."""

    image_processor = Qwen2VLImageProcessor(
        size={"shortest_edge": 64 * TOKEN, "longest_edge": 16384 * TOKEN}, patch_size=16, merge_size=2
    )
    video_processor = Qwen3VLVideoProcessor()


def test_reason2_shows_a_picture_with_256_tokens_at_least(tmp_path: Path) -> None:
    write_images(tmp_path, [(128, 96)])
    shown = show([tmp_path / "image-0.png"], Sizes(Real, REASON2, Vision()), REASON2)
    (picture,) = shown.images
    assert picture.shape == (3, 448, 608)
    assert 256 * TOKEN <= picture[0].numel() < 300 * TOKEN
    assert shown.facts == {"pixels": "608x448"}


def test_reason2_shows_what_the_processor_itself_would_make_of_that_size(tmp_path: Path) -> None:
    """scripts/inference_sample.py sets the processor's `size`; here the picture is brought to that size before."""
    write_images(tmp_path, [(300, 100)])
    path = tmp_path / "image-0.png"
    (picture,) = show([path], Sizes(Real, REASON2, Vision()), REASON2).images
    ours = Real.image_processor(images=[picture], do_resize=False, return_tensors="pt")
    size = {"shortest_edge": 256 * TOKEN, "longest_edge": 8192 * TOKEN}
    theirs = Real.image_processor(images=[load_image(path)], size=size, return_tensors="pt")
    assert torch.equal(ours["pixel_values"], theirs["pixel_values"])
    assert torch.equal(ours["image_grid_thw"], theirs["image_grid_thw"])


@pytest.mark.parametrize("frames", [9, 30])
def test_reason2_shows_the_frames_that_the_processor_itself_would(tmp_path: Path, frames: int) -> None:
    """The same script asks for 4 frames a second within 256 to 8192 tokens of all frames together."""
    path = write_video(tmp_path / "clip.mp4", frames=frames)
    shown = show([path], Sizes(Real, REASON2, Vision()), REASON2)
    (ours,) = shown.clips
    every = load_frames(path, range(frames))
    size = {"shortest_edge": 256 * TOKEN, "longest_edge": 8192 * TOKEN}
    metadata = {"total_num_frames": frames, "fps": every.fps}
    whole = torch.from_numpy(every.frames).permute(0, 3, 1, 2)
    theirs = Real.video_processor(
        videos=[whole], video_metadata=[metadata], fps=4, do_sample_frames=True, size=size, return_tensors="pt"
    )
    again = Real.video_processor(
        videos=[ours], video_metadata=[dict(shown.metadata[0])], do_sample_frames=False, do_resize=False,
        return_tensors="pt",
    )  # fmt: skip
    assert torch.equal(again["video_grid_thw"], theirs["video_grid_thw"])
    assert torch.equal(again["pixel_values_videos"], theirs["pixel_values_videos"])
    assert shown.facts["frames"] == str(len(ours))


@pytest.mark.parametrize(
    ("wish", "count", "expected"),
    [
        pytest.param(Vision(), 8, Bounds(128 * 784, 768 * 784), id="few frames: 768 tokens each"),
        pytest.param(Vision(), 64, Bounds(128 * 784, 256 * 784), id="many share 8192 tokens, two of them one"),
        pytest.param(Vision(), 768, Bounds(128 * 784, int(128 * 784 * 1.05)), id="never less than the least"),
        pytest.param(Vision(total_pixels=81920), 4, Bounds(128 * 784, int(128 * 784 * 1.05)), id="a small total"),
        pytest.param(Vision(max_pixels=200 * 784), 8, Bounds(128 * 784, 200 * 784), id="smaller frames"),
        pytest.param(Vision(max_pixels=9999 * 784), 8, Bounds(128 * 784, 768 * 784), id="a wish beyond the limit"),
    ],
)
def test_reason1_shares_the_pixels_out_among_the_frames(wish: Vision, count: int, expected: Bounds) -> None:
    from pytest_cosmos.prompting import vision_of

    assert frame_bounds(REASON1.vision, vision_of(REASON1.vision, wish, "video"), count) == expected


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        pytest.param(Vision(), (1280, 704), id="as the publisher"),
        pytest.param(Vision(max_pixels=64 * TOKEN), (320, 192), id="pixels of a frame"),
        pytest.param(Vision(total_pixels=8 * 64 * TOKEN), (320, 192), id="pixels of all frames"),
    ],
)
def test_reason2_sizes_of_a_long_clip(wish: Vision, expected: tuple[int, int]) -> None:
    from pytest_cosmos.prompting import vision_of

    own = Bounds(4096, 25165824)
    vision = vision_of(REASON2.vision, wish, "video")
    height, width = clip_size(REASON2.vision, vision, own, (8, 720, 1280), 32, wish)
    assert (width, height) == expected


def test_a_checkpoint_made_for_small_pictures_keeps_to_them(tmp_path: Path) -> None:
    processor = AutoProcessor.from_pretrained(CHECKPOINT)
    usual = Sizes(processor, REASON2, Vision())
    assert (usual.resizes_images, usual.resizes_clips) == (False, False)
    asked = Sizes(processor, REASON2, Vision(max_pixels=64 * TOKEN))
    assert (asked.resizes_images, asked.resizes_clips) == (True, True)
    write_images(tmp_path, [(640, 480)])
    (picture,) = show([tmp_path / "image-0.png"], asked, REASON2).images
    assert picture.shape == (3, 192, 288)


@pytest.fixture(scope="module", params=["tiny", "reason1"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Give the embedded model, which is a Reason2 in small, and an untrained Reason1."""
    root = tmp_path_factory.mktemp("checkpoint")
    folder = CHECKPOINT if request.param == "tiny" else write_reason1(root / "reason1")
    return load(locate(str(folder)), settings_of(root))


def mixed_cases(folder: Path, wish: Vision) -> tuple[Case, ...]:
    """Two videos of unlike length, a picture, and a sample that shows a picture and a video."""
    write_video(folder / "short.mp4", frames=6)
    write_video(folder / "long.webm", frames=20)
    picture = write_images(folder, [(96, 64)])[0]
    samples = [
        Sample(id="short", media=("short.mp4",), label="cracked"),
        Sample(id="long", media=("long.webm",), label="cracked"),
        picture,
        Sample(id="both", media=("short.mp4", *picture.media), label="cracked"),
    ]
    prompts = [prompt.model_copy(update={"vision": wish}) for prompt in (BINARY, SEVERITY)]
    return cases_of(samples, prompts)


def plainly(loaded: Loaded, folder: Path, case: Case, model: Any) -> list[int]:
    """Ask one case the way transformers' documentation does, with the media prepared as for a batch."""
    sizes = Sizes(loaded.processor, loaded.family, case.prompt.vision)
    shown = show([folder / name for name in case.sample.media], sizes, loaded.family)
    chat = messages(loaded.family, case.prompt, shown.kinds)
    text = loaded.processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    media: dict[str, Any] = {"images": list(shown.images)} if shown.images else {}
    if shown.clips:
        media |= {"videos": list(shown.clips), "video_metadata": [dict(clip) for clip in shown.metadata]}
        media |= {"do_sample_frames": False}
    resize = not (sizes.resizes_clips or sizes.resizes_images)
    inputs = loaded.processor(text=[text], do_resize=resize, return_tensors="pt", **media)
    output = model.generate(**inputs, do_sample=False, max_new_tokens=LIMIT)
    tokens: list[int] = output[0, inputs["input_ids"].shape[1] :].tolist()
    return tokens


def test_videos_and_pictures_in_one_batch_as_each_alone(loaded: Loaded, tmp_path: Path) -> None:
    wish = Vision(fps=2.0, max_pixels=28 * 28 * 16) if loaded.record.family == "reason1" else Vision(fps=2.0)
    cases = mixed_cases(tmp_path, wish)
    batch = Preparer(loaded, {SUITE: tmp_path}, MEDIA).prepare(cases)
    assert batch.inputs is not None
    assert batch.inputs.shared
    together = generate(loaded.model, batch.inputs, LIMIT, lambda: False)
    model = AutoModelForImageTextToText.from_pretrained(loaded.record.name, dtype=torch.float32)
    for case, written in zip(cases, together, strict=True):
        assert written.tokens == plainly(loaded, tmp_path, case, model), case.key
    facts = dict(zip((case.sample.id for case in cases), batch.vision, strict=True))
    assert facts["short"]["frames"] == "4"
    assert "frames" not in facts["s0"]


def test_a_clip_that_cannot_be_read_spoils_no_other(loaded: Loaded, tmp_path: Path) -> None:
    cases = mixed_cases(tmp_path, Vision(fps=2.0))
    (tmp_path / "long.webm").write_bytes(b"no video")
    batch = Preparer(loaded, {SUITE: tmp_path}, MEDIA).prepare(cases)
    assert {case.sample.id for case, _ in batch.failed} == {"long"}
    assert all("cannot be read" in why for _, why in batch.failed)
    assert len(batch.cases) == len(cases) - 2
