"""What a packed data set consists of: its records, before they take the form of a format, and `pack.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import StrictStr

from pytest_cosmos.finetune.examples import Example
from pytest_cosmos.media import MediaKind, media_kind
from pytest_cosmos.prompting import Family, media_order, system_text, user_text
from pytest_cosmos.records import SCHEMA_VERSION, Case, Record

Format = Literal["jsonl", "llava", "hf"]
MEDIA = "media"
"""The folder of the media."""
MANIFEST = "pack.json"


class PackedCase(Case):
    """The case that a record was made of: what loaders ignore, and the way back needs."""

    schema_version: int = SCHEMA_VERSION


class SplitRecord(Record):
    """What there is of a split."""

    samples: int
    cases: int
    with_reasoning: int
    """Cases whose target begins with reasoning."""


class PackRecord(Record):
    """`pack.json`: what a packed data set was made of, and the hashes of its files."""

    schema_version: int = SCHEMA_VERSION
    version: StrictStr
    """Of pytest-cosmos."""
    suite: StrictStr
    title: StrictStr
    suite_digest: StrictStr
    """`Suite.digest`."""
    model: StrictStr
    """As named by `--model`."""
    family: StrictStr
    """How the prompts are worded."""
    formats: tuple[Format, ...]
    left_out: dict[StrictStr, StrictStr]
    """Formats that could not be written, and why."""
    splits: dict[StrictStr, SplitRecord]
    files: dict[StrictStr, StrictStr]
    """SHA-256 of each, by its path; of a folder of frames as a sample's `media_hash`."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One record: an example as the model is shown it."""

    id: str
    media: tuple[tuple[MediaKind, str], ...]
    """In the order in which they are shown; paths relative to `MEDIA`."""
    system: str
    """Empty: there is no system message."""
    prompt: str
    target: str
    case: Mapping[str, Any]
    """A `PackedCase`, as JSON has it."""

    def paths(self, kind: MediaKind, before: str = "") -> str | list[str] | None:
        """Return the paths of the images or of the videos: one as it is, several as a list; None: there are none."""
        found = [f"{before}{path}" for each, path in self.media if each == kind]
        return found[0] if len(found) == 1 else found or None


def packed(original: Case, example: Example, family: Family, places: Mapping[str, str]) -> Packed:
    """Make the record of an example; `places` tells where each of the suite's media went.

    Its prompt is that of `original` unless the reasoning request was left out of it.
    """
    media = original.sample.media
    kinds = [media_kind(name) for name in media]
    return Packed(
        id=original.id,
        media=tuple((kinds[place], places[media[place]]) for place in media_order(family, kinds)),
        system=system_text(family, example.case.prompt),
        prompt=user_text(family, example.case.prompt),
        target=example.response,
        case=PackedCase(**dict(original)).model_dump(mode="json"),
    )
