"""What the local Hugging Face cache holds, without touching the network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_cosmos.engines.models import holds_weights


@dataclass(frozen=True, slots=True)
class CachedRevision:
    """One snapshot of a repository."""

    commit: str
    names: tuple[str, ...]
    """Branches and tags that stood for it when it was fetched."""
    size: int
    """Bytes on disk, those that it shares with other revisions included."""
    complete: bool
    """Whether all weights are there."""


@dataclass(frozen=True, slots=True)
class CachedRepository:
    """All that is here of one repository."""

    size: int
    """Bytes on disk."""
    revisions: tuple[CachedRevision, ...]


def cache_folder() -> Path:
    """Return where the hub's client keeps what it downloads, whether it exists or not."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def scan_cache() -> dict[str, CachedRepository]:
    """Return the cached models by repository; none where there is no cache, or none that can be read."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        found = scan_cache_dir()
    except (CacheNotFound, OSError, ValueError):  # ValueError: the folder is a file
        return {}
    return {
        repository.repo_id: CachedRepository(
            size=repository.size_on_disk,
            revisions=tuple(
                CachedRevision(
                    commit=revision.commit_hash,
                    names=tuple(sorted(revision.refs)),
                    size=revision.size_on_disk,
                    complete=holds_weights(revision.snapshot_path),
                )
                for revision in sorted(repository.revisions, key=lambda r: (-r.last_modified, r.commit_hash))
            ),
        )
        for repository in sorted(found.repos, key=lambda r: r.repo_id)
        if repository.repo_type == "model"
    }
