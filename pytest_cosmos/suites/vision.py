"""Read `vision:`, of a suite or of a prompt: how media are shown to the model."""

from __future__ import annotations

from typing import Any

from pytest_cosmos.records import Vision
from pytest_cosmos.userfiles import Node, YamlReader

_FORM = "{fps: 4, max_pixels: 262144}"
_PIXELS = ("min_pixels", "max_pixels", "total_pixels")
_KEYS = ("fps", "frames", *_PIXELS)


def read_vision(node: Node, reader: YamlReader, what: str, base: Vision) -> Vision:
    """Read what a prompt (or the suite) says of `vision`; what it does not say is as in `base`."""
    found = reader.mapping(node, what, _FORM)
    reader.known(found, _KEYS, what)
    said: dict[str, Any] = {}
    if "fps" in found:
        said["fps"] = _positive(found["fps"], reader, f"{what}: fps")
    for key in ("frames", *_PIXELS):
        if key in found:
            said[key] = reader.integer(found[key], f"{what}: {key}", least=1)
    if "fps" in found and "frames" in found:
        reader.complain(found["frames"], f"{what}: fps and frames are both given. Remove one")
    elif "fps" in found or "frames" in found:
        said = {"fps": None, "frames": None, **said}  # one way of sampling takes the place of the other
    merged = base.model_copy(update=said)
    _check_order(merged, node, reader, what)
    return merged


def _positive(node: Node, reader: YamlReader, what: str) -> float | None:
    number = reader.number(node, what)
    if number is not None and number <= 0:
        reader.complain(node, f"{what} is {node.raw}, but must be more than 0")
        return None
    return number


def _check_order(vision: Vision, node: Node, reader: YamlReader, what: str) -> None:
    for least, most in (("min_pixels", "max_pixels"), ("min_pixels", "total_pixels")):
        low, high = getattr(vision, least), getattr(vision, most)
        if low is not None and high is not None and low > high:
            reader.complain(node, f"{what}: {least} is {low}, which is more than {most}, {high}")
