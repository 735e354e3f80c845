"""Foreign models share the beginning of a sample's prompts exactly where that changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForImageTextToText, AutoProcessor

from pytest_cosmos.engines import transformers_generate
from pytest_cosmos.engines.models import locate
from pytest_cosmos.engines.transformers import TransformersEngine
from pytest_cosmos.engines.transformers_generate import Written, generate
from pytest_cosmos.engines.transformers_inputs import Preparer, check_shown
from pytest_cosmos.engines.transformers_load import Loaded, load
from pytest_cosmos.engines.transformers_prefix import _equal, shared_kinds
from pytest_cosmos.media import MediaKind, load_image
from pytest_cosmos.prompting import messages
from pytest_cosmos.records import Case, Sample
from pytest_cosmos.tiny import CHECKPOINT
from tests.unit.builders import BINARY, SEVERITY
from tests.unit.engine_builders import MEDIA, SUITE, cases_of, settings_of, write_images
from tests.unit.foreign_checkpoints import FOREIGN, write_foreign

# PaliGemma's processor in transformers itself
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


LIMIT = 8
SIZES = ((128, 128), (300, 100), (90, 260))
IMAGES: frozenset[MediaKind] = frozenset({"image"})
ALL, NONE = frozenset(MEDIA), frozenset[MediaKind]()
SHARES = {
    "llava": IMAGES,
    "llava_onevision": ALL,
    "internvl": ALL,
    "idefics3": IMAGES,
    "mistral3": IMAGES,
    "qwen2_vl": ALL,  # has multimodal positions
    "gemma3": NONE,  # a sliding window
    "paligemma": NONE,  # its prompts look forward
    "lfm2_vl": NONE,  # a recurrent state
}


def loaded_of(folder: Path, name: str, **settings: object) -> Loaded:
    checkpoint = write_foreign(name, folder / "checkpoint")
    return load(locate(str(checkpoint)), settings_of(folder, **settings))


def plainly(loaded: Loaded, model: Any, folder: Path, case: Case) -> list[int]:
    """Ask one case the way transformers' documentation does."""
    processor = AutoProcessor.from_pretrained(loaded.record.name)
    text = processor.apply_chat_template(
        messages(loaded.family, case.prompt), tokenize=False, add_generation_prompt=True
    )
    image = load_image(folder / case.sample.media[0])
    inputs = processor(text=[text], images=[[image]], return_tensors="pt")
    output = model.generate(**inputs, do_sample=False, max_new_tokens=LIMIT)
    tokens: list[int] = output[0, inputs["input_ids"].shape[1] :].tolist()
    return tokens


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_shared_is_what_plain_generation_gives(name: str, tmp_path: Path) -> None:
    loaded = loaded_of(tmp_path, name)
    shares = shared_kinds(loaded)
    assert shares == SHARES[name]
    cases = cases_of(write_images(tmp_path, SIZES), (BINARY, SEVERITY))
    inputs = Preparer(loaded, {SUITE: tmp_path}, shares).prepare(cases).inputs
    assert inputs is not None
    assert inputs.shared == bool(shares)
    written = generate(loaded.model, inputs, LIMIT, lambda: False)
    model = AutoModelForImageTextToText.from_pretrained(loaded.record.name, dtype=torch.float32)
    said = [plainly(loaded, model, tmp_path, case) for case in cases]
    assert [row.tokens for row in written] == said
    assert len(set(map(tuple, said))) > 2, "replies must hang on the pictures, not on the two prompts alone"


@pytest.mark.parametrize("name", ["llava", "paligemma"])
def test_rounding_in_half_precision_hides_nothing_and_forbids_nothing(name: str, tmp_path: Path) -> None:
    assert shared_kinds(loaded_of(tmp_path, name, dtype="bfloat16")) == SHARES[name]


def test_a_cache_that_is_repeated_wrongly_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = loaded_of(tmp_path, "qwen2_vl")
    monkeypatch.setattr(transformers_generate, "_set_offsets", lambda *_: None)
    assert shared_kinds(loaded) == frozenset()


def written(tokens: list[int], scores: list[list[float]] | None) -> Written:
    return Written(tokens, False, None if scores is None else torch.tensor(scores))


@pytest.mark.parametrize(
    ("ours", "dtype", "equal"),
    [
        pytest.param(written([5, 6], [[1.0, 9.0], [3.0, 4.0]]), "float32", True, id="the same"),
        pytest.param(written([5, 6], [[0.0, 1.0, 9.0], [0.0, 3.0, 4.0], [7.0, 7.0, 7.0]]), "float32", True,
                     id="the same, padded and longer"),
        pytest.param(written([5, 7], [[1.0, 9.0], [3.0, 4.0]]), "bfloat16", False, id="another token"),
        pytest.param(written([5, 6], [[1.0, 9.0], [3.0, 4.1]]), "float32", False, id="another score"),
        pytest.param(written([5, 6], [[1.0, 9.0], [3.0, 4.1]]), "bfloat16", True, id="rounded in half precision"),
        pytest.param(written([5, 6], [[1.0, 9.0], [3.0, 4.9]]), "bfloat16", False, id="more than rounded"),
        pytest.param(written([5, 6], None), "float32", False, id="no scores to tell by"),
    ],
)  # fmt: skip
def test_equal_are_tokens_and_scores(ours: Written, dtype: str, equal: bool) -> None:
    assert _equal(ours, written([5, 6], [[1.0, 9.0], [3.0, 4.0]]), dtype) is equal


@pytest.mark.parametrize(
    ("write", "manner"),
    [
        pytest.param(lambda _: CHECKPOINT, "shared (image, video)", id="tiny"),
        pytest.param(lambda folder: write_foreign("llava", folder), "shared (image)", id="llava"),
        pytest.param(lambda folder: write_foreign("gemma3", folder), "whole", id="gemma3"),
    ],
)
def test_a_run_records_how_prefixes_were_read(write: Callable[[Path], Path], manner: str, tmp_path: Path) -> None:
    engine = TransformersEngine(settings_of(tmp_path, model=str(write(tmp_path / "checkpoint"))), {SUITE: tmp_path})
    engine.load()
    assert engine.describe().generation["prefix"] == manner


def test_a_model_that_takes_no_videos_is_not_asked_about_them(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    for frame in range(2):
        Image.new("RGB", (64, 64), (frame, 0, 0)).save(tmp_path / "clip" / f"{frame}.png")
    checkpoint = write_foreign("llava", tmp_path / "checkpoint")
    engine = TransformersEngine(settings_of(tmp_path, model=str(checkpoint), max_new_tokens=2), {SUITE: tmp_path})
    engine.load()
    video = Sample(id="video", media=("clip",), label="cracked")
    images = write_images(tmp_path, SIZES[:1])
    replies = {reply.case_key: reply for reply in engine.answer(cases_of([video, *images], (BINARY,)))}
    assert replies[f"{SUITE}/s0-{BINARY.name}"].finish == "length"
    error = replies[f"{SUITE}/video-{BINARY.name}"].error
    assert "the model cannot be shown this sample: its chat template has room for 0 of 1 videos" in error


class Processor:
    image_token = "<image>"


@pytest.mark.parametrize(
    ("text", "kinds", "problem"),
    [
        pytest.param("<image><image>?", ("image", "image"), None, id="all have a place"),
        pytest.param("?", (), None, id="no media"),
        pytest.param("<image>?", ("image", "image"), "room for 1 of 2 images", id="one image too many"),
        pytest.param("<image>?", ("image", "video"), "room for 0 of 1 videos", id="no videos"),
    ],
)
def test_every_medium_has_a_place_in_the_prompt(text: str, kinds: Any, problem: str | None) -> None:
    if problem is None:
        check_shown(Processor(), text, kinds)
    else:
        with pytest.raises(ValueError, match=problem):
            check_shown(Processor(), text, kinds)


@pytest.mark.parametrize("start", ["", "<|im_start|>"])
def test_a_prompt_begins_once(start: str, tmp_path: Path) -> None:
    """Tokenizers like Llama's write the token that begins a text; so do some chat templates."""
    loaded = loaded_of(tmp_path, "llava")
    tokenizer = loaded.processor.tokenizer
    tokenizer.bos_token = "<|im_start|>"
    begin = tokenizer.bos_token_id
    tokenizer._tokenizer.post_processor = TemplateProcessing(
        single="<|im_start|> $A", special_tokens=[("<|im_start|>", begin)]
    )
    loaded.processor.chat_template = start + loaded.processor.chat_template
    inputs = Preparer(loaded, {SUITE: tmp_path}, IMAGES).prepare(cases_of(write_images(tmp_path, SIZES[:1]))).inputs
    assert inputs is not None
    assert inputs.shared
    assert (inputs.media["input_ids"] == begin).sum(1).tolist() == [1]
    assert not any((part.suffix == begin).any() for part in inputs.parts if part.suffix is not None)
