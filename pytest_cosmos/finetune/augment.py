"""Domain randomization: the same picture under other light, through another camera, from a little aside.

No label may change. Nothing is ever cropped: a picture is only tilted into its frame, and its border is mirrored. What
is laid over it is small and apart, shadows are soft and wide, blur and noise are bounded so that a crack of less than
a pixel stays in sight (figures: docs/finetune.md). Only pictures of the training split are ever given here.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, StrictStr

from pytest_cosmos.records import Record
from pytest_cosmos.runlog import write_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

_GAP = 6
_LARGEST = 192
"""px between the pictures of a contact sheet, and of the longer side of each."""


class Augmentation(Record):
    """How strongly pictures are varied in training: all together, and in each respect, from 0 (not) to 1."""

    strength: float = Field(default=0.5, ge=0, le=1)
    """Multiplies all the others."""
    lighting: float = Field(default=1, ge=0, le=1)
    """Exposure, contrast, and light that falls off to one side."""
    colour: float = Field(default=1, ge=0, le=1)
    """Saturation and white balance; hues stay near enough that a colour keeps its name."""
    blur: float = Field(default=1, ge=0, le=1)
    """Gaussian, in px: a crack may be a pixel wide however large the picture is."""
    noise: float = Field(default=1, ge=0, le=1)
    """Of the sensor, the same in all three colours."""
    perspective: float = Field(default=1, ge=0, le=1)
    """How far the corners move inwards."""
    shadows: float = Field(default=1, ge=0, le=1)
    """Wide, with soft edges: none could be taken for a crack."""
    occlusion: float = Field(default=1, ge=0, le=1)
    """Up to three small things lying about, far apart."""
    masks: StrictStr = ""
    """The suite's column that names masks of what the label is about: nothing that lies about may hide it."""
    flips: bool = False
    """Mirror half of the pictures, left to right."""
    turns: bool = False
    """Turn by quarters, for pictures from straight above; pictures that are no squares by halves."""

    @property
    def keeps_directions(self) -> bool:
        """Whether words such as "on the left" stay true; flips and turns are off unless asked for, so that they do."""
        return not (self.flips or self.turns)


def augment(image: Image.Image, config: Augmentation, seed: int, mask: NDArray[np.bool_] | None = None) -> Image.Image:
    """Vary a picture: RGB, of the same size.

    The same picture, configuration and `seed` (not negative) give the same bytes, whatever else runs in the process.
    With a `mask` (height, width) of what the label is about, at least nine tenths of it stay uncovered. Frames of a
    video given the same seed are varied alike. ValueError where the mask has not the size of the picture.
    """
    from pytest_cosmos.finetune.augment_apply import vary
    from pytest_cosmos.finetune.augment_draw import draw

    if mask is not None and mask.shape != (image.height, image.width):
        raise ValueError(f"a mask of {mask.shape} for a picture of {(image.height, image.width)} (height, width)")
    return vary(image.convert("RGB"), draw(config, (image.height, image.width), seed, mask))


def contact_sheet(rows: Sequence[Sequence[Image.Image]], path: Path) -> None:
    """Save pictures side by side as a JPEG, for the eye: each row an original and its variants.

    Larger ones are made smaller. ValueError where there is none.
    """
    from PIL import Image, ImageOps

    if not any(rows):
        raise ValueError("a contact sheet of no pictures")
    largest = min(_LARGEST, max(max(image.size) for row in rows for image in row))
    cell = largest + _GAP
    sheet = Image.new("RGB", (cell * max(map(len, rows)) + _GAP, cell * len(rows) + _GAP), "white")
    for down, row in enumerate(rows):
        for across, image in enumerate(row):
            small = image if max(image.size) <= largest else ImageOps.contain(image, (largest, largest))
            sheet.paste(small, (across * cell + _GAP, down * cell + _GAP))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=92)
    write_whole(path, buffer.getvalue())
