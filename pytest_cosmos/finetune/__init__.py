"""Cases of the training splits -> packed data sets and adapters.

torch, transformers and peft are imported only when something is trained or merged.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from pytest_cosmos.finetune.card import complete_card
from pytest_cosmos.finetune.record import Finetune, read_finetune
from pytest_cosmos.finetune.request import FinetuneRequest
from pytest_cosmos.settings import Settings

__all__ = ["Finetune", "FinetuneRequest", "complete_card", "finetune", "merge_adapter", "read_finetune"]


def finetune(request: FinetuneRequest, console: Console) -> Path:
    """Train an adapter, and return its folder.

    Problems, OptionError and ModelUnavailable where the request cannot be obeyed, before anything is written;
    TrainingError where training cannot go on: the epochs so far are kept.
    """
    from pytest_cosmos.finetune.running import run

    return run(request, console)


def merge_adapter(settings: Settings, adapter: Path, out: Path) -> Path:
    """Save a model with the adapter worked in into a new folder; errors as in `merging.merge_adapter`."""
    from pytest_cosmos.finetune.merging import merge_adapter as merge

    return merge(settings, adapter, out)
