"""What a server serves: asked once before a run, so that a wrong URL or name costs seconds and no run."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pytest_cosmos.engines.endpoint_address import KEYS, Address, make_client, read_address
from pytest_cosmos.engines.endpoint_trouble import said_in
from pytest_cosmos.engines.known_models import TINY, known_models
from pytest_cosmos.errors import ModelUnavailable, OptionError, suggest
from pytest_cosmos.prompting import FAMILIES, Family
from pytest_cosmos.settings import Settings
from pytest_cosmos.tiny import CHECKPOINT

REACHED_WITHIN = 3.0
"""Seconds within which a server must take the connection."""
LISTED_WITHIN = 10.0
"""Seconds within which it must then list its models; one that has just started may take some of them."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Served:
    """A model in a server's list."""

    id: str
    owner: str = ""
    """`vllm`, `system` (NIM), `sglang`, …"""
    context: int | None = None
    """The longest prompt and reply together, in tokens (`max_model_len`)."""
    origin: str = ""
    """Where its weights come from, and the base of an adapter, as vLLM tells (`root`, `parent`)."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A server's list of models."""

    models: tuple[Served, ...] = ()
    known: bool = True
    """False: the server could not say (`transformers serve` fails without a Hugging Face cache folder)."""

    @property
    def binding(self) -> bool:
        """Whether it lists what is served; `transformers serve` lists its cache instead, by organisation."""
        cache = all(model.owner and model.id.startswith(f"{model.owner}/") for model in self.models)
        return self.known and bool(self.models) and not cache


def list_models(address: Address) -> Listing:
    """Ask a server what it serves; ModelUnavailable where it cannot be reached, or is no such server."""
    import openai  # noqa: F401  (its import does not count)

    patience = REACHED_WITHIN + LISTED_WITHIN
    return _within(patience, lambda: _ask(address), _unreachable(address, f"no answer within {patience:g} s"))


def find_model(settings: Settings) -> Served:
    """Return the model that the settings mean, as the server calls it; a CosmosError where there is none."""
    address = read_address(settings.endpoint)
    listing = list_models(address)
    if not settings.model:
        return _the_only_one(address, listing)
    wanted = {settings.model.casefold()}
    known = known_models(settings.models_file).get(settings.model)
    if known is not None:
        wanted.add(known.repository.casefold())
    exact = next((model for model in listing.models if model.id == settings.model), None)
    found = exact or next((model for model in listing.models if model.id.casefold() in wanted), None)
    if found is not None:
        return found
    if listing.binding:
        names = [model.id for model in listing.models]
        raise OptionError(
            f"--model {settings.model}: {address.url} does not serve it.{suggest(settings.model, names)} "
            f"It serves: {_shown(names)}."
        )
    return Served(settings.model)


_FOUND: dict[tuple[str, str, Path | None], Served] = {}


def find_once(settings: Settings) -> Served:
    """Return the model as `find_model` does, or as it was found before: a server may be gone for a moment later on."""
    key = (settings.endpoint, settings.model, settings.models_file)
    if key not in _FOUND:
        _FOUND[key] = find_model(settings)
    return _FOUND[key]


def find_anew(settings: Settings) -> Served:
    """Return the model as the server has it now, and let `find_once` know."""
    _FOUND.pop((settings.endpoint, settings.model, settings.models_file), None)
    return find_once(settings)


def check_room(served: Served, settings: Settings) -> None:
    """Raise OptionError where a reply as long as is asked for cannot fit into the server's context."""
    if served.context is not None and settings.max_new_tokens >= served.context:
        raise OptionError(
            f"--cosmos-max-new-tokens {settings.max_new_tokens}: {served.id} is served with a context of "
            f"{served.context} tokens (max_model_len), which leaves no room for the question. Allow shorter replies "
            f"(--cosmos-max-new-tokens {max(1, served.context // 2)}), or let the server take longer texts."
        )


def family_of_server(settings: Settings, served: Served) -> Family:
    """Return the family that the settings name, or else the one that the model's name tells."""
    if settings.family != "auto":
        return FAMILIES[settings.family]
    return FAMILIES[family_named(served.id)]


_FAMILIES: Final = (
    (re.compile(r"(cosmos[-_. ]?)?reason[-_. ]?2(?!\d)|qwen[-_. ]?3[-_. ]?vl"), "reason2"),
    (re.compile(r"(cosmos[-_. ]?)?reason[-_. ]?1(?!\d)|qwen[-_. ]?2[-_. ]?5[-_. ]?vl"), "reason1"),
)


def family_named(name: str) -> str:
    """Name the family of a model by its name at the server; `generic` where the name tells nothing.

    Both Cosmos Reason families are asked as the Qwen that they were made from is rendered: see `prompting.family_of`.
    """
    if name in (TINY, str(CHECKPOINT)):
        return "reason2"
    return next((family for pattern, family in _FAMILIES if pattern.search(name.casefold())), "generic")


def _ask(address: Address) -> Listing:
    import openai

    with make_client(address, connect=REACHED_WITHIN, answer=LISTED_WITHIN) as client:
        try:
            body: Any = client.models.with_raw_response.list().http_response.json()
            return Listing(tuple(_served(entry) for entry in body["data"]))
        except openai.APIConnectionError as error:
            raise ModelUnavailable(_unreachable(address, _why(error))) from None
        except openai.APIStatusError as error:
            return _refused(address, error.status_code, error.response.text)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ModelUnavailable(
                f"{address.url}/models: answers, but not as an OpenAI-compatible server does. "
                "--endpoint is the URL up to /v1; look at what runs there."
            ) from None


def _served(entry: dict[str, Any]) -> Served:
    context = entry.get("max_model_len")
    return Served(
        id=str(entry["id"]),
        owner=str(entry.get("owned_by") or ""),
        context=context if isinstance(context, int) and context > 0 else None,
        origin=" ".join(str(entry[key]) for key in ("root", "parent") if entry.get(key)),
    )


def _refused(address: Address, status: int, body: str) -> Listing:
    """Say what a failed listing means: a server in trouble may well answer cases."""
    if status >= 500 or status == 429:
        return Listing(known=False)
    said = f"HTTP {status}: {said_in(body)}".removesuffix(": ")
    if status in (401, 403):
        raise ModelUnavailable(f"{address.url}/models: {said}. Put the server's key into {KEYS[0]} or {KEYS[1]}.")
    raise ModelUnavailable(f"{address.url}/models: {said}. --endpoint is the URL up to /v1, where /models is.")


def _why(error: Exception) -> str:
    cause = type(error.__cause__).__name__  # httpx's, whichever release of it
    if cause == "ConnectTimeout":
        return f"no connection within {REACHED_WITHIN:g} s"
    if cause == "ReadTimeout":
        return f"it takes the connection, but does not list its models within {LISTED_WITHIN:g} s"
    return str(error.__cause__ or "the connection failed")


def _unreachable(address: Address, why: str) -> str:
    return (
        f"--endpoint {address.url}: cannot be reached ({why}).\n"
        "  Start a server there, or name another URL. For nvidia/Cosmos-Reason2-2B (a GPU with 24 GB):\n"
        "    vllm serve nvidia/Cosmos-Reason2-2B --max-model-len 16384 "
        """--media-io-kwargs '{"video": {"num_frames": -1}}' --port 8000\n"""
        f"  and then: --endpoint http://127.0.0.1:8000/v1. Or now, without a server: --model {TINY}"
    )


def _the_only_one(address: Address, listing: Listing) -> Served:
    if len(listing.models) == 1 and listing.binding:
        return listing.models[0]
    names = [model.id for model in listing.models]
    told = f"It serves: {_shown(names)}." if names else "It does not say what it serves."
    raise OptionError(f"--engine endpoint needs --model NAME-AT-THE-SERVER for {address.url}. {told}")


def _shown(names: Sequence[str], most: int = 20) -> str:
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(name if name.isprintable() else repr(name) for name in names[:most]) + more


def _within(seconds: float, work: Callable[[], Result], too_late: str) -> Result:
    """Do some work with a time limit over all of it; looking a host name up cannot be interrupted otherwise."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def attempt() -> None:
        try:
            results.append(work())
        except BaseException as error:  # raised again by the thread that waits
            errors.append(error)

    thread = threading.Thread(target=attempt, name="cosmos-endpoint-check", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise ModelUnavailable(too_late)
    return results[0]
