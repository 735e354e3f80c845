"""Sharing what prompts have in common changes nothing: the same tokens, the same confidence as plain generation."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText

from pytest_cosmos.engines import transformers_inputs
from pytest_cosmos.engines.models import locate
from pytest_cosmos.engines.transformers_confidence import alternatives
from pytest_cosmos.engines.transformers_generate import Inputs, generate
from pytest_cosmos.engines.transformers_inputs import Preparer, Rendered, parts
from pytest_cosmos.engines.transformers_load import Loaded, load
from pytest_cosmos.media import load_image
from pytest_cosmos.prompting import messages
from pytest_cosmos.records import Case
from pytest_cosmos.tiny import CHECKPOINT
from tests.unit.builders import BINARY, SEVERITY, TRAVERSAL
from tests.unit.checkpoints import write_reason1
from tests.unit.engine_builders import MEDIA, SUITE, cases_of, settings_of, write_images

LIMIT = 20
ANYWAY = BINARY.model_copy(update={"name": "short", "text": "Cracked?", "reasoning": False})


@pytest.fixture(scope="module", params=["tiny", "reason1"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the embedded model, which is a Reason2 in small, and an untrained Reason1."""
    return CHECKPOINT if request.param == "tiny" else write_reason1(tmp_path_factory.mktemp("checkpoint") / "reason1")


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Loaded:
    loaded = load(locate(str(folder)), settings_of(folder))
    patch = 32 if loaded.record.family == "reason2" else 28  # px that a visual token is wide
    loaded.processor.image_processor.size = {"shortest_edge": patch**2, "longest_edge": 48 * patch**2}
    return loaded


@functools.cache
def untouched(checkpoint: str) -> Any:
    """Load the model with transformers alone."""
    return AutoModelForImageTextToText.from_pretrained(checkpoint, dtype=torch.float32)


def plainly(loaded: Loaded, folder: Path, case: Case) -> tuple[list[int], torch.Tensor]:
    """Ask one case the way transformers' documentation does, and keep the whole vocabulary's scores."""
    chat = messages(loaded.family, case.prompt)
    text = loaded.processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    image = load_image(folder / case.sample.media[0])
    inputs = loaded.processor(text=[text], images=[image], return_tensors="pt")
    output = untouched(loaded.record.name).generate(
        **inputs, do_sample=False, max_new_tokens=LIMIT, output_logits=True, return_dict_in_generate=True
    )
    tokens: list[int] = output.sequences[0, inputs["input_ids"].shape[1] :].tolist()
    return tokens, torch.stack(output.logits)[:, 0]


def check_equal(loaded: Loaded, folder: Path, cases: tuple[Case, ...], inputs: Inputs) -> None:
    written = generate(loaded.model, inputs, LIMIT, lambda: False)
    for case, ours in zip(cases, written, strict=True):
        tokens, logits = plainly(loaded, folder, case)
        assert ours.tokens == tokens, case.key
        choices = alternatives(loaded.processor.tokenizer, case.prompt.choices)
        assert choices is not None
        watched = torch.tensor(choices.tokens)
        assert ours.scores is not None
        confidences = ours.scores[: len(tokens), -len(watched) :].softmax(-1)
        torch.testing.assert_close(confidences, logits[:, watched].softmax(-1), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    "prompts",
    [
        pytest.param((BINARY, TRAVERSAL, SEVERITY), id="three prompts"),
        pytest.param((SEVERITY,), id="one prompt"),
        pytest.param((SEVERITY, ANYWAY), id="lengths far apart"),
    ],
)
def test_images_of_several_sizes_in_one_batch(loaded: Loaded, tmp_path: Path, prompts: Any) -> None:
    cases = cases_of(write_images(tmp_path), prompts)
    batch = Preparer(loaded, {SUITE: tmp_path}, MEDIA).prepare(cases)
    assert batch.inputs is not None
    assert batch.inputs.shared, "the prefix should be shared"
    assert len(set(batch.input_tokens)) > 2, "the images should differ in tokens"
    check_equal(loaded, tmp_path, cases, batch.inputs)


def test_prompts_generated_one_after_the_other_from_one_prefix(
    loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformers_inputs, "_TOGETHER", 1)
    cases = cases_of(write_images(tmp_path))
    batch = Preparer(loaded, {SUITE: tmp_path}, MEDIA).prepare(cases)
    assert batch.inputs is not None
    assert len(batch.inputs.parts) == len({case.prompt.name for case in cases})
    check_equal(loaded, tmp_path, cases, batch.inputs)


def rendered(suffix: str) -> Rendered:
    return Rendered("", suffix, tuple(suffix.encode()), None)


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        pytest.param(None, [(1, 3, 4, 0, 2)], id="all at once"),
        pytest.param(1, [(1, 3), (4,), (0, 2)], id="a prompt at a time, the shortest first"),
        pytest.param(3, [(1, 3, 4), (0, 2)], id="never less than asked but at the end"),
    ],
)
def test_prompts_of_like_length_go_together(least: int | None, expected: list[tuple[int, ...]]) -> None:
    prompts = [rendered(suffix) for suffix in ("longest", "a", "longest", "a", "mid")]
    assert list(parts(prompts, least)) == expected


def test_samples_with_different_numbers_of_prompts_in_one_batch(loaded: Loaded, tmp_path: Path) -> None:
    samples = write_images(tmp_path)
    cases = (*cases_of(samples[:1], (BINARY,)), *cases_of(samples[1:2]), *cases_of(samples[2:3], (TRAVERSAL, SEVERITY)))
    batch = Preparer(loaded, {SUITE: tmp_path}, MEDIA).prepare(cases)
    assert batch.inputs is not None
    check_equal(loaded, tmp_path, cases, batch.inputs)


def test_several_images_of_one_sample(loaded: Loaded, tmp_path: Path) -> None:
    one, two, *_ = write_images(tmp_path)
    both = one.model_copy(update={"media": one.media + two.media})
    cases = cases_of([both, two])
    batch = Preparer(loaded, {SUITE: tmp_path}, MEDIA).prepare(cases)
    assert batch.inputs is not None
    assert len(batch.inputs.media["image_grid_thw"]) == 3
    alone = [Preparer(loaded, {SUITE: tmp_path}, MEDIA).prepare([case]) for case in cases]
    together = generate(loaded.model, batch.inputs, LIMIT, lambda: False)
    for row, single in enumerate(alone):
        assert single.inputs is not None
        assert generate(loaded.model, single.inputs, LIMIT, lambda: False)[0].tokens == together[row].tokens


def test_prompts_that_share_nothing_are_asked_whole(loaded: Loaded, tmp_path: Path) -> None:
    cases = cases_of(write_images(tmp_path))
    preparer = Preparer(loaded, {SUITE: tmp_path}, ())
    batch = preparer.prepare(cases)
    assert batch.inputs is not None
    assert not batch.inputs.shared
    assert batch.inputs.shape()[0] == len(cases)
    check_equal(loaded, tmp_path, cases, batch.inputs)


def test_lengths_count_no_padding(loaded: Loaded, tmp_path: Path) -> None:
    cases = cases_of(write_images(tmp_path))
    shared = Preparer(loaded, {SUITE: tmp_path}, MEDIA).prepare(cases)
    whole = Preparer(loaded, {SUITE: tmp_path}, ()).prepare(cases)
    assert shared.input_tokens == whole.input_tokens


def test_generation_ends_when_told_to(loaded: Loaded, tmp_path: Path) -> None:
    batch = Preparer(loaded, {SUITE: tmp_path}, MEDIA).prepare(cases_of(write_images(tmp_path)[:1]))
    assert batch.inputs is not None
    written = generate(loaded.model, batch.inputs, LIMIT, lambda: True)
    assert [len(row.tokens) for row in written] == [1, 1, 1]


def test_a_prompt_longer_than_the_context_is_refused(loaded: Loaded, tmp_path: Path) -> None:
    endless = BINARY.model_copy(update={"text": "crack " * 5000})
    batch = Preparer(loaded, {SUITE: tmp_path}, MEDIA).prepare(cases_of(write_images(tmp_path)[:1], (endless,)))
    assert batch.inputs is not None
    with pytest.raises(ValueError, match=r"the prompt has \d+ tokens, the model's context only 4096"):
        generate(loaded.model, batch.inputs, LIMIT, lambda: False)
