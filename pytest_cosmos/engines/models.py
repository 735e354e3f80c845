"""From the name of a model to the folder that holds its weights.

A checkpoint folder is data: nothing in it is ever executed, and weights are safetensors only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_cosmos.errors import ModelUnavailable, OptionError, suggest
from pytest_cosmos.tiny import CHECKPOINT

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_WEIGHTS = "*.safetensors"
# No pickles, no Python: what `from_pretrained` needs of a model that is no code.
_FILES: Final = (_WEIGHTS, "*.json", "*.jinja", "*.txt", "*.model")
_HUB_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class HubModel:
    """What is known beforehand of a model on the Hugging Face hub."""

    repository: str
    gated: bool = False
    """Its terms must be accepted on the hub before it can be downloaded."""
    download: str = ""
    """How much there is to download, in words."""
    memory: str = ""
    """GPU memory it wants, in words."""


# Sizes and memory: the READMEs of nvidia-cosmos/cosmos-reason1 and cosmos-reason2; 32B: not stated there.
SHORT_NAMES: Final[dict[str, HubModel]] = {
    "reason1": HubModel("nvidia/Cosmos-Reason1-7B", download="about 17 GB", memory="24 GB"),
    "reason2": HubModel("nvidia/Cosmos-Reason2-2B", gated=True, download="about 5 GB", memory="24 GB"),
    "reason2-8b": HubModel("nvidia/Cosmos-Reason2-8B", gated=True, download="about 18 GB", memory="32 GB"),
    "reason2-32b": HubModel(
        "nvidia/Cosmos-Reason2-32B",
        gated=True,
        download="about 66 GB",
        memory="more than 80 GB, all GPUs together",
    ),
}
TINY: Final = "tiny"


@dataclass(frozen=True, slots=True)
class Located:
    """Where a model named on the command line is to be had."""

    name: str
    """As named on the command line."""
    path_or_id: str
    """A local folder, or the repository on the hub."""
    hub: bool
    revision: str | None = None


def locate(name: str) -> Located:
    """Tell where the model `name` is, without touching the network.

    `tiny`, a short name, a hub id `org/name` or a local folder; those on the hub with an optional
    `@revision`. OptionError where it is none of them, or a folder that is no checkpoint.
    """
    if _is_folder(name):
        return Located(name, str(_checked_folder(name, Path(name).expanduser())), hub=False)
    base, _, revision = name.partition("@")
    if base == TINY:
        return Located(name, str(CHECKPOINT), hub=False) if not revision else _refuse_revision(name, base)
    if base in SHORT_NAMES:
        return Located(name, SHORT_NAMES[base].repository, hub=True, revision=revision or None)
    if _HUB_ID.fullmatch(base):
        return Located(name, base, hub=True, revision=revision or None)
    if revision and Path(base).expanduser().is_dir():
        return _refuse_revision(name, base)
    raise OptionError(_unknown_name(name, base))


def fetch(located: Located) -> Path:
    """Return the local folder of a model: the cached snapshot, or else downloaded now.

    ModelUnavailable, within seconds, where it is not here and cannot be had.
    """
    if not located.hub:
        return Path(located.path_or_id)
    from huggingface_hub.errors import HFValidationError

    try:
        folder = cached(located) or _download(located)
    except HFValidationError as error:
        raise OptionError(f"--model {located.name}: {error}") from None
    if not list(folder.glob(_WEIGHTS)):
        raise ModelUnavailable(_no_safetensors(located.name, located.path_or_id))
    return folder


def cached(located: Located) -> Path | None:
    """Return the complete snapshot in the local Hugging Face cache, if there is one."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(
            snapshot_download(
                located.path_or_id, revision=located.revision, local_files_only=True, allow_patterns=list(_FILES)
            )
        )
    except OSError:  # its LocalEntryNotFoundError is one
        return None
    # A folder of which only the configuration was ever fetched is no model.
    return folder if list(folder.glob(_WEIGHTS)) else None


def _download(located: Located) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    # The HTTP library's root error, whichever library (httpx, httpx2) this release of the hub's client uses.
    http_error: type[Exception] = next(
        base for base in HfHubHTTPError.__mro__ if issubclass(base, Exception) and base.__name__ == "HTTPError"
    )
    try:
        # Asked first and with a short time limit: the download itself may wait and try again for long.
        sha = HfApi().model_info(located.path_or_id, revision=located.revision, timeout=_HUB_SECONDS).sha
        return Path(snapshot_download(located.path_or_id, revision=sha, allow_patterns=list(_FILES)))
    except (http_error, OSError) as error:
        raise ModelUnavailable(unavailable(located, _reason(error))) from error


def unavailable(located: Located, reason: str) -> str:
    """Say in one message which weights are missing, why, and what to do."""
    repository = located.path_or_id
    known = next((model for model in SHORT_NAMES.values() if model.repository == repository), HubModel(repository))
    pinned = f" --revision {located.revision}" if located.revision else ""
    lines = [f"--model {located.name} needs the weights of {repository}, which are not here: {reason}."]
    facts = [f"download {known.download}"] if known.download else []
    facts += [f"GPU memory {known.memory}"] if known.memory else []
    if known.gated:
        facts.append("gated: accept its terms on its Hugging Face page first")
    if facts:
        lines.append(f"  Wanted: {'; '.join(facts)}.")
    lines.append(f"  Get it: hf auth login && hf download {repository}{pinned}")
    lines.append(f"  Or now, without it: --model {TINY} (embedded, runs on a CPU).")
    return "\n".join(lines)


def _reason(error: Exception) -> str:
    """Name the cause in a few words; the hub's own texts are long and speak of its internals."""
    from huggingface_hub.errors import (
        GatedRepoError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    match error:
        case OfflineModeIsEnabled():
            return "HF_HUB_OFFLINE is set"
        case GatedRepoError():
            return "access to it has not been granted to you, or you are not logged in"
        case RepositoryNotFoundError():
            return "the hub does not know it, or you are not logged in"
        case RevisionNotFoundError():
            return "the hub has no such revision of it"
        case _:
            return f"the hub could not be reached ({type(error).__name__})"


def _is_folder(name: str) -> bool:
    """Tell a folder from other names; `org/name` is one where such a folder exists."""
    if name == TINY or name in SHORT_NAMES:
        return False
    looks_like_one = name.startswith((".", "~", "/")) and "@" not in name
    return looks_like_one or Path(name).expanduser().is_dir()


def _checked_folder(name: str, folder: Path) -> Path:
    if not folder.is_dir():
        raise OptionError(f"--model {name}: there is no such folder.")
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        raise OptionError(f"--model {name}: holds a LoRA adapter, not a model. Name the model it was trained on.")
    if not (folder / "config.json").is_file():
        raise OptionError(
            f"--model {name}: holds no config.json, so it is no checkpoint as `save_pretrained` writes it."
        )
    if not list(folder.glob(_WEIGHTS)):
        raise OptionError(_no_safetensors(name, str(folder)))
    return folder.resolve()


def _no_safetensors(name: str, where: str) -> str:
    return (
        f"--model {name}: {where} holds no {_WEIGHTS} file. Weights in other formats (pickles) can run code when they "
        "are read, so they are refused. Save it again: model.save_pretrained(folder, safe_serialization=True)"
    )


def _refuse_revision(name: str, base: str) -> Located:
    raise OptionError(f"--model {name}: {base} is on this machine and has no revisions. Write: --model {base}")


def _unknown_name(name: str, base: str) -> str:
    names = (TINY, *SHORT_NAMES)
    return (
        f"--model {name}: there is no model of that name.{suggest(base, names)}\n"
        f"  Names: {', '.join(names)}; or a Hugging Face id `org/name`, each with an optional @revision; "
        "or a folder with config.json and safetensors weights."
    )
