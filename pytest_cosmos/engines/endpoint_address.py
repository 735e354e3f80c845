"""Where an endpoint is and how it is spoken to: the URL, the key of the environment, the client.

The key is read where a client is made, and lives nowhere else: no record, no `repr`, no file ever holds it.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from pytest_cosmos.errors import OptionError

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

KEYS: Final = ("COSMOS_API_KEY", "OPENAI_API_KEY")
"""Environment variables that may hold the server's key, the first one set counts."""

_NO_KEY = "none-needed"  # the client insists on one; servers without keys ignore it
_EXAMPLE = "Example: --endpoint http://127.0.0.1:8000/v1"
CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Address:
    """A checked URL of an OpenAI-compatible API, up to `/v1`."""

    url: str
    loopback: bool
    """On this machine: a proxy named in the environment must not get in between."""


def read_address(text: str) -> Address:
    """Check the URL of an endpoint; OptionError where it is none, or holds a secret (which is not repeated)."""
    if not text:
        raise OptionError(f"--engine endpoint needs --endpoint URL (or COSMOS_ENDPOINT). {_EXAMPLE}")
    parts = _split(text)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise OptionError(
            "--endpoint: the URL holds credentials, a query or a fragment; it would be written into reports. "
            f"Write the plain URL up to /v1, and put the key into the environment: {KEYS[0]}=... pytest …"
        )
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host:
        raise OptionError(f"--endpoint {_printable(text)}: not a URL of the form http(s)://host:port/v1. {_EXAMPLE}")
    # a bare host is surely meant up to /v1, where every server of this kind has its API
    path = parts.path.rstrip("/") or "/v1"
    return Address(f"{parts.scheme}://{parts.netloc}{path}", _is_loopback(host))


def read_key() -> str:
    """Return the key for the server from the environment, empty where none is set."""
    for name in KEYS:
        key = os.environ.get(name, "").strip()
        if key and not (key.isascii() and key.isprintable()):
            raise OptionError(f"{name} (environment) holds characters that no HTTP header can carry. Set it again.")
        if key:
            return key
    return ""


def without_key(text: str) -> str:
    """Take the key out of a text that the server, or a library, has repeated it in."""
    key = read_key()
    return text.replace(key, "***") if key else text


def make_client(address: Address, *, connect: float, answer: float) -> OpenAI:
    """Make a client for a few quick questions; both limits are in seconds."""
    from openai import DefaultHttpxClient, OpenAI, Timeout

    timeout = Timeout(answer, connect=connect)
    return OpenAI(http_client=DefaultHttpxClient(**_transport(address)), timeout=timeout, **_common(address))


def make_async_client(address: Address) -> AsyncOpenAI:
    """Make the client for the cases; how long a request may take is the caller's business."""
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

    timeout = Timeout(None, connect=CONNECT_SECONDS)
    return AsyncOpenAI(http_client=DefaultAsyncHttpxClient(**_transport(address)), timeout=timeout, **_common(address))


def _common(address: Address) -> dict[str, Any]:
    return {"base_url": address.url, "api_key": read_key() or _NO_KEY, "max_retries": 0}


def _transport(address: Address) -> dict[str, Any]:
    # a redirect would turn the request into another one (POST into GET), or carry it elsewhere
    return {"trust_env": not address.loopback, "follow_redirects": False}


def _split(text: str) -> SplitResult:
    try:
        if not text.isprintable() or " " in text:
            raise ValueError
        parts = urlsplit(text)
        _ = parts.port  # raises where it is no number
    except ValueError:
        raise OptionError(f"--endpoint: not a URL of the form http(s)://host:port/v1. {_EXAMPLE}") from None
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _printable(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}…"
