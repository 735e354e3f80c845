"""What can go wrong with a request: whether it is worth asking again, and what to tell the user."""

from __future__ import annotations

import email.utils
import html
import random
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pytest_cosmos.engines.endpoint_address import without_key

if TYPE_CHECKING:
    from tenacity import RetryCallState

SHOWN = 300
"""Characters of a server's words that an error quotes."""

_READ = 4_000
"""Characters of an error page that are looked at."""

FIRST_WAIT, LONGEST_WAIT = 0.5, 20.0
"""Seconds between two attempts where the server names none: doubled each time, with full jitter."""

_TRIES_AFTER_500 = 3
"""A server that fails on this very request will fail again; one that is starting up says 503."""
_PASSING: Final = frozenset({408, 425, 502, 503, 504})
"""Among them a proxy's words about a server that is down or not yet up."""


class Trouble(Exception):
    """A request that brought no usable reply; its text goes to the user."""

    def __init__(self, text: str, *, tries: int | None = 1, overload: bool = False, after: float = 0.0) -> None:
        super().__init__(text)
        self.tries = tries
        """How often to ask in all; None: until the deadline, as it lies with the server and not with this request."""
        self.overload = overload
        """Whether the server has too much to do."""
        self.after = after
        """Seconds that the server asks to wait (`Retry-After`)."""


def timed_out(seconds: float) -> Trouble:
    """Describe a request that took too long."""
    return Trouble(f"no response within {seconds:.3g} s", tries=None, overload=True)


def malformed(text: str, *, tries: int = 2) -> Trouble:
    """Describe a response that is not what the API promises."""
    return Trouble(text, tries=tries)


def trouble_of(error: Exception) -> Trouble:
    """Say what an exception of the client means."""
    import openai

    match error:
        case Trouble():
            return error
        case openai.APITimeoutError():
            return Trouble("the connection timed out", tries=None, overload=True)
        case openai.APIConnectionError():
            return Trouble(f"the connection failed: {_cause(error)}", tries=None)
        case openai.APIStatusError():
            return _status(error.status_code, error.response.headers, error.response.text)
        case _:
            return Trouble(without_key(f"{type(error).__name__}: {error}")[:SHOWN])


def _status(status: int, headers: Mapping[str, str], body: str) -> Trouble:
    text = f"HTTP {status}: {said_in(body) or 'no message'}"
    if 300 <= status < 400:
        return Trouble(f"HTTP {status}: the server redirects to {without_key(headers.get('location', 'nowhere'))}")
    after = retry_after(headers.get("retry-after", ""))
    if status == 429:
        return Trouble(text, tries=1 if "insufficient_quota" in body else None, overload=True, after=after)
    if status in _PASSING:
        return Trouble(text, tries=None, overload=True, after=after)
    if status >= 500 and status != 501:
        return Trouble(text, tries=_TRIES_AFTER_500, overload=True, after=after)
    return Trouble(text)


def retry_after(value: str) -> float:
    """Read the header `Retry-After`, seconds or an HTTP date; 0 where it says nothing."""
    try:
        return max(0.0, min(float(value), 1e6))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def wait_seconds(state: RetryCallState) -> float:
    """Return how long to wait before the next attempt: full jitter, on top of what the server asks for."""
    error = state.outcome.exception() if state.outcome is not None else None
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(state.attempt_number - 1, 16))
    jitter = random.uniform(0, longest)
    return error.after + min(jitter, 1.0) if isinstance(error, Trouble) and error.after else jitter


def said_in(body: str) -> str:
    """Find the message in the body of an error, as one line that can be shown."""
    import json

    try:
        found = _message(json.loads(body))
    except (ValueError, RecursionError):
        found = html.unescape(re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", body[:_READ], flags=re.S | re.I))
    clean = "".join(letter if letter.isprintable() else " " for letter in without_key(found))
    folded = " ".join(clean.split())
    return folded if len(folded) <= SHOWN else f"{folded[: SHOWN - 1]}…"


def _message(data: Any) -> str:
    """Servers nest it differently: `{"error": {"message"}}`, `{"error"}`, `{"message"}`, `{"detail"}`."""
    while isinstance(data, Mapping):
        data = next((data[key] for key in ("error", "message", "detail") if data.get(key)), "")
    return data if isinstance(data, str) else str(data)


def _cause(error: Exception) -> str:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return without_key(str(cause) or type(cause).__name__)[:SHOWN]
