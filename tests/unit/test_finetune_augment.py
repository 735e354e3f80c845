"""Domain randomization: deterministic, of the same size, and never at the crack's cost."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from pytest_cosmos.finetune.augment import Augmentation, augment, contact_sheet
from pytest_cosmos.finetune.augment_apply import coverage, moved, vary
from pytest_cosmos.finetune.augment_draw import Shadow, Variation, draw
from pytest_cosmos.media import load_image
from tests.unit.finetune_suites import FLOORS
from tools.augment_floors import cracked, kept

SINGLE = ("lighting", "colour", "blur", "noise", "perspective", "shadows", "occlusion")


def only(**strengths: float) -> Augmentation:
    return Augmentation(strength=1, **{name: strengths.get(name, 0.0) for name in SINGLE})


def picture(height: int = 64, width: int = 64) -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(90, 150, (height, width, 3)).astype(np.uint8))


def thin_line() -> tuple[Image.Image, np.ndarray[tuple[int, int], np.dtype[np.bool_]]]:
    """Draw a dark line of one pixel across a bright floor."""
    pixels = np.full((128, 128, 3), 160, np.uint8)
    mask = np.zeros((128, 128), np.bool_)
    mask[64] = True
    pixels[mask] = 80
    return Image.fromarray(pixels), mask


@given(
    height=st.integers(1, 50),
    width=st.integers(1, 50),
    seed=st.integers(0, 2**63),
    strength=st.floats(0, 1),
    whole=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_any_picture_keeps_its_size(height: int, width: int, seed: int, strength: float, whole: bool) -> None:
    config = Augmentation(strength=strength, flips=whole, turns=whole)
    varied = augment(picture(height, width), config, seed)

    assert (varied.size, varied.mode) == ((width, height), "RGB")


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_any_mode_becomes_rgb(mode: str) -> None:
    assert augment(picture().convert(mode), Augmentation(), 1).mode == "RGB"


def test_the_seed_decides_alone() -> None:
    config = Augmentation(strength=1, flips=True, turns=True)
    threads = torch.get_num_threads()
    made = []
    try:
        for count, disturbed in ((1, 5), (2, 77)):
            torch.set_num_threads(count)
            torch.manual_seed(disturbed)
            random.seed(disturbed)
            np.random.seed(disturbed)
            before = torch.get_rng_state()
            made.append([augment(picture(128, 130), config, seed).tobytes() for seed in range(6)])
            assert torch.equal(before, torch.get_rng_state())
    finally:
        torch.set_num_threads(threads)

    assert made[0] == made[1]
    assert len(set(made[0])) == 6


def test_strength_nought_changes_nothing() -> None:
    for config in (Augmentation(strength=0), only()):
        assert all(augment(picture(), config, seed).tobytes() == picture().tobytes() for seed in range(10))


@pytest.mark.parametrize("name", SINGLE)
def test_each_strength_changes_by_itself(name: str) -> None:
    changed = [augment(picture(), only(**{name: 1}), seed).tobytes() != picture().tobytes() for seed in range(20)]

    assert any(changed)


def test_a_higher_strength_changes_more() -> None:
    def difference(strength: float) -> float:
        varied = [np.asarray(augment(picture(), Augmentation(strength=strength), s), np.float64) for s in range(20)]
        return float(np.mean([np.abs(one - np.asarray(picture())).mean() for one in varied]))

    assert 0 < difference(0.2) < difference(0.5) < difference(1)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan"), float("inf"), "much"])
@pytest.mark.parametrize("name", ["strength", *SINGLE])
def test_strengths_are_held_to_their_range(name: str, wrong: object) -> None:
    with pytest.raises(ValidationError, match=name):
        Augmentation.model_validate({name: wrong})


def test_unknown_strengths_are_refused() -> None:
    with pytest.raises(ValidationError, match="crop"):
        Augmentation.model_validate({"crop": 0.5})


def test_directions_are_kept_unless_asked_otherwise() -> None:
    """Dark on the left stays dark on the left: reasonings say where a crack runs."""
    pixels = np.full((64, 64, 3), 190, np.uint8)
    pixels[:, :32] = 60
    sides = []
    for config in (Augmentation(), Augmentation(flips=True), Augmentation(turns=True)):
        varied = (np.asarray(augment(Image.fromarray(pixels), config, seed), np.float64) for seed in range(30))
        sides.append({bool(one[:, :32].mean() < one[:, 32:].mean() - 40) for one in varied})

    assert sides == [{True}, {True, False}, {True, False}]
    assert [Augmentation(flips=f, turns=t).keeps_directions for f, t in ((0, 0), (1, 0), (0, 1))] == [
        True,
        False,
        False,
    ]


def test_turns_of_oblong_pictures_are_half_turns() -> None:
    quarters = {draw(Augmentation(turns=True), (40, 60), seed).quarters for seed in range(40)}

    assert quarters == {0, 2}


def test_tilting_takes_each_corner_to_its_place_and_loses_none() -> None:
    pixels = np.full((60, 90, 3), 200, np.uint8)
    for y, x in ((0, 0), (0, 86), (56, 86), (56, 0)):
        pixels[y : y + 4, x : x + 4] = 0
    corners = ((4.0, 2.0), (87.0, 3.0), (86.0, 56.0), (1.0, 58.0))

    varied = np.asarray(vary(Image.fromarray(pixels), Variation((60, 90), corners=corners)))

    assert [int(varied[round(y), round(x), 0]) < 60 for x, y in corners] == [True] * 4
    assert float((varied == 200).mean()) > 0.9  # its border is mirrored, not filled with black


def test_corners_only_move_inwards() -> None:
    for seed in range(200):
        corners = draw(only(perspective=1), (50, 100), seed).corners
        for (x, y), (u, v) in zip(corners, ((0, 0), (99, 0), (99, 49), (0, 49)), strict=False):
            assert 0 <= (x - u if u == 0 else u - x) <= 2.5
            assert 0 <= (y - v if v == 0 else v - y) <= 2.5


def test_a_mask_stays_uncovered() -> None:
    """Small marks that patches of this size could hide."""
    mask = np.zeros((128, 128), np.bool_)
    mask[30:34, 20:110:30] = mask[90:94, 20:110:30] = True
    hidden = {True: 0.0, False: 0.0}
    for seed in range(200):
        for given_mask in hidden:
            how = draw(Augmentation(strength=1), (128, 128), seed, mask if given_mask else None)
            share = float(coverage(how)[moved(mask, how)].mean())
            hidden[given_mask] = max(hidden[given_mask], share)

    assert hidden[True] <= 0.1 < hidden[False]  # it matters that it is told of the mask


def test_a_mask_of_single_pixels_stays_uncovered() -> None:
    mask = np.zeros((128, 128), np.bool_)
    mask[40, 40] = True
    for seed in range(150):
        how = draw(only(occlusion=1, perspective=1), (128, 128), seed, mask)
        assert not (coverage(how) & moved(mask, how, part=0.2)).any()


def test_a_mask_of_another_size_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"\(3, 4\) for a picture of \(64, 64\)"):
        augment(picture(), Augmentation(), 0, np.zeros((3, 4), np.bool_))


def test_patches_leave_half_of_what_is_longer_than_two() -> None:
    for seed in range(200):
        hidden = coverage(draw(only(occlusion=1), (128, 128), seed))
        for start in range(0, 112, 4):
            assert hidden[:, start : start + 16].all(axis=1).sum() == 0
            assert hidden[start : start + 16].mean(axis=0).max() <= 0.6


def test_a_line_of_one_pixel_is_never_lost() -> None:
    image, mask = thin_line()
    for seed in range(60):
        how = draw(only(blur=1, noise=1, perspective=1, shadows=1, lighting=1), (128, 128), seed)
        grey = np.asarray(vary(image, how)).mean(axis=2)
        line = moved(mask, how)
        beside = np.roll(line, 6, axis=0)
        before = 0.5  # 160 and 80
        assert 1 - grey[line].mean() / grey[beside].mean() > 0.4 * before, seed


def test_shadows_are_wide_and_soft() -> None:
    """From one pixel to the next light never changes by more than a soft edge does."""
    flat = Image.new("RGB", (128, 128), (150, 150, 150))
    steepest = 0.0
    for seed in range(100):
        how = draw(only(shadows=1), (128, 128), seed)
        grey = np.asarray(vary(flat, how), np.float64).mean(axis=2)
        steepest = max(steepest, np.abs(np.diff(grey, axis=0)).max(), np.abs(np.diff(grey, axis=1)).max())

    assert 1 < steepest <= 15


def test_bright_pictures_are_not_washed_out() -> None:
    bright = Image.new("RGB", (64, 64), (230, 230, 230))
    assert np.asarray(vary(bright, Variation((64, 64), exposure=3.0))).max() < 254


def test_dark_pictures_are_not_blackened() -> None:
    dark = Image.new("RGB", (64, 64), (60, 60, 60))
    assert np.asarray(vary(dark, Variation((64, 64), exposure=0.1))).min() > 45


def test_a_shadow_is_darkest_inside() -> None:
    shadow = Shadow(angle=0.0, begins=-0.2, width=0.4, bend=0.0, penumbra=0.2, depth=0.5)
    row = np.asarray(vary(Image.new("RGB", (100, 100), (200, 200, 200)), Variation((100, 100), shadows=(shadow,))))[50]

    assert [int(row[x, 0]) for x in (0, 50, 99)] == [200, 100, 200]


def test_frames_of_one_seed_are_varied_alike() -> None:
    config = Augmentation(strength=1)
    assert draw(config, (40, 60), 5) == draw(config, (40, 60), 5) != draw(config, (40, 60), 6)


def test_floors_keep_their_cracks() -> None:
    for seed, tile in enumerate(cracked(8)):
        found = kept(tile, Augmentation(), seed, masked=True)
        assert found.uncovered >= 0.9
        assert found.contrast >= 0.55


def test_contact_sheet(tmp_path: Path) -> None:
    image = load_image(FLOORS / "media" / "train" / "floor-train-0001.jpg")
    contact_sheet([[image, image.resize((400, 200))], [image]], tmp_path / "sheet.jpg")

    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert (sheet.format, sheet.size) == ("JPEG", (2 * 198 + 6, 2 * 198 + 6))
        assert sheet.getpixel((300, 300)) == (255, 255, 255)
    with pytest.raises(ValueError, match="no pictures"):
        contact_sheet([[]], tmp_path / "none.jpg")
