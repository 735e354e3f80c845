"""With which media a model's prompts may have their beginning in common: known of some models, tried on the others.

An architecture that nobody has tried may break silently where its cache is repeated: positions that count padding,
masks that look forward, features that depend on the whole text. So a few cases made up here are asked both ways when
the model is loaded, and only what is equal to plain generation is shared.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pytest_cosmos.engines.transformers_generate import KNOWN, Written, generate
from pytest_cosmos.engines.transformers_inputs import Preparer
from pytest_cosmos.engines.transformers_load import Loaded
from pytest_cosmos.media import MediaKind
from pytest_cosmos.records import AnswerKind, Case, Prompt, Sample

_KINDS: Final[tuple[MediaKind, ...]] = ("image", "video")
_SUITE: Final = "trial"
_TOKENS: Final = 8
_SIZES: Final = ((224, 160), (96, 96), (160, 336))
"""Width and height, px: several, so that prefixes differ in length where a model shows pictures in their own size."""
_FRAMES: Final = 4
_YES_NO: Final = ("Yes", "No")
_PROMPTS: Final = (
    Prompt(name="long", text="Is the left side of what you see darker than its right side?", kind=AnswerKind.YES_NO,
           choices=_YES_NO),
    Prompt(name="short", text="Is it red?", kind=AnswerKind.YES_NO, choices=_YES_NO),
    Prompt(name="rating", text="How bright is it, from 1 to 5?", kind=AnswerKind.RATING, choices=tuple("12345")),
)  # fmt: skip
"""Of several lengths, so that some are padded."""


def shared_kinds(loaded: Loaded) -> frozenset[MediaKind]:
    """Return with which media the prompts of a sample may share a prefix; a trial takes some 18 short replies."""
    if loaded.model.config.model_type in KNOWN:
        return frozenset(_KINDS)
    return frozenset(kind for kind in _KINDS if _shares(loaded, kind))


def prefix_manner(shares: Collection[MediaKind]) -> str:
    """Say for the record what is shared."""
    return f"shared ({', '.join(sorted(shares))})" if shares else "whole"


def _shares(loaded: Loaded, kind: MediaKind) -> bool:
    """Try whether prompts on such media get the same tokens from a shared prefix as each asked plainly, by itself."""
    with TemporaryDirectory() as folder:
        cases = _made_up(Path(folder), kind)
        try:
            together = _asked(loaded, Path(folder), cases, shares={kind})
            return together is not None and all(
                _equal(ours, plain, loaded.record.dtype)
                for case, ours in zip(cases, together, strict=True)
                for plain in _asked(loaded, Path(folder), [case], shares=()) or ()
            )
        except Exception:  # whatever an unknown architecture raises; what is wrong with it otherwise, its cases tell
            return False


def _asked(
    loaded: Loaded, folder: Path, cases: Sequence[Case], *, shares: Collection[MediaKind]
) -> list[Written] | None:
    """Answer the cases in one batch; None where they were to share and cannot."""
    inputs = Preparer(loaded, {_SUITE: folder}, shares).prepare(cases).inputs
    if inputs is None or inputs.shared != bool(shares):
        return None
    return generate(loaded.model, inputs, _TOKENS, lambda: False)


def _equal(ours: Written, plain: Written, dtype: str) -> bool:
    """Tell whether both wrote the same, and for the same reasons: a model may say one thing to everything."""
    import torch

    if ours.tokens != plain.tokens:
        return False
    if ours.scores is None or plain.scores is None:
        return False
    steps, width = len(plain.tokens), plain.scores.shape[1]
    # the watched tokens are padded on the left
    mine, other = ours.scores[:steps, -width:].float(), plain.scores[:steps].float()
    allowed = 1e-4 if dtype == "float32" else 3e-2
    return bool(torch.allclose(mine, other, rtol=0, atol=allowed * float(other.abs().max())))


def _made_up(folder: Path, kind: MediaKind) -> list[Case]:
    """Write pictures, or folders of frames, of gradients with noise, and return the prompts on each."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    samples = []
    for width, height in _SIZES:
        name = f"{width}x{height}"
        medium = name if kind == "video" else f"{name}.png"
        if kind == "video":
            (folder / name).mkdir()
        for frame in range(_FRAMES if kind == "video" else 1):
            ramp = np.linspace(0, 200, width)[None, :, None] + np.zeros((height, 1, 3))
            pixels = (ramp + random.integers(0, 56, ramp.shape)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / (f"{name}/{frame}.png" if kind == "video" else medium))
        samples.append(Sample(id=name, media=(medium,), label=""))
    return [
        Case(suite=_SUITE, sample=sample, prompt=prompt, expected=prompt.choices[0])
        for sample, prompt in product(samples, _PROMPTS)
    ]
