"""A server's tokens timed as they are streamed; what the server will not stream is an error, not a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_cosmos.engines.endpoint import EndpointEngine
from pytest_cosmos.engines.latency import NotTimedError
from pytest_cosmos.records import Case
from tests.endpoint_server import Answer, Body, Server, fails, running, says
from tests.unit.builders import BINARY
from tests.unit.engine_builders import SUITE, cases_of, settings_of, write_images


def streams(*texts: str, tokens: int | None = None, where: str = "content") -> Answer:
    """Build a reply in pieces, as servers send events."""
    events: list[Body] = [
        {"choices": [{"index": 0, "delta": {"role": "assistant"}}]},
        *({"choices": [{"index": 0, "delta": {where: text}}]} for text in texts),
    ]
    if tokens is not None:
        events.append({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": tokens, "total_tokens": 9}})
    common = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    lines = [f"data: {json.dumps({**common, **event})}\n\n" for event in events]
    return Answer(body="".join([*lines, "data: [DONE]\n\n"]), headers={"Content-Type": "text/event-stream"})


def engine_of(server: Server, root: Path) -> EndpointEngine:
    settings = settings_of(root, engine="endpoint", endpoint=server.url, model="", timeout=10.0)
    engine = EndpointEngine(settings, {SUITE: root})
    engine.load()
    return engine


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return cases_of(write_images(tmp_path, [(20, 20)]), (BINARY,))[0]


@pytest.mark.parametrize("where", ["content", "reasoning_content", "reasoning"])
def test_first_and_further_tokens(tmp_path: Path, case: Case, where: str) -> None:
    with running(lambda *_: streams("It", " is", ".", tokens=12, where=where)) as server:
        engine = engine_of(server, tmp_path)
        first, further = engine.time("first_token", case), engine.time("per_token", case)
    assert first.seconds > further.seconds >= 0
    assert (first.tokens, further.tokens) == (12, 12)
    assert all(request["stream"] for request in server.requests)
    assert server.requests[0]["messages"]


def test_a_server_that_counts_no_tokens_is_counted_by_its_pieces(tmp_path: Path, case: Case) -> None:
    with running(lambda *_: streams("It", " is", ".")) as server:
        assert engine_of(server, tmp_path).time("per_token", case).tokens == 3


def test_the_whole_answer_is_not_streamed(tmp_path: Path, case: Case) -> None:
    with running(lambda *_: says("Yes")) as server:
        timing = engine_of(server, tmp_path).time("answer", case)
    assert timing.seconds > 0
    assert timing.tokens == 5
    assert "stream" not in server.requests[0]


@pytest.mark.parametrize(
    ("answer", "measure", "why"),
    [
        (streams(), "first_token", "streamed no text"),
        (streams("Yes", tokens=1), "per_token", "in one piece"),
        (fails(400, "no floors please"), "answer", "no floors please"),
    ],
)
def test_what_cannot_be_timed_says_why(tmp_path: Path, case: Case, answer: Answer, measure: str, why: str) -> None:
    with running(lambda *_: answer) as server, pytest.raises(NotTimedError, match=why):
        engine_of(server, tmp_path).time(measure, case)  # type: ignore[arg-type]
