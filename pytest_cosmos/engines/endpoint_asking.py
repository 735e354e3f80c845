"""Cases on their way through a server: so many at a time, tried again with jitter, each with a deadline.

Runs in an event loop of its own. Whatever happens to a case, a reply comes of it.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from pytest_cosmos.engines.endpoint_pace import Gate, Pace
from pytest_cosmos.engines.endpoint_reply import Answered, no_reply, reply_of
from pytest_cosmos.engines.endpoint_request import Request, Requests, named_in
from pytest_cosmos.engines.endpoint_trouble import Trouble, timed_out, trouble_of, wait_seconds
from pytest_cosmos.prompting import Family
from pytest_cosmos.records import Case, Reply

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_ATTEMPT = 0.5
"""Part of a case's time that one attempt may take: a request that got lost can be sent again."""

_GIVEN_UP = 0.9
"""Part of the time of silence that is not waited for again."""

_TOO_LITTLE = 0.02
"""Part of a case's time with which it is no use to ask once more."""


@dataclass(slots=True)
class Memory:
    """What is learned of a server, kept from one `answer` to the next."""

    pace: Pace
    refused: set[str] = field(default_factory=set)
    """Settings that it does not know."""
    numbers: itertools.count[int] = field(default_factory=itertools.count)
    heard: float = 0.0
    """When it last did what it was asked, or said why not."""
    silent_since: float | None = None
    """Since when it has not, while it is being asked."""

    def give_another_chance(self, timeout: float) -> None:
        """Ask a server that was given up on once more, but not for as long as before."""
        if self.silent_since is not None:
            self.silent_since = max(self.silent_since, time.monotonic() - _GIVEN_UP * timeout)


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all cases of a run."""

    requests: Requests
    family: Family
    device: str
    timeout: float
    """Seconds a case may take."""


class Asking:
    """Answers cases through one client."""

    def __init__(self, client: AsyncOpenAI, terms: Terms, memory: Memory) -> None:
        self._client = client
        self._terms = terms
        self._memory = memory
        self._gate = Gate(memory.pace)

    async def ask_all(self, cases: Sequence[Case], replies: asyncio.Queue[Reply | None]) -> None:
        """Put a reply to every case into the queue, as soon as it is there."""
        self._memory.give_another_chance(self._terms.timeout)
        async with asyncio.TaskGroup() as group:
            for case in cases:
                await self._gate.start_case()
                group.create_task(self._ask_into(case, replies))

    async def _ask_into(self, case: Case, replies: asyncio.Queue[Reply | None]) -> None:
        try:
            reply = await self._ask(case)
        except Exception as error:  # whatever it is: it becomes the reply's error, never an answer
            reply = self._no_reply(case, str(trouble_of(error)))
        replies.put_nowait(reply)
        await self._gate.end_case()

    async def _ask(self, case: Case) -> Reply:
        """Ask until there is a reply, it is no use to go on, or the case's time is up."""
        terms, began = self._terms, time.monotonic()
        if self._is_gone():
            return self._no_reply(case, f"not asked: {terms.device} has given no reply for {terms.timeout:g} s")
        try:
            # reading files is for a thread: the other requests must not wait for it
            request = await asyncio.to_thread(terms.requests.of, case)
        except OSError as error:
            return self._no_reply(case, f"the media of this sample cannot be read: {error}")
        deadline = began + terms.timeout
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Trouble),
            wait=wait_seconds,
            stop=lambda state: self._is_over(state, deadline),
            sleep=asyncio.sleep,
            reraise=True,
        )
        try:
            return await retrying(self._attempt, case, request, deadline)
        except Trouble as trouble:
            return self._no_reply(case, self._why(trouble, retrying, time.monotonic() - began))

    async def _attempt(self, case: Case, request: Request, deadline: float) -> Reply:
        """Send a request once, when it is its turn; Trouble where no usable reply comes of it."""
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                epoch = await self._gate.enter()
        except TimeoutError:
            raise Trouble("the server lets too few requests through", tries=None) from None
        started = time.monotonic()
        try:
            reply = await self._converse(case, request, min(_ATTEMPT * self._terms.timeout, deadline - started))
        except Trouble as trouble:
            self._learn(trouble, epoch, started)
            raise
        finally:
            await self._gate.leave()
        self._memory.heard = time.monotonic()
        self._memory.silent_since = None
        self._memory.pace.answered(self._memory.heard - started, epoch)
        return reply

    async def _converse(self, case: Case, request: Request, limit: float) -> Reply:
        terms, started = self._terms, time.monotonic()
        try:
            async with asyncio.timeout(limit):
                body, shown = await self._send(request)
            seconds = time.monotonic() - started
            answered = Answered(body, seconds, terms.device, shown, next(self._memory.numbers))
            return reply_of(case, terms.family, answered)
        except TimeoutError:
            raise timed_out(limit) from None
        except Exception as error:
            raise trouble_of(error) from None

    async def _send(self, request: Request) -> tuple[str, dict[str, str]]:
        """Return the response's body; settings that the server refuses by name are left out, and remembered."""
        import openai

        refused = set(self._memory.refused)
        while True:
            try:
                raw = await self._client.chat.completions.with_raw_response.create(**request.without(refused))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                named = named_in(error.response.text, request)
                if not named or named <= refused:
                    raise self._unwilling(trouble_of(error), error.response.text, request) from None
                refused |= named
                continue
            except openai.APIStatusError:
                self._memory.refused |= refused  # it is about something else now
                raise
            self._memory.refused |= refused
            return raw.http_response.text, request.shown_without(refused)

    def _unwilling(self, trouble: Trouble, text: str, request: Request) -> Trouble:
        """Say so where a server refuses what the user asks for: leaving it out would measure another thing."""
        wanted = sorted(named_in(text, request, optional=False))
        if not wanted:
            return trouble
        return Trouble(
            f"{trouble}. The server does not take {', '.join(wanted)}, "
            "which the prompt's vision settings or --cosmos-sampling published ask for."
        )

    def _learn(self, trouble: Trouble, epoch: int, started: float) -> None:
        memory = self._memory
        if trouble.overload:
            memory.pace.overloaded(epoch)
        if trouble.after <= self._terms.timeout:  # longer than any case may take: then each fails with that reason
            self._gate.pause(trouble.after)
        if trouble.tries is not None:
            memory.heard, memory.silent_since = time.monotonic(), None
        elif memory.silent_since is None:
            memory.silent_since = max(started, memory.heard)

    def _is_gone(self) -> bool:
        silent = self._memory.silent_since
        return silent is not None and time.monotonic() - silent > self._terms.timeout

    def _is_over(self, state: RetryCallState, deadline: float) -> bool:
        trouble = state.outcome.exception() if state.outcome is not None else None
        used_up = isinstance(trouble, Trouble) and trouble.tries is not None and state.attempt_number >= trouble.tries
        late = time.monotonic() + state.upcoming_sleep > deadline - _TOO_LITTLE * self._terms.timeout
        return used_up or late or self._is_gone()

    def _why(self, trouble: Trouble, retrying: AsyncRetrying, spent: float) -> str:
        tries = int(retrying.statistics.get("attempt_number", 1))
        if trouble.tries is None:
            asked = f"asked {tries} times" if tries > 1 else "asked once"
            return f"no reply within {self._terms.timeout:g} s (--cosmos-timeout), {asked}: {trouble}"
        return f"{trouble} (asked {tries} times in {spent:.1f} s)" if tries > 1 else str(trouble)

    def _no_reply(self, case: Case, why: str) -> Reply:
        return no_reply(case, self._terms.family, why, self._terms.device)
