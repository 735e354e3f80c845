"""A run beside the runs it is compared with: from their folders to pairs, differences and what to know of them."""

from __future__ import annotations

from pytest_cosmos.comparing.beside import (
    Beside,
    base_among,
    baselines_of,
    beside,
    compared_anew,
    compared_so_far,
    looser_since,
    relative_to,
)

__all__ = [
    "Beside",
    "base_among",
    "baselines_of",
    "beside",
    "compared_anew",
    "compared_so_far",
    "looser_since",
    "relative_to",
]
