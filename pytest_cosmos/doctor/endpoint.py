"""Does an OpenAI-compatible server answer, and which models does it serve?"""

from __future__ import annotations

import http.client
import json
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import IO, Any

from pytest_cosmos.doctor.finding import Finding, failed, passed, warned
from pytest_cosmos.engines.endpoint_address import KEYS, Address

SECONDS = 3.0
_MOST_BYTES = 2**20
_LISTED = 5
_EXAMPLE = "http://127.0.0.1:8000/v1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What `GET URL/models` came to."""

    url: str
    status: int | None = None
    """The HTTP status; None: there was no answer."""
    models: tuple[str, ...] | None = None
    """None: the answer is no list of models."""
    problem: str = ""
    """Why there was no answer."""


def ask_models(address: Address, key: str, seconds: float = SECONDS) -> Answer:
    """Ask a server for its models; `key` is sent if there is one, and goes nowhere else. Never raises."""
    url = address.url
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if address.loopback:
        handlers.append(urllib.request.ProxyHandler({}))  # a proxy must not get between this machine and itself
    try:
        request = urllib.request.Request(f"{url}/models", headers=headers)  # noqa: S310  (checked: http or https)
        with urllib.request.build_opener(*handlers).open(request, timeout=seconds) as response:
            return Answer(url, response.status, _model_names(response.read(_MOST_BYTES)))
    except urllib.error.HTTPError as error:
        error.close()
        return Answer(url, error.code)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(url, problem=_why(error))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the key must not travel to another host."""

    def redirect_request(self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> None:
        """Refuse."""


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    match reason:
        case TimeoutError():
            return f"no answer within {SECONDS:.0f} seconds"
        case ConnectionRefusedError():
            return "connection refused: nothing listens there"
        case socket.gaierror():
            return "no such host"
        case OSError() if reason.strerror:
            return reason.strerror
        case _:
            return f"{type(reason).__name__}: {reason}".splitlines()[0]


def _model_names(body: bytes) -> tuple[str, ...] | None:
    try:
        return tuple(str(model["id"]) for model in json.loads(body)["data"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def check_endpoint(answer: Answer, wanted: tuple[str, ...], *, key: bool) -> Finding:
    """Say whether the server is there and serves one of the names wanted (none: any will do)."""
    name, url = "endpoint", answer.url
    if answer.status is None:
        advice = "Start the server, and check host, port and proxy (NO_PROXY leaves hosts out of it)."
        return failed(name, f"{url} cannot be reached: {answer.problem}", advice)
    if answer.status in (401, 403):
        said = "refuses the key" if key else "wants a key"
        return failed(name, f"{url} {said} (HTTP {answer.status})", f"Set {' or '.join(KEYS)} to its key.")
    if answer.status >= 500:
        found = f"{url} answers, but cannot list its models (HTTP {answer.status})"
        return warned(name, found, "See the server's log. `transformers serve` does so until it has a model cache.")
    if answer.models is None:
        found = f"{url}/models is no list of models (HTTP {answer.status})"
        return failed(name, found, f"Give the URL up to /v1, such as {_EXAMPLE}")
    listed = ", ".join(answer.models[:_LISTED]) + ", …" * (len(answer.models) > _LISTED)
    if not answer.models:
        return warned(name, f"{url} answers and serves no model", "Wait until it has loaded one, or start it with one.")
    if wanted and not set(wanted) & set(answer.models):
        found = f"{url} does not serve {wanted[0]}. It serves: {listed}"
        return warned(name, found, "Name one of these by --model, or load that model on the server.")
    return passed(name, f"{url} serves {listed}")
