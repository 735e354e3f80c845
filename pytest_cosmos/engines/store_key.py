"""What decides a reply, as one hash: the address under which the reply store keeps it.

    key = SHA-256 of (identity: what answers, and how) x (prompt: what it is asked) x (media: their bytes)

Fails safe: whatever is not known to leave replies as they are counts. A setting of a later version is part of the
key until it is listed in `UNDECIDING`, and so is the source code of the engine, of the prompts and of the judges.
All of it is known before a model is loaded, and without importing torch.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, assert_never

import pytest_cosmos
from pytest_cosmos.engines.models import Located, locate, with_known
from pytest_cosmos.engines.store import ReplyStore
from pytest_cosmos.engines.store_device import device_kind
from pytest_cosmos.engines.transformers_load import choose_family, fingerprint
from pytest_cosmos.errors import ModelUnavailable
from pytest_cosmos.media import media_kind
from pytest_cosmos.prompting import FAMILIES, messages
from pytest_cosmos.records import ModelRecord, Prompt, Sample
from pytest_cosmos.settings import Settings

if TYPE_CHECKING:
    from pytest_cosmos.engines.endpoint_server import Served

UNDECIDING: Final = frozenset({
    # what is asked
    "root", "cases", "thresholds", "reports", "replies", "suites", "prompt_file", "limit", "shard", "time_budget",
    "baselines", "baseline", "compare_base", "only", "split",
    # what is made of replies
    "strict", "allow_partial", "gate", "ci", "calibration",
    # how it is gone about
    "batch_size", "threads", "concurrency", "timeout", "fresh", "replay_only", "store", "latency_rounds", "repeats",
    "check_determinism",
})  # fmt: skip
"""Settings that leave replies as they are."""

_OWN_PART: Final = frozenset({
    "engine", "model", "models_file", "adapter", "family", "device", "dtype", "endpoint", "media_transport", "seed",
})  # fmt: skip
"""Settings that stand in the key as what they come to."""

_LIBRARIES: Final = {
    "transformers": (
        "torch",
        "torchvision",
        "transformers",
        "tokenizers",
        "peft",
        "bitsandbytes",
        "flash-attn",
        "pillow",
        "av",
    ),
    "endpoint": ("pillow", "av"),
}
_SOURCES: Final = ("prompting", "judging", "media")
_OF_THE_CASE: Final = {"name", "text", "template", "expected", "hazard", "tolerance"}
"""Fields of a prompt that are not asked (`text` is in the messages)."""

_DTYPES_TOLD: Final = ("float32", "bfloat16", "float16")
"""Dtypes that can be foretold; others stand in the key as what was asked for, which with the weights decides them."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What answers, and how: everything but the case."""

    model: str
    """As named on the command line, or by the server; like the next not part of the hash."""
    adapter: str
    """Its folder, as named."""
    parts: Mapping[str, Any]
    remark: str = ""
    """What the user should know of how it was told; not part of the hash."""

    @property
    def family(self) -> str:
        """Name of the family, as which the model is asked and read."""
        return str(self.parts["family"])

    @property
    def digest(self) -> str:
        """The hash, hexadecimal."""
        return _digest(self.parts)

    def confirmed(self, record: ModelRecord) -> Identity:
        """Put what was loaded in the place of what was foretold."""
        if self.parts["engine"] != "transformers":
            return self
        told = {
            "weights": record.fingerprint,
            "adapter": record.adapter_fingerprint,
            "family": record.family,
            "device": record.device.partition(" ")[0].partition(":")[0],
            "dtype": record.dtype if self.parts["dtype"] in _DTYPES_TOLD else self.parts["dtype"],
        }
        return replace(self, parts={**self.parts, **told})

    @property
    def served(self) -> str | None:
        """What tells a server's model, as JSON for the store; None: no server was asked for it."""
        if self.parts["engine"] != "endpoint" or self.remark:
            return None
        return json.dumps({"id": self.parts["model"], "context": self.parts["context"], "origin": self.parts["origin"]})

    def provisional(self) -> ModelRecord:
        """Describe the model as far as it is known before it is loaded."""
        parts = self.parts
        named = {key: str(parts.get(key, "")) for key in ("engine", "family", "device", "dtype")}
        return ModelRecord(
            name=self.model,
            fingerprint=str(parts.get("weights", "")),
            adapter=self.adapter,
            adapter_fingerprint=str(parts.get("adapter", "")),
            **named,
        )


class Keys:
    """Makes the keys of cases under one identity; remembers the prompts it has rendered."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity.digest
        self._family = FAMILIES[identity.family]
        self._prompts: dict[tuple[str, tuple[str, ...]], str] = {}

    def key(self, prompt: Prompt, sample: Sample, media_hash: str) -> bytes:
        """Return the key of a sample asked a prompt; `media_hash` is that of the bytes as they are now."""
        # the type of a file, not its name, decides how it is shown
        types = tuple(Path(name).suffix.lower() for name in sample.media)
        known = (prompt.model_dump_json(), types)
        if known not in self._prompts:
            self._prompts[known] = self._asked(prompt, types)
        return hashlib.sha256(json.dumps([self._identity, self._prompts[known], media_hash]).encode()).digest()

    def _asked(self, prompt: Prompt, types: tuple[str, ...]) -> str:
        return _digest({
            "messages": messages(self._family, prompt, [media_kind(f"medium{suffix}") for suffix in types]),
            "types": types,
            "prompt": prompt.model_dump(mode="json", exclude=_OF_THE_CASE),
        })  # fmt: skip


def identify(settings: Settings) -> Identity | None:
    """Say what will answer, by engine, before anything is loaded; None: its replies are never stored.

    ModelUnavailable or OptionError where there is no telling.
    """
    remark = ""
    match settings.engine:
        case "scripted":
            return None
        case "transformers":
            settings = with_known(settings)
            parts = _weights(settings)
        case "endpoint":
            served, remark = _served(settings)
            parts = _server(settings, served)
        case _:
            assert_never(settings.engine)
    own = {
        "engine": settings.engine,
        "settings": {
            field.name: str(getattr(settings, field.name))
            for field in fields(settings)
            if field.name not in UNDECIDING | _OWN_PART
        },
        "seed": settings.seed if settings.sampling != "greedy" else None,
        "versions": _versions(settings.engine),
        "code": _code(settings.engine),
    }
    # a server may serve one model only, which then goes unnamed
    return Identity(settings.model or str(parts["model"]), str(settings.adapter or ""), {**own, **parts}, remark)


def _weights(settings: Settings) -> dict[str, Any]:
    """Tell a checkpoint by its content, and what it runs on."""
    located = locate(settings.model, settings.models_file)
    folder = _folder(located)
    config = json.loads((folder / "config.json").read_bytes())
    device = device_kind(settings.device)
    return {
        "weights": folder.name if located.hub else fingerprint(folder),
        "adapter": fingerprint(settings.adapter) if settings.adapter else "",
        "family": choose_family(settings.family, str(config.get("model_type"))),
        "device": device,
        "dtype": _dtype(settings, device, config),
    }


def _server(settings: Settings, served: Served) -> dict[str, Any]:
    """Tell a server by its URL and by the model as it calls it: it does not say which weights it has."""
    from pytest_cosmos.engines.endpoint_server import family_of_server

    return {
        "endpoint": settings.endpoint,
        "model": served.id,
        "context": served.context,
        "origin": served.origin,
        "media_transport": settings.media_transport,
        "family": family_of_server(settings, served).name,
    }


def _served(settings: Settings) -> tuple[Served, str]:
    """Return the model that a server has; for a replay, where it is gone, that which it had, and a remark."""
    from pytest_cosmos.engines.endpoint_server import Served, find_model, find_once

    if not settings.replay_only:
        return find_once(settings), ""
    try:
        return find_model(settings), ""
    except ModelUnavailable:
        known = _last_seen(settings)
        if known is None:
            raise
    served, seen = Served(**json.loads(known[0])), datetime.fromtimestamp(known[1]).astimezone()
    return served, (
        f"{settings.endpoint} does not answer: what is replayed is what {served.id} said there, last seen on "
        f"{seen:%Y-%m-%d %H:%M}."
    )


def _last_seen(settings: Settings) -> tuple[str, float] | None:
    if settings.store is None or not settings.store.exists():
        return None
    store = ReplyStore(settings.store)
    try:
        return store.server(settings.endpoint, settings.model)
    finally:
        store.close()


def _folder(located: Located) -> Path:
    """Return the folder of a checkpoint; of one on the hub the configuration is enough."""
    if not located.hub:
        return Path(located.path_or_id)
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(located.path_or_id, revision=located.revision, local_files_only=True))
    except OSError:
        folder = None
    if folder is None or not (folder / "config.json").is_file():
        raise ModelUnavailable(
            f"--model {located.name}: neither weights nor configuration of {located.path_or_id} are here, so its "
            f"stored replies cannot be told from those of another model.\n  Get its configuration: "
            f"hf download {located.path_or_id} config.json"
        )
    return folder


def _dtype(settings: Settings, device: str, config: Mapping[str, Any]) -> str:
    """Foretell the dtype as `transformers_load` will choose it, where it is as it says."""
    if settings.quantize != "none":
        return f"{settings.dtype}, quantized"
    if settings.dtype != "auto":
        return settings.dtype
    if device == "cpu":
        return "float32"
    text = config.get("text_config") or {}
    own = (source.get(key) for source in (config, text) for key in ("dtype", "torch_dtype"))
    return str(next((dtype for dtype in own if dtype), "own"))


def _versions(engine: str) -> dict[str, str]:
    found = {}
    for library in ("pytest-cosmos", *_LIBRARIES[engine]):
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


@functools.cache
def _code(engine: str) -> str:
    """Hash our own source code that makes a reply: between two releases the version says nothing of it."""
    package = Path(pytest_cosmos.__file__).parent
    files = [*package.glob(f"engines/{engine}*.py"), *(package / f"{name}.py" for name in _SOURCES)]
    files += [file for name in _SOURCES for file in (package / name).rglob("*.py")]
    digest = hashlib.sha256()
    for file in sorted(file for file in files if file.is_file()):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
