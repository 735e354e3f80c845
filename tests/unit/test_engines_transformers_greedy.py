"""The greedy loop says what transformers' `generate` says, and takes out of the batch what has ended."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers.cache_utils import DynamicLayer

from pytest_cosmos.engines import transformers_generate
from pytest_cosmos.engines.models import locate
from pytest_cosmos.engines.transformers_generate import Inputs, Written, generate
from pytest_cosmos.engines.transformers_greedy import RoomyLayer
from pytest_cosmos.engines.transformers_inputs import Preparer
from pytest_cosmos.engines.transformers_load import Loaded, load
from pytest_cosmos.tiny import CHECKPOINT
from tests.unit.checkpoints import write_reason1
from tests.unit.engine_builders import SUITE, cases_of, settings_of, write_images

LIMIT = 40


@pytest.fixture(scope="module", params=["tiny", "reason1"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    tiny = request.param == "tiny"
    folder = CHECKPOINT if tiny else write_reason1(tmp_path_factory.mktemp("checkpoint") / "reason1")
    return load(locate(str(folder)), settings_of(folder))


@pytest.fixture(scope="module")
def inputs(loaded: Loaded, tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("images")
    batch = Preparer(loaded, {SUITE: folder}, {"image"}).prepare(cases_of(write_images(folder)))
    assert batch.inputs is not None
    return batch.inputs


def by_transformers(loaded: Loaded, inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> list[Written]:
    with monkeypatch.context() as patch:
        # sampled without any change of the scores and drawn greedily: the other way through `generate`
        patch.setattr(transformers_generate, "choose_by", lambda *_: ({"do_sample": False}, []))
        return generate(loaded.model, Inputs(inputs.media, inputs.parts, object()), LIMIT, lambda: False)  # type: ignore[arg-type]


def sizes_of_batches(model: Any, work: Any) -> list[int]:
    """Return how many rows each reading of the text model had."""
    sizes: list[int] = []
    hook = model.model.language_model.register_forward_hook(
        lambda _module, _arguments, output: sizes.append(len(output[0]))
    )
    try:
        work()
    finally:
        hook.remove()
    return sizes


def test_says_what_generate_says(loaded: Loaded, inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = generate(loaded.model, inputs, LIMIT, lambda: False)
    for one, other in zip(ours, by_transformers(loaded, inputs, monkeypatch), strict=True):
        assert (one.tokens, one.ended) == (other.tokens, other.ended)
        assert one.scores is not None
        assert other.scores is not None
        length = len(one.tokens)
        torch.testing.assert_close(one.scores[:length], other.scores[:length], atol=1e-4, rtol=0)


def test_rows_that_end_early_leave_the_batch(loaded: Loaded, inputs: Inputs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that stands at another place in every reply is made the end."""
    whole = generate(loaded.model, inputs, LIMIT, lambda: False)
    ends = sorted({row.tokens[4 + 3 * number] for number, row in enumerate(whole) if len(row.tokens) > 4 + 3 * number})
    monkeypatch.setattr(loaded.model.generation_config, "eos_token_id", ends)
    said: list[Written] = []
    sizes = sizes_of_batches(loaded.model, lambda: said.extend(generate(loaded.model, inputs, LIMIT, lambda: False)))
    assert len({len(row.tokens) for row in said}) > 1, "the rows should end at different steps"
    assert min(sizes[1:]) < len(said) // 2, "no row was dropped"
    for one, other in zip(said, by_transformers(loaded, inputs, monkeypatch), strict=True):
        length = len(one.tokens)
        assert (one.tokens, one.ended) == (other.tokens, other.ended)
        assert one.scores is not None
        assert other.scores is not None
        torch.testing.assert_close(one.scores[:length], other.scores[:length], atol=1e-4, rtol=0)


def states(length: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(3, 2, length, 4), torch.randn(3, 2, length, 4)


def test_a_layer_with_room_holds_what_transformers_layer_holds() -> None:
    usual = DynamicLayer()
    usual.update(*states(7))
    roomy = RoomyLayer(usual)
    for length in (5, 1, 1, 80, 1):
        new = states(length)
        for ours, theirs in zip(roomy.update(*new), usual.update(*new), strict=True):
            assert torch.equal(ours, theirs)
        assert roomy.get_seq_length() == usual.get_seq_length()
    kept = torch.tensor([2, 0])
    roomy.batch_select_indices(kept)
    assert torch.equal(roomy.keys, usual.keys[kept])
    more = states(1)[0][kept]
    keys, _ = roomy.update(more, more)
    assert torch.equal(keys, torch.cat([usual.keys[kept], more], dim=2))


def test_a_layer_with_room_leaves_the_one_it_was_made_of_as_it_is() -> None:
    usual = DynamicLayer()
    usual.update(*states(3))
    before = usual.keys.clone()
    one, other = RoomyLayer(usual), RoomyLayer(usual)
    one.update(*states(1))
    other.update(*states(1))
    one.update(*states(1))
    assert torch.equal(usual.keys, before)
    assert not torch.equal(one.keys[:, :, 3], other.keys[:, :, 3])
