"""What an adapter says that it was trained on: finetune.json beside its weights."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from pytest_cosmos.errors import RunFolderError

FILE = "finetune.json"
_CHECKPOINTS, _PLAN = "checkpoints", "plan.json"
"""Of a training run: the folder of every epoch's adapter, and beside these what they are trained on."""


class Base(BaseModel):
    """What an adapter was trained on top of."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: StrictStr = ""
    fingerprint: StrictStr = ""


class Trained(BaseModel):
    """The part of the record that a test must know; the rest is fine-tuning's own."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    base: Base = Base()
    trained_on: dict[StrictStr, dict[StrictStr, tuple[StrictStr, ...]]]
    """Hashes of media, by suite and split."""
    suite_path: StrictStr = ""
    """The folder of the suite, relative to the project; empty: older records do not say."""
    test_media: tuple[StrictStr, ...] = ()
    """Hashes of media in which the leak guard has found no copy of these."""

    @cached_property
    def media(self) -> frozenset[str]:
        """The hashes of all media that were trained on."""
        return frozenset(
            digest for splits in self.trained_on.values() for digests in splits.values() for digest in digests if digest
        )

    @property
    def digest(self) -> str:
        """The hash of these hashes."""
        return hashlib.sha256("".join(sorted(self.media)).encode()).hexdigest()


def read_trained(adapter: Path) -> Trained | None:
    """Read what an adapter, or merged weights, were trained on; of one epoch's adapter, what its training run says.

    None: it does not say, or is not there any more. RunFolderError where its record is broken.
    """
    path = adapter / FILE
    if not path.is_file() and adapter.resolve().parent.name == _CHECKPOINTS:
        path = adapter.resolve().parent / _PLAN
    if not path.is_file():
        return None
    try:
        return Trained.model_validate_json(path.read_bytes())
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise RunFolderError(f"{path}: does not say what the adapter was trained on: {where}.") from None
