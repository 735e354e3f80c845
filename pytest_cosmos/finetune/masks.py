"""Masks of what a label is about, where a suite has them: what lies about in a varied picture must not hide it.

They are pictures in the suite's folder, of the size of those that they belong to. Not marked is what is black in them,
transparent, or of the first colour of a palette. A column of the suite's own names them, and finetune.yaml that column:
augment: {masks: mask}.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_cosmos.errors import OptionError, Problems, suggest
from pytest_cosmos.media import IMAGE_TYPES, MISSING, media_hash, media_kind
from pytest_cosmos.media.images import image_size, load_stored
from pytest_cosmos.records import Sample
from pytest_cosmos.suites import Suite
from pytest_cosmos.suites.files import SuiteFolder
from pytest_cosmos.userfiles import quoted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST = 0.5
"""Part of a picture that a mask may mark: around more nothing could lie about."""


def find_masks(suite: Suite, samples: Iterable[Sample], column: str) -> dict[str, Path]:
    """Return the mask of each sample that has one, by its id; an empty cell is none.

    OptionError where the suite has no such column, Problems with every mask that is none of a sample of one picture.
    """
    if column not in suite.columns:
        listing = ", ".join(suite.columns) or f"none; name it under columns: in {suite.folder / 'suite.yaml'}"
        raise OptionError(
            f"augment: masks is {quoted(column)}, and the suite {suite.name} has no such column of its own. "
            f"Allowed: {listing}.{suggest(column, suite.columns)}"
        )
    masked = {sample.id: sample for sample in samples if sample.fields[column]}
    if not masked:
        raise OptionError(
            f"augment: masks is {quoted(column)}, and no training sample of {suite.name} names a mask in it. "
            "Fill the column in, or leave masks out."
        )
    folder = SuiteFolder(suite.folder)
    wrong = [
        f"{suite.table or suite.folder / 'suite.yaml'}: sample {quoted(name)}: {column} "
        f"{quoted(sample.fields[column])} {problem}"
        for name, sample in masked.items()
        for problem in _problems(folder, sample, sample.fields[column])
    ]
    if wrong:
        raise Problems(wrong)
    return {name: suite.folder / sample.fields[column] for name, sample in masked.items()}


def _problems(folder: SuiteFolder, sample: Sample, name: str) -> Iterator[str]:
    """Say why a file is no mask of a sample, in words that go after its name."""
    found = folder.inspect(name, decode=True)
    if found.problem:
        yield f"{found.problem}.{folder.suggestion(name)}" if found.problem == MISSING else found.problem
    elif media_kind(name) != "image" or (folder.path / name).is_dir():
        yield f"is no picture. Allowed: {', '.join(IMAGE_TYPES)}"
    elif len(sample.media) > 1 or media_kind(sample.media[0]) != "image":
        yield f"is a mask, and the sample shows {'; '.join(sample.media)}. Only samples of one picture can have one"
    else:
        size, wanted = (image_size((folder.path / each).read_bytes()) for each in (name, sample.media[0]))
        if size is not None and wanted is not None and size != wanted:
            yield f"is {_px(size)} large, and its picture {quoted(sample.media[0])} {_px(wanted)}"
        else:
            yield from _doubts(float(load_mask(folder.path / name).mean()))


def _doubts(marked: float) -> Iterator[str]:
    """Say why a mask that marks such a part of its picture protects nothing."""
    meant = "Not marked is what is black, transparent, or of the first colour of a palette"
    if not marked:
        yield f"marks nothing. {meant}. Where there is nothing to mark, leave the cell empty"
    elif marked > _MOST:
        yield f"marks {100 * marked:.0f} % of its picture: is it inverted? {meant}"


def _px(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]} px"


def load_mask(path: Path) -> NDArray[np.bool_]:
    """Read a mask (height, width): True where it marks something. OSError where it cannot be decoded.

    Values are taken as they are stored: classes are often numbered from 1, which is as good as black to the eye.
    """
    import numpy as np

    image = load_stored(path)
    if image.mode == "CMYK":  # there black is no 0
        image = image.convert("RGB")
    values = np.atleast_3d(np.asarray(image))
    marked = values[..., [band != "A" for band in image.getbands()]].any(axis=2)
    if image.has_transparency_data:
        marked &= np.asarray(image.convert("RGBA").getchannel("A")) > 0
    return np.asarray(marked)


def masks_digest(masks: Mapping[str, Path]) -> str:
    """Return the SHA-256 over all masks and whose they are; empty: there are none."""
    digest = hashlib.sha256()
    for name, path in sorted(masks.items()):
        digest.update(f"{name} {media_hash([path])}\n".encode())
    return digest.hexdigest() if masks else ""
