"""Make a suite of the real crack tiles that COSMOS_REAL_DATA leads to, split by photograph, for fine-tuning on them.

    python -m tools.photographs FOLDER OUT          # FOLDER/cracks/labels.csv and its images; OUT is the new suite
    pytest-cosmos finetune --suite OUT --out adapters/photographs --config OUT/finetune.yaml

The tiles are of bridge decks (SDNET2018); the uncracked ones come from one photograph, 7001. So that one is cut: its
tiles up to number 80 are for training, up to 95 for validation, the rest for testing. Of the others 7004 is for
training, 7002 for validation, and 7003, 7005 and 7006 are for testing, with textures of other sources. Photographs of
one deck overlap: a crack may be in two of them, from another side.
"""

from __future__ import annotations

import csv
import re
import shutil
import sys
from pathlib import Path

_TILE = re.compile(r"(\d{4})-(\d+)\.jpg$")
_LAST_TRAINED, _FIRST_TESTED = 80, 96
_SPLITS = {"7004": "train", "7002": "validation"}

_SUITE = """\
title: Crack tiles, real
columns: [difficulty]
prompts:
  binary_safety:
    text: "Is this floor cracked? Yes or No."
    kind: yes_no
    expected: {cracked: "Yes", not cracked: "No"}
    hazard: "Yes"
"""

_RECIPE = """\
# Few pictures, no reasoning among them: the bare answer is learnt. Tiles are seen from straight above.
epochs: 12
patience: 12
learning_rate: 0.001
answer_weight: 0
hazard_weight: 1
augment: {flips: true, turns: true, blur: 0, perspective: 0, occlusion: 0, shadows: 0}
"""


def split_of(original: str) -> tuple[str, str]:
    """Return the split and the group of a tile, by the name of the tile it was."""
    match = _TILE.search(original)
    if match is None:
        return "test", original
    photograph, number = match[1], int(match[2])
    if photograph != "7001":
        return _SPLITS.get(photograph, "test"), photograph
    split = "train" if number <= _LAST_TRAINED else "test" if number >= _FIRST_TESTED else "validation"
    return split, f"7001 {split}"


def write(folder: Path, out: Path) -> None:
    """Write the suite: its pictures, its table, and a recipe."""
    source = folder / "cracks"
    with (source / "labels.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    (out / "media").mkdir(parents=True)
    with (out / "samples.csv").open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(("file", "label", "category", "split", "source", "group", "difficulty"))
        for row in rows:
            split, group = split_of(row["original"])
            name = f"media/{Path(row['file']).name}"
            shutil.copyfile(source / row["file"], out / name)
            writer.writerow((name, row["label"], row["category"], split, "real", group, row["difficulty"]))
    (out / "suite.yaml").write_text(_SUITE, encoding="utf-8")
    (out / "finetune.yaml").write_text(_RECIPE, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
