"""From the name of a model to the folder that holds its weights.

A checkpoint folder is data: nothing in it is ever executed, and weights are safetensors only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from pytest_cosmos.engines.known_models import (
    FILE_NAME,
    HUB_ID,
    TINY,
    KnownModel,
    expanded,
    is_commit,
    known_models,
    revision_problem,
)
from pytest_cosmos.errors import ModelUnavailable, OptionError, suggest
from pytest_cosmos.settings import Settings
from pytest_cosmos.tiny import CHECKPOINT

_WEIGHTS = "*.safetensors"
_INDEX = "model.safetensors.index.json"
# No pickles, no Python: what `from_pretrained` needs of a model that is no code.
_FILES: Final = (_WEIGHTS, "*.json", "*.jinja", "*.txt", "*.model")
_HUB_SECONDS = 3.0
_LEFT_OPEN: Final = ("family", "dtype", "attention")
"""Settings that models.yaml may know better where they are `auto`."""


@dataclass(frozen=True, slots=True)
class Located:
    """Where a model named on the command line is to be had."""

    name: str
    """As named on the command line."""
    path_or_id: str
    """A local folder, or the repository on the hub."""
    hub: bool
    revision: str | None = None
    known: KnownModel = field(default_factory=KnownModel)
    """What is known of it beforehand."""


def locate(name: str, models_file: Path | None = None) -> Located:
    """Tell where the model `name` is, without touching the network.

    `tiny`, a short name (built in, or of the project's `models_file`), a hub id `org/name` or a local folder; those
    on the hub with an optional `@revision`. OptionError where it is none of them, or a folder that is no checkpoint;
    Problems where the project's file has mistakes.
    """
    models = known_models(models_file)
    base, at, revision = name.partition("@")
    if name != TINY and name not in models and _is_folder(name):
        return Located(name, str(_checked_folder(name, expanded(name))), hub=False)
    if base == TINY:
        return Located(name, str(CHECKPOINT), hub=False) if not at else _refuse_revision(name, base)
    if base in models:
        return _locate_known(name, models[base], revision if at else None)
    if HUB_ID.fullmatch(base):
        known = next((replace(m, revision=None) for m in models.values() if m.repository == base), KnownModel(base))
        return _on_hub(name, known, revision if at else None)
    if at and expanded(base).is_dir():
        return _refuse_revision(name, base)
    raise OptionError(_unknown_name(name, base, models))


def _locate_known(name: str, known: KnownModel, revision: str | None) -> Located:
    if known.folder is None:
        return _on_hub(name, known, known.revision if revision is None else revision)
    if revision is not None:
        return _refuse_revision(name, name.partition("@")[0])
    return Located(name, str(_checked_folder(name, known.folder, known.where)), hub=False, known=known)


def _on_hub(name: str, known: KnownModel, revision: str | None) -> Located:
    if revision is not None and (problem := revision_problem(revision)):
        raise OptionError(f"--model {name}: what follows the @ {problem}. Or leave it out, with its @")
    if revision is not None and "@" in name and "/" in revision:
        # in a folder's name the part behind an @ is no revision, so thresholds.yaml would not take it for one
        raise OptionError(
            f"--model {name}: a revision with a '/' cannot be told from a path. Write the commit that it stands for, "
            f"or give it a name in {FILE_NAME}."
        )
    return Located(name, known.repository, hub=True, revision=revision, known=known)


def with_known(settings: Settings) -> Settings:
    """Return the settings with what is known of their model wherever the user left it open.

    OptionError and Problems as `locate`.
    """
    return filled(settings, locate(settings.model, settings.models_file).known)


def filled(settings: Settings, known: KnownModel) -> Settings:
    """Return the settings with what is known of a model in the place of every `auto`; what the user named stays."""
    return replace(settings, **{name: getattr(known, name) for name in _LEFT_OPEN if getattr(settings, name) == "auto"})


def pin_advice(located: Located, commit: str) -> str | None:
    """Say how to name exactly the weights at hand; None where they are: a later run could meet others."""
    if not located.hub or is_commit(located.revision):
        return None
    base, _, named = located.name.partition("@")
    known = located.known
    moving = f"revision {located.revision} of {located.path_or_id} is a name that" if located.revision else "it"
    lines = [f"--model {located.name} is not pinned: {moving} may stand for other weights tomorrow."]
    lines.append(f"  Pin it: --model {base}@{commit or '<commit>'}")
    if known.where and not named:
        lines.append(f"  Or in {known.where}: revision: {commit or '<commit>'}")
    return "\n".join(lines)


def fetch(located: Located) -> Path:
    """Return the local folder of a model: the cached snapshot, or else downloaded now.

    ModelUnavailable, within seconds, where it is not here and cannot be had; OptionError as `snapshot`.
    """
    if not located.hub:
        return Path(located.path_or_id)
    folder = cached(located) or _download(located)
    if not list(folder.glob(_WEIGHTS)):
        raise ModelUnavailable(_no_safetensors(located.name, located.path_or_id))
    return folder


def cached(located: Located) -> Path | None:
    """Return the complete snapshot in the local Hugging Face cache, if there is one."""
    folder = snapshot(located)
    return folder if folder is not None and holds_weights(folder) else None


def snapshot(located: Located) -> Path | None:
    """Return the folder of a model in the local Hugging Face cache, whatever is in it; None: there is none.

    OptionError where the hub could have no repository of that name.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(
            snapshot_download(
                located.path_or_id, revision=located.revision, local_files_only=True, allow_patterns=list(_FILES)
            )
        )
    except HFValidationError as error:
        raise OptionError(f"--model {located.name}: {error}") from None
    except OSError:  # its LocalEntryNotFoundError is one
        return None


def holds_weights(folder: Path) -> bool:
    """Tell whether all weights are there, not the configuration alone or a part of them."""
    return bool(list(folder.glob(_WEIGHTS))) and not missing_weights(folder)


def weights_size(folder: Path) -> int:
    """Return the bytes of the weights in a folder."""
    return sum(path.stat().st_size for path in folder.glob(_WEIGHTS))


def missing_weights(folder: Path) -> tuple[str, ...]:
    """Name the weight files that a checkpoint's index lists and that are not there."""
    index = folder / _INDEX
    if not index.is_file():
        return ()
    try:
        names = set(map(str, json.loads(index.read_bytes())["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return (_INDEX,)
    return tuple(sorted(name for name in names if not (folder / name).is_file()))


def torn_weights(folder: Path) -> tuple[str, ...]:
    """Name the weight files that are not as long as their own header says, as an interrupted copy leaves them."""
    return tuple(sorted(path.name for path in folder.glob(_WEIGHTS) if not _is_whole(path)))


def _is_whole(path: Path) -> bool:
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= size else {}
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return False
    return bool(size == 8 + length + max(ends, default=0))


Access = Literal["granted", "refused", "unknown"]


def ask_access(located: Located) -> tuple[Access, str]:
    """Ask the hub whether it would serve the model to this user; where it does not say, or not yet, why."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        # a gated repository describes itself to everybody, but hands its files only to those it knows
        url = hf_hub_url(located.path_or_id, "config.json", revision=located.revision)
        get_hf_file_metadata(url, timeout=_HUB_SECONDS)
    except (_http_error(), OSError, ValueError) as error:
        refused = isinstance(error, (GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError))
        return ("refused" if refused else "unknown"), _reason(error)
    return "granted", ""


def _http_error() -> type[Exception]:
    """Return the HTTP library's root error, whichever library (httpx, httpx2) this release of the client uses."""
    from huggingface_hub.errors import HfHubHTTPError

    return next(base for base in HfHubHTTPError.__mro__ if issubclass(base, Exception) and base.__name__ == "HTTPError")


def _download(located: Located) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    try:
        # Asked first and with a short time limit: the download itself may wait and try again for long.
        sha = HfApi().model_info(located.path_or_id, revision=located.revision, timeout=_HUB_SECONDS).sha
        return Path(snapshot_download(located.path_or_id, revision=sha, allow_patterns=list(_FILES)))
    except (_http_error(), OSError) as error:
        raise ModelUnavailable(unavailable(located, _reason(error))) from error


def unavailable(located: Located, reason: str) -> str:
    """Say in one message which weights are missing, why, and what to do."""
    known = located.known
    lines = [f"--model {located.name} needs the weights of {located.path_or_id}, which are not here: {reason}."]
    facts = [f"download about {known.download_gb:g} GB"] if known.download_gb else []
    facts += [f"GPU memory {known.memory_gb:g} GB"] if known.memory_gb else []
    if known.gated:
        facts.append("gated: accept its terms on its Hugging Face page first")
    if facts:
        lines.append(f"  Wanted: {'; '.join(facts)}.")
    lines.append(f"  Get it: hf auth login && {download_command(located)}")
    lines.append(f"  Or now, without it: --model {TINY} (embedded, runs on a CPU).")
    return "\n".join(lines)


def download_command(located: Located) -> str:
    """Write the command that fetches a model of the hub."""
    pinned = f" --revision {located.revision}" if located.revision else ""
    return f"hf download {located.path_or_id}{pinned}"


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
    looks_like_one = name.startswith((".", "~", "/")) and "@" not in name
    return looks_like_one or expanded(name).is_dir()


def _checked_folder(name: str, folder: Path, where: str = "") -> Path:
    """Return the folder of a checkpoint; `where` is the line of models.yaml that names it."""
    what = f"--model {name}: {folder} ({where})" if where else f"--model {name}:"
    if not folder.is_dir():
        raise OptionError(f"{what} is not there." if where else f"{what} there is no such folder.")
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        raise OptionError(f"{what} holds a LoRA adapter, not a model. Name the model it was trained on.")
    if not (folder / "config.json").is_file():
        raise OptionError(f"{what} holds no config.json, so it is no checkpoint as `save_pretrained` writes it.")
    if not list(folder.glob(_WEIGHTS)):
        raise OptionError(_no_safetensors(name, str(folder)))
    if missing := missing_weights(folder):
        raise OptionError(
            f"{what} is incomplete: its index names weights that are not there ({', '.join(missing[:3])}"
            f"{', …' * (len(missing) > 3)}). Copy the checkpoint again."
        )
    return folder.resolve()


def _no_safetensors(name: str, where: str) -> str:
    return (
        f"--model {name}: {where} holds no {_WEIGHTS} file. Weights in other formats (pickles) can run code when they "
        "are read, so they are refused. Save it again: model.save_pretrained(folder, safe_serialization=True)"
    )


def _refuse_revision(name: str, base: str) -> Located:
    raise OptionError(f"--model {name}: {base} is on this machine and has no revisions. Write: --model {base}")


def _unknown_name(name: str, base: str, models: Mapping[str, KnownModel]) -> str:
    names = (TINY, *models)
    return (
        f"--model {name}: there is no model of that name.{suggest(base, names)}\n"
        f"  Names: {', '.join(names)}; or a Hugging Face id `org/name`, each with an optional @revision; "
        "or a folder with config.json and safetensors weights."
    )
