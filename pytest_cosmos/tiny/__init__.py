"""The embedded default checkpoint: a small, real Qwen3-VL that looks at floors (see MODEL_CARD.md)."""

from __future__ import annotations

from pathlib import Path

CHECKPOINT: Path = Path(__file__).parent / "weights"
"""Folder that `from_pretrained` loads model and processor from; trained by `tools/tiny/`."""
