"""The engine that asks a server: vLLM, NIM, SGLang, `transformers serve`, anything that speaks OpenAI's API.

It needs no torch and waits more than it works, so it runs in the plan's thread, with an event loop of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pytest_cosmos.engines.endpoint_address import Address, make_async_client, read_address
from pytest_cosmos.engines.endpoint_asking import Asking, Memory, Terms
from pytest_cosmos.engines.endpoint_pace import Pace
from pytest_cosmos.engines.endpoint_request import TOP_LOGPROBS, Requests, published_sampling
from pytest_cosmos.engines.endpoint_server import Served, check_room, family_of_server, find_anew, find_once
from pytest_cosmos.engines.endpoint_timing import time_stream
from pytest_cosmos.engines.latency import time_answer
from pytest_cosmos.records import Case, Measure, ModelRecord, Reply, Timing
from pytest_cosmos.settings import MOST_REQUESTS, Settings


def check_endpoint(settings: Settings) -> None:
    """Raise a CosmosError, within seconds, where the server cannot be asked as the settings want it."""
    check_room(find_anew(settings), settings)


class EndpointEngine:
    """Answers cases through a server; `folders` maps the name of a suite to its folder."""

    def __init__(self, settings: Settings, folders: Mapping[str, Path]) -> None:
        self._settings = settings
        self._folders = folders
        self._address: Address = read_address(settings.endpoint)
        self._served: Served | None = None
        self._terms: Terms | None = None
        self._memory = Memory(Pace(settings.concurrency or MOST_REQUESTS))
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._wake: tuple[asyncio.AbstractEventLoop, asyncio.Queue[Reply | None]] | None = None
        self.seconds: dict[str, float] = {}

    def load(self) -> None:
        """Ask the server what it serves; a CosmosError where the user can mend what is wrong."""
        self._closed.clear()
        started = time.perf_counter()
        import openai  # noqa: F401  (timed apart: half a second)

        imported = time.perf_counter()
        served = find_once(self._settings)
        check_room(served, self._settings)
        family = family_of_server(self._settings, served)
        requests = Requests(self._settings, served, family, self._folders)
        self._served = served
        self._terms = Terms(requests, family, self._address.url, self._settings.timeout)
        self.seconds = {"import": imported - started, "load": time.perf_counter() - imported}

    def describe(self) -> ModelRecord:
        """Say what answers, and with which settings it is asked."""
        served, terms = self._ready()
        return ModelRecord(
            name=self._settings.model or served.id,
            engine="endpoint",
            family=terms.family.name,
            device=terms.device,
            generation=self._generation(served, terms),
        )

    def answer(self, cases: Sequence[Case]) -> Iterator[Reply]:
        """Yield a reply for every case, in the order in which they come back."""
        _, terms = self._ready()
        loop = asyncio.new_event_loop()
        replies: asyncio.Queue[Reply | None] = asyncio.Queue()
        with self._lock:
            self._wake = (loop, replies)
        client = make_async_client(self._address)
        task = loop.create_task(Asking(client, terms, self._memory).ask_all(cases, replies))
        task.add_done_callback(lambda _: replies.put_nowait(None))  # the last one; however it ends
        try:
            while not self._closed.is_set():
                reply = loop.run_until_complete(replies.get())
                if reply is None or self._closed.is_set():
                    break
                yield reply
            if task.done():
                task.result()
        finally:
            with self._lock:
                self._wake = None
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                loop.run_until_complete(task)
            loop.run_until_complete(client.close())
            loop.close()

    def time(self, measure: Measure, case: Case | None) -> Timing:
        """Take the time of a reply, or by streaming it that of its tokens."""
        assert case is not None
        if measure == "answer":
            return time_answer(self, case)
        _, terms = self._ready()
        return asyncio.run(time_stream(self._address, terms.requests, self._memory.refused, measure, case))

    def close(self) -> None:
        """End at once whatever is under way; may be called from any thread, and twice."""
        self._closed.set()
        with self._lock:
            if self._wake is not None:
                loop, replies = self._wake
                loop.call_soon_threadsafe(replies.put_nowait, None)

    def _ready(self) -> tuple[Served, Terms]:
        if self._served is None or self._terms is None:
            raise RuntimeError("the engine is not loaded: call load() first")
        return self._served, self._terms

    def _generation(self, served: Served, terms: Terms) -> dict[str, str]:
        settings = self._settings
        told = {"max_tokens": str(settings.max_new_tokens), "top_logprobs": str(TOP_LOGPROBS)}
        if settings.sampling == "published":
            for word, reasoning in (("reasoning", True), ("plain", False)):
                values = published_sampling(terms.family, settings, reasoning=reasoning)
                told[f"sampling ({word})"] = ", ".join(f"{key} {value:g}" for key, value in values.items())
        else:
            told |= {"temperature": "0", "seed": str(settings.seed)}
        if served.context is not None:
            told["max_model_len"] = str(served.context)
        return {"sampling": settings.sampling, "served as": served.id, "media": settings.media_transport, **told}
