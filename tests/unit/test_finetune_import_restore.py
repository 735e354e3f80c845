"""What was packed is read back as it was, from every format; what contradicts itself is refused."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from pytest_cosmos.cli.check_cases import check_cases
from pytest_cosmos.errors import OptionError, Problems
from pytest_cosmos.finetune.import_cases import Importing, import_cases
from pytest_cosmos.finetune.import_write import Draft, write_suite
from pytest_cosmos.finetune.pack import Packing, pack
from pytest_cosmos.prompting import FAMILIES
from pytest_cosmos.records import AnswerKind, Prompt, Sample, Vision
from pytest_cosmos.suites import Suite, read_suite
from tests.unit.finetune_suites import cases_of, drives, floors
from tests.unit.suite_files import write_image

SPLITS = ("train", "validation")
FORMS = {"jsonl": "{}.jsonl", "llava": "llava/{}.json", "hf": "hf/{}"}


def imported(files: list[Path], out: Path, how: Importing | None = None) -> Suite:
    """Import files, and read the suite with the hashes of its media."""
    import_cases(files, out, how or Importing())
    return read_suite(out, split=None)


def there_and_back(suite: Suite, folder: Path, form: str, family: str = "reason2") -> Suite:
    """Pack a suite, and import one format's files of it."""
    pack(suite, folder / "packed", Packing(family, FAMILIES[family]))
    files = [folder / "packed" / FORMS[form].format(split) for split in SPLITS]
    return imported([file for file in files if file.exists()], folder / "again")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("make", [floors, drives])
def test_every_format_is_read_back(tmp_path: Path, make: Any, form: str) -> None:
    suite = make(tmp_path)
    again = there_and_back(suite, tmp_path, form)

    assert cases_of(again, *SPLITS) == cases_of(suite, *SPLITS)
    assert again.prompts == suite.prompts
    assert again.samples == tuple(sample for sample in suite.samples if sample.split != "test")
    assert sorted(again.columns) == sorted(suite.columns)
    assert check_cases(again.folder) == 0


@pytest.mark.parametrize("family", ["reason1", "generic"])
def test_whatever_family_it_was_worded_for(tmp_path: Path, family: str) -> None:
    suite = floors(tmp_path)
    assert cases_of(there_and_back(suite, tmp_path, "hf", family), *SPLITS) == cases_of(suite, *SPLITS)


def test_the_folder_is_read_with_its_title_wherever_it_is_moved(tmp_path: Path) -> None:
    suite = drives(tmp_path, frames=True)
    pack(suite, tmp_path / "packed", Packing("reason2", FAMILIES["reason2"]))
    shutil.move(tmp_path / "packed", tmp_path / "elsewhere")

    again = imported([tmp_path / "elsewhere"], tmp_path / "again")
    assert again.title == "Drives"
    assert cases_of(again, *SPLITS) == cases_of(suite, *SPLITS)


def test_a_data_set_is_found_with_its_media_when_both_were_moved(tmp_path: Path) -> None:
    suite = floors(tmp_path)
    pack(suite, tmp_path / "packed", Packing("reason2", FAMILIES["reason2"]))
    shutil.move(tmp_path / "packed", tmp_path / "elsewhere")

    again = imported([tmp_path / "elsewhere/hf/train"], tmp_path / "again")
    assert cases_of(again, "train") == cases_of(suite, "train")


def test_the_order_of_the_records_does_not_matter(tmp_path: Path) -> None:
    suite = floors(tmp_path)
    pack(suite, tmp_path / "packed", Packing("reason2", FAMILIES["reason2"]))
    file = tmp_path / "packed/train.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[::-2], *lines[-2::-2]]))  # also within a sample

    again = imported([file], tmp_path / "again")
    by_id = {case.id: case.model_dump(exclude={"suite"}) for case in again.cases("train")}
    assert by_id == {case.id: case.model_dump(exclude={"suite"}) for case in suite.cases("train")}


def test_the_split_may_be_another(tmp_path: Path) -> None:
    pack(floors(tmp_path), tmp_path / "packed", Packing("reason2", FAMILIES["reason2"]))
    how = Importing(split="test", media="hardlink")

    again = imported([tmp_path / "packed/validation.jsonl"], tmp_path / "again", how)
    assert {sample.split for sample in again.samples} == {"test"}
    image = tmp_path / "again" / again.samples[0].media[0]
    assert image.samefile(tmp_path / "packed" / again.samples[0].media[0])


def edited(tmp_path: Path, **changes: Any) -> list[str]:
    """Import a record with changes in it, `case.expected` for one in its case; return what is complained of."""
    pack(floors(tmp_path), tmp_path / "packed", Packing("reason2", FAMILIES["reason2"]))
    file = tmp_path / "packed/train.jsonl"
    first, *rest = file.read_text().splitlines()
    record = json.loads(first)
    for path, value in changes.items():
        *steps, last = path.split("__")
        place = record
        for step in steps:
            place = place[step]
        place[last] = value
    file.write_text("\n".join([json.dumps(record), *rest]))
    with pytest.raises(Problems) as caught:
        import_cases([file], tmp_path / "again", Importing(skip=True))
    assert not (tmp_path / "again").exists()
    return [line.partition(": record ")[2] for line in caught.value.lines]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"target": "Yes"},
            "1: is answered by 'Yes', but its case expects 'No'. Change both, or pack the suite again",
        ),
        ({"target": "<think>\nWell.\n</think>\n\nNo"}, "1: reasons otherwise than its case does."),
        (
            {"prompt": "Is it wet?"},
            "1: asks otherwise than its case does, 'Is this floor cracked? Yes or No.'.",
        ),
        (
            {"case__sample__label": "cracked"},
            "2: its case has another sample 'floor-train-0001' than record 1 of",
        ),
        (
            {"case__prompt__hazard": ""},
            "4: its case has another prompt 'binary_safety' than record 1 of train.jsonl.",
        ),
        (
            {"case__schema_version": 2},
            "1: case is of schema version 2, this pytest-cosmos reads 1. Install a newer",
        ),
        (
            {"case__sample__media": ["../../x.jpg"]},
            "1: its case has the file '../../x.jpg', which leaves the suite's",
        ),
        (
            {"case__sample__media": ["/x.jpg"]},
            "1: its case has the file '/x.jpg', which is an absolute path.",
        ),
        ({"case__sample__media": ["a.jpg", "b.jpg"]}, "1: its case has 2 media, and it shows others"),
        ({"case__surprise": 1}, "1: jsonl: case.surprise: Extra inputs are not permitted"),
        ({"case": None}, "1: has no case, unlike others. Import foreign records by themselves"),
        ({"image_path": "media/train/none.jpg"}, "1: 'media/train/none.jpg' does not exist. Looked in "),
        ({"image_path": None}, "1: has neither an image nor a video"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    found = edited(tmp_path, **changes)
    assert any(line.startswith(message) for line in found), found


def test_a_manifest_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "pack.json").write_text("{}")
    with pytest.raises(OptionError, match=r"pack\.json: cannot be read"):
        import_cases([tmp_path], tmp_path / "again", Importing())


# Any text that a table's cell, or a text of suite.yaml, keeps: no control characters, no white space around it.
words = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12).filter(
    lambda text: text == text.strip() and not set(text) & set(";|")
)
paragraphs = st.lists(words, min_size=1, max_size=3).map("\n".join)
YES_NO = st.sampled_from(("Yes", "No"))


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Draw a suite of a few samples of the training split; some are not asked every prompt."""
    mapped = Prompt(
        name="mapped",
        text=draw(paragraphs.filter(lambda text: "{" not in text)),
        kind=AnswerKind.YES_NO,
        choices=("Yes", "No"),
        expected={"x": "Yes", "y": "No", "z": ""},
        hazard=draw(st.sampled_from(("", "Yes"))),
        reasoning=draw(st.booleans()),
        system=draw(st.none() | st.just("") | paragraphs | paragraphs.map(lambda text: f"{text}\n")),
        vision=draw(st.builds(Vision, max_pixels=st.none() | st.integers(1, 10**6), fps=st.none() | st.just(1.5))),
    )
    own = Prompt(
        name="own",
        text="{question}",
        kind=AnswerKind.RATING,
        choices=("1", "2", "3"),
        expected="depth",
        tolerance=draw(st.integers(0, 1)),
        reasoning=draw(st.booleans()),
    )
    samples = tuple(
        Sample(
            id=draw(words) + str(number),
            media=(f"media/{number}.png",),
            label=draw(st.sampled_from("xyz")),
            category=draw(st.just("") | words),
            split="train",
            source=draw(st.just("") | words),
            group=draw(st.just("") | words),
            must_pass=draw(st.booleans()),
            reasoning=draw(st.just("") | paragraphs),
            fields={"question": draw(st.just("") | paragraphs), "depth": draw(st.sampled_from(("", "1", "3")))},
        )
        for number in range(draw(st.integers(1, 4)))
    )
    return Draft((mapped, own), samples, {})


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    return {f"media/{n}.png": write_image(folder / f"{n}.png", "red" if n else "blue") for n in range(4)}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draft=drafts(), form=st.sampled_from(("jsonl", "llava", "hf")), family=st.sampled_from(tuple(FAMILIES)))
def test_whatever_a_suite_says_comes_back(
    tmp_path_factory: pytest.TempPathFactory, pictures: dict[str, Path], draft: Draft, form: str, family: str
) -> None:
    folder = tmp_path_factory.mktemp("suite")
    used = {name: pictures[name] for sample in draft.samples for name in sample.media}
    write_suite(Draft(draft.prompts, draft.samples, used), folder / "drawn", "copy")
    try:
        suite = read_suite(folder / "drawn", split="train")
        pack(suite, folder / "packed", Packing(family, FAMILIES[family], (form,)))  # type: ignore[arg-type]
    except (Problems, OptionError) as error:
        event(re.sub(r"^.*(no cases in the train split|one system prompt|takes <image>).*$", r"\1", str(error)))
        assume(False)
    assert suite.prompts == draft.prompts  # what is written is read as it was

    again = imported([folder / "packed" / FORMS[form].format("train")], folder / "again")
    assert cases_of(again, "train") == cases_of(suite, "train")
    met = {case.sample.id for case in suite.cases("train")}
    assert again.samples == tuple(sample for sample in suite.samples if sample.id in met)


def test_what_is_written_by_hand_can_be_read(tmp_path: Path) -> None:
    suite = there_and_back(floors(tmp_path), tmp_path, "jsonl")

    assert suite.folder == tmp_path / "again"
    text = (tmp_path / "again/suite.yaml").read_text()
    assert yaml.safe_load(text)["prompts"]["severity"] == {
        "text": "How would you rate the hazard level of this surface from 1 (safe) to 5 (dangerous)?",
        "kind": "rating",
        "scale": [1, 5],
        "tolerance": 1,
        "expected": "severity",
        "hazard": ">= 3",
    }
