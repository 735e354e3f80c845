"""The engine: every case gets one reply, whatever goes wrong with the others."""

from __future__ import annotations

import functools
import itertools
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from pytest_cosmos.engines import Engine, make_engine
from pytest_cosmos.engines.transformers import TransformersEngine
from pytest_cosmos.engines.transformers_generate import Inputs, Written
from pytest_cosmos.engines.transformers_load import Loaded
from pytest_cosmos.errors import OptionError
from pytest_cosmos.prompting import FAMILIES, user_text
from pytest_cosmos.records import Case, Reply
from tests.unit.builders import BINARY
from tests.unit.checkpoints import write_reason1, write_reason2
from tests.unit.engine_builders import PROMPTS, SUITE, cases_of, settings_of, write_images
from tests.unit.foreign_checkpoints import write_foreign


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("suite")


@pytest.fixture(scope="module")
def cases(folder: Path) -> tuple[Case, ...]:
    return cases_of(write_images(folder))


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[TransformersEngine]:
    engine = TransformersEngine(settings_of(folder, max_new_tokens=6), {SUITE: folder})
    engine.load()
    yield engine
    engine.close()


class Cramped(TransformersEngine):
    """Has memory for so many cases at a time, and fails at one sample altogether."""

    room = 99
    fails_at = ""

    def __init__(self, folder: Path, **settings: object) -> None:
        super().__init__(settings_of(folder, max_new_tokens=3, **settings), {SUITE: folder})
        self.tried: list[int] = []

    def _generate(self, loaded: Loaded, inputs: Inputs) -> list[Written]:
        rows, _ = inputs.shape()
        self.tried.append(rows)
        if rows > self.room:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return super()._generate(loaded, inputs)


def answered(engine: TransformersEngine, cases: tuple[Case, ...]) -> dict[str, Reply]:
    replies = list(engine.answer(cases))
    assert sorted(reply.case_key for reply in replies) == sorted(case.key for case in cases)
    return {reply.case_key: reply for reply in replies}


def test_it_is_made_by_its_name(folder: Path) -> None:
    engine: Engine = make_engine(settings_of(folder), {SUITE: folder})
    assert isinstance(engine, TransformersEngine)


def test_it_must_be_loaded_first(folder: Path) -> None:
    engine = TransformersEngine(settings_of(folder), {})
    with pytest.raises(RuntimeError, match=r"call load\(\) first"):
        list(engine.answer([]))


def test_every_case_gets_a_reply_with_all_that_is_known_of_it(
    engine: TransformersEngine, cases: tuple[Case, ...]
) -> None:
    replies = answered(engine, cases)
    for case in cases:
        reply = replies[case.key]
        assert reply.finish in ("stop", "length")
        assert (reply.finish == "length") == (reply.output_tokens == 6 and "<|im_end|>" not in reply.raw)
        assert reply.prompt_text == user_text(FAMILIES["reason2"], case.prompt)
        assert reply.input_tokens is not None
        assert reply.input_tokens > 40
        assert reply.seconds is not None
        assert reply.batch_seconds is not None
        assert 0 < reply.seconds <= reply.batch_seconds * 2
        assert reply.batch_size == len(cases)
        assert datetime.fromisoformat(reply.timestamp).utcoffset() is not None


def test_no_case_is_no_reply(engine: TransformersEngine) -> None:
    assert list(engine.answer([])) == []


def test_batches_are_numbered_through_the_run(engine: TransformersEngine, cases: tuple[Case, ...]) -> None:
    first = {reply.batch for reply in engine.answer(cases[:3])}
    second = {reply.batch for reply in engine.answer(cases[3:6])}
    assert len(first) == len(second) == 1
    assert first < second or first != second


def test_replies_do_not_depend_on_the_batch(folder: Path, cases: tuple[Case, ...], engine: TransformersEngine) -> None:
    together = answered(engine, cases)
    alone = TransformersEngine(settings_of(folder, max_new_tokens=6, batch_size=1), {SUITE: folder})
    alone.load()
    for key, reply in answered(alone, cases[:6]).items():
        assert reply.batch_size == 1
        assert reply.raw == together[key].raw
        assert reply.confidence == pytest.approx(together[key].confidence, abs=1e-4)


@pytest.mark.parametrize(
    ("write", "family"),
    [
        pytest.param(write_reason1, "reason1", id="Qwen2.5-VL"),
        pytest.param(write_reason2, "reason2", id="Qwen3-VL"),
        pytest.param(functools.partial(write_foreign, "llava"), "generic", id="LLaVA"),
    ],
)
def test_every_family_is_asked_as_it_wants(
    tmp_path: Path, write: Callable[[Path], Path], family: str, folder: Path, cases: tuple[Case, ...]
) -> None:
    checkpoint = write(tmp_path / "checkpoint")
    settings = settings_of(folder, model=str(checkpoint), max_new_tokens=6)
    engine = TransformersEngine(settings, {SUITE: folder})
    engine.load()
    assert engine.describe().family == family
    together = answered(engine, cases)
    assert {reply.finish for reply in together.values()} <= {"stop", "length"}
    asked = cases[0].prompt
    assert together[cases[0].key].prompt_text == user_text(FAMILIES[family], asked)
    alone = TransformersEngine(
        settings_of(folder, model=str(checkpoint), max_new_tokens=6, batch_size=1), {SUITE: folder}
    )
    alone.load()
    for key, reply in answered(alone, cases[:6]).items():
        assert reply.raw == together[key].raw


def test_a_family_that_is_named_is_taken(folder: Path, cases: tuple[Case, ...]) -> None:
    engine = TransformersEngine(settings_of(folder, family="reason1", max_new_tokens=3), {SUITE: folder})
    engine.load()
    assert engine.describe().family == "reason1"
    assert answered(engine, cases[:1])[cases[0].key].prompt_text == cases[0].prompt.text


def test_a_family_that_does_not_exist_is_refused(folder: Path) -> None:
    engine = TransformersEngine(settings_of(folder, family="reason3"), {SUITE: folder})
    with pytest.raises(OptionError, match=r"--cosmos-family reason3: must be one of auto, .*Did you mean"):
        engine.load()


def test_the_batch_size_a_user_sets_holds(folder: Path, cases: tuple[Case, ...]) -> None:
    engine = Cramped(folder, batch_size=7)
    engine.load()
    answered(engine, cases)
    assert set(engine.tried) == {6}


def test_running_out_of_memory_halves_the_batch_and_loses_no_case(folder: Path, cases: tuple[Case, ...]) -> None:
    engine = Cramped(folder)
    engine.room = 4
    engine.load()
    replies = answered(engine, cases)
    assert {reply.finish for reply in replies.values()} <= {"stop", "length"}
    assert engine.tried[0] == len(cases)
    assert max(reply.batch_size or 0 for reply in replies.values()) <= engine.room
    engine.tried.clear()
    answered(engine, cases)
    assert max(engine.tried) <= engine.room, "what was learnt is kept"


def test_a_case_too_large_even_alone_is_an_error(folder: Path, cases: tuple[Case, ...]) -> None:
    engine = Cramped(folder)
    engine.room = 0
    engine.load()
    for reply in answered(engine, cases[:2]).values():
        assert reply.finish == "error"
        assert "can't allocate memory" in reply.error
        assert (reply.raw, reply.answer, reply.confidence) == ("", "", None)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n and then nothing", None])
def test_media_broken_since_collection_fail_their_own_cases_only(
    engine: TransformersEngine, folder: Path, cases: tuple[Case, ...], content: bytes | None
) -> None:
    broken = cases_of(write_images(folder, [(128, 128)]))[0].sample.model_copy(
        update={"id": "broken", "media": ("broken.png",)}
    )
    (folder / "broken.png").unlink(missing_ok=True)
    if content is not None:
        (folder / "broken.png").write_bytes(content)
    replies = answered(engine, (*cases[:3], *cases_of([broken]), *cases[3:]))
    errors = {key for key, reply in replies.items() if reply.finish == "error"}
    assert errors == {f"{SUITE}/broken-{prompt.name}" for prompt in PROMPTS}
    assert "the media of this sample cannot be read: " in replies[f"{SUITE}/broken-severity"].error


def test_a_case_the_processor_refuses_fails_alone(
    engine: TransformersEngine, folder: Path, cases: tuple[Case, ...]
) -> None:
    # an aspect ratio above 200 is more than the model's image processor takes
    (sliver,) = write_images(folder, [(2010, 10)])
    sliver = sliver.model_copy(update={"id": "sliver"})
    replies = answered(engine, (*cases[3:9], *cases_of([sliver], (BINARY,)), *cases[9:]))
    errors = {key: reply.error for key, reply in replies.items() if reply.finish == "error"}
    assert list(errors) == [f"{SUITE}/sliver-{BINARY.name}"]
    assert "aspect ratio" in errors[f"{SUITE}/sliver-{BINARY.name}"]
    write_images(folder)


def test_closing_stops_it_in_the_midst_of_a_reply(folder: Path, cases: tuple[Case, ...]) -> None:
    engine = TransformersEngine(settings_of(folder, max_new_tokens=4000), {SUITE: folder})
    engine.load()
    replies: list[Reply] = []
    worker = threading.Thread(target=lambda: replies.extend(engine.answer(list(itertools.islice(cases, 6)))))
    worker.start()
    time.sleep(0.05)
    engine.close()
    worker.join(20)
    assert not worker.is_alive()
    assert [reply for reply in replies if reply.finish == "stop" and not reply.raw] == []


def test_an_abandoned_iterator_leaves_no_thread(engine: TransformersEngine, cases: tuple[Case, ...]) -> None:
    stream = engine.answer(cases)
    next(stream)
    del stream
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("cosmos-media")]


ABANDON = """
import threading
from pathlib import Path
from pytest_cosmos.engines.transformers import TransformersEngine
from tests.unit.engine_builders import SUITE, cases_of, settings_of, write_images
folder = Path({folder!r})
engine = TransformersEngine(settings_of(folder, batch_size=3), {{SUITE: folder}})
engine.load()
stream = engine.answer(cases_of(write_images(folder)))
threading.Thread(target=lambda: next(stream), daemon=True).start()
raise KeyboardInterrupt
"""


def test_a_process_that_is_interrupted_ends(tmp_path: Path) -> None:
    script = ABANDON.format(folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert "KeyboardInterrupt" in done.stderr


def test_an_engine_that_follows_another_keeps_its_weights_or_frees_them(folder: Path, tmp_path: Path) -> None:
    first = TransformersEngine(settings_of(folder), {SUITE: folder})
    first.load()
    assert first._state is not None
    model = first._state.loaded.model
    second = TransformersEngine(settings_of(folder, max_new_tokens=3), {SUITE: folder})
    second.follow(first)
    second.load()
    assert second._state is not None
    assert second._state.loaded.model is model
    assert second._state.loaded.max_new_tokens == 3
    third = TransformersEngine(settings_of(folder, model=str(write_reason1(tmp_path / "other"))), {SUITE: folder})
    third.follow(second)
    gone = weakref.ref(model)
    del model
    third.load()
    assert gone() is None, "one set of weights in memory at a time"
