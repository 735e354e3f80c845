"""What an adapter says that it was trained on: finetune.json beside its weights."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from pytest_cosmos.errors import RunFolderError

FILE = "finetune.json"


class _Trained(BaseModel):
    """The part of the record that a test must know; the rest is fine-tuning's own."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    trained_on: dict[StrictStr, dict[StrictStr, tuple[StrictStr, ...]]]


def trained_on(adapter: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the hashes of the media that an adapter was trained on, by suite and split.

    Empty: it does not say, or is not there any more. RunFolderError where its record is broken.
    """
    path = adapter / FILE
    if not path.is_file():
        return {}
    try:
        return _Trained.model_validate_json(path.read_bytes()).trained_on
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise RunFolderError(f"{path}: does not say what the adapter was trained on: {where}.") from None
