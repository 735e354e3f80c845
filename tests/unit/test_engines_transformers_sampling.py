"""Greedy unless asked; as published where asked: seeded, penalised as vLLM does, confidences as if greedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pytest_cosmos.engines.models import locate
from pytest_cosmos.engines.transformers import TransformersEngine
from pytest_cosmos.engines.transformers_generate import Written, generate
from pytest_cosmos.engines.transformers_inputs import Preparer
from pytest_cosmos.engines.transformers_load import Loaded, load
from pytest_cosmos.engines.transformers_sampling import choose_by, sampling_of
from pytest_cosmos.prompting import FAMILIES, Sampling
from tests.unit.builders import BINARY, SEVERITY
from tests.unit.engine_builders import MEDIA, SUITE, cases_of, settings_of, write_images

LIMIT = 24
WILD = Sampling(temperature=5.0, seed=1)


def said(loaded: Loaded, folder: Path, sampling: Sampling | None) -> list[Written]:
    cases = cases_of(write_images(folder))
    inputs = Preparer(loaded, {SUITE: folder}, MEDIA).prepare(cases).inputs
    assert inputs is not None
    return generate(loaded.model, replace(inputs, sampling=sampling), LIMIT, lambda: False)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(locate("tiny"), settings_of(tmp_path_factory.mktemp("root")))


def tokens(written: list[Written]) -> list[list[int]]:
    return [one.tokens for one in written]


def test_the_same_seed_says_the_same_again(loaded: Loaded, tmp_path: Path) -> None:
    first, again = (tokens(said(loaded, tmp_path, WILD)) for _ in range(2))
    assert first == again
    assert first != tokens(said(loaded, tmp_path, None))
    assert first != tokens(said(loaded, tmp_path, replace(WILD, seed=2)))


def test_drawing_only_the_best_token_is_greedy(loaded: Loaded, tmp_path: Path) -> None:
    greedy = tokens(said(loaded, tmp_path, None))
    assert tokens(said(loaded, tmp_path, Sampling(temperature=5.0, top_k=1))) == greedy
    assert tokens(said(loaded, tmp_path, Sampling(temperature=0.01, top_p=0.01))) == greedy


def test_watched_scores_are_those_of_the_model(loaded: Loaded, tmp_path: Path) -> None:
    for drawn, greedy in zip(said(loaded, tmp_path, WILD), said(loaded, tmp_path, None), strict=True):
        assert drawn.scores is not None
        assert greedy.scores is not None
        torch.testing.assert_close(drawn.scores[0], greedy.scores[0])


def test_a_token_that_was_written_is_lowered_once() -> None:
    _, chain = choose_by(Sampling(temperature=1.0, presence_penalty=1.5), length=2)
    ids = torch.tensor([[4, 4, 1, 1, 3], [0, 0, 2, 0, 2]])
    lowered = chain[0](ids, torch.zeros(2, 5))
    assert lowered.tolist() == [[0, -1.5, 0, -1.5, 0], [-1.5, 0, -1.5, 0, 0]]


def test_settings_that_change_nothing_add_nothing() -> None:
    _, chain = choose_by(Sampling(temperature=0.7), length=0)
    assert len(chain) == 1
    assert choose_by(None, length=0) == ({"do_sample": False}, [])


def test_what_is_published_is_taken_where_asked_for(tmp_path: Path) -> None:
    reason2 = FAMILIES["reason2"]
    settings = settings_of(tmp_path, sampling="published")
    silent = BINARY.model_copy(update={"reasoning": False})
    assert sampling_of(reason2, BINARY, settings_of(tmp_path)) is None
    asked, unasked = sampling_of(reason2, BINARY, settings), sampling_of(reason2, silent, settings)
    assert asked is not None
    assert unasked is not None
    assert (asked.temperature, unasked.temperature) == (0.6, 0.7)
    assert sampling_of(FAMILIES["generic"], BINARY, settings) is None


def test_prompts_that_reason_and_others_are_sampled_apart(tmp_path: Path) -> None:
    silent = BINARY.model_copy(update={"name": "silent", "reasoning": False})
    cases = cases_of(write_images(tmp_path), (silent, SEVERITY))
    engine = TransformersEngine(settings_of(tmp_path, sampling="published"), {SUITE: tmp_path})
    engine.load()
    replies = {reply.case_key: reply for reply in engine.answer(cases)}
    assert len(replies) == len(cases)
    assert len({replies[case.key].batch for case in cases}) == 2
    assert "temperature=0.6" in engine.describe().generation["sampling"]
    assert engine.describe().generation["do_sample"] == "true"


def test_a_repeat_is_sampled_as_published_with_its_own_seed(tmp_path: Path) -> None:
    first, second = settings_of(tmp_path, repeats=2, seed=3).repeated()
    drawn = [sampling_of(FAMILIES["reason2"], BINARY, one) for one in (first, second)]
    assert [one and one.temperature for one in drawn] == [0.6, 0.6]
    assert [one and one.seed for one in drawn] == [first.seed, second.seed]
    assert first.seed != second.seed
    foreign = sampling_of(FAMILIES["generic"], BINARY, first)  # nothing is published, and greedy would show nothing
    assert foreign == Sampling(temperature=1.0, seed=first.seed)
