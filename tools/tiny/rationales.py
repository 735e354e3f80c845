"""What the suite's training samples give as reasoning: the words of the base, and what there is beside a crack.

No part of what the base is trained on (`phrases`): it has never seen a distractor, nor read of one. The crack comes
first, so that it is decided from the picture before another word is said.
"""

from __future__ import annotations

from tools.tiny.phrases import Truth, reasoning

NAMES: dict[str, str] = {
    "shadow": "a shadow",
    "stain": "a stain",
    "joint": "a cut joint",
    "plank_gap": "a gap between planks",
    "scratch": "a scratch",
    "wet": "a wet patch",
    "border": "something at the border",
    "texture": "a vein",
}


def rationale(truth: Truth, distractor: str | None) -> str:
    """Say what is seen, what follows from it, and what else might be taken for a crack."""
    said = reasoning(truth)
    if distractor is None:
        return said
    aside = "There is also" if truth.cracked else "What may look like one is"
    return f"{said} {aside} {NAMES[distractor]}."
