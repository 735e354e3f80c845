"""When a server's tokens arrive, seen by letting it stream one reply."""

from __future__ import annotations

import time
from collections.abc import Set as AbstractSet
from typing import Any

from pytest_cosmos.engines.endpoint_address import Address, make_async_client
from pytest_cosmos.engines.endpoint_request import Requests
from pytest_cosmos.engines.latency import NotTimedError
from pytest_cosmos.records import Case, Measure, Timing

_TEXTS = ("content", "reasoning_content", "reasoning")
"""Where servers put what a model says."""


async def time_stream(
    address: Address, requests: Requests, refused: AbstractSet[str], measure: Measure, case: Case
) -> Timing:
    """Ask one case, streamed, and take the time of its first token or of each further one.

    `refused` are settings that the server is known not to take. NotTimedError where nothing, or too little, arrives.
    """
    async with make_async_client(address) as client:
        started = time.perf_counter()
        body = requests.of(case).without(refused)
        stream: Any = await client.chat.completions.create(**body, stream=True, stream_options={"include_usage": True})
        stamps: list[float] = []
        tokens = None
        async for chunk in stream:
            if any(_says(choice.delta) for choice in chunk.choices):
                stamps.append(time.perf_counter())
            if chunk.usage is not None:
                tokens = chunk.usage.completion_tokens
    if not stamps:
        raise NotTimedError(f"{case.key}: the server streamed no text")
    if measure == "first_token":
        return Timing(seconds=stamps[0] - started, tokens=tokens)
    written = tokens or len(stamps)
    if len(stamps) < 2 or written < 2:
        raise NotTimedError(f"{case.key}: the reply came in one piece, so there is no time between tokens")
    return Timing(seconds=(stamps[-1] - stamps[0]) / (written - 1), tokens=written)


def _says(delta: Any) -> bool:
    return any(getattr(delta, name, None) for name in _TEXTS)
