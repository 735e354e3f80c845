"""What is to be trained on what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_cosmos.settings import Settings


@dataclass(frozen=True, slots=True)
class FinetuneRequest:
    """What is to be trained on what."""

    settings: Settings
    """Names the model, and how it is loaded: as it is in evaluation."""
    suite: Path
    """The folder of the suite."""
    out: Path
    """The adapter's folder, which is made."""
    config: Path | None = None
    """finetune.yaml; None: what is usual for the model."""
    resume: bool = False
    """Go on with a run that was stopped."""
    shares: int = 1
    """In so many processes of this machine each batch is shared; this is asked of one of them."""
