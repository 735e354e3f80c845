"""The engine's own clock: every measure is a time, and loading leaves a model that answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_cosmos.engines import EngineProcess, ProcessEngine
from pytest_cosmos.engines.base import Timed
from pytest_cosmos.engines.latency import NotTimedError
from pytest_cosmos.engines.transformers import TransformersEngine
from pytest_cosmos.records import Case
from tests.unit.engine_builders import SUITE, cases_of, settings_of, write_images


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("suite")


@pytest.fixture(scope="module")
def case(folder: Path) -> Case:
    return cases_of(write_images(folder))[0]


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[TransformersEngine]:
    engine = TransformersEngine(settings_of(folder, max_new_tokens=6), {SUITE: folder})
    engine.load()
    yield engine
    engine.close()


def test_each_measure_is_a_time_with_its_memory(engine: TransformersEngine, case: Case) -> None:
    answer, preprocess = engine.time("answer", case), engine.time("preprocess", case)
    first, further = engine.time("first_token", case), engine.time("per_token", case)
    assert (answer.tokens, first.tokens, further.tokens, preprocess.tokens) == (6, 1, 6, None)
    for timing in (answer, preprocess, first, further):
        assert timing.seconds > 0
        assert timing.memory is not None
        assert timing.memory > 50_000_000


def test_loading_is_timed_and_the_engine_answers_afterwards(engine: TransformersEngine, case: Case) -> None:
    before = [reply.raw for reply in engine.answer([case])]
    assert engine.time("load", None).seconds > 0
    assert [reply.raw for reply in engine.answer([case])] == before


def test_media_that_are_gone_are_no_time(engine: TransformersEngine, case: Case) -> None:
    gone = case.model_copy(update={"sample": case.sample.model_copy(update={"media": ("gone.png",)})})
    for measure in ("answer", "preprocess", "first_token", "per_token"):
        with pytest.raises(NotTimedError, match=r"gone\.png"):
            engine.time(measure, gone)


def test_a_single_token_has_no_time_between_tokens(folder: Path, case: Case) -> None:
    engine = TransformersEngine(settings_of(folder, max_new_tokens=1), {SUITE: folder})
    engine.load()
    with pytest.raises(NotTimedError, match="single token"):
        engine.time("per_token", case)
    engine.close()


def test_an_engine_in_a_process_of_its_own_is_timed_over_there(folder: Path, case: Case) -> None:
    engine = ProcessEngine(settings_of(folder, max_new_tokens=2), {SUITE: folder}, EngineProcess(warm=False))
    assert isinstance(engine, Timed)
    engine.load()
    assert engine.time("answer", case).tokens == 2
    assert engine.time("load", None).seconds > 0
    engine.close()
