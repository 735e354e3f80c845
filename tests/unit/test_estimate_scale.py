"""The paper estimate: the family's pixel rules, the formula by hand, and what changes it which way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

from tools.estimate_scale import GPUS, MODELS, Job, estimate


@given(st.integers(40, 8000), st.integers(40, 8000), st.sampled_from(["reason1", "reason2"]))
def test_vision_tokens_are_those_of_the_family(width: int, height: int, name: str) -> None:
    model = MODELS[name]
    high, wide = smart_resize(height, width, model.unit, model.min_pixels, model.max_pixels)
    assert model.vision_tokens(width, height) == (high // model.unit) * (wide // model.unit)


def test_the_worked_example_of_the_docs() -> None:
    found = estimate(Job(), MODELS["reason2-8b"], GPUS["h100"])
    assert found.vision_tokens == 40 * 22
    assert found.read_tokens == 1_000_000 * (880 + 3 * 120)
    assert found.written_tokens == 1_000_000 * 600
    assert found.read_hours == pytest.approx(1e6 * (2 * 8.2e9 * 1240 + 2 * 0.58e9 * 3520) / (989e12 * 0.4) / 3600)
    moved = 2 * 8.78e9 + 128 * (880 + 120 + 100) * 147_456
    assert found.write_hours == pytest.approx(1e6 * 600 / 128 * moved / (3.35e12 * 0.5) / 3600)
    assert found.wall_hours == pytest.approx(found.gpu_hours / 8 / 0.85)
    assert found.cost == pytest.approx(found.wall_hours * 8 * 3.0)


def test_what_changes_it_which_way() -> None:
    model, gpu = MODELS["reason2-8b"], GPUS["h100"]
    usual = estimate(Job(), model, gpu)
    assert estimate(Job(shared=False), model, gpu).read_tokens == 3_000_000_000
    assert estimate(Job(reply_tokens=5), model, gpu).write_hours < usual.write_hours / 30
    assert estimate(Job(gpus=16), model, gpu).wall_hours == pytest.approx(usual.wall_hours / 2)
    assert estimate(Job(gpus=16), model, gpu).cost == pytest.approx(usual.cost)
    assert estimate(Job(samples=2_000_000), model, gpu).cost == pytest.approx(2 * usual.cost)
    assert estimate(Job(), model, replace(gpu, memory=40e9)).concurrent < 128


def test_weights_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"67 GB of weights and one request do not fit on 1 GPU\(s\)"):
        estimate(Job(), MODELS["reason2-32b"], GPUS["l40s"])
