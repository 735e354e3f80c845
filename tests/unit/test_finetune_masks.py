"""Masks that a suite names in a column of its own: found, checked against their pictures, and spared in training."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from pytest_cosmos.engines.transformers_inputs import Preparer
from pytest_cosmos.errors import OptionError, Problems
from pytest_cosmos.finetune.augment import Augmentation
from pytest_cosmos.finetune.augment_apply import coverage, vary
from pytest_cosmos.finetune.augment_draw import draw
from pytest_cosmos.finetune.batches import Collator, Drawn
from pytest_cosmos.finetune.examples import examples
from pytest_cosmos.finetune.masks import find_masks, load_mask, masks_digest
from pytest_cosmos.finetune.recipe import Recipe
from pytest_cosmos.finetune.running import lessons_of, plan_of, show_pictures
from pytest_cosmos.media import load_image
from pytest_cosmos.records import Sample
from pytest_cosmos.suites import Suite, read_suite
from tests.unit.finetune_builders import loaded, write_floors

ALL = ("train", "validation", "test")
THINGS = Augmentation(
    strength=1, lighting=0, colour=0, blur=0, noise=0, perspective=0, shadows=0, occlusion=1, masks="mask"
)
SEED = 11
HIDDEN = coverage(draw(THINGS, (128, 128), SEED))


def write_masked(folder: Path, folder_of_masks: str = "masks") -> Path:
    """Write a suite whose first eight training tiles have masks: what things hide in the variation `SEED`."""
    suite = write_floors(folder)
    manifest = (suite / "suite.yaml").read_text(encoding="utf-8")
    assert "columns: [" in manifest
    (suite / "suite.yaml").write_text(manifest.replace("columns: [", "columns: [mask, "), encoding="utf-8")
    with (suite / "samples.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    marked = HIDDEN.astype(np.uint8)  # 0 and 1, as some tools write masks: not black, though it looks so
    (suite / "masks").mkdir()
    for row in rows:
        row["mask"] = ""
    for row in [row for row in rows if row["split"] == "train"][:8]:
        row["mask"] = f"{folder_of_masks}/{Path(row['file']).stem}.png"
        Image.fromarray(marked).save(suite / "masks" / Path(row["mask"]).name)
    with (suite / "samples.csv").open("w", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return suite


def read(folder: Path) -> Suite:
    return read_suite(folder, split="train", decode=ALL)


def trained_on(suite: Suite) -> list[Sample]:
    return [sample for sample in suite.samples if sample.split == "train"]


def test_samples_with_a_mask_are_found(tmp_path: Path) -> None:
    suite = read(write_masked(tmp_path))
    samples = trained_on(suite)

    found = find_masks(suite, samples, "mask")

    assert list(found) == [sample.id for sample in samples[:8]]
    assert HIDDEN.sum() > 20
    assert np.array_equal(load_mask(found[samples[0].id]), HIDDEN)


def test_a_column_that_the_suite_has_not_is_a_mistake(tmp_path: Path) -> None:
    suite = read(write_masked(tmp_path))

    with pytest.raises(
        OptionError, match=r"masks is 'masks'.* Allowed: mask, severity, traversable\. Did you mean 'mask'\?"
    ):
        find_masks(suite, suite.samples, "masks")
    with pytest.raises(OptionError, match="no training sample of floors names a mask in it"):
        find_masks(suite, trained_on(suite)[8:], "mask")
    plain = read(write_floors(tmp_path / "plain"))
    with pytest.raises(OptionError, match=r"Allowed: severity, traversable\."):
        find_masks(plain, plain.samples, "mask")


def spoil_missing(suite: Path, masks: list[Path]) -> None:
    masks[0].rename(masks[0].with_stem("else"))


def spoil_size(suite: Path, masks: list[Path]) -> None:
    Image.new("L", (64, 128)).save(masks[0])


def spoil_content(suite: Path, masks: list[Path]) -> None:
    masks[0].write_bytes(b"no picture")


def spoil_kind(suite: Path, masks: list[Path]) -> None:
    masks[0].unlink()
    masks[0].mkdir()
    shutil.copy(masks[1], masks[0])


def spoil_nothing(suite: Path, masks: list[Path]) -> None:
    Image.new("L", (128, 128)).save(masks[0])


def spoil_inverted(suite: Path, masks: list[Path]) -> None:
    Image.fromarray(~HIDDEN).save(masks[0])


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_nothing, "marks nothing. Not marked is what is black, transparent, or"),
        (spoil_inverted, "marks 100 % of its picture: is it inverted?"),
        (spoil_missing, "does not exist"),
        (spoil_size, "is 64 x 128 px large, and its picture 'media/train/"),
        (spoil_content, "is corrupt"),
        (spoil_kind, "is a folder"),
    ],
)
def test_every_mask_that_is_none_is_told(tmp_path: Path, spoil: Callable[[Path, list[Path]], None], told: str) -> None:
    folder = write_masked(tmp_path)
    suite = read(folder)
    first, second, *_ = trained_on(suite)
    masks = [folder / sample.fields["mask"] for sample in (first, second)]
    masks[1].write_bytes(b"")
    spoil(folder, [masks[0], folder / trained_on(suite)[2].fields["mask"]])

    with pytest.raises(Problems) as raised:
        find_masks(suite, suite.samples, "mask")

    assert [line.split(": sample ")[0] for line in raised.value.lines] == [str(folder / "samples.csv")] * 2
    assert f"sample '{first.id}': mask '{first.fields['mask']}' {told}" in raised.value.lines[0]
    assert second.id in raised.value.lines[1]


def palette(colours: list[int], indices: NDArray[np.uint8]) -> Image.Image:
    picture = Image.fromarray(indices).convert("L")
    picture.putpalette(colours)
    return picture


MARKED = np.zeros((8, 6), np.uint8)
MARKED[2:4, 1:5] = 1
RED = np.stack([MARKED * 255, MARKED * 0, MARKED * 0], axis=2)


@pytest.mark.parametrize(
    "mask",
    [
        Image.fromarray(MARKED),
        Image.fromarray(MARKED * 255),
        Image.fromarray(MARKED.astype(bool)),
        Image.fromarray(MARKED.astype(np.uint16)),
        Image.fromarray(RED),
        Image.fromarray(np.dstack([RED, MARKED * 90])),
        Image.fromarray(np.dstack([np.full_like(RED, 200), MARKED * 255])),
        Image.fromarray(np.dstack([np.full_like(MARKED, 200), MARKED * 255])),
        palette([68, 1, 84, 253, 231, 37], MARKED),
        palette([0, 0, 0, 128, 0, 0], MARKED),
    ],
    ids=["1", "255", "bits", "16 bits", "red", "alpha, black", "alpha", "grey alpha", "viridis", "VOC"],
)
def test_masks_as_tools_write_them(tmp_path: Path, mask: Image.Image) -> None:
    mask.save(tmp_path / "mask.png")
    assert np.array_equal(load_mask(tmp_path / "mask.png"), MARKED == 1)


def test_an_index_that_is_transparent_and_a_mask_on_its_side(tmp_path: Path) -> None:
    clear = MARKED * 2
    clear[5] = 3
    palette([0, 0, 0, *[255] * 9], clear).save(tmp_path / "clear.png", transparency=3)
    turned = Image.fromarray(MARKED * 255)
    exif = turned.getexif()
    exif[0x0112] = 3  # upside down
    turned.save(tmp_path / "turned.png", exif=exif)

    assert np.array_equal(load_mask(tmp_path / "clear.png"), MARKED == 1)
    assert np.array_equal(load_mask(tmp_path / "turned.png"), MARKED[::-1, ::-1] == 1)


def test_a_mask_for_the_press(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 0, 0, 255)).save(tmp_path / "mask.jpg")
    assert not load_mask(tmp_path / "mask.jpg").any()


def test_a_mask_may_not_lie_outside_of_the_suite(tmp_path: Path) -> None:
    suite = read(write_masked(tmp_path, "../masks"))

    with pytest.raises(Problems, match=r"leaves the suite's folder"):
        find_masks(suite, suite.samples, "mask")


def test_only_one_picture_can_have_a_mask(tmp_path: Path) -> None:
    suite = read(write_masked(tmp_path))
    first, second, *_ = trained_on(suite)
    both = first.model_copy(update={"id": "both", "media": (*first.media, *second.media)})
    film = second.model_copy(update={"media": ("drive.mp4",)})
    framed = first.model_copy(update={"id": "framed", "fields": {"mask": "media/train"}})

    with pytest.raises(Problems) as raised:
        find_masks(suite, [both, film, framed], "mask")

    *several, frames = raised.value.lines
    assert len(several) == 2
    assert all("Only samples of one picture can have one" in line for line in several)
    assert "mask 'media/train' is no picture. Allowed: .png" in frames


def test_what_lies_about_spares_the_mask(tmp_path: Path) -> None:
    suite = read(write_masked(tmp_path))
    model = loaded(tmp_path)
    masks = find_masks(suite, trained_on(suite), "mask")
    example = examples(suite, "train", model.family)[0]
    spared = draw(THINGS, (128, 128), SEED, load_mask(masks[example.case.sample.id]))
    assert (coverage(spared) & HIDDEN).sum() <= HIDDEN.sum() / 10

    told = Collator(model, {suite.name: suite.folder}, vary=THINGS, masks=masks)([Drawn(example, SEED)])
    untold = Collator(model, {suite.name: suite.folder}, vary=THINGS)([Drawn(example, SEED)])

    assert not torch.equal(told["pixel_values"], untold["pixel_values"])
    picture = vary(load_image(suite.folder / example.case.sample.media[0]), spared)
    expected = Preparer(model, {suite.name: suite.folder}, ()).prepare([example.case], lambda _case, _picture: picture)
    assert expected.inputs is not None
    assert torch.equal(told["pixel_values"], expected.inputs.media["pixel_values"])


def test_masks_belong_to_what_a_run_is_made_of(tmp_path: Path) -> None:
    folder = write_masked(tmp_path)
    recipe, model = Recipe(augment=THINGS), loaded(tmp_path)
    lessons = lessons_of(read(folder), model, recipe)
    plan = plan_of(lessons, model, recipe, tmp_path)
    show_pictures(tmp_path, lessons, recipe)
    sheet = (tmp_path / "pictures.jpg").read_bytes()

    corner = np.zeros((128, 128), np.uint8)
    corner[:20, :20] = 255
    for sample in trained_on(lessons.suite)[:8]:
        Image.fromarray(corner).save(folder / sample.fields["mask"])
    other = plan_of(lessons_of(read(folder), model, recipe), model, recipe, tmp_path)
    (tmp_path / "pictures.jpg").unlink()
    show_pictures(tmp_path, lessons, recipe)

    assert len(plan.masks) == 64
    assert plan.masks != other.masks
    assert plan == other.model_copy(update={"masks": plan.masks})
    assert (tmp_path / "pictures.jpg").read_bytes() != sheet
    assert masks_digest({}) == ""
    assert lessons_of(read(folder), model, Recipe()).masks == {}
