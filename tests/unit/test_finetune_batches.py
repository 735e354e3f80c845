"""What a model is trained on is what it is asked in evaluation, and then the reply; only the reply carries a loss."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pytest_cosmos.engines.transformers_inputs import Preparer
from pytest_cosmos.engines.transformers_load import Loaded
from pytest_cosmos.errors import Problems
from pytest_cosmos.finetune.augment import Augmentation
from pytest_cosmos.finetune.batches import IGNORED, Collator, Drawn
from pytest_cosmos.finetune.recipe import Recipe
from pytest_cosmos.finetune.training import reply_loss, token_weights
from pytest_cosmos.records import Vision
from pytest_cosmos.suites import Suite
from tests.unit.checkpoints import write_reason1, write_reason2
from tests.unit.finetune_builders import drawn, loaded, read_floors
from tests.unit.finetune_suites import drives


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return read_floors(tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="module", params=[write_reason1, write_reason2], ids=["reason1", "reason2"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    write: Callable[[Path], Path] = request.param
    folder = tmp_path_factory.mktemp("model")
    return loaded(folder, str(write(folder / "checkpoint")))


def collator(suite: Suite, model: Loaded, vary: Augmentation | None = None) -> Collator:
    return Collator(model, {suite.name: suite.folder}, vary=vary)


def test_prompts_are_those_of_evaluation(suite: Suite, model: Loaded) -> None:
    batch = drawn(suite, model)[:7]
    cases = [one.example.case for one in batch]

    made = collator(suite, model)(batch)

    asked = Preparer(model, {suite.name: suite.folder}, ()).prepare(cases).inputs
    assert asked is not None
    length = asked.media["input_ids"].shape[1]
    for name, tensor in asked.media.items():
        same = made[name][:, :length] if name in ("input_ids", "attention_mask", "mm_token_type_ids") else made[name]
        assert torch.equal(same, tensor), name


def test_the_reply_and_its_end_alone_are_learnt(suite: Suite, model: Loaded) -> None:
    batch = drawn(suite, model)[:7]
    tokenizer = model.processor.tokenizer

    made = collator(suite, model)(batch)

    for row, one in enumerate(batch):
        learnt = made["labels"][row][made["labels"][row] != IGNORED].tolist()
        assert tokenizer.decode(learnt) == f"{one.example.response}<|im_end|>"
        answers = made["labels"][row][made["answers"][row] == 1].tolist()
        tail = one.example.response[one.example.response.rindex(one.example.case.expected) :]
        assert tokenizer.decode(answers) == f"{tail}<|im_end|>"
        written = made["input_ids"][row, -made["labels"].shape[1] :][made["labels"][row] != IGNORED].tolist()
        assert written == learnt
    padding = made["labels"][:, 1:] == IGNORED
    assert padding.any(), "replies of unlike length"
    assert not made["attention_mask"][:, -padding.shape[1] :][padding].any()


def test_the_loss_is_the_models_own_over_the_same_tokens(suite: Suite, model: Loaded) -> None:
    made = collator(suite, model)(drawn(suite, model)[:5])
    labels, answers, hazards = (made.pop(name) for name in ("labels", "answers", "hazards"))
    alike, answer = (token_weights(Recipe(answer_weight=more), answers, hazards) for more in (0, 1))
    whole = torch.full_like(made["input_ids"], IGNORED)
    whole[:, -labels.shape[1] :] = labels

    with torch.no_grad():
        output = model.model(**made, labels=whole)
        ours = reply_loss(output.logits, labels, alike, None)
        weighted = reply_loss(output.logits, labels, answer, None)
        halved = reply_loss(output.logits, labels, alike, 2 * int((labels != IGNORED).sum()))

    assert ours.item() == pytest.approx(output.loss.item(), rel=1e-5)
    assert weighted.item() > ours.item(), "tokens of the answer count twice"
    assert halved.item() == pytest.approx(ours.item() / 2, rel=1e-5), "a part of a batch of twice as many tokens"


def test_a_reply_to_a_hazard_may_count_more(suite: Suite, model: Loaded) -> None:
    batch = drawn(suite, model)[:7]
    dangerous = [one.example.case.is_hazard for one in batch]
    assert len(set(dangerous)) == 2, "one of each at least"

    made = collator(suite, model)(batch)
    weights = token_weights(Recipe(answer_weight=3, hazard_weight=2), made["answers"], made["hazards"])

    for row, danger in enumerate(dangerous):
        assert set(weights[row].tolist()) == ({2.0, 8.0} if danger else {1.0, 4.0})


def test_prompts_shown_in_different_ways_make_one_batch(suite: Suite, model: Loaded) -> None:
    batch = drawn(suite, model)[:4]
    case = batch[1].example.case
    small = case.prompt.model_copy(update={"vision": Vision(max_pixels=64 * 64)})
    batch[1] = Drawn(replace(batch[1].example, case=case.model_copy(update={"prompt": small})), 1)

    made = collator(suite, model)(batch)

    alone = [collator(suite, model)([one]) for one in (batch[0], batch[2], batch[3], batch[1])]
    assert len(made["input_ids"]) == 4
    assert torch.equal(made["pixel_values"], torch.cat([one["pixel_values"] for one in alone]))
    for row, one in enumerate(alone):
        kept = made["input_ids"][row][made["attention_mask"][row] == 1]
        assert torch.equal(kept, one["input_ids"][0])


def test_reasoning_of_another_sample_is_read_but_not_learnt(suite: Suite, model: Loaded) -> None:
    batch = [one for one in drawn(suite, model) if one.example.case.prompt.reasoning][:6]
    strange = Collator(model, {suite.name: suite.folder}, other_thoughts=0.999, thoughts=("Nothing is to be seen.",))

    made = strange(batch)

    text = model.processor.tokenizer.decode(made["input_ids"][0][made["attention_mask"][0] == 1])
    assert "Nothing is to be seen." in text
    assert batch[0].example.case.sample.reasoning not in text
    assert ((made["labels"] != IGNORED) == (made["answers"] == 1)).all()


def test_pictures_vary_by_seed_alone(suite: Suite, model: Loaded) -> None:
    vary = collator(suite, model, Augmentation())
    first, *_ = drawn(suite, model)

    pixels = [vary([replace(first, seed=seed)])["pixel_values"] for seed in (3, 3, 4)]

    assert torch.equal(pixels[0], pixels[1])
    assert not torch.equal(pixels[0], pixels[2])
    assert not torch.equal(pixels[0], collator(suite, model)([first])["pixel_values"])


def test_a_picture_that_has_gone_is_named(suite: Suite, model: Loaded, tmp_path: Path) -> None:
    first = drawn(suite, model)[0]

    with pytest.raises(Problems, match=f"{first.example.case.key}: the media of this sample cannot be read"):
        Collator(model, {suite.name: tmp_path})([first])


@pytest.fixture
def several(tmp_path: Path) -> tuple[Collator, list[Drawn], Loaded]:
    """Draw samples of several media for a model whose publisher's code numbers them."""
    suite, model = drives(tmp_path), loaded(tmp_path, str(write_reason2(tmp_path / "checkpoint")))
    batch = [one for one in drawn(suite, model) if len(one.example.case.sample.media) > 1]
    return collator(suite, model), batch, model


def test_several_media_are_shown_without_a_word_of_transformers(
    several: tuple[Collator, list[Drawn], Loaded], caplog: pytest.LogCaptureFixture
) -> None:
    collate, batch, _ = several
    speaks = logging.getLogger("transformers")  # it hands nothing on to others' handlers
    speaks.addHandler(caplog.handler)

    collate(batch)

    speaks.removeHandler(caplog.handler)
    assert not caplog.messages


def test_a_template_that_numbers_media_is_told_to(several: tuple[Collator, list[Drawn], Loaded]) -> None:
    collate, batch, model = several
    model.processor.chat_template += "{% if add_vision_ids %}NUMBERED{% endif %}"

    made = collate(batch)

    assert "NUMBERED" in model.processor.tokenizer.decode(made["input_ids"][0])
